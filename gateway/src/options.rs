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
    /// Where routes listen that other machines may reach.
    pub public_bind: IpAddr,
    /// Where all other routes listen; none: on loopback, and for who is on this machine at the address that their
    /// clients are told.
    pub private_bind: Option<IpAddr>,
    /// How long a new connection waits for its route to lead to a target that accepts.
    pub hold: Duration,
    /// How long one attempt to reach a target may take.
    pub connect_timeout: Duration,
    /// How often the table is read though nothing told of a change (±10 %).
    pub poll: Duration,
    /// How long one reading of the table may take.
    pub read_timeout: Duration,
    /// How long sessions may still run once the gateway is told to stop.
    pub drain: Duration,
    /// How long a connection may take for its first record or, on a shared port, for its ClientHello.
    pub hello_timeout: Duration,
    /// How many descriptors listeners and connections may take together; a connection takes two.
    pub descriptors: usize,
    /// How many bytes of a route may be late on purpose at a time.
    pub late_bytes_per_route: usize,
    /// How many bytes of all routes may be.
    pub late_bytes: usize,
    /// Where to listen for a standard port that brokers with names share, if not on itself.
    pub shared_ports: BTreeMap<u16, u16>,
    /// Where to keep the last good table; none: it is lost when the process ends.
    pub table_file: Option<PathBuf>,
    /// The size of the copy buffer of each direction of a session.
    pub buffer_bytes: usize,
    /// How many connections may wait to be accepted, per listener.
    pub backlog: u32,
}

impl Options {
    /// Where private routes listen whose clients are told `addresses`.
    pub(crate) fn private_binds(
        &self,
        addresses: impl IntoIterator<Item = Ipv4Addr>,
    ) -> BTreeSet<IpAddr> {
        match self.private_bind {
            Some(address) => BTreeSet::from([address]),
            None => {
                let told = addresses.into_iter().filter(|address| !address.is_unspecified());
                [Ipv4Addr::LOCALHOST].into_iter().chain(told).map(IpAddr::V4).collect()
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
            late_bytes_per_route: 16 << 20,
            late_bytes: 64 << 20,
            shared_ports: BTreeMap::new(),
            table_file: None,
            buffer_bytes: 64 * 1024,
            backlog: 1024,
        }
    }
}
