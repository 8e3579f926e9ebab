//! What is seen from inside of a simulated container.

use brokerd_domain::{
    Timestamp,
    instance::{ContainerState, InstanceName},
};

use super::{
    containers::Container,
    host::{EngineBehaviour, Volume, World},
};

fn runs(container: &Container) -> bool {
    matches!(container.status.state, ContainerState::Running { .. })
}

impl World {
    fn volume_at(&mut self, name: &InstanceName, path: &str) -> Option<&mut Volume> {
        let container = self.containers.get(name).filter(|container| runs(container))?;
        let (_, owner, role) =
            container.mounts.iter().find(|(mount, ..)| path.starts_with(mount.as_str()))?;
        self.volumes.get_mut(&(owner.clone(), *role))
    }

    /// The content of a file: what was written last, or what was put there before the start.
    pub fn read(&mut self, name: &InstanceName, path: &str) -> Option<String> {
        if let Some(written) = self.volume_at(name, path)?.written.get(path) {
            return Some(written.clone());
        }
        let files = &self.containers.get(name)?.files;
        files.iter().find(|file| file.path == path).map(|file| file.to_string())
    }

    /// Writes a file in a volume.
    pub fn write(&mut self, name: &InstanceName, path: &str, content: &str) {
        let volume = self.volume_at(name, path).expect("it runs, and the path is in a volume");
        volume.written.insert(path.to_owned(), content.to_owned());
    }

    /// Whether an instance finds another one of its broker by its host name.
    pub fn finds(&self, name: &InstanceName, hostname: &str) -> bool {
        let connected = |c: &Container| runs(c) && !c.isolated;
        let is_found = |(other, c): (&InstanceName, &Container)| {
            other.installation == name.installation && connected(c) && c.hostname == hostname
        };
        self.containers.get(name).is_some_and(connected)
            && self.containers.of(name.broker).any(is_found)
    }

    /// Whether the engine of an instance that is on its own answers.
    pub fn answers(&self, name: &InstanceName, now: Timestamp) -> bool {
        let EngineBehaviour::Boots(time) = self.engine else { return false };
        self.containers.get(name).is_some_and(|c| {
            let has_booted = |since: Timestamp| now.since(since) >= time;
            let answers = |since| has_booted(since) && !c.hangs && !c.isolated;
            matches!(c.status.state, ContainerState::Running { since } if answers(since))
        })
    }
}
