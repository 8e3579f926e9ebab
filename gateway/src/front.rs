//! The listeners, kept as the table says.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Metrics, Options,
    gateway::Board,
    lag::Lag,
    listener,
    session::RouteContext,
    table::{Change, Line, Table, Targets},
};

struct Port {
    targets: watch::Sender<Targets>,
    lag: Lag,
    stop_accepting: CancellationToken,
    stop_sessions: CancellationToken,
    accepting: JoinHandle<()>,
}

/// The listeners and their sessions.
pub(crate) struct Front {
    options: Arc<Options>,
    metrics: Metrics,
    board: Board,
    table: Table,
    ports: BTreeMap<u16, Port>,
    sessions: TaskTracker,
}

impl Front {
    pub(crate) fn new(options: Arc<Options>, metrics: Metrics, board: Board) -> Self {
        Self {
            options,
            metrics,
            board,
            table: Table::default(),
            ports: BTreeMap::new(),
            sessions: TaskTracker::new(),
        }
    }

    /// Makes the listeners be what `next` says.
    pub(crate) async fn apply(&mut self, next: Table) {
        for change in self.table.changes_to(&next) {
            match change {
                Change::Close(port) => self.close(port).await,
                Change::Open(port, line) => self.open(port, &line),
                Change::Retarget(port, targets) => {
                    if let Some(open) = self.ports.get(&port) {
                        open.targets.send_replace(targets);
                    }
                }
                Change::Delay(port, latency) => {
                    if let Some(open) = self.ports.get(&port) {
                        open.lag.set(latency);
                    }
                }
            }
        }
        self.table = next;
    }

    fn open(&mut self, port: u16, line: &Line) {
        let ip = if line.public { self.options.public_bind } else { self.options.private_bind };
        let address = SocketAddr::new(ip, port);
        let (targets, watched) = watch::channel(line.targets.clone());
        let route = RouteContext {
            targets: watched,
            turn: Arc::default(),
            lag: Lag::new(line.latency),
            stop_accepting: CancellationToken::new(),
            stop_sessions: CancellationToken::new(),
            options: Arc::clone(&self.options),
            metrics: self.metrics.clone(),
        };
        let stop_accepting = route.stop_accepting.clone();
        let stop_sessions = route.stop_sessions.clone();
        let lag = route.lag.clone();
        // The first attempt is made here, so that "the table was applied" means "the ports answer".
        let first = listener::bind(address, self.options.backlog);
        let accepting = tokio::spawn(listener::run(
            address,
            first,
            route,
            self.sessions.clone(),
            self.board.clone(),
        ));
        tracing::debug!(
            %address, broker.id = %line.owner.broker, protocol = %line.owner.protocol,
            "endpoint opened"
        );
        self.ports.insert(port, Port { targets, lag, stop_accepting, stop_sessions, accepting });
    }

    /// Ends the sessions and waits until the port is free.
    async fn close(&mut self, port: u16) {
        if let Some(closing) = self.ports.remove(&port) {
            closing.stop_accepting.cancel();
            closing.stop_sessions.cancel();
            end(closing.accepting).await;
            tracing::debug!(port, "endpoint closed");
        }
    }

    /// Stops accepting, lets sessions end by themselves for a moment, and ends the rest.
    pub(crate) async fn shut_down(mut self) {
        for port in self.ports.values() {
            port.stop_accepting.cancel();
        }
        self.sessions.close();
        if timeout(self.options.drain, self.sessions.wait()).await.is_err() {
            for port in self.ports.values() {
                port.stop_sessions.cancel();
            }
            self.sessions.wait().await;
        }
        for port in std::mem::take(&mut self.ports).into_values() {
            end(port.accepting).await;
        }
    }
}

async fn end(accepting: JoinHandle<()>) {
    if let Err(error) = accepting.await {
        tracing::error!(%error, "a listener panicked");
    }
}
