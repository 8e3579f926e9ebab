//! Traces: the spans of requests and of the passes that they cause.

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};

use super::{TIMEOUT, client::Client, resource};
use crate::{config::Configuration, role::Role};

/// The traces of this process.
#[derive(Clone)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Traces that are sent to the configured endpoint; none: there is no endpoint.
    ///
    /// # Errors
    /// When the endpoint is none.
    pub(crate) fn begin(
        configuration: &Configuration,
        roles: &[Role],
    ) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = configuration.otlp.endpoint() else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(&configuration.otlp.authorities()?, TIMEOUT)?)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_protocol(Protocol::HttpBinary)
            .with_headers(configuration.otlp.headers())
            .with_timeout(TIMEOUT)
            .build()?;
        let ratio = Sampler::TraceIdRatioBased(configuration.otlp.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).build())
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_resource(resource(configuration, roles))
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Some(Self(provider)))
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("brokerd")
    }

    /// Sends what has not been sent yet.
    pub(crate) async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::debug!(%error, "last traces not sent");
        }
    }
}
