//! The gateway's table.

use std::{collections::BTreeSet, net::Ipv4Addr};

use brokerd_domain::{BrokerId, IngressRule, Latency, Target};
use serde::{Deserialize, Serialize};

/// How clients address an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entrance {
    /// By a port of its own.
    Port(u16),
    /// By this host name, on the standard ports that all brokers share.
    Name(String),
}

/// A route: one line of the gateway's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The broker.
    pub broker: BrokerId,
    /// How clients address it.
    pub entrance: Entrance,
    /// The ports on which the service has it: where to listen for a name, and what rules speak of.
    pub standard_ports: Vec<u16>,
    /// Whether other hosts may connect.
    pub public: bool,
    /// How many connections it may have at a time; none: as many as come.
    pub connection_limit: Option<u32>,
    /// The rules that admit clients; none: everybody is admitted.
    pub admitted: Option<Vec<IngressRule>>,
    /// The address that clients reach it at as far as the broker knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// The backends.
    pub target: Target,
    /// The latency that a fault adds. Not kept on disk, because nothing would end it while the database is away.
    #[serde(skip)]
    pub latency: Option<Latency>,
}

/// The gateway's table, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// The readable routes.
    pub routes: Vec<Route>,
    /// The unreadable ones. The others are served all the same.
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

/// A part of the table that this brokerd can't read: a later one may have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRoute {
    /// The broker.
    pub broker: BrokerId,
    /// The part that can't be read, and why.
    pub what: String,
}
