//! Security groups. In AWS they belong to EC2, here to brokerd.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod update;

use brokerd_domain::{Error, IngressRule, IngressRuleInput, SecurityGroup};
use brokerd_store::{BrokerWithGroups, PgStore};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    auth::{Signed, TagChange},
    http::{error::ApiError, json::Object, path::PathParams},
};

/// An inbound rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IngressRuleRequest {
    /// `tcp`.
    #[schema(required, nullable = false, example = "tcp")]
    protocol: Option<String>,
    /// The first port: one of the service's standard ports, for example 5671 for AMQP, whichever port the gateway
    /// listens on.
    #[schema(required, nullable = false, minimum = 0, maximum = 65535, example = 5671)]
    from_port: Option<i64>,
    /// The last port.
    #[schema(required, nullable = false, minimum = 0, maximum = 65535, example = 5671)]
    to_port: Option<i64>,
    /// The range of addresses that is admitted, IPv4 or IPv6.
    #[schema(required, nullable = false, example = "10.0.0.0/8")]
    cidr: Option<String>,
    /// The description.
    description: Option<String>,
}

fn inputs(rules: Vec<Object<IngressRuleRequest>>) -> Vec<IngressRuleInput> {
    let input = |Object(rule): Object<IngressRuleRequest>| IngressRuleInput {
        protocol: rule.protocol,
        from_port: rule.from_port,
        to_port: rule.to_port,
        cidr: rule.cidr,
        description: rule.description,
    };
    rules.into_iter().map(input).collect()
}

/// An inbound rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IngressRuleView {
    /// `tcp`.
    #[schema(value_type = String, example = "tcp")]
    protocol: &'static str,
    /// The first port.
    from_port: u16,
    /// The last port.
    to_port: u16,
    /// The ranges of addresses that are admitted.
    cidr: String,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
}

impl From<IngressRule> for IngressRuleView {
    fn from(rule: IngressRule) -> Self {
        Self {
            protocol: "tcp",
            from_port: rule.from_port,
            to_port: rule.to_port,
            cidr: rule.cidr.to_string(),
            description: rule.description,
        }
    }
}

/// A security group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecurityGroupView {
    /// The identifier, which CreateBroker and UpdateBroker take.
    #[schema(example = "sg-0123456789abcdef0")]
    security_group_id: String,
    /// The name.
    name: String,
    /// The description.
    description: String,
    /// The inbound rules. Without a rule nobody is admitted.
    rules: Vec<IngressRuleView>,
    /// The brokers that name it.
    brokers: Vec<GroupBrokerView>,
    /// When it was created, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
}

/// A broker that names a security group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupBrokerView {
    /// The broker's identifier.
    broker_id: String,
    /// The broker's name.
    broker_name: String,
}

impl SecurityGroupView {
    /// The group, with those of the brokers that name it.
    fn new(group: SecurityGroup, brokers: &[BrokerWithGroups]) -> Self {
        let naming = brokers.iter().filter(|b| b.groups.iter().any(|id| id == group.id.as_str()));
        let view = |broker: &BrokerWithGroups| GroupBrokerView {
            broker_id: broker.id.to_string(),
            broker_name: broker.name.clone(),
        };
        Self {
            brokers: naming.map(view).collect(),
            security_group_id: group.id.to_string(),
            name: group.name,
            description: group.description,
            rules: group.rules.into_iter().map(Into::into).collect(),
            created: group.created.to_string(),
        }
    }
}

fn not_found(path: &PathParams) -> Error {
    SecurityGroup::not_found(path.get("security-group-id"))
}

/// A group as answers show it.
async fn view(store: &PgStore, group: SecurityGroup) -> Result<SecurityGroupView, ApiError> {
    let brokers = store.brokers_with_security_groups(&group.scope).await?;
    Ok(SecurityGroupView::new(group, &brokers))
}

/// The group in the path.
///
/// # Errors
/// The 403 of a caller who may not do the operation with it; the 404 of a group.
async fn group(
    store: &PgStore,
    signed: &Signed,
    path: &PathParams,
) -> Result<SecurityGroup, ApiError> {
    let text = path.get("security-group-id");
    let find = |scope| async move {
        match text.parse() {
            Ok(id) => Ok(store.security_group(scope, &id).await?),
            Err(_) => Ok(None),
        }
    };
    let absent = signed.arn("ec2", &format!("security-group/{text}"));
    let (_, group) = signed.resolve(TagChange::None, &absent, find).await?;
    Ok(group.ok_or_else(|| not_found(path))?)
}
