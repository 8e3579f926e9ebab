//! A plan of which a step could not be carried out.
//!
//! An instance that can't be made or started must not keep the others from it, or a cluster would stay without its
//! majority because of one host. So the steps that make or start other instances are carried out all the same; those of
//! that instance, and all that depend on the whole plan, are not.

use std::collections::BTreeSet;

use brokerd_domain::{Broker, InstanceCondition};

use crate::{
    plan::{Plan, Step},
    reconcile::step_error::StepError,
};

/// How far a plan was carried out.
#[derive(Debug, Default)]
pub(crate) struct PartialPlan<'a> {
    /// The first step that failed.
    failed: Option<(&'a Step, StepError)>,
    /// The instances whose other steps are left out.
    left_out: BTreeSet<u8>,
    /// The instances that were made or started.
    booted: BTreeSet<u8>,
}

impl<'a> PartialPlan<'a> {
    /// Whether a step is left out because of one that failed.
    pub(crate) fn leaves_out(&self, step: &Step) -> bool {
        self.has_failed() && boots(step).is_none_or(|ordinal| self.left_out.contains(&ordinal))
    }

    pub(crate) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The first step that failed, and why.
    pub(crate) const fn failure(&self) -> Option<(&'a Step, &StepError)> {
        match &self.failed {
            Some((step, error)) => Some((*step, error)),
            None => None,
        }
    }

    pub(crate) fn is_done(&mut self, step: &Step) {
        self.booted.extend(boots(step));
    }

    /// A step was begun and goes on; the steps of its instance after it wait for its end.
    pub(crate) fn is_begun(&mut self, step: &Step) {
        self.left_out.extend(boots(step));
    }

    /// A step failed. Whether the steps of other instances are carried out all the same: not where the failure decides
    /// about the whole broker, of a new one or of pending changes.
    pub(crate) fn fails(&mut self, broker: &Broker, step: &'a Step, error: StepError) -> bool {
        self.failed.get_or_insert((step, error));
        let Some(ordinal) = boots(step) else { return false };
        self.left_out.insert(ordinal);
        let applies = broker.applies_pending() && broker.has_pending();
        broker.status.observed_generation.is_some() && !applies
    }

    /// The conditions to record: the planned ones of the instances that were started, which would otherwise count as
    /// silent for as long as before. None: there is none.
    pub(crate) fn conditions(
        &self,
        broker: &Broker,
        plan: &Plan,
    ) -> Option<Vec<InstanceCondition>> {
        let planned = plan.conditions.as_ref()?;
        let former = &broker.status.conditions;
        let is_new =
            |ordinal: u8| self.booted.contains(&ordinal) && !self.left_out.contains(&ordinal);
        planned.iter().any(|condition| is_new(condition.ordinal)).then(|| {
            let of = |planned: &InstanceCondition| {
                let known = former.iter().find(|known| known.ordinal == planned.ordinal);
                known.filter(|_| !is_new(planned.ordinal)).unwrap_or(planned).clone()
            };
            planned.iter().map(of).collect()
        })
    }
}

/// The instance that a step makes or starts, or removes to make it anew.
fn boots(step: &Step) -> Option<u8> {
    match step {
        Step::Apply(_) | Step::Start(..) | Step::Remove(..) => step.ordinal(),
        _ => None,
    }
}
