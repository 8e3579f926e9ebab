//! A runtime that is plain data.
//!
//! No call looks at more than the instances of one broker, but for those that tell of everything: ten thousand
//! brokers run on it.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Clock, InstallationId, Timestamp,
    instance::{
        ContainerState, Disturbance, InstanceName, InstanceSpec, InstanceStatus, Limits, RuntimeId,
        Volumes,
    },
};
use brokerd_provisioner::runtime::{
    Capacity, ContainerStatistics, Ensured, ImageInfo, LogLine, Pulled, Runtime, RuntimeError,
    RuntimeErrorClass, RuntimeObject, registry::RegistryLogin,
};
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast::error::RecvError;

use super::{
    containers::Container,
    fault::Faults,
    host::{CPUS, Refusal, World, at_most, refusal},
};

/// The runtime of one installation on a world.
pub struct FakeRuntime {
    /// Whose containers it lists and tells of.
    pub installation: InstallationId,
    /// The world.
    pub world: Arc<Mutex<World>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// Whether it can't be seen at all.
    pub blind: Arc<Mutex<bool>>,
}

fn busy() -> RuntimeError {
    refused(refusal(RuntimeErrorClass::Transient, "the engine is busy"))
}

fn refused((class, message): Refusal) -> RuntimeError {
    RuntimeError { class, operation: "fake", message }
}

fn gone() -> RuntimeError {
    refused(refusal(RuntimeErrorClass::Gone, "no such container"))
}

impl FakeRuntime {
    fn see(&self) -> Result<(), RuntimeError> {
        if *self.blind.lock().expect("not poisoned") { Err(busy()) } else { Ok(()) }
    }

    /// Does something to a container that is still there.
    async fn on(
        &self,
        operation: &'static str,
        id: &RuntimeId,
        act: impl Fn(&mut World, &InstanceName) -> Result<Ensured, Refusal>,
    ) -> Result<Ensured, RuntimeError> {
        self.trouble(self.owner(id), operation).await;
        self.see()?;
        let act = || {
            let mut world = self.world.lock().expect("not poisoned");
            let name = world.containers.by_id(id).cloned().ok_or_else(gone)?;
            act(&mut world, &name).map_err(refused)
        };
        self.faults.effect(operation, busy, act).await
    }

    /// What a test has arranged for an operation on an instance.
    async fn trouble(&self, broker: Option<BrokerId>, operation: &'static str) {
        let Some(broker) = broker else { return };
        let key = (broker, operation);
        let panics = self.world.lock().expect("not poisoned").panicking.remove(&key);
        assert!(!panics, "arranged by the test");
        while self.world.lock().expect("not poisoned").hanging.contains(&key) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn owner(&self, id: &RuntimeId) -> Option<BrokerId> {
        let world = self.world.lock().expect("not poisoned");
        world.containers.by_id(id).map(|name| name.broker)
    }
}

#[async_trait]
impl Runtime for FakeRuntime {
    fn host_address(&self) -> Option<IpAddr> {
        None
    }

    async fn capacity(&self) -> Result<Capacity, RuntimeError> {
        self.see()?;
        Ok(Capacity::of_a_host(64 << 30, CPUS))
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        self.see()?;
        let mut world = self.world.lock().expect("not poisoned");
        world.image_looks += 1;
        if !world.has_image(reference) {
            return Ok(None);
        }
        Ok(Some(ImageInfo {
            id: "first".to_owned(),
            digests: Vec::new(),
            true_version: None,
            modules: None,
        }))
    }

    async fn pull(
        &self,
        _: &str,
        _: Option<&str>,
        _: Option<&RegistryLogin>,
        _: &Pulled,
    ) -> Result<(), RuntimeError> {
        self.see()
    }

    async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.trouble(Some(spec.name.broker), "apply").await;
        self.see()?;
        let apply = || {
            let mut world = self.world.lock().expect("not poisoned");
            world.may_boot(&spec.name).map_err(refused)?;
            world.apply(spec, self.clock.now()).map_err(refused)
        };
        self.faults.effect("apply", busy, apply).await
    }

    async fn status(&self, name: &InstanceName) -> Result<Option<InstanceStatus>, RuntimeError> {
        self.trouble(Some(name.broker), "status").await;
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        Ok(world.containers.get(name).map(Container::told))
    }

    async fn list(&self) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        let instances = world.containers.keys().chain(world.volumes.keys().map(|(name, _)| name));
        let instances = instances.filter(|name| name.installation == self.installation);
        let mut objects: BTreeSet<RuntimeObject> = instances
            .map(|name| RuntimeObject {
                broker: name.broker,
                ordinal: Some(name.ordinal).filter(|ordinal| *ordinal > 0),
            })
            .collect();
        let networks = world.networks.iter().filter(|(owner, _)| *owner == self.installation);
        objects
            .extend(networks.map(|(_, broker)| RuntimeObject { broker: *broker, ordinal: None }));
        Ok(objects.into_iter().collect())
    }

    async fn list_of(&self, broker: BrokerId) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        let installation = self.installation.clone();
        let whole = InstanceName { installation, broker, ordinal: 0 };
        let volumes = world.volumes.range((whole.clone(), "")..).map(|((name, _), _)| name);
        let volumes = volumes
            .take_while(|name| name.installation == whole.installation && name.broker == broker);
        let containers = world.containers.of(broker).map(|(name, _)| name);
        let ours = containers.filter(|name| name.installation == whole.installation);
        let ordinals = ours.chain(volumes).map(|name| Some(name.ordinal).filter(|n| *n > 0));
        let network = world.networks.contains(&(whole.installation.clone(), broker));
        let all: BTreeSet<_> = ordinals.chain(network.then_some(None)).collect();
        Ok(all.into_iter().map(|ordinal| RuntimeObject { broker, ordinal }).collect())
    }

    async fn watch(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError> {
        self.see()?;
        let events = self.world.lock().expect("not poisoned").events.watch();
        let installation = self.installation.clone();
        let ours = stream::unfold((events, installation), |(mut events, installation)| async {
            loop {
                match events.recv().await {
                    Ok((owner, broker)) if owner == installation => {
                        return Some((broker, (events, installation)));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        Ok(ours.boxed())
    }

    async fn logs(
        &self,
        id: &RuntimeId,
        since: Timestamp,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine, RuntimeError>>, RuntimeError> {
        self.see()?;
        self.owner(id).ok_or_else(gone)?;
        let since = since.as_micros().saturating_mul(1000);
        let begin = (self.world.clone(), id.clone(), 0);
        let lines = stream::unfold(begin, move |(world, id, mut next)| async move {
            loop {
                let (line, is_over) = {
                    let world = world.lock().expect("not poisoned");
                    let line = world.printed.get(&id).and_then(|lines| lines.get(next)).cloned();
                    let container =
                        world.containers.by_id(&id).and_then(|name| world.containers.get(name));
                    let runs = container.is_some_and(|container| {
                        matches!(
                            container.status.state,
                            ContainerState::Running { .. } | ContainerState::Paused
                        )
                    });
                    (line, !follow || !runs)
                };
                match line {
                    Some(line) => {
                        next += 1;
                        if line.at >= since {
                            return Some((Ok(line), (world, id, next)));
                        }
                    }
                    None if is_over => return None,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        Ok(lines.boxed())
    }

    async fn statistics(&self, id: &RuntimeId) -> Result<ContainerStatistics, RuntimeError> {
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        let name = world.containers.by_id(id).ok_or_else(gone)?;
        match world.containers[name].status.state {
            ContainerState::Running { since } => {
                let cpu = self.clock.now().since(since) / 10;
                Ok(ContainerStatistics {
                    cpu_nanos: u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX).max(1),
                    memory_bytes: 1 << 20,
                    ..ContainerStatistics::default()
                })
            }
            ContainerState::Paused => {
                Ok(ContainerStatistics { cpu_nanos: 1, ..ContainerStatistics::default() })
            }
            ContainerState::Created | ContainerState::Exited { .. } => Err(busy()),
        }
    }

    async fn start(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let now = self.clock.now();
        self.on("start", id, |world, name| match world.containers[name].status.state {
            ContainerState::Running { .. } => Ok(Ensured::AlreadyRight),
            ContainerState::Paused => Err(refusal(RuntimeErrorClass::Transient, "it is paused")),
            ContainerState::Created | ContainerState::Exited { .. } => {
                world.may_boot(name)?;
                world.start(name, now);
                Ok(Ensured::Updated)
            }
        })
        .await
    }

    async fn restart(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let now = self.clock.now();
        self.on("restart", id, |world, name| {
            world.note_stop(name, now);
            world.may_end(name, now);
            world.start(name, now);
            Ok(Ensured::Updated)
        })
        .await
    }

    async fn stop(&self, id: &RuntimeId, grace: Duration) -> Result<Ensured, RuntimeError> {
        let now = self.clock.now();
        self.on("stop", id, |world, name| Ok(world.stop(name, grace, now))).await
    }

    async fn set_limits(&self, id: &RuntimeId, limits: Limits) -> Result<Ensured, RuntimeError> {
        self.on("set limits", id, |world, name| match world.containers.get_mut(name) {
            Some(container) if container.status.limits != at_most(limits) => {
                container.status.limits = at_most(limits);
                Ok(Ensured::Updated)
            }
            _ => Ok(Ensured::AlreadyRight),
        })
        .await
    }

    async fn remove(&self, name: &InstanceName, volumes: Volumes) -> Result<Ensured, RuntimeError> {
        self.trouble(Some(name.broker), "remove").await;
        self.see()?;
        let remove = || {
            let mut world = self.world.lock().expect("not poisoned");
            Ok(world.remove(name, volumes, self.clock.now()))
        };
        self.faults.effect("remove", busy, remove).await
    }

    async fn inject(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.on("inject", id, |world, name| world.disturb(name, disturbance)).await
    }

    async fn heal(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.on("heal", id, |world, name| world.undisturb(name, disturbance)).await
    }

    async fn is_filled(&self, id: &RuntimeId) -> Result<bool, RuntimeError> {
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        let name = world.containers.by_id(id).ok_or_else(gone)?;
        Ok(world.is_filled(name))
    }
}
