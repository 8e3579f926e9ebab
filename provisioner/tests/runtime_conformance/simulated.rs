//! The simulated runtime under test.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Clock, InstallationId, Timestamp,
    instance::{InstanceName, InstanceSpec},
};
use brokerd_provisioner::runtime::Runtime;

use crate::{
    specs::{IMAGE, spec},
    subject::{Does, Subject},
    world::{TestClock, containers::Program, fault::Faults, host::World, runtime::FakeRuntime},
};

/// An installation on a simulated host.
pub(crate) struct Simulated {
    runtime: FakeRuntime,
    world: Arc<Mutex<World>>,
    clock: Arc<TestClock>,
    broker: BrokerId,
    blind: Arc<Mutex<bool>>,
}

impl Simulated {
    pub(crate) fn new() -> Self {
        let world = World {
            anything_may_end: true,
            image_id: "sha256:simulated".to_owned(),
            only_images: Some([IMAGE.to_owned()].into()),
            ..World::default()
        };
        Self::on(Arc::new(Mutex::new(world)), TestClock::new(), "one")
    }

    fn on(world: Arc<Mutex<World>>, clock: Arc<TestClock>, installation: &str) -> Self {
        let installation: InstallationId = installation.parse().expect("valid");
        let blind = Arc::new(Mutex::new(false));
        let runtime = runtime(&installation, &world, &clock, &blind);
        Self { runtime, world, clock, broker: BrokerId::from(uuid::Uuid::from_u128(42)), blind }
    }

    fn in_the_world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().expect("not poisoned"))
    }
}

fn runtime(
    installation: &InstallationId,
    world: &Arc<Mutex<World>>,
    clock: &Arc<TestClock>,
    blind: &Arc<Mutex<bool>>,
) -> FakeRuntime {
    FakeRuntime {
        installation: installation.clone(),
        world: world.clone(),
        clock: clock.clone(),
        faults: Arc::new(Faults::default()),
        blind: blind.clone(),
    }
}

#[async_trait]
impl Subject for Simulated {
    fn runtime(&self) -> &dyn Runtime {
        &self.runtime
    }

    async fn another_control_plane(&self) -> Box<dyn Runtime> {
        Box::new(runtime(&self.runtime.installation, &self.world, &self.clock, &self.blind))
    }

    async fn neighbour(&self) -> Box<dyn Subject> {
        Box::new(Self::on(self.world.clone(), self.clock.clone(), "two"))
    }

    fn broker(&self) -> BrokerId {
        self.broker
    }

    fn spec(&self, ordinal: u8, does: Does) -> InstanceSpec {
        let program = match does {
            Does::Serves => Program::Engine,
            Does::Stubborn => Program::Stubborn,
            Does::Ends(code, words) => Program::Ends { code, words: words.to_owned() },
            Does::Starves => Program::Starves,
        };
        let installation = self.runtime.installation.clone();
        let name = InstanceName { installation, broker: self.broker, ordinal };
        spec(name, program.command())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn pass(&self) {
        self.clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }

    async fn until_up(&self, _: &InstanceName) {
        self.clock.advance(Duration::from_secs(2));
    }

    async fn kill(&self, name: &InstanceName) {
        self.in_the_world(|world| world.kill_one(name));
    }

    async fn leave_unstarted(&self, spec: &InstanceSpec) {
        self.in_the_world(|world| world.make(spec, spec.digest(), "sha256:simulated".to_owned()));
    }

    async fn read(&self, name: &InstanceName, path: &str) -> Option<String> {
        self.in_the_world(|world| world.read(name, path))
    }

    async fn write(&self, name: &InstanceName, path: &str, content: &str) {
        self.in_the_world(|world| world.write(name, path, content));
    }

    async fn finds(&self, name: &InstanceName, hostname: &str) -> bool {
        self.in_the_world(|world| world.finds(name, hostname))
    }

    async fn answers(&self, address: SocketAddr) -> bool {
        let now = self.clock.now();
        self.in_the_world(|world| {
            let name = world.containers.at(address).cloned();
            name.is_some_and(|name| world.answers(&name, now))
        })
    }

    async fn belongings(&self) -> [usize; 3] {
        let ours = &self.runtime.installation;
        self.in_the_world(|world| {
            [
                world.containers.keys().filter(|name| name.installation == *ours).count(),
                world.volumes.keys().filter(|(name, _)| name.installation == *ours).count(),
                world.networks.iter().filter(|(installation, _)| installation == ours).count(),
            ]
        })
    }

    async fn lose_the_engine(&self, lost: bool) {
        *self.blind.lock().expect("not poisoned") = lost;
    }
}
