//! The gateway's table.

use std::{collections::BTreeSet, net::Ipv4Addr};

use brokerd_domain::{BrokerId, IngressRule, Latency, Target};
use serde::{Deserialize, Serialize};

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
