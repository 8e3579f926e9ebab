//! Connections to the database, with time limits that this side keeps.
//!
//! The server's own limits are of no use when packets are swallowed on the way, so every statement of the store goes
//! through [`Pool`], [`Connection`] or [`Transaction`]. A connection on which a statement did not end, because its time
//! was up or because the caller was gone, is closed without Terminate and never goes back to the pool. One whose last
//! statement ended well is handed on ([`Warm`]). Others are asked for an answer first, with a limit, so that no place
//! of the pool is held for ever.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, stream};
use sqlx::{
    Connection as _, Error, Execute, Executor, PgPool, Postgres, SqlStr,
    postgres::{PgArguments, PgPoolOptions, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::{Instant, timeout};

use super::{
    audited::{self, AuditedCall},
    connection::{Acquired, BoxFuture, Connection, Step, stream_of, until_unreachable},
    database_health::DatabaseHealth,
    warm::{Live, Warm},
};
pub(crate) use super::{
    connection::{Limits, silence},
    transaction::Transaction,
};

/// How long an idle connection is used without a ping.
const IDLE_TRUST: Duration = Duration::from_secs(30);
/// How long an idle connection may take to answer before another one is made.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// A pool of connections. Clones share it.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: PgPool,
    warm: Arc<Warm>,
    limits: Limits,
    database_health: Arc<DatabaseHealth>,
    /// Whether writes are audited: the event of their call is written with them.
    audited: bool,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool whose connections are made when they are needed.
    pub(crate) fn new(most: u32, limits: Limits, database_health: Arc<DatabaseHealth>) -> Self {
        let known = Arc::clone(&database_health);
        let pool = PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(limits.silence)
            // Asking each connection before its use would double the round trips of every call.
            .test_before_acquire(false)
            .before_acquire(move |connection, idle| {
                let stale = known.was_in_doubt_since(idle.idle_for);
                Box::pin(async move {
                    if stale {
                        return Ok(false);
                    }
                    if idle.idle_for < IDLE_TRUST {
                        return Ok(true);
                    }
                    let asked = timeout(IDLE_TIMEOUT, connection.ping()).await;
                    Ok(matches!(asked, Ok(Ok(()))))
                })
            })
            .connect_lazy_with(limits.tell(database_health.options().clone()));
        let warm = Warm::new(most, Arc::clone(&database_health));
        Self { pool, warm, limits, database_health, audited: false }
    }

    /// The same pool for audited calls: see [`audited`].
    pub(crate) fn audited(&self) -> Self {
        Self { audited: true, ..self.clone() }
    }

    /// A separate pool to the same database.
    pub(crate) fn another(&self, most: u32, limits: Limits) -> Self {
        Self::new(most, limits, Arc::clone(&self.database_health))
    }

    pub(crate) fn database_health(&self) -> &Arc<DatabaseHealth> {
        &self.database_health
    }

    /// A connection for one statement or transaction, whose time begins now.
    async fn acquire(&self) -> Result<Connection, Error> {
        let mut unreachable = self.database_health.unreachable();
        if *unreachable.borrow() {
            return Err(silence());
        }
        let end = Instant::now() + self.limits.total;
        let acquired = tokio::select! {
            biased;
            acquired = self.acquire_place() => acquired,
            () = until_unreachable(&mut unreachable) => Err(silence()),
        };
        match acquired {
            Ok(acquired) => {
                let database_health = Arc::clone(&self.database_health);
                Ok(Connection::new(acquired, self.limits, end, unreachable, database_health))
            }
            Err(error) => {
                self.database_health.record_failure(&error);
                Err(error)
            }
        }
    }

    async fn acquire_place(&self) -> Result<Acquired, Error> {
        let place = self.warm.place(self.limits.silence).await?;
        let (live, taken) = match self.warm.take() {
            Some(warm) => warm,
            None => (Live::new(self.pool.acquire().await?), Instant::now()),
        };
        Ok(Acquired { live, taken, place, warm: Arc::clone(&self.warm) })
    }

    /// Begins a transaction, whose time begins now.
    pub(crate) async fn begin(&self) -> Result<Transaction, Error> {
        Transaction::begin(self.acquire().await?, self.audited).await
    }

    /// The connection or transaction for a single statement.
    async fn begin_single(&self, sql: &str) -> Result<Single, Error> {
        if !self.audited || !audited::statement_may_write(sql) {
            return self.acquire().await.map(Single::Statement);
        }
        // Checked first, so that no connection is taken in vain.
        let call = audited::current().filter(|call| call.event().is_some());
        let call = call.ok_or_else(audited::unaudited)?;
        // The trace is set per transaction.
        if call.trace().is_some() || !audited::may_take_event_along(sql) {
            return self.begin().await.map(Single::Transaction);
        }
        let mut connection = self.acquire().await?;
        if !call.is_written() {
            connection.take_along(Arc::clone(&call));
        }
        Ok(Single::Audited(connection, call))
    }
}

/// A statement by itself.
#[derive(Debug)]
enum Single {
    /// It is its own transaction.
    Statement(Connection),
    /// It is its own transaction, and the event of this call is part of it.
    Audited(Connection, Arc<AuditedCall>),
    /// The event of its call is written by another statement of its transaction.
    Transaction(Transaction),
}

impl Single {
    fn connection(&mut self) -> &mut Connection {
        match self {
            Self::Statement(connection) | Self::Audited(connection, _) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }

    async fn end(self) -> Result<(), Error> {
        match self {
            Self::Statement(_) => {}
            Self::Audited(_, call) => call.note_written(),
            Self::Transaction(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

/// The text and the arguments of a statement.
fn taken<'q>(
    mut query: impl Execute<'q, Postgres>,
) -> Result<(SqlStr, Option<PgArguments>), Error> {
    let arguments = query.take_arguments().map_err(Error::Encode)?;
    Ok((query.sql(), arguments))
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> stream::BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        stream_of(async move {
            let query = taken(query)?;
            let mut single = self.begin_single(query.0.as_str()).await?;
            let steps = single.connection().all(query).await?;
            single.end().await?;
            Ok(steps)
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Option<PgRow>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        async move {
            let query = taken(query)?;
            let mut single = self.begin_single(query.0.as_str()).await?;
            let row = single.connection().optional(query).await?;
            single.end().await?;
            Ok(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, PgStatement>
    where
        'p: 'e,
    {
        async move { self.acquire().await?.prepare_with(sql, parameters).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Describe<Postgres>>
    where
        'p: 'e,
    {
        async move { self.acquire().await?.describe(sql).await }.boxed()
    }
}
