//! DescribeAlarms and DescribeAlarmsForMetric.

use brokerd_domain::{
    alarm::{AlarmState, MAX_ALARMS, Watched},
    metric::query::{
        CloudWatchError, CloudWatchErrorKind, parse_key, parse_namespace, parse_statistic,
    },
};
use brokerd_store::{AlarmFilter, StoredAlarm};

use super::{
    super::{
        call::{Answer, Call, output},
        shapes::{Dimension, pairs},
        token::Pages,
    },
    resource::{all_named, any, check_names},
    view::{self, MetricAlarmView},
};
use crate::{
    auth::CallResource,
    http::page,
    wire::{Value, shape},
};

/// Alarms of a page where nothing else is said, and at most.
const PER_PAGE: u32 = 50;
const MAX_PER_PAGE: u32 = 100;

shape! {
    DescribeAlarmsInput {
        names: Vec<String> = "AlarmNames",
        prefix: Option<String> = "AlarmNamePrefix",
        types: Vec<String> = "AlarmTypes",
        children_of: Option<String> = "ChildrenOfAlarmName",
        parents_of: Option<String> = "ParentsOfAlarmName",
        state: Option<String> = "StateValue",
        action_prefix: Option<String> = "ActionPrefix",
        max_records: Option<i64> = "MaxRecords",
        next_token: Option<String> = "NextToken",
    }
}

shape! {
    DescribeAlarmsOutput {
        composite_alarms: Vec<Value> = "CompositeAlarms",
        metric_alarms: Vec<MetricAlarmView> = "MetricAlarms",
        next_token: Option<String> = "NextToken",
    }
}

shape! {
    DescribeAlarmsForMetricInput {
        metric_name: Option<String> = "MetricName",
        namespace: Option<String> = "Namespace",
        statistic: Option<String> = "Statistic",
        extended_statistic: Option<String> = "ExtendedStatistic",
        dimensions: Vec<Dimension> = "Dimensions",
        period: Option<i64> = "Period",
        unit: Option<String> = "Unit",
    }
}

shape! {
    DescribeAlarmsForMetricOutput {
        metric_alarms: Vec<MetricAlarmView> = "MetricAlarms",
    }
}

pub(super) async fn answer(call: Call<'_>, mut input: DescribeAlarmsInput) -> Answer {
    let token = input.next_token.take();
    let pages = Pages::of(&input);
    check_names(&input.names)?;
    let permit =
        if input.names.is_empty() { any(call)? } else { all_named(call, &input.names).await? };
    if !input.names.is_empty() && input.prefix.is_some() {
        return Err(CloudWatchError::new(
            CloudWatchErrorKind::InvalidParameterCombination,
            "The parameters AlarmNames and AlarmNamePrefix must not be specified together.",
        )
        .into());
    }
    let limit = records(input.max_records, PER_PAGE)?;
    let after = token.map(|token| pages.position(&token)).transpose()?;
    let state = input.state.as_deref().map(parse_state).transpose()?;
    // brokerd has no composite alarms, and so nobody's children or parents.
    let is_none = has_no_metric_alarms(&input.types)?
        || input.children_of.is_some()
        || input.parents_of.is_some();
    let filter = AlarmFilter {
        names: input.names,
        prefix: input.prefix,
        state,
        action_prefix: input.action_prefix,
        metric: None,
    };
    let found = if is_none {
        Vec::new()
    } else {
        permit.store.alarms(&permit.scope, &filter, after.as_deref(), limit + 1).await?
    };
    let (found, next) = page::first(found, limit, |last| pages.token(&last.alarm.name));
    output(DescribeAlarmsOutput {
        composite_alarms: Vec::new(),
        metric_alarms: views(&permit.scope, found),
        next_token: next,
    })
}

pub(super) async fn for_metric(call: Call<'_>, input: DescribeAlarmsForMetricInput) -> Answer {
    let permit = call.permit(CallResource::NONE)?;
    let missing = CloudWatchError::missing;
    let namespace = parse_namespace(input.namespace.ok_or_else(|| missing("Namespace"))?)?;
    let metric = input.metric_name.ok_or_else(|| missing("MetricName"))?;
    let key = parse_key(metric, pairs(input.dimensions))?;
    for statistic in input.statistic.iter().chain(&input.extended_statistic) {
        parse_statistic(statistic)?;
    }
    let filter = AlarmFilter { metric: Some(key.metric.clone()), ..AlarmFilter::default() };
    let found = permit.store.alarms(&permit.scope, &filter, None, MAX_ALARMS).await?;
    let is_meant = |stored: &StoredAlarm| {
        let Watched::Metric(stat) = &stored.alarm.watched else { return false };
        let same = |asked: &Option<String>, is: &Option<String>| asked.is_none() || asked == is;
        stored.alarm.watched.is_of(&namespace, &key)
            && same(&input.statistic, &stat.statistic)
            && same(&input.unit, &stat.unit)
            && input.period.is_none_or(|period| stat.period == Some(period))
    };
    let found = found.into_iter().filter(is_meant).collect();
    output(DescribeAlarmsForMetricOutput { metric_alarms: views(&permit.scope, found) })
}

fn views(scope: &brokerd_domain::Scope, found: Vec<StoredAlarm>) -> Vec<MetricAlarmView> {
    found.into_iter().map(|stored| view::alarm(scope, stored)).collect()
}

/// How many records a page has.
///
/// # Errors
/// `ValidationError`.
pub(super) fn records(asked: Option<i64>, usual: u32) -> Result<u32, CloudWatchError> {
    match asked.map(u32::try_from) {
        None => Ok(usual),
        Some(Ok(most)) if (1..=MAX_PER_PAGE).contains(&most) => Ok(most),
        Some(_) => Err(CloudWatchError::validation(format!(
            "The parameter MaxRecords must be between 1 and {MAX_PER_PAGE}."
        ))),
    }
}

/// A state of alarms.
///
/// # Errors
/// `ValidationError`.
pub(super) fn parse_state(text: &str) -> Result<AlarmState, CloudWatchError> {
    let known = AlarmState::ALL.iter().copied().find(|known| known.as_str() == text);
    known.ok_or_else(|| {
        CloudWatchError::validation(
            "The parameter StateValue must be one of OK, ALARM, INSUFFICIENT_DATA.",
        )
    })
}

/// Whether only alarms of other types are asked for.
///
/// # Errors
/// `ValidationError`.
pub(super) fn has_no_metric_alarms(types: &[String]) -> Result<bool, CloudWatchError> {
    const TYPES: [&str; 3] = ["CompositeAlarm", "MetricAlarm", "LogAlarm"];
    if types.iter().any(|one| !TYPES.contains(&one.as_str())) {
        return Err(CloudWatchError::validation(
            "The parameter AlarmTypes may have CompositeAlarm, MetricAlarm and LogAlarm.",
        ));
    }
    Ok(!types.is_empty() && !types.iter().any(|one| one == "MetricAlarm"))
}
