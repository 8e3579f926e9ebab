//! A container engine that is not there when brokerd starts costs nobody but those who want something made of it.

use anyhow::{Result, ensure};
use aws_sdk_mq::types::BrokerState;
use brokerd_tests::{NewBroker, TIMEOUT, WITNESSES, clients, eventually, scenario};

#[test]
fn without_a_container_engine_the_api_and_the_gateway_serve() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("runtime-away", &[WITNESSES], |world| {
        let id = world.running(&NewBroker::rabbitmq("there"))?;
        let messenger = world.messenger("amqp091.py", &id, "amqps")?;
        messenger.send("kept", "before")?;
        world.restart_with("BROKERD_PROVISIONER_DOCKER_HOST", "unix:///nowhere/docker.sock")?;
        eventually("it is missed", TIMEOUT, || {
            Ok(world.log()?.contains("no container engine answers").then_some(()))
        })?;
        ensure!(messenger.receive("kept")? == "before", "the message is gone");
        messenger.round_trip("kept")?;
        ensure!(world.api.state(&id)? == Some(BrokerState::Running));
        // What is asked for is accepted, and waits.
        let waits = world.api.create(&NewBroker::rabbitmq("waits"))?;
        ensure!(world.api.list()?.len() == 2);
        ensure!(world.api.state(&waits)? == Some(BrokerState::CreationInProgress));
        world.restart_with("BROKERD_PROVISIONER_DOCKER_HOST", "unix:///var/run/docker.sock")?;
        world.api.wait_until_running(&waits)
    })
}
