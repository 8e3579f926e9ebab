//! `nextToken`, in the service's form: base64 of a JSON document that holds another base64 of the last item of the
//! page. To callers it is opaque.

use base64::{Engine, engine::general_purpose::STANDARD};
use brokerd_domain::{
    Arn, BrokerId, ConfigurationId, Error, Resource, Scope, Timestamp,
    destination::DestinationPosition,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Serialize, Deserialize)]
struct Envelope {
    version: String,
    #[serde(rename = "serializedPaginationToken")]
    inner: String,
}

#[derive(Serialize, Deserialize)]
struct Inner<T> {
    #[serde(rename = "tokenData")]
    data: T,
}

/// The last broker or configuration of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LastSeen {
    /// Named as in the service's tokens, which were only seen for brokers.
    #[serde(rename = "last-seen-broker-arn")]
    last_seen_arn: String,
    last_seen_created: i64,
}

/// The last revision of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LastRevision {
    last_seen_revision: i32,
}

/// The last row of a page of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LastRow {
    last_seen_row: String,
}

/// The last row of a page of a table, by what rows are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LastPlace {
    last_seen_place: String,
    last_seen_id: String,
}

/// The last destination of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LastDestination {
    last_seen_destination: DestinationPosition,
}

/// The service's 400 on a token that can't be read.
pub(super) fn invalid(token: &str) -> Error {
    Error::bad_request(
        "nextToken",
        format!("Invalid next token [{token}]. Make sure you copied the token correctly."),
    )
}

fn write<T: Serialize>(data: T) -> String {
    let inner = encoded(&Inner { data });
    encoded(&Envelope { version: "v1".to_owned(), inner })
}

/// Base64 of JSON. Strings and numbers always serialise.
fn encoded(value: &impl Serialize) -> String {
    STANDARD.encode(serde_json::to_vec(value).unwrap_or_default())
}

fn read<T: DeserializeOwned>(token: &str) -> Option<T> {
    let envelope: Envelope = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    if envelope.version != "v1" {
        return None;
    }
    let inner: Inner<T> = serde_json::from_slice(&STANDARD.decode(envelope.inner).ok()?).ok()?;
    Some(inner.data)
}

/// The token of the page after this broker or configuration.
pub(crate) fn after(arn: &Arn, created: Timestamp) -> String {
    write(LastSeen { last_seen_arn: arn.to_string(), last_seen_created: created.as_micros() })
}

/// The token of the page after this revision.
pub(crate) fn after_revision(number: i32) -> String {
    write(LastRevision { last_seen_revision: number })
}

/// An empty token is that of the first page.
fn cursor(token: Option<&str>, scope: &Scope) -> Result<Option<(Timestamp, Resource)>, Error> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(None) };
    let last: LastSeen = read(token).ok_or_else(|| invalid(token))?;
    let arn: Arn = last.last_seen_arn.parse().map_err(|_| invalid(token))?;
    if arn.scope != *scope {
        return Err(invalid(token));
    }
    Ok(Some((Timestamp::from_micros(last.last_seen_created), arn.resource)))
}

/// Reads the token of ListBrokers; an empty one is that of the first page.
///
/// # Errors
/// The service's 400 on `nextToken`, also for a token of another account or region.
pub(super) fn broker_cursor(
    token: Option<&str>,
    scope: &Scope,
) -> Result<Option<(Timestamp, BrokerId)>, Error> {
    match cursor(token, scope)? {
        None => Ok(None),
        Some((created, Resource::Broker { id, .. })) => Ok(Some((created, id))),
        Some((_, Resource::Configuration { .. })) => Err(invalid(token.unwrap_or_default())),
    }
}

/// Reads the token of ListConfigurations.
///
/// # Errors
/// As [`broker_cursor`].
pub(super) fn configuration_cursor(
    token: Option<&str>,
    scope: &Scope,
) -> Result<Option<(Timestamp, ConfigurationId)>, Error> {
    match cursor(token, scope)? {
        None => Ok(None),
        Some((created, Resource::Configuration { id })) => Ok(Some((created, id))),
        Some((_, Resource::Broker { .. })) => Err(invalid(token.unwrap_or_default())),
    }
}

/// Reads the token of ListConfigurationRevisions.
///
/// # Errors
/// The service's 400 on `nextToken`.
pub(super) fn revision_cursor(token: Option<&str>) -> Result<Option<i32>, Error> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(None) };
    let last: LastRevision = read(token).ok_or_else(|| invalid(token))?;
    Ok(Some(last.last_seen_revision))
}

/// The token of the page after this destination.
pub(crate) fn after_destination(position: DestinationPosition) -> String {
    write(LastDestination { last_seen_destination: position })
}

/// Reads the token of ListDestinations.
///
/// # Errors
/// The service's 400 on `nextToken`.
pub(super) fn destination_cursor(
    token: Option<&str>,
) -> Result<Option<DestinationPosition>, Error> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(None) };
    let last: LastDestination = read(token).ok_or_else(|| invalid(token))?;
    Ok(Some(last.last_seen_destination))
}

/// The token of the page after the row of that key.
pub(crate) fn after_row(key: String) -> String {
    write(LastRow { last_seen_row: key })
}

/// The token of the page after the row of that place and identifier.
pub(crate) fn after_row_of(place: &str, id: &str) -> String {
    write(LastPlace { last_seen_place: place.to_owned(), last_seen_id: id.to_owned() })
}

/// Reads the token of a table.
///
/// # Errors
/// The service's 400 on `nextToken`.
pub(super) fn row_of_cursor(token: Option<&str>) -> Result<Option<(String, String)>, Error> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(None) };
    let LastPlace { last_seen_place: place, last_seen_id: id } =
        read(token).ok_or_else(|| invalid(token))?;
    // No place has one, and PostgreSQL takes none.
    if place.contains('\0') {
        return Err(invalid(token));
    }
    Ok(Some((place, id)))
}

/// Reads the token of a list that fits in memory: the key of the last row of the page before.
///
/// # Errors
/// The service's 400 on `nextToken`.
pub(super) fn row_cursor(token: Option<&str>) -> Result<Option<String>, Error> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(None) };
    let last: LastRow = read(token).ok_or_else(|| invalid(token))?;
    Ok(Some(last.last_seen_row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn() -> Arn {
        "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1234a5b6-78cd-401e-af00-314506001789"
            .parse()
            .expect("an ARN")
    }

    #[test]
    fn a_token_is_read_back_by_its_own_scope_only() {
        let arn = arn();
        let Resource::Broker { id, .. } = arn.resource.clone() else { panic!("a broker") };
        let created = Timestamp::from_micros(1_790_000_000_602_926);
        let token = after(&arn, created);
        assert_eq!(broker_cursor(Some(&token), &arn.scope), Ok(Some((created, id))));
        let other = Scope { region: "eu-west-1".parse().expect("region"), ..arn.scope.clone() };
        assert!(broker_cursor(Some(&token), &other).is_err());
    }

    #[test]
    fn a_token_has_the_form_of_the_service() {
        let token = after(&arn(), Timestamp::from_micros(7));
        let outer = String::from_utf8(STANDARD.decode(token).expect("base64")).expect("text");
        assert!(outer.starts_with(r#"{"version":"v1","serializedPaginationToken":""#), "{outer}");
        let inner = outer.rsplit('"').nth(1).expect("the inner token");
        let inner = String::from_utf8(STANDARD.decode(inner).expect("base64")).expect("text");
        assert!(
            inner.starts_with(r#"{"tokenData":{"last-seen-broker-arn":"arn:aws:mq:"#),
            "{inner}"
        );
    }

    #[test]
    fn an_empty_token_is_the_first_page_and_others_are_refused() {
        let scope = arn().scope;
        assert_eq!(broker_cursor(None, &scope), Ok(None));
        assert_eq!(broker_cursor(Some(""), &scope), Ok(None));
        let row_token = after_row("5".to_owned());
        for wrong in ["invalid", "e30=", &row_token] {
            let refused = broker_cursor(Some(wrong), &scope).expect_err(wrong);
            assert_eq!(
                refused.message,
                format!("Invalid next token [{wrong}]. Make sure you copied the token correctly.")
            );
            assert_eq!(refused.attribute.as_deref(), Some("nextToken"));
        }
    }

    #[test]
    fn tokens_of_different_lists_are_not_mixed_up() {
        let arn = arn();
        let scope = &arn.scope;
        let brokers = after(&arn, Timestamp::from_micros(7));
        let id = ConfigurationId::from(uuid::Uuid::from_u128(1));
        let configurations = after(&Arn::configuration(scope, id), Timestamp::from_micros(7));
        let cursor = configuration_cursor(Some(&configurations), scope);
        assert_eq!(cursor, Ok(Some((Timestamp::from_micros(7), id))));
        assert!(configuration_cursor(Some(&brokers), scope).is_err());
        assert!(broker_cursor(Some(&configurations), scope).is_err());
        assert_eq!(revision_cursor(Some(&after_revision(7))), Ok(Some(7)));
        assert_eq!(revision_cursor(Some("")), Ok(None));
        assert!(revision_cursor(Some(&brokers)).is_err());
    }
}
