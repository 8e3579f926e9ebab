//! Accounts and keys, made by command and by the API. No client talks to an engine.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{Api, NewBroker, TIMEOUT, World, clients, eventually, scenario};
use serde_json::{Value, json};

const ACCOUNTS: &str = "/brokerd/v1/accounts";

/// The status of a signed request, and its answer.
fn call(api: &Api, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = api.signed(method, path, &body)?;
    Ok((answer.status, serde_json::from_str(&answer.body).unwrap_or_default()))
}

fn refusal(world: &World, arguments: &[&str]) -> Result<String> {
    let refused = world.brokerd(arguments).err();
    Ok(format!("{:#}", refused.with_context(|| format!("{arguments:?} is not refused"))?))
}

/// Waits until a key signs as expected: processes believe for some seconds what they know of it.
fn until(api: &Api, status: u16) -> Result<()> {
    eventually("the change of a key is known", TIMEOUT, || {
        Ok((api.get("/v1/brokers")?.status == status).then_some(()))
    })
}

#[test]
fn a_team_gets_an_account_with_quotas_and_keys_by_command() -> Result<()> {
    scenario("accounts by command", &[], |world| {
        let red = world.brokerd(&["account", "create", "red", "--brokers", "0"])?;
        let red = red.trim();
        let listed = world.brokerd(&["account", "list"])?;
        ensure!(listed.contains(&format!("{red} red: 0 of 0 brokers")), "{listed}");
        let refused = refusal(world, &["account", "create", "RED"])?;
        ensure!(refused.contains("another account is called RED"), "{refused}");

        let root = world.brokerd(&["key", "create", "--account", "red"])?;
        let root = world.as_exported(&root)?;
        ensure!(root.list()?.is_empty(), "it has no broker yet");
        let refused =
            format!("{:#}", root.create(&NewBroker::activemq("b")).err().context("no quota")?);
        ensure!(refused.contains("as many brokers as its quota permits"), "{refused}");

        // Two keys at most, and what withdraws them.
        let second = world.brokerd(&["key", "create", "--account", "red", "--days", "1"])?;
        let second = world.as_exported(&second)?;
        ensure!(
            refusal(world, &["key", "create", "--account", "red"])?.contains("two access keys")
        );
        until(&second, 200)?;
        world.brokerd(&["key", "disable", &second.key])?;
        until(&second, 403)?;
        world.brokerd(&["key", "enable", &second.key])?;
        until(&second, 200)?;
        world.brokerd(&["key", "delete", &second.key])?;
        until(&second, 403)?;

        // A user who may only look, and one who may do nothing yet.
        let reader = world.brokerd(&["key", "create", "--account", "red", "--read-only"])?;
        let reader = world.as_exported(&reader)?;
        ensure!(reader.list()?.is_empty(), "it may look");
        let status = reader.get("/brokerd/v1/security-groups")?.status;
        ensure!(status == 200, "it may look at what is brokerd's own: {status}");
        let refused = reader.create(&NewBroker::activemq("b")).err().context("it may only look")?;
        ensure!(
            format!("{refused:#}").contains("is not authorized to perform: mq:CreateBroker"),
            "{refused:#}"
        );
        let refused = refusal(world, &["env", "--account", "red", "--user", "alice"])?;
        ensure!(refused.contains("has no user alice"), "{refused}");
        let alice = ["key", "create", "--account", "red", "--user", "alice"];
        let alice = world.as_exported(&world.brokerd(&alice)?)?;
        ensure!(alice.get("/v1/brokers")?.status == 403, "nothing is allowed by silence");
        let exports = world.brokerd(&["env", "--account", "red", "--user", "alice"])?;
        ensure!(world.as_exported(&exports)?.key == alice.key, "{exports}");
        for service in ["MQ", "STS", "IAM"] {
            let export = format!("export AWS_ENDPOINT_URL_{service}='http://{}'", world.address());
            ensure!(exports.contains(&export), "{exports}");
        }

        made_on_the_host(world, red, &root, &alice)?;

        world.brokerd(&["account", "suspend", "red"])?;
        until(&root, 403)?;
        let refused = root.get("/v1/brokers")?.body;
        ensure!(refused.contains(&format!("Account {red} is suspended.")), "{refused}");
        world.brokerd(&["account", "resume", "red"])?;
        until(&root, 200)?;
        let refused = refusal(world, &["account", "delete", "red"])?;
        ensure!(refused.contains("still has users, groups or roles"), "{refused}");
        Ok(())
    })
}

/// The commands so far are events: the account's own, and the operator's about the account.
fn made_on_the_host(world: &World, red: &str, root: &Api, alice: &Api) -> Result<()> {
    let recorded = |api: &Api, name: &str| -> Result<Vec<Value>> {
        let records: Vec<Value> = clients::looked_up(api, "EventName", name)?
            .iter()
            .map(|event| {
                Ok(serde_json::from_str(event["CloudTrailEvent"].as_str().context("a record")?)?)
            })
            .collect::<Result<_>>()?;
        ensure!(
            records.iter().all(|one| one["additionalEventData"]["madeOn"] == "host"),
            "{records:?}"
        );
        Ok(records)
    };
    if clients::python()?.is_none() {
        return Ok(());
    }
    let keys = recorded(root, "CreateAccessKey")?;
    let of_alice = keys.iter().find(|key| {
        key["responseElements"]["accessKey"]["accessKeyId"] == alice.key.as_str()
            && key["requestParameters"]["userName"] == "alice"
    });
    let key = of_alice.with_context(|| format!("alice's key in {keys:?}"))?;
    ensure!(
        key["userIdentity"]["userName"].is_string() && key["userAgent"] == "brokerd key",
        "{key}"
    );
    ensure!(!json!(keys).to_string().contains(&alice.secret), "a secret is told");
    let refused = keys.iter().filter(|key| key["errorCode"] == "Failed");
    ensure!(refused.count() == 1, "the third key of the root: {keys:?}");
    ensure!(
        recorded(root, "DeleteAccessKey")?.len() == 1
            && recorded(root, "UpdateAccessKey")?.len() == 2
    );
    ensure!(recorded(root, "PutUserPolicy")?.len() == 1, "what a read-only user may");
    let made = recorded(&world.api, "CreateAccount")?;
    let is_red = |record: &&Value| record["responseElements"]["accountId"] == red;
    ensure!(made.iter().filter(is_red).count() == 1, "{made:?}");
    ensure!(recorded(root, "CreateAccount")?.is_empty(), "that is the operator's event");
    Ok(())
}

#[test]
fn the_operator_makes_watches_and_deletes_an_account_by_the_api() -> Result<()> {
    scenario("accounts by the API", &[], |world| {
        let body = json!({"name": "blue", "quotas": {"memoryMib": 1024, "storageGib": 100}});
        let (status, blue) = call(&world.api, "POST", ACCOUNTS, &body)?;
        ensure!(status == 200, "{blue}");
        let number = blue["accountId"].as_str().context("a number")?;
        let path = format!("{ACCOUNTS}/{number}");
        let root = world.brokerd(&["key", "create", "--account", "blue"])?;
        let root = world.as_exported(&root)?;

        let broker = root.create(&NewBroker::activemq("orders"))?;
        let refused =
            root.create(&NewBroker::activemq("more")).err().context("no memory is left")?;
        ensure!(format!("{refused:#}").contains("quota for memory of brokers"), "{refused:#}");
        let expected = json!({
            "accountId": number, "brokers": {"used": 1},
            "memoryMib": {"used": 1024, "quota": 1024}, "storageGib": {"used": 20, "quota": 100},
        });
        for api in [&world.api, &root] {
            let (status, usage) = call(api, "GET", &format!("{path}/usage"), &Value::Null)?;
            ensure!((status, &usage) == (200, &expected), "{status} {usage}");
        }
        let line = format!("brokerd_account_memory_bytes{{account=\"{number}\"}} 1073741824");
        eventually("the metrics tell what it has", TIMEOUT, || {
            Ok(world.metrics()?.contains(&line).then_some(()))
        })?;

        let (status, refused) = call(&world.api, "DELETE", &path, &Value::Null)?;
        ensure!(status == 409, "{refused}");
        root.delete(&broker)?;
        root.wait_until_gone(&broker)?;
        let (_, listed) = call(&root, "GET", "/v1/configurations", &Value::Null)?;
        for configuration in listed["configurations"].as_array().into_iter().flatten() {
            let id = configuration["id"].as_str().context("an identifier")?;
            let path = format!("/v1/configurations/{id}");
            let (status, refused) = call(&root, "DELETE", &path, &Value::Null)?;
            ensure!(status == 200, "{refused}");
        }
        let (status, refused) = call(&world.api, "DELETE", &path, &Value::Null)?;
        ensure!(status == 204, "{refused}");
        ensure!(root.get("/v1/brokers")?.status == 403, "its key signs no more");
        Ok(())
    })
}
