//! What operations need.

use std::collections::BTreeSet;

use brokerd_domain::policy::{AccessLevel, ConditionKey, OperationPermissions, ResourceType, When};

/// The operations of the API document that are signed, by their names, and whether they are the service's.
fn documented() -> BTreeSet<(String, bool)> {
    let document = include_str!("../../../openapi/mq.json");
    let document: serde_json::Value = serde_json::from_str(document).expect("JSON");
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("operations").values() {
            let is_signed = operation["security"][0]["sigv4"].is_array();
            if is_signed {
                let name = operation["operationId"].as_str().expect("a name").to_owned();
                names.insert((name, path.starts_with("/v1/")));
            }
        }
    }
    names
}

#[test]
fn every_signed_operation_needs_an_action_of_its_own_name() {
    let known: BTreeSet<_> = OperationPermissions::all()
        .map(|known| {
            let first = known.actions.first().expect("an action");
            assert_eq!(first.when, When::Always, "{}", known.operation);
            let (prefix, name) = first.action.split_once(':').expect("a prefix");
            assert_eq!(name, known.operation);
            assert!(["mq", "brokerd"].contains(&prefix), "{prefix}");
            (known.operation.to_owned(), prefix == "mq")
        })
        .collect();
    let documented = documented();
    let missing: Vec<_> = documented.difference(&known).collect();
    assert!(missing.is_empty(), "no action is required for {missing:?}");
    let gone: Vec<_> = known.difference(&documented).collect();
    assert!(gone.is_empty(), "there is no operation {gone:?}");
    assert_eq!(known.iter().filter(|(_, is_service)| *is_service).count(), 25);
    assert_eq!(OperationPermissions::all().count(), known.len());
}

/// Source: "API operations defined by Amazon MQ" of the service authorization reference, and for replicas "Permission-only
/// actions" there.
#[test]
fn some_requests_need_more_than_the_action_of_their_operation() {
    let more: Vec<_> = OperationPermissions::all()
        .flat_map(|known| {
            let more = known.actions.iter().skip(1);
            more.map(|action| (known.operation, action.action, action.resource, action.when))
        })
        .collect();
    assert_eq!(
        more,
        [
            ("CreateBroker", "mq:CreateTags", ResourceType::Broker, When::WithTags),
            (
                "CreateBroker",
                "mq:CreateReplicaBroker",
                ResourceType::PrimaryBroker,
                When::WithPrimaryBroker
            ),
            ("CreateBroker", "iam:PassRole", ResourceType::Role, When::WithRole),
            ("CreateConfiguration", "mq:CreateTags", ResourceType::Configuration, When::WithTags),
            (
                "UpdateBroker",
                "mq:UpdateBrokerAccessConfiguration",
                ResourceType::Broker,
                When::WithAuthentication
            ),
            ("UpdateBroker", "iam:PassRole", ResourceType::Role, When::WithRole),
        ]
    );
}

#[test]
fn an_operation_is_found_by_its_name() {
    let reboot = OperationPermissions::of("RebootBroker").expect("known");
    assert_eq!(reboot.actions.len(), 1);
    assert_eq!(reboot.actions.first().map(|action| action.action), Some("mq:RebootBroker"));
    assert_eq!(OperationPermissions::of("DescribeCertificateAuthority"), None);
}

#[test]
fn names_resources_and_keys_fit_together() {
    for known in OperationPermissions::all() {
        for action in known.actions {
            let name = action.action.split_once(':').map_or("", |(_, name)| name);
            let is_of_tags = matches!(
                action.resource,
                ResourceType::Broker
                    | ResourceType::PrimaryBroker
                    | ResourceType::Configuration
                    | ResourceType::BrokerOrConfiguration
            );
            let has = |key| action.keys.contains(&key);
            assert_eq!(has(ConditionKey::ResourceTag), is_of_tags, "{name}");
            let expected = match name {
                "CreateTags" | "DeleteTags" => AccessLevel::Tagging,
                name if name.starts_with("List") => AccessLevel::List,
                name if ["Describe", "Inspect", "Get", "Browse", "Validate"]
                    .iter()
                    .any(|verb| name.starts_with(verb)) =>
                {
                    AccessLevel::Read
                }
                _ => AccessLevel::Write,
            };
            assert_eq!(action.level, expected, "{name}");
            assert!(
                action.resource.arn_format() == "*"
                    || action.resource.arn_format().starts_with("arn:")
            );
        }
    }
}
