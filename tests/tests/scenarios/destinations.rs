//! Queues and topics of real engines, by brokerd's own operations.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::DeploymentMode;
use brokerd_tests::{
    Management, NewBroker, PASSWORD, TIMEOUT, USER, WITNESSES, World, api::explained, clients,
    docker::instance_of as instance, eventually, scenario,
};
use serde_json::{Value, json};

/// What RabbitMQ needs to have counted what came.
const COUNTED: Duration = Duration::from_secs(30);
/// How many queues there are where there are many.
const MANY: usize = 130;

/// The operations on one broker.
struct Destinations<'a> {
    world: &'a World,
    path: String,
}

impl<'a> Destinations<'a> {
    fn of(world: &'a World, id: &str) -> Self {
        Self { world, path: format!("/brokerd/v1/brokers/{id}") }
    }

    /// Status and answer of an operation.
    fn ask(&self, operation: &str, body: &Value) -> Result<(u16, Value)> {
        let path = format!("{}/{operation}", self.path);
        let answer = self.world.api.signed("POST", &path, &body.to_string())?;
        let body = serde_json::from_str(&answer.body).with_context(|| answer.body.clone())?;
        Ok((answer.status, body))
    }

    /// The answer of an operation that succeeds.
    fn done(&self, operation: &str, body: &Value) -> Result<Value> {
        let (status, answer) = self.ask(operation, body)?;
        ensure!(status == 200, "{operation} {body}: {status} {answer}");
        Ok(answer)
    }

    fn list(&self, query: &str) -> Result<Value> {
        let answer = self.world.api.get(&format!("{}/destinations?{query}", self.path))?;
        ensure!(answer.status == 200, "{query}: {} {}", answer.status, answer.body);
        Ok(serde_json::from_str(&answer.body)?)
    }

    /// The names on all pages.
    fn names(&self, query: &str) -> Result<Vec<String>> {
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.list(&format!("{query}&nextToken={}", encoded(&token)))?;
            let listed = page["destinations"].as_array().context("a list")?;
            names.extend(listed.iter().map(|d| d["name"].as_str().unwrap_or_default().to_owned()));
            match page["nextToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => return Ok(names),
            }
        }
    }

    fn publish(&self, kind: &str, name: &str, body: &str) -> Result<bool> {
        let message = json!({"kind": kind, "name": name, "body": body,
            "contentType": "text/plain", "properties": {"number": 7, "text": "seven"}});
        let answer = self.done("destinations/publish", &message)?;
        answer["isRouted"].as_bool().context("isRouted")
    }

    /// A message went through the endpoint.
    fn is_reached(&self, protocol: &str) -> Result<()> {
        let tested = self.done("test-message", &json!({}))?;
        ensure!(tested["protocol"] == protocol, "{tested}");
        let millis = |name: &str| tested[name].as_f64().unwrap_or(-1.0);
        let steps = [millis("connectMillis"), millis("publishMillis"), millis("deliverMillis")];
        ensure!(steps.iter().all(|step| *step >= 0.0), "{tested}");
        ensure!(millis("totalMillis") + 1.0 >= steps[0] + steps[1], "{tested}");
        ensure!(tested["sourceAddress"].as_str().is_some_and(|a| !a.is_empty()), "{tested}");
        Ok(())
    }
}

fn encoded(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn queue(name: &str) -> Value {
    json!({"kind": "QUEUE", "name": name})
}

#[test]
fn queues_of_rabbitmq_are_listed_browsed_published_to_purged_and_deleted() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("destinations of RabbitMQ", &[], |world| {
        let id = world.running(&NewBroker::rabbitmq("orders"))?;
        let destinations = Destinations::of(world, &id);
        let owner = Management::of(world, &id, USER, PASSWORD)?;
        let declared = |name: &str, kind: &str| {
            (
                "PUT",
                format!("queues/%2F/{name}"),
                json!({"durable": true, "arguments": {"x-queue-type": kind}}),
            )
        };
        let mut queues = vec![
            declared("classic", "classic"),
            declared("quorum", "quorum"),
            declared("stream", "stream"),
        ];
        queues.extend((0..MANY).map(|n| declared(&format!("many-{n:03}"), "classic")));
        let requests: Vec<_> = queues
            .iter()
            .map(|(method, path, body)| (*method, path.as_str(), body.clone()))
            .collect();
        owner.change(&requests)?;
        destinations.is_reached("AMQP 0-9-1")?;

        // Pages go on whatever comes and goes.
        let expected: Vec<String> = (0..MANY).map(|n| format!("many-{n:03}")).collect();
        ensure!(destinations.names("nameContains=MANY&maxResults=50")? == expected, "pages");
        let first = destinations.list("nameContains=many&maxResults=50")?;
        let token = encoded(first["nextToken"].as_str().context("a token")?);
        let gone: Vec<String> = (0..40).map(|n| format!("queues/%2F/many-{n:03}")).collect();
        let gone: Vec<_> = gone.iter().map(|path| ("DELETE", path.as_str(), Value::Null)).collect();
        owner.change(&gone)?;
        let second =
            destinations.list(&format!("nameContains=many&maxResults=50&nextToken={token}"))?;
        ensure!(second["destinations"][0]["name"] == "many-050", "{second}");
        let all = destinations.names("maxResults=100")?;
        ensure!(all.len() == MANY - 40 + 3 && all.is_sorted(), "{all:?}");

        for (name, kind) in [("classic", "classic"), ("quorum", "quorum")] {
            for number in 0..3 {
                ensure!(
                    destinations.publish("QUEUE", name, &format!("message {number}"))?,
                    "{name}"
                );
            }
            eventually("the messages are counted", COUNTED, || {
                let page = destinations.list(&format!("nameContains={name}"))?;
                let one = &page["destinations"][0];
                let is = one["queueType"] == kind && one["virtualHost"] == "/";
                ensure!(is, "{page}");
                Ok((one["ready"] == 3).then_some(()))
            })?;
            for look in 0..3 {
                let shown = destinations.done("destinations/browse", &queue(name))?;
                let messages = shown["messages"].as_array().context("messages")?;
                ensure!(messages.len() == 3 && shown["marksRedelivered"] == true, "{shown}");
                let message = &messages[0];
                ensure!(
                    message["body"] == "message 0" && message["persistent"] == true,
                    "{message}"
                );
                ensure!(message["properties"]["number"] == 7, "{message}");
                ensure!(message["redelivered"] == (look > 0), "{message}");
                ensure!(message["properties"].get("x-delivery-count").is_none(), "{message}");
            }
            let purged = destinations.done("destinations/purge", &queue(name))?;
            ensure!(purged == json!({"purged": 3}), "{purged}");
            let shown = destinations.done("destinations/browse", &queue(name))?;
            ensure!(shown["messages"] == json!([]), "{shown}");
        }
        ensure!(destinations.publish("QUEUE", "stream", "kept")?, "stream");
        for operation in ["destinations/browse", "destinations/purge"] {
            let (status, refused) = destinations.ask(operation, &queue("stream"))?;
            ensure!(status == 400, "{operation} of a stream: {status} {refused}");
        }
        ensure!(!destinations.publish("QUEUE", "nowhere", "lost")?, "nobody has it");
        for operation in ["browse", "purge", "delete"] {
            let (status, refused) =
                destinations.ask(&format!("destinations/{operation}"), &queue("nowhere"))?;
            ensure!(status == 404 && refused["errorAttribute"] == "name", "{status} {refused}");
        }
        for name in ["classic", "quorum", "stream"] {
            ensure!(destinations.done("destinations/delete", &queue(name))? == json!({}), "{name}");
        }
        ensure!(destinations.names("maxResults=100")?.len() == MANY - 40, "deleted");

        // What the owner does to the rights of brokerd's user does not last; of new virtual hosts it has them, too.
        let rights = "permissions/%2F/monitoring-AWS-OWNED-DO-NOT-DELETE";
        let none = json!({"configure": "^$", "write": "^$", "read": "^$"});
        owner.change(&[("PUT", rights, none), ("PUT", "vhosts/other", json!({}))])?;
        owner.change(&[("PUT", "queues/other/many-101", json!({"durable": true}))])?;
        eventually("its rights are there again", TIMEOUT, || {
            let (status, _) = destinations.ask("destinations/browse", &queue("many-100"))?;
            let there = json!({"kind": "QUEUE", "name": "many-101", "virtualHost": "other"});
            let (other, _) = destinations.ask("destinations/browse", &there)?;
            Ok((status == 200 && other == 200).then_some(()))
        })?;
        let both = destinations.list("nameContains=many-101")?;
        let hosts: Vec<_> = both["destinations"].as_array().into_iter().flatten().collect();
        ensure!(hosts.len() == 2 && hosts[0]["virtualHost"] == "/", "{both}");
        Ok(())
    })
}

#[test]
fn a_cluster_answers_while_one_of_its_nodes_is_away() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("destinations of a cluster", &[], |world| {
        let new = NewBroker::rabbitmq("orders").deployed(DeploymentMode::ClusterMultiAz);
        let id = world.running(&new)?;
        let destinations = Destinations::of(world, &id);
        let owner = Management::of(world, &id, USER, PASSWORD)?;
        owner.change(&[(
            "PUT",
            "queues/%2F/orders",
            json!({"durable": true, "arguments": {"x-queue-type": "quorum"}}),
        )])?;
        ensure!(destinations.publish("QUEUE", "orders", "one")?, "routed");
        destinations.is_reached("AMQP 0-9-1")?;
        instance(&id, 1)?.kill9()?;
        eventually("the others answer", TIMEOUT, || {
            let (status, shown) = destinations.ask("destinations/browse", &queue("orders"))?;
            Ok((status == 200 && shown["messages"][0]["body"] == "one").then_some(()))
        })?;
        let listed = destinations.list("nameContains=orders")?;
        ensure!(listed["destinations"][0]["node"].is_string(), "{listed}");
        Ok(())
    })
}

#[test]
fn queues_and_topics_of_activemq_are_listed_browsed_published_to_purged_and_deleted() -> Result<()>
{
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("destinations of ActiveMQ", &[], |world| {
        let id = world.running(&NewBroker::activemq("events"))?;
        let destinations = Destinations::of(world, &id);
        let client = world.messenger("stomp_.py", &id, "stomp+ssl")?;
        ensure!(!destinations.publish("QUEUE", "orders", "lost")?, "nothing is made");
        for number in 0..3 {
            client.send("orders", &format!("message {number}"))?;
        }
        destinations.is_reached("AMQP 1.0")?;
        let listed = destinations.list("")?;
        let names: Vec<_> = listed["destinations"].as_array().into_iter().flatten().collect();
        ensure!(names.iter().any(|d| d["name"] == "orders" && d["ready"] == 3), "{listed}");
        ensure!(!listed.to_string().contains("ActiveMQ.Advisory"), "{listed}");
        let internal = destinations.names("kind=TOPIC&includeInternal=true&maxResults=5")?;
        ensure!(internal.iter().any(|name| name.starts_with("ActiveMQ.Advisory.")), "{internal:?}");

        ensure!(destinations.publish("QUEUE", "orders", "from the page")?, "routed");
        for _ in 0..2 {
            let shown = destinations.done("destinations/browse", &queue("orders"))?;
            let messages = shown["messages"].as_array().context("messages")?;
            ensure!(messages.len() == 4 && shown["marksRedelivered"] == false, "{shown}");
            ensure!(messages.iter().all(|message| message["redelivered"] == false), "{shown}");
            let last = &messages[3];
            ensure!(last["body"] == "from the page" && last["persistent"] == true, "{last}");
            ensure!(last["properties"] == json!({"number": 7, "text": "seven"}), "{last}");
            ensure!(last["contentType"] == "text/plain", "{last}");
        }
        let first = client.receive("orders")?;
        ensure!(first == "message 0", "browsing has consumed or moved something: {first}");
        let bytes =
            json!({"kind": "QUEUE", "name": "orders", "body": "AP8=", "bodyEncoding": "BASE64"});
        destinations.done("destinations/publish", &bytes)?;
        let shown = destinations.done("destinations/browse", &queue("orders"))?;
        ensure!(shown["messages"][3]["body"] == "AP8=", "{shown}");
        let purged = destinations.done("destinations/purge", &queue("orders"))?;
        ensure!(purged == json!({"purged": 4}), "{purged}");
        ensure!(
            destinations.done("destinations/delete", &queue("orders"))? == json!({}),
            "deleted"
        );
        for operation in ["browse", "purge", "delete"] {
            let (status, refused) =
                destinations.ask(&format!("destinations/{operation}"), &queue("orders"))?;
            ensure!(status == 404, "{operation}: {status} {refused}");
        }
        security_groups_hold_for_test_messages(world, &id, &destinations)
    })
}

/// A group that admits nobody keeps brokerd out, too, where clients come in, and not from where it looks.
fn security_groups_hold_for_test_messages(
    world: &World,
    id: &str,
    destinations: &Destinations<'_>,
) -> Result<()> {
    let body = r#"{"name": "nobody", "rules": []}"#;
    let made = world.api.signed("POST", "/brokerd/v1/security-groups", body)?;
    let group: Value = serde_json::from_str(&made.body)?;
    let group = group["securityGroupId"].as_str().context("a group")?;
    let update = world.api.client.update_broker().broker_id(id).security_groups(group);
    world.api.wait(update.send()).map_err(explained)?;
    eventually("the test message is kept out", TIMEOUT, || {
        let (status, refused) = destinations.ask("test-message", &json!({}))?;
        let message = refused["message"].as_str().unwrap_or_default();
        Ok((status == 409 && message.contains("security groups")).then_some(()))
    })?;
    destinations.list("").map(drop)
}

#[test]
fn older_versions_are_asked_alike() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("destinations of older versions", &[WITNESSES], |world| {
        let all = [
            NewBroker::activemq("events-5-18").version("5.18"),
            NewBroker::rabbitmq("orders-4-0").version("4.0"),
            NewBroker::rabbitmq("orders-3-10").version("3.10"),
        ];
        let ids = all.iter().map(|new| world.api.create(new)).collect::<Result<Vec<_>>>()?;
        for (new, id) in all.iter().zip(&ids) {
            world.api.wait_until_running(id)?;
            older_version_is_asked(world, new, id).with_context(|| new.name.clone())?;
        }
        Ok(())
    })
}

fn older_version_is_asked(world: &World, new: &NewBroker, id: &str) -> Result<()> {
    let destinations = Destinations::of(world, id);
    let is_rabbitmq = new.name.starts_with("orders");
    if is_rabbitmq {
        let owner = Management::of(world, id, USER, PASSWORD)?;
        let declared = |kind: &str| json!({"durable": true, "arguments": {"x-queue-type": kind}});
        owner.change(&[
            ("PUT", "queues/%2F/orders", declared("classic")),
            ("PUT", "queues/%2F/quorum", declared("quorum")),
        ])?;
        ensure!(destinations.publish("QUEUE", "quorum", "kept")?, "routed");
        let (status, shown) = destinations.ask("destinations/browse", &queue("quorum"))?;
        // 4.0 has a limit of deliveries, to which looks would come nearer.
        let expected = if new.version.as_deref() == Some("4.0") { 409 } else { 200 };
        ensure!(status == expected, "a quorum queue: {status} {shown}");
    } else {
        world.messenger("stomp_.py", id, "stomp+ssl")?.send("orders", "first")?;
        destinations.done("destinations/purge", &queue("orders"))?;
    }
    ensure!(destinations.publish("QUEUE", "orders", "hello")?, "routed");
    let shown = destinations.done("destinations/browse", &queue("orders"))?;
    ensure!(shown["messages"][0]["body"] == "hello", "{shown}");
    ensure!(shown["messages"][0]["properties"]["number"] == 7, "{shown}");
    eventually("it is counted", COUNTED, || {
        let listed = destinations.list("nameContains=ORDERS")?;
        Ok((listed["destinations"][0]["ready"] == 1).then_some(()))
    })?;
    let purged = destinations.done("destinations/purge", &queue("orders"))?;
    ensure!(purged == json!({"purged": 1}), "{purged}");
    destinations.is_reached(if is_rabbitmq { "AMQP 0-9-1" } else { "AMQP 1.0" })?;
    destinations.done("destinations/delete", &queue("orders")).map(drop)
}

#[test]
fn the_active_instance_of_a_pair_answers_also_after_a_failover() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("destinations of a pair", &[], |world| {
        let new = NewBroker::activemq("events").deployed(DeploymentMode::ActiveStandbyMultiAz);
        let id = world.running(&new)?;
        let destinations = Destinations::of(world, &id);
        let client = world.messenger("stomp_.py", &id, "stomp+ssl")?;
        client.send("orders", "before")?;
        ensure!(destinations.publish("QUEUE", "orders", "kept")?, "routed");
        destinations.is_reached("AMQP 1.0")?;
        for ordinal in [1, 2] {
            // One of them stands by: killing it moves nothing.
            instance(&id, ordinal)?.kill9()?;
            eventually("the pair answers", TIMEOUT, || {
                let (status, shown) = destinations.ask("destinations/browse", &queue("orders"))?;
                let there = shown["messages"].as_array().map_or(0, Vec::len) == 2;
                Ok((status == 200 && there).then_some(()))
            })?;
            world.api.wait_until_running(&id)?;
            eventually("messages go through the endpoint", TIMEOUT, || {
                let (status, _) = destinations.ask("test-message", &json!({}))?;
                Ok((status == 200).then_some(()))
            })?;
        }
        Ok(())
    })
}
