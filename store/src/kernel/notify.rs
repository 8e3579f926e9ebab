//! Notifications. They are hints: a listener queries when it is notified, and polls anyway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Acquire as _, Connection as _, Error,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    runtime,
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    database_health::DatabaseHealth,
    error::StoreError,
    pool::{Pool, silence},
};

/// How often a silent connection is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long a ping or a new connection may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The pause before a lost connection is replaced.
const RETRY: Duration = Duration::from_secs(1);

/// What a [`Listener`] listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A broker became due.
    Reconcile,
    /// The gateway's table changed.
    Routes,
    /// A broker changed, for pages that show it.
    Brokers,
    /// An engine is to be asked.
    EngineCalls,
    /// An engine has answered.
    EngineAnswers,
}

impl Channel {
    const ALL: [Self; 5] =
        [Self::Reconcile, Self::Routes, Self::Brokers, Self::EngineCalls, Self::EngineAnswers];

    const fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "brokerd_reconcile",
            Self::Routes => "brokerd_routes",
            Self::Brokers => "brokerd_brokers",
            Self::EngineCalls => "brokerd_engine_calls",
            Self::EngineAnswers => "brokerd_engine_answers",
        }
    }
}

/// Sends notifications after their cause is committed, merging those that come together.
///
/// A NOTIFY inside the transaction would take a global lock until the commit is durable, and so make
/// all such commits wait for each other's flush to disk.
#[derive(Debug, Clone)]
pub(crate) struct Notifier {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    reconcile: AtomicBool,
    routes: AtomicBool,
    brokers: AtomicBool,
    engine_calls: AtomicBool,
    engine_answers: AtomicBool,
    wake: Notify,
}

impl Shared {
    const fn flag(&self, channel: Channel) -> &AtomicBool {
        match channel {
            Channel::Reconcile => &self.reconcile,
            Channel::Routes => &self.routes,
            Channel::Brokers => &self.brokers,
            Channel::EngineCalls => &self.engine_calls,
            Channel::EngineAnswers => &self.engine_answers,
        }
    }
}

impl Notifier {
    /// Starts the task that sends; it ends with the last clone of the pool's owner.
    pub(crate) fn start(pool: Pool) -> Self {
        let shared = Arc::new(Shared::default());
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            while let Some(shared) = weak.upgrade() {
                let woken = shared.wake.notified();
                // The task must not keep the pool alive after the store's last clone was dropped.
                let _ = tokio::time::timeout(Duration::from_secs(30), woken).await;
                let marked: Vec<Channel> = Channel::ALL
                    .into_iter()
                    .filter(|channel| shared.flag(*channel).swap(false, Ordering::AcqRel))
                    .collect();
                if !marked.is_empty()
                    && let Err(error) = notify_all(&pool, &marked).await
                {
                    tracing::debug!(%error, "notification not sent; listeners poll");
                }
            }
        });
        Self { shared }
    }

    /// Notifies all listeners of `channel`, soon. What makes a broker due or changes its routes has changed the broker,
    /// too.
    pub(crate) fn notify(&self, channel: Channel) {
        self.shared.flag(channel).store(true, Ordering::Release);
        if matches!(channel, Channel::Reconcile | Channel::Routes) {
            self.shared.brokers.store(true, Ordering::Release);
        }
        self.shared.wake.notify_one();
    }
}

/// An event of a [`Listener`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A notification.
    Notification,
    /// The connection is lost, and notifications may be, too.
    Loss,
}

/// Notifications from the database, over a connection of its own.
#[derive(Debug)]
pub struct Listener {
    channel: Channel,
    database_health: Arc<DatabaseHealth>,
    /// None: the connection was lost.
    live: Option<Live>,
}

impl Listener {
    /// Starts listening.
    pub(crate) async fn start(pool: &Pool, channel: Channel) -> Result<Self, StoreError> {
        let database_health = Arc::clone(pool.database_health());
        let live = Some(Live::connect(&database_health, channel).await?);
        Ok(Self { channel, database_health, live })
    }

    /// Waits for the next notification, or for the loss of the connection or its replacement. After these the caller
    /// queries, too, because notifications may have been missed. A server that falls silent is noticed within seven
    /// seconds.
    pub async fn wait(&mut self) -> Heard {
        let Some(live) = &mut self.live else {
            match Live::connect(&self.database_health, self.channel).await {
                Ok(live) => self.live = Some(live),
                Err(error) => {
                    tracing::debug!(%error, "listening connection not made; polling instead");
                    sleep(RETRY).await;
                }
            }
            return Heard::Loss;
        };
        match live.notified().await {
            Ok(()) => Heard::Notification,
            Err(error) => {
                tracing::debug!(%error, "listening connection lost");
                self.database_health.record_failure(&error);
                self.live = None;
                Heard::Loss
            }
        }
    }
}

/// A connection that listens.
#[derive(Debug)]
struct Live {
    listener: Option<PgListener>,
    /// When the server was last heard, and when it was pinged since, if it was. Kept between calls, because a call may
    /// end before the ping or its answer.
    heard: Instant,
    asked: Option<Instant>,
}

impl Live {
    async fn connect(
        database_health: &Arc<DatabaseHealth>,
        channel: Channel,
    ) -> Result<Self, Error> {
        if *database_health.unreachable().borrow() {
            return Err(silence());
        }
        let connecting = Self::try_connect(database_health, channel).await;
        connecting.inspect_err(|error| database_health.record_failure(error))
    }

    async fn try_connect(
        database_health: &DatabaseHealth,
        channel: Channel,
    ) -> Result<Self, Error> {
        // A pool of its own, because the listener keeps its connection, and finally lets it wait for an answer.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(TIMEOUT)
            .connect_lazy_with(database_health.options().clone());
        let listener = Some(PgListener::connect_with(&pool).await?);
        let mut live = Self { listener, heard: Instant::now(), asked: None };
        let listener = live.listener()?;
        listener.eager_reconnect(false);
        timeout(TIMEOUT, listener.listen(channel.name())).await.map_err(|_| silence())??;
        Ok(live)
    }

    /// Waits for a notification, for as long as the server answers.
    async fn notified(&mut self) -> Result<(), Error> {
        loop {
            let until = self.heard + PING_INTERVAL;
            if let Ok(received) = timeout_at(until, self.listener()?.try_recv()).await {
                received?.ok_or_else(|| Error::Io(std::io::ErrorKind::ConnectionAborted.into()))?;
                (self.heard, self.asked) = (Instant::now(), None);
                return Ok(());
            }
            let until = *self.asked.get_or_insert_with(Instant::now) + TIMEOUT;
            let listener = self.listener()?;
            let answer = async { listener.acquire().await?.ping().await };
            timeout_at(until, answer).await.map_err(|_| silence())??;
            (self.heard, self.asked) = (Instant::now(), None);
        }
    }

    fn listener(&mut self) -> Result<&mut PgListener, Error> {
        self.listener.as_mut().ok_or_else(silence)
    }
}

impl Drop for Live {
    /// Closes the connection. A dropped listener leaves a task behind that sends Terminate and waits for the answer,
    /// for ever if the server is silent. So it is dropped in a runtime that ends with it.
    fn drop(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        let Ok(runtime) = runtime::Builder::new_current_thread().build() else { return };
        let inside = runtime.enter();
        drop(listener);
        drop(inside);
        runtime.shutdown_background();
    }
}

/// Notifies all listeners of `channel`.
pub(crate) async fn notify_now(pool: &Pool, channel: Channel) -> Result<(), sqlx::Error> {
    notify_all(pool, &[channel]).await
}

/// Notifies all listeners of some channels, in one transaction.
async fn notify_all(pool: &Pool, channels: &[Channel]) -> Result<(), sqlx::Error> {
    let names: Vec<String> = channels.iter().map(|channel| channel.name().to_owned()).collect();
    sqlx::query!("select pg_notify(name, '') from unnest($1::text[]) as n (name)", &names)
        .execute(pool)
        .await
        .map(drop)
}
