//! An HTTP listener, with or without TLS.
//!
//! Built on hyper instead of `axum-server`, which reloads certificates, too, but accepts connections without a bound: here
//! connections are limited and pending ones evicted, a peer that stops reading is disconnected, requests know their
//! connection, and whoever has not signed a request delays no shutdown.

#[cfg(test)]
#[path = "peer_tests.rs"]
mod peer_tests;

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use axum::{Router, body::Body, extract::ConnectInfo};
use brokerd_api::{OnAuthentic, SecureTransport};
use brokerd_gateway::{ConnectionLimiter, ConnectionLimits, PeerConnection};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{certificate::Certificate, metrics::Metrics, stall_timeout::StallTimeout};
use crate::config::Configuration;

const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request's head may take, and how long a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes of a request's head; session tokens of some kibibytes are usual.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// How long requests without a signature may still take at the shutdown.
const UNSIGNED_DRAIN: Duration = Duration::from_secs(2);
/// How long accepting pauses after an error, such as a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound socket. It is bound before anything else starts, so that a second brokerd ends at once.
pub(crate) struct HttpListener {
    address: SocketAddr,
    /// None while it is served.
    listener: Mutex<Option<TcpListener>>,
    tls: Option<Arc<Certificate>>,
}

impl HttpListener {
    /// Binds `api.listen`.
    ///
    /// # Errors
    /// When the address is taken or not this machine's, or the certificate is not usable.
    pub(crate) async fn bind_api(configuration: &Configuration) -> anyhow::Result<Self> {
        let api = &configuration.api;
        let tls = match (&api.tls_certificate, &api.tls_key) {
            (Some(certificate), Some(key)) => Some(Arc::new(Certificate::read(certificate, key)?)),
            (Some(_) | None, None) | (None, Some(_)) => None,
        };
        if tls.is_none() && !api.listen.ip().to_canonical().is_loopback() {
            tracing::warn!(
                listen = %api.listen,
                "requests, including passwords, are not encrypted: set api.tls_certificate and api.tls_key, or use a TLS proxy"
            );
        }
        Self::bind(api.listen, tls, "--listen or BROKERD_API_LISTEN").await
    }

    /// Binds `gateway.listen`.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub(crate) async fn bind_gateway(configuration: &Configuration) -> anyhow::Result<Self> {
        let address = configuration.gateway.listen;
        Self::bind(address, None, "--listen or BROKERD_GATEWAY_LISTEN").await
    }

    /// Binds `operations.listen`. Where it is `auto` and its port is taken, any free port of the loopback.
    ///
    /// # Errors
    /// When a chosen address is taken or not this machine's.
    pub(crate) async fn bind_operations(configuration: &Configuration) -> anyhow::Result<Self> {
        if let Some(address) = configuration.operations.listen.chosen() {
            return Self::bind(*address, None, "BROKERD_OPERATIONS_LISTEN").await;
        }
        let address = configuration.default_operations_address();
        match TcpListener::bind(address).await {
            Ok(listener) => Self::of(listener, None),
            Err(error) => {
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let listener = TcpListener::bind(any).await.context("can't listen on 127.0.0.1")?;
                let listener = Self::of(listener, None)?;
                tracing::warn!(
                    %error, wanted = %address, listen = %listener.address,
                    "metrics and health on another port, because theirs is taken; set operations.listen"
                );
                Ok(listener)
            }
        }
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
        Self::of(listener, tls)
    }

    fn of(listener: TcpListener, tls: Option<Arc<Certificate>>) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { address, listener: Mutex::new(Some(listener)), tls })
    }

    /// The bound address.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then finishes the open requests. At most `max_connections` are open: for another one the
    /// connection is evicted that has been without a signed request for longest. When it is served again, it is bound
    /// again.
    ///
    /// # Errors
    /// When it can't be bound again.
    pub(crate) async fn serve(
        &self,
        router: Router,
        max_connections: usize,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        let bound = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let listener = match bound {
            Some(listener) => listener,
            None => TcpListener::bind(self.address).await?,
        };
        let tls = self.tls.clone();
        let limiter = ConnectionLimiter::new(ConnectionLimits {
            total: max_connections,
            pending: max_connections,
            pending_per_source: max_connections / 2,
        });
        let graceful = GracefulShutdown::new();
        let reloading = shutdown.child_token();
        let _end = reloading.clone().drop_guard();
        if let Some(certificate) = &tls {
            tokio::spawn(certificate.clone().reload(reloading));
        }
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "connection not accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            match limiter.admit(peer.ip()) {
                Some(connection) => {
                    let (router, tls, metrics) = (router.clone(), tls.clone(), metrics.clone());
                    let connection =
                        Connection { router, tls, metrics, peer, permit: Arc::new(connection) };
                    tokio::spawn(connection.run(stream, graceful.watcher()));
                }
                None => {
                    metrics.refused.inc();
                    answer_unavailable(stream);
                }
            }
        }
        drop(listener);
        let mut ended = pin!(graceful.shutdown());
        if timeout(UNSIGNED_DRAIN, &mut ended).await.is_err() {
            // Only signed requests are waited for.
            limiter.evict_pending();
            ended.await;
        }
        Ok(())
    }
}

/// Answers 503 without waiting for the request or for the peer to read.
fn answer_unavailable(stream: TcpStream) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // A peer that does not get it sees the connection end.
    let _ = stream.into_std().and_then(|mut stream| stream.write(ANSWER));
}

/// One connection.
struct Connection {
    router: Router,
    tls: Option<Arc<Certificate>>,
    metrics: Metrics,
    peer: SocketAddr,
    permit: Arc<PeerConnection>,
}

impl Connection {
    /// Serves it until it ends or is evicted.
    async fn run(self, stream: TcpStream, watcher: Watcher) {
        let (active, evicted) = (self.metrics.active.clone(), self.metrics.evicted.clone());
        let permit = Arc::clone(&self.permit);
        active.inc();
        tokio::select! {
            () = self.accept(stream, watcher) => {}
            () = permit.evicted() => {
                evicted.inc();
            }
        }
        active.dec();
    }

    /// Does the TLS handshake, if there is TLS.
    async fn accept(self, stream: TcpStream, watcher: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "socket options not set");
        }
        match self.tls.clone() {
            None => self.serve(stream, watcher).await,
            Some(certificate) => {
                let handshake = certificate.acceptor().accept(stream);
                match timeout(TLS_HANDSHAKE_TIMEOUT, handshake).await {
                    Ok(Ok(stream)) => self.serve(stream, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                    Err(_) => tracing::debug!("TLS handshake timed out"),
                }
            }
        }
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        watcher: Watcher,
    ) {
        let Self { router, peer, permit, tls, .. } = self;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            let signed = Arc::clone(&permit);
            request.extensions_mut().insert(ConnectInfo(peer));
            if tls.is_some() {
                request.extensions_mut().insert(SecureTransport);
            }
            request.extensions_mut().insert(OnAuthentic::new(move || signed.set_established()));
            let (answering, permit) = (router.clone().oneshot(request), Arc::clone(&permit));
            async move {
                let answer = answering.await;
                permit.set_pending();
                answer
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES);
        let connection = http.serve_connection(TokioIo::new(StallTimeout::new(stream)), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "HTTP connection broken");
        }
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
    use crate::config::{Choice, ConfigFlags};

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
        drop(HttpListener::bind_api(&configuration).await);
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
            let warns = said.contains("WARN") && said.contains("are not encrypted");
            assert_eq!(warns, warned, "{listen}, TLS {with_tls}: {said}");
            assert!(!warned || said.contains(&format!("listen={listen}")), "{said}");
        }
    }

    #[tokio::test]
    async fn health_and_metrics_move_to_a_free_port_unless_the_operator_chose_theirs() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = taken.local_addr().expect("bound");
        let mut configuration = Configuration::default();
        configuration.api.listen.set_port(address.port() - 1000);
        assert_eq!(configuration.default_operations_address(), address);
        let moved = HttpListener::bind_operations(&configuration).await.expect("bound");
        assert!(moved.address().ip().is_loopback() && moved.address() != address);
        configuration.operations.listen = Choice::Chosen(address);
        let error = HttpListener::bind_operations(&configuration).await.err().expect("taken");
        assert!(format!("{error:#}").contains("BROKERD_OPERATIONS_LISTEN"), "{error:#}");
        drop(moved);
    }
}
