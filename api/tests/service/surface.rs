//! Everything around the operations: paths, methods, CORS, and brokerd's own pages.

use crate::support::TestApi;
use brokerd_store::CertificateAuthority;
use serde_json::json;

#[tokio::test]
async fn every_operation_is_signed_and_knows_what_is_not_there() {
    let api = TestApi::start().await;
    let (b, c) =
        ("b-00000000-0000-4000-8000-000000000000", "c-00000000-0000-4000-8000-000000000000");
    let arn = format!("arn%3Aaws%3Amq%3Aus-east-1%3A000000000000%3Abroker%3Aorders%3A{b}");
    let broker = format!(
        "Cannot find broker ID [{b}]. Verify that your broker exists or check broker permissions."
    );
    let configuration = format!("Configuration ID [{c}] can't be found. Make sure it exists.");
    let revision =
        format!("Revision [1] of configuration [{c}] can't be found. Make sure it exists.");
    let resource = "Resource was not found";
    let group = "Cannot find security group ID [sg-nobody].";
    let no_group = "Cannot find security group ID [nobody].";
    for (method, target, message) in [
        ("GET", format!("/v1/brokers/{b}"), broker.as_str()),
        ("PUT", format!("/v1/brokers/{b}"), &broker),
        ("DELETE", format!("/v1/brokers/{b}"), &broker),
        ("POST", format!("/v1/brokers/{b}/reboot"), &broker),
        ("POST", format!("/v1/brokers/{b}/promote"), &broker),
        ("GET", format!("/v1/brokers/{b}/shared-resources"), &broker),
        ("GET", format!("/v1/brokers/{b}/users?maxResults=5"), &broker),
        ("POST", format!("/v1/brokers/{b}/users/alice"), &broker),
        ("GET", format!("/v1/brokers/{b}/users/alice"), &broker),
        ("PUT", format!("/v1/brokers/{b}/users/alice"), &broker),
        ("DELETE", format!("/v1/brokers/{b}/users/alice"), &broker),
        ("GET", format!("/v1/configurations/{c}"), &configuration),
        ("PUT", format!("/v1/configurations/{c}"), &configuration),
        ("DELETE", format!("/v1/configurations/{c}"), &configuration),
        ("GET", format!("/v1/configurations/{c}/revisions"), &configuration),
        ("GET", format!("/v1/configurations/{c}/revisions/1"), &revision),
        ("GET", format!("/v1/tags/{arn}"), resource),
        ("POST", format!("/v1/tags/{arn}"), resource),
        ("DELETE", format!("/v1/tags/{arn}?tagKeys=a&tagKeys=b"), resource),
        ("GET", "/brokerd/v1/security-groups/sg-nobody".to_owned(), group),
        ("PUT", "/brokerd/v1/security-groups/sg-nobody".to_owned(), group),
        ("DELETE", "/brokerd/v1/security-groups/sg-nobody".to_owned(), group),
        ("DELETE", "/brokerd/v1/security-groups/nobody".to_owned(), no_group),
        // A colon that was not encoded is the same resource.
        ("GET", format!("/v1/tags/{}", arn.replace("%3A", ":")), resource),
    ] {
        let body = if matches!(method, "POST" | "PUT") { "{}" } else { "" };
        let reply = api.call(method, &target, body).await;
        let expected = (404, "NotFoundException".to_owned(), message.to_owned());
        assert_eq!(reply.refusal(), expected, "{method} {target}");
        assert_eq!(api.unsigned(method, &target).await.status, 403, "{method} {target}");
    }
    api.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_the_form_of_the_service() {
    let api = TestApi::start().await;
    for target in ["/v1", "/v1/brokers/", "/v2/brokers", "/v1/brokers/b-1/reboot-broker"] {
        let (status, code, _) = api.unsigned("GET", target).await.refusal();
        assert_eq!((status, code.as_str()), (404, "UnknownOperationException"), "{target}");
    }
    for (method, target) in [
        ("PATCH", "/v1/brokers"),
        ("GET", "/v1/brokers/b-1/reboot"),
        ("DELETE", "/openapi.json"),
        ("GET", "/"),
    ] {
        let reply = api.unsigned(method, target).await;
        let (status, code, _) = reply.refusal();
        assert_eq!(
            (status, code.as_str()),
            (405, "UnknownOperationException"),
            "{method} {target}"
        );
        assert!(!reply.header("allow").is_empty(), "{method} {target}");
        assert_eq!(reply.header("x-amzn-requestid").len(), 36);
    }
    let metrics = api.metrics();
    assert!(
        metrics
            .contains(r#"brokerd_api_requests_total{method="other",route="other",status="404"} 4"#),
        "strangers' paths are no labels"
    );
    api.stop().await;
}

#[tokio::test]
async fn every_resource_answers_options() {
    let api = TestApi::start().await;
    for (target, allowed) in [
        ("/v1/brokers", "GET,POST,OPTIONS"),
        ("/v1/brokers/b-1", "GET,PUT,DELETE,OPTIONS"),
        ("/v1/brokers/b-1/reboot", "POST,OPTIONS"),
        ("/v1/tags/arn%3Aaws", "GET,POST,DELETE,OPTIONS"),
        ("/v1/brokers/b-1/users/alice", "GET,POST,PUT,DELETE,OPTIONS"),
        ("/v1/broker-engine-types", "GET,OPTIONS"),
        ("/brokerd/v1/security-groups/sg-1", "GET,PUT,DELETE,OPTIONS"),
    ] {
        let reply = api.unsigned("OPTIONS", target).await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""), "{target}");
        assert_eq!(reply.header("access-control-allow-methods"), allowed, "{target}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
    assert_eq!(api.unsigned("OPTIONS", "/nowhere").await.status, 404);
    api.stop().await;
}

#[tokio::test]
async fn the_catalogue_follows_what_is_offered_within_a_second() {
    let api = TestApi::start().await;
    let types = async || api.call("GET", "/v1/broker-engine-types", "").await.json();
    assert_eq!(
        types().await,
        json!({"brokerEngineTypes": [
            {"engineType": "ACTIVEMQ", "engineVersions": [{"name": "5.19"}, {"name": "5.18"}]},
            {"engineType": "RABBITMQ", "engineVersions": [{"name": "4.3"}]},
        ], "maxResults": 20})
    );
    api.offer(&[]).await;
    api.clock.advance_seconds(1);
    assert_eq!(types().await, json!({"brokerEngineTypes": [], "maxResults": 20}));
    let options = api.call("GET", "/v1/broker-instance-options?storageType=EBS", "").await;
    assert_eq!(options.json(), json!({"brokerInstanceOptions": [], "maxResults": 20}));
    api.stop().await;
}

#[tokio::test]
async fn our_own_pages_need_no_signature() {
    let api = TestApi::start().await;
    assert_eq!(api.unsigned("GET", "/health/live").await.json(), json!({"status": "ok"}));
    assert_eq!(api.unsigned("GET", "/health/ready").await.json(), json!({"status": "ok"}));
    let document = api.unsigned("GET", "/openapi.json").await.json();
    assert!(document["paths"]["/v1/brokers"]["post"].is_object());
    let docs = api.unsigned("GET", "/docs").await;
    assert!(
        docs.header("content-type").starts_with("text/html") && docs.text.contains("swagger-ui")
    );
    let viewer = api.unsigned("GET", "/docs/swagger-initializer.js").await;
    assert!(viewer.text.contains("openapi.json"), "{viewer:?}");
    assert_eq!(api.unsigned("GET", "/docs/nothing.js").await.status, 404);

    let reply = api.unsigned("GET", "/brokerd/v1/ca.pem").await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "1"));
    let authority = CertificateAuthority {
        certificate_pem: "-----BEGIN CERTIFICATE-----\n".to_owned(),
        private_key_pem: "-----BEGIN PRIVATE KEY-----\n".into(),
    };
    api.store.certificate_authority(&authority).await.expect("stored");
    let reply = api.unsigned("GET", "/brokerd/v1/ca.pem").await;
    assert_eq!((reply.status.as_u16(), reply.text), (200, authority.certificate_pem));
    assert_eq!(reply.headers["content-type"], "application/x-pem-file");
    api.stop().await;
}
