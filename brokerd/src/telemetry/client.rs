//! Posting to the collector.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::body::Bytes;
use brokerd_provisioner::https;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    header::{CONTENT_LENGTH, HOST, HeaderValue},
};
use opentelemetry_http::{HttpClient, HttpError};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::task::AbortOnDropHandle;

/// The most bytes of an answer, which says little.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// A client with a connection per request, of which there are a few per minute. Requests are sent on this runtime,
/// whatever polls the answer: the exporter of traces has a thread without one.
#[derive(Clone)]
pub(super) struct Client {
    runtime: Handle,
    tls: Arc<ClientConfig>,
    time_limit: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client that trusts these authorities, PEM.
    pub(super) fn new(authorities: &str, time_limit: Duration) -> anyhow::Result<Self> {
        let known = CertificateDer::pem_slice_iter(authorities.as_bytes());
        let tls = https::client(known.collect::<Result<Vec<_>, _>>()?)?;
        Ok(Self { runtime: Handle::try_current()?, tls, time_limit })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let (client, time_limit) = (self.clone(), self.time_limit);
        let sent = async move { timeout(time_limit, client.exchange(request)).await? };
        AbortOnDropHandle::new(self.runtime.spawn(sent)).await?
    }

    async fn exchange(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let uri = request.uri().clone();
        let authority = uri.authority().ok_or_else(|| anyhow::anyhow!("{uri} has no host"))?;
        let authority = HeaderValue::from_str(authority.as_str())?;
        let mut request = request;
        let length = HeaderValue::from(request.body().len());
        request.headers_mut().insert(HOST, authority);
        request.headers_mut().insert(CONTENT_LENGTH, length);
        *request.uri_mut() = uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
        let answer = https::send(&self.tls, &uri, request.map(Full::new)).await?;
        Ok(answer.read(MAX_BODY_BYTES).await?)
    }
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
