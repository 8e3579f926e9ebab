//! The Rust SDK of CloudWatch, as far as scenarios read metrics with it.

use anyhow::{Context as _, Result};
use aws_sdk_cloudwatch::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    primitives::{DateTime, DateTimeFormat},
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::{Value, json};

use crate::Api;

pub(super) fn call(api: &Api, call: &Value) -> Result<Value> {
    let config = aws_sdk_cloudwatch::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(&api.endpoint)
        .region(Region::new(api.region.clone()))
        .credentials_provider(Credentials::new(&api.key, &api.secret, None, None, "scenario"))
        .retry_config(RetryConfig::disabled())
        .build();
    let client = Client::from_conf(config);
    let given = &call["parameters"];
    match call["operation"].as_str() {
        Some("GetMetricData") => get_metric_data(api, &client, given),
        Some("ListMetrics") => list_metrics(api, &client, given),
        other => Ok(json!({ "unknown": format!("no operation {other:?} here") })),
    }
}

fn get_metric_data(api: &Api, client: &Client, given: &Value) -> Result<Value> {
    let time = |name: &str| {
        let text = given[name].as_str().with_context(|| name.to_owned())?;
        anyhow::Ok(DateTime::from_str(text, DateTimeFormat::DateTime)?)
    };
    let queries = given["MetricDataQueries"].as_array().context("queries")?;
    let queries = queries.iter().map(query).collect::<Result<Vec<_>>>()?;
    let sent = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries))
        .start_time(time("StartTime")?)
        .end_time(time("EndTime")?)
        .send();
    Ok(match api.wait(sent) {
        Err(error) => failure(error),
        Ok(output) => {
            let results = output.metric_data_results().iter().map(|result| {
                json!({
                    "Id": result.id(),
                    "Label": result.label(),
                    "Values": result.values(),
                    "StatusCode": result.status_code().map(aws_sdk_cloudwatch::types::StatusCode::as_str),
                })
            });
            json!({ "ok": { "MetricDataResults": results.collect::<Vec<_>>() } })
        }
    })
}

fn query(given: &Value) -> Result<MetricDataQuery> {
    let stat = &given["MetricStat"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let dimensions =
        stat["Metric"]["Dimensions"].as_array().context("dimensions")?.iter().map(|one| {
            Dimension::builder().set_name(text(&one["Name"])).set_value(text(&one["Value"])).build()
        });
    let metric = Metric::builder()
        .set_namespace(text(&stat["Metric"]["Namespace"]))
        .set_metric_name(text(&stat["Metric"]["MetricName"]))
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let period = i32::try_from(stat["Period"].as_i64().context("a period")?)?;
    let stat = MetricStat::builder().metric(metric).period(period).set_stat(text(&stat["Stat"]));
    Ok(MetricDataQuery::builder().set_id(text(&given["Id"])).metric_stat(stat.build()).build())
}

fn list_metrics(api: &Api, client: &Client, given: &Value) -> Result<Value> {
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    let sent = client
        .list_metrics()
        .set_namespace(text("Namespace"))
        .set_metric_name(text("MetricName"))
        .send();
    Ok(match api.wait(sent) {
        Err(error) => failure(error),
        Ok(output) => {
            let metrics = output.metrics().iter().map(|metric| {
                let dimensions = metric.dimensions().iter();
                let dimensions =
                    dimensions.map(|one| json!({ "Name": one.name(), "Value": one.value() }));
                json!({
                    "Namespace": metric.namespace(),
                    "MetricName": metric.metric_name(),
                    "Dimensions": dimensions.collect::<Vec<_>>(),
                })
            });
            json!({ "ok": { "Metrics": metrics.collect::<Vec<_>>() } })
        }
    })
}

fn failure<E>(error: SdkError<E, HttpResponse>) -> Value
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let told = error.as_service_error().map(|service| {
        json!({
            "class": "Error", "modelled": true, "attribute": null,
            "code": service.code(), "message": service.message(), "status": status,
        })
    });
    json!({ "error": told.unwrap_or_else(|| {
        json!({ "class": "SdkError", "modelled": false, "message": DisplayErrorContext(error).to_string() })
    }) })
}
