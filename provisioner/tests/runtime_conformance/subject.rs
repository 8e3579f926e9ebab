//! What the suite needs of a runtime beside the trait: instances that do something, and hands that act behind the
//! runtime's back.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Timestamp,
    instance::{ContainerState, InstanceName, InstanceSpec, InstanceStatus},
};
use brokerd_provisioner::runtime::{Ensured, Runtime, RuntimeError, RuntimeErrorClass};

/// What the process of an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// It runs, answers at its first port, and ends in an orderly way when it is asked to.
    Serves,
    /// It runs, and does not heed being asked to end.
    Stubborn,
    /// It ends at once with that code, and prints that before.
    Ends(i64, &'static str),
    /// It uses up its memory at once.
    Starves,
}

/// A runtime under test, with an installation of its own.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    /// The runtime.
    fn runtime(&self) -> &dyn Runtime;

    /// Another runtime of the same installation, as a control plane has it that was started anew and knows nothing.
    async fn another_control_plane(&self) -> Box<dyn Runtime>;

    /// Another installation on the same engine, with the same broker in it.
    async fn neighbour(&self) -> Box<dyn Subject>;

    /// The broker.
    fn broker(&self) -> BrokerId;

    /// The specification of an instance of the broker: two ports, a volume `/var/tmp` that is kept and holds a file
    /// `.cookie`, and a volume `/etc/engine` that is not kept and holds `engine.conf` and `tls/server.key`.
    fn spec(&self, ordinal: u8, does: Does) -> InstanceSpec;

    /// The time.
    fn now(&self) -> Timestamp;

    /// How exactly the runtime tells when something began.
    fn precision(&self) -> Duration {
        Duration::from_millis(1)
    }

    /// Whether nothing but kept volumes lasts from one life of a container to the next: neither its other volumes nor
    /// what it printed.
    fn lives_begin_anew(&self) -> bool {
        false
    }

    /// Lets some time pass.
    async fn pass(&self);

    /// Waits until an instance does what it was made for.
    async fn until_up(&self, name: &InstanceName);

    /// Ends an instance as `kill -9` does.
    async fn kill(&self, name: &InstanceName);

    /// Leaves what a worker leaves that died before it put files into an instance and started it.
    async fn leave_unstarted(&self, spec: &InstanceSpec);

    /// The content of a file, as an instance that runs sees it.
    async fn read(&self, name: &InstanceName, path: &str) -> Option<String>;

    /// Writes a file in a volume, as an instance that runs would.
    async fn write(&self, name: &InstanceName, path: &str, content: &str);

    /// Whether an instance finds another one by its host name.
    async fn finds(&self, name: &InstanceName, hostname: &str) -> bool;

    /// Whether somebody answers at an address.
    async fn answers(&self, address: std::net::SocketAddr) -> bool;

    /// How many containers, volumes and networks of the installation there are.
    async fn belongings(&self) -> [usize; 3];

    /// From now on the engine can't be asked, or can again.
    async fn lose_the_engine(&self, lost: bool);
}

impl dyn Subject + '_ {
    /// The name of an instance of the broker.
    pub(crate) fn name(&self, ordinal: u8) -> InstanceName {
        self.spec(ordinal, Does::Serves).name
    }

    /// Makes instance 1 run, and waits until it does what it was made for.
    pub(crate) async fn begin(&self, does: Does) -> InstanceStatus {
        let spec = self.spec(1, does);
        assert_eq!(self.runtime().apply(&spec).await.expect("applied"), Ensured::Created);
        if let Does::Serves | Does::Stubborn = does {
            self.until_up(&spec.name).await;
        }
        self.status(1).await
    }

    /// The status of an instance that is there.
    pub(crate) async fn status(&self, ordinal: u8) -> InstanceStatus {
        let status = self.runtime().status(&self.name(ordinal)).await;
        status.expect("the engine answers").expect("the instance is there")
    }

    /// Waits until somebody answers at an address, or nobody does.
    pub(crate) async fn until_it_answers(&self, address: std::net::SocketAddr, wanted: bool) {
        let begun = Instant::now();
        while self.answers(address).await != wanted {
            assert!(begun.elapsed() < Duration::from_secs(20), "{address} answers: {}", !wanted);
            self.pass().await;
        }
    }

    /// The status of instance 1, once it is in a state that `wanted` takes.
    pub(crate) async fn until(&self, wanted: impl Fn(&ContainerState) -> bool) -> InstanceStatus {
        let begun = Instant::now();
        loop {
            let status = self.status(1).await;
            if wanted(&status.state) {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "still {status:?}");
            self.pass().await;
        }
    }
}

pub(crate) fn class<T>(result: Result<T, RuntimeError>) -> Option<RuntimeErrorClass> {
    let error = result.err()?;
    assert!(!error.operation.is_empty() && !error.message.contains('\n'), "{error}");
    Some(error.class)
}

pub(crate) fn is_running(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Running { .. })
}

pub(crate) fn has_ended(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Exited { .. })
}

/// The exit code of what has ended.
pub(crate) fn exit_code(state: &ContainerState) -> i64 {
    let ContainerState::Exited { code, .. } = state else { panic!("it has not ended: {state:?}") };
    *code
}
