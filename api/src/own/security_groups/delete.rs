//! DeleteSecurityGroup.

use axum::{extract::State, http::StatusCode};
use brokerd_domain::SecurityGroup;
use brokerd_store::{DeleteGroupOutcome, PgStore};

use super::{group, not_found};
use crate::{
    auth::Signed,
    http::{error::ApiError, path::PathParams, refusal},
    openapi::{Conflict, NotFound, OfSecurityGroup, ServiceErrors},
};

/// Deletes a security group. Refused while a broker has it.
#[utoipa::path(
    delete,
    path = "/brokerd/v1/security-groups/{security-group-id}",
    operation_id = "DeleteSecurityGroup",
    tag = "brokerd",
    params(OfSecurityGroup),
    responses((status = 204, description = "Deleted."), Conflict, NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_security_group(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    let SecurityGroup { id, scope, .. } = group(&store, &signed, &path).await?;
    match store.delete_security_group(&scope, &id).await? {
        DeleteGroupOutcome::Deleted => Ok(StatusCode::NO_CONTENT),
        DeleteGroupOutcome::NotFound => Err(not_found(&path).into()),
        DeleteGroupOutcome::InUse => {
            let message = format!(
                "Security group ID [{id}] is in use. Remove it from all brokers and retry the request."
            );
            Err(refusal::conflict_overall(message).into())
        }
    }
}
