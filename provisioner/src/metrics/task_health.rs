//! Which background tasks stay down.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// From what time between its first and its last failure a task counts as down.
const DOWN_AFTER: Duration = Duration::from_secs(30);
/// How long after its last failure a task that does not tell of success counts as up: longer than the longest pause
/// before it is started again.
const UP_AFTER: Duration = Duration::from_mins(2);

/// A task that fails again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDown {
    /// Its name.
    pub task: &'static str,
    /// What it does instead of its work: `failed`, `ended` or `panicked`.
    pub how: &'static str,
    /// For how long.
    pub since: Duration,
}

impl fmt::Display for TaskDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} again and again for {} s)", self.task, self.how, self.since.as_secs())
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    how: &'static str,
    first: Instant,
    last: Instant,
}

/// What is known of the tasks of a provisioner. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct TaskHealth {
    failing: Arc<Mutex<BTreeMap<&'static str, Failures>>>,
}

impl TaskHealth {
    /// The tasks that have failed several times within at least half a minute, and have neither done what they are for
    /// since nor been left alone by failures for two minutes.
    pub fn down(&self) -> Vec<TaskDown> {
        self.down_at(Instant::now())
    }

    /// A task ended, panicked, or could not do what it is for.
    pub(crate) fn failed(&self, task: &'static str, how: &'static str) {
        self.failed_at(task, how, Instant::now());
    }

    /// A task has done what it is for.
    pub(crate) fn succeeded(&self, task: &'static str) {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).remove(task);
    }

    fn failed_at(&self, task: &'static str, how: &'static str, now: Instant) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failing.get(task).filter(|known| now < known.last + UP_AFTER);
        let first = known.map_or(now, |known| known.first);
        failing.insert(task, Failures { how, first, last: now });
    }

    fn down_at(&self, now: Instant) -> Vec<TaskDown> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing
            .iter()
            .filter(|(_, failures)| {
                failures.last >= failures.first + DOWN_AFTER && now < failures.last + UP_AFTER
            })
            .map(|(task, failures)| TaskDown {
                task,
                how: failures.how,
                since: now.saturating_duration_since(failures.first),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_task_that_fails_for_half_a_minute_is_down_until_it_succeeds() {
        let (health, start) = (TaskHealth::default(), Instant::now());
        for after in [0, 1, 3, 7, 15] {
            health.failed_at("orphans", "panicked", start + seconds(after));
            assert_eq!(health.down_at(start + seconds(after)), [], "after {after} s");
        }
        health.failed_at("orphans", "panicked", start + seconds(31));
        health.failed_at("maintenance", "failed", start + seconds(31));
        let down = health.down_at(start + seconds(40));
        assert_eq!(down, [TaskDown { task: "orphans", how: "panicked", since: seconds(40) }]);
        assert_eq!(down[0].to_string(), "orphans (panicked again and again for 40 s)");
        health.succeeded("orphans");
        assert_eq!(health.down_at(start + seconds(41)), []);
        // Its failures are counted anew.
        health.failed_at("orphans", "panicked", start + seconds(42));
        assert_eq!(health.down_at(start + seconds(42)), []);
    }

    #[test]
    fn failures_long_apart_are_not_one_that_lasts_and_silence_counts_as_success() {
        let (health, start) = (TaskHealth::default(), Instant::now());
        for after in [0, 200, 400] {
            health.failed_at("monitor", "ended", start + seconds(after));
            assert_eq!(health.down_at(start + seconds(after)), [], "after {after} s");
        }
        health.failed_at("monitor", "ended", start + seconds(460));
        assert_eq!(health.down_at(start + seconds(579)).len(), 1);
        assert_eq!(health.down_at(start + seconds(580)), []);
    }
}
