//! What every request shares.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{
    AccountId, Clock, Entropy, NetworkDefaults, Offerings, Region, Source, Timestamp,
    amazon_mq_regions,
};
use brokerd_store::{PgStore, StoreError};
use bytes::Bytes;
use prometheus_client::registry::Registry;

use crate::{
    ApiMetrics,
    auth::{Bodies, CredentialCache},
    observe::Sampler,
    readiness::{Readiness, ReadyCheck},
    throttle::Throttle,
    turn::Queues,
};

/// How long a new offering may stay unseen.
const OFFERINGS_FRESH: Duration = Duration::from_secs(1);
/// The same for another authority.
const AUTHORITIES_FRESH: Duration = Duration::from_secs(1);

/// How many access keys that nobody has one place of origin may try at once, and how many more every second.
const UNKNOWN_KEYS: (u32, u32) = (20, 5);

/// What the API needs of the rest of brokerd, and what it remembers between requests.
pub struct ApiState {
    pub(crate) store: PgStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) network: NetworkDefaults,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: ApiMetrics,
    pub(crate) credentials: CredentialCache,
    /// The allowances for the service's operations.
    pub(crate) throttle: Throttle<AccountId>,
    /// The allowances for brokerd's own operations.
    pub(crate) own_throttle: Throttle<AccountId>,
    /// Who may have access keys looked up that were never seen.
    pub(crate) key_lookups: Throttle<Source>,
    /// Those that requests may be signed for.
    pub(crate) regions: BTreeSet<Region>,
    pub(crate) bodies: Bodies,
    /// Which refusals of strangers are worth a line in the log.
    pub(crate) sampler: Sampler,
    pub(crate) queues: Queues,
    pub(crate) readiness: Readiness,
    pub(crate) refuse_unknown_groups: bool,
    /// Whether callers may disturb their brokers on purpose.
    pub(crate) faults: bool,
    pub(crate) sized_volumes: bool,
    /// Whether operations are refused in every state in which the service refuses them.
    pub(crate) strict_states: bool,
    offerings: Mutex<Option<(Timestamp, Arc<Offerings>)>>,
    trusted_certificates: Mutex<Option<(Timestamp, Bytes)>>,
}

impl ApiState {
    /// `registry` is what `/metrics` shows; `metrics` is what [`crate::register_metrics`] registered
    /// there.
    pub fn new(
        store: PgStore,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        network: NetworkDefaults,
        registry: Arc<Registry>,
        metrics: ApiMetrics,
    ) -> Self {
        Self {
            store,
            clock,
            entropy,
            network,
            registry,
            bodies: Bodies::new(metrics.body_bytes.clone(), metrics.bodies_given_up.clone()),
            sampler: Sampler::default(),
            metrics,
            credentials: CredentialCache::default(),
            throttle: Throttle::new(0, 1),
            own_throttle: Throttle::new(0, 1),
            key_lookups: Throttle::new(UNKNOWN_KEYS.0, UNKNOWN_KEYS.1),
            regions: amazon_mq_regions(),
            queues: Queues::default(),
            readiness: Readiness::default(),
            refuse_unknown_groups: false,
            faults: false,
            sized_volumes: false,
            strict_states: false,
            offerings: Mutex::new(None),
            trusted_certificates: Mutex::new(None),
        }
    }

    /// Lets each account send `burst` requests at once and `rate` more every second to the service's operations in all
    /// regions together, and as many to brokerd's own; as many as it wants if `burst` is 0, as it is without this.
    #[must_use]
    pub fn throttled(self, burst: u32, rate: u32) -> Self {
        let (throttle, own_throttle) = (Throttle::new(burst, rate), Throttle::new(burst, rate));
        Self { throttle, own_throttle, ..self }
    }

    /// Is ready only if all of these are well, in that order; without this if the database is, and something is offered.
    #[must_use]
    pub fn ready_if(self, checks: Vec<ReadyCheck>) -> Self {
        Self { readiness: Readiness::of(checks), ..self }
    }

    /// Accepts requests that are signed for these regions; those that have Amazon MQ without this.
    #[must_use]
    pub fn with_regions(self, regions: BTreeSet<Region>) -> Self {
        Self { regions, ..self }
    }

    /// Refuses brokers that name security groups which are not defined here, but for the default group; without
    /// this such groups are labels that filter nothing.
    #[must_use]
    pub fn refusing_unknown_groups(self) -> Self {
        Self { refuse_unknown_groups: true, ..self }
    }

    /// Lets callers fill the disks of their brokers, because these have disks of their own; not so without this.
    #[must_use]
    pub fn with_sized_volumes(self, enabled: bool) -> Self {
        Self { sized_volumes: enabled, ..self }
    }

    /// Deletes brokers only in the states in which the service does; in any state without this.
    #[must_use]
    pub fn with_strict_states(self, enabled: bool) -> Self {
        Self { strict_states: enabled, ..self }
    }

    /// Lets callers inject faults into their brokers, or not, as without this.
    #[must_use]
    pub fn with_faults(self, enabled: bool) -> Self {
        Self { faults: enabled, ..self }
    }

    /// The certificates of all authorities, PEM, at most a second old, or as last seen while the database is away.
    pub(crate) async fn trusted_certificates(&self) -> Result<Bytes, StoreError> {
        let now = self.clock.now();
        let slot = || self.trusted_certificates.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = slot().clone();
        if let Some((at, pem)) = &remembered
            && *at <= now
            && now.since(*at) < AUTHORITIES_FRESH
        {
            return Ok(pem.clone());
        }
        match (self.store.trusted_certificates(now).await, remembered) {
            (Ok(pem), _) => {
                let pem = Bytes::from(pem);
                *slot() = (!pem.is_empty()).then(|| (now, pem.clone()));
                Ok(pem)
            }
            (Err(_), Some((_, pem))) => Ok(pem),
            (Err(error), None) => Err(error),
        }
    }

    /// What can be created, at most a second old.
    pub(crate) async fn offerings(&self) -> Result<Arc<Offerings>, StoreError> {
        let now = self.clock.now();
        let remembered = self.offerings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, offerings)) = remembered
            && at <= now
            && now.since(at) < OFFERINGS_FRESH
        {
            return Ok(offerings);
        }
        let offerings = Arc::new(self.store.offerings().await?);
        let mut slot = self.offerings.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some((now, Arc::clone(&offerings)));
        Ok(offerings)
    }
}
