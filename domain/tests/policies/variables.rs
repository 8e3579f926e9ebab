//! Policy variables.

use crate::world::{
    ACTION, Keys,
    Value::{Many, One},
    allows, context,
};

/// Elements of a statement, a resource, the keys of the request, and whether the statement allows.
///
/// Source: "IAM policy elements: Variables and tags" of the IAM user guide.
pub(crate) const CASES: &[(&str, &str, Keys, bool)] = &[
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:username}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:john:b-1",
        &[("aws:username", One("john"))],
        true,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${AWS:UserName}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:john:b-1",
        &[("aws:username", One("john"))],
        true,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:username}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:jane:b-1",
        &[("aws:username", One("john"))],
        false,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:username}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker::b-1",
        &[],
        false,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:PrincipalTag/team, 'company-wide'}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:yellow:b-1",
        &[("aws:PrincipalTag/team", One("yellow"))],
        true,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:PrincipalTag/team, 'company-wide'}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:company-wide:b-1",
        &[],
        true,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:PrincipalTag/team,'company-wide'}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:company-wide:b-1",
        &[("aws:PrincipalTag/team", One("yellow"))],
        false,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:PrincipalTag/project}-${aws:PrincipalTag/stage}-*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:shop-test-1:b-1",
        &[("aws:PrincipalTag/project", One("shop")), ("aws:PrincipalTag/stage", One("test"))],
        true,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:PrincipalTag/project}-${aws:PrincipalTag/stage}-*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:shop-test-1:b-1",
        &[("aws:PrincipalTag/project", One("shop"))],
        false,
    ),
    // What a variable resolves to has no wildcards.
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:PrincipalTag/team}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:red:b-1",
        &[("aws:PrincipalTag/team", One("*"))],
        false,
    ),
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:PrincipalTag/team}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:red:b-1",
        &[("aws:PrincipalTag/team", One("r?d"))],
        false,
    ),
    // A key of several values is none.
    (
        r#""Resource": "arn:aws:mq:*:*:broker:${aws:TagKeys}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:a:b-1",
        &[("aws:TagKeys", Many(&["a", "b"]))],
        false,
    ),
    // Without a value, a resource matches nothing, also in NotResource.
    (
        r#""NotResource": "arn:aws:mq:*:*:broker:${aws:username}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:john:b-1",
        &[],
        true,
    ),
    (
        r#""NotResource": "arn:aws:mq:*:*:broker:${aws:username}:*""#,
        "arn:aws:mq:us-east-1:111122223333:broker:john:b-1",
        &[("aws:username", One("john"))],
        false,
    ),
    // Characters that would be special.
    (r#""Resource": "arn:aws:s3:::bucket/${*}""#, "arn:aws:s3:::bucket/*", &[], true),
    (r#""Resource": "arn:aws:s3:::bucket/${*}""#, "arn:aws:s3:::bucket/x", &[], false),
    (r#""Resource": "arn:aws:s3:::bucket/${?}""#, "arn:aws:s3:::bucket/x", &[], false),
    (r#""Resource": "arn:aws:s3:::bucket/${$}x""#, "arn:aws:s3:::bucket/$x", &[], true),
    // Conditions.
    (
        r#""Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}"#,
        "*",
        &[("aws:ResourceTag/team", One("red")), ("aws:PrincipalTag/team", One("red"))],
        true,
    ),
    (
        r#""Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}"#,
        "*",
        &[("aws:ResourceTag/team", One("red")), ("aws:PrincipalTag/team", One("blue"))],
        false,
    ),
    (
        r#""Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}"#,
        "*",
        &[("aws:ResourceTag/team", One("red"))],
        false,
    ),
    (
        r#""Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}"#,
        "*",
        &[],
        false,
    ),
    (
        r#""Resource": "*", "Condition": {"StringEqualsIgnoreCase": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}"#,
        "*",
        &[("aws:ResourceTag/team", One("RED")), ("aws:PrincipalTag/team", One("Red"))],
        true,
    ),
    (
        r#""Resource": "*", "Condition": {"StringLike": {"s3:prefix": ["", "home/${aws:username}/*"]}}"#,
        "*",
        &[("s3:prefix", One("home/john/a")), ("aws:username", One("john"))],
        true,
    ),
    (
        r#""Resource": "*", "Condition": {"StringLike": {"s3:prefix": ["", "home/${aws:username}/*"]}}"#,
        "*",
        &[("s3:prefix", One("home/jane/a")), ("aws:username", One("john"))],
        false,
    ),
    (
        r#""Resource": "*", "Condition": {"ArnLike": {"k:a": "arn:aws:iam::${aws:PrincipalAccount}:user/*"}}"#,
        "*",
        &[
            ("k:a", One("arn:aws:iam::111122223333:user/x")),
            ("aws:PrincipalAccount", One("111122223333")),
        ],
        true,
    ),
    (
        r#""Resource": "*", "Condition": {"ArnEquals": {"k:a": "${aws:PrincipalArn}"}}"#,
        "*",
        &[
            ("k:a", One("arn:aws:iam::111122223333:user/x")),
            ("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/x")),
        ],
        true,
    ),
    // A negated operator finds a value without value unlike anything.
    (
        r#""Resource": "*", "Condition": {"StringNotEquals": {"s3:ExistingObjectTag/Team": "${aws:PrincipalTag/Team}"}}"#,
        "*",
        &[("s3:ExistingObjectTag/Team", One("red"))],
        true,
    ),
    (
        r#""Resource": "*", "Condition": {"StringNotEquals": {"s3:ExistingObjectTag/Team": "${aws:PrincipalTag/Team}"}}"#,
        "*",
        &[("s3:ExistingObjectTag/Team", One("red")), ("aws:PrincipalTag/Team", One("red"))],
        false,
    ),
    (
        r#""Resource": "*", "Condition": {"StringNotLike": {"k:a": "${k:b}*"}}"#,
        "*",
        &[("k:a", One("x"))],
        true,
    ),
    (
        r#""Resource": "*", "Condition": {"Bool": {"k:a": "${k:b}"}}"#,
        "*",
        &[("k:a", One("true")), ("k:b", One("True"))],
        true,
    ),
    (
        r#""Resource": "*", "Condition": {"Bool": {"k:a": "${k:b}"}}"#,
        "*",
        &[("k:a", One("true")), ("k:b", One("false"))],
        false,
    ),
];

#[test]
fn variables_are_replaced_as_iam_says() {
    for (elements, resource, keys, expected) in CASES {
        let statement = format!(r#"{{"Effect": "Allow", "Action": "*", {elements}}}"#);
        let allowed = allows(&statement, ACTION, resource, &context(keys));
        assert_eq!(allowed, *expected, "{elements} on {resource} with {keys:?}");
    }
}
