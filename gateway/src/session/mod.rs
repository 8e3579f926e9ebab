//! One client's connection: read its first TLS record, connect to an engine, copy bytes.

mod byte_budget;
pub(crate) mod client_hello;
mod latency;
mod metered_stream;

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

pub(crate) use self::{byte_budget::ByteBudget, latency::RouteLatency};
use self::{client_hello::NoHello, metered_stream::MeteredStream};
use crate::{
    admission::{Admission, Permit},
    metrics::{ActiveGuard, Ending, Metrics, Refusal},
    options::Options,
    routes::Targets,
};

const FIRST_CONNECT_RETRY: Duration = Duration::from_millis(25);
const MAX_CONNECT_RETRY: Duration = Duration::from_millis(500);
/// The least time of an attempt to connect, however little of the holding time is left.
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
const KEEPALIVE_TIME: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// How long a client may still send after the engine has ended its side.
const HALF_CLOSED_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a refused client gets to read its alert and to close.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// What all sessions of a route share.
#[derive(Clone)]
pub(crate) struct RouteContext {
    /// Whether other machines may connect.
    pub(crate) public: bool,
    /// The ports on which the service has the endpoint.
    pub(crate) standard_ports: Arc<[u16]>,
    pub(crate) admission: watch::Receiver<Admission>,
    /// How many permits are taken.
    pub(crate) sessions: Arc<AtomicUsize>,
    /// The engines to connect to.
    pub(crate) targets: watch::Receiver<Targets>,
    /// Counts connections, for round robin over the targets.
    pub(crate) round_robin: Arc<AtomicUsize>,
    pub(crate) latency: RouteLatency,
    /// Cancelled: no new session begins.
    pub(crate) stop_accepting: CancellationToken,
    /// Cancelled: sessions end.
    pub(crate) stop_sessions: CancellationToken,
    pub(crate) options: Arc<Options>,
    pub(crate) metrics: Metrics,
}

/// A client that has sent its first TLS record and has a permit.
pub(crate) struct AdmittedClient {
    pub(crate) client: TcpStream,
    /// The bytes read from it, for the engine.
    pub(crate) first_bytes: Vec<u8>,
    pub(crate) route: RouteContext,
    pub(crate) permit: Permit,
}

impl RouteContext {
    /// Admits a client of an endpoint with a port of its own once it has sent its first TLS record. None if it was
    /// refused.
    pub(crate) async fn admit(self, mut client: TcpStream, peer: IpAddr) -> Option<AdmittedClient> {
        // Checked before anything is read, and again for the permit.
        if !self.admission.borrow().admits(peer, &self.standard_ports) {
            refuse(client, Refusal::Forbidden, &[], &self.metrics).await;
            return None;
        }
        tune(&client);
        let first_record = tokio::select! {
            biased;
            () = self.stop_accepting.cancelled() => Err((Refusal::Withdrawn, Vec::new())),
            read = timeout(self.options.hello_timeout, client_hello::first_record(&mut client)) => {
                hello_or_refusal(read)
            }
        };
        let admitted = first_record.and_then(|first_bytes| match self.permit(peer) {
            Ok(permit) => Ok((first_bytes, permit)),
            Err(refusal) => Err((refusal, Vec::new())),
        });
        match admitted {
            Ok((first_bytes, permit)) => {
                Some(AdmittedClient { client, first_bytes, route: self, permit })
            }
            Err((refusal, alert)) => {
                refuse(client, refusal, &alert, &self.metrics).await;
                None
            }
        }
    }

    /// A permit for a session of `peer`, or why there is none.
    pub(crate) fn permit(&self, peer: IpAddr) -> Result<Permit, Refusal> {
        self.admission.borrow().permit(peer, &self.standard_ports, &self.sessions)
    }
}

/// The bytes read; or why the client is refused, and the TLS alert for it.
pub(crate) fn hello_or_refusal<H>(
    read: Result<Result<H, NoHello>, Elapsed>,
) -> Result<H, (Refusal, Vec<u8>)> {
    match read {
        Ok(Ok(hello)) => Ok(hello),
        Ok(Err(NoHello::Ended)) => Err((Refusal::NoHello, Vec::new())),
        Ok(Err(NoHello::Malformed(alert))) => Err((Refusal::NoHello, alert)),
        Err(_) => Err((Refusal::SlowHello, Vec::new())),
    }
}

/// Serves a client until its session ends.
pub(crate) async fn serve(admitted: AdmittedClient) {
    let AdmittedClient { client, first_bytes, mut route, permit } = admitted;
    match connect_engine(&mut route).await {
        Ok((address, engine)) => {
            let _active = ActiveGuard::new(&route.metrics.sessions_active);
            let ending = copy(client, first_bytes, engine, address, &mut route).await;
            route.metrics.count_ending(ending);
        }
        Err(refusal) => {
            // Free before the refusal, which takes up to a second.
            drop(permit);
            refuse(client, refusal, &[], &route.metrics).await;
        }
    }
}

/// Counts a refused client, sends it the alert, and closes its connection.
pub(crate) async fn refuse(client: TcpStream, refusal: Refusal, alert: &[u8], metrics: &Metrics) {
    metrics.count_refusal(refusal);
    // A client that does not close is dropped after this time.
    let _ = timeout(REFUSAL_TIMEOUT, client_hello::close_with_alert(client, alert)).await;
}

/// Sets TCP_NODELAY, so that small frames go out at once, and keepalive, so that a vanished peer is noticed. A socket that
/// refuses them still serves.
pub(crate) fn tune(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_TIME).with_interval(KEEPALIVE_INTERVAL);
    let tuned = stream.set_nodelay(true).and(SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = tuned {
        tracing::debug!(%error, "socket options not set");
    }
}

/// Connects to a target of the route: round robin, then the others. While there is no target or none accepts, the client
/// is held up to [`Options::hold`]: it sees a slow connection instead of a failing one.
async fn connect_engine(route: &mut RouteContext) -> Result<(SocketAddr, TcpStream), Refusal> {
    let deadline = Instant::now() + route.options.hold;
    let mut retry = FIRST_CONNECT_RETRY;
    let mut held = None;
    loop {
        let targets = Arc::clone(&route.targets.borrow_and_update());
        let (failure, next_attempt) = if targets.is_empty() {
            (Refusal::NoTarget, deadline)
        } else {
            let turn = route.round_robin.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                biased;
                () = route.stop_accepting.cancelled() => return Err(Refusal::Withdrawn),
                connected = connect_any(&targets, turn, deadline, &route.options) => {
                    if let Some(connected) = connected {
                        return Ok(connected);
                    }
                    (Refusal::Unreachable, deadline.min(Instant::now() + retry))
                }
                // The select below tells whether the targets changed or the route is gone.
                _ = route.targets.changed() => (Refusal::Unreachable, Instant::now()),
            }
        };
        if held.is_none() {
            route.metrics.holds.inc();
            held = Some(ActiveGuard::new(&route.metrics.connections_held));
        }
        tokio::select! {
            biased;
            () = route.stop_accepting.cancelled() => return Err(Refusal::Withdrawn),
            changed = route.targets.changed() => match changed {
                Ok(()) => retry = FIRST_CONNECT_RETRY,
                Err(_) => return Err(Refusal::Withdrawn),
            },
            () = sleep_until(next_attempt) => retry = MAX_CONNECT_RETRY.min(retry * 2),
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
    let until = (now + options.connect_timeout).min(deadline.max(now + MIN_CONNECT_TIMEOUT));
    let stream = timeout_at(until, TcpStream::connect(address)).await.ok()?.ok()?;
    tune(&stream);
    Some(stream)
}

/// Copies until both sides are done, the engine is gone, or `address` is no longer a target of the route. The end of the
/// client's direction is passed on and leaves the other one open.
async fn copy(
    client: TcpStream,
    first_bytes: Vec<u8>,
    mut engine: TcpStream,
    address: SocketAddr,
    route: &mut RouteContext,
) -> Ending {
    let size = route.options.buffer_bytes;
    let engine_ended = Notify::new();
    let (client_bytes, latency) = (&route.metrics.client_bytes, &route.latency);
    let copying = async {
        latency.wait().await;
        // Less than a socket buffers.
        engine.write_all(&first_bytes).await?;
        client_bytes.inc_by(u64::try_from(first_bytes.len()).unwrap_or(u64::MAX));
        drop(first_bytes);
        let mut client = MeteredStream::new(client, client_bytes.clone(), latency.clone(), None);
        let engine_bytes = route.metrics.engine_bytes.clone();
        let mut engine =
            MeteredStream::new(engine, engine_bytes, latency.clone(), Some(&engine_ended));
        copy_bidirectional_with_sizes(&mut client, &mut engine, size, size).await
    };
    let half_closed = async {
        engine_ended.notified().await;
        sleep(HALF_CLOSED_TIMEOUT).await;
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
        () = half_closed => Ending::HalfClosed,
    }
}
