//! The certificate of the API, reloaded when its files change.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context as _;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A certificate and its key: the files, and the acceptor that was made of them.
pub(crate) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    acceptor: RwLock<TlsAcceptor>,
    /// The digest of the files at the start.
    digest: u64,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// When they can't be read or don't belong together.
    pub(crate) fn read(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        // Before the files are parsed: what is written in between counts as a change.
        let digest = digest(certificate, key);
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            acceptor: RwLock::new(acceptor(certificate, key)?),
            digest,
        })
    }

    /// The acceptor for new connections. Open connections keep theirs.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reloads the files whenever they change, until `shutdown`. Files that can't be served are logged once; the former
    /// certificate is served meanwhile.
    pub(crate) async fn reload(self: Arc<Self>, shutdown: CancellationToken) {
        let (mut tried, mut seen) = (self.digest, self.digest);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(CHECK_INTERVAL) => {}
            }
            let files = self.clone();
            let check = move || digest(&files.certificate, &files.key);
            let Ok(now) = tokio::task::spawn_blocking(check).await else { continue };
            // Unchanged since the last check, because two files are not written at once.
            let is_complete = std::mem::replace(&mut seen, now) == now;
            if now == tried || !is_complete {
                continue;
            }
            tried = now;
            match acceptor(&self.certificate, &self.key) {
                Ok(fresh) => {
                    *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                    tracing::info!(path = %self.certificate.display(), "API certificate reloaded");
                }
                Err(error) => tracing::error!(
                    error = format!("{error:#}"),
                    "API certificate changed but not usable; the former one stays in use"
                ),
            }
        }
    }
}

/// A digest of both files, or of why they can't be read.
fn digest(certificate: &Path, key: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in [certificate, key] {
        std::fs::read(path).map_err(|error| error.kind()).hash(&mut hasher);
    }
    hasher.finish()
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

#[cfg(test)]
mod tests {
    use std::{fs, time::Instant};

    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        task::JoinHandle,
    };
    use tokio_rustls::{TlsConnector, client, server};

    use super::*;

    struct Files(PathBuf);

    impl Files {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("brokerd-https-{}", std::process::id()));
            fs::create_dir_all(&path).expect("made");
            Self(path)
        }

        fn certificate(&self) -> PathBuf {
            self.0.join("api.pem")
        }

        fn key(&self) -> PathBuf {
            self.0.join("api.key")
        }

        fn write(&self, pair: &rcgen::CertifiedKey<rcgen::KeyPair>) {
            fs::write(self.certificate(), pair.cert.pem()).expect("written");
            fs::write(self.key(), pair.signing_key.serialize_pem()).expect("written");
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn pair() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made")
    }

    type Ends = (client::TlsStream<DuplexStream>, server::TlsStream<DuplexStream>);

    /// A connection of somebody who trusts only this one.
    async fn connect(
        served: &Certificate,
        trusted: &rcgen::CertifiedKey<rcgen::KeyPair>,
    ) -> Option<Ends> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.cert.der().clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (ours, theirs) = duplex(64 * 1024);
        let accepting: JoinHandle<_> = tokio::spawn(served.acceptor().accept(theirs));
        let name = ServerName::try_from("localhost").expect("a name");
        let client = TlsConnector::from(Arc::new(config)).connect(name, ours).await.ok()?;
        Some((client, accepting.await.expect("no panic").ok()?))
    }

    async fn is_served(served: &Certificate, pair: &rcgen::CertifiedKey<rcgen::KeyPair>) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while connect(served, pair).await.is_none() {
            assert!(Instant::now() < deadline, "it was never served");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_new_certificate_is_served_and_a_broken_one_is_not() {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let files = Files::new();
        let (first, second, third) = (pair(), pair(), pair());
        files.write(&first);
        let served = Arc::new(Certificate::read(&files.certificate(), &files.key()).expect("read"));
        let shutdown = CancellationToken::new();
        let reloading = tokio::spawn(served.clone().reload(shutdown.clone()));
        let (mut client, mut server) = connect(&served, &first).await.expect("connected");

        files.write(&second);
        is_served(&served, &second).await;
        assert!(connect(&served, &first).await.is_none(), "the former one is gone");
        client.write_all(b"still here").await.expect("written");
        let mut text = [0; 10];
        server.read_exact(&mut text).await.expect("read");
        assert_eq!(&text, b"still here", "who was connected before stays so");

        // A key of another certificate, for long enough to be tried.
        fs::write(files.key(), first.signing_key.serialize_pem()).expect("written");
        let until = Instant::now() + 4 * CHECK_INTERVAL;
        while Instant::now() < until {
            assert!(connect(&served, &second).await.is_some(), "what could be served still is");
        }
        fs::remove_file(files.certificate()).expect("removed");
        files.write(&third);
        is_served(&served, &third).await;
        shutdown.cancel();
        reloading.await.expect("ended");
    }
}
