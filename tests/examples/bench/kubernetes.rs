//! Brokers on Kubernetes beside those on Docker, in turns: both clusters' nodes and containers are of one machine.

use anyhow::{Context as _, Result};
use brokerd_tests::{
    World,
    kubernetes::{Cluster, scenario_on_kubernetes},
    machine,
};

use crate::{
    Bench,
    brokers::{SUBJECTS, Times, by_brokerd},
    pairs::OfBrokerd,
    statistics::{Series, load_average, short},
};

pub(crate) fn measure(bench: &Bench, docker: &World, settings: &[(&str, &str)]) -> Result<()> {
    scenario_on_kubernetes("bench", settings, |kubernetes, cluster| {
        let before = load_average();
        let mut rows = Vec::new();
        for subject in &SUBJECTS {
            let mut both = [Times::default(), Times::default()];
            // The first round brings both into the page cache and does not count.
            for round in 0..=bench.rounds {
                machine::say(&format!(
                    "bench: {}, round {round} of {}",
                    subject.name, bench.rounds
                ));
                for (world, times) in [docker, &*kubernetes].into_iter().zip(&mut both) {
                    let mut one = Times::default();
                    by_brokerd(bench, world, subject, round, &mut one)?;
                    if round > 0 {
                        times.first.push(one.first.median());
                    }
                }
            }
            let [docker, kubernetes] = both.map(|times| times.first);
            rows.push((format!("{}: created to first message", subject.name), docker, kubernetes));
        }
        let [killed, killed_pod, killed_node] = failovers(bench, docker, kubernetes, cluster)?;
        rows.push(("a pair: engine killed".to_owned(), killed, killed_pod));
        rows.push(("a pair: node switched off".to_owned(), Series::default(), killed_node));
        println!("On Docker and on Kubernetes, ms: median (least-most)");
        println!("  load average {before} before, {} after", load_average());
        println!("{:<44}{:>24}{:>24}{:>8}", "", "Docker", "Kubernetes", "ratio");
        for (what, docker, kubernetes) in &rows {
            let ratio = short(kubernetes.median() / docker.median());
            println!("{what:<44}{docker:>24}{kubernetes:>24}{ratio:>8}");
        }
        println!();
        Ok(())
    })
}

/// How long clients of a pair have to do without the instance that serves: killed on Docker, on Kubernetes, and with its
/// node, which comes back afterwards.
fn failovers(
    bench: &Bench,
    docker: &World,
    kubernetes: &World,
    cluster: &Cluster,
) -> Result<[Series; 3]> {
    let mut all = [Series::default(), Series::default(), Series::default()];
    let mut here = OfBrokerd::create(bench, docker)?;
    let mut there = OfBrokerd::create(bench, kubernetes)?;
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: pairs, round {round} of {}", bench.rounds));
        let pod =
            |id: &str, active: &str| cluster.running(id, active.parse().context("an instance")?);
        let times = [
            here.strike(bench, "KILL")?,
            there.lose(bench, |id, active| cluster.kill9(&pod(id, active)?))?,
            there.lose(bench, |id, active| cluster.kill_node(pod(id, active)?.zone()))?,
        ];
        if round > 0 {
            for (series, time) in all.iter_mut().zip(times) {
                series.push_milliseconds(time);
            }
        }
    }
    here.delete(bench)?;
    there.delete(bench)?;
    Ok(all)
}
