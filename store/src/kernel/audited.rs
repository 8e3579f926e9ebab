//! Audited writes: whatever a call changes takes the call's event along, in the same transaction.
//!
//! The API runs each call within [`AuditedCall::scope`], and its store is one of [`super::PgStore::audited`]. The pool
//! of such a store puts every statement that may write into a transaction, and inserts the event before the commit, if
//! the transaction has changed or locked anything. Without a call there is no event, and so the pool refuses to write.
//! No method of the store has to know of this.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use brokerd_domain::audit::AuditEvent;
use serde_json::{Value, json};
use sqlx::{Error, PgExecutor};

tokio::task_local! {
    static CALL: Arc<AuditedCall>;
}

/// A call whose writes are audited.
#[derive(Debug, Default)]
pub struct AuditedCall {
    event: OnceLock<AuditEvent>,
    written: AtomicBool,
}

impl AuditedCall {
    /// Runs `work` as this call: what it writes takes the event along. Tasks that it spawns are not part of it, and may
    /// not write.
    pub async fn scope<T>(self: Arc<Self>, work: impl Future<Output = T>) -> T {
        CALL.scope(self, work).await
    }

    /// Tells what the call is, as soon as that is known. What was told before stays.
    pub fn begin(&self, event: AuditEvent) {
        let _ = self.event.set(event);
    }

    /// What the call is; none: nobody has proved who calls, and nothing may be written.
    pub fn event(&self) -> Option<&AuditEvent> {
        self.event.get()
    }

    /// Whether the event is known to be in the database already.
    pub(crate) fn is_written(&self) -> bool {
        self.written.load(Ordering::Acquire)
    }

    /// Notes that the event is in the database.
    pub(crate) fn note_written(&self) {
        self.written.store(true, Ordering::Release);
    }
}

/// The call that this task works for.
pub(crate) fn current() -> Option<Arc<AuditedCall>> {
    CALL.try_with(Arc::clone).ok()
}

/// Words that are in every statement that changes or locks rows.
const WRITING: [&str; 8] =
    ["insert", "update", "delete", "merge", "truncate", "lock", "share", "call"];

/// Whether a statement may change or lock something, by its words outside of quotes. A test asks PostgreSQL about every
/// statement of the store.
pub fn statement_may_write(sql: &str) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_writing = |word: &str| WRITING.iter().any(|writing| writing.eq_ignore_ascii_case(word));
    // A quote within quotes is written twice, which ends them and begins them again.
    let unquoted = sql.split(['\'', '"']).step_by(2);
    unquoted.flat_map(|part| part.split(|c| !is_of_word(c))).any(is_writing)
}

/// The error of a write that belongs to no call.
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

/// Inserts the event of a call whose end is not known yet, if this transaction has changed or locked anything. Whether it
/// did.
pub(super) async fn insert_if_changed<'c>(
    transaction: impl PgExecutor<'c>,
    event: &AuditEvent,
) -> Result<bool, Error> {
    let columns = EventColumns::of(event);
    let inserted = sqlx::query!(
        "insert into audit_event (id, at, account, region, source, name, read_only, username, access_key_id, resources,
                                  complete, record)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false, $11
         where pg_current_xact_id_if_assigned() is not null
         on conflict (id) do nothing",
        event.id,
        event.at.as_micros(),
        event.account.as_str(),
        event.region.as_str(),
        event.source().as_str(),
        event.name(),
        event.read_only(),
        columns.username,
        columns.access_key_id,
        columns.resources,
        columns.record
    )
    .execute(transaction)
    .await?;
    Ok(inserted.rows_affected() > 0)
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
