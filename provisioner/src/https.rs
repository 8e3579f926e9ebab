//! One HTTP request, on a connection of its own. Redirections are not followed, and nothing is tried again.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, response::Parts};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, InvalidDnsNameError, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::pki::tls;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no connection, or no TLS on it.
    #[error(transparent)]
    Connection(#[from] io::Error),
    /// The host can have no certificate.
    #[error(transparent)]
    Name(#[from] InvalidDnsNameError),
    /// What came is no answer, or nothing came.
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// Why the body of an answer is not there.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than whoever asked takes.
    #[error("the answer is too large")]
    TooLarge,
    /// It ended before it was whole.
    #[error("{0}")]
    Ended(String),
}

/// What trusts these authorities. Those that are no certificates are left out.
///
/// # Errors
/// There is no TLS.
pub fn client(
    authorities: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(client))
}

/// What trusts the public authorities.
///
/// # Errors
/// There is no TLS.
pub(crate) fn public_client() -> Result<Arc<ClientConfig>, rustls::Error> {
    let public = CertificateDer::pem_slice_iter(tls::public_authorities_pem().as_bytes());
    client(public.filter_map(Result::ok))
}

/// An answer, whose body may still be on its way.
#[derive(Debug)]
pub struct Answer {
    head: Parts,
    body: Incoming,
    _connection: AbortOnDropHandle<Result<(), hyper::Error>>,
}

/// Sends a request to the scheme, host and port of `to`. The request names its host in a header, and has a path for its
/// URI.
///
/// # Errors
/// [`SendError`] when no answer begins. Whoever calls says for how long to wait.
pub async fn send(
    client: &Arc<ClientConfig>,
    to: &Uri,
    request: Request<Full<Bytes>>,
) -> Result<Answer, SendError> {
    let host = to.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let is_https = to.scheme_str() == Some("https");
    let port = to.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    if !is_https {
        return ask(stream, request).await;
    }
    let name = ServerName::try_from(host)?;
    ask(TlsConnector::from(Arc::clone(client)).connect(name, stream).await?, request).await
}

async fn ask<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Answer { head, body, _connection: connection })
}

impl Answer {
    /// Its status.
    pub const fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The whole of it, with a body of up to `largest` bytes.
    ///
    /// # Errors
    /// [`BodyError`] when the body is larger, or breaks off.
    pub async fn read(self, largest: usize) -> Result<http::Response<Bytes>, BodyError> {
        match Limited::new(self.body, largest).collect().await {
            Ok(body) => Ok(http::Response::from_parts(self.head, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
            Err(error) => Err(BodyError::Ended(error.to_string())),
        }
    }
}
