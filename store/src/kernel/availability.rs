//! Availability: whether the database answers at all.
//!
//! One call that had no answer proves little. When there is one, one task asks the database over a connection of its
//! own. If that has no answer either, the database counts as silent: all who wait for it are told so at once, and
//! nobody else begins to wait, until the task is answered again.

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

/// How long the database may take to answer the question whether it does.
const ASKED_PATIENCE: Duration = Duration::from_millis(1500);
/// How long to wait before it is asked again.
const ASKED_AGAIN: Duration = Duration::from_millis(500);

/// What is known about it, shared by all pools of a process.
#[derive(Debug)]
pub(crate) struct Availability {
    options: PgConnectOptions,
    silent: watch::Sender<bool>,
    asking: AtomicBool,
    since: Instant,
    /// When anybody was answered last, in microseconds after that.
    answered: AtomicU64,
    /// Connections that were idle at this moment may be dead without knowing.
    doubted: Mutex<Option<Instant>>,
}

impl Availability {
    /// Of the database that is reached so.
    pub(crate) fn of(options: PgConnectOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            silent: watch::Sender::new(false),
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
    pub(crate) fn silent(&self) -> watch::Receiver<bool> {
        self.silent.subscribe()
    }

    /// Whether something went wrong after a connection, idle for so long, was last used.
    pub(crate) fn was_in_doubt_since(&self, idle_for: Duration) -> bool {
        let doubted = *self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        doubted.is_some_and(|at| at.elapsed() <= idle_for)
    }

    /// A call was answered.
    pub(crate) fn answered(&self) {
        self.answered.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Draws conclusions from how a call failed.
    pub(crate) fn noticed(self: &Arc<Self>, error: &Error) {
        match error {
            Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => self.ask(),
            Error::PoolTimedOut => self.ask(),
            // The server is gone, or was started anew, and the other connections with it.
            Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => self.doubt(),
            Error::Database(refused)
                if refused.code().is_some_and(|code| code.starts_with("57P")) =>
            {
                self.doubt();
            }
            _ => {}
        }
    }

    fn doubt(&self) {
        *self.doubted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Has the database asked whether it answers, unless somebody does.
    fn ask(self: &Arc<Self>) {
        self.doubt();
        if self.asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let known = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(known) = known.upgrade() {
                let began = known.now();
                let answers = answers(&known.options, ASKED_PATIENCE).await;
                // The question itself may have been lost in an outage that is over.
                if answers || known.answered.load(Ordering::Relaxed) > began {
                    known.doubt();
                    if known.silent.send_replace(false) {
                        tracing::info!("the database answers again");
                    }
                    known.asking.store(false, Ordering::Release);
                    return;
                }
                if !known.silent.send_replace(true) {
                    tracing::warn!("the database does not answer; asking until it does");
                }
                drop(known);
                sleep(ASKED_AGAIN).await;
            }
        });
    }
}

/// Whether a new connection is answered within that time, be it by a refusal.
pub(crate) async fn answers(options: &PgConnectOptions, patience: Duration) -> bool {
    let asked = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.ping().await?;
        connection.close().await
    };
    matches!(timeout(patience, asked).await, Ok(Ok(()) | Err(Error::Database(_))))
}
