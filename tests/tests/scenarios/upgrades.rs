//! Another engine version and another instance type, for brokers that hold messages.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Messenger, NewBroker, Owner, WITNESSES, World,
    changes::refused,
    clients,
    docker::{self, Container},
    scenario,
    world::SCALE,
};
use serde_json::{Value, json};

const GIB: f64 = 1_073_741_824.0;

/// A broker before and after.
#[derive(Debug, Clone, Copy)]
struct Upgrade {
    versions: [&'static str; 2],
    hosts: [&'static str; 2],
    /// Of both hosts: GiB of memory and processors.
    sizes: [(f64, f64); 2],
    image: &'static str,
}

const ACTIVEMQ: Upgrade = Upgrade {
    versions: ["5.18", "5.19"],
    hosts: ["mq.t3.micro", "mq.m5.large"],
    sizes: [(1.0, 2.0), (8.0, 2.0)],
    image: "brokerd/activemq",
};

const RABBITMQ: Upgrade = Upgrade {
    versions: ["4.0", "4.3"],
    hosts: ["mq.m7g.medium", "mq.m7g.large"],
    sizes: [(4.0, 1.0), (8.0, 2.0)],
    image: "brokerd/rabbitmq",
};

#[test]
fn an_upgrade_keeps_messages_and_addresses_and_brings_the_new_tier_s_size() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("upgrades", &[WITNESSES], |world| {
        let api = &world.api;
        let new = |new: NewBroker, upgrade: &Upgrade| {
            api.create(&new.version(upgrade.versions[0]).host(upgrade.hosts[0]))
        };
        let active = new(NewBroker::activemq("active"), &ACTIVEMQ)?;
        let rabbit = new(NewBroker::rabbitmq("rabbit"), &RABBITMQ)?;

        api.wait_until_running(&active)?;
        let stomp = world.messenger("stomp_.py", &active, "stomp+ssl")?;
        stomp.send("kept", "through an upgrade")?;
        upgraded(world, &active, &ACTIVEMQ).context("ActiveMQ")?;
        let body = stomp.receive("kept").context("ActiveMQ's message")?;
        ensure!(body == "through an upgrade", "{body:?}");
        stomp.round_trip("kept")?;
        let down = api.update(&active, |call| call.engine_version("5.18"));
        let words =
            "Downgrading from current engine version [5.19] to requested engine version [5.18]";
        ensure!(refused(down)?.contains(words), "5.19 to 5.18 is refused in other words");

        api.wait_until_running(&rabbit)?;
        let owner = Owner::makes_things(world, &rabbit)?;
        let amqp = owner.at(&world.messenger("amqp091.py", &rabbit, "amqps")?);
        messages_are_left(&amqp)?;
        let wrong = api.update(&rabbit, |call| call.host_instance_type("mq.m5.large"));
        let words = refused(wrong)?;
        ensure!(words.contains("mq.m5.large") && words.contains("BadRequest"), "{words}");
        upgraded(world, &rabbit, &RABBITMQ).context("RabbitMQ")?;
        messages_are_found(&amqp).context("RabbitMQ's messages")?;
        owner.finds_everything(world, &rabbit).context("what the owner of RabbitMQ made")?;
        let down = api.update(&rabbit, |call| call.engine_version("4.0"));
        ensure!(refused(down)?.contains("Downgrading"), "4.3 to 4.0 is refused in other words");
        Ok(())
    })
}

const KINDS: [&str; 2] = ["classic", "quorum"];

fn messages_are_left(amqp: &Messenger) -> Result<()> {
    for kind in KINDS {
        amqp.ask(
            "send",
            &json!({ "queue": kind, "type": kind, "body": format!("{kind} message") }),
        )?;
    }
    Ok(())
}

fn messages_are_found(amqp: &Messenger) -> Result<()> {
    for kind in KINDS {
        let body = amqp.receive(kind).context(kind)?;
        ensure!(body == format!("{kind} message"), "{body:?}");
        // And new ones.
        amqp.ask("send", &json!({ "queue": kind, "type": kind, "body": "another" }))
            .context(kind)?;
    }
    Ok(())
}

fn upgraded(world: &World, id: &str, upgrade: &Upgrade) -> Result<()> {
    let api = &world.api;
    let described = || -> Result<Value> { Ok(serde_json::from_str(&api.describe_raw(id)?)?) };
    let [version, host] = [upgrade.versions[1], upgrade.hosts[1]];
    let before = described()?;
    let container = docker::container_of(id)?;
    is_of_size(&container, upgrade.sizes[0]).context("before")?;

    api.update(id, |call| call.engine_version(version).host_instance_type(host))?;
    let waiting = described()?;
    for (member, expected) in [
        ("engineVersion", json!(upgrade.versions[0])),
        ("pendingEngineVersion", json!(version)),
        ("hostInstanceType", json!(upgrade.hosts[0])),
        ("pendingHostInstanceType", json!(host)),
        ("brokerState", json!("RUNNING")),
    ] {
        ensure!(waiting[member] == expected, "{member} is {}, not {expected}", waiting[member]);
    }
    ensure!(docker::container_of(id)?.id == container.id, "it did not wait for a reboot");
    api.reboot_and_wait(id)?;

    // Nothing else has changed, and nothing waits.
    let mut expected = before;
    expected["engineVersion"] = json!(version);
    expected["hostInstanceType"] = json!(host);
    let mut after = described()?;
    if upgrade.image.contains("rabbitmq") {
        // Brokers of 4.2 and later list their page of metrics, too.
        let endpoints = after["brokerInstances"][0]["endpoints"].as_array_mut();
        let page = endpoints.and_then(Vec::pop).context("no page of metrics")?;
        ensure!(page.as_str().is_some_and(|url| url.starts_with("https://")), "{page}");
    }
    ensure!(after == expected, "{after}\nis not\n{expected}");
    let container = docker::container_of(id)?;
    is_of_size(&container, upgrade.sizes[1]).context("after")?;
    let image = container.at("/Config/Image");
    ensure!(image == &json!(format!("{}:{version}", upgrade.image)), "it runs {image}");
    Ok(())
}

fn is_of_size(container: &Container, (gib, cpus): (f64, f64)) -> Result<()> {
    let limit = |name: &str| container.at(&format!("/HostConfig/{name}")).as_f64();
    let (memory, cpu) = (limit("Memory"), limit("NanoCpus"));
    ensure!(memory == Some(gib * SCALE * GIB), "memory: {memory:?}");
    ensure!(cpu == Some(cpus * SCALE * 1e9), "CPU: {cpu:?}");
    Ok(())
}

#[test]
fn versions_that_lie_too_far_apart_and_types_that_do_not_fit_are_refused() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("refused upgrades", &[WITNESSES], |world| {
        let api = &world.api;
        let unfit = api.create(&NewBroker::rabbitmq("unfit").version("4.0").host("mq.m5.large"));
        ensure!(refused(unfit)?.contains("mq.m5.large"), "4.0 on mq.m5 is refused in other words");

        let id = world.running(&NewBroker::rabbitmq("old").version("3.10").host("mq.m5.large"))?;
        let described = api.describe_raw(&id)?;
        for (wanted, words) in [
            (
                "4.0",
                "Upgrading from current engine version [3.10] to requested engine version [4.0]",
            ),
            (
                "4.3",
                "Upgrading from current engine version [3.10] to requested engine version [4.3]",
            ),
            ("3.13", "3.13"),
        ] {
            let far = refused(api.update(&id, |call| call.engine_version(wanted)))?;
            ensure!(far.contains(words) && far.contains("BadRequest"), "{wanted}: {far}");
        }
        let both =
            api.update(&id, |call| call.engine_version("4.0").host_instance_type("mq.m7g.medium"));
        ensure!(refused(both)?.contains("3.10"), "3.10 to 4.0 with a type that fits");
        ensure!(api.describe_raw(&id)? == described, "what was refused has left something");

        let owner = Owner::makes_things(world, &id)?;
        api.reboot_and_wait(&id)?;
        owner.finds_everything(world, &id).context("what the owner of a 3.10 made")
    })
}
