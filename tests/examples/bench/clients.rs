//! Real clients in this very process, so that nothing but the broker is waited for.

use std::{path::Path, sync::Arc, time::Duration};

use amqprs::{
    BasicProperties, DELIVERY_MODE_PERSISTENT,
    channel::{BasicGetArguments, BasicPublishArguments, QueueDeclareArguments},
    connection::{Connection, OpenConnectionArguments},
    tls::TlsAdaptor,
};
use anyhow::{Context as _, Result, bail, ensure};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

/// How long to wait between two looks, or attempts, in every measurement alike.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// An attempt that takes longer is given up.
const ATTEMPT: Duration = Duration::from_secs(5);

const QUEUE: &str = "bench";
const BODY: &str = "the first message";

/// What a client speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dialect {
    /// STOMP 1.2.
    Stomp,
    /// AMQP 0-9-1.
    Amqp,
}

/// A broker's endpoint and who may use it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) dialect: Dialect,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) tls: TlsConnector,
}

/// A client's side of TLS that trusts this authority and no other.
pub(crate) fn trust(authority: &Path) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Endpoint {
    /// Tries until a persistent message was published and received; how many attempts failed.
    pub(crate) async fn first_message(&self) -> Result<u32> {
        let mut failed = 0;
        loop {
            if let Ok(Ok(())) = timeout(ATTEMPT, self.message()).await {
                return Ok(failed);
            }
            failed += 1;
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Publishes a persistent message and receives it.
    async fn message(&self) -> Result<()> {
        match self.dialect {
            Dialect::Stomp => self.stomp().await,
            Dialect::Amqp => self.amqp().await,
        }
    }

    async fn amqp(&self) -> Result<()> {
        let mut arguments =
            OpenConnectionArguments::new(&self.host, self.port, &self.user, &self.password);
        arguments.tls_adaptor(TlsAdaptor::new(self.tls.clone(), self.host.clone()));
        let connection = Connection::open(&arguments).await?;
        let channel = connection.open_channel(None).await?;
        channel.queue_declare(QueueDeclareArguments::durable_client_named(QUEUE)).await?;
        let properties =
            BasicProperties::default().with_delivery_mode(DELIVERY_MODE_PERSISTENT).finish();
        let to = BasicPublishArguments::new("", QUEUE);
        channel.basic_publish(properties, BODY.into(), to).await?;
        let mut from = BasicGetArguments::new(QUEUE);
        // What was published on a channel is in the queue when the same channel asks for it.
        let got = channel.basic_get(from.no_ack(true).finish()).await?;
        let (_, _, body) = got.context("the queue is empty")?;
        ensure!(body == BODY.as_bytes(), "another message came back");
        // The measurement is over; how the connection ends does not matter to it.
        let _ = connection.close().await;
        Ok(())
    }

    async fn stomp(&self) -> Result<()> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(self.host.clone())?;
        let mut stream = BufReader::new(self.tls.connect(name, tcp).await?);
        let (user, password) = (&self.user, &self.password);
        let login = format!(
            "CONNECT\naccept-version:1.2\nhost:bench\nlogin:{user}\npasscode:{password}\n\n\0"
        );
        stream.write_all(login.as_bytes()).await?;
        expect(&mut stream, "CONNECTED", "").await?;
        let frames = format!(
            "SUBSCRIBE\nid:1\ndestination:/queue/{QUEUE}\n\n\0\
             SEND\ndestination:/queue/{QUEUE}\npersistent:true\n\n{BODY}\0"
        );
        stream.write_all(frames.as_bytes()).await?;
        expect(&mut stream, "MESSAGE", BODY).await
    }
}

/// Reads one frame, which must be of this kind.
async fn expect(
    stream: &mut BufReader<tokio_rustls::client::TlsStream<TcpStream>>,
    kind: &str,
    body: &str,
) -> Result<()> {
    let mut frame = Vec::new();
    stream.read_until(0, &mut frame).await?;
    let frame = String::from_utf8(frame)?;
    let frame = frame.trim_start();
    if !frame.starts_with(kind) || !frame.trim_end_matches('\0').ends_with(body) {
        bail!("not {kind} but {frame:?}");
    }
    Ok(())
}
