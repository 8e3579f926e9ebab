//! What brokerd costs, measured against the same work without it, side by side in one run:
//! engines started by hand, an endpoint that does nothing, a row written to the same database.
//!
//! `scripts/bench.sh [ROUNDS] [brokers] [failover] [load] [idle] [memory] [api] [publishes] [kubernetes]`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod amqp;
mod answers;
mod api;
mod bare;
mod brokers;
mod busy;
mod clients;
mod copies;
mod failover;
mod floor;
#[expect(dead_code, reason = "brokers are told apart by their ports here, not by name")]
#[path = "../../../gateway/examples/throughput/haproxy.rs"]
mod haproxy;
mod http;
mod idle;
mod kubernetes;
mod load;
mod many;
mod memory;
mod pairs;
mod policies;
mod processors;
mod publisher;
mod publishes;
mod statistics;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use brokerd_tests::{World, machine};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// How often everything is measured, unless told otherwise.
const ROUNDS: usize = 5;

/// Instances of the size of their type.
pub(crate) const SCALE: f64 = 1.0;

/// What can be measured, in the order in which it is.
const PARTS: &[&str] =
    &["brokers", "failover", "load", "idle", "memory", "api", "publishes", ON_KUBERNETES];

/// What is measured only where it is asked for: it takes a cluster.
const ON_KUBERNETES: &str = "kubernetes";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = if arguments == [floor::ARGUMENT] { floor::serve() } else { measure(&arguments) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            machine::say(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What every measurement needs.
pub(crate) struct Bench {
    runtime: Runtime,
    stop: CancellationToken,
    rounds: usize,
}

impl Bench {
    /// Works until it is done or somebody wants to stop, so that the world is always cleaned up.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => bail!("interrupted"),
                done = work => done,
            }
        })
    }
}

fn measure(arguments: &[String]) -> Result<()> {
    let (mut rounds, mut parts) = (ROUNDS, Vec::new());
    for argument in arguments {
        match argument.parse() {
            Ok(number) => rounds = number,
            Err(_) => parts.push(argument.as_str()),
        }
    }
    ensure!(
        rounds > 0 && parts.iter().all(|part| PARTS.contains(part)),
        "usage: bench [ROUNDS] [{}]",
        PARTS.join("] [")
    );
    let wanted = |part: &str| (parts.is_empty() && part != ON_KUBERNETES) || parts.contains(&part);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    let stop = CancellationToken::new();
    runtime.block_on(cancel_on_signals(stop.clone()))?;
    let bench = Bench { runtime, stop, rounds };

    // As brokerd is by itself: not as talkative as for scenarios, and instances as large as their type.
    let filter = machine::variable("BROKERD_LOG_FILTER").unwrap_or_else(|| "info".to_owned());
    let scale = SCALE.to_string();
    let regions = api::regions(rounds).join(",");
    let settings = [
        ("BROKERD_LOG_FILTER", filter.as_str()),
        ("BROKERD_SIZING_SCALE", &scale),
        ("BROKERD_API_REGIONS", &regions),
    ];
    let mut world = World::start(&settings)?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{rounds} rounds on {processors} processors\n");
    if wanted("brokers") {
        brokers::measure(&bench, &world)?;
    }
    if wanted("failover") {
        failover::measure(&bench, &world)?;
    }
    if wanted("load") {
        busy::measure(&bench, &world, &settings)?;
    }
    if wanted("idle") {
        idle::measure(&bench, &mut world)?;
    }
    if wanted("memory") {
        memory::measure(&bench, &world)?;
    }
    if wanted("api") {
        api::measure(&bench, &mut world)?;
    }
    if wanted("publishes") {
        publishes::measure(&bench, &world)?;
    }
    if wanted(ON_KUBERNETES) {
        kubernetes::measure(&bench, &world, &settings)?;
    }
    Ok(())
}

/// From here on a signal does not end the process: what runs is given up, and the world goes with it.
async fn cancel_on_signals(stop: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        machine::say("bench: stopping, and removing what was made");
        stop.cancel();
    });
    Ok(())
}
