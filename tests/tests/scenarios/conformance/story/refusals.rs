//! Typed exceptions with the service's own messages, where they are known.

use anyhow::Result;
use brokerd_tests::{USER, sdk::Client};
use serde_json::{Value, json};

use super::Brokers;
use crate::conformance::requests::{activemq, rabbitmq, with};

const NOWHERE: &str = "b-00000000-0000-4000-8000-000000000000";

pub(crate) fn are_typed_and_say_why(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let missing = format!(
        "Cannot find broker ID [{NOWHERE}]. Verify that your broker exists or check broker permissions."
    );
    for operation in ["DescribeBroker", "DeleteBroker", "RebootBroker", "ListUsers", "UpdateBroker"]
    {
        sdk.refused(operation, &json!({ "BrokerId": NOWHERE }))?.is_exactly(
            "NotFoundException",
            Some("broker-id"),
            &missing,
        )?;
    }
    creations(sdk)?;
    let promote = json!({ "BrokerId": brokers.activemq, "Mode": "FAILOVER" });
    sdk.refused("Promote", &promote)?.is_a("BadRequestException")
}

fn creations(sdk: &mut Client) -> Result<()> {
    let window = |time: &str| json!({ "MaintenanceWindowStartTime": { "DayOfWeek": "MONDAY", "TimeOfDay": time } });
    let password =
        |password: &str| json!({ "Users": [{ "Username": USER, "Password": password }] });
    for (create, attribute, message) in [
        (
            with(activemq("wrong"), &json!({ "BrokerName": "no spaces" })),
            Some("brokerName"),
            "Make sure your Broker name only contains valid characters.",
        ),
        (
            with(activemq("wrong"), &json!({ "EngineVersion": "5.18.7" })),
            Some("engineVersion"),
            "Broker engine version [5.18.7] is invalid for broker engine type [ACTIVEMQ]. Valid values: [5.19, 5.18].",
        ),
        (
            with(rabbitmq("wrong"), &json!({ "HostInstanceType": "mq.t3.micro" })),
            Some("hostInstanceType"),
            "Broker engine type [RabbitMQ] does not support host instance type [mq.t3.micro].",
        ),
        (
            with(activemq("wrong"), &window("25:00")),
            Some("maintenanceWindowStartTime.timeOfDay"),
            "Time [25:00] is invalid. Specify time in 24-hour format and use only numbers separated by a colon. Example: 13:05.",
        ),
        (
            with(activemq("wrong"), &json!({ "AutoMinorVersionUpgrade": false })),
            Some("autoMinorVersionUpgrade"),
            "Brokers on [ActiveMQ] version [5.19] must have [autoMinorVersionUpgrade] set to [true].",
        ),
        (
            with(activemq("wrong"), &password("short")),
            Some("password"),
            "Password is invalid. Enter a password 12 to 250 characters long.",
        ),
        (
            with(activemq("wrong"), &password("with:colon=and,comma")),
            Some("password"),
            "Make sure your password doesn't contain invalid characters [, :=].",
        ),
        (
            with(rabbitmq("wrong"), &json!({ "Users": [] })),
            Some("users"),
            "Specify exactly one user for engine type [RABBITMQ].",
        ),
        (
            with(rabbitmq("wrong"), &json!({ "Logs": { "General": true, "Audit": false } })),
            Some("logs.audit"),
            "Audit logging is not supported for RabbitMQ brokers.",
        ),
    ] {
        sdk.refused("CreateBroker", &create)?.is_exactly(
            "BadRequestException",
            attribute,
            message,
        )?;
    }
    // The service refuses these too; its words are not known.
    for changes in [
        json!({ "HostInstanceType": "mq.huge" }),
        json!({ "DeploymentMode": "CLUSTER_MULTI_AZ" }),
        json!({ "EngineType": "KAFKA" }),
        json!({ "Users": Value::Array(Vec::new()) }),
    ] {
        let create = with(activemq("wrong"), &changes);
        sdk.refused("CreateBroker", &create)?.is_a("BadRequestException")?;
    }
    Ok(())
}
