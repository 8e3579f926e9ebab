//! What handlers take from the target of a request. Nothing here refuses before the signature is
//! verified: a handler asks for what it needs afterwards.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use brokerd_domain::{BrokerId, Error};

use crate::auth::sigv4::query_pairs;

/// The path parameter `broker-id`, percent-decoded once.
#[derive(Debug)]
pub(crate) struct BrokerPath(String);

impl BrokerPath {
    /// The identifier.
    ///
    /// # Errors
    /// The 404 of a broker that does not exist: what is no identifier names no broker.
    pub(crate) fn id(&self) -> Result<BrokerId, Error> {
        self.0.parse().map_err(|_| self.not_found())
    }

    /// The 404 of this broker.
    pub(crate) fn not_found(&self) -> Error {
        Error::broker_not_found(&self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BrokerPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let id = params.ok().and_then(|params| {
            params.iter().find(|(name, _)| *name == "broker-id").map(|(_, value)| value.to_owned())
        });
        Ok(Self(id.unwrap_or_default()))
    }
}

/// The query, read the way it was signed.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self(query_pairs(query).map(|(name, value)| (text(name), text(value))).collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_the_way_they_are_signed() {
        let query = Query::parse("maxResults=5&nextToken=a%2Bb+c%3D&nextToken=second&flag&=x");
        assert_eq!(query.get("maxResults"), Some("5"));
        assert_eq!(query.get("nextToken"), Some("a+b+c="));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("absent"), None);
    }

    #[test]
    fn what_is_no_identifier_names_no_broker() {
        let refused = BrokerPath("orders".to_owned()).id().expect_err("a name");
        assert_eq!(
            refused.message,
            "Cannot find broker ID [orders]. Verify that your broker exists or check broker permissions."
        );
    }
}
