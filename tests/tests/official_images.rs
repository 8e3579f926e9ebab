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
fn official_images_are_pulled_from_a_private_registry_and_run() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let Some((activemq, activemq_version)) = registry::official_activemq()? else { return Ok(()) };
    let (rabbitmq, rabbitmq_version) = registry::official_rabbitmq()?;
    let mut images = ImageRegistry::start()?;
    let digest = images.push(&rabbitmq, "rabbitmq:4.3-management")?;
    let activemq_name = format!("apache/activemq-classic:{activemq_version}");
    images.push(&activemq, &activemq_name)?;
    let text = catalogue(&[
        ("rabbitmq:4.3", "rabbitmq:4.3-management", Some(&digest)),
        ("activemq-classic:5.18", &activemq_name, None),
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
        let offered = eventually("both are pulled", PATIENCE, || {
            let types: Value = serde_json::from_str(&api.get("/v1/broker-engine-types")?.body)?;
            let types = types["brokerEngineTypes"].clone();
            Ok((types.as_array().map(Vec::len) == Some(2)).then_some(types))
        })?;
        let versions = |name: &str| json!([{ "name": name }]);
        ensure!(offered[0]["engineVersions"] == versions("5.18"), "{offered}");
        ensure!(offered[1]["engineVersions"] == versions("4.3"), "4.2 is not there: {offered}");

        let active = api.create(&NewBroker::activemq("stock").version("5.18"))?;
        let rabbit = api.create(&NewBroker::rabbitmq("official").version("4.3"))?;
        let address = images.address();
        for (id, script, scheme, user, image, version) in [
            (
                &rabbit,
                "amqp091.py",
                "amqps",
                "999:999",
                format!("{address}/rabbitmq@{digest}"),
                &rabbitmq_version,
            ),
            (
                &active,
                "stomp_.py",
                "stomp+ssl",
                "1000:1000",
                format!("{address}/{activemq_name}"),
                &activemq_version,
            ),
        ] {
            api.wait_until_running(id).with_context(|| image.clone())?;
            world
                .messenger(script, id, scheme)?
                .round_trip("official")
                .with_context(|| image.clone())?;
            let running = running(world, id)?;
            ensure!(running["image"] == image && running["fullVersion"] == **version, "{running}");
            let container = docker::container_of(id)?;
            ensure!(container.at("/Config/User") == user, "{container:?}");
            ensure!(container.at("/HostConfig/ReadonlyRootfs") == true, "{container:?}");
        }
        let stomp = world.messenger("stomp_.py", &active, "stomp+ssl")?;
        let stranger = stomp.as_user(brokerd_tests::USER, "not-the-password");
        ensure!(stranger.send("official", "nothing").is_err(), "any password will do");
        Ok(())
    });
    fs::remove_file(&path)?;
    drop(images);
    let left = docker(&["images", "--format", "{{.Repository}}"])?;
    ensure!(!left.lines().any(|name| name.starts_with("127.0.0.1")), "{left}");
    played
}
