//! What CloudFormation's resource types make of the API.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::PASSWORD;
use serde_json::{Value, json};

use super::{Scene, checks, terraform_read::endpoints};
use crate::conformance::{
    requests::{has, list, text},
    wire::{configuration, describe, get, ok, reboot, update},
};

checks![
    check_39_values_compare_equal_once_they_are_in_upper_case,
    check_40_a_reference_is_the_identifier,
    check_41_endpoint_attributes_have_one_entry_per_instance_by_scheme,
    check_42_updates_stay_pending_as_long_as_nobody_reboots,
];

fn wait(scene: &Scene<'_>) -> Result<()> {
    scene.api.wait_until_running(&scene.activemq)?;
    scene.api.wait_until_running(&scene.rabbitmq)
}

fn check_39_values_compare_equal_once_they_are_in_upper_case(scene: &Scene<'_>) -> Result<()> {
    wait(scene)?;
    let broker = describe(scene.api, &scene.activemq)?;
    for (name, wanted) in [
        ("authenticationStrategy", "SIMPLE"),
        ("deploymentMode", "SINGLE_INSTANCE"),
        ("engineType", "ACTIVEMQ"),
        ("storageType", "EFS"),
    ] {
        ensure!(text(&broker, name)?.to_ascii_uppercase() == wanted, "{name}: {broker}");
    }
    let day = text(&broker["maintenanceWindowStartTime"], "dayOfWeek")?;
    ensure!(day.to_ascii_uppercase().ends_with("DAY"), "{broker}");
    Ok(())
}

fn check_40_a_reference_is_the_identifier(scene: &Scene<'_>) -> Result<()> {
    let broker = describe(scene.api, &scene.activemq)?;
    has(&broker, &json!({ "brokerId": scene.activemq }))?;
    ensure!(scene.activemq.starts_with("b-"), "{}", scene.activemq);
    let id = configuration(scene.api, "referenced", "ActiveMQ", "5.19")?;
    ensure!(id.starts_with("c-"), "{id}");
    let read = get(scene.api, &format!("/v1/configurations/{id}"))?;
    has(&read, &json!({ "id": id }))?;
    ensure!(text(&read, "arn")?.ends_with(&format!(":configuration:{id}")), "{read}");
    let current = &broker["configurations"]["current"];
    ensure!(text(current, "id")?.starts_with("c-") && current["revision"].is_number(), "{broker}");
    Ok(())
}

fn check_41_endpoint_attributes_have_one_entry_per_instance_by_scheme(
    scene: &Scene<'_>,
) -> Result<()> {
    let by_scheme = |id: &str| -> Result<BTreeMap<String, usize>> {
        let mut counted = BTreeMap::new();
        for url in endpoints(&describe(scene.api, id)?)? {
            let (scheme, _) = url.split_once("://").context("not a URL")?;
            *counted.entry(scheme.to_owned()).or_default() += 1;
        }
        Ok(counted)
    };
    let activemq = by_scheme(&scene.activemq)?;
    let schemes = ["amqp+ssl", "mqtt+ssl", "ssl", "stomp+ssl", "wss"];
    ensure!(activemq == schemes.map(|scheme| (scheme.to_owned(), 1)).into(), "{activemq:?}");
    ensure!(by_scheme(&scene.rabbitmq)?.get("amqps") == Some(&1), "RabbitMQ has one amqps");
    let instances = describe(scene.api, &scene.activemq)?["brokerInstances"].clone();
    ensure!(text(&instances[0], "consoleURL")?.starts_with("https://"), "{instances}");
    ensure!(text(&instances[0], "ipAddress")?.split('.').count() == 4, "{instances}");
    Ok(())
}

fn check_42_updates_stay_pending_as_long_as_nobody_reboots(scene: &Scene<'_>) -> Result<()> {
    let id = scene.activemq.as_str();
    let association =
        json!({ "id": configuration(scene.api, "associated", "ActiveMQ", "5.19")?, "revision": 1 });
    update(scene.api, id, &json!({ "configuration": association }))?;
    let user = format!("/v1/brokers/{id}/users/stacked");
    ok(scene.api, "POST", &user, &json!({ "password": PASSWORD }))?;
    let changes = |broker: &Value| -> Result<bool> {
        let is_new =
            |user: &Value| user["username"] == "stacked" && user["pendingChange"] == "CREATE";
        let waits = broker["configurations"]["pending"] == association;
        Ok(waits && list(broker, "users")?.iter().any(is_new))
    };
    // Something else happens to another broker meanwhile, and takes its time.
    reboot(scene.api, &scene.rabbitmq)?;
    let broker = describe(scene.api, id)?;
    ensure!(changes(&broker)? && broker["brokerState"] == "RUNNING", "{broker}");
    let broker = reboot(scene.api, id)?;
    ensure!(broker["configurations"]["current"] == association, "{broker}");
    ensure!(!changes(&broker)?, "{broker}");
    Ok(())
}
