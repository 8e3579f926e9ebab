//! A broker in memory between its passes, and looks at it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use brokerd_domain::{
    ActionRequired, Broker, BrokerId, DeploymentMode, DownLink, Health, Intent, Lane, Next,
    Timestamp,
};
use brokerd_store::Work;
use tokio::time::Instant;

use crate::{
    health::Login,
    pki::materials::Materials,
    plan::{Decision, Desired, Observation, Observed, Plan, plan},
    reconcile::{
        context::PassContext, observe::RunningInstance, report::changes, resolve::Waiting,
        supervision::Supervision,
    },
    runtime::Capacity,
    secrets,
};

/// The pause between looks at a broker whose plan could not be carried out, as long as the plan is the same.
const BLOCKED_POLL: Duration = Duration::from_millis(500);
/// How long a failed rendering stands before it is retried.
const UNSUPPORTED_PAUSE: Duration = Duration::from_secs(10);
/// How long a successful rendering is good enough for looks, which carry out nothing.
const RENDERED_PAUSE: Duration = Duration::from_mins(10);
/// How often a broker's links to others are asked for, in seconds.
const LINKS_POLL: i64 = 20;
/// How long after a look a pass may act on what it saw. A pass may wait for its turn or for the database, and an engine
/// that was silent may serve again by then.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// The pause between looks at a broker that could not be observed.
pub(crate) const UNSEEN_POLL: Duration = Duration::from_secs(2);
/// The pause between looks at a broker with a long step in progress.
const OPERATION_POLL: Duration = Duration::from_millis(200);
/// The pause between looks at a broker that waits until others have booted; it is notified of its turn.
const WAITING_POLL: Duration = Duration::from_secs(10);

/// A broker as its last pass left it: enough to observe it and to decide without the store.
pub struct WatchedBroker {
    /// Without what only rendering needs.
    work: Work,
    supervision: Supervision,
    /// The specifications that its last pass rendered, or why it could not, and until when that is good enough for
    /// looks.
    rendered: Option<(Desired, Timestamp)>,
    /// When its links were asked for last, in seconds.
    links_asked: AtomicI64,
    /// The steps of the plan that could not be carried out. They are retried when the broker is due, not at every look.
    failed: Option<Vec<String>>,
    /// What its reboot waits for, if it does. Until then the broker is supervised as before the reboot.
    waits: Option<Waiting>,
    /// The required actions for values that its configuration names by ARN.
    invalid_arns: Vec<ActionRequired>,
}

impl std::fmt::Debug for WatchedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchedBroker").field("broker", &self.id()).finish_non_exhaustive()
    }
}

/// The observation of a look, for the pass that it starts.
#[derive(Debug)]
pub struct MonitorObservation {
    of: Arc<WatchedBroker>,
    seen: Observation,
    links: Option<Vec<DownLink>>,
    /// When it was made.
    at: Instant,
}

/// The input of a broker's measurement.
#[derive(Debug)]
pub struct Measurable {
    /// The broker.
    pub broker: Broker,
    /// Its instances that run.
    pub running: Vec<RunningInstance>,
    /// Whether the runtime reported all instances.
    pub all: bool,
    /// The processor time of its instance type for an instance, in billionths of a processor.
    pub nano_cpus: u64,
    /// brokerd's user at its engine, if there is one.
    pub login: Option<Login>,
}

/// The result of a look.
#[derive(Debug)]
pub enum ObservationOutcome {
    /// No step and no record is due; when to observe again.
    Steady(Duration),
    /// Something that a pass must deal with.
    Changed(Box<MonitorObservation>),
}

impl WatchedBroker {
    pub(crate) fn new(
        context: &PassContext,
        work: &Work,
        materials: Option<&Materials>,
        capacity: Capacity,
    ) -> Self {
        Self {
            supervision: context.supervision(work, materials, capacity),
            work: Work {
                broker: work.broker.clone(),
                users: Vec::new(),
                ldap_password: None,
                directory_authorities: None,
                configuration: String::new(),
                materials: None,
                targets: work.targets.clone(),
                faults: work.faults.clone(),
                running: work.running.clone(),
                reservation: work.reservation,
                unreadable: None,
                trace: None,
            },
            rendered: None,
            links_asked: AtomicI64::new(0),
            failed: None,
            waits: None,
            invalid_arns: context.invalid_arns(work, materials),
        }
    }

    /// Sets what it waits for.
    #[must_use]
    pub(crate) fn waiting(self, waits: Option<Waiting>) -> Self {
        Self { waits, ..self }
    }

    /// What it waits for.
    pub(crate) const fn waits(&self) -> Option<&Waiting> {
        self.waits.as_ref()
    }

    /// The broker's ID.
    pub const fn id(&self) -> BrokerId {
        self.work.broker.id
    }

    /// Whether the monitor watches it: not if it is being deleted or could not be created.
    pub(crate) fn is_watchable(&self) -> bool {
        self.work.broker.intent == Intent::Run && self.work.broker.status.failure.is_none()
    }

    /// Whether its passes are urgent: a pair or a cluster that has run.
    pub(crate) fn is_urgent(&self) -> bool {
        self.has_run() && self.work.broker.spec.deployment_mode != DeploymentMode::SingleInstance
    }

    /// The lane of a pass that a look starts. A reboot of a single instance is not urgent, because dozens of them at
    /// once would delay a broker whose engine has died.
    pub(crate) fn lane(&self) -> Lane {
        let broker = &self.work.broker;
        let is_single = broker.spec.deployment_mode == DeploymentMode::SingleInstance;
        if !self.has_run() || (is_single && broker.is_rebooting()) {
            Lane::Normal
        } else {
            Lane::Urgent
        }
    }

    /// Whether it has ever been complete.
    pub fn has_run(&self) -> bool {
        self.work.broker.status.observed_generation.is_some()
    }

    /// Adds what the pass rendered, if it did, and the steps of its plan that failed.
    #[must_use]
    pub(crate) fn after(
        self,
        rendered: Option<Desired>,
        failed: Option<Vec<String>>,
        now: Timestamp,
    ) -> Self {
        let rendered = rendered.map(|rendered| {
            let good_for = match rendered {
                Desired::Unsupported(_) => UNSUPPORTED_PAUSE,
                Desired::Unrendered | Desired::MissingMaterials | Desired::Instances(_) => {
                    RENDERED_PAUSE
                }
            };
            (rendered, now.plus(good_for))
        });
        Self { rendered, failed, ..self }
    }

    /// The rendered specifications, if they still are good enough. A look renders nothing.
    fn desired(&self, now: Timestamp) -> &Desired {
        match &self.rendered {
            Some((rendered, until)) if now < *until => rendered,
            Some(_) | None => &Desired::Unrendered,
        }
    }

    /// Whether an observation of one is valid for the other.
    fn is_as(&self, other: &Self) -> bool {
        let (this, other) = (&self.work, &other.work);
        this.broker == other.broker
            && this.targets == other.targets
            && this.faults == other.faults
            && this.reservation == other.reservation
    }

    /// Whether it is time to ask for its links.
    fn asks_for_links(&self, now: Timestamp) -> bool {
        let now = now.as_seconds();
        let last = self.links_asked.load(Ordering::Relaxed);
        let asks = now.saturating_sub(last) >= LINKS_POLL;
        if asks {
            self.links_asked.store(now, Ordering::Relaxed);
        }
        asks
    }

    /// Whether these are the steps that could not be carried out; without a plan, whether any could not.
    fn is_what_failed(&self, plan: Option<&Plan>) -> bool {
        let Some(failed) = &self.failed else { return false };
        plan.is_none_or(|plan| {
            plan.steps.iter().map(ToString::to_string).eq(failed.iter().cloned())
        })
    }

    /// Whether an instance does not serve that served according to its stored condition.
    fn is_in_trouble(&self, seen: &Observation) -> bool {
        let conditions = &self.work.broker.status.conditions;
        conditions.iter().filter(|c| matches!(c.health, Health::Healthy | Health::Suspect)).any(
            |c| !matches!(seen.instances.get(&c.ordinal), Some(Observed::Present(i)) if i.serves()),
        )
    }
}

impl MonitorObservation {
    /// The observation, if the broker has not changed since and it was made just now.
    pub(crate) fn of(
        self,
        watched: &WatchedBroker,
    ) -> Option<(Observation, Option<Vec<DownLink>>)> {
        let is_fresh = self.at.elapsed() <= GOOD_FOR;
        (is_fresh && self.of.is_as(watched)).then_some((self.seen, self.links))
    }

    /// Whether an engine was silent or could not be observed, which a stall of this process could explain, too.
    pub(crate) fn is_silence(&self) -> bool {
        self.seen.has_silence()
    }
}

impl PassContext {
    /// Observes a broker and decides, without the store.
    pub async fn observe_watched(&self, watched: &Arc<WatchedBroker>) -> ObservationOutcome {
        let (seen, links) = self.observe(watched, watched.asks_for_links(self.clock.now())).await;
        let decision = self.decide(watched, watched.desired(self.clock.now()), &seen);
        match self.pause_after(watched, &decision, &seen, links.as_deref()) {
            Some(pause) => ObservationOutcome::Steady(pause),
            None => ObservationOutcome::Changed(Box::new(MonitorObservation {
                of: watched.clone(),
                seen,
                links,
                at: Instant::now(),
            })),
        }
    }

    /// When to look again; `None` if there is something to do or to record.
    fn pause_after(
        &self,
        watched: &WatchedBroker,
        decision: &Decision,
        seen: &Observation,
        links: Option<&[DownLink]>,
    ) -> Option<Duration> {
        let broker = &watched.work.broker;
        if watched.waits().is_some_and(|waiting| waiting.until <= self.clock.now()) {
            return None;
        }
        // None: there is one only once something was rendered.
        let plan = match decision {
            Decision::Plan(plan) => Some(&**plan),
            Decision::NeedsRendering => None,
        };
        let acts = plan.map_or_else(|| !watched.is_in_trouble(seen), Plan::acts);
        if acts {
            // The steps after one that is in progress wait for its end.
            let on_its_way = match plan.and_then(|plan| plan.steps.first()) {
                Some(step) => self.operations.are_on(broker.id, step),
                None => self.operations.are_on_any(broker.id),
            };
            if self.operations.waits_to_boot(broker.id) {
                return Some(WAITING_POLL);
            }
            if on_its_way {
                return Some(OPERATION_POLL);
            }
            if watched.is_what_failed(plan) {
                return Some(BLOCKED_POLL);
            }
        }
        let plan = plan?;
        if plan.acts() || changes(broker, plan, plan.completes, links) {
            return None;
        }
        match plan.next {
            Next::Now => None,
            Next::After(pause) => Some(pause),
            Next::BackOff => Some(UNSEEN_POLL),
        }
    }

    /// The observation of the broker, and which of its links are down, if it is time to ask.
    pub(crate) async fn observe(
        &self,
        watched: &WatchedBroker,
        with_links: bool,
    ) -> (Observation, Option<Vec<DownLink>>) {
        let broker = &watched.work.broker;
        let observer = watched.supervision.observer(self, &watched.work, self.clock.now());
        let seen = observer.observe(broker).await;
        let links = if with_links { observer.links(broker, &seen).await } else { None };
        (seen, links)
    }

    /// The input of the broker's next measurement.
    pub(crate) async fn measurable(&self, watched: &WatchedBroker) -> Measurable {
        let observer = watched.supervision.observer(self, &watched.work, self.clock.now());
        let (running, all) = observer.running(&watched.work.broker).await;
        Measurable {
            broker: watched.work.broker.clone(),
            running,
            all,
            nano_cpus: watched.supervision.nano_cpus(),
            login: watched.supervision.login().cloned(),
        }
    }

    /// The plan for an observation.
    pub(crate) fn decide(
        &self,
        watched: &WatchedBroker,
        desired: &Desired,
        seen: &Observation,
    ) -> Decision {
        let now = self.clock.now();
        let image_id = self.image_id(&watched.work);
        let subject = watched.supervision.subject(&watched.work, desired, image_id.as_deref(), now);
        let mut plan = match &watched.waits {
            Some(waiting) if !watched.has_run() => {
                return Decision::Plan(Box::new(waiting.plan(&watched.work.broker, now)));
            }
            _ => match plan(&subject, seen, now) {
                Decision::Plan(plan) => plan,
                Decision::NeedsRendering => return Decision::NeedsRendering,
            },
        };
        if let Some(waiting) = &watched.waits {
            waiting.add_to(&mut plan, now);
        }
        plan.actions_required.retain(|action| !secrets::is_own(&action.code));
        plan.actions_required.extend(watched.invalid_arns.iter().cloned());
        Decision::Plan(plan)
    }
}
