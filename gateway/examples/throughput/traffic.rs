//! What is sent, and what is measured of it.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{NAME, figures::Series};

const MESSAGE: usize = 1024;
const MESSAGES: usize = 200_000;

/// How many messages are offered per second: more than an engine stores.
pub(crate) const OFFERED: u32 = 20_000;

/// For how many seconds.
const OFFERED_SECONDS: usize = 2;

const BLOCK: usize = 256 * 1024;
const BLOCKS: usize = 2048;
const ROUND_TRIPS: u32 = 5_000;
const CONNECTIONS: u32 = 500;

/// The shortest first record of TLS: without one nobody gets through the gateway.
const HELLO: [u8; 6] = [22, 3, 1, 0, 1, 1];

/// A connection that has come through to the engine.
async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&HELLO).await?;
    stream.read_exact(&mut [0; HELLO.len()]).await?;
    Ok(stream)
}

/// An engine that sends back what it gets.
pub(crate) async fn echo(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let (from, mut to) = stream.split();
            tokio::io::copy_buf(&mut BufReader::with_capacity(64 * 1024, from), &mut to).await
        });
    }
}

/// MB per second, each there and back.
pub(crate) async fn bulk(address: SocketAddr) -> Result<f64> {
    Ok(blocks(address, BLOCK, BLOCKS, None).await? * BLOCK as f64 / 1e6)
}

/// Messages per second there and back, none of which waits for another.
pub(crate) async fn messages(address: SocketAddr) -> Result<f64> {
    blocks(address, MESSAGE, MESSAGES, None).await
}

/// The same, when only [`OFFERED`] are offered.
pub(crate) async fn offered(address: SocketAddr) -> Result<f64> {
    let messages = OFFERED as usize * OFFERED_SECONDS;
    blocks(address, MESSAGE, messages, Some(OFFERED)).await
}

/// Sends blocks, no more per second than `rate`, and reads what comes back: blocks per second.
async fn blocks(address: SocketAddr, size: usize, count: usize, rate: Option<u32>) -> Result<f64> {
    let mut stream = connect(address).await?;
    let (mut from, mut to) = stream.split();
    let begin = Instant::now();
    let writing = async {
        let block = vec![7; size];
        for n in 0..count {
            if let Some(rate) = rate {
                let due = Duration::from_secs_f64(n as f64 / f64::from(rate));
                let early = due.saturating_sub(begin.elapsed());
                if !early.is_zero() {
                    sleep(early).await;
                }
            }
            to.write_all(&block).await?;
        }
        to.shutdown().await
    };
    let reading = async {
        let mut block = vec![0; BLOCK];
        let mut total = 0;
        loop {
            match from.read(&mut block).await? {
                0 => return io::Result::Ok(total),
                bytes => total += bytes,
            }
        }
    };
    let ((), total) = tokio::try_join!(writing, reading)?;
    ensure!(total == size * count, "{total} bytes came back of {}", size * count);
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// One message at a time, there and back, in microseconds.
pub(crate) async fn round_trip(address: SocketAddr) -> Result<f64> {
    let mut stream = connect(address).await?;
    let mut message = [0; MESSAGE];
    let mut took = Vec::new();
    for _ in 0..ROUND_TRIPS {
        let begin = Instant::now();
        stream.write_all(&message).await?;
        stream.read_exact(&mut message).await?;
        took.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok(Series::from(took).median())
}

/// Connects, says this and waits for the first byte of an answer, in microseconds.
pub(crate) async fn connection(address: SocketAddr, first: &[u8]) -> Result<f64> {
    let mut took = Vec::new();
    for _ in 0..CONNECTIONS {
        let begin = Instant::now();
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(first).await?;
        stream.read_u8().await?;
        took.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok(Series::from(took).median())
}

/// What a client that asks for the name says first.
pub(crate) fn client_hello() -> Result<Vec<u8>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let mut hello = Vec::new();
    rustls::ClientConnection::new(Arc::new(config), NAME.try_into()?)?.write_tls(&mut hello)?;
    Ok(hello)
}
