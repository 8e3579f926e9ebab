//! Alarms that calls are about.

use brokerd_domain::{
    alarm::MetricAlarm,
    metric::query::{CloudWatchError, CloudWatchErrorKind},
};
use brokerd_store::StoredAlarm;

use super::super::call::{Call, Permit};
use crate::{
    auth::{CallResource, TagChange},
    http::error::ApiError,
};

/// Most alarms that a call names.
///
/// Source: `AlarmNames` of the service's model.
const MAX_NAMED: usize = 100;
/// The longest name of an alarm.
const MAX_NAME_LENGTH: usize = 255;

/// The alarm of a name, if it is there, and the permission to do with it what is asked.
///
/// # Errors
/// `AccessDenied`, also if there is no such alarm.
pub(super) async fn named<'a>(
    call: Call<'a>,
    name: &str,
    tag_change: TagChange<'_>,
) -> Result<(Permit<'a>, Option<StoredAlarm>), ApiError> {
    let scope = call.scope();
    let found = call.store().alarm(&scope, name).await?;
    let arn = MetricAlarm::arn_of(&scope, name);
    let tags = found.as_ref().map(|found| &found.tags);
    let permit = call.permit(CallResource { tags, tag_change, ..CallResource::named(&arn) })?;
    Ok((permit, found))
}

/// The permission to do something with every alarm of a name; what is permitted of none is so of names that nobody has.
///
/// # Errors
/// `AccessDenied`.
pub(super) async fn all_named<'a>(
    call: Call<'a>,
    names: &[String],
) -> Result<Permit<'a>, ApiError> {
    let mut permitted = None;
    for name in names {
        permitted = Some(named(call, name, TagChange::None).await?.0);
    }
    match permitted {
        Some(permit) => Ok(permit),
        None => any(call),
    }
}

/// The permission to ask about all alarms.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn any(call: Call<'_>) -> Result<Permit<'_>, ApiError> {
    let all = MetricAlarm::arn_of(&call.scope(), "*");
    call.permit(CallResource::named(&all))
}

/// Names of alarms that can be some.
///
/// # Errors
/// `ValidationError`.
pub(super) fn check_names(names: &[String]) -> Result<(), CloudWatchError> {
    if names.len() > MAX_NAMED {
        return Err(CloudWatchError::validation(format!(
            "The collection AlarmNames must not have a size greater than {MAX_NAMED}."
        )));
    }
    names.iter().try_for_each(|name| check_name(name))
}

/// A name of an alarm that can be one.
///
/// # Errors
/// `ValidationError`.
pub(super) fn check_name(name: &str) -> Result<(), CloudWatchError> {
    if (1..=MAX_NAME_LENGTH).contains(&name.chars().count()) {
        return Ok(());
    }
    Err(CloudWatchError::validation(format!(
        "The name of an alarm must have 1 to {MAX_NAME_LENGTH} characters."
    )))
}

/// The 404 for an alarm.
pub(super) fn not_found(names: &[String]) -> CloudWatchError {
    let names: Vec<_> = names.iter().map(|name| name.escape_debug().to_string()).collect();
    let message = format!("There is no alarm {}.", names.join(", "));
    CloudWatchError::new(
        CloudWatchErrorKind::ResourceNotFound,
        message.chars().take(255).collect::<String>(),
    )
}
