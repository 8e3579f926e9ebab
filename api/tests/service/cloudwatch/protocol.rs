//! The forms of calls, answers and refusals.

use axum::{body::Body, http::Request};
use serde_json::json;

use super::{FORMS, Form, messages};
use crate::{
    query::Who,
    support::{Client, TestApi},
};

#[tokio::test]
async fn answers_have_the_media_type_of_their_protocol() {
    let api = TestApi::start().await;
    for (form, media_type, protocol) in [
        (Form::Query, "text/xml", ""),
        (Form::Json, "application/x-amz-json-1.0", ""),
        (Form::Cbor, "application/cbor", "rpc-v2-cbor"),
    ] {
        let told = api.cloudwatch(form, "ListMetrics", &json!({})).await;
        assert_eq!((told.status, told.header("content-type")), (200, media_type));
        assert_eq!(told.header("smithy-protocol"), protocol, "{form:?}");
        assert!(!told.header("x-amzn-requestid").is_empty());
    }
    let told = api.cloudwatch(Form::Query, "ListMetrics", &json!({})).await;
    let text = String::from_utf8(told.body).expect("UTF-8");
    let start = "<ListMetricsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><ListMetricsResult><Metrics></Metrics>";
    assert!(text.starts_with(start), "{text}");
    api.stop().await;
}

#[tokio::test]
async fn refusals_name_the_error_of_the_model_and_the_code_of_the_query_protocol() {
    let api = TestApi::start().await;
    let mut input = messages("orders", 5);
    input["MetricDataQueries"][0]["MetricStat"]["Stat"] = json!("p99");
    for form in [Form::Json, Form::Cbor] {
        let told = api.cloudwatch(form, "GetMetricData", &input).await;
        assert_eq!(told.status, 400);
        assert_eq!(
            told.value["__type"], "com.amazonaws.cloudwatch#InvalidParameterValueException",
            "{form:?}"
        );
        assert_eq!(told.header("x-amzn-query-error"), "InvalidParameterValue;Sender");
    }
    // Who does not ask for the codes of the query protocol is not told them.
    let who = Who::from(&api.alice);
    let off = [("x-amzn-query-mode", "false")];
    let request = api.cloudwatch_request(Form::Json, &who, "Nothing", b"{}".to_vec(), &off);
    let told = api.told(Form::Json, "Nothing", request).await;
    assert_eq!(told.value["__type"], "com.amazonaws.cloudwatch#UnknownOperationException");
    assert_eq!((told.status, told.header("x-amzn-query-error")), (400, ""));
    let told = api.cloudwatch(Form::Query, "Nothing", &json!({})).await;
    assert_eq!(told.refusal(Form::Query).0, "InvalidAction");
    api.stop().await;
}

#[tokio::test]
async fn bodies_that_are_none_are_refused() {
    let api = TestApi::start().await;
    let who = Who::from(&api.alice);
    for (form, body) in [
        (Form::Json, &b"[]"[..]),
        (Form::Json, b"{"),
        (Form::Cbor, b"\x01"),
        (Form::Cbor, b"\xff"),
        (Form::Cbor, b"\xa1\x61\x61\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"),
        (Form::Query, b"Action=ListMetrics&Version=2010-08-01&A=1&A.B=2"),
    ] {
        let request = api.cloudwatch_request(form, &who, "ListMetrics", body.to_vec(), &[]);
        let told = api.told(form, "ListMetrics", request).await;
        assert_eq!(
            (told.status, told.refusal(form).0.as_str()),
            (400, "MalformedInput"),
            "{form:?}"
        );
    }
    // Nothing but PutMetricData is sent compressed.
    for form in FORMS {
        let gzip = [("content-encoding", "gzip")];
        let body = b"\x1f\x8b\x08".to_vec();
        let request = api.cloudwatch_request(form, &who, "PutMetricData", body, &gzip);
        let told = api.told(form, "PutMetricData", request).await;
        assert_eq!(told.refusal(form).0, "UnsupportedOperation", "{form:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn what_is_not_authentic_is_refused_in_the_form_of_the_protocol() {
    let api = TestApi::start().await;
    let forger = Who::from(&Client::new("AKIAALICE", "another secret", "us-east-1"));
    for (form, status, code) in [
        (Form::Query, 403, "SignatureDoesNotMatch"),
        (Form::Json, 400, "SignatureDoesNotMatch"),
        (Form::Cbor, 400, "SignatureDoesNotMatch"),
    ] {
        let told = api.cloudwatch_as(form, &forger, "ListMetrics", &json!({})).await;
        assert_eq!((told.status, told.refusal(form).0.as_str()), (status, code), "{form:?}");
    }
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    let unsigned = Request::post(path).body(Body::empty()).expect("a request");
    let told = api.told(Form::Cbor, "ListMetrics", unsigned).await;
    assert_eq!(
        told.value["__type"],
        "com.amazonaws.cloudwatch#MissingAuthenticationTokenException"
    );
    api.stop().await;
}

#[tokio::test]
async fn calls_are_events_whatever_their_protocol() {
    let api = TestApi::start().await;
    for form in FORMS {
        api.cloudwatch(form, "GetMetricData", &messages("orders", 5)).await.ok();
    }
    let records = api.records().await;
    assert_eq!(records.len(), 3);
    for record in records {
        assert_eq!(
            (&record["eventSource"], &record["eventName"], &record["readOnly"]),
            (&json!("monitoring.amazonaws.com"), &json!("GetMetricData"), &json!(true))
        );
        let stat = &record["requestParameters"]["metricDataQueries"][0];
        // The query protocol is told in lower case throughout, as IAM's is.
        let is_told = stat["Id"] == "m1" || stat["id"] == "m1";
        assert!(is_told, "{record}");
    }
    api.stop().await;
}
