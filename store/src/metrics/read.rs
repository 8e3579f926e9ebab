//! Reading of samples.

use std::collections::{BTreeMap, HashMap};

use brokerd_domain::{
    BrokerId, Scope, Timestamp,
    metric::{DataPoint, SeriesKey, StatisticSet, Unit},
};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{
    encoding::decode,
    ranges::{Extent, Part, parts},
    series::{SeriesId, SeriesRow},
    table::{Table, minute_of, moment_of},
};
use crate::kernel::{PgStore, StoreError};

/// The last sample of a broker.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerSample {
    /// The broker. It may be deleted.
    pub broker: BrokerId,
    /// Whose it is.
    pub scope: Scope,
    /// The minute of the sample.
    pub at: Timestamp,
    /// The values of the broker, its instances and nodes, in no order; none of queues and topics.
    pub values: Vec<(SeriesKey, Unit, f64)>,
}

/// Data points of one series, by the beginnings of their periods.
type Points = BTreeMap<i32, StatisticSet>;

impl PgStore {
    /// The data points of series in `from..to`, those of each series by time, in the order of `ids`. What the scope does
    /// not have has none. A period in which nothing was measured has none.
    ///
    /// The periods begin at `from`, rounded down to a minute, and are `period_seconds` long, rounded up to minutes. Where
    /// only longer statistics are kept, the points are as long as these.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn read_series(
        &self,
        scope: &Scope,
        ids: &[SeriesId],
        from: Timestamp,
        to: Timestamp,
        period_seconds: u32,
    ) -> Result<Vec<Vec<DataPoint>>, StoreError> {
        let from = minute_of(from);
        let to = minute_of(Timestamp::from_micros(to.as_micros().saturating_add(59_999_999)));
        let period = i32::try_from(period_seconds.div_ceil(60).max(1)).unwrap_or(i32::MAX);
        let mut wanted: HashMap<i32, BTreeMap<i32, Points>> = HashMap::new();
        for id in ids {
            wanted.entry(id.source).or_default().entry(id.slot).or_default();
        }
        if !wanted.is_empty() {
            for part in parts(&self.extents().await?, from, to, period) {
                self.read_part(scope, part, from, period, &mut wanted).await?;
            }
        }
        let points = ids.iter().map(|id| {
            let points = wanted.get(&id.source).and_then(|slots| slots.get(&id.slot));
            let point = |(at, set): (&i32, &StatisticSet)| DataPoint {
                at: moment_of(*at),
                statistics: *set,
            };
            points.into_iter().flatten().map(point).collect()
        });
        Ok(points.collect())
    }

    async fn read_part(
        &self,
        scope: &Scope,
        part: Part,
        origin: i32,
        period: i32,
        wanted: &mut HashMap<i32, BTreeMap<i32, Points>>,
    ) -> Result<(), StoreError> {
        let sources: Vec<i32> = wanted.keys().copied().collect();
        let table = part.table.name();
        // A row for each source: rows of their own for each minute take both sides longer than what is in them.
        let rows = sqlx::query(AssertSqlSafe(format!(
            "select m.id, d.at, d.samples
             from metric_source m cross join lateral (
               select array_agg(at) as at, array_agg(samples) as samples
               from {table} where source = m.id and at >= $4 and at < $5
             ) d
             where m.id = any($3) and m.account = $1 and m.region = $2 and d.at is not null"
        )))
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(sources)
        .bind(part.from)
        .bind(part.to)
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let source: i32 = row.try_get(0)?;
            let (at, samples): (Vec<i32>, Vec<Vec<u8>>) = (row.try_get(1)?, row.try_get(2)?);
            let Some(slots) = wanted.get_mut(&source) else { continue };
            for (at, samples) in at.into_iter().zip(samples) {
                let begin = at - at.saturating_sub(origin).rem_euclid(period);
                let read = decode(&samples, |slot, set| {
                    if let Some(points) = slots.get_mut(&slot) {
                        points.entry(begin).and_modify(|all| *all = all.merge(set)).or_insert(set);
                    }
                });
                let read = read.map_err(|damaged| StoreError::Inconsistent {
                    table,
                    what: damaged.to_string(),
                });
                self.skipped.keep(table, format!("{source}/{at}"), read);
            }
        }
        Ok(())
    }

    /// What each table has.
    pub(super) async fn extents(&self) -> Result<[Extent; 3], StoreError> {
        let rows = sqlx::query!("select minutes, filled_to, kept_from from metric_table")
            .fetch_all(&self.pool)
            .await?;
        Ok(Table::ALL.map(|table| {
            let row = rows.iter().find(|row| row.minutes == table.minutes());
            let (kept_from, filled_to) = row.map_or((0, 0), |row| (row.kept_from, row.filled_to));
            Extent { table, kept_from, filled_to }
        }))
    }

    /// The last sample of each of some brokers of the scope, if there is one since that moment.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn latest_samples_of(
        &self,
        scope: &Scope,
        brokers: &[BrokerId],
        since: Timestamp,
    ) -> Result<Vec<BrokerSample>, StoreError> {
        self.latest(Some(scope), Some(brokers), since).await
    }

    /// The same of all brokers of all accounts and regions.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn all_latest_samples(
        &self,
        since: Timestamp,
    ) -> Result<Vec<BrokerSample>, StoreError> {
        self.latest(None, None, since).await
    }

    async fn latest(
        &self,
        scope: Option<&Scope>,
        brokers: Option<&[BrokerId]>,
        since: Timestamp,
    ) -> Result<Vec<BrokerSample>, StoreError> {
        let brokers: Option<Vec<Uuid>> =
            brokers.map(|brokers| brokers.iter().map(|broker| broker.uuid()).collect());
        let rows = sqlx::query!(
            r#"select m.id, m.broker_id, m.account, m.region, l.at as "at!", l.samples as "samples!"
               from metric_source m
               cross join lateral (select at, samples from metric_minute d
                                   where d.source = m.id and d.at >= $3 order by d.at desc limit 1) as l
               where ($1::text is null or (m.account = $1 and m.region = $2))
                 and ($4::uuid[] is null or m.broker_id = any($4))
               order by m.id"#,
            scope.map(|scope| scope.account.as_str()),
            scope.map(|scope| scope.region.as_str()),
            minute_of(since),
            brokers.as_deref()
        )
        .fetch_all(&self.pool)
        .await?;
        let sources: Vec<i32> = rows.iter().map(|row| row.id).collect();
        let mut series = self.broker_series(&sources).await?;
        let samples = rows.into_iter().filter_map(|row| {
            let (account, region) = (row.account.parse().ok()?, row.region.parse().ok()?);
            let known = series.remove(&row.id).unwrap_or_default();
            let mut numbers = HashMap::new();
            let read = decode(&row.samples, |slot, set| {
                numbers.insert(slot, set.sum);
            });
            let read = read.map_err(|damaged| StoreError::Inconsistent {
                table: Table::Minute.name(),
                what: damaged.to_string(),
            });
            self.skipped.keep(Table::Minute.name(), format!("{}/{}", row.id, row.at), read)?;
            let values = known
                .into_iter()
                .filter_map(|(slot, key, unit)| Some((key, unit, *numbers.get(&slot)?)));
            Some(BrokerSample {
                broker: BrokerId::from(row.broker_id),
                scope: Scope { account, region },
                at: moment_of(row.at),
                values: values.collect(),
            })
        });
        Ok(samples.collect())
    }

    /// The series of sources that are not of their queues and topics.
    async fn broker_series(
        &self,
        sources: &[i32],
    ) -> Result<HashMap<i32, Vec<(i32, SeriesKey, Unit)>>, StoreError> {
        let rows = sqlx::query_as!(
            SeriesRow,
            "select s.source, s.slot, s.key, s.metric, s.dimensions, s.unit, s.last_at, m.broker_id
             from metric_series s join metric_source m on m.id = s.source
             where s.source = any($1) and not s.dimensions ?| array['Queue', 'Topic']",
            sources
        )
        .fetch_all(&self.pool)
        .await?;
        let mut by_source: HashMap<i32, Vec<(i32, SeriesKey, Unit)>> = HashMap::new();
        for row in rows {
            let (source, slot) = (row.source, row.slot);
            if let Some(series) = self.readable_series(row) {
                by_source.entry(source).or_default().push((slot, series.key, series.unit));
            }
        }
        Ok(by_source)
    }
}
