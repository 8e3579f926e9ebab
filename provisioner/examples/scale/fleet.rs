//! The simulated runtime of the tests, on a clock that runs. Its engines boot in no time, because what is measured is what
//! watches them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Clock, InstallationId, Timestamp,
    instance::{
        Disturbance, InstanceName, InstanceSpec, InstanceStatus, Limits, RuntimeId, Volumes,
    },
};
use brokerd_provisioner::runtime::{
    Capacity, ContainerStatistics, Ensured, ImageInfo, LogLine, Pulled, Runtime, RuntimeError,
    RuntimeObject, registry::RegistryLogin,
};
use futures_util::stream::BoxStream;

use crate::world::{
    fault::Faults,
    host::{EngineBehaviour, World},
    probe::FakeProbe,
    runtime::FakeRuntime,
};

/// How long a real engine's host takes to make a container, to stop one and to remove one.
const APPLY: Duration = Duration::from_millis(300);
const STOP: Duration = Duration::from_secs(2);
const REMOVE: Duration = Duration::from_millis(200);

/// All engines.
pub(crate) struct Fleet {
    runtime: FakeRuntime,
    takes_time: AtomicBool,
    deaths: Mutex<Deaths>,
}

#[derive(Default)]
struct Deaths {
    /// Brokers of which an engine has died, and no pass has come since.
    unnoticed: HashMap<BrokerId, Instant>,
    /// How long it took until a pass came.
    reactions: Vec<Duration>,
}

impl Fleet {
    pub(crate) fn new(installation: InstallationId, clock: Arc<dyn Clock>) -> Self {
        let world = World {
            anything_may_end: true,
            forgets_files: true,
            engine: EngineBehaviour::Boots(Duration::ZERO),
            // As the runtime tells of every image.
            image_id: "first".to_owned(),
            ..World::default()
        };
        let runtime = FakeRuntime {
            installation,
            world: Arc::new(Mutex::new(world)),
            clock,
            faults: Arc::new(Faults::default()),
            blind: Arc::default(),
        };
        Self { runtime, takes_time: AtomicBool::new(false), deaths: Mutex::default() }
    }

    /// What asks these engines whether they serve.
    pub(crate) fn probe(&self) -> FakeProbe {
        FakeProbe { world: self.runtime.world.clone(), clock: self.runtime.clock.clone() }
    }

    /// From now on containers are made and stopped as slowly as real ones.
    pub(crate) fn take_time(&self) {
        self.takes_time.store(true, Ordering::Relaxed);
    }

    async fn takes(&self, time: Duration) {
        if self.takes_time.load(Ordering::Relaxed) {
            tokio::time::sleep(time).await;
        }
    }

    /// How many engines there are.
    pub(crate) fn len(&self) -> usize {
        self.world().containers.len()
    }

    /// An engine that serves is killed. It counts from now until a pass of its broker begins.
    pub(crate) fn kill(&self, broker: BrokerId) -> bool {
        let now = self.runtime.clock.now();
        let mut world = self.world();
        let names = world.containers.names(broker);
        let shares = names.iter().any(|name| world.containers[name].shares);
        let serving = names
            .into_iter()
            .find(|name| if shares { world.serves(name, now) } else { world.answers(name, now) });
        let Some(name) = serving else { return false };
        self.deaths().unnoticed.insert(broker, Instant::now());
        world.kill_one(&name);
        true
    }

    /// How long it took from each death to its pass, and of how many deaths there was none yet.
    pub(crate) fn reactions(&self) -> (Vec<Duration>, usize) {
        let mut deaths = self.deaths();
        (std::mem::take(&mut deaths.reactions), deaths.unnoticed.len())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.runtime.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deaths(&self) -> MutexGuard<'_, Deaths> {
        self.deaths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The simulated runtime's, but for how long it takes and when a pass begins.
#[async_trait]
impl Runtime for Fleet {
    fn host_address(&self) -> Option<IpAddr> {
        self.runtime.host_address()
    }

    /// Enough for all of them.
    async fn capacity(&self) -> Result<Capacity, RuntimeError> {
        Ok(Capacity::of_a_host(1 << 50, 4))
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        self.runtime.image(reference).await
    }

    async fn pull(
        &self,
        reference: &str,
        digest: Option<&str>,
        login: Option<&RegistryLogin>,
        pulled: &Pulled,
    ) -> Result<(), RuntimeError> {
        self.runtime.pull(reference, digest, login, pulled).await
    }

    async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.takes(APPLY).await;
        self.runtime.apply(spec).await
    }

    async fn ensure_reachable(&self, broker: BrokerId) -> Result<Ensured, RuntimeError> {
        // Every round of a pass begins with it, and nothing else asks for it.
        let mut deaths = self.deaths();
        if let Some(died) = deaths.unnoticed.remove(&broker) {
            deaths.reactions.push(died.elapsed());
        }
        Ok(Ensured::AlreadyRight)
    }

    async fn status(&self, name: &InstanceName) -> Result<Option<InstanceStatus>, RuntimeError> {
        self.runtime.status(name).await
    }

    async fn list(&self) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.runtime.list().await
    }

    async fn list_of(&self, broker: BrokerId) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.runtime.list_of(broker).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError> {
        self.runtime.watch().await
    }

    async fn logs(
        &self,
        id: &RuntimeId,
        since: Timestamp,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine, RuntimeError>>, RuntimeError> {
        self.runtime.logs(id, since, follow).await
    }

    async fn statistics(&self, id: &RuntimeId) -> Result<ContainerStatistics, RuntimeError> {
        self.runtime.statistics(id).await
    }

    async fn start(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.runtime.start(id).await
    }

    async fn restart(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.runtime.restart(id).await
    }

    async fn stop(&self, id: &RuntimeId, grace: Duration) -> Result<Ensured, RuntimeError> {
        self.takes(STOP).await;
        self.runtime.stop(id, grace).await
    }

    async fn set_limits(&self, id: &RuntimeId, limits: Limits) -> Result<Ensured, RuntimeError> {
        self.runtime.set_limits(id, limits).await
    }

    async fn remove(&self, name: &InstanceName, volumes: Volumes) -> Result<Ensured, RuntimeError> {
        self.takes(REMOVE).await;
        self.runtime.remove(name, volumes).await
    }

    async fn inject(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.runtime.inject(id, disturbance).await
    }

    async fn heal(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.runtime.heal(id, disturbance).await
    }

    async fn is_filled(&self, id: &RuntimeId) -> Result<bool, RuntimeError> {
        self.runtime.is_filled(id).await
    }
}
