//! Events that are rows of their own.

use brokerd_domain::{
    Timestamp,
    audit::{EventPosition, EventSource, LookupAttribute},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::question::{Found, FoundEvent, Question};
use crate::{
    audit::write::StoredRecord,
    kernel::{PgStore, StoreError},
};

/// How many events one statement looks at.
const SCANNED: i64 = 5000;

/// The filters of a question, each none where it does not ask.
#[derive(Default)]
struct Filters<'a> {
    id: Option<Uuid>,
    name: Option<&'a str>,
    read_only: Option<bool>,
    username: Option<&'a str>,
    source: Option<&'a str>,
    access_key_id: Option<&'a str>,
    resource: Option<Value>,
}

impl<'a> Filters<'a> {
    fn of(attribute: Option<&'a LookupAttribute>) -> Self {
        let mut filters = Self::default();
        match attribute {
            None | Some(LookupAttribute::Nothing) => {}
            Some(LookupAttribute::EventId(id)) => filters.id = Some(*id),
            Some(LookupAttribute::EventName(name)) => filters.name = Some(name),
            Some(LookupAttribute::ReadOnly(is)) => filters.read_only = Some(*is),
            Some(LookupAttribute::Username(name)) => filters.username = Some(name),
            Some(LookupAttribute::EventSource(source)) => filters.source = Some(source),
            Some(LookupAttribute::AccessKeyId(id)) => filters.access_key_id = Some(id),
            Some(LookupAttribute::ResourceType(kind)) => {
                filters.resource = Some(json!([{"ResourceType": kind}]));
            }
            Some(LookupAttribute::ResourceName(name)) => {
                filters.resource = Some(json!([{"ResourceName": name}]));
            }
        }
        filters
    }
}

pub(super) struct Rows {
    pub(super) found: Found,
}

impl Rows {
    pub(super) const fn new(question: &Question<'_>) -> Self {
        Self { found: Found::nothing(question.before) }
    }

    /// Looks further.
    pub(super) async fn step(
        &mut self,
        store: &PgStore,
        question: &Question<'_>,
    ) -> Result<(), StoreError> {
        let Some(before) = self.found.through else { return Ok(()) };
        let filters = Filters::of(question.attribute);
        let left = question.most.saturating_sub(self.found.events.len());
        let rows = store.found_rows(question, &filters, before, left).await?;
        self.found.through = if rows.len() == left {
            rows.last().map(|(event, _)| event.position())
        } else if filters.id.is_some() {
            None
        } else {
            store.scanned_to(question, before).await?
        };
        let account = question.scope.account.as_str();
        let read = |(event, stored): (FoundEvent, StoredRecord)| {
            let record = stored.record().map(|record| FoundEvent { record, ..event });
            store.skipped.keep("audit_event", account, record)
        };
        self.found.events.extend(rows.into_iter().filter_map(read));
        Ok(())
    }
}

impl PgStore {
    async fn found_rows(
        &self,
        question: &Question<'_>,
        filters: &Filters<'_>,
        before: EventPosition,
        most: usize,
    ) -> Result<Vec<(FoundEvent, StoredRecord)>, StoreError> {
        let rows = sqlx::query!(
            r#"select id as "id!", at as "at!", account as "account!", region as "region!", source as "source!",
                      name as "name!", read_only as "read_only!", username, access_key_id, resources as "resources!",
                      record, broker_id, message
               from (select * from audit_event
                     where account = $1 and at >= $3 and (at, id) < ($4, $5) and ($7::uuid is null or id = $7)
                     order by at desc, id desc limit $6) as scanned
               where (region = $2 or source = any($14))
                 and ($8::text is null or name = $8) and ($9::bool is null or read_only = $9)
                 and ($10::text is null or username = $10) and ($11::text is null or source = $11)
                 and ($12::text is null or access_key_id = $12) and ($13::jsonb is null or resources @> $13)
               order by at desc, id desc limit $15"#,
            question.scope.account.as_str(),
            question.scope.region.as_str(),
            question.start.as_micros(),
            before.at.as_micros(),
            before.id,
            SCANNED,
            filters.id,
            filters.name,
            filters.read_only,
            filters.username,
            filters.source,
            filters.access_key_id,
            filters.resource,
            &EventSource::GLOBAL.map(|source| source.as_str().to_owned()),
            i64::try_from(most).unwrap_or(i64::MAX)
        )
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.into_iter().map(|row| {
            let event = FoundEvent {
                id: row.id,
                at: Timestamp::from_micros(row.at),
                name: row.name.clone(),
                source: row.source,
                read_only: row.read_only,
                username: row.username,
                access_key_id: row.access_key_id,
                resources: row.resources.clone(),
                record: String::new(),
            };
            let stored = StoredRecord {
                id: row.id,
                at: row.at,
                account: row.account,
                region: row.region,
                name: row.name,
                resources: row.resources,
                record: row.record,
                broker_id: row.broker_id,
                message: row.message,
            };
            (event, stored)
        });
        Ok(rows.collect())
    }

    /// The last event that a statement has looked at; none: there is none behind them.
    async fn scanned_to(
        &self,
        question: &Question<'_>,
        before: EventPosition,
    ) -> Result<Option<EventPosition>, StoreError> {
        let last = sqlx::query!(
            "select at, id from audit_event where account = $1 and at >= $2 and (at, id) < ($3, $4)
             order by at desc, id desc offset $5 limit 1",
            question.scope.account.as_str(),
            question.start.as_micros(),
            before.at.as_micros(),
            before.id,
            SCANNED - 1
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(last.map(|row| EventPosition { at: Timestamp::from_micros(row.at), id: row.id }))
    }
}
