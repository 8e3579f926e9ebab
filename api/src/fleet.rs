//! What is known of all brokers, read at most every fifteen seconds, however many scrape.

use std::{collections::HashMap, sync::Arc, time::Duration};

use brokerd_domain::{BrokerId, Clock, Timestamp, report::AvailabilitySummary};
use brokerd_store::{BrokerSample, FleetBroker, PgStore, StoreError};
use tokio::sync::Mutex;

/// How old a remembered answer may be.
const CACHE_TTL: Duration = Duration::from_secs(15);
/// How old a sample may be; one is taken every minute. A broker that does not answer leaves a gap.
const OLDEST_SAMPLE: Duration = Duration::from_mins(3);

/// How old what is known of their availability may be, which changes little.
const AVAILABILITY_FRESH: Duration = Duration::from_mins(1);
/// The time that it is of.
const AVAILABILITY_OF: Duration = Duration::from_hours(30 * 24);

/// How available brokers were in the last thirty days.
type Availability = HashMap<BrokerId, AvailabilitySummary>;

/// All brokers with their last samples.
#[derive(Default)]
pub(crate) struct Fleet {
    pub(crate) brokers: Vec<FleetBroker>,
    pub(crate) samples: HashMap<BrokerId, BrokerSample>,
    pub(crate) availability: Arc<Availability>,
}

/// The last answers, with the times at which they were read.
#[derive(Default)]
struct Last {
    fleet: Option<(Timestamp, Arc<Fleet>)>,
    availability: Option<(Timestamp, Arc<Availability>)>,
}

/// The last answers.
pub(crate) struct FleetCache {
    store: PgStore,
    clock: Arc<dyn Clock>,
    /// Held while the database is read, so that whoever comes meanwhile gets the same answer.
    last: Mutex<Last>,
}

impl FleetCache {
    pub(crate) fn new(store: PgStore, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, last: Mutex::default() }
    }

    /// All brokers, as they were at most fifteen seconds ago.
    ///
    /// # Errors
    /// The error of the store.
    pub(crate) async fn get(&self) -> Result<Arc<Fleet>, StoreError> {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        if let Some(fleet) = fresh(last.fleet.as_ref(), now, CACHE_TTL) {
            return Ok(fleet);
        }
        let brokers = self.store.fleet().await?;
        let samples = self.store.all_latest_samples(before(now, OLDEST_SAMPLE)).await?;
        let samples = samples.into_iter().map(|sample| (sample.broker, sample)).collect();
        let availability = match fresh(last.availability.as_ref(), now, AVAILABILITY_FRESH) {
            Some(availability) => availability,
            None => {
                let since = before(now, AVAILABILITY_OF);
                let known = self.store.fleet_availability(since, now).await?;
                let known: Arc<Availability> = Arc::new(known.into_iter().collect());
                last.availability = Some((now, Arc::clone(&known)));
                known
            }
        };
        let fleet = Arc::new(Fleet { brokers, samples, availability });
        last.fleet = Some((now, Arc::clone(&fleet)));
        Ok(fleet)
    }
}

/// What was read, if that is not too long ago. What is from the future is: the clock was put back.
fn fresh<T>(last: Option<&(Timestamp, Arc<T>)>, now: Timestamp, age: Duration) -> Option<Arc<T>> {
    let (at, value) = last?;
    (*at <= now && now.since(*at) < age).then(|| Arc::clone(value))
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    let age = i64::try_from(age.as_micros()).unwrap_or_default();
    Timestamp::from_micros(now.as_micros().saturating_sub(age))
}

/// Whether a broker is asked for: by its identifier or name, or all are.
pub(crate) fn is_asked_for(broker: &FleetBroker, wanted: &[String]) -> bool {
    let (id, name) = (broker.summary.id.to_string(), broker.summary.name.as_str());
    wanted.is_empty() || wanted.iter().any(|wanted| *wanted == id || wanted == name)
}
