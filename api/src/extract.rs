//! What handlers take from the target of a request. Nothing here refuses before the signature is
//! verified: a handler asks for what it needs afterwards.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use brokerd_domain::{Broker, BrokerId, ConfigurationId, Error, Scope};

use crate::{ApiState, auth::sigv4::query_pairs, error::ApiError};

/// The parameters of the path, percent-decoded once.
#[derive(Debug)]
pub(crate) struct PathParams(Vec<(String, String)>);

impl PathParams {
    /// A parameter of the operation's path.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The broker's identifier.
    ///
    /// # Errors
    /// The 404 of a broker that does not exist: what is no identifier names no broker.
    pub(crate) fn broker_id(&self) -> Result<BrokerId, Error> {
        self.get("broker-id").parse().map_err(|_| self.broker_not_found())
    }

    /// The 404 of this broker.
    pub(crate) fn broker_not_found(&self) -> Error {
        Error::broker_not_found(self.get("broker-id"))
    }

    /// The broker, if the caller has it.
    ///
    /// # Errors
    /// The 404 of this broker; what the store says.
    pub(crate) async fn broker(&self, api: &ApiState, scope: &Scope) -> Result<Broker, ApiError> {
        let broker = api.store.broker(scope, self.broker_id()?).await?;
        Ok(broker.ok_or_else(|| self.broker_not_found())?)
    }

    /// The identifier of a broker that the caller has.
    ///
    /// # Errors
    /// As [`Self::broker`].
    pub(crate) async fn existing_broker_id(
        &self,
        api: &ApiState,
        scope: &Scope,
    ) -> Result<BrokerId, ApiError> {
        let id = self.broker_id()?;
        match api.store.has_broker(scope, id).await? {
            true => Ok(id),
            false => Err(self.broker_not_found().into()),
        }
    }

    /// The configuration's identifier.
    ///
    /// # Errors
    /// The 404 of a configuration that does not exist.
    pub(crate) fn configuration_id(&self) -> Result<ConfigurationId, Error> {
        self.get("configuration-id").parse().map_err(|_| self.configuration_not_found())
    }

    /// The 404 of this configuration.
    pub(crate) fn configuration_not_found(&self) -> Error {
        Error::configuration_not_found(self.get("configuration-id"))
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

/// The query, read the way it was signed.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self(query_pairs(query).map(|(name, value)| (text(name), text(value))).collect())
    }

    /// The query of a request.
    pub(crate) fn of(parts: &Parts) -> Self {
        Self::parse(parts.uri.query().unwrap_or_default())
    }

    /// All parameters, in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
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
        assert_eq!(query.all("nextToken"), ["a+b+c=", "second"]);
    }

    #[test]
    fn what_is_no_identifier_names_no_broker() {
        let path = PathParams(vec![("broker-id".to_owned(), "orders".to_owned())]);
        let refused = path.broker_id().expect_err("a name");
        assert_eq!(
            refused.message,
            "Cannot find broker ID [orders]. Verify that your broker exists or check broker permissions."
        );
    }
}
