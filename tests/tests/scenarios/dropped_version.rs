//! A version that the operator's catalogue has no more: what runs of it is kept alive all the same.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode};
use brokerd_tests::{
    NewBroker, TIMEOUT, WITNESSES, World, clients,
    docker::{Container, container_of, instance_of},
    eventually,
    pair::serving,
    scenario,
};

const SETTING: &str = "BROKERD_PROVISIONER_CATALOGUE";

/// What comes with brokerd, as one of its own files.
const CATALOGUE: &str = include_str!("../../../docker/catalogue.toml");

/// The same without the version that the brokers have.
fn without_5_19() -> Result<String> {
    let (head, images) = CATALOGUE.split_once("[[image]]").context("an image")?;
    let kept = images.split("[[image]]").filter(|image| !image.contains(r#"version = "5.19""#));
    let text: String = kept.map(|image| format!("[[image]]{image}")).collect();
    ensure!(text.contains(r#"version = "5.18""#) && !text.contains(r#""5.19""#), "{text}");
    Ok(format!("{head}{text}"))
}

/// The instance of a pair that serves.
fn active(world: &World, id: &str) -> Result<u8> {
    eventually("one serves and one stands by", TIMEOUT, || {
        let events = world.api.events(id)?;
        let newest = events.iter().find(|(kind, _)| kind != "request");
        let sentence = newest.map(|(_, sentence)| sentence.as_str()).unwrap_or_default();
        Ok(serving(sentence))
    })
}

fn is_back(what: &str, before: &Container, id: &str, ordinal: u8) -> Result<()> {
    eventually(what, TIMEOUT, || {
        let now = instance_of(id, ordinal)?;
        ensure!(now.id == before.id, "{what}: it was replaced");
        Ok((now.running() && now.started()? != before.started()?).then_some(()))
    })
}

#[test]
fn brokers_of_a_version_that_was_dropped_are_restarted_and_fail_over_and_are_not_rebooted()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("dropped-version", &[WITNESSES], |world| {
        let pair = NewBroker::activemq("pair").deployed(DeploymentMode::ActiveStandbyMultiAz);
        let pair = world.api.create(&pair)?;
        let single = world.running(&NewBroker::activemq("single"))?;
        world.api.wait_until_running(&pair)?;
        let messengers = [
            world.messenger("stomp_.py", &single, "stomp+ssl")?,
            world.messenger("stomp_.py", &pair, "stomp+ssl")?,
        ];
        for messenger in &messengers {
            messenger.send("kept", "before")?;
        }
        let path = world.data().join("catalogue.toml");
        fs::write(&path, without_5_19()?)?;
        world.restart_with(SETTING, path.to_str().context("a path")?)?;
        eventually("it is not offered any more", TIMEOUT, || {
            let types = world.api.get("/v1/broker-engine-types?engineType=ACTIVEMQ")?.body;
            Ok((!types.contains("5.19")).then_some(()))
        })?;

        let before = container_of(&single)?;
        before.kill9()?;
        is_back("the engine is started again", &before, &single, 1)?;
        world.api.wait_until_running(&single)?;
        ensure!(messengers[0].receive("kept")? == "before", "the message of the single instance");

        let former = active(world, &pair)?;
        instance_of(&pair, former)?.kill9()?;
        ensure!(messengers[1].receive("kept")? == "before", "the message of the pair");
        ensure!(active(world, &pair)? != former, "it did not fail over");

        // There is nothing to reboot it with: it runs on, is told so, and is not locked.
        let running = container_of(&single)?;
        world.api.reboot(&single)?;
        eventually("the reboot is over", TIMEOUT, || {
            let described = world.api.describe(&single)?;
            let state = described.broker_state();
            Ok((state == Some(&BrokerState::CriticalActionRequired)).then_some(()))
        })?;
        let told = world.api.describe_raw(&single)?;
        ensure!(told.contains("BROKER_NOT_REBOOTED") && told.contains("no image"), "{told}");
        ensure!(container_of(&single)?.started()? == running.started()?, "it was interrupted");

        fs::write(&path, CATALOGUE)?;
        world.restart()?;
        world.api.reboot_and_wait(&single)?;
        messengers[0].round_trip("kept")?;
        Ok(())
    })
}
