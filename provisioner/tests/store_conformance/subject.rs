//! What the suite needs of a store beside the trait: the requests of owners, a look behind it, and time.

use std::time::Duration;

use async_trait::async_trait;
use brokerd_domain::{Broker, BrokerId, Fault, Lease, WorkerId};
use brokerd_provisioner::reconcile::ReconcileStore;
use brokerd_store::{StoreError, Work};

/// The time of reports. Leases count by the store's own clock.
pub(crate) use crate::support::NOW;

/// How long leases and heartbeats last.
pub(crate) const TTL: Duration = Duration::from_secs(30);

/// A store under test, without brokers.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    /// The store.
    fn store(&self) -> &dyn ReconcileStore;

    /// A new provisioner.
    fn worker(&self) -> WorkerId;

    /// A new broker of a single instance of ActiveMQ on a `mq.t3.micro`, which is due.
    async fn create(&self) -> BrokerId;

    /// The broker, if it is there.
    async fn broker(&self, broker: BrokerId) -> Option<Broker>;

    /// What its events say, the oldest first.
    async fn messages(&self, broker: BrokerId) -> Vec<String>;

    /// Its owner asks for a reboot.
    async fn reboot(&self, broker: BrokerId);

    /// Its owner deletes it.
    async fn delete(&self, broker: BrokerId);

    /// Its owner asks for a fault: a pause of half a minute.
    async fn fault(&self, broker: BrokerId) -> Fault;

    /// Lets time pass.
    async fn pass(&self, by: Duration);
}

impl dyn Subject + '_ {
    /// Claims the only broker that is due.
    pub(crate) async fn claim(&self, me: WorkerId) -> Lease {
        let mut leases = self.store().claim_due(me, None, TTL, 10).await.expect("claimed");
        assert_eq!(leases.len(), 1, "{leases:?}");
        leases.remove(0)
    }

    /// A new broker, and a lease on it.
    pub(crate) async fn claimed(&self) -> Lease {
        self.create().await;
        self.claim(self.worker()).await
    }

    /// Whether nothing is due for a provisioner.
    pub(crate) async fn nothing_is_due(&self, me: WorkerId) -> bool {
        self.store().claim_due(me, None, TTL, 10).await.expect("claimed").is_empty()
    }

    /// What a pass with that lease works on.
    pub(crate) async fn work(&self, lease: &Lease) -> Work {
        self.store().load(lease).await.expect("loaded").expect("there")
    }
}

/// Fails unless the lease was lost.
#[track_caller]
pub(crate) fn lost<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
}
