//! The limit on changes of a window.

use serde::{Deserialize, Serialize};

use super::window::MaintenanceWindow;
use crate::kernel::{Error, Timestamp};

/// Most changes before the next window.
///
/// Source: the service's quotas, and recorded answers.
const MAX_CHANGES: u32 = 4;

/// How often a broker's window was changed since a window last took place. A broker begins with
/// none, and nothing but a completed window takes changes back: a reboot does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowChanges {
    /// How many changes are counted.
    pub count: u32,
    /// When the last of them was made: since then the window is what it is.
    pub since: Timestamp,
}

impl Default for WindowChanges {
    fn default() -> Self {
        Self { count: 0, since: Timestamp::from_micros(0) }
    }
}

impl WindowChanges {
    /// The count after changing `current` to `wanted` at `now`; none if that is no change.
    ///
    /// The next window is one that begins after the change: moving a window over the present does
    /// not make room for more changes two hours later.
    ///
    /// # Errors
    /// The 400 of one change too many. It is also the answer to asking for the window there is.
    pub fn change(
        &self,
        current: &MaintenanceWindow,
        wanted: &MaintenanceWindow,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let is_over = current.last_completed(now).start >= self.since;
        let count = if is_over { 0 } else { self.count };
        if count >= MAX_CHANGES {
            return Err(Error::bad_request_overall(format!(
                "Maintenance window cannot be modified greater than {MAX_CHANGES} times. You will be able to modify your broker maintenance window after the next maintenance window has completed."
            )));
        }
        Ok((wanted != current).then(|| Self { count: count + 1, since: now }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A Monday, 00:00 UTC.
    const MONDAY: Timestamp = Timestamp::from_micros(1_790_553_600_000_000);

    fn window(day: &str) -> MaintenanceWindow {
        MaintenanceWindow::parse(day, "06:00", None).expect("valid")
    }

    fn hours(n: u64) -> Timestamp {
        MONDAY.plus(Duration::from_secs(n * 3600))
    }

    /// Moves the window to these days, one an hour, from Monday 00:00 on.
    fn moved(days: &[&str]) -> (MaintenanceWindow, WindowChanges) {
        let (mut current, mut changes) = (window("SUNDAY"), WindowChanges::default());
        for (day, hour) in days.iter().zip(0..) {
            let changed = changes.change(&current, &window(day), hours(hour)).expect("allowed");
            changes = changed.expect("a change");
            current = window(day);
        }
        (current, changes)
    }

    const FOUR: [&str; 4] = ["TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"];

    #[test]
    fn the_fifth_change_is_refused_with_the_services_message() {
        let (current, changes) = moved(&FOUR);
        assert_eq!(changes, WindowChanges { count: 4, since: hours(3) });
        for wanted in [window("SATURDAY"), current.clone()] {
            let refused = changes.change(&current, &wanted, hours(4)).expect_err("the fifth");
            assert_eq!(
                refused,
                Error::bad_request_overall(
                    "Maintenance window cannot be modified greater than 4 times. You will be able to modify your broker maintenance window after the next maintenance window has completed."
                )
            );
        }
    }

    #[test]
    fn the_current_window_is_no_change_before_the_limit() {
        let (current, changes) = moved(&FOUR[..3]);
        assert_eq!(changes.change(&current, &current, hours(4)), Ok(None));
        let fourth = changes.change(&current, &window("MONDAY"), hours(5));
        assert_eq!(fourth, Ok(Some(WindowChanges { count: 4, since: hours(5) })));
    }

    #[test]
    fn changes_are_counted_anew_when_a_window_has_completed() {
        let (current, changes) = moved(&FOUR);
        let completed = hours(4 * 24 + 8);
        let just_before = Timestamp::from_micros(completed.as_micros() - 1);
        assert!(changes.change(&current, &window("MONDAY"), just_before).is_err());
        assert_eq!(changes.change(&current, &current, completed), Ok(None));
        let first = changes.change(&current, &window("MONDAY"), completed);
        assert_eq!(first, Ok(Some(WindowChanges { count: 1, since: completed })));
    }

    #[test]
    fn a_window_that_was_open_when_it_was_moved_there_is_not_the_next_one() {
        let (_, changes) = moved(&FOUR[..3]);
        // Monday 06:00 to 08:00, and it is 07:00.
        let changes = changes.change(&window("THURSDAY"), &window("MONDAY"), hours(7));
        let changes = changes.expect("allowed").expect("a change");
        assert!(changes.change(&window("MONDAY"), &window("SUNDAY"), hours(9)).is_err());
        let next_week = hours(7 * 24 + 8);
        assert!(changes.change(&window("MONDAY"), &window("SUNDAY"), next_week).is_ok());
    }

    #[test]
    fn windows_that_never_were_do_not_count_as_completed() {
        // On Thursday the window is moved to Tuesday: there was none on that Tuesday.
        let (friday, changes) = moved(&["TUESDAY", "FRIDAY"]);
        let thursday = hours(3 * 24);
        let changes = changes.change(&friday, &window("TUESDAY"), thursday);
        let changes = changes.expect("allowed").expect("a change");
        let next = changes.change(&window("TUESDAY"), &window("SUNDAY"), thursday);
        assert_eq!(next.map(|c| c.map(|c| c.count)), Ok(Some(4)));
    }

    #[test]
    fn a_clock_that_was_put_back_neither_counts_anew_nor_panics() {
        let (current, changes) = moved(&FOUR);
        for now in [Timestamp::from_micros(i64::MIN), Timestamp::from_micros(0)] {
            assert!(changes.change(&current, &window("SUNDAY"), now).is_err());
        }
    }

    #[test]
    fn a_broker_stored_without_a_count_has_made_no_change() {
        let read: WindowChanges = serde_json::from_str("{}").expect("JSON");
        assert_eq!(read, WindowChanges::default());
        let (_, changes) = moved(&FOUR);
        let text = serde_json::to_string(&changes).expect("JSON");
        assert_eq!(serde_json::from_str::<WindowChanges>(&text).expect("JSON"), changes);
    }
}
