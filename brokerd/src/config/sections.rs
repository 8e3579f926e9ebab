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

/// What does not fit in a section: the key, and why.
pub(crate) type Misfit = (&'static str, String);

/// The HTTP API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Where clients find it, if that is not where it listens.
    pub(crate) url: Option<String>,
    /// The certificate chain, PEM; with it the API speaks HTTPS.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The certificate's key, PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// The regions that requests may be signed for, beside the configured one.
    pub(crate) regions: BTreeSet<Region>,
    /// How many requests an account may send at once, to the service's operations and to brokerd's own; 0 for as many as it
    /// wants.
    pub(crate) throttle_burst: u32,
    /// How many more it may send every second.
    pub(crate) throttle_rate: u32,
    /// Whether brokers are deleted only in the states in which the service does.
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
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
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
    /// A file that holds the URL.
    pub(crate) url_file: Option<PathBuf>,
    /// How many connections this process may have.
    pub(crate) max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, url_file: None, max_connections: 16 }
    }
}

impl Database {
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
        if self.url.is_some() && self.url_file.is_some() {
            return Err(("database.url", "is given together with database.url_file".into()));
        }
        // One is taken by each role that listens, and one has to be left to work with.
        in_range("database.max_connections", self.max_connections, 4..=1000)
    }
}

/// Where that is which configurations of RabbitMQ name by ARN and is not kept here, and who asks there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Aws {
    /// The endpoint of AWS Secrets Manager.
    pub(crate) secrets_manager_url: Option<String>,
    /// The endpoint of Amazon S3.
    pub(crate) s3_url: Option<String>,
    /// The endpoint of AWS STS; without it roles are not assumed.
    pub(crate) sts_url: Option<String>,
    /// The access key.
    pub(crate) access_key_id: Option<String>,
    /// Its secret.
    pub(crate) secret_access_key: Option<Secret>,
    /// What a temporary access key has beside.
    pub(crate) session_token: Option<Secret>,
}

/// What clients connect to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Endpoint {
    /// The host that clients are told.
    pub(crate) advertised_host: Choice<String>,
    /// The IPv4 address reported for ActiveMQ instances; the advertised host if that is one.
    pub(crate) ip_address: Option<Ipv4Addr>,
    /// Where publicly accessible brokers listen.
    pub(crate) public_bind: IpAddr,
    /// Where all others listen.
    pub(crate) private_bind: Choice<IpAddr>,
    /// The ports endpoints are given.
    pub(crate) ports: PortRange,
    /// The domain below which new brokers get host names of their own, and the standard ports.
    pub(crate) domain: Option<String>,
    /// `standard=listen`: where the gateway listens for a standard port, if not on itself.
    pub(crate) shared_ports: Vec<SharedPort>,
    /// How long a new connection waits for its engine.
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
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
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
            return Err(("endpoint.domain", format!("{domain:?} is no domain in lower case")));
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

/// A gateway that is a process of its own.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gateway {
    /// Where it serves its health and metrics.
    pub(crate) listen: SocketAddr,
}

impl Default for Gateway {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8643)) }
    }
}

/// What becomes of a broker that names a security group that is not defined here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownGroups {
    /// The group is a label that filters nothing.
    Allow,
    /// The broker is refused.
    Refuse,
}

/// Security groups.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SecurityGroups {
    /// What becomes of a broker that names a group that is not defined here.
    pub(crate) unknown: UnknownGroups,
}

impl Default for SecurityGroups {
    fn default() -> Self {
        Self { unknown: UnknownGroups::Allow }
    }
}

/// What stands for the caller's default VPC, and what engines reach from there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Network {
    /// One subnet per zone.
    pub(crate) subnets: Vec<String>,
    /// The letters that, appended to the region, name its zones.
    pub(crate) zone_suffixes: Vec<String>,
    /// The default security group; empty: there is none.
    pub(crate) security_group: String,
    /// The addresses that engines may connect to: `all`, `none` or ranges.
    pub(crate) outgoing: Allowed,
    /// Those among them that they may not.
    pub(crate) outgoing_denied: Vec<Range>,
    /// Services on the host that engines may connect to: `port` or `address:port`.
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
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
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

    /// Whether it says anything of what engines may connect to.
    pub(crate) fn restricts(&self) -> bool {
        self.outgoing != Allowed::All
            || !self.outgoing_denied.is_empty()
            || !self.host_services.is_empty()
    }

    /// As the rules want it.
    pub(crate) fn defaults(&self) -> NetworkDefaults {
        NetworkDefaults {
            subnets: self.subnets.clone(),
            zone_suffixes: self.zone_suffixes.clone(),
            security_group: Some(self.security_group.clone()).filter(|group| !group.is_empty()),
        }
    }
}

/// How instance types are mapped to this machine.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sizing {
    /// Factor on the memory and processors of an instance type.
    pub(crate) scale: f64,
}

impl Default for Sizing {
    fn default() -> Self {
        Self { scale: 1.0 }
    }
}

impl Sizing {
    pub(crate) fn validate(self) -> Result<(), Misfit> {
        if self.scale > 0.0 && self.scale <= 1.0 {
            return Ok(());
        }
        Err(("sizing.scale", format!("must be above 0 and at most 1, not {}", self.scale)))
    }
}

/// What makes brokers be as they should.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Provisioner {
    /// How many brokers are created, changed or deleted at a time.
    pub(crate) workers: u32,
    /// How many brokers that failed are worked on at a time; ordinary work never takes these places.
    pub(crate) urgent_workers: u32,
    /// How many brokers may boot for the first time at once; 0: twice as many as there are processors, at least four.
    pub(crate) boots: u32,
    /// How long a claim on a broker holds without being prolonged.
    pub(crate) lease_seconds: u32,
    /// How often to look for work though nothing told of any.
    pub(crate) poll_seconds: u32,
    /// An image catalogue instead of the built-in one.
    pub(crate) catalogue: Option<PathBuf>,
    /// Where the container engine listens, unless where `DOCKER_HOST` says or where it always does.
    pub(crate) docker_host: Option<String>,
    /// The authorities whose certificates directories may have, PEM; those that Java knows if not given.
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
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
        in_range("provisioner.workers", self.workers, 1..=64)?;
        in_range("provisioner.urgent_workers", self.urgent_workers, 1..=64)?;
        in_range("provisioner.boots", self.boots, 0..=1000)?;
        in_range("provisioner.lease_seconds", self.lease_seconds, 5..=600)?;
        in_range("provisioner.poll_seconds", self.poll_seconds, 1..=300)
    }
}

/// Whether the container that brokerd runs in, if it runs in one, joins the networks of brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JoinNetworks {
    /// If the container engine that runs brokers runs it, too.
    Auto,
    /// Engines are reached at the ports they publish on the host.
    Never,
}

/// Whether brokerd has the engine's host restrict what engines connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Firewall {
    /// As far as that is possible.
    Auto,
    /// The operator does.
    Never,
}

/// How instances are run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Runtime {
    /// How many files an instance may have open, which some hosts forbid to set.
    pub(crate) nofile: u32,
    /// Whether brokerd's own container joins the networks of brokers.
    pub(crate) join_networks: JoinNetworks,
    /// Whether new brokers get disks of their own of their tier's size, instead of directories on the host's disk.
    pub(crate) sized_volumes: bool,
    /// Whether brokerd has the engine's host restrict what engines connect to.
    pub(crate) firewall: Firewall,
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            nofile: 20_000,
            join_networks: JoinNetworks::Auto,
            sized_volumes: false,
            firewall: Firewall::Auto,
        }
    }
}

impl Runtime {
    pub(crate) fn validate(self) -> Result<(), Misfit> {
        in_range("runtime.nofile", self.nofile, 1024..=1_048_576)
    }
}

/// Faults that callers inject into their brokers.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// Whether they may.
    pub(crate) enabled: bool,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// How log lines are written.
    pub(crate) format: LogFormat,
    /// A level, or directives such as `info,brokerd_gateway=debug`.
    pub(crate) filter: String,
    /// Where lines go instead of standard error.
    pub(crate) file: Option<PathBuf>,
    /// How large that file may become.
    pub(crate) file_megabytes: u32,
    /// How many former files stay.
    pub(crate) files_kept: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
            file: None,
            file_megabytes: 10,
            files_kept: 5,
        }
    }
}

impl Log {
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.filter) {
            return Err(("log.filter", error.to_string()));
        }
        in_range("log.file_megabytes", self.file_megabytes, 1..=10_000)?;
        in_range("log.files_kept", self.files_kept, 0..=1000)
    }
}

fn in_range(key: &'static str, value: u32, range: RangeInclusive<u32>) -> Result<(), Misfit> {
    if range.contains(&value) {
        return Ok(());
    }
    Err((key, format!("must be between {} and {}, not {value}", range.start(), range.end())))
}
