//! GetSessionToken.

use brokerd_domain::{
    Tags,
    identity::{IamError, IamErrorKind, Session, SessionDuration, SessionHolder},
    policy::PrincipalKind,
};

use super::{call::Call, views};
use crate::{http::error::ApiError, query::Output};

/// The sentence of the service for whoever sends a code of a device. Nobody has one here.
const NO_DEVICE: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";

/// Credentials that end, of the caller itself. It needs no permission.
pub(super) fn answer(call: Call<'_>) -> Result<Output, ApiError> {
    let principal = call.caller.principal();
    let denied = |message: &str| IamError::new(IamErrorKind::AccessDenied, message);
    refuse_device(call)?;
    let holder = match &principal.kind {
        _ if principal.token_issued.is_some() => {
            return Err(denied("Cannot call GetSessionToken with session credentials").into());
        }
        PrincipalKind::Root => SessionHolder::Root(principal.account.clone()),
        PrincipalKind::User { id, .. } => {
            SessionHolder::User(id.parse().map_err(ApiError::internal)?)
        }
        PrincipalKind::RoleSession { .. } => {
            return Err(denied("Cannot call GetSessionToken with session credentials").into());
        }
    };
    let seconds = call.parameters.number("DurationSeconds")?;
    let duration = SessionDuration::parse_of_token(seconds, principal.is_root())?;
    let issued = call.services.clock.now();
    let session = Session {
        holder,
        issued,
        expires: issued.plus(duration.as_duration()),
        policy: None,
        policy_arns: Vec::new(),
        tags: Tags::default(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    };
    let credentials = call.services.store.issue_credentials(&session)?;
    let credentials = credentials
        .ok_or_else(|| ApiError::internal("a plain session does not fit into a token"))?;
    Ok(Output::of(|xml| views::credentials(xml, &credentials)))
}

/// # Errors
/// `AccessDenied` for a call with a code of a device for multi-factor authentication.
pub(super) fn refuse_device(call: Call<'_>) -> Result<(), IamError> {
    let parameters = call.parameters;
    if parameters.text("SerialNumber").is_some() || parameters.text("TokenCode").is_some() {
        return Err(IamError::new(IamErrorKind::AccessDenied, NO_DEVICE));
    }
    Ok(())
}
