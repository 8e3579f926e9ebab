//! What Terraform's data sources, sweepers and pre-checks ask.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Scene, checks};
use crate::conformance::{
    requests::{has, list},
    wire::{create, delete, get, refused, unplaced},
};

checks![
    check_35_list_brokers_lists_every_state,
    check_36_engine_types_filtered_are_one_element_and_no_token,
    check_37_offerings_are_spelt_in_lower_case_whatever_the_filter_says,
    check_38_lists_are_asked_without_parameters_or_for_a_hundred,
];

/// All brokers, page by page, as long as there is a token.
fn summaries(scene: &Scene<'_>, size: u32) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut path = format!("/v1/brokers?maxResults={size}");
    loop {
        let page = get(scene.api, &path)?;
        all.extend(list(&page, "brokerSummaries")?.iter().cloned());
        match page.get("nextToken") {
            Some(token) => {
                let token =
                    token.as_str().unwrap_or_default().replace('=', "%3D").replace('+', "%2B");
                path = format!("/v1/brokers?maxResults={size}&nextToken={token}");
            }
            None => return Ok(all),
        }
    }
}

fn check_35_list_brokers_lists_every_state(scene: &Scene<'_>) -> Result<()> {
    let mut unplaced_ids = Vec::new();
    for number in 1..=5 {
        unplaced_ids.push(create(scene.api, &unplaced(&format!("listed-{number}"), "RabbitMQ"))?);
    }
    let all = summaries(scene, 5)?;
    for id in unplaced_ids.iter().chain([&scene.activemq, &scene.rabbitmq]) {
        let found: Vec<_> = all.iter().filter(|summary| summary["brokerId"] == **id).collect();
        ensure!(found.len() == 1, "{id} is listed {} times", found.len());
    }
    let states: Vec<_> = all.iter().filter_map(|summary| summary["brokerState"].as_str()).collect();
    ensure!(states.contains(&"RUNNING"), "{states:?}");
    ensure!(states.iter().any(|state| state.starts_with("CREATION_")), "{states:?}");
    unplaced_ids.iter().try_for_each(|id| delete(scene.api, id))
}

fn check_36_engine_types_filtered_are_one_element_and_no_token(scene: &Scene<'_>) -> Result<()> {
    let types = get(scene.api, "/v1/broker-engine-types?engineType=ACTIVEMQ")?;
    ensure!(list(&types, "brokerEngineTypes")?.len() == 1, "{types}");
    has(&types["brokerEngineTypes"][0], &json!({ "engineType": "ACTIVEMQ" }))?;
    ensure!(!list(&types["brokerEngineTypes"][0], "engineVersions")?.is_empty(), "{types}");
    // An empty token would be asked for again for ever.
    has(&types, &json!({ "nextToken": null, "maxResults": 20 }))
}

fn check_37_offerings_are_spelt_in_lower_case_whatever_the_filter_says(
    scene: &Scene<'_>,
) -> Result<()> {
    let path = "/v1/broker-instance-options";
    let offered = get(
        scene.api,
        &format!("{path}?engineType=ACTIVEMQ&hostInstanceType=mq.m5.large&storageType=EBS"),
    )?;
    let options = list(&offered, "brokerInstanceOptions")?;
    ensure!(!options.is_empty(), "{offered}");
    for option in options {
        let wanted = json!({ "engineType": "ACTIVEMQ", "storageType": "ebs", "hostInstanceType": "mq.m5.large" });
        has(option, &wanted)?;
        ensure!(!list(option, "availabilityZones")?.is_empty(), "{option}");
    }
    let all = get(scene.api, &format!("{path}?maxResults=100"))?;
    let engines: Vec<_> = list(&all, "brokerInstanceOptions")?
        .iter()
        .map(|option| option["engineType"].clone())
        .collect();
    ensure!(engines.contains(&json!("ACTIVEMQ")) && engines.contains(&json!("RABBITMQ")), "{all}");
    let none = get(scene.api, &format!("{path}?hostInstanceType=mq.unknown.size"))?;
    ensure!(list(&none, "brokerInstanceOptions")?.is_empty(), "{none}");
    refused(scene.api, "GET", &format!("{path}?storageType=TAPE"), &Value::Null)?.is_a_bad_request()
}

fn check_38_lists_are_asked_without_parameters_or_for_a_hundred(scene: &Scene<'_>) -> Result<()> {
    for path in ["/v1/brokers", "/v1/brokers?maxResults=100", "/v1/brokers?nextToken="] {
        let page = get(scene.api, path)?;
        ensure!(list(&page, "brokerSummaries")?.len() >= 2, "{page}");
        has(&page, &json!({ "nextToken": null }))?;
    }
    Ok(())
}
