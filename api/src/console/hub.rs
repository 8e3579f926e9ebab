//! Changes of brokers, read once for all pages that show brokers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use brokerd_domain::BrokerId;
use brokerd_store::{BrokerChange, BrokerChangeCursor, Channel, Listener, PgStore};
use tokio::{
    sync::{broadcast, watch},
    time::{sleep, timeout},
};

/// How often changes are read without a notification.
const POLL: Duration = Duration::from_secs(3);
/// How long changes are collected before they are sent, so that a broker that changes all the time is sent four times a
/// second.
const BATCH_INTERVAL: Duration = Duration::from_millis(250);
/// How many messages a slow page may be behind. After that it gets [`BrokerNotice::Lagged`].
const MAX_LAG: usize = 64;

/// A message to pages.
#[derive(Debug, Clone)]
pub(super) enum BrokerNotice {
    /// These brokers, of any account, have changed.
    Changed(Arc<[BrokerChange]>),
    /// Changes were lost, so all that a page shows may be out of date.
    Lagged,
}

/// Reads changes while there are pages that wait for them.
pub(crate) struct BrokerHub {
    store: PgStore,
    told: broadcast::Sender<BrokerNotice>,
    /// Whether changes are sent from now on.
    ready: watch::Sender<bool>,
    /// Whether the task runs.
    running: Mutex<bool>,
}

/// The subscription of a page.
pub(super) struct Subscription {
    pub(super) told: broadcast::Receiver<BrokerNotice>,
    ready: watch::Receiver<bool>,
}

impl Subscription {
    /// Waits until the hub sends changes. None that comes later is missed.
    pub(super) async fn ready(&mut self) {
        // The hub outlives its subscriptions.
        let _ = self.ready.wait_for(|ready| *ready).await;
    }
}

impl BrokerHub {
    pub(crate) fn new(store: PgStore) -> Arc<Self> {
        let (told, _) = broadcast::channel(MAX_LAG);
        let (ready, _) = watch::channel(false);
        Arc::new(Self { store, told, ready, running: Mutex::new(false) })
    }

    /// Subscribes to changes from now on.
    pub(super) fn subscribe(self: &Arc<Self>) -> Subscription {
        let mut running = self.running();
        let subscription =
            Subscription { told: self.told.subscribe(), ready: self.ready.subscribe() };
        if !*running {
            *running = true;
            tokio::spawn(Arc::clone(self).run());
        }
        subscription
    }

    fn running(&self) -> MutexGuard<'_, bool> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no subscription is left. Then the task ends, and the next subscription starts another one.
    fn is_over(&self) -> bool {
        let mut running = self.running();
        if self.told.receiver_count() > 0 {
            return false;
        }
        *running = false;
        self.ready.send_replace(false);
        true
    }

    async fn run(self: Arc<Self>) {
        let mut reader = Reader { moment: None, told: HashMap::new() };
        let mut listener = self.store.listen(Channel::Brokers).await.ok();
        // If the first reading failed, [`BrokerNotice::Lagged`] is sent as soon as one succeeds.
        let mut has_begun = reader.read(&self.store).await.is_ok();
        self.ready.send_replace(true);
        while !self.is_over() {
            wait(&self.store, &mut listener).await;
            match reader.read(&self.store).await {
                Ok(_) if !has_begun => {
                    has_begun = true;
                    self.tell(BrokerNotice::Lagged);
                }
                Ok(Read::Lost) => self.tell(BrokerNotice::Lagged),
                Ok(Read::Changes(changes)) if changes.is_empty() => {}
                Ok(Read::Changes(changes)) => self.tell(BrokerNotice::Changed(changes.into())),
                // Changes in the meantime are read the next time.
                Err(error) => tracing::debug!(%error, "changes of brokers not read; tried again"),
            }
            sleep(BATCH_INTERVAL).await;
        }
    }

    fn tell(&self, what: BrokerNotice) {
        // There may be no subscription at the moment.
        let _ = self.told.send(what);
    }
}

/// Waits for a notification, or for [`POLL`].
async fn wait(store: &PgStore, listener: &mut Option<Listener>) {
    match listener {
        Some(listener) => drop(timeout(POLL, listener.wait()).await),
        None => {
            sleep(POLL).await;
            *listener = store.listen(Channel::Brokers).await.ok();
        }
    }
}

/// The result of a reading.
enum Read {
    Changes(Vec<BrokerChange>),
    /// The database is another one, or an earlier state of it.
    Lost,
}

struct Reader {
    moment: Option<BrokerChangeCursor>,
    /// What was told last, by the numbers of the transactions: while others are under way it is read again.
    told: HashMap<BrokerId, u64>,
}

impl Reader {
    async fn read(&mut self, store: &PgStore) -> Result<Read, brokerd_store::StoreError> {
        let (changes, moment) = store.broker_changes(self.moment.as_ref()).await?;
        let before = self.moment.replace(moment.clone());
        if before.is_some_and(|before| moment.is_before(&before)) {
            self.told.clear();
            return Ok(Read::Lost);
        }
        let mut fresh = HashMap::<BrokerId, BrokerChange>::new();
        let mut read = HashMap::<BrokerId, u64>::new();
        for change in changes {
            let (broker, transaction) = (change.broker, change.transaction);
            let last = read.entry(broker).or_default();
            *last = transaction.max(*last);
            if self.told.get(&broker).is_some_and(|told| *told >= transaction) {
                continue;
            }
            // Its deletion is the last message about a broker.
            match fresh.get(&broker) {
                Some(known) if known.is_removed => {}
                _ => drop(fresh.insert(broker, change)),
            }
        }
        self.told = read;
        Ok(Read::Changes(fresh.into_values().collect()))
    }
}
