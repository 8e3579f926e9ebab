//! The logs of brokers: what engines print becomes events in the database.
//!
//! Each container of a broker whose logs are published has a follower. How far it has read is stored in the transaction of
//! the lines, so that no line is missing and none is there twice, whatever dies. A container is removed only when its
//! output was read.

mod follower;
mod resume;
mod retention;
mod writer;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Clock, InstallationId, WorkerId,
    instance::{ContainerState, InstanceName, InstanceStatus, RuntimeId},
    log::{LineBudget, LogLimits},
};
use brokerd_store::{FollowedBroker, PgStore, StoreError};
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{follower::Follower, writer::Writer};
use crate::{reconcile::LogDrain, runtime::Runtime};

pub(crate) use self::retention::keep_pruned;

/// How often it is looked for brokers to follow. What the runtime tells of is looked at at once.
const SCAN_INTERVAL: Duration = Duration::from_secs(3);
/// How often a container that is followed is looked at without a reason.
const RECHECK_INTERVAL: Duration = Duration::from_secs(60);
/// How soon a container is followed again of which that failed.
const RETRY: Duration = Duration::from_secs(2);
/// How many containers are looked at at once.
const AT_ONCE: usize = 8;
/// How long a container may wait to be removed until its output is read.
const DRAINED_WITHIN: Duration = Duration::from_secs(4);
/// How long followers may take to store what they have read when the process ends.
const ENDED_WITHIN: Duration = Duration::from_secs(2);

/// How logs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// How much of a broker's logs is kept.
    pub limits: LogLimits,
    /// For how many days groups keep events that do not say so themselves.
    pub keep_days: u32,
}

/// What following needs.
#[derive(Clone)]
pub(crate) struct LogContext {
    pub(crate) store: PgStore,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) installation: InstallationId,
    pub(crate) me: WorkerId,
    pub(crate) limits: LogLimits,
}

/// Those who follow. Until `LogFollowers::run` runs there are none.
#[derive(Debug, Default)]
pub struct LogFollowers {
    state: Mutex<State>,
    /// Told when something is to be looked at.
    wake: Notify,
    /// Told when something was looked at or has ended.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    runs: bool,
    hinted: HashSet<BrokerId>,
    /// The number of the last hint, and of the last one that was answered by a look.
    hints: u64,
    answered: u64,
    brokers: HashMap<BrokerId, Broker>,
}

#[derive(Debug)]
struct Broker {
    settings: watch::Sender<FollowedBroker>,
    budget: Arc<Mutex<LineBudget>>,
    instances: HashMap<u8, Instance>,
}

#[derive(Debug, Default)]
struct Instance {
    looked_at: Option<Instant>,
    containers: HashMap<RuntimeId, Followed>,
}

#[derive(Debug)]
struct Followed {
    runs: bool,
    phase: Phase,
    stop: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Follows,
    /// All that there was is stored.
    Ended(Instant),
    Failed(Instant),
}

#[async_trait]
impl LogDrain for LogFollowers {
    async fn drained(&self, broker: BrokerId, ordinal: u8) {
        let hint = {
            let mut state = self.state();
            if !state.runs {
                return;
            }
            state.hinted.insert(broker);
            state.hints += 1;
            state.hints
        };
        self.wake.notify_one();
        let drained = async {
            loop {
                let changed = self.changed.notified();
                if self.is_drained(broker, ordinal, hint) {
                    return;
                }
                changed.await;
            }
        };
        if timeout(DRAINED_WITHIN, drained).await.is_err() {
            tracing::warn!(
                broker = %broker, ordinal,
                "container removed before its output was stored: lines of its logs may be missing"
            );
        }
    }
}

impl LogFollowers {
    fn is_drained(&self, broker: BrokerId, ordinal: u8, hint: u64) -> bool {
        let state = self.state();
        let instance = state.brokers.get(&broker).and_then(|known| known.instances.get(&ordinal));
        state.answered >= hint
            && instance.is_none_or(|instance| {
                !instance
                    .containers
                    .values()
                    .any(|container| !container.runs && !matches!(container.phase, Phase::Ended(_)))
            })
    }

    /// Follows the brokers of this provisioner, until cancelled.
    pub(crate) async fn run(self: Arc<Self>, shared: LogContext, shutdown: CancellationToken) {
        let writer = Writer::start(shared.store.clone(), shared.clock.clone(), shutdown.clone());
        self.state().runs = true;
        let mut events: Option<BoxStream<'static, BrokerId>> = None;
        while !shutdown.is_cancelled() {
            if events.is_none() {
                events = shared.runtime.watch().await.ok();
            }
            let (hinted, hint) = {
                let mut state = self.state();
                (std::mem::take(&mut state.hinted), state.hints)
            };
            match self.look(&shared, &writer, &hinted).await {
                Ok(()) => {
                    self.state().answered = hint;
                    self.changed.notify_waiters();
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "brokers to follow not read; tried again"
                    );
                    self.state().hinted.extend(hinted);
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(SCAN_INTERVAL) => {}
                event = next(&mut events) => match event {
                    Some(broker) => drop(self.state().hinted.insert(broker)),
                    None => {
                        events = None;
                        // A runtime may refuse its events at once, each time.
                        tokio::select! {
                            () = shutdown.cancelled() => {}
                            () = self.wake.notified() => {}
                            () = tokio::time::sleep(RETRY) => {}
                        }
                    }
                },
            }
        }
        self.end().await;
    }

    /// Ends every follower; what they have read is stored.
    async fn end(&self) {
        {
            let mut state = self.state();
            state.runs = false;
            for container in state.containers() {
                container.stop.cancel();
            }
        }
        let ended = async {
            loop {
                let changed = self.changed.notified();
                if !self.state().containers().any(|container| container.phase == Phase::Follows) {
                    return;
                }
                changed.await;
            }
        };
        let _ = timeout(ENDED_WITHIN, ended).await;
        self.state().brokers.clear();
    }

    async fn look(
        self: &Arc<Self>,
        shared: &LogContext,
        writer: &Writer,
        hinted: &HashSet<BrokerId>,
    ) -> Result<(), StoreError> {
        let followed = shared.store.followed_brokers(shared.me).await?;
        for broker in &followed {
            self.know(shared, broker).await?;
        }
        let due = self.due(&followed, hinted);
        let looks = stream::iter(due.into_iter().map(|(broker, ordinal)| async move {
            let name = InstanceName { installation: shared.installation.clone(), broker, ordinal };
            (broker, ordinal, shared.runtime.status(&name).await)
        }));
        let mut looks = looks.buffer_unordered(AT_ONCE);
        while let Some((broker, ordinal, status)) = looks.next().await {
            match status {
                Ok(status) => self.seen(shared, writer, broker, ordinal, status.as_ref()),
                Err(error) => {
                    tracing::debug!(%broker, ordinal, %error, "container to follow not seen");
                }
            }
        }
        Ok(())
    }

    /// Takes the settings of a broker.
    async fn know(&self, shared: &LogContext, broker: &FollowedBroker) -> Result<(), StoreError> {
        if let Some(known) = self.state().brokers.get(&broker.id) {
            known.settings.send_if_modified(|settings| {
                let changes = settings != broker;
                if changes {
                    settings.clone_from(broker);
                }
                changes
            });
            return Ok(());
        }
        let (day, bytes) = shared.store.logged_bytes(broker.id).await?;
        let budget = Arc::new(Mutex::new(LineBudget::new(shared.limits, day, bytes)));
        let (settings, _) = watch::channel(broker.clone());
        let known = Broker { settings, budget, instances: HashMap::new() };
        self.state().brokers.insert(broker.id, known);
        Ok(())
    }

    /// The instances that are to be looked at. Forgets the brokers that are not followed any more.
    fn due(&self, followed: &[FollowedBroker], hinted: &HashSet<BrokerId>) -> Vec<(BrokerId, u8)> {
        let mut state = self.state();
        let wanted: HashSet<BrokerId> = followed.iter().map(|broker| broker.id).collect();
        state.brokers.retain(|id, broker| {
            let stays = wanted.contains(id);
            if !stays {
                for container in broker.instances.values().flat_map(|i| i.containers.values()) {
                    container.stop.cancel();
                }
            }
            stays
        });
        let mut due = Vec::new();
        for broker in followed {
            let Some(known) = state.brokers.get(&broker.id) else { continue };
            for ordinal in 1..=broker.instances {
                let is_due = hinted.contains(&broker.id)
                    || known.instances.get(&ordinal).is_none_or(Instance::is_due);
                if is_due {
                    due.push((broker.id, ordinal));
                }
            }
        }
        due
    }

    /// Takes what the runtime says of an instance, and follows its container.
    fn seen(
        self: &Arc<Self>,
        shared: &LogContext,
        writer: &Writer,
        broker: BrokerId,
        ordinal: u8,
        status: Option<&InstanceStatus>,
    ) {
        let mut state = self.state();
        let Some(known) = state.brokers.get_mut(&broker) else { return };
        let instance = known.instances.entry(ordinal).or_default();
        instance.looked_at = Some(Instant::now());
        let current = status.map(|status| &status.id);
        instance
            .containers
            .retain(|id, container| Some(id) == current || container.phase == Phase::Follows);
        let Some(status) = status else { return };
        if status.state == ContainerState::Created {
            return;
        }
        let runs = matches!(status.state, ContainerState::Running { .. } | ContainerState::Paused);
        if let Some(container) = instance.containers.get_mut(&status.id) {
            let began = !container.runs && runs;
            container.runs = runs;
            let stays = match container.phase {
                Phase::Follows => true,
                // One that has ended since may have printed more until then.
                Phase::Ended(at) => !runs || (!began && at.elapsed() < RETRY),
                Phase::Failed(at) => at.elapsed() < RETRY,
            };
            if stays {
                return;
            }
        }
        let stop = CancellationToken::new();
        let container = Followed { runs, phase: Phase::Follows, stop: stop.clone() };
        instance.containers.insert(status.id.clone(), container);
        let follower = Follower {
            store: shared.store.clone(),
            runtime: shared.runtime.clone(),
            writer: writer.clone(),
            broker: known.settings.subscribe(),
            budget: known.budget.clone(),
            ordinal,
            container: status.id.clone(),
            stop,
        };
        drop(state);
        let (followers, id) = (Arc::clone(self), status.id.clone());
        tokio::spawn(async move {
            let ended = follower.run().await;
            if let Err(error) = &ended {
                tracing::debug!(
                    %broker, ordinal, error = error as &dyn std::error::Error,
                    "log follower failed; restarted"
                );
            }
            followers.over(broker, ordinal, &id, ended.is_ok());
        });
    }

    fn over(&self, broker: BrokerId, ordinal: u8, id: &RuntimeId, well: bool) {
        let mut state = self.state();
        let instance = state.brokers.get_mut(&broker).and_then(|b| b.instances.get_mut(&ordinal));
        if let Some(container) = instance.and_then(|instance| instance.containers.get_mut(id)) {
            let now = Instant::now();
            container.phase = if well { Phase::Ended(now) } else { Phase::Failed(now) };
            // Whoever was seen running when its output ended is looked at again.
            if well && !container.runs {
                drop(state);
            } else {
                state.hinted.insert(broker);
                drop(state);
                self.wake.notify_one();
            }
        } else {
            drop(state);
        }
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn containers(&self) -> impl Iterator<Item = &Followed> {
        let instances = self.brokers.values().flat_map(|broker| broker.instances.values());
        instances.flat_map(|instance| instance.containers.values())
    }
}

impl Instance {
    fn is_due(&self) -> bool {
        let follows = self.containers.values().any(|container| container.phase == Phase::Follows);
        let interval = if follows { RECHECK_INTERVAL } else { SCAN_INTERVAL };
        self.looked_at.is_none_or(|at| at.elapsed() >= interval)
    }
}

/// The next event; never, where there are none to come.
async fn next(events: &mut Option<BoxStream<'static, BrokerId>>) -> Option<BrokerId> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}
