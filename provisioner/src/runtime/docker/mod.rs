//! Instances as containers of a Docker engine, 20.10 or later.
//!
//! Every name is made from the instance's, so that a second attempt finds what the first one made.
//! What else is to be known later is in labels: a control plane that lost everything reads the
//! world back from the engine alone.

mod connect;
mod create;
mod database;
mod disk;
mod disk_volume;
mod disturb;
mod error;
mod files;
mod firewall;
mod helper;
mod images;
mod inspect;
mod labels;
mod last_log_lines;
mod logs;
mod network;
mod operations;
mod options;
mod ownership;
mod statistics;
mod subnet_pool;

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use bollard::{Docker, models::EventMessage, query_parameters::EventsOptions};
use brokerd_domain::{
    BrokerId, Clock, Timestamp,
    instance::{
        Disturbance, InstanceName, InstanceSpec, InstanceStatus, Limits, RuntimeId, Volumes,
    },
};
use futures_util::{StreamExt, stream::BoxStream};

pub use self::connect::ConnectDocker;
pub use self::database::OwnDatabase;
pub use self::firewall::Firewall;
pub use self::network::GatewayNetworks;
pub use self::options::{DockerOptions, Join};
pub use self::subnet_pool::{InvalidPool, SubnetPool};

use self::{
    error::{SHORT, named, odd, request},
    network::{Networks, Reach},
    options::{USUAL_HOST, client},
};
use super::{
    Capacity, ContainerStatistics, Ensured, ImageInfo, LogLine, Pulled, Runtime, RuntimeError,
    RuntimeObject,
};
use crate::runtime::registry::RegistryLogin;

/// Runs instances on one Docker engine.
pub struct DockerRuntime {
    docker: Docker,
    options: DockerOptions,
    networks: Networks,
    reach: Reach,
    firewall: Option<Firewall>,
    cpus: u32,
    clock: Arc<dyn Clock>,
}

impl DockerRuntime {
    /// Connects, agrees on a version of the interface and asks how big the host is.
    ///
    /// # Errors
    /// [`RuntimeError`] when nothing answers there or it is no Docker engine.
    pub async fn connect(
        options: DockerOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        let failed = named("connect to the Docker engine");
        let docker = client(options.host.as_deref().unwrap_or(USUAL_HOST)).map_err(&failed)?;
        let docker = request(SHORT, docker.negotiate_version()).await.map_err(&failed)?;
        let cpus = capacity(&docker).await?.cpus;
        let networks = Networks::new(options.subnet_pool);
        let reach = Reach::find(&docker, &options).await?;
        reach.log();
        if let Some(joiner) = reach.joiner()
            && let Err(error) = joiner.join_all().await
        {
            tracing::warn!(%error, "not all networks of brokers joined; retried");
        }
        let firewall = options.outgoing.clone().map(|outgoing| {
            let (docker, installation) = (docker.clone(), options.installation.clone());
            let limits = Arc::clone(&options.limits);
            // What is published is reached by way of whatever the engine has for it.
            let closed = !reach.publishes();
            Firewall::new(docker, installation, outgoing, limits, closed, clock.clone())
        });
        if firewall.is_none() {
            tracing::warn!(
                "runtime.firewall is \"never\": engines can reach the host's services and link-local addresses"
            );
        }
        Ok(Self { docker, options, networks, reach, firewall, cpus, clock })
    }

    /// What keeps engines from where they may not connect to. Until somebody looks after it, that is done only once,
    /// before the first engine starts.
    pub fn firewall(&self) -> Option<Firewall> {
        self.firewall.clone()
    }

    /// What leads gateways to the networks of brokers; none where no container has to be attached. Until somebody follows
    /// their starts, they are attached by connecting and by the passes of brokers.
    pub fn gateway_networks(&self) -> Option<GatewayNetworks> {
        let joiner = self.reach.joiner()?.clone();
        let (docker, installation) = (self.docker.clone(), self.options.installation.clone());
        Some(GatewayNetworks::new(docker, installation, self.clock.clone(), joiner))
    }
}

/// The broker of which the engine tells something.
fn broker_of(event: EventMessage) -> Option<BrokerId> {
    Some(labels::object(&event.actor?.attributes?)?.broker)
}

async fn capacity(docker: &Docker) -> Result<Capacity, RuntimeError> {
    const OPERATION: &str = "ask the engine for its capacity";
    let info = request(SHORT, docker.info()).await.map_err(named(OPERATION))?;
    let memory = info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).filter(|n| *n > 0);
    let cpus = info.ncpu.and_then(|count| u32::try_from(count).ok()).filter(|n| *n > 0);
    let memory = memory.ok_or_else(|| odd(OPERATION, "amount of memory"))?;
    let cpus = cpus.ok_or_else(|| odd(OPERATION, "number of processors"))?;
    Ok(Capacity::of_a_host(memory, cpus))
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn host_address(&self) -> Option<IpAddr> {
        self.reach.host()
    }

    async fn capacity(&self) -> Result<Capacity, RuntimeError> {
        capacity(&self.docker).await
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        images::inspect(&self.docker, reference).await
    }

    async fn pull(
        &self,
        reference: &str,
        digest: Option<&str>,
        login: Option<&RegistryLogin>,
        pulled: &Pulled,
    ) -> Result<(), RuntimeError> {
        images::pull(&self.docker, reference, digest, login, pulled).await
    }

    async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.ensure_instance(spec).await
    }

    async fn ensure_reachable(&self, broker: BrokerId) -> Result<Ensured, RuntimeError> {
        match self.reach.joiner() {
            Some(joiner) => joiner.join(&network::name(&self.options.installation, broker)).await,
            None => Ok(Ensured::AlreadyRight),
        }
    }

    async fn status(&self, name: &InstanceName) -> Result<Option<InstanceStatus>, RuntimeError> {
        const OPERATION: &str = "look at an instance";
        match inspect::container(&self.docker, OPERATION, &name.to_string()).await? {
            Some(found) => Ok(found.status(&self.docker, self.reach.publishes()).await),
            None => Ok(None),
        }
    }

    async fn list(&self) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.list_objects(None).await
    }

    async fn list_of(&self, broker: BrokerId) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.list_objects(Some(broker)).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError> {
        // The stream asks the engine when it is first polled. Until then the engine remembers what
        // happens from this moment on; that it can be reached at all is tried out here.
        request(SHORT, self.docker.ping()).await.map_err(named("watch the engine"))?;
        let mut filters = labels::of_installation(&self.options.installation);
        let events = ["start", "die", "oom", "destroy", "pause", "unpause", "health_status"];
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        filters.insert("event".to_owned(), events.map(str::to_owned).to_vec());
        let options = EventsOptions {
            since: Some(self.clock.now().as_seconds().to_string()),
            filters: Some(filters),
            until: None,
        };
        let events = self.docker.events(Some(options));
        let brokers = events
            .take_while(|event| std::future::ready(event.is_ok()))
            .filter_map(|event| std::future::ready(event.ok().and_then(broker_of)));
        Ok(brokers.boxed())
    }

    async fn logs(
        &self,
        id: &RuntimeId,
        since: Timestamp,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine, RuntimeError>>, RuntimeError> {
        self.read_logs(id, since, follow).await
    }

    async fn statistics(&self, id: &RuntimeId) -> Result<ContainerStatistics, RuntimeError> {
        statistics::read(&self.docker, id).await
    }

    async fn start(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.start_container(id).await
    }

    async fn restart(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.restart_container(id).await
    }

    async fn stop(&self, id: &RuntimeId, grace: Duration) -> Result<Ensured, RuntimeError> {
        self.stop_container(id, grace).await
    }

    async fn set_limits(&self, id: &RuntimeId, limits: Limits) -> Result<Ensured, RuntimeError> {
        self.change_limits(id, limits).await
    }

    async fn remove(&self, name: &InstanceName, volumes: Volumes) -> Result<Ensured, RuntimeError> {
        self.remove_instance(name, volumes).await
    }

    async fn inject(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.disturb(id, disturbance).await
    }

    async fn heal(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.undisturb(id, disturbance).await
    }

    async fn is_filled(&self, id: &RuntimeId) -> Result<bool, RuntimeError> {
        const OPERATION: &str = "look at the disk of an instance";
        let found = self.seen(OPERATION, id).await?;
        self.has_ballast(OPERATION, &found).await
    }
}
