//! Changes of a running RabbitMQ broker: its configuration, and what its owner makes in it.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{AuthenticationStrategy, BrokerState, EngineType};
use brokerd_tests::{
    Management, Messenger, NewBroker, Owner, PASSWORD, Revision, TIMEOUT, USER, World,
    changes::References, clients, docker, owner, retry, scenario,
};
use serde_json::{Value, json};

/// Of two values for one key the later one counts, and a section of the broker's own type is one of them.
const LIMITED: &str = "# As little as can be seen at once
consumer_timeout = 1000
connection_max = 16
channel_max_per_node = 8
consumer_max_per_channel = 2
cluster_queue_limit = 5
cluster_exchange_limit = 20
vhost_max = 2
runtime_parameters.limits.shovel = 1
max_message_size = 5000
{{m7g.medium.1}}
max_message_size = 1000
{{m7g.medium.1}}
{{m7g.large.1}}
max_message_size = 7000
{{m7g.large.1}}
";

const DELEGATED: &str = "auth_backends.1 = oauth2
auth_backends.2 = internal
auth_oauth2.resource_server_id = orders
";

#[test]
fn a_rabbitmq_configuration_is_in_force_after_a_reboot_that_leaves_what_the_owner_made()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("configurations of RabbitMQ", &[], |world| {
        let api = &world.api;
        let id = api.create(&NewBroker::rabbitmq("limited"))?;
        let configuration = api.create_configuration("limits", EngineType::Rabbitmq, "4.3")?;
        let limits = api.revise(&configuration, LIMITED)?;
        api.wait_until_running(&id)?;
        let first = api.configurations(&id)?.current.context("a configuration of its own")?;

        let owner = Owner::makes_things(world, &id)?;
        api.configure(&id, &limits)?;
        nothing_is_limited_yet(&owner.at(&world.messenger("amqp091.py", &id, "amqps")?))
            .context("before the reboot")?;
        let before = docker::container_of(&id)?;
        api.reboot_and_wait(&id)?;

        ensure!(docker::container_of(&id)?.id != before.id, "nothing was rebooted");
        let references =
            References { current: Some(limits.clone()), pending: None, history: vec![first] };
        ensure!(api.configurations(&id)? == references, "{:?}", api.configurations(&id)?);
        let messenger = owner.at(&world.messenger("amqp091.py", &id, "amqps")?);
        clients_are_told_of_limits(&messenger).context("limits over AMQP")?;
        callers_are_told_of_limits(&owner.manages(world, &id)?).context("limits over HTTP")?;
        who_never_acknowledges_loses_the_message(&messenger).context("consumer timeout")?;
        owner.finds_everything(world, &id).context("what the owner made")?;

        let delegated = api.revise(&configuration, DELEGATED)?;
        logins_are_delegated(world, &id, &delegated, &owner).context("logins")
    })
}

fn nothing_is_limited_yet(messenger: &Messenger) -> Result<()> {
    for (action, input) in [
        ("connections", json!({ "most": 17 })),
        ("consumers", json!({ "queue": "limited.0", "most": 3 })),
        ("sizes", json!({ "queue": "limited.0", "sizes": [1001, 5001] })),
    ] {
        let answer = messenger.ask(action, &input)?;
        ensure!(answer["error"] == "", "{action} are limited already: {answer}");
    }
    Ok(())
}

/// In the words of the developer guide.
fn clients_are_told_of_limits(messenger: &Messenger) -> Result<()> {
    for (action, input, count, words) in [
        // First, because RabbitMQ may go on counting a connection that it refused until a heartbeat is missing. The
        // steps after this one have fewer of them than the limit.
        (
            "connections",
            json!({ "most": 18 }),
            16,
            "NOT_ALLOWED - connection refused: node connection limit (16) is reached",
        ),
        ("channels", json!({ "most": 10 }), 8, "has reached the maximum allowed limit of 8"),
        (
            "consumers",
            json!({ "queue": "limited.0", "most": 4 }),
            2,
            "NOT_ALLOWED - reached maximum (2) of consumers per channel",
        ),
        (
            "sizes",
            json!({ "queue": "limited.0", "sizes": [1000, 1001] }),
            1,
            "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000",
        ),
        // There is one of them.
        (
            "queues",
            json!({ "queue": "limited", "most": 9 }),
            5,
            "cannot declare queue 'limited.5': queue limit in cluster (5) is reached",
        ),
    ] {
        let answer = messenger.ask(action, &input)?;
        let told = answer["error"].as_str().unwrap_or_default();
        ensure!(answer["count"] == count && told.contains(words), "{action}: {answer}");
        if action == "connections" {
            // Those that were closed are counted for a moment more.
            retry("accepting a client again", TIMEOUT, || {
                let answer = messenger.ask("connections", &json!({ "most": 1 }))?;
                ensure!(answer["error"] == "", "{answer}");
                Ok(())
            })?;
        }
    }
    let answer = messenger.ask("exchanges", &json!({ "queue": "limited", "most": 21 }))?;
    let told = answer["error"].as_str().unwrap_or_default();
    let words = "in vhost '/': exchange limit of 20 is reached";
    ensure!(answer["count"].as_u64() > Some(0) && told.contains(words), "exchanges: {answer}");
    Ok(())
}

fn callers_are_told_of_limits(management: &Management) -> Result<()> {
    let shovel = json!({ "value": {
        "src-protocol": "amqp091", "src-uri": "amqp://", "src-queue": "limited.1",
        "dest-protocol": "amqp091", "dest-uri": "amqp://", "dest-queue": "limited.2",
    } });
    let answers = management.ask(&[
        ("PUT", "queues/%2F/one-too-many", json!({ "durable": true })),
        ("PUT", "parameters/shovel/%2F/first", shovel.clone()),
        ("PUT", "parameters/shovel/%2F/second", shovel),
        ("DELETE", "parameters/shovel/%2F/first", Value::Null),
        // Room for the owner's queue.
        ("DELETE", "queues/%2F/limited.3", Value::Null),
        ("PUT", "vhosts/one-too-many", json!({})),
    ])?;
    let status: Vec<u64> = answers.iter().map(|(status, _)| *status).collect();
    ensure!(status == [400, 201, 400, 204, 204, 400], "{answers:?}");
    for (index, words) in [
        (0, "cannot declare queue 'one-too-many': queue limit in cluster (5) is reached"),
        (2, "component shovel is limited to 1"),
        (5, "cannot create vhost 'one-too-many': vhost limit of 2 is reached"),
    ] {
        ensure!(answers[index].1.contains(words), "{:?}", answers[index]);
    }
    Ok(())
}

/// From 4.3 on a consumer that takes too long is cancelled, if its queue is a quorum queue.
fn who_never_acknowledges_loses_the_message(messenger: &Messenger) -> Result<()> {
    messenger.ask("send", &json!({ "queue": owner::QUEUE, "type": "quorum", "body": "held" }))?;
    let answer = messenger.ask("hold", &json!({ "queue": owner::QUEUE }))?;
    ensure!(answer["outcome"] == "cancelled", "{answer}");
    let body = messenger.receive(owner::QUEUE)?;
    ensure!(body == "held", "{body:?}");
    Ok(())
}

fn logins_are_delegated(
    world: &World,
    id: &str,
    delegated: &Revision,
    owner: &Owner,
) -> Result<()> {
    let api = &world.api;
    api.configure(id, delegated)?;
    let waiting = api.describe(id)?;
    let simple = AuthenticationStrategy::from("simple");
    let managed = AuthenticationStrategy::from("config_managed");
    ensure!(waiting.authentication_strategy == Some(simple), "{waiting:?}");
    ensure!(waiting.pending_authentication_strategy == Some(managed.clone()), "{waiting:?}");
    api.reboot_and_wait(id)?;
    let after = api.describe(id)?;
    ensure!(after.authentication_strategy == Some(managed), "{after:?}");
    ensure!(after.pending_authentication_strategy.is_none(), "{after:?}");
    // The second backend is still RabbitMQ's own.
    owner.finds_everything(world, id)
}

#[test]
fn a_broker_with_oauth_logins_needs_no_user_and_admits_no_other_login() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("logins elsewhere", &[], |world| {
        let api = &world.api;
        let configuration = api.create_configuration("elsewhere", EngineType::Rabbitmq, "4.3")?;
        let text = "auth_backends.1 = oauth2\nauth_oauth2.resource_server_id = orders\n";
        let elsewhere = api.revise(&configuration, text)?;
        let new = NewBroker::rabbitmq("delegated");
        let without = api.create(&new.clone().without_users());
        ensure!(without.is_err(), "a broker with logins of its own was created without a user");

        let id = world.running(&new.without_users().configured(&elsewhere))?;
        let broker: Value = serde_json::from_str(&api.describe_raw(&id)?)?;
        ensure!(broker["authenticationStrategy"] == "config_managed", "{broker}");
        ensure!(broker["users"] == json!([]), "{broker}");
        let messenger = world.messenger("amqp091.py", &id, "amqps")?;
        for (user, password) in [(USER, PASSWORD), ("guest", "guest"), ("", "no.token.atall")] {
            let access = messenger.login(user, password)?;
            ensure!(access.is_refused(), "{user:?}: {access:?}");
        }
        let whoami = Management::of(world, &id, USER, PASSWORD)?;
        let answers = whoami.ask(&[("GET", "whoami", Value::Null)])?;
        ensure!(answers[0].0 == 401, "{answers:?}");
        ensure!(api.state(&id)? == Some(BrokerState::Running), "{:?}", api.events(&id)?);
        Ok(())
    })
}
