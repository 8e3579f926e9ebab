//! Writing of events, and completing of incomplete ones.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, Timestamp,
    audit::{AuditEvent, ServiceEvent, ServiceEventName, What},
};
use serde_json::Value;
use uuid::Uuid;

use super::read_batch::{ReadBatch, batches_of, events_in};
use crate::kernel::{PgStore, StoreError, audited::EventColumns};

/// How long an event waits for the end of its call: longer than any call with the writing of its end takes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// Columns of several events.
#[derive(Default)]
struct Batch {
    ids: Vec<Uuid>,
    at: Vec<i64>,
    accounts: Vec<String>,
    regions: Vec<String>,
    sources: Vec<String>,
    names: Vec<String>,
    read_only: Vec<bool>,
    usernames: Vec<Option<String>>,
    access_key_ids: Vec<Option<String>>,
    resources: Vec<Value>,
    complete: Vec<bool>,
    records: Vec<String>,
}

impl Batch {
    fn of<'a>(events: impl IntoIterator<Item = (&'a AuditEvent, bool)>) -> Self {
        let mut batch = Self::default();
        for (event, complete) in events {
            let columns = EventColumns::of(event);
            batch.ids.push(event.id);
            batch.at.push(event.at.as_micros());
            batch.accounts.push(event.account.as_str().to_owned());
            batch.regions.push(event.region.as_str().to_owned());
            batch.sources.push(event.source().as_str().to_owned());
            batch.names.push(event.name().to_owned());
            batch.read_only.push(event.read_only());
            batch.usernames.push(columns.username);
            batch.access_key_ids.push(columns.access_key_id);
            batch.resources.push(columns.resources);
            batch.complete.push(complete);
            batch.records.push(columns.record);
        }
        batch
    }
}

impl PgStore {
    /// Writes events, or the end of those that exist already, each with whether it is complete: in the audit log.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; then none of them is written.
    pub(super) async fn write_events(
        &self,
        events: impl IntoIterator<Item = (&AuditEvent, bool)>,
    ) -> Result<(), StoreError> {
        let batch = Batch::of(events);
        if batch.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into audit_event (id, at, account, region, source, name, read_only, username, access_key_id,
                                      resources, complete, record)
             select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[],
                                  $8::text[], $9::text[], $10::jsonb[], $11::bool[], $12::text[])
             on conflict (id) do update
               set resources = excluded.resources, complete = excluded.complete, record = excluded.record",
            &batch.ids,
            &batch.at,
            &batch.accounts,
            &batch.regions,
            &batch.sources,
            &batch.names,
            &batch.read_only,
            &batch.usernames as &[Option<String>],
            &batch.access_key_ids as &[Option<String>],
            &batch.resources,
            &batch.complete,
            &batch.records,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes the end of existing events, each with whether it is complete.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; then none of them is written.
    pub(super) async fn complete_events(
        &self,
        events: impl IntoIterator<Item = (&AuditEvent, bool)>,
    ) -> Result<(), StoreError> {
        let batch = Batch::of(events);
        sqlx::query!(
            "update audit_event as e
             set resources = ended.resources, complete = ended.complete, record = ended.record
             from unnest($1::uuid[], $2::jsonb[], $3::bool[], $4::text[]) as ended (id, resources, complete, record)
             where e.id = ended.id",
            &batch.ids,
            &batch.resources,
            &batch.complete,
            &batch.records,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes events of reads, in batches, each with whether it is complete.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; then none of them is written, or it is unknown whether they are.
    pub(super) async fn write_reads(
        &self,
        events: impl IntoIterator<Item = (&AuditEvent, bool)>,
    ) -> Result<(), StoreError> {
        let batches = batches_of(events);
        let texts = |text: fn(&ReadBatch) -> &str| -> Vec<String> {
            batches.iter().map(|batch| text(batch).to_owned()).collect()
        };
        // PostgreSQL has no arrays of arrays of different lengths, so terms are joined by line ends, which no term has.
        let terms: Vec<String> = batches.iter().map(|batch| batch.terms.join("\n")).collect();
        sqlx::query!(
            r#"insert into audit_read_batch (account, region, is_global, complete, first_at, last_at, events, terms, content)
               select account, region, is_global, complete, first_at, last_at, events, string_to_array(terms, E'\n'), content
               from unnest($1::text[], $2::text[], $3::bool[], $4::bool[], $5::bigint[], $6::bigint[], $7::int[],
                           $8::text[], $9::text[])
                 as batch (account, region, is_global, complete, first_at, last_at, events, terms, content)"#,
            &texts(|batch| batch.account.as_str()),
            &texts(|batch| batch.region.as_str()),
            &batches.iter().map(|batch| batch.is_global).collect::<Vec<_>>(),
            &batches.iter().map(|batch| batch.complete).collect::<Vec<_>>(),
            &batches.iter().map(|batch| batch.first_at).collect::<Vec<_>>(),
            &batches.iter().map(|batch| batch.last_at).collect::<Vec<_>>(),
            &batches.iter().map(|batch| i32::try_from(batch.events).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
            &terms,
            &texts(|batch| &batch.content),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Passes a batch of events of reads to `log` that it lacks; returns how many events. They count as logged only if
    /// the log took all of them.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub(super) async fn tell_incomplete_reads(
        &self,
        log: impl FnOnce(&[String]) -> bool + Send,
    ) -> Result<usize, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query!(
            "select id, account, region, content from audit_read_batch
             where not complete order by last_at limit 1 for update skip locked"
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(0) };
        let events = events_in(&row.account, &row.region, &row.content);
        let events = self.skipped.keep("audit_read_batch", row.id, events).unwrap_or_default();
        let records: Vec<String> = events.iter().map(AuditEvent::record).collect();
        if !log(&records) {
            // Rolled back at once, because the next caller skips rows that are still locked.
            transaction.rollback().await?;
            return Ok(0);
        }
        sqlx::query!("update audit_read_batch set complete = true where id = $1", row.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        // A batch that can't be read counts, too, because there may be others behind it.
        Ok(records.len().max(1))
    }

    /// Passes up to `most` events to `log` that it lacks: of brokerd's own acts, and of calls whose process ended
    /// before it answered; returns how many. They count as logged only if the log took all of them.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub(super) async fn tell_incomplete(
        &self,
        now: Timestamp,
        most: u32,
        log: impl FnOnce(&[String]) -> bool + Send,
    ) -> Result<usize, StoreError> {
        let time_limit = i64::try_from(ANSWERED_WITHIN.as_micros()).unwrap_or(i64::MAX);
        let mut transaction = self.pool.begin().await?;
        let rows = sqlx::query_as!(
            StoredRecord,
            "select id, at, account, region, name, resources, record, broker_id, message from audit_event
             where not complete and (record is null or at < $1) order by at limit $2 for update skip locked",
            now.as_micros().saturating_sub(time_limit),
            i64::from(most)
        )
        .fetch_all(&mut *transaction)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let read = |row: StoredRecord| self.skipped.keep("audit_event", row.id, row.record());
        let records: Vec<String> = rows.into_iter().filter_map(read).collect();
        if !log(&records) {
            // Rolled back at once, because the next caller skips rows that are still locked.
            transaction.rollback().await?;
            return Ok(0);
        }
        sqlx::query!("update audit_event set complete = true where id = any($1)", &ids)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(ids.len())
    }
}

/// The columns of a record.
pub(super) struct StoredRecord {
    pub(super) id: Uuid,
    pub(super) at: i64,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) name: String,
    pub(super) resources: Value,
    pub(super) record: Option<String>,
    pub(super) broker_id: Option<Uuid>,
    pub(super) message: Option<String>,
}

impl StoredRecord {
    /// The record.
    pub(super) fn record(self) -> Result<String, StoreError> {
        let wrong =
            |what: &str| StoreError::Inconsistent { table: "audit_event", what: what.to_owned() };
        if let Some(record) = self.record {
            return Ok(record);
        }
        let name = ServiceEventName::ALL.into_iter().find(|name| name.as_str() == self.name);
        let arn = self.resources[0]["ResourceName"].as_str();
        let event = AuditEvent {
            id: self.id,
            at: Timestamp::from_micros(self.at),
            account: self.account.parse().map_err(|_| wrong("account"))?,
            region: self.region.parse().map_err(|_| wrong("region"))?,
            what: What::ServiceEvent(ServiceEvent {
                name: name.ok_or_else(|| wrong("name"))?,
                broker: BrokerId::from(self.broker_id.ok_or_else(|| wrong("broker_id"))?),
                broker_arn: arn.ok_or_else(|| wrong("resources"))?.to_owned(),
                message: self.message.ok_or_else(|| wrong("message"))?,
            }),
        };
        Ok(event.record())
    }
}
