//! Rules and dashboards: every query of them is asked of a real Prometheus that watches a real brokerd with a broker of
//! each engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    NewBroker, World,
    collector::{Collector, Traced},
    docker, eventually, http, machine,
    prometheus::{self, Prometheus},
    scenario,
};
use serde_json::{Value, json};

/// Brokers are sampled once a minute, and what goes by rates needs two samples.
const TIMEOUT: Duration = Duration::from_secs(200);

/// A query, and where it is from.
struct Query {
    from: String,
    expression: String,
    is_alert: bool,
}

#[test]
fn every_query_of_rules_and_dashboards_finds_what_it_asks_for() -> Result<()> {
    let Some(programs) = prometheus::programs()? else { return Ok(()) };
    let collector = Collector::start()?;
    let url = collector.url();
    let settings = [("BROKERD_OTLP_ENDPOINT", url.as_str())];
    scenario("Prometheus", &settings, |world| {
        let rabbit = world.api.create(&NewBroker::rabbitmq("queues"))?;
        let active = world.api.create(&NewBroker::activemq("events"))?;
        world.api.wait_until_running(&rabbit)?;
        world.api.wait_until_running(&active)?;
        a_message_waits_in_a_queue(world, &rabbit)?;
        an_account_has_quotas(world)?;
        only_who_has_the_token_reads(world).context("the token")?;
        let prometheus = Prometheus::start(&programs, world)?;
        targets_are_up(&prometheus).context("targets")?;
        let mut queries = queries()?;
        ensure!(queries.len() > 100, "{} queries", queries.len());
        if !volumes_are_counted(&rabbit)? {
            let why = "this host counts no operations of volumes for each container";
            machine::leave("queries of them", why);
            queries.retain(|query| !query.expression.contains("brokerd_broker_volume_"));
        }
        eventually("every query finds something", TIMEOUT, || {
            let unanswered = unanswered(&prometheus, &queries)?;
            Ok(unanswered.is_empty().then_some(()))
        })
        .with_context(|| format!("{:#?}", unanswered(&prometheus, &queries)))?;
        no_alert_fires_that_should_not(&prometheus)?;
        a_request_and_what_it_causes_are_one_trace(&collector, &rabbit).context("traces")?;
        the_same_metrics_are_pushed(&collector).context("metrics by OTLP")
    })
}

/// Whether the engine knows how often a broker that has written its files read and wrote.
fn volumes_are_counted(broker: &str) -> Result<bool> {
    let id = docker::container_of(broker)?.id;
    let told = docker::docker(&["stats", "--no-stream", "--format", "{{.BlockIO}}", &id])?;
    Ok(told.trim() != "0B / 0B")
}

fn a_message_waits_in_a_queue(world: &World, broker: &str) -> Result<()> {
    world.messenger("amqp091.py", broker, "amqps")?.send("orders", "waits")
}

fn an_account_has_quotas(world: &World) -> Result<()> {
    let quotas = json!({ "brokers": 5, "memoryMib": 65536, "storageGib": 500 });
    let body = json!({ "name": "red", "quotas": quotas }).to_string();
    let answer = world.api.signed("POST", "/brokerd/v1/accounts", &body)?;
    ensure!(answer.status == 200 || answer.status == 201, "{answer:?}");
    Ok(())
}

fn only_who_has_the_token_reads(world: &World) -> Result<()> {
    let token = fs::read_to_string(world.data().join("prometheus-token"))?;
    let ask = |path: &str, token: &str| {
        let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
        http::request(&world.address(), "GET", path, &headers, "")
    };
    for path in ["/brokerd/v1/metrics/brokers", "/brokerd/v1/prometheus/targets"] {
        ensure!(http::get(&world.address(), path)?.status == 401, "{path} without a token");
        ensure!(ask(path, "0123456789abcdef")?.status == 401, "{path} with another token");
        let answer = ask(path, token.trim())?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
    }
    Ok(())
}

/// All jobs have targets, each of which is scraped without an error.
fn targets_are_up(prometheus: &Prometheus) -> Result<()> {
    let mut told = Value::Null;
    let jobs = ["brokerd", "brokerd-brokers", "rabbitmq", "rabbitmq-queues"];
    let is_up = eventually("all targets are up", TIMEOUT, || {
        told = prometheus.get("/api/v1/targets?state=active")?["activeTargets"].clone();
        let targets = told.as_array().context("targets")?;
        let up = |job: &&str| {
            targets.iter().any(|t| t["labels"]["job"] == *job)
                && targets.iter().all(|t| t["labels"]["job"] != *job || t["health"] == "up")
        };
        Ok(jobs.iter().all(up).then_some(()))
    });
    is_up.with_context(|| told.to_string())
}

/// Every expression of every dashboard for Prometheus and of every rule.
fn queries() -> Result<Vec<Query>> {
    let folder = machine::repository().join("observability");
    let mut queries = Vec::new();
    for entry in fs::read_dir(folder.join("dashboards"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let board: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let variables = board["templating"]["list"].as_array().context("variables")?;
        for variable in variables.iter().filter(|v| v["datasource"]["type"] == "prometheus") {
            let query = variable["definition"].as_str().context("a query")?;
            // What lists the values of a label.
            let series = query.trim_start_matches("label_values(").trim_end_matches(')');
            let (series, label) = series.rsplit_once(", ").context("a label")?;
            let expression = format!("count by ({label}) ({series})");
            queries.push(query_of(&format!("{name}: {}", variable["name"]), &expression, false));
        }
        for panel in board["panels"].as_array().context("panels")? {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let Some(expression) = target["expr"].as_str() else { continue };
                let from = format!("{name}: {}", panel["title"]);
                queries.push(query_of(&from, expression, false));
            }
        }
    }
    for entry in fs::read_dir(folder.join("rules"))? {
        queries.extend(rules(&fs::read_to_string(entry?.path())?)?);
    }
    Ok(queries)
}

/// The expressions of a file of rules.
fn rules(text: &str) -> Result<Vec<Query>> {
    let (mut queries, mut lines) = (Vec::new(), text.lines().peekable());
    let (mut from, mut is_alert) = (String::new(), false);
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some((kind, name)) = line.strip_prefix("- ").and_then(|rest| rest.split_once(": ")) {
            (from, is_alert) = (name.to_owned(), kind == "alert");
        }
        let Some(first) = line.strip_prefix("expr: ") else { continue };
        let mut expression = first.trim_start_matches(">-").to_owned();
        if expression.is_empty() {
            // A folded text: until the next key.
            let is_part = |line: &&str| {
                let word = line.trim().split(':').next().unwrap_or_default();
                !["labels", "annotations", "for", "- record", "- alert", "- name"].contains(&word)
            };
            while let Some(part) = lines.next_if(is_part) {
                expression.push(' ');
                expression.push_str(part.trim());
            }
        }
        ensure!(!expression.trim().is_empty(), "{from} has no expression");
        queries.push(query_of(&from, expression.trim(), is_alert));
    }
    Ok(queries)
}

/// As Grafana would ask with all variables on "All".
fn query_of(from: &str, expression: &str, is_alert: bool) -> Query {
    let mut expression = expression.replace("$__range", "5m");
    for variable in ["account", "region", "broker", "vhost", "queue", "process"] {
        expression = expression.replace(&format!("\"${variable}\""), "\".*\"");
    }
    Query { from: from.to_owned(), expression, is_alert }
}

/// The queries that find nothing. An alert finds nothing as long as all is well: what it asks of has to be there.
fn unanswered(prometheus: &Prometheus, queries: &[Query]) -> Result<BTreeMap<String, String>> {
    let mut unanswered = BTreeMap::new();
    for Query { from, expression, is_alert } in queries {
        let found =
            prometheus.query(expression).with_context(|| format!("{from}: {expression}"))?;
        let mut missing = Vec::new();
        if *is_alert {
            for metric in metrics_of(expression) {
                if prometheus.query(&metric)?.is_empty() {
                    missing.push(metric);
                }
            }
        } else if found.is_empty() {
            missing.push(expression.clone());
        }
        if !missing.is_empty() {
            unanswered.insert(from.clone(), missing.join(", "));
        }
    }
    Ok(unanswered)
}

/// The metrics that an expression names.
fn metrics_of(expression: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_part(c));
    let begins = ["brokerd_", "rabbitmq_", "broker:", "brokerd:"];
    words.filter(|w| begins.iter().any(|b| w.starts_with(b))).map(str::to_owned).collect()
}

/// Two healthy brokers are no reason for anybody to get up.
fn no_alert_fires_that_should_not(prometheus: &Prometheus) -> Result<()> {
    let alerts = prometheus.get("/api/v1/alerts")?["alerts"].clone();
    let firing: Vec<_> = alerts
        .as_array()
        .context("alerts")?
        .iter()
        .filter(|alert| alert["state"] == "firing")
        .collect();
    ensure!(firing.is_empty(), "{firing:#?}");
    Ok(())
}

/// The passes that created a broker, and their steps, belong to the trace of its CreateBroker.
fn a_request_and_what_it_causes_are_one_trace(collector: &Collector, broker: &str) -> Result<()> {
    eventually("the passes are in the trace of the request", TIMEOUT, || {
        let spans = collector.spans();
        let is = |span: &Traced, name: &str, value: &str| {
            span.attributes.get(name).is_some_and(|found| found == value)
        };
        let requests = spans.iter().filter(|s| is(s, "aws.operation", "CreateBroker"));
        let belongs = |request: &Traced| {
            let in_trace = |span: &&Traced| span.trace == request.trace;
            let passes = spans.iter().filter(in_trace).filter(|s| is(s, "broker.id", broker));
            let caused: Vec<_> = passes.filter(|s| s.parent == request.id).map(|s| &s.id).collect();
            let is_step = |s: &Traced| s.name == "step" && caused.contains(&&s.parent);
            !caused.is_empty() && spans.iter().any(is_step)
        };
        Ok(requests.into_iter().any(belongs).then_some(()))
    })
    .with_context(|| format!("{} spans", collector.spans().len()))
}

fn the_same_metrics_are_pushed(collector: &Collector) -> Result<()> {
    let wanted = ["brokerd_api_requests", "brokerd_api_request_duration_seconds"];
    eventually("metrics are pushed", TIMEOUT, || {
        let metrics = collector.metrics();
        Ok(wanted.iter().all(|name| metrics.contains_key(*name)).then_some(()))
    })
    .with_context(|| format!("{:?}", collector.metrics()))
}
