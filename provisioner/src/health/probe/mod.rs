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
use brokerd_store::CertificateAuthority;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use secrecy::ExposeSecret;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Alarm, Login, Probe, ProbeOutcome, ProbeTarget, management};
use crate::tls::{self, Issued};

/// How many authorities are remembered. An installation has one, and another while it is replaced.
const AUTHORITIES: usize = 16;

/// The common name in the probe's certificate. Nobody logs in by it.
const COMMON_NAME: &str = "brokerd-probe";

/// How soon an engine that refuses is asked again. An attempt at a closed port costs a fraction of a
/// millisecond.
const ASK_AGAIN: Duration = Duration::from_millis(15);

/// Probes over TLS.
#[derive(Default)]
pub struct WireProbe {
    issuer: Option<Issuer>,
    configurations: Mutex<HashMap<Arc<str>, Configuration>>,
}

/// What a certificate for the probe takes.
struct Issuer {
    authority: CertificateAuthority,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// How to speak to the brokers of one authority.
struct Configuration {
    client: Arc<ClientConfig>,
    /// When the probe's own certificate ends, if it has one for that authority.
    expires_at: Option<Timestamp>,
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

    async fn alarms(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<Vec<Alarm>, String> {
        let asked = timeout_at(Instant::now() + deadline, async {
            let mut stream = self.connect(target).await?;
            management::alarms(&mut stream, &target.server_name, login).await
        });
        asked.await.unwrap_or_else(|_| Err("silent".to_owned()))
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
    /// A probe with a certificate of its own, for brokers of this authority that speak to nobody
    /// without one.
    pub fn presenting(
        authority: CertificateAuthority,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { issuer: Some(Issuer { authority, clock, entropy }), ..Self::default() }
    }

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
        if let Some(configuration) = known.get(authority_pem)
            && !self.ends_soon(configuration)
        {
            return Ok(configuration.client.clone());
        }
        let identity = self.identity(authority_pem)?;
        let client = Arc::new(configuration(authority_pem, identity.as_ref())?);
        if known.len() >= AUTHORITIES {
            known.clear();
        }
        let expires_at = identity.map(|issued| issued.expires_at);
        let entry = Configuration { client: client.clone(), expires_at };
        known.insert(authority_pem.clone(), entry);
        Ok(client)
    }

    fn ends_soon(&self, configuration: &Configuration) -> bool {
        let (Some(end), Some(issuer)) = (configuration.expires_at, &self.issuer) else {
            return false;
        };
        tls::should_renew(end, issuer.clock.now())
    }

    /// A broker that still has the certificate of another authority trusts no client of this one.
    fn identity(&self, authority_pem: &str) -> Result<Option<Issued>, String> {
        let issuer = self.issuer.as_ref();
        let Some(issuer) = issuer.filter(|i| i.authority.certificate_pem == authority_pem) else {
            return Ok(None);
        };
        tls::issue_client(&issuer.authority, COMMON_NAME, issuer.clock.now(), &*issuer.entropy)
            .map(Some)
            .map_err(|error| format!("the probe has no certificate: {error}"))
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
