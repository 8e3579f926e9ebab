//! Brokers of one instance.

use std::time::Instant;

use anyhow::{Result, ensure};
use brokerd_tests::{
    NewBroker, TIMEOUT, WITNESSES, World,
    kubernetes::{Cluster, scenario_on_kubernetes},
    machine, retry,
};

/// Creates a broker of a former version, and sees that messages outlive an upgrade and a killed engine.
fn lives(
    world: &World,
    cluster: &Cluster,
    (new, upgrade): (&NewBroker, &str),
    (script, scheme): (&'static str, &str),
) -> Result<()> {
    let began = Instant::now();
    let id = world.running(new)?;
    let client = world.messenger(script, &id, scheme)?;
    client.send("kept", "before")?;
    machine::say(&format!("created, and a message sent, in {:.1?}", began.elapsed()));
    let first = cluster.running(&id, 1)?;

    // Before the engine is killed: RabbitMQ may forget a queue that was declared in the second before that.
    world.api.update(&id, |call| call.engine_version(upgrade))?;
    let began = Instant::now();
    world.api.reboot(&id)?;
    world.api.wait_until_running(&id)?;
    machine::say(&format!("rebooted to {upgrade} in {:.1?}", began.elapsed()));
    let version = world.api.describe(&id)?.engine_version;
    ensure!(version.as_deref() == Some(upgrade), "{version:?}");
    let second = cluster.running(&id, 1)?;
    ensure!(second.uid() != first.uid() && second.zone() == first.zone(), "{second:?}");

    client.send("kept", "upgraded")?;
    let began = Instant::now();
    cluster.kill9(&second)?;
    retry("it is served again", TIMEOUT, || client.send("kept", "killed"))?;
    machine::say(&format!("served again {:.1?} after its engine was killed", began.elapsed()));
    let third = cluster.running(&id, 1)?;
    ensure!(third.uid() != second.uid() && third.zone() == second.zone(), "{third:?}");
    for body in ["before", "upgraded", "killed"] {
        let received = client.receive("kept")?;
        ensure!(received == body, "{received} in place of {body}");
    }

    world.api.delete(&id)?;
    world.api.wait_until_gone(&id)
}

#[test]
fn a_broker_of_activemq_keeps_its_messages_and_is_upgraded() -> Result<()> {
    scenario_on_kubernetes("ActiveMQ on Kubernetes", &[], |world, cluster| {
        let new = NewBroker::activemq("orders").version("5.18");
        lives(world, cluster, (&new, "5.19"), ("stomp_.py", "stomp+ssl"))
    })
}

#[test]
fn a_broker_of_rabbitmq_keeps_its_messages_and_is_upgraded() -> Result<()> {
    scenario_on_kubernetes("RabbitMQ on Kubernetes", &[WITNESSES], |world, cluster| {
        let new = NewBroker::rabbitmq("orders").version("4.0");
        lives(world, cluster, (&new, "4.3"), ("amqp091.py", "amqps"))
    })
}
