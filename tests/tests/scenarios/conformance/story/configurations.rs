//! Configurations and their revisions.

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use brokerd_tests::sdk::Client;
use serde_json::{Value, json};

use super::Brokers;
use crate::conformance::requests::{each, has, knows, list, text, with};

const NAME: &str = "own-configuration";
const XMLNS: &str = r#"xmlns="http://activemq.apache.org/schema/core""#;
const NOWHERE: &str = "c-00000000-0000-4000-8000-000000000000";

/// A configuration for ActiveMQ of the story's own, with three revisions.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) id: String,
    pub(crate) arn: String,
}

pub(crate) fn have_revisions(sdk: &mut Client) -> Result<Own> {
    let create = json!({ "Name": NAME, "EngineType": "ACTIVEMQ", "EngineVersion": "5.19", "Tags": { "origin": "story" } });
    let created = sdk.ok("CreateConfiguration", &create)?;
    let own = Own { id: text(&created, "Id")?, arn: text(&created, "Arn")? };
    ensure!(own.id.starts_with("c-"), "{created}");
    ensure!(
        own.arn == format!("arn:aws:mq:us-east-1:000000000000:configuration:{}", own.id),
        "{created}"
    );
    has(&created, &json!({ "Name": NAME, "AuthenticationStrategy": "simple" }))?;
    let first = json!({ "Revision": 1, "Description": format!("Auto-generated default for {NAME} on ActiveMQ 5.19") });
    has(&created["LatestRevision"], &first)?;
    knows(&created["LatestRevision"], &["Created"])?;
    let described = sdk.ok("DescribeConfiguration", &json!({ "ConfigurationId": own.id }))?;
    has(
        &described,
        &json!({
            "Id": own.id, "Arn": own.arn, "Name": NAME, "EngineType": "ActiveMQ", "EngineVersion": "5.19",
            "AuthenticationStrategy": "simple", "Tags": { "origin": "story" }, "Created": created["Created"],
            "Description": null, "LatestRevision": created["LatestRevision"],
        }),
    )?;

    activemq_is_sanitised(sdk, &own).context("sanitising")?;
    revisions_are_listed(sdk, &own).context("revisions")?;
    refusals(sdk, &own).context("refusals")?;
    rabbitmq_is_kept_as_it_is(sdk).context("RabbitMQ")?;
    all_are_listed(sdk, &own).context("list")?;
    Ok(own)
}

fn activemq_is_sanitised(sdk: &mut Client, own: &Own) -> Result<()> {
    let xml = format!(r#"<broker {XMLNS} persistent="true" unknownSetting="true"/>"#);
    let update = json!({ "ConfigurationId": own.id, "Data": STANDARD.encode(&xml), "Description": "second" });
    let updated = sdk.ok("UpdateConfiguration", &update)?;
    has(
        &updated,
        &json!({
            "Id": own.id, "Arn": own.arn, "Name": NAME,
            "Warnings": [{
                "ElementName": "broker", "AttributeName": "unknownSetting", "Reason": "DISALLOWED_ATTRIBUTE_REMOVED",
            }],
        }),
    )?;
    has(&updated["LatestRevision"], &json!({ "Revision": 2, "Description": "second" }))?;
    let revision = json!({ "ConfigurationId": own.id, "ConfigurationRevision": "2" });
    let revision = sdk.ok("DescribeConfigurationRevision", &revision)?;
    has(&revision, &json!({ "ConfigurationId": own.id, "Description": "second" }))?;
    knows(&revision, &["Created"])?;
    let stored = String::from_utf8(STANDARD.decode(text(&revision, "Data")?)?)?;
    ensure!(
        stored.contains(r#"persistent="true""#)
            && stored.contains(XMLNS)
            && !stored.contains("unknown"),
        "{stored}"
    );

    let again = with(update, &json!({ "Data": revision["Data"], "Description": null }));
    let updated = sdk.ok("UpdateConfiguration", &again)?;
    has(&updated, &json!({ "Warnings": [] }))?;
    has(&updated["LatestRevision"], &json!({ "Revision": 3, "Description": null }))
}

fn revisions_are_listed(sdk: &mut Client, own: &Own) -> Result<()> {
    let mut numbers = Vec::new();
    let mut asked = json!({ "ConfigurationId": own.id, "MaxResults": 5 });
    loop {
        let page = sdk.ok("ListConfigurationRevisions", &asked)?;
        has(&page, &json!({ "ConfigurationId": own.id, "MaxResults": 5 }))?;
        numbers.extend(each(&page, "Revisions", "Revision")?);
        match page.get("NextToken") {
            Some(token) => asked = with(asked, &json!({ "NextToken": token })),
            None => break,
        }
    }
    ensure!(numbers == [1, 2, 3], "revisions {numbers:?}");
    Ok(())
}

fn refusals(sdk: &mut Client, own: &Own) -> Result<()> {
    let missing = format!("Configuration ID [{NOWHERE}] can't be found. Make sure it exists.");
    for operation in ["DescribeConfiguration", "ListConfigurationRevisions", "DeleteConfiguration"]
    {
        sdk.refused(operation, &json!({ "ConfigurationId": NOWHERE }))?.is_exactly(
            "NotFoundException",
            Some("configuration-id"),
            &missing,
        )?;
    }
    let revision =
        |id: &str, number: &str| json!({ "ConfigurationId": id, "ConfigurationRevision": number });
    for id in [own.id.as_str(), NOWHERE] {
        let message =
            format!("Revision [7] of configuration [{id}] can't be found. Make sure it exists.");
        sdk.refused("DescribeConfigurationRevision", &revision(id, "7"))?.is_exactly(
            "NotFoundException",
            Some("configuration-revision"),
            &message,
        )?;
    }
    for wrong in ["abc", "1.0", "2147483648"] {
        sdk.refused("DescribeConfigurationRevision", &revision(&own.id, wrong))?.is_exactly(
            "BadRequestException",
            Some("configuration-revision"),
            "Invalid revision ID. Specify only integers from -2147483648 to 2147483647.",
        )?;
    }
    let patch = json!({ "Name": NAME, "EngineType": "ACTIVEMQ", "EngineVersion": "5.18.7" });
    sdk.refused("CreateConfiguration", &patch)?.is_exactly(
        "BadRequestException",
        Some("engineVersion"),
        "Broker engine version [5.18.7] is invalid for broker engine type [ACTIVEMQ]. Valid values: [5.19, 5.18].",
    )?;
    let connector =
        r#"<transportConnectors><transportConnector name="extra"/></transportConnectors>"#;
    let data = STANDARD.encode(format!("<broker {XMLNS}>{connector}</broker>"));
    sdk.refused("UpdateConfiguration", &json!({ "ConfigurationId": own.id, "Data": data }))?.is_exactly(
        "BadRequestException",
        Some("data"),
        "The specified XML configuration data is invalid: cvc-attribute.3: The value 'extra' of attribute 'name' on element 'transportConnector' is not valid with respect to its type, 'protocol'. and cvc-enumeration-valid: Value 'extra' is not facet-valid with respect to enumeration '[openwire]'. It must be a value from the enumeration.",
    )?;
    for data in [STANDARD.encode("<broker"), "not base64!".to_owned()] {
        let update = json!({ "ConfigurationId": own.id, "Data": data });
        sdk.refused("UpdateConfiguration", &update)?.is("BadRequestException", Some("data"), "")?;
    }
    Ok(())
}

fn rabbitmq_is_kept_as_it_is(sdk: &mut Client) -> Result<()> {
    let create = json!({ "Name": "rabbit-own", "EngineType": "RABBITMQ", "EngineVersion": "4.3" });
    let created = sdk.ok("CreateConfiguration", &create)?;
    let id = text(&created, "Id")?;
    let first = json!({ "Revision": 1, "Description": "Auto-generated default for rabbit-own on RabbitMQ 4.3" });
    has(&created["LatestRevision"], &first)?;
    let data =
        STANDARD.encode("# how long a delivery may stay open\n  consumer_timeout = 1800000  \n\n");
    let update = json!({ "ConfigurationId": id, "Data": data });
    let updated = sdk.ok("UpdateConfiguration", &update)?;
    has(&updated, &json!({ "Warnings": [] }))?;
    let second = json!({ "ConfigurationId": id, "ConfigurationRevision": "2" });
    has(&sdk.ok("DescribeConfigurationRevision", &second)?, &json!({ "Data": data }))?;
    for wrong in ["listeners.tcp.default = 5672\n", "heartbeat = 5\n"] {
        let update = json!({ "ConfigurationId": id, "Data": STANDARD.encode(wrong) });
        sdk.refused("UpdateConfiguration", &update)?.is_a("BadRequestException")?;
    }
    has(
        &sdk.ok("DeleteConfiguration", &json!({ "ConfigurationId": id }))?,
        &json!({ "ConfigurationId": id }),
    )?;
    sdk.refused("DescribeConfiguration", &json!({ "ConfigurationId": id }))?.is(
        "NotFoundException",
        Some("configuration-id"),
        &id,
    )
}

fn all_of_them(sdk: &mut Client) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut asked = json!({ "MaxResults": 5 });
    loop {
        let page = sdk.ok("ListConfigurations", &asked)?;
        has(&page, &json!({ "MaxResults": 5 }))?;
        all.extend(list(&page, "Configurations")?.iter().cloned());
        match page.get("NextToken") {
            Some(token) => asked = with(asked, &json!({ "NextToken": token })),
            None => return Ok(all),
        }
    }
}

fn all_are_listed(sdk: &mut Client, own: &Own) -> Result<()> {
    let all = all_of_them(sdk)?;
    let named = |name: &str| {
        let found = all.iter().find(|configuration| configuration["Name"] == name);
        found.with_context(|| format!("{name} is not listed: {all:?}"))
    };
    let ours = named(NAME)?;
    has(ours, &json!({ "Id": own.id, "EngineType": "ActiveMQ", "Tags": { "origin": "story" } }))?;
    has(&ours["LatestRevision"], &json!({ "Revision": 3 }))?;
    let made_with_broker = named("story-configuration")?;
    has(
        made_with_broker,
        &json!({ "EngineType": "ActiveMQ", "EngineVersion": "5.19", "Tags": null }),
    )?;
    has(named("rabbit-configuration")?, &json!({ "EngineType": "RabbitMQ" }))
}

/// A broker holds on to its configurations, but does not take them along.
pub(crate) fn stay_until_deleted(sdk: &mut Client, brokers: &Brokers, own: &Own) -> Result<()> {
    let configuration = json!({ "ConfigurationId": own.id });
    sdk.refused("DeleteConfiguration", &configuration)?.is(
        "ConflictException",
        None,
        "Configuration ID is already in use. Remove the configuration from all brokers and retry the request.",
    )?;
    for id in [&brokers.activemq, &brokers.rabbitmq] {
        let broker = json!({ "BrokerId": id });
        has(&sdk.ok("DeleteBroker", &broker)?, &broker)?;
    }
    for id in [&brokers.activemq, &brokers.rabbitmq] {
        sdk.wait_until_gone(id)?;
    }
    let listed = sdk.ok("ListBrokers", &json!({}))?;
    let left = each(&listed, "BrokerSummaries", "BrokerId")?;
    ensure!(!left.iter().any(|id| *id == brokers.activemq || *id == brokers.rabbitmq), "{listed}");
    for left in all_of_them(sdk)? {
        let configuration = json!({ "ConfigurationId": left["Id"] });
        has(&sdk.ok("DeleteConfiguration", &configuration)?, &configuration)?;
    }
    ensure!(all_of_them(sdk)?.is_empty(), "a deleted configuration is listed");
    Ok(())
}
