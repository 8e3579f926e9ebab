//! ListMetrics, GetMetricData, GetMetricStatistics.

use brokerd_domain::metric::MetricName;
use serde_json::{Value, json};

use super::{FORMS, Form, MINUTE, messages, numbers, seconds};
use crate::support::TestApi;

fn expression(id: &str, text: &str) -> Value {
    json!({"Id": id, "Expression": text})
}

/// Labels and values of all results.
fn results(answer: &Value) -> Vec<(String, Vec<f64>)> {
    let all = answer["MetricDataResults"].as_array().expect("results");
    let result =
        |one: &Value| (one["Label"].as_str().expect("a label").to_owned(), numbers(&one["Values"]));
    all.iter().map(result).collect()
}

#[tokio::test]
async fn every_protocol_tells_the_same_of_a_metric() {
    let api = TestApi::start().await;
    api.broker_with_messages("orders", &[1.0, 3.0, 5.5]).await;
    for form in FORMS {
        let listed = api.cloudwatch(form, "ListMetrics", &json!({})).await.ok();
        assert_eq!(
            listed["Metrics"],
            json!([{
                "Namespace": "AWS/AmazonMQ",
                "MetricName": "MessageCount",
                "Dimensions": [{"Name": "Broker", "Value": "orders"}],
            }]),
            "{form:?}"
        );
        let data = api.cloudwatch(form, "GetMetricData", &messages("orders", 5)).await.ok();
        let result = &data["MetricDataResults"][0];
        assert_eq!((&result["Id"], &result["Label"]), (&json!("m1"), &json!("MessageCount")));
        assert_eq!(numbers(&result["Values"]), [1.0, 3.0, 5.5], "{form:?}");
        let times: Vec<i64> =
            result["Timestamps"].as_array().expect("times").iter().map(seconds).collect();
        assert_eq!(times, [MINUTE, MINUTE + 60, MINUTE + 120], "{form:?}");
        assert_eq!(result["StatusCode"], "Complete");

        let statistics = json!({
            "Namespace": "AWS/AmazonMQ",
            "MetricName": "MessageCount",
            "Dimensions": [{"Name": "Broker", "Value": "orders"}],
            "StartTime": MINUTE,
            "EndTime": MINUTE + 300,
            "Period": 300,
            "Statistics": ["Average", "Sum", "Minimum", "Maximum", "SampleCount"],
        });
        let told = api.cloudwatch(form, "GetMetricStatistics", &statistics).await.ok();
        assert_eq!(told["Label"], "MessageCount");
        let points = told["Datapoints"].as_array().expect("points");
        assert_eq!((points.len(), seconds(&points[0]["Timestamp"])), (1, MINUTE), "{form:?}");
        let of = |name: &str| numbers(&json!([points[0][name]]))[0];
        assert_eq!(
            ["Average", "Sum", "Minimum", "Maximum", "SampleCount"].map(of),
            [9.5 / 3.0, 9.5, 1.0, 5.5, 3.0],
            "{form:?}"
        );
        assert_eq!(points[0]["Unit"], "Count");
    }
    api.stop().await;
}

#[tokio::test]
async fn metrics_are_listed_by_what_they_have_and_in_pages() {
    let api = TestApi::start().await;
    for name in ["orders", "billing"] {
        let id = api.broker_with_messages(name, &[1.0]).await;
        api.measure(&id, MetricName::QueueCount, name, &[2.0]).await;
    }
    let count = async |input: Value| {
        let listed = api.cloudwatch(Form::Json, "ListMetrics", &input).await.ok();
        listed["Metrics"].as_array().expect("metrics").len()
    };
    assert_eq!(count(json!({})).await, 4);
    assert_eq!(count(json!({"MetricName": "QueueCount"})).await, 2);
    assert_eq!(count(json!({"Namespace": "AWS/AmazonMQ", "RecentlyActive": "PT3H"})).await, 4);
    assert_eq!(count(json!({"Namespace": "AWS/EC2"})).await, 0);
    assert_eq!(count(json!({"Dimensions": [{"Name": "Broker"}]})).await, 4);
    assert_eq!(count(json!({"Dimensions": [{"Name": "Broker", "Value": "orders"}]})).await, 2);
    assert_eq!(count(json!({"Dimensions": [{"Name": "Queue"}]})).await, 0);
    assert_eq!(count(json!({"OwningAccount": "111111111111"})).await, 0);
    let linked = json!({"IncludeLinkedAccounts": true, "MetricName": "QueueCount"});
    let linked = api.cloudwatch(Form::Json, "ListMetrics", &linked).await.ok();
    assert_eq!(linked["OwningAccounts"], json!(["000000000000", "000000000000"]));
    // Two weeks later nobody has measured anything for long.
    api.clock.advance_seconds(15 * 86_400);
    assert_eq!(count(json!({})).await, 0);
    api.stop().await;
}

#[tokio::test]
async fn expressions_and_searches_are_computed_as_grafana_sends_them() {
    let api = TestApi::start().await;
    api.broker_with_messages("orders", &[1.0, 3.0]).await;
    api.broker_with_messages("billing", &[10.0, 20.0]).await;
    let ask = async |queries: Vec<Value>| {
        let mut input = messages("orders", 5);
        let all = input["MetricDataQueries"].as_array_mut().expect("queries");
        all.extend(queries);
        api.cloudwatch(Form::Cbor, "GetMetricData", &input).await
    };
    let search = r#"SEARCH('{"AWS/AmazonMQ","Broker"} MetricName="MessageCount" "Broker"=("orders" OR "billing")', 'Sum', 60)"#;
    let mut labelled = expression("labelled", search);
    labelled["Label"] = json!("${LABEL}|&|${PROP('Dim.Broker')}|&|${PROP('Stat')}");
    let answer = ask(vec![
        expression("double", "m1 * 2"),
        expression("rate", "RATE(m1)"),
        expression("all", search),
        expression("total", &format!("SUM({search})")),
        labelled,
        expression("filled", "FILL(m1, 0)"),
        expression("sum", "SUM(METRICS())"),
    ])
    .await
    .ok();
    assert_eq!(
        results(&answer),
        [
            ("MessageCount".to_owned(), vec![1.0, 3.0]),
            ("double".to_owned(), vec![2.0, 6.0]),
            ("MessageCount".to_owned(), vec![2.0 / 60.0]),
            ("billing".to_owned(), vec![10.0, 20.0]),
            ("orders".to_owned(), vec![1.0, 3.0]),
            ("total".to_owned(), vec![11.0, 23.0]),
            ("billing|&|billing|&|Sum".to_owned(), vec![10.0, 20.0]),
            ("orders|&|orders|&|Sum".to_owned(), vec![1.0, 3.0]),
            ("MessageCount".to_owned(), vec![1.0, 3.0, 0.0, 0.0, 0.0]),
            ("sum".to_owned(), vec![1.0, 3.0]),
        ]
    );
    let refused = ask(vec![expression("e1", "SUM(m1)")]).await.refusal(Form::Cbor);
    assert_eq!(
        refused,
        (
            "ValidationError".to_owned(),
            "Error in expression 'e1': It must be a time series, and is a number".to_owned()
        )
    );
    api.stop().await;
}

#[tokio::test]
async fn data_comes_in_pages_with_tokens_of_their_request() {
    let api = TestApi::start().await;
    api.broker_with_messages("orders", &[1.0, 2.0, 3.0, 4.0, 5.0]).await;
    let mut input = messages("orders", 5);
    input["MaxDatapoints"] = json!(2);
    input["ScanBy"] = json!("TimestampDescending");
    let mut all = Vec::new();
    let mut pages = 0;
    loop {
        let answer = api.cloudwatch(Form::Json, "GetMetricData", &input).await.ok();
        all.extend(numbers(&answer["MetricDataResults"][0]["Values"]));
        pages += 1;
        let Some(token) = answer["NextToken"].as_str() else { break };
        assert_eq!(answer["MetricDataResults"][0]["StatusCode"], "PartialData");
        input["NextToken"] = json!(token);
    }
    assert_eq!((all, pages), (vec![5.0, 4.0, 3.0, 2.0, 1.0], 3));
    // The last token is of this request, and of none with other parameters.
    input["MaxDatapoints"] = json!(3);
    let refused = api.cloudwatch(Form::Json, "GetMetricData", &input).await.refusal(Form::Json);
    assert_eq!(refused.0, "InvalidNextToken");
    api.stop().await;
}

#[tokio::test]
async fn what_can_not_be_asked_is_refused_in_every_protocol_with_the_same_code() {
    let api = TestApi::start().await;
    let changed = |change: fn(&mut Value)| {
        let mut input = messages("orders", 5);
        change(&mut input);
        input
    };
    fn stat(input: &mut Value) -> &mut Value {
        &mut input["MetricDataQueries"][0]["MetricStat"]
    }
    let statistics = json!({
        "Namespace": "AWS/AmazonMQ", "MetricName": "X", "StartTime": 0, "EndTime": 60, "Period": 60,
    });
    for (operation, input, code) in [
        ("GetMetricData", changed(|one| stat(one)["Stat"] = json!("p99")), "InvalidParameterValue"),
        ("GetMetricData", changed(|one| stat(one)["Period"] = json!(61)), "InvalidParameterValue"),
        ("GetMetricData", changed(|one| one["EndTime"] = json!(1)), "ValidationError"),
        ("GetMetricData", changed(|one| one["ScanBy"] = json!("x")), "ValidationError"),
        ("GetMetricData", changed(|one| one["MaxDatapoints"] = json!(0)), "ValidationError"),
        ("GetMetricData", changed(|one| one["NextToken"] = json!("x")), "InvalidNextToken"),
        ("GetMetricData", json!({"StartTime": 0, "EndTime": 60}), "MissingParameter"),
        ("GetMetricData", changed(|one| one["MaxDatapoints"] = json!("many")), "MalformedInput"),
        ("ListMetrics", json!({"RecentlyActive": "PT1H"}), "InvalidParameterValue"),
        ("ListMetrics", json!({"NextToken": "x"}), "InvalidNextToken"),
        ("ListMetrics", json!({"Namespace": ":x"}), "InvalidParameterValue"),
        ("GetMetricStatistics", statistics.clone(), "InvalidParameterCombination"),
        ("GetMetricStatistics", json!({"Namespace": "x"}), "MissingParameter"),
        ("PutMetricData", json!({"Namespace": "own"}), "UnsupportedOperation"),
        ("PutDashboard", json!({}), "UnsupportedOperation"),
    ] {
        for form in FORMS {
            let told = api.cloudwatch(form, operation, &input).await;
            let (found, message) = told.refusal(form);
            assert_eq!(
                (found.as_str(), told.status),
                (code, 400),
                "{form:?} {operation} {input}: {message}"
            );
            assert!(!message.is_empty());
        }
    }
    let mut long = statistics;
    long["Statistics"] = json!(["Sum"]);
    long["EndTime"] = json!(60 * 1441);
    let (code, message) =
        api.cloudwatch(Form::Json, "GetMetricStatistics", &long).await.refusal(Form::Json);
    assert_eq!(code, "InvalidParameterCombination");
    assert!(message.contains("exceeds the limit of 1440"), "{message}");
    api.stop().await;
}
