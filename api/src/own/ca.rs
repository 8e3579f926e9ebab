//! DescribeCertificateAuthority: the certificates that clients must trust.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};

use crate::{
    cache::TrustedCertificates,
    http::{body, error::ApiError},
    openapi::ServiceErrors,
};

/// The CA certificates of the current, former and future issuers of brokers' certificates, in PEM. They are
/// public.
#[utoipa::path(
    get,
    path = "/brokerd/v1/ca.pem",
    operation_id = "DescribeCertificateAuthority",
    tag = "brokerd",
    responses(
        (status = 200, description = "The CA certificates, the current issuer's first.", body = String, content_type = "application/x-pem-file"),
        ServiceErrors,
    ),
    security(()),
)]
pub(crate) async fn describe_certificate_authority(
    State(certificates): State<Arc<TrustedCertificates>>,
) -> Result<Response, ApiError> {
    let pem = certificates.get().await?;
    if pem.is_empty() {
        return Err(ApiError::unavailable("There is no certificate authority yet. Try again."));
    }
    Ok(body::with_type(StatusCode::OK, "application/x-pem-file", pem))
}
