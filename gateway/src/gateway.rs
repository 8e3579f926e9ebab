//! Follows the source's table.

use std::{
    collections::BTreeSet,
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
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
    Metrics, Options, Reading, Refusal, RouteSource, SourceError, front::Front, kept::KeptTable,
    served::Served, table::Table,
};

/// How long to wait after a table that could not be read.
const READ_RETRY: Duration = Duration::from_millis(500);
/// The least time between two readings, so that a burst of changes is read once.
const READ_SPACING: Duration = Duration::from_millis(10);
/// The least time between two writings of the table, so that a burst of changes is written once.
const KEEP_SPACING: Duration = Duration::from_secs(1);
/// How long the first reading may take before what was kept of a former life serves.
const FIRST_READING: Duration = Duration::from_secs(1);

/// How often it is said that the gateway is full, while it is.
const FULL_AGAIN: Duration = Duration::from_secs(60);

/// What the gateway serves now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// A table was applied at least once.
    pub applied: bool,
    /// The addresses that accept connections.
    pub listening: BTreeSet<SocketAddr>,
    /// The addresses that somebody else holds; they are tried again and again.
    pub blocked: BTreeSet<SocketAddr>,
}

/// Where listeners say how they are.
#[derive(Clone)]
pub(crate) struct Board {
    status: Arc<watch::Sender<Status>>,
    metrics: Metrics,
    /// When it was last said that the gateway is full.
    full: Arc<Mutex<Option<Instant>>>,
}

impl Board {
    pub(crate) fn listening(&self, address: SocketAddr) {
        self.update(|status| {
            status.blocked.remove(&address);
            status.listening.insert(address);
        });
    }

    pub(crate) fn blocked(&self, address: SocketAddr) {
        self.update(|status| {
            status.blocked.insert(address);
        });
    }

    pub(crate) fn closed(&self, address: SocketAddr) {
        self.update(|status| {
            status.blocked.remove(&address);
            status.listening.remove(&address);
        });
    }

    /// Somebody was not let in for want of descriptors. Said once in a while, however many they are.
    pub(crate) fn full(&self) {
        self.metrics.count_refusal(Refusal::Full);
        let mut said = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|said| said.elapsed() > FULL_AGAIN) {
            *said = Some(Instant::now());
            tracing::warn!(
                "the gateway has as many connections as its descriptors allow and refuses more: raise the limit of open files"
            );
        }
    }

    fn applied(&self) {
        self.status.send_if_modified(|status| !std::mem::replace(&mut status.applied, true));
    }

    fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(|status| {
            change(status);
            let gauge = |all: &BTreeSet<SocketAddr>| i64::try_from(all.len()).unwrap_or(i64::MAX);
            self.metrics.listeners.set(gauge(&status.listening));
            self.metrics.listeners_blocked.set(gauge(&status.blocked));
        });
    }
}

/// What a gateway knows that follows a table.
#[derive(Default)]
struct Following {
    served: Served,
    /// What it has said that it can't read.
    told: Vec<UnreadableRoute>,
    kept: Option<KeptTable>,
    /// Whether what is served may be another than what is kept.
    changed: bool,
    /// Not to be kept again before then.
    keep_from: Option<Instant>,
}

impl Following {
    /// How long until what is served is to be kept; none: it is.
    fn until_kept(&self, now: Instant) -> Option<Duration> {
        let due =
            || self.keep_from.map_or(Duration::ZERO, |from| from.saturating_duration_since(now));
        (self.kept.is_some() && self.changed).then(due)
    }
}

/// The gateway; clones are handles to the same one.
#[derive(Clone)]
pub struct Gateway {
    options: Arc<Options>,
    metrics: Metrics,
    entropy: Arc<dyn Entropy>,
    board: Board,
}

impl Gateway {
    /// A gateway that does nothing yet.
    pub fn new(options: Options, metrics: Metrics, entropy: Arc<dyn Entropy>) -> Self {
        let board = Board {
            status: Arc::new(watch::Sender::new(Status::default())),
            metrics: metrics.clone(),
            full: Arc::default(),
        };
        Self { options: Arc::new(options), metrics, entropy, board }
    }

    /// Whether a table was applied: from then on every endpoint that existed answers.
    pub fn ready(&self) -> bool {
        self.board.status.borrow().applied
    }

    /// What is served now, and whenever that changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.board.status.subscribe()
    }

    /// Serves until `shutdown`. A source that fails is asked again; the last table that it gave stays
    /// in force, at the start the one that was kept of a former life.
    pub async fn run<S: RouteSource>(&self, mut source: S, shutdown: CancellationToken) {
        let mut front =
            Front::new(Arc::clone(&self.options), self.metrics.clone(), self.board.clone());
        let path = self.options.table_file.clone();
        let mut following = Following {
            kept: path.map(|path| KeptTable::at(path, Arc::clone(&self.entropy))),
            ..Following::default()
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.follow(&mut source, &mut front, &mut following) => {}
        }
        self.keep(&mut following).await;
        front.shut_down().await;
    }

    async fn follow<S: RouteSource>(
        &self,
        source: &mut S,
        front: &mut Front,
        following: &mut Following,
    ) {
        let mut patience = FIRST_READING.min(self.options.read_timeout);
        let (mut failing, mut restored) = (false, false);
        loop {
            match self.read(source, patience).await {
                Ok(reading) => {
                    if failing {
                        tracing::info!("the table of routes can be read again");
                    }
                    failing = false;
                    self.metrics.table_reads.inc();
                    self.metrics.table_stale.set(0);
                    self.apply(reading, front, following).await;
                    self.board.applied();
                    if following.until_kept(Instant::now()) == Some(Duration::ZERO) {
                        self.keep(following).await;
                    }
                }
                Err(error) => {
                    // Said once per outage: what is served does not change meanwhile.
                    if !failing {
                        tracing::warn!(
                            error = &error as &dyn Error,
                            "the table of routes can't be read; the last one stays in force"
                        );
                    }
                    failing = true;
                    self.metrics.table_read_failures.inc();
                    self.metrics.table_stale.set(1);
                    if !self.ready()
                        && let Some(kept) = following.kept.as_mut().filter(|_| !restored)
                    {
                        restored = true;
                        following.served = self.restore(kept, front).await;
                    }
                }
            }
            patience = self.options.read_timeout;
            if failing {
                // A lost connection may count as a change at once, again and again.
                sleep(self.spread(READ_RETRY)).await;
            } else {
                sleep(READ_SPACING).await;
                let poll = self.spread(self.options.poll);
                let pause = following.until_kept(Instant::now()).map_or(poll, |due| poll.min(due));
                // Either way it is time to look again.
                timeout(pause, source.changed()).await.unwrap_or_default();
            }
        }
    }

    /// Serves by what was read.
    async fn apply(&self, reading: Reading, front: &mut Front, following: &mut Following) {
        let rows = match reading {
            Reading::Whole(table) => {
                let rows = table.rows;
                following.served.replace(table);
                front.apply(Table::new(following.served.routes())).await;
                following.changed = true;
                rows
            }
            Reading::Changes(changes) if changes.brokers.is_empty() => return,
            Reading::Changes(changes) => {
                let (rows, brokers) = (changes.table.rows, changes.brokers.clone());
                following.served.change(changes);
                front.apply_part(&brokers, Table::new(following.served.routes_of(&brokers))).await;
                following.changed = true;
                rows
            }
        };
        self.metrics.table_rows.inc_by(u64::try_from(rows).unwrap_or(u64::MAX));
        self.tell_unreadable(following.served.unreadable(), &mut following.told);
    }

    /// Keeps what is served, if that has changed.
    async fn keep(&self, following: &mut Following) {
        let Some(kept) = following.kept.as_mut().filter(|_| following.changed) else { return };
        let routes = following.served.routes().cloned().collect();
        let mut pause = KEEP_SPACING;
        match kept.save(routes).await {
            Ok(()) => following.changed = false,
            Err(error) => {
                self.metrics.table_keep_failures.inc();
                tracing::warn!(
                    error = &error as &dyn Error, path = %kept.path().display(),
                    "the table of routes can't be kept for a start without a database"
                );
                pause = self.options.poll;
            }
        }
        following.keep_from = Some(Instant::now() + pause);
    }

    /// Says what can't be read, once for as long as it is the same.
    fn tell_unreadable(&self, now: &[UnreadableRoute], before: &mut Vec<UnreadableRoute>) {
        /// More of them say nothing new.
        const SHOWN: usize = 5;
        self.metrics.routes_unreadable.set(i64::try_from(now.len()).unwrap_or(i64::MAX));
        if now == before.as_slice() {
            return;
        }
        for route in now.iter().filter(|route| !before.contains(route)).take(SHOWN) {
            tracing::error!(
                broker.id = %route.broker, what = route.what,
                "a broker's endpoints can't be read and are served as they last were"
            );
        }
        if now.is_empty() {
            tracing::info!("everything in the table of routes can be read again");
        }
        *before = now.to_vec();
    }

    /// Serves by what was kept; that, if it was of use.
    async fn restore(&self, kept: &mut KeptTable, front: &mut Front) -> Served {
        match kept.load().await {
            Ok(None) => Served::default(),
            Ok(Some(routes)) => {
                tracing::warn!(
                    path = %kept.path().display(), routes = routes.len(),
                    "serving by the table of routes that was kept"
                );
                front.apply(Table::new(&routes)).await;
                self.board.applied();
                Served::of(routes)
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn Error, path = %kept.path().display(),
                    "the table of routes that was kept is of no use"
                );
                Served::default()
            }
        }
    }

    async fn read<S: RouteSource>(
        &self,
        source: &mut S,
        patience: Duration,
    ) -> Result<Reading, SourceError> {
        let reading = async {
            if let Err(error) = source.subscribe().await {
                // Polling serves too, only later.
                tracing::debug!(
                    error = &error as &dyn Error,
                    "changes of the table of routes are not announced now"
                );
            }
            source.routes().await
        };
        timeout(patience, reading).await.map_err(|_| SourceError::new("no answer in time"))?
    }

    /// `duration` ±10 %, so that several gateways don't ask in step.
    fn spread(&self, duration: Duration) -> Duration {
        let percent = 90 + self.entropy.below(21);
        duration.mul_f64(f64::from(u32::try_from(percent).unwrap_or(100)) / 100.0)
    }
}
