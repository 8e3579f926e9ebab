//! Configurations as Terraform makes and reads them.

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Scene, checks};
use crate::conformance::{
    requests::{has, text},
    wire::{configuration, get, ok},
};

checks![
    check_29_a_configuration_starts_at_revision_2_and_a_new_description_makes_another,
    check_30_a_configuration_is_read_with_its_latest_revision,
    check_31_documents_differ_from_what_was_sent_by_layout_only,
    check_32_the_documents_of_terraform_s_own_tests_survive,
    check_33_the_strategy_of_a_configuration_is_simple_unless_it_is_said_when_it_is_created,
    check_34_the_name_of_a_configuration_can_be_taken_again,
];

/// Source: terraform-provider-aws, `broker_test.go` and `configuration_test.go`.
const PLUGINS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker xmlns="http://activemq.apache.org/schema/core">
  <plugins>
    <authorizationPlugin>
      <map>
        <authorizationMap>
          <authorizationEntries>
            <authorizationEntry admin="guests,users" queue="GUEST.&gt;" read="guests" write="guests,users"/>
            <authorizationEntry admin="guests,users" read="guests,users" topic="ActiveMQ.Advisory.&gt;" write="guests,users"/>
          </authorizationEntries>
          <tempDestinationAuthorizationEntry>
            <tempDestinationAuthorizationEntry admin="tempDestinationAdmins" read="tempDestinationAdmins" write="tempDestinationAdmins"/>
          </tempDestinationAuthorizationEntry>
        </authorizationMap>
      </map>
    </authorizationPlugin>
    <forcePersistencyModeBrokerPlugin persistenceFlag="true"/>
    <statisticsBrokerPlugin/>
    <timeStampingBrokerPlugin ttlCeiling="86400000" zeroExpirationOverride="86400000"/>
  </plugins>
</broker>
"#;

/// Source: the same, of a configuration with the strategy `ldap`.
const LDAP: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker xmlns="http://activemq.apache.org/schema/core">
  <plugins>
    <authorizationPlugin>
      <map>
        <cachedLDAPAuthorizationMap legacyGroupMapping="false" queueSearchBase="ou=Queue,ou=Destination,ou=ActiveMQ,dc=example,dc=org" refreshInterval="0" tempSearchBase="ou=Temp,ou=Destination,ou=ActiveMQ,dc=example,dc=org" topicSearchBase="ou=Topic,ou=Destination,ou=ActiveMQ,dc=example,dc=org"/>
      </map>
    </authorizationPlugin>
    <forcePersistencyModeBrokerPlugin persistenceFlag="true"/>
    <statisticsBrokerPlugin/>
    <timeStampingBrokerPlugin ttlCeiling="86400000" zeroExpirationOverride="86400000"/>
  </plugins>
</broker>
"#;

/// Source: the same, `RabbitMQ_config`.
const RABBITMQ: &str = "    # Default RabbitMQ delivery acknowledgement timeout is 30 minutes in milliseconds\n    consumer_timeout = 1800000  \n";

pub(super) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

fn decoded(data: &Value) -> Result<String> {
    Ok(String::from_utf8(STANDARD.decode(data.as_str().context("no data")?)?)?)
}

/// How Terraform compares: layout is nothing, and `<a></a>` is `<a/>`.
fn compared(xml: &str) -> String {
    let text: String = xml.chars().filter(|letter| !letter.is_whitespace()).collect();
    text.replace("></statisticsBrokerPlugin>", "/>")
}

/// UpdateConfiguration, then the revision it made.
fn stored(scene: &Scene<'_>, id: &str, document: &str) -> Result<(Value, String)> {
    let path = format!("/v1/configurations/{id}");
    let updated = ok(scene.api, "PUT", &path, &json!({ "data": encoded(document) }))?;
    let revision = &updated["latestRevision"]["revision"];
    let read = get(scene.api, &format!("{path}/revisions/{revision}"))?;
    Ok((updated, decoded(&read["data"])?))
}

fn check_29_a_configuration_starts_at_revision_2_and_a_new_description_makes_another(
    scene: &Scene<'_>,
) -> Result<()> {
    let id = configuration(scene.api, "two-steps", "ActiveMQ", "5.19")?;
    let path = format!("/v1/configurations/{id}");
    let mut update =
        json!({ "data": encoded(PLUGINS), "description": "TfAccTest MQ Configuration" });
    for (revision, description) in
        [(2, "TfAccTest MQ Configuration"), (3, "TfAccTest MQ Configuration Updated")]
    {
        update["description"] = json!(description);
        let updated = ok(scene.api, "PUT", &path, &update)?;
        has(
            &updated["latestRevision"],
            &json!({ "revision": revision, "description": description }),
        )?;
    }
    Ok(())
}

fn check_30_a_configuration_is_read_with_its_latest_revision(scene: &Scene<'_>) -> Result<()> {
    for (engine, version) in [("ActiveMQ", "5.19"), ("ActiveMQ", "5.18"), ("RabbitMQ", "4.3")] {
        let id = configuration(scene.api, "read", engine, version)?;
        let path = format!("/v1/configurations/{id}");
        let read = get(scene.api, &path)?;
        has(
            &read,
            &json!({ "engineType": engine, "engineVersion": version, "name": "read", "tags": {} }),
        )?;
        let latest = &read["latestRevision"];
        let says = format!("Auto-generated default for read on {engine} {version}");
        has(latest, &json!({ "revision": 1, "description": says }))?;
        let revision = get(scene.api, &format!("{path}/revisions/{}", latest["revision"]))?;
        has(&revision, &json!({ "configurationId": id, "description": latest["description"] }))?;
        ensure!(!decoded(&revision["data"])?.trim().is_empty(), "an empty default: {revision}");
    }
    Ok(())
}

fn check_31_documents_differ_from_what_was_sent_by_layout_only(scene: &Scene<'_>) -> Result<()> {
    let id = configuration(scene.api, "layout", "ActiveMQ", "5.19")?;
    let spread = PLUGINS
        .replace("<statisticsBrokerPlugin/>", "<statisticsBrokerPlugin></statisticsBrokerPlugin>");
    for document in [PLUGINS, &spread, &PLUGINS.replace("\n  ", "\n\n\t  ")] {
        let (updated, back) = stored(scene, &id, document)?;
        has(&updated, &json!({ "warnings": [] }))?;
        ensure!(compared(&back) == compared(PLUGINS), "{back}");
    }
    let id = configuration(scene.api, "layout", "RabbitMQ", "4.3")?;
    let (updated, back) = stored(scene, &id, RABBITMQ)?;
    has(&updated["latestRevision"], &json!({ "revision": 2 }))?;
    ensure!(back == RABBITMQ, "{back:?}");
    Ok(())
}

fn check_32_the_documents_of_terraform_s_own_tests_survive(scene: &Scene<'_>) -> Result<()> {
    let simple = configuration(scene.api, "simple", "ActiveMQ", "5.19")?;
    let body = json!({
        "authenticationStrategy": "ldap", "engineType": "ActiveMQ", "engineVersion": "5.19", "name": "directory",
    });
    let ldap = text(&ok(scene.api, "POST", "/v1/configurations", &body)?, "id")?;
    for (id, document) in [(&simple, PLUGINS), (&ldap, LDAP)] {
        let (updated, back) = stored(scene, id, document)?;
        has(&updated, &json!({ "warnings": [] }))?;
        ensure!(compared(&back) == compared(document), "{back}");
    }
    // The map of a directory is not for brokers without one.
    let (updated, back) = stored(scene, &simple, LDAP)?;
    ensure!(!back.contains("cachedLDAPAuthorizationMap") && back.contains("statistics"), "{back}");
    ensure!(updated["warnings"][0]["elementName"] == "cachedLDAPAuthorizationMap", "{updated}");
    Ok(())
}

fn check_33_the_strategy_of_a_configuration_is_simple_unless_it_is_said_when_it_is_created(
    scene: &Scene<'_>,
) -> Result<()> {
    for (sent, strategy) in
        [(Value::Null, "simple"), (json!("simple"), "simple"), (json!("ldap"), "ldap")]
    {
        let mut body = json!({ "engineType": "ActiveMQ", "engineVersion": "5.19", "name": "strategy", "tags": { "key1": "value1" } });
        if !sent.is_null() {
            body["authenticationStrategy"] = sent;
        }
        let created = ok(scene.api, "POST", "/v1/configurations", &body)?;
        has(&created, &json!({ "authenticationStrategy": strategy, "tags": null }))?;
        let read = get(scene.api, &format!("/v1/configurations/{}", text(&created, "id")?))?;
        has(&read, &json!({ "authenticationStrategy": strategy, "tags": { "key1": "value1" } }))?;
    }
    Ok(())
}

fn check_34_the_name_of_a_configuration_can_be_taken_again(scene: &Scene<'_>) -> Result<()> {
    let first = configuration(scene.api, "forgotten", "ActiveMQ", "5.19")?;
    let second = configuration(scene.api, "forgotten", "ActiveMQ", "5.19")?;
    ensure!(first != second, "the same configuration twice");
    for id in [first, second] {
        has(
            &get(scene.api, &format!("/v1/configurations/{id}"))?,
            &json!({ "name": "forgotten" }),
        )?;
    }
    Ok(())
}
