//! DescribeSecurityGroup.

use axum::extract::State;
use brokerd_store::PgStore;

use super::{SecurityGroupView, group, view};
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfSecurityGroup, ServiceErrors},
};

/// Describes a security group and its rules.
#[utoipa::path(
    get,
    path = "/brokerd/v1/security-groups/{security-group-id}",
    operation_id = "DescribeSecurityGroup",
    tag = "brokerd",
    params(OfSecurityGroup),
    responses(
        (status = 200, description = "The group.", body = SecurityGroupView),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_security_group(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<SecurityGroupView> {
    let group = group(&store, &signed, &path).await?;
    Ok(Reply(view(&store, group).await?))
}
