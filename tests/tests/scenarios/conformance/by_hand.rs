//! Clients as people use them, and what is open to everybody.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode, EngineType};
use brokerd_tests::{
    NewBroker, PASSWORD, TIMEOUT, USER, api::explained, clients, eventually, http, scenario,
};
use serde_json::{Value, json};

#[test]
fn the_aws_cli_is_used_as_people_use_it() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("the AWS CLI by hand", &[], |world| {
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
        eventually("the broker runs", TIMEOUT, running)?;
        let broker = aws(&["describe-broker", "--broker-id", id])?;
        ensure!(
            broker["BrokerInstances"][0]["Endpoints"].as_array().is_some_and(|e| e.len() == 5),
            "{broker}"
        );
        aws(&["reboot-broker", "--broker-id", id])?;
        eventually("the broker runs again", TIMEOUT, running)?;
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
    scenario("the types of the Rust SDK", &[], |world| {
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
        Ok(())
    })
}

#[test]
fn health_documents_and_the_certificate_are_open_to_everybody() -> Result<()> {
    scenario("what is open to everybody", &[], |world| {
        for (path, says) in [
            ("/health/live", "ok"),
            ("/health/ready", "ok"),
            ("/openapi.json", "CreateBroker"),
            ("/docs", "<html"),
            ("/brokerd/v1/ca.pem", "BEGIN CERTIFICATE"),
        ] {
            let answer = http::get(world.api.address(), path)?;
            ensure!(answer.status == 200, "{path}: {answer:?}");
            ensure!(answer.body.contains(says), "{path} does not say {says}: {}", answer.body);
        }
        // Metrics are not public: they have a listener of their own.
        ensure!(http::get(world.api.address(), "/metrics")?.status == 404);
        ensure!(world.metrics()?.contains("# TYPE brokerd_api_requests counter"));
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
