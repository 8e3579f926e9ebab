//! The database that `make run` or Compose brought, as a container of this very engine.
//!
//! Its restart policy tells Docker to start it again. A Docker engine that was killed while it stopped its containers
//! may leave them stopped nevertheless. Then brokerd starts it, because it depends on it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::{
    Docker,
    models::{ContainerInspectResponse, ContainerStateStatusEnum as Status},
    query_parameters::{InspectContainerOptions, ListContainersOptions, StartContainerOptions},
};
use brokerd_domain::InstallationId;
use brokerd_store::ServerAddress;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    error::{self, LONG, SHORT, named, request},
    labels,
    options::{USUAL_HOST, client},
};
use crate::runtime::RuntimeError;

const LOOK: &str = "look for the database of this installation";
const START: &str = "start the database of this installation";

/// How often to look. It costs a request that takes a millisecond.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long it takes to be started again if it ends at once, at most.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// The role of its container.
const ROLE: &str = "postgres";

/// Where PostgreSQL has its socket, in a container.
const SOCKETS: [&str; 2] = ["/run/postgresql", "/var/run/postgresql"];
const PORT: &str = "5432/tcp";

/// The database of an installation, if it is in a container of the engine that runs the brokers.
#[derive(Debug, Clone)]
pub struct OwnDatabase {
    host: Option<String>,
    installation: InstallationId,
    address: ServerAddress,
}

impl OwnDatabase {
    /// The one that is at `address`; `host` is where the engine listens, as for a runtime.
    pub const fn new(
        host: Option<String>,
        installation: InstallationId,
        address: ServerAddress,
    ) -> Self {
        Self { host, installation, address }
    }

    /// Starts it whenever it has ended, until cancelled. A container that is not labelled as the database of this installation, or
    /// that is not where this process's database is, is not touched, and neither is one that is paused or was never started.
    pub async fn look_after(self, shutdown: CancellationToken) {
        let mut docker = None;
        let mut pause = Pause::default();
        while !shutdown.is_cancelled() {
            if let Err(cause) = self.look(&mut docker, &mut pause).await {
                // The provisioner logs the same as a warning.
                tracing::debug!(%cause, "state of the database's container not read");
                docker = None;
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(INTERVAL) => {}
            }
        }
    }

    async fn look(
        &self,
        known: &mut Option<Docker>,
        pause: &mut Pause,
    ) -> Result<(), RuntimeError> {
        let docker = match known {
            Some(docker) => docker,
            None => known.insert(self.connect().await?),
        };
        let Some(ended) = self.ended(docker).await? else { return Ok(()) };
        if !pause.is_over(Instant::now()) {
            return Ok(());
        }
        tracing::warn!(
            container = ended.name,
            code = ended.code,
            "the database of this installation has ended: starting it"
        );
        pause.begin(Instant::now());
        let start = docker.start_container(&ended.id, None::<StartContainerOptions>);
        match request(LONG, start).await {
            Ok(()) => {
                tracing::info!(
                    container = ended.name,
                    "the database of this installation is started"
                );
            }
            Err(cause) => tracing::error!(
                cause = error::message(&cause),
                container = ended.name,
                "{START} failed; make run may know more; trying again"
            ),
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Docker, RuntimeError> {
        let docker = client(self.host.as_deref().unwrap_or(USUAL_HOST)).map_err(named(LOOK))?;
        request(SHORT, docker.negotiate_version()).await.map_err(named(LOOK))
    }

    /// Its container, if that has ended.
    async fn ended(&self, docker: &Docker) -> Result<Option<Ended>, RuntimeError> {
        let mut filters = labels::of_installation(&self.installation);
        filters.entry("label".to_owned()).or_default().push(format!("{}={ROLE}", labels::ROLE));
        filters.insert("status".to_owned(), vec!["exited".to_owned()]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let listed =
            request(SHORT, docker.list_containers(Some(options))).await.map_err(named(LOOK))?;
        for id in listed.into_iter().filter_map(|summary| summary.id) {
            let inspected = docker.inspect_container(&id, None::<InspectContainerOptions>);
            let container = match request(SHORT, inspected).await {
                Ok(container) => container,
                Err(cause) if error::status(&cause) == Some(404) => continue,
                Err(cause) => return Err(named(LOOK)(cause)),
            };
            if serves(&container, &self.address)
                && let Some(state) = &container.state
                && state.status == Some(Status::EXITED)
            {
                let name = container.name.as_deref().unwrap_or_default();
                let name = name.trim_start_matches('/').to_owned();
                return Ok(Some(Ended { id, name, code: state.exit_code.unwrap_or_default() }));
            }
        }
        Ok(None)
    }
}

struct Ended {
    id: String,
    name: String,
    code: i64,
}

/// How long not to try again: longer each time, unless the last time is long ago.
#[derive(Debug, Default)]
struct Pause {
    length: Duration,
    began: Option<Instant>,
}

impl Pause {
    fn is_over(&self, now: Instant) -> bool {
        self.began.is_none_or(|began| now.duration_since(began) >= self.length)
    }

    fn begin(&mut self, now: Instant) {
        let long_ago = |began| now.duration_since(began) > 2 * MAX_PAUSE;
        let long_ago = self.began.is_none_or(long_ago);
        self.length = if long_ago { INTERVAL } else { (2 * self.length).min(MAX_PAUSE) };
        self.began = Some(now);
    }
}

/// Whether the server at that address is in this container.
fn serves(container: &ContainerInspectResponse, address: &ServerAddress) -> bool {
    match address {
        ServerAddress::Socket(directory) => container.mounts.iter().flatten().any(|mount| {
            let inside = mount.destination.as_deref().unwrap_or_default();
            let outside = mount.source.as_deref().unwrap_or_default();
            SOCKETS.contains(&inside) && same(Path::new(outside), directory)
        }),
        ServerAddress::Tcp { host, port } => {
            is_loopback(host) && publishes(container, *port) || is_called(container, host)
        }
    }
}

/// Whether two paths lead to the same place.
fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
    one == other || real(one) == real(other)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn publishes(container: &ContainerInspectResponse, port: u16) -> bool {
    let bindings = container.host_config.as_ref().and_then(|host| host.port_bindings.as_ref());
    let published = bindings.and_then(|ports| ports.get(PORT)).into_iter().flatten().flatten();
    published
        .filter_map(|binding| binding.host_port.as_deref())
        .any(|text| text.parse() == Ok(port))
}

/// Whether containers beside it know it by that name.
fn is_called(container: &ContainerInspectResponse, host: &str) -> bool {
    let networks = container.network_settings.as_ref().and_then(|all| all.networks.as_ref());
    let names = networks.into_iter().flat_map(|networks| networks.values());
    names.flat_map(|network| network.aliases.iter().flatten()).any(|alias| alias == host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn container(text: serde_json::Value) -> ContainerInspectResponse {
        serde_json::from_value(text).expect("a container")
    }

    fn tcp(host: &str, port: u16) -> ServerAddress {
        ServerAddress::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn a_database_is_known_by_its_socket_its_port_or_its_name() {
        let by_socket = container(json!({
            "Mounts": [{ "Source": "/data/postgres/run", "Destination": "/run/postgresql" }]
        }));
        let by_port = container(json!({
            "HostConfig": { "PortBindings": { "5432/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "15432" }] } }
        }));
        let by_name = container(json!({
            "NetworkSettings": { "Networks": { "database": { "Aliases": ["postgres", "3f1c"] } } }
        }));
        let socket = |path: &str| ServerAddress::Socket(PathBuf::from(path));
        for (container, address, is_it) in [
            (&by_socket, socket("/data/postgres/run"), true),
            (&by_socket, socket("/data/postgres/../postgres/run/"), false),
            (&by_socket, socket("/run/postgresql"), false),
            (&by_socket, tcp("localhost", 5432), false),
            (&by_port, tcp("127.0.0.1", 15432), true),
            (&by_port, tcp("localhost", 15432), true),
            (&by_port, tcp("127.0.0.1", 15433), false),
            (&by_port, tcp("db.example.com", 15432), false),
            (&by_port, socket("/data/postgres/run"), false),
            (&by_name, tcp("postgres", 5432), true),
            (&by_name, tcp("other", 5432), false),
            (&container(json!({})), tcp("127.0.0.1", 5432), false),
        ] {
            assert_eq!(serves(container, &address), is_it, "{address:?}");
        }
    }

    #[test]
    fn a_database_that_ends_at_once_is_started_less_and_less_often() {
        let mut pause = Pause::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let since = now;
            while !pause.is_over(now) {
                now += Duration::from_secs(1);
            }
            waits.push((now - since).as_secs());
            pause.begin(now);
        }
        assert_eq!(waits, [0, 2, 4, 8, 16, 32, 60, 60]);
        pause.begin(now + Duration::from_hours(1));
        assert_eq!(pause.length, INTERVAL);
    }
}
