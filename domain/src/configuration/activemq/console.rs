//! What an editor of configurations offers: the schema without what the sanitiser would remove in any case.

use serde_json::Value;

use super::engine::{BEAN_REFERENCES, BOOLEANS, REMOVED_BY_BROKERD};
use crate::golden::compare_with_console;

/// The attributes of an element.
fn attributes<'v>(schema: &'v mut Value, element: &str) -> &'v mut serde_json::Map<String, Value> {
    schema["elements"][element]["attributes"].as_object_mut().expect("attributes")
}

#[test]
fn the_console_offers_the_permitted_schema() {
    let text = include_str!("../../../data/activemq-schema.json");
    let mut schema: Value = serde_json::from_str(text).expect("JSON");
    let removed = REMOVED_BY_BROKERD.iter().map(|name| ("networkConnector", *name));
    for (element, name) in BEAN_REFERENCES.iter().copied().chain(removed) {
        attributes(&mut schema, element).remove(name);
    }
    for name in BOOLEANS {
        attributes(&mut schema, "broker").insert((*name).to_owned(), "boolean".into());
    }
    compare_with_console("activemq-schema.json", &schema);
}
