//! ActiveMQ pairs: one instance serves, in a zone of its own, and the other one stands by in another zone.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::DeploymentMode;
use brokerd_tests::{
    NewBroker, Steady, World, eventually,
    kubernetes::{Cluster, Pod, TIMEOUT, scenario_on_kubernetes},
    machine,
    pair::serving,
};
use serde_json::Value;

/// A pair with clients that send and receive all the time.
struct Pair<'a> {
    world: &'a World,
    cluster: &'a Cluster,
    id: String,
    clients: Steady,
}

impl<'a> Pair<'a> {
    fn new(world: &'a World, cluster: &'a Cluster) -> Result<Self> {
        let began = Instant::now();
        let new = NewBroker::activemq("pair").deployed(DeploymentMode::ActiveStandbyMultiAz);
        let id = world.running(&new)?;
        let clients = Steady::begin(world, &id, "steady")?;
        let mut pair = Self { world, cluster, id, clients };
        pair.clients.longest_pause()?;
        machine::say(&format!("a pair served its clients after {:.1?}", began.elapsed()));
        let zones = [pair.pod(1)?, pair.pod(2)?].map(|pod| pod.zone().to_owned());
        ensure!(zones[0] != zones[1], "both are in zone {zones:?}");
        Ok(pair)
    }

    fn pod(&self, ordinal: u8) -> Result<Pod> {
        self.cluster.running(&self.id, ordinal)
    }

    fn inspect(&self) -> Result<Value> {
        let path = format!("/brokerd/v1/brokers/{}", self.id);
        Ok(serde_json::from_str(&self.world.api.get(&path)?.body)?)
    }

    /// How the pair stands now, as a sentence.
    fn verdict(&self) -> Result<String> {
        Ok(self.inspect()?["verdict"].as_str().context("no verdict")?.to_owned())
    }

    /// Waits until one serves and the other one stands by; the one that serves.
    fn whole(&self) -> Result<u8> {
        eventually("the pair is whole", TIMEOUT, || Ok(serving(&self.verdict()?)))
    }

    /// Waits until another instance than this one serves.
    fn moved_from(&mut self, active: u8, what: &str) -> Result<()> {
        let other = 3 - active;
        eventually(&format!("instance {other} serves after {what}"), TIMEOUT, || {
            let inspected = self.inspect()?;
            let mut instances = inspected["instances"].as_array().into_iter().flatten();
            Ok(instances.any(|it| it["instance"] == other && it["role"] == "ACTIVE").then_some(()))
        })?;
        let pause = self.clients.longest_pause()?;
        machine::say(&format!("{what}: clients waited for {:.1} s", pause.as_secs_f64()));
        Ok(())
    }

    /// Waits until the verdict tells that.
    fn until_said(&self, what: &str) -> Result<()> {
        eventually(&format!("it is said that {what}"), TIMEOUT, || {
            Ok(self.verdict()?.contains(what).then_some(()))
        })
    }

    fn nothing_is_lost(self) -> Result<()> {
        self.clients.lost_nothing("STOMP")
    }
}

#[test]
#[ignore = "takes a minute more: `make test-kubernetes`"]
fn a_pair_survives_killed_deleted_and_rebooted_pods() -> Result<()> {
    scenario_on_kubernetes("a pair on Kubernetes", &[], |world, cluster| {
        let mut pair = Pair::new(world, cluster)?;
        let active = pair.whole()?;
        cluster.kill9(&pair.pod(active)?)?;
        pair.moved_from(active, "kill -9 of the active")?;
        let active = pair.whole()?;
        let pod = pair.pod(active)?;
        cluster.kubectl(&["delete", "pod", &pod.name, "--wait=false"])?;
        pair.moved_from(active, "a deleted pod of the active")?;
        pair.whole()?;
        world.api.reboot(&pair.id)?;
        world.api.wait_until_running(&pair.id)?;
        pair.whole()?;
        let pause = pair.clients.longest_pause()?;
        machine::say(&format!("a reboot: clients waited for {:.1} s", pause.as_secs_f64()));
        pair.nothing_is_lost()
    })
}

#[test]
fn a_pair_survives_the_loss_of_a_node() -> Result<()> {
    scenario_on_kubernetes("a pair and a killed node", &[], |world, cluster| {
        let mut pair = Pair::new(world, cluster)?;
        let active = pair.whole()?;
        let zone = pair.pod(active)?.zone().to_owned();
        let node = cluster.kill_node(&zone)?;
        pair.moved_from(active, "a killed node of the active")?;
        let silent = format!("node-{zone}, where instance {active} is, does not answer");
        pair.until_said(&silent)?;
        node.bring_back()?;
        pair.whole()?;
        pair.nothing_is_lost()
    })
}

#[test]
#[ignore = "takes a minute more: `make test-kubernetes`"]
fn nobody_takes_a_store_that_an_unreachable_node_may_hold_until_it_is_confirmed_to_be_off()
-> Result<()> {
    scenario_on_kubernetes("a pair and a cut network", &[], |world, cluster| {
        let mut pair = Pair::new(world, cluster)?;
        let active = pair.whole()?;
        let (pod, standby) = (pair.pod(active)?, pair.pod(3 - active)?);
        let zone = pod.zone().to_owned();
        let mut node = cluster.cut_node(&zone)?;
        let silent = format!("node-{zone}, where instance {active} is, does not answer");
        pair.until_said(&silent)?;
        // Both are as they were: the one that can't be reached may run, and the other one waits for its store.
        let seen = cluster.pod(&pair.id, active)?.context("its pod is gone")?;
        ensure!(seen.uid() == pod.uid(), "another one was made: {seen:?}");
        ensure!(pair.pod(3 - active)?.uid() == standby.uid(), "the standby was made anew");
        let served = pair.clients.stored()?;

        node.kill()?;
        node.fence()?;
        pair.moved_from(active, "a cut network, until the node was confirmed to be off")?;
        ensure!(pair.clients.stored()? > served, "nobody is served");
        eventually("the pod of the lost node is gone", TIMEOUT, || {
            Ok(cluster.pod(&pair.id, active)?.is_none_or(|it| it.uid() != pod.uid()).then_some(()))
        })?;
        node.bring_back()?;
        pair.whole()?;
        let events = world.api.events(&pair.id)?;
        ensure!(!events.iter().any(|(_, what)| what.contains("both instances")), "{events:?}");
        pair.nothing_is_lost()
    })
}

#[test]
#[ignore = "takes a minute more: `make test-kubernetes`"]
fn a_pair_is_served_while_a_kubelet_hangs_and_while_nodes_are_drained() -> Result<()> {
    scenario_on_kubernetes("a pair, a kubelet and drains", &[], |world, cluster| {
        let mut pair = Pair::new(world, cluster)?;
        let active = pair.whole()?;
        let zones = [pair.pod(active)?, pair.pod(3 - active)?].map(|pod| pod.zone().to_owned());
        let kubelet = cluster.freeze_kubelet(&zones[0])?;
        pair.clients.longest_pause()?;
        cluster.until_silent(&zones[0])?;
        // What answers, runs, whatever its node says.
        ensure!(pair.whole()? == active, "it moved");
        let pause = pair.clients.longest_pause()?;
        ensure!(pause < Duration::from_secs(2), "clients waited for {pause:?}");
        kubelet.bring_back()?;

        // It moves to the third node, and then on to where nothing else can go.
        let first = cluster.drain(&zones[0])?;
        pair.moved_from(active, "a drained node of the active")?;
        let active = pair.whole()?;
        let second = cluster.drain(&zones[1])?;
        pair.moved_from(active, "a drained node of its successor")?;
        let last = pair.pod(3 - active)?;
        let refused = cluster.drain(last.zone()).err().context("all nodes were drained")?;
        ensure!(format!("{refused:#}").contains("disruption budget"), "{refused:#}");
        ensure!(pair.pod(3 - active)?.uid() == last.uid(), "it was evicted all the same");
        drop((first, second));
        pair.whole()?;
        pair.nothing_is_lost()
    })
}
