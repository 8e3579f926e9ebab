//! Alarms.

mod change;
mod describe;
mod history;
mod put;
mod resource;
mod tags;
mod view;

use super::{
    call::{Answer, Call},
    protocol::input,
};
use crate::wire::Value;

/// The answer of an operation on alarms; none: it is none.
pub(super) async fn answer(operation: &str, call: Call<'_>, value: Value) -> Option<Answer> {
    Some(match operation {
        "PutMetricAlarm" => with(input(value), |input| put::answer(call, input)).await,
        "DescribeAlarms" => with(input(value), |input| describe::answer(call, input)).await,
        "DescribeAlarmsForMetric" => {
            with(input(value), |input| describe::for_metric(call, input)).await
        }
        "DescribeAlarmHistory" => with(input(value), |input| history::answer(call, input)).await,
        "DeleteAlarms" => with(input(value), |input| change::delete(call, input)).await,
        "EnableAlarmActions" => with(input(value), |input| change::enable(call, input, true)).await,
        "DisableAlarmActions" => {
            with(input(value), |input| change::enable(call, input, false)).await
        }
        "SetAlarmState" => with(input(value), |input| change::set_state(call, input)).await,
        "ListTagsForResource" => with(input(value), |input| tags::list(call, input)).await,
        "TagResource" => with(input(value), |input| tags::add(call, input)).await,
        "UntagResource" => with(input(value), |input| tags::remove(call, input)).await,
        _ => return None,
    })
}

/// Answers an input that could be read.
async fn with<T, F: Future<Output = Answer>>(
    input: Result<T, crate::http::error::ApiError>,
    answer: impl FnOnce(T) -> F,
) -> Answer {
    answer(input?).await
}
