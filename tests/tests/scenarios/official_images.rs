//! Official images, by their layout: pulled from a registry that asks who pulls, and run.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::DeploymentMode;
use brokerd_tests::{
    NewBroker, NewUser, Steady, TIMEOUT, USER, World, clients,
    docker::{self, docker},
    eventually, machine,
    pair::serving,
    registry::{self, ImageRegistry},
    scenario,
};
use serde_json::{Value, json};

const CATALOGUE: &str = include_str!("../../../docker/catalogue.toml");

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
    eventually("what runs is known", TIMEOUT, || {
        let answer = world.api.get(&format!("/brokerd/v1/brokers/{id}"))?;
        let told: Value = serde_json::from_str(&answer.body)?;
        Ok(told.get("running").cloned())
    })
}

/// Only who is in the crew may send, which is nobody that the broker has from the beginning.
const CONFIGURED: &str = r#"<broker xmlns="http://activemq.apache.org/schema/core">
  <plugins>
    <authorizationPlugin>
      <map>
        <authorizationMap>
          <authorizationEntries>
            <authorizationEntry queue="&gt;" read="crew" write="crew" admin="crew"/>
            <authorizationEntry topic="&gt;" read="crew" write="crew" admin="crew"/>
          </authorizationEntries>
        </authorizationMap>
      </map>
    </authorizationPlugin>
  </plugins>
</broker>
"#;

const MEMBER: (&str, &str) = ("member", "Granite-Feather-83-Loom");

/// What was pushed, and what it should turn out to be.
struct Pushed {
    /// The image's name in the registry.
    name: String,
    digest: String,
    full_version: String,
}

/// The broker runs from that image, hardened as any other.
fn runs(world: &World, id: &str, ordinal: u8, image: &str, version: &str) -> Result<()> {
    let running = running(world, id)?;
    ensure!(running["image"] == image && running["fullVersion"] == version, "{running}");
    let container = docker::instance_of(id, ordinal)?;
    let user = if version.starts_with("5.") { "1000:1000" } else { "999:999" };
    ensure!(container.at("/Config/User") == user, "{container:?}");
    ensure!(container.at("/HostConfig/ReadonlyRootfs") == true, "{container:?}");
    ensure!(container.at("/Image") == &running["imageId"], "{container:?}");
    Ok(())
}

/// What is known to be wrong with it, and what it lacks, is told.
fn shortcomings_are_told(world: &World, activemq: &Pushed) -> Result<()> {
    let told: Value = serde_json::from_str(&world.api.get("/brokerd/v1/engine-versions")?.body)?;
    let stock = &told["engineVersions"][0];
    ensure!(stock["engineVersion"] == "5.18" && stock["notice"].is_string(), "{told}");
    ensure!(stock["modules"]["broker"] == *activemq.full_version, "{stock}");
    let open = stock["advisories"].as_array().context("advisories")?;
    // It ends a broker before anybody has logged in, and nothing is done about it here.
    let known = open.iter().find(|one| one["id"] == "CVE-2025-27533").context("not told")?;
    ensure!(known.get("mitigation").is_none(), "{known}");
    ensure!(world.log()?.contains("this image is not brokerd's"), "the log says nothing");
    Ok(())
}

/// Users and a configuration wait for a reboot and are in force after it, and messages are kept.
fn a_reboot_changes_it(world: &World, id: &str) -> Result<()> {
    let api = &world.api;
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    let stranger = stomp.as_user(USER, "not-the-password");
    ensure!(stranger.login(USER, "not-the-password")?.is_refused(), "any password will do");
    stomp.send("kept", "before the reboot")?;
    api.create_user(id, &NewUser::new(MEMBER.0, MEMBER.1).in_group("crew"))?;
    let own = api.configurations(id)?.current.context("a configuration of its own")?;
    let configured = api.revise(&own.configuration, CONFIGURED)?;
    api.configure(id, &configured)?;
    api.reboot_and_wait(id)?;
    ensure!(api.configurations(id)?.current == Some(configured), "{:?}", api.configurations(id)?);
    let member = stomp.as_user(MEMBER.0, MEMBER.1);
    ensure!(member.receive("kept")? == "before the reboot", "another message");
    member.round_trip("crew")?;
    let refused = stomp.may("send", "crew", "forbidden")?;
    ensure!(refused.is_refused(), "the configuration is not in force");
    Ok(())
}

/// When the one that serves is killed, the other one does, and has the messages.
fn it_fails_over(world: &World, id: &str) -> Result<()> {
    let mut clients = Steady::begin(world, id, "steady")?;
    clients.longest_pause()?;
    let stands_by = || {
        eventually("the pair is whole", TIMEOUT, || {
            let events = world.api.events(id)?;
            Ok(events.iter().find_map(|(_, message)| serving(message)))
        })
    };
    let active = stands_by()?;
    docker::instance_of(id, active)?.kill9()?;
    let pause = clients.longest_pause()?;
    machine::say(&format!("failover of stock images: {:.1} s", pause.as_secs_f64()));
    let outcome = clients.end()?;
    ensure!(outcome.lost.is_empty() && outcome.stored > 0, "{outcome:?}");
    eventually("the other one serves", TIMEOUT, || Ok((stands_by()? != active).then_some(())))
}

/// What the tag meant when it was pulled is pulled again when it is gone, whatever it means by now.
fn the_same_is_pulled_again(
    world: &World,
    images: &ImageRegistry,
    activemq: &Pushed,
    other: &str,
    again: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let reference = format!("{}/{}", images.address(), activemq.name);
    let id = |name: &str| docker(&["image", "inspect", "-f", "{{.Id}}", name]);
    let before = id(&reference)?;
    images.moves(&activemq.name, other)?;
    docker(&["rmi", &reference])?;
    again()?;
    let after = eventually("it is pulled again", TIMEOUT, || Ok(id(&reference).ok()))?;
    ensure!(after == before, "{after} is not {before}");
    let log = world.log()?;
    ensure!(!log.contains(&format!("{reference} changed from ")), "{log}");
    Ok(())
}

#[test]
fn official_images_are_pulled_from_a_private_registry_and_run() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let Some((activemq, activemq_version)) = registry::official_activemq()? else { return Ok(()) };
    let (rabbitmq, rabbitmq_version) = registry::official_rabbitmq()?;
    let mut images = ImageRegistry::start()?;
    let mut pushed = |image: &str, name: String, full_version: String| -> Result<Pushed> {
        Ok(Pushed { digest: images.push(image, &name)?, name, full_version })
    };
    let tag = format!("apache/activemq-classic:{activemq_version}");
    let rabbitmq_tag = "rabbitmq:4.3-management".to_owned();
    let stock = pushed(&activemq, tag, activemq_version)?;
    let rabbit = pushed(&rabbitmq, rabbitmq_tag, rabbitmq_version)?;
    let newer =
        pushed(&rabbitmq, "apache/activemq-classic:newer".to_owned(), String::new())?.digest;
    let text = catalogue(&[
        ("rabbitmq:4.3", &rabbit.name, Some(&rabbit.digest)),
        ("activemq-classic:5.18", &stock.name, None),
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
        let offered = eventually("both are pulled", TIMEOUT, || {
            let types: Value = serde_json::from_str(&api.get("/v1/broker-engine-types")?.body)?;
            let types = types["brokerEngineTypes"].clone();
            Ok((types.as_array().map(Vec::len) == Some(2)).then_some(types))
        })?;
        let versions = |name: &str| json!([{ "name": name }]);
        ensure!(offered[0]["engineVersions"] == versions("5.18"), "{offered}");
        ensure!(offered[1]["engineVersions"] == versions("4.3"), "4.2 is not there: {offered}");
        shortcomings_are_told(world, &stock)?;

        let pair = NewBroker::activemq("pair").version("5.18");
        let pair = api.create(&pair.deployed(DeploymentMode::ActiveStandbyMultiAz))?;
        let single = api.create(&NewBroker::activemq("stock").version("5.18"))?;
        let rabbitmq = api.create(&NewBroker::rabbitmq("official").version("4.3"))?;
        let address = images.address();
        let pinned = format!("{address}/rabbitmq@{}", rabbit.digest);
        let by_tag = format!("{address}/{}@{}", stock.name, stock.digest);
        for (id, instances, image, version) in [
            (&rabbitmq, 1, &pinned, &rabbit.full_version),
            (&single, 1, &by_tag, &stock.full_version),
            (&pair, 2, &by_tag, &stock.full_version),
        ] {
            api.wait_until_running(id).with_context(|| image.clone())?;
            for ordinal in 1..=instances {
                runs(world, id, ordinal, image, version)?;
            }
        }
        world.messenger("amqp091.py", &rabbitmq, "amqps")?.round_trip("official")?;
        let mut speaking = vec![
            world.messenger("stomp_.py", &single, "stomp+ssl")?,
            world.messenger("amqp10.py", &single, "amqp+ssl")?,
        ];
        speaking.extend(world.jms(&single)?);
        for messenger in speaking {
            messenger.round_trip("official").with_context(|| format!("{messenger:?}"))?;
        }
        the_same_is_pulled_again(world, &images, &stock, &newer, || {
            // Its name means nothing meanwhile.
            a_reboot_changes_it(world, &single)
        })?;
        runs(world, &single, 1, &by_tag, &stock.full_version)?;
        it_fails_over(world, &pair)
    });
    fs::remove_file(&path)?;
    drop(images);
    let left = docker(&["images", "--format", "{{.Repository}}"])?;
    ensure!(!left.lines().any(|name| name.starts_with("127.0.0.1")), "{left}");
    played
}

#[test]
fn a_registry_that_refuses_the_password_is_logged_and_other_versions_are_offered() -> Result<()> {
    const WRONG: &str = "Lantern-Harbour-8";
    let images = ImageRegistry::start()?;
    let pulled = catalogue(&[("rabbitmq:4.3", "rabbitmq:4.3-management", None)])?;
    let built = CATALOGUE.split("[[image]]").find(|e| e.contains("\"brokerd/activemq:5.19\""));
    let built = built.context("an image that is built here")?;
    let path = machine::cache("registries")?.join(format!("{}.toml", machine::random_hex(4)?));
    fs::write(&path, format!("[[image]]{built}{pulled}"))?;
    let settings = [
        ("BROKERD_PROVISIONER_CATALOGUE", path.to_str().context("a path")?),
        ("BROKERD_ENGINES_PULL", "true"),
        ("BROKERD_REGISTRY_ADDRESS", images.address()),
        ("BROKERD_REGISTRY_USERNAME", registry::USERNAME),
        ("BROKERD_REGISTRY_PASSWORD", WRONG),
    ];
    let played = scenario("a wrong password", &settings, |world| {
        let warning = |log: &str| {
            let mut lines = log.lines().rev();
            lines.find(|line| line.contains("RabbitMQ 4.3 can't be offered")).map(str::to_owned)
        };
        let refused = eventually("the registry refuses", TIMEOUT, || Ok(warning(&world.log()?)))?;
        ensure!(refused.contains("can't be pulled: "), "{refused}");
        let why = ["unauthorized", "no basic auth credentials", "401"];
        ensure!(why.iter().any(|word| refused.contains(word)), "{refused}");
        let types: Value = serde_json::from_str(&world.api.get("/v1/broker-engine-types")?.body)?;
        let others = json!([{ "engineType": "ACTIVEMQ", "engineVersions": [{ "name": "5.19" }] }]);
        ensure!(types["brokerEngineTypes"] == others, "{types}");

        // Whoever is let in is told something else: the registry is empty.
        world.restart_with("BROKERD_REGISTRY_PASSWORD", registry::PASSWORD)?;
        eventually("the registry lets brokerd in", TIMEOUT, || {
            Ok(warning(&world.log()?).filter(|told| *told != refused))
                .map(|told| told.filter(|told| why.iter().all(|word| !told.contains(word))))
        })?;
        let log = world.log()?;
        ensure!(!log.contains(WRONG) && !log.contains(registry::PASSWORD), "a password is told");
        Ok(())
    });
    fs::remove_file(&path)?;
    played
}
