//! What processors do for brokers that nobody uses: brokerd's share, and the engines'.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{World, docker, machine};
use tokio::time::sleep;

use crate::{
    Bench,
    brokers::{self, SUBJECTS, Subject},
    http::{Connection, signed},
    processors::{group, process},
    statistics::{Series, load_average, verdict},
};

/// How long one look lasts: every broker is measured once a minute.
const LOOK: Duration = Duration::from_secs(60);
/// What the metrics of twenty brokers may take, in per cent of a processor.
const METRICS_TARGET: f64 = 1.0;

/// What runs: of what engine, deployed how, and how it is called.
const FLEET: [(&Subject, &str, &str); 4] = [
    (&SUBJECTS[0], "SINGLE_INSTANCE", "ActiveMQ 5.19, one instance"),
    (&SUBJECTS[1], "SINGLE_INSTANCE", "RabbitMQ 4.3, one instance"),
    (&SUBJECTS[0], "ACTIVE_STANDBY_MULTI_AZ", "ActiveMQ 5.19, a pair"),
    (&SUBJECTS[1], "CLUSTER_MULTI_AZ", "RabbitMQ 4.3, a cluster"),
];

pub(crate) fn measure(bench: &Bench, world: &mut World) -> Result<()> {
    let api = &world.api;
    let before = load_average();
    let mut requests = Vec::new();
    for (n, (subject, mode, _)) in FLEET.iter().enumerate() {
        let body = subject.body(&format!("idle-{n}")).replace("SINGLE_INSTANCE", mode);
        requests.push(signed(api, "POST", "/v1/brokers", &body)?);
    }
    machine::say(&format!("bench: creating {} brokers that nobody uses", FLEET.len()));
    let ids = bench.wait(brokers::all_running(api, &requests))?;
    let (brokerd, engines) = look(bench, world, &ids)?;
    world.restart_with("BROKERD_METRICS_COLLECT", "false")?;
    let (without, _) = look(bench, world, &ids)?;
    world.restart_with("BROKERD_METRICS_COLLECT", "true")?;
    let api = &world.api;
    println!("Brokers that nobody uses, per cent of one processor: median of rounds (least-most)");
    println!(
        "  load average {before} before, {} after; rounds of {} s",
        load_average(),
        LOOK.as_secs()
    );
    println!("{:<36}{brokerd:>24}", format!("brokerd, for all {}", FLEET.len()));
    println!("{:<36}{without:>24}", "brokerd, without their metrics");
    for ((_, _, name), series) in FLEET.iter().zip(&engines) {
        println!("{name:<36}{series:>24}");
    }
    let of_metrics = (brokerd.median() - without.median()) * 20.0 / FLEET.len() as f64;
    println!(
        "the metrics of 20 brokers take brokerd {of_metrics:.2} %, at most {METRICS_TARGET} %: {}",
        verdict(of_metrics <= METRICS_TARGET)
    );
    println!();
    bench.wait(async {
        let mut connection = Connection::to(api.address()).await?;
        for id in &ids {
            brokers::delete(&mut connection, api, id).await?;
        }
        Ok(())
    })
}

/// What brokerd takes, and what each broker's engines do, in per cent of a processor.
fn look(bench: &Bench, world: &World, ids: &[String]) -> Result<(Series, [Series; FLEET.len()])> {
    let pid = world.pid().context("brokerd does not run")?;
    let mut brokerd = Series::default();
    let mut engines = FLEET.map(|_| Series::default());
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: idle brokers, round {round} of {}", bench.rounds));
        let (own, theirs) = (process(pid)?, all_containers(ids)?);
        let begin = Instant::now();
        bench.wait(async {
            sleep(LOOK).await;
            Ok(())
        })?;
        let (own_then, theirs_then) = (process(pid)?, all_containers(ids)?);
        let seconds = begin.elapsed().as_secs_f64();
        // In the first round engines still settle.
        if round > 0 {
            brokerd.push((own_then - own) / seconds * 100.0);
            for ((series, then), start) in engines.iter_mut().zip(theirs_then).zip(theirs) {
                series.push((then - start) / seconds * 100.0);
            }
        }
    }
    Ok((brokerd, engines))
}

/// How many seconds of a processor each broker's containers together have had.
fn all_containers(brokers: &[String]) -> Result<Vec<f64>> {
    let mut all = Vec::new();
    for broker in brokers {
        let mut seconds = 0.0;
        for id in docker::containers(&format!("brokerd.broker={broker}"))? {
            let container = docker::inspect(&id)?;
            let pid = container.at("/State/Pid").as_u64().context("no process")?;
            ensure!(container.running(), "a container of {broker} does not run");
            seconds += group(pid)?;
        }
        all.push(seconds);
    }
    Ok(all)
}
