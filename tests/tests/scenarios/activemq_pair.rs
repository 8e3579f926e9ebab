//! An ActiveMQ pair: whatever happens to one of its instances, clients of either endpoint go on, and no
//! message that the broker acknowledged is lost.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_mq::types::{BrokerInstance, BrokerState, BrokerStorageType, DeploymentMode};
use brokerd_tests::{
    LONG_LEASES, Messenger, NewBroker, Pauses, Steady, TIMEOUT, World,
    broken::BrokenImage,
    clients,
    docker::{self, Container, instance_of as instance},
    eventually, inside, machine,
    pair::serving,
    scenario,
};
use serde_json::Value;

/// How long clients may wait for the other instance to serve.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The same where it can't be tried again, and the machine may stand still for a while.
const LONGEST_CHANGE: Duration = Duration::from_secs(25);

fn pair(name: &str) -> NewBroker {
    NewBroker::activemq(name).deployed(DeploymentMode::ActiveStandbyMultiAz)
}

/// A pair that scenarios do things to.
struct Pair<'a> {
    world: &'a mut World,
    id: String,
    /// Clients that send and receive all the time, by what they speak.
    clients: Vec<(&'static str, Steady)>,
    active: u8,
}

impl<'a> Pair<'a> {
    fn new(world: &'a mut World, new: &NewBroker) -> Result<Self> {
        let id = world.running(new)?;
        let clients = vec![("STOMP", Steady::begin(world, &id, "steady")?)];
        let mut new = Self { world, id, clients, active: 0 };
        new.active = new.whole("", 0)?;
        new.longest_pause()?;
        Ok(new)
    }

    /// Has clients of the failover transport too, where there is JMS.
    fn with_jms(mut self) -> Result<Self> {
        let jms = Steady::begin_jms(self.world, &self.id, "jms")?;
        self.clients.extend(jms.map(|jms| ("JMS", jms)));
        self.longest_pause()?;
        Ok(self)
    }

    /// How long any of the clients had to wait since this was last asked.
    fn longest_pause(&mut self) -> Result<Duration> {
        let mut longest = Duration::ZERO;
        for (speaking, client) in &mut self.clients {
            longest = longest.max(client.longest_pause().context(*speaking)?);
        }
        Ok(longest)
    }

    fn active(&self) -> Result<Container> {
        instance(&self.id, self.active)
    }

    fn standby(&self) -> Result<Container> {
        instance(&self.id, 3 - self.active)
    }

    fn network(&self) -> String {
        format!("brokerd-{}-{}", self.world.installation, self.id)
    }

    /// When the newest event about the instances was told, and the event.
    fn newest_event(&self) -> Result<(String, String)> {
        let path = format!("/brokerd/v1/brokers/{}/events?maxResults=5", self.id);
        let answer: Value = serde_json::from_str(&self.world.api.get(&path)?.body)?;
        // What somebody asked for meanwhile says nothing about the instances.
        let mut events = answer["events"].as_array().into_iter().flatten();
        let newest = events.find(|one| one["kind"] != "request").unwrap_or(&Value::Null);
        let text = |name: &str| newest[name].as_str().unwrap_or_default().to_owned();
        Ok((text("at"), text("message")))
    }

    /// Waits until something newer than that event is told, and one serves, another one than `not`, and the other
    /// one stands by; the one that serves.
    fn whole(&self, before: &str, not: u8) -> Result<u8> {
        let active = eventually(&format!("the pair is whole, without {not}"), TIMEOUT, || {
            let (at, message) = self.newest_event()?;
            let active = serving(&message);
            Ok(active.filter(|active| at != before && *active != not))
        })?;
        for ordinal in [1, 2] {
            ensure!(instance(&self.id, ordinal)?.running(), "instance {ordinal} does not run");
        }
        Ok(active)
    }

    /// Does something to the pair, after which the other instance serves or not, and tells how long
    /// producers had to wait.
    fn survives(
        &mut self,
        what: &str,
        moves: bool,
        disturb: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Duration> {
        // The last pass may tell of the time before it even afterwards, so what moves is asked for by its number.
        let (before, _) = self.newest_event()?;
        let not = if moves { self.active } else { 0 };
        disturb(self).with_context(|| what.to_owned())?;
        let active = self.whole(&before, not).with_context(|| what.to_owned())?;
        let pause = self.longest_pause().with_context(|| what.to_owned())?;
        machine::say(&format!("{what}: clients waited for {:.1} s", pause.as_secs_f64()));
        self.active = active;
        Ok(pause)
    }

    /// Ends the clients, and sees that nothing is lost.
    fn nothing_is_lost(self) -> Result<()> {
        for (speaking, client) in self.clients {
            client.lost_nothing(speaking)?;
        }
        Ok(())
    }
}

/// What makes the standby take over, and how it is done.
type Disturbance = (&'static str, fn(&Pair<'_>) -> Result<()>);

const DISTURBANCES: [Disturbance; 5] = [
    ("kill -9 of the active", |pair| pair.active()?.kill9()),
    ("a frozen active", |pair| docker::docker(&["pause", &pair.active()?.id]).map(drop)),
    // Its process, not its container: nothing tells of it but its silence.
    ("a hanging active", |pair| {
        docker::docker(&["kill", "--signal", "STOP", &pair.active()?.id]).map(drop)
    }),
    ("a removed active", |pair| docker::docker(&["rm", "-f", &pair.active()?.id]).map(drop)),
    ("an active cut off the network", |pair| {
        let network = pair.network();
        docker::docker(&["network", "disconnect", &network, &pair.active()?.id]).map(drop)
    }),
];

/// What the report of the pair tells of each: what is seen first, which may be that it does not answer.
const CAUSES: [&[&str]; DISTURBANCES.len()] = [
    &["ENGINE_ENDED", "ENGINE_SILENT"],
    &["ENGINE_SILENT"],
    &["ENGINE_SILENT"],
    &["ENGINE_ENDED", "CONTAINER_GONE", "ENGINE_SILENT"],
    &["ENGINE_SILENT"],
];

/// The same for what needs brokerd.
type Ours = (&'static str, fn(&mut Pair<'_>) -> Result<()>);

const OURS: [Ours; 2] = [
    ("a reboot", |pair| {
        pair.world.api.reboot(&pair.id)?;
        pair.world.api.wait_until_running(&pair.id)
    }),
    ("kill -9 of brokerd in the middle of a failover", |pair| {
        pair.active()?.kill9()?;
        pair.world.kill9()?;
        pair.world.restart()
    }),
];

#[test]
fn a_pair_is_described_as_the_service_does_and_goes_with_everything_it_had() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a pair", &[], |world| {
        let id = world.running(&pair("pair"))?;
        let broker = world.api.describe(&id)?;
        ensure!(broker.deployment_mode == Some(DeploymentMode::ActiveStandbyMultiAz), "{broker:?}");
        // The service writes what its own model spells differently.
        let storage = broker.storage_type.as_ref().map(BrokerStorageType::as_str);
        ensure!(storage == Some("efs"), "{broker:?}");
        ensure!(broker.subnet_ids().len() == 2, "{broker:?}");
        let [first, second] = broker.broker_instances() else { bail!("{broker:?}") };
        ensure!(first.endpoints().len() == 5 && second.endpoints().len() == 5, "{broker:?}");
        ensure!(first.endpoints().iter().all(|url| !second.endpoints().contains(url)));
        ensure!(first.console_url().is_some() && first.console_url() != second.console_url());

        // Both lead to the one that serves.
        let stomp = |instance: &BrokerInstance| -> Result<Messenger> {
            let mut urls = instance.endpoints().iter().filter(|url| url.starts_with("stomp+ssl"));
            let url = urls.next().context("no endpoint for STOMP")?;
            Ok(Messenger::python("stomp_.py", url.clone(), world.ca()))
        };
        let (one, two) = (stomp(first)?, stomp(second)?);
        one.send("there", "from the first")?;
        ensure!(two.receive("there")? == "from the first");
        two.send("back", "from the second")?;
        ensure!(one.receive("back")? == "from the second");

        let objects = docker::objects(&world.label())?;
        let count = |kind: &str| objects.iter().filter(|o| o.starts_with(kind)).count();
        let counts = [count("container"), count("volume"), count("network")];
        ensure!(counts == [2, 3, 1], "not two instances on one store: {objects:?}");
        world.api.delete(&id)?;
        world.api.wait_until_gone(&id)?;
        let left = docker::objects(&world.label())?;
        ensure!(left.is_empty(), "left: {left:?}");
        Ok(())
    })
}

#[test]
fn no_acknowledged_message_is_lost_whatever_happens_to_a_pair() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("failovers of a pair", LONG_LEASES, |world| {
        let mut pair = Pair::new(world, &pair("resilient"))?;
        let mut reported = failovers(&report(&pair)?)?.len();
        for ((what, disturb), causes) in DISTURBANCES.into_iter().zip(CAUSES) {
            let pause = pair.survives(what, true, |pair| disturb(pair))?;
            let report = report(&pair)?;
            let all = failovers(&report)?;
            let failover = all.get(reported).with_context(|| format!("{what}: {report}"))?;
            is_reported(failover, causes, pause).with_context(|| what.to_owned())?;
            reported = all.len();
        }
        pair.survives("kill -9 of the standby", false, |pair| pair.standby()?.kill9())?;
        pair.survives("a frozen standby", false, |pair| {
            docker::docker(&["pause", &pair.standby()?.id]).map(drop)
        })?;
        pair.survives("a standby cut off the network", false, |pair| {
            let network = pair.network();
            docker::docker(&["network", "disconnect", &network, &pair.standby()?.id]).map(drop)
        })?;
        pair.survives("kill -9 of both", false, |pair| {
            pair.active()?.kill9()?;
            pair.standby()?.kill9()
        })?;
        for (what, disturb) in OURS {
            let mut pause = pair.survives(what, true, |pair| disturb(pair))?;
            // It may be the machine that stood still: what is too long each time is the pair's.
            for _ in 0..2 {
                if pause < LONGEST_PAUSE {
                    break;
                }
                pause = pair.survives(what, true, |pair| disturb(pair))?;
            }
            ensure!(pause < LONGEST_PAUSE, "{what}: a pause of {pause:?}");
        }
        if let Some(failover) = jms(&pair)? {
            failover.round_trip("jms")?;
        }
        unwatched_time_is_not_available(&pair)?;
        inside::is_not_told(pair.world, &[&pair.id]).context("after failovers")?;
        pair.nothing_is_lost()
    })
}

fn report(pair: &Pair<'_>) -> Result<Value> {
    let path = format!("/brokerd/v1/brokers/{}/report", pair.id);
    Ok(serde_json::from_str(&pair.world.api.get(&path)?.body)?)
}

fn failovers(report: &Value) -> Result<&Vec<Value>> {
    report["failovers"].as_array().with_context(|| report.to_string())
}

/// A failover is told with its cause, and is not much longer than clients had to wait: who watches may stand still
/// when they are served already.
fn is_reported(failover: &Value, causes: &[&str], pause: Duration) -> Result<()> {
    let cause = failover["cause"].as_str().unwrap_or_default();
    ensure!(causes.contains(&cause), "{failover}");
    let seconds = failover["seconds"].as_f64().with_context(|| failover.to_string())?;
    ensure!(seconds > 0.0 && seconds < pause.as_secs_f64() + 5.0, "{pause:?}: {failover}");
    machine::say(&format!("reported as {cause}, {seconds:.3} s"));
    Ok(())
}

/// While brokerd was dead, nobody watched.
fn unwatched_time_is_not_available(pair: &Pair<'_>) -> Result<()> {
    let report = report(pair)?;
    let mut outages = report["outages"].as_array().into_iter().flatten();
    let is_unwatched = |o: &Value| o["state"] == "UNKNOWN" && o["cause"] == "UNWATCHED";
    ensure!(outages.any(is_unwatched), "{report}");
    let seconds = report["availability"]["unknownSeconds"].as_f64();
    ensure!(seconds.is_some_and(|seconds| seconds > 0.0), "{report}");
    Ok(())
}

#[test]
#[ignore = "takes more than half an hour: `make soak`"]
fn no_acknowledged_message_is_lost_in_many_failovers() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("many failovers of a pair", LONG_LEASES, |world| {
        let rounds = machine::soak_rounds()?;
        let mut pair = Pair::new(world, &pair("soaked"))?.with_jms()?;
        let mut pauses = Pauses::default();
        for _ in 0..rounds {
            for (what, disturb) in DISTURBANCES {
                pauses.push(what, pair.survives(what, true, |pair| disturb(pair))?);
            }
            for (what, disturb) in OURS {
                pauses.push(what, pair.survives(what, true, |pair| disturb(pair))?);
            }
        }
        pauses.say();
        pair.nothing_is_lost()
    })
}

/// One that is seen to be in force.
const CONFIGURED: &str = r#"<broker xmlns="http://activemq.apache.org/schema/core">
  <destinations>
    <queue physicalName="orders.prepared"/>
  </destinations>
</broker>
"#;

#[test]
fn a_pair_is_changed_and_upgraded_one_instance_at_a_time_and_survives_what_does_not_boot()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let broken = BrokenImage::new()?;
    scenario("changes of a pair", &[broken.setting()?], |world| {
        let mut pair = Pair::new(world, &pair("changing").version("5.18"))?;
        let bad = "a version that does not boot";
        let pause = pair.survives(bad, true, |pair| {
            let (api, id) = (&pair.world.api, &pair.id);
            api.update(id, |call| call.engine_version("5.19"))?;
            api.reboot(id)?;
            eventually("it is given up", TIMEOUT, || {
                let state = api.state(id)?;
                Ok((state == Some(BrokerState::CriticalActionRequired)).then_some(()))
            })?;
            api.update(id, |call| call.engine_version("5.18"))?;
            ensure!(api.state(id)? == Some(BrokerState::Running), "it is not taken back");
            Ok(())
        })?;
        ensure!(pause < LONGEST_CHANGE, "{bad}: a pause of {pause:?}");
        broken.mend()?;
        let pause = pair.survives("another configuration", true, |pair| {
            let (api, id) = (&pair.world.api, &pair.id);
            let own = api.configurations(id)?.current.context("a configuration of its own")?;
            let configured = api.revise(&own.configuration, CONFIGURED)?;
            api.configure(id, &configured)?;
            let waiting = api.configurations(id)?;
            ensure!(waiting.current == Some(own) && waiting.pending.is_some(), "{waiting:?}");
            api.reboot(id)?;
            api.wait_until_running(id)?;
            ensure!(api.configurations(id)?.current == Some(configured), "not in force");
            Ok(())
        })?;
        ensure!(pause < LONGEST_CHANGE, "another configuration: a pause of {pause:?}");
        is_configured(&pair)?;
        let before = memory(&pair)?;
        let pause = pair.survives("an upgrade to a larger instance", true, |pair| {
            let (api, id) = (&pair.world.api, &pair.id);
            api.update(id, |call| call.engine_version("5.19").host_instance_type("mq.m5.large"))?;
            api.reboot(id)?;
            api.wait_until_running(id)
        })?;
        ensure!(pause < LONGEST_CHANGE, "the upgrade: a pause of {pause:?}");
        for ordinal in [1, 2] {
            let container = instance(&pair.id, ordinal)?;
            let image = container.at("/Config/Image");
            ensure!(*image == broken.image.as_str(), "instance {ordinal} is still {image}");
        }
        let after = memory(&pair)?;
        ensure!(before.iter().zip(&after).all(|(b, a)| a > b), "{before:?} became {after:?}");
        pair.survives("kill -9 of the active", true, |pair| pair.active()?.kill9())?;
        is_configured(&pair).context("the other one")?;
        pair.nothing_is_lost()
    })
}

fn is_configured(pair: &Pair<'_>) -> Result<()> {
    let queues = clients::queues(pair.world, &pair.id)?;
    ensure!(queues.contains("orders.prepared"), "the configured queue is missing");
    Ok(())
}

/// How much memory each instance may use.
fn memory(pair: &Pair<'_>) -> Result<Vec<u64>> {
    let limit = |ordinal| {
        let bytes = instance(&pair.id, ordinal)?.at("/HostConfig/Memory").as_u64();
        bytes.context("no limit")
    };
    [1, 2].into_iter().map(limit).collect()
}

/// A JMS client that knows both addresses; none where it can't be had.
fn jms(pair: &Pair<'_>) -> Result<Option<Messenger>> {
    if clients::jms()?.is_none() {
        return Ok(None);
    }
    let broker = pair.world.api.describe(&pair.id)?;
    let endpoints = broker.broker_instances().iter().flat_map(BrokerInstance::endpoints);
    let urls: Vec<&str> =
        endpoints.map(String::as_str).filter(|url| url.starts_with("ssl://")).collect();
    let url = format!("failover:({})?timeout=20000", urls.join(","));
    Ok(Some(Messenger::jms(url, pair.world.ca())))
}
