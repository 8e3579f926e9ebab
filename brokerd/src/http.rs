//! Serving HTTP, with or without TLS.

#[cfg(test)]
#[path = "http_peer_tests.rs"]
mod peer_tests;

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use brokerd_api::OnAuthentic;
use brokerd_gateway::{ConnectionLimiter, ConnectionLimits, PeerConnection};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{config::Configuration, https::Certificate};

/// How long a client may take to shake hands.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long the head of a request may take, and how long a connection may wait for the next one.
const HEAD_TIME: Duration = Duration::from_secs(60);
/// The longest head of a request, in bytes; session tokens of some kibibytes are usual.
const LONGEST_HEAD: usize = 32 * 1024;
/// How long requests without a signature may still take once this is to stop.
const UNSIGNED_TIME: Duration = Duration::from_secs(2);
/// How long a client may take nothing of an answer.
const STALL_TIME: Duration = Duration::from_secs(30);
/// How long accepting pauses when it fails, as it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The socket of the API or of a lone gateway, bound before anything else starts, so that a second brokerd ends at once.
pub(crate) struct Socket {
    address: SocketAddr,
    /// As long as nobody serves on it.
    listener: Mutex<Option<TcpListener>>,
    tls: Option<Arc<Certificate>>,
}

impl Socket {
    /// Binds the address of the API.
    pub(crate) async fn bind_api(configuration: &Configuration) -> anyhow::Result<Self> {
        let api = &configuration.api;
        let tls = match (&api.tls_certificate, &api.tls_key) {
            (Some(certificate), Some(key)) => Some(Arc::new(Certificate::read(certificate, key)?)),
            (Some(_) | None, None) | (None, Some(_)) => None,
        };
        if tls.is_none() && !api.listen.ip().to_canonical().is_loopback() {
            tracing::warn!(
                listen = %api.listen,
                "the API is served beyond this machine without TLS: passwords in requests can be read on their way; set api.tls_certificate and api.tls_key, or put it behind what does TLS"
            );
        }
        Self::bind(api.listen, tls, "--listen or BROKERD_API_LISTEN").await
    }

    /// Binds the address where a gateway that is a process of its own tells how it is.
    pub(crate) async fn bind_gateway(configuration: &Configuration) -> anyhow::Result<Self> {
        let address = configuration.gateway.listen;
        Self::bind(address, None, "--listen or BROKERD_GATEWAY_LISTEN").await
    }

    async fn bind(
        address: SocketAddr,
        tls: Option<Arc<Certificate>>,
        setting: &str,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            let advice = if error.kind() == io::ErrorKind::AddrInUse {
                "another program listens there: stop it, or choose"
            } else {
                "choose"
            };
            anyhow::Error::new(error).context(format!(
                "can't listen on {address}; {advice} another address with {setting}"
            ))
        })?;
        let address = listener.local_addr()?;
        Ok(Self { address, listener: Mutex::new(Some(listener)), tls })
    }

    /// Where it is bound.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then finishes the requests that are under way. No more than `most` connections at a
    /// time: for another one that one has to go which has been without a signed request for longest. Served again, it is
    /// bound again.
    pub(crate) async fn serve(
        &self,
        router: Router,
        most: usize,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        let bound = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let listener = match bound {
            Some(listener) => listener,
            None => TcpListener::bind(self.address).await?,
        };
        let tls = self.tls.clone();
        let crowd = ConnectionLimiter::new(ConnectionLimits {
            total: most,
            pending: most,
            pending_per_source: most / 2,
        });
        let graceful = GracefulShutdown::new();
        let peer = self.address;
        let served = shutdown.child_token();
        let _end = served.clone().drop_guard();
        if let Some(certificate) = &tls {
            tokio::spawn(certificate.clone().look_after(served));
        }
        let server = Server { router, tls, metrics: metrics.clone(), peer };
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "a connection can't be accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            match crowd.admit(peer.ip()) {
                Some(visitor) => {
                    let watcher = graceful.watcher();
                    let server = Server { peer, ..server.clone() };
                    tokio::spawn(server.attend(stream, Arc::new(visitor), watcher));
                }
                None => {
                    metrics.refused.inc();
                    turn_away(stream);
                }
            }
        }
        drop(listener);
        let mut ended = pin!(graceful.shutdown());
        if timeout(UNSIGNED_TIME, &mut ended).await.is_err() {
            // Who has still not said who it is keeps nobody from stopping.
            crowd.evict_pending();
            ended.await;
        }
        Ok(())
    }
}

/// Says that there is no room, to who waits for an answer already. Nothing is waited for.
fn turn_away(stream: TcpStream) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // Who does not get it sees the connection end.
    let _ = stream.into_std().and_then(|mut stream| stream.write(ANSWER));
}

/// How connections are counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    active: Gauge,
    refused: Counter,
    crowded: Counter,
}

impl Metrics {
    /// Metrics under `brokerd_http_` of `registry`, all present from the start.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let r = registry.sub_registry_with_prefix("brokerd_http");
        r.register("connections", "Connections open now", metrics.active.clone());
        r.register(
            "connections_refused",
            "Connections refused because all that may be open were at work",
            metrics.refused.clone(),
        );
        r.register(
            "connections_crowded_out",
            "Connections without a signed request closed in favour of others",
            metrics.crowded.clone(),
        );
        metrics
    }
}

/// What serves each connection.
#[derive(Clone)]
struct Server {
    router: Router,
    tls: Option<Arc<Certificate>>,
    metrics: Metrics,
    /// Who has connected.
    peer: SocketAddr,
}

impl Server {
    async fn attend(self, stream: TcpStream, visitor: Arc<PeerConnection>, watcher: Watcher) {
        let (active, crowded) = (self.metrics.active.clone(), self.metrics.crowded.clone());
        active.inc();
        tokio::select! {
            () = self.converse(stream, Arc::clone(&visitor), watcher) => {}
            () = visitor.evicted() => {
                crowded.inc();
            }
        }
        active.dec();
    }

    async fn converse(self, stream: TcpStream, visitor: Arc<PeerConnection>, watcher: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a socket refused its options");
        }
        match self.tls.clone() {
            None => self.answer(stream, visitor, watcher).await,
            Some(certificate) => {
                match timeout(HANDSHAKE_TIME, certificate.acceptor().accept(stream)).await {
                    Ok(Ok(stream)) => self.answer(stream, visitor, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                    Err(_) => tracing::debug!("TLS handshake took too long"),
                }
            }
        }
    }

    async fn answer(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        visitor: Arc<PeerConnection>,
        watcher: Watcher,
    ) {
        let (router, peer) = (self.router, self.peer);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            let proving = Arc::clone(&visitor);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(OnAuthentic::new(move || proving.set_established()));
            let (answering, visitor) = (router.clone().oneshot(request), Arc::clone(&visitor));
            async move {
                let answer = answering.await;
                visitor.set_pending();
                answer
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(LONGEST_HEAD);
        let connection = http.serve_connection(TokioIo::new(Unstalled::new(stream)), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "an HTTP connection broke off");
        }
    }
}

/// A stream that fails when the other side does not take what is written to it.
struct Unstalled<S> {
    stream: S,
    /// Until when it has to take some of it, while it takes nothing.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Unstalled<S> {
    const fn new(stream: S) -> Self {
        Self { stream, until: None }
    }

    fn check<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.until = None;
            return polled;
        }
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(STALL_TIME)));
        until.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.check(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.check(context, polled)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs,
        path::PathBuf,
        sync::{Mutex, PoisonError},
    };

    use super::*;
    use crate::config::ConfigFlags;

    /// What is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A directory with a certificate and its key, gone after the test.
    struct Files(PathBuf);

    impl Files {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("brokerd-{}-http", std::process::id()));
            fs::create_dir_all(&path).expect("a temporary directory");
            let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
            let issued = issued.expect("a certificate");
            fs::write(path.join("certificate.pem"), issued.cert.pem()).expect("written");
            fs::write(path.join("key.pem"), issued.signing_key.serialize_pem()).expect("written");
            Self(path)
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// What binding the API's address logs.
    async fn said(assignments: &[String]) -> String {
        let flags = ConfigFlags { assignments: assignments.to_vec(), ..ConfigFlags::default() };
        let environment = BTreeMap::from([("HOME".to_owned(), "/nonexistent".to_owned())]);
        let configuration = Configuration::load(&flags, &environment, false).expect("valid");
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        let _logged = tracing::subscriber::set_default(subscriber.finish());
        // Whether it can be bound, IPv6 for example, is up to the machine.
        drop(Socket::bind_api(&configuration).await);
        let logged = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(logged).expect("text")
    }

    #[tokio::test]
    async fn whoever_serves_others_without_tls_is_warned() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let files = Files::new();
        let tls = ["certificate", "key"].map(|name| {
            format!("api.tls_{name}={}", files.0.join(format!("{name}.pem")).display())
        });
        for (listen, with_tls, warned) in [
            ("0.0.0.0:0", false, true),
            ("[::]:0", false, true),
            ("0.0.0.0:0", true, false),
            ("127.0.0.1:0", false, false),
            ("127.9.9.9:0", false, false),
            ("[::ffff:127.0.0.1]:0", false, false),
            ("[::1]:0", false, false),
        ] {
            let mut assignments = vec![format!("api.listen={listen}")];
            assignments.extend(tls.iter().filter(|_| with_tls).cloned());
            let said = said(&assignments).await;
            let warns = said.contains("WARN") && said.contains("without TLS");
            assert_eq!(warns, warned, "{listen}, TLS {with_tls}: {said}");
            assert!(!warned || said.contains(&format!("listen={listen}")), "{said}");
        }
    }
}
