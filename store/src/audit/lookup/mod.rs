//! LookupEvents.
//!
//! Events of writes are rows, those of reads are in batches. Both are read from the newest to the oldest, in steps, always
//! the one that is behind. What both have passed is told.

mod batches;
mod question;
mod rows;

use brokerd_domain::{
    Scope, Timestamp,
    audit::{EventLookup, EventPosition, LookupAttribute},
};
use uuid::Uuid;

pub use self::question::FoundEvent;
use self::{
    batches::Batches,
    question::{Found, Question},
    rows::Rows,
};
use crate::kernel::{PgStore, StoreError};

/// How many steps one page may cost: who looks for what is rare gets shorter pages, and goes on by their tokens.
const STEPS: u32 = 10;

/// A page of events, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<FoundEvent>,
    /// After which the next page begins; none: there are no more.
    pub next: Option<EventPosition>,
}

impl PgStore {
    /// The events of this account in this region that a question asks for, those of IAM and STS in every region. A page
    /// may be shorter than was asked for, or empty, and not be the last.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn lookup_events(
        &self,
        scope: &Scope,
        lookup: &EventLookup,
    ) -> Result<EventPage, StoreError> {
        let attribute = lookup.attribute.as_ref();
        if attribute == Some(&LookupAttribute::Nothing) {
            return Ok(EventPage::default());
        }
        let end = lookup.end.unwrap_or(Timestamp::from_micros(i64::MAX));
        let question = Question {
            scope,
            attribute,
            start: lookup.start.unwrap_or(Timestamp::from_micros(i64::MIN)),
            before: lookup.after.unwrap_or(EventPosition { at: end, id: Uuid::nil() }),
            most: usize::try_from(lookup.most).unwrap_or(usize::MAX),
        };
        let (mut rows, mut batches) = (Rows::new(&question), Batches::new(&question));
        for step in 0.. {
            let bound = rows.found.through.max(batches.found.through);
            let known = rows.found.through(bound) + batches.found.through(bound);
            // The next page has to begin behind this one, however many batches there are of one moment.
            let is_enough = step >= STEPS && bound < Some(question.before);
            if bound.is_none() || known >= question.most || is_enough {
                break;
            }
            if rows.found.through == bound {
                rows.step(self, &question).await?;
            } else {
                batches.step(self, &question).await?;
            }
        }
        Ok(page(rows.found, batches.found, question.most))
    }
}

/// What both kinds have passed, newest first.
fn page(rows: Found, batches: Found, most: usize) -> EventPage {
    let next = rows.through.max(batches.through);
    let mut events: Vec<_> = rows.events.into_iter().chain(batches.events).collect();
    events.retain(|event| next.is_none_or(|bound| event.position() >= bound));
    events.sort_by_key(|event| std::cmp::Reverse(event.position()));
    // A batch whose commit was not answered may be there twice.
    events.dedup_by_key(|event| event.position());
    events.truncate(most);
    let is_full = events.len() == most;
    let last = events.last().map(FoundEvent::position);
    EventPage { events, next: if is_full { last } else { next } }
}
