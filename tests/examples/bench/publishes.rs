//! What the gateway costs a client that publishes persistent messages to a real broker: straight to the
//! engine's published port, through the gateway, and through HAProxy, in turns in one run.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use brokerd_tests::{World, docker, machine};
use tokio::{net::lookup_host, sync::Barrier, task::JoinSet, time::timeout};

use crate::{
    Bench,
    brokers::{SUBJECTS, Subject, TIMEOUT, create, delete, endpoint, running},
    clients::{self, Endpoint},
    haproxy::HaProxy,
    http::{Connection, signed},
    publisher::Publisher,
    statistics::{Series, load_average, short, verdict},
};

/// How much of what the broker confirms directly it confirms through the gateway.
const OF_DIRECT: f64 = 0.95;

/// How much later the gateway may make a confirm, in microseconds.
const LATER: f64 = 100.0;

/// How long a way is loaded in each round.
const LOAD: Duration = Duration::from_secs(3);

/// How many messages one at a time each way gets in each round.
const ALONE: usize = 200;

/// How often clients of a broker may fail.
const FAILURES: usize = 10;

const QUEUE: &str = "publishes";

/// What is loaded, and with how much.
struct Load {
    name: &'static str,
    subject: Subject,
    queue_type: &'static str,
    connections: usize,
    /// How many messages are under way on each of them.
    window: usize,
}

/// The large types, so that no limit of an instance is what is measured. ActiveMQ confirms the messages of a
/// connection one after the other, so it takes more of them to keep its disk busy.
const LOADS: [Load; 3] = [
    Load {
        name: "RabbitMQ 4.3, classic queue",
        subject: Subject { host: "mq.m7g.large", ..SUBJECTS[1] },
        queue_type: "classic",
        connections: 4,
        window: 500,
    },
    Load {
        name: "RabbitMQ 4.3, quorum queue",
        subject: Subject { host: "mq.m7g.large", ..SUBJECTS[1] },
        queue_type: "quorum",
        connections: 4,
        window: 500,
    },
    Load {
        name: "ActiveMQ 5.19, queue",
        subject: Subject { host: "mq.m5.large", ..SUBJECTS[0] },
        queue_type: "",
        connections: 16,
        window: 100,
    },
];

/// What was measured: direct, by the gateway, by HAProxy.
#[derive(Default)]
struct Figures {
    per_second: [Series; 3],
    microseconds: [Series; 3],
    /// How often clients failed and had to begin again.
    failed: usize,
}

pub(crate) fn measure(bench: &Bench, world: &World) -> Result<()> {
    let before = load_average();
    let mut rows = Vec::new();
    let mut version = None;
    for load in &LOADS {
        let (figures, haproxy) = of_broker(bench, world, load)?;
        version = haproxy;
        rows.push((load.name, figures));
    }
    println!("Persistent messages of 1 KiB over TLS, confirmed by a real broker");
    println!(
        "  {} rounds in turns: median (least-most); ratios and differences are medians of those of the rounds",
        bench.rounds
    );
    println!("  load average {before} before, {} after", load_average());
    println!(
        "  {}",
        version.as_deref().unwrap_or("HAProxy is missing here: install it to compare")
    );
    print_rates(&rows, version.is_some());
    print_times(&rows, version.is_some());
    Ok(())
}

fn print_rates(rows: &[(&str, Figures)], haproxy: bool) {
    print_head("confirmed per second", "/direct", "/HAProxy");
    for (name, figures) in rows {
        let [direct, gateway, other] = &figures.per_second;
        let (of_direct, of_other) = (gateway.of_rounds(direct), gateway.of_rounds(other));
        println!("{name:<30}{direct:>24}{gateway:>24}{other:>24}{of_direct:>9.3}{of_other:>9.3}");
    }
    for (name, figures) in rows {
        let [direct, gateway, other] = &figures.per_second;
        let (of_direct, of_other) = (gateway.of_rounds(direct), gateway.of_rounds(other));
        let met = verdict(of_direct >= OF_DIRECT);
        print!("  {name}: at least {OF_DIRECT} of what passes directly: {met}");
        if haproxy {
            print!("; at least what HAProxy lets through: {}", verdict(of_other >= 1.0));
        }
        if figures.failed > 0 {
            print!("; clients failed {} times", figures.failed);
        }
        println!();
    }
}

fn print_times(rows: &[(&str, Figures)], haproxy: bool) {
    print_head("one at a time, p50 us", "later", "HAProxy");
    let mut latest = f64::NAN;
    for (name, figures) in rows {
        let [direct, gateway, other] = &figures.microseconds;
        let (later, others) = (gateway.more_in_rounds(direct), other.more_in_rounds(direct));
        latest = latest.max(later);
        let others = if haproxy { short(others) } else { "-".to_owned() };
        println!("{name:<30}{direct:>24}{gateway:>24}{other:>24}{:>9}{others:>9}", short(later));
    }
    let latest_text = short(latest);
    println!(
        "  a confirm at most {LATER} us later than directly: {} ({latest_text} at most)\n",
        verdict(latest <= LATER)
    );
}

fn print_head(what: &str, first: &str, second: &str) {
    println!("{what:<30}{:>24}{:>24}{:>24}{first:>9}{second:>9}", "direct", "gateway", "HAProxy");
}

/// Measures one broker, made for it; and HAProxy's version, if there is one.
fn of_broker(bench: &Bench, world: &World, load: &Load) -> Result<(Figures, Option<String>)> {
    let (api, subject) = (&world.api, &load.subject);
    let name = format!("publishes-{}-{}", subject.engine, load.queue_type);
    machine::say(&format!("bench: {}: creating", load.name));
    let request = signed(api, "POST", "/v1/brokers", &subject.body(&name))?;
    let tls = clients::trust(&world.ca())?;
    bench.wait(async {
        let mut connection = Connection::to(api.address()).await?;
        let id = create(&mut connection, &request).await?;
        let broker = running(&mut connection, api, &id).await?;
        let endpoint = endpoint(&broker, subject, tls)?;
        let ways = ways(&id, &endpoint, subject).await?;
        let figures = in_turns(bench, load, &endpoint, &ways).await?;
        delete(&mut connection, api, &id).await?;
        let version = match ways.haproxy {
            Some(haproxy) => {
                let version = haproxy.version.clone();
                haproxy.end().await?;
                Some(version)
            }
            None => None,
        };
        Ok((figures, version))
    })
}

/// The addresses of all ways, in their order; HAProxy's goes with it.
struct Ways {
    addresses: Vec<SocketAddr>,
    haproxy: Option<HaProxy>,
}

async fn ways(id: &str, endpoint: &Endpoint, subject: &Subject) -> Result<Ways> {
    let container = docker::container_of(id)?;
    let published = format!("/NetworkSettings/Ports/{}~1tcp/0", subject.engine_port);
    let text = |name: &str| container.at(&format!("{published}/{name}")).as_str();
    let (address, port) = text("HostIp").zip(text("HostPort")).context("no published port")?;
    let direct = SocketAddr::new(address.parse()?, port.parse()?);
    let gateway = lookup_host((endpoint.host.as_str(), endpoint.port)).await?.next();
    let mut addresses = vec![direct, gateway.context("the endpoint has no address")?];
    let haproxy = HaProxy::start(direct, &endpoint.host).await?;
    addresses.extend(haproxy.as_ref().map(|haproxy| haproxy.plain));
    Ok(Ways { addresses, haproxy })
}

async fn in_turns(bench: &Bench, load: &Load, endpoint: &Endpoint, ways: &Ways) -> Result<Figures> {
    let mut clients = Clients { load, endpoint, queue: QUEUE.to_owned(), failed: 0 };
    clients.declare(ways.addresses[0]).await?;
    let mut figures = Figures::default();
    let count = ways.addresses.len();
    // The first round opens, fills and compiles everything, and does not count.
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: {}, round {round} of {}", load.name, bench.rounds));
        for n in 0..count {
            // Nobody is always the first.
            let at = (round + n) % count;
            let rate = clients.flood(ways.addresses[at]).await?;
            if round > 0 {
                figures.per_second[at].push(rate);
            }
        }
        let times = clients.one_at_a_time(&ways.addresses, round).await?;
        if round > 0 {
            for (series, times) in figures.microseconds.iter_mut().zip(&times) {
                series.push_median_of(times);
            }
        }
    }
    figures.failed = clients.failed;
    Ok(figures)
}

/// The clients of one broker. What they publish is taken out again, so that each finds what the one before
/// found.
struct Clients<'a> {
    load: &'a Load,
    endpoint: &'a Endpoint,
    queue: String,
    failed: usize,
}

impl Clients<'_> {
    async fn declare(&self, address: SocketAddr) -> Result<()> {
        let mut client = Publisher::connect(address, self.endpoint, &self.queue, 0).await?;
        client.declare(&self.queue, self.load.queue_type).await
    }

    /// Loads a way: confirmed per second.
    async fn flood(&mut self, address: SocketAddr) -> Result<f64> {
        loop {
            let work = async {
                let (rate, published) =
                    flood(address, self.endpoint, &self.queue, self.load).await?;
                empty(address, self.endpoint, &self.queue, published).await?;
                anyhow::Ok(rate)
            };
            match timeout(TIMEOUT, work).await.context("no confirms").flatten() {
                Ok(rate) => return Ok(rate),
                Err(error) => self.begin_again(error, address).await?,
            }
        }
    }

    async fn one_at_a_time(
        &mut self,
        addresses: &[SocketAddr],
        round: usize,
    ) -> Result<Vec<Series>> {
        loop {
            let work = async {
                let times = one_at_a_time(addresses, self.endpoint, &self.queue, round).await?;
                let published = ALONE * addresses.len();
                empty(addresses[0], self.endpoint, &self.queue, published).await?;
                anyhow::Ok(times)
            };
            match timeout(TIMEOUT, work).await.context("no confirms").flatten() {
                Ok(times) => return Ok(times),
                Err(error) => self.begin_again(error, addresses[0]).await?,
            }
        }
    }

    /// Now and then ActiveMQ takes the first frame of a connection twice and refuses the second one: that is
    /// told, and measured anew on a queue of its own, because nobody knows what is in the one before.
    async fn begin_again(&mut self, error: anyhow::Error, address: SocketAddr) -> Result<()> {
        self.failed += 1;
        if self.failed > FAILURES {
            return Err(error);
        }
        let words = format!("{error:#}");
        let told: Vec<&str> = words.lines().take(3).collect();
        machine::say(&format!("bench: {}: again, because of {}", self.load.name, told.join(" ")));
        self.queue = format!("{QUEUE}-{}", self.failed);
        self.declare(address).await
    }
}

/// Many connections, each with as many messages under way as it may: confirmed per second, and how many were
/// published.
async fn flood(
    address: SocketAddr,
    endpoint: &Endpoint,
    queue: &str,
    load: &Load,
) -> Result<(f64, usize)> {
    let together = Arc::new(Barrier::new(load.connections));
    let mut tasks = JoinSet::new();
    for _ in 0..load.connections {
        let mut publisher = Publisher::connect(address, endpoint, queue, load.window).await?;
        let (together, window) = (Arc::clone(&together), load.window);
        tasks.spawn(async move {
            together.wait().await;
            let begin = Instant::now();
            publisher.publish(window).await?;
            let mut confirmed = 0;
            loop {
                let more = publisher.confirmed().await?;
                confirmed += more;
                let elapsed = begin.elapsed();
                if elapsed >= LOAD {
                    let mut left = window - more;
                    while left > 0 {
                        left -= publisher.confirmed().await?;
                    }
                    let rate = confirmed as f64 / elapsed.as_secs_f64();
                    return anyhow::Ok((rate, confirmed + window - more));
                }
                publisher.publish(more).await?;
            }
        });
    }
    let (mut rate, mut published) = (0.0, 0);
    while let Some(done) = tasks.join_next().await {
        let (its_rate, its) = done??;
        rate += its_rate;
        published += its;
    }
    Ok((rate, published))
}

/// A connection on every way, which publish one message each in turns: how long confirms took, in
/// microseconds.
async fn one_at_a_time(
    addresses: &[SocketAddr],
    endpoint: &Endpoint,
    queue: &str,
    round: usize,
) -> Result<Vec<Series>> {
    let mut publishers = Vec::new();
    for address in addresses {
        publishers.push(Publisher::connect(*address, endpoint, queue, 1).await?);
    }
    let mut times = vec![Series::default(); addresses.len()];
    for n in 0..ALONE {
        for turn in 0..publishers.len() {
            let at = (round + n + turn) % publishers.len();
            let begin = Instant::now();
            publishers[at].publish(1).await?;
            publishers[at].confirmed().await?;
            times[at].push(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(times)
}

async fn empty(
    address: SocketAddr,
    endpoint: &Endpoint,
    queue: &str,
    published: usize,
) -> Result<()> {
    Publisher::connect(address, endpoint, queue, 0).await?.empty(queue, published).await
}
