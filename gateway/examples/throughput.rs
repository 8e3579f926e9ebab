//! What the gateway costs: the same traffic straight to an engine and through the gateway.
//!
//! `cargo run --release -p brokerd-gateway --example throughput`

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use anyhow::Result;
use brokerd_domain::{Entropy, Protocol};
use brokerd_gateway::{Gateway, Metrics, Options, RouteSource, SourceError};
use brokerd_store::{Entrance, Route, Target};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

const TRANSFER: usize = 2 << 30;
const ROUND_TRIPS: u32 = 20_000;
const CONNECTIONS: u32 = 2_000;

const NAME: &str = "b-1234a5b6-78cd-401e-af00-314506001789-1.mq.us-east-1.brokers.example";

struct Fixed(Vec<Route>);

impl RouteSource for Fixed {
    async fn subscribe(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    async fn routes(&mut self) -> Result<Vec<Route>, SourceError> {
        Ok(self.0.clone())
    }

    async fn changed(&mut self) {
        std::future::pending::<()>().await;
    }
}

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Sends back what it gets.
async fn echo(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await
        });
    }
}

async fn transfer(address: SocketAddr) -> Result<f64> {
    let mut stream = TcpStream::connect(address).await?;
    let (mut from, mut to) = stream.split();
    let begin = Instant::now();
    let writing = async {
        let block = vec![7; 256 * 1024];
        for _ in 0..TRANSFER / block.len() {
            to.write_all(&block).await?;
        }
        to.shutdown().await
    };
    let reading = async {
        let mut block = vec![0; 256 * 1024];
        let mut total = 0;
        loop {
            match from.read(&mut block).await? {
                0 => return std::io::Result::Ok(total),
                bytes => total += bytes,
            }
        }
    };
    let ((), total) = tokio::try_join!(writing, reading)?;
    anyhow::ensure!(total == TRANSFER, "{total} bytes came back");
    Ok(TRANSFER as f64 / 1e6 / begin.elapsed().as_secs_f64())
}

async fn round_trips(address: SocketAddr) -> Result<f64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut message = [0; 1024];
    let begin = Instant::now();
    for _ in 0..ROUND_TRIPS {
        stream.write_all(&message).await?;
        stream.read_exact(&mut message).await?;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / f64::from(ROUND_TRIPS))
}

/// Connects, says this and waits for the first byte of an answer.
async fn connections(address: SocketAddr, first: &[u8]) -> Result<f64> {
    let begin = Instant::now();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(first).await?;
        stream.read_u8().await?;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / f64::from(CONNECTIONS))
}

/// What a client that asks for the name says first.
fn client_hello() -> Result<Vec<u8>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let mut hello = Vec::new();
    rustls::ClientConnection::new(Arc::new(config), NAME.try_into()?)?.write_tls(&mut hello)?;
    Ok(hello)
}

async fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

#[tokio::main]
async fn main() -> Result<()> {
    let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let direct = engine.local_addr()?;
    tokio::spawn(echo(engine));
    let (through, named) = (free_address().await?, free_address().await?);
    let route = |entrance| Route {
        broker: uuid::Uuid::nil().into(),
        entrance,
        standard_ports: vec![5671],
        connection_limit: Some(2_000),
        admitted: None,
        public: false,
        target: Target { ordinal: 1, protocol: Protocol::Amqp, addresses: vec![direct] },
        latency: None,
    };
    let routes =
        vec![route(Entrance::Port(through.port())), route(Entrance::Name(NAME.to_owned()))];
    let options = Options { shared_ports: [(5671, named.port())].into(), ..Options::default() };
    let gateway = Gateway::new(options, Metrics::default(), Arc::new(NoEntropy));
    let mut status = gateway.status();
    tokio::spawn(async move { gateway.run(Fixed(routes), CancellationToken::new()).await });
    status.wait_for(|status| status.listening.len() == 2).await?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<34}{:>12}{:>12}", "", "direct", "gateway")?;
    let (a, b) = (transfer(direct).await?, transfer(through).await?);
    writeln!(out, "{:<34}{a:>12.0}{b:>12.0}", "echoed, MB/s")?;
    let (a, b) = (round_trips(direct).await?, round_trips(through).await?);
    writeln!(out, "{:<34}{a:>12.1}{b:>12.1}", "round trip of 1 KiB, us")?;
    let hello = client_hello()?;
    let (a, b) = (connections(direct, &hello).await?, connections(through, &hello).await?);
    writeln!(out, "{:<34}{a:>12.1}{b:>12.1}", "connection and first byte, us")?;
    let (a, b) = (connections(direct, &hello).await?, connections(named, &hello).await?);
    writeln!(out, "{:<34}{a:>12.1}{b:>12.1}", "the same by name, us")?;
    Ok(())
}
