//! When a broker is measured: once a minute, each at a second of its own.

use std::collections::{HashMap, HashSet};

use brokerd_domain::{BrokerId, Timestamp};

/// The seconds of a minute in which brokers are measured; the rest is for those that are late.
const SPREAD: u64 = 50;
const MINUTE: i64 = 60;

/// Which brokers were measured in which minute.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    done: HashMap<BrokerId, i64>,
    /// The minute of the first look.
    began: Option<i64>,
}

impl Schedule {
    /// Those of these brokers that are to be measured now, and the moment that their samples are of. Each comes once a
    /// minute. Who comes later in its minute than its second, because it was worked on, comes then. In the first minute of
    /// all nobody is late: otherwise all would come at once.
    pub(super) fn due(
        &mut self,
        now: Timestamp,
        brokers: impl IntoIterator<Item = BrokerId>,
    ) -> Vec<(BrokerId, Timestamp)> {
        let minute = now.as_seconds().div_euclid(MINUTE);
        let second = now.as_seconds().rem_euclid(MINUTE);
        let is_first = self.began.is_none();
        self.began.get_or_insert(minute);
        let mut due = Vec::new();
        let mut there = HashSet::new();
        for broker in brokers {
            there.insert(broker);
            let own = second_of(broker);
            if second < own || self.done.get(&broker) == Some(&minute) {
                continue;
            }
            self.done.insert(broker, minute);
            if !(is_first && second > own) {
                due.push((broker, Timestamp::from_micros((minute * MINUTE + own) * 1_000_000)));
            }
        }
        // A broker that is worked on is not there for a while.
        self.done.retain(|broker, done| there.contains(broker) || *done == minute);
        due
    }

    /// Whether a broker was there in this minute or is now.
    pub(super) fn knows(&self, broker: BrokerId) -> bool {
        self.done.contains_key(&broker)
    }
}

/// The second of a broker. Its identifier is random.
fn second_of(broker: BrokerId) -> i64 {
    let (_, low) = broker.uuid().as_u64_pair();
    i64::try_from(low % SPREAD).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(second: u128) -> BrokerId {
        BrokerId::from(uuid::Uuid::from_u128(second))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000 + 300_000)
    }

    #[test]
    fn each_broker_comes_once_a_minute_in_its_second() {
        let mut schedule = Schedule::default();
        let all: Vec<BrokerId> = (0..50).map(broker).collect();
        let mut came: HashMap<BrokerId, Vec<i64>> = HashMap::new();
        for second in 600..780 {
            let due = schedule.due(at(second), all.clone());
            assert_eq!(due.len(), usize::from(second % 60 < 50), "in second {second}");
            for (broker, moment) in due {
                assert_eq!(moment.as_seconds(), second);
                came.entry(broker).or_default().push(second);
            }
        }
        for (n, broker) in (0..).zip(&all) {
            assert_eq!(came[broker], [600 + n, 660 + n, 720 + n]);
        }
    }

    #[test]
    fn whoever_is_late_comes_in_the_same_minute_but_not_all_at_the_start() {
        let mut schedule = Schedule::default();
        let all: Vec<BrokerId> = (0..50).map(broker).collect();
        assert!(schedule.due(at(640), all.clone()).len() <= 1, "only whose second it is");
        let missing = |n: usize| all.iter().copied().enumerate().filter(move |(at, _)| *at != n);
        let without = |n| missing(n).map(|(_, broker)| broker).collect::<Vec<_>>();
        for second in 641..690 {
            schedule.due(at(second), without(3));
        }
        // It was worked on until now.
        let due = schedule.due(at(690), all.clone());
        let late: Vec<_> =
            due.iter().map(|(broker, moment)| (*broker, moment.as_seconds())).collect();
        assert!(late.contains(&(all[3], 663)), "{late:?}");
        assert!(!schedule.due(at(691), all.clone()).iter().any(|(broker, _)| *broker == all[3]));
        assert!(schedule.knows(all[3]));
        schedule.due(at(760), without(3));
        assert!(!schedule.knows(all[3]), "it is another provisioner's");
    }

    #[test]
    fn a_pause_of_minutes_is_not_made_up_for() {
        let mut schedule = Schedule::default();
        let one = [broker(10)];
        assert_eq!(schedule.due(at(610), one).len(), 1);
        let due = schedule.due(at(1000), one);
        assert_eq!(due.iter().map(|(_, at)| at.as_seconds()).collect::<Vec<_>>(), [970]);
    }
}
