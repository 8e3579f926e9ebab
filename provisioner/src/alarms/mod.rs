//! Alarms of Amazon CloudWatch: they are evaluated every minute, and topics are told when their state changes.
//!
//! Any provisioner may do it; the store has each alarm evaluated and each notification delivered by one at a time.

mod deliver;
mod evaluate;
mod webhook;

use std::{sync::Arc, time::Duration};

use brokerd_domain::Clock;
use brokerd_store::PgStore;
use tokio_util::sync::CancellationToken;

pub use self::{
    deliver::{Topics, WrongWebhook, deliver},
    evaluate::evaluate,
};
use crate::{metrics::Metrics, pause::pause_or_stop};

/// How often an alarm is evaluated.
pub const EVERY: Duration = Duration::from_secs(60);
/// How long to wait where nothing is due.
const PAUSE: Duration = Duration::from_secs(2);
/// How many alarms one statement takes.
const BATCH: u32 = 100;
/// The name of the tasks in metrics.
const TASK: &str = "alarms";

/// Evaluates alarms until cancelled.
pub(crate) async fn keep_evaluating(
    store: PgStore,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        match evaluate(&store, &*clock, BATCH).await {
            Ok(evaluated) => {
                metrics.task_succeeded(TASK, clock.now());
                if evaluated >= usize::try_from(BATCH).unwrap_or(usize::MAX) {
                    continue;
                }
            }
            Err(error) => {
                metrics.task_failed(TASK);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "alarms not evaluated; done again");
            }
        }
        pause_or_stop(PAUSE, &shutdown).await;
    }
}

/// Delivers notifications until cancelled.
pub(crate) async fn keep_delivering(
    store: PgStore,
    topics: Arc<Topics>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        match deliver(&store, &topics, &*clock).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "notifications of alarms not delivered; done again");
            }
        }
        pause_or_stop(PAUSE, &shutdown).await;
    }
}
