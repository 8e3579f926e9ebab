//! Series: which there are.

use std::{collections::BTreeMap, fmt, str::FromStr};

use brokerd_domain::{
    BrokerId, Scope, Timestamp,
    metric::{Dimension, SeriesKey, Unit},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::table::{minute_of, moment_of};
use crate::kernel::{PgStore, StoreError};

/// How often it is written at least that a series is still measured, in minutes.
pub(super) const LAST_AT_EVERY: i32 = 30;

/// The identifier of a series: that of a broker's place in its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId {
    pub(super) source: i32,
    pub(super) slot: i32,
}

/// A series that a broker has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its identifier.
    pub id: SeriesId,
    /// The broker that measured it. Another one with the same name, after this one was deleted, has other series of the
    /// same key.
    pub broker: BrokerId,
    /// Its metric and dimensions.
    pub key: SeriesKey,
    /// The unit of its values.
    pub unit: Unit,
    /// When it was last measured, or up to half an hour before.
    pub last_at: Timestamp,
}

/// Which series are meant: those that fulfil all of this.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesFilter {
    /// Of this metric.
    pub metric: Option<String>,
    /// With these dimensions; without a value: with any.
    pub dimensions: Vec<(String, Option<String>)>,
    /// Measured after this moment, or up to half an hour before.
    pub active_since: Option<Timestamp>,
}

/// The place of a series in the order of [`PgStore::list_series`]. Its text is for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesPosition {
    key: Uuid,
    source: i32,
}

/// The text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position of a series")]
pub struct InvalidSeriesPosition;

impl fmt::Display for SeriesPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.key.simple(), self.source)
    }
}

impl FromStr for SeriesPosition {
    type Err = InvalidSeriesPosition;

    fn from_str(text: &str) -> Result<Self, InvalidSeriesPosition> {
        let (key, source) = text.split_once('.').ok_or(InvalidSeriesPosition)?;
        let key = Uuid::try_parse(key).map_err(|_| InvalidSeriesPosition)?;
        let source = source.parse().map_err(|_| InvalidSeriesPosition)?;
        let position = Self { key, source };
        if position.to_string() == text { Ok(position) } else { Err(InvalidSeriesPosition) }
    }
}

/// Some series, and where the next ones are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesPage {
    /// The series. Those of the same key follow each other.
    pub series: Vec<Series>,
    /// After which there are more.
    pub next: Option<SeriesPosition>,
}

/// The hash of a series' name in its scope.
pub(super) fn key_hash(scope: &Scope, key: &SeriesKey) -> Uuid {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(text);
    };
    add(scope.account.as_str());
    add(scope.region.as_str());
    add(&key.metric);
    for dimension in &key.dimensions {
        add(&dimension.name);
        add(&dimension.value);
    }
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    Uuid::from_bytes(id)
}

/// The column of dimensions.
pub(super) fn dimensions_to_json(key: &SeriesKey) -> Value {
    let pairs = key.dimensions.iter().map(|d| (d.name.clone(), Value::from(d.value.clone())));
    Value::Object(pairs.collect())
}

/// A series as it is stored.
pub(super) struct SeriesRow {
    pub(super) source: i32,
    pub(super) slot: i32,
    pub(super) key: Uuid,
    pub(super) metric: String,
    pub(super) dimensions: Value,
    pub(super) unit: String,
    pub(super) last_at: i32,
    pub(super) broker_id: Uuid,
}

impl SeriesRow {
    pub(super) fn position(&self) -> SeriesPosition {
        SeriesPosition { key: self.key, source: self.source }
    }

    pub(super) fn into_series(self) -> Result<Series, StoreError> {
        let wrong = |what: &str| StoreError::Inconsistent {
            table: "metric_series",
            what: format!("{what} of slot {} of source {}", self.slot, self.source),
        };
        let dimensions: BTreeMap<String, String> =
            serde_json::from_value(self.dimensions).map_err(|_| wrong("dimensions"))?;
        let dimensions =
            dimensions.into_iter().map(|(name, value)| Dimension { name, value }).collect();
        let unit = Unit::parse(&self.unit).map_err(|_| wrong("unit"))?;
        Ok(Series {
            id: SeriesId { source: self.source, slot: self.slot },
            broker: BrokerId::from(self.broker_id),
            key: SeriesKey::new(self.metric, dimensions),
            unit,
            last_at: moment_of(self.last_at),
        })
    }
}

impl PgStore {
    /// The series of an account in a region, also of brokers that were deleted, in an order of their own.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn list_series(
        &self,
        scope: &Scope,
        filter: &SeriesFilter,
        after: Option<SeriesPosition>,
        limit: u32,
    ) -> Result<SeriesPage, StoreError> {
        let mut values = BTreeMap::new();
        let mut names = Vec::new();
        for (name, value) in &filter.dimensions {
            match value {
                // Two values of one dimension: no series has both.
                Some(value) => match values.insert(name.as_str(), value.as_str()) {
                    Some(other) if other != value => {
                        return Ok(SeriesPage { series: Vec::new(), next: None });
                    }
                    _ => {}
                },
                None => names.push(name.clone()),
            }
        }
        let since = filter.active_since.map(|since| minute_of(since).saturating_sub(LAST_AT_EVERY));
        let mut rows = sqlx::query_as!(
            SeriesRow,
            "select s.source, s.slot, s.key, s.metric, s.dimensions, s.unit, s.last_at, m.broker_id
             from metric_source m join metric_series s on s.source = m.id
             where m.account = $1 and m.region = $2
               and ($3::text is null or s.metric = $3)
               and s.dimensions @> $4 and s.dimensions ?& $5
               and ($6::integer is null or s.last_at >= $6)
               and ($7::uuid is null or (s.key, s.source) > ($7, $8))
             order by s.key, s.source limit $9",
            scope.account.as_str(),
            scope.region.as_str(),
            filter.metric,
            json!(values),
            &names,
            since,
            after.map(|after| after.key),
            after.map_or(0, |after| after.source),
            i64::from(limit) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(SeriesRow::position);
        let series = rows.into_iter().filter_map(|row| self.readable_series(row)).collect();
        Ok(SeriesPage { series, next })
    }

    /// The series with these metrics and dimensions, exactly: for each key the series of all brokers that had it, the
    /// latest one last.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn find_series(
        &self,
        scope: &Scope,
        keys: &[SeriesKey],
    ) -> Result<Vec<Vec<Series>>, StoreError> {
        let hashes: Vec<Uuid> = keys.iter().map(|key| key_hash(scope, key)).collect();
        let rows = sqlx::query_as!(
            SeriesRow,
            "select s.source, s.slot, s.key, s.metric, s.dimensions, s.unit, s.last_at, m.broker_id
             from metric_series s join metric_source m on m.id = s.source
             where s.key = any($3) and m.account = $1 and m.region = $2
             order by s.source",
            scope.account.as_str(),
            scope.region.as_str(),
            &hashes
        )
        .fetch_all(&self.pool)
        .await?;
        let found: Vec<Series> =
            rows.into_iter().filter_map(|row| self.readable_series(row)).collect();
        let mut by_key: BTreeMap<&SeriesKey, Vec<&Series>> = BTreeMap::new();
        for series in &found {
            by_key.entry(&series.key).or_default().push(series);
        }
        let of = |key| by_key.get(key).into_iter().flatten().map(|s| Series::clone(s)).collect();
        Ok(keys.iter().map(of).collect())
    }

    /// A series, unless its row can't be read.
    pub(super) fn readable_series(&self, row: SeriesRow) -> Option<Series> {
        let place = format!("{}/{}", row.source, row.slot);
        self.skipped.keep("metric_series", place, row.into_series())
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::metric::{DimensionName, MetricName};

    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written() {
        let position = SeriesPosition { key: Uuid::from_u128(7), source: 12 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for wrong in ["", ".", "12", "x.1", &format!("{}.+1", Uuid::nil().simple())] {
            assert_eq!(wrong.parse::<SeriesPosition>(), Err(InvalidSeriesPosition), "{wrong}");
        }
    }

    #[test]
    fn the_hash_tells_names_and_scopes_apart() {
        let scope = |account: &str, region: &str| Scope {
            account: account.parse().expect("an account"),
            region: region.parse().expect("a region"),
        };
        let here = scope("000000000000", "us-east-1");
        let key = |dimensions| SeriesKey::of(MetricName::MessageCount, dimensions);
        let one = key(&[(DimensionName::Broker, "a"), (DimensionName::Queue, "b")]);
        let other = key(&[(DimensionName::Broker, "aQueue"), (DimensionName::Queue, "b")]);
        let hashes = [
            key_hash(&here, &one),
            key_hash(&here, &other),
            key_hash(&here, &SeriesKey::of(MetricName::QueueCount, &[])),
            key_hash(&scope("000000000001", "us-east-1"), &one),
            key_hash(&scope("000000000000", "us-east-2"), &one),
        ];
        let mut unique = hashes.to_vec();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), hashes.len());
        assert_eq!(key_hash(&here, &one), hashes[0]);
    }
}
