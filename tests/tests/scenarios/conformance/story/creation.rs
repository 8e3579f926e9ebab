//! CreateBroker, DescribeBroker.

use anyhow::{Result, ensure};
use brokerd_tests::{USER, sdk::Client};
use serde_json::{Value, json};

use super::Brokers;
use crate::conformance::requests::{activemq, each, has, knows, list, text, with};

const NAME: &str = "story";

/// What DescribeBroker shows only while something waits.
pub(crate) const PENDING: &[&str] = &[
    "PendingAuthenticationStrategy",
    "PendingDataReplicationMetadata",
    "PendingDataReplicationMode",
    "PendingEngineVersion",
    "PendingHostInstanceType",
    "PendingLdapServerMetadata",
    "PendingSecurityGroups",
    "PendingStorageSize",
];

fn story() -> Value {
    with(
        activemq(NAME),
        &json!({
            "CreatorRequestId": "once", "Tags": { "team": "order management" }, "Logs": { "General": true },
            "EngineVersion": "5.19",
            "MaintenanceWindowStartTime": { "DayOfWeek": "TUESDAY", "TimeOfDay": "02:00", "TimeZone": "CET" },
        }),
    )
}

/// A token makes a repeated call the same call; a name belongs to one broker.
pub(crate) fn creates_each_broker_once(sdk: &mut Client, rabbitmq: &Value) -> Result<Brokers> {
    let created = sdk.ok("CreateBroker", &story())?;
    let (id, arn) = (text(&created, "BrokerId")?, text(&created, "BrokerArn")?);
    ensure!(arn == format!("arn:aws:mq:us-east-1:000000000000:broker:{NAME}:{id}"), "{arn}");
    let fresh = sdk.ok("DescribeBroker", &json!({ "BrokerId": id }))?;
    has(&fresh, &json!({ "BrokerArn": arn }))?;
    // A client that takes seconds to start finds the broker running already.
    let state = text(&fresh, "BrokerState")?;
    ensure!(matches!(state.as_str(), "CREATION_IN_PROGRESS" | "RUNNING"), "{state}");
    let rabbit = sdk.ok("CreateBroker", rabbitmq)?;

    let other_tags = with(story(), &json!({ "Tags": { "team": "somebody else" } }));
    for repeated in [story(), other_tags] {
        let again = sdk.ok("CreateBroker", &repeated)?;
        ensure!(again == created, "the same token made another broker: {again}");
    }
    let other_type = with(story(), &json!({ "HostInstanceType": "mq.m5.large" }));
    sdk.refused("CreateBroker", &other_type)?.is("ConflictException", Some("brokerName"), "")?;
    let taken = format!("Broker named [{NAME}] already exists. Specify a unique broker name.");
    for token in [json!("another"), Value::Null] {
        let taken_name = with(story(), &json!({ "CreatorRequestId": token }));
        sdk.refused("CreateBroker", &taken_name)?.is_exactly(
            "ConflictException",
            Some("brokerName"),
            &taken,
        )?;
    }
    Ok(Brokers { activemq: id, activemq_arn: arn, rabbitmq: text(&rabbit, "BrokerId")? })
}

/// Every member that a broker at rest has, spelt as the service spells it.
pub(crate) fn describes_a_running_activemq(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let broker = sdk.wait(&brokers.activemq, "RUNNING")?;
    has(
        &broker,
        &json!({
            "BrokerId": brokers.activemq, "BrokerArn": brokers.activemq_arn, "BrokerName": NAME,
            "EngineType": "ActiveMQ", "EngineVersion": "5.19", "HostInstanceType": "mq.t3.micro",
            "DeploymentMode": "SINGLE_INSTANCE", "StorageType": "efs", "AuthenticationStrategy": "simple",
            "PubliclyAccessible": true, "AutoMinorVersionUpgrade": true,
            "Tags": { "team": "order management" },
            "EncryptionOptions": { "UseAwsOwnedKey": true },
            "MaintenanceWindowStartTime": { "DayOfWeek": "TUESDAY", "TimeOfDay": "02:00", "TimeZone": "CET" },
            "Users": [{ "Username": USER }],
            "Logs": {
                "General": true, "Audit": false,
                "GeneralLogGroup": format!("/aws/amazonmq/broker/{}/general", brokers.activemq),
                "AuditLogGroup": format!("/aws/amazonmq/broker/{}/audit", brokers.activemq),
            },
            "ActionsRequired": null, "StorageSize": null, "DataReplicationMode": null,
        }),
    )?;
    nothing_waits(&broker)?;
    ensure!(list(&broker, "SubnetIds")?.len() == 1, "{broker}");
    ensure!(list(&broker, "SecurityGroups")?.is_empty(), "{broker}");
    ensure!(text(&broker, "Created")?.starts_with("20"), "{broker}");
    has(&broker["Configurations"]["Current"], &json!({ "Revision": 1 }))?;
    ensure!(text(&broker["Configurations"]["Current"], "Id")?.starts_with("c-"), "{broker}");
    ensure!(broker["Configurations"]["History"] == json!([]), "{broker}");
    let schemes = endpoints(&broker)?;
    ensure!(schemes == ["ssl", "amqp+ssl", "stomp+ssl", "mqtt+ssl", "wss"], "{schemes:?}");
    let instance = &list(&broker, "BrokerInstances")?[0];
    ensure!(text(instance, "ConsoleURL")?.starts_with("https://"), "{broker}");
    knows(instance, &["IpAddress"])
}

pub(crate) fn describes_a_running_rabbitmq(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let broker = sdk.wait(&brokers.rabbitmq, "RUNNING")?;
    has(
        &broker,
        &json!({ "EngineType": "RabbitMQ", "StorageType": "ebs", "Users": [], "ActionsRequired": null }),
    )?;
    nothing_waits(&broker)?;
    let log_group = format!("/aws/amazonmq/broker/{}/general", brokers.rabbitmq);
    ensure!(
        broker["Logs"] == json!({ "General": false, "GeneralLogGroup": log_group }),
        "{broker}"
    );
    has(&broker["Configurations"]["Current"], &json!({ "Revision": 1 }))?;
    ensure!(endpoints(&broker)?.first().is_some_and(|scheme| scheme == "amqps"), "{broker}");
    has(&list(&broker, "BrokerInstances")?[0], &json!({ "IpAddress": null }))
}

/// That nothing waits for a reboot.
pub(crate) fn nothing_waits(broker: &Value) -> Result<()> {
    for name in PENDING {
        has(broker, &json!({ *name: null }))?;
    }
    has(&broker["Configurations"], &json!({ "Pending": null }))?;
    has(&broker["Logs"], &json!({ "Pending": null }))?;
    let waiting = each(broker, "Users", "PendingChange")?;
    ensure!(waiting.iter().all(Value::is_null), "a user waits: {broker}");
    Ok(())
}

/// The schemes of the endpoints of a broker's only instance.
fn endpoints(broker: &Value) -> Result<Vec<String>> {
    let instances = list(broker, "BrokerInstances")?;
    ensure!(instances.len() == 1, "{} instances: {broker}", instances.len());
    let urls = list(&instances[0], "Endpoints")?.iter().filter_map(Value::as_str);
    Ok(urls.filter_map(|url| url.split_once("://")).map(|(scheme, _)| scheme.to_owned()).collect())
}
