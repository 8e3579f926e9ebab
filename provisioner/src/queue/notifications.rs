//! Notifications of the store. They are hints that a broker is due.

use std::{sync::Arc, time::Duration};

use brokerd_store::{Channel, PgStore};
use tokio_util::sync::CancellationToken;

use super::Queue;
use crate::pause::pause_or_stop;

/// The pause before listening again after an error.
const RETRY: Duration = Duration::from_secs(5);

/// Wakes the queue whenever a broker may be due, until cancelled.
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
