//! The listeners, kept as the table says.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use brokerd_domain::BrokerId;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Crowd, Limits, Metrics, Options,
    budget::Budget,
    door::{Door, Names},
    gateway::Board,
    lag::Lag,
    listener::{self, Listening, Reception},
    session::RouteContext,
    table::{Change, Gate, Key, Line, Table, Targets},
};

/// What is open for a line of the table.
struct Way {
    targets: watch::Sender<Targets>,
    gate: watch::Sender<Gate>,
    lag: Lag,
    stop_accepting: CancellationToken,
    stop_sessions: CancellationToken,
    /// The listeners that the line has of its own.
    accepting: Vec<JoinHandle<()>>,
}

/// Where a listener is that lines with names share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shared {
    address: SocketAddr,
    /// The standard port that it is for.
    port: u16,
    /// Whether all of the lines are for this machine only.
    only_here: bool,
}

/// A listener that lines with names share.
struct SharedListener {
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

/// The listeners and their sessions.
pub(crate) struct Front {
    options: Arc<Options>,
    metrics: Metrics,
    board: Board,
    table: Table,
    ways: BTreeMap<Key, Way>,
    names: Names,
    shared: BTreeMap<Shared, SharedListener>,
    sessions: TaskTracker,
    crowd: Crowd,
    late_bytes: Budget,
}

impl Front {
    pub(crate) fn new(options: Arc<Options>, metrics: Metrics, board: Board) -> Self {
        let crowd = Crowd::new(limits(&options, 0));
        let late_bytes = Budget::new(options.late_bytes, metrics.late_bytes.clone());
        Self {
            crowd,
            late_bytes,
            options,
            metrics,
            board,
            table: Table::default(),
            ways: BTreeMap::new(),
            names: Names::default(),
            shared: BTreeMap::new(),
            sessions: TaskTracker::new(),
        }
    }

    /// Makes the listeners be what `next` says.
    pub(crate) async fn apply(&mut self, next: Table) {
        let changes = self.table.changes_to(&next);
        self.table = next;
        self.make(changes).await;
    }

    /// Makes those of these brokers be what `part` says, and leaves the others alone.
    pub(crate) async fn apply_part(&mut self, brokers: &BTreeSet<BrokerId>, part: Table) {
        let part = self.table.fitting(brokers, part);
        let changes = self.table.take(brokers).changes_to(&part);
        self.table.put(part);
        self.make(changes).await;
    }

    async fn make(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        for change in changes {
            match change {
                Change::Close(key) => self.close(&key).await,
                Change::Open(key, line) => self.open(key, &line),
                Change::Retarget(key, targets) => {
                    if let Some(way) = self.ways.get(&key) {
                        way.targets.send_replace(targets);
                    }
                }
                Change::Regate(key, gate) => {
                    if let Some(way) = self.ways.get(&key) {
                        way.gate.send_replace(gate);
                    }
                }
                Change::Delay(key, latency) => {
                    if let Some(way) = self.ways.get(&key) {
                        way.lag.set(latency);
                    }
                }
            }
        }
        self.share().await;
        let own: usize = self.ways.values().map(|way| way.accepting.len()).sum();
        self.crowd.limit(limits(&self.options, own + self.shared.len()));
    }

    fn open(&mut self, key: Key, line: &Line) {
        let (targets, watched_targets) = watch::channel(line.targets.clone());
        let (gate, watched_gate) = watch::channel(line.gate.clone());
        let route = RouteContext {
            public: line.public,
            standard_ports: line.standard_ports.clone().into(),
            gate: watched_gate,
            occupancy: Arc::default(),
            targets: watched_targets,
            turn: Arc::default(),
            lag: Lag::new(line.latency, self.late_bytes.part(self.options.late_bytes_per_route)),
            stop_accepting: CancellationToken::new(),
            stop_sessions: CancellationToken::new(),
            options: Arc::clone(&self.options),
            metrics: self.metrics.clone(),
        };
        let (stop_accepting, stop_sessions) =
            (route.stop_accepting.clone(), route.stop_sessions.clone());
        let lag = route.lag.clone();
        tracing::debug!(
            ?key, broker.id = %line.owner.broker, protocol = %line.owner.protocol, "endpoint opened"
        );
        let accepting = match &key {
            Key::Port(port) => {
                let binds = if line.public {
                    BTreeSet::from([self.options.public_bind])
                } else {
                    self.options.private_binds(line.address)
                };
                let only_here = !line.public && self.options.private_bind.is_none();
                let listen = |ip| {
                    let address = SocketAddr::new(ip, *port);
                    let reception = Reception::Own(route.clone());
                    self.listen(address, only_here, reception, stop_accepting.clone())
                };
                binds.into_iter().map(listen).collect()
            }
            Key::Name(name, port) => {
                self.names.insert(name, *port, route);
                Vec::new()
            }
        };
        self.ways.insert(key, Way { targets, gate, lag, stop_accepting, stop_sessions, accepting });
    }

    fn listen(
        &self,
        address: SocketAddr,
        only_here: bool,
        reception: Reception,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        let listening = Listening {
            address,
            only_here,
            backlog: self.options.backlog,
            reception,
            stop,
            sessions: self.sessions.clone(),
            crowd: self.crowd.clone(),
            metrics: self.metrics.clone(),
            board: self.board.clone(),
        };
        // The first attempt is made here, so that "the table was applied" means "the ports answer".
        let first = listener::bind(address, self.options.backlog);
        tokio::spawn(listening.run(first))
    }

    /// Ends the sessions and waits until the entrance is free.
    async fn close(&mut self, key: &Key) {
        if let Some(closing) = self.ways.remove(key) {
            if let Key::Name(name, port) = key {
                self.names.remove(name, *port);
            }
            closing.stop_accepting.cancel();
            closing.stop_sessions.cancel();
            for accepting in closing.accepting {
                end(accepting).await;
            }
            tracing::debug!(?key, "endpoint closed");
        }
    }

    /// Listens where the lines with names want it, and nowhere else. Their sessions don't depend on it.
    async fn share(&mut self) {
        let wanted = doors(&self.table, &self.options);
        let unwanted: Vec<_> =
            self.shared.keys().filter(|door| !wanted.contains(door)).copied().collect();
        for door in unwanted {
            if let Some(closing) = self.shared.remove(&door) {
                closing.stop.cancel();
                end(closing.accepting).await;
            }
        }
        for key in wanted {
            if self.shared.contains_key(&key) {
                continue;
            }
            let Shared { address, port, only_here } = key;
            let stop = CancellationToken::new();
            let door = Door {
                names: self.names.clone(),
                port,
                options: Arc::clone(&self.options),
                metrics: self.metrics.clone(),
                stop: stop.clone(),
            };
            let reception = Reception::Shared(door);
            let accepting = self.listen(address, only_here, reception, stop.clone());
            self.shared.insert(key, SharedListener { stop, accepting });
        }
    }

    /// Stops accepting, lets sessions end by themselves for a moment, and ends the rest.
    pub(crate) async fn shut_down(mut self) {
        for way in self.ways.values() {
            way.stop_accepting.cancel();
        }
        for shared in self.shared.values() {
            shared.stop.cancel();
        }
        self.sessions.close();
        if timeout(self.options.drain, self.sessions.wait()).await.is_err() {
            for way in self.ways.values() {
                way.stop_sessions.cancel();
            }
            self.sessions.wait().await;
        }
        let own = std::mem::take(&mut self.ways).into_values().flat_map(|way| way.accepting);
        let shared = std::mem::take(&mut self.shared).into_values().map(|door| door.accepting);
        for accepting in own.chain(shared) {
            end(accepting).await;
        }
    }
}

/// Whatever ends it leaves nobody who listens for nothing.
impl Drop for Front {
    fn drop(&mut self) {
        for way in self.ways.values() {
            way.stop_accepting.cancel();
            way.stop_sessions.cancel();
        }
        for shared in self.shared.values() {
            shared.stop.cancel();
        }
    }
}

/// How many are let in beside these listeners: each has a connection to the engine, too, or gets one.
fn limits(options: &Options, listeners: usize) -> Limits {
    Limits::of(options.descriptors.saturating_sub(listeners) / 2)
}

/// Where to listen for the lines with names, and for which standard port. Public ones are reached everywhere
/// that private ones are, if they listen on all addresses: then there is one listener.
fn doors(table: &Table, options: &Options) -> BTreeSet<Shared> {
    let mut reach: BTreeMap<u16, BTreeMap<IpAddr, bool>> = BTreeMap::new();
    for (port, line) in table.shared() {
        let only_here = !line.public && options.private_bind.is_none();
        let binds = if line.public {
            BTreeSet::from([options.public_bind])
        } else {
            options.private_binds(line.address)
        };
        let addresses = reach.entry(port).or_default();
        for ip in binds {
            *addresses.entry(ip).or_insert(true) &= only_here;
        }
    }
    let mut doors = BTreeSet::new();
    for (port, addresses) in reach {
        let listen = options.shared_ports.get(&port).copied().unwrap_or(port);
        for (ip, only_here) in &addresses {
            if !addresses.keys().any(|other| other != ip && covers(*other, *ip)) {
                let (address, only_here) = (SocketAddr::new(*ip, listen), *only_here);
                doors.insert(Shared { address, port, only_here });
            }
        }
    }
    doors
}

/// Whether who listens on `wide` gets what is sent to `narrow`.
fn covers(wide: IpAddr, narrow: IpAddr) -> bool {
    wide.is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4())
}

async fn end(accepting: JoinHandle<()>) {
    if let Err(error) = accepting.await {
        tracing::error!(%error, "a listener panicked");
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use brokerd_domain::{Protocol, Target};
    use brokerd_store::{Entrance, Route};

    use super::*;

    fn named(name: &str, public: bool) -> Route {
        Route {
            broker: uuid::Uuid::from_u128(1).into(),
            entrance: Entrance::Name(name.to_owned()),
            standard_ports: vec![5671],
            public,
            connection_limit: None,
            admitted: None,
            address: None,
            target: Target { ordinal: 1, protocol: Protocol::Amqp, addresses: Vec::new() },
            latency: None,
        }
    }

    fn wanted(routes: &[Route], public: &str, private: &str) -> Vec<String> {
        let options = Options {
            public_bind: public.parse().expect("an address"),
            private_bind: private.parse().ok(),
            shared_ports: [(5671, 15671)].into(),
            ..Options::default()
        };
        let doors = doors(&Table::new(routes), &options);
        doors
            .into_iter()
            .map(|door| format!("{}{}", door.address, if door.only_here { " here" } else { "" }))
            .collect()
    }

    #[test]
    fn a_shared_port_listens_where_its_brokers_are_reached() {
        let (public, private) = (named("a", true), named("b", false));
        let (all, both) = ("0.0.0.0", [public.clone(), private.clone()]);
        assert!(wanted(&[], all, "127.0.0.1").is_empty());
        let private = std::slice::from_ref(&private);
        assert_eq!(wanted(private, all, "127.0.0.1"), ["127.0.0.1:15671"]);
        assert_eq!(wanted(&both, all, "127.0.0.1"), ["0.0.0.0:15671"]);
        assert_eq!(wanted(&both, "::", "127.0.0.1"), ["[::]:15671"]);
        let apart = ["10.0.0.1:15671", "127.0.0.1:15671"];
        assert_eq!(wanted(&both, "10.0.0.1", "127.0.0.1"), apart);
        assert_eq!(wanted(&both, all, "::1"), ["0.0.0.0:15671", "[::1]:15671"]);
        assert_eq!(wanted(&[public], "10.0.0.1", "127.0.0.1"), ["10.0.0.1:15671"]);

        let told = Route { address: Some(Ipv4Addr::new(172, 17, 0, 1)), ..private[0].clone() };
        let here = ["127.0.0.1:15671 here", "172.17.0.1:15671 here"];
        assert_eq!(wanted(std::slice::from_ref(&told), all, "auto"), here);
        let chosen = wanted(std::slice::from_ref(&told), all, "127.0.0.1");
        assert_eq!(chosen, ["127.0.0.1:15671"]);
        assert_eq!(wanted(&[told, both[0].clone()], all, "auto"), ["0.0.0.0:15671"]);
    }
}
