//! Errors of authentication, and the API's form of them.

use brokerd_domain::AccountId;

use crate::http::error::ApiError;

/// Why a signature is refused, in the words of the service's gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No `Authorization` header.
    #[error("Missing Authentication Token")]
    Missing,
    /// The `Authorization` header, or the date that belongs to it, can't be read.
    #[error("{0}")]
    Malformed(String),
    /// No account has this access key, or the session token is not that of the key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The session of the token has ended. Only a request with its token gets this.
    #[error("The security token included in the request is expired")]
    Expired,
    /// The signature differs from the computed one.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// Signed for another service, day or purpose.
    #[error("{0}")]
    Scope(String),
    /// Signed too long ago, or too far in the future.
    #[error("{0}")]
    Skew(String),
    /// A header that must be signed is not.
    #[error("{0}")]
    Unsigned(String),
    /// The operator has suspended the account. Only a request that is signed for it gets this.
    #[error("Account {0} is suspended.")]
    Suspended(AccountId),
}

impl SignatureError {
    /// Signed for a region that is not configured.
    pub(super) fn invalid_region() -> Self {
        Self::Scope("Credential should be scoped to a valid region.".to_owned())
    }

    /// The exception's name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Malformed(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::Expired => "ExpiredTokenException",
            Self::Suspended(_) => "AccessDeniedException",
            Self::Mismatch | Self::Scope(_) | Self::Skew(_) | Self::Unsigned(_) => {
                "InvalidSignatureException"
            }
        }
    }

    /// The name used in metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::UnknownKey => "unknown-key",
            Self::Expired => "expired",
            Self::Mismatch => "mismatch",
            Self::Scope(_) => "scope",
            Self::Skew(_) => "skew",
            Self::Unsigned(_) => "unsigned",
            Self::Suspended(_) => "suspended",
        }
    }
}

/// Metric label: too many unknown access keys from one address.
pub(super) const TOO_MANY_UNKNOWN_KEYS: &str = "too-many-unknown-keys";

/// Metric label: the operator's token is missing or wrong.
pub(crate) const WRONG_TOKEN: &str = "token";

/// Metric label: no console session.
pub(super) const NO_SESSION: &str = "no-session";

/// Metric label: console sign-in failed.
pub(super) const FAILED_SIGN_IN: &str = "sign-in";

/// Metric label: cross-site request.
pub(super) const CROSS_SITE: &str = "cross-site";

/// Metric label: unknown host.
pub(super) const WRONG_HOST: &str = "wrong-host";

/// All metric labels of refused authentication.
pub(crate) const REJECTION_REASONS: [&str; 15] = [
    "missing",
    "malformed",
    "unknown-key",
    "expired",
    "mismatch",
    "scope",
    "skew",
    "unsigned",
    "suspended",
    TOO_MANY_UNKNOWN_KEYS,
    WRONG_TOKEN,
    NO_SESSION,
    FAILED_SIGN_IN,
    CROSS_SITE,
    WRONG_HOST,
];

impl From<SignatureError> for ApiError {
    fn from(error: SignatureError) -> Self {
        Self::unauthenticated(error.code(), error.to_string())
            .because_of_authentication(error.reason())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_refused_signature_has_the_form_of_the_service() {
        let refused = ApiError::from(SignatureError::Missing);
        assert_eq!(refused.authentication_failure(), Some("missing"));
        let response = refused.render(Uuid::nil());
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
        let body = response.into_body().collect().await.expect("body").to_bytes();
        assert_eq!(&body[..], br#"{"message":"Missing Authentication Token"}"#);
    }
}
