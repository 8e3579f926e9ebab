//! Bytes for a broker whose owner has them delivered late.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{NewBroker, World, faults, scenario};
use serde_json::json;

use crate::hostile::{
    others::{SERVED_WITHIN, logs_in},
    strangers::{Strangers, Way, resident_bytes},
};

/// What late bytes of one broker's endpoint may take, with a chunk for each direction beside it.
const LATE: u64 = 24 << 20;
const MEMORY: u64 = 96 << 20;

#[test]
fn data_of_strangers_for_a_delayed_broker_does_not_fill_the_gateway() -> Result<()> {
    scenario("late bytes of strangers", &[faults::ENABLED], |world| {
        let id = world.running(&NewBroker::rabbitmq("orders"))?;
        let pid = world.pid().context("brokerd runs")?;
        let faults = faults::Faults::of(&world.api, &id);
        let fault = faults.inject(&json!({
            "kind": "LATENCY", "latencyMilliseconds": 60_000, "durationSeconds": 300,
        }))?;
        faults.until_state(&fault, "ACTIVE")?;
        let before = resident_bytes(pid)?;
        let mut strangers = Strangers::gather()?;
        // A record that gets them in, and then as much as is taken.
        let mut opening = vec![22, 3, 1, 0, 1, 1];
        opening.resize(2 << 20, 0);
        let opening: Arc<[u8]> = opening.into();
        let endpoint = Way::below_tls(&world.api.endpoint(&id, "amqps")?)?;
        strangers.come(90, &endpoint, |_| Arc::clone(&opening))?;
        let late = metric(world, "brokerd_gateway_delayed_bytes")?;
        ensure!(late < LATE, "{late} bytes are held back");
        let cost = resident_bytes(pid)?.saturating_sub(before);
        ensure!(cost < MEMORY, "{} MiB for 90 late connections", cost >> 20);
        faults.heal(&fault)?;
        strangers.leave();
        ensure!(logs_in(world, &id, "amqps")? < SERVED_WITHIN);
        Ok(())
    })
}

/// The value of a metric without labels.
pub(crate) fn metric(world: &World, name: &str) -> Result<u64> {
    let text = world.metrics()?;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    Ok(line.with_context(|| format!("no {name}"))?.trim().parse()?)
}
