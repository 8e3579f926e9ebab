//! CreateSecurityGroup.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{Clock, Entropy, Error, SecurityGroup};
use brokerd_store::{NewGroupOutcome, PgStore};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IngressRuleRequest, SecurityGroupView, inputs, view};
use crate::{
    auth::{CallResource, Signed},
    http::{
        json::Object,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, ServiceErrors},
};

/// The security group to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateSecurityGroupRequest {
    /// The identifier, for example one that brokers refer to already; default: a generated one.
    #[schema(example = "sg-0123456789abcdef0")]
    security_group_id: Option<String>,
    /// The name, unique in account and region, at most 255 characters.
    #[schema(required, nullable = false)]
    name: Option<String>,
    /// A description of at most 255 characters.
    description: Option<String>,
    /// The inbound rules, at most 60; default: none, which admits nobody.
    #[schema(value_type = Option<Vec<IngressRuleRequest>>)]
    rules: Option<Vec<Object<IngressRuleRequest>>>,
}

/// Creates a security group.
#[utoipa::path(
    post,
    path = "/brokerd/v1/security-groups",
    operation_id = "CreateSecurityGroup",
    tag = "brokerd",
    request_body = CreateSecurityGroupRequest,
    responses(
        (status = 200, description = "Created.", body = SecurityGroupView),
        Conflict,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_security_group(
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    State(entropy): State<Arc<dyn Entropy>>,
    signed: Signed,
) -> Answer<SecurityGroupView> {
    let wire: CreateSecurityGroupRequest = signed.json()?;
    let group = SecurityGroup::parse(
        signed.authorize(CallResource::NONE)?,
        wire.security_group_id.as_deref(),
        wire.name,
        wire.description,
        inputs(wire.rules.unwrap_or_default()),
        clock.now(),
        entropy.as_ref(),
    )?;
    match store.create_security_group(&group).await? {
        NewGroupOutcome::Created => Ok(Reply(view(&store, group).await?)),
        NewGroupOutcome::NameTaken => {
            let message = format!(
                "Security group named [{}] already exists. Specify a unique name.",
                group.name
            );
            Err(Error::conflict("name", message).into())
        }
        NewGroupOutcome::IdTaken => {
            let message = format!("Security group ID [{}] already exists.", group.id);
            Err(Error::conflict("securityGroupId", message).into())
        }
        NewGroupOutcome::TooMany => Err(Error::too_many("security groups").into()),
    }
}
