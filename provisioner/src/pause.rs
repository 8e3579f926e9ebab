//! Waiting that ends when the process is to stop.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Waits for that time, or until `shutdown`.
pub(crate) async fn pause_or_stop(pause: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}
