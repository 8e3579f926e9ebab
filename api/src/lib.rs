//! The HTTP API: Amazon MQ's own under `/v1`, ours under `/brokerd/v1`.
//!
//! A request's way: [`observe`] gives it an identifier and a deadline, the router finds the
//! operation, the [`auth::Signed`] extractor proves who calls, the handler turns the wire type into
//! a domain command, hands it to the store and answers. Refusals are values ([`error::ApiError`])
//! until the middleware writes them. There is one file per operation under [`routes`].

mod auth;
mod error;
mod extract;
mod json;
mod metrics;
mod observe;
mod openapi;
mod operation;
mod pagination;
mod readiness;
mod respond;
mod routes;
mod state;
mod text;
mod throttle;
mod turn;

use std::sync::Arc;

use axum::{Router, middleware, response::IntoResponse};
use tower_http::catch_panic::CatchPanicLayer;

pub use auth::{OnAuthentic, sigv4};
pub use metrics::{ApiMetrics, register_metrics};
pub use openapi::document as openapi_document;
pub use readiness::ReadyCheck;
pub use state::ApiState;

/// Everything brokerd answers over HTTP.
pub fn router(state: ApiState) -> Router {
    let state = Arc::new(state);
    let (router, document) = openapi::assembled();
    router
        .merge(routes::own::unlisted(&document))
        .method_not_allowed_fallback(|| async { error::ApiError::unknown_method().into_response() })
        .fallback(|| async { error::ApiError::unknown_path() })
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), observe::observe))
        .with_state(state)
}
