//! Roll-ups: rows of a finer table become one of a coarser table.

use std::collections::BTreeMap;

use brokerd_domain::metric::StatisticSet;
use sqlx::{AssertSqlSafe, Row as _};

use super::{
    encoding::{decode, encode_statistics},
    table::Table,
};
use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// How many minutes samples may be late.
const GRACE: i32 = 3;
/// How many rows are read at a time.
const AT_A_TIME: i64 = 10_000;

impl PgStore {
    /// Fills a table up to this minute, a row's time after the other, up to `most` of them. How many were filled; as
    /// many: there may be more. Several processes may do so at once: one of them does.
    pub(super) async fn roll_up(
        &self,
        table: Table,
        now: i32,
        most: u32,
    ) -> Result<u32, StoreError> {
        let Some(finer) = table.finer() else { return Ok(0) };
        let mut filled = 0;
        while filled < most && self.roll_up_next(table, finer, now).await? {
            filled += 1;
        }
        Ok(filled)
    }

    /// Fills the next row's time. False: there is none, or another process is at it.
    async fn roll_up_next(&self, table: Table, finer: Table, now: i32) -> Result<bool, StoreError> {
        let minutes = table.minutes();
        let mut transaction = self.pool.begin().await?;
        let Some(row) = sqlx::query!(
            r#"select t.filled_to, f.filled_to as finer_to
               from metric_table t, metric_table f where t.minutes = $1 and f.minutes = $2
               for update of t skip locked"#,
            minutes,
            finer.minutes()
        )
        .fetch_optional(&mut *transaction)
        .await?
        else {
            return Ok(false);
        };
        let complete =
            if finer == Table::Minute { now.saturating_sub(GRACE) } else { row.finer_to };
        let end = complete - complete.rem_euclid(minutes);
        let from = row.filled_to;
        if from >= end {
            return Ok(false);
        }
        let to = from.saturating_add(minutes);
        let written = self.fill(&mut transaction, table, finer, from..to).await?;
        let filled_to = if written > 0 {
            to
        } else {
            // Nothing was measured then, maybe for long.
            let next = first_row(&mut transaction, finer, to..end).await?;
            next.map_or(end, |at| at - at.rem_euclid(minutes))
        };
        sqlx::query!(
            "update metric_table set filled_to = $2 where minutes = $1",
            minutes,
            filled_to
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Writes the rows of one time. How many.
    async fn fill(
        &self,
        transaction: &mut Transaction,
        table: Table,
        finer: Table,
        time: std::ops::Range<i32>,
    ) -> Result<usize, StoreError> {
        let name = finer.name();
        let select = format!(
            "select source, at, samples from {name}
             where at >= $1 and at < $2 and (source, at) > ($3, $4) order by source, at limit $5"
        );
        let mut after = (i32::MIN, i32::MIN);
        let mut rows = Rows::new();
        loop {
            let read = sqlx::query(AssertSqlSafe(select.clone()))
                .bind(time.start)
                .bind(time.end)
                .bind(after.0)
                .bind(after.1)
                .bind(AT_A_TIME)
                .fetch_all(&mut **transaction)
                .await?;
            for row in &read {
                after = (row.try_get(0)?, row.try_get(1)?);
                let merged = rows.merge(after.0, row.try_get(2)?);
                let merged = merged.map_err(|damaged| StoreError::Inconsistent {
                    table: name,
                    what: damaged.to_string(),
                });
                self.skipped.keep(name, format!("{}/{}", after.0, after.1), merged);
            }
            if i64::try_from(read.len()).unwrap_or(AT_A_TIME) < AT_A_TIME {
                break;
            }
        }
        rows.end_source();
        if rows.sources.is_empty() {
            return Ok(0);
        }
        self.ensure_partitions(table, [time.start]).await?;
        sqlx::query(AssertSqlSafe(format!(
            "insert into {} (source, at, samples)
             select source, $3, samples from unnest($1::integer[], $2::bytea[]) as t (source, samples)
             on conflict (source, at) do update set samples = excluded.samples",
            table.name()
        )))
        .bind(&rows.sources)
        .bind(&rows.samples)
        .bind(time.start)
        .execute(&mut **transaction)
        .await?;
        Ok(rows.sources.len())
    }
}

async fn first_row(
    transaction: &mut Transaction,
    table: Table,
    time: std::ops::Range<i32>,
) -> Result<Option<i32>, StoreError> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "select min(at) from {} where at >= $1 and at < $2",
        table.name()
    )))
    .bind(time.start)
    .bind(time.end)
    .fetch_one(&mut **transaction)
    .await?;
    Ok(row.try_get(0)?)
}

/// Rows that are being made, source after source.
struct Rows {
    source: Option<i32>,
    sets: BTreeMap<i32, StatisticSet>,
    sources: Vec<i32>,
    samples: Vec<Vec<u8>>,
}

impl Rows {
    const fn new() -> Self {
        Self { source: None, sets: BTreeMap::new(), sources: Vec::new(), samples: Vec::new() }
    }

    /// Adds a row of the source that is under way, or of a later one.
    fn merge(&mut self, source: i32, row: &[u8]) -> Result<(), super::encoding::Damaged> {
        if self.source != Some(source) {
            self.end_source();
            self.source = Some(source);
        }
        decode(row, |slot, set| {
            self.sets.entry(slot).and_modify(|all| *all = all.merge(set)).or_insert(set);
        })
    }

    fn end_source(&mut self) {
        let sets: Vec<(i32, StatisticSet)> = std::mem::take(&mut self.sets).into_iter().collect();
        if let Some(source) = self.source.take()
            && !sets.is_empty()
        {
            self.sources.push(source);
            self.samples.push(encode_statistics(&sets));
        }
    }
}
