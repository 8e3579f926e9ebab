//! Rows that can't be read, because they are damaged or a later brokerd has written them. When many rows are read, such
//! a row is skipped, counted and logged, and the others are read.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::error::StoreError;

/// How often the skipped rows of one table are logged at most.
const LOGGED_EVERY: Duration = Duration::from_secs(60);

/// The tables whose rows may be skipped.
const TABLES: [&str; 22] = [
    "access_key",
    "account",
    "alarm",
    "alarm_delivery",
    "alarm_history",
    "broker",
    "broker_user",
    "configuration",
    "event",
    "fault",
    "identity",
    "managed_policy",
    "metered_interval",
    "metric_five_minutes",
    "metric_hour",
    "metric_minute",
    "metric_series",
    "offering",
    "policy_version",
    "reported_broker",
    "secret",
    "security_group",
];

/// The rows skipped so far.
#[derive(Debug)]
pub(crate) struct SkippedRows {
    tables: Mutex<BTreeMap<&'static str, Table>>,
}

#[derive(Debug, Default)]
struct Table {
    skipped: u64,
    unlogged: u64,
    logged: Option<Instant>,
}

impl Default for SkippedRows {
    fn default() -> Self {
        let tables = TABLES.iter().map(|table| (*table, Table::default())).collect();
        Self { tables: Mutex::new(tables) }
    }
}

impl SkippedRows {
    /// The decoded row; none if it can't be decoded, in which case it is skipped.
    pub(crate) fn keep<T>(
        &self,
        table: &'static str,
        row: impl Display,
        read: Result<T, StoreError>,
    ) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.skip(table, &row, &error, Instant::now());
                None
            }
        }
    }

    /// How many times rows of each table were skipped since the start.
    pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.iter().map(|(name, table)| (*name, table.skipped)).collect()
    }

    /// Counts a skipped row; returns whether it was logged.
    fn skip(
        &self,
        name: &'static str,
        row: &dyn Display,
        error: &StoreError,
        now: Instant,
    ) -> bool {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = tables.entry(name).or_default();
        table.skipped += 1;
        table.unlogged += 1;
        if table.logged.is_some_and(|logged| now.duration_since(logged) < LOGGED_EVERY) {
            return false;
        }
        let skipped = std::mem::take(&mut table.unlogged);
        table.logged = Some(now);
        tracing::error!(
            table = name, %row, skipped, error = error as &dyn std::error::Error,
            "row skipped: it is damaged, or a later brokerd has written it"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_rows_are_counted_and_logged_once_a_minute_for_each_table() {
        let skipped = SkippedRows::default();
        let began = Instant::now();
        let error = StoreError::Seal("secret");
        let at = |seconds| began + Duration::from_secs(seconds);
        assert!(skipped.skip("broker", &1, &error, at(0)));
        assert!(!skipped.skip("broker", &2, &error, at(59)));
        assert!(skipped.skip("fault", &1, &error, at(59)), "another table is news");
        assert!(skipped.skip("broker", &1, &error, at(60)));
        assert_eq!(skipped.keep("broker", 3, Ok(7)), Some(7));
        let tables = skipped.tables.into_inner().expect("no panic");
        assert_eq!((tables["broker"].skipped, tables["fault"].skipped), (3, 1));
        assert_eq!(tables["broker"].unlogged, 0);
    }
}
