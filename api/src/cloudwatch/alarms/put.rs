//! PutMetricAlarm.

use brokerd_domain::{
    alarm::{AlarmInput, MAX_ALARMS},
    metric::query::{CloudWatchError, CloudWatchErrorKind, MetricStatInput},
};
use brokerd_store::PutAlarmOutcome;

use super::{
    super::{
        call::{Answer, Call},
        shapes::{Dimension, MetricDataQuery, Tag, pairs},
    },
    resource::{check_name, named},
    tags::parsed,
};
use crate::{
    auth::TagChange,
    wire::{Value, shape},
};

shape! {
    PutMetricAlarmInput {
        name: Option<String> = "AlarmName",
        description: Option<String> = "AlarmDescription",
        actions_enabled: Option<bool> = "ActionsEnabled",
        ok_actions: Vec<String> = "OKActions",
        alarm_actions: Vec<String> = "AlarmActions",
        insufficient_data_actions: Vec<String> = "InsufficientDataActions",
        metric_name: Option<String> = "MetricName",
        namespace: Option<String> = "Namespace",
        statistic: Option<String> = "Statistic",
        extended_statistic: Option<String> = "ExtendedStatistic",
        dimensions: Vec<Dimension> = "Dimensions",
        period: Option<i64> = "Period",
        unit: Option<String> = "Unit",
        evaluation_periods: Option<i64> = "EvaluationPeriods",
        datapoints_to_alarm: Option<i64> = "DatapointsToAlarm",
        threshold: Option<f64> = "Threshold",
        comparison: Option<String> = "ComparisonOperator",
        missing_data: Option<String> = "TreatMissingData",
        low_samples: Option<String> = "EvaluateLowSampleCountPercentile",
        metrics: Vec<MetricDataQuery> = "Metrics",
        tags: Vec<Tag> = "Tags",
        threshold_metric_id: Option<Value> = "ThresholdMetricId",
        evaluation_window: Option<Value> = "EvaluationWindow",
        warm_up: Option<Value> = "WarmUpConfiguration",
        criteria: Option<Value> = "EvaluationCriteria",
        interval: Option<Value> = "EvaluationInterval",
        action_configuration: Option<Value> = "ActionConfiguration",
    }
}

pub(super) async fn answer(call: Call<'_>, mut input: PutMetricAlarmInput) -> Answer {
    let name = input.name.clone().ok_or_else(|| CloudWatchError::missing("AlarmName"))?;
    check_name(&name)?;
    let tags = parsed(std::mem::take(&mut input.tags))?;
    let has_tags = !tags.as_map().is_empty();
    let tag_change = if has_tags { TagChange::Adds(&tags) } else { TagChange::None };
    let (permit, _) = named(call, &name, tag_change).await?;
    let alarm = AlarmInput::from(input).parse()?;
    match permit.store.put_alarm(&permit.scope, &alarm, &tags, permit.now).await? {
        PutAlarmOutcome::Created | PutAlarmOutcome::Updated => Ok(None),
        PutAlarmOutcome::TooMany => Err(CloudWatchError::new(
            CloudWatchErrorKind::LimitExceeded,
            format!(
                "The account has reached the maximum number of alarms in this region, {MAX_ALARMS}."
            ),
        )
        .into()),
    }
}

impl From<PutMetricAlarmInput> for AlarmInput {
    fn from(input: PutMetricAlarmInput) -> Self {
        let unsupported = [
            ("ThresholdMetricId", input.threshold_metric_id.is_some()),
            ("EvaluationWindow", input.evaluation_window.is_some()),
            ("WarmUpConfiguration", input.warm_up.is_some()),
            ("EvaluationCriteria", input.criteria.is_some()),
            ("EvaluationInterval", input.interval.is_some()),
            ("ActionConfiguration", input.action_configuration.is_some()),
        ];
        Self {
            name: input.name,
            description: input.description,
            actions_enabled: input.actions_enabled,
            ok_actions: input.ok_actions,
            alarm_actions: input.alarm_actions,
            insufficient_data_actions: input.insufficient_data_actions,
            metric: MetricStatInput {
                namespace: input.namespace,
                metric: input.metric_name,
                dimensions: pairs(input.dimensions),
                period: input.period,
                statistic: input.statistic,
                unit: input.unit,
            },
            extended_statistic: input.extended_statistic,
            metrics: input.metrics.into_iter().map(Into::into).collect(),
            evaluation_periods: input.evaluation_periods,
            datapoints_to_alarm: input.datapoints_to_alarm,
            threshold: input.threshold,
            comparison: input.comparison,
            missing_data: input.missing_data,
            low_samples: input.low_samples,
            unsupported: unsupported
                .into_iter()
                .filter_map(|(name, is_there)| is_there.then_some(name))
                .collect(),
        }
    }
}
