//! Whether this process is alive, and whether it can serve.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::{
    ApiState,
    error::ApiError,
    respond::{Answer, Reply},
};

/// A healthy answer; the other one is an error.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// The process answers.
pub(super) async fn live() -> Answer<Health> {
    Ok(Reply(OK))
}

/// The database answers too, and there is something to create: right after a first start the provisioner
/// has not yet told what.
pub(super) async fn ready(State(api): State<Arc<ApiState>>) -> Answer<Health> {
    // Not what was remembered a second ago: a start should not wait for that.
    if api.store.offerings().await?.is_empty() {
        return Err(ApiError::unavailable(
            "No engine version is offered: either no provisioner has started yet, or no image is there.",
        ));
    }
    Ok(Reply(OK))
}
