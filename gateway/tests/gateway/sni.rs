//! Brokers that share a port and are told apart by the name in the ClientHello.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use brokerd_gateway::{Ending, Options, Refusal};
use brokerd_store::{Entrance, Route};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::{
    admission::rule,
    support::{Fixture, SOON, call, ended, free_port, options, route, until},
};

const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// An engine that ends TLS with a certificate for one name, says its greeting and sends back what it gets.
struct TlsEngine {
    name: &'static str,
    address: std::net::SocketAddr,
    certificate: CertificateDer<'static>,
    accepting: JoinHandle<()>,
}

impl TlsEngine {
    async fn start(name: &'static str) -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pair = rcgen::generate_simple_self_signed([name.to_owned()])?;
        let certificate = pair.cert.der().clone();
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der())
            .map_err(|error| anyhow::anyhow!(error))?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await?;
                    stream.write_all(name.as_bytes()).await?;
                    let (mut from, mut to) = tokio::io::split(stream);
                    tokio::io::copy(&mut from, &mut to).await?;
                    to.shutdown().await
                });
            }
        });
        Ok(Self { name, address, certificate, accepting })
    }

    fn route(&self) -> Route {
        Route {
            broker: uuid::Uuid::from_u128(u128::from(self.address.port())).into(),
            ..named(self.name, Some(self.address))
        }
    }

    fn client(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
    }

    /// A client that believes nobody but this engine.
    async fn connect(&self, to: IpAddr, port: u16) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect((to, port)).await?;
        let connector = TlsConnector::from(self.client()?);
        let mut stream = timeout(SOON, connector.connect(server_name(self.name), stream)).await??;
        let mut greeting = vec![0; self.name.len()];
        timeout(SOON, stream.read_exact(&mut greeting)).await??;
        anyhow::ensure!(greeting == self.name.as_bytes(), "greeted by {greeting:?}");
        Ok(stream)
    }

    async fn reached_at(&self, port: u16) -> Result<TlsStream<TcpStream>> {
        self.connect(Ipv4Addr::LOCALHOST.into(), port).await
    }
}

impl Drop for TlsEngine {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn server_name(name: &'static str) -> ServerName<'static> {
    ServerName::try_from(name).expect("a name")
}

fn named(name: &str, target: Option<std::net::SocketAddr>) -> Route {
    Route { entrance: Entrance::Name(name.to_owned()), public: true, ..route(0, target) }
}

/// Options by which port 5671 is another one.
fn at(port: u16) -> Options {
    Options {
        shared_ports: [(5671, port)].into(),
        public_bind: Ipv4Addr::LOCALHOST.into(),
        ..options()
    }
}

/// The first flight of a client that asks for this name, or for none.
fn client_hello(engine: &TlsEngine, name: ServerName<'static>) -> Result<Vec<u8>> {
    let mut connection = ClientConnection::new(engine.client()?, name)?;
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes)?;
    Ok(bytes)
}

async fn all_of(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    timeout(SOON, client.read_to_end(&mut bytes)).await.context("the connection stays")??;
    Ok(bytes)
}

#[tokio::test]
async fn each_name_leads_to_its_own_broker_on_one_port() -> Result<()> {
    let (one, two) =
        (TlsEngine::start("one.example").await?, TlsEngine::start("two.example").await?);
    let port = free_port();
    let fixture = Fixture::start_with(Some(vec![one.route(), two.route()]), at(port), false);
    fixture.listening_on(&[port]).await?;
    let mut first = one.reached_at(port).await?;
    let _second = two.reached_at(port).await?;
    first.write_all(b"ping").await?;
    let mut answer = [0; 4];
    timeout(SOON, first.read_exact(&mut answer)).await??;
    assert_eq!(&answer, b"ping");

    // A broker that goes away ends its own sessions only, and its name is known no more.
    fixture.answer(Some(vec![one.route()]));
    until("the end", || fixture.metrics.ended(Ending::Withdrawn) == 1).await?;
    let gone = two.reached_at(port).await.err().context("it is still there")?;
    assert!(format!("{gone:#}").contains("UnrecognisedName"), "{gone:#}");
    first.write_all(b"pong").await?;
    timeout(SOON, first.read_exact(&mut answer)).await??;
    assert_eq!(&answer, b"pong");
    fixture.answer(Some(Vec::new()));
    fixture.listening_on(&[]).await?;
    fixture.stop().await
}

#[tokio::test]
async fn one_name_leads_elsewhere_on_another_port() -> Result<()> {
    let (amqp, mqtt) =
        (TlsEngine::start("one.example").await?, TlsEngine::start("one.example").await?);
    let (here, there) = (free_port(), free_port());
    let options = Options { shared_ports: [(5671, here), (8883, there)].into(), ..at(0) };
    let other = Route { standard_ports: vec![8883], ..mqtt.route() };
    let fixture = Fixture::start_with(Some(vec![amqp.route(), other]), options, false);
    let mut ports = [here, there];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    // Each believes only its own certificate.
    amqp.reached_at(here).await?;
    mqtt.reached_at(there).await?;
    amqp.reached_at(there).await.err().context("the other port leads there too")?;
    fixture.stop().await
}

#[tokio::test]
async fn a_hello_in_many_pieces_is_put_together_and_arrives_whole() -> Result<()> {
    let engine = TlsEngine::start("one.example").await?;
    let port = free_port();
    let fixture = Fixture::start_with(Some(vec![engine.route()]), at(port), false);
    fixture.listening_on(&[port]).await?;
    let mut connection = ClientConnection::new(engine.client()?, server_name("one.example"))?;
    let mut whole = Vec::new();
    connection.write_tls(&mut whole)?;
    // One message cut into two records, the second of which comes byte by byte.
    let (head, message) = whole.split_at(5);
    let (first, second) = message.split_at(message.len() / 2);
    let mut client = call(port).await?;
    client.set_nodelay(true)?;
    for part in [first, second] {
        let length = u16::try_from(part.len())?.to_be_bytes();
        let mut record = head[..3].to_vec();
        record.extend_from_slice(&length);
        record.extend_from_slice(part);
        for byte in record {
            client.write_all(&[byte]).await?;
            tokio::task::yield_now().await;
        }
    }
    let mut answer = [0; 1];
    timeout(SOON, client.read_exact(&mut answer)).await??;
    assert_eq!(answer, [22], "a ServerHello");
    fixture.stop().await
}

#[tokio::test]
async fn who_asks_for_nothing_that_is_here_gets_an_alert_and_is_counted() -> Result<()> {
    let engine = TlsEngine::start("one.example").await?;
    let port = free_port();
    let fixture = Fixture::start_with(Some(vec![engine.route()]), at(port), false);
    fixture.listening_on(&[port]).await?;
    let nameless = ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST));
    for (name, refusal) in [
        (server_name("other.example"), Refusal::UnknownName),
        (server_name("example"), Refusal::UnknownName),
        (nameless, Refusal::NoName),
    ] {
        let before = fixture.metrics.refused(refusal);
        let mut client = call(port).await?;
        client.write_all(&client_hello(&engine, name)?).await?;
        assert_eq!(all_of(&mut client).await?, ALERT);
        assert_eq!(fixture.metrics.refused(refusal), before + 1);
    }
    // Case does not matter.
    let mut client = call(port).await?;
    client.write_all(&client_hello(&engine, server_name("ONE.example"))?).await?;
    assert_eq!(timeout(SOON, client.read_u8()).await??, 22);
    fixture.stop().await
}

#[tokio::test]
async fn who_speaks_something_else_is_sent_away_at_once() -> Result<()> {
    let port = free_port();
    let fixture = Fixture::start_with(Some(vec![named("one.example", None)]), at(port), false);
    fixture.listening_on(&[port]).await?;
    let oversized = {
        // A handshake message that promises more than any ClientHello has.
        let mut bytes = Vec::new();
        for first in [true, false, false, false, false] {
            bytes.extend_from_slice(&[22, 3, 1, 0x40, 0]);
            let mut body = vec![0; 0x4000];
            if first {
                body[..4].copy_from_slice(&[1, 0, 0xff, 0xff]);
            }
            bytes.extend_from_slice(&body);
        }
        bytes
    };
    let garbage: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n",
        b"AMQP\x00\x00\x09\x01",
        &[22, 3, 1, 0, 4, 1, 0, 0, 0],
        &[0; 64],
        &oversized,
    ];
    for (count, bytes) in (1..).zip(garbage) {
        let mut client = call(port).await?;
        // What is too long may be refused before it is written.
        let _ = client.write_all(bytes).await;
        let said = all_of(&mut client).await.unwrap_or_default();
        assert!(said.is_empty() || said[0] == 21, "{said:?}");
        until("the count", || fixture.metrics.refused(Refusal::NoHello) == count).await?;
    }
    // As does one who leaves.
    drop(call(port).await?);
    until("the count", || fixture.metrics.refused(Refusal::NoHello) == 6).await?;
    fixture.stop().await
}

#[tokio::test]
async fn who_is_slow_to_say_hello_is_not_waited_for() -> Result<()> {
    let engine = TlsEngine::start("one.example").await?;
    let port = free_port();
    let options = Options { hello_timeout: Duration::from_secs(1), ..at(port) };
    let fixture = Fixture::start_with(Some(vec![engine.route()]), options, false);
    fixture.listening_on(&[port]).await?;
    let mut silent = call(port).await?;
    let mut half = call(port).await?;
    let hello = client_hello(&engine, server_name("one.example"))?;
    half.write_all(&hello[..hello.len() - 1]).await?;
    engine.reached_at(port).await?;
    ended(&mut silent).await?;
    ended(&mut half).await?;
    until("the count", || fixture.metrics.refused(Refusal::SlowHello) == 2).await?;
    fixture.stop().await
}

#[tokio::test]
async fn a_client_is_held_with_its_hello_until_its_broker_is_back() -> Result<()> {
    let engine = TlsEngine::start("one.example").await?;
    let port = free_port();
    let away = Route { target: named("", None).target, ..engine.route() };
    let fixture = Fixture::start_with(Some(vec![away]), at(port), false);
    fixture.listening_on(&[port]).await?;
    let connecting = engine.reached_at(port);
    let back = async {
        until("the hold", || fixture.metrics.connections_held.get() == 1).await?;
        fixture.answer(Some(vec![engine.route()]));
        anyhow::Ok(())
    };
    let (connected, answered) = tokio::join!(connecting, back);
    answered?;
    connected?;
    fixture.stop().await
}

#[tokio::test]
async fn limits_and_rules_hold_for_names_too() -> Result<()> {
    let engine = TlsEngine::start("one.example").await?;
    let port = free_port();
    let limited = Route {
        connection_limit: Some(1),
        admitted: Some(vec![rule("127.0.0.0/8", 5671, 5671)]),
        ..engine.route()
    };
    let fixture = Fixture::start_with(Some(vec![limited.clone()]), at(port), false);
    fixture.listening_on(&[port]).await?;
    let _inside = engine.reached_at(port).await?;
    engine.reached_at(port).await.err().context("above the limit")?;
    assert_eq!(fixture.metrics.refused(Refusal::Limit), 1);
    let forbidden = Route { admitted: Some(vec![rule("127.0.0.0/8", port, port)]), ..limited };
    fixture.answer(Some(vec![forbidden]));
    until("the new rule", || fixture.metrics.table_reads.get() == 2).await?;
    engine.reached_at(port).await.err().context("not allowed")?;
    assert_eq!(fixture.metrics.refused(Refusal::Forbidden), 1);
    fixture.stop().await
}

#[tokio::test]
async fn a_private_broker_does_not_answer_at_the_public_address() -> Result<()> {
    let (public, private) =
        (TlsEngine::start("out.example").await?, TlsEngine::start("in.example").await?);
    let (inside, outside) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 0, 0, 2).into());
    let hidden = Route { public: false, ..private.route() };
    // With one listener for all addresses, and with one for each.
    for public_bind in [Ipv4Addr::UNSPECIFIED.into(), outside] {
        let port = free_port();
        let options = Options { public_bind, private_bind: Some(inside), ..at(port) };
        let routes = vec![public.route(), hidden.clone()];
        let fixture = Fixture::start_with(Some(routes), options, false);
        fixture.listening_on(&[port]).await?;
        public.connect(outside, port).await?;
        private.connect(inside, port).await?;
        let refused = private.connect(outside, port).await.err().context("it is reached")?;
        assert!(format!("{refused:#}").contains("UnrecognisedName"), "{refused:#}");
        assert_eq!(fixture.metrics.refused(Refusal::UnknownName), 1);
        fixture.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn brokers_with_names_and_with_ports_live_side_by_side() -> Result<()> {
    let engine = TlsEngine::start("one.example").await?;
    let (shared, own) = (free_port(), free_port());
    let by_port = Route { entrance: Entrance::Port(own), ..engine.route() };
    let fixture = Fixture::start_with(Some(vec![engine.route(), by_port]), at(shared), false);
    let mut ports = [shared, own];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    engine.reached_at(shared).await?;
    engine.reached_at(own).await?;
    fixture.stop().await
}
