//! The role of a provisioner: its start, its tasks, its end.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use brokerd_domain::{Clock, Entropy, InstallationId, Lane, WorkerId};
use brokerd_store::{Channel, PgStore};
use prometheus_client::registry::Registry;
use tokio::sync::{Mutex as AsyncMutex, Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use crate::{
    authorities::Authorities,
    catalogue::{Catalogue, CatalogueError, EngineSettings},
    engine::{
        Engines, Sizing,
        activemq::{ActiveMq, DirectoryAuthorities},
        rabbitmq::RabbitMq,
    },
    health::{Probe, WireProbe},
    images,
    lives::{Life, Lives},
    maintenance,
    metrics::Metrics,
    monitor::{self, Monitor, StallGuard},
    operations::Operations,
    outgoing::Outgoing,
    ownership::Owner,
    pass::{Context, EndpointSettings},
    port::ReconcileStore,
    queue::{Queue, QueueSettings},
    registry::Registries,
    retention,
    room::{self, RoomSettings},
    rsa_keys::{RsaKeys, Stock},
    runtime::{
        Runtime,
        docker::{DockerOptions, DockerRuntime, Join},
    },
    secrets::{AwsEndpoints, Remote, Secrets, WrongEndpoint},
    sweep::Sweeper,
    task_health::TaskHealth,
    tasks::Supervisor,
};

/// How long to wait before looking for a container engine again.
const ENGINE_PAUSE: Duration = Duration::from_secs(3);
/// How many connections to the database the passes of each lane have for themselves.
const NORMAL_CONNECTIONS: u32 = 6;
const URGENT_CONNECTIONS: u32 = 4;
/// How often to look whether another provisioner has died.
const LIVES_PAUSE: Duration = Duration::from_secs(1);

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
    /// Where provisioners find out which of them have died.
    pub lives: PathBuf,
    /// An operator's catalogue instead of the built-in one.
    pub catalogue: Option<PathBuf>,
    /// The authorities whose certificates directories of ActiveMQ brokers may have.
    pub directory_authorities: DirectoryAuthorities,
    /// What the operator says about the versions in it.
    pub engines: EngineSettings,
    /// Whether images are pulled, and as whom.
    pub pull: Option<Registries>,
    /// Where the container engine listens, unless where it always does.
    pub docker_host: Option<String>,
    /// Whether brokerd's own container joins the networks of brokers.
    pub join: Join,
    /// What engines may connect to; nothing: the operator looks after that.
    pub outgoing: Option<Outgoing>,
    /// How many files an instance may have open.
    pub open_files: u64,
    /// Whether new brokers get disks of their own of the tier's size.
    pub sized_volumes: bool,
    /// What instances may use of the host together.
    pub room: RoomSettings,
    /// How endpoints are given out.
    pub endpoints: EndpointSettings,
    /// Where secrets are that are not kept here.
    pub aws: AwsEndpoints,
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
}

/// Claims and works; clones do so by the same metrics.
#[derive(Clone)]
pub struct Provisioner {
    store: PgStore,
    settings: Settings,
    authorities: Arc<Authorities>,
    catalogue: Catalogue,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
}

impl Provisioner {
    /// Reads the catalogue. The container engine is looked for by [`Provisioner::run`], so that the
    /// other roles of a process do not wait for it.
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
        Ok(Self { store, settings, authorities, catalogue, secrets, clock, entropy, metrics })
    }

    /// Which of its background tasks stay down.
    pub fn task_health(&self) -> TaskHealth {
        self.metrics.task_health.clone()
    }

    /// Works until cancelled, then lets the passes that are under way finish their step, and gives back what
    /// it holds. Waits for the container engine for as long as it takes.
    pub async fn run(self, shutdown: CancellationToken) {
        let alive = Alive::begin(&self).await;
        let Some(runtime) = self.connect(&shutdown).await else { return end(alive.life).await };
        let firewall = runtime.firewall();
        let rsa_keys = Arc::new(Stock::default());
        let probe = WireProbe::presenting(
            self.authorities.clone(),
            self.clock.clone(),
            self.entropy.clone(),
        );
        let host =
            Host { runtime: Arc::new(runtime), probe: Arc::new(probe), rsa_keys: rsa_keys.clone() };
        let mut tasks = Supervisor::new(self.metrics.clone(), shutdown.clone());
        if let Some(firewall) = firewall {
            let stop = shutdown.clone();
            tasks.keep("firewall", move || firewall.clone().look_after(stop.clone()));
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
        let Alive { me, lives, life } = alive;
        let Some(capacity) = room::find_out(&*host.runtime, &shutdown).await else {
            return end(life).await;
        };
        let room = self.settings.room.on(capacity);
        let (operations, on_operations) =
            Operations::new(self.settings.boots.unwrap_or_else(boots));
        let normal = Arc::new(Context {
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
                scale: room.scale,
                open_files: self.settings.open_files,
                sized_volumes: self.settings.sized_volumes,
            },
            room,
            endpoints: self.settings.endpoints,
            port_is_free: Arc::new(port_is_free),
            metrics: self.metrics,
            capacity: Arc::new(OnceCell::new_with(Some(capacity))),
            images: Arc::default(),
            operations: Arc::new(operations),
            trusted: Arc::default(),
            stopping: shutdown.clone(),
        });
        let urgent_store: Arc<dyn ReconcileStore> =
            Arc::new(self.store.with_own_connections(URGENT_CONNECTIONS));
        let urgent = Arc::new(Context { store: urgent_store.clone(), ..Context::clone(&normal) });
        images::look_first(&normal).await;
        room::tell_first(&normal).await;
        let monitor = Arc::new(Monitor::new(normal.metrics.watched.clone()));
        let queue = Arc::new(Queue::new(
            me,
            self.settings.queue,
            monitor.clone(),
            normal.clone(),
            urgent.clone(),
            shutdown.clone(),
        ));
        let owner = Owner {
            me,
            ttl: self.settings.queue.lease,
            store: urgent_store,
            queue: queue.clone(),
            monitor: monitor.clone(),
            operations: normal.operations.clone(),
        };
        if !owner.begin(&shutdown).await {
            return end(life).await;
        }
        let images_changed = Arc::new(Notify::new());
        let guard = Arc::new(StallGuard::new(normal.metrics.stalls.clone()));
        let ticking = guard.clone();
        tasks.keep("stall-guard", move || {
            let guard = ticking.clone();
            async move { guard.run().await }
        });
        let (owner, stop) = (Arc::new(owner), shutdown.clone());
        tasks.keep("ownership", move || owner.clone().keep(stop.clone()));
        let (store, told, stop) = (self.store.clone(), queue.clone(), shutdown.clone());
        tasks.keep("notifications", move || listen(store.clone(), told.clone(), stop.clone()));
        let (store, stop) = (self.store.clone(), shutdown.clone());
        tasks.keep("dead-provisioners", move || mourn(lives.clone(), store.clone(), stop.clone()));
        let stop = shutdown.clone();
        tasks.keep("runtime-events", move || {
            monitor::follow(urgent.clone(), monitor.clone(), me, stop.clone())
        });
        let (told, on_operations) = (queue.clone(), Arc::new(AsyncMutex::new(on_operations)));
        tasks.keep("operations", move || told.clone().follow_operations(on_operations.clone()));
        let (context, changed, stop) = (normal.clone(), images_changed.clone(), shutdown.clone());
        tasks.keep("offerings", move || {
            images::offer(context.clone(), changed.clone(), stop.clone())
        });
        if let Some(registries) = self.settings.pull {
            let (context, stop) = (normal.clone(), shutdown.clone());
            tasks.keep("images", move || {
                let (context, changed) = (context.clone(), images_changed.clone());
                images::pull(context, registries.clone(), changed, stop.clone())
            });
        }
        let (context, stop) = (normal.clone(), shutdown.clone());
        tasks.keep("room", move || room::keep_told(context.clone(), stop.clone()));
        let (context, stop) = (normal.clone(), shutdown.clone());
        tasks.keep("orphans", move || sweep(context.clone(), stop.clone()));
        let (store, clock) = (self.store.clone(), normal.clock.clone());
        let counted = normal.metrics.clone();
        let stop = shutdown.clone();
        tasks.keep("retention", move || {
            retention::keep_pruned(store.clone(), clock.clone(), counted.clone(), stop.clone())
        });
        let stop = shutdown.clone();
        tasks.keep("maintenance", move || maintain(normal.clone(), stop.clone()));
        for (name, lane) in [("queue-urgent", Lane::Urgent), ("queue-normal", Lane::Normal)] {
            let queue = queue.clone();
            tasks.keep(name, move || queue.clone().claim(lane));
        }
        let looking = queue.clone();
        tasks.keep("monitor", move || looking.clone().watch(guard.clone()));
        shutdown.cancelled().await;
        queue.finished().await;
        tasks.end().await;
        match self.store.give_up(me).await {
            Ok(_) => end(life).await,
            // The next one gives it up.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "can't tell others that this provisioner has stopped"
            ),
        }
    }

    async fn connect(&self, shutdown: &CancellationToken) -> Option<DockerRuntime> {
        let settings = &self.settings;
        while !shutdown.is_cancelled() {
            let options = DockerOptions {
                join: settings.join.clone(),
                outgoing: settings.outgoing.clone(),
                ..DockerOptions::new(settings.docker_host.clone(), settings.installation.clone())
            };
            match DockerRuntime::connect(options, self.clock.clone()).await {
                Ok(runtime) => return Some(runtime),
                Err(error) => tracing::warn!(
                    %error,
                    "no container engine answers: run docker/engine.sh, or name one with DOCKER_HOST or provisioner.docker_host; trying again"
                ),
            }
            pause_or_stop(ENGINE_PAUSE, shutdown).await;
        }
        None
    }
}

/// Where instances run, and who asks them.
#[derive(Clone)]
pub struct Host {
    /// Where instances run.
    pub runtime: Arc<dyn Runtime>,
    /// Who asks the engines.
    pub probe: Arc<dyn Probe>,
    /// Where brokers' RSA keys come from.
    pub rsa_keys: Arc<dyn RsaKeys>,
}

/// A provisioner that has begun.
struct Alive {
    me: WorkerId,
    lives: Lives,
    life: Option<Life>,
}

impl Alive {
    async fn begin(provisioner: &Provisioner) -> Self {
        let me = WorkerId::generate(&*provisioner.entropy);
        let lives = Lives::at(provisioner.settings.lives.clone());
        let life = begin(&lives, me).await;
        // At once, because the last one to die may have been this one's former self.
        bury(&lives, &provisioner.store).await;
        Self { me, lives, life }
    }
}

/// How many brokers may boot for the first time at once on this host.
fn boots() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (2 * cpus).max(4)
}

/// Begins this provisioner's life. Without a file nobody notices its end before its leases do.
async fn begin(lives: &Lives, me: WorkerId) -> Option<Life> {
    let lives = lives.clone();
    match blocking(move || lives.begin(me)).await {
        Ok(life) => Some(life),
        Err(error) => {
            tracing::warn!(%error, "can't keep a lock in the data directory: if this process is killed, its brokers wait for the end of its leases");
            None
        }
    }
}

async fn end(life: Option<Life>) {
    let Some(life) = life else { return };
    if let Err(error) = blocking(move || life.end()).await {
        tracing::warn!(%error, "can't remove the lock in the data directory");
    }
}

/// Gives up what dead provisioners of this data directory held.
async fn bury(lives: &Lives, store: &PgStore) {
    let lives = lives.clone();
    let ended = match blocking(move || lives.ended()).await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::debug!(%error, "can't see which provisioners have died");
            return;
        }
    };
    for ended in ended {
        match store.give_up(ended.worker).await {
            Ok(brokers) => {
                tracing::info!(worker = %ended.worker, brokers, "a provisioner has died; its brokers are free");
                if let Err(error) = blocking(move || ended.forget()).await {
                    tracing::warn!(%error, "can't remove a dead provisioner's lock in the data directory");
                }
            }
            // Its file is still there.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "can't free the brokers of a provisioner that has died"
            ),
        }
    }
}

async fn mourn(lives: Lives, store: PgStore, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        bury(&lives, &store).await;
        pause_or_stop(LIVES_PAUSE, &shutdown).await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

async fn listen(store: PgStore, queue: Arc<Queue>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match store.listen(Channel::Reconcile).await {
            Ok(mut listener) => loop {
                // Whatever came before the listener was there is found by this first wake-up.
                queue.wake();
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    _ = listener.wait() => {}
                }
            },
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "can't listen for due brokers"
                );
                pause_or_stop(Duration::from_secs(5), &shutdown).await;
            }
        }
    }
}

/// Reboots what is due in its maintenance window.
async fn maintain(context: Arc<Context>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match maintenance::maintain(&context).await {
            Ok(_) => context.metrics.task_succeeded("maintenance", context.clock.now()),
            Err(error) => {
                context.metrics.task_failed("maintenance");
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "can't look for brokers in their maintenance window"
                );
            }
        }
        pause_or_stop(Duration::from_secs(30), &shutdown).await;
    }
}

async fn sweep(context: Arc<Context>, shutdown: CancellationToken) {
    let mut sweeper = Sweeper::default();
    while !shutdown.is_cancelled() {
        match sweeper.sweep(&context).await {
            Ok(_) => context.metrics.task_succeeded("orphans", context.clock.now()),
            Err(error) => tracing::warn!(%error, "can't look for orphans"),
        }
        pause_or_stop(Duration::from_secs(60), &shutdown).await;
    }
}

pub(crate) async fn pause_or_stop(pause: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}

/// Whether nothing on this host listens on the port. The gateway may run elsewhere; then this only
/// spares the local programs.
fn port_is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}
