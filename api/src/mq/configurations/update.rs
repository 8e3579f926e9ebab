//! UpdateConfiguration.

use std::sync::Arc;

use axum::extract::State;
use base64::{Engine, engine::general_purpose::STANDARD};
use brokerd_domain::{
    Clock, Error, MAX_REVISIONS, SanitizationWarning, parse_revision_description,
};
use brokerd_store::{AddRevision, PgStore};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConfigurationRevisionView;
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
        text,
    },
    openapi::{Conflict, NotFound, OfConfiguration, ServiceErrors},
};

/// Most warnings of one answer.
///
/// Source: the API reference.
const MAX_WARNINGS: usize = 20;

/// The next revision.
#[derive(Deserialize, ToSchema)]
pub(crate) struct UpdateConfigurationRequest {
    /// The content, base64: XML for ActiveMQ, keys and values for RabbitMQ.
    #[schema(required, nullable = false, format = Byte)]
    data: Option<String>,
    /// A description of at most 1024 characters.
    description: Option<String>,
}

/// The configuration with its new revision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateConfigurationResponse {
    /// The ARN.
    arn: String,
    /// When the configuration was created, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// The identifier.
    id: String,
    /// The new revision.
    latest_revision: ConfigurationRevisionView,
    /// The name.
    name: String,
    /// The parts of the content that were removed, at most 20.
    warnings: Vec<SanitizationWarningView>,
}

/// A part of the content that was removed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SanitizationWarningView {
    /// The attribute, if an attribute was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    attribute_name: Option<String>,
    /// The element.
    element_name: String,
    /// `DISALLOWED_ELEMENT_REMOVED`, `DISALLOWED_ATTRIBUTE_REMOVED` or
    /// `INVALID_ATTRIBUTE_VALUE_REMOVED`.
    #[schema(value_type = String, example = "DISALLOWED_ELEMENT_REMOVED")]
    reason: &'static str,
}

impl From<SanitizationWarning> for SanitizationWarningView {
    fn from(warning: SanitizationWarning) -> Self {
        Self {
            attribute_name: warning.attribute_name,
            element_name: warning.element_name,
            reason: warning.reason.as_str(),
        }
    }
}

fn decoded(data: Option<&str>) -> Result<String, Error> {
    let data = data.ok_or_else(|| Error::bad_request("data", "[data] is required."))?;
    let bytes = STANDARD
        .decode(data)
        .map_err(|_| Error::bad_request("data", "[data] is not valid base64."))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::bad_request("data", "[data] is not valid UTF-8 text in base64."))?;
    text::check("data", &text)?;
    Ok(text)
}

/// Adds a revision to a configuration. Brokers are not affected, because they refer to a revision by its number.
#[utoipa::path(
    put,
    path = "/v1/configurations/{configuration-id}",
    operation_id = "UpdateConfiguration",
    tag = "configurations",
    params(OfConfiguration),
    request_body = UpdateConfigurationRequest,
    responses(
        (status = 200, description = "Saved.", body = UpdateConfigurationResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn update_configuration(
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<UpdateConfigurationResponse> {
    let wire: UpdateConfigurationRequest = signed.json()?;
    let configuration = path.configuration(&store, &signed).await?;
    let (scope, id) = (&configuration.scope, configuration.id);
    let data = decoded(wire.data.as_deref())?;
    let (data, warnings) = configuration.checked(&data)?;
    let description = wire.description.map(parse_revision_description).transpose()?;
    let (description, now) = (description.as_deref(), clock.now());
    match store.add_revision(scope, id, description, &data, now).await? {
        AddRevision::Added(after) => Ok(Reply(UpdateConfigurationResponse {
            arn: after.arn().to_string(),
            created: after.created.to_string(),
            id: after.id.to_string(),
            latest_revision: (&after.latest).into(),
            name: after.name.to_string(),
            warnings: warnings.into_iter().take(MAX_WARNINGS).map(Into::into).collect(),
        })),
        AddRevision::NotFound => Err(path.configuration_not_found().into()),
        AddRevision::TooMany => Err(Error::bad_request_overall(format!(
            "A configuration can have at most [{MAX_REVISIONS}] revisions."
        ))
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_utf_8_in_base64_of_the_standard_alphabet() {
        assert_eq!(decoded(Some("aMOpbGxv")), Ok("h\u{e9}llo".to_owned()));
        for wrong in [None, Some("%%%"), Some("aGk"), Some("_-8="), Some("//8="), Some("IwA=")] {
            let refused = decoded(wrong).expect_err("refused");
            assert_eq!(refused.attribute.as_deref(), Some("data"), "{wrong:?}");
        }
    }
}
