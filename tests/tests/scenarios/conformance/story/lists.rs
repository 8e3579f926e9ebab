//! ListBrokers and DescribeSharedResources, the two operations with paginators.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::sdk::{Answer, Client};
use serde_json::{Value, json};

use super::Brokers;
use crate::conformance::requests::{each, giant, has, list, text};

pub(crate) fn are_complete_page_by_page(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let mut giants = Vec::new();
    for number in 1..=6 {
        let created = sdk.ok("CreateBroker", &giant(&format!("giant-{number}")))?;
        giants.push(text(&created, "BrokerId")?);
    }
    let pages = sdk.pages("ListBrokers", &json!({}), 5)?;
    let sizes: Vec<_> =
        pages.iter().map(|page| list(page, "BrokerSummaries").map_or(0, Vec::len)).collect();
    ensure!(!sdk.kind.shows_pages() || sizes == [5, 3], "pages of {sizes:?}");
    let summaries: Vec<&Value> =
        pages.iter().filter_map(|page| page["BrokerSummaries"].as_array()).flatten().collect();
    let mut ids: Vec<_> =
        summaries.iter().filter_map(|summary| summary["BrokerId"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == 8 && summaries.len() == 8, "a broker is missing or twice: {summaries:?}");
    let ours = summaries.iter().find(|summary| summary["BrokerId"] == *brokers.activemq);
    let ours = ours.context("our broker is not listed")?;
    has(
        ours,
        &json!({
            "BrokerArn": brokers.activemq_arn, "BrokerName": "story", "EngineType": "ActiveMQ",
            "DeploymentMode": "SINGLE_INSTANCE", "HostInstanceType": "mq.t3.micro",
        }),
    )?;
    ensure!(text(ours, "Created")?.starts_with("20"), "{ours}");

    let first = sdk.ok("ListBrokers", &json!({ "MaxResults": 5 }))?;
    let second = json!({ "MaxResults": 5, "NextToken": first["NextToken"] });
    let second = sdk.ok("ListBrokers", &second)?;
    has(&second, &json!({ "NextToken": null }))?;
    let seen = each(&first, "BrokerSummaries", "BrokerId")?;
    ensure!(
        each(&second, "BrokerSummaries", "BrokerId")?.iter().all(|id| !seen.contains(id)),
        "a broker is on both pages"
    );
    sdk.refused("ListBrokers", &json!({ "MaxResults": 4 }))?.is_exactly(
        "BadRequestException",
        Some("maxResults"),
        "Invalid max results value [4]. Specify an integer between [5] and [100].",
    )?;
    sdk.refused("ListBrokers", &json!({ "NextToken": "invalid" }))?.is_exactly(
        "BadRequestException",
        Some("nextToken"),
        "Invalid next token [invalid]. Make sure you copied the token correctly.",
    )?;
    for id in giants {
        let deleted = sdk.ok("DeleteBroker", &json!({ "BrokerId": id }))?;
        has(&deleted, &json!({ "BrokerId": id }))?;
    }
    shared_resources(sdk, brokers)
}

fn shared_resources(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let operation = "DescribeSharedResources";
    let rabbit = json!({ "BrokerId": brokers.rabbitmq });
    if sdk.kind.lacks().contains(&operation) {
        let answer = sdk.call(operation, &rabbit)?;
        ensure!(matches!(answer, Answer::Unknown(_)), "this edition has it after all: {answer:?}");
        return Ok(());
    }
    let none = json!({ "SharedResources": [] });
    ensure!(sdk.ok(operation, &rabbit)? == none, "something is shared");
    ensure!(sdk.pages(operation, &rabbit, 5)? == [none], "something is shared");
    Ok(())
}
