//! Every engine version that is offered, at once.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, EngineType};
use brokerd_tests::{
    Defaults, Messenger, NewBroker, WITNESSES, World, api::explained, clients, scenario,
};

/// A broker of each offered version.
fn offered(world: &World) -> Result<Vec<NewBroker>> {
    let call = world.api.client.describe_broker_engine_types().send();
    let types = world.api.wait(call).map_err(explained)?;
    let mut all = Vec::new();
    for engine in types.broker_engine_types() {
        for version in engine.engine_versions().iter().filter_map(|version| version.name()) {
            let name = version.replace('.', "-");
            let new = match engine.engine_type().context("an engine type")? {
                EngineType::Activemq => NewBroker::activemq(&format!("activemq-{name}")),
                _ => NewBroker::rabbitmq(&format!("rabbitmq-{name}")),
            };
            all.push(new.version(version));
        }
    }
    Ok(all)
}

#[test]
fn a_broker_of_every_offered_version_takes_messages_and_is_deleted() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("every offered version", &[WITNESSES], |world| {
        let offered = offered(world)?;
        let versions: Vec<_> = offered.iter().filter_map(|new| new.version.as_deref()).collect();
        ensure!(versions == ["5.19", "5.18", "4.3", "4.0", "3.10"], "offered: {versions:?}");

        let ids = offered.iter().map(|new| world.api.create(new)).collect::<Result<Vec<_>>>()?;
        for (new, id) in offered.iter().zip(&ids) {
            world.api.wait_until_running(id).with_context(|| new.name.clone())?;
            let (script, scheme) = match new.engine {
                EngineType::Activemq => ("stomp_.py", "stomp+ssl"),
                _ => ("amqp091.py", "amqps"),
            };
            let messenger: Messenger = world.messenger(script, id, scheme)?;
            if new.engine == EngineType::Rabbitmq {
                let version = new.version.as_deref().unwrap_or_default();
                Defaults::of(version, &new.mode)
                    .hold(world, id)
                    .with_context(|| new.name.clone())?;
            }
            messenger.round_trip("every.version").with_context(|| new.name.clone())?;
            let broker = world.api.describe(id)?;
            ensure!(
                broker.engine_version == new.version,
                "{}: {:?}",
                new.name,
                broker.engine_version
            );
        }

        for id in &ids {
            world.api.delete(id)?;
            let state = world.api.state(id)?;
            let expected = matches!(state, None | Some(BrokerState::DeletionInProgress));
            ensure!(expected, "right after DeleteBroker the state of {id} is {state:?}");
        }
        ids.iter().try_for_each(|id| world.api.wait_until_gone(id))
    })
}
