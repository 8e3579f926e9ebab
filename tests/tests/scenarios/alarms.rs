//! Conditions that need a person, on a real engine: raised when they are there, cleared when they are gone.

use anyhow::{Result, ensure};
use aws_sdk_mq::types::BrokerState;
use brokerd_tests::{NewBroker, TIMEOUT, docker, eventually, scenario};

#[test]
fn a_memory_alarm_of_rabbitmq_requires_action_until_it_is_gone() -> Result<()> {
    scenario("memory alarm", &[], |world| {
        let id = world.running(&NewBroker::rabbitmq("alarmed"))?;
        let container = format!("brokerd-{}-{id}-1", world.installation);
        let watermark = |limit: &str| {
            let set = ["exec", &container, "rabbitmqctl", "set_vm_memory_high_watermark"];
            docker::docker(&[&set[..], &["absolute", limit]].concat())
        };
        watermark("10MB")?;
        eventually("the alarm requires action", TIMEOUT, || {
            Ok((world.api.state(&id)? == Some(BrokerState::CriticalActionRequired)).then_some(()))
        })?;
        let broker = world.api.describe(&id)?;
        let action = &broker.actions_required()[0];
        ensure!(action.action_required_code() == Some("RABBITMQ_MEMORY_ALARM"), "{action:?}");
        ensure!(action.action_required_info().is_some_and(|info| info.contains("publishers")));
        ensure!(world.api.reboot(&id).is_err(), "a reboot is no cure for an alarm");
        let told = world.api.events(&id)?;
        ensure!(
            told.iter().any(|(_, m)| m.starts_with("RABBITMQ_MEMORY_ALARM is raised")),
            "{told:?}"
        );

        watermark("1000MB")?;
        eventually("the broker is well again", TIMEOUT, || {
            Ok((world.api.state(&id)? == Some(BrokerState::Running)).then_some(()))
        })?;
        ensure!(world.api.describe(&id)?.actions_required().is_empty());
        world.api.reboot(&id)?;
        world.api.wait_until_running(&id)
    })
}
