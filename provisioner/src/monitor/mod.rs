//! The monitor: observes the owned brokers in memory and starts a pass only on a change, so that a steady broker costs
//! no query.
//!
//! A pass hands the broker over to the monitor. A look observes and decides as a pass does, without the store. If there
//! is something to do or to record, the broker becomes due for a pass.

mod events;
mod stall;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use brokerd_domain::BrokerId;
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::reconcile::WatchedBroker;

pub use events::follow;
pub use stall::StallGuard;

/// The time over which looks at all brokers are spread, except urgent ones.
const SPREAD: Duration = Duration::from_secs(2);

/// The interval of looks that may wait. They are made together, because a wake-up for each would cost more than the
/// look.
const TOGETHER: Duration = Duration::from_millis(10);
/// Looks that are due sooner than this are made on time.
const EXACT: Duration = Duration::from_millis(100);

/// A broker that is due for a look.
#[derive(Debug, Clone)]
pub struct Due {
    /// The broker.
    pub watched: Arc<WatchedBroker>,
    /// The epoch of the claim since which it is watched.
    pub epoch: i64,
}

/// The brokers that are watched, and when each is looked at next.
#[derive(Debug)]
pub struct Monitor {
    table: Mutex<Table>,
    /// Notified when a broker becomes due sooner than the waiting [`Monitor::next`] expects.
    sooner: Notify,
    watched: Gauge,
    began: Instant,
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new(Gauge::default())
    }
}

#[derive(Debug, Default)]
struct Table {
    watched: HashMap<BrokerId, Watched>,
    /// The brokers that wait for their next look, by when it is due.
    due: BTreeSet<(Instant, BrokerId)>,
    /// The brokers on which a pass works.
    worked_on: HashMap<BrokerId, WorkedOn>,
    /// What a waiting [`Monitor::next`] waits for, if one waits.
    waited_for: Option<Wait>,
}

/// What [`Monitor::next`] waits for.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// That moment.
    Until(Instant),
    /// Anything.
    Anything,
}

#[derive(Debug)]
struct WorkedOn {
    /// The epoch of its claim.
    epoch: i64,
    /// Whether there was a hint about the broker since the pass began.
    heard: bool,
}

#[derive(Debug)]
struct Watched {
    watched: Arc<WatchedBroker>,
    epoch: i64,
    /// When the next look is due; `None` during a look.
    due: Option<Instant>,
    /// Whether there was a hint about it since that look began.
    hinted: bool,
}

impl Monitor {
    /// A monitor without brokers. It keeps the number of watched brokers in the gauge.
    pub fn new(watched: Gauge) -> Self {
        let (table, sooner, began) = (Mutex::default(), Notify::new(), Instant::now());
        Self { table, sooner, watched, began }
    }

    /// Watches a broker from now on, unless another pass has begun to work on it. An event during its pass
    /// causes an observation at once.
    pub fn watch(&self, watched: WatchedBroker, epoch: i64, pause: Duration) {
        let id = watched.id();
        let mut table = self.table();
        let Some(heard) = table.end_of_work(id, epoch) else { return };
        let due = self.after(if heard { Duration::ZERO } else { pause });
        let new = Watched { watched: Arc::new(watched), epoch, due: Some(due), hinted: false };
        table.forget(id);
        table.watched.insert(id, new);
        table.due.insert((due, id));
        self.notify_if_sooner(table);
    }

    /// Notes that a pass works on a broker since the claim of this epoch. It is not watched meanwhile.
    pub(crate) fn works_on(&self, broker: BrokerId, epoch: i64) {
        let mut table = self.table();
        table.forget(broker);
        table.worked_on.insert(broker, WorkedOn { epoch, heard: false });
        self.notify_if_sooner(table);
    }

    /// Notes that a pass has ended after which there is nothing to watch; returns whether there was a hint meanwhile.
    pub(crate) fn is_done_with(&self, broker: BrokerId, epoch: i64) -> bool {
        self.table().end_of_work(broker, epoch).unwrap_or(false)
    }

    /// Makes a look at a broker due at once; returns whether it is watched or worked on.
    pub fn hint(&self, broker: BrokerId) -> bool {
        let mut table = self.table();
        if let Some(work) = table.worked_on.get_mut(&broker) {
            work.heard = true;
            return true;
        }
        let known = table.look_at(broker, Instant::now());
        self.notify_if_sooner(table);
        known
    }

    /// Makes looks at all brokers due soon, urgent ones first.
    pub fn hint_all(&self) {
        let mut table = self.table();
        let now = Instant::now();
        let all: Vec<(BrokerId, bool)> =
            table.watched.values().map(|w| (w.watched.id(), w.watched.is_urgent())).collect();
        let others = u32::try_from(all.iter().filter(|(_, urgent)| !urgent).count()).unwrap_or(1);
        let mut place = 0;
        for (broker, urgent) in all {
            let at = if urgent {
                now
            } else {
                place += 1;
                now + SPREAD * place / others.max(1)
            };
            table.look_at(broker, at);
        }
        for work in table.worked_on.values_mut() {
            work.heard = true;
        }
        self.notify_if_sooner(table);
    }

    /// Forgets all brokers, because other provisioners may own them.
    pub(crate) fn forget_all(&self) -> Vec<BrokerId> {
        let mut table = self.table();
        let all = table.watched.keys().copied().collect();
        table.watched.clear();
        table.due.clear();
        self.notify_if_sooner(table);
        all
    }

    /// Waits for the next broker that is due for a look. It is not due again until [`Monitor::watch`] or
    /// [`Monitor::observed`].
    pub async fn next(&self) -> Due {
        loop {
            let sooner = self.sooner.notified();
            let due = {
                let mut table = self.table();
                table.waited_for = None;
                match table.due.first().copied() {
                    Some((at, broker)) if at <= Instant::now() => {
                        table.due.pop_first();
                        if let Some(watched) = table.watched.get_mut(&broker) {
                            (watched.due, watched.hinted) = (None, false);
                            return Due { watched: watched.watched.clone(), epoch: watched.epoch };
                        }
                        continue;
                    }
                    Some((at, _)) => {
                        table.waited_for = Some(Wait::Until(at));
                        Some(at)
                    }
                    None => {
                        table.waited_for = Some(Wait::Anything);
                        None
                    }
                }
            };
            match due {
                Some(at) => tokio::select! {
                    () = sooner => {}
                    () = sleep_until(at) => {}
                },
                None => sooner.await,
            }
        }
    }

    /// Notes that a look found no change. The next look is due after `pause`, or at once if there was a hint meanwhile.
    pub fn observed(&self, due: &Due, pause: Duration) {
        let mut table = self.table();
        let id = due.watched.id();
        let Some(watched) = table.watched.get_mut(&id).filter(|w| w.epoch == due.epoch) else {
            return;
        };
        let at = self.after(if watched.hinted { Duration::ZERO } else { pause });
        watched.due = Some(at);
        table.due.insert((at, id));
        self.notify_if_sooner(table);
    }

    /// Forgets a broker that another provisioner has claimed since; returns whether it was still watched.
    pub fn forget(&self, due: &Due) -> bool {
        let mut table = self.table();
        let id = due.watched.id();
        let is_watched = table.watched.get(&id).is_some_and(|w| w.epoch == due.epoch);
        if is_watched {
            table.forget(id);
        }
        self.notify_if_sooner(table);
        is_watched
    }

    /// The brokers that are watched.
    pub fn watched(&self) -> HashMap<BrokerId, Arc<WatchedBroker>> {
        let table = self.table();
        table.watched.iter().map(|(id, watched)| (*id, watched.watched.clone())).collect()
    }

    /// How many brokers are watched.
    pub fn len(&self) -> usize {
        self.table().watched.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment after a pause.
    fn after(&self, pause: Duration) -> Instant {
        let at = Instant::now() + pause;
        if pause < EXACT {
            return at;
        }
        let since = at.duration_since(self.began).as_nanos();
        let late = u64::try_from(since % TOGETHER.as_nanos()).unwrap_or(0);
        at + (TOGETHER - Duration::from_nanos(late))
    }

    /// Wakes a waiting [`Monitor::next`] if a broker is due sooner than it expects.
    fn notify_if_sooner(&self, mut table: MutexGuard<'_, Table>) {
        self.watched.set(i64::try_from(table.watched.len()).unwrap_or(i64::MAX));
        let is_sooner = match (table.waited_for, table.due.first()) {
            (Some(Wait::Until(moment)), Some((first, _))) => *first < moment,
            (Some(Wait::Anything), Some(_)) => true,
            (None, _) | (_, None) => false,
        };
        if is_sooner {
            table.waited_for = None;
        }
        drop(table);
        if is_sooner {
            self.sooner.notify_one();
        }
    }
}

impl Table {
    /// Whether there was a hint about a broker during the pass of that claim; `None` if a later pass works on it.
    fn end_of_work(&mut self, broker: BrokerId, epoch: i64) -> Option<bool> {
        match self.worked_on.get(&broker) {
            None => Some(false),
            Some(work) if work.epoch > epoch => None,
            Some(_) => self.worked_on.remove(&broker).map(|work| work.heard),
        }
    }

    fn forget(&mut self, broker: BrokerId) {
        if let Some(Watched { due: Some(at), .. }) = self.watched.remove(&broker) {
            self.due.remove(&(at, broker));
        }
    }

    /// Makes a look at a watched broker due at that time, unless one is due sooner.
    fn look_at(&mut self, broker: BrokerId, at: Instant) -> bool {
        let Some(watched) = self.watched.get_mut(&broker) else { return false };
        match watched.due {
            None => watched.hinted = true,
            Some(due) if due <= at => {}
            Some(due) => {
                self.due.remove(&(due, broker));
                watched.due = Some(at);
                self.due.insert((at, broker));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_may_wait_are_due_together_and_never_too_early_and_others_to_the_moment() {
        let monitor = Monitor::default();
        for millis in 0..2000 {
            let pause = Duration::from_millis(millis);
            let before = Instant::now();
            let at = monitor.after(pause);
            let after = Instant::now();
            if pause < EXACT {
                assert!(at >= before + pause && at <= after + pause, "{pause:?}");
                continue;
            }
            assert!(at >= before + pause && at <= after + pause + TOGETHER, "{pause:?}");
            let since = at.duration_since(monitor.began).as_nanos();
            assert_eq!(since % TOGETHER.as_nanos(), 0, "{pause:?}");
        }
    }
}
