//! What an ActiveMQ configuration may hold, and what becomes of one that holds more.
//!
//! Sources: "Elements, child collections and their child elements permitted in Amazon MQ
//! configurations" of the developer guide, the schema files that the service publishes, and recorded
//! answers of the service. A document goes three ways: what the schema does not know at its place, and
//! values that the engine would not start with, are removed with a warning; a wrong value of what is left, or
//! something missing, refuses the whole; the rest is written anew, in the service's form. What passes is what
//! the engine starts with: there is no later judgement.

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

use document::Document;

/// How large a document may be, in bytes, before and after it is written anew. The service does not
/// publish its own limit; this one is that of a request.
const LARGEST_DOCUMENT: usize = 1 << 20;

/// A document that holds nothing but what is permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanitised {
    /// The document as it is stored and answered. Sanitised again it stays the same, without warnings.
    pub data: String,
    /// What was removed: first what is not permitted, then what the engine would not take, each in the order of
    /// the document; within one element in the order of names.
    pub warnings: Vec<SanitizationWarning>,
}

/// Removes what the service does not permit and refuses what it can't take.
///
/// # Errors
/// A 400 on `data`, in the words of the service, when the text is not the XML of a broker or when a
/// value that would stay is wrong.
pub fn sanitise(
    version: EngineVersion,
    strategy: AuthenticationStrategy,
    document: &str,
) -> Result<Sanitised, Error> {
    let (document, warnings) = judged(version, strategy, document)?;
    let data = document.write();
    if data.len() > LARGEST_DOCUMENT {
        Err(invalid(too_large()))
    } else {
        Ok(Sanitised { data, warnings })
    }
}

/// The broker of a document that went through [`sanitise`], or would have come out of it unchanged.
///
/// # Errors
/// A 400 on `data` when [`sanitise`] would remove or refuse something.
pub fn permitted(
    version: EngineVersion,
    strategy: AuthenticationStrategy,
    document: &str,
) -> Result<ActiveMqElement, Error> {
    let (document, warnings) = judged(version, strategy, document)?;
    match warnings.first() {
        Some(removed) => Err(invalid(format!("{removed}."))),
        None => Ok(document.into_root()),
    }
}

/// What is left of a document, and what was removed.
fn judged(
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

fn too_large() -> String {
    format!("The document is larger than {LARGEST_DOCUMENT} bytes.")
}

fn invalid(why: impl AsRef<str>) -> Error {
    let why = why.as_ref();
    Error::bad_request("data", format!("The specified XML configuration data is invalid: {why}"))
}

#[cfg(test)]
mod tests;
