//! DescribeBrokerEngineTypes, DescribeBrokerInstanceOptions.

use anyhow::{Result, ensure};
use brokerd_tests::sdk::Client;
use serde_json::{Value, json};

use crate::conformance::requests::{each, has, knows, list, with};

pub(crate) fn tells_what_can_be_created(sdk: &mut Client) -> Result<()> {
    let activemq = json!([{ "EngineType": "ACTIVEMQ", "EngineVersions": [{ "Name": "5.19" }, { "Name": "5.18" }] }]);
    let all = sdk.ok("DescribeBrokerEngineTypes", &json!({}))?;
    has(&all, &json!({ "MaxResults": 20, "NextToken": null }))?;
    ensure!(each(&all, "BrokerEngineTypes", "EngineType")? == ["ACTIVEMQ", "RABBITMQ"], "{all}");
    ensure!(all["BrokerEngineTypes"][0] == activemq[0], "{all}");
    ensure!(!list(&all["BrokerEngineTypes"][1], "EngineVersions")?.is_empty(), "{all}");
    let one = sdk.ok("DescribeBrokerEngineTypes", &json!({ "EngineType": "ActiveMQ" }))?;
    ensure!(one["BrokerEngineTypes"] == activemq, "{one}");
    let kafka = json!({ "EngineType": "KAFKA" });
    sdk.refused("DescribeBrokerEngineTypes", &kafka)?.is(
        "BadRequestException",
        Some("engineType"),
        "KAFKA",
    )?;

    let filter = json!({ "EngineType": "ACTIVEMQ", "StorageType": "EBS", "HostInstanceType": "mq.m5.large" });
    let options = sdk.ok("DescribeBrokerInstanceOptions", &filter)?;
    ensure!(list(&options, "BrokerInstanceOptions")?.len() == 1, "{options}");
    let option = &options["BrokerInstanceOptions"][0];
    has(
        option,
        &json!({
            "EngineType": "ACTIVEMQ", "StorageType": "ebs", "HostInstanceType": "mq.m5.large",
            "SupportedDeploymentModes": ["SINGLE_INSTANCE"], "SupportedEngineVersions": ["5.19", "5.18"],
        }),
    )?;
    knows(option, &["AvailabilityZones"])?;
    pages_by_hand(sdk)
}

/// No SDK has a paginator for these: callers pass tokens on until there is none.
fn pages_by_hand(sdk: &mut Client) -> Result<()> {
    let all = sdk.ok("DescribeBrokerInstanceOptions", &json!({ "MaxResults": 100 }))?;
    let mut options: Vec<Value> = Vec::new();
    let mut asked = json!({ "MaxResults": 5 });
    loop {
        let page = sdk.ok("DescribeBrokerInstanceOptions", &asked)?;
        ensure!(page["MaxResults"] == 5, "{page}");
        ensure!(list(&page, "BrokerInstanceOptions")?.len() <= 5, "{page}");
        options.extend(list(&page, "BrokerInstanceOptions")?.iter().cloned());
        match page.get("NextToken") {
            Some(token) => asked = with(asked, &json!({ "NextToken": token })),
            None => break,
        }
    }
    ensure!(options == *list(&all, "BrokerInstanceOptions")?, "pages of {options:?} are not {all}");
    Ok(())
}
