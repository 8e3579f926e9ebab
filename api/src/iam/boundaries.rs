//! Permissions boundaries of users and roles.

use brokerd_domain::identity::IamError;
use brokerd_store::AttachOutcome;

use super::{
    call::{Answer, Call, Kind, not_attachable, policy_arn},
    inline::gone,
};
use crate::{http::error::ApiError, query::Output};

pub(super) async fn put(call: Call<'_>, kind: Kind) -> Answer {
    let arn = policy_arn(call.parameters.required("PermissionsBoundary")?)?;
    let (permit, name) = call.identity(kind).await?;
    match permit.store.set_boundary(permit.account, &name, Some(&arn)).await? {
        AttachOutcome::Done => Ok(Output::Nothing),
        AttachOutcome::NoIdentity => Err(gone(&name).into()),
        AttachOutcome::NoPolicy => Err(not_attachable(&arn).into()),
        AttachOutcome::TooMany => Err(ApiError::internal("there is only one boundary")),
    }
}

pub(super) async fn delete(call: Call<'_>, kind: Kind) -> Answer {
    let (permit, name) = call.identity(kind).await?;
    match permit.store.set_boundary(permit.account, &name, None).await? {
        AttachOutcome::Done => Ok(Output::Nothing),
        _ => Err(IamError::no_such_entity(name.kind(), name.as_str()).into()),
    }
}
