//! `requestParameters` and `responseElements`.

use serde_json::{Map, Value};

use super::{mask::mask, query_protocol::lower_first};
use crate::access::policy::{Principal, PrincipalKind};

/// What a call asked for: the parameters of its path and query, and the members of its body, as the API document names
/// them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestParameters(Map<String, Value>);

impl RequestParameters {
    /// Adds a parameter of the path or query. Of several with one name, all are told.
    pub fn add(&mut self, name: &str, value: &str) {
        let value = Value::from(value);
        match self.0.get_mut(name) {
            None => drop(self.0.insert(name.to_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }

    /// Adds the members of a JSON body. What is no object is not told: the call is refused.
    pub fn add_body(&mut self, body: &[u8]) {
        if let Ok(Value::Object(members)) = serde_json::from_slice(body) {
            self.0.extend(members);
        }
    }

    /// Adds the members of a JSON body of AWS JSON 1.1, whose names begin with a capital, as events have them.
    pub fn add_lower_body(&mut self, body: &[u8]) {
        if let Ok(Value::Object(members)) = serde_json::from_slice(body) {
            self.add_lower_members(members);
        }
    }

    /// Adds members whose names begin with a capital, as events have them.
    pub fn add_lower_members(&mut self, members: Map<String, Value>) {
        self.0.extend(members.into_iter().map(|(name, member)| (lower_first(&name), member)));
    }

    /// Adds members.
    pub fn add_members(&mut self, members: Map<String, Value>) {
        self.0.extend(members);
    }

    /// Adds the tags that a session hands on to the session of a role which it assumes.
    ///
    /// Source: "Example AWS STS role chaining API event in CloudTrail log file" of the IAM user guide.
    pub fn add_incoming_tags(&mut self, caller: &Principal) {
        let PrincipalKind::RoleSession { transitive_tag_keys, .. } = &caller.kind else { return };
        let tags = caller.tags.only(transitive_tag_keys);
        if !tags.as_map().is_empty() {
            let tags = tags.as_map().iter().map(|(key, value)| (key.clone(), value.clone().into()));
            self.0.insert("incomingTransitiveTags".to_owned(), Value::Object(tags.collect()));
        }
    }

    /// The element, with what must not be told masked; none: the call had no parameters.
    pub fn into_element(self) -> Option<Value> {
        element(Value::Object(self.0))
    }
}

/// The element of an answer, with what must not be told masked; none: it has no members.
pub(super) fn element(mut value: Value) -> Option<Value> {
    if value.as_object().is_none_or(Map::is_empty) {
        return None;
    }
    mask(&mut value);
    Some(value)
}

impl super::event::Outcome {
    /// A call that was answered with this JSON document, and tells it.
    pub fn answered(answer: &[u8]) -> Self {
        Self::Answered(serde_json::from_slice(answer).ok().and_then(element))
    }

    /// A call that was answered with these members, and tells them.
    pub fn answered_with(members: Map<String, Value>) -> Self {
        Self::Answered(element(Value::Object(members)))
    }
}
