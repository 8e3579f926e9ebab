//! One client's connection: wait for an engine, then copy.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional_with_sizes},
    net::TcpStream,
    sync::{Notify, watch},
    time::{Instant, error::Elapsed, sleep, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Ending, Metrics, Options, Refusal,
    hello::{self, NoHello},
    lag::Lag,
    metered::Metered,
    metrics::Present,
    table::{Gate, Targets},
};

const FIRST_RETRY: Duration = Duration::from_millis(25);
const LAST_RETRY: Duration = Duration::from_millis(500);
/// The least an attempt to connect gets, however little of the holding time is left.
const LEAST_CONNECT_TIME: Duration = Duration::from_millis(250);
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long a client may still speak to an engine that has ended its side.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a client that is not served gets to take note of it.
const FAREWELL: Duration = Duration::from_secs(1);

/// What everything on one route shares.
#[derive(Clone)]
pub(crate) struct RouteContext {
    /// Whether other machines may connect.
    pub(crate) public: bool,
    /// The ports on which the service has the endpoint.
    pub(crate) standard_ports: Arc<[u16]>,
    /// Who gets in, and how many.
    pub(crate) gate: watch::Receiver<Gate>,
    /// How many are in.
    pub(crate) occupancy: Arc<AtomicUsize>,
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

/// A place among those of a route, free again when this goes.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client that has sent what its engine is to have first, and has a place.
pub(crate) struct Heard {
    pub(crate) client: TcpStream,
    /// What was read from it.
    pub(crate) early: Vec<u8>,
    pub(crate) route: RouteContext,
    pub(crate) place: Place,
}

impl RouteContext {
    /// Hears out a client of an endpoint with a port of its own: only its first record gets it a place. None if
    /// it was refused.
    pub(crate) async fn hear(self, mut client: TcpStream, peer: IpAddr) -> Option<Heard> {
        if !self.admits(peer) {
            refuse(client, Refusal::Forbidden, &[], &self.metrics).await;
            return None;
        }
        tune(&client);
        let heard = tokio::select! {
            biased;
            () = self.stop_accepting.cancelled() => Err((Refusal::Withdrawn, Vec::new())),
            heard = timeout(self.options.hello_timeout, hello::first_record(&mut client)) => {
                unheard(heard)
            }
        };
        let entered = heard.and_then(|early| match self.enter(peer) {
            Ok(place) => Ok((early, place)),
            Err(refusal) => Err((refusal, Vec::new())),
        });
        match entered {
            Ok((early, place)) => Some(Heard { client, early, route: self, place }),
            Err((refusal, words)) => {
                refuse(client, refusal, &words, &self.metrics).await;
                None
            }
        }
    }

    /// Whether a rule lets this peer in.
    fn admits(&self, peer: IpAddr) -> bool {
        self.gate.borrow().admits(peer, &self.standard_ports)
    }

    /// Lets a peer in, or says why not.
    pub(crate) fn enter(&self, peer: IpAddr) -> Result<Place, Refusal> {
        let gate = self.gate.borrow();
        if !gate.admits(peer, &self.standard_ports) {
            return Err(Refusal::Forbidden);
        }
        let most = gate.limit.unwrap_or(usize::MAX);
        let one_more = |inside: usize| (inside < most).then(|| inside + 1);
        match self.occupancy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Place(Arc::clone(&self.occupancy))),
            Err(_) => Err(Refusal::Limit),
        }
    }
}

/// What was heard, or why the client is refused and what it is told.
pub(crate) fn unheard<H>(
    heard: Result<Result<H, NoHello>, Elapsed>,
) -> Result<H, (Refusal, Vec<u8>)> {
    match heard {
        Ok(Ok(heard)) => Ok(heard),
        Ok(Err(NoHello::Ended)) => Err((Refusal::NoHello, Vec::new())),
        Ok(Err(NoHello::Malformed(alert))) => Err((Refusal::NoHello, alert)),
        Err(_) => Err((Refusal::SlowHello, Vec::new())),
    }
}

/// Serves one client to the end.
pub(crate) async fn serve(heard: Heard) {
    let Heard { client, early, mut route, place } = heard;
    match reach(&mut route).await {
        Ok((address, engine)) => {
            let _active = Present::new(&route.metrics.sessions_active);
            let ending = copy(client, early, engine, address, &mut route).await;
            route.metrics.count_ending(ending);
        }
        Err(refusal) => {
            // What waited for an engine does not keep others from waiting.
            drop(place);
            refuse(client, refusal, &[], &route.metrics).await;
        }
    }
}

/// Counts a client that is not served, and ends its connection in an orderly way.
pub(crate) async fn refuse(client: TcpStream, refusal: Refusal, words: &[u8], metrics: &Metrics) {
    metrics.count_refusal(refusal);
    // Whoever does not go has had its time.
    let _ = timeout(FAREWELL, hello::dismiss(client, words)).await;
}

/// Small frames go out at once, and a peer that vanished is noticed though nothing is sent to it. Both
/// are improvements only: a socket that refuses them still serves.
pub(crate) fn tune(stream: &TcpStream) {
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

/// Copies until both sides are done, the engine is gone, or the route no longer leads to it. An end of the
/// client's direction is passed on and leaves the other one open.
async fn copy(
    client: TcpStream,
    early: Vec<u8>,
    mut engine: TcpStream,
    address: SocketAddr,
    route: &mut RouteContext,
) -> Ending {
    let size = route.options.buffer_bytes;
    let gone = Notify::new();
    let (client_bytes, lag) = (&route.metrics.client_bytes, &route.lag);
    let copying = async {
        lag.pass().await;
        // Less than a socket buffers.
        engine.write_all(&early).await?;
        client_bytes.inc_by(u64::try_from(early.len()).unwrap_or(u64::MAX));
        drop(early);
        let mut client = Metered::new(client, client_bytes.clone(), lag.clone(), None);
        let engine_bytes = route.metrics.engine_bytes.clone();
        let mut engine = Metered::new(engine, engine_bytes, lag.clone(), Some(&gone));
        copy_bidirectional_with_sizes(&mut client, &mut engine, size, size).await
    };
    let deserted = async {
        gone.notified().await;
        sleep(LAST_WORDS).await;
    };
    tokio::select! {
        biased;
        () = route.stop_sessions.cancelled() => Ending::Withdrawn,
        moved = route.targets.wait_for(|targets| !targets.contains(&address)) => match moved {
            Ok(_) => Ending::Retargeted,
            Err(_) => Ending::Withdrawn,
        },
        copied = copying => match copied {
            Ok(_) => Ending::Closed,
            Err(_) => Ending::Broken,
        },
        () = deserted => Ending::Deserted,
    }
}
