//! Which refusals of unauthenticated requests are logged.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::Timestamp;

/// Limits the log lines of refused unauthenticated requests to a few in every span of time. Metrics count all of them.
#[derive(Debug, Default)]
pub(super) struct RefusalLog(Mutex<Span>);

#[derive(Debug, Default)]
struct Span {
    since: Option<Timestamp>,
    logged: u32,
    unlogged: u64,
}

impl RefusalLog {
    const LENGTH: Duration = Duration::from_secs(10);
    const LINES: u32 = 5;

    /// Whether to log the refusal at this time: if so, how many refusals went unlogged since the last span; none if
    /// not.
    pub(super) fn admit(&self, now: Timestamp) -> Option<u64> {
        let mut span = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if span.since.is_none_or(|since| now < since || now.since(since) >= Self::LENGTH) {
            let unlogged = span.unlogged;
            *span = Span { since: Some(now), logged: 1, unlogged: 0 };
            return Some(unlogged);
        }
        if span.logged < Self::LINES {
            span.logged += 1;
            return Some(0);
        }
        span.unlogged += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_refusals_a_few_are_logged_and_then_how_many_were_not() {
        let log = RefusalLog::default();
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let logged = (0..1000).filter(|_| log.admit(at(1)).is_some()).count();
        assert_eq!(logged, 5);
        assert_eq!(log.admit(at(10)), None);
        assert_eq!(log.admit(at(11)), Some(996));
        assert_eq!(log.admit(at(11)), Some(0));
        // A clock that was put back does not silence the log.
        assert_eq!(log.admit(at(3)), Some(0));
    }
}
