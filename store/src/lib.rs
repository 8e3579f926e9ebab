//! PostgreSQL: the only place that knows of tables.
//!
//! One method is one transaction. "Not found" is `Ok(None)`. Secrets are sealed before they leave
//! the process. Lease times are the database's; every other time comes in as an argument.

mod error;
mod seal;
mod types;

use std::{sync::Arc, time::Duration};

use brokerd_domain::{
    Broker, BrokerId, BrokerInstance, CreateBroker, Entropy, Event, InstallationId, Lease, Next,
    Offerings, PassReport, Scope, Timestamp, WorkerId,
};

pub use error::StoreError;
pub use seal::MasterKey;
pub use types::{
    AccessKey, Allocation, CertificateAuthority, CreateOutcome, NewIds, Offering, Route, Target, Work,
};

/// The store.
#[derive(Clone)]
pub struct PgStore {
    _private: (),
}

/// A wake-up call from the database.
pub struct Listener {
    _private: (),
}

impl Listener {
    /// Waits for the next notification, or the end of a lost connection (which counts as one, because
    /// notifications may have been missed).
    pub async fn wait(&mut self) {
        todo!()
    }
}

/// What a [`Listener`] listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A broker became due.
    Reconcile,
    /// The gateway's table changed.
    Routes,
}

#[expect(unused_variables, clippy::todo, clippy::unused_async, reason = "signatures first")]
impl PgStore {
    /// Connects and migrates.
    pub async fn connect(database_url: &str, max_connections: u32, key: MasterKey, entropy: Arc<dyn Entropy>) -> Result<Self, StoreError> { todo!() }
    /// Whether the database answers and is migrated.
    pub async fn ping(&self) -> Result<(), StoreError> { todo!() }
    /// Starts listening.
    pub async fn listen(&self, channel: Channel) -> Result<Listener, StoreError> { todo!() }

    /// The installation's name: `wanted` if none was stored before.
    pub async fn installation(&self, wanted: &InstallationId) -> Result<InstallationId, StoreError> { todo!() }
    /// The authority: `fresh` if none was stored before.
    pub async fn certificate_authority(&self, fresh: &CertificateAuthority) -> Result<CertificateAuthority, StoreError> { todo!() }
    /// The stored authority.
    pub async fn stored_certificate_authority(&self) -> Result<Option<CertificateAuthority>, StoreError> { todo!() }

    /// The access key of that identifier.
    pub async fn access_key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> { todo!() }
    /// Any access key, oldest first; none before the first start.
    pub async fn first_access_key(&self) -> Result<Option<AccessKey>, StoreError> { todo!() }
    /// Adds an access key; one that exists is left as it is.
    pub async fn add_access_key(&self, key: &AccessKey, now: Timestamp) -> Result<(), StoreError> { todo!() }

    /// What can be created.
    pub async fn offerings(&self) -> Result<Offerings, StoreError> { todo!() }
    /// Replaces what can be created.
    pub async fn set_offerings(&self, offerings: &[Offering]) -> Result<(), StoreError> { todo!() }

    /// Creates a broker: row, users, configuration, due row and event in one transaction.
    pub async fn create_broker(&self, scope: &Scope, command: &CreateBroker, ids: NewIds, now: Timestamp) -> Result<CreateOutcome, StoreError> { todo!() }
    /// The broker, if this scope has it.
    pub async fn broker(&self, scope: &Scope, id: BrokerId) -> Result<Option<Broker>, StoreError> { todo!() }
    /// Brokers of the scope in a stable order (creation), after `after`.
    pub async fn brokers(&self, scope: &Scope, after: Option<(Timestamp, BrokerId)>, limit: u32) -> Result<Vec<Broker>, StoreError> { todo!() }
    /// Counts a reboot, if the broker is still as `seen`; false: look again.
    pub async fn request_reboot(&self, seen: &Broker, now: Timestamp) -> Result<bool, StoreError> { todo!() }
    /// Marks a broker for deletion; false: it does not exist any more.
    pub async fn request_delete(&self, scope: &Scope, id: BrokerId, now: Timestamp) -> Result<bool, StoreError> { todo!() }
    /// The newest events of a broker, newest first; none: no such broker.
    pub async fn events(&self, scope: &Scope, id: BrokerId, limit: u32) -> Result<Option<Vec<Event>>, StoreError> { todo!() }

    /// Claims brokers that are due and not leased, longest due first.
    pub async fn claim_due(&self, worker: WorkerId, ttl: Duration, limit: u32) -> Result<Vec<Lease>, StoreError> { todo!() }
    /// How long until the next broker is due, if any.
    pub async fn next_due(&self) -> Result<Option<Duration>, StoreError> { todo!() }
    /// Prolongs a lease.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], as every method that takes a lease.
    pub async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> { todo!() }
    /// Everything known of the leased broker; none: it is gone.
    pub async fn load(&self, lease: &Lease) -> Result<Option<Work>, StoreError> { todo!() }
    /// Seals and stores what can't be observed again.
    pub async fn save_materials(&self, lease: &Lease, materials: &[u8]) -> Result<(), StoreError> { todo!() }
    /// Allocates addresses, once: a broker that has some keeps them. `is_free` tells whether nobody
    /// outside brokerd uses a port.
    ///
    /// # Errors
    /// [`StoreError::NoPorts`] when the range is used up.
    pub async fn allocate_endpoints(&self, lease: &Lease, allocation: &Allocation, is_free: &(dyn Fn(u16) -> bool + Send + Sync)) -> Result<Vec<BrokerInstance>, StoreError> { todo!() }
    /// Leads endpoints elsewhere and tells the gateways.
    pub async fn set_targets(&self, lease: &Lease, targets: &[Target]) -> Result<(), StoreError> { todo!() }
    /// Records a pass.
    pub async fn record(&self, lease: &Lease, report: &PassReport) -> Result<(), StoreError> { todo!() }
    /// Removes every trace of a deleted broker but its configuration.
    pub async fn forget(&self, lease: &Lease) -> Result<(), StoreError> { todo!() }
    /// Gives the lease back.
    pub async fn release(&self, lease: &Lease, next: Next) -> Result<(), StoreError> { todo!() }
    /// Makes a broker due now; unknown ones are ignored.
    pub async fn wake(&self, broker: BrokerId) -> Result<(), StoreError> { todo!() }
    /// Which of these brokers have a row.
    pub async fn existing(&self, brokers: &[BrokerId]) -> Result<Vec<BrokerId>, StoreError> { todo!() }

    /// The gateway's table.
    pub async fn routes(&self) -> Result<Vec<Route>, StoreError> { todo!() }
}
