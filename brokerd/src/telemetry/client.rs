//! Posting to the collector.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    client::conn::http1,
    header::{CONTENT_LENGTH, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Handle,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// The most bytes of an answer, which says little.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// A client with a connection per request, of which there are a few per minute. Requests are sent on this runtime,
/// whatever polls the answer: the exporter of traces has a thread without one.
#[derive(Clone)]
pub(super) struct Client {
    runtime: Handle,
    tls: Arc<ClientConfig>,
    patience: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client that trusts these authorities, PEM.
    pub(super) fn new(authorities: &str, patience: Duration) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        let known = CertificateDer::pem_slice_iter(authorities.as_bytes());
        roots.add_parsable_certificates(known.collect::<Result<Vec<_>, _>>()?);
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { runtime: Handle::try_current()?, tls: Arc::new(tls), patience })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let (client, patience) = (self.clone(), self.patience);
        let sent = async move { timeout(patience, client.exchange(request)).await? };
        AbortOnDropHandle::new(self.runtime.spawn(sent)).await?
    }

    async fn exchange(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let uri = request.uri().clone();
        let host = uri.host().ok_or_else(|| anyhow::anyhow!("{uri} has no host"))?.to_owned();
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let plain = host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((plain, port)).await?;
        let authority = uri.authority().map_or(host.as_str(), |authority| authority.as_str());
        let mut request = request;
        let length = HeaderValue::from(request.body().len());
        request.headers_mut().insert(HOST, HeaderValue::from_str(authority)?);
        request.headers_mut().insert(CONTENT_LENGTH, length);
        *request.uri_mut() = uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
        let request = request.map(Full::new);
        if is_tls {
            let name = ServerName::try_from(plain.to_owned())?;
            let connector = TlsConnector::from(Arc::clone(&self.tls));
            return answer(connector.connect(name, stream).await?, request).await;
        }
        answer(stream, request).await
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Response<Bytes>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        Ok(self.send(request).await?)
    }
}

/// Whether the collector has taken what it was sent.
pub(super) fn check(answer: &Response<Bytes>) -> anyhow::Result<()> {
    let (status, text) = (answer.status(), String::from_utf8_lossy(answer.body()));
    anyhow::ensure!(status == StatusCode::OK, "the collector answers {status}: {}", text.trim());
    Ok(())
}
