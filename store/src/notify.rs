//! Wake-up calls. They are hints: whoever is woken looks, and looks now and then anyway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::Notify;

use crate::{PgStore, StoreError};

/// What a [`Listener`] listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A broker became due.
    Reconcile,
    /// The gateway's table changed.
    Routes,
}

impl Channel {
    const fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "brokerd_reconcile",
            Self::Routes => "brokerd_routes",
        }
    }
}

/// Sends wake-up calls after their cause is committed, merging those that come together.
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
    wake: Notify,
}

impl Notifier {
    /// Starts the task that sends; it ends with the last clone of the pool's owner.
    pub(crate) fn start(pool: PgPool) -> Self {
        let shared = Arc::new(Shared::default());
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            while let Some(shared) = weak.upgrade() {
                let woken = shared.wake.notified();
                // Not to hold on to what the store's last clone should drop.
                let _ = tokio::time::timeout(Duration::from_secs(30), woken).await;
                for (flag, channel) in
                    [(&shared.reconcile, Channel::Reconcile), (&shared.routes, Channel::Routes)]
                {
                    if flag.swap(false, Ordering::AcqRel)
                        && let Err(error) = notify_now(&pool, channel).await
                    {
                        tracing::debug!(%error, "a notification was not sent; polling finds its cause");
                    }
                }
            }
        });
        Self { shared }
    }

    /// Tells everybody who listens on `channel`, soon.
    pub(crate) fn notify(&self, channel: Channel) {
        let flag = match channel {
            Channel::Reconcile => &self.shared.reconcile,
            Channel::Routes => &self.shared.routes,
        };
        flag.store(true, Ordering::Release);
        self.shared.wake.notify_one();
    }
}

/// What a [`Listener`] has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A notification.
    Notification,
    /// Nothing: the connection is lost, and so may be notifications.
    Loss,
}

/// A wake-up call from the database.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
}

impl Listener {
    /// Waits for the next notification, or for the loss of the connection, after which it is time to look, too, because
    /// notifications may have been missed.
    pub async fn wait(&mut self) -> Heard {
        match self.listener.try_recv().await {
            Ok(Some(_)) => return Heard::Notification,
            // The connection was lost and is made again by the next call.
            Ok(None) => tracing::debug!("the listening connection was lost"),
            Err(error) => {
                tracing::warn!(%error, "can't listen; looking now and then instead");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Heard::Loss
    }
}

/// Tells everybody who listens on `channel`.
pub(crate) async fn notify_now(pool: &PgPool, channel: Channel) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, '')", channel.name()).execute(pool).await.map(drop)
}

/// Starts listening with a connection of its own.
pub(crate) async fn listen(pool: &PgPool, channel: Channel) -> Result<Listener, StoreError> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(channel.name()).await?;
    Ok(Listener { listener })
}

impl PgStore {
    /// Starts listening. What happened before is not told: listen first, then look.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database can't be reached.
    pub async fn listen(&self, channel: Channel) -> Result<Listener, StoreError> {
        listen(&self.pool, channel).await
    }
}
