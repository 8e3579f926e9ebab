//! The operations of Amazon CloudWatch and their actions.
//!
//! Source: service authorization reference, "Actions defined by Amazon CloudWatch".

use super::{NEW, NO_KEYS, RESOURCE, TAGGED, UNTAGGED, also, needs, row};
use crate::access::policy::operation::{
    AccessLevel::{List, Read, Tagging, Write},
    OperationPermissions,
    ResourceType::{Alarm, Any},
    When::WithTags,
};

/// An operation that needs the action of its name.
macro_rules! cloudwatch {
    ($operation:literal, $level:ident, $resource:ident, $keys:ident) => {
        row($operation, &[needs(concat!("cloudwatch:", $operation), $level, $resource, $keys)])
    };
}

const CLOUDWATCH: &[OperationPermissions] = &[
    cloudwatch!("DeleteAlarms", Write, Alarm, RESOURCE),
    cloudwatch!("DescribeAlarmHistory", Read, Alarm, RESOURCE),
    cloudwatch!("DescribeAlarms", Read, Alarm, RESOURCE),
    cloudwatch!("DescribeAlarmsForMetric", Read, Any, NO_KEYS),
    cloudwatch!("DisableAlarmActions", Write, Alarm, RESOURCE),
    cloudwatch!("EnableAlarmActions", Write, Alarm, RESOURCE),
    cloudwatch!("GetMetricData", Read, Any, NO_KEYS),
    cloudwatch!("GetMetricStatistics", Read, Any, NO_KEYS),
    cloudwatch!("ListMetrics", List, Any, NO_KEYS),
    cloudwatch!("ListTagsForResource", Read, Alarm, RESOURCE),
    row(
        "PutMetricAlarm",
        &[
            needs("cloudwatch:PutMetricAlarm", Write, Alarm, NEW),
            also("cloudwatch:TagResource", Tagging, Alarm, TAGGED, WithTags),
        ],
    ),
    cloudwatch!("SetAlarmState", Write, Alarm, RESOURCE),
    cloudwatch!("TagResource", Tagging, Alarm, TAGGED),
    cloudwatch!("UntagResource", Tagging, Alarm, UNTAGGED),
];

impl OperationPermissions {
    /// Those of an operation of CloudWatch by its name; none: there is no such operation here.
    pub fn of_cloudwatch(operation: &str) -> Option<&'static Self> {
        CLOUDWATCH.iter().find(|known| known.operation == operation)
    }

    /// Every operation of CloudWatch.
    pub fn all_of_cloudwatch() -> impl Iterator<Item = &'static Self> {
        CLOUDWATCH.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_there_once_and_needs_the_action_of_its_name() {
        let names: BTreeSet<_> = CLOUDWATCH.iter().map(|row| row.operation).collect();
        assert_eq!(names.len(), CLOUDWATCH.len());
        for row in CLOUDWATCH {
            assert_eq!(row.actions[0].action, format!("cloudwatch:{}", row.operation));
        }
    }
}
