//! Logs of brokers: no line is lost and none is there twice, and the tools of CloudWatch Logs read them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use brokerd_tests::{
    Api, LONG_LEASES, NewBroker, PASSWORD, TIMEOUT, USER, World, clients, docker, eventually,
    scenario,
};
use serde_json::{Value, json};

/// How many lines the engine prints while brokerd is killed.
const COUNTED: usize = 1500;

fn group(broker: &str, log: &str) -> String {
    format!("/aws/amazonmq/broker/{broker}/{log}")
}

fn messages(api: &Api, broker: &str, log: &str, pattern: &str) -> Result<Vec<String>> {
    let events = clients::logged(api, &group(broker, log), pattern)?.unwrap_or_default();
    let message = |event: Value| event["message"].as_str().context("a message").map(str::to_owned);
    events.into_iter().map(message).collect()
}

/// What a line of RabbitMQ is as an event: without its domain.
fn without_domain(line: &str) -> String {
    let cut = || {
        let pid = line.find("> ")? + 2;
        let (head, rest) = line.split_at(pid);
        let close = if rest.starts_with('[') { ']' } else { '>' };
        let domain = rest.starts_with('[') || rest.starts_with("<unknown domain>");
        let (name, message) = rest.split_once(close).filter(|_| domain)?;
        let is_name = name.chars().skip(1).all(|c| c.is_ascii_lowercase() || "_, ".contains(c));
        is_name.then(|| format!("{head}{}", message.strip_prefix(' ').unwrap_or(message)))
    };
    if line.starts_with("20") { cut().unwrap_or_else(|| line.to_owned()) } else { line.to_owned() }
}

fn counted(lines: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines.into_iter().filter(|line| !line.trim().is_empty()) {
        *counts.entry(line.trim_end().to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn every_line_of_an_engine_is_an_event_once_although_brokerd_and_the_engine_are_killed()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("logs across kills", LONG_LEASES, |world| {
        let id = world.running(&NewBroker::rabbitmq("logging").logging())?;
        let container = docker::container_of(&id)?;
        // At a pace that RabbitMQ itself does not drop anything at, and that takes longer than two starts of brokerd.
        let program = format!(
            "spawn(fun() -> [begin logger:warning(\"counted ~b.\", [N], #{{domain => [rabbitmq, connection]}}), \
             timer:sleep(8) end || N <- lists:seq(1, {COUNTED})] end)."
        );
        docker::docker(&["exec", &container.id, "rabbitmqctl", "eval", &program])?;
        for _ in 0..2 {
            world.kill9()?;
            world.restart()?;
        }
        let last = format!("\"counted {COUNTED}.\"");
        eventually("the last line is an event", TIMEOUT, || {
            Ok((!messages(&world.api, &id, "connection", &last)?.is_empty()).then_some(()))
        })?;
        let found = messages(&world.api, &id, "connection", "\"counted \"")?;
        ensure!(found.len() == COUNTED, "{} of {COUNTED} lines", found.len());
        for (at, message) in found.iter().enumerate() {
            ensure!(message.ends_with(&format!("> counted {}.", at + 1)), "{at}: {message}");
        }

        docker::inspect(&container.id)?.kill9()?;
        eventually("the engine has booted twice", TIMEOUT, || {
            let boots = messages(&world.api, &id, "general", "\"Time to start RabbitMQ\"")?;
            Ok((boots.len() == 2).then_some(()))
        })?;
        world.api.wait_until_running(&id)?;
        all_of_it_is_there(world, &id, &container.id)?;
        tools_read_it(&world.api, &id)?;

        // Another container follows, and nothing of the first one is lost that it says at its end.
        world.api.reboot(&id)?;
        world.api.wait_until_running(&id)?;
        eventually("the next container is followed", TIMEOUT, || {
            let boots = messages(&world.api, &id, "general", "\"Time to start RabbitMQ\"")?;
            Ok((boots.len() == 3).then_some(()))
        })?;
        let last_words = r#""msg_store_transient" "is stopped""#;
        let stopped = messages(&world.api, &id, "general", last_words)?;
        ensure!(stopped.len() == 1, "the last words of a container: {stopped:?}");

        world.api.delete(&id)?;
        world.api.wait_until_gone(&id)?;
        let left = messages(&world.api, &id, "general", "")?;
        ensure!(!left.is_empty(), "groups outlive their broker");
        for log in ["general", "connection"] {
            let deleted = ["delete-log-group", "--log-group-name", &group(&id, log)];
            clients::aws_logs(&world.api, &deleted)?.map_err(anyhow::Error::msg)?;
        }
        ensure!(clients::logged(&world.api, &group(&id, "general"), "")?.is_none(), "deleted");
        Ok(())
    })
}

/// What the runtime has of a container's output is what the groups have.
fn all_of_it_is_there(world: &World, id: &str, container: &str) -> Result<()> {
    let logs = ["general", "connection", "channel", "queue", "mirroring", "federation", "upgrade"];
    eventually("every line is an event", TIMEOUT, || {
        let printed = docker::log(container)?;
        let printed = counted(printed.lines().map(without_domain));
        let mut events = Vec::new();
        for log in logs {
            events.extend(messages(&world.api, id, log, "")?);
        }
        let events = counted(events);
        for (line, times) in &events {
            let printed = printed.get(line).copied().unwrap_or(0);
            if *times > printed {
                bail!("{times} events, printed {printed} times: {line}");
            }
        }
        Ok((events == printed).then_some(()))
    })
}

fn tools_read_it(api: &Api, id: &str) -> Result<()> {
    let connection = group(id, "connection");
    // The pages that `aws logs tail` of the AWS CLI 2 asks for.
    let filter = ["filter-log-events", "--log-group-name", &connection, "--interleaved"];
    let chosen = ["--filter-pattern", "counted", "--query", "events[].[message]"];
    let filter = [&filter[..], &chosen, &["--output", "text"]].concat();
    let printed = clients::aws_logs(api, &filter)?.map_err(anyhow::Error::msg)?;
    ensure!(printed.lines().count() == COUNTED, "filtered: {} lines", printed.lines().count());
    let stream = format!("rabbitmq-{id}-1.log");
    let forward = clients::stream(api, &connection, &stream, true, 400)?;
    let backward = clients::stream(api, &connection, &stream, false, 333)?;
    ensure!(
        forward == backward && forward.len() >= COUNTED,
        "{} {}",
        forward.len(),
        backward.len()
    );
    let described = ["describe-log-groups", "--log-group-name-prefix", "/aws/amazonmq/broker/"];
    let printed = clients::aws_logs(api, &described)?.map_err(anyhow::Error::msg)?;
    ensure!(printed.contains(&connection) && printed.contains(&group(id, "general")), "{printed}");
    let wrong =
        ["filter-log-events", "--log-group-name", &connection, "--filter-pattern", "{ $.a }"];
    let complaint = clients::aws_logs(api, &wrong)?.err().context("that is no pattern")?;
    ensure!(complaint.contains("InvalidParameterException"), "{complaint}");
    Ok(())
}

#[test]
fn the_audit_log_of_activemq_tells_who_did_what_in_the_web_console() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("audit log of ActiveMQ", &[], |world| {
        let id = world.running(&NewBroker::activemq("audited").logging())?;
        let api = &world.api;
        let groups = api.describe(&id)?.logs.context("its logs")?;
        ensure!(groups.general_log_group() == Some(group(&id, "general").as_str()), "{groups:?}");
        ensure!(groups.audit_log_group() == Some(group(&id, "audit").as_str()), "{groups:?}");
        let page = format!("{}/admin/createDestination.action", api.console(&id)?);
        let url =
            format!("{page}?JMSDestination=orders&JMSDestinationType=queue&secret=form-token");
        eventually("the action is in the audit log", TIMEOUT, || {
            let request = json!({ "url": url, "user": USER, "password": PASSWORD });
            clients::https(&world.ca(), vec![request])?;
            let found = messages(api, &id, "audit", "createDestination")?;
            Ok(found.into_iter().find(|line| line.contains(USER) && line.contains("orders")))
        })
        .and_then(|line| {
            ensure!(!line.contains("form-token"), "{line}");
            Ok(())
        })?;
        let general = messages(api, &id, "general", "")?;
        let is_audited =
            |line: &&String| line.contains("createDestination") && line.contains("orders");
        let stray = general.iter().find(is_audited);
        ensure!(stray.is_none(), "{stray:?} belongs to the audit log");
        ensure!(general.iter().any(|line| line.contains("broker started in")), "{general:?}");
        ensure!(!general.iter().any(|line| line.contains(PASSWORD)), "a password");

        // Audit ends with the next reboot, as in the service.
        let logs = aws_sdk_mq::types::Logs::builder().general(true).audit(false).build();
        api.update(&id, |call| call.logs(logs))?;
        api.reboot(&id)?;
        api.wait_until_running(&id)?;
        let before = messages(api, &id, "audit", "createDestination")?.len();
        let request = json!({ "url": url, "user": USER, "password": PASSWORD });
        eventually("the console answers", TIMEOUT, || {
            Ok(clients::https(&world.ca(), vec![request.clone()]).ok())
        })?;
        eventually("the new container is followed", TIMEOUT, || {
            let boots = messages(api, &id, "general", "\"broker started in\"")?;
            Ok((boots.len() == 2).then_some(()))
        })?;
        let after = messages(api, &id, "audit", "createDestination")?.len();
        ensure!(before == after, "{before} before, {after} afterwards");
        Ok(())
    })
}
