//! What to do next: a pure function of the broker, the world and the time.
//!
//! All the ifs are here. A plan holds at most one disruptive step, and nothing that was not seen for
//! certain is ever stopped, removed or replaced.

mod attention;
mod cluster;
mod fault;
mod instance;
mod pair;

use std::{collections::BTreeMap, fmt, time::Duration};

use brokerd_domain::{
    ActionRequired, Broker, DeploymentMode, Fault, Generation, InstanceCondition, Intent, Next,
    Protocol, Timestamp, VerdictKind,
};
use brokerd_store::Target;

use crate::{
    health::{Alarm, NodeReport, ProbeOutcome},
    runtime::{InstanceSpec, InstanceStatus, Limits, RuntimeId, Volumes},
};

use instance::{Need, condition, judge};
pub(crate) use pair::taken_over;

pub use fault::FaultStep;

/// How often an instance that serves is looked at; the runtime's events come in between.
const STEADY_POLL: Duration = Duration::from_secs(10);
/// How often a pair or a cluster is looked at that can't be seen.
const BLIND_POLL: Duration = Duration::from_secs(1);
/// When to look again at what can't change by itself.
const IDLE_POLL: Duration = Duration::from_secs(3600);

/// Something in the world, or the honest admission that it could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed<T> {
    /// It is not there.
    Absent,
    /// It is there.
    Present(T),
    /// It could not be seen, and why. Never a reason to stop, remove or replace anything.
    Unknown(String),
}

/// An instance as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenInstance {
    /// Its container.
    pub status: InstanceStatus,
    /// What its protocols answered; only those that were asked.
    pub answers: BTreeMap<Protocol, ProbeOutcome>,
    /// The alarms it has raised; absent when it was not asked.
    pub alarms: Observed<Vec<Alarm>>,
    /// What it says of its cluster; absent when it was not asked or is in none.
    pub cluster: Observed<ClusterView>,
    /// Whether its disk is filled by a fault; absent when it was not asked.
    pub filled: Observed<bool>,
}

impl SeenInstance {
    /// Whether all protocols that were asked have answered, and some were.
    pub fn serves(&self) -> bool {
        !self.answers.is_empty() && self.answers.values().all(|a| *a == ProbeOutcome::Answered)
    }
}

/// What a RabbitMQ node says of the cluster it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// What it knows of every node, itself included.
    pub nodes: Vec<NodeReport>,
    /// Whether something would lose its quorum if this node stopped; absent when it was not asked.
    pub quorum_critical: Observed<bool>,
}

/// The world as far as one broker is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// By ordinal.
    pub instances: BTreeMap<u8, Observed<SeenInstance>>,
    /// The ordinals of whatever is left of a broker that is being deleted; not looked at otherwise.
    pub leftovers: Observed<Vec<u8>>,
}

/// What should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// Something must be stored first.
    Undecided(Missing),
    /// These instances.
    Instances(Vec<InstanceSpec>),
    /// Nothing can be, and why.
    Unsupported(String),
}

/// What must be stored before instances can be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Addresses.
    Endpoints,
    /// Certificate, keys, hashes.
    Materials,
}

/// What a plan is made from, beside the world and the time.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The broker.
    pub broker: &'a Broker,
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
    /// Whether the certificate should be renewed at the next opportunity.
    pub certificate_ends_soon: bool,
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
}

impl Plan {
    fn new(kind: VerdictKind, sentence: impl Into<String>, next: Next) -> Self {
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
    } else {
        match subject.desired {
            Desired::Undecided(Missing::Endpoints) => {
                Plan::new(VerdictKind::Progressing, "allocating endpoints", Next::Now)
                    .step(Step::AllocateEndpoints)
            }
            Desired::Undecided(Missing::Materials) => {
                Plan::new(VerdictKind::Progressing, "issuing the certificate", Next::Now)
                    .step(Step::IssueMaterials)
            }
            Desired::Unsupported(why) => plan_unsupported(broker, why),
            Desired::Instances(specs) => plan_instances(subject, specs, seen, now),
        }
    };
    let mut conditions = plan.conditions.take().unwrap_or_else(|| broker.status.conditions.clone());
    for condition in &mut conditions {
        attention::forget(condition, now);
    }
    if broker.intent == Intent::Run {
        plan.actions_required = attention::actions(broker, seen, &conditions);
        if attention::reboots_in_vain(broker, seen, &conditions) {
            let (generation, reboots) = (broker.generation, broker.reboots_requested);
            plan.completes = Some(Completion { generation, reboots });
        }
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

fn plan_unsupported(broker: &Broker, why: &str) -> Plan {
    if broker.status.observed_generation.is_none() {
        return fail(why.to_owned());
    }
    if broker.applies_pending() && broker.has_pending() {
        // What runs goes on running: it is rebooted as it was.
        return refuse(why);
    }
    Plan::new(VerdictKind::Blocked, format!("can't apply the specification: {why}"), Next::BackOff)
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

fn plan_instances(
    subject: &Subject<'_>,
    specs: &[InstanceSpec],
    seen: &Seen,
    now: Timestamp,
) -> Plan {
    let broker = subject.broker;
    let unknown = specs.iter().find_map(|spec| match seen.instances.get(&spec.name.ordinal) {
        Some(Observed::Unknown(why)) => Some((spec.name.ordinal, why.as_str())),
        None => Some((spec.name.ordinal, "it was not looked at")),
        Some(Observed::Absent | Observed::Present(_)) => None,
    });
    if let Some((ordinal, why)) = unknown {
        return Plan::new(
            VerdictKind::Progressing,
            format!("can't see instance {ordinal}: {why}"),
            retry(broker),
        );
    }

    if broker.spec.deployment_mode == DeploymentMode::ClusterMultiAz {
        return cluster::plan(subject, specs, seen, now);
    }
    if broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz {
        return pair::plan(subject, specs, seen, now);
    }
    let mut conditions = Vec::new();
    let mut serving = Vec::new();
    let mut plan: Option<Plan> = None;
    for spec in specs {
        let before = condition(broker, spec.name.ordinal, seen, now);
        let (need, after) = judge(subject, spec, seen, before, now);
        conditions.push(after);
        match need {
            Need::Nothing(instance) => serving.push((spec, instance)),
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
                    waiting.steps.extend(lead_nowhere(subject.targets, &[spec.name.ordinal]));
                }
                plan = Some(waiting);
            }
            Need::Steps { sentence, steps, keep_traffic } if plan.is_none() => {
                let mut acting = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
                if !keep_traffic {
                    acting.steps.extend(lead_nowhere(subject.targets, &[spec.name.ordinal]));
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
        let reboots = specs.iter().map(|spec| spec.reboot).min().unwrap_or(0);
        done.completes = Some(Completion { generation: broker.generation, reboots });
        done
    });
    plan.conditions = Some(conditions);
    let mut finishing = Vec::new();
    for (spec, instance) in &serving {
        let ordinal = spec.name.ordinal;
        finishing.extend(limit(spec, &instance.status));
        finishing.extend(lead_to(broker, subject.targets, &[ordinal], &instance.status));
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
fn limit(spec: &InstanceSpec, status: &InstanceStatus) -> Option<Step> {
    (status.limits != spec.limits)
        .then(|| Step::SetLimits(spec.name.ordinal, status.id.clone(), spec.limits))
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
