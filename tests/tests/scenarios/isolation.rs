//! Who may see what, and who is let in at all.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::BrokerState;
use brokerd_tests::{NewBroker, clients, docker, scenario};
use serde_json::json;

#[test]
fn accounts_and_regions_do_not_see_each_other_s_brokers() -> Result<()> {
    scenario("accounts and regions", &[], |world| {
        let id = world.api.create(&NewBroker::activemq("mine"))?;
        let elsewhere = world.api.in_region("eu-west-1");
        ensure!(elsewhere.list()?.is_empty(), "another region lists it");
        ensure!(elsewhere.state(&id)?.is_none(), "another region describes it");
        ensure!(elsewhere.delete(&id).is_err(), "another region deletes it");

        let other = world.other_account("111111111111")?;
        ensure!(other.list()?.is_empty(), "another account lists it");
        ensure!(other.state(&id)?.is_none(), "another account describes it");
        ensure!(
            other.reboot(&id).is_err() && other.delete(&id).is_err(),
            "another account changes it"
        );
        ensure!(
            other.get(&format!("/brokerd/v1/brokers/{id}/events"))?.status == 404,
            "its events are seen"
        );

        // The name is taken in one place only.
        for api in [&elsewhere, &other] {
            let twin = api.create(&NewBroker::activemq("mine"))?;
            let arn = api.describe(&twin)?.broker_arn.unwrap_or_default();
            let account = if api.region == "eu-west-1" { "000000000000" } else { "111111111111" };
            let scope = format!("arn:aws:mq:{}:{account}:broker:mine:{twin}", api.region);
            ensure!(arn == scope, "{arn} is not {scope}");
            ensure!(api.list()? == [twin.clone()], "{:?}", api.list()?);
            api.delete(&twin)?;
            api.wait_until_gone(&twin)?;
        }
        world.api.wait_until_running(&id)?;
        ensure!(world.api.list()? == [id], "the owner's own broker");
        Ok(())
    })
}

#[test]
fn a_request_that_is_not_signed_right_is_refused_by_the_service_s_code() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("signatures", &[], |world| {
        let answers = clients::boto3(
            &world.api,
            &json!([
                { "operation": "ListBrokers", "secret": "not-the-secret" },
                { "operation": "ListBrokers", "key": "AKIAIOSFODNN7EXAMPLE" },
                { "operation": "ListBrokers", "skew_seconds": -1200 },
                { "operation": "ListBrokers", "skew_seconds": 1200 },
                { "operation": "ListBrokers", "skew_seconds": 600 },
                { "operation": "ListBrokers" },
            ]),
        )?;
        let expected = [
            "InvalidSignatureException",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "InvalidSignatureException",
        ];
        for (answer, code) in answers.iter().zip(expected) {
            ensure!(answer["error"]["code"] == code, "not {code}: {answer}");
            ensure!(answer["error"]["status"] == 403, "{answer}");
            ensure!(answer["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{answer}");
        }
        let right = answers[4..].iter().all(|answer| answer["ok"]["BrokerSummaries"] == json!([]));
        ensure!(right, "{}", clients::shown(&answers[4..]));
        Ok(())
    })
}

#[test]
fn two_brokers_side_by_side_share_nothing() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("two brokers", &[], |world| {
        let names = ["left", "right"];
        let ids = names.map(|name| world.api.create(&NewBroker::activemq(name)));
        let [left, right] = ids;
        let (left, right) = (left?, right?);
        world.api.wait_until_running(&left)?;
        world.api.wait_until_running(&right)?;
        let endpoint = |id: &str| world.messenger("stomp_.py", id, "stomp+ssl");
        endpoint(&left)?.send("shared.name", "left")?;
        endpoint(&right)?.send("shared.name", "right")?;
        let networks = [&left, &right]
            .map(|id| docker::container_of(id).map(|c| c.at("/NetworkSettings/Networks").clone()));
        let [one, two] = networks;
        let (one, two) = (one?, two?);
        let shared =
            one.as_object().into_iter().flat_map(|map| map.keys()).any(|n| two.get(n).is_some());
        ensure!(!shared, "a network is shared: {one} {two}");

        world.api.delete(&left)?;
        world.api.wait_until_gone(&left)?;
        ensure!(
            world.api.state(&right)? == Some(BrokerState::Running),
            "the other one is affected"
        );
        let body = endpoint(&right)?.receive("shared.name").context("the other one's message")?;
        ensure!(body == "right", "{body:?}");
        Ok(())
    })
}
