//! What keeps an instance from being started, restarted or replaced: a fault, or a silent host. Such a host may still
//! run the instance, which would then write to the same store as its replacement.

use std::time::Duration;

use brokerd_domain::{DeploymentMode, FaultKind, Timestamp, instance::ContainerState};

use super::{
    fault::{is_of, present},
    types::Subject,
    world::{Observation, ProbeOutcome},
};

/// The pause between observations of a silent host.
const SILENT_POLL: Duration = Duration::from_secs(1);

/// A reason to leave an instance as it is.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    /// For a person.
    pub(super) sentence: String,
    /// Until when.
    pub(super) until: Timestamp,
    /// Whether nothing can be done to it: its host is silent.
    pub(super) is_out_of_reach: bool,
}

/// Why an instance is not to be started, restarted or replaced now.
pub(super) fn hold(
    subject: &Subject<'_>,
    ordinal: u8,
    seen: &Observation,
    now: Timestamp,
) -> Option<Hold> {
    by_host(ordinal, seen, now).or_else(|| by_fault(subject, ordinal, seen, now))
}

/// A silent host holds an instance, unless the instance answers: then it runs, whatever the host reports.
fn by_host(ordinal: u8, seen: &Observation, now: Timestamp) -> Option<Hold> {
    let instance = present(seen, ordinal)?;
    let host = instance.status.silent_host.as_ref()?;
    if instance.answers.values().any(|outcome| *outcome == ProbeOutcome::Answered) {
        return None;
    }
    let sentence = format!(
        "{host}, where instance {ordinal} is, does not answer; nothing takes its place until {host} is back, or confirmed to be off"
    );
    Some(Hold { sentence, until: now.plus(SILENT_POLL), is_out_of_reach: true })
}

/// Why a fault keeps an instance from being started, restarted or replaced now.
fn by_fault(
    subject: &Subject<'_>,
    ordinal: u8,
    seen: &Observation,
    now: Timestamp,
) -> Option<Hold> {
    let in_force = subject.faults.iter().filter(|f| f.ends > now && f.affected.is_some());
    let holds = in_force.filter_map(|fault| {
        let how = match fault.spec.kind {
            FaultKind::ZoneOutage if fault.spec.zone_instances.contains(&ordinal) => "held down",
            // A replaced or restarted container would be isolated again.
            FaultKind::Isolate => {
                let instance = present(seen, ordinal)?;
                let is_up = !matches!(instance.status.state, ContainerState::Exited { .. });
                // A restarted instance of a pair could take the store while clients can't reach it.
                let has_rival =
                    subject.broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz;
                if !(is_up || has_rival) || !is_of(fault.affected(ordinal)?, instance) {
                    return None;
                }
                "isolated"
            }
            _ => return None,
        };
        let sentence = format!(
            "instance {ordinal} is {how} by fault {} ({}) until {}",
            fault.id, fault.spec, fault.ends
        );
        Some(Hold { sentence, until: fault.ends, is_out_of_reach: false })
    });
    holds.max_by_key(|hold| hold.until)
}
