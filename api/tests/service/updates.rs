//! UpdateBroker, as a client sees it.

use serde_json::{Value, json};

use crate::support::TestApi;

impl TestApi {
    async fn update(&self, id: &str, body: &Value) -> Value {
        let reply = self.call("PUT", &format!("/v1/brokers/{id}"), &body.to_string()).await;
        assert_eq!(reply.status, 200, "{body}: {reply:?}");
        reply.json()
    }

    async fn refused(&self, id: &str, body: &Value) -> (u16, Value, String) {
        let reply = self.call("PUT", &format!("/v1/brokers/{id}"), &body.to_string()).await;
        let (status, _, message) = reply.refusal();
        (status, reply.json()["errorAttribute"].clone(), message)
    }
}

#[tokio::test]
async fn changes_wait_accumulate_and_are_applied_by_one_reboot() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let first = api.update(&id, &json!({"hostInstanceType": "mq.m5.large"})).await;
    assert_eq!(first, json!({"brokerId": id, "hostInstanceType": "mq.m5.large"}));
    let second = api.update(&id, &json!({"logs": {"general": true}})).await;
    assert_eq!(second, json!({"brokerId": id, "logs": {"audit": false, "general": true}}));
    let shown = api.describe(&id).await;
    assert_eq!(shown["brokerState"], "RUNNING");
    assert_eq!(shown["hostInstanceType"], "mq.t3.micro");
    assert_eq!(shown["pendingHostInstanceType"], "mq.m5.large");
    assert_eq!(shown["logs"]["pending"], json!({"audit": false, "general": true}));
    assert_eq!(shown["logs"]["general"], false);

    // Repeating changes nothing, going back takes back.
    let repeated = json!({"hostInstanceType": "mq.m5.large", "engineVersion": "5.19"});
    assert_eq!(api.update(&id, &repeated).await, json!({"brokerId": id}));
    api.update(&id, &json!({"logs": {"general": false}})).await;
    assert_eq!(api.describe(&id).await["logs"].get("pending"), None);

    api.reboot(&id).await;
    let shown = api.describe(&id).await;
    assert_eq!(shown["hostInstanceType"], "mq.m5.large");
    assert_eq!(shown.get("pendingHostInstanceType"), None);
    api.stop().await;
}

#[tokio::test]
async fn what_needs_no_reboot_is_in_force_at_once() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let groups = json!(["sg-00000001", "sg-00000002"]);
    let window = json!({"dayOfWeek": "SUNDAY", "timeOfDay": "02:00", "timeZone": "CET"});
    let body = json!({"securityGroups": groups, "maintenanceWindowStartTime": window});
    let answer = api.update(&id, &body).await;
    assert_eq!(answer["securityGroups"], groups);
    let shown = api.describe(&id).await;
    assert_eq!(shown["securityGroups"], groups);
    assert_eq!(shown["maintenanceWindowStartTime"], window);
    assert_eq!(api.update(&id, &body).await, json!({"brokerId": id}));
    for n in 1..=3 {
        let window = json!({"dayOfWeek": "SUNDAY", "timeOfDay": format!("0{n}:30")});
        api.update(&id, &json!({"maintenanceWindowStartTime": window})).await;
    }
    let message = "Maintenance window cannot be modified greater than 4 times. You will be able to modify your broker maintenance window after the next maintenance window has completed.";
    let fifth =
        json!({"maintenanceWindowStartTime": {"dayOfWeek": "FRIDAY", "timeOfDay": "02:00"}});
    assert_eq!(api.refused(&id, &fifth).await, (400, Value::Null, message.to_owned()));
    api.stop().await;
}

#[tokio::test]
async fn a_new_revision_waits_and_makes_the_former_one_history() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let current = api.describe(&id).await["configurations"]["current"].clone();
    let configuration = current["id"].as_str().expect("an identifier").to_owned();
    let path = format!("/v1/configurations/{configuration}");
    let data = "PGJyb2tlciB4bWxucz0iaHR0cDovL2FjdGl2ZW1xLmFwYWNoZS5vcmcvc2NoZW1hL2NvcmUiLz4=";
    assert_eq!(api.call("PUT", &path, &json!({"data": data}).to_string()).await.status, 200);
    let answer = api.update(&id, &json!({"configuration": {"id": configuration}})).await;
    let second = json!({"id": configuration, "revision": 2});
    assert_eq!(answer, json!({"brokerId": id, "configuration": second}));
    let shown = api.describe(&id).await["configurations"].clone();
    assert_eq!(shown, json!({"current": current, "history": [], "pending": second}));
    let back = json!({"configuration": current});
    assert_eq!(api.update(&id, &back).await["configuration"], current);
    assert_eq!(api.describe(&id).await["configurations"].get("pending"), None);
    api.update(&id, &json!({"configuration": second})).await;
    api.reboot(&id).await;
    let shown = api.describe(&id).await["configurations"].clone();
    assert_eq!(shown, json!({"current": second, "history": [current]}));
    let (status, attribute, _) =
        api.refused(&id, &json!({"configuration": {"id": configuration, "revision": 9}})).await;
    assert_eq!((status, attribute), (404, json!("configuration-revision")));
    // Terraform sends an empty identifier for a configuration that was never set.
    assert_eq!(
        api.update(&id, &json!({"configuration": {"id": ""}})).await,
        json!({"brokerId": id})
    );
    api.stop().await;
}

#[tokio::test]
async fn what_can_not_be_changed_is_refused_by_its_member() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let rabbit = api.create("rabbit").await;
    assert_eq!(
        api.refused(&rabbit, &json!({"logs": {"general": true}})).await.0,
        409,
        "not yet running"
    );
    api.converge(&rabbit).await;
    for (broker, body, attribute) in [
        (&id, json!({"engineVersion": "5.18"}), "engineVersion"),
        (&id, json!({"engineVersion": "9.9"}), "engineVersion"),
        (&id, json!({"hostInstanceType": "mq.m7g.large"}), "hostInstanceType"),
        (&id, json!({"autoMinorVersionUpgrade": false}), "autoMinorVersionUpgrade"),
        (&id, json!({"authenticationStrategy": "LDAP"}), "ldapServerMetadata"),
        (&id, json!({"authenticationStrategy": "CONFIG_MANAGED"}), "authenticationStrategy"),
        (&id, json!({"ldapServerMetadata": {}}), "ldapServerMetadata"),
        (&id, json!({"securityGroups": []}), "securityGroups"),
        (&id, json!({"storageSize": 10}), "storageSize"),
        (&id, json!({"dataReplicationMode": "CRDR"}), "dataReplicationMode"),
        (&id, json!({"resourceShareArns": []}), "resourceShareArns"),
        (
            &id,
            json!({"maintenanceWindowStartTime": {"dayOfWeek": "MONDAY", "timeOfDay": "25:00"}}),
            "maintenanceWindowStartTime.timeOfDay",
        ),
        (&id, json!({"hostInstanceType": 1}), "hostInstanceType"),
        (&rabbit, json!({"securityGroups": ["sg-00000001"]}), "securityGroups"),
        (&rabbit, json!({"logs": {"audit": false}}), "logs.audit"),
        (&rabbit, json!({"hostInstanceType": "mq.t3.micro"}), "hostInstanceType"),
        (&rabbit, json!({"resourceShareArns": ["arn:aws:ram:x"]}), "resourceShareArns"),
        (&rabbit, json!({"authenticationStrategy": "CONFIG_MANAGED"}), "authenticationStrategy"),
    ] {
        let (status, at, message) = api.refused(broker, &body).await;
        assert_eq!((status, at), (400, json!(attribute)), "{body}: {message}");
    }
    assert_eq!(
        api.update(&rabbit, &json!({"resourceShareArns": []})).await,
        json!({"brokerId": rabbit})
    );
    assert_eq!(
        api.update(&id, &json!({"dataReplicationMode": "NONE"})).await,
        json!({"brokerId": id})
    );
    let answer = api.update(&rabbit, &json!({"logs": {"general": true}})).await;
    assert_eq!(answer["logs"], json!({"general": true}));
    assert_eq!(
        api.describe(&rabbit).await["logs"]["general"],
        true,
        "RabbitMQ needs no reboot for it"
    );
    let (status, code, _) = api
        .call("POST", &format!("/v1/brokers/{id}/promote"), r#"{"mode": "FAILOVER"}"#)
        .await
        .refusal();
    assert_eq!((status, code.as_str()), (400, "BadRequestException"));
    api.call("POST", &format!("/v1/brokers/{id}/reboot"), "").await;
    assert_eq!(api.refused(&id, &json!({"logs": {"general": true}})).await.0, 409);
    api.stop().await;
}

#[tokio::test]
async fn a_directory_waits_without_ever_showing_its_password() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let mut directory = json!({
        "hosts": ["my.ldap.server-1.com", "my.ldap.server-2.com"],
        "roleBase": "role.base", "roleName": "role.name",
        "roleSearchMatching": "role.search.matching", "roleSearchSubtree": true,
        "serviceAccountUsername": "anyusername", "userBase": "user.base",
        "userRoleName": "user.role.name", "userSearchMatching": "user.search.matching",
        "userSearchSubtree": true,
    });
    let mut sent = directory.clone();
    sent["serviceAccountPassword"] = json!("supersecret");
    let body = json!({"authenticationStrategy": "ldap", "ldapServerMetadata": sent});
    let answer = api.update(&id, &body).await;
    assert_eq!(answer["ldapServerMetadata"], directory);
    assert_eq!(answer["authenticationStrategy"], "ldap");
    let shown = api.describe(&id).await;
    assert_eq!(shown["pendingLdapServerMetadata"], directory);
    assert_eq!(shown["pendingAuthenticationStrategy"], "ldap");
    assert_eq!(shown["authenticationStrategy"], "simple");
    assert!(!shown.to_string().contains("supersecret"));
    api.reboot(&id).await;
    let shown = api.describe(&id).await;
    assert_eq!(shown["ldapServerMetadata"], directory.take());
    assert_eq!(shown["authenticationStrategy"], "ldap");
    api.stop().await;
}
