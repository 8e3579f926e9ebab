//! LookupEvents.

use brokerd_domain::{
    Scope, Timestamp,
    audit::{EventLookup, EventPosition, EventSource, LookupAttribute},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::write::StoredRecord;
use crate::kernel::{PgStore, StoreError};

/// How many events one statement looks at.
const SCANNED: i64 = 5000;
/// How many statements one page may cost: who looks for what is rare gets shorter pages, and goes on by their tokens.
const SCANS: u32 = 10;

/// An event that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundEvent {
    /// `EventId`.
    pub id: Uuid,
    /// `EventTime`.
    pub at: Timestamp,
    /// `EventName`.
    pub name: String,
    /// `EventSource`.
    pub source: String,
    /// `ReadOnly`.
    pub read_only: bool,
    /// `Username`.
    pub username: Option<String>,
    /// `AccessKeyId`.
    pub access_key_id: Option<String>,
    /// `Resources`, as LookupEvents has them.
    pub resources: Value,
    /// `CloudTrailEvent`.
    pub record: String,
}

/// A page of events, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<FoundEvent>,
    /// After which the next page begins; none: there are no more.
    pub next: Option<EventPosition>,
}

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
    /// None: there can't be such an event.
    fn of(attribute: Option<&'a LookupAttribute>) -> Option<Self> {
        let mut filters = Self::default();
        match attribute {
            None => {}
            Some(LookupAttribute::Nothing) => return None,
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
        Some(filters)
    }
}

impl PgStore {
    /// The events of this account in this region that a question asks for, those of IAM and STS in every region. A page
    /// may be shorter than was asked for, or empty, and not be the last.
    ///
    /// # Errors
    /// As every method.
    pub async fn lookup_events(
        &self,
        scope: &Scope,
        lookup: &EventLookup,
    ) -> Result<EventPage, StoreError> {
        let mut page = EventPage::default();
        let Some(filters) = Filters::of(lookup.attribute.as_ref()) else { return Ok(page) };
        let most = usize::try_from(lookup.most).unwrap_or(usize::MAX);
        page.next = lookup.after;
        for _ in 0..SCANS {
            let left = most - page.events.len();
            let found = self.found_events(scope, lookup, &filters, page.next, left).await?;
            let is_full = found.len() == left;
            let last = found.last().map(|event| EventPosition { at: event.at, id: event.id });
            page.events.extend(found);
            if is_full {
                page.next = last;
                return Ok(page);
            }
            page.next = if filters.id.is_some() {
                None
            } else {
                self.scanned_to(scope, lookup, page.next).await?
            };
            if page.next.is_none() {
                return Ok(page);
            }
        }
        Ok(page)
    }

    async fn found_events(
        &self,
        scope: &Scope,
        lookup: &EventLookup,
        filters: &Filters<'_>,
        after: Option<EventPosition>,
        most: usize,
    ) -> Result<Vec<FoundEvent>, StoreError> {
        let (at, id) = before(lookup, after);
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
            scope.account.as_str(),
            scope.region.as_str(),
            lookup.start.map_or(i64::MIN, Timestamp::as_micros),
            at,
            id,
            SCANNED,
            filters.id,
            filters.name,
            filters.read_only,
            filters.username,
            filters.source,
            filters.access_key_id,
            filters.resource,
            &[EventSource::Iam, EventSource::Sts].map(|source| source.as_str().to_owned()),
            i64::try_from(most).unwrap_or(i64::MAX)
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row| self.skipped.keep("audit_event", scope.account.as_str(), found(row));
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
        Ok(rows.filter_map(read).collect())
    }

    /// The last event that a statement has looked at; none: there is none behind them.
    async fn scanned_to(
        &self,
        scope: &Scope,
        lookup: &EventLookup,
        after: Option<EventPosition>,
    ) -> Result<Option<EventPosition>, StoreError> {
        let (at, id) = before(lookup, after);
        let last = sqlx::query!(
            "select at, id from audit_event where account = $1 and at >= $2 and (at, id) < ($3, $4)
             order by at desc, id desc offset $5 limit 1",
            scope.account.as_str(),
            lookup.start.map_or(i64::MIN, Timestamp::as_micros),
            at,
            id,
            SCANNED - 1
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(last.map(|row| EventPosition { at: Timestamp::from_micros(row.at), id: row.id }))
    }
}

/// Events have to be before this moment and identifier.
fn before(lookup: &EventLookup, after: Option<EventPosition>) -> (i64, Uuid) {
    match after {
        Some(position) => (position.at.as_micros(), position.id),
        None => (lookup.end.map_or(i64::MAX, Timestamp::as_micros), Uuid::nil()),
    }
}

fn found((event, stored): (FoundEvent, StoredRecord)) -> Result<FoundEvent, StoreError> {
    Ok(FoundEvent { record: stored.record()?, ..event })
}
