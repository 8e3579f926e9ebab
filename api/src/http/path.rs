//! The parameters of the path.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

/// The parameters of the path, percent-decoded once. Extracting them never fails, so that the signature is verified
/// before anything is refused.
#[derive(Debug)]
pub(crate) struct PathParams(Vec<(String, String)>);

impl PathParams {
    /// A parameter of the operation's path.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

#[cfg(test)]
impl From<(&str, &str)> for PathParams {
    fn from((name, value): (&str, &str)) -> Self {
        Self(vec![(name.to_owned(), value.to_owned())])
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathParams {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let pairs = params.ok().map(|params| {
            params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        });
        Ok(Self(pairs.unwrap_or_default()))
    }
}
