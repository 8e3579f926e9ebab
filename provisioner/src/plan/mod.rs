//! What to do next: a pure function of the broker, the world and the time.
//!
//! All the ifs are here. A plan holds at most one disruptive step, and nothing that was not seen for
//! certain is ever stopped, removed or replaced.

mod attention;
mod change;
mod cluster;
mod fault;
mod instance;
mod pair;
mod world;

use std::{fmt, time::Duration};

use brokerd_domain::{
    ActionRequired, Broker, DeploymentMode, Fault, Generation, InstanceCondition, Intent, Next,
    Timestamp, VerdictKind,
};
use brokerd_store::Target;

use crate::{
    engine::InstanceIdentity,
    runtime::{InstanceSpec, InstanceStatus, Limits, RuntimeId, Volumes},
};

pub(crate) use attention::not_rebooted;
use instance::{Need, condition, judge};
pub(crate) use pair::taken_over;

pub use fault::FaultStep;
pub use world::{ClusterView, Observed, Seen, SeenInstance};

/// How often an instance that serves is looked at; the runtime's events come in between.
const STEADY_POLL: Duration = Duration::from_secs(10);
/// How often a pair or a cluster is looked at that can't be seen.
const BLIND_POLL: Duration = Duration::from_secs(1);
/// When to look again at what can't change by itself.
const IDLE_POLL: Duration = Duration::from_secs(3600);

/// What should be there. Only changes need it: to make an instance, to replace one. Whatever it is, those that are there
/// are kept alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// It was not asked for yet. A plan that needs it says so ([`Plan::needs_rendering`]).
    Unrendered,
    /// Certificate, keys and hashes must be stored first.
    Undecided,
    /// These instances.
    Instances(Vec<InstanceSpec>),
    /// Nothing can be made at present, and why.
    Unsupported(String),
}

impl Desired {
    /// The same without the content of files, which is most of it.
    #[must_use]
    pub(crate) fn without_files(mut self) -> Self {
        if let Self::Instances(specs) = &mut self {
            specs.iter_mut().for_each(|spec| spec.files = Vec::new());
        }
        self
    }
}

/// What a plan is made from, beside the world and the time.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The broker.
    pub broker: &'a Broker,
    /// Its instances, as far as they are known without rendering them.
    pub instances: &'a [InstanceIdentity],
    /// What each of them may use when it serves; none: this host has not got that.
    pub limits: Option<Limits>,
    /// What should be there.
    pub desired: &'a Desired,
    /// Where the gateway leads the endpoints now.
    pub targets: &'a [Target],
    /// The faults that are not over.
    pub faults: &'a [Fault],
    /// How long a boot may take.
    pub boot_deadline: Duration,
    /// Processor time granted while an instance boots, in billionths of a processor.
    pub boot_nano_cpus: u64,
    /// The runtime's own name for what is behind the image's name now, if it is known.
    pub image_id: Option<&'a str>,
    /// Whether the certificate should be renewed at the next opportunity: it ends soon, or authorities have changed.
    pub certificate_ends_soon: bool,
}

impl Subject<'_> {
    /// The step that makes an instance; none: it can't be made, or not yet.
    fn apply(&self, ordinal: u8) -> Option<Step> {
        let spec = change::spec(self, ordinal)?;
        Some(Step::Apply(Box::new(instance::boosted(spec, self.boot_nano_cpus))))
    }
}

/// One effect. Doing it twice is as good as once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Allocate and store addresses.
    AllocateEndpoints,
    /// Make and store certificate, keys and hashes.
    IssueMaterials,
    /// Make the instance be there.
    Apply(Box<InstanceSpec>),
    /// Start an ended instance.
    Start(u8, RuntimeId),
    /// Kill and start an instance that does not answer.
    Restart(u8, RuntimeId),
    /// Stop an instance in an orderly way.
    Stop(u8, RuntimeId, Duration),
    /// Remove an instance.
    Remove(u8, Volumes),
    /// Change what an instance may use.
    SetLimits(u8, RuntimeId, Limits),
    /// Lead endpoints elsewhere.
    SetTargets(Vec<Target>),
    /// Give up applying what waits for the outstanding reboot, and why.
    GiveUpPending(String),
    /// Do something on behalf of an injected fault.
    Fault(FaultStep),
    /// Forget a broker of which nothing is left.
    Forget,
}

impl Step {
    /// The instance it is done to, if it is done to one.
    pub fn ordinal(&self) -> Option<u8> {
        match self {
            Self::Apply(spec) => Some(spec.name.ordinal),
            Self::Start(n, _)
            | Self::Restart(n, _)
            | Self::Stop(n, ..)
            | Self::Remove(n, _)
            | Self::SetLimits(n, ..) => Some(*n),
            Self::AllocateEndpoints
            | Self::IssueMaterials
            | Self::SetTargets(_)
            | Self::GiveUpPending(_)
            | Self::Fault(_)
            | Self::Forget => None,
        }
    }

    /// Whether clients may notice it.
    pub const fn is_disruptive(&self) -> bool {
        matches!(self, Self::Restart(..) | Self::Stop(..))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllocateEndpoints => f.write_str("allocate endpoints"),
            Self::IssueMaterials => f.write_str("issue materials"),
            Self::Apply(spec) => {
                write!(f, "apply instance {} for reboot {}", spec.name.ordinal, spec.reboot)
            }
            Self::Start(n, _) => write!(f, "start instance {n}"),
            Self::Restart(n, _) => write!(f, "restart instance {n}"),
            Self::Stop(n, ..) => write!(f, "stop instance {n}"),
            Self::Remove(n, Volumes::Keep) => write!(f, "remove instance {n}, keep its data"),
            Self::Remove(n, Volumes::Delete) => write!(f, "remove instance {n} and its data"),
            Self::SetLimits(n, _, limits) => {
                write!(
                    f,
                    "limit instance {n} to {} bytes and {} nano-cpus",
                    limits.memory_bytes, limits.nano_cpus
                )
            }
            Self::SetTargets(targets) => {
                let led = targets.iter().filter(|t| !t.addresses.is_empty()).count();
                write!(f, "lead {led} of {} endpoints to their instance", targets.len())
            }
            Self::GiveUpPending(_) => f.write_str("give up applying the pending changes"),
            Self::Fault(step) => step.fmt(f),
            Self::Forget => f.write_str("forget the broker"),
        }
    }
}

/// What is brought to completion when every step of the plan succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// The generation.
    pub generation: Generation,
    /// The reboots.
    pub reboots: u32,
}

/// What to do, in order, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps; a failed one ends the pass.
    pub steps: Vec<Step>,
    /// How things stand.
    pub kind: VerdictKind,
    /// How things stand, for a person.
    pub sentence: String,
    /// When to look again.
    pub next: Next,
    /// What is to be remembered of the instances; none: what was.
    pub conditions: Option<Vec<InstanceCondition>>,
    /// What is complete then.
    pub completes: Option<Completion>,
    /// Why creation has failed for good.
    pub failure: Option<String>,
    /// What a person must do.
    pub actions_required: Vec<ActionRequired>,
    /// Why the next maintenance window should reboot the broker even if nothing else waits.
    pub maintenance: Option<String>,
    /// Whether something is to be changed for which [`Desired::Unrendered`] is not enough. Then the rest of the plan
    /// means nothing: render, and plan again.
    pub needs_rendering: bool,
    /// Why the outstanding reboot is over without having made every instance anew, if it is.
    pub not_rebooted: Option<String>,
}

impl Plan {
    /// Whether there is anything to do.
    pub fn acts(&self) -> bool {
        self.needs_rendering || !self.steps.is_empty()
    }

    /// Ends the outstanding reboot, which can change nothing.
    pub(crate) fn end_reboot(&mut self, broker: &Broker, why: &str) {
        let (generation, reboots) = (broker.generation, broker.reboots_requested);
        self.completes = Some(Completion { generation, reboots });
        self.not_rebooted = Some(ended(why));
    }

    pub(crate) fn new(kind: VerdictKind, sentence: impl Into<String>, next: Next) -> Self {
        Self {
            steps: Vec::new(),
            kind,
            sentence: sentence.into(),
            next,
            conditions: None,
            completes: None,
            failure: None,
            actions_required: Vec::new(),
            maintenance: None,
            needs_rendering: false,
            not_rebooted: None,
        }
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// Decides.
pub fn plan(subject: &Subject<'_>, seen: &Seen, now: Timestamp) -> Plan {
    let broker = subject.broker;
    let mut plan = if broker.intent == Intent::Delete {
        plan_deletion(subject, seen)
    } else if let Some(failure) = &broker.status.failure {
        plan_after_failure(failure, subject, seen)
    } else if let Some(disturbing) = fault::act(subject, seen, now) {
        disturbing
    } else if broker.instances.is_empty() {
        Plan::new(VerdictKind::Progressing, "allocating endpoints", Next::Now)
            .step(Step::AllocateEndpoints)
    } else {
        plan_instances(subject, seen, now)
    };
    if plan.needs_rendering {
        return plan;
    }
    let mut conditions = plan.conditions.take().unwrap_or_else(|| broker.status.conditions.clone());
    for condition in &mut conditions {
        attention::forget(condition, now);
    }
    if broker.intent == Intent::Run {
        let makes = plan.steps.iter().any(|step| matches!(step, Step::Apply(_)));
        if !makes && attention::reboots_in_vain(broker, seen, &conditions) {
            let why = plan.sentence.clone();
            plan.end_reboot(broker, &why);
        }
        let not_rebooted = plan.not_rebooted.as_deref();
        plan.actions_required = attention::actions(broker, seen, &conditions, not_rebooted);
        plan.maintenance = attention::maintenance(subject, seen);
        plan.next = fault::look_again(subject.faults, plan.next, now);
    }
    plan.conditions = Some(conditions);
    plan
}

/// When to look again at what could not be seen, or done: before the next failover of a pair or cluster is late, and
/// not later than usual at whatever has served. The rest waits longer each time.
pub(crate) fn retry(broker: &Broker) -> Next {
    let has_served = broker.status.observed_generation.is_some();
    match broker.spec.deployment_mode {
        _ if broker.intent == Intent::Delete => Next::BackOff,
        DeploymentMode::ActiveStandbyMultiAz | DeploymentMode::ClusterMultiAz => {
            Next::After(BLIND_POLL)
        }
        DeploymentMode::SingleInstance if has_served => Next::After(STEADY_POLL),
        DeploymentMode::SingleInstance => Next::BackOff,
    }
}

fn plan_deletion(subject: &Subject<'_>, seen: &Seen) -> Plan {
    let ordinals = match &seen.leftovers {
        Observed::Unknown(why) => {
            return Plan::new(
                VerdictKind::Progressing,
                format!("can't see what is left to delete: {why}"),
                Next::BackOff,
            );
        }
        Observed::Absent => {
            return Plan::new(
                VerdictKind::Converged,
                "nothing is left, forgetting the broker",
                Next::After(IDLE_POLL),
            )
            .step(Step::Forget);
        }
        Observed::Present(ordinals) => ordinals,
    };
    let mut plan =
        Plan::new(VerdictKind::Progressing, "deleting the instances and their data", Next::Now);
    if let Some(step) = lead_nowhere(subject.targets, ordinals) {
        plan = plan.step(step);
    }
    for ordinal in ordinals {
        plan = plan.step(Step::Remove(*ordinal, Volumes::Delete));
    }
    plan
}

/// A broker that could not be created stays listed until it is deleted, but holds on to nothing.
fn plan_after_failure(failure: &str, subject: &Subject<'_>, seen: &Seen) -> Plan {
    let mut plan = Plan::new(
        VerdictKind::Failed,
        format!("creation failed: {failure}"),
        Next::After(IDLE_POLL),
    );
    plan.failure = Some(failure.to_owned());
    let there: Vec<u8> = seen
        .instances
        .iter()
        .filter(|(_, instance)| matches!(instance, Observed::Present(_)))
        .map(|(ordinal, _)| *ordinal)
        .collect();
    if let Some(step) = lead_nowhere(subject.targets, &there) {
        plan = plan.step(step);
    }
    for ordinal in there {
        plan = plan.step(Step::Remove(ordinal, Volumes::Delete));
    }
    plan
}

pub(crate) fn refuse(why: &str) -> Plan {
    let sentence = format!("the pending changes are not applied: {why}");
    let plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.step(Step::GiveUpPending(ended(why)))
}

/// With a full stop at its end.
fn ended(sentence: &str) -> String {
    let sentence = sentence.trim_end();
    if sentence.ends_with('.') { sentence.to_owned() } else { format!("{sentence}.") }
}

fn fail(why: String) -> Plan {
    let mut plan = Plan::new(VerdictKind::Failed, format!("creation failed: {why}"), Next::Now);
    plan.failure = Some(why);
    plan
}

fn plan_instances(subject: &Subject<'_>, seen: &Seen, now: Timestamp) -> Plan {
    let broker = subject.broker;
    let mut ordinals = subject.instances.iter().map(|identity| identity.ordinal);
    let unknown = ordinals.find_map(|ordinal| match seen.instances.get(&ordinal) {
        Some(Observed::Unknown(why)) => Some((ordinal, why.as_str())),
        None => Some((ordinal, "it was not looked at")),
        Some(Observed::Absent | Observed::Present(_)) => None,
    });
    if let Some((ordinal, why)) = unknown {
        return Plan::new(
            VerdictKind::Progressing,
            format!("can't see instance {ordinal}: {why}"),
            retry(broker),
        );
    }

    let is_wanted = change::is_wanted(subject, seen, now);
    if is_wanted && let Some(first) = change::first(subject) {
        return first;
    }
    let plan = match broker.spec.deployment_mode {
        DeploymentMode::ClusterMultiAz => cluster::plan(subject, seen, now),
        DeploymentMode::ActiveStandbyMultiAz => pair::plan(subject, seen, now),
        DeploymentMode::SingleInstance => plan_single(subject, seen, now),
    };
    if is_wanted { change::blocked(subject, plan) } else { plan }
}

fn plan_single(subject: &Subject<'_>, seen: &Seen, now: Timestamp) -> Plan {
    let broker = subject.broker;
    let mut conditions = Vec::new();
    let mut serving = Vec::new();
    let mut plan: Option<Plan> = None;
    for identity in subject.instances {
        let ordinal = identity.ordinal;
        let before = condition(broker, ordinal, seen, now);
        let (need, after) = judge(subject, identity, seen, before, now);
        conditions.push(after);
        match need {
            Need::Nothing => serving.push(ordinal),
            Need::Give(why) => {
                let mut failed = fail(why);
                failed.conditions = Some(conditions);
                return failed;
            }
            Need::Refuse(why) => {
                let mut refused = refuse(&why);
                refused.conditions = Some(conditions);
                return refused;
            }
            // One instance at a time: the first one that needs something decides.
            Need::Wait { sentence, next, keep_traffic } if plan.is_none() => {
                let mut waiting = Plan::new(VerdictKind::Progressing, sentence, next);
                if !keep_traffic {
                    waiting.steps.extend(lead_nowhere(subject.targets, &[ordinal]));
                }
                plan = Some(waiting);
            }
            Need::Steps { sentence, steps, keep_traffic } if plan.is_none() => {
                let mut acting = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
                if !keep_traffic {
                    acting.steps.extend(lead_nowhere(subject.targets, &[ordinal]));
                }
                acting.steps.extend(steps);
                plan = Some(acting);
            }
            Need::Wait { .. } | Need::Steps { .. } => {}
        }
    }

    let mut plan = plan.unwrap_or_else(|| {
        let mut done =
            Plan::new(VerdictKind::Converged, "every endpoint answers", Next::After(STEADY_POLL));
        let (generation, reboots) = (broker.generation, broker.reboots_requested);
        done.completes = Some(Completion { generation, reboots });
        done
    });
    plan.conditions = Some(conditions);
    let mut finishing = Vec::new();
    for ordinal in &serving {
        let Some(Observed::Present(instance)) = seen.instances.get(ordinal) else { continue };
        finishing.extend(limit(subject, *ordinal, &instance.status));
        finishing.extend(lead_to(broker, subject.targets, &[*ordinal], &instance.status));
    }
    plan.steps.splice(0..0, finishing);
    plan
}

fn lead_nowhere(targets: &[Target], ordinals: &[u8]) -> Option<Step> {
    let changed: Vec<Target> = targets
        .iter()
        .filter(|t| ordinals.contains(&t.ordinal) && !t.addresses.is_empty())
        .map(|t| Target { addresses: Vec::new(), ..t.clone() })
        .collect();
    (!changed.is_empty()).then_some(Step::SetTargets(changed))
}

/// An instance that serves gets its tier's share instead of what it booted with.
fn limit(subject: &Subject<'_>, ordinal: u8, status: &InstanceStatus) -> Option<Step> {
    let limits = subject.limits.filter(|limits| status.limits != *limits)?;
    Some(Step::SetLimits(ordinal, status.id.clone(), limits))
}

/// Leads the endpoints of these instances to the one of that status.
fn lead_to(
    broker: &Broker,
    targets: &[Target],
    ordinals: &[u8],
    status: &InstanceStatus,
) -> Option<Step> {
    let engine = broker.spec.engine_type;
    let changed: Vec<Target> = targets
        .iter()
        .filter(|t| ordinals.contains(&t.ordinal))
        .map(|t| Target {
            addresses: status
                .addresses
                .get(&t.protocol.engine_port(engine))
                .copied()
                .into_iter()
                .collect(),
            ..t.clone()
        })
        .filter(|wanted| !targets.contains(wanted))
        .collect();
    (!changed.is_empty()).then_some(Step::SetTargets(changed))
}
