//! The API without runtime work: a brokerd that only answers, on a PostgreSQL that flushes to disk.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use brokerd_tests::{Api, World, docker, machine};
use serde_json::Value;

use crate::{
    Bench,
    answers::{CLIENTS, Line},
    brokers::{self, SUBJECTS},
    copies,
    floor::{self, Hello},
    http::{Connection, signed},
    load::{Requests, Until, alone},
    many,
    memory::Resident,
    policies,
    processors::Parties,
    statistics::{load_average, short, verdict},
};

/// How many brokers each client creates in a round; an account may have 200 in a region.
const CREATIONS: usize = 100;

/// How many brokers run that are described and listed, all on one page.
const RUNNING: i64 = 100;

/// Whose they are.
const RUNNING_REGION: &str = "bench-running";

/// DescribeBroker and ListBrokers alone, in milliseconds.
const ALONE_TARGETS: [f64; 2] = [1.0, 0.45];

/// DescribeBroker, ListBrokers and CreateBroker at [`CLIENTS`], per second.
const RATE_TARGETS: [f64; 3] = [12_000.0, 3_000.0, 2_650.0];

/// How many times as much of a processor a request may take brokerd whose caller has a policy of many statements.
const POLICY_TARGET: f64 = 1.15;

pub(crate) fn measure(bench: &Bench, world: &mut World) -> Result<()> {
    let ids = one_broker_at_least(bench, world)?;
    world.restart_as("api")?;
    // What ran would take processors from what is measured; the store still says that it runs.
    docker::remove_all(&world.label())?;
    let url = world.database_url();
    bench.wait(copies::make(&url, &ids[0], RUNNING_REGION, RUNNING))?;
    let (describe, list) = reads(&world.api.in_region(RUNNING_REGION))?;
    let user = world.user(policies::USER)?;
    bench.wait(policies::give(&url))?;
    let (describe_as_user, _) = reads(&user.in_region(RUNNING_REGION))?;
    let api = &world.api;
    let hello = Hello::start()?;
    let hello_request: Requests = Arc::new(vec![hello.request()]);
    let (version, durable) = bench.wait(floor::database(&url))?;
    let brokerd = Parties::server(world.pid().context("brokerd does not run")?);
    let brokerd = brokerd.with_database(&url)?;

    let before = load_average();
    let mut lines = [
        Line::new("axum, hello"),
        Line::new("DescribeBroker"),
        Line::new(format!("ListBrokers ({RUNNING} brokers)")),
        Line::new("PostgreSQL, one row"),
        Line::new("CreateBroker"),
        Line::new(format!("DescribeBroker, {} statements", policies::STATEMENTS)),
    ];
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: API, round {round} of {}", bench.rounds));
        let creations = creations(world, round)?;
        let mut one = lines.each_ref().map(|line| Line::new(line.name.as_str()));
        bench.wait(async {
            one[0].read(&hello.address, Parties::server(hello.pid()), &hello_request).await?;
            one[1].read(api.address(), brokerd, &describe).await?;
            one[5].read(api.address(), brokerd, &describe_as_user).await?;
            one[2].read(api.address(), brokerd, &list).await?;
            one[3].alone(&floor::rows(&url, 1).await?.0);
            one[3].rate.push(floor::rows(&url, CLIENTS).await?.1);
            let (first, others) = creations.split_first().context("no requests")?;
            one[4].alone(&alone(api.address(), Arc::clone(first), CREATIONS).await?);
            one[4].crowd(api.address(), brokerd, others.to_vec(), Until::Sent).await
        })?;
        // The first round opens connections and fills caches, and does not count.
        if round > 0 {
            for (line, one) in lines.iter_mut().zip(&one) {
                line.push(one);
            }
        }
    }
    println!("The API of a brokerd without other roles: median of rounds (least-most)");
    println!("  load average {before} before, {} after", load_average());
    println!(
        "  PostgreSQL {version}, {}; requests are signed before the clock starts, verified by brokerd within it",
        if durable { "every commit flushed to disk" } else { "NOT flushing to disk: not durable" }
    );
    println!(
        "  µs are of a processor, per request of {CLIENTS} clients, which are one thread on the same processors"
    );
    println!("{}", Line::head());
    for line in &lines {
        println!("{line}");
    }
    let [hello, describe, list, row, create, by_policy] = &lines;
    for (line, most) in [describe, list].into_iter().zip(ALONE_TARGETS) {
        let met = verdict(line.p50.median() <= most);
        println!("{} alone in at most {most} ms: {met}", line.name);
    }
    for (line, least) in [describe, list, create].into_iter().zip(RATE_TARGETS) {
        let met = verdict(line.rate.median() >= least);
        println!("{least} {} a second at {CLIENTS} clients: {met}", line.name);
    }
    let cost = by_policy.server.of_rounds(&describe.server);
    println!(
        "DescribeBroker by a policy of {} statements takes brokerd {} of one by the root (alone, p50 {}), at most {POLICY_TARGET}: {}",
        policies::STATEMENTS,
        short(cost),
        short(by_policy.p50.of_rounds(&describe.p50)),
        verdict(cost <= POLICY_TARGET),
    );
    println!(
        "DescribeBroker is {} of hello, CreateBroker {} of one row",
        short(describe.rate.median() / hello.rate.median()),
        short(create.rate.median() / row.rate.median()),
    );
    println!("brokerd's resident memory after that: {}\n", Resident::of(world)?);
    many::measure(bench, world, &ids[0])
}

/// Requests that describe each broker of a region, and one that lists all of them.
fn reads(api: &Api) -> Result<(Requests, Requests)> {
    let page = format!("/v1/brokers?maxResults={RUNNING}");
    let list = Arc::new(vec![signed(api, "GET", &page, "")?]);
    let listed: Value = serde_json::from_str(&api.get(&page)?.body)?;
    let listed = listed["brokerSummaries"].as_array().context("no brokers")?;
    let describe = |broker: &Value| {
        let id = broker["brokerId"].as_str().context("no identifier")?;
        signed(api, "GET", &format!("/v1/brokers/{id}"), "")
    };
    let describe: Result<Vec<_>> = listed.iter().map(describe).collect();
    Ok((Arc::new(describe?), list))
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
    let created = (0..=rounds).flat_map(|round| (0..=CLIENTS).map(move |n| region(round, n)));
    created.chain([RUNNING_REGION.to_owned(), many::REGION.to_owned()]).collect()
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
