//! Transactions. Those of audited calls write the call's event, too.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::Error;

use super::{
    audited::{self, AuditedCall},
    connection::Connection,
};

/// A transaction. Dropped without [`Transaction::commit`] it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction {
    connection: Connection,
    audited: Audited,
}

/// The audit event that is written with a transaction.
#[derive(Debug)]
enum Audited {
    /// Not audited.
    No,
    /// Audited without a verified call; writes are refused.
    Unknown,
    /// The event of this call, unless it is written already.
    Call(Arc<AuditedCall>),
}

impl Transaction {
    /// Begins a transaction. An audited one writes the event of its call with the first statement that may write.
    pub(super) async fn begin(mut connection: Connection, audited: bool) -> Result<Self, Error> {
        connection.begin().await?;
        let call = audited.then(audited::current);
        let audited = match call {
            None => Audited::No,
            Some(Some(call)) if call.event().is_some() => Audited::Call(call),
            Some(_) => Audited::Unknown,
        };
        let Audited::Call(call) = &audited else { return Ok(Self { connection, audited }) };
        if let Some(trace) = call.trace() {
            sqlx::query_scalar!("select set_config('brokerd.trace', $1, true)", trace)
                .fetch_one(&mut connection)
                .await?;
        }
        if !call.is_written() {
            connection.take_along(Arc::clone(call));
        }
        Ok(Self { connection, audited })
    }

    /// Commits, with the event of its call.
    ///
    /// # Errors
    /// When the server refuses; when it does not answer in time, so that it is unknown whether it was committed; when
    /// it has changed something and is audited without a verified call.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        if self.connection.may_have_written() {
            match &self.audited {
                Audited::No => {}
                Audited::Unknown => {
                    if audited::has_changed(&mut self.connection).await? {
                        return Err(audited::unaudited());
                    }
                }
                Audited::Call(_) => self.connection.write_event().await?,
            }
        }
        let writes = self.connection.may_have_written();
        self.connection.commit().await?;
        if let Audited::Call(call) = &self.audited
            && writes
        {
            call.note_written();
        }
        Ok(())
    }

    /// Rolls back, and releases its locks before it returns. Dropping a transaction releases them some time later.
    ///
    /// # Errors
    /// When the server does not answer; it then rolls back by itself.
    pub(crate) async fn rollback(mut self) -> Result<(), Error> {
        self.connection.rollback().await
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
