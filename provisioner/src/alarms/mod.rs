//! Alarms of Amazon CloudWatch: they are evaluated every minute, and topics are told when their state changes.
//!
//! Any provisioner may do it; the store has each alarm evaluated and each notification delivered by one at a time.

mod deliver;
mod evaluate;
mod webhook;

use std::{sync::Arc, time::Duration};

use brokerd_store::{PgStore, StoreError};

pub use self::{
    deliver::{Topics, WrongWebhook, deliver},
    evaluate::evaluate,
};
use crate::tasks::repeat::Rounds;

/// How often an alarm is evaluated.
pub const INTERVAL: Duration = Duration::from_secs(60);
/// How long to wait where nothing is due.
const PAUSE: Duration = Duration::from_secs(2);
/// How many alarms one statement takes.
const BATCH: u32 = 100;

/// Evaluates alarms until cancelled.
pub(crate) async fn keep_evaluating(store: PgStore, rounds: Rounds) {
    let evaluated = || async {
        let evaluated = evaluate(&store, &*rounds.clock, BATCH).await?;
        let is_full = evaluated >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        Ok::<_, StoreError>(if is_full { Duration::ZERO } else { PAUSE })
    };
    rounds.repeat("alarms not evaluated; done again", evaluated).await;
}

/// Delivers notifications until cancelled.
pub(crate) async fn keep_delivering(store: PgStore, topics: Arc<Topics>, rounds: Rounds) {
    let delivered = || async {
        let delivered = deliver(&store, &topics, &*rounds.clock).await?;
        Ok::<_, StoreError>(if delivered > 0 { Duration::ZERO } else { PAUSE })
    };
    rounds.repeat("notifications of alarms not delivered; done again", delivered).await;
}
