//! Alarms.

use serde_json::{Value, json};

use super::{FORMS, Form, messages, numbers};
use crate::{
    query::{Who, allow},
    support::{Client, TestApi},
};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:on-call";

/// An alarm on more than three messages.
fn alarm(name: &str) -> Value {
    json!({
        "AlarmName": name,
        "AlarmDescription": "too many",
        "ActionsEnabled": true,
        "AlarmActions": [TOPIC],
        "MetricName": "MessageCount",
        "Namespace": "AWS/AmazonMQ",
        "Statistic": "Average",
        "Dimensions": [{"Name": "Broker", "Value": "orders"}],
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 3.5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    })
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}")
}

#[tokio::test]
async fn terraform_puts_describes_tags_and_deletes_an_alarm_in_every_protocol() {
    let api = TestApi::start().await;
    for form in FORMS {
        let name = format!("queue is long {form:?}");
        let mut wanted = alarm(&name);
        wanted["Tags"] = json!([{"Key": "team", "Value": "red"}]);
        let put = api.cloudwatch(form, "PutMetricAlarm", &wanted).await;
        assert_eq!(put.status, 200, "{put:?}");
        let described = json!({"AlarmNames": [name], "AlarmTypes": ["MetricAlarm"]});
        let told = api.cloudwatch(form, "DescribeAlarms", &described).await.ok();
        let found = &told["MetricAlarms"][0];
        for (member, value) in wanted.as_object().expect("members") {
            match (member.as_str(), form) {
                ("Tags", _) => {}
                ("Period" | "EvaluationPeriods" | "DatapointsToAlarm" | "Threshold", _) => {
                    assert_eq!(numbers(&json!([found[member]])), numbers(&json!([value])));
                }
                ("ActionsEnabled", Form::Query) => assert_eq!(found[member], "true"),
                _ => assert_eq!(&found[member], value, "{form:?} {member}"),
            }
        }
        assert_eq!(found["AlarmArn"], arn(&name));
        assert_eq!(found["StateValue"], "INSUFFICIENT_DATA");
        assert_eq!(found["StateReason"], "Unchecked: Initial alarm creation");

        let of = |more: Value| {
            let mut input = json!({"ResourceARN": arn(&name)});
            for (member, value) in more.as_object().expect("members") {
                input[member] = value.clone();
            }
            input
        };
        let tags = async || {
            let told = api.cloudwatch(form, "ListTagsForResource", &of(json!({}))).await.ok();
            told["Tags"].clone()
        };
        assert_eq!(tags().await, json!([{"Key": "team", "Value": "red"}]), "{form:?}");
        let more = of(json!({"Tags": [{"Key": "stage", "Value": "test"}]}));
        api.cloudwatch(form, "TagResource", &more).await.ok();
        api.cloudwatch(form, "UntagResource", &of(json!({"TagKeys": ["team"]}))).await.ok();
        assert_eq!(tags().await, json!([{"Key": "stage", "Value": "test"}]), "{form:?}");

        let names = json!({"AlarmNames": [name]});
        api.cloudwatch(form, "DeleteAlarms", &names).await.ok();
        let told = api.cloudwatch(form, "DescribeAlarms", &described).await.ok();
        assert_eq!(told["MetricAlarms"].as_array().map_or(0, Vec::len), 0, "{form:?}");
        let gone = api.cloudwatch(form, "DeleteAlarms", &names).await;
        assert_eq!((gone.status, gone.refusal(form).0.as_str()), (404, "ResourceNotFound"));
        let gone = api.cloudwatch(form, "ListTagsForResource", &of(json!({}))).await;
        assert_eq!(
            (gone.status, gone.refusal(form).0.as_str()),
            (404, "ResourceNotFoundException")
        );
    }
    api.stop().await;
}

#[tokio::test]
async fn an_alarm_that_is_put_again_keeps_its_state_and_its_tags() {
    let api = TestApi::start().await;
    let mut wanted = alarm("long");
    wanted["Tags"] = json!([{"Key": "team", "Value": "red"}]);
    let json = Form::Json;
    api.cloudwatch(json, "PutMetricAlarm", &wanted).await.ok();
    let state = json!({"AlarmName": "long", "StateValue": "ALARM", "StateReason": "by hand",
        "StateReasonData": "{\"a\": 1}"});
    api.cloudwatch(json, "SetAlarmState", &state).await.ok();
    wanted["Threshold"] = json!(9);
    wanted["Tags"] = json!([{"Key": "team", "Value": "blue"}]);
    api.cloudwatch(json, "PutMetricAlarm", &wanted).await.ok();
    let told = api.cloudwatch(json, "DescribeAlarms", &json!({"StateValue": "ALARM"})).await.ok();
    let found = &told["MetricAlarms"][0];
    assert_eq!((&found["Threshold"], &found["StateReason"]), (&json!(9.0), &json!("by hand")));
    let tags =
        api.cloudwatch(json, "ListTagsForResource", &json!({"ResourceARN": arn("long")})).await;
    assert_eq!(tags.ok()["Tags"], json!([{"Key": "team", "Value": "red"}]));
    api.stop().await;
}

#[tokio::test]
async fn alarms_are_found_by_what_they_have_and_in_pages() {
    let api = TestApi::start().await;
    for name in ["b-1", "a-2", "a-1", "a-3"] {
        api.cloudwatch(Form::Json, "PutMetricAlarm", &alarm(name)).await.ok();
    }
    let names = async |input: Value| {
        let told = api.cloudwatch(Form::Json, "DescribeAlarms", &input).await.ok();
        let all = told["MetricAlarms"].as_array().expect("alarms").clone();
        let names: Vec<_> =
            all.iter().map(|one| one["AlarmName"].as_str().expect("a name").to_owned()).collect();
        (names, told["NextToken"].as_str().map(str::to_owned))
    };
    assert_eq!(names(json!({})).await.0, ["a-1", "a-2", "a-3", "b-1"]);
    assert_eq!(
        names(json!({"AlarmNamePrefix": "a-", "StateValue": "INSUFFICIENT_DATA"})).await.0.len(),
        3
    );
    assert_eq!(names(json!({"StateValue": "OK"})).await.0.len(), 0);
    assert_eq!(names(json!({"ActionPrefix": "arn:aws:sns:us-east-1:"})).await.0.len(), 4);
    assert_eq!(names(json!({"ActionPrefix": "arn:aws:sns:eu-west-1:"})).await.0.len(), 0);
    assert_eq!(names(json!({"AlarmTypes": ["CompositeAlarm"]})).await.0.len(), 0);
    let (first, token) = names(json!({"MaxRecords": 3})).await;
    let token = token.expect("a token");
    let (second, last) = names(json!({"MaxRecords": 3, "NextToken": token})).await;
    assert_eq!((first.len(), second, last), (3, vec!["b-1".to_owned()], None));

    let mut of_metric = json!({"MetricName": "MessageCount", "Namespace": "AWS/AmazonMQ",
        "Dimensions": [{"Name": "Broker", "Value": "orders"}]});
    let count = async |input: &Value| {
        let told = api.cloudwatch(Form::Cbor, "DescribeAlarmsForMetric", input).await.ok();
        told["MetricAlarms"].as_array().expect("alarms").len()
    };
    assert_eq!(count(&of_metric).await, 4);
    of_metric["Statistic"] = json!("Sum");
    assert_eq!(count(&of_metric).await, 0);
    of_metric["Statistic"] = json!("Average");
    of_metric["Dimensions"] = json!([]);
    assert_eq!(count(&of_metric).await, 0);
    api.stop().await;
}

#[tokio::test]
async fn the_history_tells_what_happened_and_outlives_the_alarm() {
    let api = TestApi::start().await;
    let json = Form::Json;
    api.cloudwatch(json, "PutMetricAlarm", &alarm("long")).await.ok();
    let state =
        |value: &str| json!({"AlarmName": "long", "StateValue": value, "StateReason": "test"});
    api.cloudwatch(json, "SetAlarmState", &state("ALARM")).await.ok();
    // The same state again is no change.
    api.cloudwatch(json, "SetAlarmState", &state("ALARM")).await.ok();
    let names = json!({"AlarmNames": ["long", "nowhere"]});
    api.cloudwatch(json, "DisableAlarmActions", &names).await.ok();
    api.cloudwatch(json, "SetAlarmState", &state("OK")).await.ok();
    api.cloudwatch(json, "EnableAlarmActions", &names).await.ok();
    api.cloudwatch(json, "DeleteAlarms", &json!({"AlarmNames": ["long"]})).await.ok();
    let history = async |form: Form, input: Value| {
        let told = api.cloudwatch(form, "DescribeAlarmHistory", &input).await.ok();
        let items = told["AlarmHistoryItems"].as_array().expect("items").clone();
        let summary = |one: &Value| one["HistorySummary"].as_str().expect("a summary").to_owned();
        (
            items.iter().map(summary).collect::<Vec<_>>(),
            told["NextToken"].as_str().map(str::to_owned),
        )
    };
    let all = [
        "Alarm \"long\" deleted",
        "Alarm \"long\" updated",
        "Alarm updated from ALARM to OK",
        "Alarm \"long\" updated",
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        "Alarm \"long\" created",
    ];
    for form in FORMS {
        assert_eq!(history(form, json!({"AlarmName": "long"})).await.0, all, "{form:?}");
    }
    let oldest = json!({"ScanBy": "TimestampAscending", "MaxRecords": 4});
    let (first, token) = history(json, oldest.clone()).await;
    let mut next = oldest;
    next["NextToken"] = json!(token.expect("a token"));
    let (second, last) = history(json, next).await;
    let mut together = [first, second].concat();
    together.reverse();
    assert_eq!((together, last), (all.map(str::to_owned).to_vec(), None));
    let changes = history(json, json!({"HistoryItemType": "StateUpdate"})).await.0;
    assert_eq!(changes, [all[2], all[4]]);
    assert_eq!(history(json, json!({"AlarmName": "other"})).await.0.len(), 0);
    assert_eq!(history(json, json!({"EndDate": 1000})).await.0.len(), 0);
    api.stop().await;
}

#[tokio::test]
async fn a_change_of_state_is_an_event_of_the_broker_and_a_notification_unless_actions_are_disabled()
 {
    let api = TestApi::start().await;
    let id = api.broker_with_messages("orders", &[1.0]).await;
    let json = Form::Json;
    api.cloudwatch(json, "PutMetricAlarm", &alarm("long")).await.ok();
    let state =
        |value: &str| json!({"AlarmName": "long", "StateValue": value, "StateReason": "test"});
    api.cloudwatch(json, "SetAlarmState", &state("ALARM")).await.ok();
    api.cloudwatch(json, "DisableAlarmActions", &json!({"AlarmNames": ["long"]})).await.ok();
    api.cloudwatch(json, "SetAlarmState", &state("OK")).await.ok();
    api.cloudwatch(json, "SetAlarmState", &state("ALARM")).await.ok();
    let deliveries = api.store.take_due_deliveries(10).await.expect("read");
    let [delivery] = &deliveries[..] else { panic!("one notification: {deliveries:?}") };
    assert_eq!((delivery.action.as_str(), delivery.alarm.as_str()), (TOPIC, "long"));
    let message: Value = serde_json::from_str(&delivery.notification.message).expect("JSON");
    assert_eq!(message["NewStateValue"], "ALARM");
    assert_eq!(message["OldStateValue"], "INSUFFICIENT_DATA");
    let events = api.call("GET", &format!("/brokerd/v1/brokers/{id}/events"), "").await.json();
    let told: Vec<_> = events["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["message"].as_str())
        .filter(|message| message.starts_with("alarm long: "))
        .collect();
    assert_eq!(
        told,
        [
            "alarm long: OK to ALARM: test",
            "alarm long: ALARM to OK: test",
            "alarm long: INSUFFICIENT_DATA to ALARM: test"
        ]
    );
    api.stop().await;
}

#[tokio::test]
async fn alarms_on_expressions_are_kept_as_they_came() {
    let api = TestApi::start().await;
    let mut wanted = alarm("math");
    for member in ["MetricName", "Namespace", "Statistic", "Dimensions", "Period"] {
        wanted.as_object_mut().expect("members").remove(member);
    }
    let mut metric = messages("orders", 1)["MetricDataQueries"][0].clone();
    metric["ReturnData"] = json!(false);
    wanted["Metrics"] = json!([
        metric,
        {"Id": "e1", "Expression": "FILL(m1, 0) * 2", "Label": "twice", "ReturnData": true},
    ]);
    api.cloudwatch(Form::Cbor, "PutMetricAlarm", &wanted).await.ok();
    let told = api.cloudwatch(Form::Cbor, "DescribeAlarms", &json!({})).await.ok();
    assert_eq!(told["MetricAlarms"][0]["Metrics"], wanted["Metrics"]);
    assert_eq!(told["MetricAlarms"][0].get("MetricName"), None);
    api.stop().await;
}

#[tokio::test]
async fn what_is_no_alarm_is_refused_in_every_protocol() {
    let api = TestApi::start().await;
    let changed = |change: fn(&mut Value)| {
        let mut input = alarm("a");
        change(&mut input);
        input
    };
    let put = "PutMetricAlarm";
    for (operation, input, code) in [
        (put, changed(|one| one["Statistic"] = json!("p99")), "InvalidParameterValue"),
        (put, changed(|one| one["ComparisonOperator"] = json!("x")), "ValidationError"),
        (
            put,
            changed(|one| one["AlarmActions"] = json!(["https://example.com"])),
            "ValidationError",
        ),
        (put, changed(|one| one["DatapointsToAlarm"] = json!(4)), "ValidationError"),
        (put, changed(|one| one["TreatMissingData"] = json!("x")), "ValidationError"),
        (put, changed(|one| one["EvaluationInterval"] = json!(60)), "UnsupportedOperation"),
        (
            put,
            changed(|one| one["Tags"] = json!([{"Key": "aws:x", "Value": ""}])),
            "InvalidParameterValue",
        ),
        (put, json!({}), "MissingParameter"),
        (
            "SetAlarmState",
            json!({"AlarmName": "x", "StateValue": "OK", "StateReason": "y"}),
            "ResourceNotFound",
        ),
        (
            "SetAlarmState",
            json!({"AlarmName": "x", "StateValue": "FINE", "StateReason": "y"}),
            "ValidationError",
        ),
        (
            "SetAlarmState",
            json!({"AlarmName": "x", "StateValue": "OK", "StateReason": "y", "StateReasonData": "{"}),
            "InvalidFormat",
        ),
        ("DescribeAlarms", json!({"MaxRecords": 101}), "ValidationError"),
        (
            "DescribeAlarms",
            json!({"AlarmNames": ["a"], "AlarmNamePrefix": "a"}),
            "InvalidParameterCombination",
        ),
        ("DescribeAlarms", json!({"NextToken": "x"}), "InvalidNextToken"),
        ("DescribeAlarmHistory", json!({"HistoryItemType": "x"}), "ValidationError"),
        ("DescribeAlarmHistory", json!({"NextToken": "x"}), "InvalidNextToken"),
        ("TagResource", json!({"ResourceARN": "arn:aws:mq:x"}), "InvalidParameterValue"),
        (
            "TagResource",
            json!({"ResourceARN": arn("x"), "Tags": [{"Key": "a", "Value": "b"}]}),
            "ResourceNotFoundException",
        ),
        (
            "UntagResource",
            json!({"ResourceARN": arn("x"), "TagKeys": ["a"]}),
            "ResourceNotFoundException",
        ),
    ] {
        for form in FORMS {
            let told = api.cloudwatch(form, operation, &input).await;
            let (found, message) = told.refusal(form);
            assert_eq!(found, code, "{form:?} {operation} {input}: {message}");
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn an_account_sees_and_changes_its_own_alarms_only() {
    let api = TestApi::start().await;
    api.cloudwatch(Form::Json, "PutMetricAlarm", &alarm("long")).await.ok();
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    let bob = Who::from(&Client::new("AKIABOB", "bob-secret", "us-east-1"));
    let elsewhere = Who::from(&Client::new("AKIAALICE", "alice-secret", "eu-west-1"));
    for who in [bob, elsewhere] {
        let ask = async |operation: &str, input: Value| {
            api.cloudwatch_as(Form::Json, &who, operation, &input).await
        };
        let listed = ask("DescribeAlarms", json!({})).await.ok();
        assert_eq!(listed["MetricAlarms"], json!([]));
        let history = ask("DescribeAlarmHistory", json!({"AlarmName": "long"})).await.ok();
        assert_eq!(history["AlarmHistoryItems"], json!([]));
        let names = json!({"AlarmNames": ["long"]});
        assert_eq!(ask("DeleteAlarms", names.clone()).await.status, 404);
        ask("DisableAlarmActions", names).await.ok();
        let arn = json!({"ResourceARN": arn("long"), "Tags": [{"Key": "a", "Value": "b"}]});
        assert_eq!(ask("TagResource", arn.clone()).await.status, 404);
        assert_eq!(ask("ListTagsForResource", arn).await.status, 404);
        // The same name is another alarm.
        ask("PutMetricAlarm", alarm("long")).await.ok();
        ask("DeleteAlarms", json!({"AlarmNames": ["long"]})).await.ok();
    }
    let own = api.cloudwatch(Form::Json, "DescribeAlarms", &json!({})).await.ok();
    assert_eq!(own["MetricAlarms"][0]["ActionsEnabled"], true);
    api.stop().await;
}

#[tokio::test]
async fn policies_see_the_arn_and_the_tags_of_alarms() {
    let api = TestApi::start().await;
    let mut tagged = alarm("red");
    tagged["Tags"] = json!([{"Key": "team", "Value": "red"}]);
    api.cloudwatch(Form::Json, "PutMetricAlarm", &tagged).await.ok();
    api.cloudwatch(Form::Json, "PutMetricAlarm", &alarm("blue")).await.ok();
    let of_red = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "cloudwatch:SetAlarmState", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}},
    }]});
    let red = api.caller_named("red", Some(&of_red.to_string())).await;
    let putter = api.caller_named("putter", Some(&allow("cloudwatch:PutMetricAlarm"))).await;
    let state = |name: &str| json!({"AlarmName": name, "StateValue": "OK", "StateReason": "y"});
    api.cloudwatch_as(Form::Json, &red, "SetAlarmState", &state("red")).await.ok();
    let refused = api.cloudwatch_as(Form::Json, &red, "SetAlarmState", &state("blue")).await;
    let (code, message) = refused.refusal(Form::Json);
    assert_eq!(code, "AccessDenied");
    assert!(
        message.contains(&format!("cloudwatch:SetAlarmState on resource: {}", arn("blue"))),
        "{message}"
    );
    // Tags need a permission of their own.
    api.cloudwatch_as(Form::Json, &putter, "PutMetricAlarm", &alarm("green")).await.ok();
    let refused = api.cloudwatch_as(Form::Json, &putter, "PutMetricAlarm", &tagged).await;
    assert!(refused.refusal(Form::Json).1.contains("cloudwatch:TagResource"), "{refused:?}");
    api.stop().await;
}
