//! ListSecurityGroups.

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::SecurityGroupView;
use crate::{
    auth::{CallResource, Signed},
    http::respond::{Answer, Reply},
    openapi::ServiceErrors,
};

/// The security groups of an account in a region.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListSecurityGroupsResponse {
    /// The security groups, by name.
    security_groups: Vec<SecurityGroupView>,
}

/// Lists the security groups that brokerd defines. Identifiers that brokers refer to without a definition are not
/// listed.
#[utoipa::path(
    get,
    path = "/brokerd/v1/security-groups",
    operation_id = "ListSecurityGroups",
    tag = "brokerd",
    responses(
        (status = 200, description = "The groups.", body = ListSecurityGroupsResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_security_groups(
    State(store): State<PgStore>,
    signed: Signed,
) -> Answer<ListSecurityGroupsResponse> {
    let scope = signed.authorize(CallResource::NONE)?;
    let groups = store.security_groups(scope).await?;
    let brokers = store.brokers_with_security_groups(scope).await?;
    let view = |group| SecurityGroupView::new(group, &brokers);
    Ok(Reply(ListSecurityGroupsResponse {
        security_groups: groups.into_iter().map(view).collect(),
    }))
}
