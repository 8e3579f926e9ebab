//! Stores what followers have read: many containers in one transaction.

use std::{sync::Arc, time::Duration};

use brokerd_domain::Clock;
use brokerd_store::{LogBatch, PgStore};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::pause::pause_or_stop;

/// How many events one transaction stores, a little more if a batch has many.
const MAX_EVENTS: usize = 2000;
/// How many batches wait to be stored. Followers wait beyond that, and the runtime keeps what they have not read.
const WAITING: usize = 256;
/// How long to wait before it is tried again.
const RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(15);

type Waiting = (LogBatch, oneshot::Sender<bool>);

/// Hands batches to the task that stores them.
#[derive(Debug, Clone)]
pub(super) struct Writer(mpsc::Sender<Waiting>);

impl Writer {
    /// Starts the task, which ends when the last of these is gone, or has nothing to store when it is to stop.
    pub(super) fn start(
        store: PgStore,
        clock: Arc<dyn Clock>,
        shutdown: CancellationToken,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(store, clock, receiver, shutdown));
        Self(sender)
    }

    /// Stores a batch, as soon as the database answers; whether it was stored. Not if somebody else has read on, or the
    /// process ends.
    pub(super) async fn store(&self, batch: LogBatch) -> bool {
        let (sender, stored) = oneshot::channel();
        self.0.send((batch, sender)).await.is_ok() && stored.await.unwrap_or(false)
    }
}

async fn write(
    store: PgStore,
    clock: Arc<dyn Clock>,
    mut receiver: mpsc::Receiver<Waiting>,
    shutdown: CancellationToken,
) {
    while let Some(first) = receiver.recv().await {
        let mut waiting = vec![first];
        let mut events = waiting[0].0.events.len();
        while events < MAX_EVENTS
            && let Ok(next) = receiver.try_recv()
        {
            events += next.0.events.len();
            waiting.push(next);
        }
        let (batches, senders): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        if let Some(stored) = stored(&store, &*clock, &batches, &shutdown).await {
            for (sender, stored) in senders.into_iter().zip(stored) {
                // A follower that is gone reads it again some time.
                let _ = sender.send(stored);
            }
        }
    }
}

/// None: the process ends, and the database does not answer.
async fn stored(
    store: &PgStore,
    clock: &dyn Clock,
    batches: &[LogBatch],
    shutdown: &CancellationToken,
) -> Option<Vec<bool>> {
    let mut pause = RETRY;
    loop {
        match store.append_logs(batches, clock.now()).await {
            Ok(stored) => return Some(stored),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "log lines of brokers not stored; tried again"
            ),
        }
        if shutdown.is_cancelled() {
            return None;
        }
        pause_or_stop(pause, shutdown).await;
        pause = (pause * 2).min(MAX_RETRY);
    }
}
