//! What engines may connect to.

use std::{collections::BTreeMap, fmt, net::SocketAddr, ops::RangeInclusive, str::FromStr};

use async_trait::async_trait;
use brokerd_domain::{BrokerId, Cidr};

/// What engines may connect to. Whatever it says, link-local addresses and the instances of other brokers are out of
/// their reach. On Docker the host is, too, but for what is named here. On Kubernetes nodes, the API server and Services
/// are among the rest of the world, and a service of the host that is a port without an address means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The addresses beyond the host; none: all.
    pub allowed: Option<Vec<Cidr>>,
    /// Those that are excepted.
    pub denied: Vec<Cidr>,
    /// Services on the host.
    pub host_services: Vec<HostService>,
    /// The host's ports where brokers reach each other by way of the gateway.
    pub endpoint_ports: Vec<RangeInclusive<u16>>,
}

impl Outgoing {
    /// Link-local addresses, where clouds have credentials for whoever asks.
    ///
    /// Source: RFC 3927, RFC 4291 section 2.5.6; the IPv6 addresses of EC2's link-local services.
    pub(crate) const NEVER: [&'static str; 3] = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"];

    /// Whether a range has no address that engines could be allowed to reach.
    pub fn is_never(range: Cidr) -> bool {
        Self::NEVER
            .iter()
            .filter_map(|never| never.parse().ok())
            .any(|never: Cidr| never.covers(range))
    }
}

/// Tells which brokers' engines may connect to less than the installation permits.
#[async_trait]
pub trait OutgoingLimits: fmt::Debug + Send + Sync + 'static {
    /// The brokers that are limited, and to which ranges. Endpoints of brokers are not among what is limited.
    ///
    /// # Errors
    /// A sentence: why nobody knows at present.
    async fn current(&self) -> Result<BTreeMap<BrokerId, Vec<Cidr>>, String>;
}

/// No broker is limited.
#[derive(Debug, Clone, Copy)]
pub struct Unlimited;

#[async_trait]
impl OutgoingLimits for Unlimited {
    async fn current(&self) -> Result<BTreeMap<BrokerId, Vec<Cidr>>, String> {
        Ok(BTreeMap::new())
    }
}

/// A service on the host of the engines: a TCP port of all of its addresses, or of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostService {
    /// At every address of the host.
    Anywhere(u16),
    /// At that one.
    At(SocketAddr),
}

/// The text named no service of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a port such as 636 nor an address and a port such as 172.17.0.1:636")]
pub struct InvalidService;

impl FromStr for HostService {
    type Err = InvalidService;

    fn from_str(text: &str) -> Result<Self, InvalidService> {
        let text = text.trim();
        let service = match text.parse() {
            Ok(port) => Self::Anywhere(port),
            Err(_) => Self::At(text.parse().map_err(|_| InvalidService)?),
        };
        if service.port() == 0 { Err(InvalidService) } else { Ok(service) }
    }
}

impl HostService {
    /// Its port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Anywhere(port) => port,
            Self::At(address) => address.port(),
        }
    }
}

impl fmt::Display for HostService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere(port) => port.fmt(f),
            Self::At(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_of_the_host_is_a_port_or_an_address_with_one() {
        for text in ["636", "172.17.0.1:636", "[fd00::1]:389"] {
            assert_eq!(text.parse::<HostService>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
        for wrong in
            ["", "0", "ldap", "65536", "172.17.0.1", "172.17.0.1:0", "ldap.test:636", "1-2"]
        {
            assert_eq!(wrong.parse::<HostService>(), Err(InvalidService), "{wrong}");
        }
    }

    #[test]
    fn link_local_ranges_can_not_be_allowed() {
        for (range, never) in [
            ("169.254.169.254/32", true),
            ("169.254.0.0/16", true),
            ("fe80::1/128", true),
            ("fd00:ec2::254/128", true),
            ("169.0.0.0/8", false),
            ("0.0.0.0/0", false),
            ("fd00::/8", false),
        ] {
            assert_eq!(Outgoing::is_never(range.parse().expect(range)), never, "{range}");
        }
    }
}
