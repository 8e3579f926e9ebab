//! Writes when access keys were last used.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{foundation::Foundation, role::Role, supervise::Supervisor};

/// How often what was noted is written.
const INTERVAL: Duration = Duration::from_mins(1);

/// Starts to write, until `shutdown`, and then once more.
pub(super) fn start(
    supervisor: &mut Supervisor,
    foundation: &Foundation,
    shutdown: &CancellationToken,
) {
    let store = foundation.store.with_own_connections(1);
    let stop = shutdown.clone();
    supervisor.supervise_infallible(Role::Api, shutdown, move || {
        let (store, stop) = (store.clone(), stop.clone());
        async move {
            loop {
                let is_over = tokio::select! {
                    () = tokio::time::sleep(INTERVAL) => false,
                    () = stop.cancelled() => true,
                };
                if let Err(error) = store.write_key_uses().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "uses of access keys not written; tried again");
                }
                if is_over {
                    return;
                }
            }
        }
    });
}
