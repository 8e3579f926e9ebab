//! Condition operators.

use crate::world::{
    ACTION, BROKER, Keys,
    Value::{Many, One},
    allows, context,
};

const NOTHING: Keys = &[];
const TAG_KEYS: &str = "aws:TagKeys";

/// A condition, the keys of the request, and whether it holds.
///
/// Source: "Condition operators", "Conditions with multiple context keys or values" and "Multivalued context key
/// examples" of the IAM user guide.
pub(crate) const CASES: &[(&str, Keys, bool)] = &[
    // Strings.
    (r#"{"StringEquals": {"aws:username": "john"}}"#, &[("aws:username", One("john"))], true),
    (r#"{"StringEquals": {"aws:username": "john"}}"#, &[("aws:username", One("John"))], false),
    (r#"{"StringEquals": {"aws:username": "john"}}"#, NOTHING, false),
    (r#"{"StringEquals": {"AWS:USERNAME": "john"}}"#, &[("aws:username", One("john"))], true),
    (r#"{"StringEquals": {"k:a": ["x", "y"]}}"#, &[("k:a", One("y"))], true),
    (r#"{"StringEquals": {"k:a": ["x", "y"]}}"#, &[("k:a", One("z"))], false),
    (r#"{"StringEquals": {"k:a": "x*"}}"#, &[("k:a", One("xy"))], false),
    (r#"{"StringEquals": {"k:a": "x*"}}"#, &[("k:a", One("x*"))], true),
    (r#"{"StringEquals": {"k:a": ""}}"#, &[("k:a", One(""))], true),
    (r#"{"StringNotEquals": {"k:a": "x"}}"#, &[("k:a", One("y"))], true),
    (r#"{"StringNotEquals": {"k:a": "x"}}"#, &[("k:a", One("x"))], false),
    (r#"{"StringNotEquals": {"k:a": "x"}}"#, NOTHING, true),
    // Several values of a negated operator: none may match.
    (r#"{"StringNotEquals": {"k:a": ["x", "y"]}}"#, &[("k:a", One("y"))], false),
    (r#"{"StringNotEquals": {"k:a": ["x", "y"]}}"#, &[("k:a", One("z"))], true),
    (r#"{"StringEqualsIgnoreCase": {"k:a": "John"}}"#, &[("k:a", One("jOHN"))], true),
    (r#"{"StringEqualsIgnoreCase": {"k:a": "John"}}"#, &[("k:a", One("joan"))], false),
    (r#"{"StringEqualsIgnoreCase": {"k:a": "J*"}}"#, &[("k:a", One("john"))], false),
    (r#"{"StringNotEqualsIgnoreCase": {"k:a": "John"}}"#, &[("k:a", One("JOHN"))], false),
    (r#"{"StringNotEqualsIgnoreCase": {"k:a": "John"}}"#, &[("k:a", One("joan"))], true),
    (r#"{"StringLike": {"k:a": "home/*"}}"#, &[("k:a", One("home/john"))], true),
    (r#"{"StringLike": {"k:a": "home/*"}}"#, &[("k:a", One("Home/john"))], false),
    (r#"{"StringLike": {"k:a": "j?hn"}}"#, &[("k:a", One("john"))], true),
    (r#"{"StringLike": {"k:a": "j?hn"}}"#, &[("k:a", One("jhn"))], false),
    (r#"{"StringLike": {"k:a": ["", "home/"]}}"#, &[("k:a", One(""))], true),
    (r#"{"StringLike": {"k:a": "*"}}"#, NOTHING, false),
    (r#"{"StringNotLike": {"k:a": "home/*"}}"#, &[("k:a", One("home/john"))], false),
    (r#"{"StringNotLike": {"k:a": "home/*"}}"#, &[("k:a", One("etc"))], true),
    (r#"{"StringNotLike": {"k:a": "*"}}"#, NOTHING, true),
    // The first asterisk of the guide's pattern goes on beyond colons.
    (
        r#"{"StringLike": {"k:a": "arn:aws:someservice:*:111122223333:finance/*"}}"#,
        &[(
            "k:a",
            One(
                "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            ),
        )],
        true,
    ),
    (
        r#"{"ArnLike": {"k:a": "arn:aws:someservice:*:111122223333:finance/*"}}"#,
        &[(
            "k:a",
            One(
                "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            ),
        )],
        false,
    ),
    // ARNs. Equals and Like are the same.
    (
        r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/john"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        true,
    ),
    (
        r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        true,
    ),
    (
        r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1111????3333:user/j*"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        true,
    ),
    (
        r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        false,
    ),
    (
        r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/John"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        false,
    ),
    (
        r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam*"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        true,
    ),
    (
        r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:*:user/john"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        false,
    ),
    (r#"{"ArnLike": {"k:a": "*"}}"#, &[("k:a", One("no ARN"))], false),
    (r#"{"ArnLike": {"k:a": "*"}}"#, NOTHING, false),
    (
        r#"{"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        true,
    ),
    (
        r#"{"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}"#,
        &[("aws:PrincipalArn", One("arn:aws:iam::111122223333:user/john"))],
        false,
    ),
    (r#"{"ArnNotEquals": {"k:a": "arn:aws:iam::*:user/*"}}"#, &[("k:a", One("no ARN"))], true),
    (r#"{"ArnNotLike": {"k:a": "arn:aws:iam::*:user/*"}}"#, NOTHING, true),
    // Numbers.
    (r#"{"NumericEquals": {"k:n": "10"}}"#, &[("k:n", One("10.0"))], true),
    (r#"{"NumericEquals": {"k:n": 10}}"#, &[("k:n", One("10"))], true),
    (r#"{"NumericEquals": {"k:n": "10"}}"#, &[("k:n", One("ten"))], false),
    (r#"{"NumericEquals": {"k:n": ["1", "2"]}}"#, &[("k:n", One("2"))], true),
    (r#"{"NumericNotEquals": {"k:n": "10"}}"#, &[("k:n", One("11"))], true),
    (r#"{"NumericNotEquals": {"k:n": "10"}}"#, &[("k:n", One("10"))], false),
    (r#"{"NumericNotEquals": {"k:n": ["10", "11"]}}"#, &[("k:n", One("11"))], false),
    (r#"{"NumericNotEquals": {"k:n": "10"}}"#, &[("k:n", One("ten"))], true),
    (r#"{"NumericNotEquals": {"k:n": "10"}}"#, NOTHING, true),
    (r#"{"NumericLessThan": {"k:n": "10"}}"#, &[("k:n", One("9.99"))], true),
    (r#"{"NumericLessThan": {"k:n": "10"}}"#, &[("k:n", One("10"))], false),
    (r#"{"NumericLessThanEquals": {"s3:max-keys": "10"}}"#, &[("s3:max-keys", One("10"))], true),
    (r#"{"NumericLessThanEquals": {"s3:max-keys": "10"}}"#, &[("s3:max-keys", One("11"))], false),
    (r#"{"NumericGreaterThan": {"k:n": "-1"}}"#, &[("k:n", One("0"))], true),
    (r#"{"NumericGreaterThan": {"k:n": "0"}}"#, &[("k:n", One("0"))], false),
    (r#"{"NumericGreaterThanEquals": {"k:n": "0"}}"#, &[("k:n", One("0"))], true),
    (r#"{"NumericGreaterThanEquals": {"k:n": "0"}}"#, NOTHING, false),
    // Dates.
    (
        r#"{"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}}"#,
        &[("aws:TokenIssueTime", One("2020-06-01T00:00:00Z"))],
        true,
    ),
    (r#"{"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}}"#, NOTHING, false),
    (
        r#"{"DateLessThan": {"aws:CurrentTime": "2020-06-30T23:59:59Z"}}"#,
        &[("aws:CurrentTime", One("2020-06-30T23:59:59Z"))],
        false,
    ),
    (
        r#"{"DateLessThanEquals": {"aws:CurrentTime": "2020-06-30T23:59:59Z"}}"#,
        &[("aws:CurrentTime", One("2020-06-30T23:59:59Z"))],
        true,
    ),
    (
        r#"{"DateLessThan": {"aws:CurrentTime": "2020-07-01T01:00:00+02:00"}}"#,
        &[("aws:CurrentTime", One("2020-06-30T22:59:59Z"))],
        true,
    ),
    (
        r#"{"DateGreaterThanEquals": {"aws:CurrentTime": "2020-04-01"}}"#,
        &[("aws:CurrentTime", One("2020-04-01T00:00:00Z"))],
        true,
    ),
    (
        r#"{"DateEquals": {"aws:EpochTime": "1585699200"}}"#,
        &[("aws:EpochTime", One("1585699200"))],
        true,
    ),
    (
        r#"{"DateEquals": {"aws:EpochTime": 1585699200}}"#,
        &[("aws:EpochTime", One("2020-04-01T00:00:00Z"))],
        true,
    ),
    (
        r#"{"DateNotEquals": {"aws:EpochTime": "1585699200"}}"#,
        &[("aws:EpochTime", One("1585699201"))],
        true,
    ),
    (r#"{"DateNotEquals": {"aws:EpochTime": "1585699200"}}"#, NOTHING, true),
    (r#"{"DateLessThan": {"k:a": "2020-04-01"}}"#, &[("k:a", One("yesterday"))], false),
    // Numbers as dates: numeric operators work on aws:EpochTime, too.
    (
        r#"{"NumericLessThan": {"aws:EpochTime": "1585699201"}}"#,
        &[("aws:EpochTime", One("1585699200"))],
        true,
    ),
    // Booleans.
    (
        r#"{"Bool": {"aws:SecureTransport": "false"}}"#,
        &[("aws:SecureTransport", One("false"))],
        true,
    ),
    (
        r#"{"Bool": {"aws:SecureTransport": "false"}}"#,
        &[("aws:SecureTransport", One("true"))],
        false,
    ),
    (r#"{"Bool": {"aws:SecureTransport": false}}"#, &[("aws:SecureTransport", One("false"))], true),
    (r#"{"Bool": {"aws:SecureTransport": "TRUE"}}"#, &[("aws:SecureTransport", One("true"))], true),
    (r#"{"Bool": {"aws:MultiFactorAuthPresent": "false"}}"#, NOTHING, false),
    (r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#, NOTHING, true),
    (r#"{"Bool": {"k:a": "true"}}"#, &[("k:a", One("yes"))], false),
    // Bytes.
    (
        r#"{"BinaryEquals": {"k:a": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}"#,
        &[("k:a", One("QmluYXJ5VmFsdWVJbkJhc2U2NA=="))],
        true,
    ),
    (
        r#"{"BinaryEquals": {"k:a": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}"#,
        &[("k:a", One("QmluYXJ5VmFsdWVJbkJhc2U2NA"))],
        true,
    ),
    (r#"{"BinaryEquals": {"k:a": "YWJj"}}"#, &[("k:a", One("ywjj"))], false),
    (r#"{"BinaryEquals": {"k:a": "YWJj"}}"#, NOTHING, false),
    // Addresses.
    (
        r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
        &[("aws:SourceIp", One("203.0.113.255"))],
        true,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
        &[("aws:SourceIp", One("203.0.114.0"))],
        false,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": "203.0.113.7"}}"#,
        &[("aws:SourceIp", One("203.0.113.7"))],
        true,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": "203.0.113.7"}}"#,
        &[("aws:SourceIp", One("203.0.113.8"))],
        false,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:DB8:1234:5678::/64"]}}"#,
        &[("aws:SourceIp", One("2001:db8:1234:5678::9"))],
        true,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": "2001:DB8:1234:5678::/64"}}"#,
        &[("aws:SourceIp", One("2001:db8:1234:5679::9"))],
        false,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": "2001:db8::1"}}"#,
        &[("aws:SourceIp", One("2001:db8::1"))],
        true,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#,
        &[("aws:SourceIp", One("2001:db8::1"))],
        false,
    ),
    (
        r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
        &[("aws:SourceIp", One("::ffff:203.0.113.7"))],
        true,
    ),
    (r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#, NOTHING, false),
    (
        r#"{"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}}"#,
        &[("aws:SourceIp", One("203.0.113.7"))],
        false,
    ),
    (
        r#"{"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}}"#,
        &[("aws:SourceIp", One("198.51.100.1"))],
        true,
    ),
    (r#"{"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#, NOTHING, true),
    (
        r#"{"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
        &[("aws:SourceIp", One("somewhere"))],
        true,
    ),
    // IfExists.
    (r#"{"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "t2.*"]}}"#, NOTHING, true),
    (
        r#"{"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "t2.*"]}}"#,
        &[("ec2:InstanceType", One("t2.micro"))],
        true,
    ),
    (
        r#"{"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "t2.*"]}}"#,
        &[("ec2:InstanceType", One("m5.large"))],
        false,
    ),
    (r#"{"StringNotEqualsIfExists": {"k:a": "x"}}"#, NOTHING, true),
    (r#"{"StringNotEqualsIfExists": {"k:a": "x"}}"#, &[("k:a", One("x"))], false),
    (r#"{"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}"#, NOTHING, true),
    (r#"{"NumericLessThanIfExists": {"k:n": "5"}}"#, NOTHING, true),
    (r#"{"DateLessThanIfExists": {"k:d": "2020-01-01"}}"#, NOTHING, true),
    (r#"{"ArnLikeIfExists": {"k:a": "arn:aws:iam::*:user/*"}}"#, NOTHING, true),
    (r#"{"BinaryEqualsIfExists": {"k:a": "YWJj"}}"#, NOTHING, true),
    // Null.
    (r#"{"Null": {"aws:TokenIssueTime": "true"}}"#, NOTHING, true),
    (
        r#"{"Null": {"aws:TokenIssueTime": "true"}}"#,
        &[("aws:TokenIssueTime", One("2020-06-01T00:00:00Z"))],
        false,
    ),
    (
        r#"{"Null": {"aws:TokenIssueTime": "false"}}"#,
        &[("aws:TokenIssueTime", One("2020-06-01T00:00:00Z"))],
        true,
    ),
    (r#"{"Null": {"aws:TokenIssueTime": false}}"#, NOTHING, false),
    (r#"{"Null": {"aws:TagKeys": "true"}}"#, &[(TAG_KEYS, Many(&[]))], true),
    (r#"{"Null": {"aws:ResourceTag/team": "false"}}"#, &[("aws:ResourceTag/team", One(""))], true),
    // Sets.
    (
        r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        &[(TAG_KEYS, Many(&["environment", "webserver"]))],
        true,
    ),
    (
        r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        &[(TAG_KEYS, Many(&["environment"]))],
        true,
    ),
    (
        r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        &[(TAG_KEYS, Many(&["environment", "test"]))],
        false,
    ),
    (
        r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        &[(TAG_KEYS, Many(&[]))],
        true,
    ),
    (
        r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        NOTHING,
        true,
    ),
    (
        r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["environment"]}, "Null": {"aws:TagKeys": "false"}}"#,
        NOTHING,
        false,
    ),
    (
        r#"{"ForAllValues:StringNotLike": {"aws:TagKeys": "key1*"}}"#,
        &[(TAG_KEYS, Many(&["key2", "key3"]))],
        true,
    ),
    (
        r#"{"ForAllValues:StringNotLike": {"aws:TagKeys": "key1*"}}"#,
        &[(TAG_KEYS, Many(&["key1", "key3"]))],
        false,
    ),
    (
        r#"{"ForAllValues:StringNotEquals": {"aws:TagKeys": ["a", "b"]}}"#,
        &[(TAG_KEYS, Many(&["c"]))],
        true,
    ),
    (
        r#"{"ForAllValues:StringNotEquals": {"aws:TagKeys": ["a", "b"]}}"#,
        &[(TAG_KEYS, Many(&["a", "c"]))],
        false,
    ),
    (r#"{"ForAllValues:StringNotEquals": {"aws:TagKeys": ["a", "b"]}}"#, NOTHING, true),
    (
        r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        &[(TAG_KEYS, Many(&["webserver", "test"]))],
        true,
    ),
    (
        r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        &[(TAG_KEYS, Many(&["costs", "test"]))],
        false,
    ),
    (
        r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        &[(TAG_KEYS, Many(&[]))],
        false,
    ),
    (
        r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}"#,
        NOTHING,
        false,
    ),
    (
        r#"{"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["DataClass", "Owner"]}}"#,
        &[(TAG_KEYS, Many(&["DataClass", "Owner"]))],
        false,
    ),
    (
        r#"{"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["DataClass", "Owner"]}}"#,
        &[(TAG_KEYS, Many(&["DataClass", "Dept"]))],
        true,
    ),
    (r#"{"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["DataClass", "Owner"]}}"#, NOTHING, false),
    (r#"{"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": "a"}}"#, NOTHING, true),
    (
        r#"{"ForAnyValue:StringLike": {"aws:TagKeys": "aw*"}}"#,
        &[(TAG_KEYS, Many(&["b", "awx"]))],
        true,
    ),
    (
        r#"{"ForAnyValue:ArnLike": {"k:a": "arn:aws:mq:*:*:broker:*"}}"#,
        &[("k:a", Many(&["x", "arn:aws:mq:us-east-1:111122223333:broker:a:b"]))],
        true,
    ),
    (
        r#"{"ForAnyValue:IpAddress": {"k:a": "10.0.0.0/8"}}"#,
        &[("k:a", Many(&["192.0.2.1", "10.1.1.1"]))],
        true,
    ),
    (r#"{"ForAllValues:NumericLessThan": {"k:n": "5"}}"#, &[("k:n", Many(&["1", "4"]))], true),
    (r#"{"ForAllValues:NumericLessThan": {"k:n": "5"}}"#, &[("k:n", Many(&["1", "5"]))], false),
    (r#"{"ForAllValues:Bool": {"k:a": "true"}}"#, &[("k:a", Many(&["true", "false"]))], false),
    // A set operator on a single value takes it for a set of one, and an empty text for an empty set.
    (r#"{"ForAllValues:StringEquals": {"k:a": ["x", "y"]}}"#, &[("k:a", One("x"))], true),
    (r#"{"ForAllValues:StringEquals": {"k:a": ["x", "y"]}}"#, &[("k:a", One("z"))], false),
    (r#"{"ForAllValues:StringEquals": {"k:a": "x"}}"#, &[("k:a", One(""))], true),
    (r#"{"ForAnyValue:StringLike": {"k:a": "*"}}"#, &[("k:a", One(""))], false),
    // An operator without one takes several values for none of them.
    (r#"{"StringEquals": {"aws:TagKeys": "a"}}"#, &[(TAG_KEYS, Many(&["a"]))], true),
    (r#"{"StringEquals": {"aws:TagKeys": "a"}}"#, &[(TAG_KEYS, Many(&["a", "b"]))], false),
    (r#"{"StringNotEquals": {"aws:TagKeys": "a"}}"#, &[(TAG_KEYS, Many(&["a", "b"]))], true),
    // Operators and keys of a block all have to hold.
    (
        r#"{"StringEquals": {"k:a": "x", "k:b": "y"}}"#,
        &[("k:a", One("x")), ("k:b", One("y"))],
        true,
    ),
    (
        r#"{"StringEquals": {"k:a": "x", "k:b": "y"}}"#,
        &[("k:a", One("x")), ("k:b", One("z"))],
        false,
    ),
    (
        r#"{"StringEquals": {"k:a": "x"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#,
        &[("k:a", One("x")), ("aws:SourceIp", One("10.1.2.3"))],
        true,
    ),
    (
        r#"{"StringEquals": {"k:a": "x"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#,
        &[("k:a", One("x")), ("aws:SourceIp", One("11.1.2.3"))],
        false,
    ),
    (r#"{}"#, NOTHING, true),
    // Of tags that differ in letter case only, the one that is spelt alike counts.
    (
        r#"{"StringEquals": {"aws:ResourceTag/Team": "red"}}"#,
        &[("aws:ResourceTag/team", One("red"))],
        true,
    ),
    (
        r#"{"StringEquals": {"aws:ResourceTag/Team": "red"}}"#,
        &[("aws:ResourceTag/team", One("red")), ("aws:ResourceTag/Team", One("blue"))],
        false,
    ),
];

#[test]
fn conditions_hold_as_iam_says() {
    for (condition, keys, expected) in CASES {
        let statement = format!(
            r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}"#
        );
        let allowed = allows(&statement, ACTION, BROKER, &context(keys));
        assert_eq!(allowed, *expected, "{condition} with {keys:?}");
    }
}
