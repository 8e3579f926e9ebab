//! A RabbitMQ broker on one instance, from its creation to its end.

use std::{fs, net::Ipv4Addr, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::BrokerState;
use brokerd_tests::{
    Defaults, Management, NewBroker, PASSWORD, TIMEOUT, USER, World,
    clients::{self, Access, Messenger},
    docker, eventually, http, metrics_pages, scenario,
    world::SCALE,
};
use serde_json::json;

const GIB: f64 = 1_073_741_824.0;

#[test]
fn a_rabbitmq_broker_is_created_used_rebooted_and_deleted() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("a RabbitMQ broker", &[], |world| {
        let id = world.api.create(&NewBroker::rabbitmq("orders"))?;
        let state = world.api.state(&id)?;
        ensure!(
            state == Some(BrokerState::CreationInProgress),
            "right after CreateBroker: {state:?}"
        );
        endpoints_are_never_later_than_running(world, &id)?;

        it_looks_like_the_service_s(world, &id).context("DescribeBroker")?;
        messages_pass(world, &id).context("messages")?;
        strangers_are_refused(world, &id).context("strangers")?;
        the_management_api_answers(world, &id).context("management API")?;
        clients_of_every_suite_are_served(world, &id).context("suites")?;
        Defaults::of("4.3", &NewBroker::rabbitmq("").mode).hold(world, &id).context("defaults")?;
        metrics_pages::hold(world, &id, &[1]).context("metrics page")?;
        the_services_accounts_stay(world, &id).context("accounts")?;
        the_container_is_confined(&id).context("container")?;
        a_reboot_keeps_messages(world, &id).context("reboot")?;
        master_key_and_authority_are_replaced(world, &id).context("keys")?;

        world.api.delete(&id)?;
        let state = world.api.state(&id)?;
        ensure!(
            matches!(state, None | Some(BrokerState::DeletionInProgress)),
            "right after DeleteBroker: {state:?}"
        );
        world.api.wait_until_gone(&id)
    })
}

fn endpoints_are_never_later_than_running(world: &World, id: &str) -> Result<()> {
    eventually("the broker runs", brokerd_tests::TIMEOUT, || {
        let broker = world.api.describe(id)?;
        match broker.broker_state() {
            Some(BrokerState::CreationInProgress) => Ok(None),
            Some(BrokerState::Running) => {
                ensure!(broker.broker_instances().len() == 1, "RUNNING without an instance");
                Ok(Some(()))
            }
            other => anyhow::bail!("{other:?}: {:?}", world.api.events(id)?),
        }
    })
}

fn it_looks_like_the_service_s(world: &World, id: &str) -> Result<()> {
    let broker: serde_json::Value = serde_json::from_str(&world.api.describe_raw(id)?)?;
    let arn = format!("arn:aws:mq:us-east-1:000000000000:broker:orders:{id}");
    for (pointer, expected) in [
        ("/brokerArn", json!(arn)),
        ("/brokerName", json!("orders")),
        ("/engineType", json!("RabbitMQ")),
        ("/engineVersion", json!("4.3")),
        ("/storageType", json!("ebs")),
        ("/authenticationStrategy", json!("simple")),
        ("/deploymentMode", json!("SINGLE_INSTANCE")),
        ("/hostInstanceType", json!("mq.m7g.medium")),
        ("/encryptionOptions/useAwsOwnedKey", json!(true)),
        ("/users", json!([])),
        ("/configurations/history", json!([])),
    ] {
        let found = broker.pointer(pointer);
        ensure!(found == Some(&expected), "{pointer} is {found:?}, not {expected}");
    }
    ensure!(broker.pointer("/configurations/current/id").is_some(), "no configuration: {broker}");
    let instance = &broker["brokerInstances"][0];
    let console = instance["consoleURL"].as_str().context("consoleURL")?;
    let port = console.strip_prefix("https://").and_then(|host| host.split_once(':'));
    ensure!(port.is_some_and(|(host, _)| host.parse::<Ipv4Addr>().is_ok()), "{console}");
    ensure!(instance["ipAddress"].is_null(), "RabbitMQ has no ipAddress: {instance}");
    Ok(())
}

fn messages_pass(world: &World, id: &str) -> Result<()> {
    world.messenger("amqp091.py", id, "amqps")?.round_trip("orders.new").context("AMQP 0-9-1")?;
    // The same port speaks AMQP 1.0, in which queues have addresses.
    let amqp10 = world.messenger("amqp10.py", id, "amqps")?;
    ensure!(amqp10.login(USER, PASSWORD)? == Access::Granted, "AMQP 1.0 lets the user in");
    amqp10.round_trip("/queues/orders.new").context("AMQP 1.0")
}

fn strangers_are_refused(world: &World, id: &str) -> Result<()> {
    let messenger = world.messenger("amqp091.py", id, "amqps")?;
    for (user, password) in [("guest", "guest"), (USER, "not the password"), ("nobody", PASSWORD)] {
        let access = messenger.login(user, password)?;
        ensure!(access.is_refused(), "{user} with {password:?}: {access:?}");
    }
    let amqp10 = world.messenger("amqp10.py", id, "amqps")?;
    ensure!(amqp10.login("guest", "guest")?.is_refused(), "guest over AMQP 1.0");
    Ok(())
}

fn the_management_api_answers(world: &World, id: &str) -> Result<()> {
    let console = world.api.console(id)?;
    let whoami = format!("{console}/api/whoami");
    let answers = clients::https(
        &world.ca(),
        vec![
            json!({ "url": whoami, "user": USER, "password": PASSWORD }),
            json!({ "url": whoami, "user": "guest", "password": "guest" }),
            json!({ "url": whoami }),
            json!({ "url": format!("{console}/") }),
            json!({ "url": format!("{console}/api/users"), "user": USER, "password": PASSWORD }),
        ],
    )?;
    let status: Vec<_> = answers.iter().map(|answer| answer["status"].as_u64()).collect();
    ensure!(
        status == [Some(200), Some(401), Some(401), Some(200), Some(200)],
        "{}",
        clients::shown(&answers)
    );
    let body = |index: usize| answers[index]["body"].as_str().unwrap_or_default();
    ensure!(body(0).contains("administrator"), "{}", body(0));
    ensure!(body(3).contains("RabbitMQ"), "the console's page: {}", body(3));
    ensure!(!body(4).contains("\"guest\""), "there must be no guest: {}", body(4));
    Ok(())
}

/// The service's list for RabbitMQ, and one for those who have always been served by ECDSA.
const SUITES: &[&str] = &[
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
];

fn clients_of_every_suite_are_served(world: &World, id: &str) -> Result<()> {
    for url in [world.api.endpoint(id, "amqps")?, world.api.console(id)?] {
        let failed = clients::suites(&world.ca(), &url, SUITES)?;
        ensure!(failed.is_empty(), "{url}: {failed:?}");
    }
    Ok(())
}

/// Whatever the owner does to them: they are right again after a moment.
fn the_services_accounts_stay(world: &World, id: &str) -> Result<()> {
    const OWN: &str = "monitoring-AWS-OWNED-DO-NOT-DELETE";
    let owner = Management::of(world, id, USER, PASSWORD)?;
    let own = format!("users/{OWN}");
    let as_made = owner.get(&own)?;
    let limit = format!("user-limits/{OWN}/max-connections");
    for (what, method, path, body) in [
        ("removed", "DELETE", own.as_str(), serde_json::Value::Null),
        ("removed with others", "POST", "users/bulk-delete", json!({ "users": [OWN] })),
        ("changed", "PUT", &own, json!({ "password": "another", "tags": "" })),
        (
            "changed by definitions",
            "POST",
            "definitions",
            json!({ "users": [{ "name": OWN, "password_hash": "", "tags": "administrator" }] }),
        ),
        ("limited", "PUT", &limit, json!({ "value": 0 })),
        ("guest", "PUT", "users/guest", json!({ "password": "guest", "tags": "administrator" })),
    ] {
        // Some of it is refused by RabbitMQ itself.
        owner.ask(&[(method, path, body)])?;
        eventually(&format!("{what}: the accounts are right"), MOMENT, || {
            let asked = [("GET", own.as_str(), json!(null)), ("GET", "users/guest", json!(null))];
            let answers = owner.ask(&asked)?;
            let now = serde_json::from_str::<serde_json::Value>(&answers[0].1).unwrap_or_default();
            Ok((now == as_made && answers[1].0 == 404).then_some(()))
        })?;
    }
    Ok(())
}

/// The node looks every second, and the machine may be busy.
const MOMENT: Duration = Duration::from_secs(10);

fn the_container_is_confined(id: &str) -> Result<()> {
    let told = docker::everything_about(id)?;
    ensure!(!told.contains(PASSWORD), "the password is in what the container engine tells");
    let container = docker::container_of(id)?;
    let host = |name: &str| container.at(&format!("/HostConfig/{name}")).clone();
    ensure!(host("Memory") == json!((4.0 * SCALE * GIB) as u64), "memory: {}", host("Memory"));
    ensure!(host("NanoCpus") == json!((SCALE * 1e9) as u64), "CPU: {}", host("NanoCpus"));
    ensure!(host("CpuShares") == json!(1024), "it still counts as booting: {}", host("CpuShares"));
    ensure!(host("ReadonlyRootfs") == json!(true), "the root file system is writable");
    ensure!(host("CapDrop") == json!(["ALL"]), "capabilities: {}", host("CapDrop"));
    ensure!(host("CapAdd").as_array().is_none_or(Vec::is_empty), "added: {}", host("CapAdd"));
    ensure!(host("Privileged") == json!(false), "privileged");
    ensure!(host("PidsLimit").as_u64().is_some_and(|limit| limit > 0), "no limit on processes");
    ensure!(host("RestartPolicy")["Name"] == "no", "{}", host("RestartPolicy"));
    ensure!(
        host("SecurityOpt").to_string().contains("no-new-privileges"),
        "{}",
        host("SecurityOpt")
    );
    ensure!(
        host("Binds")
            .as_array()
            .into_iter()
            .flatten()
            .all(|bind| { !Path::new(bind.as_str().unwrap_or_default()).is_absolute() }),
        "directories of the host: {}",
        host("Binds")
    );
    ensure!(container.at("/Config/User") == &json!("999:999"), "{}", container.at("/Config/User"));
    Ok(())
}

fn a_reboot_keeps_messages(world: &World, id: &str) -> Result<()> {
    let messenger = world.messenger("amqp091.py", id, "amqps")?;
    messenger.send("orders.kept", "kept across a reboot")?;
    let before = world.api.describe_raw(id)?;
    let container = docker::container_of(id)?;

    world.api.reboot(id)?;
    let state = world.api.state(id)?;
    ensure!(state == Some(BrokerState::RebootInProgress), "right after RebootBroker: {state:?}");
    world.api.wait_until_running(id)?;

    let after = docker::container_of(id)?;
    ensure!(
        after.id != container.id || after.started()? != container.started()?,
        "nothing was rebooted"
    );
    ensure!(world.api.describe_raw(id)? == before, "DescribeBroker differs after the reboot");
    let body = messenger.receive("orders.kept")?;
    ensure!(body == "kept across a reboot", "{body:?}");
    Ok(())
}

/// While brokerd and clients go on.
fn master_key_and_authority_are_replaced(world: &World, id: &str) -> Result<()> {
    let told = world.brokerd(&["master-key", "rotate"])?;
    ensure!(told.contains("values are sealed with the key"), "{told}");
    let told = world.brokerd(&["master-key", "retire"])?;
    ensure!(told.contains("removed 1 keys"), "{told}");

    // What is in `ca.pem` by now, where the API says the same.
    let trusted = |count: usize| {
        let pem = fs::read_to_string(world.ca())?;
        let served = http::get(&world.address(), "/brokerd/v1/ca.pem")?.body;
        let is_it = pem.matches("BEGIN CERTIFICATE").count() == count && served == pem;
        Ok(is_it.then_some(pem))
    };
    let is_let_in = |pem: &str| {
        let path = world.data().join("client.pem");
        fs::write(&path, pem)?;
        let client = Messenger::python("amqp091.py", world.api.endpoint(id, "amqps")?, path);
        Ok::<_, anyhow::Error>(matches!(client.login(USER, PASSWORD), Ok(Access::Granted)))
    };
    let old = fs::read_to_string(world.ca())?;
    world.brokerd(&["authority", "rotate", "--after", "0"])?;
    let both = eventually("both authorities are trusted", TIMEOUT, || trusted(2))?;
    let new = both.strip_suffix(&old).context("the former authority is not the last one")?;
    ensure!(is_let_in(&both)? && is_let_in(&old)? && !is_let_in(new)?, "before the reboot");
    ensure!(world.brokerd(&["authority", "retire"]).is_err(), "a broker has a certificate of it");

    world.api.reboot(id)?;
    world.api.wait_until_running(id)?;
    ensure!(is_let_in(&both)? && !is_let_in(&old)? && is_let_in(new)?, "after the reboot");
    messages_pass(world, id)?;
    world.brokerd(&["authority", "retire"])?;
    let only = eventually("one authority is left", TIMEOUT, || trusted(1))?;
    ensure!(only == new && is_let_in(&only)?, "at the end");
    messages_pass(world, id)
}
