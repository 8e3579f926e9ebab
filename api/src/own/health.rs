//! Liveness and readiness of the process.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::{
    http::respond::{Answer, Reply},
    readiness::Readiness,
};

/// The answer of a process that is well. Otherwise the answer is an error.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// The process answers.
pub(crate) async fn live() -> Answer<Health> {
    Ok(Reply(OK))
}

/// The database answers, an engine version is offered (right after a first start the provisioner has offered none
/// yet), and no part of the process stays down.
pub(crate) async fn ready(State(readiness): State<Arc<Readiness>>) -> Answer<Health> {
    readiness.check().await?;
    Ok(Reply(OK))
}
