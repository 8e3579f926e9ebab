//! What survives `kill -9`, and what a failed creation leaves.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, EngineType};
use brokerd_tests::{
    LONG_LEASES, NewBroker, NewUser, TIMEOUT, USER, World, changes::References, clients, docker,
    eventually, retry, scenario,
};
use serde_json::json;

/// The client and the scheme that show whether messages pass.
const RABBITMQ: (&str, &str) = ("amqp091.py", "amqps");
const ACTIVEMQ: (&str, &str) = ("stomp_.py", "stomp+ssl");

fn exactly_one_running(world: &World, id: &str) -> Result<()> {
    world.api.wait_until_running(id)?;
    ensure!(world.api.list()? == [id], "brokers: {:?}", world.api.list()?);
    let containers = docker::containers(&world.label())?;
    ensure!(containers.len() == 1, "containers: {containers:?}");
    Ok(())
}

#[test]
fn brokerd_killed_in_the_middle_of_a_creation_ends_with_exactly_one_broker() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("kill brokerd in the middle of a creation", LONG_LEASES, |world| {
        let mut new = NewBroker::rabbitmq("survivor");
        new.creator_request_id = Some("the-same-call".to_owned());

        let id = world.api.create(&new)?;
        world.kill9().context("right after the answer")?;
        world.restart()?;
        // A caller whose answer was lost asks again.
        ensure!(world.api.create(&new)? == id, "the same request made another broker");

        let label = world.label();
        eventually("there is a container", TIMEOUT, || {
            Ok((!docker::containers(&label)?.is_empty()).then_some(()))
        })?;
        world.kill9().context("with a container made")?;
        world.restart()?;

        eventually("the engine was started", TIMEOUT, || {
            let all = docker::containers(&label)?;
            let started = all.iter().map(|c| docker::inspect(c)).collect::<Result<Vec<_>>>()?;
            Ok(started.iter().any(docker::Container::running).then_some(()))
        })?;
        world.kill9().context("with the engine booting")?;
        world.restart()?;

        // Who stops gives back what it held, and leaves nothing that tells of it.
        let status = world.stop()?;
        ensure!(status.success(), "brokerd ended with {status}");
        let lives = std::fs::read_dir(world.data().join("provisioners"))?.count();
        ensure!(lives == 0, "{lives} provisioners still seem to live");
        world.restart()?;

        exactly_one_running(world, &id)?;
        world.messenger(RABBITMQ.0, &id, RABBITMQ.1)?.round_trip("after.the.crash")
    })
}

#[test]
fn brokerd_killed_in_the_middle_of_a_reboot_or_a_deletion_finishes_it() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("kill brokerd in the middle of a reboot", LONG_LEASES, |world| {
        let id = world.running(&NewBroker::activemq("survivor"))?;
        let messenger = world.messenger(ACTIVEMQ.0, &id, ACTIVEMQ.1)?;
        messenger.send("kept", "through a broken reboot")?;
        let before = docker::container_of(&id)?;

        world.api.reboot(&id)?;
        world.kill9()?;
        world.restart()?;
        exactly_one_running(world, &id)?;
        let after = docker::container_of(&id)?;
        ensure!(
            after.id != before.id || after.started()? != before.started()?,
            "the reboot was forgotten"
        );
        let body = messenger.receive("kept")?;
        ensure!(body == "through a broken reboot", "{body:?}");

        world.api.delete(&id)?;
        world.kill9()?;
        world.restart()?;
        world.api.wait_until_gone(&id)
    })
}

const CHANGED: &str = "Basalt-Heron-29-Compass";

const WITH_A_QUEUE: &str = r#"<broker xmlns="http://activemq.apache.org/schema/core">
  <destinations>
    <queue physicalName="made.by.the.configuration"/>
  </destinations>
</broker>
"#;

#[test]
fn brokerd_killed_in_the_middle_of_changes_applies_each_of_them_exactly_once() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("kill brokerd in the middle of changes", LONG_LEASES, |world| {
        let id = world.running(&NewBroker::activemq("changing").version("5.18"))?;
        let messenger = world.messenger(ACTIVEMQ.0, &id, ACTIVEMQ.1)?;
        messenger.send("kept", "through broken changes")?;
        let configuration =
            world.api.create_configuration("changing", EngineType::Activemq, "5.19")?;
        let revision = world.api.revise(&configuration, WITH_A_QUEUE)?;
        let first = world.api.configurations(&id)?.current.context("a configuration of its own")?;
        let instances = world.api.describe(&id)?.broker_instances;
        let before = docker::container_of(&id)?;

        let api = &world.api;
        api.update(&id, |call| call.engine_version("5.19").host_instance_type("mq.m5.large"))?;
        api.configure(&id, &revision)?;
        api.update_user(&id, USER, |call| call.password(CHANGED))?;
        api.create_user(&id, &NewUser::new("newcomer", CHANGED).with_console())?;

        api.reboot(&id)?;
        world.kill9().context("right after the answer")?;
        world.restart()?;
        let label = world.label();
        let others = || -> Result<Vec<String>> {
            Ok(docker::containers(&label)?.into_iter().filter(|c| *c != before.id).collect())
        };
        eventually("another container is made", TIMEOUT, || {
            Ok((!others()?.is_empty()).then_some(()))
        })?;
        world.kill9().context("with the container replaced")?;
        world.restart()?;
        eventually("the engine was started", TIMEOUT, || {
            let started =
                others()?.iter().map(|c| docker::inspect(c)).collect::<Result<Vec<_>>>()?;
            Ok(started.iter().any(docker::Container::running).then_some(()))
        })?;
        world.kill9().context("with the engine booting")?;
        world.restart()?;

        exactly_one_running(world, &id)?;
        everything_is_changed(world, &id).context("after the reboot")?;
        let references = world.api.configurations(&id)?;
        let once = References { current: Some(revision), pending: None, history: vec![first] };
        ensure!(references == once, "not applied once: {references:?}");
        ensure!(world.api.describe(&id)?.broker_instances == instances, "other endpoints");
        let body = messenger.as_user(USER, CHANGED).receive("kept")?;
        ensure!(body == "through broken changes", "{body:?}");

        // What is applied is not applied again.
        let after = docker::container_of(&id)?;
        world.kill9()?;
        world.restart()?;
        exactly_one_running(world, &id)?;
        everything_is_changed(world, &id).context("after one more restart")?;
        let again = docker::container_of(&id)?;
        ensure!(
            again.id == after.id && again.started()? == after.started()?,
            "the engine was restarted without need"
        );
        let left = docker::objects(&label)?;
        ensure!(left.len() == 4, "not a container, two volumes and a network: {left:?}");
        Ok(())
    })
}

fn everything_is_changed(world: &World, id: &str) -> Result<()> {
    let broker = world.api.describe(id)?;
    ensure!(broker.engine_version.as_deref() == Some("5.19"), "{broker:?}");
    ensure!(broker.host_instance_type.as_deref() == Some("mq.m5.large"), "{broker:?}");
    ensure!(
        broker.pending_engine_version.is_none() && broker.pending_host_instance_type.is_none(),
        "{broker:?}"
    );
    let users = world.api.users(id)?;
    let expected = [USER, "newcomer"].map(|name| (name.to_owned(), None));
    ensure!(users == expected, "{users:?}");
    let messenger = world.messenger(ACTIVEMQ.0, id, ACTIVEMQ.1)?;
    let logins = [(USER, CHANGED), ("newcomer", CHANGED), (USER, brokerd_tests::PASSWORD)];
    let access = retry("the endpoint is back", TIMEOUT, || messenger.logins(&logins))?;
    ensure!(access == [true, true, false], "{access:?}");
    let page = format!("{}/admin/queues.jsp", world.api.console(id)?);
    let request = json!({ "url": page, "user": "newcomer", "password": CHANGED });
    let answer = retry("the console is back", TIMEOUT, || {
        let answer = clients::https(&world.ca(), vec![request.clone()])?.remove(0);
        ensure!(answer["status"] == 200, "{answer}");
        Ok(answer)
    })?;
    let body = answer["body"].as_str().unwrap_or_default();
    ensure!(body.contains("made.by.the.configuration"), "the configured queue is missing: {body}");
    Ok(())
}

#[test]
fn a_killed_engine_comes_back_by_itself_with_its_messages_at_the_same_address() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("kill engines", &[], |world| {
        let new = [NewBroker::rabbitmq("rabbit"), NewBroker::activemq("active")];
        let ids = new.iter().map(|new| world.api.create(new)).collect::<Result<Vec<_>>>()?;
        for (id, (script, scheme)) in ids.iter().zip([RABBITMQ, ACTIVEMQ]) {
            world.api.wait_until_running(id)?;
            let messenger = world.messenger(script, id, scheme)?;
            messenger.send("kept", "through a crash").context(scheme)?;
            docker::remembers_queue(id, "kept")?;
            let described = world.api.describe_raw(id)?;
            let before = docker::container_of(id)?;

            before.kill9()?;
            let after = eventually("the engine was started again", TIMEOUT, || {
                let now = docker::container_of(id)?;
                let again = now.running() && now.started()? != before.started()?;
                Ok(again.then_some(now))
            })?;
            let body = retry("the message is there", TIMEOUT, || messenger.receive("kept"))?;
            ensure!(body == "through a crash", "{body:?}");
            world.api.wait_until_running(id)?;
            ensure!(
                world.api.describe_raw(id)? == described,
                "DescribeBroker differs after the crash"
            );
            ensure!(
                after.at("/Name") == before.at("/Name"),
                "another container: {}",
                after.at("/Name")
            );
        }
        Ok(())
    })
}

#[test]
fn engines_run_on_while_brokerd_is_away_and_nothing_changes_when_it_returns() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("restart brokerd", &[], |world| {
        let id = world.running(&NewBroker::activemq("steady"))?;
        let messenger = world.messenger(ACTIVEMQ.0, &id, ACTIVEMQ.1)?;
        messenger.send("kept", "while nobody looked")?;
        let described = world.api.describe_raw(&id)?;
        let before = docker::container_of(&id)?;

        world.kill9()?;
        ensure!(docker::container_of(&id)?.running(), "the engine ended with brokerd");
        world.restart()?;
        let body = retry("the endpoint is back", TIMEOUT, || messenger.receive("kept"))?;
        ensure!(body == "while nobody looked", "{body:?}");
        world.api.wait_until_running(&id)?;
        ensure!(world.api.describe_raw(&id)? == described, "DescribeBroker differs after kill -9");

        messenger.send("kept", "through an orderly stop")?;
        let status = world.stop()?;
        ensure!(status.success(), "brokerd ended with {status}");
        world.restart()?;
        ensure!(world.api.describe_raw(&id)? == described, "DescribeBroker differs after the stop");
        let body = retry("the endpoint is back", TIMEOUT, || messenger.receive("kept"))?;
        ensure!(body == "through an orderly stop", "{body:?}");

        let after = docker::container_of(&id)?;
        ensure!(
            after.id == before.id && after.started()? == before.started()?,
            "the engine was restarted without need"
        );
        Ok(())
    })
}

#[test]
fn a_creation_that_cannot_succeed_fails_with_a_reason_and_can_be_deleted() -> Result<()> {
    scenario("failed creations", &[("BROKERD_SIZING_SCALE", "1")], |world| {
        let id = world.api.create(&NewBroker::rabbitmq("giant").host("mq.m7g.16xlarge"))?;
        it_fails_because(world, &id, &["mq.m7g.16xlarge", "256", "not enough memory", "memory"])?;
        // Its name stays taken until it is deleted.
        let again = world.api.create(&NewBroker::rabbitmq("giant"));
        ensure!(again.is_err(), "the name of a failed broker was given away");
        world.api.delete(&id)?;
        world.api.wait_until_gone(&id)?;
        let small = world.api.create(&NewBroker::activemq("giant"))?;
        world.api.delete(&small).context("deleting a broker that is being created")?;
        world.api.wait_until_gone(&small)
    })
}

#[test]
fn a_creation_whose_image_is_gone_fails_with_a_reason_and_can_be_deleted() -> Result<()> {
    let image = format!("brokerd-tests/gone:{}", brokerd_tests::machine::random_hex(4)?);
    let catalogue = std::env::temp_dir().join(image.replace(['/', ':'], "-"));
    let built_in = brokerd_tests::machine::repository().join("docker/catalogue.toml");
    let text = std::fs::read_to_string(built_in)?.replace("brokerd/activemq:5.18", &image);
    std::fs::write(&catalogue, text)?;
    docker::docker(&["tag", "brokerd/activemq:5.18", &image])?;
    let settings = [("BROKERD_PROVISIONER_CATALOGUE", catalogue.to_str().context("a path")?)];

    let played = scenario("a missing image", &settings, |world| {
        eventually("the version is offered", TIMEOUT, || {
            let offered = world.api.get("/v1/broker-engine-types")?.body;
            Ok(offered.contains("5.18").then_some(()))
        })?;
        // Only who makes containers would notice that the image is gone, so it is kept away meanwhile.
        world.kill9()?;
        docker::docker(&["rmi", &image])?;
        world.restart_as("api")?;
        let id = world.api.create(&NewBroker::activemq("imageless").version("5.18"))?;
        world.restart()?;
        it_fails_because(world, &id, &["there is no image", &image])?;
        world.api.delete(&id)?;
        world.api.wait_until_gone(&id)
    });
    std::fs::remove_file(&catalogue)?;
    // Gone already, unless the scenario failed early.
    drop(docker::docker(&["rmi", &image]));
    played
}

fn it_fails_because(world: &World, id: &str, words: &[&str]) -> Result<()> {
    eventually("the creation has failed", TIMEOUT, || match world.api.state(id)? {
        Some(BrokerState::CreationFailed) => Ok(Some(())),
        Some(BrokerState::CreationInProgress) => Ok(None),
        other => anyhow::bail!("{other:?}"),
    })?;
    let events = world.api.events(id)?;
    let said = |(kind, message): &(String, String)| {
        kind == "failure" && words.iter().all(|word| message.contains(word))
    };
    ensure!(events.iter().any(said), "no event says {words:?}: {events:#?}");
    Ok(())
}
