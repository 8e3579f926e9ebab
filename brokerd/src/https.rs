//! The certificate of the API, which is read again when its files change.

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

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A certificate and its key, as files, and as they are served.
pub(crate) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    acceptor: RwLock<TlsAcceptor>,
    read: u64,
}

impl Certificate {
    /// Reads the files.
    pub(crate) fn read(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        // Looked at first: what is written in between counts as a change.
        let read = digest(certificate, key);
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            acceptor: RwLock::new(acceptor(certificate, key)?),
            read,
        })
    }

    /// What connections are accepted with now. Those that are open keep what they were accepted with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves what is in the files when it has changed. What can't be served is told once, and what was served before
    /// goes on being served.
    pub(crate) async fn look_after(self: Arc<Self>, shutdown: CancellationToken) {
        let (mut tried, mut seen) = (self.read, self.read);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(LOOK) => {}
            }
            let looking = self.clone();
            let look = move || digest(&looking.certificate, &looking.key);
            let Ok(now) = tokio::task::spawn_blocking(look).await else { continue };
            // Twice the same: two files are not written at once.
            let is_complete = std::mem::replace(&mut seen, now) == now;
            if now == tried || !is_complete {
                continue;
            }
            tried = now;
            match acceptor(&self.certificate, &self.key) {
                Ok(fresh) => {
                    *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                    tracing::info!(path = %self.certificate.display(), "the API's certificate was read again");
                }
                Err(error) => tracing::error!(
                    error = format!("{error:#}"),
                    "the API's certificate has changed and can't be served; the former one still is"
                ),
            }
        }
    }
}

/// Tells one content of the files from another.
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
        let looking = tokio::spawn(served.clone().look_after(shutdown.clone()));
        let (mut client, mut server) = connect(&served, &first).await.expect("connected");

        files.write(&second);
        is_served(&served, &second).await;
        assert!(connect(&served, &first).await.is_none(), "the former one is gone");
        client.write_all(b"still here").await.expect("written");
        let mut text = [0; 10];
        server.read_exact(&mut text).await.expect("read");
        assert_eq!(&text, b"still here", "who was connected before stays so");

        // A key of another certificate, which is looked at long enough to be tried.
        fs::write(files.key(), first.signing_key.serialize_pem()).expect("written");
        let until = Instant::now() + 4 * LOOK;
        while Instant::now() < until {
            assert!(connect(&served, &second).await.is_some(), "what could be served still is");
        }
        fs::remove_file(files.certificate()).expect("removed");
        files.write(&third);
        is_served(&served, &third).await;
        shutdown.cancel();
        looking.await.expect("ended");
    }
}
