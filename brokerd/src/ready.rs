//! `brokerd ready`: waits for another process of this configuration.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{config::Configuration, home::Home, https, serve};

const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPT_TIME: Duration = Duration::from_secs(10);
/// More than any answer of ours; a stranger's may be endless.
const LONGEST_ANSWER: u64 = 256 * 1024;

/// Who is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The API.
    Api,
    /// A gateway that is a process of its own.
    Gateway,
}

/// Waits until it says that it is ready.
pub(crate) async fn wait(
    configuration: &Configuration,
    whom: Whom,
    patience: Duration,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        let attempt = timeout(ATTEMPT_TIME, ask(configuration, whom)).await;
        let Err(reason) = attempt.context("no answer in time").flatten() else { return Ok(()) };
        if Instant::now() + PAUSE >= deadline {
            let seconds = patience.as_secs();
            return Err(reason.context(format!("brokerd is not ready after {seconds} s")));
        }
        sleep(PAUSE).await;
    }
}

async fn ask(configuration: &Configuration, whom: Whom) -> anyhow::Result<()> {
    get(configuration, whom, "/health/ready").await?;
    match fs::read_to_string(Home::at(&configuration.data_dir).ca_path()) {
        // Not told to those who may not look into the data directory, nor by a gateway alone.
        Ok(own) if whom == Whom::Api => {
            let theirs = get(configuration, whom, "/brokerd/v1/ca.pem").await;
            ensure!(
                theirs.is_ok_and(|theirs| theirs.trim() == own.trim()),
                "another brokerd answers there: its certificate authority is not that in {}",
                configuration.data_dir.display()
            );
            Ok(())
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The body of a good answer.
async fn get(configuration: &Configuration, whom: Whom, path: &str) -> anyhow::Result<String> {
    let (url, certificate) = match whom {
        Whom::Api => (serve::local_url(configuration)?, configuration.api.tls_certificate.as_ref()),
        Whom::Gateway => (format!("http://{}", configuration.gateway.listen), None),
    };
    let (_, authority) = url.split_once("://").context("the API's address is no URL")?;
    let stream = TcpStream::connect(authority)
        .await
        .with_context(|| format!("nothing listens on {authority}"))?;
    let answer = match certificate {
        None => exchange(stream, authority, path).await?,
        Some(certificate) => {
            let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
            let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
            let stream = connector(certificate)?.connect(name, stream).await?;
            exchange(stream, authority, path).await?
        }
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some(status) => bail!("{url}{path} answers {status}: {}", body.trim()),
        None => bail!("{url} does not speak HTTP"),
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    authority: &str,
    path: &str,
) -> anyhow::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Trusts the configured certificate itself, whoever issued it and whatever names it carries.
fn connector(certificate: &Path) -> anyhow::Result<TlsConnector> {
    let own = https::certificates(certificate)?.swap_remove(0);
    let provider = CryptoProvider::get_default().context("no TLS provider is installed")?;
    let config = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { own, provider: Arc::clone(provider) }))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
struct Pinned {
    own: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.own {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::PathBuf,
        sync::atomic::{AtomicU32, Ordering},
    };

    use axum::{Router, http::StatusCode, routing::get as on_get};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        config::Choice,
        http::{Metrics, Socket},
    };

    const SOON: Duration = Duration::from_secs(20);

    fn configuration() -> Configuration {
        let mut configuration = Configuration::default();
        configuration.api.listen.set_port(0);
        configuration
    }

    /// Serves what is not ready before the third question.
    async fn serve(configuration: &mut Configuration) -> CancellationToken {
        let socket = Socket::bind_api(configuration).await.expect("bound");
        configuration.api.listen = socket.address();
        let questions = Arc::new(AtomicU32::new(0));
        let router = Router::new()
            .route(
                "/health/ready",
                on_get(move || async move {
                    match questions.fetch_add(1, Ordering::Relaxed) {
                        0 | 1 => (StatusCode::SERVICE_UNAVAILABLE, "warming up"),
                        _ => (StatusCode::OK, ""),
                    }
                }),
            )
            .route("/brokerd/v1/ca.pem", on_get(|| async { "an authority\n" }));
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move { socket.serve(router, 16, Metrics::default(), stop).await });
        shutdown
    }

    /// A certificate and its key in files that are gone after the test.
    struct Files(PathBuf);

    impl Files {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("brokerd-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a directory");
            let pair = rcgen::generate_simple_self_signed(["elsewhere".to_owned()]).expect("made");
            std::fs::write(path.join("cert.pem"), pair.cert.pem()).expect("written");
            std::fs::write(path.join("key.pem"), pair.signing_key.serialize_pem())
                .expect("written");
            Self(path)
        }

        fn apply(&self, configuration: &mut Configuration) {
            configuration.api.tls_certificate = Some(self.0.join("cert.pem"));
            configuration.api.tls_key = Some(self.0.join("key.pem"));
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn install_provider() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }

    #[tokio::test]
    async fn waiting_ends_when_the_api_says_that_it_is_ready() {
        let mut configuration = configuration();
        let shutdown = serve(&mut configuration).await;
        wait(&configuration, Whom::Api, SOON).await.expect("ready");
        shutdown.cancel();
    }

    #[tokio::test]
    async fn when_time_is_over_the_last_answer_is_the_reason() {
        let mut configuration = configuration();
        let _shutdown = serve(&mut configuration).await;
        let error = wait(&configuration, Whom::Api, Duration::ZERO).await.expect_err("not ready");
        let text = format!("{error:#}");
        assert!(text.contains("not ready after 0 s") && text.contains("503: warming up"), "{text}");
        configuration.api.listen.set_port(1);
        // Neither what clients are told nor every address is where to look.
        configuration.api.listen.set_ip([0, 0, 0, 0].into());
        configuration.api.url = Some("https://elsewhere.example".to_owned());
        configuration.endpoint.advertised_host = Choice::Chosen("elsewhere.example".to_owned());
        let error = wait(&configuration, Whom::Api, Duration::ZERO).await.expect_err("not ready");
        assert!(format!("{error:#}").contains("nothing listens on 127.0.0.1:1"), "{error:#}");
    }

    #[tokio::test]
    async fn another_brokerd_is_not_taken_for_this_one() {
        let files = Files::new("authority");
        let mut configuration = configuration();
        configuration.data_dir.clone_from(&files.0);
        let _shutdown = serve(&mut configuration).await;
        let path = files.0.join("ca.pem");
        std::fs::write(&path, "an authority\n").expect("written");
        wait(&configuration, Whom::Api, SOON).await.expect("ready");
        std::fs::write(&path, "our own\n").expect("written");
        let error = wait(&configuration, Whom::Api, Duration::ZERO).await.expect_err("a stranger");
        assert!(format!("{error:#}").contains("another brokerd answers there"), "{error:#}");
    }

    #[tokio::test]
    async fn with_tls_only_the_configured_certificate_is_believed() {
        install_provider();
        let (files, others) = (Files::new("own"), Files::new("other"));
        let mut configuration = configuration();
        files.apply(&mut configuration);
        let _shutdown = serve(&mut configuration).await;
        wait(&configuration, Whom::Api, SOON).await.expect("ready");
        others.apply(&mut configuration);
        wait(&configuration, Whom::Api, Duration::ZERO).await.expect_err("somebody else");
    }

    #[tokio::test]
    async fn a_client_that_does_not_shake_hands_delays_nobody() {
        install_provider();
        let files = Files::new("slow");
        let mut configuration = configuration();
        files.apply(&mut configuration);
        let _shutdown = serve(&mut configuration).await;
        let _silent = TcpStream::connect(configuration.api.listen).await.expect("connected");
        wait(&configuration, Whom::Api, SOON).await.expect("ready");
    }

    #[tokio::test]
    async fn a_taken_port_is_said_to_be_taken() {
        let mut configuration = configuration();
        let _shutdown = serve(&mut configuration).await;
        let error = Socket::bind_api(&configuration).await.err().expect("taken");
        let text = format!("{error:#}");
        assert!(text.contains("another program listens there"), "{text}");
    }
}
