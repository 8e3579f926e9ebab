//! Events of reads, which are in batches.
//!
//! Batches are read in the order of their last events. An event of a batch that was not read is not newer than the last
//! one of the batch read last, so all that are newer are known.

use brokerd_domain::{
    Timestamp,
    audit::{AuditEvent, EventPosition, LookupAttribute},
};
use uuid::Uuid;

use super::question::{Found, FoundEvent, Question};
use crate::{
    audit::read_batch::{MAX_SPAN, events_in, terms_of},
    kernel::{PgStore, StoreError, audited::EventColumns},
};

/// How many batches one statement looks at.
const SCANNED: i64 = 2000;
/// Batches are opened until they have that many events.
const OPENED: i64 = 1000;

pub(super) struct Batches {
    pub(super) found: Found,
    /// The last event and the number of the batch that was looked at last.
    last: (i64, i64),
    start: i64,
    before: EventPosition,
}

impl Batches {
    pub(super) fn new(question: &Question<'_>) -> Self {
        let (mut start, mut before) = (question.start, question.before);
        let mut found = Found::nothing(before);
        match question.attribute {
            Some(LookupAttribute::ReadOnly(false)) => found.through = None,
            Some(LookupAttribute::EventId(id)) => match AuditEvent::millisecond_of(*id) {
                Some((from, to)) => {
                    start = start.max(from);
                    before = before.min(EventPosition { at: to, id: Uuid::nil() });
                }
                None => found.through = None,
            },
            Some(_) | None => {}
        }
        let last = (before.at.as_micros().saturating_add(MAX_SPAN), i64::MAX);
        Self { found, last, start: start.as_micros(), before }
    }

    /// Looks further.
    pub(super) async fn step(
        &mut self,
        store: &PgStore,
        question: &Question<'_>,
    ) -> Result<(), StoreError> {
        let terms = question.attribute.and_then(terms_of);
        let (last_at, last_id) = self.last;
        let batches = sqlx::query!(
            r#"select id as "id!", region as "region!", last_at as "last_at!", events as "events!", content as "content!"
               from (select matching.*, sum(events) over (order by last_at desc, id desc) - events as before
                     from (select id, region, last_at, events, terms, content from audit_read_batch
                           where account = $1 and (region = $2 or is_global) and last_at >= $3 and first_at <= $4
                             and (last_at, id) < ($5, $6)
                           order by last_at desc, id desc limit $7) as matching
                     where $8::text[] is null or terms && $8) as counted
               where before < $9
               order by last_at desc, id desc"#,
            question.scope.account.as_str(),
            question.scope.region.as_str(),
            self.start,
            self.before.at.as_micros(),
            last_at,
            last_id,
            SCANNED,
            terms as Option<Vec<String>>,
            OPENED
        )
        .fetch_all(&store.pool)
        .await?;
        let events: i64 = batches.iter().map(|batch| i64::from(batch.events)).sum();
        let read_last = batches.last().map(|batch| (batch.last_at, batch.id));
        let account = question.scope.account.as_str();
        for batch in batches {
            let events = events_in(account, &batch.region, &batch.content);
            let events = store.skipped.keep("audit_read_batch", batch.id, events);
            for event in events.into_iter().flatten() {
                if self.is_asked(&event, question) {
                    self.found.events.push(found(&event));
                }
            }
        }
        let last = match read_last.filter(|_| events >= OPENED) {
            Some(last) => Some(last),
            None => store.scanned_batches_to(question, self).await?,
        };
        self.found.through = last.map(|(last_at, _)| EventPosition {
            at: Timestamp::from_micros(last_at.saturating_add(1)),
            id: Uuid::nil(),
        });
        self.last = last.unwrap_or(self.last);
        self.keep_newest(question.most);
        Ok(())
    }

    /// Forgets what is not needed for a page.
    fn keep_newest(&mut self, most: usize) {
        let events = &mut self.found.events;
        events.sort_by_key(|event| std::cmp::Reverse(event.position()));
        events.dedup_by_key(|event| event.position());
        if events.len() > most {
            events.truncate(most);
            self.found.through = self.found.through.max(events.last().map(FoundEvent::position));
        }
    }

    fn is_asked(&self, event: &AuditEvent, question: &Question<'_>) -> bool {
        let position = EventPosition { at: event.at, id: event.id };
        let is_in_time = event.at.as_micros() >= self.start && position < self.before;
        is_in_time && question.attribute.is_none_or(|attribute| has(event, attribute))
    }
}

/// Whether an event has this attribute.
fn has(event: &AuditEvent, attribute: &LookupAttribute) -> bool {
    match attribute {
        LookupAttribute::Nothing => false,
        LookupAttribute::EventId(id) => event.id == *id,
        LookupAttribute::EventName(name) => event.name() == name,
        LookupAttribute::ReadOnly(is) => event.read_only() == *is,
        LookupAttribute::Username(name) => event.username() == Some(name),
        LookupAttribute::EventSource(source) => event.source().as_str() == source,
        LookupAttribute::AccessKeyId(id) => event.access_key_id() == Some(id),
        LookupAttribute::ResourceType(kind) => event.resources().iter().any(|r| r.kind == kind),
        LookupAttribute::ResourceName(name) => event.resources().iter().any(|r| r.name == *name),
    }
}

fn found(event: &AuditEvent) -> FoundEvent {
    let columns = EventColumns::of(event);
    FoundEvent {
        id: event.id,
        at: event.at,
        name: event.name().to_owned(),
        source: event.source().as_str().to_owned(),
        read_only: event.read_only(),
        username: columns.username,
        access_key_id: columns.access_key_id,
        resources: columns.resources,
        record: columns.record,
    }
}

impl PgStore {
    /// The last batch that a statement has looked at; none: there is none behind them.
    async fn scanned_batches_to(
        &self,
        question: &Question<'_>,
        batches: &Batches,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        let (last_at, last_id) = batches.last;
        let last = sqlx::query!(
            "select last_at, id from audit_read_batch
             where account = $1 and (region = $2 or is_global) and last_at >= $3 and first_at <= $4
               and (last_at, id) < ($5, $6)
             order by last_at desc, id desc offset $7 limit 1",
            question.scope.account.as_str(),
            question.scope.region.as_str(),
            batches.start,
            batches.before.at.as_micros(),
            last_at,
            last_id,
            SCANNED - 1
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(last.map(|row| (row.last_at, row.id)))
    }
}
