//! The operations of Amazon CloudWatch Logs, and their actions.

use super::{NEW, NO_KEYS, RESOURCE, TAGGED, UNTAGGED, also, needs, row};
use crate::access::policy::operation::{
    AccessLevel::{List, Read, Tagging, Write},
    OperationPermissions,
    ResourceType::{Any, LogGroup, LogStream},
    When::WithTags,
};

/// An operation that needs the action of its name.
macro_rules! logs {
    ($operation:literal, $level:ident, $resource:ident, $keys:ident) => {
        row($operation, &[needs(concat!("logs:", $operation), $level, $resource, $keys)])
    };
}

/// The operations of CloudWatch Logs.
///
/// Source: service authorization reference, "Actions defined by Amazon CloudWatch Logs".
const LOGS: &[OperationPermissions] = &[
    row(
        "CreateLogGroup",
        &[
            needs("logs:CreateLogGroup", Write, LogGroup, NEW),
            also("logs:TagResource", Tagging, LogGroup, TAGGED, WithTags),
        ],
    ),
    logs!("DeleteLogGroup", Write, LogGroup, RESOURCE),
    logs!("DeleteLogStream", Write, LogStream, RESOURCE),
    logs!("DeleteRetentionPolicy", Write, LogGroup, RESOURCE),
    logs!("DescribeLogGroups", List, LogGroup, NO_KEYS),
    logs!("DescribeLogStreams", List, LogGroup, RESOURCE),
    logs!("DescribeQueries", List, Any, NO_KEYS),
    logs!("DescribeQueryDefinitions", List, Any, NO_KEYS),
    logs!("FilterLogEvents", Read, LogGroup, RESOURCE),
    logs!("GetLogEvents", Read, LogStream, RESOURCE),
    logs!("GetLogGroupFields", Read, LogGroup, RESOURCE),
    logs!("GetQueryResults", Read, Any, NO_KEYS),
    logs!("ListTagsForResource", List, LogGroup, RESOURCE),
    logs!("ListTagsLogGroup", List, LogGroup, RESOURCE),
    logs!("PutRetentionPolicy", Write, LogGroup, RESOURCE),
    logs!("StartQuery", Read, LogGroup, RESOURCE),
    logs!("StopQuery", Read, Any, NO_KEYS),
    logs!("TagLogGroup", Tagging, LogGroup, TAGGED),
    logs!("TagResource", Tagging, LogGroup, TAGGED),
    logs!("UntagLogGroup", Tagging, LogGroup, UNTAGGED),
    logs!("UntagResource", Tagging, LogGroup, UNTAGGED),
];

impl OperationPermissions {
    /// Those of an operation of CloudWatch Logs by its name; none: there is no such operation here.
    pub fn of_logs(operation: &str) -> Option<&'static Self> {
        LOGS.iter().find(|known| known.operation == operation)
    }

    /// Every operation of CloudWatch Logs.
    pub fn all_of_logs() -> impl Iterator<Item = &'static Self> {
        LOGS.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_there_once_and_needs_the_action_of_its_name() {
        let names: BTreeSet<_> = LOGS.iter().map(|row| row.operation).collect();
        assert_eq!(names.len(), LOGS.len());
        for row in LOGS {
            assert_eq!(row.actions[0].action, format!("logs:{}", row.operation));
        }
    }
}
