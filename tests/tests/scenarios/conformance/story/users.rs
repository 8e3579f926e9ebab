//! Users of ActiveMQ brokers: whatever is done to them waits for a reboot.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{USER, sdk::Client};
use serde_json::{Value, json};

use super::Brokers;
use crate::conformance::requests::{has, list};

const PASSWORD: &str = "Second-Harbour-48-Lantern";

/// Somebody of a broker.
fn user(broker: &str, name: &str, members: &Value) -> Value {
    crate::conformance::requests::with(json!({ "BrokerId": broker, "Username": name }), members)
}

fn sorted(groups: &Value) -> Vec<String> {
    let mut names: Vec<_> = groups
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names
}

/// What waits for somebody in a list of users.
pub(crate) fn waiting(users: &[Value], name: &str) -> Option<String> {
    let user = users.iter().find(|user| user["Username"] == name);
    user.map(|user| user["PendingChange"].as_str().unwrap_or("nothing").to_owned())
}

/// The users of a broker, by both operations that list them, which have to agree.
pub(crate) fn all(sdk: &mut Client, broker: &str) -> Result<Vec<Value>> {
    let listed = sdk.ok("ListUsers", &json!({ "BrokerId": broker }))?;
    has(&listed, &json!({ "BrokerId": broker, "MaxResults": 20 }))?;
    let users = list(&listed, "Users")?.clone();
    let described = sdk.ok("DescribeBroker", &json!({ "BrokerId": broker }))?;
    crate::conformance::requests::same_items(list(&described, "Users")?, &users)?;
    Ok(users)
}

/// After this a second user is to be made, and the first one is to lose the console.
pub(crate) fn wait_for_a_reboot(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let broker = brokers.activemq.as_str();
    let nothing = json!({});
    ensure!(all(sdk, broker)? == [json!({ "Username": USER })], "not just one user");
    let settled = json!({
        "BrokerId": broker, "Username": USER, "ConsoleAccess": true, "Groups": [], "ReplicationUser": false,
        "Pending": null,
    });
    has(&sdk.ok("DescribeUser", &user(broker, USER, &nothing))?, &settled)?;

    let second =
        json!({ "Password": PASSWORD, "Groups": ["readers", "writers"], "ConsoleAccess": false });
    ensure!(sdk.ok("CreateUser", &user(broker, "second", &second))? == nothing, "not empty");
    ensure!(waiting(&all(sdk, broker)?, "second").as_deref() == Some("CREATE"), "not pending");
    let described = sdk.ok("DescribeUser", &user(broker, "second", &nothing))?;
    has(&described["Pending"], &json!({ "PendingChange": "CREATE", "ConsoleAccess": false }))?;
    let groups = sorted(&described["Pending"]["Groups"]);
    ensure!(groups == ["readers", "writers"], "{described}");
    sdk.refused("CreateUser", &user(broker, "second", &second))?.is_a("ConflictException")?;

    let less = json!({ "ConsoleAccess": false, "Groups": ["writers"] });
    ensure!(sdk.ok("UpdateUser", &user(broker, USER, &less))? == nothing, "not empty");
    let described = sdk.ok("DescribeUser", &user(broker, USER, &nothing))?;
    has(&described, &json!({ "ConsoleAccess": true, "Groups": [] })).context("still in force")?;
    has(
        &described["Pending"],
        &json!({ "PendingChange": "UPDATE", "ConsoleAccess": false, "Groups": ["writers"] }),
    )?;

    let third = json!({ "Password": PASSWORD });
    sdk.ok("CreateUser", &user(broker, "third", &third))?;
    ensure!(sdk.ok("DeleteUser", &user(broker, "third", &nothing))? == nothing, "not empty");
    ensure!(waiting(&all(sdk, broker)?, "third").is_none(), "one that never was is still there");
    refusals(sdk, brokers)
}

fn refusals(sdk: &mut Client, brokers: &Brokers) -> Result<()> {
    let broker = brokers.activemq.as_str();
    for operation in ["DescribeUser", "UpdateUser", "DeleteUser"] {
        sdk.refused(operation, &user(broker, "nobody", &json!({})))?.is(
            "NotFoundException",
            Some("username"),
            "[nobody]",
        )?;
    }
    for (password, message) in [
        ("short", "Password is invalid. Enter a password 12 to 250 characters long."),
        ("a,comma:or=other", "Make sure your password doesn't contain invalid characters [, :=]."),
    ] {
        let changes = user(broker, "fourth", &json!({ "Password": password }));
        sdk.refused("CreateUser", &changes)?.is_exactly(
            "BadRequestException",
            Some("password"),
            message,
        )?;
    }
    let both = json!({ "Password": PASSWORD, "ConsoleAccess": true, "ReplicationUser": true });
    sdk.refused("CreateUser", &user(broker, "fourth", &both))?.is_exactly(
        "BadRequestException",
        None,
        "Replication user couldn't have console access. [replicationUser] and [consoleAccess] are mutually exclusive parameters.",
    )?;
    let fifth = user(&brokers.rabbitmq, "fifth", &json!({ "Password": PASSWORD }));
    for operation in ["CreateUser", "UpdateUser"] {
        sdk.refused(operation, &fifth)?.is_exactly(
            "BadRequestException",
            None,
            "To manage broker users, please use the RabbitMQ web console, or the management API",
        )?;
    }
    let listed = sdk.ok("ListUsers", &json!({ "BrokerId": brokers.rabbitmq }))?;
    has(&listed, &json!({ "Users": [] }))
}
