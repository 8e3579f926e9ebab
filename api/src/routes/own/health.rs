//! Whether this process is alive, and whether it can serve.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::{
    ApiState,
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

/// The database answers too, there is something to create (right after a first start the provisioner has not yet told
/// what), and nothing of this process stays down.
pub(super) async fn ready(State(api): State<Arc<ApiState>>) -> Answer<Health> {
    api.readiness.check(&api.store).await?;
    Ok(Reply(OK))
}
