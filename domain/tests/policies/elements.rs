//! `Action`, `NotAction`, `Resource`, `NotResource`.

use brokerd_domain::policy::Context;

use crate::world::{ACTION, BROKER, allows};

/// An element, an action, and whether a statement with that element allows it.
///
/// Source: "IAM JSON policy elements: Action" and "NotAction".
pub(crate) const ACTIONS: &[(&str, &str, bool)] = &[
    (r#""Action": "mq:DescribeBroker""#, "mq:DescribeBroker", true),
    (r#""Action": "mq:DescribeBroker""#, "mq:DescribeBrokers", false),
    (r#""Action": "mq:DescribeBroker""#, "mq:DeleteBroker", false),
    (r#""Action": ["mq:ListBrokers", "mq:DescribeBroker"]"#, "mq:DescribeBroker", true),
    (r#""Action": ["mq:ListBrokers", "mq:DescribeBroker"]"#, "mq:DescribeUser", false),
    // Prefix and name are case-insensitive.
    (r#""Action": "MQ:describebroker""#, "mq:DescribeBroker", true),
    (r#""Action": "mq:DESCRIBE*""#, "mq:DescribeBroker", true),
    (r#""Action": "mq:DescribeBroker""#, "MQ:DESCRIBEBROKER", true),
    (r#""Action": "*""#, "mq:DescribeBroker", true),
    (r#""Action": "*""#, "iam:CreateUser", true),
    (r#""Action": "*:*""#, "mq:DescribeBroker", true),
    (r#""Action": "*:Describe*""#, "mq:DescribeBroker", true),
    (r#""Action": "*:Describe*""#, "mq:ListBrokers", false),
    (r#""Action": "mq:*""#, "mq:DescribeBroker", true),
    (r#""Action": "mq:*""#, "mqtt:DescribeBroker", false),
    (r#""Action": "mq:*""#, "brokerd:CreateFault", false),
    (r#""Action": "mq:Describe*""#, "mq:DescribeBroker", true),
    (r#""Action": "mq:Describe*""#, "mq:ListBrokers", false),
    (r#""Action": "mq:*Broker*""#, "mq:DescribeBrokerEngineTypes", true),
    (r#""Action": "mq:*Broker""#, "mq:DescribeBrokerEngineTypes", false),
    (r#""Action": "mq:*Broker""#, "mq:RebootBroker", true),
    (r#""Action": "mq:?escribeBroker""#, "mq:DescribeBroker", true),
    (r#""Action": "mq:?DescribeBroker""#, "mq:DescribeBroker", false),
    (r#""Action": "mq:DescribeBroke??""#, "mq:DescribeBroker", false),
    (r#""Action": "iam:*AccessKey*""#, "iam:CreateAccessKey", true),
    (r#""Action": "iam:*AccessKey*""#, "iam:ListUsers", false),
    (r#""NotAction": "mq:DeleteBroker""#, "mq:DescribeBroker", true),
    (r#""NotAction": "mq:DeleteBroker""#, "mq:DeleteBroker", false),
    (r#""NotAction": "mq:DeleteBroker""#, "MQ:deletebroker", false),
    (r#""NotAction": "mq:DeleteBroker""#, "iam:CreateUser", true),
    (r#""NotAction": ["iam:*", "mq:Delete*"]"#, "mq:DeleteBroker", false),
    (r#""NotAction": ["iam:*", "mq:Delete*"]"#, "iam:CreateUser", false),
    (r#""NotAction": ["iam:*", "mq:Delete*"]"#, "mq:CreateBroker", true),
    (r#""NotAction": "*""#, "mq:DescribeBroker", false),
];

/// An element, a resource, and whether a statement with that element allows it.
///
/// Source: "IAM JSON policy elements: Resource" and "NotResource".
pub(crate) const RESOURCES: &[(&str, &str, bool)] = &[
    (r#""Resource": "*""#, BROKER, true),
    (r#""Resource": "*""#, "*", true),
    (r#""Resource": "arn:aws:mq:*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us-east-1""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us-east-2""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us-east-1:999999999999:*""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:broker:orders:*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:broker:Orders:*""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:broker:ord*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:broker:bills:*""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:broker:o?ders:b-*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:broker:orders""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:configuration:*""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:us-*-1:111122223333:broker:*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us-????-1:111122223333:broker:*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:eu-*:111122223333:broker:*""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:*:*:broker:*""#, BROKER, true),
    (r#""Resource": "arn:*:mq:*:*:broker:*""#, BROKER, true),
    (r#""Resource": "arn:aws-*:mq:*:*:broker:*""#, BROKER, false),
    (r#""Resource": "arn:aws:s3:::*""#, BROKER, false),
    // A `*` at the end of a segment goes on beyond the colon; others do not.
    (r#""Resource": "arn:aws:mq:*:broker:orders:*""#, BROKER, true),
    (r#""Resource": "arn:aws:mq:us*st-1:broker:orders:*""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:u*3333:broker:orders:*""#, BROKER, false),
    (r#""Resource": "arn:aws:mq:us-east-1?111122223333:broker:orders:*""#, BROKER, false),
    // Actions without a resource need `*`.
    (r#""Resource": "arn:aws:mq:*""#, "*", false),
    (r#""Resource": "arn:aws:mq:us-east-1:111122223333:broker:*""#, "*", false),
    (r#""Resource": ["arn:aws:s3:::*", "arn:aws:mq:*:*:broker:orders:*"]"#, BROKER, true),
    // The guide's bucket.
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1/test/object.jpg",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1/2/test/object.jpg",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1/2/test/3/object.jpg",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1/2/3/test/4/object.jpg",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1///test///object.jpg",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1/test/.jpg",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket//test/object.jpg",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1/test/",
        true,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1-test/object.jpg",
        false,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/test/object.jpg",
        false,
    ),
    (
        r#""Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*""#,
        "arn:aws:s3:::amzn-s3-demo-bucket/1/2/test.jpg",
        false,
    ),
    (
        r#""Resource": "arn:aws:iam::111122223333:user/accounting/*""#,
        "arn:aws:iam::111122223333:user/accounting/a/bob",
        true,
    ),
    (
        r#""Resource": "arn:aws:iam::111122223333:user/accounting/*""#,
        "arn:aws:iam::111122223333:user/bob",
        false,
    ),
    (
        r#""Resource": "arn:aws:iam::111122223333:user/Bob""#,
        "arn:aws:iam::111122223333:user/bob",
        false,
    ),
    (r#""NotResource": "arn:aws:mq:us-east-1:111122223333:broker:bills:*""#, BROKER, true),
    (r#""NotResource": "arn:aws:mq:us-east-1:111122223333:broker:orders:*""#, BROKER, false),
    (r#""NotResource": ["arn:aws:s3:::*", "arn:aws:mq:*:*:broker:*"]"#, BROKER, false),
    (r#""NotResource": ["arn:aws:s3:::*", "arn:aws:mq:*:*:broker:*"]"#, "*", true),
    (r#""NotResource": "*""#, BROKER, false),
];

#[test]
fn actions_are_matched_as_iam_does() {
    for (element, action, expected) in ACTIONS {
        let statement = format!(r#"{{"Effect": "Allow", {element}, "Resource": "*"}}"#);
        let allowed = allows(&statement, action, BROKER, &Context::default());
        assert_eq!(allowed, *expected, "{element} on {action}");
    }
}

#[test]
fn resources_are_matched_as_iam_does() {
    for (element, resource, expected) in RESOURCES {
        let statement = format!(r#"{{"Effect": "Allow", "Action": "*", {element}}}"#);
        let allowed = allows(&statement, ACTION, resource, &Context::default());
        assert_eq!(allowed, *expected, "{element} on {resource}");
    }
}
