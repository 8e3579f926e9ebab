//! What engines tell their clients about the inside: names of containers and addresses of their networks.

use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

use crate::{Management, Messenger, PASSWORD, USER, World, docker};

/// What clients are told by the protocols, the consoles and the management API, but for lists of connections, which
/// are between the engine and the gateway.
fn told(world: &World, id: &str) -> Result<Vec<(String, String)>> {
    let mut told = Vec::new();
    let broker = world.api.describe(id)?;
    let instance = broker.broker_instances().first().context("an instance")?;
    let is_rabbitmq = instance.endpoints().iter().any(|url| url.starts_with("amqps:"));
    let console = instance.console_url().filter(|_| !is_rabbitmq);
    // All endpoints at once, because a client waits for seconds until an engine has nothing more to say.
    let clients: Vec<_> = instance
        .endpoints()
        .iter()
        .map(String::as_str)
        .chain(console)
        .map(|url| {
            let client = Messenger::python("told.py", url.to_owned(), world.ca());
            (url, thread::spawn(move || client.ask("tell", &Value::Null)))
        })
        .collect();
    for (url, client) in clients {
        let answer = client.join().map_err(|_| anyhow!("the client panicked"));
        let answer = answer.flatten().with_context(|| url.to_owned())?;
        let texts = answer["told"].as_array().context("nothing")?.iter();
        told.extend(texts.map(|t| (url.to_owned(), t.as_str().unwrap_or_default().to_owned())));
    }
    if is_rabbitmq {
        let management = Management::of(world, id, USER, PASSWORD)?;
        for page in ["overview", "nodes", "shovels", "federation-links", "definitions", "queues"] {
            told.push((page.to_owned(), management.get(page)?.to_string()));
        }
    }
    Ok(told)
}

/// Nothing that these brokers tell names any of their containers, or an address of their networks.
///
/// # Errors
/// When something does, or says nothing at all.
pub fn is_not_told(world: &World, brokers: &[&str]) -> Result<()> {
    thread::scope(|threads| {
        let asked: Vec<_> =
            brokers.iter().map(|id| threads.spawn(|| is_not_told_by(world, id))).collect();
        let mut answers =
            asked.into_iter().map(|one| one.join().map_err(|_| anyhow!("it panicked")));
        answers.try_for_each(Result::flatten)
    })
}

fn is_not_told_by(world: &World, broker: &str) -> Result<()> {
    let instances = world.api.describe(broker)?.broker_instances().len();
    let mut inside = Vec::new();
    for ordinal in (1..).take(instances.max(1)) {
        let container = docker::instance_of(broker, ordinal)?;
        let networks = container.at("/NetworkSettings/Networks").as_object().context("networks")?;
        let network = networks.values().next().context("a network")?;
        inside.push(
            container.at("/Name").as_str().unwrap_or_default().trim_start_matches('/').to_owned(),
        );
        inside.push(container.id[..12].to_owned());
        for address in ["IPAddress", "Gateway"] {
            inside.push(network[address].as_str().context(address)?.to_owned());
        }
        // The instance's name is the first label of the service's host names; no address begins with it.
        inside.push(format!("://{broker}"));
    }
    inside.retain(|name| !name.is_empty());
    for (at, text) in told(world, broker)? {
        ensure!(!text.is_empty(), "{at} says nothing");
        let found = inside.iter().find(|name| text.contains(name.as_str()));
        ensure!(found.is_none(), "{at} names {found:?}: {text}");
    }
    Ok(())
}
