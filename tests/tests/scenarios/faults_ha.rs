//! Faults that a user injects into a pair and into a cluster: who is left serves while they last, nothing that
//! was acknowledged is lost, and what they struck comes back by itself.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode};
use brokerd_tests::{
    Management, NewBroker, Steady, TIMEOUT, World,
    clients::{self, Load},
    docker::{self, Container},
    eventually,
    faults::{ENABLED, Faults},
    machine,
    pair::serving,
    scenario,
};
use serde_json::{Value, json};

/// How long three nodes may take on two processors.
const NODES_TIMEOUT: Duration = Duration::from_secs(180);

/// What is added to every byte's way, and what a message and its acknowledgement take at least then.
const LATENCY: u64 = 300;
const BOTH_WAYS: Duration = Duration::from_millis(2 * LATENCY);

/// How long an outage is that ends by itself: longer than it takes until it is seen that the others serve.
const OUTAGE_SECONDS: u32 = 45;

fn is_down(container: &Container) -> bool {
    !container.running()
}

fn is_cut_off(container: &Container) -> bool {
    container.at("/NetworkSettings/Networks") == &json!({})
}

fn is_paused(container: &Container) -> bool {
    container.at("/State/Paused") == &json!(true)
}

/// How a fault that lasts is ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    ByItself,
    Asked,
}

/// A fault: what is asked for; what its instance is like while it lasts, if it lasts; how it ends.
struct Case {
    body: Value,
    lasts: Option<fn(&Container) -> bool>,
    end: End,
}

impl Case {
    fn once(body: Value) -> Self {
        Self { body, lasts: None, end: End::ByItself }
    }

    fn lasting(body: Value, held: fn(&Container) -> bool, end: End) -> Self {
        Self { body, lasts: Some(held), end }
    }

    fn kind(&self) -> &str {
        self.body["kind"].as_str().unwrap_or_default()
    }
}

fn zone_of(ordinal: u8) -> String {
    format!("us-east-1{}", char::from(b'a' + ordinal - 1))
}

/// Ends a fault, and sees that its broker's events say how it ended.
fn ended(world: &World, id: &str, fault: &str, case: &Case) -> Result<()> {
    let faults = Faults::of(&world.api, id);
    if case.end == End::Asked {
        faults.heal(fault)?;
    }
    faults.until_state(fault, "ENDED")?;
    let how = if case.lasts.is_some() { "healed" } else { "killed" };
    let told = format!("fault {fault} ended: {how}");
    let events = world.api.events(id)?;
    let times = events.iter().filter(|(_, message)| *message == told).count();
    ensure!(times == 1, "{told:?} was told {times} times: {events:#?}");
    Ok(())
}

/// A pair with clients.
struct Pair<'a> {
    world: &'a World,
    id: String,
    steady: Steady,
    active: u8,
}

impl<'a> Pair<'a> {
    fn new(world: &'a World) -> Result<Self> {
        let new = NewBroker::activemq("pair").deployed(DeploymentMode::ActiveStandbyMultiAz);
        let id = world.running(&new)?;
        let steady = Steady::begin(world, &id, "steady")?;
        let mut pair = Self { world, id, steady, active: 1 };
        pair.is_whole_since("")?;
        pair.steady.longest_pause()?;
        Ok(pair)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(&self.world.api, &self.id)
    }

    /// Waits until nothing newer than an event is told but that the expected one serves and the other one
    /// stands by.
    fn is_whole_since(&self, earlier: &str) -> Result<()> {
        let what = format!("the pair is whole, and instance {} serves", self.active);
        eventually(&what, TIMEOUT, || {
            let events = self.world.api.events(&self.id)?;
            let mut newest = events.iter().map(|(_, message)| message.as_str());
            let newest = newest.find(|message| {
                let is_earlier = !earlier.is_empty() && message.starts_with(earlier);
                is_earlier || !message.starts_with("fault ")
            });
            Ok((newest.and_then(serving) == Some(self.active)).then_some(()))
        })?;
        for ordinal in [1, 2] {
            let instance = docker::instance_of(&self.id, ordinal)?;
            ensure!(instance.running(), "instance {ordinal} does not run");
        }
        let state = self.world.api.state(&self.id)?;
        ensure!(state == Some(BrokerState::Running), "{state:?}");
        Ok(())
    }

    /// The standby takes over from the active one that a fault strikes, serves while it lasts, and goes on.
    fn fails_over(&mut self, case: &Case) -> Result<()> {
        let (struck, heir) = (self.active, 3 - self.active);
        let fault = self.faults().inject(&case.body)?;
        let told = format!("failover: instance {heir} took over");
        let strikes = format!("fault {fault} started");
        eventually("the standby takes over", TIMEOUT, || {
            let events = self.world.api.events(&self.id)?;
            let struck = events.iter().position(|(_, message)| message.starts_with(&strikes));
            let Some(struck) = struck else { return Ok(None) };
            let mut since = events[..struck].iter();
            Ok(since.any(|(_, message)| message.starts_with(&told)).then_some(()))
        })?;
        self.active = heir;
        let pause = self.steady.longest_pause()?;
        if let Some(held) = case.lasts {
            let instance = docker::instance_of(&self.id, struck)?;
            ensure!(held(&instance), "instance {struck} is not held: {}", instance.at("/State"));
            let state = self.faults().state(&fault)?;
            ensure!(state == "ACTIVE", "it was {state} before the standby served");
        }
        ended(self.world, &self.id, &fault, case)?;
        self.is_whole_since(&strikes)?;
        let again = self.steady.longest_pause()?;
        machine::say(&format!(
            "{}: clients waited for {:.1} s, and {:.1} s at most when it was over",
            case.kind(),
            pause.as_secs_f64(),
            again.as_secs_f64()
        ));
        Ok(())
    }

    /// Every acknowledgement takes as much longer while a latency lasts.
    fn feels_latency(&mut self) -> Result<()> {
        self.steady.longest_pause()?;
        let body =
            json!({"kind": "LATENCY", "latencyMilliseconds": LATENCY, "durationSeconds": 900});
        let case = Case::lasting(body, |_| true, End::Asked);
        let fault = self.faults().inject(&case.body)?;
        eventually("acknowledgements are late", TIMEOUT, || {
            Ok((self.steady.longest_pause()? >= BOTH_WAYS).then_some(()))
        })?;
        ended(self.world, &self.id, &fault, &case)?;
        eventually("acknowledgements are prompt again", TIMEOUT, || {
            Ok((self.steady.longest_pause()? < BOTH_WAYS).then_some(()))
        })
    }
}

#[test]
fn the_standby_of_a_pair_serves_through_every_fault_and_nothing_is_lost() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("faults of a pair", &[ENABLED], |world| {
        let mut pair = Pair::new(world)?;
        let lasting = |kind: &str, seconds: u32| json!({"kind": kind, "durationSeconds": seconds});
        let strike = |pair: &mut Pair<'_>, case: Case| {
            pair.fails_over(&case).with_context(|| case.body.to_string())
        };
        let jms = Steady::begin_jms(world, &pair.id, "jms")?;
        strike(&mut pair, Case::once(json!({"kind": "FAILOVER"})))?;
        strike(&mut pair, Case::once(json!({"kind": "KILL"})))?;
        if let Some(mut jms) = jms {
            jms.longest_pause().context("JMS")?;
            loses_nothing(jms).context("JMS")?;
        }
        // Frozen, it is killed at once, and started again: that is not undone.
        let frozen = |container: &Container| !is_paused(container);
        strike(&mut pair, Case::lasting(lasting("PAUSE", 900), frozen, End::Asked))?;
        strike(&mut pair, Case::lasting(lasting("ISOLATE", 900), is_cut_off, End::Asked))?;
        let mut outage = lasting("ZONE_OUTAGE", OUTAGE_SECONDS);
        outage["zone"] = zone_of(pair.active).into();
        strike(&mut pair, Case::lasting(outage, is_down, End::ByItself))?;
        pair.feels_latency().context("latency")?;
        let kinds = ["FAILOVER", "KILL", "PAUSE", "ISOLATE", "ZONE_OUTAGE", "LATENCY"];
        pair.faults().all_have_ended(&kinds)?;

        loses_nothing(pair.steady)
    })
}

/// Ends the clients, and sees that everything that was acknowledged is received.
fn loses_nothing(clients: Steady) -> Result<()> {
    let outcome = clients.end()?;
    machine::say(&format!("{} acknowledged, {} repeated", outcome.stored, outcome.repeated));
    ensure!(outcome.lost.is_empty(), "lost: {:?}", outcome.lost);
    ensure!(outcome.stored > 20, "hardly anything was sent: {outcome:?}");
    Ok(())
}

/// A cluster with clients.
struct Cluster<'a> {
    world: &'a World,
    id: String,
    load: Load,
}

impl<'a> Cluster<'a> {
    fn new(world: &'a World) -> Result<Self> {
        let new = NewBroker::rabbitmq("cluster").deployed(DeploymentMode::ClusterMultiAz);
        let id = world.api.create(&new.version("4.3"))?;
        eventually("the cluster runs", NODES_TIMEOUT, || {
            Ok((world.api.state(&id)? == Some(BrokerState::Running)).then_some(()))
        })?;
        let load = Load::begin(world, &id, "load", 50)?;
        load.wait_until_served(NODES_TIMEOUT)?;
        Ok(Self { world, id, load })
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(&self.world.api, &self.id)
    }

    /// When every node was started for the last time.
    fn starts(&self) -> Result<Vec<String>> {
        (1..=3).map(|ordinal| docker::instance_of(&self.id, ordinal)?.started()).collect()
    }

    fn is_whole(&self) -> Result<()> {
        eventually("all nodes are back", NODES_TIMEOUT, || {
            let nodes: Result<Vec<Container>> =
                (1..=3).map(|ordinal| docker::instance_of(&self.id, ordinal)).collect();
            let all_run = nodes?.iter().all(Container::running);
            let whole = all_run && Management::running_nodes(self.world, &self.id)? == 3;
            Ok(whole.then_some(()))
        })?;
        let state = self.world.api.state(&self.id)?;
        ensure!(state == Some(BrokerState::Running), "{state:?}");
        Ok(())
    }

    /// The others serve while a fault of one node lasts, undisturbed, and it comes back.
    fn survives(&self, ordinal: u8, case: &Case) -> Result<()> {
        let before = self.starts()?;
        self.load.take_longest_gap();
        let began = Instant::now();
        let fault = self.faults().inject(&case.body)?;
        if let Some(held) = case.lasts {
            eventually("the node is held", TIMEOUT, || {
                Ok(held(&docker::instance_of(&self.id, ordinal)?).then_some(()))
            })?;
            self.load.wait_until_served(TIMEOUT)?;
            let instance = docker::instance_of(&self.id, ordinal)?;
            // A frozen one is restarted when it counts as hung.
            let is_held = held(&instance) || case.kind() == "PAUSE";
            ensure!(is_held, "node {ordinal} is not held: {}", instance.at("/State"));
            let state = self.faults().state(&fault)?;
            ensure!(state == "ACTIVE", "it was {state} before the others served");
        }
        ended(self.world, &self.id, &fault, case)?;
        self.is_whole()?;
        self.load.wait_until_served(TIMEOUT)?;
        let after = self.starts()?;
        let others = (1..=3u8).zip(before.iter().zip(&after)).filter(|(n, _)| *n != ordinal);
        let mut restarted = others.filter(|(_, (before, after))| before != after);
        ensure!(restarted.next().is_none(), "another node was restarted: {before:?} {after:?}");
        machine::say(&format!(
            "{}: whole after {:.1?}, longest gap {:.1?}",
            case.kind(),
            began.elapsed(),
            self.load.take_longest_gap()
        ));
        Ok(())
    }

    fn feels_latency(&self) -> Result<()> {
        self.load.take_longest_gap();
        let body =
            json!({"kind": "LATENCY", "latencyMilliseconds": LATENCY, "durationSeconds": 900});
        let case = Case::lasting(body, |_| true, End::Asked);
        let fault = self.faults().inject(&case.body)?;
        eventually("confirmations are late", TIMEOUT, || {
            Ok((self.load.take_longest_gap() >= BOTH_WAYS).then_some(()))
        })?;
        ended(self.world, &self.id, &fault, &case)?;
        self.load.wait_until_served(TIMEOUT)
    }
}

#[test]
fn the_other_nodes_of_a_cluster_serve_through_every_fault_and_nothing_is_lost() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("faults of a cluster", &[ENABLED], |world| {
        let cluster = Cluster::new(world)?;
        let one = |kind: &str, ordinal: u8| json!({"kind": kind, "instance": ordinal});
        let lasting = |kind: &str, ordinal: u8, seconds: u32| json!({"kind": kind, "instance": ordinal, "durationSeconds": seconds});
        let strike = |ordinal: u8, case: &Case| {
            cluster.survives(ordinal, case).with_context(|| case.body.to_string())
        };
        strike(1, &Case::once(one("KILL", 1)))?;
        strike(2, &Case::lasting(lasting("PAUSE", 2, 900), is_paused, End::Asked))?;
        strike(3, &Case::lasting(lasting("ISOLATE", 3, 900), is_cut_off, End::Asked))?;
        let (zone, seconds) = (zone_of(2), OUTAGE_SECONDS);
        let outage = json!({"kind": "ZONE_OUTAGE", "zone": zone, "durationSeconds": seconds});
        strike(2, &Case::lasting(outage, is_down, End::ByItself))?;
        cluster.feels_latency().context("latency")?;
        cluster.faults().all_have_ended(&["KILL", "PAUSE", "ISOLATE", "ZONE_OUTAGE", "LATENCY"])?;

        let delivered = cluster.load.finish()?;
        machine::say(&format!("{delivered:?}"));
        ensure!(delivered.lost.is_empty(), "{delivered:?}");
        ensure!(delivered.confirmed > 20, "hardly anything was published: {delivered:?}");
        Ok(())
    })
}
