//! DeleteAlarms, EnableAlarmActions, DisableAlarmActions, SetAlarmState.

use brokerd_domain::{
    alarm::AlarmStatus,
    metric::query::{CloudWatchError, CloudWatchErrorKind},
};
use brokerd_store::DeleteAlarmsOutcome;

use super::{
    super::call::{Answer, Call},
    describe::parse_state,
    resource::{all_named, check_names, named, not_found},
};
use crate::{auth::TagChange, wire::shape};

/// The longest reason, and the longest data of one.
///
/// Source: `StateReason` and `StateReasonData` of the service's model.
const MAX_REASON_LENGTH: usize = 1023;
const MAX_DATA_LENGTH: usize = 4000;

shape! {
    AlarmNamesInput {
        names: Vec<String> = "AlarmNames",
    }
}

shape! {
    SetAlarmStateInput {
        name: Option<String> = "AlarmName",
        state: Option<String> = "StateValue",
        reason: Option<String> = "StateReason",
        reason_data: Option<String> = "StateReasonData",
    }
}

pub(super) async fn delete(call: Call<'_>, input: AlarmNamesInput) -> Answer {
    let mut names = input.names;
    check_names(&names)?;
    names.sort();
    names.dedup();
    let permit = all_named(call, &names).await?;
    match permit.store.delete_alarms(&permit.scope, &names, permit.now).await? {
        DeleteAlarmsOutcome::Deleted => Ok(None),
        DeleteAlarmsOutcome::NotFound(missing) => Err(not_found(&missing).into()),
    }
}

/// Alarms that are not there are left out, as in the service.
pub(super) async fn enable(call: Call<'_>, input: AlarmNamesInput, are_enabled: bool) -> Answer {
    check_names(&input.names)?;
    let permit = all_named(call, &input.names).await?;
    let (store, scope) = (permit.store, &permit.scope);
    store.enable_alarm_actions(scope, &input.names, are_enabled, permit.now).await?;
    Ok(None)
}

pub(super) async fn set_state(call: Call<'_>, input: SetAlarmStateInput) -> Answer {
    let missing = CloudWatchError::missing;
    let name = input.name.ok_or_else(|| missing("AlarmName"))?;
    let (permit, _) = named(call, &name, TagChange::None).await?;
    let state = parse_state(&input.state.ok_or_else(|| missing("StateValue"))?)?;
    let reason = input.reason.ok_or_else(|| missing("StateReason"))?;
    for (parameter, text, longest) in [
        ("StateReason", Some(&reason), MAX_REASON_LENGTH),
        ("StateReasonData", input.reason_data.as_ref(), MAX_DATA_LENGTH),
    ] {
        if text.is_some_and(|text| text.chars().count() > longest) {
            return Err(CloudWatchError::validation(format!(
                "The parameter {parameter} must not have more than {longest} characters."
            ))
            .into());
        }
    }
    if let Some(data) = &input.reason_data
        && serde_json::from_str::<serde_json::Value>(data).is_err()
    {
        return Err(CloudWatchError::new(
            CloudWatchErrorKind::InvalidFormat,
            "The parameter StateReasonData must be JSON.",
        )
        .into());
    }
    let status = AlarmStatus {
        value: state,
        reason,
        reason_data: input.reason_data,
        updated: permit.now,
        transitioned: permit.now,
    };
    if permit.store.set_alarm_state(&permit.scope, &name, &status).await? {
        return Ok(None);
    }
    Err(not_found(&[name]).into())
}
