//! How the gateway behaves.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

/// How the gateway behaves. The defaults fit a machine that serves its own clients.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address on which public routes listen.
    pub public_bind: IpAddr,
    /// The address on which private routes listen; none: on loopback, and for peers on this machine on the address that
    /// clients are given.
    pub private_bind: Option<IpAddr>,
    /// How long a new connection is held until a target of its route accepts.
    pub hold: Duration,
    /// How long one attempt to connect to a target may take.
    pub connect_timeout: Duration,
    /// How often the table is read without a notification (±10 %).
    pub poll: Duration,
    /// How long one reading of the table may take.
    pub read_timeout: Duration,
    /// How long sessions may go on after the gateway is told to stop.
    pub drain: Duration,
    /// How long a connection may take for its first record or, on a shared port, for its ClientHello.
    pub hello_timeout: Duration,
    /// How many descriptors listeners and connections may take together; a connection takes two.
    pub descriptors: usize,
    /// How many delayed bytes a route may have, with injected latency.
    pub delayed_bytes_per_route: usize,
    /// How many delayed bytes all routes may have together.
    pub delayed_bytes: usize,
    /// The port to listen on for a standard port of brokers with host names, where it is another one.
    pub shared_ports: BTreeMap<u16, u16>,
    /// The file that caches the last good table; none: it is lost when the process ends.
    pub table_file: Option<PathBuf>,
    /// The size of the copy buffer of each direction of a session.
    pub buffer_bytes: usize,
    /// How many connections may wait to be accepted, per listener.
    pub backlog: u32,
}

impl Options {
    /// The addresses on which private routes listen whose clients are given `addresses`.
    pub(crate) fn private_binds(
        &self,
        addresses: impl IntoIterator<Item = Ipv4Addr>,
    ) -> BTreeSet<IpAddr> {
        match self.private_bind {
            Some(address) => BTreeSet::from([address]),
            None => {
                let given = addresses.into_iter().filter(|address| !address.is_unspecified());
                [Ipv4Addr::LOCALHOST].into_iter().chain(given).map(IpAddr::V4).collect()
            }
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            private_bind: None,
            hold: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            poll: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(1),
            hello_timeout: Duration::from_secs(5),
            descriptors: 12_000,
            delayed_bytes_per_route: 16 << 20,
            delayed_bytes: 64 << 20,
            shared_ports: BTreeMap::new(),
            table_file: None,
            buffer_bytes: 64 * 1024,
            backlog: 1024,
        }
    }
}
