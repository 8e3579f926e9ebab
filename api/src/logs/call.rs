//! A call of an operation: its input, and whether the caller may make it.

use axum::http::StatusCode;
use brokerd_domain::{
    Clock, Entropy, Scope, Tags, Timestamp,
    log::{InvalidLogName, LogGroupName, LogStreamName},
    policy::OperationPermissions,
};
use brokerd_store::{LogGroup, PgStore};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    auth::{CallResource, Signed, TagChange},
    http::error::ApiError,
    wire::aws_json,
};

/// The output of an operation, or a refusal.
pub(super) type Answered = Result<Value, ApiError>;

/// An authentic call, which nothing permits yet.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) store: &'a PgStore,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
    signed: &'a Signed,
    permissions: &'static OperationPermissions,
}

impl<'a> Call<'a> {
    pub(super) const fn new(
        store: &'a PgStore,
        clock: &'a dyn Clock,
        entropy: &'a dyn Entropy,
        signed: &'a Signed,
        permissions: &'static OperationPermissions,
    ) -> Self {
        Self { store, clock, entropy, signed, permissions }
    }

    /// The input. Unknown members are ignored, as in the service.
    pub(super) fn input<T: DeserializeOwned + Default>(&self) -> Result<T, ApiError> {
        aws_json::input(&self.signed.body)
    }

    /// The account of the caller and the region of the call.
    pub(super) fn scope(&self) -> Scope {
        let caller = &self.signed.caller;
        let region = caller.environment.region.clone();
        Scope { account: caller.account().clone(), region }
    }

    pub(super) fn new_id(&self) -> Uuid {
        self.entropy.uuid()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The ARN of a group, or with an empty name of all groups.
    pub(super) fn group_arn(&self, group: &str) -> String {
        let Scope { account, region } = self.scope();
        format!("arn:aws:logs:{region}:{account}:log-group:{group}")
    }

    /// Asks whether the caller may do this with the streams of a group.
    ///
    /// Source: the service's refusals name `log-group:<name>:log-stream:<stream>`, with an empty name of a stream where the
    /// call names none, and its user guide has policies end with `:*` for that reason.
    pub(super) fn permit_streams(
        &self,
        group: &str,
        stream: &str,
        tags: Option<&Tags>,
        tag_change: TagChange<'_>,
    ) -> Result<(), ApiError> {
        let arn = format!("{}:log-stream:{stream}", self.group_arn(group));
        self.permit(CallResource { tags, tag_change, ..CallResource::named(&arn) })
    }

    /// Asks whether the caller may do this with `resource`; with tags it needs the permission to tag, too.
    pub(super) fn permit(&self, resource: CallResource<'_>) -> Result<(), ApiError> {
        Ok(self.signed.caller.check_operation(self.permissions, resource)?)
    }

    /// The group that a call is about, and permits the call for a stream of it, or with an empty name for all.
    pub(super) async fn group(
        &self,
        name: &LogGroupName,
        stream: &str,
    ) -> Result<LogGroup, ApiError> {
        let found = self.store.log_group(&self.scope(), name).await?;
        let tags = found.as_ref().map(|group| &group.tags);
        self.permit_streams(name.as_str(), stream, tags, TagChange::None)?;
        found.ok_or_else(no_group)
    }

    /// The name of a group that a call names by itself or by its ARN.
    pub(super) fn group_name(
        &self,
        name: Option<&str>,
        identifier: Option<&str>,
    ) -> Result<LogGroupName, ApiError> {
        let name = match (name, identifier) {
            (Some(name), None) => name,
            (None, Some(identifier)) if identifier.starts_with("arn:") => {
                self.group_of_arn(identifier)?
            }
            (None, Some(identifier)) => identifier,
            (None, None) => return Err(missing("logGroupName")),
            (Some(_), Some(_)) => {
                return Err(invalid("Only one of logGroupName or logGroupIdentifier may be set."));
            }
        };
        Ok(LogGroupName::parse(name)?)
    }

    /// The name of a group in its ARN, with or without `:*` at the end.
    pub(super) fn group_of_arn<'n>(&self, arn: &'n str) -> Result<&'n str, ApiError> {
        let name = arn.strip_prefix(self.group_arn("").as_str()).ok_or_else(no_group)?;
        Ok(name.strip_suffix(":*").unwrap_or(name))
    }
}

/// The name of a stream that a call has to name.
pub(super) fn stream_name(name: Option<&str>) -> Result<LogStreamName, ApiError> {
    Ok(LogStreamName::parse(name.ok_or_else(|| missing("logStreamName"))?)?)
}

/// How many of something a page has: as many as asked for, up to `most`.
pub(super) fn page_size(asked: Option<i64>, usual: u32, most: u32) -> Result<u32, ApiError> {
    let Some(asked) = asked else { return Ok(usual) };
    match u32::try_from(asked) {
        Ok(size) if (1..=most).contains(&size) => Ok(size),
        _ => Err(invalid(format!(
            "1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: Member must have value between 1 and {most}"
        ))),
    }
}

pub(super) fn refusal(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::named(StatusCode::BAD_REQUEST, code, message.into())
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    refusal("InvalidParameterException", message)
}

pub(super) fn missing(member: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

pub(super) fn no_group() -> ApiError {
    refusal("ResourceNotFoundException", "The specified log group does not exist.")
}

pub(super) fn no_stream() -> ApiError {
    refusal("ResourceNotFoundException", "The specified log stream does not exist.")
}

impl From<InvalidLogName> for ApiError {
    fn from(wrong: InvalidLogName) -> Self {
        invalid(wrong.to_string())
    }
}
