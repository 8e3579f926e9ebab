//! The trace that a request belongs to: that of its caller, or one of its own. Without a collector there is none.

use std::collections::HashMap;

use axum::http::HeaderMap;
use opentelemetry::{global, propagation::Extractor, trace::TraceContextExt as _};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// Has a request's span belong to the trace that its headers name, if they name one.
///
/// Source: W3C Trace Context.
pub(super) fn continue_trace(span: &Span, headers: &HeaderMap) {
    let caller = global::get_text_map_propagator(|known| known.extract(&Headers(headers)));
    if caller.span().span_context().is_valid() {
        // Fails only where nobody collects traces.
        let _ = span.set_parent(caller);
    }
}

/// The `traceparent` of what a span causes; none: nobody collects traces, or not this one.
pub(super) fn traceparent(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    let context = span.context();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    global::get_text_map_propagator(|known| known.inject_context(&context, &mut carrier));
    carrier.remove("traceparent")
}
