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
use futures_util::future::join_all;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Probe, ProbeOutcome, ProbeTarget};

/// How many authorities are remembered. An installation has one, and another while it is replaced.
const AUTHORITIES: usize = 16;

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
    configurations: Mutex<HashMap<Arc<str>, Arc<ClientConfig>>>,
    waiting: Semaphore,
}

impl Default for WireProbe {
    fn default() -> Self {
        Self { configurations: Mutex::default(), waiting: Semaphore::new(WAITING) }
    }
}

#[async_trait]
impl Probe for WireProbe {
    async fn probe(&self, target: &ProbeTarget, deadline: Duration) -> ProbeOutcome {
        self.ask(target, None, deadline).await
    }

    /// From the moment the first listener is there all are asked, while the others open: an engine's
    /// first handshakes are slow, and one after the other they would be what a boot ends with.
    async fn await_answers(
        &self,
        targets: &[ProbeTarget],
        deadline: Duration,
        patience: Duration,
    ) -> Vec<ProbeOutcome> {
        let Some(first) = targets.first() else { return Vec::new() };
        let waiting = self.waiting.try_acquire();
        let patience = if waiting.is_ok() { patience } else { Duration::ZERO };
        let listener = await_listener(first, deadline, patience).await;
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
    /// Asks once, over `stream` if there is one already.
    async fn ask(
        &self,
        target: &ProbeTarget,
        stream: Option<TcpStream>,
        deadline: Duration,
    ) -> ProbeOutcome {
        let end = Instant::now() + deadline;
        let answered = timeout_at(end, async {
            let mut stream = self.connect(target, stream).await?;
            dialect::converse(&mut stream, target).await?;
            Ok::<_, String>(stream)
        });
        match answered.await {
            Ok(Ok(mut stream)) => {
                // An orderly end, for the sake of the engine's log.
                let _ = timeout_at(end, stream.shutdown()).await;
                ProbeOutcome::Answered
            }
            Ok(Err(reason)) => ProbeOutcome::Refused(reason),
            Err(_) => ProbeOutcome::Silent,
        }
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
        let name = ServerName::try_from(target.server_name.clone())
            .map_err(|_| format!("{} is no name a certificate can have", target.server_name))?;
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
        if let Some(configuration) = known.get(authority_pem) {
            return Ok(configuration.clone());
        }
        let configuration = Arc::new(configuration(authority_pem)?);
        if known.len() >= AUTHORITIES {
            known.clear();
        }
        known.insert(authority_pem.clone(), configuration.clone());
        Ok(configuration)
    }
}

async fn open(target: &ProbeTarget) -> Result<TcpStream, String> {
    TcpStream::connect(target.address).await.map_err(|error| format!("can't connect: {error}"))
}

/// Tries once, and as long as `patience` lasts, until somebody listens, and leads there.
async fn await_listener(
    target: &ProbeTarget,
    deadline: Duration,
    patience: Duration,
) -> Result<TcpStream, ProbeOutcome> {
    let end = Instant::now() + patience;
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

fn configuration(authority_pem: &str) -> Result<ClientConfig, String> {
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
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Every probe checks the certificate that is served now, not the one of an hour ago.
    configuration.resumption = Resumption::disabled();
    Ok(configuration)
}
