//! What the AWS CLI, boto3 and the other SDKs have in common.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    PASSWORD, USER,
    sdk::{Answer, Client, Kind},
};
use serde_json::{Value, json};

use super::{Scene, checks};
use crate::conformance::{
    requests::{activemq, has, list, text, with},
    wire::{configuration, create, delete, describe, get, ok, refused, send, terraform, unplaced},
};

checks![
    check_43_each_of_the_25_commands_reaches_an_operation,
    check_44_members_are_lower_camel_case_on_the_wire_and_absent_ones_are_left_out,
    check_45_what_botocore_checks_locally_is_checked_here_too,
    check_46_every_call_has_a_token_of_its_own_unless_the_caller_gives_one,
    check_47_the_caller_encodes_the_data_of_a_configuration,
    check_48_there_are_two_paginators_and_no_waiters,
    check_49_times_are_iso_8601,
    check_50_the_region_comes_from_the_signature_and_unknown_paths_are_told,
    check_51_tag_calls_are_answered_without_a_body_and_all_others_with_an_object,
    check_52_keys_are_repeated_and_arns_may_be_encoded_or_not,
    check_53_the_exception_is_named_in_the_header_and_explained_in_the_body,
];

const NOWHERE: &str = "b-00000000-0000-4000-8000-000000000000";

/// Method and path of every operation, asked for something that is not there or with nothing in the body.
const OPERATIONS: [(&str, &str); 25] = [
    ("POST", "/v1/brokers"),
    ("POST", "/v1/configurations"),
    ("POST", "/v1/tags/NOWHERE"),
    ("POST", "/v1/brokers/NOWHERE/users/somebody"),
    ("DELETE", "/v1/brokers/NOWHERE"),
    ("DELETE", "/v1/configurations/NOWHERE"),
    ("DELETE", "/v1/tags/NOWHERE?tagKeys=a"),
    ("DELETE", "/v1/brokers/NOWHERE/users/somebody"),
    ("GET", "/v1/brokers/NOWHERE"),
    ("GET", "/v1/broker-engine-types"),
    ("GET", "/v1/broker-instance-options"),
    ("GET", "/v1/configurations/NOWHERE"),
    ("GET", "/v1/configurations/NOWHERE/revisions/1"),
    ("GET", "/v1/brokers/NOWHERE/shared-resources"),
    ("GET", "/v1/brokers/NOWHERE/users/somebody"),
    ("GET", "/v1/brokers"),
    ("GET", "/v1/configurations/NOWHERE/revisions"),
    ("GET", "/v1/configurations"),
    ("GET", "/v1/tags/NOWHERE"),
    ("GET", "/v1/brokers/NOWHERE/users"),
    ("POST", "/v1/brokers/NOWHERE/promote"),
    ("POST", "/v1/brokers/NOWHERE/reboot"),
    ("PUT", "/v1/brokers/NOWHERE"),
    ("PUT", "/v1/configurations/NOWHERE"),
    ("PUT", "/v1/brokers/NOWHERE/users/somebody"),
];

fn check_43_each_of_the_25_commands_reaches_an_operation(scene: &Scene<'_>) -> Result<()> {
    for (method, path) in OPERATIONS {
        let path = path.replace("NOWHERE", NOWHERE);
        let body = if matches!(method, "POST" | "PUT") { json!({}) } else { Value::Null };
        let answer = send(scene.api, method, &path, &body)?;
        let class = answer.header("x-amzn-errortype").unwrap_or("none");
        let is_known = ["none", "BadRequestException", "NotFoundException"].contains(&class);
        ensure!(is_known && answer.status < 500, "{method} {path}: {answer:?}");
    }
    Ok(())
}

fn check_44_members_are_lower_camel_case_on_the_wire_and_absent_ones_are_left_out(
    scene: &Scene<'_>,
) -> Result<()> {
    // The members of the SDKs are not those of the wire.
    let pascal = activemq("pascal");
    refused(scene.api, "POST", "/v1/brokers", &pascal)?.is_a_bad_request()?;
    // As little as can be sent.
    let least = json!({
        "brokerName": "least", "deploymentMode": "SINGLE_INSTANCE", "engineType": "RABBITMQ",
        "hostInstanceType": "mq.m7g.16xlarge", "publiclyAccessible": false,
        "users": [{ "username": USER, "password": PASSWORD }],
    });
    let id = create(scene.api, &least)?;
    let broker = describe(scene.api, &id)?;
    has(
        &broker,
        &json!({ "autoMinorVersionUpgrade": true, "engineVersion": "4.3", "storageType": "ebs" }),
    )?;
    ensure!(!broker.to_string().contains(":null"), "{broker}");
    delete(scene.api, &id)
}

fn check_45_what_botocore_checks_locally_is_checked_here_too(scene: &Scene<'_>) -> Result<()> {
    for required in
        ["brokerName", "deploymentMode", "engineType", "hostInstanceType", "publiclyAccessible"]
    {
        let create = with(unplaced("missing", "ActiveMQ"), &json!({ required: null }));
        let refusal = refused(scene.api, "POST", "/v1/brokers", &create)?;
        refusal.is("BadRequestException", Some(required), required)?;
    }
    for size in ["0", "4", "101", "many"] {
        let path = format!("/v1/brokers?maxResults={size}");
        let says = format!(
            "Invalid max results value [{size}]. Specify an integer between [5] and [100]."
        );
        refused(scene.api, "GET", &path, &Value::Null)?.is(
            "BadRequestException",
            Some("maxResults"),
            &says,
        )?;
    }
    // Newer editions leave users to the service.
    for (engine, says) in
        [("ActiveMQ", "user"), ("RabbitMQ", "Specify exactly one user for engine type [RABBITMQ].")]
    {
        let create = with(unplaced("nobody", engine), &json!({ "users": null }));
        refused(scene.api, "POST", "/v1/brokers", &create)?.is(
            "BadRequestException",
            Some("users"),
            says,
        )?;
    }
    for path in ["/v1/brokers", "/v1/configurations"] {
        let answer = scene.api.signed("POST", path, "{\"brokerName\": ")?;
        ensure!(answer.status == 400, "{answer:?}");
        ensure!(answer.header("x-amzn-errortype") == Some("BadRequestException"), "{answer:?}");
    }
    Ok(())
}

fn boto3(scene: &Scene<'_>) -> Result<Option<Client>> {
    if Kind::Boto3.is_here()? { Client::new(Kind::Boto3, scene.api).map(Some) } else { Ok(None) }
}

fn check_46_every_call_has_a_token_of_its_own_unless_the_caller_gives_one(
    scene: &Scene<'_>,
) -> Result<()> {
    let Some(mut sdk) = boto3(scene)? else { return Ok(()) };
    let create = with(activemq("tokens"), &json!({ "HostInstanceType": "mq.m5.4xlarge" }));
    sdk.ok("CreateBroker", &create)?;
    sdk.refused("CreateBroker", &create)?.is(
        "ConflictException",
        Some("brokerName"),
        "Broker named [tokens] already exists.",
    )?;
    let retried = with(create, &json!({ "BrokerName": "retried", "CreatorRequestId": "the same" }));
    let first = sdk.ok("CreateBroker", &retried)?;
    ensure!(sdk.ok("CreateBroker", &retried)? == first, "a retry made another broker");
    Ok(())
}

fn check_47_the_caller_encodes_the_data_of_a_configuration(scene: &Scene<'_>) -> Result<()> {
    let id = configuration(scene.api, "encoded", "RabbitMQ", "4.3")?;
    let path = format!("/v1/configurations/{id}");
    let plain = "consumer_timeout = 1800000\n";
    refused(scene.api, "PUT", &path, &json!({ "data": plain }))?.is(
        "BadRequestException",
        Some("data"),
        "",
    )?;
    let encoded = super::terraform_configurations::encoded(plain);
    ok(scene.api, "PUT", &path, &json!({ "data": encoded }))?;
    let stored = get(scene.api, &format!("{path}/revisions/2"))?;
    has(&stored, &json!({ "data": encoded }))
}

fn check_48_there_are_two_paginators_and_no_waiters(scene: &Scene<'_>) -> Result<()> {
    let Some(mut sdk) = boto3(scene)? else { return Ok(()) };
    ensure!(!sdk.pages("ListBrokers", &json!({}), 5)?.is_empty(), "no page");
    let broker = json!({ "BrokerId": scene.rabbitmq });
    ensure!(sdk.pages("DescribeSharedResources", &broker, 5)?.len() == 1, "not one page");
    for by_hand in ["ListUsers", "ListConfigurations", "DescribeBrokerInstanceOptions"] {
        let call = json!({ "operation": by_hand, "page_size": 5 });
        ensure!(sdk.raw(&call)?.get("unknown").is_some(), "{by_hand} has a paginator now");
    }
    match sdk.call("DescribeBroker", &json!({ "BrokerId": scene.activemq }))? {
        Answer::Done(broker) => has(&broker, &json!({ "BrokerState": "RUNNING" })),
        other => anyhow::bail!("{other:?}"),
    }
}

/// `2026-09-30T03:52:16.602926` and what stands for UTC.
fn is_iso_8601(time: &str, zone: &str) -> bool {
    let shape: String =
        time.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else { return false };
    let Some(fraction) = rest.strip_suffix(zone) else { return false };
    fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|digits| digits.chars().all(|digit| digit == '0'))
}

fn check_49_times_are_iso_8601(scene: &Scene<'_>) -> Result<()> {
    let broker = describe(scene.api, &scene.activemq)?;
    ensure!(is_iso_8601(&text(&broker, "created")?, "Z"), "{broker}");
    let id = configuration(scene.api, "timed", "ActiveMQ", "5.19")?;
    let read = get(scene.api, &format!("/v1/configurations/{id}"))?;
    ensure!(is_iso_8601(&text(&read, "created")?, "Z"), "{read}");
    ensure!(is_iso_8601(&text(&read["latestRevision"], "created")?, "Z"), "{read}");
    if !Kind::Cli.is_here()? {
        return Ok(());
    }
    let mut cli = Client::new(Kind::Cli, scene.api)?;
    let printed = cli.ok("DescribeBroker", &json!({ "BrokerId": scene.activemq }))?;
    ensure!(is_iso_8601(&text(&printed, "Created")?.replace("+00:00", "Z"), "Z"), "{printed}");
    Ok(())
}

/// A client puts the path of its endpoint in front: then it is not the API that is asked.
fn check_50_the_region_comes_from_the_signature_and_unknown_paths_are_told(
    scene: &Scene<'_>,
) -> Result<()> {
    let elsewhere = scene.api.in_region("ap-southeast-2");
    let listed = get(&elsewhere, "/v1/brokers")?;
    ensure!(list(&listed, "brokerSummaries")?.is_empty(), "{listed}");
    let id = create(&elsewhere, &unplaced("checked", "RabbitMQ"))?;
    let arn = text(&describe(&elsewhere, &id)?, "brokerArn")?;
    ensure!(arn.starts_with("arn:aws:mq:ap-southeast-2:"), "{arn}");
    delete(&elsewhere, &id)?;
    elsewhere.wait_until_gone(&id)?;
    let refusal = refused(scene.api, "GET", "/prefix/v1/brokers", &Value::Null)?;
    ensure!(refusal.status == 404 && !refusal.message.is_empty(), "{refusal:?}");
    Ok(())
}

fn check_51_tag_calls_are_answered_without_a_body_and_all_others_with_an_object(
    scene: &Scene<'_>,
) -> Result<()> {
    let arn = text(&describe(scene.api, &scene.activemq)?, "brokerArn")?.replace(':', "%3A");
    let tags = format!("/v1/tags/{arn}");
    let made = send(scene.api, "POST", &tags, &json!({ "tags": { "a": "b" } }))?;
    let deleted = send(scene.api, "DELETE", &format!("{tags}?tagKeys=a"), &Value::Null)?;
    for answer in [made, deleted] {
        ensure!(answer.status == 204 && answer.body.is_empty(), "{answer:?}");
        ensure!(answer.header("x-amzn-requestid").is_some(), "{answer:?}");
    }
    let user = format!("/v1/brokers/{}/users/empty-handed", scene.activemq);
    for (method, body) in [
        ("POST", json!({ "password": PASSWORD })),
        ("PUT", json!({ "groups": ["some"] })),
        ("DELETE", Value::Null),
    ] {
        let answer = send(scene.api, method, &user, &body)?;
        ensure!(answer.status == 200 && answer.body == "{}", "{method}: {answer:?}");
        ensure!(answer.header("content-type") == Some("application/json"), "{method}: {answer:?}");
    }
    Ok(())
}

fn check_52_keys_are_repeated_and_arns_may_be_encoded_or_not(scene: &Scene<'_>) -> Result<()> {
    let arn = text(&describe(scene.api, &scene.activemq)?, "brokerArn")?;
    for path in [arn.replace(':', "%3A"), arn.replace(':', "%3a"), arn] {
        let tags = format!("/v1/tags/{path}");
        let made =
            send(scene.api, "POST", &tags, &json!({ "tags": { "b": "2", "a": "1", "c d": "3" } }))?;
        ensure!(made.status == 204, "{tags}: {made:?}");
        let query = format!("{tags}?tagKeys=c%20d&tagKeys=a&tagKeys=b");
        let deleted = send(scene.api, "DELETE", &query, &Value::Null)?;
        ensure!(deleted.status == 204, "{query}: {deleted:?}");
        ensure!(get(scene.api, &tags)? == json!({ "tags": {} }), "{tags}");
        refused(scene.api, "DELETE", &tags, &Value::Null)?.is_a_bad_request().context("no key")?;
    }
    Ok(())
}

fn check_53_the_exception_is_named_in_the_header_and_explained_in_the_body(
    scene: &Scene<'_>,
) -> Result<()> {
    let broker = format!("/v1/brokers/{NOWHERE}");
    let taken = with(terraform("checked", "ActiveMQ"), &json!({ "creatorRequestId": "another" }));
    for (method, path, body, status, class, attribute) in [
        ("GET", broker.as_str(), Value::Null, 404, "NotFoundException", Some("broker-id")),
        (
            "GET",
            "/v1/brokers?maxResults=1",
            Value::Null,
            400,
            "BadRequestException",
            Some("maxResults"),
        ),
        ("POST", "/v1/brokers", taken, 409, "ConflictException", Some("brokerName")),
        ("GET", "/v1/tags/arn%3Aaws%3Amq", Value::Null, 404, "NotFoundException", None),
    ] {
        let answer = send(scene.api, method, path, &body)?;
        ensure!(answer.status == status, "{method} {path}: {answer:?}");
        ensure!(answer.header("x-amzn-errortype") == Some(class), "{method} {path}: {answer:?}");
        let told: Value = serde_json::from_str(&answer.body)?;
        let members = told.as_object().context("not an object")?;
        ensure!(text(&told, "message")?.len() > 10, "{answer:?}");
        ensure!(told.get("errorAttribute").and_then(Value::as_str) == attribute, "{answer:?}");
        ensure!(
            members.keys().all(|name| name == "message" || name == "errorAttribute"),
            "{answer:?}"
        );
    }
    Ok(())
}
