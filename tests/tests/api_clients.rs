//! The API through clients that know nothing of brokerd: boto3, the AWS CLI and the Rust SDK.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::{
    error::ProvideErrorMetadata as _,
    types::{BrokerState, DeploymentMode, EngineType},
};
use brokerd_tests::{
    NewBroker, PASSWORD, PATIENCE, USER, World, api::explained, clients, eventually, http, scenario,
};
use serde_json::{Value, json};

fn create(name: &str) -> Value {
    json!({
        "BrokerName": name, "EngineType": "ACTIVEMQ", "HostInstanceType": "mq.t3.micro",
        "DeploymentMode": "SINGLE_INSTANCE", "PubliclyAccessible": true, "AutoMinorVersionUpgrade": true,
        "Users": [{ "Username": USER, "Password": PASSWORD }],
    })
}

/// The same with some members changed.
fn with(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().into_iter().flatten() {
        value[name] = change.clone();
    }
    value
}

fn failed(answer: &Value, class: &str, attribute: Option<&str>, says: &str) -> Result<()> {
    let error = &answer["error"];
    ensure!(error["class"] == class, "not a {class}: {answer}");
    ensure!(error["attribute"].as_str() == attribute, "not about {attribute:?}: {answer}");
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains(says), "it does not say {says:?}: {answer}");
    Ok(())
}

#[test]
fn boto3_creates_lists_and_deletes_and_knows_every_error() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("boto3", &[], |world| {
        boto3_creates_once(world).context("creation")?;
        boto3_turns_pages(world).context("pages")?;
        boto3_knows_errors(world).context("errors")?;
        boto3_is_told_what_is_missing(world).context("missing operations")?;
        boto3_describes_catalogues(world).context("catalogues")
    })
}

fn boto3_creates_once(world: &World) -> Result<()> {
    let first = with(create("once"), &json!({ "CreatorRequestId": "token-1" }));
    let changed = with(first.clone(), &json!({ "HostInstanceType": "mq.m5.large" }));
    let answers = clients::boto3(
        &world.api,
        &json!([
            { "operation": "create_broker", "parameters": first },
            { "operation": "create_broker", "parameters": first },
            { "operation": "create_broker", "parameters": changed },
            { "operation": "create_broker", "parameters": create("once") },
            { "operation": "list_brokers" },
        ]),
    )?;
    let id = answers[0].pointer("/ok/BrokerId").with_context(|| clients::shown(&answers))?;
    let arn = answers[0].pointer("/ok/BrokerArn").and_then(Value::as_str).context("an ARN")?;
    ensure!(arn.starts_with("arn:aws:mq:us-east-1:000000000000:broker:once:b-"), "{arn}");
    ensure!(answers[1] == answers[0], "the same token made another broker: {}", answers[1]);
    failed(&answers[2], "ConflictException", Some("brokerName"), "")?;
    failed(&answers[3], "ConflictException", Some("brokerName"), "already exists")?;
    let listed =
        answers[4].pointer("/ok/BrokerSummaries").and_then(Value::as_array).context("a list")?;
    ensure!(listed.len() == 1 && listed[0]["BrokerId"] == *id, "{listed:?}");
    ensure!(listed[0]["EngineType"] == "ActiveMQ", "{listed:?}");
    Ok(())
}

/// Brokers that can't run cost nothing and are still listed.
fn boto3_turns_pages(world: &World) -> Result<()> {
    let giants = (1..=6)
        .map(|n| {
            world.api.create(&NewBroker::rabbitmq(&format!("page-{n}")).host("mq.m7g.16xlarge"))
        })
        .collect::<Result<Vec<_>>>()?;
    let answers = clients::boto3(
        &world.api,
        &json!([
            { "paginator": "list_brokers", "page_size": 5 },
            { "operation": "list_brokers", "parameters": { "MaxResults": 4 } },
            { "operation": "list_brokers", "parameters": { "NextToken": "invalid" } },
        ]),
    )?;
    let pages = answers[0]["ok"].as_array().with_context(|| answers[0].to_string())?;
    let sizes: Vec<_> =
        pages.iter().map(|page| page["BrokerSummaries"].as_array().map_or(0, Vec::len)).collect();
    ensure!(sizes == [5, 2], "pages of {sizes:?}");
    let mut ids: Vec<_> = pages
        .iter()
        .flat_map(|page| page["BrokerSummaries"].as_array().into_iter().flatten())
        .filter_map(|summary| summary["BrokerId"].as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == 7, "a broker is missing or twice: {ids:?}");
    failed(&answers[1], "BadRequestException", Some("maxResults"), "between [5] and [100]")?;
    failed(&answers[2], "BadRequestException", Some("nextToken"), "Invalid next token [invalid]")?;
    giants.iter().try_for_each(|id| world.api.delete(id))
}

fn boto3_knows_errors(world: &World) -> Result<()> {
    let nowhere = "b-00000000-0000-4000-8000-000000000000";
    let create = |changes: Value| with(create("wrong"), &changes);
    let answers = clients::boto3(
        &world.api,
        &json!([
            { "operation": "describe_broker", "parameters": { "BrokerId": nowhere } },
            { "operation": "delete_broker", "parameters": { "BrokerId": nowhere } },
            { "operation": "reboot_broker", "parameters": { "BrokerId": nowhere } },
            { "operation": "create_broker", "parameters": create(json!({ "BrokerName": "no spaces" })) },
            { "operation": "create_broker", "parameters": create(json!({ "EngineVersion": "5.18.7" })) },
            { "operation": "create_broker", "parameters": create(json!({ "HostInstanceType": "mq.huge" })) },
            { "operation": "create_broker", "parameters": create(json!({ "DeploymentMode": "CLUSTER_MULTI_AZ" })) },
            { "operation": "create_broker",
              "parameters": create(json!({ "Users": [{ "Username": USER, "Password": "short" }] })) },
            { "operation": "create_broker", "parameters": create(json!({ "EngineType": "KAFKA" })) },
        ]),
    )?;
    for answer in &answers[..3] {
        failed(answer, "NotFoundException", Some("broker-id"), "Cannot find broker ID")?;
        ensure!(answer["error"]["status"] == 404, "{answer}");
        ensure!(answer["error"]["modelled"] == true, "no typed exception: {answer}");
    }
    failed(&answers[3], "BadRequestException", Some("brokerName"), "valid characters")?;
    failed(
        &answers[4],
        "BadRequestException",
        Some("engineVersion"),
        "Valid values: [5.19, 5.18]",
    )?;
    failed(&answers[5], "BadRequestException", Some("hostInstanceType"), "mq.huge")?;
    for answer in &answers[6..] {
        ensure!(answer["error"]["class"] == "BadRequestException", "{answer}");
        ensure!(
            answer["error"]["message"].as_str().is_some_and(|text| text.len() > 10),
            "{answer}"
        );
    }
    Ok(())
}

fn boto3_is_told_what_is_missing(world: &World) -> Result<()> {
    let id = world.api.list()?.into_iter().next().context("a broker")?;
    let answers = clients::boto3(
        &world.api,
        &json!([
            { "operation": "update_broker", "parameters": { "BrokerId": id } },
            { "operation": "list_users", "parameters": { "BrokerId": id } },
            { "operation": "promote", "parameters": { "BrokerId": id, "Mode": "FAILOVER" } },
            { "operation": "list_configurations" },
            { "operation": "list_tags", "parameters": { "ResourceArn": format!("arn:aws:mq:us-east-1:000000000000:broker:x:{id}") } },
        ]),
    )?;
    for answer in &answers {
        ensure!(answer["error"]["code"] == "NotImplementedException", "{answer}");
        ensure!(answer["error"]["status"] == 501, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        ensure!(message.contains("is not implemented"), "{answer}");
    }
    Ok(())
}

fn boto3_describes_catalogues(world: &World) -> Result<()> {
    let answers = clients::boto3(
        &world.api,
        &json!([
            { "operation": "describe_broker_engine_types", "parameters": { "EngineType": "ACTIVEMQ" } },
            { "operation": "describe_broker_instance_options",
              "parameters": { "EngineType": "ACTIVEMQ", "StorageType": "EBS", "HostInstanceType": "mq.m5.large" } },
        ]),
    )?;
    let types =
        answers[0].pointer("/ok/BrokerEngineTypes").with_context(|| answers[0].to_string())?;
    let expected = json!([{ "EngineType": "ACTIVEMQ", "EngineVersions": [{ "Name": "5.19" }, { "Name": "5.18" }] }]);
    ensure!(*types == expected, "{types}");
    let option = answers[1]
        .pointer("/ok/BrokerInstanceOptions/0")
        .with_context(|| answers[1].to_string())?;
    for (name, expected) in
        [("EngineType", "ACTIVEMQ"), ("StorageType", "ebs"), ("HostInstanceType", "mq.m5.large")]
    {
        ensure!(option[name] == expected, "{name}: {option}");
    }
    Ok(())
}

#[test]
fn the_aws_cli_creates_describes_reboots_and_deletes() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("the AWS CLI", &[], |world| {
        let aws = |arguments: &[&str]| -> Result<Value> {
            clients::aws(&world.api, arguments)?.map_err(anyhow::Error::msg)
        };
        let users = format!("Username={USER},Password={PASSWORD},ConsoleAccess=true");
        let created = aws(&[
            "create-broker",
            "--broker-name=cli",
            "--engine-type=ACTIVEMQ",
            "--deployment-mode=SINGLE_INSTANCE",
            "--host-instance-type=mq.t3.micro",
            "--publicly-accessible",
            "--auto-minor-version-upgrade",
            "--users",
            &users,
        ])?;
        let id = created["BrokerId"].as_str().context("an id")?;
        let running = || {
            let state = aws(&["describe-broker", "--broker-id", id, "--query", "BrokerState"])?;
            Ok((state == "RUNNING").then_some(()))
        };
        eventually("the broker runs", PATIENCE, running)?;
        let broker = aws(&["describe-broker", "--broker-id", id])?;
        ensure!(
            broker["BrokerInstances"][0]["Endpoints"].as_array().is_some_and(|e| e.len() == 5),
            "{broker}"
        );
        aws(&["reboot-broker", "--broker-id", id])?;
        eventually("the broker runs again", PATIENCE, running)?;
        let listed = aws(&["list-brokers", "--query", "BrokerSummaries[].BrokerName"])?;
        ensure!(listed == json!(["cli"]), "{listed}");
        aws(&["delete-broker", "--broker-id", id])?;
        world.api.wait_until_gone(id)?;
        let complaint = clients::aws(&world.api, &["describe-broker", "--broker-id", id])?;
        let complaint = complaint.err().context("a deleted broker is described")?;
        ensure!(complaint.contains("(NotFoundException)"), "{complaint}");
        ensure!(complaint.contains("Cannot find broker ID"), "{complaint}");
        Ok(())
    })
}

#[test]
fn the_rust_sdk_reads_answers_and_errors_into_its_types() -> Result<()> {
    scenario("the Rust SDK", &[], |world| {
        let client = &world.api.client;
        let id = world.running(&NewBroker::activemq("typed"))?;
        let broker = world.api.describe(&id)?;
        ensure!(broker.broker_state == Some(BrokerState::Running), "{broker:?}");
        ensure!(broker.deployment_mode == Some(DeploymentMode::SingleInstance), "{broker:?}");
        ensure!(broker.created.is_some(), "no time of creation: {broker:?}");
        ensure!(broker.maintenance_window_start_time.is_some(), "no window: {broker:?}");
        ensure!(broker.broker_instances().len() == 1, "{broker:?}");
        ensure!(broker.configurations.is_some_and(|c| c.current.is_some()), "no configuration");

        let call = client.describe_broker_instance_options().engine_type("RABBITMQ").send();
        let options = world.api.wait(call).map_err(explained)?;
        let engines =
            options.broker_instance_options().iter().map(|option| option.engine_type.clone());
        ensure!(engines.clone().count() > 0, "no options");
        ensure!(engines.flatten().all(|engine| engine == EngineType::Rabbitmq), "{options:?}");

        let again = world.api.wait(
            client
                .create_broker()
                .broker_name("typed")
                .engine_type(EngineType::Activemq)
                .host_instance_type("mq.t3.micro")
                .deployment_mode(DeploymentMode::SingleInstance)
                .publicly_accessible(true)
                .users(aws_sdk_mq::types::User::builder().username(USER).password(PASSWORD).build())
                .send(),
        );
        let error = again.err().context("a name was given twice")?.into_service_error();
        ensure!(error.is_conflict_exception(), "{error:?}");
        let nowhere = "b-00000000-0000-4000-8000-000000000000";
        let error = world.api.wait(client.reboot_broker().broker_id(nowhere).send());
        let error =
            error.err().context("a broker that is not there was rebooted")?.into_service_error();
        ensure!(error.is_not_found_exception(), "{error:?}");
        let error = world.api.wait(client.list_users().broker_id(&id).send());
        let error = error.err().context("listed users")?.into_service_error();
        ensure!(error.code() == Some("NotImplementedException"), "{error:?}");
        Ok(())
    })
}

#[test]
fn whoever_only_looks_finds_health_metrics_documents_and_the_certificate() -> Result<()> {
    scenario("what is open to everybody", &[], |world| {
        for (path, says) in [
            ("/health/live", "ok"),
            ("/health/ready", "ok"),
            ("/metrics", "# TYPE"),
            ("/openapi.json", "CreateBroker"),
            ("/docs", "<html"),
            ("/brokerd/v1/ca.pem", "BEGIN CERTIFICATE"),
        ] {
            let answer = http::get(world.api.address(), path)?;
            ensure!(answer.status == 200, "{path}: {answer:?}");
            ensure!(answer.body.contains(says), "{path} does not say {says}: {}", answer.body);
        }
        let served = http::get(world.api.address(), "/brokerd/v1/ca.pem")?.body;
        ensure!(
            served.contains(std::fs::read_to_string(world.ca())?.trim()),
            "another certificate"
        );
        let unsigned = http::get(world.api.address(), "/v1/brokers")?;
        ensure!(unsigned.status == 403, "{unsigned:?}");
        ensure!(
            unsigned.header("x-amzn-errortype") == Some("MissingAuthenticationTokenException"),
            "{unsigned:?}"
        );
        ensure!(unsigned.header("x-amzn-requestid").is_some(), "{unsigned:?}");
        let nowhere = world.api.get("/v1/nowhere")?;
        ensure!(nowhere.body.contains("message"), "not even a message: {nowhere:?}");
        Ok(())
    })
}
