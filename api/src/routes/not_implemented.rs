//! The operations of the service that brokerd refuses by name.

use std::sync::Arc;

use axum::{
    Router,
    routing::{MethodFilter, on},
};

use crate::{
    ApiState,
    auth::Signed,
    error::ApiError,
    operation::{Kind, OPERATIONS, Operation},
};

/// A route for each: the signature is verified, so that a wrong key is told from a missing operation.
pub(crate) fn router() -> Router<Arc<ApiState>> {
    let missing = OPERATIONS.iter().filter(|o| o.kind == Kind::NotImplemented);
    missing.fold(Router::new(), |router, operation| router.merge(route(operation)))
}

fn route(operation: &'static Operation) -> Router<Arc<ApiState>> {
    let filter = MethodFilter::try_from(operation.method.clone()).unwrap_or(MethodFilter::GET);
    let refuse = move |_: Signed| async move { ApiError::not_implemented(operation.name) };
    Router::new().route(operation.path, on(filter, refuse))
}
