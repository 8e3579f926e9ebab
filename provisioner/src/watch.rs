//! Follows what the runtime tells of brokers. Its events are hints: whoever is woken looks, and looks now and
//! then anyway.

use std::{sync::Arc, time::Duration};

use brokerd_domain::BrokerId;
use brokerd_store::StoreError;
use futures_util::{StreamExt, stream::BoxStream};
use tokio_util::sync::CancellationToken;

use crate::{pass::Context, worker::pause_or_stop};

/// How long to wait before a runtime is watched again that could not be watched any more.
const PAUSE: Duration = Duration::from_secs(2);

/// Wakes brokers of which the runtime has something to tell, until cancelled.
pub async fn watch(context: Arc<Context>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match context.runtime.watch().await {
            Ok(events) => {
                let woken = tokio::select! {
                    () = shutdown.cancelled() => return,
                    woken = wake(&context, events) => woken,
                };
                if let Err(error) = woken {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "can't wake brokers; watching anew"
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "can't watch the runtime; polling goes on"),
        }
        pause_or_stop(PAUSE, &shutdown).await;
    }
}

/// Wakes brokers until the runtime ends its events. What could not be woken is not forgotten: watching anew
/// begins with waking all, because what happened while nobody watched may have left them in a long pause.
async fn wake(
    context: &Context,
    mut events: BoxStream<'static, BrokerId>,
) -> Result<(), StoreError> {
    context.store.wake_all().await?;
    while let Some(broker) = events.next().await {
        context.store.wake(broker).await?;
    }
    Ok(())
}
