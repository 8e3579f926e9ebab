//! Those who mean no good: many connections at once.

use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    runtime::Runtime,
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

/// How many connect at the same moment: fewer than a listener's queue takes.
const AT_ONCE: usize = 256;
/// How long one may take to connect and to say what it has to say. Who is not let in does not wait longer.
const OPENING: Duration = Duration::from_secs(10);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connections that were opened and are kept until they are closed by the other side, or this goes.
pub(crate) struct Strangers {
    runtime: Runtime,
    open: Vec<Box<dyn Stream>>,
}

/// Where strangers go, and how.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    to: SocketAddr,
    from: Option<SocketAddr>,
    tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

impl Way {
    /// To `host:port`, as it is.
    pub(crate) fn plain(to: &str) -> Result<Self> {
        Ok(Self { to: to.parse().with_context(|| to.to_owned())?, from: None, tls: None })
    }

    /// To the endpoint of that URL, without TLS.
    pub(crate) fn below_tls(url: &str) -> Result<Self> {
        let (_, rest) = url.split_once("://").with_context(|| url.to_owned())?;
        Self::plain(rest.split('/').next().unwrap_or(rest))
    }

    /// To the endpoint of that URL, by TLS: what is sent goes to the engine.
    pub(crate) fn tls(url: &str, ca: &Path) -> Result<Self> {
        let mut way = Self::below_tls(url)?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&fs::read(ca)?) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        way.tls = Some((way.to.ip().into(), Arc::new(config)));
        Ok(way)
    }

    /// From another address of this machine, such as 127.0.0.2.
    pub(crate) fn from(mut self, ip: [u8; 4]) -> Self {
        self.from = Some((ip, 0).into());
        self
    }

    async fn go(self, opening: &[u8]) -> Result<Box<dyn Stream>> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = self.from {
            socket.bind(from)?;
        }
        let mut stream: Box<dyn Stream> = {
            let tcp: TcpStream = socket.connect(self.to).await?;
            match self.tls {
                None => Box::new(tcp),
                Some((name, config)) => {
                    Box::new(TlsConnector::from(config).connect(name, tcp).await?)
                }
            }
        };
        if !opening.is_empty() {
            stream.write_all(opening).await?;
            stream.flush().await?;
        }
        Ok(stream)
    }
}

impl Strangers {
    /// Nobody yet. This process gets as many descriptors as it may have.
    pub(crate) fn gather() -> Result<Self> {
        rlimit::increase_nofile_limit(u64::MAX).context("descriptors for the strangers")?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self { runtime, open: Vec::new() })
    }

    /// Opens `count` connections, each of which sends its opening at once. How many came in: the others were
    /// refused, or nobody accepted them in time.
    pub(crate) fn come<O: AsRef<[u8]> + Send + Sync + 'static>(
        &mut self,
        count: usize,
        way: &Way,
        opening: impl Fn(usize) -> O,
    ) -> Result<usize> {
        let came = self.runtime.block_on(async {
            let places = Arc::new(Semaphore::new(AT_ONCE));
            let mut coming = JoinSet::new();
            for number in 0..count {
                let (way, opening) = (way.clone(), opening(number));
                let places = Arc::clone(&places);
                coming.spawn(async move {
                    let _place = places.acquire().await;
                    timeout(OPENING, way.go(opening.as_ref())).await.ok()?.ok()
                });
            }
            let mut came = Vec::new();
            while let Some(one) = coming.join_next().await {
                came.extend(one?);
            }
            anyhow::Ok(came)
        })?;
        let count = came.len();
        self.open.extend(came);
        Ok(count)
    }

    /// Reads from all that are open until the other side has closed them, for `time_limit` at most; how many it
    /// has left open.
    pub(crate) fn left_open(&mut self, time_limit: Duration) -> usize {
        let open = std::mem::take(&mut self.open);
        self.open = self.runtime.block_on(async {
            let deadline = Instant::now() + time_limit;
            let mut reading = JoinSet::new();
            for mut stream in open {
                reading.spawn(async move {
                    let mut rest = [0; 4096];
                    loop {
                        match timeout_at(deadline, stream.read(&mut rest)).await {
                            Err(_) => return Some(stream),
                            Ok(Ok(1..)) => {}
                            Ok(Ok(0) | Err(_)) => return None,
                        }
                    }
                });
            }
            reading.join_all().await.into_iter().flatten().collect()
        });
        self.open.len()
    }

    /// All go.
    pub(crate) fn leave(&mut self) {
        self.open.clear();
    }
}

/// Memory of a process that is in use, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
