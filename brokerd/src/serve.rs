//! `brokerd serve`: from a configuration to running roles.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use brokerd_domain::{Clock, Entropy};
use brokerd_provisioner::{authorities::Authorities, runtime::docker::OwnDatabase};
use brokerd_store::{MasterKeys, PgStore, RouteReader, ServerAddress, StoreError};
use prometheus_client::registry::Registry;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    authority,
    cli::Role,
    config::{Configuration, DatabaseUrl},
    descriptors::Descriptors,
    home::{self, Home},
    http::Socket,
    master_key,
    notify::ServiceManager,
    roles,
    supervise::{self, Running},
    system::{OsEntropy, SystemClock},
    telemetry,
};

/// How long the start waits for a database that can't be reached, if nothing serves meanwhile.
const DATABASE_PATIENCE: Duration = Duration::from_mins(1);
/// Where this machine always finds what listens on all addresses.
const LOOPBACK: &str = "127.0.0.1";
const DATABASE_PAUSE: Duration = Duration::from_millis(500);
const COMMAND_CONNECTIONS: u32 = 2;
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// What every role is built on.
pub(crate) struct Foundation {
    pub(crate) configuration: Configuration,
    pub(crate) store: PgStore,
    pub(crate) authorities: Arc<Authorities>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// Serves until a signal. What is wrong at the start ends it; a role that fails later is begun again.
pub(crate) async fn serve(
    configuration: Configuration,
    roles: &[Role],
    manager: ServiceManager,
) -> anyhow::Result<()> {
    telemetry::start(&configuration)?;
    let descriptors = Descriptors::raise();
    let shutdown = stop_on_signals()?;
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"), roles = names.join(","),
        installation = %configuration.installation, data_dir = %configuration.data_dir.display(),
        "brokerd starts"
    );
    tokio::spawn(manager.clone().keep_watchdog(shutdown.clone()));
    manager.status("starting");
    let mut registry = Registry::default();
    let mut running = Running::new(supervise::Metrics::register(&mut registry));
    let started = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(()),
        started = start(&mut running, registry, configuration, roles, descriptors, &shutdown) => started,
    };
    if let Err(error) = started {
        running.give_up(&shutdown).await;
        return Err(error);
    }
    if !shutdown.is_cancelled() {
        tracing::info!(roles = names.join(","), "brokerd serves");
        manager.ready();
        manager.status("serving");
    }
    let stopping = shutdown.clone();
    tokio::spawn(async move {
        stopping.cancelled().await;
        manager.stopping();
    });
    running.until_stopped(shutdown).await
}

/// Starts roles. The gateway comes first, because clients wait for it, and one that is alone or has a table of a
/// former life does not wait for the database.
async fn start(
    running: &mut Running,
    mut registry: Registry,
    configuration: Configuration,
    roles: &[Role],
    descriptors: Descriptors,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let shares = descriptors.shares(roles);
    let socket = if roles.contains(&Role::Api) {
        Some(Socket::bind_api(&configuration).await?)
    } else if roles.contains(&Role::Gateway) {
        Some(Socket::bind_gateway(&configuration).await?)
    } else {
        None
    };
    let socket = socket.map(|socket| (socket, shares.http));
    let home = Home::at(&configuration.data_dir);
    home.ensure()?;
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let url = configuration.database_url()?;
    if roles.contains(&Role::Provisioner)
        && let Some(address) = ServerAddress::of(url.expose())
    {
        // Whoever waits for the database below may wait for this.
        running.look_after_database(
            OwnDatabase::new(
                configuration.provisioner.docker_host.clone(),
                configuration.installation.clone(),
                address,
            ),
            shutdown,
        );
    }
    let mut gateway = None;
    let mut waiting = None;
    if roles.contains(&Role::Gateway) {
        let reader = RouteReader::connect_lazily(url.expose(), configuration.installation.clone())
            .map_err(|error| explain(error, &url))?;
        let new = roles::new_gateway(&configuration, &entropy, shares.gateway, &mut registry);
        if roles == [Role::Gateway] || home.routes_path().exists() {
            running.start_gateway(&new, reader, shutdown);
        } else {
            waiting = Some(reader);
        }
        gateway = Some(new);
    }
    match (gateway, socket) {
        (Some(gateway), Some(socket)) if roles == [Role::Gateway] => {
            running.start_lone_gateway(gateway, registry, socket, shutdown);
            Ok(())
        }
        (gateway, socket) => {
            // A gateway that serves already is not stopped because the database is slow to come back.
            let patience = (gateway.is_none() || waiting.is_some()).then_some(DATABASE_PATIENCE);
            let api =
                socket.as_ref().map(|(socket, _)| socket).filter(|_| roles.contains(&Role::Api));
            let foundation =
                lay_foundation_in_time(&configuration, api, &url, patience, &entropy).await?;
            if let (Some(gateway), Some(reader)) = (&gateway, waiting) {
                running.start_gateway(gateway, reader, shutdown);
            }
            running.start_others(&foundation, roles, registry, gateway, socket, shutdown).await
        }
    }
}

/// Where clients find the API.
pub(crate) fn client_url(configuration: &Configuration) -> anyhow::Result<String> {
    let listen = configuration.api.listen;
    if let Some(url) = &configuration.api.url {
        return Ok(url.clone());
    }
    if listen.port() == 0 {
        let url = Home::at(&configuration.data_dir).api_url();
        return url.context("brokerd has not chosen a port yet: start it first");
    }
    Ok(url_of(configuration, listen))
}

/// Where this very machine, or container, finds the API that it serves.
pub(crate) fn local_url(configuration: &Configuration) -> anyhow::Result<String> {
    let mut configuration = configuration.clone();
    configuration.api.url = None;
    let listen = &mut configuration.api.listen;
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    client_url(&configuration)
}

fn url_of(configuration: &Configuration, address: SocketAddr) -> String {
    let scheme = if configuration.api.tls_certificate.is_some() { "https" } else { "http" };
    if address.ip().is_unspecified() {
        let host = configuration.endpoint.advertised_host.chosen().map_or(LOOPBACK, String::as_str);
        return format!("{scheme}://{host}:{}", address.port());
    }
    format!("{scheme}://{address}")
}

/// A token that the first SIGTERM or SIGINT cancels; the second ends the process at once.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("can't handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("can't handle SIGINT")?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if token.is_cancelled() {
                tracing::warn!(signal = name, "stopping at once");
                std::process::exit(130);
            }
            tracing::info!(signal = name, "stopping");
            token.cancel();
        }
    });
    Ok(shutdown)
}

/// A database that goes away again while it is set up is waited for like one that is not there yet.
async fn lay_foundation_in_time(
    configuration: &Configuration,
    socket: Option<&Socket>,
    url: &DatabaseUrl,
    patience: Option<Duration>,
    entropy: &Arc<dyn Entropy>,
) -> anyhow::Result<Foundation> {
    let began = Instant::now();
    loop {
        let left = patience.map(|patience| patience.saturating_sub(began.elapsed()));
        let error = match lay_foundation(configuration, socket, url, left, entropy).await {
            Ok(foundation) => return Ok(foundation),
            Err(error) => error,
        };
        let passes = error.chain().any(|cause| {
            matches!(cause.downcast_ref::<StoreError>(), Some(StoreError::Unavailable(_)))
        });
        if !passes || left.is_some_and(|left| left.is_zero()) {
            return Err(error);
        }
        tracing::warn!(error = format!("{error:#}"), "the database went away; trying again");
        sleep(DATABASE_PAUSE).await;
    }
}

async fn lay_foundation(
    configuration: &Configuration,
    socket: Option<&Socket>,
    url: &DatabaseUrl,
    patience: Option<Duration>,
    entropy: &Arc<dyn Entropy>,
) -> anyhow::Result<Foundation> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let home = Home::at(&configuration.data_dir);
    let keys = master_key::load(configuration, Some(&**entropy))?;
    let store = connect(configuration, url, &keys, entropy, patience).await?;

    let wanted = &configuration.installation;
    let stored = store.installation(wanted).await.map_err(|error| explain(error, url))?;
    if stored != *wanted {
        bail!(
            "this database belongs to the installation {stored}, not {wanted}: set BROKERD_INSTALLATION={stored} or use another database"
        );
    }
    let authorities = authority::found(configuration, &store, &*clock, &**entropy)
        .await?
        .map_err(|error| explain(error, url))?;
    let authorities = Arc::new(authorities);
    home.write_ca(&authorities.standing(clock.now()).trusted_pem())?;
    ensure_access_key(configuration, &home, &store, &*clock, &**entropy)
        .await
        .map_err(|error| error.context("can't set up the access key"))?;
    if let Some(socket) = socket {
        home.write_api_url(&url_of(configuration, socket.address()))?;
    }
    Ok(Foundation {
        configuration: configuration.clone(),
        store,
        authorities,
        clock,
        entropy: Arc::clone(entropy),
    })
}

/// The store, for a command.
pub(crate) async fn connect_once(
    configuration: &Configuration,
    keys: &MasterKeys,
) -> anyhow::Result<PgStore> {
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let url = configuration.database_url()?;
    let store = connect(configuration, &url, keys, &entropy, Some(Duration::ZERO)).await?;
    // A command may read all there is, and takes its time.
    Ok(store.with_own_connections(COMMAND_CONNECTIONS))
}

async fn connect(
    configuration: &Configuration,
    url: &DatabaseUrl,
    keys: &MasterKeys,
    entropy: &Arc<dyn Entropy>,
    patience: Option<Duration>,
) -> anyhow::Result<PgStore> {
    let deadline = patience.map(|patience| Instant::now() + patience);
    let mut next_progress = Instant::now();
    loop {
        let most = configuration.database.max_connections;
        let error =
            match PgStore::connect(url.expose(), most, keys.clone(), Arc::clone(entropy)).await {
                Ok(store) => return Ok(store),
                Err(error @ StoreError::Unavailable(_))
                    if deadline.is_none_or(|deadline| Instant::now() < deadline) =>
                {
                    error
                }
                Err(error) => return Err(explain(error, url)),
            };
        if Instant::now() >= next_progress {
            next_progress = Instant::now() + PROGRESS_EVERY;
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                database = url.redacted(),
                "waiting for the database"
            );
        }
        sleep(DATABASE_PAUSE).await;
    }
}

/// Says what to do about it.
fn explain(error: StoreError, url: &DatabaseUrl) -> anyhow::Error {
    let url = url.redacted();
    let advice = match &error {
        StoreError::Unavailable(_) => {
            format!("can't reach {url}: start that PostgreSQL or correct DATABASE_URL")
        }
        StoreError::Seal(_) => {
            format!("the master key is not the one {url} was made with: restore that key")
        }
        StoreError::Other(_) => format!(
            "can't use {url}: see that its user, password and database are right and that the user may create tables"
        ),
        StoreError::Newer(_) => format!(
            "{url} was used by a later version of brokerd: start that version, or one after it"
        ),
        StoreError::LeaseLost
        | StoreError::NoPorts(..)
        | StoreError::Inconsistent { .. }
        | StoreError::Text(_) => {
            format!("can't use {url}")
        }
    };
    anyhow::Error::new(error).context(advice)
}

/// This machine's access key stays what it was, even before a new database; a new machine takes over
/// the database's.
async fn ensure_access_key(
    configuration: &Configuration,
    home: &Home,
    store: &PgStore,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> anyhow::Result<()> {
    let key = match home.access_key(&configuration.account)? {
        Some(key) => key,
        None => match store.first_access_key().await? {
            Some(key) => home.keep_access_key(&key)?,
            None => {
                home.keep_access_key(&home::generate_access_key(&configuration.account, entropy))?
            }
        },
    };
    store.add_access_key(&key, clock.now()).await?;
    Ok(())
}
