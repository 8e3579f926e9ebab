//! RabbitMQ clusters: three nodes in three zones.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::DeploymentMode;
use brokerd_tests::{
    Management, NewBroker, World,
    clients::Load,
    eventually,
    kubernetes::{Cluster, TIMEOUT, scenario_on_kubernetes},
    machine,
};

fn created(world: &World, cluster: &Cluster) -> Result<String> {
    let began = Instant::now();
    let new = NewBroker::rabbitmq("orders").deployed(DeploymentMode::ClusterMultiAz);
    let id = world.api.create(&new)?;
    eventually("the cluster runs", TIMEOUT, || {
        let state = world.api.state(&id)?;
        Ok(state.is_some_and(|state| state.as_str() == "RUNNING").then_some(()))
    })?;
    machine::say(&format!("a cluster ran after {:.1?}", began.elapsed()));
    let mut zones = Vec::new();
    for ordinal in 1..=3 {
        zones.push(cluster.running(&id, ordinal)?.zone().to_owned());
    }
    zones.sort();
    ensure!(zones == ["a", "b", "c"], "they are in {zones:?}");
    Ok(id)
}

fn nodes_are(world: &World, id: &str, number: usize) -> Result<()> {
    eventually(&format!("{number} nodes run"), TIMEOUT, || {
        Ok(Management::running_nodes(world, id).is_ok_and(|nodes| nodes == number).then_some(()))
    })
}

/// Clients are served by the others while a node is lost, and all are there afterwards.
fn survives(
    world: &World,
    (id, load): (&str, &Load),
    what: &str,
    lose: impl FnOnce() -> Result<brokerd_tests::kubernetes::LostNode>,
) -> Result<()> {
    load.take_longest_gap();
    let lost = lose().with_context(|| what.to_owned())?;
    nodes_are(world, id, 2).with_context(|| what.to_owned())?;
    load.wait_until_served(TIMEOUT).with_context(|| what.to_owned())?;
    let gap = load.take_longest_gap();
    machine::say(&format!("{what}: clients waited for {:.1} s", gap.as_secs_f64()));
    lost.bring_back()?;
    nodes_are(world, id, 3).with_context(|| format!("after {what}"))?;
    load.wait_until_served(TIMEOUT)
}

#[test]
fn a_cluster_goes_on_with_its_majority_whatever_becomes_of_a_zone() -> Result<()> {
    scenario_on_kubernetes("a RabbitMQ cluster on Kubernetes", &[], |world, cluster| {
        let id = created(world, cluster)?;
        let load = Load::begin(world, &id, "load", 50)?;
        load.wait_until_served(TIMEOUT)?;
        survives(world, (&id, &load), "a killed node", || cluster.kill_node("a"))?;
        survives(world, (&id, &load), "a cut network", || cluster.cut_node("b"))?;
        survives(world, (&id, &load), "a drained node", || {
            let drained = cluster.drain("c")?;
            let refused = cluster.drain("a").err().context("two nodes were drained")?;
            ensure!(format!("{refused:#}").contains("disruption budget"), "{refused:#}");
            Ok(drained)
        })?;
        let delivered = load.finish()?;
        machine::say(&format!("{delivered:?}"));
        ensure!(delivered.lost.is_empty() && delivered.confirmed > 20, "{delivered:?}");
        Ok(())
    })
}
