//! An ActiveMQ broker on one instance, from its creation to its end.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::BrokerState;
use brokerd_tests::{
    Messenger, NewBroker, PASSWORD, USER, World,
    clients::{self, Access},
    docker, scenario,
    world::SCALE,
};
use serde_json::json;

const GIB: f64 = 1_073_741_824.0;

/// Which client speaks to which endpoint.
const CLIENTS: &[(&str, &str)] = &[
    ("amqp10.py", "amqp+ssl"),
    ("stomp_.py", "stomp+ssl"),
    ("mqtt.py", "mqtt+ssl"),
    ("stomp_.py", "wss"),
    ("mqtt.py", "wss"),
];

#[test]
fn an_activemq_broker_is_created_used_rebooted_and_deleted() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("an ActiveMQ broker", &[], |world| {
        let id = world.api.create(&NewBroker::activemq("events"))?;
        let state = world.api.state(&id)?;
        ensure!(
            state == Some(BrokerState::CreationInProgress),
            "right after CreateBroker: {state:?}"
        );
        world.api.wait_until_running(&id)?;

        it_looks_like_the_service_s(world, &id).context("DescribeBroker")?;
        messages_pass_over_every_protocol(world, &id).context("messages")?;
        a_message_crosses_from_one_protocol_to_another(world, &id).context("across protocols")?;
        what_comes_in_one_breath_is_taken_once(world, &id).context("a burst")?;
        strangers_are_refused(world, &id).context("strangers")?;
        the_console_lets_its_user_in(world, &id).context("console")?;
        clients_of_every_suite_are_served(world, &id).context("suites")?;
        the_container_is_confined(&id).context("container")?;
        a_reboot_keeps_messages(world, &id).context("reboot")?;

        world.api.delete(&id)?;
        world.api.wait_until_gone(&id)
    })
}

/// Every suite of the service's list for ActiveMQ.
const SUITES: &[&str] = &[
    "ECDHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES256-GCM-SHA384",
    "AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "DHE-RSA-AES256-SHA256",
    "AES256-SHA256",
    "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES256-SHA",
    "AES256-SHA",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES128-GCM-SHA256",
    "AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "DHE-RSA-AES128-SHA256",
    "AES128-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-SHA",
    "AES128-SHA",
];

/// Of these Jetty, which serves WebSockets and the console, takes none: neither SHA-1 nor keys that are not ephemeral.
fn is_refused_by_jetty(suite: &str) -> bool {
    suite.ends_with("-SHA") || suite.starts_with("AES")
}

fn clients_of_every_suite_are_served(world: &World, id: &str) -> Result<()> {
    let mut endpoints = vec![(world.api.console(id)?, true)];
    for scheme in ["ssl", "amqp+ssl", "stomp+ssl", "mqtt+ssl", "wss"] {
        endpoints.push((world.api.endpoint(id, scheme)?, scheme == "wss"));
    }
    for (url, is_jetty) in endpoints {
        let failed = clients::suites(&world.ca(), &url, SUITES)?;
        let wrong = |suite: &&&str| {
            failed.contains_key(**suite) != (is_jetty && is_refused_by_jetty(suite))
        };
        let wrong: Vec<_> = SUITES.iter().filter(wrong).collect();
        ensure!(wrong.is_empty(), "{url}: {wrong:?} {failed:?}");
    }
    // Who has always been served by ECDSA still is.
    let ecdsa = ["ECDHE-ECDSA-AES256-GCM-SHA384"];
    let failed = clients::suites(&world.ca(), &world.api.endpoint(id, "ssl")?, &ecdsa)?;
    ensure!(failed.is_empty(), "{failed:?}");
    Ok(())
}

/// STOMP clients that send their first message with their login, many at once: ActiveMQ's own transports took first
/// frames twice, and wrote of it that their "selection is null".
fn what_comes_in_one_breath_is_taken_once(world: &World, id: &str) -> Result<()> {
    const CONNECTIONS: u32 = 100;
    let client = Messenger::python("burst.py", world.api.endpoint(id, "stomp+ssl")?, world.ca());
    for round in 1..=2 {
        let given =
            json!({ "connections": CONNECTIONS, "queue": format!("burst.{round}"), "timeout": 30 });
        let answer = client.ask("burst", &given)?;
        ensure!(answer["failed"] == json!([]), "{answer}");
        let sent: Vec<u32> = (0..CONNECTIONS).collect();
        ensure!(answer["came"] == json!(sent), "{answer}");
    }
    let log = docker::log(&docker::container_of(id)?.id)?;
    let told = |line: &&str| {
        let line = line.to_lowercase();
        line.contains("selection is null") || line.contains("ready connected")
    };
    let found: Vec<&str> = log.lines().filter(told).collect();
    ensure!(found.is_empty(), "{found:?}");
    Ok(())
}

/// The JMS client, where there is one.
fn jms(world: &World, id: &str) -> Result<Option<Messenger>> {
    let Some(_) = clients::jms()? else { return Ok(None) };
    Ok(Some(Messenger::jms(world.api.endpoint(id, "ssl")?, world.ca())))
}

fn it_looks_like_the_service_s(world: &World, id: &str) -> Result<()> {
    let broker: serde_json::Value = serde_json::from_str(&world.api.describe_raw(id)?)?;
    for (pointer, expected) in [
        ("/engineType", json!("ActiveMQ")),
        ("/engineVersion", json!("5.19")),
        ("/storageType", json!("efs")),
        ("/authenticationStrategy", json!("simple")),
        ("/users", json!([{ "username": USER }])),
        ("/logs/general", json!(false)),
        ("/logs/audit", json!(false)),
    ] {
        let found = broker.pointer(pointer);
        ensure!(found == Some(&expected), "{pointer} is {found:?}, not {expected}");
    }
    let instance = &broker["brokerInstances"][0];
    let host = instance["ipAddress"].as_str().context("ipAddress")?;
    let first = instance["endpoints"][0].as_str().context("endpoints")?;
    ensure!(first.starts_with(&format!("ssl://{host}:")), "{first} is not at {host}");
    let endpoints = instance["endpoints"].as_array().context("endpoints")?.iter();
    let schemes: Vec<_> = endpoints
        .map(|url| url.as_str().unwrap_or_default().split("://").next().unwrap_or_default())
        .collect();
    ensure!(schemes == ["ssl", "amqp+ssl", "stomp+ssl", "mqtt+ssl", "wss"], "{schemes:?}");
    ensure!(
        instance["consoleURL"].as_str().is_some_and(|url| url.starts_with("https://")),
        "{instance}"
    );
    Ok(())
}

fn messages_pass_over_every_protocol(world: &World, id: &str) -> Result<()> {
    for (script, scheme) in CLIENTS {
        let messenger = world.messenger(script, id, scheme)?;
        if *script == "mqtt.py" {
            let back = messenger.exchange("events/new", "over MQTT").context(*scheme)?;
            ensure!(back == "over MQTT", "{back:?}");
        } else {
            messenger.round_trip("events.new").with_context(|| format!("{script} at {scheme}"))?;
        }
    }
    if let Some(jms) = jms(world, id)? {
        jms.round_trip("events.new").context("JMS over OpenWire")?;
    }
    Ok(())
}

fn a_message_crosses_from_one_protocol_to_another(world: &World, id: &str) -> Result<()> {
    world.messenger("stomp_.py", id, "stomp+ssl")?.send("events.crossing", "from STOMP")?;
    let received = match jms(world, id)? {
        Some(jms) => jms.receive("events.crossing")?,
        None => world.messenger("amqp10.py", id, "amqp+ssl")?.receive("events.crossing")?,
    };
    ensure!(received == "from STOMP", "{received:?}");
    Ok(())
}

fn strangers_are_refused(world: &World, id: &str) -> Result<()> {
    let mut all = Vec::new();
    for (script, scheme) in CLIENTS {
        all.push(world.messenger(script, id, scheme)?);
    }
    all.extend(jms(world, id)?);
    for messenger in all {
        ensure!(
            messenger.login(USER, PASSWORD)? == Access::Granted,
            "the user is refused: {messenger:?}"
        );
        let access = messenger.login(USER, "not the password")?;
        ensure!(access.is_refused(), "wrong password: {access:?} {messenger:?}");
    }
    // Those who say nothing about themselves.
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    ensure!(stomp.login("", "")?.is_refused(), "anonymous over STOMP");
    for (user, password) in [("admin", "admin"), ("system", "manager"), ("guest", "password")] {
        ensure!(
            stomp.login(user, password)?.is_refused(),
            "{user} with ActiveMQ's example password"
        );
    }
    if let Some(jms) = jms(world, id)? {
        ensure!(jms.login("", "")?.is_refused(), "anonymous over OpenWire");
    }
    Ok(())
}

fn the_console_lets_its_user_in(world: &World, id: &str) -> Result<()> {
    let console = world.api.console(id)?;
    let page = format!("{console}/admin/queues.jsp");
    let answers = clients::https(
        &world.ca(),
        vec![
            json!({ "url": page }),
            json!({ "url": page, "user": USER, "password": "not the password" }),
            json!({ "url": page, "user": "admin", "password": "admin" }),
            json!({ "url": page, "user": USER, "password": PASSWORD }),
        ],
    )?;
    let status: Vec<_> = answers.iter().map(|answer| answer["status"].as_u64()).collect();
    ensure!(
        status == [Some(401), Some(401), Some(401), Some(200)],
        "{status:?} {}",
        clients::shown(&answers)
    );
    let body = answers[3]["body"].as_str().unwrap_or_default();
    ensure!(body.contains("events.new"), "the console does not show the queue: {body}");
    Ok(())
}

fn the_container_is_confined(id: &str) -> Result<()> {
    let told = docker::everything_about(id)?;
    ensure!(!told.contains(PASSWORD), "the password is in what the container engine tells");
    let container = docker::container_of(id)?;
    let host = |name: &str| container.at(&format!("/HostConfig/{name}")).clone();
    ensure!(host("Memory") == json!((GIB * SCALE) as u64), "memory: {}", host("Memory"));
    ensure!(host("NanoCpus") == json!((2e9 * SCALE) as u64), "CPU: {}", host("NanoCpus"));
    ensure!(host("CpuShares") == json!(1024), "it still counts as booting: {}", host("CpuShares"));
    ensure!(host("ReadonlyRootfs") == json!(true), "the root file system is writable");
    ensure!(host("CapDrop") == json!(["ALL"]), "capabilities: {}", host("CapDrop"));
    ensure!(
        container.at("/Config/User") == &json!("1000:1000"),
        "{}",
        container.at("/Config/User")
    );
    Ok(())
}

fn a_reboot_keeps_messages(world: &World, id: &str) -> Result<()> {
    let messenger = world.messenger("stomp_.py", id, "stomp+ssl")?;
    messenger.send("events.kept", "kept across a reboot")?;
    let before = world.api.describe_raw(id)?;
    world.api.reboot(id)?;
    let state = world.api.state(id)?;
    ensure!(state == Some(BrokerState::RebootInProgress), "right after RebootBroker: {state:?}");
    world.api.wait_until_running(id)?;
    ensure!(world.api.describe_raw(id)? == before, "DescribeBroker differs after the reboot");
    let body = messenger.receive("events.kept")?;
    ensure!(body == "kept across a reboot", "{body:?}");
    Ok(())
}
