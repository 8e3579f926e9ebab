//! An installation of its own for every test, taken down when it goes out of scope.

use std::time::{Duration, Instant};

use brokerd_domain::{
    BrokerId, InstallationId,
    instance::{ContainerState, InstanceName, InstanceSpec, InstanceStatus},
};
use brokerd_provisioner::runtime::{
    Ensured, Runtime, RuntimeError, RuntimeErrorClass, docker::DockerRuntime,
};
use rand::random;
use uuid::Uuid;

pub(crate) use crate::{engine::*, specs::*};

/// One installation, which is taken down when it goes out of scope.
pub(crate) struct World {
    pub(crate) installation: InstallationId,
    pub(crate) broker: BrokerId,
    pub(crate) runtime: DockerRuntime,
}

impl Drop for World {
    fn drop(&mut self) {
        sweep(&self.installation);
    }
}

/// A new installation; nothing, if there is no engine to try it on.
pub(crate) async fn world() -> Option<World> {
    let installation: InstallationId =
        format!("t-{:08x}", random::<u32>()).parse().expect("installation");
    let runtime = engine_or_skip(&installation).await?;
    let broker = BrokerId::from(Uuid::from_u128(random()));
    Some(World { installation, broker, runtime })
}

pub(crate) const WAIT: &str = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";

impl World {
    pub(crate) fn name(&self, ordinal: u8) -> InstanceName {
        InstanceName { installation: self.installation.clone(), broker: self.broker, ordinal }
    }

    pub(crate) fn spec(&self, script: &str) -> InstanceSpec {
        spec(self.name(1), ["/bin/sh", "-c", script].map(str::to_owned).to_vec())
    }

    pub(crate) async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.runtime.apply(spec).await
    }

    pub(crate) async fn status(&self) -> InstanceStatus {
        self.runtime.status(&self.name(1)).await.expect("status").expect("an instance")
    }

    /// The status, once the container is in a state that `wanted` takes.
    pub(crate) async fn until(&self, wanted: impl Fn(&ContainerState) -> bool) -> InstanceStatus {
        let begun = Instant::now();
        loop {
            let status = self.status().await;
            if wanted(&status.state) {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "still {status:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The status, once the container's process has printed its first line.
    pub(crate) async fn until_up(&self) -> InstanceStatus {
        let begun = Instant::now();
        let name = self.name(1).to_string();
        while !docker(&["logs", &name]).unwrap_or_default().contains("up") {
            assert!(begun.elapsed() < Duration::from_secs(60), "never up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.status().await
    }

    pub(crate) fn inspect(&self, format: &str) -> String {
        docker(&["inspect", "--format", format, &self.name(1).to_string()]).expect("inspect")
    }

    pub(crate) fn exec(&self, script: &str) -> Result<String, String> {
        docker(&["exec", &self.name(1).to_string(), "/bin/sh", "-c", script])
    }

    /// Takes every disk of the installation off its device, as a restart of the host would.
    pub(crate) fn detach_disks(&self) {
        detach_disks(&self.installation);
    }

    /// How many containers, volumes and networks there are.
    pub(crate) fn count(&self) -> [usize; 3] {
        let filter = format!("label=brokerd.installation={}", self.installation);
        [&["ps", "-aq"] as &[&str], &["volume", "ls", "-q"], &["network", "ls", "-q"]].map(|list| {
            docker(&[list, &["--filter", &filter]].concat()).expect("list").lines().count()
        })
    }
}

pub(crate) fn class(result: Result<Ensured, RuntimeError>) -> Option<RuntimeErrorClass> {
    result.err().map(|error| error.class)
}

pub(crate) fn is_running(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Running { .. })
}
