//! Connections to the database, with time limits that this side keeps.
//!
//! The server's own limits are of no use when packets are swallowed on the way, so every statement of the store goes
//! through [`Pool`], [`Connection`] or [`Transaction`]. A connection on which a statement did not end, because its time
//! was up or because the caller was gone, is closed without a word and never goes back to the pool. One that goes back
//! is asked for an answer first, with a limit, so that no place of the pool is held for ever.

use std::{
    fmt,
    future::Future,
    io,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use sqlx::{
    Connection as _, Either, Error, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::{
    runtime::Handle,
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::availability::Availability;

type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, Result<T, Error>>;
type Step = Either<PgQueryResult, PgRow>;

/// How long an idle connection is taken to be what it was.
const IDLE_TRUSTED: Duration = Duration::from_secs(30);
/// How long an idle connection may take to answer before another one is made.
const IDLE_PATIENCE: Duration = Duration::from_secs(1);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long this side waits for a connection, and for the next word of the server.
    silence: Duration,
    /// How long this side waits for a statement or a transaction as a whole.
    total: Duration,
    /// How long the server works on a statement. Shorter than this side waits, because a statement that the server
    /// has ended leaves nothing behind on either side.
    statement: &'static str,
}

impl Limits {
    /// Of calls for which a request waits, which is answered within five seconds.
    pub(crate) const REQUEST: Self = Self {
        silence: Duration::from_secs(3),
        total: Duration::from_secs(4),
        statement: "2500ms",
    };
    /// Of calls for which nobody waits, and which may read all there is.
    pub(crate) const BACKGROUND: Self =
        Self { silence: Duration::from_secs(5), total: Duration::from_secs(15), statement: "14s" };

    /// With what the server is told.
    fn tell(self, options: PgConnectOptions) -> PgConnectOptions {
        options.options([
            ("statement_timeout", self.statement),
            ("lock_timeout", "2s"),
            // What a transaction has locked is free soon after its client was cut off.
            ("idle_in_transaction_session_timeout", "5s"),
            ("tcp_keepalives_idle", "15"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
        ])
    }
}

/// A pool of connections. Clones share it.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: PgPool,
    limits: Limits,
    availability: Arc<Availability>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool whose connections are made when they are needed.
    pub(crate) fn new(most: u32, limits: Limits, availability: Arc<Availability>) -> Self {
        let known = Arc::clone(&availability);
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
                    if idle.idle_for < IDLE_TRUSTED {
                        return Ok(true);
                    }
                    let asked = timeout(IDLE_PATIENCE, connection.ping()).await;
                    Ok(matches!(asked, Ok(Ok(()))))
                })
            })
            .connect_lazy_with(limits.tell(availability.options().clone()));
        Self { pool, limits, availability }
    }

    /// Connections of one's own to the same database.
    pub(crate) fn another(&self, most: u32, limits: Limits) -> Self {
        Self::new(most, limits, Arc::clone(&self.availability))
    }

    pub(crate) fn availability(&self) -> &Arc<Availability> {
        &self.availability
    }

    /// A connection for one statement or transaction, whose time begins now.
    async fn acquire(&self) -> Result<Connection, Error> {
        let mut silent = self.availability.silent();
        if *silent.borrow() {
            return Err(silence());
        }
        let end = Instant::now() + self.limits.total;
        let acquired = tokio::select! {
            biased;
            acquired = self.pool.acquire() => acquired,
            () = until_silent(&mut silent) => Err(silence()),
        };
        match acquired {
            Ok(live) => Ok(Connection {
                live: Some(live),
                in_transaction: false,
                limits: self.limits,
                end,
                silent,
                availability: Arc::clone(&self.availability),
            }),
            Err(error) => {
                self.availability.noticed(&error);
                Err(error)
            }
        }
    }

    /// Begins a transaction, whose time begins now.
    pub(crate) async fn begin(&self) -> Result<Transaction, Error> {
        let mut connection = self.acquire().await?;
        connection.execute("begin").await?;
        connection.in_transaction = true;
        Ok(Transaction { connection })
    }
}

/// A connection of the pool, while it is in use and no statement is under way.
pub(crate) struct Connection {
    /// None: a statement did not end, and the connection is closed.
    live: Option<PoolConnection<Postgres>>,
    in_transaction: bool,
    limits: Limits,
    end: Instant,
    silent: watch::Receiver<bool>,
    availability: Arc<Availability>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Connection {
    /// Begins a statement.
    fn begin_statement(&mut self) -> Result<InFlight, Error> {
        let live = self.live.take().ok_or_else(silence)?;
        Ok(InFlight {
            live: Live(Some(live)),
            deadline: Deadline {
                silence: self.limits.silence,
                end: self.end,
                silent: self.silent.clone(),
            },
        })
    }

    /// Ends a statement: the connection may be used again, unless the limit ended it.
    fn end_statement<T>(
        &mut self,
        mut in_flight: InFlight,
        result: Result<Result<T, Error>, Error>,
    ) -> Result<T, Error> {
        match result {
            Ok(answered) => {
                self.live = in_flight.live.back();
                match &answered {
                    Ok(_) => self.availability.answered(),
                    Err(error) => self.availability.noticed(error),
                }
                answered
            }
            Err(error) => {
                self.availability.noticed(&error);
                Err(error)
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else { return };
        let mut live = Live(Some(live));
        let Ok(runtime) = Handle::try_current() else { return };
        let (patience, availability) = (self.limits.silence, Arc::clone(&self.availability));
        let in_transaction = self.in_transaction;
        runtime.spawn(async move {
            let returning = async {
                if in_transaction {
                    live.connection()?.execute("rollback").await?;
                }
                if let Some(mut live) = live.back() {
                    // Asks the server for an answer.
                    live.return_to_pool().await;
                }
                Ok(())
            };
            let returned = timeout(patience, returning).await;
            if let Err(error) = returned.unwrap_or_else(|_| Err(silence())) {
                availability.noticed(&error);
            }
        });
    }
}

/// A statement that is under way. Dropping it closes the connection.
struct InFlight {
    live: Live,
    deadline: Deadline,
}

struct Live(Option<PoolConnection<Postgres>>);

impl Live {
    fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        self.0.as_deref_mut().ok_or_else(silence)
    }

    fn back(&mut self) -> Option<PoolConnection<Postgres>> {
        self.0.take()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(live) = self.0.take() {
            // Closes the socket, and frees the place in the pool, without waiting for anything.
            drop(live.detach());
        }
    }
}

/// What ends the waiting for the server.
struct Deadline {
    silence: Duration,
    end: Instant,
    silent: watch::Receiver<bool>,
}

impl Deadline {
    /// What the server answers, unless it takes too long, or does not answer anybody.
    async fn within<T>(&mut self, answer: impl Future<Output = T>) -> Result<T, Error> {
        let until = self.end.min(Instant::now() + self.silence);
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = sleep_until(until) => Err(silence()),
            () = until_silent(&mut self.silent) => Err(silence()),
        }
    }
}

/// Waits until it is known that the database answers nobody.
async fn until_silent(silent: &mut watch::Receiver<bool>) {
    if silent.wait_for(|silent| *silent).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The error of a call whose time is up.
pub(crate) fn silence() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time"))
}

/// A transaction. Dropped without [`Transaction::commit`] it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction {
    connection: Connection,
}

impl Transaction {
    /// Commits.
    ///
    /// # Errors
    /// When the server refuses; when it does not answer in time, and then nobody knows whether it was committed.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        self.connection.execute("commit").await?;
        self.connection.in_transaction = false;
        Ok(())
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

impl Connection {
    async fn optional<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<Option<PgRow>, Error> {
        let mut in_flight = self.begin_statement()?;
        let row =
            in_flight.deadline.within(in_flight.live.connection()?.fetch_optional(query)).await;
        self.end_statement(in_flight, row)
    }

    /// All that a statement gives, each part within the limits.
    async fn all<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<Vec<Step>, Error> {
        let mut in_flight = self.begin_statement()?;
        let mut steps = Vec::new();
        let result = {
            let InFlight { live, deadline } = &mut in_flight;
            let mut answers = live.connection()?.fetch_many(query);
            loop {
                match deadline.within(answers.try_next()).await {
                    Ok(Ok(Some(step))) => steps.push(step),
                    Ok(Ok(None)) => break Ok(Ok(())),
                    Ok(Err(error)) => break Ok(Err(error)),
                    Err(error) => break Err(error),
                }
            }
        };
        self.end_statement(in_flight, result)?;
        Ok(steps)
    }
}

fn stream_of<'e>(
    steps: impl Future<Output = Result<Vec<Step>, Error>> + Send + 'e,
) -> stream::BoxStream<'e, Result<Step, Error>> {
    stream::once(steps)
        .map_ok(|steps| stream::iter(steps.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> stream::BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        stream_of(self.all(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.optional(query).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, PgStatement>
    where
        'c: 'e,
    {
        async move {
            let mut in_flight = self.begin_statement()?;
            let prepared = in_flight
                .deadline
                .within(in_flight.live.connection()?.prepare_with(sql, parameters))
                .await;
            self.end_statement(in_flight, prepared)
        }
        .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Describe<Postgres>>
    where
        'c: 'e,
    {
        async move {
            let mut in_flight = self.begin_statement()?;
            let described =
                in_flight.deadline.within(in_flight.live.connection()?.describe(sql)).await;
            self.end_statement(in_flight, described)
        }
        .boxed()
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> stream::BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        stream_of(async move { self.acquire().await?.all(query).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Option<PgRow>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        async move { self.acquire().await?.optional(query).await }.boxed()
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
