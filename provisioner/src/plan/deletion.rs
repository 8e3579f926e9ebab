//! The deletion of a broker, and the release of everything of a broker that could not be created.

use brokerd_domain::{Next, VerdictKind, instance::Volumes};

use super::{
    poll::IDLE_POLL,
    sentence::Sentence,
    traffic::drain,
    types::{Plan, Step, Subject},
    world::{Observation, Observed},
};

pub(super) fn plan(subject: &Subject<'_>, seen: &Observation) -> Plan {
    let ordinals = match &seen.leftovers {
        Observed::Unknown(why) => {
            return Plan::new(
                VerdictKind::Progressing,
                Sentence::detailed("can't see what is left to delete", why),
                Next::BackOff,
            );
        }
        Observed::Absent => {
            return Plan::new(
                VerdictKind::Converged,
                "nothing is left; removing the broker's record",
                Next::After(IDLE_POLL),
            )
            .step(Step::DeleteRecord);
        }
        Observed::Present(ordinals) => ordinals,
    };
    let mut plan =
        Plan::new(VerdictKind::Progressing, "deleting the instances and their data", Next::Now);
    if let Some(step) = drain(subject.targets, ordinals) {
        plan = plan.step(step);
    }
    for ordinal in ordinals {
        plan = plan.step(Step::Remove(*ordinal, Volumes::Delete));
    }
    plan
}

/// A broker that could not be created stays listed until it is deleted, but its objects are removed.
pub(super) fn after_failure(failure: &str, subject: &Subject<'_>, seen: &Observation) -> Plan {
    let mut plan = Plan::new(
        VerdictKind::Failed,
        Sentence::detailed("creation failed", failure),
        Next::After(IDLE_POLL),
    );
    plan.failure = Some(failure.to_owned());
    let ordinals = match &seen.leftovers {
        Observed::Unknown(_) => return Plan { next: Next::BackOff, ..plan },
        Observed::Absent => return plan,
        Observed::Present(ordinals) => ordinals,
    };
    if let Some(step) = drain(subject.targets, ordinals) {
        plan = plan.step(step);
    }
    // Leftovers of a creation that never became an instance, a volume or a network are removed, too.
    for ordinal in ordinals {
        plan = plan.step(Step::Remove(*ordinal, Volumes::Delete));
    }
    plan
}
