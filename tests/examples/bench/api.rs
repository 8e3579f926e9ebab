//! The API without runtime work: a brokerd that only answers, on a PostgreSQL that flushes to disk.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use brokerd_tests::{World, docker, machine};

use crate::{
    Bench,
    brokers::{self, SUBJECTS},
    floor::{self, Hello},
    http::{Connection, signed},
    load::{Requests, Until, alone, crowd},
    memory::Resident,
    statistics::{Series, load_average, short, verdict},
};

/// How many connections ask at once.
const CLIENTS: usize = 16;

/// How many brokers each of them creates in a round; an account may have 200 in a region.
const CREATIONS: usize = 100;

/// How many requests a client sends that is alone.
const ALONE: usize = 1000;

/// How long a crowd asks in a round.
const CROWDED: Duration = Duration::from_secs(2);

/// DescribeBroker alone, in milliseconds, and at [`CLIENTS`], per second; CreateBroker, per second.
const TARGETS: (f64, f64, f64) = (1.0, 3000.0, 500.0);

/// ListBrokers, a page of [`CREATIONS`]: alone, in milliseconds, and at [`CLIENTS`], per second.
const LIST_TARGETS: (f64, f64) = (0.45, 3000.0);

/// One line of the table.
struct Line {
    name: String,
    p50: Series,
    p99: Series,
    rate: Series,
}

impl Line {
    fn new(name: impl Into<String>) -> Self {
        let (p50, p99, rate) = Default::default();
        Self { name: name.into(), p50, p99, rate }
    }

    async fn read(&mut self, address: &str, requests: &Requests) -> Result<()> {
        let took = alone(address, Arc::clone(requests), ALONE).await?;
        self.took(&took);
        let clients = vec![Arc::clone(requests); CLIENTS];
        self.rate.push(crowd(address, clients, Until::Over(CROWDED)).await?);
        Ok(())
    }

    fn took(&mut self, took: &[Duration]) {
        let took = Series::from(took);
        self.p50.push(took.median());
        self.p99.push(took.quantile(0.99));
    }

    fn print(&self) {
        let Self { name, p50, p99, rate } = self;
        println!("{name:<28}{p50:>24}{p99:>24}{rate:>24}");
    }
}

pub(crate) fn measure(bench: &Bench, world: &mut World) -> Result<()> {
    let ids = one_broker_at_least(bench, world)?;
    world.restart_as("api")?;
    // What ran would take processors from what is measured; the store still says that it runs.
    docker::remove_all(&world.label())?;
    let api = &world.api;
    let describe = signed(api, "GET", &format!("/v1/brokers/{}", ids[0]), "")?;
    let describe: Requests = Arc::new(vec![describe]);
    // What the first client creates in the round that does not count.
    let full = api.in_region(&region(0, 0));
    let page = format!("/v1/brokers?maxResults={CREATIONS}");
    let list: Requests = Arc::new(vec![signed(&full, "GET", &page, "")?]);
    let hello = Hello::start()?;
    let hello_request: Requests = Arc::new(vec![hello.request()]);
    let url = world.database_url();
    let (version, durable) = bench.wait(floor::database(&url))?;

    let before = load_average();
    let mut lines = [
        Line::new("axum, hello"),
        Line::new("DescribeBroker"),
        Line::new(format!("ListBrokers ({CREATIONS} brokers)")),
        Line::new("PostgreSQL, one row"),
        Line::new("CreateBroker"),
    ];
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: API, round {round} of {}", bench.rounds));
        let creations = creations(world, round)?;
        let mut one = lines.each_ref().map(|line| Line::new(line.name.as_str()));
        bench.wait(async {
            one[0].read(&hello.address, &hello_request).await?;
            one[1].read(api.address(), &describe).await?;
            one[2].read(api.address(), &list).await?;
            one[3].took(&floor::rows(&url, 1).await?.0);
            one[3].rate.push(floor::rows(&url, CLIENTS).await?.1);
            let (first, others) = creations.split_first().context("no requests")?;
            let took = alone(api.address(), Arc::clone(first), CREATIONS).await?;
            one[4].took(&took);
            one[4].rate.push(crowd(api.address(), others.to_vec(), Until::Sent).await?);
            Ok(())
        })?;
        // The first round opens connections and fills caches, and does not count.
        if round > 0 {
            for (line, one) in lines.iter_mut().zip(&one) {
                line.p50.push_median_of(&one.p50);
                line.p99.push_median_of(&one.p99);
                line.rate.push_median_of(&one.rate);
            }
        }
    }
    println!("The API of a brokerd without other roles: median of rounds (least-most)");
    println!("  load average {before} before, {} after", load_average());
    println!(
        "  PostgreSQL {version}, {}; requests are signed before the clock starts, verified by brokerd within it",
        if durable { "every commit flushed to disk" } else { "NOT flushing to disk: not durable" }
    );
    println!("{:<28}{:>24}{:>24}{:>24}", "", "alone, p50 ms", "alone, p99 ms", "16 clients, 1/s");
    for line in &lines {
        line.print();
    }
    let (alone, describes, creates) = TARGETS;
    let (list_alone, lists) = LIST_TARGETS;
    let [hello, describe, list, row, create] = &lines;
    println!(
        "DescribeBroker alone in at most {alone} ms: {}; {describes} at 16 clients: {} ({} of hello); {creates} CreateBroker: {} ({} of one row)",
        verdict(describe.p50.median() <= alone),
        verdict(describe.rate.median() >= describes),
        short(describe.rate.median() / hello.rate.median()),
        verdict(create.rate.median() >= creates && durable),
        short(create.rate.median() / row.rate.median()),
    );
    println!(
        "ListBrokers, a page of {CREATIONS}, alone in at most {list_alone} ms: {}; {lists} at 16 clients: {}",
        verdict(list.p50.median() <= list_alone),
        verdict(list.rate.median() >= lists),
    );
    println!("brokerd's resident memory after that: {}\n", Resident::of(world)?);
    Ok(())
}

/// The brokers that run; one is created if there is none.
fn one_broker_at_least(bench: &Bench, world: &World) -> Result<Vec<String>> {
    let mut ids = world.api.list()?;
    if ids.is_empty() {
        let api = &world.api;
        let request = signed(api, "POST", "/v1/brokers", &SUBJECTS[0].body("described"))?;
        ids.push(bench.wait(async {
            let mut connection = Connection::to(api.address()).await?;
            let id = brokers::create(&mut connection, &request).await?;
            brokers::running(&mut connection, api, &id).await?;
            Ok(id)
        })?);
    }
    Ok(ids)
}

/// The regions that requests are signed for in so many rounds.
pub(crate) fn regions(rounds: usize) -> Vec<String> {
    (0..=rounds).flat_map(|round| (0..=CLIENTS).map(move |n| region(round, n))).collect()
}

fn region(round: usize, client: usize) -> String {
    format!("bench-{round}-{client}")
}

/// Requests to create brokers of both engines: for one client that is alone, then for each of the crowd.
/// Each has a region of its own.
fn creations(world: &World, round: usize) -> Result<Vec<Requests>> {
    let mut all = Vec::new();
    for client in 0..=CLIENTS {
        let api = world.api.in_region(&region(round, client));
        let mut requests = Vec::new();
        for (n, subject) in SUBJECTS.iter().cycle().take(CREATIONS).enumerate() {
            let body = subject.body(&format!("created-{n}"));
            requests.push(signed(&api, "POST", "/v1/brokers", &body)?);
        }
        all.push(Arc::new(requests));
    }
    Ok(all)
}
