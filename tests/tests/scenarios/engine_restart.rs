//! Brokers outlive a restart of the Docker engine and one of the whole host: nobody has to do anything for
//! them to come back as they were, with every message that they had acknowledged.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode};
use brokerd_tests::{
    LONG_LEASES, Messenger, NewBroker, World,
    checkout::Checkout,
    clients,
    docker::{self, Container},
    engine::Engine,
    eventually, http, machine, retry, scenario_with_database,
};

/// How long seven engines may take on two processors.
const TIMEOUT: Duration = Duration::from_secs(180);

/// Where messages are that have to stay.
const QUEUE: &str = "kept";

/// What a pass says when every endpoint of a single instance answers, and when all nodes of a cluster do.
const READY: &str = "every endpoint answers";
const CLUSTER: &str = "all 3 nodes serve";

#[test]
fn brokers_come_back_by_themselves_when_the_engine_or_the_host_is_restarted() -> Result<()> {
    let pair = NewBroker::activemq("pair").deployed(DeploymentMode::ActiveStandbyMultiAz);
    let cluster = NewBroker::rabbitmq("cluster").version("4.3");
    let cluster = cluster.deployed(DeploymentMode::ClusterMultiAz);
    come_back(&[
        Kind { new: NewBroker::rabbitmq("rabbit"), client: RABBITMQ, whole: READY },
        Kind { new: NewBroker::activemq("active"), client: ACTIVEMQ, whole: READY },
        Kind { new: pair, client: ACTIVEMQ, whole: "serves, the other one stands by" },
        Kind { new: cluster, client: RABBITMQ, whole: CLUSTER },
    ])
}

/// A client's program and the scheme of its endpoint.
type Client = (&'static str, &'static str);

const RABBITMQ: Client = ("amqp091.py", "amqps");
const ACTIVEMQ: Client = ("stomp_.py", "stomp+ssl");

/// What to create, who speaks to it, and what a pass says when it is as it should be.
struct Kind {
    new: NewBroker,
    client: Client,
    whole: &'static str,
}

fn come_back(kinds: &[Kind]) -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario_with_database("restart the engine and the host", LONG_LEASES, |world| {
        let brokers = Broker::all(world, kinds)?;
        let engine = Engine::to_restart("that brokers outlive a restart of the Docker engine");
        let Some(mut engine) = engine else {
            return survives(world, &brokers, "everything killed at once", |world| {
                let everything = everything(world)?;
                let ids = everything.iter().map(|container| container.id.as_str());
                world.kill9()?;
                docker::docker(&["kill"].into_iter().chain(ids).collect::<Vec<_>>())?;
                let began = Instant::now();
                docker::docker(&["start", &world.database_container()?.id])?;
                world.wait_for_databases()?;
                world.restart()?;
                Ok(began)
            });
        };
        // One whose database Docker may leave ended, because it was stopped before.
        let installation = Checkout::new()?;
        for what in ["up", "down", "up"] {
            installation.make(what)?;
        }
        survives(world, &brokers, "a restart of the engine", |world| {
            engine.kill9(&[])?;
            engine.start()?;
            let began = Instant::now();
            world.wait_for_databases()?;
            Ok(began)
        })?;
        eventually("an installation that was down before serves again", TIMEOUT, || {
            let ready = http::get(&installation.address(), "/health/ready");
            Ok(ready.is_ok_and(|answer| answer.status == 200).then_some(()))
        })?;
        drop(installation);
        survives(world, &brokers, "a restart of the host", |world| {
            let everything = everything(world)?;
            world.kill9()?;
            engine.kill9(&everything)?;
            engine.start()?;
            let began = Instant::now();
            world.wait_for_databases()?;
            world.restart()?;
            Ok(began)
        })
    })
}

/// A broker, and what must not change of it.
struct Broker {
    id: String,
    name: String,
    whole: &'static str,
    messenger: Messenger,
    described: String,
}

impl Broker {
    /// One of each kind, all of them running.
    fn all(world: &World, kinds: &[Kind]) -> Result<Vec<Self>> {
        let began = Instant::now();
        let ids =
            kinds.iter().map(|kind| world.api.create(&kind.new)).collect::<Result<Vec<_>>>()?;
        let mut all = Vec::new();
        for (kind, id) in kinds.iter().zip(ids) {
            let name = kind.new.name.clone();
            let what = format!("{name} runs");
            eventually(&what, TIMEOUT, || match world.api.state(&id)? {
                Some(BrokerState::Running) => Ok(Some(())),
                Some(BrokerState::CreationInProgress) => Ok(None),
                other => anyhow::bail!("{other:?}: {:?}", world.api.events(&id)?),
            })?;
            let (script, scheme) = kind.client;
            let messenger = world.messenger(script, &id, scheme)?;
            let described = world.api.describe_raw(&id)?;
            all.push(Self { id, name, whole: kind.whole, messenger, described });
        }
        machine::say(&format!("all brokers ran after {:.1?}", began.elapsed()));
        all.iter().try_for_each(|broker| broker.is_whole(world))?;
        Ok(all)
    }

    /// Waits until all of its instances are as they should be.
    fn is_whole(&self, world: &World) -> Result<()> {
        let what = format!("{} is whole", self.name);
        eventually(&what, TIMEOUT, || {
            let running = self.containers()?.iter().all(Container::running);
            let newest = world.api.events(&self.id)?.into_iter().next();
            let whole = newest.is_some_and(|(_, message)| message.contains(self.whole));
            Ok((running && whole).then_some(()))
        })
    }

    fn containers(&self) -> Result<Vec<Container>> {
        let all = docker::containers(&format!("brokerd.broker={}", self.id))?;
        all.iter().map(|container| docker::inspect(container)).collect()
    }

    /// Sends two messages, which the broker acknowledges.
    fn is_given_messages(&self, round: &str) -> Result<()> {
        (1..=2).try_for_each(|number| self.messenger.send(QUEUE, &format!("{round}: {number}")))?;
        docker::remembers_queue(&self.id, QUEUE)
    }

    /// Both are there, once; since when.
    fn has_its_messages(&self, round: &str) -> Result<Instant> {
        let body = retry("a message is there", TIMEOUT, || self.messenger.receive(QUEUE))?;
        let served = Instant::now();
        ensure!(body == format!("{round}: 1"), "{body:?}");
        self.receives(&format!("{round}: 2"))?;
        self.messenger.send(QUEUE, round)?;
        self.receives(round)?;
        Ok(served)
    }

    fn receives(&self, expected: &str) -> Result<()> {
        let body = self.messenger.receive(QUEUE)?;
        ensure!(body == expected, "received {body:?} instead of {expected:?}");
        Ok(())
    }
}

/// All containers of a world.
fn everything(world: &World) -> Result<Vec<Container>> {
    let mut all = docker::containers(&world.label())?
        .iter()
        .map(|container| docker::inspect(container))
        .collect::<Result<Vec<_>>>()?;
    all.push(world.database_container()?);
    Ok(all)
}

/// Its containers, volumes and networks.
fn objects_of(world: &World) -> Result<BTreeSet<String>> {
    Ok(docker::objects(&world.label())?.into_iter().collect())
}

/// Whatever is done to all brokers, they are there again as they were; `disturb` gives back since when they
/// could be.
fn survives(
    world: &mut World,
    brokers: &[Broker],
    what: &str,
    disturb: impl FnOnce(&mut World) -> Result<Instant>,
) -> Result<()> {
    for broker in brokers {
        broker.is_given_messages(what).with_context(|| broker.name.clone())?;
    }
    let objects = objects_of(world)?;
    let before = brokers
        .iter()
        .map(|broker| Ok(world.api.events(&broker.id)?.len()))
        .collect::<Result<Vec<_>>>()?;
    let began = disturb(world).with_context(|| what.to_owned())?;
    let served = thread::scope(|scope| {
        let looks = brokers.iter().map(|broker| {
            let looking = scope.spawn(|| broker.has_its_messages(what));
            (broker.name.as_str(), looking)
        });
        let looks: Vec<_> = looks.collect();
        let seen = looks.into_iter().map(|(name, looking)| {
            let served = looking.join().map_err(|_| anyhow::anyhow!("{name}: a panic"))?;
            Ok(format!(
                "{name} {:.1?}",
                served.with_context(|| name.to_owned())?.duration_since(began)
            ))
        });
        seen.collect::<Result<Vec<_>>>()
    })
    .with_context(|| what.to_owned())?;
    for (broker, before) in brokers.iter().zip(before) {
        broker.is_whole(world).with_context(|| what.to_owned())?;
        let described = world.api.describe_raw(&broker.id)?;
        ensure!(described == broker.described, "{what}: {} is described otherwise", broker.name);
        let events = world.api.events(&broker.id)?;
        let since = &events[..events.len() - before];
        // All that ended is started in one go, and nothing else is done.
        let started = |message: &str| message.matches("starting it again").count();
        let starts: Vec<usize> =
            since.iter().map(|(_, said)| started(said)).filter(|count| *count > 0).collect();
        ensure!(starts == [broker.containers()?.len()], "{what}: {}: {since:#?}", broker.name);
        let harm = ["creating", "replacing", "restarting", "killing"];
        let harmed = since.iter().any(|(_, said)| harm.iter().any(|word| said.contains(word)));
        ensure!(!harmed, "{what}: {}: {since:#?}", broker.name);
    }
    machine::say(&format!(
        "{what}: served after {}; whole after {:.1?}",
        served.join(", "),
        began.elapsed()
    ));
    let left = objects_of(world)?;
    ensure!(left == objects, "{what}: {objects:?} became {left:?}");
    Ok(())
}
