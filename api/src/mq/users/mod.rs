//! Users of ActiveMQ brokers.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod update;

use brokerd_domain::{Broker, EngineType, Error, MAX_USERS};
use brokerd_store::UserOutcome;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::refusal;

/// An empty object.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// The 404 of a user.
fn not_found(username: &str) -> Error {
    refusal::not_found(
        "username",
        format!("Can't find requested user [{username}]. Make sure your user exists."),
    )
}

/// The answer to an outcome; none after a conflict with another change of the broker.
fn answer(outcome: UserOutcome, username: &str) -> Result<Option<Nothing>, Error> {
    match outcome {
        UserOutcome::Done => Ok(Some(Nothing {})),
        UserOutcome::Changed => Ok(None),
        UserOutcome::Exists => Err(Error::conflict(
            "username",
            format!("User [{username}] already exists. Specify another username."),
        )),
        UserOutcome::NotFound => Err(not_found(username)),
        UserOutcome::TooMany => Err(Error::bad_request(
            "users",
            format!("A broker can have at most [{MAX_USERS}] users."),
        )),
    }
}

/// Whether brokerd manages the users. RabbitMQ manages its own.
fn is_managed(broker: &Broker) -> bool {
    broker.spec.engine_type == EngineType::ActiveMq
}
