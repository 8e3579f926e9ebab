//! CreateBroker as Terraform sends it.

use anyhow::{Result, ensure};
use brokerd_tests::TIMEOUT;
use serde_json::{Value, json};

use super::{Scene, checks};
use crate::conformance::{
    requests::{has, text, with},
    wire::{configuration, create, delete, describe, ok, refused, terraform, unplaced},
};

checks![
    check_06_an_update_in_an_unsuitable_state_is_refused_as_a_conflict,
    check_01_create_broker_takes_what_terraform_always_sends,
    check_02_every_member_that_may_be_set_is_taken_and_told_again,
    check_03_audit_logs_are_refused_for_rabbitmq_whatever_their_value,
    check_04_enumerations_are_read_in_any_letter_case,
    check_05_passwords_that_terraform_lets_pass_are_refused_here,
];

const BROKERS: &str = "/v1/brokers";

/// Terraform calls again after a ConflictException, and after no other.
fn check_06_an_update_in_an_unsuitable_state_is_refused_as_a_conflict(
    scene: &Scene<'_>,
) -> Result<()> {
    let id = create(scene.api, &unplaced("too-early", "RabbitMQ"))?;
    let path = format!("{BROKERS}/{id}");
    let shares =
        json!({ "resourceShareArns": ["arn:aws:ram:us-east-1:000000000000:resource-share/1"] });
    let refusal = refused(scene.api, "PUT", &path, &shares)?;
    refusal.is("ConflictException", None, "")?;
    delete(scene.api, &id)
}

/// The brokers of this scene were created like this; here are the variants.
fn check_01_create_broker_takes_what_terraform_always_sends(scene: &Scene<'_>) -> Result<()> {
    for (id, name) in [(&scene.activemq, "checked"), (&scene.rabbitmq, "checked-too")] {
        brokerd_tests::eventually(&format!("{name} runs"), TIMEOUT, || {
            let broker = describe(scene.api, id)?;
            Ok((broker["brokerState"] == "RUNNING").then_some(()))
        })?;
    }
    // The flag's default in Terraform is false, which the service refuses for these versions.
    let unset = with(terraform("flag", "ActiveMQ"), &json!({ "autoMinorVersionUpgrade": false }));
    refused(scene.api, "POST", BROKERS, &unset)?.is(
        "BadRequestException",
        Some("autoMinorVersionUpgrade"),
        "Brokers on [ActiveMQ] version [5.19] must have [autoMinorVersionUpgrade] set to [true].",
    )?;
    // No user at all, because the configuration says who may log in.
    let managed = configuration(scene.api, "managed", "RabbitMQ", "4.3")?;
    let data =
        json!({ "data": super::terraform_configurations::encoded("auth_backends.1 = oauth2\n") });
    ok(scene.api, "PUT", &format!("/v1/configurations/{managed}"), &data)?;
    let changes = json!({ "users": [], "configuration": { "id": managed, "revision": 2 } });
    let id = create(scene.api, &with(unplaced("no-user", "RabbitMQ"), &changes))?;
    let broker = describe(scene.api, &id)?;
    has(&broker, &json!({ "users": [], "authenticationStrategy": "config_managed" }))?;
    delete(scene.api, &id)
}

fn check_02_every_member_that_may_be_set_is_taken_and_told_again(scene: &Scene<'_>) -> Result<()> {
    let revision =
        json!({ "id": configuration(scene.api, "chosen", "ActiveMQ", "5.19")?, "revision": 1 });
    let key = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-4333-8444-555555555555";
    let echoed = json!({
        "authenticationStrategy": "simple", "storageType": "efs",
        "encryptionOptions": { "useAwsOwnedKey": false, "kmsKeyId": key },
        "maintenanceWindowStartTime": { "dayOfWeek": "TUESDAY", "timeOfDay": "02:00", "timeZone": "CET" },
        "securityGroups": ["sg-0123456789abcdef0", "sg-0123456789abcdef1"], "subnetIds": ["subnet-0123456789abcdef0"],
        "tags": { "key1": "value1" },
    });
    let sent = with(
        echoed.clone(),
        &json!({ "configuration": revision, "logs": { "general": true, "audit": true } }),
    );
    let id = create(scene.api, &with(unplaced("everything", "ActiveMQ"), &sent))?;
    let broker = describe(scene.api, &id)?;
    has(&broker, &echoed)?;
    has(&broker["logs"], &json!({ "general": true, "audit": true }))?;
    let configurations = &broker["configurations"];
    let used = [&configurations["current"], &configurations["pending"]];
    ensure!(used.into_iter().any(|reference| *reference == revision), "{broker}");
    // A key of the service's own choice is told, too.
    let managed = json!({ "encryptionOptions": { "useAwsOwnedKey": false } });
    let other = create(scene.api, &with(unplaced("managed-key", "ActiveMQ"), &managed))?;
    let options = describe(scene.api, &other)?["encryptionOptions"].clone();
    has(&options, &json!({ "useAwsOwnedKey": false }))?;
    ensure!(text(&options, "kmsKeyId")?.starts_with("arn:aws:kms:"), "{options}");
    delete(scene.api, &id)?;
    delete(scene.api, &other)
}

fn check_03_audit_logs_are_refused_for_rabbitmq_whatever_their_value(
    scene: &Scene<'_>,
) -> Result<()> {
    for audit in [true, false] {
        let logs = json!({ "logs": { "general": true, "audit": audit } });
        refused(scene.api, "POST", BROKERS, &with(unplaced("audited", "RabbitMQ"), &logs))?.is(
            "BadRequestException",
            Some("logs.audit"),
            "Audit logging is not supported for RabbitMQ brokers.",
        )?;
    }
    let general = json!({ "logs": { "general": true } });
    let id = create(scene.api, &with(unplaced("general", "RabbitMQ"), &general))?;
    has(&describe(scene.api, &id)?["logs"], &json!({ "general": true, "audit": null }))?;
    delete(scene.api, &id)
}

fn check_04_enumerations_are_read_in_any_letter_case(scene: &Scene<'_>) -> Result<()> {
    let odd = json!({
        "engineType": "rabbitmq", "deploymentMode": "single_instance", "storageType": "Ebs",
        "authenticationStrategy": "Simple",
        "maintenanceWindowStartTime": { "dayOfWeek": "tuesday", "timeOfDay": "02:00", "timeZone": "UTC" },
    });
    let id = create(scene.api, &with(unplaced("odd-case", "RabbitMQ"), &odd))?;
    let broker = describe(scene.api, &id)?;
    has(
        &broker,
        &json!({
            "engineType": "RabbitMQ", "deploymentMode": "SINGLE_INSTANCE", "storageType": "ebs",
            "authenticationStrategy": "simple",
        }),
    )?;
    has(&broker["maintenanceWindowStartTime"], &json!({ "dayOfWeek": "TUESDAY" }))?;
    delete(scene.api, &id)
}

fn check_05_passwords_that_terraform_lets_pass_are_refused_here(scene: &Scene<'_>) -> Result<()> {
    for password in ["Zebra:Harbour:93", "Zebra=Harbour=93"] {
        let users = json!({ "users": [{ "username": "admin", "password": password }] });
        refused(scene.api, "POST", BROKERS, &with(unplaced("secret", "ActiveMQ"), &users))?.is(
            "BadRequestException",
            Some("password"),
            "Make sure your password doesn't contain invalid characters [, :=].",
        )?;
    }
    // What the plan checks is what the service checks.
    let user = |username: &str, groups: Value| json!({ "users": [{ "username": username, "password": "Zebra-Harbour-93", "groups": groups }] });
    let many: Vec<String> = (0..21).map(|number| format!("group-{number}")).collect();
    for wrong in [user("x", json!([])), user("both", json!(["g"])), user("many", json!(many))] {
        let create = with(unplaced("secret", "ActiveMQ"), &wrong);
        refused(scene.api, "POST", BROKERS, &create)?.is_a_bad_request()?;
    }
    let most = with(unplaced("secret", "ActiveMQ"), &user("many", json!(many[..20])));
    let id = create(scene.api, &most)?;
    delete(scene.api, &id)
}
