//! The security groups that a request names.

use brokerd_domain::{Error, Scope};
use brokerd_store::PgStore;

use crate::{ApiSettings, http::error::ApiError};

/// Refuses groups that are not defined here, where the settings say so. The default group need not be defined.
///
/// # Errors
/// A 400 on `securityGroups`; the error of the store.
pub(crate) async fn check_groups(
    settings: &ApiSettings,
    store: &PgStore,
    scope: &Scope,
    groups: &[String],
) -> Result<(), ApiError> {
    if !settings.refuse_unknown_security_groups {
        return Ok(());
    }
    let unknown = store.unknown_security_groups(scope, groups).await?;
    match unknown.into_iter().find(|id| Some(id) != settings.network.security_group.as_ref()) {
        None => Ok(()),
        Some(id) => Err(Error::bad_request(
            "securityGroups",
            format!("Security group ID [{id}] can't be found. Make sure it exists."),
        )
        .into()),
    }
}
