//! Serving HTTP, with or without TLS.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::config::Configuration;

/// How long a client may take to shake hands.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How many connections may have shaken hands and wait to be served.
const WAITING: usize = 64;
/// How long accepting pauses when it fails, as it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The socket of the API or of a lone gateway, bound before anything else starts, so that a second brokerd ends at once.
pub(crate) struct Socket {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Socket {
    /// Binds the address of the API.
    pub(crate) async fn bind_api(configuration: &Configuration) -> anyhow::Result<Self> {
        let api = &configuration.api;
        let tls = match (&api.tls_certificate, &api.tls_key) {
            (Some(certificate), Some(key)) => Some(acceptor(certificate, key)?),
            (Some(_) | None, None) | (None, Some(_)) => None,
        };
        Self::bind(api.listen, tls, "--listen or BROKERD_API_LISTEN").await
    }

    /// Binds the address where a gateway that is a process of its own tells how it is.
    pub(crate) async fn bind_gateway(configuration: &Configuration) -> anyhow::Result<Self> {
        let address = configuration.gateway.listen;
        Self::bind(address, None, "--listen or BROKERD_GATEWAY_LISTEN").await
    }

    async fn bind(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
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
        Ok(Self { listener, tls })
    }

    /// Where it is bound.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown`, then finishes the requests that are under way.
    pub(crate) async fn serve(
        self,
        router: Router,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        let served = match self.tls {
            None => {
                axum::serve(self.listener, router)
                    .with_graceful_shutdown(shutdown.cancelled_owned())
                    .await
            }
            Some(acceptor) => {
                let listener = TlsListener::start(self.listener, acceptor)?;
                axum::serve(listener, router)
                    .with_graceful_shutdown(shutdown.cancelled_owned())
                    .await
            }
        };
        served.context("can't serve HTTP")
    }
}

fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("api.tls_key: can't read a key from {}", key.display()))?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("api.tls_certificate and api.tls_key don't belong together")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The certificates in a PEM file, the server's own first.
pub(crate) fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let name = || format!("api.tls_certificate: can't read certificates from {}", path.display());
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).with_context(name)?;
    anyhow::ensure!(!chain.is_empty(), name());
    Ok(chain)
}

/// Accepts connections and shakes hands beside one another, so that a slow client delays nobody.
struct TlsListener {
    address: SocketAddr,
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    fn start(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            // Ends with the receiver, that is with the server.
            while !sender.is_closed() {
                let accepted = tokio::select! {
                    () = sender.closed() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((stream, peer)) = accepted else {
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    match timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => drop(sender.send((stream, peer)).await),
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
                    }
                });
            }
        });
        Ok(Self { address, accepted })
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends only after this listener.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
