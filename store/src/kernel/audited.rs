//! Audited writes: the event of a call is written in the transaction of the call's changes.
//!
//! The API runs each call within [`AuditedCall::scope`], with a store of [`super::PgStore::audited`]. The pool of such
//! a store adds the event to the first statement of a call that may write. Without a call there is no event, so the
//! pool refuses to write. The methods of the store do not deal with this.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU8, Ordering},
};

use brokerd_domain::audit::{AuditEvent, Outcome, What};
use serde_json::{Value, json};
use sqlx::{
    Arguments as _, AssertSqlSafe, Error, PgExecutor, SqlSafeStr as _, SqlStr, error::BoxDynError,
    postgres::PgArguments,
};

tokio::task_local! {
    static CALL: Arc<AuditedCall>;
}

/// A call whose writes are audited.
#[derive(Debug, Default)]
pub struct AuditedCall {
    event: OnceLock<AuditEvent>,
    /// Whether the row of its event exists.
    row: AtomicU8,
    /// The trace of the call.
    trace: OnceLock<String>,
}

const NOT_WRITTEN: u8 = 0;
const ATTEMPTED: u8 = 1;
const WRITTEN: u8 = 2;

impl AuditedCall {
    /// Runs `work` as this call: the event is written with its writes. Tasks that it spawns are not part of the call,
    /// and may not write.
    pub async fn scope<T>(self: Arc<Self>, work: impl Future<Output = T>) -> T {
        CALL.scope(self, work).await
    }

    /// Sets the event of the call, as soon as its caller is known. Only the first event counts.
    pub fn begin(&self, event: AuditEvent) {
        let _ = self.event.set(event);
    }

    /// The event of the call; `None` if its caller is not verified, so that it may not write.
    pub fn event(&self) -> Option<&AuditEvent> {
        self.event.get()
    }

    /// The ended call; `None` if its caller is not verified.
    pub fn end(self: Arc<Self>, outcome: Outcome) -> Option<EndedCall> {
        let row = match self.row.load(Ordering::Acquire) {
            NOT_WRITTEN => EventRow::None,
            WRITTEN => EventRow::Written,
            _ => EventRow::Unknown,
        };
        let event = match Arc::try_unwrap(self) {
            Ok(call) => call.event.into_inner(),
            // A part of the request still exists, but can't write any more.
            Err(call) => call.event.get().cloned(),
        };
        let mut event = event?;
        if let What::ApiCall(call) = &mut event.what {
            call.outcome = outcome;
        }
        Some(EndedCall { event, row })
    }

    /// Sets the trace of the call, as a `traceparent`, which is stored with brokers that the call makes due.
    pub fn set_trace(&self, traceparent: String) {
        let _ = self.trace.set(traceparent);
    }

    /// The trace of the call.
    pub(crate) fn trace(&self) -> Option<&str> {
        self.trace.get().map(String::as_str)
    }

    /// Whether the event is known to be in the database already.
    pub(crate) fn is_written(&self) -> bool {
        self.row.load(Ordering::Acquire) == WRITTEN
    }

    /// Notes that the event is in the database.
    pub(crate) fn note_written(&self) {
        self.row.store(WRITTEN, Ordering::Release);
    }

    /// Notes that the event may be in the database from now on.
    fn note_attempt(&self) {
        self.row.fetch_max(ATTEMPTED, Ordering::AcqRel);
    }
}

/// A call that has ended, or an act of brokerd's own.
#[derive(Debug)]
pub struct EndedCall {
    pub(crate) event: AuditEvent,
    pub(crate) row: EventRow,
}

/// Whether the row of an event exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventRow {
    /// It does not exist.
    None,
    /// It may exist.
    Unknown,
    /// It exists.
    Written,
}

impl From<AuditEvent> for EndedCall {
    /// One that has written nothing if it only reads, and may have written its event otherwise.
    fn from(event: AuditEvent) -> Self {
        let row = if event.read_only() { EventRow::None } else { EventRow::Unknown };
        Self { event, row }
    }
}

/// The call of the current task.
pub(crate) fn current() -> Option<Arc<AuditedCall>> {
    CALL.try_with(Arc::clone).ok()
}

/// Words that are in every statement that changes or locks rows.
const WRITING: [&str; 8] =
    ["insert", "update", "delete", "merge", "truncate", "lock", "share", "call"];

/// Whether a statement may change or lock rows, by its words outside of quotes. A test compares it with PostgreSQL for
/// every statement of the store.
pub fn statement_may_write(sql: &str) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_writing = |word: &str| WRITING.iter().any(|writing| writing.eq_ignore_ascii_case(word));
    // A doubled quote within quotes ends them and begins them again.
    let unquoted = sql.split(['\'', '"']).step_by(2);
    unquoted.flat_map(|part| part.split(|c| !is_of_word(c))).any(is_writing)
}

/// The error of a write without a verified call.
pub(crate) fn unaudited() -> Error {
    Error::Configuration("a write that belongs to no audited call".into())
}

/// The columns of an event.
#[derive(Debug)]
pub(crate) struct EventColumns {
    pub(crate) username: Option<String>,
    pub(crate) access_key_id: Option<String>,
    pub(crate) resources: Value,
    pub(crate) record: String,
}

impl EventColumns {
    pub(crate) fn of(event: &AuditEvent) -> Self {
        let resources = event.resources().into_iter();
        Self {
            username: event.username().map(str::to_owned),
            access_key_id: event.access_key_id().map(str::to_owned),
            resources: resources
                .map(|found| json!({"ResourceType": found.kind, "ResourceName": found.name}))
                .collect(),
            record: event.record(),
        }
    }
}

/// A statement that inserts the event of this call, too, if it can be one; and whether it is.
pub(super) fn with_event(
    sql: SqlStr,
    arguments: Option<PgArguments>,
    call: &AuditedCall,
) -> Result<(SqlStr, Option<PgArguments>, bool), Error> {
    let Some(event) = call.event() else { return Ok((sql, arguments, false)) };
    let mut arguments = arguments.unwrap_or_default();
    let Some(both) = statement_with_event(sql.as_str(), arguments.len()) else {
        return Ok((sql, Some(arguments), false));
    };
    call.note_attempt();
    let columns = EventColumns::of(event);
    add_columns(&mut arguments, event, columns).map_err(Error::Encode)?;
    Ok((AssertSqlSafe(both).into_sql_str(), Some(arguments), true))
}

fn add_columns(
    arguments: &mut PgArguments,
    event: &AuditEvent,
    columns: EventColumns,
) -> Result<(), BoxDynError> {
    arguments.add(event.id)?;
    arguments.add(event.at.as_micros())?;
    arguments.add(event.account.as_str())?;
    arguments.add(event.region.as_str())?;
    arguments.add(event.source().as_str())?;
    arguments.add(event.name())?;
    arguments.add(event.read_only())?;
    arguments.add(columns.username)?;
    arguments.add(columns.access_key_id)?;
    arguments.add(columns.resources)?;
    arguments.add(false)?;
    arguments.add(columns.record)
}

/// A statement with that many parameters, combined with the insertion of an event, whose columns are the parameters
/// after them. PostgreSQL executes both or none. `None` if the statement can't be combined.
pub fn statement_with_event(sql: &str, parameters: usize) -> Option<String> {
    let (head, rest) = around_event(sql)?;
    let columns: Vec<String> = (1..=12).map(|n| format!("${}", parameters + n)).collect();
    let columns = columns.join(", ");
    Some(format!(
        "{head} event_of_the_call as (
           insert into audit_event (id, at, account, region, source, name, read_only, username, access_key_id, resources,
                                    complete, record)
           values ({columns})
           on conflict (id) do nothing){rest}"
    ))
}

/// Whether a statement can be one with the insertion of an event.
pub(super) fn may_take_event_along(sql: &str) -> bool {
    around_event(sql).is_some()
}

/// What is before and behind the event in a statement that takes one along.
fn around_event(sql: &str) -> Option<(&'static str, String)> {
    let sql = sql.trim_start();
    let (word, rest) = first_word(sql);
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    if ["insert", "update", "delete", "select", "merge"].into_iter().any(is) {
        return Some(("with", format!(" {sql}")));
    }
    if !is("with") {
        return None;
    }
    let (word, behind) = first_word(rest);
    Some(if word.eq_ignore_ascii_case("recursive") {
        ("with recursive", format!(",{behind}"))
    } else {
        ("with", format!(",{rest}"))
    })
}

/// The first word of a text, and what is behind it.
fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()))
}

/// Whether this transaction has changed or locked anything.
pub(super) async fn has_changed<'c>(transaction: impl PgExecutor<'c>) -> Result<bool, Error> {
    sqlx::query_scalar!(r#"select pg_current_xact_id_if_assigned() is not null as "changed!""#)
        .fetch_one(transaction)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_and_the_event_of_its_call_are_one() {
        let shape = |sql: &str| {
            let both = statement_with_event(sql, 2)?;
            assert!(both.contains("values ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"));
            let (before, event) = both.split_once("insert into audit_event")?;
            let (_, after) = event.split_once("do nothing)")?;
            Some(format!("{}…{after}", before.trim()))
        };
        for (sql, both) in [
            (
                "insert into tag values ($1)",
                "with event_of_the_call as (…insert into tag values ($1)",
            ),
            (" DELETE from tag", "with event_of_the_call as (…DELETE from tag"),
            ("with a as (select 1) select", "with event_of_the_call as (…, a as (select 1) select"),
            ("select 1 for update", "with event_of_the_call as (…select 1 for update"),
            (
                "with recursive a as (select 1) select",
                "with recursive event_of_the_call as (…, a as (select 1) select",
            ),
        ] {
            assert_eq!(shape(sql).map(|s| s.replace("… ", "…")), Some(both.to_owned()), "{sql}");
        }
        for sql in ["lock table a", "(select 1)", ""] {
            assert_eq!(statement_with_event(sql, 0), None, "{sql}");
        }
    }

    #[test]
    fn statements_that_write_are_known_by_their_words() {
        for sql in [
            "insert into tag values ($1)",
            "with b as (\n  UPDATE broker set a = 1 returning id) select id from b",
            "select id from broker where id = $1 for no key update",
            "select id from broker for share of broker",
            "(delete from tag)",
            "select 'a''b', \"c\" from d for update",
        ] {
            assert!(statement_may_write(sql), "{sql}");
        }
        for sql in [
            "select updated, deleting from broker",
            "select count(*) from \"share\" where a = 'it''s to DELETE' and b = $1",
            "",
        ] {
            assert!(!statement_may_write(sql), "{sql}");
        }
    }
}
