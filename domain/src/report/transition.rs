//! What a pass changes in what is reported of a broker.

use super::cause::OutageCause;
use crate::{
    broker::{Availability, BrokerStatus, Health, InstanceCondition},
    kernel::Timestamp,
};

/// What a pass has found, beside what was recorded before it.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// What was recorded before.
    pub before: &'a BrokerStatus,
    /// The conditions of the instances after the pass.
    pub after: &'a [InstanceCondition],
    /// The instances that the pass stops or restarts, whatever their conditions.
    pub stopped: &'a [u8],
    /// Whether the pass brings the broker to completion.
    pub completes: bool,
    /// Whether every instance could be seen.
    pub is_seen: bool,
    /// The former active instance of a pair and its successor, if that has changed.
    pub taken_over: Option<(u8, u8)>,
    /// When the instances were seen.
    pub seen_at: Timestamp,
    /// Since when what is back serves clients: when endpoints were led to it, or when the pass has done its work if it leads
    /// none.
    pub back_at: Timestamp,
}

/// What becomes of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceTransition {
    /// It neither serves nor stands by any more.
    Lost,
    /// It is started again.
    Restarted,
    /// It serves or stands by again.
    Recovered,
}

/// The standby of a pair has become its active instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takeover {
    /// The former active instance.
    pub former: u8,
    /// The present one.
    pub successor: u8,
    /// Since when nobody served.
    pub began: Timestamp,
    /// Until when.
    pub ended: Timestamp,
}

/// What changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transitions {
    /// How available the broker is from then on; none: as it was.
    pub availability: Option<(Availability, Timestamp)>,
    /// What becomes of instances, in this order.
    pub instances: Vec<(u8, InstanceTransition, Timestamp)>,
    /// A failover.
    pub takeover: Option<Takeover>,
}

/// What changes, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedChange {
    /// What changes.
    pub transitions: Transitions,
    /// Why something does not serve any more, if something does not.
    pub cause: OutageCause,
    /// The same for a person.
    pub detail: String,
}

impl Transitions {
    /// What a pass changes. Until a broker is complete for the first time nothing is promised. What is lost was lost when it
    /// was seen, what is back is back when endpoints lead to it.
    pub fn of(finding: &Finding<'_>) -> Self {
        let Finding { before, after, seen_at, back_at, .. } = *finding;
        if before.observed_generation.is_none() && !finding.completes {
            return Self::default();
        }
        let goes_on = |condition: &InstanceCondition| !finding.stopped.contains(&condition.ordinal);
        let state = match finding.is_seen {
            true => Availability::of(after.iter().filter(|condition| goes_on(condition))),
            false => Availability::Unknown,
        };
        let availability = (before.availability != Some(state)).then(|| {
            let is_back = state == Availability::Available;
            (state, if is_back { back_at } else { seen_at })
        });
        let mut instances = Vec::new();
        if before.observed_generation.is_some() {
            for condition in after {
                let known = before.conditions.iter().find(|c| c.ordinal == condition.ordinal);
                let Some(known) = known else { continue };
                let ordinal = condition.ordinal;
                let (was, is) = (is_well(known), is_well(condition) && goes_on(condition));
                if was && !is {
                    instances.push((ordinal, InstanceTransition::Lost, seen_at));
                }
                let starts =
                    |c: &InstanceCondition| (c.health == Health::Starting).then_some(c.since);
                if starts(condition).is_some() && starts(condition) != starts(known) {
                    instances.push((ordinal, InstanceTransition::Restarted, seen_at));
                }
                if !was && is {
                    instances.push((ordinal, InstanceTransition::Recovered, back_at));
                }
            }
        }
        let takeover = finding.taken_over.map(|(former, successor)| {
            let lost = before.conditions.iter().find(|c| c.ordinal == former && !is_well(c));
            let began = lost.map_or(seen_at, |lost| lost.since.min(seen_at));
            Takeover { former, successor, began, ended: back_at.max(began) }
        });
        Self { availability, instances, takeover }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an instance serves or stands by.
const fn is_well(condition: &InstanceCondition) -> bool {
    matches!(condition.health, Health::Healthy | Health::Standby)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Generation;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn condition(ordinal: u8, health: Health, since: i64) -> InstanceCondition {
        InstanceCondition {
            ordinal,
            health,
            since: at(since),
            failed_boots: 0,
            out_of_memory: None,
            apart_since: None,
        }
    }

    fn status(
        availability: Option<Availability>,
        conditions: Vec<InstanceCondition>,
    ) -> BrokerStatus {
        BrokerStatus {
            observed_generation: Some(Generation(1)),
            availability,
            conditions,
            ..BrokerStatus::default()
        }
    }

    /// Seen at 100, recorded at 101.
    fn finding<'a>(before: &'a BrokerStatus, after: &'a [InstanceCondition]) -> Finding<'a> {
        Finding {
            before,
            after,
            stopped: &[],
            completes: false,
            is_seen: true,
            taken_over: None,
            seen_at: at(100),
            back_at: at(101),
        }
    }

    #[test]
    fn nothing_is_promised_until_a_broker_is_complete_for_the_first_time() {
        let before = BrokerStatus {
            conditions: vec![condition(1, Health::Starting, 1)],
            ..BrokerStatus::default()
        };
        let after = [condition(1, Health::Healthy, 50)];
        assert!(Transitions::of(&finding(&before, &after)).is_empty());
        let complete = Finding { completes: true, ..finding(&before, &after) };
        let expected = Transitions {
            availability: Some((Availability::Available, at(101))),
            ..Transitions::default()
        };
        assert_eq!(Transitions::of(&complete), expected);
        // One that a former brokerd has completed.
        let known = status(None, after.to_vec());
        assert_eq!(Transitions::of(&finding(&known, &after)), expected);
    }

    #[test]
    fn an_instance_that_is_started_again_is_lost_and_restarted_and_recovers() {
        let available =
            status(Some(Availability::Available), vec![condition(1, Health::Healthy, 1)]);
        let starting = [condition(1, Health::Starting, 100)];
        let lost = Transitions::of(&finding(&available, &starting));
        assert_eq!(lost.availability, Some((Availability::Unavailable, at(100))));
        let expected =
            [(1, InstanceTransition::Lost, at(100)), (1, InstanceTransition::Restarted, at(100))];
        assert_eq!(lost.instances, expected);
        let down = status(Some(Availability::Unavailable), starting.to_vec());
        assert!(Transitions::of(&finding(&down, &starting)).is_empty());
        let again = Transitions::of(&finding(&down, &[condition(1, Health::Starting, 120)]));
        assert_eq!(again.instances, [(1, InstanceTransition::Restarted, at(100))]);
        let back = Transitions::of(&finding(&down, &[condition(1, Health::Healthy, 130)]));
        assert_eq!(back.availability, Some((Availability::Available, at(101))));
        assert_eq!(back.instances, [(1, InstanceTransition::Recovered, at(101))]);
    }

    #[test]
    fn an_instance_that_is_silent_for_a_moment_is_lost_and_not_restarted() {
        let available =
            status(Some(Availability::Available), vec![condition(1, Health::Healthy, 1)]);
        let silent = [condition(1, Health::Suspect, 100)];
        let lost = Transitions::of(&finding(&available, &silent));
        assert_eq!(lost.instances, [(1, InstanceTransition::Lost, at(100))]);
        let down = status(Some(Availability::Unavailable), silent.to_vec());
        let back = Transitions::of(&finding(&down, &available.conditions));
        assert_eq!(back.instances, [(1, InstanceTransition::Recovered, at(101))]);
        let hung = Transitions::of(&finding(&down, &[condition(1, Health::Starting, 100)]));
        assert_eq!(hung.instances, [(1, InstanceTransition::Restarted, at(100))]);
        assert_eq!(hung.availability, None);
    }

    #[test]
    fn a_cluster_is_available_as_long_as_a_node_serves() {
        let nodes = |healths: [Health; 3]| -> Vec<InstanceCondition> {
            (1..).zip(healths).map(|(n, health)| condition(n, health, 1)).collect()
        };
        let all = nodes([Health::Healthy; 3]);
        let before = status(Some(Availability::Available), all);
        let one_down = nodes([Health::Healthy, Health::Starting, Health::Healthy]);
        let lost = Transitions::of(&finding(&before, &one_down));
        assert_eq!((lost.availability, lost.instances.len()), (None, 2));
        let down = nodes([Health::Suspect, Health::Starting, Health::Starting]);
        let lost = Transitions::of(&finding(&before, &down));
        assert_eq!(lost.availability, Some((Availability::Unavailable, at(100))));
    }

    #[test]
    fn what_can_not_be_seen_is_neither_lost_nor_available() {
        let conditions = vec![condition(1, Health::Healthy, 1)];
        let before = status(Some(Availability::Available), conditions.clone());
        let blind = Finding { is_seen: false, ..finding(&before, &conditions) };
        let expected = Transitions {
            availability: Some((Availability::Unknown, at(100))),
            ..Transitions::default()
        };
        assert_eq!(Transitions::of(&blind), expected);
        let unknown = status(Some(Availability::Unknown), conditions.clone());
        let again = Transitions::of(&finding(&unknown, &conditions));
        assert_eq!(again.availability, Some((Availability::Available, at(101))));
    }

    #[test]
    fn a_failover_lasts_from_the_loss_of_the_active_instance_until_the_standby_serves() {
        let pair = |one, since, other| vec![condition(1, one, since), condition(2, other, 1)];
        let before =
            status(Some(Availability::Unavailable), pair(Health::Suspect, 97, Health::Standby));
        let after = pair(Health::Suspect, 97, Health::Healthy);
        let found = Finding { taken_over: Some((1, 2)), ..finding(&before, &after) };
        let expected = Takeover { former: 1, successor: 2, began: at(97), ended: at(101) };
        assert_eq!(Transitions::of(&found).takeover, Some(expected));
        // Between two looks.
        let before =
            status(Some(Availability::Available), pair(Health::Healthy, 5, Health::Standby));
        let found = Finding { taken_over: Some((1, 2)), ..finding(&before, &after) };
        let takeover = Transitions::of(&found).takeover.expect("a failover");
        assert_eq!((takeover.began, takeover.ended), (at(100), at(101)));
        assert_eq!(Transitions::of(&found).availability, None);
    }

    #[test]
    fn an_instance_that_is_stopped_is_lost_from_then_on() {
        let healthy = vec![condition(1, Health::Healthy, 1)];
        let before = status(Some(Availability::Available), healthy.clone());
        let stopped = Finding { stopped: &[1], ..finding(&before, &healthy) };
        let lost = Transitions::of(&stopped);
        assert_eq!(lost.availability, Some((Availability::Unavailable, at(100))));
        assert_eq!(lost.instances, [(1, InstanceTransition::Lost, at(100))]);
        let standby = vec![condition(1, Health::Healthy, 1), condition(2, Health::Standby, 1)];
        let before = status(Some(Availability::Available), standby.clone());
        let replaced = Finding { stopped: &[2], ..finding(&before, &standby) };
        let lost = Transitions::of(&replaced);
        assert_eq!(lost.availability, None);
        assert_eq!(lost.instances, [(2, InstanceTransition::Lost, at(100))]);
    }
}
