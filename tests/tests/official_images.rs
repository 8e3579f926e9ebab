//! Official images, by their layout: pulled from a registry that asks who pulls, and run.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    NewBroker, PATIENCE, World, clients,
    docker::{self, docker},
    eventually, machine,
    registry::{self, ImageRegistry},
    scenario,
};
use serde_json::{Value, json};

const CATALOGUE: &str = include_str!("../../docker/catalogue.toml");

/// The entries of the built-in catalogue for these versions, with other images in them.
fn catalogue(images: &[(&str, &str, Option<&str>)]) -> Result<String> {
    let mut text = String::new();
    for entry in CATALOGUE.split("[[image]]").skip(1) {
        // What follows the entry belongs to the next one.
        let entry: String =
            entry.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect();
        if !entry.contains("source = \"pulled\"") {
            continue;
        }
        let line = entry.lines().find(|line| line.starts_with("image = ")).context("an image")?;
        for (official, other, digest) in images {
            if line.contains(official) {
                let mut new = format!("image = \"{other}\"");
                if let Some(digest) = digest {
                    new.push_str(&format!("\ndigest = \"{digest}\""));
                }
                text.push_str(&format!("[[image]]{}", entry.replace(line, &new)));
            }
        }
    }
    Ok(text)
}

fn running(world: &World, id: &str) -> Result<Value> {
    eventually("what runs is known", PATIENCE, || {
        let answer = world.api.get(&format!("/brokerd/v1/brokers/{id}"))?;
        let told: Value = serde_json::from_str(&answer.body)?;
        Ok(told.get("running").cloned())
    })
}

#[test]
fn an_official_image_is_pulled_from_a_private_registry_and_runs() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let (rabbitmq, version) = registry::official_rabbitmq()?;
    let mut images = ImageRegistry::start()?;
    let digest = images.push(&rabbitmq, "rabbitmq:4.3-management")?;
    let text = catalogue(&[
        ("rabbitmq:4.3", "rabbitmq:4.3-management", Some(&digest)),
        // The registry has not got it.
        ("rabbitmq:4.2", "rabbitmq:4.2-management", None),
    ])?;
    let path = machine::cache("registries")?.join(format!("{}.toml", machine::random_hex(4)?));
    fs::write(&path, text)?;
    let settings = [
        ("BROKERD_PROVISIONER_CATALOGUE", path.to_str().context("a path")?),
        ("BROKERD_ENGINES_PULL", "true"),
        ("BROKERD_REGISTRY_ADDRESS", images.address()),
        ("BROKERD_REGISTRY_USERNAME", registry::USERNAME),
        ("BROKERD_REGISTRY_PASSWORD", registry::PASSWORD),
    ];
    let played = scenario("official images", &settings, |world| {
        let api = &world.api;
        let types: Value = serde_json::from_str(&api.get("/v1/broker-engine-types")?.body)?;
        let offered = json!([{ "engineType": "RABBITMQ", "engineVersions": [{ "name": "4.3" }] }]);
        ensure!(types["brokerEngineTypes"] == offered, "4.2 is not there: {types}");

        let id = world.running(&NewBroker::rabbitmq("official").version("4.3"))?;
        world.messenger("amqp091.py", &id, "amqps")?.round_trip("official")?;
        let running = running(world, &id)?;
        let image = format!("{}/rabbitmq@{digest}", images.address());
        ensure!(running["image"] == image && running["fullVersion"] == version, "{running}");
        let container = docker::container_of(&id)?;
        ensure!(container.at("/Config/User") == "999:999", "{container:?}");
        ensure!(container.at("/HostConfig/ReadonlyRootfs") == true, "{container:?}");
        Ok(())
    });
    fs::remove_file(&path)?;
    drop(images);
    let left = docker(&["images", "--format", "{{.Repository}}"])?;
    ensure!(!left.lines().any(|name| name.starts_with("127.0.0.1")), "{left}");
    played
}
