//! The settings and the services that the API is built from.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use brokerd_domain::{
    AccountId, Clock, Entropy, NetworkDefaults, Region, amazon_mq_regions, price::PriceList,
};
use brokerd_store::{AuditTrail, PgStore};
use secrecy::SecretString;

use crate::{metrics::ApiMetrics, readiness::ReadyCheck};

/// How long calls of brokers' engines are waited for, because the SDKs give a call up after a minute, and people much
/// sooner.
pub const ENGINE_TIMEOUT: Duration = Duration::from_secs(10);

/// The operator's settings. The default permits least.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The account whose principals administer all accounts. Default: nobody does.
    pub operator: Option<AccountId>,
    /// The defaults of new brokers' networks.
    pub network: NetworkDefaults,
    /// Regions that requests may be signed for. Default: those that have Amazon MQ.
    pub regions: BTreeSet<Region>,
    /// Requests that an account may send at once to the service's operations, in all regions together, and as many to
    /// brokerd's own; 0: no limit. Default: 100.
    pub throttle_burst: u32,
    /// Requests per second that an account gains. Default: 15.
    pub throttle_rate: u32,
    /// Whether brokers are refused that name security groups which are not defined here; the default group of
    /// `network` need not be. Otherwise such groups filter nothing. Default: refused.
    pub refuse_unknown_security_groups: bool,
    /// Whether callers may inject faults into their brokers. Default: no.
    pub faults: bool,
    /// Whether brokers have volumes of their own, which callers may fill by a fault. Default: no.
    pub sized_volumes: bool,
    /// Whether DeleteBroker is refused in the states in which the service refuses it; otherwise it is accepted in any
    /// state. Default: refused.
    pub strict_states: bool,
    /// What brokers cost. Default: nothing has a price.
    pub prices: PriceList,
    /// The tokens with which the metrics of all accounts are read. Default: none, and nobody reads them.
    pub metrics_tokens: Vec<SecretString>,
    /// How long a call of a broker's engine is waited for. Default: [`ENGINE_TIMEOUT`].
    pub engine_timeout: Duration,
    /// The web console.
    pub console: ConsoleSettings,
}

/// The operator's settings of the web console.
#[derive(Debug, Clone)]
pub struct ConsoleSettings {
    /// The URL by which the API is known. Sessions are had there and at the names of this machine's loopback, by TLS also
    /// elsewhere. Default: `http://127.0.0.1:8642`.
    pub url: String,
    /// The region of requests that name none. Default: the first one that requests may be signed for.
    pub region: Option<Region>,
    /// When a session ends that is not used. Default: 8 hours.
    pub idle: Duration,
    /// When a session ends anyway. Default: 24 hours.
    pub longest: Duration,
    /// The domain below which endpoints of brokers have host names, to be told. Default: none.
    pub domain: Option<String>,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8642".to_owned(),
            region: None,
            idle: Duration::from_hours(8),
            longest: Duration::from_hours(24),
            domain: None,
        }
    }
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            operator: None,
            network: NetworkDefaults::default(),
            regions: amazon_mq_regions(),
            throttle_burst: 100,
            throttle_rate: 15,
            refuse_unknown_security_groups: true,
            faults: false,
            sized_volumes: false,
            strict_states: true,
            prices: PriceList::default(),
            metrics_tokens: Vec::new(),
            engine_timeout: ENGINE_TIMEOUT,
            console: ConsoleSettings::default(),
        }
    }
}

/// The services of the process that the API uses.
pub struct ApiServices {
    /// The database.
    pub store: PgStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The source of identifiers and secrets.
    pub entropy: Arc<dyn Entropy>,
    /// The metrics that [`crate::register_metrics`] registered.
    pub metrics: ApiMetrics,
    /// Where the events of calls are recorded. Somebody has to run it.
    pub audit: AuditTrail,
    /// Parts that must be well for the process to be ready, checked in this order before the database.
    pub ready_checks: Vec<ReadyCheck>,
}
