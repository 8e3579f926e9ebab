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

struct OneRoute(Route);

impl RouteSource for OneRoute {
    async fn subscribe(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    async fn routes(&mut self) -> Result<Vec<Route>, SourceError> {
        Ok(vec![self.0.clone()])
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

async fn connections(address: SocketAddr) -> Result<f64> {
    let begin = Instant::now();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_u8(1).await?;
        stream.read_u8().await?;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / f64::from(CONNECTIONS))
}

#[tokio::main]
async fn main() -> Result<()> {
    let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let direct = engine.local_addr()?;
    tokio::spawn(echo(engine));
    let reserved = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let through = reserved.local_addr()?;
    drop(reserved);
    let route = Route {
        broker: uuid::Uuid::nil().into(),
        entrance: Entrance::Port(through.port()),
        standard_ports: vec![5671],
        connection_limit: None,
        admitted: None,
        public: false,
        target: Target { ordinal: 1, protocol: Protocol::Amqp, addresses: vec![direct] },
    };
    let gateway = Gateway::new(Options::default(), Metrics::default(), Arc::new(NoEntropy));
    let mut status = gateway.status();
    tokio::spawn(async move { gateway.run(OneRoute(route), CancellationToken::new()).await });
    status.wait_for(|status| status.listening.contains(&through)).await?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<34}{:>12}{:>12}", "", "direct", "gateway")?;
    let (a, b) = (transfer(direct).await?, transfer(through).await?);
    writeln!(out, "{:<34}{a:>12.0}{b:>12.0}", "echoed, MB/s")?;
    let (a, b) = (round_trips(direct).await?, round_trips(through).await?);
    writeln!(out, "{:<34}{a:>12.1}{b:>12.1}", "round trip of 1 KiB, us")?;
    let (a, b) = (connections(direct).await?, connections(through).await?);
    writeln!(out, "{:<34}{a:>12.1}{b:>12.1}", "connection and first byte, us")?;
    Ok(())
}
