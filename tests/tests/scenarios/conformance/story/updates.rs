//! UpdateBroker, and the reboots that apply what waits.

use anyhow::{Context as _, Result, bail, ensure};
use brokerd_tests::{USER, sdk::Client};
use serde_json::{Value, json};

use super::{
    Brokers,
    configurations::Own,
    creation::nothing_waits,
    users::{all, waiting},
};
use crate::conformance::requests::{has, list, text, with};

fn update(sdk: &mut Client, broker: &str, changes: &Value) -> Result<Value> {
    sdk.ok("UpdateBroker", &with(json!({ "BrokerId": broker }), changes))
}

/// An answer shows what the request changed, and nothing else.
fn changes(sdk: &mut Client, broker: &str, changes: &Value, shown: &Value) -> Result<()> {
    let answer = update(sdk, broker, changes)?;
    let expected = with(json!({ "BrokerId": broker }), shown);
    ensure!(answer == expected, "{changes} was answered by {answer}, not by {expected}");
    Ok(())
}

pub(crate) fn wait_for_a_reboot(sdk: &mut Client, brokers: &Brokers, own: &Own) -> Result<()> {
    let broker = brokers.activemq.as_str();
    let described = json!({ "BrokerId": broker });
    let before = sdk.ok("DescribeBroker", &described)?;

    let window = json!({ "MaintenanceWindowStartTime": before["MaintenanceWindowStartTime"] });
    changes(sdk, broker, &window, &json!({})).context("what is so already")?;
    let window = json!({
        "MaintenanceWindowStartTime": { "DayOfWeek": "SUNDAY", "TimeOfDay": "23:30", "TimeZone": "Europe/Berlin" },
    });
    changes(sdk, broker, &window, &window)?;
    has(&sdk.ok("DescribeBroker", &described)?, &window).context("in force at once")?;

    let larger = json!({ "HostInstanceType": "mq.m5.large" });
    changes(sdk, broker, &larger, &larger)?;
    has(
        &sdk.ok("DescribeBroker", &described)?,
        &json!({ "PendingHostInstanceType": "mq.m5.large", "HostInstanceType": "mq.t3.micro" }),
    )?;
    update(sdk, broker, &json!({ "HostInstanceType": "mq.t3.micro" }))?;
    has(&sdk.ok("DescribeBroker", &described)?, &json!({ "PendingHostInstanceType": null }))
        .context("taken back")?;

    let configuration = json!({ "Id": own.id, "Revision": 2 });
    let several = json!({
        "Configuration": configuration, "Logs": { "General": true, "Audit": true }, "EngineVersion": "5.19",
    });
    let answer = update(sdk, broker, &several)?;
    has(
        &answer,
        &json!({ "BrokerId": broker, "Configuration": configuration, "EngineVersion": null }),
    )?;
    has(&answer["Logs"], &json!({ "Audit": true }))?;
    let waits = sdk.ok("DescribeBroker", &described)?;
    has(
        &waits["Configurations"],
        &with(before["Configurations"].clone(), &json!({ "Pending": configuration })),
    )?;
    has(&waits["Logs"], &json!({ "Audit": false, "Pending": { "Audit": true, "General": true } }))?;
    has(&waits, &json!({ "PendingEngineVersion": null, "BrokerState": "RUNNING" }))?;
    refusals(sdk, brokers)
}

fn refusals(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let activemq = |members: Value| with(json!({ "BrokerId": brokers.activemq }), &members);
    for (request, attribute, message) in [
        (
            activemq(
                json!({ "MaintenanceWindowStartTime": { "DayOfWeek": "MONDAY", "TimeOfDay": "25:00" } }),
            ),
            Some("maintenanceWindowStartTime.timeOfDay"),
            "Time [25:00] is invalid. Specify time in 24-hour format and use only numbers separated by a colon. Example: 13:05.",
        ),
        (
            activemq(json!({ "EngineVersion": "5.19.1" })),
            Some("engineVersion"),
            "Broker engine version [5.19.1] is invalid for broker engine type [ACTIVEMQ]. Valid values: [5.19, 5.18].",
        ),
        (
            activemq(json!({ "AutoMinorVersionUpgrade": false })),
            Some("autoMinorVersionUpgrade"),
            "Brokers on [ActiveMQ] version [5.19] must have [autoMinorVersionUpgrade] set to [true].",
        ),
    ] {
        sdk.refused("UpdateBroker", &request)?.is_exactly(
            "BadRequestException",
            attribute,
            message,
        )?;
    }
    // The service refuses these too; its words are not known.
    for request in [
        activemq(json!({ "EngineVersion": "5.18" })),
        activemq(json!({ "HostInstanceType": "mq.m7g.medium" })),
        activemq(
            json!({ "Configuration": { "Id": "c-00000000-0000-4000-8000-000000000000", "Revision": 1 } }),
        ),
    ] {
        let refusal = sdk.refused("UpdateBroker", &request)?;
        ensure!(
            refusal.is_a("BadRequestException").is_ok()
                || refusal.is_a("NotFoundException").is_ok(),
            "{request}: {refusal:?}"
        );
    }
    Ok(())
}

/// Changes that a running RabbitMQ broker does not permit.
pub(crate) fn are_refused_by_rabbitmq(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let rabbitmq = |members: Value| with(json!({ "BrokerId": brokers.rabbitmq }), &members);
    for (request, attribute, message) in [
        (
            rabbitmq(json!({ "SecurityGroups": ["sg-0123456789abcdef0"] })),
            Some("securityGroups"),
            "Changing security groups is not supported for RabbitMQ brokers.",
        ),
        (
            rabbitmq(json!({ "Logs": { "General": true, "Audit": false } })),
            Some("logs.audit"),
            "Audit logs are not supported for RabbitMQ brokers.",
        ),
    ] {
        sdk.refused("UpdateBroker", &request)?.is_exactly(
            "BadRequestException",
            attribute,
            message,
        )?;
    }
    Ok(())
}

/// Reboots, and sees that the state says so before anything else is asked. A slow client may find that all is done
/// already: then nothing waits any more.
pub(crate) fn reboot(sdk: &mut Client, broker: &str) -> Result<()> {
    let described = json!({ "BrokerId": broker });
    ensure!(sdk.ok("RebootBroker", &described)? == json!({}), "not an empty answer");
    let seen = sdk.ok("DescribeBroker", &described)?;
    match text(&seen, "BrokerState")?.as_str() {
        "REBOOT_IN_PROGRESS" => Ok(()),
        "RUNNING" => nothing_waits(&seen).context("it runs, but is it rebooted?"),
        other => bail!("it is {other}: {seen}"),
    }
}

fn rebooted(sdk: &mut Client, broker: &str) -> Result<Value> {
    reboot(sdk, broker)?;
    sdk.wait(broker, "RUNNING")
}

pub(crate) fn are_applied_by_a_reboot(
    sdk: &mut Client,
    brokers: &Brokers,
    own: &Own,
) -> Result<()> {
    let broker = brokers.activemq.as_str();
    let before = sdk.ok("DescribeBroker", &json!({ "BrokerId": broker }))?;
    let after = rebooted(sdk, broker)?;
    nothing_waits(&after)?;
    has(&after["Logs"], &json!({ "Audit": true, "General": true }))?;
    ensure!(
        after["Configurations"]
            == json!({
                "Current": { "Id": own.id, "Revision": 2 },
                "History": [before["Configurations"]["Current"]],
            }),
        "{after}"
    );
    let endpoints = |broker: &Value| broker["BrokerInstances"].clone();
    ensure!(endpoints(&before) == endpoints(&after), "its addresses changed: {after}");

    let users = all(sdk, broker)?;
    ensure!(users.len() == 2, "{users:?}");
    let first = sdk.ok("DescribeUser", &json!({ "BrokerId": broker, "Username": USER }))?;
    has(&first, &json!({ "ConsoleAccess": false, "Groups": ["writers"], "Pending": null }))?;
    let second = sdk.ok("DescribeUser", &json!({ "BrokerId": broker, "Username": "second" }))?;
    has(&second, &json!({ "ConsoleAccess": false, "ReplicationUser": false, "Pending": null }))?;
    ensure!(list(&second, "Groups")?.len() == 2, "{second}");
    Ok(())
}

/// What was current becomes history, in order; who was deleted is gone.
pub(crate) fn are_applied_once_more(sdk: &mut Client, brokers: &Brokers, own: &Own) -> Result<()> {
    let broker = brokers.activemq.as_str();
    let second = json!({ "BrokerId": broker, "Username": "second" });
    ensure!(sdk.ok("DeleteUser", &second)? == json!({}), "not an empty answer");
    ensure!(waiting(&all(sdk, broker)?, "second").as_deref() == Some("DELETE"), "not pending");
    let configuration = json!({ "Configuration": { "Id": own.id, "Revision": 3 } });
    changes(sdk, broker, &configuration, &configuration)?;
    let first =
        sdk.ok("DescribeBroker", &json!({ "BrokerId": broker }))?["Configurations"]["History"][0]
            .clone();
    ensure!(text(&first, "Id")? != own.id, "{first}");

    let after = rebooted(sdk, broker)?;
    nothing_waits(&after)?;
    ensure!(
        after["Configurations"]
            == json!({
                "Current": { "Id": own.id, "Revision": 3 },
                "History": [first, { "Id": own.id, "Revision": 2 }],
            }),
        "{after}"
    );
    ensure!(waiting(&all(sdk, broker)?, "second").is_none(), "a deleted user is listed");
    sdk.refused("DescribeUser", &second)?.is("NotFoundException", Some("username"), "[second]")
}
