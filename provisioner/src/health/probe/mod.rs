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
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Probe, ProbeOutcome, ProbeTarget};

/// How many authorities are remembered. An installation has one, and another while it is replaced.
const AUTHORITIES: usize = 16;

/// How soon an engine that refuses is asked again. An attempt at a closed port costs a fraction of a
/// millisecond.
const ASK_AGAIN: Duration = Duration::from_millis(15);

/// Probes over TLS.
#[derive(Default)]
pub struct WireProbe {
    configurations: Mutex<HashMap<Arc<str>, Arc<ClientConfig>>>,
}

#[async_trait]
impl Probe for WireProbe {
    async fn probe(&self, target: &ProbeTarget, deadline: Duration) -> ProbeOutcome {
        let end = Instant::now() + deadline;
        let answered = timeout_at(end, async {
            let mut stream = self.connect(target).await?;
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

    async fn await_answer(
        &self,
        target: &ProbeTarget,
        deadline: Duration,
        patience: Duration,
    ) -> ProbeOutcome {
        let end = Instant::now() + patience;
        loop {
            let outcome = self.probe(target, deadline).await;
            let may_come_up = matches!(outcome, ProbeOutcome::Refused(_));
            if !may_come_up || Instant::now() + ASK_AGAIN >= end {
                return outcome;
            }
            sleep(ASK_AGAIN).await;
        }
    }
}

impl WireProbe {
    async fn connect(&self, target: &ProbeTarget) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(target.server_name.clone())
            .map_err(|_| format!("{} is no name a certificate can have", target.server_name))?;
        let connector = TlsConnector::from(self.configuration(&target.authority_pem)?);
        let stream = TcpStream::connect(target.address)
            .await
            .map_err(|error| format!("can't connect: {error}"))?;
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
