//! What events must not tell.

use serde_json::Value;

/// In place of what is not told.
///
/// Source: the example of CreateBroker in "Logging Amazon MQ API calls using AWS CloudTrail".
const MASK: &str = "***";

/// The members whose values are masked, at any depth, whatever the letter case.
///
/// Source: the same page has `data` and `password`. The others are secrets of what brokerd has beside that: passwords
/// for directories, secrets, the keys that IAM and STS hand out, and what is in messages.
const MASKED: &[&str] = &[
    "body",
    "data",
    "password",
    "properties",
    "oldpassword",
    "newpassword",
    "secretaccesskey",
    "secretstring",
    "serviceaccountpassword",
    "sessiontoken",
];

/// Masks what must not be told.
pub(super) fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if !member.is_null() && is_masked(name) {
                    *member = MASK.into();
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether the value of a member is a secret.
pub(super) fn is_masked(name: &str) -> bool {
    MASKED.iter().any(|masked| masked.eq_ignore_ascii_case(name))
}
