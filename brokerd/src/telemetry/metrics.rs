//! Metrics: what `/metrics` shows, once a minute.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use brokerd_domain::{Clock as _, Timestamp};
use hyper::{Request, header::CONTENT_TYPE};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::InstrumentationScope,
    metrics::v1::{ResourceMetrics, ScopeMetrics},
    resource::v1::Resource,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use prost::Message as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    TIMEOUT, attributes,
    client::{Client, check},
    open_metrics::{attribute, metrics},
};
use crate::{config::Configuration, role::Role, system::SystemClock};

/// How often they are sent.
const INTERVAL: Duration = Duration::from_mins(1);

/// Sends the metrics of the registry again and again until `shutdown`, and then once more. What the collector does not
/// take is not sent again: the next ones say more.
pub(crate) async fn push(
    registry: Arc<Registry>,
    configuration: Configuration,
    roles: Vec<Role>,
    shutdown: CancellationToken,
) {
    let Some(endpoint) = configuration.otlp.endpoint() else { return };
    let (url, began) = (format!("{endpoint}/v1/metrics"), SystemClock.now());
    let mut is_failing = false;
    loop {
        let stopping = tokio::select! {
            () = shutdown.cancelled() => true,
            () = sleep(INTERVAL) => false,
        };
        match send(&registry, &configuration, &roles, &url, began).await {
            Ok(()) if is_failing => {
                tracing::info!("metrics are sent again");
                is_failing = false;
            }
            Ok(()) => {}
            // Logged once per outage.
            Err(error) if !is_failing => {
                tracing::warn!(error = format!("{error:#}"), %url, "metrics not sent");
                is_failing = true;
            }
            Err(error) => tracing::debug!(error = format!("{error:#}"), %url, "metrics not sent"),
        }
        if stopping {
            return;
        }
    }
}

async fn send(
    registry: &Registry,
    configuration: &Configuration,
    roles: &[Role],
    url: &str,
    began: Timestamp,
) -> anyhow::Result<()> {
    let mut text = String::with_capacity(16 * 1024);
    encode(&mut text, registry)?;
    let body = body(&text, attributes(configuration, roles), began, SystemClock.now());
    let mut request = Request::post(url).header(CONTENT_TYPE, "application/x-protobuf");
    for (name, value) in configuration.otlp.headers() {
        request = request.header(name, value);
    }
    let client = Client::new(&configuration.otlp.authorities()?, TIMEOUT)?;
    check(&client.send(request.body(body.into())?).await.context("no answer")?)
}

/// The metrics of a page, as OTLP has them.
fn body(
    text: &str,
    attributes: Vec<(&'static str, String)>,
    began: Timestamp,
    now: Timestamp,
) -> Vec<u8> {
    let attributes = attributes.into_iter().map(|(name, value)| attribute(name, value)).collect();
    let scope = InstrumentationScope { name: "brokerd".to_owned(), ..Default::default() };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes, ..Default::default() }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics: metrics(text, nanoseconds(began), nanoseconds(now)),
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    request.encode_to_vec()
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or_default().saturating_mul(1000)
}
