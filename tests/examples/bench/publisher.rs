//! A client that publishes 1 KiB persistent messages and counts what the broker confirms: many under way at
//! once, written together, as a client does that is to load a broker.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use crate::{
    amqp::{self, Confirms},
    clients::{Dialect, Endpoint},
};

const BODY: [u8; 1024] = [b'm'; 1024];

/// How much is read at once.
const READ: usize = 64 * 1024;

/// A connection that publishes to one queue.
pub(crate) struct Publisher {
    stream: TlsStream<TcpStream>,
    dialect: Dialect,
    /// As many messages as may be under way.
    window: Vec<u8>,
    /// The length of one.
    length: usize,
    unread: Vec<u8>,
    confirms: Confirms,
}

impl Publisher {
    /// Connects to the broker behind `address`, which is called and shows a certificate as its endpoint does.
    pub(crate) async fn connect(
        address: SocketAddr,
        endpoint: &Endpoint,
        queue: &str,
        window: usize,
    ) -> Result<Self> {
        let message = match endpoint.dialect {
            Dialect::Amqp => amqp::message(queue, &BODY),
            Dialect::Stomp => stomp_message(queue),
        };
        let mut publisher = Self {
            stream: connect(address, endpoint).await?,
            dialect: endpoint.dialect,
            length: message.len(),
            window: message.repeat(window),
            unread: Vec::with_capacity(READ),
            confirms: Confirms::default(),
        };
        match endpoint.dialect {
            Dialect::Amqp => publisher.log_in_with_amqp(endpoint).await?,
            Dialect::Stomp => publisher.log_in_with_stomp(endpoint).await?,
        }
        Ok(publisher)
    }

    /// Sends so many messages at once, a window at most.
    pub(crate) async fn publish(&mut self, count: usize) -> Result<()> {
        self.stream.write_all(&self.window[..count * self.length]).await?;
        self.stream.flush().await?;
        self.confirms.expect(count);
        Ok(())
    }

    /// Waits for confirms; how many messages they are for.
    pub(crate) async fn confirmed(&mut self) -> Result<usize> {
        loop {
            self.read().await?;
            let (mut confirmed, mut used) = (0, 0);
            match self.dialect {
                Dialect::Amqp => {
                    while let Some((method, size)) = amqp::first(&self.unread[used..])? {
                        confirmed += self.confirms.take(&method)?;
                        used += size;
                    }
                }
                Dialect::Stomp => {
                    while let Some((frame, size)) = stomp_frame(&self.unread[used..]) {
                        ensure_kind(frame, "RECEIPT")?;
                        confirmed += 1;
                        used += size;
                    }
                }
            }
            self.unread.drain(..used);
            if confirmed > 0 {
                return Ok(confirmed);
            }
        }
    }

    /// Makes a durable queue of this type; STOMP needs none.
    pub(crate) async fn declare(&mut self, queue: &str, kind: &str) -> Result<()> {
        match self.dialect {
            Dialect::Amqp => self.ask(&amqp::declare(queue, kind), amqp::DECLARED).await,
            Dialect::Stomp => Ok(()),
        }
    }

    /// Takes everything out of the queue; it has so many messages.
    pub(crate) async fn empty(&mut self, queue: &str, count: usize) -> Result<()> {
        match self.dialect {
            Dialect::Amqp => self.ask(&amqp::purge(queue), amqp::PURGED).await,
            Dialect::Stomp => self.drain(queue, count).await,
        }
    }

    async fn ask(&mut self, request: &[u8], answer: (u16, u16)) -> Result<()> {
        self.stream.write_all(request).await?;
        self.answer(answer).await.map(drop)
    }

    async fn drain(&mut self, queue: &str, mut count: usize) -> Result<()> {
        // Nothing is acknowledged: what was sent is gone.
        let subscribe = format!(
            "SUBSCRIBE\nid:drain\ndestination:/queue/{queue}\nack:auto\nactivemq.prefetchSize:5000\n\n\0"
        );
        self.stream.write_all(subscribe.as_bytes()).await?;
        self.stream.flush().await?;
        while count > 0 {
            self.read().await?;
            let mut used = 0;
            while let Some((frame, size)) = stomp_frame(&self.unread[used..]) {
                ensure_kind(frame, "MESSAGE")?;
                count = count.saturating_sub(1);
                used += size;
            }
            self.unread.drain(..used);
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<()> {
        self.unread.reserve(READ);
        let read = self.stream.read_buf(&mut self.unread).await?;
        ensure!(read > 0, "the broker has ended the connection");
        Ok(())
    }

    async fn log_in_with_amqp(&mut self, endpoint: &Endpoint) -> Result<()> {
        self.stream.write_all(amqp::PROTOCOL).await?;
        self.answer(amqp::START).await?;
        self.stream.write_all(&amqp::start_ok(&endpoint.user, &endpoint.password)).await?;
        let tune = self.answer(amqp::TUNE).await?;
        self.stream.write_all(&amqp::open(&tune)?).await?;
        self.answer(amqp::CONNECTION_OPENED).await?;
        self.answer(amqp::CHANNEL_OPENED).await?;
        self.answer(amqp::CONFIRMS).await.map(drop)
    }

    /// Reads a method, which must be this one; its arguments.
    async fn answer(&mut self, name: (u16, u16)) -> Result<Vec<u8>> {
        self.stream.flush().await?;
        loop {
            if let Some((method, size)) = amqp::first(&self.unread)? {
                let arguments = method.arguments.to_vec();
                ensure!(
                    method.name == name,
                    "the broker says {:?}: {}",
                    method.name,
                    String::from_utf8_lossy(&arguments)
                );
                self.unread.drain(..size);
                return Ok(arguments);
            }
            self.read().await?;
        }
    }

    async fn log_in_with_stomp(&mut self, endpoint: &Endpoint) -> Result<()> {
        let login = format!(
            "CONNECT\naccept-version:1.2\nhost:bench\nlogin:{}\npasscode:{}\n\n\0",
            endpoint.user, endpoint.password
        );
        self.stream.write_all(login.as_bytes()).await?;
        self.stream.flush().await?;
        loop {
            if let Some((frame, size)) = stomp_frame(&self.unread) {
                ensure_kind(frame, "CONNECTED")?;
                self.unread.drain(..size);
                return Ok(());
            }
            self.read().await?;
        }
    }
}

async fn connect(address: SocketAddr, endpoint: &Endpoint) -> Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(endpoint.host.clone())?;
    Ok(endpoint.tls.connect(name, tcp).await?)
}

/// A persistent message whose arrival on disk is to be told; all have the same receipt, and are counted.
fn stomp_message(queue: &str) -> Vec<u8> {
    let headers = format!(
        "SEND\ndestination:/queue/{queue}\npersistent:true\nreceipt:m\ncontent-length:{}\n\n",
        BODY.len()
    );
    [headers.as_bytes(), &BODY, b"\0"].concat()
}

/// The first frame in these bytes and how many it takes, if it is there as a whole. No body of ours has a
/// NUL in it.
fn stomp_frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((bytes[..end].trim_ascii_start(), end + 1))
}

fn ensure_kind(frame: &[u8], kind: &str) -> Result<()> {
    ensure!(
        frame.starts_with(kind.as_bytes()),
        "not {kind} but {}",
        String::from_utf8_lossy(frame)
    );
    Ok(())
}
