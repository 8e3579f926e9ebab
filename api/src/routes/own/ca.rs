//! The certificate that clients must trust.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use bytes::Bytes;

use crate::{ApiState, error::ApiError, openapi::ServiceErrors, respond};

/// The certificate of the authority that issued every broker's certificate, PEM. It is public.
#[utoipa::path(
    get,
    path = "/brokerd/v1/ca.pem",
    operation_id = "DescribeCertificateAuthority",
    tag = "brokerd",
    responses(
        (status = 200, description = "The certificate.", body = String, content_type = "application/x-pem-file"),
        ServiceErrors,
    ),
    security(()),
)]
pub(crate) async fn describe_certificate_authority(
    State(api): State<Arc<ApiState>>,
) -> Result<Response, ApiError> {
    // It never changes once it is there, so it is read once.
    let read = async || {
        let authority = api.store.stored_certificate_authority().await?;
        let pem = authority.map(|a| Bytes::from(a.certificate_pem));
        pem.ok_or_else(|| {
            ApiError::unavailable("There is no certificate authority yet. Try again.")
        })
    };
    let pem = api.ca_pem.get_or_try_init(read).await?;
    Ok(respond::with_type(StatusCode::OK, "application/x-pem-file", pem.clone()))
}
