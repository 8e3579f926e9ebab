//! Recording of samples.

use std::collections::{BTreeMap, HashSet};

use brokerd_domain::{
    BrokerId, Timestamp,
    metric::{SeriesKey, Unit},
};

use super::{
    encoding::{decode, encode_values},
    series::LAST_AT_EVERY,
    sources::NewSeries,
    table::{Table, minute_of},
};
use crate::kernel::{PgStore, StoreError};

/// What a broker measured in a minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The broker.
    pub broker: BrokerId,
    /// When; the minute counts.
    pub at: Timestamp,
    /// The values. Those that are not finite are no values.
    pub values: Vec<(SeriesKey, Unit, f64)>,
}

/// What became of samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordedSamples {
    /// Values that were recorded.
    pub values: u64,
    /// Values without a place, because their brokers have too many series.
    pub refused: u64,
}

/// Rows to write, by source and minute.
type Rows = BTreeMap<(i32, i32), BTreeMap<i32, f64>>;

impl PgStore {
    /// Records what brokers measured, in a few statements for all of them. Values of the same broker and minute come
    /// together; of the same series the last one stays. Brokers that do not exist and never measured anything are left
    /// out.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; then nothing of a minute is recorded.
    pub async fn record_samples(
        &self,
        samples: Vec<Sample>,
    ) -> Result<RecordedSamples, StoreError> {
        let brokers: HashSet<BrokerId> = samples.iter().map(|sample| sample.broker).collect();
        let brokers: Vec<BrokerId> = brokers.into_iter().collect();
        let latest = samples.iter().map(|sample| minute_of(sample.at)).max().unwrap_or(0);
        self.load_sources(&brokers, latest).await?;
        let new = self.new_series(&samples);
        let refused = self.create_series(new, latest).await?;
        let (rows, stale) = self.placed(samples);
        self.ensure_partitions(Table::Minute, rows.keys().map(|(_, at)| *at)).await?;
        let values = rows.values().map(BTreeMap::len).sum::<usize>();
        self.insert_rows(rows).await?;
        self.touch_series(&stale, latest).await?;
        Ok(RecordedSamples { values: u64::try_from(values).unwrap_or(u64::MAX), refused })
    }

    /// The series of samples that have no place yet, each once.
    fn new_series(&self, samples: &[Sample]) -> Vec<NewSeries> {
        let sources = self.sources.lock();
        let mut seen = HashSet::new();
        let mut new = Vec::new();
        for sample in samples {
            let Some(source) = sources.get(&sample.broker) else { continue };
            for (key, unit, value) in &sample.values {
                if value.is_finite()
                    && !source.slots.contains_key(key)
                    && seen.insert((sample.broker, key))
                {
                    new.push(NewSeries { broker: sample.broker, key: key.clone(), unit: *unit });
                }
            }
        }
        new
    }

    /// The rows of samples, and the series whose last time is to be written.
    fn placed(&self, samples: Vec<Sample>) -> (Rows, HashSet<(i32, i32)>) {
        let mut sources = self.sources.lock();
        let (mut rows, mut stale) = (Rows::new(), HashSet::new());
        for sample in samples {
            let Some(source) = sources.get_mut(&sample.broker) else { continue };
            let at = minute_of(sample.at);
            source.used = source.used.max(at);
            for (key, _, value) in sample.values {
                let Some(slot) = source.slots.get_mut(&key) else { continue };
                if !value.is_finite() {
                    continue;
                }
                rows.entry((source.id, at)).or_default().insert(slot.slot, value);
                if at.saturating_sub(slot.last_at) >= LAST_AT_EVERY {
                    slot.last_at = at;
                    stale.insert((source.id, slot.slot));
                }
            }
        }
        (rows, stale)
    }

    async fn insert_rows(&self, rows: Rows) -> Result<(), StoreError> {
        let (mut sources, mut minutes, mut encoded) = (Vec::new(), Vec::new(), Vec::new());
        for ((source, at), values) in &rows {
            let values: Vec<(i32, f64)> = values.iter().map(|(slot, v)| (*slot, *v)).collect();
            sources.push(*source);
            minutes.push(*at);
            encoded.push(encode_values(&values));
        }
        let inserted = sqlx::query!(
            "insert into metric_minute (source, at, samples)
             select * from unnest($1::integer[], $2::integer[], $3::bytea[])
             on conflict (source, at) do nothing returning source, at",
            &sources,
            &minutes,
            &encoded
        )
        .fetch_all(&self.pool)
        .await?;
        if inserted.len() == rows.len() {
            return Ok(());
        }
        let inserted: HashSet<(i32, i32)> =
            inserted.into_iter().map(|row| (row.source, row.at)).collect();
        for (place, values) in rows {
            if !inserted.contains(&place) {
                self.complete_row(place, values).await?;
            }
        }
        Ok(())
    }

    /// Adds values to a row that is there already.
    async fn complete_row(
        &self,
        (source, at): (i32, i32),
        values: BTreeMap<i32, f64>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query!(
            "select samples from metric_minute where source = $1 and at = $2 for update",
            source,
            at
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let mut all = BTreeMap::new();
        // What can't be read is written anew.
        let _ = decode(&row.samples, |slot, set| {
            all.insert(slot, set.sum);
        });
        all.extend(values);
        let all: Vec<(i32, f64)> = all.into_iter().collect();
        sqlx::query!(
            "update metric_minute set samples = $3 where source = $1 and at = $2",
            source,
            at,
            encode_values(&all)
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes that series are still measured. Those that were deleted meanwhile get places anew next time.
    async fn touch_series(&self, stale: &HashSet<(i32, i32)>, at: i32) -> Result<(), StoreError> {
        if stale.is_empty() {
            return Ok(());
        }
        let (sources, slots): (Vec<i32>, Vec<i32>) = stale.iter().copied().unzip();
        let touched = sqlx::query!(
            "update metric_series s set last_at = greatest(s.last_at, $3)
             from unnest($1::integer[], $2::integer[]) as t (source, slot)
             where s.source = t.source and s.slot = t.slot",
            &sources,
            &slots,
            at
        )
        .execute(&self.pool)
        .await;
        let all = u64::try_from(stale.len()).unwrap_or(u64::MAX);
        if !touched.as_ref().is_ok_and(|touched| touched.rows_affected() == all) {
            self.sources.forget_these(&sources);
        }
        touched?;
        Ok(())
    }
}
