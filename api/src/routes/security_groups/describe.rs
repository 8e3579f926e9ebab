//! DescribeSecurityGroup.

use std::sync::Arc;

use axum::extract::State;

use super::{SecurityGroupView, found};
use crate::{
    ApiState,
    auth::Signed,
    extract::PathParams,
    openapi::{NotFound, ServiceErrors},
    respond::{Answer, Reply},
};

/// Tells what a security group lets in.
#[utoipa::path(
    get,
    path = "/brokerd/v1/security-groups/{security-group-id}",
    operation_id = "DescribeSecurityGroup",
    tag = "brokerd",
    params(("security-group-id" = String, Path, description = "The group's identifier.")),
    responses(
        (status = 200, description = "The group.", body = SecurityGroupView),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_security_group(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Answer<SecurityGroupView> {
    Ok(Reply(found(&api, &signed.caller.scope, &path).await?.into()))
}
