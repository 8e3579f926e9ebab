//! The sanitiser of ActiveMQ configurations.
//!
//! Elements, attributes and values that the schema does not permit, or that the engine does not start with,
//! are removed with a warning. A wrong value of what is left, or a missing element, makes the whole document
//! invalid. The rest is serialised in the service's form. The engine starts with every document that passes;
//! there is no later check. Sources: "Elements, child collections and their child elements permitted in
//! Amazon MQ configurations" of the developer guide, the schema files that the service publishes, and
//! recorded answers of the service.

#[cfg(test)]
mod console;
mod document;
mod engine;
mod network;
mod pattern;
mod prune;
mod schema;
mod selector;
mod validate;
mod value;

pub use document::{ActiveMqElement, xml_attribute_value};
pub use network::network_uri;
pub use prune::{SanitizationWarning, SanitizationWarningReason};

use crate::{
    catalogue::{AuthenticationStrategy, EngineVersion},
    kernel::Error,
};

use document::{Document, MAX_DOCUMENT_BYTES, too_large};

/// A sanitised document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanitised {
    /// The document, as it is stored and answered. Sanitising it again changes nothing and gives no warnings.
    pub data: String,
    /// What was removed: first what is not permitted, then what the engine does not accept, each in document
    /// order and within an element sorted by name.
    pub warnings: Vec<SanitizationWarning>,
}

/// Sanitises a document: removes what is not permitted, and refuses what is invalid.
///
/// # Errors
/// A 400 on `data`, in the words of the service, when the text is not the XML of a broker or when a
/// value that would stay is wrong.
pub fn sanitise(
    version: EngineVersion,
    strategy: AuthenticationStrategy,
    document: &str,
) -> Result<Sanitised, Error> {
    let (document, warnings) = sanitised_tree(version, strategy, document)?;
    let data = document.write();
    if data.len() > MAX_DOCUMENT_BYTES {
        Err(invalid(too_large()))
    } else {
        Ok(Sanitised { data, warnings })
    }
}

/// Parses a document that [`sanitise`] would not change.
///
/// # Errors
/// A 400 on `data` when [`sanitise`] would remove or refuse something.
pub fn permitted(
    version: EngineVersion,
    strategy: AuthenticationStrategy,
    document: &str,
) -> Result<ActiveMqElement, Error> {
    let (document, warnings) = sanitised_tree(version, strategy, document)?;
    match warnings.first() {
        Some(removed) => Err(invalid(format!("{removed}."))),
        None => Ok(document.into_root()),
    }
}

/// The sanitised tree of a document, and what was removed.
fn sanitised_tree(
    version: EngineVersion,
    strategy: AuthenticationStrategy,
    document: &str,
) -> Result<(Document, Vec<SanitizationWarning>), Error> {
    let all = |messages: Vec<String>| invalid(messages.join(" and "));
    let (mut document, mut warnings) =
        prune::prune(version, strategy, document).map_err(invalid)?;
    validate::schema(document.root()).map_err(all)?;
    warnings.extend(engine::remove(&mut document.root));
    engine::check(document.root()).map_err(all)?;
    Ok((document, warnings))
}

fn invalid(why: impl AsRef<str>) -> Error {
    let why = why.as_ref();
    Error::bad_request("data", format!("The specified XML configuration data is invalid: {why}"))
}

#[cfg(test)]
mod tests;
