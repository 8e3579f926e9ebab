//! Brokers that run out of memory again and again: those that are not alone go on serving, and their owner is
//! told that something has to be done, until it is.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode};
use brokerd_tests::{
    Management, NewBroker, Steady, TIMEOUT, World,
    clients::{self, Load},
    docker::{self, instance_of},
    eventually, machine,
    pair::serving,
    scenario,
};

/// So many times in a row are a loop and no accident.
const LOOP_COUNT: usize = 3;

/// How long three nodes may take on two processors.
const NODES_TIMEOUT: Duration = Duration::from_secs(180);

/// More than an instance of the smallest type holds, at half its size.
const MESSAGES: u32 = 16;

/// How often something was told of a broker, of what its events are kept.
fn told(world: &World, id: &str, part: &str) -> Result<usize> {
    Ok(world.api.events(id)?.iter().filter(|(_, message)| message.contains(part)).count())
}

/// Waits until a broker requires this action and nothing else.
fn requires(world: &World, id: &str, code: &str) -> Result<()> {
    eventually(&format!("{code} is raised"), TIMEOUT, || {
        Ok((world.api.state(id)? == Some(BrokerState::CriticalActionRequired)).then_some(()))
    })?;
    let broker = world.api.describe(id)?;
    let codes = broker.actions_required().iter().map(|action| action.action_required_code());
    let codes: Vec<_> = codes.collect();
    ensure!(codes == [Some(code)], "{codes:?}");
    Ok(())
}

fn requires_nothing(world: &World, id: &str) -> Result<()> {
    eventually("nothing is required any more", NODES_TIMEOUT, || {
        Ok((world.api.state(id)? == Some(BrokerState::Running)).then_some(()))
    })?;
    ensure!(world.api.describe(id)?.actions_required().is_empty());
    Ok(())
}

#[test]
fn a_pair_that_runs_out_of_memory_fails_over_each_time_and_requires_action_until_it_has_more()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a pair runs out of memory", &[], |world| {
        let new = NewBroker::activemq("hungry").deployed(DeploymentMode::ActiveStandbyMultiAz);
        let id = world.running(&new)?;
        let mut steady = Steady::begin(world, &id, "steady")?;
        let mut active = whole(world, &id, 0)?;
        for times in 1..=LOOP_COUNT {
            let standby = instance_of(&id, 3 - active)?;
            clients::overwhelm(world, &id, MESSAGES)?;
            let heir = whole(world, &id, times)?;
            ensure!(heir != active, "instance {active} ran out of memory and serves");
            let after = instance_of(&id, heir)?;
            ensure!(after.started()? == standby.started()?, "the standby was restarted");
            let pause = steady.longest_pause()?.as_secs_f64();
            machine::say(&format!("out of memory: clients waited for {pause:.1} s"));
            let state = world.api.state(&id)?;
            ensure!(
                times == LOOP_COUNT || state == Some(BrokerState::Running),
                "{times}: {state:?}"
            );
            active = heir;
        }
        requires(world, &id, "BROKER_OOM")?;
        ensure!(told(world, &id, "both instances answer")? == 0, "two were active");

        world.api.update(&id, |call| call.host_instance_type("mq.m5.large"))?;
        world.api.reboot(&id)?;
        requires_nothing(world, &id)?;
        let outcome = steady.end()?;
        machine::say(&format!("{outcome:?}"));
        ensure!(outcome.lost.is_empty() && outcome.stored > 100, "{outcome:?}");
        Ok(())
    })
}

/// Waits until a pair has run out of memory so many times and is whole; which of its instances serves.
fn whole(world: &World, id: &str, times: usize) -> Result<u8> {
    eventually("the pair is whole", TIMEOUT, || {
        let events = world.api.events(id)?;
        let failovers = events.iter().filter(|(_, message)| message.starts_with("failover: "));
        let mut newest = events.iter().map(|(_, message)| message);
        let newest = newest.find(|message| !message.starts_with("BROKER_OOM"));
        let active = newest.and_then(|message| serving(message));
        Ok(active.filter(|_| failovers.count() == times))
    })
}

#[test]
fn a_node_that_runs_out_of_memory_again_and_again_requires_action_while_the_others_serve()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a node runs out of memory", &[], |world| {
        let new = NewBroker::rabbitmq("hungry").deployed(DeploymentMode::ClusterMultiAz);
        let id = world.api.create(&new)?;
        eventually("the cluster runs", NODES_TIMEOUT, || {
            Ok((world.api.state(&id)? == Some(BrokerState::Running)).then_some(()))
        })?;
        let load = Load::begin(world, &id, "load", 50)?;
        load.wait_until_served(NODES_TIMEOUT)?;
        let started = |ordinal: u8| instance_of(&id, ordinal)?.started();
        let others = [started(1)?, started(3)?];
        for times in 1..=LOOP_COUNT {
            load.take_longest_gap();
            fill(&id, 2)?;
            eventually("the node is back", NODES_TIMEOUT, || {
                let starved = told(world, &id, "instance 2 ran out of memory")? >= times;
                // What happens again before the broker is well is told once.
                let well = told(world, &id, "all 3 nodes serve")? > times;
                let whole = starved && well && Management::running_nodes(world, &id)? == 3;
                Ok(whole.then_some(()))
            })?;
            load.wait_until_served(TIMEOUT)?;
            machine::say(&format!("out of memory: longest gap {:.1?}", load.take_longest_gap()));
        }
        requires(world, &id, "BROKER_OOM")?;
        ensure!([started(1)?, started(3)?] == others, "another node was restarted");
        world.api.reboot(&id)?;
        requires_nothing(world, &id)?;

        watermark(&id, 3, "10MB")?;
        requires(world, &id, "RABBITMQ_MEMORY_ALARM")?;
        ensure!(world.api.reboot(&id).is_err(), "a reboot is no cure for an alarm");
        watermark(&id, 3, "1000MB")?;
        requires_nothing(world, &id)?;
        load.wait_until_served(TIMEOUT)?;
        let delivered = load.finish()?;
        machine::say(&format!("{delivered:?}"));
        ensure!(delivered.lost.is_empty() && delivered.confirmed > 100, "{delivered:?}");
        Ok(())
    })
}

/// Has a node take twice the memory that its container has; the kernel kills it.
fn fill(id: &str, ordinal: u8) -> Result<()> {
    let node = instance_of(id, ordinal)?;
    let limit = node.at("/HostConfig/Memory").as_u64().context("no limit")?;
    let twice = format!("byte_size(binary:copy(<<0:8388608>>, {})).", 2 * limit / 1024 / 1024);
    let filled = docker::docker(&["exec", &node.id, "rabbitmqctl", "eval", &twice]);
    ensure!(filled.is_err(), "it has taken it: {filled:?}");
    Ok(())
}

fn watermark(id: &str, ordinal: u8, limit: &str) -> Result<()> {
    let node = instance_of(id, ordinal)?;
    let set = ["exec", &node.id, "rabbitmqctl", "set_vm_memory_high_watermark", "absolute", limit];
    docker::docker(&set).map(drop)
}
