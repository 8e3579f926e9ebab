//! One address: bind it, accept on it, until told to stop.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Crowd, Metrics, Refusal,
    door::Door,
    gateway::Board,
    here::is_here,
    metrics::Present,
    session::{RouteContext, serve},
};

const FIRST_BIND_RETRY: Duration = Duration::from_millis(100);
const LAST_BIND_RETRY: Duration = Duration::from_secs(5);
/// How long accepting pauses when the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Starts to listen.
pub(crate) fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a former life in TIME_WAIT must not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// What happens to those who connect.
#[derive(Clone)]
pub(crate) enum Reception {
    /// All are led the same way.
    Own(RouteContext),
    /// Each is led by the name that it asks for.
    Shared(Door),
}

/// One address to listen on.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    /// Whoever is not on this machine is not answered.
    pub(crate) only_here: bool,
    pub(crate) backlog: u32,
    pub(crate) reception: Reception,
    pub(crate) stop: CancellationToken,
    pub(crate) sessions: TaskTracker,
    pub(crate) crowd: Crowd,
    pub(crate) metrics: Metrics,
    pub(crate) board: Board,
}

impl Listening {
    /// Binds if `first` did not, retrying for as long as it takes, and accepts.
    pub(crate) async fn run(self, first: io::Result<TcpListener>) {
        let address = self.address;
        let serving = async {
            let listener = match first {
                Ok(listener) => listener,
                // The address of a network that is not there yet, or is elsewhere: nobody can come to it.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    tracing::debug!(%address, "an endpoint's address is not this machine's");
                    self.bind_at_last().await
                }
                Err(error) => {
                    // Said once: the retries below are silent until one succeeds.
                    tracing::warn!(
                        %address, %error,
                        "an endpoint's port can't be listened on; trying again until it is free"
                    );
                    self.board.blocked(address);
                    let listener = self.bind_at_last().await;
                    tracing::info!(%address, "an endpoint's port is free and listened on now");
                    listener
                }
            };
            self.board.listening(address);
            self.accept(&listener).await;
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = serving => {}
        }
        self.board.closed(address);
    }

    async fn bind_at_last(&self) -> TcpListener {
        let mut pause = FIRST_BIND_RETRY;
        loop {
            self.metrics.bind_failures.inc();
            sleep(pause).await;
            pause = LAST_BIND_RETRY.min(pause * 2);
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
                    if self.only_here && !is_here(peer.ip()) {
                        self.metrics.count_refusal(Refusal::Forbidden);
                        continue;
                    }
                    self.receive(client, peer);
                }
                Err(error) => {
                    // The client may have left already, which costs nothing; out of descriptors is the
                    // one case that a tight loop would make worse.
                    self.metrics.accept_failures.inc();
                    tracing::debug!(%error, "a connection can't be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Whoever has not said yet what it wants may have to go for others; nothing is waited for then.
    fn receive(&self, client: TcpStream, peer: SocketAddr) {
        let Some(visitor) = self.crowd.enter(peer.ip()) else {
            return self.board.full();
        };
        let (peer, metrics) = (peer.ip(), self.metrics.clone());
        let reception = self.reception.clone();
        self.sessions.spawn(async move {
            let unproven = Present::new(&metrics.connections_unproven);
            let hearing = async {
                match reception {
                    Reception::Own(route) => route.hear(client, peer).await,
                    Reception::Shared(door) => door.hear(client, peer).await,
                }
            };
            let heard = tokio::select! {
                heard = hearing => heard,
                () = visitor.evicted() => return metrics.count_refusal(Refusal::Crowded),
            };
            if let Some(heard) = heard {
                visitor.prove();
                drop(unproven);
                serve(heard).await;
            }
        });
    }
}
