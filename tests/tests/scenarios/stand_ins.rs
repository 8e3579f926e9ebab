//! Versions that are asked for and served by another one.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Messenger, NewBroker, World, changes::refused, clients, docker, eventually, scenario,
};
use serde_json::{Value, json};

const SETTING: &str = "BROKERD_ENGINES_STAND_IN";

/// What DescribeBroker shows, and what brokerd's own operation says of the same broker.
fn told(world: &World, id: &str) -> Result<(Value, Value)> {
    let described: Value = serde_json::from_str(&world.api.describe_raw(id)?)?;
    let answer = world.api.get(&format!("/brokerd/v1/brokers/{id}"))?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok((described, serde_json::from_str(&answer.body)?))
}

/// The broker is one of that version for its owner, and 4.3 in truth.
fn is_served_by_4_3(world: &World, id: &str, asked: &str) -> Result<()> {
    let (described, inspected) = told(world, id)?;
    ensure!(described["engineVersion"] == asked, "{described}");
    ensure!(described.get("pendingEngineVersion").is_none(), "{described}");
    ensure!(inspected["engineVersion"] == asked, "{inspected}");
    let running = &inspected["running"];
    ensure!(running["engineVersion"] == "4.3", "{inspected}");
    ensure!(running["standsIn"] == json!(asked != "4.3"), "{inspected}");
    let full = running["fullVersion"].as_str().context("a version")?;
    ensure!(full.starts_with("4.3."), "{full}");
    let container = docker::container_of(id)?;
    ensure!(container.at("/Config/Image") == &running["image"], "{inspected}");
    ensure!(container.at("/Image") == &running["imageId"], "{inspected}");
    let mut sentence = format!("RabbitMQ {full} serves (brokerd/rabbitmq:4.3)");
    if asked != "4.3" {
        sentence.push_str(&format!("; it stands in for {asked}, which was asked for"));
    }
    let events = world.api.events(id)?;
    ensure!(events.iter().any(|(_, message)| *message == sentence), "{sentence}: {events:?}");
    Ok(())
}

fn upgraded(world: &World, id: &str, amqp: &Messenger, version: &str, host: &str) -> Result<()> {
    let api = &world.api;
    amqp.ask("send", &json!({ "queue": "kept", "type": "quorum", "body": version }))?;
    api.update(id, |call| call.engine_version(version).host_instance_type(host))?;
    let (waiting, _) = told(world, id)?;
    ensure!(waiting["pendingEngineVersion"] == version, "{waiting}");
    api.reboot_and_wait(id)?;
    is_served_by_4_3(world, id, version)?;
    let body = amqp.receive("kept").context("the message")?;
    ensure!(body == version, "{body:?}");
    Ok(())
}

#[test]
fn stand_in_versions_look_as_requested_and_the_running_version_is_shown() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("stand-ins", &[(SETTING, "3.13=4.3,4.2=4.3")], |world| {
        let api = &world.api;
        let types = api.get("/v1/broker-engine-types?engineType=RABBITMQ")?.body;
        let types: Value = serde_json::from_str(&types)?;
        let names = json!([{ "name": "4.3" }, { "name": "4.2" }, { "name": "3.13" }]);
        ensure!(types["brokerEngineTypes"][0]["engineVersions"] == names, "{types}");

        let old = api.create(&NewBroker::rabbitmq("old").version("3.13").host("mq.m5.large"))?;
        let kept = api.create(&NewBroker::rabbitmq("kept").version("4.2"))?;
        api.wait_until_running(&old)?;
        is_served_by_4_3(world, &old, "3.13")?;
        let amqp = world.messenger("amqp091.py", &old, "amqps")?;
        let far =
            refused(api.update(&old, |call| {
                call.engine_version("4.3").host_instance_type("mq.m7g.medium")
            }))?;
        ensure!(far.contains("Upgrade to a version in between first"), "{far}");
        upgraded(world, &old, &amqp, "4.2", "mq.m7g.medium").context("3.13 to 4.2")?;
        upgraded(world, &old, &amqp, "4.3", "mq.m7g.large").context("4.2 to 4.3")?;

        // Without the setting what runs goes on as it is, and is told as before; there is nothing new of it.
        api.wait_until_running(&kept)?;
        is_served_by_4_3(world, &kept, "4.2")?;
        world.restart_with(SETTING, "")?;
        let hint = eventually("4.2 is not offered any more", brokerd_tests::TIMEOUT, || {
            let outcome = world.api.create(&NewBroker::rabbitmq("new").version("4.2"));
            Ok(match outcome {
                Ok(id) => {
                    world.api.delete(&id)?;
                    world.api.wait_until_gone(&id)?;
                    None
                }
                Err(error) => Some(format!("{error:#}")),
            })
        })?;
        ensure!(hint.contains("BROKERD_ENGINES_STAND_IN=4.2=4.3"), "{hint}");
        world.api.reboot_and_wait(&kept)?;
        is_served_by_4_3(world, &kept, "4.2")
    })
}
