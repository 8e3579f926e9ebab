//! Who may do what.

use brokerd_domain::policy::OperationPermissions;
use serde_json::json;

use super::{FORMS, Form, messages};
use crate::{query::allow, support::TestApi};

#[tokio::test]
async fn nothing_is_allowed_by_itself_and_a_policy_allows_an_action() {
    let api = TestApi::start().await;
    api.broker_with_messages("orders", &[1.0]).await;
    let nobody = api.caller_named("nobody", None).await;
    let reader = api.caller_named("reader", Some(&allow("cloudwatch:GetMetricData"))).await;
    for form in FORMS {
        let told = api.cloudwatch_as(form, &nobody, "GetMetricData", &messages("orders", 5)).await;
        let (code, message) = told.refusal(form);
        assert_eq!(code, "AccessDenied", "{form:?}");
        assert!(message.contains("cloudwatch:GetMetricData on resource: *"), "{message}");
        let told = api.cloudwatch_as(form, &reader, "GetMetricData", &messages("orders", 5)).await;
        assert_eq!(told.status, 200, "{form:?}");
        let told = api.cloudwatch_as(form, &reader, "ListMetrics", &json!({})).await;
        assert_eq!(told.refusal(form).0, "AccessDenied", "{form:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn no_operation_is_without_permission() {
    let api = TestApi::start().await;
    let nobody = api.caller_named("nobody", None).await;
    for permissions in OperationPermissions::all_of_cloudwatch() {
        let operation = permissions.operation;
        let told = api.cloudwatch_as(Form::Json, &nobody, operation, &inputs(operation)).await;
        assert_eq!(told.refusal(Form::Json).0, "AccessDenied", "{operation}: {told:?}");
    }
    api.stop().await;
}

/// An input that is refused for nothing else.
fn inputs(operation: &str) -> serde_json::Value {
    let arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:x";
    match operation {
        "ListTagsForResource" => json!({"ResourceARN": arn}),
        "TagResource" => json!({"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "b"}]}),
        "UntagResource" => json!({"ResourceARN": arn, "TagKeys": ["a"]}),
        "DeleteAlarms" | "EnableAlarmActions" | "DisableAlarmActions" => {
            json!({"AlarmNames": ["x"]})
        }
        "SetAlarmState" => json!({"AlarmName": "x", "StateValue": "OK", "StateReason": "y"}),
        _ => json!({"AlarmName": "x"}),
    }
}

#[tokio::test]
async fn an_account_sees_its_own_metrics_in_the_region_of_the_call() {
    let api = TestApi::start().await;
    api.broker_with_messages("orders", &[1.0]).await;
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    for (key, secret, region, listed) in [
        ("AKIAALICE", "alice-secret", "us-east-1", 1),
        ("AKIAALICE", "alice-secret", "eu-west-1", 0),
        ("AKIABOB", "bob-secret", "us-east-1", 0),
    ] {
        let who = crate::query::Who::from(&crate::support::Client::new(key, secret, region));
        let metrics = api.cloudwatch_as(Form::Cbor, &who, "ListMetrics", &json!({})).await.ok();
        assert_eq!(metrics["Metrics"].as_array().map(Vec::len), Some(listed), "{key} {region}");
        let data =
            api.cloudwatch_as(Form::Cbor, &who, "GetMetricData", &messages("orders", 5)).await;
        let values = data.ok()["MetricDataResults"][0]["Values"].as_array().map(Vec::len);
        assert_eq!(values, Some(listed), "{key} {region}");
    }
    api.stop().await;
}
