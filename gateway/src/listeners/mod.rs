//! The listeners and routes that are open, kept equal to the table of routes.

mod listener;
mod local_peer;
mod sni_listener;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use brokerd_domain::BrokerId;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    listener::{Dispatch, Listener},
    sni_listener::{SniListener, SniRoutes},
};
use crate::{
    admission::Admission,
    metrics::Metrics,
    options::Options,
    pending_connections::{ConnectionLimiter, ConnectionLimits},
    routes::{Change, RouteEntry, RouteKey, RoutingTable, Targets},
    session::{ByteBudget, RouteContext, RouteLatency},
    status::StatusReporter,
};

/// An entry of the table that is open.
struct OpenRoute {
    targets: watch::Sender<Targets>,
    admission: watch::Sender<Admission>,
    latency: RouteLatency,
    stop_accepting: CancellationToken,
    stop_sessions: CancellationToken,
    /// The listeners of the route's own port; none for a route that is found by name.
    listeners: Vec<JoinHandle<()>>,
}

/// Where the routes with host names are listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SniAddress {
    address: SocketAddr,
    /// The standard port that clients use.
    port: u16,
    /// Whether all of these routes are for this machine only.
    local_only: bool,
}

/// A listener that routes with host names share.
struct RunningSniListener {
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

/// The open routes, their listeners and their sessions.
pub(crate) struct Listeners {
    options: Arc<Options>,
    metrics: Metrics,
    status: StatusReporter,
    table: RoutingTable,
    routes: BTreeMap<RouteKey, OpenRoute>,
    sni_routes: SniRoutes,
    sni_listeners: BTreeMap<SniAddress, RunningSniListener>,
    sessions: TaskTracker,
    limiter: ConnectionLimiter,
    delayed_bytes: ByteBudget,
}

impl Listeners {
    pub(crate) fn new(options: Arc<Options>, metrics: Metrics, status: StatusReporter) -> Self {
        let limiter = ConnectionLimiter::new(connection_limits(&options, 0));
        let delayed_bytes = ByteBudget::new(options.delayed_bytes, metrics.delayed_bytes.clone());
        Self {
            limiter,
            delayed_bytes,
            options,
            metrics,
            status,
            table: RoutingTable::default(),
            routes: BTreeMap::new(),
            sni_routes: SniRoutes::default(),
            sni_listeners: BTreeMap::new(),
            sessions: TaskTracker::new(),
        }
    }

    /// Replaces the table.
    pub(crate) async fn apply(&mut self, next: RoutingTable) {
        let changes = self.table.changes_to(&next);
        self.table = next;
        self.carry_out(changes).await;
    }

    /// Replaces the entries of `brokers` by those of `part`; other brokers' stay.
    pub(crate) async fn apply_part(&mut self, brokers: &BTreeSet<BrokerId>, part: RoutingTable) {
        let part = self.table.without_conflicts(brokers, part);
        let changes = self.table.take(brokers).changes_to(&part);
        self.table.put(part);
        self.carry_out(changes).await;
    }

    async fn carry_out(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        for change in changes {
            match change {
                Change::Close(key) => self.close(&key).await,
                Change::Open(key, entry) => self.open(key, &entry),
                Change::SetTargets(key, targets) => {
                    if let Some(route) = self.routes.get(&key) {
                        route.targets.send_replace(targets);
                    }
                }
                Change::SetAdmission(key, admission) => {
                    if let Some(route) = self.routes.get(&key) {
                        route.admission.send_replace(admission);
                    }
                }
                Change::SetLatency(key, latency) => {
                    if let Some(route) = self.routes.get(&key) {
                        route.latency.set(latency);
                    }
                }
            }
        }
        self.update_sni_listeners().await;
        let own: usize = self.routes.values().map(|route| route.listeners.len()).sum();
        let limits = connection_limits(&self.options, own + self.sni_listeners.len());
        self.limiter.set_limits(limits);
    }

    fn open(&mut self, key: RouteKey, entry: &RouteEntry) {
        let (targets, watched_targets) = watch::channel(entry.targets.clone());
        let (admission, watched_admission) = watch::channel(entry.admission.clone());
        let budget = self.delayed_bytes.child(self.options.delayed_bytes_per_route);
        let route = RouteContext {
            public: entry.public,
            standard_ports: entry.standard_ports.clone().into(),
            admission: watched_admission,
            sessions: Arc::default(),
            targets: watched_targets,
            round_robin: Arc::default(),
            latency: RouteLatency::new(entry.latency, budget),
            stop_accepting: CancellationToken::new(),
            stop_sessions: CancellationToken::new(),
            options: Arc::clone(&self.options),
            metrics: self.metrics.clone(),
        };
        let (stop_accepting, stop_sessions) =
            (route.stop_accepting.clone(), route.stop_sessions.clone());
        let latency = route.latency.clone();
        tracing::debug!(
            ?key, broker.id = %entry.owner.broker, protocol = %entry.owner.protocol, "route opened"
        );
        let listeners = match &key {
            RouteKey::Port(port) => {
                let binds = if entry.public {
                    BTreeSet::from([self.options.public_bind])
                } else {
                    self.options.private_binds(entry.address)
                };
                let local_only = !entry.public && self.options.private_bind.is_none();
                let listen = |ip| {
                    let address = SocketAddr::new(ip, *port);
                    let dispatch = Dispatch::Route(route.clone());
                    self.listen(address, local_only, dispatch, stop_accepting.clone())
                };
                binds.into_iter().map(listen).collect()
            }
            RouteKey::Name(name, port) => {
                self.sni_routes.insert(name, *port, route);
                Vec::new()
            }
        };
        let open =
            OpenRoute { targets, admission, latency, stop_accepting, stop_sessions, listeners };
        self.routes.insert(key, open);
    }

    fn listen(
        &self,
        address: SocketAddr,
        local_only: bool,
        dispatch: Dispatch,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        let listener = Listener {
            address,
            local_only,
            backlog: self.options.backlog,
            dispatch,
            stop,
            sessions: self.sessions.clone(),
            limiter: self.limiter.clone(),
            metrics: self.metrics.clone(),
            status: self.status.clone(),
        };
        // The first attempt to bind is made here, so that an applied table means ports that answer.
        let first = listener::bind(address, self.options.backlog);
        tokio::spawn(listener.run(first))
    }

    /// Ends the route's sessions, and waits until its ports are free.
    async fn close(&mut self, key: &RouteKey) {
        if let Some(route) = self.routes.remove(key) {
            if let RouteKey::Name(name, port) = key {
                self.sni_routes.remove(name, *port);
            }
            route.stop_accepting.cancel();
            route.stop_sessions.cancel();
            for listener in route.listeners {
                join(listener).await;
            }
            tracing::debug!(?key, "route closed");
        }
    }

    /// Opens the shared listeners that the table needs, and closes the others. Sessions are not touched.
    async fn update_sni_listeners(&mut self) {
        let wanted = sni_addresses(&self.table, &self.options);
        let unwanted: Vec<_> =
            self.sni_listeners.keys().filter(|at| !wanted.contains(at)).copied().collect();
        for at in unwanted {
            if let Some(listener) = self.sni_listeners.remove(&at) {
                listener.stop.cancel();
                join(listener.accepting).await;
            }
        }
        for at in wanted {
            if self.sni_listeners.contains_key(&at) {
                continue;
            }
            let SniAddress { address, port, local_only } = at;
            let stop = CancellationToken::new();
            let listener = SniListener {
                routes: self.sni_routes.clone(),
                port,
                options: Arc::clone(&self.options),
                metrics: self.metrics.clone(),
                stop: stop.clone(),
            };
            let accepting = self.listen(address, local_only, Dispatch::Sni(listener), stop.clone());
            self.sni_listeners.insert(at, RunningSniListener { stop, accepting });
        }
    }

    /// Stops accepting, waits [`Options::drain`] for sessions to end, and ends the rest.
    pub(crate) async fn shut_down(mut self) {
        for route in self.routes.values() {
            route.stop_accepting.cancel();
        }
        for listener in self.sni_listeners.values() {
            listener.stop.cancel();
        }
        self.sessions.close();
        if timeout(self.options.drain, self.sessions.wait()).await.is_err() {
            for route in self.routes.values() {
                route.stop_sessions.cancel();
            }
            self.sessions.wait().await;
        }
        let own = std::mem::take(&mut self.routes).into_values().flat_map(|route| route.listeners);
        let shared = std::mem::take(&mut self.sni_listeners).into_values().map(|l| l.accepting);
        for listener in own.chain(shared) {
            join(listener).await;
        }
    }
}

/// No listener or session outlives this, however it ends.
impl Drop for Listeners {
    fn drop(&mut self) {
        for route in self.routes.values() {
            route.stop_accepting.cancel();
            route.stop_sessions.cancel();
        }
        for listener in self.sni_listeners.values() {
            listener.stop.cancel();
        }
    }
}

/// The limits beside so many listeners: each connection takes two descriptors, the client's and the engine's.
fn connection_limits(options: &Options, listeners: usize) -> ConnectionLimits {
    ConnectionLimits::of(options.descriptors.saturating_sub(listeners) / 2)
}

/// Where to listen for the routes with host names. A listener on all addresses serves public and private routes, so there
/// is no other one beside it.
fn sni_addresses(table: &RoutingTable, options: &Options) -> BTreeSet<SniAddress> {
    let mut ports: BTreeMap<u16, BTreeMap<IpAddr, bool>> = BTreeMap::new();
    for (port, entry) in table.named() {
        let local_only = !entry.public && options.private_bind.is_none();
        let binds = if entry.public {
            BTreeSet::from([options.public_bind])
        } else {
            options.private_binds(entry.address)
        };
        let addresses = ports.entry(port).or_default();
        for ip in binds {
            *addresses.entry(ip).or_insert(true) &= local_only;
        }
    }
    let mut found = BTreeSet::new();
    for (port, addresses) in ports {
        let listen = options.shared_ports.get(&port).copied().unwrap_or(port);
        for (ip, local_only) in &addresses {
            if !addresses.keys().any(|other| other != ip && covers(*other, *ip)) {
                let (address, local_only) = (SocketAddr::new(*ip, listen), *local_only);
                found.insert(SniAddress { address, port, local_only });
            }
        }
    }
    found
}

/// Whether a listener on `wide` accepts connections to `narrow`.
fn covers(wide: IpAddr, narrow: IpAddr) -> bool {
    wide.is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4())
}

async fn join(listener: JoinHandle<()>) {
    if let Err(error) = listener.await {
        tracing::error!(%error, "listener panicked");
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
        let found = sni_addresses(&RoutingTable::new(routes), &options);
        found
            .into_iter()
            .map(|at| format!("{}{}", at.address, if at.local_only { " local" } else { "" }))
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

        let local_route =
            Route { address: Some(Ipv4Addr::new(172, 17, 0, 1)), ..private[0].clone() };
        let local = ["127.0.0.1:15671 local", "172.17.0.1:15671 local"];
        assert_eq!(wanted(std::slice::from_ref(&local_route), all, "auto"), local);
        let chosen = wanted(std::slice::from_ref(&local_route), all, "127.0.0.1");
        assert_eq!(chosen, ["127.0.0.1:15671"]);
        assert_eq!(wanted(&[local_route, both[0].clone()], all, "auto"), ["0.0.0.0:15671"]);
    }
}
