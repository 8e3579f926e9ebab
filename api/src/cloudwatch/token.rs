//! Tokens that lead to the next page. They belong to one request: with other parameters they are none.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use brokerd_domain::metric::query::{CloudWatchError, CloudWatchErrorKind};
use sha2::{Digest as _, Sha256};

/// How many bytes of the digest of a request are in its tokens.
const DIGEST: usize = 8;

/// What tells the tokens of a request apart from those of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pages(Vec<u8>);

impl Pages {
    /// Those of a request, given as it is shown.
    pub(super) fn of(request: &impl std::fmt::Debug) -> Self {
        let digest = Sha256::digest(format!("{request:?}"));
        Self(digest.iter().copied().take(DIGEST).collect())
    }

    /// The token of a position.
    pub(super) fn token(&self, position: &str) -> String {
        BASE64.encode([&self.0, position.as_bytes()].concat())
    }

    /// The position of a token.
    ///
    /// # Errors
    /// `InvalidNextToken`: it is none, or that of another request.
    pub(super) fn position(&self, token: &str) -> Result<String, CloudWatchError> {
        let decoded = BASE64.decode(token).ok();
        let position = decoded
            .as_deref()
            .and_then(|bytes| bytes.strip_prefix(self.0.as_slice()))
            .and_then(|position| String::from_utf8(position.to_vec()).ok());
        position.ok_or_else(invalid_token)
    }
}

/// The refusal of a token.
pub(super) fn invalid_token() -> CloudWatchError {
    CloudWatchError::new(
        CloudWatchErrorKind::InvalidNextToken,
        "The parameter NextToken is not a token of this request.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_on_only_with_the_same_request() {
        let (one, other) = (Pages::of(&("a", 1)), Pages::of(&("a", 2)));
        let token = one.token("7");
        assert_eq!(one.position(&token), Ok("7".to_owned()));
        for (pages, token) in [(&other, token.as_str()), (&one, ""), (&one, "x"), (&one, "!")] {
            let refused = pages.position(token).expect_err("refused");
            assert_eq!(refused.kind, CloudWatchErrorKind::InvalidNextToken);
        }
    }
}
