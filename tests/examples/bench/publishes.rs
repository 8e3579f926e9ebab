//! What the gateway costs a client that publishes persistent messages to a real broker: straight to the
//! engine's published port, through the gateway, and through HAProxy, in turns in one run.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use brokerd_tests::{World, docker, machine};
use tokio::{net::lookup_host, task::JoinSet, time::timeout};

use crate::{
    Bench,
    brokers::{PATIENCE, SUBJECTS, Subject, create, delete, endpoint, running},
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

/// How often the ways are loaded one after the other in each round, and how long each time: what else the
/// machine does then hits all alike.
const TURNS: usize = 8;
const LOAD: Duration = Duration::from_millis(300);

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
        window: 20,
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
        "  {} rounds of {TURNS} turns of {} ms: median (least-most); ratios and differences are medians of those of each turn",
        bench.rounds,
        LOAD.as_millis()
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
        let (of_direct, of_other) = (gateway.of_turns(direct), gateway.of_turns(other));
        println!("{name:<30}{direct:>24}{gateway:>24}{other:>24}{of_direct:>9.3}{of_other:>9.3}");
    }
    for (name, figures) in rows {
        let [direct, gateway, other] = &figures.per_second;
        let (of_direct, of_other) = (gateway.of_turns(direct), gateway.of_turns(other));
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
        let (later, others) = (gateway.more_in_turns(direct), other.more_in_turns(direct));
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
    // The first round opens, fills and compiles everything, and does not count.
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: {}, round {round} of {}", load.name, bench.rounds));
        let (rates, times) = clients.round(&ways.addresses, round).await?;
        if round == 0 {
            continue;
        }
        for (series, rates) in figures.per_second.iter_mut().zip(rates) {
            rates.into_iter().for_each(|rate| series.push(rate));
        }
        for (series, times) in figures.microseconds.iter_mut().zip(&times) {
            series.push_median_of(times);
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

    /// Measures every way: confirmed per second, each time it was loaded; and the times of single messages.
    async fn round(
        &mut self,
        addresses: &[SocketAddr],
        round: usize,
    ) -> Result<(Vec<Vec<f64>>, Vec<Series>)> {
        loop {
            let work = async {
                let rates = self.loaded(addresses, round).await?;
                anyhow::Ok((rates, self.one_at_a_time(addresses, round).await?))
            };
            match timeout(PATIENCE, work).await.context("no confirms").flatten() {
                Ok(measured) => return Ok(measured),
                Err(error) => self.begin_again(error, addresses[0]).await?,
            }
        }
    }

    async fn loaded(&self, addresses: &[SocketAddr], round: usize) -> Result<Vec<Vec<f64>>> {
        let (load, count) = (self.load, addresses.len());
        let mut crowds = Vec::new();
        for address in addresses {
            let mut crowd = Vec::new();
            for _ in 0..load.connections {
                let publisher =
                    Publisher::connect(*address, self.endpoint, &self.queue, load.window);
                crowd.push(publisher.await?);
            }
            crowds.push(crowd);
        }
        let mut rates = vec![Vec::new(); count];
        for turn in 0..TURNS {
            let mut published = 0;
            for n in 0..count {
                // Nobody is always the first.
                let at = (round + turn + n) % count;
                let begin = Instant::now();
                let its = flood(&mut crowds[at], load.window).await?;
                rates[at].push(its as f64 / begin.elapsed().as_secs_f64());
                published += its;
            }
            self.empty(addresses[0], published).await?;
        }
        Ok(rates)
    }

    /// A connection on every way, which publish one message each in turns: how long confirms took, in
    /// microseconds.
    async fn one_at_a_time(&self, addresses: &[SocketAddr], round: usize) -> Result<Vec<Series>> {
        let mut publishers = Vec::new();
        for address in addresses {
            publishers.push(Publisher::connect(*address, self.endpoint, &self.queue, 1).await?);
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
        self.empty(addresses[0], ALONE * addresses.len()).await?;
        Ok(times)
    }

    async fn empty(&self, address: SocketAddr, published: usize) -> Result<()> {
        let mut consumer = Publisher::connect(address, self.endpoint, &self.queue, 0).await?;
        consumer.empty(&self.queue, published).await
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

/// All at once, each with as many messages under way as it may, until the last one is confirmed; how many
/// were.
async fn flood(crowd: &mut Vec<Publisher>, window: usize) -> Result<usize> {
    let mut tasks = JoinSet::new();
    for mut publisher in crowd.drain(..) {
        tasks.spawn(async move {
            let published = publisher.keep_busy(window, LOAD).await?;
            anyhow::Ok((publisher, published))
        });
    }
    let mut all = 0;
    while let Some(done) = tasks.join_next().await {
        let (publisher, published) = done??;
        crowd.push(publisher);
        all += published;
    }
    Ok(all)
}
