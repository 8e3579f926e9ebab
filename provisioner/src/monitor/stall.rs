//! Stalls of this process itself.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use tokio::time::{Instant, sleep};

/// The interval of ticks.
const TICK: Duration = Duration::from_millis(50);
/// How late a tick may be.
const LATE: Duration = Duration::from_millis(200);

/// Notices that timers came late: the process was stopped, its host was, or it got no processor. Deadlines that passed
/// meanwhile say nothing about engines.
#[derive(Debug)]
pub struct StallGuard {
    state: Mutex<State>,
    stalls: Counter,
}

#[derive(Debug, Clone, Copy)]
struct State {
    last_tick: Instant,
    last_stall: Option<Instant>,
}

impl StallGuard {
    /// Counts stalls.
    pub fn new(stalls: Counter) -> Self {
        let state = State { last_tick: Instant::now(), last_stall: None };
        Self { state: Mutex::new(state), stalls }
    }

    /// Ticks for ever.
    pub async fn run(&self) {
        loop {
            self.tick(Instant::now());
            sleep(TICK).await;
        }
    }

    fn tick(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if is_late(state.last_tick, now) {
            state.last_stall = Some(now);
            self.stalls.inc();
        }
        state.last_tick = now;
    }

    /// Whether there was a stall since then.
    pub(crate) fn stalled_since(&self, since: Instant, now: Instant) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_stall.is_some_and(|stall| stall >= since) || is_late(state.last_tick, now)
    }
}

fn is_late(last: Instant, now: Instant) -> bool {
    now.saturating_duration_since(last) > TICK + LATE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_tick_is_a_stall_for_whoever_looked_meanwhile_and_for_nobody_after() {
        let guard = StallGuard::new(Counter::default());
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        for millis in [50, 100, 150, 390] {
            guard.tick(at(millis));
            assert!(!guard.stalled_since(start, at(millis)), "{millis}");
        }
        // The tick itself has not come yet, as the deadlines of others have.
        assert!(guard.stalled_since(at(390), at(900)));
        guard.tick(at(900));
        assert!(guard.stalled_since(at(390), at(901)));
        assert!(guard.stalled_since(at(800), at(950)), "the look began while it stood still");
        guard.tick(at(950));
        assert!(!guard.stalled_since(at(910), at(960)));
        assert_eq!(guard.stalls.get(), 1);
    }
}
