//! A store that is plain data, with the lease rules of the real one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use brokerd_domain::{
    Broker, BrokerId, BrokerUser, Clock, Event, Fault, HostCapacity, Lease, Reservation,
    RunningEngine, Target, Timestamp, WorkerId, report::ReportedChange,
};
use brokerd_store::{StoreError, Work};
use secrecy::SecretBox;

use super::{TestClock, fault::Faults};

/// A broker and its due row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The broker.
    pub broker: Broker,
    /// Its users.
    pub users: Vec<BrokerUser>,
    /// Its users after the next reboot, if they change.
    pub pending_users: Option<Vec<BrokerUser>>,
    /// The content of its configuration's revisions, from 1 on.
    pub revisions: Vec<String>,
    /// When a maintenance window last did something.
    pub maintained: Option<Timestamp>,
    pub(super) materials: Option<Vec<u8>>,
    /// What really runs.
    pub running: Option<RunningEngine>,
    /// What it has of the room.
    pub reservation: Option<Reservation>,
    /// Why what is stored can't be read.
    pub unreadable: Option<String>,
    /// Where the gateway leads.
    pub targets: Vec<Target>,
    /// What happened.
    pub events: Vec<Event>,
    /// What was reported.
    pub changes: Vec<ReportedChange>,
    /// Faults, those that are over too.
    pub faults: Vec<Fault>,
    /// When it is looked at again.
    pub(super) due: Timestamp,
    pub(super) wakes: i64,
    pub(super) attempt: u32,
    pub(super) urgent: bool,
    pub(super) owner: Option<WorkerId>,
    pub(super) holder: Option<WorkerId>,
    pub(super) epoch: i64,
    pub(super) expires: Timestamp,
}

/// The store.
pub struct MemoryStore {
    /// The rows.
    pub rows: Arc<Mutex<BTreeMap<BrokerId, Row>>>,
    /// How often it was asked for anything, by what.
    pub calls: Mutex<BTreeMap<&'static str, usize>>,
    /// Until when provisioners count as alive.
    pub lives: Mutex<BTreeMap<WorkerId, Timestamp>>,
    /// What instances may use together.
    pub host_capacity: Mutex<HostCapacity>,
    /// Brokers that are gone for good.
    pub forgotten: Mutex<BTreeSet<BrokerId>>,
    /// The digest of each image that was pulled.
    pub pulled: Mutex<BTreeMap<String, String>>,
    /// The database's clock.
    pub clock: Arc<TestClock>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
}

pub(super) fn gone() -> StoreError {
    StoreError::Unavailable("the database is gone".into())
}

impl MemoryStore {
    /// A store without brokers.
    pub fn new(clock: Arc<TestClock>, host_capacity: HostCapacity, faults: Arc<Faults>) -> Self {
        Self {
            rows: Arc::default(),
            calls: Mutex::default(),
            lives: Mutex::default(),
            host_capacity: Mutex::new(host_capacity),
            forgotten: Mutex::default(),
            pulled: Mutex::default(),
            clock,
            faults,
        }
    }

    /// Adds a broker that is due.
    pub fn insert(&self, broker: Broker, users: Vec<BrokerUser>) {
        let now = self.clock.now();
        let row = Row {
            users,
            pending_users: None,
            maintained: None,
            revisions: vec![default_configuration(&broker)],
            materials: None,
            running: None,
            reservation: None,
            unreadable: None,
            targets: Vec::new(),
            events: Vec::new(),
            changes: Vec::new(),
            faults: Vec::new(),
            due: now,
            wakes: 0,
            attempt: 0,
            urgent: false,
            owner: None,
            holder: None,
            epoch: 0,
            expires: now,
            broker,
        };
        self.rows.lock().expect("not poisoned").insert(row.broker.id, row);
    }

    /// Changes a broker as a request would, and wakes it.
    pub fn request(&self, id: BrokerId, change: impl FnOnce(&mut Row)) {
        let now = self.clock.now();
        let mut rows = self.rows.lock().expect("not poisoned");
        let row = rows.get_mut(&id).expect("the broker exists");
        change(row);
        row.wakes += 1;
        row.attempt = 0;
        row.due = row.due.min(now);
    }

    /// What happens when a worker is known to be dead.
    pub fn release_worker(&self, worker: WorkerId) {
        let now = self.clock.now();
        self.lives.lock().expect("not poisoned").remove(&worker);
        let mut rows = self.rows.lock().expect("not poisoned");
        for row in rows.values_mut() {
            if row.holder == Some(worker) || row.owner == Some(worker) {
                (row.owner, row.holder) = (None, None);
                row.epoch += 1;
                row.wakes += 1;
                row.due = row.due.min(now);
            }
        }
    }

    /// The brokers that are there and have not failed.
    pub fn unfinished(&self) -> impl Iterator<Item = BrokerId> + use<> {
        let rows = self.rows.lock().expect("not poisoned");
        let unfinished = rows.values().filter(|row| row.broker.status.failure.is_none());
        unfinished.map(|row| row.broker.id).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn called(&self, what: &'static str) {
        *self.calls.lock().expect("not poisoned").entry(what).or_default() += 1;
    }

    /// How often it was asked for this.
    pub fn calls(&self, what: &'static str) -> usize {
        self.calls.lock().expect("not poisoned").get(what).copied().unwrap_or(0)
    }

    /// When a broker is due.
    pub fn due(&self, id: BrokerId) -> Option<Timestamp> {
        self.rows.lock().expect("not poisoned").get(&id).map(|row| row.due)
    }

    /// How long until another process counts as dead, if one does not.
    pub fn others_live_for(&self, me: WorkerId) -> Option<Duration> {
        let now = self.clock.now();
        let lives = self.lives.lock().expect("not poisoned");
        lives.iter().filter(|(id, _)| **id != me).map(|(_, end)| end.since(now)).min()
    }

    /// How long until a lease runs out, if one is held. After a reply that was lost its holder does not know of it, and
    /// claims the broker anew when it looks the next time, as it does now and then.
    pub fn lease_ends_in(&self) -> Option<Duration> {
        let now = self.clock.now();
        let rows = self.rows.lock().expect("not poisoned");
        let held = rows.values().filter(|row| row.holder.is_some());
        held.map(|row| row.expires.since(now)).min()
    }

    pub(super) fn is_alive(&self, worker: WorkerId) -> bool {
        let now = self.clock.now();
        self.lives.lock().expect("not poisoned").get(&worker).is_some_and(|end| *end > now)
    }

    /// A copy of a row.
    pub fn row(&self, id: BrokerId) -> Option<Row> {
        self.rows.lock().expect("not poisoned").get(&id).cloned()
    }

    pub(super) fn fenced<T>(
        &self,
        lease: &Lease,
        act: impl FnOnce(&mut Row) -> T,
    ) -> Result<T, StoreError> {
        let now = self.clock.now();
        let mut rows = self.rows.lock().expect("not poisoned");
        let row = rows.get_mut(&lease.broker).ok_or(StoreError::LeaseLost)?;
        if row.holder != Some(lease.holder) || row.epoch != lease.epoch || row.expires <= now {
            return Err(StoreError::LeaseLost);
        }
        Ok(act(row))
    }
}

impl Row {
    pub(super) fn claim(&mut self, me: WorkerId, expires: Timestamp) -> Lease {
        (self.owner, self.holder, self.expires) = (Some(me), Some(me), expires);
        self.epoch += 1;
        Lease {
            broker: self.broker.id,
            holder: me,
            epoch: self.epoch,
            wakes: self.wakes,
            attempt: self.attempt,
        }
    }
}

fn default_configuration(broker: &Broker) -> String {
    let spec = &broker.spec;
    brokerd_domain::default_revision(spec.engine_type, spec.engine_version, "orders-configuration")
        .1
}

/// What a pass works on, if the broker is this.
pub(super) fn work(row: &Row, mut broker: Broker) -> Work {
    let applies_pending = broker.applies_pending();
    let users = row.pending_users.as_ref().filter(|_| applies_pending);
    let revision = broker.wanted_configuration().map_or(1, |r| r.revision);
    let revision = usize::try_from(revision).expect("from 1 on") - 1;
    broker.spec = broker.wanted_spec();
    Work {
        broker,
        users: users.unwrap_or(&row.users).clone(),
        ldap_password: None,
        directory_authorities: None,
        configuration: row.revisions[revision].clone(),
        materials: row.materials.clone().map(|bytes| SecretBox::new(Box::new(bytes))),
        targets: row.targets.clone(),
        faults: row.faults.iter().filter(|f| f.ended.is_none()).cloned().collect(),
        running: row.running.clone(),
        reservation: row.reservation,
        unreadable: row.unreadable.clone(),
        trace: None,
    }
}
