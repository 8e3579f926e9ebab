//! Members of answers whose values are known, all of them. The answers write texts; the document tells which.

use brokerd_domain::{
    AuthenticationStrategy, BrokerState, DeploymentMode, EngineType, FaultKind, StorageType,
    destination::{BodyEncoding, DestinationKind},
};
use utoipa::openapi::{OpenApi, RefOr, schema::Schema};

/// The schemas that have a member, and its values.
type Closed = (&'static [&'static str], &'static str, Vec<String>);

fn texts<const N: usize>(values: [&str; N]) -> Vec<String> {
    values.map(str::to_owned).to_vec()
}

fn closed() -> Vec<Closed> {
    let of = |values: &mut dyn Iterator<Item = &'static str>| values.map(str::to_owned).collect();
    let engines = EngineType::ALL.iter();
    let storages: Vec<String> = of(&mut StorageType::ALL.iter().map(|storage| storage.as_str()));
    let lower = storages.iter().map(|storage| storage.to_lowercase()).collect();
    let mut strategies = AuthenticationStrategy::ALL.iter().map(|strategy| strategy.display_name());
    let of_configurations = [AuthenticationStrategy::Simple, AuthenticationStrategy::Ldap];
    vec![
        (
            &["BrokerSummary", "DescribeBrokerResponse", "BrokerDetails"],
            "brokerState",
            of(&mut BrokerState::ALL.into_iter().map(BrokerState::as_str)),
        ),
        (
            &["BrokerSummary", "DescribeBrokerResponse", "BrokerDetails"],
            "deploymentMode",
            of(&mut DeploymentMode::ALL.iter().map(|mode| mode.as_str())),
        ),
        (
            &[
                "BrokerSummary",
                "DescribeBrokerResponse",
                "BrokerDetails",
                "ConfigurationSummary",
                "DescribeConfigurationResponse",
                "GetBrokerReportResponse",
                "InspectBrokerResponse",
            ],
            "engineType",
            of(&mut engines.clone().map(|engine| engine.display_name())),
        ),
        (
            &["BrokerEngineType", "BrokerInstanceOption", "OfferedVersion"],
            "engineType",
            of(&mut engines.map(|engine| engine.as_str())),
        ),
        (
            &["DescribeBrokerResponse", "BrokerInstanceOption", "BrokerDetails"],
            "storageType",
            lower,
        ),
        (&["StorageView"], "storageType", storages),
        (&["DescribeBrokerResponse"], "authenticationStrategy", of(&mut strategies)),
        (
            &[
                "ConfigurationSummary",
                "CreateConfigurationResponse",
                "DescribeConfigurationResponse",
            ],
            "authenticationStrategy",
            of(&mut of_configurations.into_iter().map(AuthenticationStrategy::display_name)),
        ),
        (
            &["MaintenanceWindowView"],
            "dayOfWeek",
            texts(["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]),
        ),
        (
            &["UserPendingChanges", "UserSummary"],
            "pendingChange",
            texts(["CREATE", "UPDATE", "DELETE"]),
        ),
        (&["Fault"], "kind", of(&mut FaultKind::ALL.into_iter().map(FaultKind::as_str))),
        (&["Fault"], "state", texts(["PENDING", "ACTIVE", "HEALING", "ENDED"])),
        (&["AccountView"], "state", texts(["ACTIVE", "SUSPENDED"])),
        (&["Destination"], "kind", of(&mut DestinationKind::ALL.iter().map(|kind| kind.as_str()))),
        (
            &["BrowsedMessage"],
            "bodyEncoding",
            of(&mut BodyEncoding::ALL.iter().map(|encoding| encoding.as_str())),
        ),
        (&["OutageView"], "state", texts(["UNAVAILABLE", "UNKNOWN"])),
    ]
}

/// Adds the values to the members. Gives back those that the document does not have.
pub(crate) fn tell_values(document: &mut OpenApi) -> Vec<String> {
    let mut missing = Vec::new();
    let mut schemas = document.components.as_mut().map(|components| &mut components.schemas);
    for (names, member, values) in closed() {
        for name in names {
            let schema = schemas.as_mut().and_then(|schemas| schemas.get_mut(*name));
            let found = schema.and_then(|schema| match schema {
                RefOr::T(Schema::Object(object)) => object.properties.get_mut(member),
                RefOr::T(_) | RefOr::Ref(_) => None,
            });
            match found {
                Some(RefOr::T(Schema::Object(object))) => {
                    let values = values.iter().map(|value| value.as_str().into()).collect();
                    object.enum_values = Some(values);
                }
                Some(_) | None => missing.push(format!("{name}.{member}")),
            }
        }
    }
    missing
}
