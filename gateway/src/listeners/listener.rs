//! A listener: binds an address and accepts connections until it is stopped.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{local_peer::is_local_peer, sni_listener::SniListener};
use crate::{
    metrics::{ActiveGuard, Metrics, Refusal},
    pending_connections::ConnectionLimiter,
    session::{RouteContext, serve},
    status::StatusReporter,
};

const FIRST_BIND_RETRY: Duration = Duration::from_millis(100);
const MAX_BIND_RETRY: Duration = Duration::from_secs(5);
/// How long accepting pauses when the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds an address and listens on it.
pub(crate) fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a former process in TIME_WAIT must not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// How the route of a connection is found.
#[derive(Clone)]
pub(crate) enum Dispatch {
    /// All connections take this route.
    Route(RouteContext),
    /// By the server name of the ClientHello.
    Sni(SniListener),
}

/// One address to listen on.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    /// Whether peers on other machines are refused.
    pub(crate) local_only: bool,
    pub(crate) backlog: u32,
    pub(crate) dispatch: Dispatch,
    pub(crate) stop: CancellationToken,
    pub(crate) sessions: TaskTracker,
    pub(crate) limiter: ConnectionLimiter,
    pub(crate) metrics: Metrics,
    pub(crate) status: StatusReporter,
}

impl Listener {
    /// Binds unless `first` is bound, retrying without end, and accepts until it is stopped.
    pub(crate) async fn run(self, first: io::Result<TcpListener>) {
        let address = self.address;
        let serving = async {
            let listener = match first {
                Ok(listener) => listener,
                // The address of a network that is not there yet, or is elsewhere: no client can connect to it.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    tracing::debug!(%address, "address not on this machine; retried");
                    self.retry_bind().await
                }
                Err(error) => {
                    // Logged once: the retries are silent until one succeeds.
                    tracing::warn!(%address, %error, "endpoint port not bound; retried until it is free");
                    self.status.blocked(address);
                    let listener = self.retry_bind().await;
                    tracing::info!(%address, "endpoint port bound");
                    listener
                }
            };
            self.status.listening(address);
            self.accept(&listener).await;
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = serving => {}
        }
        self.status.closed(address);
    }

    async fn retry_bind(&self) -> TcpListener {
        let mut pause = FIRST_BIND_RETRY;
        loop {
            self.metrics.bind_failures.inc();
            sleep(pause).await;
            pause = MAX_BIND_RETRY.min(pause * 2);
            if let Ok(listener) = bind(self.address, self.backlog) {
                return listener;
            }
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((client, peer)) => {
                    self.metrics.connections.inc();
                    if self.local_only && !is_local_peer(peer.ip()) {
                        self.metrics.count_refusal(Refusal::Forbidden);
                        continue;
                    }
                    self.dispatch(client, peer);
                }
                Err(error) => {
                    // A client that has left already costs nothing; without descriptors a tight loop would make it worse.
                    self.metrics.accept_failures.inc();
                    tracing::debug!(%error, "connection not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves a client in a task of its own. Until it is admitted it may be evicted.
    fn dispatch(&self, client: TcpStream, peer: SocketAddr) {
        let Some(connection) = self.limiter.admit(peer.ip()) else {
            return self.status.full();
        };
        let (peer, metrics) = (peer.ip(), self.metrics.clone());
        let dispatch = self.dispatch.clone();
        self.sessions.spawn(async move {
            let pending = ActiveGuard::new(&metrics.connections_pending);
            let admitting = async {
                match dispatch {
                    Dispatch::Route(route) => route.admit(client, peer).await,
                    Dispatch::Sni(listener) => listener.admit(client, peer).await,
                }
            };
            let admitted = tokio::select! {
                admitted = admitting => admitted,
                () = connection.evicted() => return metrics.count_refusal(Refusal::Evicted),
            };
            if let Some(admitted) = admitted {
                connection.set_established();
                drop(pending);
                serve(admitted).await;
            }
        });
    }
}
