//! Connections to other brokers.
//!
//! Source: "Amazon MQ network of brokers" of the developer guide. Where they may lead is decided when a
//! configuration is saved.

use brokerd_domain::{BrokerUser, network_uri};
use secrecy::ExposeSecret;

use super::{super::blueprint::Unsupported, spring, xml::Element};

/// The connectors with the passwords of the users they name. One that names nobody, or somebody who is
/// gone, has none: the other broker will refuse it, as it should, while this one serves.
pub(super) fn connectors(
    permitted: Vec<Element>,
    users: &[BrokerUser],
) -> Result<Vec<Element>, Unsupported> {
    let mut connectors = permitted;
    for connector in &mut connectors {
        let uri = connector.get("uri").and_then(network_uri).ok_or_else(|| {
            Unsupported("a networkConnector has no uri that it may have".to_owned())
        })?;
        connector.set("uri", &uri);
        let named = connector
            .get("userName")
            .and_then(|name| users.iter().find(|user| user.username.as_str() == name));
        if let Some(user) = named {
            connector.set("password", &spring::attribute(user.password.expose_secret()));
        }
    }
    Ok(connectors)
}
