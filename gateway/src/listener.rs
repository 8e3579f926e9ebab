//! One port: bind it, accept on it, until told to stop.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket},
    time::sleep,
};
use tokio_util::task::TaskTracker;

use crate::{
    Refusal,
    gateway::Board,
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

/// Binds if `first` did not, retrying for as long as it takes, and accepts.
pub(crate) async fn run(
    address: SocketAddr,
    first: io::Result<TcpListener>,
    route: RouteContext,
    sessions: TaskTracker,
    board: Board,
) {
    let stop = route.stop_accepting.clone();
    let serving = async {
        let listener = match first {
            Ok(listener) => listener,
            Err(error) => {
                // Said once: the retries below are silent until one succeeds.
                tracing::warn!(
                    %address, %error,
                    "an endpoint's port can't be listened on; trying again until it is free"
                );
                board.blocked(address.port());
                let listener = bind_at_last(address, &route).await;
                tracing::info!(%address, "an endpoint's port is free and listened on now");
                listener
            }
        };
        board.listening(address.port());
        accept(&listener, &route, &sessions).await;
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = serving => {}
    }
    board.closed(address.port());
}

async fn bind_at_last(address: SocketAddr, route: &RouteContext) -> TcpListener {
    let mut pause = FIRST_BIND_RETRY;
    loop {
        route.metrics.bind_failures.inc();
        sleep(pause).await;
        pause = LAST_BIND_RETRY.min(pause * 2);
        if let Ok(listener) = bind(address, route.options.backlog) {
            return listener;
        }
    }
}

async fn accept(listener: &TcpListener, route: &RouteContext, sessions: &TaskTracker) {
    // Counts this route's sessions; `sessions` those of all routes.
    let own = TaskTracker::new();
    loop {
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                // The client may have left already, which costs nothing; out of descriptors is the
                // one case that a tight loop would make worse.
                route.metrics.accept_failures.inc();
                tracing::debug!(%error, "a connection can't be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        route.metrics.connections.inc();
        if route.options.connection_limit.is_some_and(|limit| own.len() >= limit) {
            route.metrics.count_refusal(Refusal::Limit);
            continue;
        }
        sessions.spawn(own.track_future(serve(client, route.clone())));
    }
}
