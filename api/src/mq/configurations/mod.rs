//! Configurations and their revisions.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod list_revisions;
pub(crate) mod revision;
pub(crate) mod update;

use brokerd_domain::{
    ConfigurationRevision, Error, MAX_CONFIGURATIONS, Revision, Scope, policy::When,
};
use brokerd_store::{PgStore, RevisionLookup};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    auth::{CallResource, Signed},
    http::{error::ApiError, json::Object},
};

/// A revision without its content.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigurationRevisionView {
    /// When it was saved, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// The author's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// Its number, from 1 on.
    revision: i32,
}

/// A configuration and one of its revisions.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ConfigurationIdRequest {
    /// The configuration's identifier.
    #[schema(required, nullable = false)]
    pub(crate) id: Option<String>,
    /// The revision; default: the latest.
    pub(crate) revision: Option<i32>,
}

/// The refusal of one configuration more than an account may have.
pub(crate) fn too_many_configurations() -> Error {
    Error::bad_request_overall(format!(
        "The account has reached the maximum number of configurations in this region, [{MAX_CONFIGURATIONS}]. Delete a configuration and retry the request."
    ))
}

impl From<&Revision> for ConfigurationRevisionView {
    fn from(revision: &Revision) -> Self {
        Self {
            created: revision.created.to_string(),
            description: revision.description.clone(),
            revision: revision.number,
        }
    }
}

/// The revision that a request names, the latest one if it names only the configuration; none if it names nothing.
///
/// Whoever gives a broker a revision that names a role passes the role to the broker.
///
/// # Errors
/// The 403 of a caller who may not pass the role; the 404 of the configuration or the revision, as `refused` changes it for operations without such a 404.
pub(crate) async fn named_revision(
    store: &PgStore,
    signed: &Signed,
    scope: &Scope,
    named: Option<&Object<ConfigurationIdRequest>>,
    refused: impl Fn(Error) -> Error,
) -> Result<Option<ConfigurationRevision>, ApiError> {
    let Some(Object(named)) = named else { return Ok(None) };
    let id = named
        .id
        .as_deref()
        .ok_or_else(|| Error::bad_request("configuration.id", "[configuration.id] is required."))?;
    let missing = || refused(Error::configuration_not_found(id));
    let parsed = id.parse().map_err(|_| missing())?;
    match store.revision(scope, parsed, named.revision).await? {
        RevisionLookup::Found(found) => {
            for role in found.roles() {
                signed.authorize_also(When::WithRole, CallResource::named(&role))?;
            }
            Ok(Some(*found))
        }
        RevisionLookup::NoConfiguration => Err(missing().into()),
        RevisionLookup::NoRevision(number) => {
            Err(refused(Error::revision_not_found(number, id)).into())
        }
    }
}
