//! Passes and steps as spans of the request that caused them. They are for trace collectors; the log has messages of
//! its own.

use std::collections::HashMap;

use brokerd_store::Work;
use opentelemetry::{global, trace::TraceContextExt as _};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::plan::Step;

/// The target of these spans.
pub const TARGET: &str = "brokerd::trace";

/// The span of a pass on a broker, in the trace of the request that made the broker due, if there was one.
pub(super) fn pass(work: &Work) -> Span {
    let broker = &work.broker;
    let span = tracing::trace_span!(
        target: TARGET,
        "pass",
        broker.id = %broker.id,
        broker.name = broker.name.as_str(),
        broker.generation = broker.generation.0
    );
    if let Some(traceparent) = work.trace.clone().filter(|_| !span.is_disabled()) {
        let carrier = HashMap::from([("traceparent".to_owned(), traceparent)]);
        let request = global::get_text_map_propagator(|known| known.extract(&carrier));
        if request.span().span_context().is_valid() {
            // Fails only if traces are not collected.
            let _ = span.set_parent(request);
        }
    }
    span
}

/// The span of a step.
pub(super) fn step(step: &Step) -> Span {
    tracing::trace_span!(target: TARGET, "step", step = %step)
}
