//! Rate limits, as token buckets: a caller may send `burst` requests at once, and `rate` more every second.
//!
//! An account has one allowance for all operations of the service in all regions. Source: the service's quotas,
//! "API throttling", which are aggregated per account. It has another one, as large, for brokerd's own operations,
//! so that monitoring does not use up the requests of those who change brokers. The operator may give an account
//! another rate than all others have.
//!
//! The crate `governor` is not used: its limiters can't give a request back, as the lookup of an access key does.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::Timestamp;

/// Parts of a token, chosen so that a bucket gains `rate` parts in a microsecond.
const TOKEN: u64 = 1_000_000;
/// With fewer buckets than this, idle ones are not looked for.
const MIN_SWEEP_BUCKETS: usize = 64;

/// The size of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    /// Parts of tokens in a full bucket.
    capacity: u64,
    /// Tokens per second.
    rate: u64,
}

impl Limit {
    fn new(burst: u32, rate: u32) -> Self {
        Self { capacity: u64::from(burst) * TOKEN, rate: u64::from(rate.max(1)) }
    }
}

/// The rest of an allowance.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    limit: Limit,
    /// Parts of tokens at that moment.
    level: u64,
    at: Timestamp,
}

impl Bucket {
    const fn full(limit: Limit, now: Timestamp) -> Self {
        Self { limit, level: limit.capacity, at: now }
    }

    /// The parts in it at `now`. A clock that was put back adds and removes none.
    fn level(self, now: Timestamp) -> u64 {
        let elapsed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(self.limit.rate);
        self.level.saturating_add(gained).min(self.limit.capacity)
    }

    fn is_full(self, now: Timestamp) -> bool {
        self.level(now) >= self.limit.capacity
    }

    /// The same bucket for another limit. What it holds stays, as far as there is room for it.
    fn resized(self, limit: Limit, now: Timestamp) -> Self {
        if self.limit == limit {
            return self;
        }
        Self { limit, level: self.level(now).min(limit.capacity), at: now }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The time until there is one.
    fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let level = self.level(now);
        let left = level.checked_sub(TOKEN);
        *self = Self { level: left.unwrap_or(level), at: now, ..*self };
        match left {
            Some(_) => Ok(()),
            None => Err(Duration::from_micros((TOKEN - level).div_ceil(self.limit.rate))),
        }
    }

    /// Puts a token back.
    fn give(&mut self, now: Timestamp) {
        let level = self.level(now).saturating_add(TOKEN).min(self.limit.capacity);
        *self = Self { level, at: now, ..*self };
    }
}

/// The allowances of all callers. `K` identifies a caller.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    limit: Option<Limit>,
    buckets: Mutex<Buckets<K>>,
}

#[derive(Debug)]
struct Buckets<K> {
    of: HashMap<K, Bucket>,
    /// The number of buckets at which idle ones are looked for.
    many: usize,
}

impl<K: Clone + Eq + Hash> Throttle<K> {
    /// No `burst` means no limit.
    pub(crate) fn new(burst: u32, rate: u32) -> Self {
        let limit = (burst > 0).then(|| Limit::new(burst, rate));
        Self { limit, buckets: Mutex::new(Buckets { of: HashMap::new(), many: 0 }) }
    }

    /// The limit of a caller with a rate of its own, which may send all requests of a second at once, or of any other.
    fn limit(&self, own_rate: Option<u32>) -> Option<Limit> {
        match (own_rate, self.limit) {
            (None, limit) => limit,
            (Some(rate), None) => Some(Limit::new(rate.max(1), rate)),
            (Some(rate), Some(limit)) => {
                let own = Limit::new(rate.max(1), rate);
                Some(Limit { capacity: own.capacity.max(limit.capacity), ..own })
            }
        }
    }

    /// Counts a request of that caller, who may have a rate of its own.
    ///
    /// # Errors
    /// The time to wait, if the allowance is used up.
    pub(crate) fn admit(
        &self,
        caller: &K,
        own_rate: Option<u32>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let Some(limit) = self.limit(own_rate) else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.of.get_mut(caller) {
            *bucket = bucket.resized(limit, now);
            return bucket.take(now);
        }
        buckets.make_room(now);
        buckets.of.entry(caller.clone()).or_insert(Bucket::full(limit, now)).take(now)
    }

    /// Uncounts a request of that caller.
    pub(crate) fn give_back(&self, caller: &K, now: Timestamp) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.of.get_mut(caller) {
            bucket.give(now);
        }
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// Forgets full buckets, which are the same as none. There are at most twice as many buckets as callers within
    /// the time that fills a bucket. The search is cheap per request, because it waits until the number of buckets
    /// has doubled.
    fn make_room(&mut self, now: Timestamp) {
        if self.of.len() >= self.many.max(MIN_SWEEP_BUCKETS) {
            self.of.retain(|_, bucket| !bucket.is_full(now));
            self.many = self.of.len() * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn millis(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 1000)
    }

    /// How many requests are let through at `now`, at most `most`.
    fn admitted(throttle: &Throttle<u64>, now: Timestamp, most: usize) -> usize {
        (0..most).take_while(|_| throttle.admit(&1, None, now).is_ok()).count()
    }

    #[test]
    fn a_burst_is_let_through_and_then_so_many_a_second() {
        let throttle = Throttle::new(100, 15);
        assert_eq!(admitted(&throttle, millis(0), 1000), 100);
        assert_eq!(admitted(&throttle, millis(66), 1000), 0);
        assert_eq!(admitted(&throttle, millis(67), 1000), 1);
        assert_eq!(admitted(&throttle, millis(1000), 1000), 14);
        assert_eq!(admitted(&throttle, millis(3000), 1000), 30);
        assert_eq!(admitted(&throttle, millis(1_000_000), 1000), 100, "never more than a burst");
    }

    #[test]
    fn who_is_refused_is_told_how_long_to_wait() {
        let throttle = Throttle::new(2, 4);
        let caller = 1;
        assert_eq!(admitted(&throttle, millis(0), 9), 2);
        assert_eq!(throttle.admit(&caller, None, millis(0)), Err(Duration::from_millis(250)));
        assert_eq!(throttle.admit(&caller, None, millis(100)), Err(Duration::from_millis(150)));
        assert_eq!(throttle.admit(&caller, None, millis(250)), Ok(()));
    }

    #[test]
    fn callers_do_not_share_an_allowance() {
        let throttle = Throttle::new(1, 1);
        for caller in 1..=3 {
            assert!(throttle.admit(&caller, None, millis(0)).is_ok());
            assert!(throttle.admit(&caller, None, millis(0)).is_err());
        }
    }

    #[test]
    fn what_is_taken_back_was_not_counted() {
        let throttle = Throttle::new(2, 1);
        for _ in 0..9 {
            assert!(throttle.admit(&1, None, millis(0)).is_ok());
            throttle.give_back(&1, millis(0));
        }
        assert_eq!(admitted(&throttle, millis(0), 9), 2);
        for _ in 0..9 {
            throttle.give_back(&1, millis(0));
        }
        assert_eq!(admitted(&throttle, millis(0), 9), 2, "never more than a burst");
    }

    #[test]
    fn a_clock_that_is_put_back_neither_gives_nor_takes() {
        let throttle = Throttle::new(10, 1);
        assert_eq!(admitted(&throttle, millis(3_600_000), 7), 7);
        assert_eq!(admitted(&throttle, millis(0), 9), 3);
        assert_eq!(admitted(&throttle, millis(999), 9), 0);
        assert_eq!(admitted(&throttle, millis(1000), 9), 1, "and refills from then on");
    }

    #[test]
    fn without_a_burst_there_is_no_limit() {
        let throttle = Throttle::new(0, 15);
        assert_eq!(admitted(&throttle, millis(0), 5000), 5000);
        assert!(throttle.buckets.lock().expect("lock").of.is_empty());
    }

    #[test]
    fn a_rate_of_its_own_counts_for_that_caller_alone() {
        let admitted = |throttle: &Throttle<u64>, caller, rate, now: Timestamp| {
            (0..1000).take_while(|_| throttle.admit(&caller, rate, now).is_ok()).count()
        };
        let throttle = Throttle::new(100, 15);
        assert_eq!(admitted(&throttle, 1, Some(300), millis(0)), 300);
        assert_eq!(admitted(&throttle, 2, Some(1), millis(0)), 100, "the burst is every caller's");
        assert_eq!(admitted(&throttle, 3, None, millis(0)), 100);
        assert_eq!(admitted(&throttle, 1, Some(300), millis(100)), 30);
        assert_eq!(admitted(&throttle, 2, Some(1), millis(1000)), 1);
        assert_eq!(admitted(&throttle, 3, None, millis(1000)), 15);
        // As soon as the operator takes the rate away.
        assert_eq!(admitted(&throttle, 1, None, millis(11_100)), 100);
        let unlimited = Throttle::new(0, 15);
        assert_eq!(admitted(&unlimited, 1, Some(7), millis(0)), 7);
        assert_eq!(admitted(&unlimited, 2, None, millis(0)), 1000);
    }

    #[test]
    fn idle_callers_are_forgotten_and_busy_ones_are_not() {
        let throttle = Throttle::new(2, 1);
        let held = || throttle.buckets.lock().expect("lock").of.len();
        let busy = 0;
        for n in 0..10_000 {
            // One of them each millisecond: as many as a thousand have not been given back their token.
            let now = millis(n);
            assert!(throttle.admit(&(n + 1), None, now).is_ok());
            if n % 500 == 0 {
                let allowed = throttle.admit(&busy, None, now).is_ok();
                assert_eq!(allowed, n == 0 || n == 500 || n % 1000 == 0, "{n}");
            }
        }
        assert!(held() <= 2050, "{} are held", held());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_span_of_time_sees_more_than_a_burst_and_what_is_refilled_in_it(
            burst in 1_u32..50,
            rate in 1_u32..50,
            pauses in prop::collection::vec(prop_oneof![0_i64..50_000, 0_i64..2_000_000], 1..300),
        ) {
            let throttle = Throttle::new(burst, rate);
            let (mut now, mut passed) = (0, Vec::new());
            for pause in pauses {
                now += pause;
                match throttle.admit(&1, None, Timestamp::from_micros(now)) {
                    Ok(()) => passed.push(now),
                    Err(wait) => {
                        let wait = i64::try_from(wait.as_micros()).expect("short");
                        prop_assert!(0 < wait && wait <= 1_000_000 / i64::from(rate) + 1);
                    }
                }
            }
            for (n, first) in passed.iter().enumerate() {
                for (count, last) in (1_i64..).zip(&passed[n..]) {
                    let most = i64::from(burst) * 1_000_000 + (last - first) * i64::from(rate);
                    prop_assert!(count * 1_000_000 <= most, "{count} within {} µs", last - first);
                }
            }
        }
    }
}
