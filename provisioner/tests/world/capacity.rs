//! Memory of the host, shared out as the real store does it.

use std::{collections::BTreeMap, time::Duration};

use brokerd_domain::{
    BrokerId, Clock, Demand, GrantDecision, HostCapacity, Intent, Reservation, Timestamp,
};

use super::store::{MemoryStore, Row};

impl MemoryStore {
    /// When what was given back is shared out the next time, if anybody waits.
    pub fn shares_out_in(&self) -> Option<Duration> {
        let host_capacity = *self.host_capacity.lock().expect("not poisoned");
        let rows = self.rows.lock().expect("not poisoned");
        let round = 15_000_000;
        let left = round - self.clock.now().as_micros() % round;
        (!line(&rows, &host_capacity).is_empty())
            .then(|| Duration::from_micros(u64::try_from(left % round).expect("not negative")))
    }

    /// Grants what can be granted.
    pub fn grant(&self, but: Option<BrokerId>, now: Timestamp) {
        let host_capacity = *self.host_capacity.lock().expect("not poisoned");
        let mut rows = self.rows.lock().expect("not poisoned");
        let line = line(&rows, &host_capacity);
        let turns = host_capacity.admit(granted(&rows, &host_capacity, None), &line, now);
        for (demand, turn) in line.iter().zip(turns) {
            let row = rows.get_mut(&demand.broker).expect("it waits");
            row.reservation = Some(match turn {
                GrantDecision::Granted => Reservation::Granted(row.broker.spec.host_instance_type),
                GrantDecision::Waits { missing_bytes } => {
                    Reservation::Waiting { since: demand.since, missing_bytes }
                }
            });
            if turn == GrantDecision::Granted && Some(demand.broker) != but {
                row.wakes += 1;
                row.due = row.due.min(now);
            }
        }
    }
}

/// Who waits, the longest first.
pub fn line(rows: &BTreeMap<BrokerId, Row>, host_capacity: &HostCapacity) -> Vec<Demand> {
    let demand = |row: &Row| match row.reservation {
        Some(Reservation::Waiting { since, .. }) if row.broker.intent == Intent::Run => {
            let spec = &row.broker.spec;
            let instances = spec.deployment_mode.instances();
            let bytes = host_capacity.of_instances(spec.host_instance_type, instances);
            Some(Demand { broker: row.broker.id, bytes, since })
        }
        _ => None,
    };
    let mut line: Vec<Demand> = rows.values().filter_map(demand).collect();
    line.sort_by_key(|demand| (demand.since, demand.broker));
    line
}

/// What is granted: to all, or to all others.
pub fn granted(
    rows: &BTreeMap<BrokerId, Row>,
    host_capacity: &HostCapacity,
    but: Option<BrokerId>,
) -> u64 {
    let bytes = |row: &Row| match row.reservation {
        Some(Reservation::Granted(tier)) if Some(row.broker.id) != but => {
            host_capacity.of_instances(tier, row.broker.spec.deployment_mode.instances())
        }
        _ => 0,
    };
    rows.values().map(bytes).sum()
}
