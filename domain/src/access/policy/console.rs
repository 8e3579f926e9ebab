//! What an editor of policies offers: every action that something asks for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{AccessLevel, OperationPermissions};
use crate::golden::compare_with_console;

/// Actions of operations that have no table, because they need one action on `*`.
const ON_ANYTHING: &[&str] = &[
    "cloudtrail:LookupEvents",
    "ec2:DescribeRegions",
    "oam:ListAttachedLinks",
    "oam:ListSinks",
    "tag:GetResources",
];

const DOCUMENTS: &str = concat!(
    include_str!("../../../../docs/permissions.md"),
    include_str!("../../../../docs/audit.md")
);

fn level(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::List => "List",
        AccessLevel::Read => "Read",
        AccessLevel::Write => "Write",
        AccessLevel::Tagging => "Tagging",
    }
}

/// Every action, by its name.
fn actions() -> BTreeMap<&'static str, Value> {
    let operations = OperationPermissions::all()
        .chain(OperationPermissions::all_of_iam())
        .chain(OperationPermissions::all_of_sts())
        .chain(OperationPermissions::all_of_logs())
        .chain(OperationPermissions::all_of_cloudwatch());
    let required = operations.flat_map(|operation| operation.actions);
    let rows = required.map(|required| {
        let resource = required.resource.arn_format();
        (required.action, json!({"level": level(required.level), "resource": resource}))
    });
    let others = ON_ANYTHING.iter().map(|name| (*name, json!({"level": "List", "resource": "*"})));
    rows.chain(others).collect()
}

#[test]
fn the_console_offers_every_action() {
    compare_with_console("actions.json", &json!(actions()));
}

#[test]
fn documented_actions_are_those_that_are_asked_for() {
    let known = actions();
    let services: BTreeSet<&str> =
        known.keys().filter_map(|action| action.split(':').next()).collect();
    let quoted = DOCUMENTS.split('`').skip(1).step_by(2);
    let documented: BTreeSet<&str> = quoted
        .filter(|text| {
            text.split_once(':').is_some_and(|(service, name)| {
                services.contains(service)
                    && name.starts_with(|c: char| c.is_ascii_uppercase())
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
        })
        // Condition keys of IAM and STS have the form of actions.
        .filter(|text| {
            !matches!(*text, "iam:PassedToService" | "iam:PermissionsBoundary" | "iam:PolicyARN")
        })
        .collect();
    for action in &documented {
        assert!(known.contains_key(action), "{action} is documented, and nothing asks for it");
    }
    for action in
        known.keys().filter(|action| action.starts_with("mq:") || action.starts_with("brokerd:"))
    {
        assert!(documented.contains(action), "{action} is not documented");
    }
    for action in ON_ANYTHING {
        assert!(documented.contains(action), "{action} is not documented");
    }
}
