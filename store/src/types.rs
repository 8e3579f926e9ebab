//! What goes into the store and comes out of it, beside the domain's own types.

use std::{collections::BTreeSet, net::Ipv4Addr};

use brokerd_domain::{
    AccountId, Broker, BrokerId, BrokerUser, Configuration, ConfigurationId, ConfigurationRevision,
    EngineType, EngineVersion, Fault, IngressRule, Latency, Protocol, Region, Reservation,
    RunningEngine, Target, Timestamp, endpoint_host,
};
use secrecy::{SecretBox, SecretString};
use serde::{Deserialize, Serialize};

/// A key that signs API requests.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// The public part.
    pub id: String,
    /// The secret part; sealed at rest.
    pub secret: SecretString,
    /// Whose requests it signs.
    pub account: AccountId,
}

/// The authority that issues broker certificates.
#[derive(Debug, Clone)]
pub struct CertificateAuthority {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its key, PEM (PKCS#8); sealed at rest.
    pub private_key_pem: SecretString,
}

/// An authority that is trusted, with what tells when it issues.
#[derive(Debug, Clone)]
pub struct StoredAuthority {
    /// Which one it is.
    pub id: i64,
    /// From when on it issues, until another one does.
    pub issues_from: Timestamp,
    /// The certificate and its key.
    pub authority: CertificateAuthority,
}

/// The identifiers a new broker and its own configuration will have.
#[derive(Debug, Clone, Copy)]
pub struct NewIds {
    /// The broker's.
    pub broker: BrokerId,
    /// That of `<brokerName>-configuration`, used when the caller named no configuration.
    pub configuration: ConfigurationId,
}

/// What became of a CreateBroker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once per request and taken apart at once")]
pub enum CreateOutcome {
    /// The broker is durably there.
    Created,
    /// A broker of that name exists and was made with the same token; it comes back as it is.
    SameToken(Broker),
    /// A broker of that name exists.
    NameTaken,
    /// The configuration the caller named does not exist any more.
    ConfigurationNotFound,
    /// The account has as many brokers in this region as it may have.
    TooManyBrokers,
    /// It has as many configurations, and the broker needs one of its own.
    TooManyConfigurations,
}

/// What became of an UpdateBroker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// It is stored.
    Updated,
    /// The broker is not any more as the caller saw it: look again.
    Changed,
    /// The configuration it would wait for does not exist any more.
    ConfigurationNotFound,
}

/// What became of a change of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserOutcome {
    /// It is stored.
    Done,
    /// The broker is not any more as the caller saw it: look again.
    Changed,
    /// There is such a user already.
    Exists,
    /// There is no such user.
    NotFound,
    /// The broker has as many users as it may have.
    TooMany,
}

/// What became of a fault that somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultOutcome {
    /// It is stored.
    Created,
    /// There is no such broker, or it is being deleted.
    BrokerNotFound,
    /// The broker has as many faults under way as it may have.
    TooMany,
}

/// A revision that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevisionLookup {
    /// This scope has no such configuration.
    NoConfiguration,
    /// The configuration has no such revision.
    NoRevision(i32),
    /// The revision.
    Found(Box<ConfigurationRevision>),
}

/// What became of an UpdateConfiguration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddRevision {
    /// The configuration, whose latest revision is the new one.
    Added(Box<Configuration>),
    /// This scope has no such configuration.
    NotFound,
    /// The configuration has as many revisions as it may have.
    TooMany,
}

/// What became of a DeleteConfiguration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteConfiguration {
    /// It is gone with all revisions.
    Deleted,
    /// This scope has no such configuration.
    NotFound,
    /// A broker uses it, will, or did.
    InUse,
}

/// An engine version that can run, as the provisioner found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// The engine.
    pub engine: EngineType,
    /// The version callers name.
    pub version: EngineVersion,
    /// The version that serves its brokers: another one if that stands in for it.
    pub runs: EngineVersion,
    /// The same down to the patch, as far as the image tells.
    pub true_version: String,
    /// The image.
    pub image: String,
    /// The modules of the engine in it and their versions, as far as known: `module=version,…`; empty if they are
    /// not.
    pub modules: String,
    /// Whether the engine runs in brokerd's launcher, or needs none.
    pub launcher: bool,
}

/// Everything a pass needs to know of a broker.
#[derive(Debug)]
pub struct Work {
    /// The broker, with the specification its instances are to be made from: while a reboot is
    /// outstanding, the one that waited for it.
    pub broker: Broker,
    /// The users its instances are to be made with, and their passwords: for RabbitMQ only the first
    /// administrator.
    pub users: Vec<BrokerUser>,
    /// The password of the service account of the broker's directory.
    pub ldap_password: Option<SecretString>,
    /// The content of the configuration revision its instances are to be made from.
    pub configuration: String,
    /// What [`crate::PgStore::save_materials`] was last given.
    pub materials: Option<SecretBox<Vec<u8>>>,
    /// Where the gateway leads the broker's endpoints now.
    pub targets: Vec<Target>,
    /// The faults that are not over, oldest first.
    pub faults: Vec<Fault>,
    /// What really ran when it last served.
    pub running: Option<RunningEngine>,
    /// What it has of the room on its host; none: it has not asked yet.
    pub reservation: Option<Reservation>,
    /// What of it can't be read, and is missing here, if anything: instances can't be made without it.
    pub unreadable: Option<String>,
}

/// How clients find an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entrance {
    /// By a port of its own.
    Port(u16),
    /// By this host name, on the standard ports that all brokers share.
    Name(String),
}

/// One line of the gateway's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The broker.
    pub broker: BrokerId,
    /// How clients find it.
    pub entrance: Entrance,
    /// The ports on which the service has it: where to listen for a name, and what rules speak of.
    pub standard_ports: Vec<u16>,
    /// Whether other machines may connect.
    pub public: bool,
    /// How many connections it may have at a time; none: as many as come.
    pub connection_limit: Option<u32>,
    /// Who may connect: whom one of these rules lets in; none: everybody.
    pub admitted: Option<Vec<IngressRule>>,
    /// The address that clients reach it at as far as the broker knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// Where to lead it.
    pub target: Target,
    /// How much later its bytes are to arrive, while a fault demands it. Not kept: nobody would end it while
    /// the database is away.
    #[serde(skip)]
    pub latency: Option<Latency>,
}

/// The gateway's table, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// What can be read.
    pub routes: Vec<Route>,
    /// What can't: the rest of the table is none the worse for it.
    pub unreadable: Vec<UnreadableRoute>,
    /// How many brokers were read for it.
    pub rows: usize,
}

/// What has changed of the gateway's table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteChanges {
    /// The brokers whose part of the table may have changed.
    pub brokers: BTreeSet<BrokerId>,
    /// Their part as it is now: that of those who have none is gone.
    pub table: RouteTable,
}

impl From<Vec<Route>> for RouteTable {
    fn from(routes: Vec<Route>) -> Self {
        Self { routes, ..Self::default() }
    }
}

/// Something in the gateway's table that makes no sense to this brokerd: a later one may have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRoute {
    /// Whose it is.
    pub broker: BrokerId,
    /// What makes no sense.
    pub what: String,
}

/// How endpoints are to be allocated.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// How many instances.
    pub instances: u8,
    /// The protocols of each, in the service's order.
    pub protocols: &'static [Protocol],
    /// The host that clients are told, if there are no names.
    pub host: String,
    /// The IPv4 address of each instance's endpoints, if it is known.
    pub ip_address: Option<String>,
    /// The ports to choose from, if there are no names.
    pub ports: std::ops::RangeInclusive<u16>,
    /// With names, instances have host names of their own and the standard ports.
    pub names: Option<Names>,
}

/// What the host names of instances are made of.
#[derive(Debug, Clone)]
pub struct Names {
    /// The broker.
    pub broker: BrokerId,
    /// Its engine.
    pub engine: EngineType,
    /// Its region.
    pub region: Region,
    /// Below which domain.
    pub domain: String,
}

impl Names {
    /// The host name of an instance.
    pub fn host(&self, ordinal: u8) -> String {
        endpoint_host(self.broker, self.engine, ordinal, &self.region, &self.domain)
    }
}

/// What became of a new security group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewGroupOutcome {
    /// It is there.
    Created,
    /// Another group has the name.
    NameTaken,
    /// Another group has the identifier.
    IdTaken,
    /// The account has as many groups in this region as it may have.
    TooMany,
}

/// What became of a security group that is not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteGroupOutcome {
    /// It is gone.
    Deleted,
    /// This scope has no such group.
    NotFound,
    /// A broker has it.
    InUse,
}
