//! The store as the reconciler needs it, so that passes can be tested on a simulated clock.
//!
//! What the trait promises is tried out on PostgreSQL and on the store that passes are simulated on alike:
//! `tests/store_conformance`.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use brokerd_domain::{
    ActionRequired, AffectedInstance, Broker, BrokerId, BrokerInstance, CapacityUse, EngineType,
    Fault, GrantDecision, HostCapacity, HostInstanceType, Lane, Lease, Next, PassReport,
    RunningEngine, Target, Timestamp, WorkerId,
};
use brokerd_store::{Allocation, HeartbeatOutcome, Offering, PgStore, StoreError, Work};

/// The reconciler's side of the store. Every method that takes a lease fails with [`StoreError::LeaseLost`] once
/// another provisioner may have claimed the broker.
#[async_trait]
pub trait ReconcileStore: Send + Sync + 'static {
    /// Claims brokers that are due, of one lane or of both.
    async fn claim_due(
        &self,
        me: WorkerId,
        lane: Option<Lane>,
        ttl: Duration,
        limit: u32,
    ) -> Result<Vec<Lease>, StoreError>;
    /// Claims a broker that is watched since the claim of that epoch; `None` if it was claimed since.
    async fn claim_watched(
        &self,
        me: WorkerId,
        broker: BrokerId,
        epoch: i64,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError>;
    /// How long until the next broker of a lane is due.
    async fn next_due(
        &self,
        me: WorkerId,
        lane: Option<Lane>,
    ) -> Result<Option<Duration>, StoreError>;
    /// Stores a heartbeat, and releases the brokers of provisioners whose heartbeat expired.
    async fn heartbeat(&self, me: WorkerId, ttl: Duration) -> Result<HeartbeatOutcome, StoreError>;
    /// Renews a lease.
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError>;
    /// The broker with everything stored of it; `None` if it is gone.
    async fn load(&self, lease: &Lease) -> Result<Option<Work>, StoreError>;
    /// The same, as if the outstanding reboot had not been asked for.
    async fn load_before_reboot(&self, lease: &Lease) -> Result<Option<Work>, StoreError>;
    /// Stores materials, which can't be made again.
    async fn save_materials(&self, lease: &Lease, materials: &[u8]) -> Result<(), StoreError>;
    /// Allocates addresses, once.
    async fn allocate_endpoints(
        &self,
        lease: &Lease,
        allocation: &Allocation,
        is_free: &(dyn Fn(u16) -> bool + Send + Sync),
    ) -> Result<Vec<BrokerInstance>, StoreError>;
    /// Queues a broker for memory of the host, and grants what can be granted.
    async fn reserve(&self, lease: &Lease, instances: u8, now: Timestamp)
    -> Result<(), StoreError>;
    /// Grants a running broker memory for instances of a larger type, if there is enough.
    async fn reserve_more(
        &self,
        lease: &Lease,
        instances: u8,
        tier: HostInstanceType,
        now: Timestamp,
    ) -> Result<GrantDecision, StoreError>;
    /// Grants released memory to waiting creations.
    async fn grant_waiting(&self, now: Timestamp) -> Result<(), StoreError>;
    /// Reports the memory that instances may use together; returns how it is used.
    async fn report_capacity(
        &self,
        host_capacity: &HostCapacity,
        now: Timestamp,
    ) -> Result<CapacityUse, StoreError>;
    /// Changes the targets of endpoints.
    async fn set_targets(&self, lease: &Lease, targets: &[Target]) -> Result<(), StoreError>;
    /// Records the engine that runs.
    async fn save_running_engine(
        &self,
        lease: &Lease,
        engine: EngineType,
        runs: &RunningEngine,
    ) -> Result<(), StoreError>;
    /// Records a pass.
    async fn record(&self, lease: &Lease, report: &PassReport) -> Result<(), StoreError>;
    /// Drops the pending changes from the outstanding reboot, with the service's codes for the reason.
    async fn give_up_pending(
        &self,
        lease: &Lease,
        why: &str,
        actions: &[ActionRequired],
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Records the target of a fault, once and before the fault starts.
    async fn start_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        struck: &[AffectedInstance],
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Records the end of a fault.
    async fn end_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        how: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes every trace of the broker.
    async fn delete_broker_record(&self, lease: &Lease) -> Result<(), StoreError>;
    /// Releases the lease; returns whether the broker was woken meanwhile.
    async fn release(&self, lease: &Lease, next: Next, urgent: bool) -> Result<bool, StoreError>;
    /// Makes a broker due now.
    async fn wake(&self, broker: BrokerId) -> Result<(), StoreError>;
    /// Makes brokers of a provisioner due now that back off after a failure: this one, or all.
    async fn end_back_off(&self, me: WorkerId, broker: Option<BrokerId>)
    -> Result<u64, StoreError>;
    /// Brokers that exist, with when a maintenance window last did something.
    async fn maintenance_candidates(&self) -> Result<Vec<(Broker, Option<Timestamp>)>, StoreError>;
    /// Counts a reboot for maintenance, if the broker is still as seen.
    async fn request_maintenance(
        &self,
        seen: &Broker,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Which of these brokers were deleted and forgotten.
    async fn forgotten(&self, brokers: &[BrokerId]) -> Result<Vec<BrokerId>, StoreError>;
    /// Replaces the offered engine versions.
    async fn set_offerings(&self, offerings: &[Offering]) -> Result<(), StoreError>;
    /// The recorded digest of each image that was pulled, by its name.
    async fn pulled_images(&self) -> Result<BTreeMap<String, String>, StoreError>;
    /// Records the digest of an image that was pulled.
    async fn save_pulled_image(
        &self,
        image: &str,
        digest: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

#[async_trait]
impl ReconcileStore for PgStore {
    async fn claim_due(
        &self,
        me: WorkerId,
        lane: Option<Lane>,
        ttl: Duration,
        limit: u32,
    ) -> Result<Vec<Lease>, StoreError> {
        Self::claim_due(self, me, lane, ttl, limit).await
    }
    async fn claim_watched(
        &self,
        me: WorkerId,
        broker: BrokerId,
        epoch: i64,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        Self::claim_watched(self, me, broker, epoch, ttl).await
    }
    async fn next_due(
        &self,
        me: WorkerId,
        lane: Option<Lane>,
    ) -> Result<Option<Duration>, StoreError> {
        Self::next_due(self, me, lane).await
    }
    async fn heartbeat(&self, me: WorkerId, ttl: Duration) -> Result<HeartbeatOutcome, StoreError> {
        Self::heartbeat(self, me, ttl).await
    }
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
        Self::renew(self, lease, ttl).await
    }
    async fn load(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        Self::load(self, lease).await
    }
    async fn load_before_reboot(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        Self::load_before_reboot(self, lease).await
    }
    async fn save_materials(&self, lease: &Lease, materials: &[u8]) -> Result<(), StoreError> {
        Self::save_materials(self, lease, materials).await
    }
    async fn allocate_endpoints(
        &self,
        lease: &Lease,
        allocation: &Allocation,
        is_free: &(dyn Fn(u16) -> bool + Send + Sync),
    ) -> Result<Vec<BrokerInstance>, StoreError> {
        Self::allocate_endpoints(self, lease, allocation, is_free).await
    }
    async fn reserve(
        &self,
        lease: &Lease,
        instances: u8,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Self::reserve(self, lease, instances, now).await
    }
    async fn reserve_more(
        &self,
        lease: &Lease,
        instances: u8,
        tier: HostInstanceType,
        now: Timestamp,
    ) -> Result<GrantDecision, StoreError> {
        Self::reserve_more(self, lease, instances, tier, now).await
    }
    async fn grant_waiting(&self, now: Timestamp) -> Result<(), StoreError> {
        Self::grant_waiting(self, now).await
    }
    async fn report_capacity(
        &self,
        host_capacity: &HostCapacity,
        now: Timestamp,
    ) -> Result<CapacityUse, StoreError> {
        Self::report_capacity(self, host_capacity, now).await
    }
    async fn set_targets(&self, lease: &Lease, targets: &[Target]) -> Result<(), StoreError> {
        Self::set_targets(self, lease, targets).await
    }
    async fn save_running_engine(
        &self,
        lease: &Lease,
        engine: EngineType,
        runs: &RunningEngine,
    ) -> Result<(), StoreError> {
        Self::save_running_engine(self, lease, engine, runs).await
    }
    async fn record(&self, lease: &Lease, report: &PassReport) -> Result<(), StoreError> {
        Self::record(self, lease, report).await
    }
    async fn give_up_pending(
        &self,
        lease: &Lease,
        why: &str,
        actions: &[ActionRequired],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Self::give_up_pending(self, lease, why, actions, now).await
    }
    async fn start_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        struck: &[AffectedInstance],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Self::start_fault(self, lease, fault, struck, now).await
    }
    async fn end_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        how: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Self::end_fault(self, lease, fault, how, now).await
    }
    async fn delete_broker_record(&self, lease: &Lease) -> Result<(), StoreError> {
        Self::delete_broker_record(self, lease).await
    }
    async fn release(&self, lease: &Lease, next: Next, urgent: bool) -> Result<bool, StoreError> {
        Self::release(self, lease, next, urgent).await
    }
    async fn wake(&self, broker: BrokerId) -> Result<(), StoreError> {
        Self::wake(self, broker).await
    }
    async fn end_back_off(
        &self,
        me: WorkerId,
        broker: Option<BrokerId>,
    ) -> Result<u64, StoreError> {
        Self::end_back_off(self, me, broker).await
    }
    async fn maintenance_candidates(&self) -> Result<Vec<(Broker, Option<Timestamp>)>, StoreError> {
        Self::maintenance_candidates(self).await
    }
    async fn request_maintenance(
        &self,
        seen: &Broker,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Self::request_maintenance(self, seen, reason, now).await
    }
    async fn forgotten(&self, brokers: &[BrokerId]) -> Result<Vec<BrokerId>, StoreError> {
        Self::forgotten(self, brokers).await
    }
    async fn set_offerings(&self, offerings: &[Offering]) -> Result<(), StoreError> {
        Self::set_offerings(self, offerings).await
    }
    async fn pulled_images(&self) -> Result<BTreeMap<String, String>, StoreError> {
        Self::pulled_images(self).await
    }
    async fn save_pulled_image(
        &self,
        image: &str,
        digest: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Self::save_pulled_image(self, image, digest, now).await
    }
}
