//! The query of a request.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use percent_encoding::percent_decode_str;

/// Names and values of a query, percent-decoded once; a plus is a plus.
///
/// The signature is verified over the same pairs that handlers read.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode_str(name).collect(), percent_decode_str(value).collect())
    })
}

/// The parameters of the query.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self(pairs(query).map(|(name, value)| (text(name), text(value))).collect())
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
}
