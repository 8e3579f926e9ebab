//! Counters of a broker from one reading to the next.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use brokerd_domain::{Timestamp, instance::RuntimeId};

/// A reading that is older says nothing about this minute.
const MAX_AGE: Duration = Duration::from_secs(150);

/// The life of an instance: its counters begin with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    /// Its container.
    pub(super) container: RuntimeId,
    /// When that was last started.
    pub(super) since: Timestamp,
}

/// By how much a counter grew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Growth {
    /// By how much.
    pub(super) by: f64,
    /// In how many seconds.
    pub(super) seconds: f64,
}

impl Growth {
    /// By how much in a second.
    pub(super) fn per_second(self) -> f64 {
        self.by / self.seconds
    }
}

/// The counters of a broker as they were last read.
#[derive(Debug, Default)]
pub(super) struct Counters {
    instances: HashMap<u8, Instance>,
}

#[derive(Debug)]
struct Instance {
    life: Life,
    at: Instant,
    before: Option<Instant>,
    counters: HashMap<String, Counter>,
}

#[derive(Debug)]
struct Counter {
    value: f64,
    at: Instant,
}

impl Counters {
    /// Begins the reading of an instance. What was read in another life of it, and what is not read any more, is forgotten.
    pub(super) fn begin(&mut self, ordinal: u8, life: &Life, at: Instant) {
        match self.instances.get_mut(&ordinal) {
            Some(instance) if instance.life == *life => {
                instance.counters.retain(|_, counter| counter.at >= instance.at);
                (instance.before, instance.at) = (Some(instance.at), at);
            }
            _ => {
                let life = life.clone();
                let new = Instance { life, at, before: None, counters: HashMap::new() };
                self.instances.insert(ordinal, new);
            }
        }
    }

    /// Notes what a counter of an instance is, and tells by how much it grew since the last reading; none: it was not read
    /// before, or too long ago, or it has begun anew.
    pub(super) fn read(&mut self, ordinal: u8, name: &str, value: f64) -> Option<Growth> {
        let instance = self.instances.get_mut(&ordinal)?;
        let now = Counter { value, at: instance.at };
        let before = match instance.counters.get_mut(name) {
            Some(counter) => std::mem::replace(counter, now),
            None => {
                instance.counters.insert(name.to_owned(), now);
                return None;
            }
        };
        growth(before.value, value, instance.at.saturating_duration_since(before.at))
    }

    /// The same of a counter that counts from the making of what it is of: one that was not there in the last reading of
    /// this life was zero then.
    pub(super) fn read_young(&mut self, ordinal: u8, name: &str, value: f64) -> Option<Growth> {
        let instance = self.instances.get(&ordinal)?;
        if instance.counters.contains_key(name) {
            return self.read(ordinal, name, value);
        }
        let before = instance.before;
        let at = instance.at;
        self.read(ordinal, name, value);
        growth(0.0, value, at.saturating_duration_since(before?))
    }
}

/// With three decimals: that takes fewer bytes to keep, and nobody measures more exactly.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn growth(before: f64, now: f64, after: Duration) -> Option<Growth> {
    let is_usable = now >= before && after > Duration::ZERO && after <= MAX_AGE;
    is_usable.then_some(Growth { by: now - before, seconds: after.as_secs_f64() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(container: &str, since: i64) -> Life {
        Life { container: RuntimeId(container.to_owned()), since: Timestamp::from_micros(since) }
    }

    fn grew(by: f64, seconds: f64) -> Option<Growth> {
        Some(Growth { by, seconds })
    }

    #[test]
    fn a_counter_tells_its_growth_from_its_second_reading_on() {
        let (mut counters, begin, one) = (Counters::default(), Instant::now(), life("a", 1));
        let mut read = |after: u64, value| {
            counters.begin(1, &one, begin + Duration::from_secs(after));
            counters.read(1, "n", value)
        };
        assert_eq!(read(0, 10.0), None);
        assert_eq!(read(60, 16.0), grew(6.0, 60.0));
        assert_eq!(read(61, 16.0), grew(0.0, 1.0));
        assert_eq!(read(121, 4.0), None, "it has begun anew");
        assert_eq!(read(241, 8.0), grew(4.0, 120.0), "one reading was missed");
        assert_eq!(read(400, 9.0), None, "too long ago");
        assert_eq!(read(460, 12.0).map(Growth::per_second), Some(0.05));
    }

    #[test]
    fn another_life_of_an_instance_has_counters_of_its_own() {
        let (mut counters, begin) = (Counters::default(), Instant::now());
        let mut read = |after: u64, life: &Life, value| {
            counters.begin(1, life, begin + Duration::from_secs(after));
            counters.read(1, "n", value)
        };
        assert_eq!(read(0, &life("a", 1), 10.0), None);
        assert_eq!(read(60, &life("a", 2), 20.0), None, "it was started again");
        assert_eq!(read(120, &life("b", 2), 30.0), None, "it was replaced");
        assert_eq!(read(180, &life("b", 2), 31.0), grew(1.0, 60.0));
        assert_eq!(counters.read(2, "n", 1.0), None, "of an instance that was not begun");
    }

    #[test]
    fn a_counter_of_what_was_made_since_the_last_reading_was_zero_then() {
        let (mut counters, begin, one) = (Counters::default(), Instant::now(), life("a", 1));
        let mut read = |after: u64, names: &[(&str, f64)]| {
            counters.begin(1, &one, begin + Duration::from_secs(after));
            let read = |(name, value): &(&str, f64)| counters.read_young(1, name, *value);
            names.iter().map(read).collect::<Vec<_>>()
        };
        assert_eq!(read(0, &[("old", 10.0)]), [None]);
        assert_eq!(read(60, &[("old", 11.0), ("new", 5.0)]), [grew(1.0, 60.0), grew(5.0, 60.0)]);
        assert_eq!(read(120, &[("old", 11.0)]), [grew(0.0, 60.0)]);
        // Made anew after it was gone.
        assert_eq!(read(180, &[("new", 3.0)]), [grew(3.0, 60.0)]);
    }
}
