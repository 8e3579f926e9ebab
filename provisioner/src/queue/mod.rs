//! The queue: which broker gets a pass, in which lane.
//!
//! Brokers come from the store when they are due, and from the monitor when something changed. Each lane has permits of
//! its own, and connections of its own to the store. A lane asks the store for due brokers only if it has a permit
//! left.

mod heartbeat;
mod lease;
mod notifications;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use brokerd_domain::{BrokerId, Lane, Lease, WorkerId};
use futures_util::FutureExt as _;
use tokio::{
    sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::lease::{After, jittered, run_pass};
pub(crate) use self::{heartbeat::Heartbeat, notifications::follow_notifications};
use crate::{
    monitor::{Due, Monitor, StallGuard},
    reconcile::{MonitorObservation, ObservationOutcome, PassContext},
};

/// The pause before a store that did not answer is asked again.
const RETRY: Duration = Duration::from_secs(1);
/// The pause between looks at a broker after a look panicked.
const AFTER_PANIC: Duration = Duration::from_secs(10);
/// The maximum number of concurrent looks. A look takes long only if an engine or the runtime does not answer.
const MAX_OBSERVATIONS: usize = 2048;

/// The state of a lane.
#[derive(Debug)]
struct Share {
    permits: Arc<Semaphore>,
    wake: Notify,
}

impl Share {
    fn of(permits: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(permits)), wake: Notify::new() }
    }
}

/// The settings of the queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueSettings {
    /// The maximum number of concurrent passes in the normal lane.
    pub normal: usize,
    /// The same for the urgent lane.
    pub urgent: usize,
    /// How long a claim holds without a renewal.
    pub lease: Duration,
    /// How often to look for due brokers when nothing notifies; notifications are only hints.
    pub poll: Duration,
}

/// Claims brokers and runs passes on them.
pub struct Queue {
    me: WorkerId,
    settings: QueueSettings,
    monitor: Arc<Monitor>,
    normal: Arc<PassContext>,
    urgent: Arc<PassContext>,
    normal_share: Share,
    urgent_share: Share,
    passes: TaskTracker,
    shutdown: CancellationToken,
}

impl Queue {
    /// A queue whose lanes use these contexts, until cancelled.
    pub fn new(
        me: WorkerId,
        settings: QueueSettings,
        monitor: Arc<Monitor>,
        normal: Arc<PassContext>,
        urgent: Arc<PassContext>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            me,
            monitor,
            normal,
            urgent,
            normal_share: Share::of(settings.normal),
            urgent_share: Share::of(settings.urgent),
            settings,
            passes: TaskTracker::new(),
            shutdown,
        }
    }

    const fn context(&self, lane: Lane) -> &Arc<PassContext> {
        match lane {
            Lane::Normal => &self.normal,
            Lane::Urgent => &self.urgent,
        }
    }

    const fn share(&self, lane: Lane) -> &Share {
        match lane {
            Lane::Normal => &self.normal_share,
            Lane::Urgent => &self.urgent_share,
        }
    }

    /// Makes every lane ask the store at once for due brokers.
    pub fn wake(&self) {
        for lane in Lane::ALL {
            self.share(lane).wake.notify_one();
        }
    }

    /// Waits for the running passes, after cancelling.
    pub async fn finished(&self) {
        self.passes.close();
        self.passes.wait().await;
    }

    /// Claims due brokers of a lane, whenever the lane has a permit left.
    pub async fn claim(self: Arc<Self>, lane: Lane) {
        let share = self.share(lane);
        let context = self.context(lane);
        while !self.shutdown.is_cancelled() {
            let Some(permits) = self.free_permits(share).await else { return };
            let limit = u32::try_from(permits.len()).unwrap_or(u32::MAX);
            let at = Instant::now();
            let claimed =
                context.store.claim_due(self.me, Some(lane), self.settings.lease, limit).await;
            let is_away = claimed.is_err();
            let leases = claimed.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "can't claim");
                Vec::new()
            });
            let all = leases.len() == permits.len();
            for (lease, permit) in leases.into_iter().zip(permits) {
                self.clone().start(lane, lease, at, None, permit);
            }
            if all {
                continue;
            }
            let pause = if is_away { self.soon(lane, RETRY) } else { self.pause(lane).await };
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = share.wake.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// All free permits, at least one; `None` after cancelling.
    async fn free_permits(&self, share: &Share) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            () = self.shutdown.cancelled() => return None,
            permit = share.permits.clone().acquire_owned() => permit.ok()?,
        };
        let mut permits = vec![first];
        while let Ok(permit) = share.permits.clone().try_acquire_owned() {
            permits.push(permit);
        }
        Some(permits)
    }

    /// Until the next broker of a lane is due, but never longer than the poll interval ± 10 %, which keeps
    /// several provisioners from asking in step.
    async fn pause(&self, lane: Lane) -> Duration {
        let context = self.context(lane);
        let per_mille = u32::try_from(context.entropy.below(200)).unwrap_or(100) + 900;
        let poll = self.settings.poll * per_mille / 1000;
        match context.store.next_due(self.me, Some(lane)).await {
            Ok(Some(due)) => due.min(poll),
            Ok(None) => poll,
            Err(_) => self.soon(lane, RETRY),
        }
    }

    /// That time ± 40 %, so that what failed together is not tried again together.
    fn soon(&self, lane: Lane, pause: Duration) -> Duration {
        jittered(&*self.context(lane).entropy, pause)
    }

    /// Makes looks due at brokers on which a long step has ended or may begin.
    pub async fn follow_operations(
        self: Arc<Self>,
        ended: Arc<Mutex<mpsc::UnboundedReceiver<BrokerId>>>,
    ) {
        let mut ended = ended.lock().await;
        while let Some(broker) = ended.recv().await {
            if self.monitor.hint(broker) {
                continue;
            }
            match self.urgent.store.wake(broker).await {
                Ok(()) => self.wake(),
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "broker not made due; it is due soon"
                ),
            }
        }
    }

    /// Looks at watched brokers when each is due, and starts a pass on a change.
    pub async fn watch(self: Arc<Self>, guard: Arc<StallGuard>) {
        let observations = Arc::new(Semaphore::new(MAX_OBSERVATIONS));
        loop {
            let due = tokio::select! {
                () = self.shutdown.cancelled() => return,
                due = self.monitor.next() => due,
            };
            let Ok(permit) = observations.clone().acquire_owned().await else { return };
            let (queue, guard) = (self.clone(), guard.clone());
            self.passes.spawn(async move {
                let shutdown = queue.shutdown.clone();
                let observing = queue.clone().observe(due.clone(), &guard);
                let observing = AssertUnwindSafe(observing).catch_unwind();
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    observed = observing => if observed.is_err() {
                        tracing::error!(broker.id = %due.watched.id(), "observation panicked; repeated later");
                        queue.monitor.observed(&due, AFTER_PANIC);
                    }
                }
                drop(permit);
            });
        }
    }

    async fn observe(self: Arc<Self>, due: Due, guard: &StallGuard) {
        let began = Instant::now();
        self.urgent.metrics.observations.inc();
        match self.urgent.observe_watched(&due.watched).await {
            ObservationOutcome::Steady(pause) => self.monitor.observed(&due, pause),
            ObservationOutcome::Changed(observation)
                if observation.is_silence() && guard.stalled_since(began, Instant::now()) =>
            {
                tracing::debug!(broker.id = %due.watched.id(), "this process was delayed, so that an engine's silence proves nothing; probed again");
                self.monitor.observed(&due, Duration::ZERO);
            }
            ObservationOutcome::Changed(observation) => self.react(due, *observation).await,
        }
    }

    /// Starts a pass with the observation of a look.
    async fn react(self: Arc<Self>, due: Due, observation: MonitorObservation) {
        let lane = due.watched.lane();
        let Ok(permit) = self.share(lane).permits.clone().acquire_owned().await else { return };
        let at = Instant::now();
        let broker = due.watched.id();
        let claimed = self
            .context(lane)
            .store
            .claim_watched(self.me, broker, due.epoch, self.settings.lease)
            .await;
        match claimed {
            Ok(Some(lease)) => self.start(lane, lease, at, Some(observation), permit),
            // It was claimed since because it was due, or another provisioner owns it.
            Ok(None) => {
                if self.monitor.forget(&due) {
                    self.wake();
                }
            }
            Err(error) => {
                tracing::warn!(broker.id = %broker, error = &error as &dyn std::error::Error, "changed broker not claimed");
                self.monitor.observed(&due, RETRY);
            }
        }
    }

    fn start(
        self: Arc<Self>,
        lane: Lane,
        lease: Lease,
        at: Instant,
        observation: Option<MonitorObservation>,
        permit: OwnedSemaphorePermit,
    ) {
        let passes = self.passes.clone();
        let (broker, epoch) = (lease.broker, lease.epoch);
        self.monitor.works_on(broker, epoch);
        passes.spawn(async move {
            let context = self.context(lane).clone();
            let after = run_pass(&context, lane, lease, at, self.settings.lease, observation).await;
            drop(permit);
            self.follow_up(&context, broker, epoch, after).await;
        });
    }

    async fn follow_up(&self, context: &PassContext, broker: BrokerId, epoch: i64, after: After) {
        match after {
            After::Watch { watched, pause, woken } => {
                self.monitor.watch(*watched, epoch, pause);
                if woken {
                    self.wake();
                }
            }
            After::Wait { woken } => {
                let heard = self.monitor.is_done_with(broker, epoch);
                if heard && let Err(error) = context.store.wake(broker).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "broker not made due"
                    );
                }
                if woken || heard {
                    self.wake();
                }
            }
            After::Nothing => {
                self.monitor.is_done_with(broker, epoch);
            }
        }
    }
}
