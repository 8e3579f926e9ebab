//! The store's side of the provisioner, on rows that are plain data.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use brokerd_domain::{
    ActionRequired, AffectedInstance, Broker, BrokerId, BrokerInstance, CapacityUse, Clock, Demand,
    Endpoint, EngineType, Event, EventKind, Fault, GrantDecision, HostCapacity, HostInstanceType,
    Intent, Lane, Lease, Next, PassReport, PendingChanges, Reservation, RunningEngine, Target,
    Timestamp, WorkerId,
};
use brokerd_provisioner::reconcile::ReconcileStore;
use brokerd_store::{Allocation, HeartbeatOutcome, Offering, StoreError, Work};

use super::{
    capacity::{granted, line},
    store::{MemoryStore, Row, gone, work},
};

#[async_trait]
impl ReconcileStore for MemoryStore {
    async fn claim_due(
        &self,
        me: WorkerId,
        lane: Option<Lane>,
        ttl: Duration,
        limit: u32,
    ) -> Result<Vec<Lease>, StoreError> {
        self.called("claim due");
        let now = self.clock.now();
        let mut rows = self.rows.lock().expect("not poisoned");
        let due = rows
            .values_mut()
            .filter(|row| lane.is_none_or(|lane| row.urgent == (lane == Lane::Urgent)))
            .filter(|row| row.due <= now && (row.holder.is_none() || row.expires <= now))
            .filter(|row| row.owner.is_none_or(|owner| owner == me || !self.is_alive(owner)))
            .take(usize::try_from(limit).expect("small"));
        Ok(due.map(|row| row.claim(me, now.plus(ttl))).collect())
    }

    async fn claim_watched(
        &self,
        me: WorkerId,
        broker: BrokerId,
        epoch: i64,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.called("claim watched");
        let claim = || {
            let now = self.clock.now();
            let mut rows = self.rows.lock().expect("not poisoned");
            let row = rows
                .get_mut(&broker)
                .filter(|row| row.owner == Some(me) && row.epoch == epoch && row.holder.is_none());
            Ok(row.map(|row| {
                row.due = row.due.min(now);
                row.claim(me, now.plus(ttl))
            }))
        };
        self.faults.effect("claim watched", gone, claim).await
    }

    async fn next_due(
        &self,
        me: WorkerId,
        lane: Option<Lane>,
    ) -> Result<Option<Duration>, StoreError> {
        self.called("next due");
        let now = self.clock.now();
        let rows = self.rows.lock().expect("not poisoned");
        Ok(rows
            .values()
            .filter(|row| lane.is_none_or(|lane| row.urgent == (lane == Lane::Urgent)))
            .filter(|row| row.owner.is_none_or(|owner| owner == me))
            .filter(|row| row.holder.is_none() || row.expires <= now)
            .map(|row| row.due)
            .min()
            .map(|due| due.since(now)))
    }

    async fn heartbeat(&self, me: WorkerId, ttl: Duration) -> Result<HeartbeatOutcome, StoreError> {
        let now = self.clock.now();
        let dead: Vec<WorkerId> = {
            let lives = self.lives.lock().expect("not poisoned");
            lives.iter().filter(|(id, end)| **id != me && **end <= now).map(|(id, _)| *id).collect()
        };
        let mut freed = 0;
        for dead in dead {
            self.lives.lock().expect("not poisoned").remove(&dead);
            for row in self.rows.lock().expect("not poisoned").values_mut() {
                if row.owner == Some(dead) {
                    row.owner = None;
                    row.wakes += 1;
                    row.due = row.due.min(now);
                    freed += 1;
                }
            }
        }
        let before = self.lives.lock().expect("not poisoned").insert(me, now.plus(ttl));
        Ok(HeartbeatOutcome { continued: before.is_some(), freed })
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
        let expires = self.clock.now().plus(ttl);
        self.fenced(lease, |row| row.expires = expires)
    }

    async fn load(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        self.called("load");
        Ok(self.row(lease.broker).map(|row| work(&row, row.broker.clone())))
    }

    async fn load_before_reboot(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        self.called("load before reboot");
        Ok(self.row(lease.broker).map(|row| work(&row, row.broker.clone().before_reboot())))
    }

    async fn save_materials(&self, lease: &Lease, materials: &[u8]) -> Result<(), StoreError> {
        let save = || self.fenced(lease, |row| row.materials = Some(materials.to_vec()));
        self.faults.effect("save materials", gone, save).await
    }

    async fn save_running_engine(
        &self,
        lease: &Lease,
        engine: EngineType,
        runs: &RunningEngine,
    ) -> Result<(), StoreError> {
        let save = || {
            self.fenced(lease, |row| {
                let message = runs.sentence(engine);
                row.events.push(Event { at: runs.since, kind: EventKind::Verdict, message });
                row.running = Some(runs.clone());
            })
        };
        self.faults.effect("save running engine", gone, save).await
    }

    async fn allocate_endpoints(
        &self,
        lease: &Lease,
        allocation: &Allocation,
        _: &(dyn Fn(u16) -> bool + Send + Sync),
    ) -> Result<Vec<BrokerInstance>, StoreError> {
        let allocate = || {
            self.fenced(lease, |row| {
                if row.broker.instances.is_empty() {
                    row.broker.instances = allocation.new_instances();
                }
                let mut ports = allocation.ports.clone();
                for instance in &mut row.broker.instances {
                    for protocol in allocation.missing(instance) {
                        let port = match &allocation.names {
                            Some(_) => protocol.standard_ports(allocation.engine)[0],
                            None => ports.next().expect("enough ports"),
                        };
                        instance.endpoints.push(Endpoint { protocol: *protocol, port });
                        row.targets.push(Target {
                            ordinal: instance.ordinal,
                            protocol: *protocol,
                            addresses: Vec::new(),
                        });
                    }
                }
                row.broker.instances.clone()
            })
        };
        self.faults.effect("allocate endpoints", gone, allocate).await
    }

    async fn reserve(&self, lease: &Lease, _: u8, now: Timestamp) -> Result<(), StoreError> {
        let reserve = || {
            self.fenced(lease, |row| {
                let waiting = Reservation::Waiting { since: now, missing_bytes: 0 };
                row.reservation.get_or_insert(waiting);
            })?;
            self.grant(Some(lease.broker), now);
            Ok(())
        };
        self.faults.effect("reserve", gone, reserve).await
    }

    async fn reserve_more(
        &self,
        lease: &Lease,
        instances: u8,
        tier: HostInstanceType,
        now: Timestamp,
    ) -> Result<GrantDecision, StoreError> {
        let reserve = || {
            self.fenced(lease, |_| ())?;
            let host_capacity = *self.host_capacity.lock().expect("not poisoned");
            let mut rows = self.rows.lock().expect("not poisoned");
            let others = granted(&rows, &host_capacity, Some(lease.broker));
            let mut line = line(&rows, &host_capacity);
            let bytes = host_capacity.of_instances(tier, instances);
            line.push(Demand { broker: lease.broker, bytes, since: now });
            let turn = host_capacity.admit(others, &line, now).pop().expect("one turn each");
            if turn == GrantDecision::Granted {
                let row = rows.get_mut(&lease.broker).expect("its lease is held");
                row.reservation = Some(Reservation::Granted(tier));
            }
            Ok(turn)
        };
        self.faults.effect("reserve more", gone, reserve).await
    }

    async fn grant_waiting(&self, now: Timestamp) -> Result<(), StoreError> {
        self.grant(None, now);
        Ok(())
    }

    async fn report_capacity(
        &self,
        host_capacity: &HostCapacity,
        now: Timestamp,
    ) -> Result<CapacityUse, StoreError> {
        *self.host_capacity.lock().expect("not poisoned") = *host_capacity;
        self.grant(None, now);
        let rows = self.rows.lock().expect("not poisoned");
        let line = line(&rows, host_capacity);
        Ok(CapacityUse {
            granted_bytes: granted(&rows, host_capacity, None),
            waiting_bytes: line.iter().map(|demand| demand.bytes).sum(),
            waiting: line.len() as u64,
        })
    }

    async fn set_targets(&self, lease: &Lease, targets: &[Target]) -> Result<(), StoreError> {
        let set = || {
            self.fenced(lease, |row| {
                for target in targets {
                    for there in &mut row.targets {
                        if there.ordinal == target.ordinal && there.protocol == target.protocol {
                            there.clone_from(target);
                        }
                    }
                }
            })
        };
        self.faults.effect("set targets", gone, set).await
    }

    async fn record(&self, lease: &Lease, report: &PassReport) -> Result<(), StoreError> {
        self.called("record");
        let record = || {
            self.fenced(lease, |row| {
                let first = row.broker.status.observed_generation.is_none()
                    && report.observed_generation.is_some();
                let done = report.reboots_done.unwrap_or(row.broker.status.reboots_done);
                let rebooted =
                    done > row.broker.status.reboots_done && done == row.broker.reboots_requested;
                let applied = rebooted && row.broker.not_applied.is_none();
                if first || applied {
                    row.broker.configurations = row.broker.configurations.applied();
                }
                if applied {
                    row.broker.spec = row.broker.wanted_spec();
                    row.broker.pending = PendingChanges::default();
                    if let Some(users) = row.pending_users.take() {
                        row.users = users;
                        row.broker.users.clear();
                    }
                }
                if row.broker.status.failure.is_none() && report.failure.is_some() {
                    row.reservation = None;
                } else if rebooted {
                    let tier = row.broker.spec.host_instance_type;
                    row.reservation = Some(Reservation::Granted(tier));
                }
                let status = &mut row.broker.status;
                status.sentence.clone_from(&report.sentence);
                status.reason.clone_from(&report.reason);
                status.reported.clone_from(&report.reported);
                status.conditions.clone_from(&report.conditions);
                status.actions_required.clone_from(&report.actions_required);
                status.maintenance.clone_from(&report.maintenance);
                status.failure.clone_from(&report.failure);
                status.observed_generation =
                    report.observed_generation.or(status.observed_generation);
                status.reboots_done = report.reboots_done.unwrap_or(status.reboots_done);
                if let Some(change) = &report.change {
                    let availability = change.transitions.availability.map(|(state, _)| state);
                    status.availability = availability.or(status.availability);
                    row.changes.push(change.clone());
                }
                row.events.extend(report.events.iter().cloned());
            })
        };
        self.faults.effect("record", gone, record).await
    }

    async fn give_up_pending(
        &self,
        lease: &Lease,
        why: &str,
        actions: &[ActionRequired],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let give_up = || {
            self.fenced(lease, |row| {
                if row.broker.not_applied.is_none() {
                    row.broker.reboots_requested += 1;
                    row.broker.not_applied = Some(why.to_owned());
                    row.broker.not_applied_actions = actions.to_vec();
                    let message = format!("the pending changes are not applied: {why}");
                    row.events.push(Event { at: now, kind: EventKind::Failure, message });
                }
            })
        };
        self.faults.effect("give up pending", gone, give_up).await
    }

    async fn start_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        struck: &[AffectedInstance],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let strike = || {
            self.fenced(lease, |row| {
                let there =
                    row.faults.iter_mut().find(|f| f.id == fault.id && f.affected.is_none());
                if let Some(there) = there {
                    there.affected = Some(struck.to_vec());
                    let message = format!("fault {} started: {}", fault.id, fault.spec);
                    row.events.push(Event { at: now, kind: EventKind::Verdict, message });
                }
            })
        };
        self.faults.effect("strike fault", gone, strike).await
    }

    async fn end_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        how: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let end = || {
            self.fenced(lease, |row| {
                let there = row.faults.iter_mut().find(|f| f.id == fault.id && f.ended.is_none());
                if let Some(there) = there {
                    there.ended = Some(now);
                    there.reason = Some(how.to_owned());
                    let message = format!("fault {} ended: {how}", fault.id);
                    row.events.push(Event { at: now, kind: EventKind::Verdict, message });
                }
            })
        };
        self.faults.effect("end fault", gone, end).await
    }

    async fn delete_broker_record(&self, lease: &Lease) -> Result<(), StoreError> {
        let forget = || match self.fenced(lease, |row| row.broker.intent) {
            Ok(Intent::Run) => Err(StoreError::LeaseLost),
            Ok(Intent::Delete) => {
                self.rows.lock().expect("not poisoned").remove(&lease.broker);
                self.forgotten.lock().expect("not poisoned").insert(lease.broker);
                Ok(())
            }
            // The broker is gone already: this is the second time.
            Err(_) if self.row(lease.broker).is_none() => Ok(()),
            Err(error) => Err(error),
        };
        self.faults.effect("forget", gone, forget).await
    }

    async fn release(&self, lease: &Lease, next: Next, urgent: bool) -> Result<bool, StoreError> {
        self.called("release");
        let now = self.clock.now();
        self.fenced(lease, |row| {
            (row.holder, row.urgent) = (None, urgent);
            let after = match next {
                Next::Now => Duration::ZERO,
                Next::After(after) => after,
                Next::BackOff => Duration::from_secs((5 << lease.attempt.min(6)).min(300)),
            };
            let woken = row.wakes != lease.wakes;
            row.attempt = if next == Next::BackOff && !woken { lease.attempt + 1 } else { 0 };
            row.due = if woken { now } else { now.plus(after) };
            woken
        })
    }

    async fn wake(&self, broker: BrokerId) -> Result<(), StoreError> {
        let now = self.clock.now();
        if let Some(row) = self.rows.lock().expect("not poisoned").get_mut(&broker) {
            row.wakes += 1;
            row.due = row.due.min(now);
        }
        Ok(())
    }

    async fn end_back_off(
        &self,
        me: WorkerId,
        broker: Option<BrokerId>,
    ) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let end = || {
            let mut woken = 0;
            for row in self.rows.lock().expect("not poisoned").values_mut() {
                let is_meant = broker.is_none_or(|broker| broker == row.broker.id);
                if is_meant && row.owner == Some(me) && row.attempt > 0 {
                    row.wakes += 1;
                    row.due = row.due.min(now);
                    woken += 1;
                }
            }
            Ok(woken)
        };
        self.faults.effect("end back-off", gone, end).await
    }

    async fn maintenance_candidates(&self) -> Result<Vec<(Broker, Option<Timestamp>)>, StoreError> {
        let rows = self.rows.lock().expect("not poisoned");
        let has_something_to_do = |row: &&Row| {
            let broker = &row.broker;
            broker.intent == Intent::Run
                && (broker.status.maintenance.is_some()
                    || broker.pending != PendingChanges::default()
                    || broker.configurations.pending.is_some()
                    || row.pending_users.is_some())
        };
        let candidates = rows.values().filter(has_something_to_do);
        Ok(candidates.map(|row| (row.broker.clone(), row.maintained)).collect())
    }

    async fn request_maintenance(
        &self,
        seen: &Broker,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let current = self.row(seen.id).map(|row| row.broker);
        if current.as_ref() != Some(seen) {
            return Ok(false);
        }
        self.request(seen.id, |row| {
            row.broker.reboots_requested += 1;
            row.maintained = Some(now);
            let message = reason.to_owned();
            row.events.push(Event { at: now, kind: EventKind::Maintenance, message });
        });
        Ok(true)
    }

    async fn forgotten(&self, brokers: &[BrokerId]) -> Result<Vec<BrokerId>, StoreError> {
        let forgotten = self.forgotten.lock().expect("not poisoned");
        Ok(brokers.iter().copied().filter(|broker| forgotten.contains(broker)).collect())
    }

    async fn set_offerings(&self, _: &[Offering]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn pulled_images(&self) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(self.pulled.lock().expect("not poisoned").clone())
    }

    async fn save_pulled_image(
        &self,
        image: &str,
        digest: &str,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        self.pulled.lock().expect("not poisoned").insert(image.to_owned(), digest.to_owned());
        Ok(())
    }
}
