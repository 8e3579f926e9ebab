//! DescribeBroker as Terraform reads it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::USER;
use serde_json::{Value, json};

use super::{Scene, checks};
use crate::conformance::{
    requests::{has, list, text, with},
    wire::{create, delete, describe, get, ok, refused, send, unplaced, update},
};

checks![
    check_08_describing_is_cheap_and_not_throttled,
    check_09_a_broker_that_is_not_there_is_told_by_not_found_and_never_by_forbidden,
    check_10_fields_come_back_spelt_as_they_are_configured,
    check_11_the_engine_version_is_major_and_minor_and_can_be_sent_back,
    check_12_a_pending_configuration_leaves_the_current_one_in_its_place,
    check_13_endpoints_come_in_the_canonical_order,
    check_14_every_listed_user_can_be_described_pending_ones_included,
    check_15_audit_is_a_member_for_activemq_and_none_for_rabbitmq,
    check_16_encryption_options_are_always_there,
    check_17_ldap_metadata_comes_back_without_the_password,
    check_18_shared_resources_of_rabbitmq_brokers_are_an_empty_list,
    check_19_tags_of_the_broker_are_changed_on_its_arn,
];

/// As often as the quota of the service lets an account ask within four seconds.
const ASKED: u32 = 60;

fn check_08_describing_is_cheap_and_not_throttled(scene: &Scene<'_>) -> Result<()> {
    let start = Instant::now();
    for _ in 0..ASKED {
        describe(scene.api, &scene.activemq)?;
    }
    let took = start.elapsed();
    ensure!(took < Duration::from_secs(10), "{ASKED} descriptions took {took:?}");
    Ok(())
}

fn check_09_a_broker_that_is_not_there_is_told_by_not_found_and_never_by_forbidden(
    scene: &Scene<'_>,
) -> Result<()> {
    let gone = create(scene.api, &unplaced("gone", "RabbitMQ"))?;
    delete(scene.api, &gone)?;
    scene.api.wait_until_gone(&gone)?;
    for id in [gone.as_str(), "b-00000000-0000-4000-8000-000000000000", "never-an-id"] {
        refused(scene.api, "GET", &format!("/v1/brokers/{id}"), &Value::Null)?.is(
            "NotFoundException",
            Some("broker-id"),
            &format!("Cannot find broker ID [{id}]."),
        )?;
    }
    Ok(())
}

fn check_10_fields_come_back_spelt_as_they_are_configured(scene: &Scene<'_>) -> Result<()> {
    let common = json!({
        "authenticationStrategy": "simple", "autoMinorVersionUpgrade": true, "deploymentMode": "SINGLE_INSTANCE",
        "publiclyAccessible": false, "brokerState": "RUNNING", "dataReplicationMode": null,
        "pendingDataReplicationMode": null, "pendingStorageSize": null, "storageSize": null,
    });
    let activemq = json!({
        "brokerName": "checked", "engineType": "ActiveMQ", "storageType": "efs", "hostInstanceType": "mq.t3.micro",
    });
    let rabbitmq = json!({
        "brokerName": "checked-too", "engineType": "RabbitMQ", "storageType": "ebs", "hostInstanceType": "mq.m7g.medium",
    });
    for (id, own) in [(&scene.activemq, activemq), (&scene.rabbitmq, rabbitmq)] {
        let broker = describe(scene.api, id)?;
        has(&broker, &with(common.clone(), &own))?;
        ensure!(text(&broker, "brokerArn")?.ends_with(id.as_str()), "{broker}");
        list(&broker, "subnetIds")?;
        list(&broker, "securityGroups")?;
        ensure!(broker["tags"].is_object(), "no tags: {broker}");
        has(&broker["maintenanceWindowStartTime"], &json!({ "timeZone": "UTC" }))?;
        ensure!(
            !broker.to_string().contains("null"),
            "a null instead of an absent member: {broker}"
        );
    }
    Ok(())
}

fn check_11_the_engine_version_is_major_and_minor_and_can_be_sent_back(
    scene: &Scene<'_>,
) -> Result<()> {
    for (id, version) in [(&scene.activemq, "5.19"), (&scene.rabbitmq, "4.3")] {
        has(&describe(scene.api, id)?, &json!({ "engineVersion": version }))?;
        let same = update(scene.api, id, &json!({ "engineVersion": version }))?;
        ensure!(same == json!({ "brokerId": id }), "{same}");
        has(&describe(scene.api, id)?, &json!({ "pendingEngineVersion": null }))?;
    }
    Ok(())
}

fn check_12_a_pending_configuration_leaves_the_current_one_in_its_place(
    scene: &Scene<'_>,
) -> Result<()> {
    let before = describe(scene.api, &scene.activemq)?["configurations"].clone();
    let id = crate::conformance::wire::configuration(scene.api, "waiting", "ActiveMQ", "5.19")?;
    let waiting = json!({ "id": id, "revision": 1 });
    update(scene.api, &scene.activemq, &json!({ "configuration": waiting }))?;
    let after = describe(scene.api, &scene.activemq)?["configurations"].clone();
    ensure!(after == with(before.clone(), &json!({ "pending": waiting })), "{after}");
    // Going back to what is current takes back what waits.
    update(scene.api, &scene.activemq, &json!({ "configuration": before["current"] }))?;
    let back = describe(scene.api, &scene.activemq)?["configurations"].clone();
    ensure!(back == before, "{back}");
    Ok(())
}

/// The addresses of a broker's first instance.
pub(super) fn endpoints(broker: &Value) -> Result<Vec<String>> {
    let urls = list(&list(broker, "brokerInstances")?[0], "endpoints")?.iter();
    urls.map(|url| Ok(url.as_str().context("not a text")?.to_owned())).collect()
}

fn check_13_endpoints_come_in_the_canonical_order(scene: &Scene<'_>) -> Result<()> {
    let urls = endpoints(&describe(scene.api, &scene.activemq)?)?;
    let order = ["ssl://", "amqp+ssl://", "stomp+ssl://", "mqtt+ssl://", "wss://"];
    ensure!(urls.len() == order.len(), "{urls:?}");
    ensure!(urls.iter().zip(order).all(|(url, scheme)| url.starts_with(scheme)), "{urls:?}");
    let urls = endpoints(&describe(scene.api, &scene.rabbitmq)?)?;
    ensure!(urls.first().is_some_and(|url| url.starts_with("amqps://")), "{urls:?}");
    ensure!(urls[1..].iter().all(|url| url.starts_with("https://")), "{urls:?}");
    Ok(())
}

fn check_14_every_listed_user_can_be_described_pending_ones_included(
    scene: &Scene<'_>,
) -> Result<()> {
    let user = |name: &str| format!("/v1/brokers/{}/users/{name}", scene.activemq);
    let new = json!({
        "password": "Zebra-Harbour-94", "consoleAccess": true, "replicationUser": false, "groups": ["first", "second"],
    });
    ok(scene.api, "POST", &user("SecondTest"), &new)?;
    let broker = describe(scene.api, &scene.activemq)?;
    ensure!(list(&broker, "users")?.len() == 2, "{broker}");
    for listed in list(&broker, "users")? {
        let name = text(listed, "username")?;
        let described = get(scene.api, &user(&name))?;
        has(
            &described,
            &json!({ "username": name, "brokerId": scene.activemq, "replicationUser": false }),
        )?;
        ensure!(described["consoleAccess"].is_boolean(), "{described}");
        list(&described, "groups")?;
    }
    // The top level of somebody who is to be created is what was asked for: no difference is planned.
    has(&get(scene.api, &user("SecondTest"))?, &json!({ "consoleAccess": true }))?;
    ok(scene.api, "DELETE", &user("SecondTest"), &Value::Null)?;
    let left = json!({ "users": [{ "username": USER }] });
    has(&describe(scene.api, &scene.activemq)?, &left)?;
    has(&describe(scene.api, &scene.rabbitmq)?, &json!({ "users": [] }))
}

fn check_15_audit_is_a_member_for_activemq_and_none_for_rabbitmq(scene: &Scene<'_>) -> Result<()> {
    let logs = describe(scene.api, &scene.activemq)?["logs"].clone();
    has(&logs, &json!({ "general": false, "audit": false, "pending": null }))?;
    ensure!(text(&logs, "auditLogGroup")?.ends_with("/audit"), "{logs}");
    let logs = describe(scene.api, &scene.rabbitmq)?["logs"].clone();
    has(&logs, &json!({ "general": false, "audit": null, "auditLogGroup": null }))
}

fn check_16_encryption_options_are_always_there(scene: &Scene<'_>) -> Result<()> {
    for id in [&scene.activemq, &scene.rabbitmq] {
        let options = json!({ "encryptionOptions": { "useAwsOwnedKey": true } });
        has(&describe(scene.api, id)?, &options)?;
    }
    Ok(())
}

fn check_17_ldap_metadata_comes_back_without_the_password(scene: &Scene<'_>) -> Result<()> {
    let told = json!({
        "hosts": ["my.ldap.server-1.com", "my.ldap.server-2.com"], "roleBase": "role.base", "roleName": "role.name",
        "roleSearchMatching": "role.search.matching", "roleSearchSubtree": true,
        "serviceAccountUsername": "anyusername", "userBase": "user.base", "userRoleName": "user.role.name",
        "userSearchMatching": "user.search.matching", "userSearchSubtree": true,
    });
    let sent = with(told.clone(), &json!({ "serviceAccountPassword": "supersecret" }));
    let ldap = json!({ "authenticationStrategy": "ldap", "ldapServerMetadata": sent, "users": [] });
    let id = create(scene.api, &with(unplaced("directory", "ActiveMQ"), &ldap))?;
    let broker = describe(scene.api, &id)?;
    has(
        &broker,
        &json!({ "authenticationStrategy": "ldap", "ldapServerMetadata": told, "users": [] }),
    )?;
    has(&describe(scene.api, &scene.activemq)?, &json!({ "ldapServerMetadata": null }))?;
    delete(scene.api, &id)
}

fn check_18_shared_resources_of_rabbitmq_brokers_are_an_empty_list(
    scene: &Scene<'_>,
) -> Result<()> {
    for query in ["", "?maxResults=100"] {
        let path = format!("/v1/brokers/{}/shared-resources{query}", scene.rabbitmq);
        let shared = get(scene.api, &path)?;
        ensure!(shared == json!({ "sharedResources": [] }), "{shared}");
    }
    Ok(())
}

fn check_19_tags_of_the_broker_are_changed_on_its_arn(scene: &Scene<'_>) -> Result<()> {
    let arn = text(&describe(scene.api, &scene.activemq)?, "brokerArn")?.replace(':', "%3A");
    let path = format!("/v1/tags/{arn}");
    let tags = || Ok::<Value, anyhow::Error>(describe(scene.api, &scene.activemq)?["tags"].clone());
    let create = |tags: Value| {
        let answer = send(scene.api, "POST", &path, &json!({ "tags": tags }))?;
        ensure!(answer.status == 204, "{answer:?}");
        Ok(())
    };
    create(json!({ "key1": "value1" }))?;
    ensure!(tags()? == json!({ "key1": "value1" }), "{}", tags()?);
    create(json!({ "key1": "value1updated", "key2": "value2" }))?;
    ensure!(tags()? == json!({ "key1": "value1updated", "key2": "value2" }), "{}", tags()?);
    let answer = send(scene.api, "DELETE", &format!("{path}?tagKeys=key1"), &Value::Null)?;
    ensure!(answer.status == 204, "{answer:?}");
    ensure!(get(scene.api, &path)? == json!({ "tags": { "key2": "value2" } }), "{}", tags()?);
    ensure!(tags()? == json!({ "key2": "value2" }), "{}", tags()?);
    Ok(())
}
