//! The brokers that measure, and the places of their series.

use std::collections::{HashMap, HashSet};

use brokerd_domain::{
    BrokerId, Scope,
    metric::{SeriesKey, Unit},
};
use uuid::Uuid;

use super::series::{SeriesRow, dimensions_to_json, key_hash};
use crate::kernel::{
    PgStore, StoreError,
    metric_sources::{Slot, Source},
    pool::Transaction,
};

/// The most series of a broker. Queues that come and go leave series behind.
const MAX_SERIES: usize = 20_000;
/// A series that has no place yet.
pub(super) struct NewSeries {
    pub(super) broker: BrokerId,
    pub(super) key: SeriesKey,
    pub(super) unit: Unit,
}

impl PgStore {
    /// Knows these brokers, as far as they exist or have measured something before.
    pub(super) async fn load_sources(
        &self,
        brokers: &[BrokerId],
        now: i32,
    ) -> Result<(), StoreError> {
        let unknown = self.sources.unknown(brokers);
        if unknown.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into metric_source (broker_id, account, region)
             select id, account, region from broker where id = any($1) order by id
             on conflict (broker_id) do nothing",
            &unknown
        )
        .execute(&self.pool)
        .await?;
        let rows = sqlx::query!(
            "select id, broker_id, account, region from metric_source where broker_id = any($1)",
            &unknown
        )
        .fetch_all(&self.pool)
        .await?;
        let mut fresh = HashMap::new();
        for row in rows {
            let (Ok(account), Ok(region)) = (row.account.parse(), row.region.parse()) else {
                continue;
            };
            let scope = Scope { account, region };
            let source = Source { id: row.id, scope, slots: HashMap::new(), used: now };
            fresh.insert(BrokerId::from(row.broker_id), source);
        }
        let ids: Vec<i32> = fresh.values().map(|source| source.id).collect();
        for (broker, key, slot) in self.stored_slots(&ids).await? {
            if let Some(source) = fresh.get_mut(&broker) {
                source.slots.insert(key, slot);
            }
        }
        self.sources.lock().extend(fresh);
        Ok(())
    }

    async fn stored_slots(
        &self,
        sources: &[i32],
    ) -> Result<Vec<(BrokerId, SeriesKey, Slot)>, StoreError> {
        let rows = sqlx::query_as!(
            SeriesRow,
            "select s.source, s.slot, s.key, s.metric, s.dimensions, s.unit, s.last_at, m.broker_id
             from metric_series s join metric_source m on m.id = s.source where s.source = any($1)",
            sources
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(self.slots_of(rows))
    }

    fn slots_of(&self, rows: Vec<SeriesRow>) -> Vec<(BrokerId, SeriesKey, Slot)> {
        let slots = rows.into_iter().filter_map(|row| {
            let slot = Slot { slot: row.slot, last_at: row.last_at };
            let series = self.readable_series(row)?;
            Some((series.broker, series.key, slot))
        });
        slots.collect()
    }

    /// Gives series their places. How many got none, because their brokers have too many.
    pub(super) async fn create_series(
        &self,
        new: Vec<NewSeries>,
        now: i32,
    ) -> Result<u64, StoreError> {
        let mut wanted: HashMap<i32, Vec<NewSeries>> = HashMap::new();
        {
            let sources = self.sources.lock();
            for series in new {
                if let Some(source) = sources.get(&series.broker) {
                    wanted.entry(source.id).or_default().push(series);
                }
            }
        }
        if wanted.is_empty() {
            return Ok(0);
        }
        let ids: Vec<i32> = wanted.keys().copied().collect();
        let mut transaction = self.pool.begin().await?;
        // Whoever gives places to series of the same broker waits.
        let next = sqlx::query!(
            "select id, next_slot from metric_source where id = any($1) order by id for update",
            &ids
        )
        .fetch_all(&mut *transaction)
        .await?;
        let next = next.into_iter().map(|row| (row.id, row.next_slot)).collect();
        let mut slots = self.slots_of(
            sqlx::query_as!(
                SeriesRow,
                "select s.source, s.slot, s.key, s.metric, s.dimensions, s.unit, s.last_at, m.broker_id
                 from metric_series s join metric_source m on m.id = s.source where s.source = any($1)",
                &ids
            )
            .fetch_all(&mut *transaction)
            .await?,
        );
        let refused = self.insert_series(&mut transaction, wanted, next, &mut slots, now).await?;
        transaction.commit().await?;
        let mut sources = self.sources.lock();
        for (broker, key, slot) in slots {
            if let Some(source) = sources.get_mut(&broker) {
                source.slots.insert(key, slot);
            }
        }
        Ok(refused)
    }

    async fn insert_series(
        &self,
        transaction: &mut Transaction,
        wanted: HashMap<i32, Vec<NewSeries>>,
        mut next: HashMap<i32, i32>,
        slots: &mut Vec<(BrokerId, SeriesKey, Slot)>,
        now: i32,
    ) -> Result<u64, StoreError> {
        let mut columns = SeriesColumns::default();
        let mut refused = 0;
        for (source, series) in wanted {
            let Some(broker) = series.first().map(|first| first.broker) else { continue };
            let Some(scope) = self.sources.lock().get(&broker).map(|s| s.scope.clone()) else {
                continue;
            };
            let Some(next) = next.get_mut(&source) else { continue };
            let mut known: HashSet<SeriesKey> = slots
                .iter()
                .filter(|(of, _, _)| *of == broker)
                .map(|(_, key, _)| key.clone())
                .collect();
            for NewSeries { key, unit, .. } in series {
                if known.contains(&key) {
                    continue;
                }
                if known.len() >= MAX_SERIES {
                    refused += 1;
                    continue;
                }
                columns.push(source, *next, &scope, &key, unit);
                slots.push((broker, key.clone(), Slot { slot: *next, last_at: now }));
                known.insert(key);
                *next = next.saturating_add(1);
            }
        }
        sqlx::query!(
            "insert into metric_series (source, slot, key, metric, dimensions, unit, last_at)
             select *, $7::integer
             from unnest($1::integer[], $2::integer[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[])",
            &columns.sources,
            &columns.slots,
            &columns.keys,
            &columns.metrics,
            &columns.dimensions,
            &columns.units,
            now
        )
        .execute(&mut **transaction)
        .await?;
        let (ids, next): (Vec<i32>, Vec<i32>) = next.into_iter().unzip();
        sqlx::query!(
            "update metric_source m set next_slot = t.next
             from unnest($1::integer[], $2::integer[]) as t (id, next) where m.id = t.id",
            &ids,
            &next
        )
        .execute(&mut **transaction)
        .await?;
        Ok(refused)
    }
}

#[derive(Default)]
struct SeriesColumns {
    sources: Vec<i32>,
    slots: Vec<i32>,
    keys: Vec<Uuid>,
    metrics: Vec<String>,
    dimensions: Vec<serde_json::Value>,
    units: Vec<String>,
}

impl SeriesColumns {
    fn push(&mut self, source: i32, slot: i32, scope: &Scope, key: &SeriesKey, unit: Unit) {
        self.sources.push(source);
        self.slots.push(slot);
        self.keys.push(key_hash(scope, key));
        self.metrics.push(key.metric.clone());
        self.dimensions.push(dimensions_to_json(key));
        self.units.push(unit.as_str().to_owned());
    }
}
