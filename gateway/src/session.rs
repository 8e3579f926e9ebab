//! One client's connection: wait for an engine, then copy.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::copy_bidirectional_with_sizes,
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Ending, Metrics, Options, Refusal, lag::Lag, metered::Metered, metrics::Present, table::Targets,
};

const FIRST_RETRY: Duration = Duration::from_millis(25);
const LAST_RETRY: Duration = Duration::from_millis(500);
/// The least an attempt to connect gets, however little of the holding time is left.
const LEAST_CONNECT_TIME: Duration = Duration::from_millis(250);
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// What everything on one route shares.
#[derive(Clone)]
pub(crate) struct RouteContext {
    /// Where the route leads now.
    pub(crate) targets: watch::Receiver<Targets>,
    /// Whose turn it is.
    pub(crate) turn: Arc<AtomicUsize>,
    /// How late the bytes are.
    pub(crate) lag: Lag,
    /// No new session is to begin.
    pub(crate) stop_accepting: CancellationToken,
    /// Sessions are to end.
    pub(crate) stop_sessions: CancellationToken,
    pub(crate) options: Arc<Options>,
    pub(crate) metrics: Metrics,
}

/// Serves one client to the end.
pub(crate) async fn serve(client: TcpStream, mut route: RouteContext) {
    tune(&client);
    match reach(&mut route).await {
        Ok((address, engine)) => {
            let _active = Present::new(&route.metrics.sessions_active);
            let ending = copy(client, engine, address, &mut route).await;
            route.metrics.count_ending(ending);
        }
        Err(refusal) => route.metrics.count_refusal(refusal),
    }
}

/// Small frames go out at once, and a peer that vanished is noticed though nothing is sent to it. Both
/// are improvements only: a socket that refuses them still serves.
fn tune(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let tuned = stream.set_nodelay(true).and(SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a socket refused its options");
    }
}

/// Connects to where the route leads: of several engines the one whose turn it is, then the others. While
/// it leads nowhere or nobody accepts, the client is held: it sees a slow connection instead of a failing one.
async fn reach(route: &mut RouteContext) -> Result<(SocketAddr, TcpStream), Refusal> {
    let deadline = Instant::now() + route.options.hold;
    let mut retry = FIRST_RETRY;
    let mut held = None;
    loop {
        let targets = Arc::clone(&route.targets.borrow_and_update());
        let (failure, look_again) = if targets.is_empty() {
            (Refusal::NoTarget, deadline)
        } else {
            let turn = route.turn.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                biased;
                () = route.stop_accepting.cancelled() => return Err(Refusal::Withdrawn),
                connected = connect_any(&targets, turn, deadline, &route.options) => {
                    if let Some(connected) = connected {
                        return Ok(connected);
                    }
                    (Refusal::Unreachable, deadline.min(Instant::now() + retry))
                }
                // Whether it changed or the route is gone is seen right below.
                _ = route.targets.changed() => (Refusal::Unreachable, Instant::now()),
            }
        };
        if held.is_none() {
            route.metrics.holds.inc();
            held = Some(Present::new(&route.metrics.connections_held));
        }
        tokio::select! {
            biased;
            () = route.stop_accepting.cancelled() => return Err(Refusal::Withdrawn),
            changed = route.targets.changed() => match changed {
                Ok(()) => retry = FIRST_RETRY,
                Err(_) => return Err(Refusal::Withdrawn),
            },
            () = sleep_until(look_again) => retry = LAST_RETRY.min(retry * 2),
        }
        if Instant::now() >= deadline {
            return Err(failure);
        }
    }
}

async fn connect_any(
    targets: &[SocketAddr],
    turn: usize,
    deadline: Instant,
    options: &Options,
) -> Option<(SocketAddr, TcpStream)> {
    for n in 0..targets.len() {
        let address = targets[turn.wrapping_add(n) % targets.len()];
        if let Some(stream) = connect(address, deadline, options).await {
            return Some((address, stream));
        }
    }
    None
}

async fn connect(address: SocketAddr, deadline: Instant, options: &Options) -> Option<TcpStream> {
    let now = Instant::now();
    let until = (now + options.connect_timeout).min(deadline.max(now + LEAST_CONNECT_TIME));
    let stream = timeout_at(until, TcpStream::connect(address)).await.ok()?.ok()?;
    tune(&stream);
    Some(stream)
}

/// Copies until both sides are done, or the route no longer leads to this engine. An end of one
/// direction is passed on and leaves the other one open.
async fn copy(
    client: TcpStream,
    engine: TcpStream,
    address: SocketAddr,
    route: &mut RouteContext,
) -> Ending {
    let mut client = Metered::new(client, route.metrics.client_bytes.clone(), route.lag.clone());
    let mut engine = Metered::new(engine, route.metrics.engine_bytes.clone(), route.lag.clone());
    let size = route.options.buffer_bytes;
    tokio::select! {
        biased;
        () = route.stop_sessions.cancelled() => Ending::Withdrawn,
        moved = route.targets.wait_for(|targets| !targets.contains(&address)) => match moved {
            Ok(_) => Ending::Retargeted,
            Err(_) => Ending::Withdrawn,
        },
        copied = copy_bidirectional_with_sizes(&mut client, &mut engine, size, size) => match copied {
            Ok(_) => Ending::Closed,
            Err(_) => Ending::Broken,
        },
    }
}
