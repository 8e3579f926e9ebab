//! Notifications of the store: they say that something is due, and are only hints.

use std::{sync::Arc, time::Duration};

use brokerd_store::{Channel, PgStore};
use tokio_util::sync::CancellationToken;

use super::Queue;
use crate::pause::pause_or_stop;

/// How long to wait before listening again after that failed.
const RETRY: Duration = Duration::from_secs(5);

/// Wakes whoever claims whenever something may be due, until cancelled.
pub(crate) async fn follow_notifications(
    store: PgStore,
    queue: Arc<Queue>,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        match store.listen(Channel::Reconcile).await {
            Ok(mut listener) => loop {
                // This first wake-up finds what came before the listener.
                queue.wake();
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    _ = listener.wait() => {}
                }
            },
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "not subscribed to due brokers; retried"
                );
                pause_or_stop(RETRY, &shutdown).await;
            }
        }
    }
}
