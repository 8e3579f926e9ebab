//! The role of a provisioner: its start, its tasks, its end.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use brokerd_domain::{Clock, Entropy, InstallationId, Lane, WorkerId};
use brokerd_store::PgStore;
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use tokio::sync::{Mutex as AsyncMutex, Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use crate::{
    alarms::{self, Topics, WrongWebhook},
    catalogue::{Catalogue, CatalogueError, EngineSettings},
    destinations::{self, AnswerContext},
    engine::{
        Engines, Sizing,
        activemq::{ActiveMq, DirectoryAuthorities},
        rabbitmq::RabbitMq,
    },
    health::{Probe, WireProbe},
    metrics::{Metrics, TaskHealth},
    monitor::{self, Monitor, StallGuard},
    pause::pause_or_stop,
    pki::{
        authorities::Authorities,
        rsa_keys::{RsaKeyPool, RsaKeys},
    },
    queue::{Heartbeat, Queue, QueueSettings, follow_notifications},
    reconcile::{EndpointSettings, PassContext, ReconcileStore, background_steps::Operations},
    runtime::{
        Runtime,
        connect::{Connect, Connected},
        registry::Registries,
    },
    secrets::{AwsEndpoints, Remote, Secrets, WrongEndpoint},
    tasks::{
        capacity::{self, CapacityReport, CapacitySettings},
        expire,
        images::{self, Images},
        maintenance,
        repeat::Rounds,
        retention,
        supervise::Supervisor,
        sweep::{self, SweepContext},
        worker_registry::{Registration, WorkerRegistry},
    },
    telemetry::{
        logs::{self, LogContext, LogFollowers, LogSettings},
        metrics::{self, CollectorContext, MetricSettings},
    },
};

/// How long to wait before connecting to the runtime again.
const RUNTIME_PAUSE: Duration = Duration::from_secs(3);
/// How many connections to the database the passes of each lane have for themselves.
const NORMAL_CONNECTIONS: u32 = 6;
const URGENT_CONNECTIONS: u32 = 4;
/// How many connections there are for the logs of brokers: one stores, the others read how far that was.
const LOG_CONNECTIONS: u32 = 3;
/// How many there are for what brokers measure: one stores, the other one rolls up and makes partitions meanwhile.
const METRICS_CONNECTIONS: u32 = 3;
/// How many those who make calls of engines for requests have.
const CALL_CONNECTIONS: u32 = 2;
/// How many those who evaluate alarms and notify topics have.
const ALARM_CONNECTIONS: u32 = 2;

/// How a provisioner works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose objects these are.
    pub installation: InstallationId,
    /// How many brokers are worked on at a time, how long claims hold, and how often to look for due ones.
    pub queue: QueueSettings,
    /// How many brokers may boot for the first time at once; none: twice as many as there are processors, but at least
    /// four.
    pub boots: Option<usize>,
    /// The directory of the worker registry.
    pub worker_registry: PathBuf,
    /// An operator's catalogue instead of the built-in one.
    pub catalogue: Option<PathBuf>,
    /// The authorities whose certificates directories of ActiveMQ brokers may have.
    pub directory_authorities: DirectoryAuthorities,
    /// What the operator says about the versions in it.
    pub engines: EngineSettings,
    /// Whether images are pulled, and as whom.
    pub pull: Option<Registries>,
    /// How many files an instance may have open.
    pub open_files: u64,
    /// Whether new brokers get disks of their own of the tier's size.
    pub sized_volumes: bool,
    /// What instances may use of the host together.
    pub host_capacity: CapacitySettings,
    /// How endpoints are given out.
    pub endpoints: EndpointSettings,
    /// Where secrets are that are not kept here.
    pub aws: AwsEndpoints,
    /// How brokers' logs are kept.
    pub logs: LogSettings,
    /// What becomes of what brokers measure.
    pub metrics: MetricSettings,
    /// Patterns of the ARNs of topics that alarms notify, and their webhooks.
    pub alarm_topics: Vec<(String, SecretString)>,
}

/// A provisioner can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The catalogue can't be read.
    #[error("can't read the catalogue {0}")]
    CatalogueFile(PathBuf, #[source] std::io::Error),
    /// The catalogue can't be used.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A place for secrets can't be one.
    #[error(transparent)]
    Endpoint(#[from] WrongEndpoint),
    /// A webhook of a topic can't be one.
    #[error(transparent)]
    Webhook(#[from] WrongWebhook),
}

/// Claims and works; clones do so by the same metrics.
#[derive(Clone)]
pub struct Provisioner {
    store: PgStore,
    settings: Settings,
    authorities: Arc<Authorities>,
    catalogue: Catalogue,
    secrets: Arc<Secrets>,
    topics: Arc<Topics>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
}

impl Provisioner {
    /// Reads the catalogue. [`Provisioner::run`] connects to the runtime, so that the other roles of a process do not
    /// wait for it.
    ///
    /// # Errors
    /// [`StartError`] when the catalogue can't be used.
    pub async fn new(
        store: PgStore,
        settings: Settings,
        authorities: Arc<Authorities>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        registry: &mut Registry,
    ) -> Result<Self, StartError> {
        let catalogue = match &settings.catalogue {
            None => Catalogue::built_in_with(&settings.engines)?,
            Some(path) => {
                let text = tokio::fs::read_to_string(path)
                    .await
                    .map_err(|error| StartError::CatalogueFile(path.clone(), error))?;
                Catalogue::parse(&text, &settings.engines)?
            }
        };
        let metrics = Metrics::register(registry);
        let remote = Remote::new(&settings.aws, clock.clone())?;
        let secrets = Arc::new(Secrets::new(store.clone(), remote));
        let topics = Arc::new(Topics::new(settings.alarm_topics.iter().cloned())?);
        Ok(Self {
            store,
            settings,
            authorities,
            catalogue,
            secrets,
            topics,
            clock,
            entropy,
            metrics,
        })
    }

    /// Which of its background tasks stay down.
    pub fn task_health(&self) -> TaskHealth {
        self.metrics.task_health.clone()
    }

    /// Works until cancelled, then lets the passes that are under way finish their step, and gives back what
    /// it holds. Waits for the runtime for as long as it takes.
    pub async fn run(self, connect: Arc<dyn Connect>, shutdown: CancellationToken) {
        let alive = Alive::begin(&self).await;
        let Some(Connected { runtime, upkeep }) = connected(&*connect, &shutdown).await else {
            return expire::deregister(alive.registration).await;
        };
        let rsa_keys = Arc::new(RsaKeyPool::default());
        let probe = WireProbe::presenting(
            self.authorities.clone(),
            self.clock.clone(),
            self.entropy.clone(),
        );
        let host = Host { runtime, probe: Arc::new(probe), rsa_keys: rsa_keys.clone() };
        let mut tasks = Supervisor::new(self.metrics.clone(), shutdown.clone());
        for (name, upkeep) in upkeep {
            let stop = shutdown.clone();
            tasks.keep(name, move || upkeep(stop.clone()));
        }
        let stop = shutdown.clone();
        tasks.keep("rsa-keys", move || {
            let (keys, stop) = (rsa_keys.clone(), stop.clone());
            async move { keys.keep_filled(&stop).await }
        });
        self.work(alive, host, tasks, shutdown).await;
    }

    /// The same on a host that is there already.
    pub async fn run_on(self, host: Host, shutdown: CancellationToken) {
        let alive = Alive::begin(&self).await;
        let tasks = Supervisor::new(self.metrics.clone(), shutdown.clone());
        self.work(alive, host, tasks, shutdown).await;
    }

    async fn work(
        self,
        alive: Alive,
        host: Host,
        mut tasks: Supervisor,
        shutdown: CancellationToken,
    ) {
        let Alive { me, registry, registration } = alive;
        let Some(capacity) = capacity::find_out(&*host.runtime, &shutdown).await else {
            return expire::deregister(registration).await;
        };
        let host_capacity = self.settings.host_capacity.on(capacity);
        let (operations, on_operations) =
            Operations::new(self.settings.boots.unwrap_or_else(boots));
        let followers = Arc::new(LogFollowers::default());
        let normal = Arc::new(PassContext {
            store: Arc::new(self.store.with_own_connections(NORMAL_CONNECTIONS)),
            runtime: host.runtime,
            probe: host.probe,
            clock: self.clock,
            entropy: self.entropy,
            installation: self.settings.installation,
            authorities: self.authorities,
            rsa_keys: host.rsa_keys,
            secrets: self.secrets,
            engines: Arc::new(Engines {
                activemq: ActiveMq::new(self.settings.directory_authorities),
                rabbitmq: RabbitMq,
            }),
            catalogue: Arc::new(self.catalogue),
            sizing: Sizing {
                scale: host_capacity.scale,
                open_files: self.settings.open_files,
                sized_volumes: self.settings.sized_volumes,
            },
            host_capacity,
            endpoints: self.settings.endpoints,
            port_is_free: Arc::new(port_is_free),
            metrics: self.metrics,
            capacity: Arc::new(OnceCell::new_with(Some(capacity))),
            images: Arc::default(),
            logs: followers.clone(),
            operations: Arc::new(operations),
            trusted: Arc::default(),
            stopping: shutdown.clone(),
        });
        let urgent_store: Arc<dyn ReconcileStore> =
            Arc::new(self.store.with_own_connections(URGENT_CONNECTIONS));
        let urgent =
            Arc::new(PassContext { store: urgent_store.clone(), ..PassContext::clone(&normal) });
        let images = Arc::new(Images {
            catalogue: normal.catalogue.clone(),
            runtime: normal.runtime.clone(),
            store: normal.store.clone(),
            clock: normal.clock.clone(),
            metrics: normal.metrics.clone(),
            ids: normal.images.clone(),
        });
        let rounds = {
            let (clock, metrics) = (normal.clock.clone(), normal.metrics.clone());
            let shutdown = shutdown.clone();
            move |task| Rounds {
                task,
                clock: clock.clone(),
                metrics: metrics.clone(),
                shutdown: shutdown.clone(),
            }
        };
        let store = normal.store.clone();
        let report = CapacityReport { store, rounds: rounds("capacity"), host_capacity };
        images::look_first(&images).await;
        capacity::report_first(&report).await;
        let monitor = Arc::new(Monitor::new(normal.metrics.watched.clone()));
        let queue = Arc::new(Queue::new(
            me,
            self.settings.queue,
            monitor.clone(),
            normal.clone(),
            urgent.clone(),
            shutdown.clone(),
        ));
        let heartbeat = Heartbeat {
            me,
            ttl: self.settings.queue.lease,
            store: urgent_store,
            queue: queue.clone(),
            monitor: monitor.clone(),
            operations: normal.operations.clone(),
        };
        if !heartbeat.begin(&shutdown).await {
            return expire::deregister(registration).await;
        }
        let images_changed = Arc::new(Notify::new());
        let guard = Arc::new(StallGuard::new(normal.metrics.stalls.clone()));
        let ticking = guard.clone();
        tasks.keep("stall-guard", move || {
            let guard = ticking.clone();
            async move { guard.run().await }
        });
        let (heartbeat, stop) = (Arc::new(heartbeat), shutdown.clone());
        tasks.keep("ownership", move || heartbeat.clone().keep(stop.clone()));
        let (store, woken, stop) = (self.store.clone(), queue.clone(), shutdown.clone());
        tasks.keep("notifications", move || {
            follow_notifications(store.clone(), woken.clone(), stop.clone())
        });
        let (store, stop) = (self.store.clone(), shutdown.clone());
        tasks.keep("dead-provisioners", move || {
            expire::keep_expiring(registry.clone(), store.clone(), stop.clone())
        });
        let (hinted, stop) = (monitor.clone(), shutdown.clone());
        tasks.keep("runtime-events", move || {
            let (runtime, store) = (urgent.runtime.clone(), urgent.store.clone());
            monitor::follow(runtime, store, hinted.clone(), me, stop.clone())
        });
        let (operated, on_operations) = (queue.clone(), Arc::new(AsyncMutex::new(on_operations)));
        tasks.keep("operations", move || operated.clone().follow_operations(on_operations.clone()));
        let (offered, changed, stop) = (images.clone(), images_changed.clone(), shutdown.clone());
        tasks.keep("offerings", move || {
            images::publish_offerings(offered.clone(), changed.clone(), stop.clone())
        });
        if let Some(registries) = self.settings.pull {
            let stop = shutdown.clone();
            tasks.keep("images", move || {
                let (images, changed) = (images.clone(), images_changed.clone());
                images::pull(images, registries.clone(), changed, stop.clone())
            });
        }
        tasks.repeat(report.rounds.clone(), move |_| capacity::keep_reported(report.clone()));
        let shared = SweepContext {
            runtime: normal.runtime.clone(),
            store: normal.store.clone(),
            clock: normal.clock.clone(),
            installation: normal.installation.clone(),
            metrics: normal.metrics.clone(),
        };
        tasks.repeat(rounds("orphans"), move |rounds| sweep::run(shared.clone(), rounds));
        let store = self.store.clone();
        tasks.repeat(rounds("retention"), move |rounds| {
            retention::keep_pruned(store.clone(), rounds)
        });
        let shared = LogContext {
            store: self.store.with_own_connections(LOG_CONNECTIONS),
            runtime: normal.runtime.clone(),
            clock: normal.clock.clone(),
            installation: normal.installation.clone(),
            me,
            limits: self.settings.logs.limits,
        };
        let (store, days) = (shared.store.clone(), self.settings.logs.keep_days);
        tasks.repeat(rounds("log-retention"), move |rounds| {
            logs::keep_pruned(store.clone(), days, rounds)
        });
        let stop = shutdown.clone();
        tasks.keep("logs", move || followers.clone().run(shared.clone(), stop.clone()));
        let metrics_store = self.store.with_own_connections(METRICS_CONNECTIONS);
        if self.settings.metrics.collect {
            let shared = CollectorContext {
                monitor: monitor.clone(),
                context: normal.clone(),
                store: metrics_store.clone(),
            };
            let stop = shutdown.clone();
            tasks.keep("metrics", move || metrics::collect(shared.clone(), stop.clone()));
        }
        let retention = self.settings.metrics.retention;
        tasks.repeat(rounds("metrics-upkeep"), move |rounds| {
            metrics::maintain(metrics_store.clone(), retention, rounds)
        });
        let shared = AnswerContext {
            me,
            store: self.store.with_own_connections(CALL_CONNECTIONS),
            monitor: monitor.clone(),
            context: normal.clone(),
        };
        let stop = shutdown.clone();
        tasks.keep("destinations", move || {
            destinations::keep_answering(shared.clone(), stop.clone())
        });
        let alarms = self.store.with_own_connections(ALARM_CONNECTIONS);
        let store = alarms.clone();
        tasks
            .repeat(rounds("alarms"), move |rounds| alarms::keep_evaluating(store.clone(), rounds));
        let topics = self.topics.clone();
        tasks.repeat(rounds("alarm-notifications"), move |rounds| {
            alarms::keep_delivering(alarms.clone(), topics.clone(), rounds)
        });
        tasks.repeat(rounds("maintenance"), move |rounds| {
            maintenance::run(normal.store.clone(), rounds)
        });
        for (name, lane) in [("queue-urgent", Lane::Urgent), ("queue-normal", Lane::Normal)] {
            let queue = queue.clone();
            tasks.keep(name, move || queue.clone().claim(lane));
        }
        let looking = queue.clone();
        tasks.keep("monitor", move || looking.clone().watch(guard.clone()));
        shutdown.cancelled().await;
        queue.finished().await;
        tasks.end().await;
        match self.store.release_worker(me).await {
            Ok(_) => expire::deregister(registration).await,
            // The next one gives it up.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "provisioner not deregistered; another one releases its brokers"
            ),
        }
    }
}

/// The runtime, as soon as it answers; none: the provisioner is to stop.
async fn connected(connect: &dyn Connect, shutdown: &CancellationToken) -> Option<Connected> {
    while !shutdown.is_cancelled() {
        match connect.connect().await {
            Ok(connected) => return Some(connected),
            Err(error) => tracing::warn!(%error, "{}", connect.unreachable()),
        }
        pause_or_stop(RUNTIME_PAUSE, shutdown).await;
    }
    None
}

/// Where instances run, and who asks them.
#[derive(Clone)]
pub struct Host {
    /// Where instances run.
    pub runtime: Arc<dyn Runtime>,
    /// The probe of engines.
    pub probe: Arc<dyn Probe>,
    /// Where brokers' RSA keys come from.
    pub rsa_keys: Arc<dyn RsaKeys>,
}

/// A provisioner that has begun.
struct Alive {
    me: WorkerId,
    registry: WorkerRegistry,
    registration: Option<Registration>,
}

impl Alive {
    async fn begin(provisioner: &Provisioner) -> Self {
        let me = WorkerId::generate(&*provisioner.entropy);
        let registry = WorkerRegistry::at(provisioner.settings.worker_registry.clone());
        let registration = expire::register(&registry, me).await;
        // At once, because the last one to die may have been this one's former self.
        expire::expire(&registry, &provisioner.store).await;
        Self { me, registry, registration }
    }
}

/// How many brokers may boot for the first time at once on this host.
fn boots() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (2 * cpus).max(4)
}

/// Whether nothing on this host listens on the port. The gateway may run elsewhere; then this only
/// spares the local programs.
fn port_is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}
