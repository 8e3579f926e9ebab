//! Which Docker engine, and how it is used.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use bollard::{API_DEFAULT_VERSION, Docker};
use brokerd_domain::InstallationId;

use super::subnet_pool::SubnetPool;
use crate::runtime::outgoing::{Outgoing, OutgoingLimits, Unlimited};

/// Where the engine listens unless it was told otherwise.
pub(super) const USUAL_HOST: &str = "unix:///var/run/docker.sock";

/// Which engine, and what it is told.
#[derive(Debug, Clone)]
pub struct DockerOptions {
    /// Where the engine listens: `unix://…` or `tcp://…`; nothing is the usual socket.
    pub host: Option<String>,
    /// The installation, whose containers alone are seen.
    pub installation: InstallationId,
    /// The host's address on which ports are published where engines can't be reached otherwise.
    pub publish_address: IpAddr,
    /// Where networks come from once the engine's own pools are used up.
    pub subnet_pool: SubnetPool,
    /// Whether containers get a limit of open files, which some hosts forbid.
    pub set_ulimits: bool,
    /// Whether engines are reached in their networks, wherever that is possible.
    pub join: Join,
    /// What engines may connect to; nothing: brokerd leaves that to others.
    pub outgoing: Option<Outgoing>,
    /// Which brokers' engines may connect to less.
    pub limits: Arc<dyn OutgoingLimits>,
}

/// The container that reaches engines in their networks instead of at published ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// None.
    Never,
    /// This process: the container that it runs in is attached to them, if it runs in one of this engine's.
    Itself,
    /// This process, which runs in the container of that name or id.
    Container(String),
}

impl DockerOptions {
    /// The options that suit most hosts: what has to be published is published on loopback.
    pub fn new(host: Option<String>, installation: InstallationId) -> Self {
        Self {
            host,
            installation,
            publish_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            subnet_pool: SubnetPool::DEFAULT,
            set_ulimits: true,
            join: Join::Itself,
            outgoing: None,
            limits: Arc::new(Unlimited),
        }
    }
}

/// A client of the engine that listens there.
pub(super) fn client(host: &str) -> Result<Docker, bollard::errors::Error> {
    // The client's own timeout is for the header of any reply, that of a slow stop included.
    let time_limit = Duration::from_hours(1).as_secs();
    match host {
        path if path.starts_with('/') || path.starts_with("unix://") => {
            Docker::connect_with_unix(path, time_limit, API_DEFAULT_VERSION)
        }
        other => {
            Ok(Docker::connect_with_host(other)?.with_timeout(Duration::from_secs(time_limit)))
        }
    }
}
