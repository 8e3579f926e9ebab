//! A broker's private network.

use bollard::{
    Docker,
    errors::Error as DockerError,
    models::{
        EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest, NetworkCreateRequest,
        NetworkDisconnectRequest,
    },
    query_parameters::{InspectNetworkOptions, ListNetworksOptions},
};
use brokerd_domain::{BrokerId, InstallationId};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::bridge;
use crate::runtime::{
    RuntimeError,
    docker::{
        error::{self, SHORT, named, request, unless_gone},
        labels,
        subnet_pool::SubnetPool,
    },
};

/// How many subnets are tried before giving up until the next pass.
const ATTEMPTS: u32 = 256;

/// How many other names of a bridge are tried.
const BRIDGES: u32 = 4;

/// How many brokers' networks are made side by side.
const NETWORK_LOCKS: usize = 64;

/// The name of a broker's network.
pub(in crate::runtime::docker) fn name(installation: &InstallationId, broker: BrokerId) -> String {
    format!("brokerd-{installation}-{broker}")
}

/// Connects a container to a network.
pub(in crate::runtime::docker) async fn connect(
    docker: &Docker,
    network: &str,
    container: &str,
    how: EndpointSettings,
) -> Result<(), DockerError> {
    let body =
        NetworkConnectRequest { container: container.to_owned(), endpoint_config: Some(how) };
    request(SHORT, docker.connect_network(network, body)).await
}

/// Disconnects a container from a network, whatever it is doing.
pub(in crate::runtime::docker) async fn disconnect(
    docker: &Docker,
    network: &str,
    container: &str,
) -> Result<(), DockerError> {
    let body = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
    request(SHORT, docker.disconnect_network(network, body)).await
}

/// Connects an instance to its broker's network as it was connected when it was made: under its host name,
/// by which its peers call it. The engine publishes its ports again, others than before.
pub(in crate::runtime::docker) async fn connect_under(
    docker: &Docker,
    network: &str,
    container: &str,
    hostname: &str,
) -> Result<(), DockerError> {
    // It may be connected to a former network of that name, or under another one. What can't be
    // disconnected was not; whether that matters will be seen right below.
    let _ = disconnect(docker, network, container).await;
    let aliases = Some(vec![hostname.to_owned()]);
    connect(docker, network, container, EndpointSettings { aliases, ..EndpointSettings::default() })
        .await
}

/// Makes networks.
#[derive(Debug)]
pub(in crate::runtime::docker) struct Networks {
    pool: SubnetPool,
    locks: Vec<Mutex<()>>,
}

impl Networks {
    pub(in crate::runtime::docker) fn new(pool: SubnetPool) -> Self {
        Self { pool, locks: (0..NETWORK_LOCKS).map(|_| Mutex::new(())).collect() }
    }

    /// Makes sure that the broker has a network, and one only. Engines before 25 make a second one
    /// of the same name without complaint, after which the name leads nowhere; so this looks first,
    /// lets nobody of this process in between, and takes back what it made when somebody of another
    /// process was quicker.
    pub(in crate::runtime::docker) async fn ensure(
        &self,
        docker: &Docker,
        installation: &InstallationId,
        broker: BrokerId,
    ) -> Result<(), RuntimeError> {
        let name = name(installation, broker);
        let lock_number = usize::from(Sha256::digest(name.as_bytes())[0]) % NETWORK_LOCKS;
        let _alone = self.locks[lock_number].lock().await;
        match request(SHORT, docker.inspect_network(&name, None::<InspectNetworkOptions>)).await {
            Ok(_) => return Ok(()),
            Err(cause) if error::status(&cause) == Some(404) => {}
            Err(cause) if is_ambiguous(&cause) => {
                return drop_duplicates(docker, installation, broker).await;
            }
            Err(cause) => return Err(named("look for the broker's network")(cause)),
        }
        let mut attempt = 0;
        loop {
            match self.create(docker, &name, installation, broker, attempt).await {
                Ok(created) if created.warning.contains("already exists") => {
                    return drop_duplicates(docker, installation, broker).await;
                }
                Ok(_) => return Ok(()),
                Err(cause) if error::status(&cause) == Some(409) => return Ok(()),
                Err(cause) if bridge::is_taken(&error::message(&cause)) && attempt < BRIDGES => {
                    // By this very network, if somebody of another process was quicker.
                    if !ids(docker, installation, broker).await?.is_empty() {
                        return Ok(());
                    }
                    attempt += 1;
                }
                Err(cause) => return Err(named("create the broker's network")(cause)),
            }
        }
    }

    async fn create(
        &self,
        docker: &Docker,
        name: &str,
        installation: &InstallationId,
        broker: BrokerId,
        attempt: u32,
    ) -> Result<bollard::models::NetworkCreateResponse, DockerError> {
        let wanted = |subnet: Option<String>| NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            options: Some(bridge::named(bridge::name(installation, broker, attempt))),
            ipam: subnet.map(|subnet| Ipam {
                config: Some(vec![IpamConfig { subnet: Some(subnet), ..IpamConfig::default() }]),
                ..Ipam::default()
            }),
            labels: Some(labels::of_network(installation, broker)),
            ..NetworkCreateRequest::default()
        };
        let mut result = request(SHORT, docker.create_network(wanted(None))).await;
        if !matches!(&result, Err(cause) if is_exhausted(cause)) {
            return result;
        }
        for subnet in self.pool.candidates(name).take(ATTEMPTS as usize) {
            result = request(SHORT, docker.create_network(wanted(Some(subnet)))).await;
            if !matches!(&result, Err(cause) if is_overlap(cause) && !bridge::is_taken(&error::message(cause)))
            {
                break;
            }
        }
        result
    }
}

/// The engine's own pools hold no further network (about 30 unless it was configured otherwise).
fn is_exhausted(cause: &DockerError) -> bool {
    let text = error::message(cause);
    text.contains("fully subnetted") || text.contains("non-overlapping IPv4 address pool")
}

fn is_overlap(cause: &DockerError) -> bool {
    let text = error::message(cause).to_ascii_lowercase();
    text.contains("overlap") || text.contains("conflicts with network")
}

fn is_ambiguous(cause: &DockerError) -> bool {
    error::message(cause).contains("is ambiguous")
}

async fn ids(
    docker: &Docker,
    installation: &InstallationId,
    broker: BrokerId,
) -> Result<Vec<String>, RuntimeError> {
    let options = ListNetworksOptions { filters: Some(labels::of_broker(installation, broker)) };
    let networks = request(SHORT, docker.list_networks(Some(options)))
        .await
        .map_err(named("list the broker's networks"))?;
    let mut ids: Vec<String> = networks.into_iter().filter_map(|network| network.id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Leaves one network of several: one that is in use if there is one, else the one that everybody
/// who does this leaves.
async fn drop_duplicates(
    docker: &Docker,
    installation: &InstallationId,
    broker: BrokerId,
) -> Result<(), RuntimeError> {
    let ids = ids(docker, installation, broker).await?;
    let mut left = ids.len();
    for id in ids.iter().rev() {
        if left <= 1 {
            break;
        }
        if remove_one(docker, id).await? != Removed::InUse {
            left -= 1;
        }
    }
    Ok(())
}

/// The bridges of the installation's brokers.
pub(in crate::runtime::docker) async fn bridges(
    docker: &Docker,
    installation: &InstallationId,
) -> Result<Vec<(BrokerId, String)>, RuntimeError> {
    let options = ListNetworksOptions { filters: Some(labels::of_installation(installation)) };
    let networks = request(SHORT, docker.list_networks(Some(options)))
        .await
        .map_err(named("list the networks of brokers"))?;
    let bridge = |network: bollard::models::Network| {
        let broker = network.labels.as_ref().and_then(labels::object)?.broker;
        Some((broker, bridge::of(network.options.as_ref(), &network.id?)))
    };
    Ok(networks.into_iter().filter_map(bridge).collect())
}

/// Removes the broker's network; says whether there was one. One that is in use stays.
pub(in crate::runtime::docker) async fn remove(
    docker: &Docker,
    installation: &InstallationId,
    broker: BrokerId,
) -> Result<bool, RuntimeError> {
    let mut any = false;
    for id in ids(docker, installation, broker).await? {
        any |= remove_one(docker, &id).await? == Removed::Now;
    }
    Ok(any)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removed {
    Now,
    Before,
    InUse,
}

async fn remove_one(docker: &Docker, id: &str) -> Result<Removed, RuntimeError> {
    match request(SHORT, docker.remove_network(id)).await {
        Err(cause) if error::message(&cause).contains("active endpoints") => Ok(Removed::InUse),
        result => unless_gone(result)
            .map(|now| if now { Removed::Now } else { Removed::Before })
            .map_err(named("remove the broker's network")),
    }
}
