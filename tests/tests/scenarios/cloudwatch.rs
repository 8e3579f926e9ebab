//! CloudWatch's API with the clients that people have.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_mq::primitives::{DateTime, DateTimeFormat};
use brokerd_tests::{
    Management, NewBroker, PASSWORD, USER, World,
    clients::{self, Terraform},
    eventually, scenario,
    sdk::{Client, Kind},
};
use serde_json::{Value, json};

/// How many messages there are.
const MESSAGES: f64 = 7.0;
/// How long a value of a minute may take to be there.
const A_MINUTE_OR_TWO: Duration = Duration::from_secs(150);
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:on-call";

/// ISO 8601, so many seconds from now.
fn moment(seconds: i64) -> Result<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "brokers are measured by the clock of the machine"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let at = DateTime::from_secs(i64::try_from(now)? + seconds);
    Ok(at.fmt(DateTimeFormat::DateTime)?)
}

/// GetMetricData of the messages of a broker.
fn messages(broker: &str) -> Result<Value> {
    Ok(json!({
        "MetricDataQueries": [{
            "Id": "m1",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/AmazonMQ",
                    "MetricName": "MessageCount",
                    "Dimensions": [{ "Name": "Broker", "Value": broker }],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }],
        "StartTime": moment(-900)?,
        "EndTime": moment(60)?,
    }))
}

fn alarm(broker: &str) -> Value {
    json!({
        "AlarmName": "too-long",
        "Namespace": "AWS/AmazonMQ",
        "MetricName": "MessageCount",
        "Dimensions": [{ "Name": "Broker", "Value": broker }],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": MESSAGES - 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [TOPIC],
        "OKActions": [TOPIC],
    })
}

/// A webhook that takes everything; what it was sent.
fn webhook() -> Result<(String, Arc<Mutex<Vec<Value>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let taken = Arc::<Mutex<Vec<Value>>>::default();
    let taking = Arc::clone(&taken);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut read = Vec::new();
            let mut bytes = [0; 4096];
            // A notification has no length but that of its JSON.
            let body = loop {
                match stream.read(&mut bytes) {
                    Ok(length) if length > 0 => read.extend_from_slice(&bytes[..length]),
                    _ => break None,
                }
                let text = String::from_utf8_lossy(&read).into_owned();
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(Ok(body)) = body.map(serde_json::from_str::<Value>) {
                    break Some(body);
                }
            };
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            if let Some(body) = body {
                taking.lock().unwrap_or_else(PoisonError::into_inner).push(body);
            }
        }
    });
    Ok((url, taken))
}

#[test]
fn every_client_reads_a_metric_and_an_alarm_fires_and_clears() -> Result<()> {
    let (url, taken) = webhook()?;
    let topics = format!("arn:aws:sns:*:*:on-call={url}");
    scenario("CloudWatch by every client", &[("BROKERD_ALARMS_TOPICS", &topics)], |world| {
        if !Kind::Boto3.is_here()? {
            return Ok(());
        }
        let id = world.running(&NewBroker::rabbitmq("orders"))?;
        let management = Management::of(world, &id, USER, PASSWORD)?;
        let mut requests = vec![("PUT", "queues/%2f/in", json!({ "durable": true }))];
        for _ in 0..7 {
            let message = json!({
                "routing_key": "in", "payload": "x", "payload_encoding": "string",
                "properties": { "delivery_mode": 2 },
            });
            requests.push(("POST", "exchanges/%2f/amq.default/publish", message));
        }
        management.change(&requests)?;
        let mut boto3 = Client::new(Kind::Boto3, &world.api)?;
        wait_for_messages(&mut boto3, MESSAGES)?;
        for kind in [Kind::Boto3, Kind::JavaScript, Kind::Go, Kind::Java, Kind::Rust] {
            if kind.is_here()? {
                let mut client = Client::new(kind, &world.api)?;
                reads(&mut client).with_context(|| format!("{kind:?}"))?;
            }
        }
        the_aws_cli_reads(world).context("the AWS CLI")?;
        an_old_botocore_reads(world).context("an old botocore")?;

        boto3.ok_of("cloudwatch", "PutMetricAlarm", &alarm("orders"))?;
        let fired = told(&taken, "ALARM")?;
        ensure!(fired["TopicArn"] == TOPIC && fired["Type"] == "Notification", "{fired}");
        management.change(&[("DELETE", "queues/%2f/in/contents", Value::Null)])?;
        wait_for_messages(&mut boto3, 0.0)?;
        // Who changes an alarm has it evaluated at once.
        boto3.ok_of("cloudwatch", "PutMetricAlarm", &alarm("orders"))?;
        told(&taken, "OK")?;
        let events = world.api.events(&id)?;
        for state in ["INSUFFICIENT_DATA to ALARM", "ALARM to OK"] {
            let is_told =
                events.iter().any(|(_, m)| m.starts_with(&format!("alarm too-long: {state}")));
            ensure!(is_told, "{state}: {events:?}");
        }
        let history = boto3.ok_of(
            "cloudwatch",
            "DescribeAlarmHistory",
            &json!({ "HistoryItemType": "Action" }),
        )?;
        let items = history["AlarmHistoryItems"].as_array().context("items")?;
        let is_done =
            |one: &Value| one["HistorySummary"] == format!("Successfully executed action {TOPIC}");
        ensure!(items.len() == 2 && items.iter().all(is_done), "{history}");
        Ok(())
    })
}

/// The newest value of the messages.
fn newest(client: &mut Client) -> Result<Option<f64>> {
    let answer = client.ok_of("cloudwatch", "GetMetricData", &messages("orders")?)?;
    let result = &answer["MetricDataResults"][0];
    ensure!(result["StatusCode"] == "Complete" && result["Label"] == "MessageCount", "{answer}");
    Ok(result["Values"][0].as_f64())
}

fn wait_for_messages(client: &mut Client, count: f64) -> Result<()> {
    eventually(&format!("{count} messages are measured"), A_MINUTE_OR_TWO, || {
        Ok((newest(client)? == Some(count)).then_some(()))
    })
}

/// What a client sees of the metric, and of an error.
fn reads(client: &mut Client) -> Result<()> {
    ensure!(newest(client)? == Some(MESSAGES), "another value");
    let listed =
        client.ok_of("cloudwatch", "ListMetrics", &json!({ "MetricName": "MessageCount" }))?;
    let metric = &listed["Metrics"][0];
    ensure!(metric["Namespace"] == "AWS/AmazonMQ", "{listed}");
    ensure!(metric["Dimensions"][0] == json!({ "Name": "Broker", "Value": "orders" }), "{listed}");
    let wrong = json!({ "Namespace": ":no" });
    let refused = client.refused_of("cloudwatch", "ListMetrics", &wrong)?;
    let code = refused.code.as_deref().unwrap_or_default();
    ensure!(
        ["InvalidParameterValue", "InvalidParameterValueException"].contains(&code),
        "{refused:?}"
    );
    ensure!(refused.status == Some(400) && refused.message.contains("Namespace"), "{refused:?}");
    Ok(())
}

fn the_aws_cli_reads(world: &World) -> Result<()> {
    let (start, end) = (moment(-900)?, moment(60)?);
    let arguments = [
        "get-metric-statistics",
        "--namespace",
        "AWS/AmazonMQ",
        "--metric-name",
        "MessageCount",
        "--dimensions",
        "Name=Broker,Value=orders",
        "--statistics",
        "Maximum",
        "--period",
        "60",
        "--start-time",
        &start,
        "--end-time",
        &end,
    ];
    let printed = clients::aws_service(&world.api, "cloudwatch", &arguments)?;
    let printed = printed.map_err(anyhow::Error::msg)?;
    let points = printed["Datapoints"].as_array().context("points")?;
    ensure!(points.iter().any(|point| point["Maximum"] == MESSAGES), "{printed}");
    ensure!(points.iter().all(|point| point["Unit"] == "Count"), "{printed}");
    Ok(())
}

fn an_old_botocore_reads(world: &World) -> Result<()> {
    let Some(answer) =
        clients::cloudwatch_by_query(&world.api, "GetMetricData", &messages("orders")?)?
    else {
        return Ok(());
    };
    ensure!(answer["MetricDataResults"][0]["Values"][0] == MESSAGES, "{answer}");
    Ok(())
}

/// The notification of a state, as soon as the webhook has it.
fn told(taken: &Mutex<Vec<Value>>, state: &str) -> Result<Value> {
    eventually(&format!("the webhook is told {state}"), Duration::from_secs(90), || {
        let taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &&Value| {
            let message = one["Message"].as_str().unwrap_or_default();
            let message: Value = serde_json::from_str(message).unwrap_or_default();
            message["NewStateValue"] == state
        };
        if taken.iter().filter(is_it).count() > 1 {
            bail!("it was told {state} twice");
        }
        Ok(taken.iter().find(is_it).cloned())
    })
}

#[test]
fn terraform_makes_alarms_and_settles() -> Result<()> {
    scenario("alarms by Terraform", &[], |world| {
        let Some(mut terraform) = Terraform::of(world, "alarms", &[])? else { return Ok(()) };
        for threshold in ["1000", "2000"] {
            terraform.set("threshold", threshold);
            let applied = terraform.apply()?;
            ensure!(applied.code == Some(0), "{}", applied.printed);
            let differences = terraform.differences()?;
            ensure!(differences.is_empty(), "the plan is not empty: {differences:#?}");
        }
        terraform.destroy()
    })
}
