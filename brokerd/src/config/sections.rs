//! The sections of the configuration, one struct per concern.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
};

use brokerd_domain::{NetworkDefaults, Region, amazon_mq_regions};
use serde::{Deserialize, Serialize};

use super::{
    choice::Choice,
    outgoing::{Allowed, Range, Service},
    ports::{PortRange, SharedPort, is_domain, standard_ports, validate_shared_ports},
    secret::{DatabaseUrl, Secret},
};

/// The key of a setting that is not valid, and why.
pub(crate) type InvalidSetting = (&'static str, String);

/// The HTTP API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    /// The address and port of the API. Port 0 takes any free port; the file `api.url` in the data directory
    /// tells which.
    pub(crate) listen: SocketAddr,
    /// The URL that `brokerd env` prints. Set it where clients reach the API at another address than
    /// `api.listen`. The web console is served there, see [Where it is served](console.md#where-it-is-served).
    pub(crate) url: Option<String>,
    /// The certificate chain of the API, a PEM file. With it the API speaks HTTPS. The file is read again when
    /// it changes, see [Certificates](keys-and-certificates.md#certificate-of-the-api).
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of that certificate, a PEM file.
    pub(crate) tls_key: Option<PathBuf>,
    /// The regions that requests may be signed for, beside `region`. The API refuses all others with
    /// `InvalidSignatureException`. The default is the regions of partition `aws` that have Amazon MQ.
    pub(crate) regions: BTreeSet<Region>,
    /// How many requests under `/v1` an account may send at once, to all regions together; as many more under
    /// `/brokerd/v1`. 0 means no limit.
    pub(crate) throttle_burst: u32,
    /// How many more requests an account may send per second, from 1 to 1000000. Each API process counts for
    /// itself.
    pub(crate) throttle_rate: u32,
    /// Whether DeleteBroker is refused while a broker is being created, rebooted or deleted, as the service
    /// does. Otherwise a broker can be deleted in any state, so that clean-up needs no waiting.
    pub(crate) strict_states: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8642)),
            url: None,
            tls_certificate: None,
            tls_key: None,
            regions: amazon_mq_regions(),
            // Source: the service's quotas, "API throttling".
            throttle_burst: 100,
            throttle_rate: 15,
            strict_states: false,
        }
    }
}

impl Api {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), None) => Err(("api.tls_key", "is missing beside api.tls_certificate".into())),
            (None, Some(_)) => Err(("api.tls_certificate", "is missing beside api.tls_key".into())),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }?;
        if let Some(url) = &self.url {
            let authority = url.split_once("://").filter(|(scheme, authority)| {
                ["http", "https"].contains(scheme)
                    && !authority.is_empty()
                    && !authority.contains(|c: char| c == '/' || c.is_whitespace())
            });
            if authority.is_none() {
                return Err(("api.url", format!("{url:?} is no URL such as http://host:8642")));
            }
        }
        in_range("api.throttle_burst", self.throttle_burst, 0..=1_000_000)?;
        in_range("api.throttle_rate", self.throttle_rate, 1..=1_000_000)
    }
}

/// PostgreSQL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Database {
    /// `postgres://user:password@host:port/database`.
    pub(crate) url: Option<DatabaseUrl>,
    /// A file that holds the URL; instead of `database.url`.
    pub(crate) url_file: Option<PathBuf>,
    /// How many connections this process shares between its requests and commands, from 4 to 1000; what comes on top:
    /// [the database](operating.md#the-database).
    pub(crate) max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, url_file: None, max_connections: 16 }
    }
}

impl Database {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        if self.url.is_some() && self.url_file.is_some() {
            return Err(("database.url", "is given together with database.url_file".into()));
        }
        // With fewer, requests wait for one another. Who listens or works in the background has its own.
        in_range("database.max_connections", self.max_connections, 4..=1000)
    }
}

/// AWS endpoints from which brokerd fetches what configurations of RabbitMQ name by ARN, see
/// [Secrets](security.md#secrets-of-configurations).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Aws {
    /// The endpoint of AWS Secrets Manager or of a compatible server.
    pub(crate) secrets_manager_url: Option<String>,
    /// The endpoint of Amazon S3 or of a compatible server.
    pub(crate) s3_url: Option<String>,
    /// The endpoint of AWS STS or of a compatible server. Without it no role is assumed.
    pub(crate) sts_url: Option<String>,
    /// The access key that signs these requests.
    pub(crate) access_key_id: Option<String>,
    /// The secret of that access key.
    pub(crate) secret_access_key: Option<Secret>,
    /// The session token of a temporary access key.
    pub(crate) session_token: Option<Secret>,
}

/// The addresses that clients connect to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Endpoint {
    /// The host in endpoint URLs and certificates where there is no `endpoint.domain`. A broker keeps the host
    /// it was created with. `auto`: the address of the host in Docker's default network, usually
    /// 172.17.0.1, see [Addresses](networking.md#addresses).
    pub(crate) advertised_host: Choice<String>,
    /// The IPv4 address that DescribeBroker reports for ActiveMQ instances. Without it, the advertised host, if
    /// that is an IPv4 address.
    pub(crate) ip_address: Option<Ipv4Addr>,
    /// The address where endpoints of publicly accessible brokers listen.
    pub(crate) public_bind: IpAddr,
    /// The address where the endpoints of all other brokers listen, such as `10.0.0.5`. `auto`: loopback and the
    /// address in their URLs; only this host and its containers get an answer there.
    pub(crate) private_bind: Choice<IpAddr>,
    /// The range of ports for endpoints. A broker keeps its ports.
    pub(crate) ports: PortRange,
    /// The domain of host names. Brokers that are created from then on get host names below it and the standard
    /// ports, see [Host names](networking.md#host-names). Other brokers keep what they have.
    pub(crate) domain: Option<String>,
    /// Where the gateway listens for standard ports, if not on these ports themselves: `443=8443,5671=25671`.
    pub(crate) shared_ports: Vec<SharedPort>,
    /// How long the gateway holds a new connection while its engine is away: 0 to 300 seconds.
    pub(crate) hold_seconds: u32,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            advertised_host: Choice::Auto,
            ip_address: None,
            public_bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            private_bind: Choice::Auto,
            ports: PortRange::new(20_000, 29_999),
            domain: None,
            shared_ports: Vec::new(),
            hold_seconds: 10,
        }
    }
}

impl Endpoint {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let wrong =
            |host: &&String| host.is_empty() || host.len() > 253 || !host.chars().all(allowed);
        if let Some(host) = self.advertised_host.chosen().filter(wrong) {
            return Err((
                "endpoint.advertised_host",
                format!("{host:?} is neither a host name nor an IPv4 address"),
            ));
        }
        if let Some(domain) = self.domain.as_deref().filter(|domain| !is_domain(domain)) {
            return Err(("endpoint.domain", format!("{domain:?} is not a domain in lower case")));
        }
        let others = self.domain.as_ref().map(|_| self.ports);
        validate_shared_ports(&self.shared_ports, others)
            .map_err(|why| ("endpoint.shared_ports", why))?;
        in_range("endpoint.hold_seconds", self.hold_seconds, 0..=300)
    }

    /// Where the gateway listens for brokers with host names.
    pub(crate) fn listened_ports(&self) -> Vec<u16> {
        let elsewhere = self.shared_ports();
        let listened = standard_ports().into_iter();
        listened.map(|port| elsewhere.get(&port).copied().unwrap_or(port)).collect()
    }

    /// Where the gateway listens for standard ports, if not on themselves.
    pub(crate) fn shared_ports(&self) -> BTreeMap<u16, u16> {
        self.shared_ports.iter().map(|port| port.pair()).collect()
    }
}

/// What becomes of a broker that names a security group that is not defined here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownGroups {
    /// The group is a label that filters nothing.
    Allow,
    /// The request is refused with a 400.
    Refuse,
}

/// Security groups, see [Security groups](security.md#security-groups).
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SecurityGroups {
    /// What happens to a broker that names a security group that nobody defined.
    pub(crate) unknown: UnknownGroups,
}

impl Default for SecurityGroups {
    fn default() -> Self {
        Self { unknown: UnknownGroups::Allow }
    }
}

/// What stands for the default VPC of an account, and what engines may connect to, see [Outgoing
/// connections](security.md#outgoing-connections).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Network {
    /// The subnets of the default VPC, one per zone.
    pub(crate) subnets: Vec<String>,
    /// The letters that name the zones, appended to the region; at least three.
    pub(crate) zone_suffixes: Vec<String>,
    /// The default security group: brokers have it whose caller names none. It filters nothing until somebody
    /// defines it. With one, every Terraform resource has to name its groups. Empty: there is none.
    pub(crate) security_group: String,
    /// The addresses beyond the host that engines may connect to: `all`, `none`, or ranges such as
    /// `10.0.0.0/8,192.0.2.7`.
    pub(crate) outgoing: Allowed,
    /// Ranges among `network.outgoing` that engines may not connect to.
    pub(crate) outgoing_denied: Vec<Range>,
    /// Services on the host that engines may connect to: a TCP port at all addresses of the host, or at one:
    /// `636,172.17.0.1:8080`.
    pub(crate) host_services: Vec<Service>,
}

impl Default for Network {
    fn default() -> Self {
        let NetworkDefaults { subnets, zone_suffixes, security_group } = NetworkDefaults::default();
        Self {
            subnets,
            zone_suffixes,
            security_group: security_group.unwrap_or_default(),
            outgoing: Allowed::All,
            outgoing_denied: Vec::new(),
            host_services: Vec::new(),
        }
    }
}

impl Network {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        let (subnets, zones) = (self.subnets.len(), self.zone_suffixes.len());
        // A RabbitMQ cluster has one node in each of three zones.
        if zones < 3 || subnets != zones {
            return Err((
                "network.subnets",
                format!("must be one per zone of at least three, not {subnets} in {zones} zones"),
            ));
        }
        if let Some(range) = self.outgoing.never() {
            let why = format!("{range} is link-local, where engines never connect to");
            return Err(("network.outgoing", why));
        }
        Ok(())
    }

    /// Whether it restricts what engines may connect to.
    pub(crate) fn restricts(&self) -> bool {
        self.outgoing != Allowed::All
            || !self.outgoing_denied.is_empty()
            || !self.host_services.is_empty()
    }

    /// As the domain has it.
    pub(crate) fn defaults(&self) -> NetworkDefaults {
        NetworkDefaults {
            subnets: self.subnets.clone(),
            zone_suffixes: self.zone_suffixes.clone(),
            security_group: Some(self.security_group.clone()).filter(|group| !group.is_empty()),
        }
    }
}

/// The role that makes containers match what was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Provisioner {
    /// How many brokers are created, changed or deleted at a time, from 1 to 64.
    pub(crate) workers: u32,
    /// How many failed brokers are worked on at a time, from 1 to 64. Ordinary work never takes these places.
    pub(crate) urgent_workers: u32,
    /// How many brokers may boot for the first time at once, up to 1000. 0 means twice the number of
    /// processors, at least four.
    pub(crate) boots: u32,
    /// How long a broker stays with a provisioner that vanished, from 5 to 600 seconds, see
    /// [Leases](deployment.md#leases).
    pub(crate) lease_seconds: u32,
    /// How often the provisioner looks for work that nothing told of, from 1 to 300 seconds.
    pub(crate) poll_seconds: u32,
    /// A catalogue of images that replaces the built-in `docker/catalogue.toml`, see [Engine
    /// versions](engine-versions.md).
    pub(crate) catalogue: Option<PathBuf>,
    /// The address of the container engine, `unix://…` or `tcp://…`. Without it: `unix:///var/run/docker.sock`.
    pub(crate) docker_host: Option<String>,
    /// Certificates, PEM, of the authorities that issue certificates of LDAP directories, for brokers of
    /// ActiveMQ whose account has no `directoryAuthorities` of its own; no others are trusted then. Without it: the
    /// authorities that Java trusts. brokerd reads the file at its start, a broker gets it at its next reboot.
    pub(crate) ldap_ca_file: Option<PathBuf>,
}

impl Default for Provisioner {
    fn default() -> Self {
        Self {
            workers: 4,
            urgent_workers: 8,
            boots: 0,
            lease_seconds: 15,
            poll_seconds: 5,
            catalogue: None,
            docker_host: None,
            ldap_ca_file: None,
        }
    }
}

impl Provisioner {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        in_range("provisioner.workers", self.workers, 1..=64)?;
        in_range("provisioner.urgent_workers", self.urgent_workers, 1..=64)?;
        in_range("provisioner.boots", self.boots, 0..=1000)?;
        in_range("provisioner.lease_seconds", self.lease_seconds, 5..=600)?;
        in_range("provisioner.poll_seconds", self.poll_seconds, 1..=300)
    }
}

/// Faults that callers inject into their brokers, see [Fault injection](fault-injection.md).
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// Whether callers may inject faults.
    pub(crate) enabled: bool,
}

pub(super) fn in_range(
    key: &'static str,
    value: u32,
    range: RangeInclusive<u32>,
) -> Result<(), InvalidSetting> {
    if range.contains(&value) {
        return Ok(());
    }
    Err((key, format!("must be between {} and {}, not {value}", range.start(), range.end())))
}
