//! Workers on the simulated world, driven until nothing is left to do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use brokerd_domain::{BrokerId, Entropy, Lease, Next, Timestamp, VerdictKind, WorkerId};
use brokerd_provisioner::reconcile::{
    MonitorObservation, ObservationOutcome, PassContext, Passed, ReconcileStore, StepError,
    WatchedBroker,
};

use super::driver::Simulation;

const TTL: Duration = Duration::from_secs(30);

/// Who is looked at no sooner than this is at rest.
const REST: Duration = Duration::from_millis(400);

/// A process: what it watches is only in its memory.
pub(super) struct Process {
    context: PassContext,
    me: WorkerId,
    watched: BTreeMap<BrokerId, Watched>,
}

/// A broker that a process watches.
struct Watched {
    watched: Arc<WatchedBroker>,
    epoch: i64,
    due: Timestamp,
    /// Whether its last pass, and every look since, found it at rest.
    rests: bool,
}

impl Simulation {
    /// What the runtime's events lead to.
    pub async fn runtime_event(&self, id: BrokerId) {
        let mut process = self.process.lock().await;
        let watched = process.as_mut().and_then(|process| process.watched.get_mut(&id));
        if let Some(watched) = watched {
            watched.due = self.now();
        }
    }

    /// How soon a broker is looked at.
    pub async fn looks_in(&self, id: BrokerId) -> Duration {
        let process = self.process.lock().await;
        let watched = process.as_ref().and_then(|p| p.watched.get(&id)).map(|w| w.due);
        let next = watched.into_iter().chain(self.store.due(id)).min();
        next.expect("it is there").since(self.now())
    }

    /// Works until every broker is at rest, restarting the process whenever it dies.
    pub async fn settle(&self) {
        self.work(None).await;
    }

    /// Works for as long, whenever something is due.
    pub async fn live(&self, span: Duration) {
        self.work(Some(self.now().plus(span))).await;
    }

    fn start(&self) -> Process {
        Process {
            context: self.process(),
            me: WorkerId::generate(&*self.entropy),
            watched: BTreeMap::new(),
        }
    }

    async fn work(&self, until: Option<Timestamp>) {
        let mut slot = self.process.lock().await;
        let process = slot.get_or_insert_with(|| self.start());
        // What is behind the images' names may have changed since.
        let images = self.images.lock().expect("not poisoned").clone();
        process.context.images = Arc::new(images.into());
        process.context.catalogue = Arc::new(self.catalogue.lock().expect("not poisoned").clone());
        process.context.host_capacity = *self.store.host_capacity.lock().expect("not poisoned");
        for _ in 0..4000 {
            if !self.step(process).await {
                self.log("the process dies");
                // Started again in its directory, or on another machine.
                if self.entropy.below(2) == 0 {
                    self.store.release_worker(process.me);
                }
                *process = self.start();
                continue;
            }
            let due = self.store.next_due(process.me, None).await.expect("asking does not fail");
            let looks = process.watched.values().map(|w| w.due.since(self.now())).min();
            // Until it is noticed that a former process is dead.
            let others = self.store.others_live_for(process.me);
            let lease = self.store.lease_ends_in();
            // What is given back is told at once, or shared out when the task comes round.
            let round = self.store.shares_out_in();
            let waits = [due, looks, others, lease, round];
            let next = waits.into_iter().flatten().min();
            let at_rest = due.is_none_or(|due| due >= REST)
                && others.is_none()
                && lease.is_none()
                && self.store.unfinished().all(|id| process.watched.contains_key(&id))
                && process
                    .watched
                    .values()
                    .all(|w| w.rests && w.due.since(self.now()) >= Duration::from_millis(1));
            let left = until.map(|until| until.since(self.now()));
            match (next, left) {
                (_, Some(Duration::ZERO)) | (None, None) => return,
                (next, Some(left)) => {
                    let pause = next.unwrap_or(left).max(Duration::from_millis(10));
                    self.clock.advance(pause.min(left));
                }
                (Some(_), None) if at_rest => return,
                (Some(next), None) => self.clock.advance(next.max(Duration::from_millis(10))),
            }
        }
        panic!(
            "the world does not come to rest:\n{}",
            self.log.lock().expect("not poisoned").join("\n")
        );
    }

    /// Does what is due now; whether the process survives it.
    async fn step(&self, process: &mut Process) -> bool {
        let me = process.me;
        self.store.heartbeat(me, TTL).await.expect("living does not fail here");
        if self.store.shares_out_in() == Some(Duration::ZERO) {
            self.store.grant(None, self.now());
        }
        let leases =
            self.store.claim_due(me, None, TTL, 10).await.expect("claims do not fail here");
        for lease in leases {
            process.watched.remove(&lease.broker);
            if !self.run(process, &lease, None).await {
                return false;
            }
        }
        let now = self.now();
        let due: Vec<BrokerId> =
            process.watched.iter().filter(|(_, w)| w.due <= now).map(|(id, _)| *id).collect();
        for id in due {
            let Some(watched) = process.watched.get_mut(&id) else { continue };
            let observation = match process.context.observe_watched(&watched.watched).await {
                ObservationOutcome::Steady(pause) => {
                    watched.due = now.plus(pause);
                    continue;
                }
                ObservationOutcome::Changed(observation) => *observation,
            };
            let epoch = watched.epoch;
            let claimed = tokio::select! {
                biased;
                () = self.faults.death() => return false,
                claimed = self.store.claim_watched(me, id, epoch, TTL) => claimed,
            };
            match claimed {
                Ok(Some(lease)) => {
                    process.watched.remove(&id);
                    if !self.run(process, &lease, Some(observation)).await {
                        return false;
                    }
                }
                Ok(None) => drop(process.watched.remove(&id)),
                Err(_) => (watched.due, watched.rests) = (now.plus(Duration::from_secs(1)), false),
            }
        }
        true
    }

    /// One pass; whether the process survives it.
    async fn run(
        &self,
        process: &mut Process,
        lease: &Lease,
        observation: Option<MonitorObservation>,
    ) -> bool {
        let passed = tokio::select! {
            biased;
            () = self.faults.death() => return false,
            passed = process.context.pass(lease, observation) => passed,
        };
        let (kind, next, watched) = match passed {
            Ok(Passed { verdict: None, .. }) => {
                self.log("the broker is gone");
                return true;
            }
            Ok(Passed { verdict: Some((kind, next)), watched }) => (kind, next, watched),
            Err(StepError::LeaseLost) => {
                self.log("lost the lease");
                return true;
            }
            Err(error) => {
                self.log(&format!("failed: {error}"));
                let _ = self.store.release(lease, Next::BackOff, false).await;
                return true;
            }
        };
        let sentence = self.row(lease.broker).map(|row| row.broker.status.sentence);
        self.log(&format!("{}: {}", kind.as_str(), sentence.unwrap_or_default()));
        let (due, pause) = match (next, &watched) {
            (Next::After(pause), Some(_)) => (Next::After(Duration::from_hours(1)), pause),
            (other, _) => (other, Duration::from_secs(1)),
        };
        let _ = self.store.release(lease, due, false).await;
        if let Some(watched) = watched.filter(|_| next != Next::Now) {
            let rests = matches!(kind, VerdictKind::Converged | VerdictKind::Failed)
                && matches!(next, Next::After(after) if after >= REST);
            let watched = Arc::new(watched);
            let watched =
                Watched { watched, epoch: lease.epoch, due: self.now().plus(pause), rests };
            process.watched.insert(lease.broker, watched);
        }
        true
    }
}
