//! A list of a hundred thousand brokers, from its first page to its last.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{Api, World, machine};

use crate::{
    Bench,
    answers::{CLIENTS, Line},
    copies,
    http::{Connection, signed},
    load::Until,
    processors::Parties,
    statistics::{load_average, verdict},
};

/// Whose they are.
pub(crate) const REGION: &str = "bench-many";

const BROKERS: i64 = 100_000;

const PAGE: usize = 100;

/// How long a crowd asks in a round.
const CROWDED: Duration = Duration::from_secs(2);

/// The 99th percentile of all pages, in milliseconds.
const TARGET: f64 = 10.0;

pub(crate) fn measure(bench: &Bench, world: &World, copied: &str) -> Result<()> {
    machine::say(&format!("bench: storing {BROKERS} brokers"));
    let url = world.database_url();
    bench.wait(copies::make(&url, copied, REGION, BROKERS))?;
    let api = world.api.in_region(REGION);
    let parties = Parties::server(world.pid().context("brokerd does not run")?);
    let parties = parties.with_database(&url)?;
    let before = load_average();
    let mut line = Line::new(format!("ListBrokers ({PAGE} of {BROKERS})"));
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: pages of many, round {round} of {}", bench.rounds));
        let mut one = Line::default();
        bench.wait(async {
            let (took, pages) = walk(&api).await?;
            one.alone(&took);
            let mut clients = Vec::new();
            for client in 0..CLIENTS {
                // Each has pages of its own, all over the list.
                let own = pages.iter().skip(client).step_by(CLIENTS);
                let requests: Result<Vec<_>> = own.map(|p| signed(&api, "GET", p, "")).collect();
                clients.push(Arc::new(requests?));
            }
            one.crowd(api.address(), parties, clients, Until::Over(CROWDED)).await
        })?;
        if round > 0 {
            line.push(&one);
        }
    }
    println!(
        "A list of {BROKERS} brokers, walked from its first page to its last: median of rounds (least-most)"
    );
    println!("  load average {before} before, {} after", load_average());
    println!("{}", Line::head());
    println!("{line}");
    println!(
        "99 of 100 pages of {PAGE}, alone, in at most {TARGET} ms: {}\n",
        verdict(line.p99.median() <= TARGET)
    );
    bench.wait(copies::remove(&url, REGION))
}

/// Every page: how long it took, and how it is asked for. What is sent is signed before the clock starts.
async fn walk(api: &Api) -> Result<(Vec<Duration>, Vec<String>)> {
    let mut connection = Connection::to(api.address()).await?;
    let (mut took, mut pages) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut page = format!("/v1/brokers?maxResults={PAGE}");
    loop {
        let request = signed(api, "GET", &page, "")?;
        let begin = Instant::now();
        let answer = connection.exchange(&request).await?;
        took.push(begin.elapsed());
        let answer = answer.json(200)?;
        for broker in answer["brokerSummaries"].as_array().context("no brokers")? {
            let id = broker["brokerId"].as_str().context("no identifier")?;
            ensure!(seen.insert(id.to_owned()), "{id} is listed twice");
        }
        pages.push(page);
        let Some(token) = answer["nextToken"].as_str() else { break };
        // Of base64, these are what a query has to have encoded.
        let token = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        page = format!("/v1/brokers?maxResults={PAGE}&nextToken={token}");
    }
    ensure!(i64::try_from(seen.len()) == Ok(BROKERS), "{} brokers are listed", seen.len());
    Ok((took, pages))
}
