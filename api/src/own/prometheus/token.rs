//! The bearer token for the metrics of all accounts.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{StatusCode, header, request::Parts},
};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    auth::{Authenticator, WRONG_TOKEN},
    http::error::ApiError,
    settings::ApiSettings,
};

/// A request that brings one of the operator's tokens.
pub(crate) struct MetricsReader(());

impl<S> FromRequestParts<S> for MetricsReader
where
    S: Send + Sync,
    Arc<ApiSettings>: FromRef<S>,
    Arc<Authenticator>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let settings = Arc::<ApiSettings>::from_ref(state);
        let header = parts.headers.get(header::AUTHORIZATION);
        let brought = header.and_then(|value| bearer(value.to_str().ok()?));
        match brought {
            Some(token) if is_one_of(&settings.metrics_tokens, token) => Ok(Self(())),
            Some(_) | None => {
                let refusal = refused();
                Arc::<Authenticator>::from_ref(state).count_rejection(&refusal);
                Err(refusal)
            }
        }
    }
}

fn refused() -> ApiError {
    let message = "Send a token of the operator in the header Authorization: Bearer <token>.";
    ApiError::named(StatusCode::UNAUTHORIZED, "UnauthorizedException", message)
        .because_of_authentication(WRONG_TOKEN)
}

/// Source: RFC 6750; the name of the scheme has no case.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// In a time that tells nothing of the tokens: digests are of one length, and all are compared.
fn is_one_of(tokens: &[SecretString], brought: &str) -> bool {
    let digest = |token: &str| Sha256::digest(token.as_bytes());
    let brought = digest(brought);
    let mut is_one = subtle::Choice::from(0);
    for token in tokens {
        is_one |= digest(token.expose_secret()).as_slice().ct_eq(brought.as_slice());
    }
    is_one.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_the_scheme_has_it() {
        for (header, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer ", None),
            ("Bearer", None),
            ("", None),
        ] {
            assert_eq!(bearer(header), token, "{header:?}");
        }
    }

    #[test]
    fn only_what_the_operator_has_set_is_a_token() {
        let tokens = ["one".into(), "another".into()];
        assert!(is_one_of(&tokens, "one") && is_one_of(&tokens, "another"));
        for other in ["", "on", "onee", "One"] {
            assert!(!is_one_of(&tokens, other), "{other:?}");
        }
        assert!(!is_one_of(&[], ""), "without a token nobody reads");
    }
}
