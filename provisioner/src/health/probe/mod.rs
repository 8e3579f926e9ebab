//! The probe that speaks the engines' protocols, up to the first answer that only a serving engine
//! gives and no further: nothing is logged in, so nothing is authorised, counted or kept.

mod dialect;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{Clock, Entropy, Timestamp};
use futures_util::future::join_all;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use secrecy::ExposeSecret;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    ExchangeError, HttpAnswer, HttpCall, LinkReport, Login, ManagementError, Probe, ProbeTarget,
    exchange, management, trying::Trying,
};
use crate::pki::{
    authorities::Authorities,
    tls::{self, Issued},
};
use crate::plan::{NodeReport, ProbeOutcome};

/// How many authorities are remembered. An installation has one, and another while it is replaced.
const AUTHORITIES: usize = 16;

/// The common name in the probe's certificate. Nobody logs in by it.
const COMMON_NAME: &str = "brokerd-probe";

/// How soon a listener that refuses is tried again. A try costs a fraction of a millisecond.
const TRY_AGAIN: Duration = Duration::from_millis(15);

/// A published port accepts for an engine that is not there yet and closes at once. Who has not closed
/// after this time listens.
const CLOSES_WITHIN: Duration = Duration::from_millis(4);

/// How long to wait for the rest of an engine that has begun to open its listeners.
const OPENING: Duration = Duration::from_secs(1);

/// How many boots are waited for at a time. Who waits keeps a worker from other brokers; when more
/// boot, passes come round often enough.
const WAITING: usize = 2;

/// Probes over TLS.
pub struct WireProbe {
    issuer: Option<Issuer>,
    configurations: Mutex<HashMap<Arc<str>, Configuration>>,
    waiting: Semaphore,
    trying: Mutex<Trying>,
}

impl Default for WireProbe {
    fn default() -> Self {
        Self {
            issuer: None,
            configurations: Mutex::default(),
            waiting: Semaphore::new(WAITING),
            trying: Mutex::default(),
        }
    }
}

/// What a certificate for the probe takes.
struct Issuer {
    authorities: Arc<Authorities>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// How to speak to the brokers that trust certain authorities.
struct Configuration {
    client: Arc<ClientConfig>,
    /// From when on the probe's own certificate for them is to be replaced, if ever.
    renewal: Option<Timestamp>,
}

/// What comes of it until `end`. An engine that says nothing until then is silent.
async fn within<T, E: From<String>>(
    end: Instant,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout_at(end, asked).await.unwrap_or_else(|_| Err("silent".to_owned().into()))
}

#[async_trait]
impl Probe for WireProbe {
    async fn probe(&self, target: &ProbeTarget, deadline: Duration) -> ProbeOutcome {
        self.ask(target, None, deadline).await
    }

    async fn handshake(&self, target: &ProbeTarget, deadline: Duration) -> ProbeOutcome {
        outcome(deadline, self.connect(target, None)).await
    }

    async fn nodes(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<Vec<NodeReport>, ManagementError> {
        within(Instant::now() + deadline, async {
            let mut stream = self.connect(target, None).await?;
            management::nodes(&mut stream, &target.server_name, login).await
        })
        .await
    }

    async fn is_quorum_critical(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<bool, ManagementError> {
        within(Instant::now() + deadline, async {
            let mut stream = self.connect(target, None).await?;
            management::is_quorum_critical(&mut stream, &target.server_name, login).await
        })
        .await
    }

    async fn links(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<Vec<LinkReport>, ManagementError> {
        let links = within(Instant::now() + deadline, async {
            let mut links = Vec::new();
            for kind in management::link_kinds(target.engine) {
                let mut stream = self.connect(target, None).await?;
                links.extend(kind.ask(&mut stream, &target.server_name, login).await?);
            }
            Ok::<_, ManagementError>(links)
        })
        .await?;
        let mut trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(trying.judge(target.address, links, std::time::Instant::now()))
    }

    async fn page(
        &self,
        target: &ProbeTarget,
        login: Option<&Login>,
        path: &str,
        deadline: Duration,
    ) -> Result<String, ManagementError> {
        within(Instant::now() + deadline, async {
            let mut stream = self.connect(target, None).await?;
            management::page(&mut stream, &target.server_name, login, path).await
        })
        .await
    }

    async fn exchange(
        &self,
        target: &ProbeTarget,
        login: &Login,
        call: HttpCall<'_>,
        deadline: Duration,
    ) -> Result<HttpAnswer, ExchangeError> {
        let end = Instant::now() + deadline;
        let connected = end.min(Instant::now() + call.connect_within);
        let stream = within(connected, self.connect(target, None)).await;
        let mut stream = stream.map_err(ExchangeError::NotSent)?;
        let asked = exchange::exchange(&mut stream, &target.server_name, login, call);
        within(end, asked).await.map_err(ExchangeError::NoAnswer)
    }

    fn tls_client(&self, authority_pem: &Arc<str>) -> Result<Arc<ClientConfig>, String> {
        self.configuration(authority_pem)
    }

    /// From the moment the first listener is there all are asked, while the others open: an engine's
    /// first handshakes are slow, and one after the other they would be what a boot ends with.
    async fn await_answers(
        &self,
        targets: &[ProbeTarget],
        deadline: Duration,
        time_limit: Duration,
    ) -> Vec<ProbeOutcome> {
        let Some(first) = targets.first() else { return Vec::new() };
        let waiting = self.waiting.try_acquire();
        let time_limit = if waiting.is_ok() { time_limit } else { Duration::ZERO };
        let listener = await_listener(first, deadline, time_limit).await;
        drop(waiting);
        let mut opened = match listener {
            Ok(stream) => Some(stream),
            Err(outcome) => return vec![outcome],
        };
        let end = Instant::now() + OPENING;
        let answers =
            targets.iter().map(|target| self.ask_until(end, target, opened.take(), deadline));
        join_all(answers).await
    }
}

impl WireProbe {
    /// A probe with a certificate of its own, for brokers that trust one of these authorities and speak to nobody
    /// without one.
    pub fn presenting(
        authorities: Arc<Authorities>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { issuer: Some(Issuer { authorities, clock, entropy }), ..Self::default() }
    }

    /// Asks once, over `stream` if there is one already.
    async fn ask(
        &self,
        target: &ProbeTarget,
        stream: Option<TcpStream>,
        deadline: Duration,
    ) -> ProbeOutcome {
        let answered = async {
            let mut stream = self.connect(target, stream).await?;
            dialect::converse(&mut stream, target).await?;
            Ok(stream)
        };
        outcome(deadline, answered).await
    }

    /// Asks again and again while it is refused, until `end`.
    async fn ask_until(
        &self,
        end: Instant,
        target: &ProbeTarget,
        mut stream: Option<TcpStream>,
        deadline: Duration,
    ) -> ProbeOutcome {
        loop {
            let outcome = self.ask(target, stream.take(), deadline).await;
            let may_change = matches!(outcome, ProbeOutcome::Refused(_));
            if !may_change || Instant::now() + TRY_AGAIN >= end {
                return outcome;
            }
            sleep(TRY_AGAIN).await;
        }
    }

    async fn connect(
        &self,
        target: &ProbeTarget,
        stream: Option<TcpStream>,
    ) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(target.server_name.clone()).map_err(|_| {
            format!("{} is not a name that a certificate can have", target.server_name)
        })?;
        let connector = TlsConnector::from(self.configuration(&target.authority_pem)?);
        let stream = match stream {
            Some(stream) => stream,
            None => open(target).await?,
        };
        // A request is one small write and waits for nothing.
        let _ = stream.set_nodelay(true);
        connector.connect(name, stream).await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "closed the connection before TLS".to_owned(),
            _ => format!("no TLS: {error}"),
        })
    }

    fn configuration(&self, authority_pem: &Arc<str>) -> Result<Arc<ClientConfig>, String> {
        let mut known = self.configurations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(configuration) = known.get(authority_pem)
            && !self.is_to_be_renewed(configuration)
        {
            return Ok(configuration.client.clone());
        }
        let identity = self.identity(authority_pem)?;
        let client =
            Arc::new(configuration(authority_pem, identity.as_ref().map(|(issued, _)| issued))?);
        if known.len() >= AUTHORITIES {
            known.clear();
        }
        let renewal = identity.as_ref().and_then(|(_, renewal)| *renewal);
        let entry = Configuration { client: client.clone(), renewal };
        known.insert(authority_pem.clone(), entry);
        Ok(client)
    }

    fn is_to_be_renewed(&self, configuration: &Configuration) -> bool {
        let (Some(from), Some(issuer)) = (configuration.renewal, &self.issuer) else {
            return false;
        };
        from <= issuer.clock.now()
    }

    /// A certificate of an authority that the broker trusts, and from when on it is to be replaced, if ever. While the
    /// instances of a broker are made anew one after the other, some of them don't trust the latest one yet.
    fn identity(&self, trusted_pem: &str) -> Result<Option<(Issued, Option<Timestamp>)>, String> {
        let Some(issuer) = &self.issuer else { return Ok(None) };
        let now = issuer.clock.now();
        let Some(authority) = issuer.authorities.longest_trusted(trusted_pem, now) else {
            return Ok(None);
        };
        let unusable = |error| format!("the probe has no certificate: {error}");
        let issued = tls::issue_client(&authority, COMMON_NAME, now, &*issuer.entropy);
        let issued = issued.map_err(unusable)?;
        let end = tls::authority_end(&authority).map_err(unusable)?;
        // Of an authority that ends the next one takes over.
        let renewal = tls::renewal(issued.expires_at, end).or(Some(issued.expires_at));
        Ok(Some((issued, renewal)))
    }
}

/// What came of a conversation, whose connection is ended.
async fn outcome(
    deadline: Duration,
    conversation: impl Future<Output = Result<TlsStream<TcpStream>, String>>,
) -> ProbeOutcome {
    let end = Instant::now() + deadline;
    match timeout_at(end, conversation).await {
        Ok(Ok(mut stream)) => {
            // An orderly end, for the sake of the engine's log.
            let _ = timeout_at(end, stream.shutdown()).await;
            ProbeOutcome::Answered
        }
        Ok(Err(reason)) => ProbeOutcome::Refused(reason),
        Err(_) => ProbeOutcome::Silent,
    }
}

async fn open(target: &ProbeTarget) -> Result<TcpStream, String> {
    TcpStream::connect(target.address).await.map_err(|error| format!("can't connect: {error}"))
}

/// Tries once, and as long as `time_limit` lasts, until somebody listens, and leads there.
async fn await_listener(
    target: &ProbeTarget,
    deadline: Duration,
    time_limit: Duration,
) -> Result<TcpStream, ProbeOutcome> {
    let end = Instant::now() + time_limit;
    loop {
        let reason = match timeout(deadline, open(target)).await {
            Err(_) => return Err(ProbeOutcome::Silent),
            Ok(Err(reason)) => reason,
            Ok(Ok(stream)) => match timeout(CLOSES_WITHIN, stream.readable()).await {
                Err(_) => return Ok(stream),
                Ok(_) => "closed the connection before TLS".to_owned(),
            },
        };
        if Instant::now() + TRY_AGAIN >= end {
            return Err(ProbeOutcome::Refused(reason));
        }
        sleep(TRY_AGAIN).await;
    }
}

fn configuration(authority_pem: &str, identity: Option<&Issued>) -> Result<ClientConfig, String> {
    let unusable = |error: &dyn std::fmt::Display| format!("the authority is unusable: {error}");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is no certificate in it"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots);
    let mut configuration = match identity {
        None => builder.with_no_client_auth(),
        Some(issued) => {
            let chain = tls::certificate(&issued.certificate_pem).map_err(|e| e.to_string())?;
            let key =
                PrivateKeyDer::from_pem_slice(issued.private_key_pem.expose_secret().as_bytes())
                    .map_err(|error| error.to_string())?;
            builder.with_client_auth_cert(vec![chain], key).map_err(|error| error.to_string())?
        }
    };
    // Every probe checks the certificate that is served now, not the one of an hour ago.
    configuration.resumption = Resumption::disabled();
    Ok(configuration)
}
