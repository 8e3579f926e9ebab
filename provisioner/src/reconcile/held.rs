//! What is kept in memory of a broker between its passes, and what a look at it finds.

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

use crate::{
    health::Login,
    pki::materials::Materials,
    plan::{Decision, Desired, Observed, Plan, Seen, plan},
    reconcile::{
        context::PassContext, observe::RunningInstance, report::changes, resolve::Waiting,
        supervision::Supervision,
    },
    runtime::Capacity,
    secrets,
};

/// How soon a broker is looked at again whose plan could not be carried out, as long as the plan is the same.
const BLOCKED_POLL: Duration = Duration::from_millis(500);
/// How soon it is tried again to render what could not be.
const UNSUPPORTED_PAUSE: Duration = Duration::from_secs(10);
/// The same for what could be: nothing that a look decides is carried out by it.
const RENDERED_PAUSE: Duration = Duration::from_mins(10);
/// How often a broker's links to others are asked for, in seconds.
const LINKS_POLL: i64 = 20;
/// How soon a broker is looked at again that could not be seen.
pub(crate) const UNSEEN_POLL: Duration = Duration::from_secs(2);
/// How soon a broker is looked at again on which a long step is on its way.
const OPERATION_POLL: Duration = Duration::from_millis(200);
/// The same for one that waits until others have booted; its turn is told.
const WAITING_POLL: Duration = Duration::from_secs(10);

/// A broker as its last pass left it: all that it takes to look at it and to decide, without asking the store.
pub struct Held {
    /// Without what only rendering needs.
    work: Work,
    supervision: Supervision,
    /// What its last pass rendered, or why nothing could be, and until when that is good enough for looks.
    rendered: Option<(Desired, Timestamp)>,
    /// When its links were asked for last, in seconds.
    links_asked: AtomicI64,
    /// The steps of the plan that could not be carried out: they are tried again when the broker is due, not
    /// whenever somebody looks.
    failed: Option<Vec<String>>,
    /// What it waits for. Otherwise it is as it was before its reboot.
    waits: Option<Waiting>,
    /// What a person must do about what its configuration names by ARN.
    invalid_arns: Vec<ActionRequired>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("broker", &self.id()).finish_non_exhaustive()
    }
}

/// What a look at a broker saw, for the pass that it leads to.
#[derive(Debug)]
pub struct Glimpse {
    of: Arc<Held>,
    seen: Seen,
    links: Option<Vec<DownLink>>,
}

/// What there is to measure of a broker.
#[derive(Debug)]
pub struct Measurable {
    /// The broker.
    pub broker: Broker,
    /// Its instances that run.
    pub running: Vec<RunningInstance>,
    /// Whether the runtime told of all instances.
    pub all: bool,
    /// What its instance type permits an instance, in billionths of a processor.
    pub nano_cpus: u64,
    /// The user that asks its engine, if there is one.
    pub login: Option<Login>,
}

/// What a look at a broker found.
#[derive(Debug)]
pub enum Look {
    /// No step and no record is due; when to observe again.
    Steady(Duration),
    /// Something that a pass must deal with.
    Changed(Box<Glimpse>),
}

impl Held {
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

    /// The same, if it waits for that.
    #[must_use]
    pub(crate) fn waiting(self, waits: Option<Waiting>) -> Self {
        Self { waits, ..self }
    }

    /// What it waits for.
    pub(crate) const fn waits(&self) -> Option<&Waiting> {
        self.waits.as_ref()
    }

    /// Which broker it is.
    pub const fn id(&self) -> BrokerId {
        self.work.broker.id
    }

    /// Whether there is anything to watch: what is being deleted, or could not be created, is not.
    pub(crate) fn is_watchable(&self) -> bool {
        self.work.broker.intent == Intent::Run && self.work.broker.status.failure.is_none()
    }

    /// Whether its passes must not wait behind ordinary work when it is due: a pair or a cluster that has run.
    pub(crate) fn is_urgent(&self) -> bool {
        self.has_run() && self.work.broker.spec.deployment_mode != DeploymentMode::SingleInstance
    }

    /// In which lane a pass deals with what a look at it saw. What its owner asked for is no emergency: dozens that are
    /// rebooted at once would keep a broker waiting of which an engine has died.
    pub(crate) fn lane(&self) -> Lane {
        let broker = &self.work.broker;
        let is_single = broker.spec.deployment_mode == DeploymentMode::SingleInstance;
        if !self.has_run() || (is_single && broker.is_rebooting()) {
            Lane::Normal
        } else {
            Lane::Urgent
        }
    }

    /// Whether it has ever been what its owner asked for.
    pub fn has_run(&self) -> bool {
        self.work.broker.status.observed_generation.is_some()
    }

    /// The same after a pass that rendered this, if it had to, and of whose plan these steps failed.
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
                Desired::Unrendered | Desired::Undecided | Desired::Instances(_) => RENDERED_PAUSE,
            };
            (rendered, now.plus(good_for))
        });
        Self { rendered, failed, ..self }
    }

    /// What to plan with: nothing is rendered for a look.
    fn desired(&self, now: Timestamp) -> &Desired {
        match &self.rendered {
            Some((rendered, until)) if now < *until => rendered,
            Some(_) | None => &Desired::Unrendered,
        }
    }

    /// Whether what was seen of one is true of the other.
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

    /// Whether an instance that serves, as far as is known, does not.
    fn is_in_trouble(&self, seen: &Seen) -> bool {
        let conditions = &self.work.broker.status.conditions;
        conditions.iter().filter(|c| matches!(c.health, Health::Healthy | Health::Suspect)).any(
            |c| !matches!(seen.instances.get(&c.ordinal), Some(Observed::Present(i)) if i.serves()),
        )
    }
}

impl Glimpse {
    /// The observation, if the broker has not changed since.
    pub(crate) fn of(self, held: &Held) -> Option<(Seen, Option<Vec<DownLink>>)> {
        self.of.is_as(held).then_some((self.seen, self.links))
    }

    /// Whether an engine was silent or could not be seen: what a stall of the one who looks would explain as well.
    pub(crate) fn is_silence(&self) -> bool {
        self.seen.has_silence()
    }
}

impl PassContext {
    /// Looks at a broker and decides, without the store.
    pub async fn look(&self, held: &Arc<Held>) -> Look {
        let (seen, links) = self.observe(held, held.asks_for_links(self.clock.now())).await;
        let decision = self.decide(held, held.desired(self.clock.now()), &seen);
        match self.pause_after(held, &decision, &seen, links.as_deref()) {
            Some(pause) => Look::Steady(pause),
            None => Look::Changed(Box::new(Glimpse { of: held.clone(), seen, links })),
        }
    }

    /// When to look again; none: there is something to be done or recorded.
    fn pause_after(
        &self,
        held: &Held,
        decision: &Decision,
        seen: &Seen,
        links: Option<&[DownLink]>,
    ) -> Option<Duration> {
        let broker = &held.work.broker;
        if held.waits().is_some_and(|waiting| waiting.until <= self.clock.now()) {
            return None;
        }
        // None: there is one only once something was rendered.
        let plan = match decision {
            Decision::Plan(plan) => Some(&**plan),
            Decision::NeedsRendering => None,
        };
        let acts = plan.map_or_else(|| !held.is_in_trouble(seen), Plan::acts);
        if acts {
            // What comes after a step that is on its way waits for its end.
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
            if held.is_what_failed(plan) {
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

    /// The world as far as this broker is concerned, and which of its links are down, if they are to be asked for.
    pub(crate) async fn observe(
        &self,
        held: &Held,
        with_links: bool,
    ) -> (Seen, Option<Vec<DownLink>>) {
        let broker = &held.work.broker;
        let observer = held.supervision.observer(self, &held.work, self.clock.now());
        let seen = observer.observe(broker).await;
        let links = if with_links { observer.links(broker, &seen).await } else { None };
        (seen, links)
    }

    /// What there is to measure of a broker now.
    pub(crate) async fn measurable(&self, held: &Held) -> Measurable {
        let observer = held.supervision.observer(self, &held.work, self.clock.now());
        let (running, all) = observer.running(&held.work.broker).await;
        Measurable {
            broker: held.work.broker.clone(),
            running,
            all,
            nano_cpus: held.supervision.nano_cpus(),
            login: held.supervision.login().cloned(),
        }
    }

    /// What to do about it.
    pub(crate) fn decide(&self, held: &Held, desired: &Desired, seen: &Seen) -> Decision {
        let now = self.clock.now();
        let image_id = self.image_id(&held.work);
        let subject = held.supervision.subject(&held.work, desired, image_id.as_deref(), now);
        let mut plan = match &held.waits {
            Some(waiting) if !held.has_run() => {
                return Decision::Plan(Box::new(waiting.plan(&held.work.broker, now)));
            }
            _ => match plan(&subject, seen, now) {
                Decision::Plan(plan) => plan,
                Decision::NeedsRendering => return Decision::NeedsRendering,
            },
        };
        if let Some(waiting) = &held.waits {
            waiting.add_to(&mut plan, now);
        }
        plan.actions_required.retain(|action| !secrets::is_own(&action.code));
        plan.actions_required.extend(held.invalid_arns.iter().cloned());
        Decision::Plan(plan)
    }
}
