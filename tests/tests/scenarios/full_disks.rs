//! Brokers with disks of their own, and what becomes of them and their clients when these are full.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode};
use brokerd_tests::{
    NewBroker, Steady, TIMEOUT, World,
    clients::{self, Load},
    docker, eventually,
    faults::{ENABLED, Faults},
    machine, scenario,
};
use serde_json::json;

/// The setting that gives brokers disks of their own.
const SIZED: &str = "BROKERD_RUNTIME_SIZED_VOLUMES";

/// For how long nothing is acknowledged when clients are blocked.
const STILL: Duration = Duration::from_secs(8);

/// How long three nodes may take on two processors.
const NODES_TIMEOUT: Duration = Duration::from_secs(180);

const GIB: u64 = 1 << 30;

/// Where engines have their data.
const RABBITMQ_DATA: &str = "/var/lib/rabbitmq";
const ACTIVEMQ_DATA: &str = "/opt/apache-activemq/data";

/// Plays a scenario whose brokers have disks of their own; skips it where there are none.
fn with_disks(name: &str, play: impl FnOnce(&mut World) -> Result<()>) -> Result<()> {
    if !machine::has_loop_devices(name)? || clients::python()?.is_none() {
        return Ok(());
    }
    scenario(name, &[ENABLED, (SIZED, "true")], play)
}

/// One broker.
struct Subject<'a> {
    world: &'a World,
    id: String,
    instances: u8,
    data: &'static str,
}

impl<'a> Subject<'a> {
    fn new(world: &'a World, new: &NewBroker, data: &'static str) -> Result<Self> {
        let id = world.api.create(new)?;
        let subject = Self { world, id, instances: new.instances(), data };
        subject.is_in(&BrokerState::Running)?;
        Ok(subject)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(&self.world.api, &self.id)
    }

    fn is_in(&self, wanted: &BrokerState) -> Result<()> {
        eventually(&format!("the broker is {wanted}"), NODES_TIMEOUT, || {
            Ok((self.world.api.state(&self.id)?.as_ref() == Some(wanted)).then_some(()))
        })
    }

    /// When every instance was started for the last time.
    fn starts(&self) -> Result<Vec<String>> {
        (1..=self.instances).map(|n| docker::instance_of(&self.id, n)?.started()).collect()
    }

    /// The size and the free space of an instance's disk.
    fn disk(&self, ordinal: u8) -> Result<(u64, u64)> {
        let container = docker::instance_of(&self.id, ordinal)?;
        let told =
            docker::docker(&["exec", &container.id, "stat", "-f", "-c", "%b %a %S", self.data])?;
        let numbers: Result<Vec<u64>, _> = told.split_whitespace().map(str::parse).collect();
        let [blocks, free, size] = numbers?[..] else { anyhow::bail!("{told:?}") };
        Ok((blocks * size, free * size))
    }

    fn has_size(&self, wanted: u64) -> Result<()> {
        for ordinal in 1..=self.instances {
            let (size, _) = self.disk(ordinal)?;
            ensure!((wanted * 97 / 100..=wanted * 102 / 100).contains(&size), "{size} bytes");
        }
        Ok(())
    }

    /// Fills the disk of an instance, or of the one that serves; the fault.
    fn fill(&self, instance: Option<u8>, seconds: u32) -> Result<String> {
        let mut body = json!({"kind": "FILL_DISK", "durationSeconds": seconds});
        if let Some(instance) = instance {
            body["instance"] = instance.into();
        }
        let fault = self.faults().inject(&body)?;
        let filled = instance.unwrap_or(1);
        eventually("the disk is full", TIMEOUT, || {
            let (size, free) = self.disk(filled)?;
            Ok((free < size / 4).then_some(()))
        })?;
        ensure!(self.faults().state(&fault)? == "ACTIVE");
        Ok(fault)
    }

    fn heal(&self, fault: &str) -> Result<()> {
        self.faults().heal(fault)?;
        self.is_over(fault)
    }

    /// The fault has ended, and there is room.
    fn is_over(&self, fault: &str) -> Result<()> {
        self.faults().until_state(fault, "ENDED")?;
        for ordinal in 1..=self.instances {
            let (size, free) = self.disk(ordinal)?;
            ensure!(free > size / 2, "{free} bytes of {size} are free");
        }
        self.told(&format!("fault {fault} ended: healed"))
    }

    fn told(&self, wanted: &str) -> Result<()> {
        let events = self.world.api.events(&self.id)?;
        ensure!(events.iter().any(|(_, message)| message == wanted), "{wanted:?}: {events:#?}");
        Ok(())
    }

    /// Nothing is left of the broker or of its disks.
    fn leaves_nothing(self) -> Result<()> {
        let links = PathBuf::from(format!("/dev/brokerd-{}", self.world.installation));
        ensure!(links.is_dir(), "there is no {}", links.display());
        self.world.api.delete(&self.id)?;
        self.world.api.wait_until_gone(&self.id)?;
        ensure!(!links.exists(), "{} is left", links.display());
        Ok(())
    }

    fn has_disk_alarm(&self) -> Result<()> {
        self.is_in(&BrokerState::CriticalActionRequired)?;
        let broker = self.world.api.describe(&self.id)?;
        let action = &broker.actions_required()[0];
        ensure!(action.action_required_code() == Some("RABBITMQ_DISK_ALARM"), "{action:?}");
        ensure!(self.world.api.reboot(&self.id).is_err(), "a reboot is no cure for an alarm");
        Ok(())
    }

    /// Publishers are blocked and its owner is told, until the fault is healed; no engine is restarted for it.
    fn blocks_publishers_until_healed(
        &self,
        load: &Load,
        fault: &str,
        starts: &[String],
    ) -> Result<()> {
        self.has_disk_alarm()?;
        is_blocked(load)?;
        self.heal(fault)?;
        self.is_in(&BrokerState::Running)?;
        load.wait_until_served(NODES_TIMEOUT)?;
        ensure!(self.starts()? == starts, "an engine was restarted");
        Ok(())
    }
}

/// Nothing is confirmed for a while.
fn is_blocked(load: &Load) -> Result<()> {
    eventually("publishers are blocked", TIMEOUT, || {
        Ok((load.take_longest_gap() > STILL).then_some(()))
    })
}

/// Nothing is acknowledged for a while.
fn waits(steady: &mut Steady) -> Result<()> {
    let (mut stored, mut since) = (0, Instant::now());
    eventually("producers wait", TIMEOUT, || {
        let now = steady.stored()?;
        if now != stored {
            (stored, since) = (now, Instant::now());
        }
        Ok((since.elapsed() > STILL).then_some(()))
    })
}

fn lost_nothing(load: Load) -> Result<()> {
    let delivered = load.finish()?;
    machine::say(&format!("{delivered:?}"));
    ensure!(delivered.lost.is_empty(), "{delivered:?}");
    ensure!(delivered.confirmed > 20, "hardly anything was published: {delivered:?}");
    Ok(())
}

fn nothing_is_lost(mut steady: Steady) -> Result<()> {
    let stored = steady.stored()?;
    eventually("more is acknowledged", TIMEOUT, || {
        Ok((steady.stored()? > stored + 100).then_some(()))
    })?;
    let outcome = steady.end()?;
    machine::say(&format!("{} acknowledged, {} repeated", outcome.stored, outcome.repeated));
    ensure!(outcome.lost.is_empty(), "lost: {:?}", outcome.lost);
    Ok(())
}

#[test]
fn a_rabbitmq_broker_blocks_publishers_while_its_disk_is_full() -> Result<()> {
    with_disks("full disk of RabbitMQ", |world| {
        let subject = Subject::new(world, &NewBroker::rabbitmq("full"), RABBITMQ_DATA)?;
        subject.has_size(200 * GIB)?;
        let load = Load::begin(world, &subject.id, "load", 50)?;
        load.wait_until_served(TIMEOUT)?;
        let starts = subject.starts()?;
        let fault = subject.fill(None, 900)?;
        subject.blocks_publishers_until_healed(&load, &fault, &starts)?;

        // What brokerd is not there to heal in time is healed when it is back.
        let fault = subject.fill(None, 30)?;
        let (id, begun) = (subject.id.clone(), Instant::now());
        world.kill9()?;
        eventually("the fault's time is over", TIMEOUT, || {
            Ok((begun.elapsed() > Duration::from_secs(31)).then_some(()))
        })?;
        world.restart()?;
        let subject = Subject { world, id, instances: 1, data: RABBITMQ_DATA };
        subject.is_over(&fault)?;
        subject.is_in(&BrokerState::Running)?;
        load.wait_until_served(TIMEOUT)?;
        ensure!(subject.starts()? == starts, "it was restarted");
        lost_nothing(load)?;
        subject.leaves_nothing()
    })
}

#[test]
fn a_cluster_blocks_publishers_on_every_node_while_one_disk_is_full() -> Result<()> {
    with_disks("full disk of a node", |world| {
        let new = NewBroker::rabbitmq("cluster").deployed(DeploymentMode::ClusterMultiAz);
        let subject = Subject::new(world, &new.version("4.3"), RABBITMQ_DATA)?;
        subject.has_size(5 * GIB)?;
        let load = Load::begin(world, &subject.id, "load", 50)?;
        load.wait_until_served(NODES_TIMEOUT)?;
        let starts = subject.starts()?;
        let fault = subject.fill(Some(2), 900)?;
        ensure!(
            subject.disk(1)?.1 > 4 * GIB && subject.disk(3)?.1 > 4 * GIB,
            "other disks are full"
        );
        subject.blocks_publishers_until_healed(&load, &fault, &starts)?;
        lost_nothing(load)?;
        subject.leaves_nothing()
    })
}

#[test]
fn an_activemq_broker_has_producers_wait_while_its_disk_is_full() -> Result<()> {
    with_disks("full disk of ActiveMQ", |world| {
        let subject = Subject::new(world, &NewBroker::activemq("full"), ACTIVEMQ_DATA)?;
        subject.has_size(25 * GIB)?;
        let mut steady = Steady::begin(world, &subject.id, "steady")?;
        steady.longest_pause()?;
        let starts = subject.starts()?;
        let fault = subject.fill(None, 900)?;
        waits(&mut steady)?;
        ensure!(subject.world.api.state(&subject.id)? == Some(BrokerState::Running));
        subject.heal(&fault)?;
        steady.longest_pause()?;
        ensure!(subject.starts()? == starts, "it was restarted");

        // One that dies meanwhile comes back, and has them wait as before.
        let fault = subject.fill(None, 900)?;
        waits(&mut steady)?;
        docker::container_of(&subject.id)?.kill9()?;
        eventually("it is started again and serves", TIMEOUT, || {
            let events = world.api.events(&subject.id)?;
            let serves = events.first().is_some_and(|(_, m)| m == "every endpoint answers");
            Ok((serves && subject.starts()? != starts).then_some(()))
        })?;
        waits(&mut steady)?;
        let again = subject.starts()?;
        subject.heal(&fault)?;
        steady.longest_pause()?;
        ensure!(subject.starts()? == again, "it was restarted once more");
        nothing_is_lost(steady)?;
        subject.leaves_nothing()
    })
}

#[test]
fn a_pair_stays_as_it_is_while_its_disk_is_full() -> Result<()> {
    with_disks("full disk of a pair", |world| {
        let new = NewBroker::activemq("pair").deployed(DeploymentMode::ActiveStandbyMultiAz);
        let subject = Subject::new(world, &new, ACTIVEMQ_DATA)?;
        subject.has_size(25 * GIB)?;
        let mut steady = Steady::begin(world, &subject.id, "steady")?;
        steady.longest_pause()?;
        let starts = subject.starts()?;
        let fault = subject.fill(None, 900)?;
        waits(&mut steady)?;
        let failovers = || -> Result<usize> {
            let events = world.api.events(&subject.id)?;
            Ok(events.iter().filter(|(_, message)| message.starts_with("failover:")).count())
        };
        ensure!(failovers()? == 0, "a full disk is no reason for another one to serve");
        subject.heal(&fault)?;
        steady.longest_pause()?;
        ensure!(subject.starts()? == starts, "one was restarted");

        // Who takes over has the same disk.
        let fault = subject.fill(None, 900)?;
        waits(&mut steady)?;
        let kill = subject.faults().inject(&json!({"kind": "KILL"}))?;
        subject.faults().until_state(&kill, "ENDED")?;
        eventually("the standby takes over", TIMEOUT, || Ok((failovers()? == 1).then_some(())))?;
        waits(&mut steady)?;
        subject.heal(&fault)?;
        steady.longest_pause().context("after the failover")?;
        ensure!(failovers()? == 1, "more than one failover");
        nothing_is_lost(steady)?;
        subject.leaves_nothing()
    })
}

#[test]
fn the_disk_of_the_host_is_never_filled() -> Result<()> {
    if !machine::has_loop_devices("a broker without a disk of its own")? {
        return Ok(());
    }
    scenario("no disk of its own", &[ENABLED], |world| {
        let id = world.running(&NewBroker::activemq("plain"))?;
        let body = json!({"kind": "FILL_DISK", "durationSeconds": 60});
        let answer = Faults::of(&world.api, &id).ask(&body)?;
        ensure!(answer.status == 400, "{answer:?}");
        ensure!(answer.body.contains("[runtime.sized_volumes] to [true]"), "{answer:?}");

        world.restart_with(SIZED, "true")?;
        world.api.wait_until_running(&id)?;
        let subject = Subject { world, id, instances: 1, data: ACTIVEMQ_DATA };
        let (_, free) = subject.disk(1)?;
        let fault = subject.faults().inject(&body)?;
        subject.faults().until_state(&fault, "ENDED")?;
        let why = "there was no disk of its own to fill";
        subject.told(&format!("fault {fault} ended: {why}"))?;
        ensure!(subject.disk(1)?.1 > free / 2, "it was filled all the same");
        Ok(())
    })
}
