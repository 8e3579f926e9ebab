//! Faults that a user injects into real brokers: what they do to clients, and that nothing of them is left.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use brokerd_tests::{
    Messenger, NewBroker, TIMEOUT, World,
    docker::{self, Container},
    eventually,
    faults::{ENABLED, Faults},
    retry, scenario,
};
use serde_json::json;

/// One broker and its faults.
struct Subject<'a> {
    world: &'a World,
    id: String,
    messenger: Messenger,
    queue: &'static str,
}

impl<'a> Subject<'a> {
    fn rabbitmq(world: &'a World) -> Result<Self> {
        let id = world.running(&NewBroker::rabbitmq("disturbed"))?;
        let messenger = world.messenger("amqp091.py", &id, "amqps")?;
        Ok(Self { world, id, messenger, queue: "orders" })
    }

    fn activemq(world: &'a World) -> Result<Self> {
        let id = world.running(&NewBroker::activemq("disturbed"))?;
        let messenger = world.messenger("amqp10.py", &id, "amqp+ssl")?;
        Ok(Self { world, id, messenger, queue: "orders" })
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(&self.world.api, &self.id)
    }

    fn container(&self) -> Result<Container> {
        docker::container_of(&self.id)
    }

    /// The container, once it is as wanted.
    fn until(&self, what: &str, wanted: impl Fn(&Container) -> Result<bool>) -> Result<Container> {
        eventually(what, TIMEOUT, || {
            let container = self.container()?;
            Ok(wanted(&container)?.then_some(container))
        })
    }

    fn keep(&self, body: &str) -> Result<()> {
        self.messenger.send(self.queue, body)?;
        docker::remembers_queue(&self.id, self.queue)
    }

    /// The message is still there, for a client that knows the address it always knew.
    fn has_kept(&self, body: &str) -> Result<()> {
        let back =
            retry("the message is received", TIMEOUT, || self.messenger.receive(self.queue))?;
        ensure!(back == body, "{back:?} instead of {body:?}");
        Ok(())
    }

    fn told(&self, part: &str) -> Result<()> {
        eventually(&format!("the events tell of {part:?}"), TIMEOUT, || {
            let events = self.world.api.events(&self.id)?;
            Ok(events.iter().any(|(_, message)| message.contains(part)).then_some(()))
        })
    }

    /// How long the engine takes to answer a ClientHello that ends too early, which the gateway does not look into.
    fn answer_takes(&self) -> Result<Duration> {
        let url = self.world.api.endpoint(&self.id, "amqps")?;
        let address = url.split("://").nth(1).context("no address")?.trim_end_matches('/');
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let begun = Instant::now();
        stream.write_all(b"\x16\x03\x01\0\x0a\x01\0\0\x06\x03\x03none")?;
        // An alert or the end of the connection: either comes from the engine.
        let _ = stream.read(&mut [0; 64]);
        Ok(begun.elapsed())
    }
}

fn is_paused(container: &Container) -> bool {
    container.at("/State/Paused") == &json!(true)
}

fn is_cut_off(container: &Container) -> bool {
    container.at("/NetworkSettings/Networks") == &json!({})
}

fn a_killed_engine_comes_back(subject: &Subject<'_>) -> Result<()> {
    subject.keep("kept through a kill")?;
    let before = subject.container()?;
    let described = subject.world.api.describe_raw(&subject.id)?;
    let fault = subject.faults().inject(&json!({"kind": "KILL"}))?;
    subject.faults().until_state(&fault, "ENDED")?;
    let started = before.started()?;
    let after = subject
        .until("the engine was started again", |c| Ok(c.running() && c.started()? != started))?;
    ensure!(after.id == before.id, "another container");
    subject.has_kept("kept through a kill")?;
    ensure!(subject.world.api.describe_raw(&subject.id)? == described, "another endpoint");
    ensure!(subject.container()?.started()? == after.started()?, "killed more than once");
    subject.told("ended: killed")
}

fn a_short_pause_is_a_moment_of_silence(subject: &Subject<'_>) -> Result<()> {
    let before = subject.container()?;
    let fault = subject.faults().inject(&json!({"kind": "PAUSE", "durationSeconds": 8}))?;
    subject.until("the container is paused", |c| Ok(is_paused(c)))?;
    subject.faults().until_state(&fault, "ENDED")?;
    let after = subject.container()?;
    ensure!(!is_paused(&after) && after.started()? == before.started()?, "it was restarted");
    subject.messenger.round_trip(subject.queue)
}

fn a_long_pause_ends_with_a_restart_by_brokerd(subject: &Subject<'_>) -> Result<()> {
    subject.keep("kept through a pause")?;
    let started = subject.container()?.started()?;
    let fault = subject.faults().inject(&json!({"kind": "PAUSE", "durationSeconds": 900}))?;
    subject.until("the container is paused", |c| Ok(is_paused(c)))?;
    let after = subject.until("brokerd has restarted it", |c| {
        Ok(c.running() && !is_paused(c) && c.started()? != started)
    })?;
    subject.has_kept("kept through a pause")?;
    ensure!(
        subject.faults().state(&fault)? == "ACTIVE",
        "it recovered before the end of the fault"
    );
    subject.faults().heal(&fault)?;
    subject.faults().until_state(&fault, "ENDED")?;
    ensure!(subject.container()?.started()? == after.started()?, "healing restarted it");
    subject.messenger.round_trip(subject.queue)
}

fn an_isolated_engine_is_out_of_reach_until_it_is_healed(subject: &Subject<'_>) -> Result<()> {
    subject.keep("kept in isolation")?;
    let before = subject.container()?;
    let fault = subject
        .faults()
        .inject(&json!({"kind": "ISOLATE", "instance": 1, "durationSeconds": 900}))?;
    subject.until("its network is cut", |c| Ok(is_cut_off(c)))?;
    subject.told("instance 1 is isolated by fault f-")?;
    subject.faults().heal(&fault)?;
    subject.faults().until_state(&fault, "ENDED")?;
    let after = subject.container()?;
    ensure!(!is_cut_off(&after) && after.started()? == before.started()?, "it was restarted");
    subject.has_kept("kept in isolation")
}

fn a_zone_outage_keeps_it_down(subject: &Subject<'_>) -> Result<()> {
    subject.keep("kept through an outage")?;
    let body = json!({"kind": "ZONE_OUTAGE", "zone": "us-east-1a", "durationSeconds": 900});
    let fault = subject.faults().inject(&body)?;
    let down = subject.until("the engine is down", |c| Ok(!c.running()))?;
    let ended = down.at("/State/FinishedAt").clone();
    docker::docker(&["start", &down.id])?;
    subject.until("whoever starts it, it is killed again", |c| {
        Ok(!c.running() && c.at("/State/FinishedAt") != &ended)
    })?;
    subject.told("instance 1 is held down by fault f-")?;
    subject.faults().heal(&fault)?;
    subject.until("the engine is back", |c| Ok(c.running()))?;
    subject.faults().until_state(&fault, "ENDED")?;
    subject.has_kept("kept through an outage")
}

fn latency_is_felt_until_it_is_healed(subject: &Subject<'_>) -> Result<()> {
    let (second, both_ways) = (Duration::from_secs(1), Duration::from_secs(2));
    let prompt = |what: &str| {
        eventually(what, TIMEOUT, || Ok((subject.answer_takes()? < second).then_some(())))
    };
    prompt("the engine answers promptly")?;
    let body = json!({"kind": "LATENCY", "latencyMilliseconds": 1000, "durationSeconds": 900});
    let fault = subject.faults().inject(&body)?;
    eventually("answers are late", TIMEOUT, || {
        Ok((subject.answer_takes()? >= both_ways).then_some(()))
    })?;
    ensure!(subject.faults().state(&fault)? == "ACTIVE");
    subject.faults().heal(&fault)?;
    subject.faults().until_state(&fault, "ENDED")?;
    prompt("the engine answers promptly again")?;
    subject.messenger.round_trip(subject.queue)
}

#[test]
fn a_rabbitmq_broker_takes_every_fault_and_recovers() -> Result<()> {
    scenario("faults of RabbitMQ", &[ENABLED], |world| {
        let subject = Subject::rabbitmq(world)?;
        a_killed_engine_comes_back(&subject).context("kill")?;
        a_short_pause_is_a_moment_of_silence(&subject).context("short pause")?;
        a_long_pause_ends_with_a_restart_by_brokerd(&subject).context("long pause")?;
        an_isolated_engine_is_out_of_reach_until_it_is_healed(&subject).context("isolation")?;
        latency_is_felt_until_it_is_healed(&subject).context("latency")?;
        a_zone_outage_keeps_it_down(&subject).context("zone outage")
    })
}

#[test]
fn an_activemq_broker_takes_faults_and_recovers() -> Result<()> {
    scenario("faults of ActiveMQ", &[ENABLED], |world| {
        let subject = Subject::activemq(world)?;
        a_killed_engine_comes_back(&subject).context("kill")?;
        an_isolated_engine_is_out_of_reach_until_it_is_healed(&subject).context("isolation")?;
        let refused = subject.faults().ask(&json!({"kind": "FAILOVER"}))?;
        ensure!(refused.status == 400 && refused.body.contains("has no standby"), "{refused:?}");
        a_zone_outage_keeps_it_down(&subject).context("zone outage")
    })
}

#[test]
fn a_fault_that_expired_while_brokerd_was_down_ends_when_it_is_back() -> Result<()> {
    scenario("brokerd dies during a fault", &[ENABLED], |world| {
        let subject = Subject::rabbitmq(world)?;
        let (id, messenger) = (subject.id.clone(), subject.messenger.clone());
        let before = subject.container()?;
        // Long enough to be killed meanwhile; silence for 20 seconds that brokerd noticed would end with a restart.
        let fault = subject.faults().inject(&json!({"kind": "PAUSE", "durationSeconds": 12}))?;
        let begun = Instant::now();
        subject.until("the container is paused", |c| Ok(is_paused(c)))?;
        world.kill9()?;
        eventually("the fault's time is over", TIMEOUT, || {
            Ok((begun.elapsed() > Duration::from_secs(13)).then_some(()))
        })?;
        ensure!(is_paused(&docker::container_of(&id)?), "nobody was there to heal it");
        world.restart()?;
        let subject = Subject { world, id, messenger, queue: "orders" };
        subject.faults().until_state(&fault, "ENDED")?;
        let after = subject.container()?;
        ensure!(!is_paused(&after) && after.started()? == before.started()?, "it was restarted");
        subject.messenger.round_trip(subject.queue)
    })
}

#[test]
fn faults_are_refused_unless_the_operator_permits_them() -> Result<()> {
    scenario("faults are disabled", &[], |world| {
        let id = "b-00000000-0000-4000-8000-000000000000";
        let answer = Faults::of(&world.api, id).ask(&json!({"kind": "KILL"}))?;
        ensure!(answer.status == 403, "{answer:?}");
        let exception = answer.header("x-amzn-errortype").context("no exception")?;
        ensure!(exception == "ForbiddenException", "{exception}");
        ensure!(answer.body.contains("faults.enabled"), "{answer:?}");
        Ok(())
    })
}
