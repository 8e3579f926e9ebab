//! Where the engines' processes are reached from this one.
//!
//! Before version 28, Docker leads whoever sends a packet to a container's own address to every port that the
//! container publishes, on whichever address of the host it publishes it. So nothing is published where engines
//! can be reached without that: in their networks.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket};

use bollard::{
    Docker,
    models::{NetworkInspect, SystemInfo},
    query_parameters::InspectNetworkOptions,
};

use super::join::Joiner;
use crate::runtime::{
    RuntimeError,
    docker::{
        error::{self, SHORT, named, request},
        options::{DockerOptions, Join, USUAL_HOST},
    },
};

const LOOK: &str = "see where containers are reached";

/// The network that every engine makes for containers that name none.
const DEFAULT_NETWORK: &str = "bridge";

/// Where engines are reached.
#[derive(Debug, Clone)]
pub(in crate::runtime::docker) enum Reach {
    /// In their networks, which this process's container is attached to.
    Joined(Joiner),
    /// In their networks, which are on bridges of this process's host.
    Beside {
        /// The host's address that is there for its containers.
        host: IpAddr,
    },
    /// At ports that they publish on the host's loopback.
    Published {
        /// Why not in their networks.
        why: String,
    },
}

impl Reach {
    /// Looks where this process and the engine are.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(in crate::runtime::docker) async fn find(
        docker: &Docker,
        options: &DockerOptions,
    ) -> Result<Self, RuntimeError> {
        let published = |why: &str| Ok(Self::Published { why: why.to_owned() });
        if options.join == Join::Never {
            return published("runtime.join_networks is \"never\"");
        }
        if let Some(joiner) = Joiner::find(docker, &options.installation, &options.join).await? {
            return Ok(Self::Joined(joiner));
        }
        let host = options.host.as_deref().unwrap_or(USUAL_HOST);
        if !(host.starts_with('/') || host.starts_with("unix://")) {
            return published("the container engine is reached by a network");
        }
        let info = request(SHORT, docker.info()).await.map_err(named(LOOK))?;
        let kernel = tokio::fs::read_to_string("/proc/sys/kernel/osrelease").await;
        if let Some(why) = elsewhere(&info, kernel.unwrap_or_default().trim()) {
            return published(why);
        }
        let inspected = docker.inspect_network(DEFAULT_NETWORK, None::<InspectNetworkOptions>);
        let network = match request(SHORT, inspected).await {
            Ok(network) => network,
            Err(cause) if error::status(&cause) == Some(404) => {
                return published("the container engine has no network of its own");
            }
            Err(cause) => return Err(named(LOOK)(cause)),
        };
        match subnets(network).find_map(own_address_in) {
            Some(host) => Ok(Self::Beside { host: host.into() }),
            None => published("the container engine's networks are not on this machine"),
        }
    }

    /// Whether instances have to publish their ports.
    pub(in crate::runtime::docker) const fn publishes(&self) -> bool {
        matches!(self, Self::Published { .. })
    }

    /// The containers to attach to the networks of brokers.
    pub(in crate::runtime::docker) const fn joiner(&self) -> Option<&Joiner> {
        match self {
            Self::Joined(joiner) => Some(joiner),
            Self::Beside { .. } | Self::Published { .. } => None,
        }
    }

    /// The host's address that its containers reach it at.
    pub(in crate::runtime::docker) const fn host(&self) -> Option<IpAddr> {
        match self {
            Self::Beside { host } => Some(*host),
            Self::Joined(_) | Self::Published { .. } => None,
        }
    }

    /// Says what that means.
    pub(in crate::runtime::docker) fn log(&self) {
        match self {
            Self::Joined(_) => tracing::info!(
                "brokers are reached in their networks, which this container joins; they publish nothing"
            ),
            Self::Beside { host } => tracing::info!(
                %host,
                "brokers are reached in their networks and publish nothing; containers reach this host at that address"
            ),
            Self::Published { why } => tracing::warn!(
                "engines publish ports on the container engine's loopback ({why}); before Docker 28 other machines can bypass the gateway; set endpoint.advertised_host to an address that containers reach, so that brokers can connect to each other; outgoing connections are restricted on the container engine's host, where this machine counts as any other"
            ),
        }
    }
}

/// Why this engine's networks can't be on this machine, although its socket is.
fn elsewhere(info: &SystemInfo, kernel: &str) -> Option<&'static str> {
    let rootless = |option: &String| option.contains("name=rootless");
    if info.security_options.iter().flatten().any(rootless) {
        return Some("the container engine runs without root, in a network of its own");
    }
    let system = info.operating_system.as_deref().unwrap_or_default();
    if system.starts_with("Docker Desktop") || info.kernel_version.as_deref() != Some(kernel) {
        return Some("the container engine runs in a virtual machine");
    }
    None
}

/// The network's ranges of addresses.
fn subnets(network: NetworkInspect) -> impl Iterator<Item = (Ipv4Addr, u8)> {
    let configured = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    configured.into_iter().filter_map(|config| {
        let subnet = config.subnet?;
        let (address, prefix) = subnet.split_once('/')?;
        let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        Some((address.parse().ok()?, prefix))
    })
}

/// This machine's address in a range, if it has one there. It is the one that packets into the range would come
/// from: engines do not always tell their gateway's. Nothing is sent.
fn own_address_in((address, prefix): (Ipv4Addr, u8)) -> Option<Ipv4Addr> {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    let within = |other: Ipv4Addr| u32::from(other) & mask == u32::from(address) & mask;
    let last = Ipv4Addr::from((u32::from(address) | !mask).saturating_sub(1));
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(SocketAddrV4::new(last, 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(own) if within(own) => Some(own),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{Ipam, IpamConfig};

    use super::*;

    #[test]
    fn an_engine_in_a_machine_or_a_network_of_its_own_is_elsewhere() {
        let here = SystemInfo {
            kernel_version: Some("6.1".to_owned()),
            operating_system: Some("Debian GNU/Linux 12".to_owned()),
            security_options: Some(vec!["name=seccomp,profile=default".to_owned()]),
            ..SystemInfo::default()
        };
        assert_eq!(elsewhere(&here, "6.1"), None);
        for other in [
            SystemInfo { kernel_version: Some("6.2".to_owned()), ..here.clone() },
            SystemInfo { kernel_version: None, ..here.clone() },
            SystemInfo { operating_system: Some("Docker Desktop".to_owned()), ..here.clone() },
            SystemInfo { security_options: Some(vec!["name=rootless".to_owned()]), ..here },
        ] {
            assert!(elsewhere(&other, "6.1").is_some(), "{other:?}");
        }
    }

    #[test]
    fn the_own_address_in_a_range_is_found_without_being_told() {
        let network = |subnet: &str| NetworkInspect {
            ipam: Some(Ipam {
                config: Some(vec![IpamConfig {
                    subnet: Some(subnet.to_owned()),
                    ..IpamConfig::default()
                }]),
                ..Ipam::default()
            }),
            ..NetworkInspect::default()
        };
        let own = |subnet| subnets(network(subnet)).find_map(own_address_in);
        assert_eq!(own("127.0.0.0/8"), Some(Ipv4Addr::LOCALHOST));
        // Source: RFC 5737, addresses for documentation: nobody has them.
        for nowhere in ["203.0.113.0/24", "fd00::/8", "127.0.0.1", "127.0.0.0/40"] {
            assert_eq!(own(nowhere), None, "{nowhere}");
        }
    }
}
