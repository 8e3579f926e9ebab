//! What takes a rendered specification: to make an instance, and to replace one.
//!
//! It is asked for only when something is to be changed. Where it can't be had, everything else goes on: what runs is
//! supervised as it is, and a reboot that can change nothing is over.

use brokerd_domain::{
    Next, Timestamp, VerdictKind,
    instance::{ContainerState, InstanceSpec, InstanceStatus, Volumes},
};

use super::{
    boot,
    hold::hold,
    sentence::Sentence,
    types::{Desired, NeedsRendering, Plan, Step, Subject, fail, refuse},
    world::{Observation, Observed},
};

/// The specification of an instance, if it was rendered.
pub(super) fn spec<'a>(subject: &Subject<'a>, ordinal: u8) -> Option<&'a InstanceSpec> {
    match subject.desired {
        Desired::Instances(specs) => specs.iter().find(|spec| spec.name.ordinal == ordinal),
        Desired::Unrendered | Desired::MissingMaterials | Desired::Unsupported(_) => None,
    }
}

impl Subject<'_> {
    /// The step that makes an instance; `None` if it can't be made, or not yet.
    pub(super) fn apply(&self, ordinal: u8) -> Option<Step> {
        let spec = spec(self, ordinal)?;
        Some(Step::Apply(Box::new(boot::boosted(spec, self.boot_nano_cpus))))
    }
}

/// Whether some instance is to be made or replaced, or may have to be.
pub(super) fn is_wanted(subject: &Subject<'_>, seen: &Observation, now: Timestamp) -> bool {
    let broker = subject.broker;
    // A newer process made that instance, so it is left to that process.
    let mut there = seen.instances.values();
    if there.any(|i| matches!(i, Observed::Present(i) if is_newer(subject, &i.status))) {
        return false;
    }
    subject.instances.iter().any(|identity| {
        let wants = match seen.instances.get(&identity.ordinal) {
            Some(Observed::Present(instance)) => {
                let status = &instance.status;
                let began = broker.status.observed_generation.is_some();
                status.state == ContainerState::Created
                    || is_of_former_reboot(subject, status)
                    || (!began && status.generation < broker.generation)
            }
            Some(Observed::Absent) => true,
            Some(Observed::Unknown(_)) | None => false,
        };
        wants && hold(subject, identity.ordinal, seen, now).is_none()
    })
}

fn is_of_former_reboot(subject: &Subject<'_>, status: &InstanceStatus) -> bool {
    subject.broker.is_rebooting() && status.reboot < subject.broker.reboots_requested
}

/// An instance is replaced when a reboot is outstanding, or when its specification has changed and it never served. A
/// broker that serves is not restarted because brokerd would render it differently today: that waits for the next
/// reboot. An instance that can't be made again stays.
pub(super) fn needs_replacement(
    subject: &Subject<'_>,
    ordinal: u8,
    status: &InstanceStatus,
) -> bool {
    let broker = subject.broker;
    if matches!(subject.desired, Desired::Unsupported(_)) {
        return false;
    }
    let never_served = broker.status.observed_generation.is_none();
    is_of_former_reboot(subject, status)
        || (never_served
            && status.generation < broker.generation
            && spec(subject, ordinal).is_some_and(|spec| status.digest != spec.digest()))
}

/// Whether it is of a later generation or reboot than the broker that was read.
pub(super) fn is_newer(subject: &Subject<'_>, status: &InstanceStatus) -> bool {
    let broker = subject.broker;
    status.generation > broker.generation || status.reboot > broker.reboots_requested
}

/// Replaces an instance by one of the current specification; `None` if that can't be made, or not yet.
pub(super) fn replace(subject: &Subject<'_>, ordinal: u8) -> Option<Vec<Step>> {
    Some(vec![Step::Remove(ordinal, Volumes::Keep), subject.apply(ordinal)?])
}

/// Completes an instance that was made and never started. If its specification has changed, it is replaced.
pub(super) fn complete(
    subject: &Subject<'_>,
    ordinal: u8,
    status: &InstanceStatus,
) -> Option<Vec<Step>> {
    if status.digest == spec(subject, ordinal)?.digest() {
        return Some(vec![subject.apply(ordinal)?]);
    }
    replace(subject, ordinal)
}

/// Why an instance is not made, for a person.
pub(super) fn not_made(subject: &Subject<'_>, ordinal: u8) -> Sentence {
    match subject.desired {
        Desired::Unsupported(why) => {
            Sentence::detailed(format!("instance {ordinal} can't be made"), why)
        }
        Desired::Unrendered | Desired::MissingMaterials | Desired::Instances(_) => {
            format!("instance {ordinal} can't be made yet").into()
        }
    }
}

/// The plan that must come before any change; `None` if the change can be planned.
pub(super) fn first(subject: &Subject<'_>) -> Result<Option<Plan>, NeedsRendering> {
    let broker = subject.broker;
    Ok(match subject.desired {
        Desired::Instances(_) => None,
        Desired::Unrendered => return Err(NeedsRendering),
        Desired::MissingMaterials => Some(
            Plan::new(VerdictKind::Progressing, "issuing the certificate", Next::Now)
                .step(Step::IssueMaterials),
        ),
        Desired::Unsupported(why) if broker.status.observed_generation.is_none() => {
            Some(fail(why.clone()))
        }
        // The instances are rebooted as they were, so they go on running.
        Desired::Unsupported(why) if broker.applies_pending() && broker.has_pending() => {
            Some(refuse(why))
        }
        Desired::Unsupported(_) => None,
    })
}

/// The plan of a broker that is to be changed; if it can't be, the plan is blocked and says why.
pub(super) fn blocked(subject: &Subject<'_>, mut plan: Plan) -> Plan {
    let Desired::Unsupported(why) = subject.desired else { return plan };
    // Steps that keep instances alive come first.
    if !plan.steps.is_empty() || plan.failure.is_some() {
        plan.completes = None;
        return plan;
    }
    plan.kind = VerdictKind::Blocked;
    if !plan.sentence.contains(why.as_str()) {
        let text = format!("{}; it can't be changed: {why}", plan.sentence);
        plan.set_sentence(Sentence::new(text, format!("{}; it can't be changed", plan.reason)));
    }
    plan.completes = None;
    if subject.broker.is_rebooting() {
        plan.end_reboot(subject.broker, why);
    }
    plan
}
