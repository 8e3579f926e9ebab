//! The health of the database: whether the database answers at all.
//!
//! After a call without an answer one task asks the database over a connection of its own, because one call proves
//! little. Without an answer to that the database counts as silent: all waiting calls fail at once, and new calls fail
//! without waiting, until the task gets an answer.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, Error, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// How long the database may take to answer the test question.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);
/// The pause between two test questions.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// The availability of the database, shared by all pools of a process.
#[derive(Debug)]
pub(crate) struct DatabaseHealth {
    options: PgConnectOptions,
    unreachable: watch::Sender<bool>,
    asking: AtomicBool,
    since: Instant,
    /// The time of the last answer to any call, in microseconds after that.
    answered: AtomicU64,
    /// Connections that were idle at this moment may be dead.
    doubted: Mutex<Option<Instant>>,
}

impl DatabaseHealth {
    /// The availability of the database with these options.
    pub(crate) fn of(options: PgConnectOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            unreachable: watch::Sender::new(false),
            asking: AtomicBool::new(false),
            since: Instant::now(),
            answered: AtomicU64::new(0),
            doubted: Mutex::new(None),
        })
    }

    pub(crate) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Whether the database is silent, and whenever that changes.
    pub(crate) fn unreachable(&self) -> watch::Receiver<bool> {
        self.unreachable.subscribe()
    }

    /// Whether something went wrong after a connection, idle for so long, was last used.
    pub(crate) fn was_in_doubt_since(&self, idle_for: Duration) -> bool {
        let doubted = *self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        doubted.is_some_and(|at| at.elapsed() <= idle_for)
    }

    /// Notes that a call was answered.
    pub(crate) fn answered(&self) {
        self.answered.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes the failure of a call, and asks the database if the call had no answer.
    pub(crate) fn record_failure(self: &Arc<Self>, error: &Error) {
        match error {
            Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => self.ask(),
            Error::PoolTimedOut => self.ask(),
            // The server stopped or was restarted, so the other connections are dead, too.
            Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => self.mark_suspect(),
            Error::Database(refused)
                if refused.code().is_some_and(|code| code.starts_with("57P")) =>
            {
                self.mark_suspect();
            }
            _ => {}
        }
    }

    fn mark_suspect(&self) {
        *self.doubted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Starts the task that asks the database, unless it runs.
    fn ask(self: &Arc<Self>) {
        self.mark_suspect();
        if self.asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let known = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(known) = known.upgrade() {
                let began = known.now();
                let answers = answers(&known.options, PROBE_TIMEOUT).await;
                // The question may have been lost in an outage that has ended meanwhile.
                if answers || known.answered.load(Ordering::Relaxed) > began {
                    known.mark_suspect();
                    if known.unreachable.send_replace(false) {
                        tracing::info!("the database answers again");
                    }
                    known.asking.store(false, Ordering::Release);
                    return;
                }
                if !known.unreachable.send_replace(true) {
                    tracing::warn!("the database does not answer; asking until it does");
                }
                drop(known);
                sleep(PROBE_INTERVAL).await;
            }
        });
    }
}

/// Whether a new connection gets an answer within that time; a refusal counts.
pub(crate) async fn answers(options: &PgConnectOptions, time_limit: Duration) -> bool {
    let asked = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.ping().await?;
        connection.close().await
    };
    matches!(timeout(time_limit, asked).await, Ok(Ok(()) | Err(Error::Database(_))))
}
