//! The signing side, for brokerd's own command line and for tests.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use brokerd_domain::Timestamp;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::{
    canonical,
    date::AmzDate,
    key::SigningKey,
    request::{ALGORITHM, Request, TERMINATOR, string_to_sign},
};

/// An access key, and the scope to sign for.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The public part of the access key.
    pub access_key_id: String,
    /// The secret part.
    pub secret: SecretString,
    /// The region to sign for.
    pub region: String,
    /// The service to sign for.
    pub service: String,
}

/// The headers that make `request` an authentic one: `x-amz-date` and `authorization`. Every header
/// already in the request is signed; `host` must be among them or be given as the authority.
pub fn sign(
    request: &Request<'_>,
    credentials: &Credentials,
    now: Timestamp,
) -> [(HeaderName, HeaderValue); 2] {
    let date = AmzDate::from_seconds(now.as_seconds());
    let date_name = HeaderName::from_static("x-amz-date");
    let date_value = header_value(&date.to_string());
    let mut headers: HeaderMap = request.headers.clone();
    headers.insert(date_name.clone(), date_value.clone());
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    if !names.contains(&"host") {
        names.push("host");
    }
    names.sort_unstable();
    let names = names.join(";");
    let payload_hash = hex::encode(Sha256::digest(request.body));
    let canonical =
        canonical::request(&Request { headers: &headers, ..*request }, &names, &payload_hash)
            .unwrap_or_default();
    let Credentials { access_key_id, secret, region, service } = credentials;
    let key = SigningKey::derive(secret, date.day(), region, service);
    let signature = key.sign(&string_to_sign(&date, region, service, &canonical));
    let day = date.day();
    let authorization = format!(
        "{ALGORITHM} Credential={access_key_id}/{day}/{region}/{service}/{TERMINATOR}, SignedHeaders={names}, Signature={signature}"
    );
    [(date_name, date_value), (AUTHORIZATION, header_value(&authorization))]
}

/// An empty value where the text can't be one: the request is then refused, as it should be.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
