//! What the gateway costs: the same traffic straight to an engine, through the gateway and through HAProxy,
//! in turns in one run.
//!
//! `cargo run --release -p brokerd-gateway --example throughput [ROUNDS]`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod figures;
mod haproxy;
mod route;
mod traffic;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, bail};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Handle, Runtime},
    signal::unix::{SignalKind, signal},
};

use crate::{
    figures::{Row, Series, load_average, verdict},
    haproxy::HaProxy,
};

/// How often everything is measured, unless told otherwise.
const ROUNDS: usize = 5;

/// What an engine with names is asked for by.
const NAME: &str = "b-1234a5b6-78cd-401e-af00-314506001789-1.mq.us-east-1.brokers.example";

/// How much of the messages that are offered the gateway lets through, of what passes without it.
const OF_DIRECT: f64 = 0.95;

/// How much later the gateway may make an answer, in microseconds.
const LATER: f64 = 100.0;

/// The addresses by which the engine is reached on one path.
struct Path {
    /// For everybody.
    plain: SocketAddr,
    /// By the name that clients ask for.
    named: SocketAddr,
}

/// What is measured, in the order of the lines.
#[derive(Clone, Copy)]
enum Figure {
    Bulk,
    Messages,
    Offered,
    RoundTrip,
    Connection,
    ByName,
}

impl Figure {
    const ALL: [Self; 6] = [
        Self::Bulk,
        Self::Messages,
        Self::Offered,
        Self::RoundTrip,
        Self::Connection,
        Self::ByName,
    ];

    fn name(self) -> String {
        match self {
            Self::Bulk => "bulk, MB/s".to_owned(),
            Self::Messages => "1 KiB messages, all that go, 1/s".to_owned(),
            Self::Offered => format!("1 KiB messages, {} offered, 1/s", traffic::OFFERED),
            Self::RoundTrip => "round trip of 1 KiB, p50 us".to_owned(),
            Self::Connection => "connection and first byte, p50 us".to_owned(),
            Self::ByName => "the same by name, p50 us".to_owned(),
        }
    }

    async fn measure(self, path: &Path, hello: &[u8]) -> Result<f64> {
        match self {
            Self::Bulk => traffic::bulk(path.plain).await,
            Self::Messages => traffic::messages(path.plain).await,
            Self::Offered => traffic::offered(path.plain).await,
            Self::RoundTrip => traffic::round_trip(path.plain).await,
            Self::Connection => traffic::connection(path.plain, hello).await,
            Self::ByName => traffic::connection(path.named, hello).await,
        }
    }
}

fn main() -> Result<()> {
    let mut rounds = ROUNDS;
    for argument in std::env::args().skip(1) {
        rounds = argument.parse().ok().filter(|n| *n > 0).context("usage: throughput [ROUNDS]")?;
    }
    // The gateway has threads of its own, as HAProxy and an engine have.
    let (others, gateway) = (runtime()?, runtime()?);
    others.block_on(async {
        let stop = asked_to_stop()?;
        tokio::select! {
            biased;
            () = stop => bail!("interrupted"),
            done = measure(rounds, gateway.handle()) => done,
        }
    })
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Ends when somebody wants this to stop, so that HAProxy goes with it.
fn asked_to_stop() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn measure(rounds: usize, gateway: &Handle) -> Result<()> {
    let before = load_average();
    let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = engine.local_addr()?;
    tokio::spawn(traffic::echo(engine));
    let mut paths = vec![Path { plain: address, named: address }];
    paths.push(route::through_gateway(address, gateway).await?);
    let haproxy = HaProxy::start(address, NAME).await?;
    if let Some(haproxy) = &haproxy {
        paths.push(Path { plain: haproxy.plain, named: haproxy.named });
    }
    let hello = traffic::client_hello()?;
    let mut rows = Figure::ALL.map(|figure| Row::new(figure.name()));
    for round in 0..=rounds {
        for (figure, row) in Figure::ALL.into_iter().zip(&mut rows) {
            // Nobody is always the first.
            for n in 0..paths.len() {
                let at = (round + n) % paths.len();
                let value = figure.measure(&paths[at], &hello).await?;
                // The first round opens and fills everything, and does not count.
                if round > 0 {
                    row.paths[at].push(value);
                }
            }
        }
    }
    let version = haproxy.as_ref().map(|haproxy| haproxy.version.clone());
    if let Some(haproxy) = haproxy {
        haproxy.end().await?;
    }
    print(&rows, rounds, &before, version.as_deref());
    Ok(())
}

fn print(rows: &[Row; 6], rounds: usize, before: &str, haproxy: Option<&str>) {
    println!("The gateway, beside a direct connection and HAProxy, on loopback without TLS");
    println!(
        "  {rounds} rounds in turns: median (least-most); all share this machine's processors"
    );
    println!("  load average {before} before, {} after", load_average());
    println!("  {}", haproxy.unwrap_or("HAProxy is missing here: install it to compare"));
    println!(
        "{:<36}{:>24}{:>24}{:>24}{:>10}{:>10}",
        "", "direct", "gateway", "HAProxy", "/direct", "/HAProxy"
    );
    for row in rows {
        let [direct, gateway, other] = &row.paths;
        let (of_direct, of_other) = (gateway.of(direct), gateway.of(other));
        let other = if haproxy.is_some() { other.to_string() } else { "missing".to_owned() };
        println!(
            "{:<36}{direct:>24}{gateway:>24}{other:>24}{of_direct:>10.2}{of_other:>10.2}",
            row.name
        );
    }
    let [bulk, messages, offered, round_trip, connection, by_name] = rows;
    let [direct, gateway, _] = &offered.paths;
    println!(
        "  at least {OF_DIRECT} of the {} messages a second that pass directly: {} ({:.2})",
        traffic::OFFERED,
        verdict(gateway.of(direct) >= OF_DIRECT),
        gateway.of(direct)
    );
    let [direct, gateway, _] = &round_trip.paths;
    let later = gateway.median() - direct.median();
    println!(
        "  an answer at most {LATER} us later than directly: {} ({later:.0})",
        verdict(later <= LATER)
    );
    if haproxy.is_none() {
        println!("  at least what HAProxy lets through: not measured\n");
        return;
    }
    let ratio = |[_, gateway, other]: &[Series; 3]| gateway.of(other);
    let (messages, bulk) = (ratio(&messages.paths), ratio(&bulk.paths));
    println!(
        "  at least what HAProxy lets through: messages {} ({messages:.2}), bulk {} ({bulk:.2})",
        verdict(messages >= 1.0),
        verdict(bulk >= 1.0)
    );
    println!(
        "  of HAProxy's time: {:.2} for a round trip, {:.2} for a connection, {:.2} by name\n",
        ratio(&round_trip.paths),
        ratio(&connection.paths),
        ratio(&by_name.paths)
    );
}
