//! Transactions, and how those of audited calls take the call's event along.

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
    audited: bool,
}

impl Transaction {
    /// Begins one. An audited one takes the event of its call along.
    pub(super) async fn begin(mut connection: Connection, audited: bool) -> Result<Self, Error> {
        connection.begin().await?;
        Ok(Self { connection, audited })
    }

    /// Commits, with the event of the call that it belongs to.
    ///
    /// # Errors
    /// When the server refuses; when it does not answer in time, and then nobody knows whether it was committed; when it
    /// has changed something, should be audited, and belongs to no call.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        let call = if self.audited { self.audit().await? } else { None };
        self.connection.commit().await?;
        if let Some(call) = call {
            call.note_written();
        }
        Ok(())
    }

    /// Rolls back, and frees what is locked before it returns. Dropping it frees that some time later.
    ///
    /// # Errors
    /// When the server does not answer; it then rolls back by itself.
    pub(crate) async fn rollback(mut self) -> Result<(), Error> {
        self.connection.rollback().await
    }

    /// Writes the event. Gives back the call, if its event is written by this transaction as soon as it is committed.
    async fn audit(&mut self) -> Result<Option<Arc<AuditedCall>>, Error> {
        let call = audited::current();
        let Some((call, event)) = call.as_ref().and_then(|call| Some((call, call.event()?))) else {
            let changed = audited::has_changed(&mut self.connection).await?;
            return if changed { Err(audited::unaudited()) } else { Ok(None) };
        };
        if call.is_written() {
            return Ok(None);
        }
        let inserted = audited::insert_if_changed(&mut self.connection, event).await?;
        Ok(inserted.then(|| Arc::clone(call)))
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
