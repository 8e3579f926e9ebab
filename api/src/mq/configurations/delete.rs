//! DeleteConfiguration.

use axum::extract::State;
use brokerd_domain::Configuration;
use brokerd_store::{DeleteConfiguration, PgStore};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        refusal,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, NotFound, OfConfiguration, ServiceErrors},
};

/// The deleted configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteConfigurationResponse {
    /// The configuration's identifier.
    configuration_id: String,
}

/// Deletes a configuration with all its revisions, at once. Refused while it is the current, pending or a former
/// configuration of a broker.
#[utoipa::path(
    delete,
    path = "/v1/configurations/{configuration-id}",
    operation_id = "DeleteConfiguration",
    tag = "configurations",
    params(OfConfiguration),
    responses(
        (status = 200, description = "Deleted.", body = DeleteConfigurationResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_configuration(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<DeleteConfigurationResponse> {
    let Configuration { id, scope, .. } = path.configuration(&store, &signed).await?;
    match store.delete_configuration(&scope, id).await? {
        DeleteConfiguration::Deleted => {
            Ok(Reply(DeleteConfigurationResponse { configuration_id: id.to_string() }))
        }
        DeleteConfiguration::NotFound => Err(path.configuration_not_found().into()),
        DeleteConfiguration::InUse => {
            let message = "Configuration ID is already in use. Remove the configuration from all brokers and retry the request.";
            Err(refusal::conflict_overall(message).into())
        }
    }
}
