//! The metrics pages of a RabbitMQ broker's nodes, as Prometheus reads them.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{PASSWORD, TIMEOUT, USER, World, clients, eventually};

/// Where they are, by the order of the nodes.
///
/// # Errors
/// When the broker can't be described, or has none.
pub fn urls(world: &World, broker: &str) -> Result<Vec<String>> {
    let described = world.api.describe(broker)?;
    let instance = described.broker_instances().first().context("an instance")?;
    let pages = instance.endpoints().iter().skip(1).cloned();
    Ok(pages.collect())
}

/// Each node has a page that tells of this node, to the broker's users only, in the service's paths only.
///
/// # Errors
/// When one of that is not so.
pub fn hold(world: &World, broker: &str, nodes: &[u8]) -> Result<()> {
    let urls = urls(world, broker)?;
    ensure!(urls.len() == nodes.len(), "{urls:?}");
    for (url, node) in urls.iter().zip(nodes) {
        let name = format!("rabbit@{broker}-{node}");
        holds(world, url, &name).with_context(|| format!("{name} at {url}"))?;
    }
    Ok(())
}

fn holds(world: &World, url: &str, node: &str) -> Result<()> {
    let get = |path: &str, password: &str| json!({ "url": format!("{url}{path}"), "user": USER, "password": password });
    let ask = |requests: Vec<Value>| clients::https(&world.ca(), requests);
    // The node closes what is not the service's within a second.
    eventually("objects are not listed one by one", TIMEOUT, || {
        let answers = ask(vec![get("/metrics/per-object", PASSWORD)])?;
        Ok((answers[0]["status"] == 404).then_some(()))
    })?;
    let answers = ask(vec![
        get("/metrics", PASSWORD),
        get("/metrics/detailed?family=queue_coarse_metrics", PASSWORD),
        get("/metrics/memory-breakdown", PASSWORD),
        get("/metrics", "wrong-password-of-nobody"),
        json!({ "url": format!("{url}/metrics") }),
    ])?;
    let status: Vec<u64> = answers.iter().filter_map(|a| a["status"].as_u64()).collect();
    ensure!(status == [200, 200, 200, 401, 401], "{}", clients::shown(&answers));
    let metrics = answers[0]["body"].as_str().context("a body")?;
    let identity = metrics.lines().find(|line| line.starts_with("rabbitmq_identity_info{"));
    let identity = identity.context("whose metrics they are")?;
    ensure!(identity.contains(&format!("rabbitmq_node=\"{node}\"")), "{identity}");
    ensure!(metrics.contains("\nrabbitmq_connections "), "{metrics}");
    ensure!(answers[2]["body"].as_str().is_some_and(|body| body.contains("memory")), "memory");
    Ok(())
}
