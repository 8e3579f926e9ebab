//! From broker to broker, and what of a broker's inside is seen from the outside: with the default
//! configuration, at the addresses that DescribeBroker tells.

mod neighbour;
mod outgoing;

use std::thread;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::EngineType;
use brokerd_tests::{
    NewBroker, PASSWORD, TIMEOUT, USER, World, clients, docker, eventually,
    faults::{self, Faults},
    inside,
    management::Management,
    scenario,
};
use serde_json::{Value, json};

use neighbour::Neighbour;

#[test]
fn rabbitmq_brokers_reach_each_other_where_clients_do_and_lost_links_are_events() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("links of RabbitMQ brokers", &[], |world| {
        let [near, far] = ["near", "far"].map(|name| world.api.create(&NewBroker::rabbitmq(name)));
        let (near, far) = (near?, far?);
        for id in [&near, &far] {
            world.api.wait_until_running(id)?;
        }
        messages_cross_rabbitmq(world, &near, &far)?;
        a_link_that_is_down_is_told(world, &near)?;
        inside::is_not_told(world, &[&near, &far])
    })
}

#[test]
fn activemq_brokers_form_a_network_at_their_public_addresses_and_lost_connectors_are_events()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a network of ActiveMQ brokers", &[faults::ENABLED], |world| {
        let api = &world.api;
        let hub = world.running(&NewBroker::activemq("hub"))?;
        let address = api.endpoint(&hub, "ssl")?;
        let networked = NETWORKED.replace("ADDRESS", &address).replace("USER", USER);
        let configuration = api.create_configuration("spoke", EngineType::Activemq, "5.19")?;
        let revision = api.revise(&configuration, &networked)?;
        let spokes = ["left", "right"]
            .map(|name| api.create(&NewBroker::activemq(name).configured(&revision)));
        let [left, right] = spokes;
        let (left, right) = (left?, right?);
        for id in [&left, &right] {
            api.wait_until_running(id)?;
        }

        messages_cross_activemq(world, &hub, &left, &right)?;
        inside::is_not_told(world, &[&hub, &left, &right]).context("at first")?;
        a_network_connector_that_is_down_is_told(world, &hub, &left)?;
        messages_cross_activemq(world, &hub, &left, &right).context("after the loss of the hub")?;
        inside::is_not_told(world, &[&hub, &left]).context("after a restart")?;
        world.api.delete(&hub)?;
        links_lost(world, &left, 2).context("the hub is deleted")
    })
}

#[test]
fn containers_reach_brokers_where_clients_do_and_neighbours_of_the_host_only_there() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("neighbours of brokers", &[], |world| {
        let new = [
            NewBroker::activemq("active"),
            NewBroker::rabbitmq("rabbit"),
            NewBroker::activemq("hidden").private(),
        ];
        let [active, rabbit, hidden] = new.map(|new| world.api.create(&new));
        let (active, rabbit, hidden) = (active?, rabbit?, hidden?);
        for id in [&active, &rabbit, &hidden] {
            world.api.wait_until_running(id)?;
        }
        a_container_mirrors_messages(world, &rabbit, &active)?;
        only_the_gateway_answers_a_neighbour(world, &[&active, &rabbit], &hidden)
    })
}

/// A network whose clients are told of its members.
const NETWORKED: &str = r#"<broker xmlns="http://activemq.apache.org/schema/core">
  <networkConnectors>
    <networkConnector name="to-hub" duplex="true" networkTTL="3" uri="static:(ADDRESS)" userName="USER"/>
  </networkConnectors>
  <transportConnectors>
    <transportConnector name="openwire" updateClusterClients="true" rebalanceClusterClients="true"/>
  </transportConnectors>
</broker>"#;

/// A shovel that reads from its own broker as `localhost`, one that does so without an address, and a federation
/// link the other way round.
fn messages_cross_rabbitmq(world: &World, near: &str, far: &str) -> Result<()> {
    let reached = |id: &str| -> Result<String> {
        let url = world.api.endpoint(id, "amqps")?;
        Ok(url.replace("amqps://", &format!("amqps://{USER}:{PASSWORD}@")))
    };
    let shovel = |from: &str, to: &str, queue: &str| {
        json!({ "value": {
            "src-protocol": "amqp091", "src-uri": from, "src-queue": queue,
            "dest-protocol": "amqp091", "dest-uri": to, "dest-queue": queue,
        }})
    };
    let local = format!("amqp://{USER}:{PASSWORD}@localhost");
    let there = reached(far)?;
    Management::of(world, near, USER, PASSWORD)?.change(&[
        ("PUT", "queues/%2F/crossing", json!({ "durable": true })),
        ("PUT", "queues/%2F/also", json!({ "durable": true })),
        ("PUT", "parameters/shovel/%2F/crossing", shovel(&local, &there, "crossing")),
        ("PUT", "parameters/shovel/%2F/also", shovel("amqp://", &there, "also")),
    ])?;
    Management::of(world, far, USER, PASSWORD)?.change(&[
        (
            "PUT",
            "parameters/federation-upstream/%2F/near",
            json!({ "value": { "uri": reached(near)? } }),
        ),
        (
            "PUT",
            "policies/%2F/federated",
            json!({
                "pattern": "^federated$", "apply-to": "queues", "priority": 9,
                "definition": { "federation-upstream": "near" },
            }),
        ),
        ("PUT", "queues/%2F/federated", json!({ "durable": true })),
    ])?;
    let client = |id: &str| world.messenger("amqp091.py", id, "amqps");
    for queue in ["crossing", "also", "federated"] {
        client(near)?.send(queue, queue)?;
        let came = client(far)?.receive(queue).with_context(|| queue.to_owned())?;
        ensure!(came == queue, "{queue}: {came:?}");
    }
    Ok(())
}

/// Once when it is lost, and once when it is no more, in any virtual host.
fn a_link_that_is_down_is_told(world: &World, near: &str) -> Result<()> {
    let broken = json!({ "value": {
        "src-protocol": "amqp091", "src-uri": "amqp://", "src-queue": "also",
        "dest-protocol": "amqp091", "dest-uri": "amqps://admin:Hidden-word-7@127.0.0.1:1", "dest-queue": "x",
    }});
    let management = Management::of(world, near, USER, PASSWORD)?;
    let told = |beginning: &str| {
        eventually("the link is told of", TIMEOUT, || {
            let events = world.api.events(near)?;
            let hidden = events.iter().all(|(_, message)| !message.contains("Hidden-word-7"));
            ensure!(hidden, "{events:?}");
            let times = events.iter().filter(|(_, message)| message.starts_with(beginning)).count();
            ensure!(times <= 1, "{events:?}");
            Ok((times == 1).then_some(()))
        })
    };
    management.change(&[("PUT", "vhosts/other", json!({}))])?;
    for (path, name) in [("%2F", "/"), ("other", "other")] {
        let path = format!("parameters/shovel/{path}/broken");
        management.change(&[("PUT", path.as_str(), broken.clone())])?;
        told(&format!("link down: shovel broken in {name}: failed to connect to destination"))?;
        management.change(&[("DELETE", path.as_str(), Value::Null)])?;
        told(&format!("link up, or removed: shovel broken in {name}"))?;
    }
    Ok(())
}

const CONNECTOR_DOWN: &str = "link down: network connector to-hub: ssl://";

/// Waits until a broker has told so many times that it has lost its connector, why, and to which address.
fn links_lost(world: &World, id: &str, times: usize) -> Result<()> {
    eventually("the connector is told to be down", TIMEOUT, || {
        let events = world.api.events(id)?;
        let told: Vec<_> = events.iter().filter(|(_, m)| m.starts_with(CONNECTOR_DOWN)).collect();
        ensure!(told.len() <= times, "{told:?}");
        // The address has a port, and a reason behind it.
        let why = |message: &str| message[CONNECTOR_DOWN.len()..].split(": ").nth(1).is_some();
        ensure!(told.iter().all(|(_, message)| why(message)), "{told:?}");
        Ok((told.len() == times).then_some(()))
    })
}

/// While the broker at its other end is away, and when it is back.
fn a_network_connector_that_is_down_is_told(world: &World, hub: &str, left: &str) -> Result<()> {
    let outage = json!({"kind": "ZONE_OUTAGE", "zone": "us-east-1a", "durationSeconds": 900});
    let outage = Faults::of(&world.api, hub).inject(&outage)?;
    links_lost(world, left, 1)?;
    Faults::of(&world.api, hub).heal(&outage)?;
    eventually("the connector is told to be up", TIMEOUT, || {
        let events = world.api.events(left)?;
        let up = "link up, or removed: network connector to-hub";
        Ok(events.iter().any(|(_, message)| message == up).then_some(()))
    })?;
    let metrics = world.metrics()?;
    let lost = r#"brokerd_provisioner_links_lost_total{kind="NetworkConnector"} "#;
    let counted = metrics.lines().find_map(|line| line.strip_prefix(lost)).context("no metric")?;
    // Each of the two spokes has lost the hub.
    ensure!(counted.parse::<u32>()? >= 1, "{counted}");
    Ok(())
}

/// Whoever waits at one end of the network gets what is sent at the other, by way of the hub.
fn messages_cross_activemq(world: &World, hub: &str, left: &str, right: &str) -> Result<()> {
    let client = |id: &str| world.messenger("stomp_.py", id, "stomp+ssl");
    for (from, to, queue) in [
        (client(left)?, client(hub)?, "to.hub"),
        (client(hub)?, client(right)?, "from.hub"),
        (client(left)?, client(right)?, "across"),
    ] {
        let waiting = thread::spawn(move || {
            // Each attempt is a consumer, whom the network makes known to the other end.
            brokerd_tests::retry("a message crosses", TIMEOUT, || to.receive(queue))
        });
        eventually("it is taken", TIMEOUT, || Ok(from.send(queue, "hello").is_ok().then_some(())))?;
        let came = waiting.join().map_err(|_| anyhow::anyhow!("panicked"))?;
        ensure!(came.with_context(|| queue.to_owned())? == "hello", "{queue}");
    }
    Ok(())
}

/// An application in a container takes messages from one engine to the other.
fn a_container_mirrors_messages(world: &World, near: &str, hub: &str) -> Result<()> {
    let rabbit = world.messenger("amqp091.py", near, "amqps")?;
    let active = world.messenger("stomp_.py", hub, "stomp+ssl")?;
    rabbit.send("mirrored", "from RabbitMQ")?;
    let body = rabbit.in_container().receive("mirrored").context("in a container")?;
    active.in_container().send("mirrored", &body).context("in a container")?;
    let came = active.receive("mirrored")?;
    ensure!(came == "from RabbitMQ", "{came:?}");
    Ok(())
}

fn only_the_gateway_answers_a_neighbour(
    world: &World,
    brokers: &[&str],
    hidden: &str,
) -> Result<()> {
    let Some(neighbour) = Neighbour::move_in(&world.installation)? else { return Ok(()) };
    let mut inside = Vec::new();
    for id in brokers.iter().copied().chain([hidden]) {
        let container = docker::container_of(id)?;
        let networks = container.at("/NetworkSettings/Networks").as_object().context("networks")?;
        let network = networks.values().next().context("a network")?;
        let address = network["IPAddress"].as_str().context("an address")?;
        neighbour.route_to(address)?;
        let ports = container.at("/Config/ExposedPorts").as_object().context("ports")?;
        let ports = ports.keys().filter_map(|port| port.trim_end_matches("/tcp").parse().ok());
        inside.extend(ports.map(|port: u16| (address.to_owned(), port)));
        let published = container.at("/HostConfig/PortBindings");
        let nothing = published.as_object().is_none_or(serde_json::Map::is_empty);
        ensure!(nothing, "{id} publishes {published}");
    }
    let ports_of = |id: &str| -> Result<Vec<(String, u16)>> {
        let broker = world.api.describe(id)?;
        let urls = broker.broker_instances().iter().flat_map(|i| i.endpoints().to_vec());
        urls.map(|url| {
            let (host, port) = url.rsplit_once(':').context("a port")?;
            let host = host.split_once("://").context("a scheme")?.1;
            Ok((host.to_owned(), port.parse()?))
        })
        .collect()
    };
    let own = neighbour.host();
    let private = ports_of(hidden)?;
    neighbour.route_to(&private[0].0)?;
    let at_home: Vec<_> = private.iter().map(|(_, port)| (own.clone(), *port)).collect();
    for (what, addresses) in [
        ("a container", inside),
        ("a private broker", private.clone()),
        ("a private broker at the host's address", at_home),
    ] {
        let answering = neighbour.reach(world, &addresses)?;
        ensure!(answering.is_empty(), "{what} answers a neighbour: {answering:?}");
    }
    let public = ports_of(brokers[0])?;
    let public: Vec<_> = public.into_iter().map(|(_, port)| (own.clone(), port)).collect();
    let answering = neighbour.reach(world, &public)?;
    ensure!(answering.len() == public.len(), "{answering:?} of {public:?}");
    // Who is on the host, and who is in a container of it, gets to the private one.
    let private = world.messenger("stomp_.py", hidden, "stomp+ssl")?;
    private.round_trip("hidden").context("on the host")?;
    private.in_container().round_trip("hidden").context("in a container")
}
