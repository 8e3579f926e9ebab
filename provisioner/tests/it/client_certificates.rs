//! The wire probe against a server that speaks to nobody without a certificate.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::example::{NOW, Scripted};
use brokerd_domain::{Clock, EngineType, Protocol, Timestamp};
use brokerd_provisioner::{
    health::{Probe, ProbeTarget, WireProbe},
    pki::{
        authorities::Authorities,
        tls::{self, SubjectName},
    },
    plan::ProbeOutcome,
};
use brokerd_store::{CertificateAuthority, StoredAuthority};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

const DEADLINE: Duration = Duration::from_secs(5);

/// `Connection.Start`, as far as the probe reads.
const START: &[u8] = b"\x01\x00\x00\x00\x00\x02\x15\x00\x0a\x00\x0a";

/// Certificates are checked against the real time, so the clock begins there.
struct MovableClock(AtomicI64);

impl MovableClock {
    #[expect(clippy::disallowed_methods, reason = "TLS libraries look at the real time")]
    fn new() -> Arc<Self> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.expect("after 1970").as_micros();
        Arc::new(Self(AtomicI64::new(i64::try_from(micros).expect("before the end of time"))))
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A server with a certificate of `authority` for `localhost` that answers as RabbitMQ does whoever
/// has one too, and keeps what it was shown.
async fn strict_server(
    authority: &CertificateAuthority,
    now: Timestamp,
) -> (SocketAddr, Arc<Mutex<Vec<CertificateDer<'static>>>>) {
    let names = [SubjectName::Dns("localhost".to_owned())];
    let issued = tls::issue(authority, "b-1", &names, now, &Scripted::new(&[])).expect("issued");
    let mut roots = RootCertStore::empty();
    roots.add(tls::certificate(&authority.certificate_pem).expect("PEM")).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .expect("a verifier");
    let key = PrivateKeyDer::from_pem_slice(issued.private_key_pem.expose_secret().as_bytes());
    let chain = vec![tls::certificate(&issued.certificate_pem).expect("PEM")];
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key.expect("a key"))
        .expect("server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = shown.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
            seen.lock().expect("not poisoned").extend(certificates.first().cloned());
            let mut header = [0; 8];
            if stream.read_exact(&mut header).await.is_ok() {
                let _ = stream.write_all(START).await;
                let _ = stream.flush().await;
            }
        }
    });
    (address, shown)
}

fn target(address: SocketAddr, authority: &CertificateAuthority) -> ProbeTarget {
    ProbeTarget {
        engine: EngineType::RabbitMq,
        protocol: Protocol::Amqp,
        address,
        server_name: "localhost".to_owned(),
        authority_pem: authority.certificate_pem.as_str().into(),
    }
}

#[tokio::test]
async fn the_probe_shows_a_certificate_of_the_brokers_authority_and_renews_it() {
    let clock = MovableClock::new();
    let authority = tls::new_authority(clock.now(), &Scripted::new(&[])).expect("authority");
    let (address, shown) = strict_server(&authority, clock.now()).await;
    let target = target(address, &authority);

    let outcome = WireProbe::default().probe(&target, DEADLINE).await;
    assert!(matches!(outcome, ProbeOutcome::Refused(_)), "without a certificate: {outcome:?}");

    let entropy = Arc::new(Scripted::new(&[]));
    let probe =
        WireProbe::presenting(Arc::new(authority.clone().into()), clock.clone(), entropy.clone());
    for _ in 0..2 {
        assert_eq!(probe.probe(&target, DEADLINE).await, ProbeOutcome::Answered);
    }
    // Into the last month of the certificate; one that is issued then begins in the future.
    clock.0.fetch_add(380 * 24 * 3_600_000_000, Ordering::SeqCst);
    let outcome = probe.probe(&target, DEADLINE).await;
    assert!(matches!(outcome, ProbeOutcome::Refused(_)), "a new one: {outcome:?}");
    let shown = shown.lock().expect("not poisoned").clone();
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0], shown[1], "one certificate serves many probes");

    let stranger = tls::new_authority(NOW, &Scripted::new(&[])).expect("authority");
    let probe = WireProbe::presenting(Arc::new(stranger.into()), clock, entropy);
    let outcome = probe.probe(&target, DEADLINE).await;
    assert!(matches!(outcome, ProbeOutcome::Refused(_)), "of another authority: {outcome:?}");
}

#[tokio::test]
async fn while_authorities_change_the_probe_is_let_in_by_instances_of_before_and_after() {
    let clock = MovableClock::new();
    let entropy = Arc::new(Scripted::new(&[]));
    let authority = || tls::new_authority(clock.now(), &Scripted::new(&[])).expect("authority");
    let (old, new) = (authority(), authority());
    let stored = |id: i64, authority: &CertificateAuthority| StoredAuthority {
        id,
        issues_from: Timestamp::from_micros(id),
        authority: authority.clone(),
    };
    let authorities = Arc::new(Authorities::from(old.clone()));
    let probe = WireProbe::presenting(authorities.clone(), clock.clone(), entropy);
    // It has not been rebooted, and trusts nobody but the authority of before.
    let (before, _) = strict_server(&old, clock.now()).await;
    let asked = async |address, pem: &str| {
        let target = ProbeTarget { authority_pem: pem.into(), ..target(address, &old) };
        probe.probe(&target, DEADLINE).await
    };
    assert_eq!(asked(before, &old.certificate_pem).await, ProbeOutcome::Answered);
    authorities.replace(vec![stored(2, &new), stored(1, &old)]);
    let both = format!("{}{}", new.certificate_pem, old.certificate_pem);
    for pem in [&old.certificate_pem, &both] {
        assert_eq!(asked(before, pem).await, ProbeOutcome::Answered);
    }
    authorities.replace(vec![stored(2, &new)]);
    let (after, _) = strict_server(&new, clock.now()).await;
    assert_eq!(asked(after, &new.certificate_pem).await, ProbeOutcome::Answered);
}
