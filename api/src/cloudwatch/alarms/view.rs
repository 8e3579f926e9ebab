//! Alarms as answers have them.

use brokerd_domain::{
    Scope, Timestamp,
    alarm::{AlarmAction, MetricAlarm, MissingData, Watched},
};
use brokerd_store::StoredAlarm;

use super::super::shapes::{Dimension, MetricDataQuery, dimensions};
use crate::wire::shape;

shape! {
    /// `MetricAlarm`.
    MetricAlarmView {
        name: String = "AlarmName",
        arn: String = "AlarmArn",
        description: Option<String> = "AlarmDescription",
        configured: Timestamp = "AlarmConfigurationUpdatedTimestamp",
        actions_enabled: bool = "ActionsEnabled",
        ok_actions: Vec<String> = "OKActions",
        alarm_actions: Vec<String> = "AlarmActions",
        insufficient_data_actions: Vec<String> = "InsufficientDataActions",
        state: String = "StateValue",
        state_reason: String = "StateReason",
        state_reason_data: Option<String> = "StateReasonData",
        state_updated: Timestamp = "StateUpdatedTimestamp",
        metric_name: Option<String> = "MetricName",
        namespace: Option<String> = "Namespace",
        statistic: Option<String> = "Statistic",
        dimensions: Vec<Dimension> = "Dimensions",
        period: Option<i64> = "Period",
        unit: Option<String> = "Unit",
        evaluation_periods: i64 = "EvaluationPeriods",
        datapoints_to_alarm: Option<i64> = "DatapointsToAlarm",
        threshold: f64 = "Threshold",
        comparison: String = "ComparisonOperator",
        missing_data: Option<String> = "TreatMissingData",
        metrics: Option<Vec<MetricDataQuery>> = "Metrics",
        state_transitioned: Timestamp = "StateTransitionedTimestamp",
    }
}

/// An alarm of a scope.
pub(super) fn alarm(scope: &Scope, stored: StoredAlarm) -> MetricAlarmView {
    let StoredAlarm { alarm, configured, status, .. } = stored;
    let arns =
        |actions: &[AlarmAction]| actions.iter().map(|action| action.as_str().to_owned()).collect();
    let (stat, metrics) = match &alarm.watched {
        Watched::Metric(stat) => (Some(stat), None),
        Watched::Math(queries) => (None, Some(queries.iter().map(Into::into).collect())),
    };
    MetricAlarmView {
        arn: MetricAlarm::arn_of(scope, &alarm.name),
        description: alarm.description.clone(),
        configured,
        actions_enabled: alarm.actions_enabled,
        ok_actions: arns(&alarm.ok_actions),
        alarm_actions: arns(&alarm.alarm_actions),
        insufficient_data_actions: arns(&alarm.insufficient_data_actions),
        state: status.value.to_string(),
        state_reason: status.reason,
        state_reason_data: status.reason_data,
        state_updated: status.updated,
        metric_name: stat.and_then(|stat| stat.metric.clone()),
        namespace: stat.and_then(|stat| stat.namespace.clone()),
        statistic: stat.and_then(|stat| stat.statistic.clone()),
        dimensions: stat.map_or_else(Vec::new, |stat| dimensions(&stat.dimensions)),
        period: stat.and_then(|stat| stat.period),
        unit: stat.and_then(|stat| stat.unit.clone()),
        evaluation_periods: alarm.evaluation_periods.into(),
        datapoints_to_alarm: alarm.datapoints_to_alarm.map(Into::into),
        threshold: alarm.threshold,
        comparison: alarm.comparison.to_string(),
        missing_data: alarm.missing_data.map(MissingData::as_str).map(str::to_owned),
        metrics,
        state_transitioned: status.transitioned,
        name: alarm.name,
    }
}
