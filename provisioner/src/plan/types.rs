//! The input and the content of a plan.

use std::{fmt, time::Duration};

use brokerd_domain::{
    ActionRequired, AffectedInstance, Broker, Fault, Generation, HostCapacity, HostInstanceType,
    InstanceCondition, Next, Reservation, Target, VerdictKind,
    instance::{Disturbance, InstanceSpec, Limits, RuntimeId, Volumes},
};

use super::sentence::Sentence;

/// What is known of an instance without rendering it. It is enough to keep the instance alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceIdentity {
    /// From 1 on.
    pub ordinal: u8,
    /// The host name inside the broker's network, by which its peers call it.
    pub hostname: String,
    /// The engine's ports.
    pub ports: Vec<u16>,
    /// How long an orderly stop may take.
    pub stop_grace: Duration,
}

/// The instances that should exist. Only making or replacing an instance needs it. Whatever it is, existing instances
/// are kept alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// Not rendered yet. A plan that needs it can't be made ([`Decision::NeedsRendering`]).
    Unrendered,
    /// Certificate, keys and hashes must be stored first.
    MissingMaterials,
    /// These instances.
    Instances(Vec<InstanceSpec>),
    /// No instance can be made at present; the reason.
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

/// The input of a plan, besides the observation and the time.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The broker.
    pub broker: &'a Broker,
    /// Its instances, as far as they are known without rendering them.
    pub instances: &'a [InstanceIdentity],
    /// The limits of each instance when it serves; `None` if this host has less.
    pub limits: Option<Limits>,
    /// The memory of the host that instances may use together.
    pub host_capacity: HostCapacity,
    /// The broker's reservation of it; `None` if it has not asked.
    pub reservation: Option<Reservation>,
    /// The instances that should exist.
    pub desired: &'a Desired,
    /// The present targets of the endpoints.
    pub targets: &'a [Target],
    /// The faults that are not over.
    pub faults: &'a [Fault],
    /// How long a boot may take.
    pub boot_deadline: Duration,
    /// Processor time granted while an instance boots, in billionths of a processor.
    pub boot_nano_cpus: u64,
    /// The runtime's ID of the image that the image's name now stands for, if known.
    pub image_id: Option<&'a str>,
    /// Whether the certificate should be renewed at the next opportunity: it ends soon, or authorities have changed.
    pub certificate_ends_soon: bool,
}

/// One effect. Doing it twice is as good as once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Allocate and store addresses.
    AllocateEndpoints,
    /// Reserve memory of the host for instances of that type, or wait for it.
    Reserve(HostInstanceType),
    /// Make and store certificate, keys and hashes.
    IssueMaterials,
    /// Create and start the instance.
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
    /// Change the targets of endpoints.
    SetTargets(Vec<Target>),
    /// Drop the pending changes from the outstanding reboot, and why.
    GiveUpPending(String),
    /// Do something on behalf of an injected fault.
    Fault(FaultStep),
    /// Remove the record of a broker whose instances and data are gone.
    DeleteRecord,
}

impl Step {
    /// The instance that the step changes, if it is one.
    pub fn ordinal(&self) -> Option<u8> {
        match self {
            Self::Apply(spec) => Some(spec.name.ordinal),
            Self::Start(n, _)
            | Self::Restart(n, _)
            | Self::Stop(n, ..)
            | Self::Remove(n, _)
            | Self::SetLimits(n, ..) => Some(*n),
            Self::AllocateEndpoints
            | Self::Reserve(_)
            | Self::IssueMaterials
            | Self::SetTargets(_)
            | Self::GiveUpPending(_)
            | Self::Fault(_)
            | Self::DeleteRecord => None,
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
            Self::Reserve(tier) => write!(f, "reserve memory for {tier}"),
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
                    "limit instance {n} to {} bytes, {} nano-cpus and {} cpu-shares",
                    limits.memory_bytes, limits.nano_cpus, limits.cpu_shares
                )
            }
            Self::SetTargets(targets) => {
                let led = targets.iter().filter(|t| !t.addresses.is_empty()).count();
                write!(f, "route {led} of {} endpoints", targets.len())
            }
            Self::GiveUpPending(_) => f.write_str("drop the pending changes from this reboot"),
            Self::Fault(step) => step.fmt(f),
            Self::DeleteRecord => f.write_str("remove the broker's record"),
        }
    }
}

/// One effect on behalf of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultStep {
    /// Record the start of the fault, and its targets.
    Start(Box<Fault>, Vec<AffectedInstance>),
    /// Disturb an instance.
    Inject(u8, RuntimeId, Disturbance),
    /// Undo the disturbance.
    Heal(u8, RuntimeId, Disturbance),
    /// Record the end of the fault, and how it ended.
    End(Box<Fault>, &'static str),
}

impl fmt::Display for FaultStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(fault, _) => write!(f, "start fault {}", fault.id),
            Self::Inject(n, _, Disturbance::Killed) => write!(f, "kill instance {n}"),
            Self::Inject(n, _, Disturbance::Paused) => write!(f, "pause instance {n}"),
            Self::Inject(n, _, Disturbance::Isolated) => write!(f, "isolate instance {n}"),
            Self::Inject(n, _, Disturbance::Filled { .. }) => {
                write!(f, "fill the disk of instance {n}")
            }
            Self::Heal(n, _, Disturbance::Filled { .. }) => {
                write!(f, "make room on the disk of instance {n}")
            }
            Self::Heal(n, _, Disturbance::Killed) => write!(f, "nothing to undo for instance {n}"),
            Self::Heal(n, _, Disturbance::Paused) => write!(f, "resume instance {n}"),
            Self::Heal(n, _, Disturbance::Isolated) => write!(f, "reconnect instance {n}"),
            Self::End(fault, _) => write!(f, "end fault {}", fault.id),
        }
    }
}

/// What is complete when every step of the plan has succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// The generation.
    pub generation: Generation,
    /// The reboots.
    pub reboots: u32,
}

/// What comes of planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Something is to be changed for which [`Desired::Unrendered`] is not enough: render, and plan again.
    NeedsRendering,
    /// What to do.
    Plan(Box<Plan>),
}

/// There is no plan without a rendered specification ([`Decision::NeedsRendering`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeedsRendering;

/// What to do, in order, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps; a failed one ends the pass.
    pub steps: Vec<Step>,
    /// The kind of the verdict.
    pub kind: VerdictKind,
    /// The state of the broker in one sentence.
    pub sentence: String,
    /// The sentence without its details.
    pub reason: String,
    /// When to look again.
    pub next: Next,
    /// The new conditions of the instances; `None` if they stay.
    pub conditions: Option<Vec<InstanceCondition>>,
    /// What is complete when the steps have succeeded.
    pub completes: Option<Completion>,
    /// Why creation has failed for good.
    pub failure: Option<String>,
    /// What a person must do.
    pub actions_required: Vec<ActionRequired>,
    /// Why the next maintenance window should reboot the broker even if nothing else waits.
    pub maintenance: Option<String>,
    /// Why the outstanding reboot ends without having replaced every instance, if it does.
    pub not_rebooted: Option<String>,
}

impl Plan {
    /// Whether there is anything to do.
    pub fn acts(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Ends the outstanding reboot, because it can't change anything.
    pub(crate) fn end_reboot(&mut self, broker: &Broker, why: &str) {
        let (generation, reboots) = (broker.generation, broker.reboots_requested);
        self.completes = Some(Completion { generation, reboots });
        self.not_rebooted = Some(with_full_stop(why));
    }

    /// Replaces the sentence.
    pub(crate) fn set_sentence(&mut self, sentence: impl Into<Sentence>) {
        (self.sentence, self.reason) = sentence.into().into_parts();
    }

    /// The sentence of the plan.
    pub(crate) fn sentence(&self) -> Sentence {
        Sentence::new(&self.sentence, &self.reason)
    }

    pub(crate) fn new(kind: VerdictKind, sentence: impl Into<Sentence>, next: Next) -> Self {
        let (sentence, reason) = sentence.into().into_parts();
        Self {
            steps: Vec::new(),
            kind,
            sentence,
            reason,
            next,
            conditions: None,
            completes: None,
            failure: None,
            actions_required: Vec::new(),
            maintenance: None,
            not_rebooted: None,
        }
    }

    pub(super) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// The plan for a reboot that can't change anything, and why: its pending changes are dropped.
pub(crate) fn refuse(why: &str) -> Plan {
    let sentence = Sentence::detailed("the pending changes are not applied", why);
    let plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.step(Step::GiveUpPending(with_full_stop(why)))
}

/// The plan for a broker that can't be created, and why.
pub(super) fn fail(why: String) -> Plan {
    let sentence = Sentence::detailed("creation failed", &why);
    let mut plan = Plan::new(VerdictKind::Failed, sentence, Next::Now);
    plan.failure = Some(why);
    plan
}

/// The sentence with a full stop at its end.
pub(super) fn with_full_stop(sentence: &str) -> String {
    let sentence = sentence.trim_end();
    if sentence.ends_with('.') { sentence.to_owned() } else { format!("{sentence}.") }
}
