//! UpdateSecurityGroup.

use axum::extract::State;
use brokerd_domain::{SecurityGroup, parse_group_description, parse_rules};
use brokerd_store::PgStore;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IngressRuleRequest, SecurityGroupView, group, inputs, view};
use crate::{
    auth::Signed,
    http::{
        json::Object,
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfSecurityGroup, ServiceErrors},
};

/// The changes; absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UpdateSecurityGroupRequest {
    /// The description.
    description: Option<String>,
    /// The inbound rules, which replace all former ones.
    #[schema(value_type = Option<Vec<IngressRuleRequest>>)]
    rules: Option<Vec<Object<IngressRuleRequest>>>,
}

/// Replaces the rules of a security group. They apply to new connections at once; open connections stay.
#[utoipa::path(
    put,
    path = "/brokerd/v1/security-groups/{security-group-id}",
    operation_id = "UpdateSecurityGroup",
    tag = "brokerd",
    params(OfSecurityGroup),
    request_body = UpdateSecurityGroupRequest,
    responses(
        (status = 200, description = "The group as it is now.", body = SecurityGroupView),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn update_security_group(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<SecurityGroupView> {
    let wire: UpdateSecurityGroupRequest = signed.json()?;
    let SecurityGroup { id, scope, .. } = group(&store, &signed, &path).await?;
    let description = wire.description.map(parse_group_description).transpose()?;
    let rules = wire.rules.map(|rules| parse_rules(inputs(rules))).transpose()?;
    let (description, rules) = (description.as_deref(), rules.as_deref());
    store.update_security_group(&scope, &id, description, rules).await?;
    let updated = group(&store, &signed, &path).await?;
    Ok(Reply(view(&store, updated).await?))
}
