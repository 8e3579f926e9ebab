//! What is known of all brokers, read at most every fifteen seconds, however many scrape.

use std::{collections::HashMap, sync::Arc, time::Duration};

use brokerd_domain::{BrokerId, Clock, Timestamp};
use brokerd_store::{BrokerSample, FleetBroker, PgStore, StoreError};
use tokio::sync::Mutex;

/// How old a remembered answer may be.
const FRESH: Duration = Duration::from_secs(15);
/// How old a sample may be; one is taken every minute. A broker that does not answer leaves a gap.
const OLDEST_SAMPLE: Duration = Duration::from_mins(3);

/// All brokers with their last samples.
pub(crate) struct Fleet {
    pub(crate) brokers: Vec<FleetBroker>,
    pub(crate) samples: HashMap<BrokerId, BrokerSample>,
}

/// The last answer.
pub(crate) struct FleetCache {
    store: PgStore,
    clock: Arc<dyn Clock>,
    /// Held while the database is read, so that whoever comes meanwhile gets the same answer.
    last: Mutex<Option<(Timestamp, Arc<Fleet>)>>,
}

impl FleetCache {
    pub(crate) fn new(store: PgStore, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, last: Mutex::new(None) }
    }

    /// All brokers, as they were at most fifteen seconds ago.
    ///
    /// # Errors
    /// The error of the store.
    pub(crate) async fn get(&self) -> Result<Arc<Fleet>, StoreError> {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        if let Some((at, fleet)) = &*last
            && *at <= now
            && now.since(*at) < FRESH
        {
            return Ok(Arc::clone(fleet));
        }
        let oldest = Timestamp::from_micros(
            now.as_micros() - i64::try_from(OLDEST_SAMPLE.as_micros()).unwrap_or_default(),
        );
        let brokers = self.store.fleet().await?;
        let samples = self.store.all_latest_samples(oldest).await?;
        let samples = samples.into_iter().map(|sample| (sample.broker, sample)).collect();
        let fleet = Arc::new(Fleet { brokers, samples });
        *last = Some((now, Arc::clone(&fleet)));
        Ok(fleet)
    }
}

/// Whether a broker is asked for: by its identifier or name, or all are.
pub(crate) fn is_asked_for(broker: &FleetBroker, wanted: &[String]) -> bool {
    let (id, name) = (broker.summary.id.to_string(), broker.summary.name.as_str());
    wanted.is_empty() || wanted.iter().any(|wanted| *wanted == id || wanted == name)
}
