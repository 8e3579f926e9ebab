//! CreateSecurityGroup.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{Error, SecurityGroup};
use brokerd_store::NewGroupOutcome;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IngressRuleRequest, SecurityGroupView, inputs};
use crate::{
    ApiState,
    auth::Signed,
    json::{self, Object},
    openapi::{Conflict, ServiceErrors},
    respond::{Answer, Reply},
};

/// The group to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateSecurityGroupRequest {
    /// An identifier that brokers name already, for example that of the default group; default: a fresh one.
    #[schema(example = "sg-0123456789abcdef0")]
    security_group_id: Option<String>,
    /// Unique in account and region, at most 255 characters.
    #[schema(required, nullable = false)]
    name: Option<String>,
    /// What to remember of it, at most 255 characters.
    description: Option<String>,
    /// Whom it lets in, at most 60 rules; default: nobody.
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
    State(api): State<Arc<ApiState>>,
    signed: Signed,
) -> Answer<SecurityGroupView> {
    let wire: CreateSecurityGroupRequest = json::object(&signed.body)?;
    let group = SecurityGroup::parse(
        &signed.caller.scope,
        wire.security_group_id.as_deref(),
        wire.name,
        wire.description,
        inputs(wire.rules.unwrap_or_default()),
        api.clock.now(),
        api.entropy.as_ref(),
    )?;
    match api.store.create_security_group(&group).await? {
        NewGroupOutcome::Created => Ok(Reply(group.into())),
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
        NewGroupOutcome::TooMany => Err(Error::as_many("security groups").into()),
    }
}
