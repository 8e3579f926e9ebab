//! Follows the table of routes and keeps the listeners equal to it.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use brokerd_domain::Entropy;
use brokerd_store::UnreadableRoute;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    listeners::Listeners,
    metrics::Metrics,
    options::Options,
    routes::{CurrentRoutes, Reading, RouteSource, RoutingTable, SourceError, TableCache},
    status::{Status, StatusReporter},
};

/// The pause after a failed reading of the table.
const READ_RETRY: Duration = Duration::from_millis(500);
/// The least time between two readings, so that a burst of changes is read once.
const MIN_READ_INTERVAL: Duration = Duration::from_millis(10);
/// The least time between two writes of the table cache, so that a burst of changes is written once.
const MIN_CACHE_INTERVAL: Duration = Duration::from_secs(1);
/// How long the first reading may take before the cached table is served.
const FIRST_READ_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of following the table.
#[derive(Default)]
struct Following {
    current: CurrentRoutes,
    /// The unreadable rows that were logged.
    logged: Vec<UnreadableRoute>,
    cache: Option<TableCache>,
    /// Whether the cache may be out of date.
    cache_is_stale: bool,
    /// When the cache may be written next.
    next_cache_write: Option<Instant>,
}

impl Following {
    /// How long until the cache is to be written; none: it is up to date, or there is none.
    fn until_cache_write(&self, now: Instant) -> Option<Duration> {
        let due = || {
            self.next_cache_write.map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
        };
        (self.cache.is_some() && self.cache_is_stale).then(due)
    }
}

/// The gateway. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    options: Arc<Options>,
    metrics: Metrics,
    entropy: Arc<dyn Entropy>,
    status: StatusReporter,
}

impl Gateway {
    /// A gateway that is not running yet.
    pub fn new(options: Options, metrics: Metrics, entropy: Arc<dyn Entropy>) -> Self {
        let status = StatusReporter::new(metrics.clone());
        Self { options: Arc::new(options), metrics, entropy, status }
    }

    /// Whether a table was applied: from then on every endpoint of it answers.
    pub fn ready(&self) -> bool {
        self.status.is_applied()
    }

    /// The status now, and whenever it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Serves until `shutdown`. A source that fails is read again; meanwhile its last table stays in force, at the start
    /// the cached one.
    pub async fn run<S: RouteSource>(&self, mut source: S, shutdown: CancellationToken) {
        let mut listeners =
            Listeners::new(Arc::clone(&self.options), self.metrics.clone(), self.status.clone());
        let path = self.options.table_file.clone();
        let mut following = Following { cache: path.map(TableCache::at), ..Following::default() };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.follow(&mut source, &mut listeners, &mut following) => {}
        }
        self.write_cache(&mut following).await;
        listeners.shut_down().await;
    }

    async fn follow<S: RouteSource>(
        &self,
        source: &mut S,
        listeners: &mut Listeners,
        following: &mut Following,
    ) {
        let mut read_timeout = FIRST_READ_TIMEOUT.min(self.options.read_timeout);
        let (mut failing, mut restored) = (false, false);
        loop {
            match self.read(source, read_timeout).await {
                Ok(reading) => {
                    if failing {
                        tracing::info!("table of routes read again");
                    }
                    failing = false;
                    self.metrics.table_reads.inc();
                    self.metrics.table_stale.set(0);
                    self.apply(reading, listeners, following).await;
                    self.status.applied();
                    if following.until_cache_write(Instant::now()) == Some(Duration::ZERO) {
                        self.write_cache(following).await;
                    }
                }
                Err(error) => {
                    // Logged once per outage: what is served does not change meanwhile.
                    if !failing {
                        tracing::warn!(
                            error = &error as &dyn Error,
                            "table of routes not read; the last one stays in force"
                        );
                    }
                    failing = true;
                    self.metrics.table_read_failures.inc();
                    self.metrics.table_stale.set(1);
                    if !self.ready()
                        && let Some(cache) = following.cache.as_mut().filter(|_| !restored)
                    {
                        restored = true;
                        following.current = self.restore(cache, listeners).await;
                    }
                }
            }
            read_timeout = self.options.read_timeout;
            if failing {
                // A lost connection may count as a change at once, again and again.
                sleep(self.spread(READ_RETRY)).await;
            } else {
                sleep(MIN_READ_INTERVAL).await;
                let poll = self.spread(self.options.poll);
                let due = following.until_cache_write(Instant::now());
                let pause = due.map_or(poll, |due| poll.min(due));
                // Read again after a change and after the pause alike.
                timeout(pause, source.changed()).await.unwrap_or_default();
            }
        }
    }

    /// Puts a reading in force.
    async fn apply(&self, reading: Reading, listeners: &mut Listeners, following: &mut Following) {
        let rows = match reading {
            Reading::Whole(table) => {
                let rows = table.rows;
                following.current.replace(table);
                listeners.apply(RoutingTable::new(following.current.routes())).await;
                following.cache_is_stale = true;
                rows
            }
            Reading::Changes(changes) if changes.brokers.is_empty() => return,
            Reading::Changes(changes) => {
                let (rows, brokers) = (changes.table.rows, changes.brokers.clone());
                following.current.change(changes);
                listeners
                    .apply_part(&brokers, RoutingTable::new(following.current.routes_of(&brokers)))
                    .await;
                following.cache_is_stale = true;
                rows
            }
        };
        self.metrics.table_rows.inc_by(u64::try_from(rows).unwrap_or(u64::MAX));
        self.log_unreadable(following.current.unreadable(), &mut following.logged);
    }

    /// Writes the cache, if it is out of date.
    async fn write_cache(&self, following: &mut Following) {
        let Some(cache) = following.cache.as_mut().filter(|_| following.cache_is_stale) else {
            return;
        };
        let routes = following.current.routes().cloned().collect();
        let mut pause = MIN_CACHE_INTERVAL;
        match cache.save(routes).await {
            Ok(()) => following.cache_is_stale = false,
            Err(error) => {
                self.metrics.table_cache_write_failures.inc();
                tracing::warn!(
                    error = &error as &dyn Error, path = %cache.path().display(),
                    "table cache not written; a start without the database would serve an older table"
                );
                pause = self.options.poll;
            }
        }
        following.next_cache_write = Some(Instant::now() + pause);
    }

    /// Logs unreadable rows, once for as long as they are the same.
    fn log_unreadable(&self, now: &[UnreadableRoute], before: &mut Vec<UnreadableRoute>) {
        const MAX_LOGGED: usize = 5;
        self.metrics.routes_unreadable.set(i64::try_from(now.len()).unwrap_or(i64::MAX));
        if now == before.as_slice() {
            return;
        }
        for route in now.iter().filter(|route| !before.contains(route)).take(MAX_LOGGED) {
            tracing::error!(
                broker.id = %route.broker, what = route.what,
                "endpoints unreadable; served as they last were"
            );
        }
        if now.is_empty() {
            tracing::info!("all endpoints readable again");
        }
        *before = now.to_vec();
    }

    /// Serves the cached table, if it is usable.
    async fn restore(&self, cache: &mut TableCache, listeners: &mut Listeners) -> CurrentRoutes {
        match cache.load().await {
            Ok(None) => CurrentRoutes::default(),
            Ok(Some(routes)) => {
                tracing::warn!(
                    path = %cache.path().display(), routes = routes.len(),
                    "serving the cached table of routes"
                );
                listeners.apply(RoutingTable::new(&routes)).await;
                self.status.applied();
                CurrentRoutes::of(routes)
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn Error, path = %cache.path().display(),
                    "cached table of routes not usable"
                );
                CurrentRoutes::default()
            }
        }
    }

    async fn read<S: RouteSource>(
        &self,
        source: &mut S,
        limit: Duration,
    ) -> Result<Reading, SourceError> {
        let reading = async {
            if let Err(error) = source.subscribe().await {
                // Polling finds changes, too, only later.
                tracing::debug!(
                    error = &error as &dyn Error,
                    "not subscribed to changes of the table of routes"
                );
            }
            source.routes().await
        };
        timeout(limit, reading).await.map_err(|_| SourceError::new("no answer in time"))?
    }

    /// `duration` ±10 %, so that several gateways don't read in step.
    fn spread(&self, duration: Duration) -> Duration {
        let percent = 90 + self.entropy.below(21);
        duration.mul_f64(f64::from(u32::try_from(percent).unwrap_or(100)) / 100.0)
    }
}
