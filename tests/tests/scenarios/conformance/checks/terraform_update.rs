//! UpdateBroker as Terraform sends it: a call for each part of a plan, one right after the other.

use anyhow::{Result, ensure};
use brokerd_tests::{PASSWORD, TIMEOUT, USER, eventually};
use serde_json::{Value, json};

use super::{Scene, checks, terraform_configurations::encoded};
use crate::conformance::{
    requests::{has, list, same_items, with},
    wire::{
        configuration, create, delete, describe, get, ok, reboot, refused, terraform, unplaced,
        update,
    },
};

checks![
    check_22_an_empty_configuration_id_changes_no_configuration,
    check_23_security_groups_flag_and_window_are_in_force_at_once,
    check_20_the_calls_of_an_update_are_all_accepted,
    check_21_calls_right_after_each_other_merge_into_what_waits,
    check_07_the_state_is_reboot_in_progress_as_soon_as_reboot_is_accepted,
    check_24_update_user_carries_everything_and_an_empty_list_clears_the_groups,
    check_25_a_user_is_created_before_another_is_deleted,
    check_26_a_name_is_free_as_soon_as_its_broker_is_gone,
    check_27_an_upgrade_before_its_flag_is_refused,
    check_28_what_has_not_changed_is_not_pending,
];

const GROUPS: [&str; 2] = ["sg-0123456789abcdef0", "sg-0123456789abcdef1"];

/// Terraform may send one when only logs change: it names no configuration, so that one stays.
fn check_22_an_empty_configuration_id_changes_no_configuration(scene: &Scene<'_>) -> Result<()> {
    let before = describe(scene.api, &scene.activemq)?["configurations"].clone();
    let logs = |general: bool| json!({ "general": general, "audit": false });
    let empty = json!({ "configuration": { "id": "" }, "logs": logs(true) });
    let answer = update(scene.api, &scene.activemq, &empty)?;
    has(&answer, &json!({ "logs": logs(true), "configuration": null }))?;
    let after = describe(scene.api, &scene.activemq)?;
    has(&after, &json!({ "configurations": before }))?;
    has(&after["logs"], &json!({ "pending": logs(true), "general": false }))?;
    update(scene.api, &scene.activemq, &json!({ "logs": logs(false) }))?;
    has(&describe(scene.api, &scene.activemq)?["logs"], &json!({ "pending": null }))
}

fn check_23_security_groups_flag_and_window_are_in_force_at_once(scene: &Scene<'_>) -> Result<()> {
    let window = json!({ "dayOfWeek": "TUESDAY", "timeOfDay": "02:00", "timeZone": "CET" });
    let zone = with(window.clone(), &json!({ "timeZone": "GMT" }));
    for changes in [
        json!({ "securityGroups": [GROUPS[0]] }),
        json!({ "securityGroups": GROUPS }),
        json!({ "maintenanceWindowStartTime": window }),
        json!({ "maintenanceWindowStartTime": zone }),
    ] {
        let answer = update(scene.api, &scene.activemq, &changes)?;
        ensure!(
            answer == with(changes.clone(), &json!({ "brokerId": scene.activemq })),
            "{answer}"
        );
        let broker = describe(scene.api, &scene.activemq)?;
        has(&broker, &changes)?;
        has(&broker, &json!({ "pendingSecurityGroups": null, "brokerState": "RUNNING" }))?;
    }
    let flag = update(scene.api, &scene.activemq, &json!({ "autoMinorVersionUpgrade": true }))?;
    ensure!(flag == json!({ "brokerId": scene.activemq }), "{flag}");
    Ok(())
}

/// The order is that of the provider; what has not changed is sent again.
fn check_20_the_calls_of_an_update_are_all_accepted(scene: &Scene<'_>) -> Result<()> {
    let id = scene.activemq.as_str();
    let user = |name: &str| format!("/v1/brokers/{id}/users/{name}");
    let revisions = configuration(scene.api, "planned", "ActiveMQ", "5.19")?;
    let data =
        json!({ "data": encoded(r#"<broker xmlns="http://activemq.apache.org/schema/core"/>"#) });
    ok(scene.api, "PUT", &format!("/v1/configurations/{revisions}"), &data)?;
    let member = |groups: Value| json!({ "password": PASSWORD, "consoleAccess": true, "replicationUser": false, "groups": groups });

    update(scene.api, id, &json!({ "securityGroups": [GROUPS[0]] }))?;
    let configured = json!({
        "configuration": { "id": revisions, "revision": 2 }, "engineVersion": "5.19",
        "logs": { "general": true, "audit": true },
    });
    update(scene.api, id, &configured)?;
    ok(scene.api, "POST", &user("Second"), &member(json!(["admin"])))?;
    ok(scene.api, "POST", &user("Third"), &member(json!([])))?;
    ok(scene.api, "DELETE", &user("Third"), &Value::Null)?;
    ok(scene.api, "PUT", &user(USER), &member(json!(["first", "second"])))?;
    update(scene.api, id, &json!({ "hostInstanceType": "mq.m5.large" }))?;
    update(scene.api, id, &json!({ "autoMinorVersionUpgrade": true }))?;
    let window = json!({ "dayOfWeek": "WEDNESDAY", "timeOfDay": "03:30", "timeZone": "UTC" });
    update(scene.api, id, &json!({ "maintenanceWindowStartTime": window }))?;
    update(scene.api, id, &json!({ "dataReplicationMode": "NONE" }))?;
    update(scene.api, &scene.rabbitmq, &json!({ "resourceShareArns": [] })).map(drop)
}

fn check_21_calls_right_after_each_other_merge_into_what_waits(scene: &Scene<'_>) -> Result<()> {
    // The logs go back and forth; the last word counts, and nothing else that waits is touched.
    for audit in [false, true] {
        update(
            scene.api,
            &scene.activemq,
            &json!({ "logs": { "general": true, "audit": audit } }),
        )?;
    }
    let broker = describe(scene.api, &scene.activemq)?;
    has(
        &broker,
        &json!({
            "pendingHostInstanceType": "mq.m5.large", "hostInstanceType": "mq.t3.micro", "pendingEngineVersion": null,
            "securityGroups": [GROUPS[0]], "brokerState": "RUNNING", "pendingDataReplicationMode": null,
        }),
    )?;
    has(&broker["configurations"]["pending"], &json!({ "revision": 2 }))?;
    has(&broker["logs"], &json!({ "pending": { "general": true, "audit": true } }))?;
    let users = [
        json!({ "username": USER, "pendingChange": "UPDATE" }),
        json!({ "username": "Second", "pendingChange": "CREATE" }),
    ];
    same_items(list(&broker, "users")?, &users)
}

fn check_07_the_state_is_reboot_in_progress_as_soon_as_reboot_is_accepted(
    scene: &Scene<'_>,
) -> Result<()> {
    let before = describe(scene.api, &scene.activemq)?;
    let path = format!("/v1/brokers/{}/reboot", scene.activemq);
    let accepted = ok(scene.api, "POST", &path, &Value::Null)?;
    ensure!(accepted == json!({}), "{accepted}");
    has(&describe(scene.api, &scene.activemq)?, &json!({ "brokerState": "REBOOT_IN_PROGRESS" }))?;
    // As soon as it runs again, nothing that waited is shown.
    let after = eventually("the broker runs again", TIMEOUT, || {
        let broker = describe(scene.api, &scene.activemq)?;
        Ok((broker["brokerState"] == "RUNNING").then_some(broker))
    })?;
    has(&after, &json!({ "hostInstanceType": "mq.m5.large", "pendingHostInstanceType": null }))?;
    has(&after["logs"], &json!({ "general": true, "audit": true, "pending": null }))?;
    let configurations = &after["configurations"];
    has(
        configurations,
        &json!({ "current": before["configurations"]["pending"], "pending": null }),
    )?;
    ensure!(
        list(configurations, "history")?.last() == Some(&before["configurations"]["current"]),
        "{configurations}"
    );
    same_items(
        list(&after, "users")?,
        &[json!({ "username": USER }), json!({ "username": "Second" })],
    )
}

fn check_24_update_user_carries_everything_and_an_empty_list_clears_the_groups(
    scene: &Scene<'_>,
) -> Result<()> {
    let path = format!("/v1/brokers/{}/users/Second", scene.activemq);
    let everything = json!({ "password": PASSWORD, "consoleAccess": false, "replicationUser": false, "groups": [] });
    ok(scene.api, "PUT", &path, &everything)?;
    let user = get(scene.api, &path)?;
    has(&user, &json!({ "consoleAccess": true, "groups": ["admin"] }))?;
    has(
        &user["pending"],
        &json!({ "pendingChange": "UPDATE", "consoleAccess": false, "groups": [] }),
    )?;
    // Groups that are not mentioned stay as they are going to be.
    let without = with(everything, &json!({ "groups": null, "consoleAccess": true }));
    ok(scene.api, "PUT", &path, &without)?;
    let user = get(scene.api, &path)?;
    has(
        &user["pending"],
        &json!({ "pendingChange": "UPDATE", "consoleAccess": true, "groups": [] }),
    )
}

fn check_25_a_user_is_created_before_another_is_deleted(scene: &Scene<'_>) -> Result<()> {
    let user = |name: &str| format!("/v1/brokers/{}/users/{name}", scene.activemq);
    ok(scene.api, "POST", &user("Replacement"), &json!({ "password": PASSWORD }))?;
    ok(scene.api, "DELETE", &user("Second"), &Value::Null)?;
    let after = reboot(scene.api, &scene.activemq)?;
    let users = [json!({ "username": USER }), json!({ "username": "Replacement" })];
    same_items(list(&after, "users")?, &users)?;
    // As many as a broker may have can be created with it, and not one more.
    let many = |count: u32| {
        let users =
            (0..count).map(|n| json!({ "username": format!("user-{n}"), "password": PASSWORD }));
        with(unplaced("crowded", "ActiveMQ"), &json!({ "users": users.collect::<Vec<_>>() }))
    };
    refused(scene.api, "POST", "/v1/brokers", &many(251))?.is(
        "BadRequestException",
        Some("users"),
        "250",
    )?;
    let crowded = create(scene.api, &many(250))?;
    delete(scene.api, &crowded)
}

fn check_26_a_name_is_free_as_soon_as_its_broker_is_gone(scene: &Scene<'_>) -> Result<()> {
    let first = create(scene.api, &unplaced("forced-new", "ActiveMQ"))?;
    delete(scene.api, &first)?;
    scene.api.wait_until_gone(&first)?;
    // Terraform makes a token for each creation.
    let again = json!({ "creatorRequestId": "tf-forced-new20261125041500000000000002" });
    let second = create(scene.api, &with(unplaced("forced-new", "ActiveMQ"), &again))?;
    ensure!(first != second, "the same broker came back");
    delete(scene.api, &second)
}

/// Terraform sends the version before the flag; the service does not wait for the flag, nor is brokerd more lenient.
fn check_27_an_upgrade_before_its_flag_is_refused(scene: &Scene<'_>) -> Result<()> {
    let flag = |set: bool| json!({ "autoMinorVersionUpgrade": set });
    let old = json!({ "engineVersion": "3.10", "hostInstanceType": "mq.m5.large" });
    let id = create(scene.api, &with(with(terraform("old", "RabbitMQ"), &old), &flag(false)))?;
    scene.api.wait_until_running(&id)?;
    let path = format!("/v1/brokers/{id}");
    let upgrade = json!({ "engineVersion": "4.0", "hostInstanceType": "mq.m7g.medium" });
    refused(scene.api, "PUT", &path, &upgrade)?.is_a_bad_request()?;
    let waiting = json!({ "pendingEngineVersion": null, "pendingHostInstanceType": null });
    has(&describe(scene.api, &id)?, &with(waiting, &flag(false)))?;
    // The flag by itself may be set on an old version, and may be taken back.
    for set in [true, false] {
        update(scene.api, &id, &flag(set))?;
        has(&describe(scene.api, &id)?, &flag(set))?;
    }
    delete(scene.api, &id)
}

fn check_28_what_has_not_changed_is_not_pending(scene: &Scene<'_>) -> Result<()> {
    for id in [&scene.activemq, &scene.rabbitmq] {
        update(scene.api, id, &json!({ "dataReplicationMode": "NONE" }))?;
        has(
            &describe(scene.api, id)?,
            &json!({ "pendingDataReplicationMode": null, "pendingStorageSize": null, "storageSize": null }),
        )?;
    }
    // Sizes belong to clusters.
    let path = format!("/v1/brokers/{}", scene.rabbitmq);
    refused(scene.api, "PUT", &path, &json!({ "storageSize": 10 }))?.is(
        "BadRequestException",
        Some("storageSize"),
        "",
    )
}
