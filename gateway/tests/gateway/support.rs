//! A gateway on ports of its own, engines that answer, and clients.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use brokerd_domain::{Entropy, Protocol, Target};
use brokerd_gateway::{Gateway, Metrics, Options, Reading, RouteSource, SourceError};
use brokerd_store::{Entrance, Route, RouteChanges, RouteTable};
use prometheus_client::registry::Registry;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long anything may take that is expected to happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The shortest first record there is: what clients have to send before they are let in.
pub(crate) const HELLO: [u8; 6] = [22, 3, 1, 0, 1, 1];

/// What the source answers; `None`: it fails.
type Answer = Option<Reading>;

pub(crate) struct TestSource {
    answers: watch::Receiver<Answer>,
    silent: bool,
}

impl RouteSource for TestSource {
    async fn subscribe(&mut self) -> Result<(), SourceError> {
        self.answers.mark_unchanged();
        Ok(())
    }

    async fn routes(&mut self) -> Result<Reading, SourceError> {
        self.answers.borrow().clone().ok_or_else(|| SourceError::new("the test says so"))
    }

    async fn changed(&mut self) {
        if self.silent || self.answers.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A running gateway.
pub(crate) struct Fixture {
    pub(crate) gateway: Gateway,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
    answers: watch::Sender<Answer>,
    running: JoinHandle<()>,
}

impl Fixture {
    pub(crate) fn start(answer: Option<Vec<Route>>) -> Self {
        Self::start_with(answer, options(), false)
    }

    /// `silent`: the source never announces a change.
    pub(crate) fn start_with(answer: Option<Vec<Route>>, options: Options, silent: bool) -> Self {
        let metrics = Metrics::register(&mut Registry::default());
        let gateway = Gateway::new(options, metrics.clone(), Arc::new(NoEntropy));
        let (answers, received) = watch::channel(answer.map(whole));
        let shutdown = CancellationToken::new();
        let running = tokio::spawn({
            let (gateway, shutdown) = (gateway.clone(), shutdown.clone());
            let source = TestSource { answers: received, silent };
            async move { gateway.run(source, shutdown).await }
        });
        Self { gateway, metrics, shutdown, answers, running }
    }

    pub(crate) fn answer(&self, answer: Option<Vec<Route>>) {
        self.answers.send_replace(answer.map(whole));
    }

    pub(crate) fn answer_in_part(&self, answer: RouteTable) {
        self.answers.send_replace(Some(Reading::Whole(answer)));
    }

    pub(crate) fn answer_changes(&self, changes: RouteChanges) {
        self.answers.send_replace(Some(Reading::Changes(changes)));
    }

    pub(crate) async fn listening_on(&self, ports: &[u16]) -> Result<()> {
        let mut status = self.gateway.status();
        timeout(SOON, status.wait_for(|s| s.applied && ports_of(&s.listening).iter().eq(ports)))
            .await
            .with_context(|| format!("not listening on {ports:?}"))??;
        Ok(())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.shutdown.cancel();
        Ok(timeout(SOON, self.running).await.context("the gateway does not stop")??)
    }
}

fn whole(routes: Vec<Route>) -> Reading {
    Reading::Whole(routes.into())
}

/// The ports of addresses.
pub(crate) fn ports_of(addresses: &BTreeSet<SocketAddr>) -> BTreeSet<u16> {
    addresses.iter().map(SocketAddr::port).collect()
}

pub(crate) fn options() -> Options {
    Options {
        hold: SOON,
        poll: SOON * 10,
        drain: Duration::from_millis(10),
        hello_timeout: SOON,
        ..Options::default()
    }
}

/// A port that nobody uses, below those the kernel gives to outgoing connections.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 15_000 + (u16::try_from(std::process::id() % 4_000).unwrap_or(0) + step) % 4_000;
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn route(port: u16, target: Option<SocketAddr>) -> Route {
    Route {
        broker: uuid::Uuid::from_u128(1).into(),
        entrance: Entrance::Port(port),
        standard_ports: vec![5671],
        public: false,
        connection_limit: None,
        admitted: None,
        address: None,
        target: Target {
            ordinal: 1,
            protocol: Protocol::Amqp,
            addresses: target.into_iter().collect(),
        },
        latency: None,
    }
}

/// Greets every client that has said hello with one byte of its own and sends back what it gets from then on, until
/// the client ends.
pub(crate) struct Engine {
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Engine {
    pub(crate) async fn start(greeting: u8) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::on(listener, greeting)
    }

    pub(crate) fn on(listener: TcpListener, greeting: u8) -> Result<Self> {
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    stream.read_exact(&mut [0; HELLO.len()]).await?;
                    stream.write_all(&[greeting]).await?;
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await?;
                    to.shutdown().await
                });
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Somebody connected to a port of the gateway, who has said nothing yet.
pub(crate) async fn call(port: u16) -> Result<TcpStream> {
    Ok(timeout(SOON, TcpStream::connect((Ipv4Addr::LOCALHOST, port)))
        .await
        .context("no connection")??)
}

/// A client connected to a port of the gateway, which has said hello.
pub(crate) async fn connect(port: u16) -> Result<TcpStream> {
    connect_to((Ipv4Addr::LOCALHOST, port).into()).await
}

/// The same, to another address.
pub(crate) async fn connect_to(address: SocketAddr) -> Result<TcpStream> {
    let mut client =
        timeout(SOON, TcpStream::connect(address)).await.context("no connection")??;
    // Who is refused at once may not get to say it.
    let _ = client.write_all(&HELLO).await;
    Ok(client)
}

/// The next client of an engine, which has said hello.
pub(crate) async fn served(engine: &TcpListener) -> Result<TcpStream> {
    let (mut client, _) = timeout(SOON, engine.accept()).await.context("nobody comes")??;
    let mut hello = [0; HELLO.len()];
    timeout(SOON, client.read_exact(&mut hello)).await.context("nothing is said")??;
    anyhow::ensure!(hello == HELLO, "{hello:?}");
    Ok(client)
}

/// The greeting of the engine at the other end.
pub(crate) async fn greeting(client: &mut TcpStream) -> Result<u8> {
    Ok(timeout(SOON, client.read_u8()).await.context("no greeting")??)
}

/// Waits until the other side ended the connection, politely or not, without having sent anything.
pub(crate) async fn ended(client: &mut TcpStream) -> Result<()> {
    let mut byte = [0];
    match timeout(SOON, client.read(&mut byte)).await.context("the connection stays")? {
        Ok(0) | Err(_) => Ok(()),
        Ok(_) => bail!("got byte {} where an end was expected", byte[0]),
    }
}

/// Waits for a condition that can only be looked at.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) -> Result<()> {
    timeout(SOON, async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .with_context(|| format!("{what} does not come true"))
}
