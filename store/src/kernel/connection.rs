//! A connection in use, with time limits that this side keeps.

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use sqlx::{
    Either, Error, Execute, Executor, PgConnection, Postgres, SqlStr,
    postgres::{PgArguments, PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{
    audited::{self, AuditedCall},
    database_health::DatabaseHealth,
    warm::{Live, Warm},
};

pub(super) type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, Result<T, Error>>;
pub(super) type Step = Either<PgQueryResult, PgRow>;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long this side waits for a connection, and for the next message of the server.
    pub(super) silence: Duration,
    /// How long this side waits for a statement or a transaction as a whole.
    pub(super) total: Duration,
    /// How long the server works on a statement. Shorter than this side waits, because a statement that the server
    /// has ended leaves nothing behind on either side.
    statement: &'static str,
}

impl Limits {
    /// The limits of calls that a request waits for. A request is answered within five seconds.
    pub(crate) const REQUEST: Self = Self {
        silence: Duration::from_secs(3),
        total: Duration::from_secs(4),
        statement: "2500ms",
    };
    /// The limits of background calls, which may read whole tables.
    pub(crate) const BACKGROUND: Self =
        Self { silence: Duration::from_secs(5), total: Duration::from_secs(15), statement: "14s" };

    /// Adds the limits that the server keeps.
    pub(super) fn tell(self, options: PgConnectOptions) -> PgConnectOptions {
        options.options([
            ("statement_timeout", self.statement),
            ("lock_timeout", "2s"),
            // The locks of a transaction are released soon after its client is lost.
            ("idle_in_transaction_session_timeout", "5s"),
            ("tcp_keepalives_idle", "15"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
        ])
    }
}

/// A connection of the pool, while it is in use and no statement is in flight.
pub(crate) struct Connection {
    /// None: a statement did not end, and the connection is closed.
    live: Option<Live>,
    /// When it was taken from the pool of sqlx.
    taken: Instant,
    /// The right to have it, until it is given back.
    place: Option<OwnedSemaphorePermit>,
    warm: Arc<Warm>,
    in_transaction: bool,
    /// Whether its last statement ended well.
    is_well: bool,
    /// Whether a statement that may write was executed.
    may_have_written: bool,
    /// The call whose event is written together with the next statement that may write.
    event_of: Option<Arc<AuditedCall>>,
    limits: Limits,
    end: Instant,
    unreachable: watch::Receiver<bool>,
    database_health: Arc<DatabaseHealth>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The input of a [`Connection`].
pub(super) struct Acquired {
    pub(super) live: Live,
    pub(super) taken: Instant,
    pub(super) place: OwnedSemaphorePermit,
    pub(super) warm: Arc<Warm>,
}

impl Connection {
    /// A connection for a statement or transaction that must end by `end`.
    pub(super) fn new(
        acquired: Acquired,
        limits: Limits,
        end: Instant,
        unreachable: watch::Receiver<bool>,
        database_health: Arc<DatabaseHealth>,
    ) -> Self {
        Self {
            live: Some(acquired.live),
            taken: acquired.taken,
            place: Some(acquired.place),
            warm: acquired.warm,
            in_transaction: false,
            is_well: true,
            may_have_written: false,
            event_of: None,
            limits,
            end,
            unreachable,
            database_health,
        }
    }

    /// Writes the event of this call together with the next statement that may write.
    pub(super) fn take_along(&mut self, call: Arc<AuditedCall>) {
        self.event_of = Some(call);
    }

    /// Whether a statement that may write was executed.
    pub(super) const fn may_have_written(&self) -> bool {
        self.may_have_written
    }

    /// The statement to execute, and whether it inserts the event, too.
    fn with_event<'q>(
        &mut self,
        mut query: impl Execute<'q, Postgres>,
    ) -> Result<(SqlStr, Option<PgArguments>, bool), Error> {
        let arguments = query.take_arguments().map_err(Error::Encode)?;
        let sql = query.sql();
        let may_write = audited::statement_may_write(sql.as_str());
        self.may_have_written |= may_write;
        match &self.event_of {
            Some(call) if may_write => audited::with_event(sql, arguments, call),
            Some(_) | None => Ok((sql, arguments, false)),
        }
    }

    /// Writes the event by itself, if no statement could insert it.
    pub(super) async fn write_event(&mut self) -> Result<(), Error> {
        let Some(call) = self.event_of.take() else { return Ok(()) };
        let (sql, arguments, _) = audited::with_event(SqlStr::from_static("select"), None, &call)?;
        self.all((sql, arguments)).await.map(drop)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.execute("begin").await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Commits the transaction.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        self.execute("commit").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Rolls the transaction back.
    pub(super) async fn rollback(&mut self) -> Result<(), Error> {
        self.execute("rollback").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Begins a statement.
    fn begin_statement(&mut self) -> Result<InFlight, Error> {
        let live = self.live.take().ok_or_else(silence)?;
        self.is_well = false;
        Ok(InFlight {
            live,
            deadline: Deadline {
                silence: self.limits.silence,
                end: self.end,
                unreachable: self.unreachable.clone(),
            },
        })
    }

    /// Ends a statement: the connection may be used again, unless the limit ended it.
    fn end_statement<T>(
        &mut self,
        in_flight: InFlight,
        result: Result<Result<T, Error>, Error>,
    ) -> Result<T, Error> {
        match result {
            Ok(answered) => {
                self.live = Some(in_flight.live);
                match &answered {
                    Ok(_) => {
                        self.is_well = true;
                        self.database_health.answered();
                    }
                    Err(error) => self.database_health.record_failure(error),
                }
                answered
            }
            Err(error) => {
                self.database_health.record_failure(&error);
                Err(error)
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut live) = self.live.take() else { return };
        let (place, in_transaction) = (self.place.take(), self.in_transaction);
        if self.is_well && !in_transaction {
            match self.warm.keep(live, self.taken) {
                Ok(()) => return,
                Err(back) => live = back,
            }
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (time_limit, database_health) =
            (self.limits.silence, Arc::clone(&self.database_health));
        runtime.spawn(async move {
            let returning = async {
                if in_transaction {
                    connection(&mut live)?.execute("rollback").await?;
                }
                live.give_back().await;
                Ok(())
            };
            let returned = timeout(time_limit, returning).await;
            if let Err(error) = returned.unwrap_or_else(|_| Err(silence())) {
                database_health.record_failure(&error);
            }
            drop(place);
        });
    }
}

/// A statement in flight. Dropping it closes the connection.
struct InFlight {
    live: Live,
    deadline: Deadline,
}

fn connection(live: &mut Live) -> Result<&mut PgConnection, Error> {
    live.connection().map(|live| &mut **live).ok_or_else(silence)
}

/// The limits of waiting for the server.
struct Deadline {
    silence: Duration,
    end: Instant,
    unreachable: watch::Receiver<bool>,
}

impl Deadline {
    /// The server's answer, unless it takes too long or the database answers no call at all.
    async fn within<T>(&mut self, answer: impl Future<Output = T>) -> Result<T, Error> {
        let until = self.end.min(Instant::now() + self.silence);
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = sleep_until(until) => Err(silence()),
            () = until_unreachable(&mut self.unreachable) => Err(silence()),
        }
    }
}

/// Waits until the database counts as silent.
pub(super) async fn until_unreachable(unreachable: &mut watch::Receiver<bool>) {
    if unreachable.wait_for(|unreachable| *unreachable).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The error of a call whose time is up.
pub(crate) fn silence() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time"))
}

impl Connection {
    pub(super) async fn optional<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<Option<PgRow>, Error> {
        let (sql, arguments, has_event) = self.with_event(query)?;
        let mut in_flight = self.begin_statement()?;
        let query = (sql, arguments);
        let row =
            in_flight.deadline.within(connection(&mut in_flight.live)?.fetch_optional(query)).await;
        let row = self.end_statement(in_flight, row)?;
        self.event_of.take_if(|_| has_event);
        Ok(row)
    }

    /// All results of a statement, each within the limits.
    pub(super) async fn all<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<Vec<Step>, Error> {
        let (sql, arguments, has_event) = self.with_event(query)?;
        let mut in_flight = self.begin_statement()?;
        let mut steps = Vec::new();
        let result = {
            let InFlight { live, deadline } = &mut in_flight;
            let mut answers = connection(live)?.fetch_many((sql, arguments));
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
        self.event_of.take_if(|_| has_event);
        Ok(steps)
    }
}

pub(super) fn stream_of<'e>(
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
                .within(connection(&mut in_flight.live)?.prepare_with(sql, parameters))
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
                in_flight.deadline.within(connection(&mut in_flight.live)?.describe(sql)).await;
            self.end_statement(in_flight, described)
        }
        .boxed()
    }
}
