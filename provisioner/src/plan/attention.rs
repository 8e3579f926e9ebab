//! What a person must do about a broker, and what its next maintenance window should do.
//!
//! Source: "Troubleshooting" of the developer guide for the codes and when they are raised.

use std::time::Duration;

use brokerd_domain::{
    ActionCode, ActionRequired, Broker, DeploymentMode, EngineType, Health, InstanceCondition,
    OutOfMemory, Timestamp, instance::ContainerState,
};

use super::{
    boot::BOOTS_TO_FAIL,
    types::Subject,
    world::{Alarm, Observation, Observed, ObservedInstance},
};

/// The exit code of a JVM with `ExitOnOutOfMemoryError`.
const JVM_OUT_OF_MEMORY: i64 = 3;

/// Out-of-memory exits in a row that count as a loop.
const LOOP_COUNT: u32 = 3;

/// How long apart two out-of-memory exits may be to count as in a row.
const MAX_LOOP_GAP: Duration = Duration::from_mins(10);

/// How long an instance must be stable until its out-of-memory count is cleared.
const STABLE_AFTER: Duration = Duration::from_mins(5);

/// Whether that exit code says that the engine ran out of its own memory.
pub(super) fn is_out_of_memory(engine: EngineType, code: i64) -> bool {
    engine == EngineType::ActiveMq && code == JVM_OUT_OF_MEMORY
}

/// Counts another out-of-memory exit.
pub(super) fn count_out_of_memory(before: Option<OutOfMemory>, now: Timestamp) -> OutOfMemory {
    let count = before.filter(|b| now.since(b.last) < MAX_LOOP_GAP).map_or(0, |b| b.count);
    OutOfMemory { count: count.saturating_add(1), last: now }
}

/// Clears the out-of-memory count of an instance that was stable for [`STABLE_AFTER`]. A standby is stable, too.
pub(super) fn forget_resolved(condition: &mut InstanceCondition, now: Timestamp) {
    let is_well = matches!(condition.health, Health::Healthy | Health::Standby);
    let calm = is_well && now.since(condition.since) >= STABLE_AFTER;
    if calm && condition.out_of_memory.is_some_and(|o| now.since(o.last) >= STABLE_AFTER) {
        condition.out_of_memory = None;
    }
}

/// The required actions. Actions for what can't be observed now stay.
pub(super) fn actions(
    broker: &Broker,
    seen: &Observation,
    conditions: &[InstanceCondition],
    not_rebooted: Option<&str>,
) -> Vec<ActionRequired> {
    let engine = broker.spec.engine_type;
    let mut raised = match engine {
        EngineType::ActiveMq => Vec::new(),
        EngineType::RabbitMq => alarms(broker, seen),
    };
    let counts = conditions.iter().filter_map(|c| c.out_of_memory).map(|o| o.count);
    let times = match broker.spec.deployment_mode {
        // Summed, because whichever instance serves holds the same messages.
        DeploymentMode::ActiveStandbyMultiAz => counts.sum(),
        DeploymentMode::SingleInstance | DeploymentMode::ClusterMultiAz => {
            counts.max().unwrap_or(0)
        }
    };
    if times >= LOOP_COUNT {
        let info = match engine {
            EngineType::ActiveMq => {
                "The broker restarts again and again because it runs out of memory. Consume messages, or choose a larger instance type."
            }
            EngineType::RabbitMq => {
                "RabbitMQ restarts again and again because it runs out of memory. Consume or purge messages, or choose a larger instance type."
            }
        };
        raised.push(ActionRequired { code: ActionCode::BrokerOom, info: info.to_owned() });
    } else if broker.status.observed_generation.is_some() && does_not_boot(conditions) {
        let info = "The engine does not boot, although it is started again and again; the events of the broker tell why. \
                    Choose another configuration, version or instance type, and reboot the broker.";
        raised.push(ActionRequired { code: ActionCode::BrokerDoesNotBoot, info: info.to_owned() });
    }
    raised.extend(left_behind(broker, seen, not_rebooted));
    raised
}

/// The action for instances that the last reboot did not replace; it stays until another reboot does.
fn left_behind(broker: &Broker, seen: &Observation, why: Option<&str>) -> Option<ActionRequired> {
    let is_of = |reboots: u32| {
        move |instance: &Observed<ObservedInstance>| {
            let Observed::Present(instance) = instance else { return false };
            let status = &instance.status;
            status.reboot >= reboots && status.state != ContainerState::Created
        }
    };
    if let Some(why) = why {
        let all = seen.instances.values().all(is_of(broker.reboots_requested));
        return (!all).then(|| not_rebooted(why));
    }
    let all = seen.instances.values().all(is_of(broker.status.reboots_done));
    let before = broker
        .status
        .actions_required
        .iter()
        .find(|action| action.code == ActionCode::BrokerNotRebooted)?;
    (!broker.is_rebooting() && !all).then(|| before.clone())
}

/// The action that is required after a reboot that ended before it replaced every instance.
pub(crate) fn not_rebooted(why: &str) -> ActionRequired {
    ActionRequired {
        code: ActionCode::BrokerNotRebooted,
        info: format!(
            "The last reboot did not replace every instance: {why} The instances run as before. Reboot the broker to \
             try again."
        ),
    }
}

/// Whether no instance serves, and one has failed to boot several times.
fn does_not_boot(conditions: &[InstanceCondition]) -> bool {
    conditions.iter().all(|condition| condition.health == Health::Starting)
        && conditions.iter().any(|condition| condition.failed_boots >= BOOTS_TO_FAIL)
}

/// Whether the outstanding reboot can't go on: an instance that was replaced for it does not boot, the others wait for
/// that instance, and there are no pending changes to drop. The reboot then counts as done, because the owner can't
/// reboot again before.
pub(super) fn reboot_fails(
    broker: &Broker,
    seen: &Observation,
    conditions: &[InstanceCondition],
) -> bool {
    let is_new = |ordinal: u8| matches!(seen.instances.get(&ordinal), Some(Observed::Present(i)) if i.status.reboot == broker.reboots_requested);
    let fails = |condition: &InstanceCondition| {
        condition.health == Health::Starting && condition.failed_boots >= BOOTS_TO_FAIL
    };
    broker.is_rebooting()
        && broker.status.observed_generation.is_some()
        && !(broker.applies_pending() && broker.has_pending())
        && !seen.instances.values().any(|instance| matches!(instance, Observed::Unknown(_)))
        && conditions.iter().any(|condition| fails(condition) && is_new(condition.ordinal))
}

fn alarms(broker: &Broker, seen: &Observation) -> Vec<ActionRequired> {
    let (mut raised, mut own_disk) = (Vec::new(), false);
    for instance in seen.instances.values() {
        let Observed::Present(instance) = instance else { continue };
        own_disk |= instance.status.own_disk;
        match &instance.alarms {
            Observed::Present(alarms) => raised.extend(alarms.iter().copied()),
            Observed::Unknown(_) => {
                let mut before = broker.status.actions_required.clone();
                before.retain(|action| {
                    ![
                        ActionCode::BrokerOom,
                        ActionCode::BrokerDoesNotBoot,
                        ActionCode::BrokerNotRebooted,
                    ]
                    .contains(&action.code)
                });
                return before;
            }
            Observed::Absent => {}
        }
    }
    let alarms = [
        (
            Alarm::Memory,
            ActionCode::RabbitmqMemoryAlarm,
            "RabbitMQ uses more memory than it may, and blocks publishers. Consume or purge messages, or choose a larger instance type.",
        ),
        (
            Alarm::Disk,
            ActionCode::RabbitmqDiskAlarm,
            if own_disk {
                "RabbitMQ has less free disk than it keeps, and blocks publishers. Consume or purge messages."
            } else {
                "RabbitMQ has less free disk than it keeps, and blocks publishers. Consume or purge messages, or make room on the host."
            },
        ),
    ];
    alarms
        .into_iter()
        .filter(|(alarm, ..)| raised.contains(alarm))
        .map(|(_, code, info)| ActionRequired { code, info: info.to_owned() })
        .collect()
}

/// Why the next maintenance window should reboot the broker even if nothing else waits.
pub(super) fn maintenance(subject: &Subject<'_>, seen: &Observation) -> Option<String> {
    if subject.certificate_ends_soon {
        return Some("its certificate is to be renewed".to_owned());
    }
    // Without automatic minor upgrades newer builds are not applied either.
    if !subject.broker.spec.auto_minor_version_upgrade {
        return None;
    }
    let wanted = subject.image_id?;
    let older = seen.instances.values().any(|instance| {
        matches!(instance, Observed::Present(i) if i.status.image_id.as_deref().is_some_and(|id| id != wanted))
    });
    older.then(|| "there is a newer build of its engine".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    #[test]
    fn three_times_out_of_memory_in_a_row_are_a_loop_that_ends_with_calm() {
        let minutes = |n| NOW.plus(Duration::from_mins(n));
        let mut out = None;
        for minute in [0, 5, 10] {
            out = Some(count_out_of_memory(out, minutes(minute)));
        }
        assert_eq!(out.map(|o| o.count), Some(3));
        assert_eq!(count_out_of_memory(out, minutes(30)).count, 1, "long after is no row");
        let mut condition = InstanceCondition {
            ordinal: 1,
            health: Health::Healthy,
            since: minutes(11),
            failed_boots: 0,
            out_of_memory: out,
            apart_since: None,
        };
        forget_resolved(&mut condition, minutes(15));
        assert!(condition.out_of_memory.is_some(), "not for long enough");
        condition.health = Health::Suspect;
        forget_resolved(&mut condition, minutes(60));
        assert!(condition.out_of_memory.is_some(), "it does not serve");
        for calm in [Health::Healthy, Health::Standby] {
            (condition.health, condition.out_of_memory) = (calm, out);
            forget_resolved(&mut condition, minutes(60));
            assert_eq!(condition.out_of_memory, None, "{calm:?}");
        }
    }

    #[test]
    fn only_a_jvm_ends_with_three_for_want_of_memory() {
        assert!(is_out_of_memory(EngineType::ActiveMq, 3));
        assert!(!is_out_of_memory(EngineType::ActiveMq, 1));
        assert!(!is_out_of_memory(EngineType::RabbitMq, 3));
    }
}
