//! RabbitMQ clusters: three nodes behind one endpoint, which lose nothing that they confirmed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode};
use brokerd_tests::{
    Defaults, LONG_LEASES, Management, NewBroker, PASSWORD, Pauses, USER, WITNESSES, World,
    changes::References,
    clients::{self, Load},
    docker::{self, Container, instance_of as node},
    eventually, machine, metrics_pages, scenario,
};
use serde_json::{Value, json};

/// How long three nodes may take on two processors.
const TIMEOUT: Duration = Duration::from_secs(180);

/// How long clients may be without service while the nodes are rebooted one after the other.
const LONGEST_GAP: Duration = Duration::from_secs(10);

const NODES: [u8; 3] = [1, 2, 3];

/// The queue that the load is on.
const QUEUE: &str = "load";

#[test]
fn a_cluster_loses_no_confirmed_message_whatever_becomes_of_its_nodes() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a RabbitMQ cluster and its nodes", LONG_LEASES, |world| {
        let id = created(world, "4.3")?;
        it_looks_like_the_service_s(world, &id).context("DescribeBroker")?;
        let load = Load::begin(world, &id, QUEUE, 50)?;
        load.wait_until_served(TIMEOUT)?;
        it_has_the_default_policies(world, &id).context("policies")?;

        let cluster = Cluster { world, id: &id, load: &load };
        cluster.survives("one node killed", || node(&id, 1)?.kill9())?;
        cluster.survives("one container removed", || remove(&id, 2))?;
        cluster.survives("one node frozen", || freeze(&id, 1))?;
        cluster.survives("one node cut off", || cut(&id, 3))?;
        cluster.survives("two nodes killed", || {
            node(&id, 1)?.kill9()?;
            node(&id, 3)?.kill9()
        })?;
        cluster.survives("all nodes killed", || {
            NODES.iter().try_for_each(|ordinal| node(&id, *ordinal)?.kill9())
        })?;
        cluster.is_served_through_a_reboot()?;
        nothing_is_lost(load)
    })
}

/// Every way to lose a node, or all but one.
type Loss = (&'static str, fn(&str, u8) -> Result<()>);

const LOSSES: [Loss; 5] = [
    ("one node killed", |id, ordinal| node(id, ordinal)?.kill9()),
    ("one container removed", remove),
    ("one node frozen", freeze),
    ("one node cut off", cut),
    ("two nodes killed", |id, spared| {
        NODES.iter().filter(|n| **n != spared).try_for_each(|n| node(id, *n)?.kill9())
    }),
];

#[test]
#[ignore = "takes more than half an hour: `make soak`"]
fn no_confirmed_message_is_lost_in_many_losses_of_nodes() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let rounds = machine::soak_rounds()?;
    scenario("many losses of a cluster's nodes", LONG_LEASES, |world| {
        let id = created(world, "4.3")?;
        let load = Load::begin(world, &id, QUEUE, 50)?;
        load.wait_until_served(TIMEOUT)?;
        let cluster = Cluster { world, id: &id, load: &load };
        let mut pauses = Pauses::default();
        // Five ways and three nodes: each node is lost in each way in turn.
        let mut ordinals = NODES.into_iter().cycle();
        for (what, lose) in LOSSES.iter().cycle().take(rounds * LOSSES.len()) {
            let ordinal = ordinals.next().context("a node")?;
            pauses.push(what, cluster.survives(what, || lose(&id, ordinal))?);
        }
        pauses.say();
        nothing_is_lost(load)
    })
}

#[test]
fn brokerd_killed_in_the_middle_of_a_rolling_reboot_finishes_it() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("kill brokerd in the middle of a rolling reboot", LONG_LEASES, |world| {
        let id = created(world, "4.3")?;
        let load = Load::begin(world, &id, QUEUE, 50)?;
        load.wait_until_served(TIMEOUT)?;
        let before = all_ids(&id)?;
        world.api.reboot(&id)?;
        eventually("the first node is made anew", TIMEOUT, || {
            Ok(node(&id, 1).ok().filter(|n| n.id != before[0] && n.running()).map(drop))
        })?;
        world.kill9()?;
        ensure!(all_ids(&id)?[1..] == before[1..], "more than one node was stopped");
        world.restart()?;
        rebooted(world, &id, &before)?;
        load.wait_until_served(TIMEOUT)?;
        nothing_is_lost(load)
    })
}

#[test]
fn a_cluster_is_changed_node_by_node_while_clients_are_served() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("changes of a RabbitMQ cluster", &[], |world| {
        let id = created(world, "4.3")?;
        let load = Load::begin(world, &id, QUEUE, 50)?;
        load.wait_until_served(TIMEOUT)?;
        let (api, cluster) = (&world.api, Cluster { world, id: &id, load: &load });

        let own = api.configurations(&id)?.current.context("a configuration of its own")?;
        let limit = api.revise(&own.configuration, "max_message_size = 5000\n")?;
        cluster.is_changed("another configuration", || api.configure(&id, &limit))?;
        let references =
            References { current: Some(limit.clone()), pending: None, history: vec![own] };
        ensure!(api.configurations(&id)? == references, "{:?}", api.configurations(&id)?);
        for ordinal in NODES {
            let asked = "application:get_env(rabbit, max_message_size).";
            let told =
                docker::docker(&["exec", &node(&id, ordinal)?.id, "rabbitmqctl", "eval", asked])?;
            ensure!(told.trim() == "{ok,5000}", "node {ordinal}: {told}");
        }

        let before = memory(&id)?;
        cluster.is_changed("a larger instance type", || {
            api.update(&id, |call| call.host_instance_type("mq.m7g.large"))?;
            let waiting = api.describe(&id)?;
            ensure!(waiting.host_instance_type.as_deref() == Some("mq.m7g.medium"), "{waiting:?}");
            let pending = waiting.pending_host_instance_type.as_deref();
            ensure!(pending == Some("mq.m7g.large"), "{waiting:?}");
            Ok(())
        })?;
        let after = api.describe(&id)?;
        ensure!(after.host_instance_type.as_deref() == Some("mq.m7g.large"), "{after:?}");
        ensure!(after.pending_host_instance_type.is_none(), "{after:?}");
        let twice: Vec<u64> = before.iter().map(|bytes| 2 * bytes).collect();
        ensure!(memory(&id)? == twice, "{before:?} became {:?}", memory(&id)?);
        ensure!(api.configurations(&id)?.current == Some(limit), "the configuration is another");
        nothing_is_lost(load)
    })
}

#[test]
fn a_cluster_of_3_10_gets_over_a_partition() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a RabbitMQ 3.10 cluster", &[LONG_LEASES, &[WITNESSES]].concat(), |world| {
        let id = created(world, "3.10")?;
        let load = Load::begin(world, &id, QUEUE, 50)?;
        load.wait_until_served(TIMEOUT)?;
        let cluster = Cluster { world, id: &id, load: &load };
        cluster.survives("a partition", || part(world, &id, 2))?;
        who_was_restarted(world, &id)?;
        nothing_is_lost(load)
    })
}

#[test]
fn a_cluster_of_4_0_gets_over_a_partition_and_is_upgraded() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a RabbitMQ 4.0 cluster", &[LONG_LEASES, &[WITNESSES]].concat(), |world| {
        let id = created(world, "4.0")?;
        let load = Load::begin(world, &id, QUEUE, 50)?;
        load.wait_until_served(TIMEOUT)?;
        let cluster = Cluster { world, id: &id, load: &load };
        cluster.survives("one node killed", || node(&id, 1)?.kill9())?;
        cluster.survives("a partition", || part(world, &id, 2))?;
        who_was_restarted(world, &id)?;

        let before = all_ids(&id)?;
        let began = Instant::now();
        world.api.update(&id, |call| call.engine_version("4.3"))?;
        world.api.reboot(&id)?;
        rebooted(world, &id, &before)?;
        machine::say(&format!("upgraded in {:.1?}", began.elapsed()));
        let version = world.api.describe(&id)?.engine_version;
        ensure!(version.as_deref() == Some("4.3"), "{version:?}");
        load.wait_until_served(TIMEOUT)?;
        nothing_is_lost(load)
    })
}

fn created(world: &World, version: &str) -> Result<String> {
    let new =
        NewBroker::rabbitmq("orders").version(version).deployed(DeploymentMode::ClusterMultiAz);
    let began = Instant::now();
    let id = world.api.create(&new)?;
    runs(world, &id)?;
    machine::say(&format!("a cluster of {version} ran after {:.1?}", began.elapsed()));
    let nodes = Management::running_nodes(world, &id)?;
    ensure!(nodes == 3, "RUNNING with {nodes} nodes");
    Defaults::of(version, &new.mode).hold(world, &id).context("defaults")?;
    Ok(id)
}

fn runs(world: &World, id: &str) -> Result<()> {
    eventually("the cluster runs", TIMEOUT, || match world.api.state(id)? {
        Some(BrokerState::Running) => Ok(Some(())),
        Some(BrokerState::CreationInProgress | BrokerState::RebootInProgress) => Ok(None),
        other => anyhow::bail!("{other:?}: {:?}", world.api.events(id)?),
    })
}

fn it_looks_like_the_service_s(world: &World, id: &str) -> Result<()> {
    let broker: Value = serde_json::from_str(&world.api.describe_raw(id)?)?;
    ensure!(broker["deploymentMode"] == "CLUSTER_MULTI_AZ", "{broker}");
    let subnets = broker["subnetIds"].as_array().map(Vec::len);
    ensure!(subnets == Some(3), "subnets: {subnets:?}");
    // Whatever its nodes, it is one instance with one endpoint for messages, and a metrics page per node.
    let instances = broker["brokerInstances"].as_array().context("instances")?;
    ensure!(instances.len() == 1, "{broker}");
    let endpoints = instances[0]["endpoints"].as_array().context("endpoints")?;
    ensure!(endpoints.len() == 1 + NODES.len(), "{broker}");
    metrics_pages::hold(world, id, &NODES).context("metrics pages")
}

fn it_has_the_default_policies(world: &World, id: &str) -> Result<()> {
    let management = Management::of(world, id, USER, PASSWORD)?;
    let policies = management.get("policies/%2F")?;
    let definition = json!({ "max-length": 500_000, "overflow": "reject-publish" });
    let named = |name: &str| policies.as_array()?.iter().find(|policy| policy["name"] == name);
    let quorum = named("AWS-DEFAULT-QUORUM-QUEUES-POLICY-CLUSTER-MULTI-AZ").context("quorum")?;
    ensure!(
        quorum["definition"] == definition && quorum["apply-to"] == "quorum_queues",
        "{quorum}"
    );
    let classic = named("AWS-DEFAULT-POLICY-CLUSTER").context("classic")?;
    ensure!(classic["definition"]["queue-mode"] == "lazy", "{classic}");
    // What does not say is a quorum queue with a member on every node.
    eventually("the queue is known with its policy", TIMEOUT, || {
        let queue = management.get(&format!("queues/%2F/{QUEUE}"))?;
        ensure!(queue["type"] == "quorum", "{queue}");
        ensure!(queue["members"].as_array().map(Vec::len) == Some(3), "{queue}");
        Ok((queue["policy"] == quorum["name"]).then_some(()))
    })
}

fn all_ids(id: &str) -> Result<Vec<String>> {
    NODES.iter().map(|ordinal| Ok(node(id, *ordinal)?.id)).collect()
}

/// How much memory each node may use.
fn memory(id: &str) -> Result<Vec<u64>> {
    let limit =
        |ordinal: &u8| node(id, *ordinal)?.at("/HostConfig/Memory").as_u64().context("none");
    NODES.iter().map(limit).collect()
}

fn alive(id: &str) -> Result<usize> {
    let nodes = NODES.iter().filter_map(|ordinal| node(id, *ordinal).ok());
    Ok(nodes.filter(Container::running).count())
}

fn remove(id: &str, ordinal: u8) -> Result<()> {
    docker::docker(&["rm", "-f", &node(id, ordinal)?.id]).map(drop)
}

fn freeze(id: &str, ordinal: u8) -> Result<()> {
    docker::docker(&["pause", &node(id, ordinal)?.id]).map(drop)
}

/// Takes a node out of the broker's network.
fn cut(id: &str, ordinal: u8) -> Result<()> {
    let node = node(id, ordinal)?;
    let networks = node.at("/NetworkSettings/Networks").as_object().context("networks")?;
    let network = networks.keys().next().context("a network")?;
    docker::docker(&["network", "disconnect", network, &node.id]).map(drop)
}

/// Takes a node out of the broker's network until the others miss it, and puts it back.
fn part(world: &World, id: &str, ordinal: u8) -> Result<()> {
    cut(id, ordinal)?;
    eventually("the others miss it", TIMEOUT, || {
        Ok((Management::running_nodes(world, id)? == 2).then_some(()))
    })?;
    let (node, name) = (node(id, ordinal)?, format!("{id}-{ordinal}"));
    let network = format!("brokerd-{}-{id}", world.installation);
    // Whoever is quicker: brokerd brings it back too.
    let _ = docker::docker(&["network", "connect", "--alias", &name, &network, &node.id]);
    Ok(())
}

fn who_was_restarted(world: &World, id: &str) -> Result<()> {
    let events = world.api.events(id)?;
    let restarted = events.iter().any(|(_, what)| what.contains("is parted from the others"));
    machine::say(&format!("restarted because it stayed parted: {restarted}"));
    Ok(())
}

fn nothing_is_lost(load: Load) -> Result<()> {
    let delivered = load.finish()?;
    machine::say(&format!("{delivered:?}"));
    ensure!(delivered.lost.is_empty(), "{delivered:?}");
    ensure!(delivered.confirmed > 20, "hardly anything was published: {delivered:?}");
    Ok(())
}

/// Waits until every node was made anew.
fn rebooted(world: &World, id: &str, before: &[String]) -> Result<()> {
    runs(world, id)?;
    let after = all_ids(id)?;
    ensure!(before.iter().all(|node| !after.contains(node)), "{before:?} became {after:?}");
    eventually("all nodes run", TIMEOUT, || {
        Ok((Management::running_nodes(world, id)? == 3).then_some(()))
    })
}

struct Cluster<'a> {
    world: &'a World,
    id: &'a str,
    load: &'a Load,
}

impl Cluster<'_> {
    /// Whatever is done to it, clients are served again and all nodes come back; how long nothing was
    /// confirmed meanwhile.
    fn survives(&self, what: &str, harm: impl FnOnce() -> Result<()>) -> Result<Duration> {
        self.load.take_longest_gap();
        let began = Instant::now();
        harm().context(what.to_owned())?;
        self.load.wait_until_served(TIMEOUT).context(what.to_owned())?;
        let served = began.elapsed();
        eventually(&format!("all nodes are back after: {what}"), TIMEOUT, || {
            let whole =
                alive(self.id)? == 3 && Management::running_nodes(self.world, self.id)? == 3;
            Ok(whole.then_some(()))
        })?;
        let whole = began.elapsed();
        self.load.wait_until_served(TIMEOUT).context(what.to_owned())?;
        let gap = self.load.take_longest_gap();
        machine::say(&format!(
            "{what}: served after {served:.1?}, whole after {whole:.1?}, longest gap {gap:.1?}"
        ));
        let state = self.world.api.state(self.id)?;
        ensure!(state == Some(BrokerState::Running), "{what}: {state:?}");
        Ok(gap)
    }

    /// What is asked for waits for a reboot, which brings it to one node after the other.
    fn is_changed(&self, what: &str, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = all_ids(self.id)?;
        ask().context(what.to_owned())?;
        let state = self.world.api.state(self.id)?;
        ensure!(state == Some(BrokerState::Running), "{what}: {state:?} before the reboot");
        ensure!(all_ids(self.id)? == before, "{what}: in force before the reboot");
        self.is_served_through_a_reboot().context(what.to_owned())?;
        self.load.wait_until_served(TIMEOUT).context(what.to_owned())
    }

    /// It is rebooted, and clients are never without service for long. A gap may be the machine's, which stands still
    /// now and then: one that is too long is the cluster's if it is so each time.
    fn is_served_through_a_reboot(&self) -> Result<()> {
        let mut gap = self.is_rebooted_node_by_node()?;
        for _ in 0..2 {
            if gap < LONGEST_GAP {
                break;
            }
            self.load.wait_until_served(TIMEOUT)?;
            gap = self.is_rebooted_node_by_node()?;
        }
        ensure!(gap < LONGEST_GAP, "nobody was served for {gap:?} of the reboot");
        Ok(())
    }

    /// A reboot never stops more than one node; the longest time without service.
    fn is_rebooted_node_by_node(&self) -> Result<Duration> {
        let before = all_ids(self.id)?;
        self.load.take_longest_gap();
        let began = Instant::now();
        self.world.api.reboot(self.id)?;
        eventually("the cluster is rebooted", TIMEOUT, || {
            let alive = alive(self.id)?;
            ensure!(alive >= 2, "only {alive} nodes run during a reboot");
            Ok((self.world.api.state(self.id)? == Some(BrokerState::Running)).then_some(()))
        })?;
        let gap = self.load.take_longest_gap();
        machine::say(&format!("rebooted in {:.1?}, longest gap {gap:.1?}", began.elapsed()));
        rebooted(self.world, self.id, &before)?;
        Ok(gap)
    }
}
