//! Every documented operation, called with whatever its schema allows and with much that it does not.

use anyhow::{Result, ensure};
use brokerd_tests::{NewBroker, TIMEOUT, USER, clients, eventually, scenario};
use serde_json::json;

/// Only the API serves meanwhile: what is created by the hundred is stored and deleted, but never started.
#[test]
fn every_answer_is_documented_and_none_is_a_defect() -> Result<()> {
    scenario("documented answers", &[], |world| {
        let brokers = [
            world.running(&NewBroker::activemq("asked"))?,
            world.running(&NewBroker::rabbitmq("asked-too"))?,
        ];
        let broker = world.api.describe(&brokers[0])?;
        let current = broker.configurations.and_then(|configurations| configurations.current);
        let configuration = current.and_then(|configuration| configuration.id).unwrap_or_default();
        let known = json!({
            "broker-id": [brokers[0], brokers[0], brokers[1]], "configuration-id": [configuration], "configuration-revision": ["1", "2"],
            "username": [USER, "somebody"],
            "resource-arn": [
                broker.broker_arn.unwrap_or_default(),
                format!("arn:aws:mq:us-east-1:000000000000:configuration:{configuration}"),
            ],
        });
        world.restart_as("api")?;
        let is_done = clients::every_documented_answer(&world.api, &known)?;
        let left = world.api.list()?;
        ensure!(!is_done || brokers.iter().all(|id| left.contains(id)), "a broker was deleted");
        left.iter().try_for_each(|id| world.api.delete(id))?;
        world.restart()?;
        eventually("all brokers are deleted", TIMEOUT, || {
            Ok(world.api.list()?.is_empty().then_some(()))
        })
    })
}
