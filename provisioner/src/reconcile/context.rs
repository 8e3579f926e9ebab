//! The dependencies of passes and looks.

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use brokerd_domain::{Clock, Entropy, HostCapacity, InstallationId};
use brokerd_store::Work;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::{
    catalogue::{Catalogue, Image, ImageIds},
    engine::{Engines, Sizing},
    health::Probe,
    metrics::Metrics,
    pki::{
        authorities::{Authorities, AuthorityStatus},
        rsa_keys::RsaKeys,
    },
    reconcile::{background_steps::Operations, drain::LogDrain, port::ReconcileStore},
    runtime::{Capacity, Runtime},
    secrets::SecretSource,
};

/// How endpoints are allocated.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// The host that clients are told; none: the runtime knows at which address of its host both programs and
    /// brokers reach it, and otherwise it is loopback.
    pub advertised_host: Option<String>,
    /// The IPv4 address of each instance's endpoints, which is reported for ActiveMQ; the host if that is one.
    pub ip_address: Option<Ipv4Addr>,
    /// The ports to choose from.
    pub ports: std::ops::RangeInclusive<u16>,
    /// The domain below which brokers get host names of their own, and the standard ports, instead.
    pub domain: Option<String>,
}

/// Returns whether a port is free, as far as programs other than brokerd are concerned.
pub type PortCheck = dyn Fn(u16) -> bool + Send + Sync;

/// What every pass needs. Clones share it.
#[derive(Clone)]
pub struct PassContext {
    /// The store.
    pub store: Arc<dyn ReconcileStore>,
    /// Where instances run.
    pub runtime: Arc<dyn Runtime>,
    /// The probe of engines.
    pub probe: Arc<dyn Probe>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The installation that the objects belong to.
    pub installation: InstallationId,
    /// The certificate authorities.
    pub authorities: Arc<Authorities>,
    /// Where brokers' RSA keys come from.
    pub rsa_keys: Arc<dyn RsaKeys>,
    /// The source of values that configurations name by ARN.
    pub secrets: Arc<dyn SecretSource>,
    /// The renderers of engines.
    pub engines: Arc<Engines>,
    /// The images of engine versions.
    pub catalogue: Arc<Catalogue>,
    /// How tiers are mapped.
    pub sizing: Sizing,
    /// The memory of the host that instances may use together.
    pub host_capacity: HostCapacity,
    /// How endpoints are allocated.
    pub endpoints: EndpointSettings,
    /// Whether a port can be had.
    pub port_is_free: Arc<PortCheck>,
    /// The metrics.
    pub metrics: Metrics,
    /// The capacity of the host; asked once.
    pub capacity: Arc<OnceCell<Capacity>>,
    /// The IDs that images' names now stand for, as far as known.
    pub images: Arc<ImageIds>,
    /// The reader of containers' output; a removal waits for it.
    pub logs: Arc<dyn LogDrain>,
    /// The long steps that are in progress.
    pub operations: Arc<Operations>,
    /// The certificates of authorities that brokers' materials name, one copy of each.
    pub trusted: Arc<Mutex<BTreeSet<Arc<str>>>>,
    /// Cancelled when this process stops: passes end after the round they are in.
    pub stopping: CancellationToken,
}

impl PassContext {
    /// The image that runs the broker, or will.
    pub(crate) fn image(&self, work: &Work) -> Option<&Image> {
        let spec = &work.broker.spec;
        self.catalogue.serving(spec.engine_type, spec.engine_version, work.running.as_ref())
    }

    pub(crate) fn authority_status(&self) -> Arc<AuthorityStatus> {
        self.authorities.status(self.clock.now())
    }

    /// The runtime's ID of the image that the broker's image name now stands for, if known.
    pub fn image_id(&self, work: &Work) -> Option<String> {
        self.images.get(&self.image(work)?.reference())
    }

    /// The shared copy of authorities' certificates.
    pub(crate) fn shared_pem(&self, pem: &str) -> Arc<str> {
        let mut known = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(pem) {
            return known.clone();
        }
        let new: Arc<str> = Arc::from(pem);
        known.insert(new.clone());
        new
    }

    /// Grants released memory to waiting creations. If it fails, the next round grants it.
    pub(crate) async fn grant_waiting(&self) {
        if let Err(error) = self.store.grant_waiting(self.clock.now()).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "released memory not reserved for creations that wait"
            );
        }
    }
}
