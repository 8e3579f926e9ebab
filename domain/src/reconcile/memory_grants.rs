//! The memory of the host: which broker gets some of it, and which waits.

use std::time::Duration;

use crate::{
    catalogue::HostInstanceType,
    kernel::{BrokerId, Timestamp},
};

const MIB: u64 = 1 << 20;

/// Neither engine starts reliably with less memory: RabbitMQ blocks its publishers at once.
const MIN_MEMORY: u64 = 512 * MIB;

/// The memory of a cluster of three `mq.m5.large`, unscaled: the smallest type that all deployment modes have.
const USUAL_BROKER: u64 = 3 * 8 * 1024 * MIB;

/// The smallest factor that brokerd chooses by itself.
const MIN_SCALE: f64 = 1.0 / 16.0;

/// How much memory instances may use together, and how much of its instance type's each gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostCapacity {
    /// Memory of all instances together, in bytes.
    pub memory_bytes: u64,
    /// Factor on the memory of instance types, above 0 and at most 1.
    pub scale: f64,
    /// How long a creation waits for memory.
    pub wait_limit: Duration,
}

/// The reservation of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// Memory for its instances, each of this type.
    Granted(HostInstanceType),
    /// Nothing yet: the broker is in the queue.
    Waiting {
        /// Since when.
        since: Timestamp,
        /// How much was missing when the queue was last decided, in bytes; 0: others who wait longer come first.
        missing_bytes: u64,
    },
}

/// A broker in the queue for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Which one.
    pub broker: BrokerId,
    /// How much it needs, in bytes.
    pub bytes: u64,
    /// Since when.
    pub since: Timestamp,
}

/// The decision about a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantDecision {
    /// It gets its memory.
    Granted,
    /// It stays in the queue.
    Waits {
        /// How much is missing, in bytes; 0: others who wait longer come first.
        missing_bytes: u64,
    },
}

/// How much of the memory is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CapacityUse {
    /// Granted memory, in bytes.
    pub granted_bytes: u64,
    /// Memory that creations wait for, in bytes.
    pub waiting_bytes: u64,
    /// Creations that wait.
    pub waiting: u64,
}

impl HostCapacity {
    /// The factor for a host where instances may use so much memory together: the largest of 1, 1/2, 1/4, 1/8 and 1/16
    /// with which a broker of any deployment mode can be created of type `mq.m5.large`, or else the last one.
    pub fn automatic_scale(memory_bytes: u64) -> f64 {
        let mut scale = 1.0;
        while scale > MIN_SCALE && scaled(USUAL_BROKER, scale) > memory_bytes {
            scale /= 2.0;
        }
        scale
    }

    /// The memory of one instance of a type, in bytes.
    pub fn of_instance(&self, tier: HostInstanceType) -> u64 {
        instance_memory(tier, self.scale)
    }

    /// The memory of so many instances of a type together, in bytes.
    pub fn of_instances(&self, tier: HostInstanceType, instances: u8) -> u64 {
        self.of_instance(tier).saturating_mul(instances.into())
    }

    /// Decides the queue: an admission for each demand, the longest waiting first, beside what is granted already.
    ///
    /// Each demand that fits is granted, in the order of the queue. One that does not fit may be overtaken for the first
    /// third of its time; after that nothing behind it is granted before it is. So a host is not kept empty for one large
    /// broker, and many small ones don't starve it: for two thirds of its time whatever is freed is its own. Nor does it
    /// starve them, because its time is over before theirs is.
    pub fn admit(
        &self,
        granted_bytes: u64,
        queue: &[Demand],
        now: Timestamp,
    ) -> Vec<GrantDecision> {
        let mut free = self.memory_bytes.saturating_sub(granted_bytes);
        let mut is_reserved = false;
        let decide = |demand: &Demand| {
            if demand.bytes <= free && !is_reserved {
                free -= demand.bytes;
                return GrantDecision::Granted;
            }
            let waited = now.since(demand.since);
            // What can never fit, and what is given up any moment, keeps nobody waiting.
            is_reserved |= demand.bytes <= self.memory_bytes
                && waited >= self.wait_limit / 3
                && waited < self.wait_limit;
            GrantDecision::Waits { missing_bytes: demand.bytes.saturating_sub(free) }
        };
        queue.iter().map(decide).collect()
    }
}

/// The memory of one instance of a type with that factor, in bytes: whole MiB, and never less than an engine needs.
pub fn instance_memory(tier: HostInstanceType, scale: f64) -> u64 {
    (scaled(tier.memory_bytes(), scale) / MIB * MIB).max(MIN_MEMORY)
}

/// `amount` times `factor`, rounded down.
fn scaled(amount: u64, factor: f64) -> u64 {
    (amount as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;
    const TIMEOUT: Duration = Duration::from_secs(900);
    const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    fn host(memory_bytes: u64) -> HostCapacity {
        HostCapacity { memory_bytes, scale: 1.0, wait_limit: TIMEOUT }
    }

    fn demand(bytes: u64, waited: u64) -> Demand {
        let since = Timestamp::from_micros(
            NOW.as_micros() - i64::try_from(waited).expect("short") * 1_000_000,
        );
        Demand { broker: BrokerId::from(uuid::Uuid::from_u128(bytes.into())), bytes, since }
    }

    fn waits(missing_bytes: u64) -> GrantDecision {
        GrantDecision::Waits { missing_bytes }
    }

    #[test]
    fn who_fits_gets_room_in_the_order_of_asking() {
        let queue = [demand(4, 9), demand(5, 8), demand(3, 7), demand(1, 6)];
        let admitted = host(10).admit(2, &queue, NOW);
        assert_eq!(
            admitted,
            [GrantDecision::Granted, waits(1), GrantDecision::Granted, GrantDecision::Granted]
        );
    }

    #[test]
    fn one_that_does_not_fit_is_overtaken_for_a_third_of_its_time_only() {
        for (waited, overtaken) in [(0, true), (299, true), (300, false), (899, false), (900, true)]
        {
            let queue = [demand(8, waited), demand(1, 0)];
            let admitted = host(10).admit(5, &queue, NOW);
            let second = if overtaken { GrantDecision::Granted } else { waits(0) };
            assert_eq!(admitted, [waits(3), second], "after {waited} s");
        }
    }

    #[test]
    fn a_creation_that_can_never_fit_delays_no_other() {
        let queue = [demand(11, 500), demand(5, 0)];
        assert_eq!(host(10).admit(5, &queue, NOW), [waits(6), GrantDecision::Granted]);
    }

    #[test]
    fn more_than_there_is_may_be_in_use_and_then_nothing_is_granted() {
        assert_eq!(host(10).admit(25, &[demand(1, 0)], NOW), [waits(1)]);
    }

    #[test]
    fn a_broker_of_every_mode_fits_on_every_host_unless_its_operator_says_otherwise() {
        let large = HostInstanceType::from_name("mq.m5.large").expect("known");
        let scales: Vec<f64> = [2, 4, 7, 14, 21, 28, 120]
            .into_iter()
            .map(|gib| {
                let scale = HostCapacity::automatic_scale(gib * GIB);
                let host = HostCapacity { scale, ..host(gib * GIB) };
                assert!(host.of_instances(large, 3) <= gib * GIB, "{gib} GiB");
                scale
            })
            .collect();
        assert_eq!(scales, [0.0625, 0.125, 0.25, 0.5, 0.5, 1.0, 1.0]);
        assert_eq!(HostCapacity::automatic_scale(0).to_string(), "0.0625");
    }

    #[test]
    fn an_instance_takes_what_its_limit_will_be() {
        let micro = HostInstanceType::from_name("mq.t3.micro").expect("known");
        let host = HostCapacity { scale: 0.3, ..host(GIB) };
        assert_eq!(host.of_instance(micro), MIN_MEMORY);
        let large = HostInstanceType::from_name("mq.m7g.large").expect("known");
        assert_eq!(host.of_instances(large, 2), 2 * 2457 * MIB);
    }

    fn queue() -> impl Strategy<Value = Vec<Demand>> {
        prop::collection::vec((1u64..12, 0u64..1000), 0..8).prop_map(|mut queue| {
            queue.sort_by_key(|(_, waited)| std::cmp::Reverse(*waited));
            queue.into_iter().map(|(bytes, waited)| demand(bytes, waited)).collect()
        })
    }

    proptest! {
        #[test]
        fn never_more_is_granted_than_there_is(granted in 0u64..15, queue in queue()) {
            let admitted = host(10).admit(granted, &queue, NOW);
            let new: u64 = queue.iter().zip(&admitted).filter(|(_, t)| **t == GrantDecision::Granted).map(|(d, _)| d.bytes).sum();
            prop_assert!(new == 0 || granted + new <= 10);
            prop_assert_eq!(admitted.len(), queue.len());
        }

        #[test]
        fn the_first_one_gets_room_whenever_it_fits(granted in 0u64..15, queue in queue()) {
            if let Some(first) = queue.first() {
                let fits = granted + first.bytes <= 10;
                let admitted = host(10).admit(granted, &queue, NOW);
                prop_assert_eq!(admitted[0] == GrantDecision::Granted, fits);
            }
        }

        #[test]
        fn nobody_gets_anything_behind_one_that_has_waited_for_a_third_of_its_time(
            granted in 0u64..15, queue in queue(),
        ) {
            let admitted = host(10).admit(granted, &queue, NOW);
            let old = |d: &Demand| (300..900).contains(&NOW.since(d.since).as_secs()) && d.bytes <= 10;
            let first = queue.iter().zip(&admitted).position(|(d, t)| *t != GrantDecision::Granted && old(d));
            if let Some(first) = first {
                prop_assert!(admitted[first..].iter().all(|one| *one != GrantDecision::Granted));
            }
        }

        #[test]
        fn small_ones_that_keep_coming_never_keep_a_large_one_from_what_is_freed(
            large in 2u64..=10, small in 1u64..3, life in 1u64..4,
        ) {
            // One small broker comes each minute, and each goes after some.
            let mut running: Vec<(u64, u64)> = vec![(10, life)];
            let mut queue = vec![(large, 0u64)];
            let mut served = None;
            for minute in 0..15 {
                let now = Timestamp::from_micros(NOW.as_micros() + i64::try_from(minute * 60).expect("short") * 1_000_000);
                running.retain(|(_, end)| *end > minute);
                queue.push((small, minute));
                let demands: Vec<Demand> = queue
                    .iter()
                    .map(|(bytes, at)| {
                        let since = Timestamp::from_micros(NOW.as_micros() + i64::try_from(at * 60).expect("short") * 1_000_000);
                        Demand { since, ..demand(*bytes, 0) }
                    })
                    .collect();
                let granted = running.iter().map(|(bytes, _)| bytes).sum();
                let admitted = host(10).admit(granted, &demands, now);
                let before = std::mem::take(&mut queue);
                for (asked, admission) in before.into_iter().zip(admitted) {
                    match admission {
                        GrantDecision::Granted if asked == (large, 0) && served.is_none() => {
                            served = Some(minute);
                            running.push((large, minute + 1));
                        }
                        GrantDecision::Granted => running.push((asked.0, minute + life)),
                        GrantDecision::Waits { .. } => queue.push(asked),
                    }
                }
            }
            prop_assert!(served.is_some_and(|minute| minute <= 5 + life), "{served:?}");
        }
    }
}
