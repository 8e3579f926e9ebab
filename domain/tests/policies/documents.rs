//! Which documents are policies.

use brokerd_domain::policy::{InvalidPolicy, Policy, PolicyType};

use crate::world::{ACTION, BROKER, Value::One, alone, context, decide, user};

const IDENTITY: PolicyType = PolicyType::Identity;
const TRUST: PolicyType = PolicyType::Trust;

/// A document, what it is for, and why it is none.
pub(crate) const REFUSED: &[(&str, PolicyType, &str)] = &[
    ("", IDENTITY, "Syntax errors in policy: EOF while parsing a value at line 1 column 0."),
    ("[]", IDENTITY, "Syntax errors in policy: it is a list, not an object."),
    (r#"{"Statement": []}"#, IDENTITY, "Syntax errors in policy: it has no statement."),
    (r#"{"Version": "2012-10-17"}"#, IDENTITY, "Syntax errors in policy: it has no statement."),
    (r#"{"Statement": "x"}"#, IDENTITY, "Syntax errors in policy: \"Statement\" is a string."),
    (
        r#"{"Statement": ["x"]}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 is a string, not an object.",
    ),
    (
        r#"{"Statements": []}"#,
        IDENTITY,
        "Syntax errors in policy: \"Statements\" is not an element of a policy.",
    ),
    (
        r#"{"Version": "2011-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Policy document must be version 2012-10-17 or greater.",
    ),
    (
        r#"{"Version": 2012, "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Policy document must be version 2012-10-17 or greater.",
    ),
    (
        r#"{"Id": 1, "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: \"Id\" is a number.",
    ),
    (
        r#"{"Statement": {"Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has no Effect.",
    ),
    (
        r#"{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has an Effect other than Allow and Deny.",
    ),
    (
        r#"{"Statement": {"Effect": true, "Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has an Effect other than Allow and Deny.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Effect": "Deny", "Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: \"Effect\" appears more than once at line 1 column 50.",
    ),
    // What would silently allow more than is meant.
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Conditions": {"Bool": {"aws:SecureTransport": "true"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has the unknown element \"Conditions\".",
    ),
    (
        r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Allow", "Action": "*", "Resource": "*", "condition": {}}]}"#,
        IDENTITY,
        "Syntax errors in policy: statement 2 has the unknown element \"condition\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Resource": "*"}}"#,
        IDENTITY,
        "Policy statement must contain actions.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": [], "Resource": "*"}}"#,
        IDENTITY,
        "Policy statement must contain actions.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*"}}"#,
        IDENTITY,
        "Policy statement must contain resources.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": []}}"#,
        IDENTITY,
        "Policy statement must contain resources.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has both Action and NotAction.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "NotResource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has both Resource and NotResource.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": {"a": 1}, "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has an object as its Action.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": [1], "Resource": "*"}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has a number as its Action.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "DescribeBroker", "Resource": "*"}}"#,
        IDENTITY,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "mq:a:b", "Resource": "*"}}"#,
        IDENTITY,
        "Actions/Condition can contain only one colon.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "m*:DescribeBroker", "Resource": "*"}}"#,
        IDENTITY,
        "Vendor m* is not valid",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "NotAction": "a mq:DescribeBroker", "Resource": "*"}}"#,
        IDENTITY,
        "Vendor a mq is not valid",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "orders"}}"#,
        IDENTITY,
        "Resource orders must be in ARN format or \"*\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": ""}}"#,
        IDENTITY,
        "Resource  must be in ARN format or \"*\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "NotResource": ["*", "x:y"]}}"#,
        IDENTITY,
        "Resource x:y must be in ARN format or \"*\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:ibm:mq:::x"}}"#,
        IDENTITY,
        "Partition \"ibm\" is not valid for resource \"arn:ibm:mq:::x\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws"}}"#,
        IDENTITY,
        "Resource vendor must be fully qualified and cannot contain regexes.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:m*:::x"}}"#,
        IDENTITY,
        "Resource vendor must be fully qualified and cannot contain regexes.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:*:*:*"}}"#,
        IDENTITY,
        "Resource vendor must be fully qualified and cannot contain regexes.",
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:mq:${aws:RequestedRegion}:111122223333:*"}}"#,
        IDENTITY,
        "Resource arn:aws:mq:${aws:RequestedRegion}:111122223333:* has a variable before the fifth colon. Variables can only be in the part after it.",
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:mq:*:*:broker:${aws:username"}}"#,
        IDENTITY,
        "Resource arn:aws:mq:*:*:broker:${aws:username has a variable without an end.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "not this"}}"#,
        IDENTITY,
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
    ),
    (
        r#"{"Statement": [{"Sid": "A", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "A", "Effect": "Deny", "Action": "*", "Resource": "*"}]}"#,
        IDENTITY,
        "Statement IDs (SID) in a single policy must be unique.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": []}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has a list as its Condition.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": "x"}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has a string as its StringEquals.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringMatches": {"k:a": "x"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has the unknown condition operator \"StringMatches\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"NullIfExists": {"k:a": "true"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has the unknown condition operator \"NullIfExists\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"username": "x"}}}}"#,
        IDENTITY,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"k:a": []}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has no value for k:a.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"k:a": null}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has null as a value of k:a.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"k:a": [{"x": 1}]}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 has an object as a value of k:a.",
    ),
    (
        r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"NumericLessThan": {"k:n": "ten"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 compares k:n by NumericLessThan: \"ten\" is not a number.",
    ),
    (
        r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 compares aws:CurrentTime by DateLessThan: \"soon\" is neither a date of ISO 8601 nor a number of seconds since 1970.",
    ),
    (
        r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0/8"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 compares aws:SourceIp by NotIpAddress: \"10.0.0/8\" is neither an address nor a range in CIDR form.",
    ),
    (
        r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "no"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 compares aws:SecureTransport by Bool: \"no\" is neither true nor false.",
    ),
    (
        r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:TokenIssueTime": "yes"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 compares aws:TokenIssueTime by Null: \"yes\" is neither true nor false.",
    ),
    (
        r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"BinaryEquals": {"k:a": "?"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 compares k:a by BinaryEquals: \"?\" is not in base 64.",
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"k:a": "${}"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: statement 1 compares k:a by StringLike: \"${}\" has a variable without a name.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"k:a": "x"}, "StringEquals": {"k:b": "y"}}}}"#,
        IDENTITY,
        "Syntax errors in policy: \"StringEquals\" appears more than once at line 1 column 139.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}"#,
        IDENTITY,
        "Policy document should not specify a principal.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}"#,
        PolicyType::Session,
        "Policy document should not specify a principal.",
    ),
    (
        "{\"Statement\": {\"Sid\": \"\u{1f600}\"}}",
        IDENTITY,
        "Syntax errors in policy: it has the character \"\u{1f600}\".",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Missing required field Principal",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}}"#,
        TRUST,
        "Has prohibited field Resource",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "mq:ListBrokers"}}"#,
        TRUST,
        "AssumeRole policy may only specify STS AssumeRole actions.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": "*"}}"#,
        TRUST,
        "Policy statement must contain actions.",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "alice"}, "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Invalid principal in policy: \"AWS\":\"alice\"",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}, "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/*\"",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:group/ops"}, "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:group/ops\"",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": []}, "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Invalid principal in policy: \"AWS\":\"a list\"",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": {"User": "x"}, "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Invalid principal in policy: \"User\":\"x\"",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "Principal": "alice", "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Invalid principal in policy: \"STAR\":\"alice\"",
    ),
    (
        r#"{"Statement": {"Effect": "Allow", "NotPrincipal": "*", "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Syntax errors in policy: statement 1 allows with NotPrincipal, which can only deny.",
    ),
    (
        r#"{"Statement": {"Effect": "Deny", "Principal": "*", "NotPrincipal": "*", "Action": "sts:AssumeRole"}}"#,
        TRUST,
        "Syntax errors in policy: statement 1 has both Principal and NotPrincipal.",
    ),
];

/// Documents as people write them.
pub(crate) const ACCEPTED: &[(&str, PolicyType)] = &[
    (r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#, IDENTITY),
    (
        r#"{"Version": "2008-10-17", "Id": "mine", "Statement": [{"Sid": "", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "", "Effect": "Deny", "Action": "iam:*", "Resource": "*"}]}"#,
        IDENTITY,
    ),
    (
        "\t{\r\n\"Statement\" : [ { \"Resource\": [\"*\"], \"Action\": [\"mq:*\"], \"Effect\": \"Allow\" } ] }\n",
        IDENTITY,
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "mq:*", "Resource": "arn:aws:mq:*:*:*", "Condition": {"bool": {"aws:SecureTransport": [true, "false"]}}}}"#,
        IDENTITY,
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["mq:Describe*", "mq:List*", "ec2:DescribeVpcs"], "Resource": "*"}}"#,
        IDENTITY,
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": ["arn:aws:logs:*:*:log-group:/aws/amazonmq/*"]}}"#,
        IDENTITY,
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Action": "iam:CreateServiceLinkedRole", "Effect": "Allow", "Resource": "*", "Condition": {"StringLike": {"iam:AWSServiceName": "mq.amazonaws.com"}}}}"#,
        IDENTITY,
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "12345"}}}}"#,
        TRUST,
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/teams/deploy", "arn:aws:sts::111122223333:assumed-role/deploy/run"], "Service": "ec2.amazonaws.com", "Federated": ["accounts.google.com"]}, "Action": ["sts:AssumeRole", "sts:TagSession"]}}"#,
        TRUST,
    ),
    (
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/alice"}, "Action": "sts:*"}}"#,
        TRUST,
    ),
    (
        "{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"arn:aws:mq:*:*:broker:\u{fc}ber\"}}",
        IDENTITY,
    ),
];

#[test]
fn what_is_no_policy_is_refused_with_a_reason() {
    for (document, policy_type, why) in REFUSED {
        let refused = Policy::parse(document, *policy_type).map_err(|error| error.to_string());
        assert_eq!(refused.err().as_deref(), Some(*why), "{document}");
    }
}

#[test]
fn what_people_write_is_accepted() {
    for (document, policy_type) in ACCEPTED {
        let read = Policy::parse(document, *policy_type);
        assert!(read.is_ok(), "{document}: {read:?}");
    }
}

#[test]
fn a_document_without_end_is_refused() {
    let deep = format!("{{\"Statement\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(Policy::parse(&deep, IDENTITY), Err(InvalidPolicy::Malformed(_))));
    let long = " ".repeat(200_000);
    assert!(matches!(Policy::parse(&long, IDENTITY), Err(InvalidPolicy::Malformed(_))));
}

#[test]
fn variables_are_text_before_version_2012_10_17() {
    let of_version = |version: &str| {
        format!(
            r#"{{{version} "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {{"StringEquals": {{"k:a": "${{aws:username}}"}}}}}}}}"#
        )
    };
    let literal: &[_] = &[("k:a", One("${aws:username}")), ("aws:username", One("alice"))];
    let replaced: &[_] = &[("k:a", One("alice")), ("aws:username", One("alice"))];
    for (version, keys, expected) in [
        ("", literal, true),
        ("", replaced, false),
        (r#""Version": "2008-10-17","#, literal, true),
        (r#""Version": "2008-10-17","#, replaced, false),
        (r#""Version": "2012-10-17","#, literal, false),
        (r#""Version": "2012-10-17","#, replaced, true),
    ] {
        let policy = Policy::parse(&of_version(version), IDENTITY).expect("valid");
        let decided = decide(&alone(policy), &user("alice"), ACTION, BROKER, &context(keys));
        assert_eq!(decided.is_allowed(), expected, "{version} {keys:?}");
    }
}
