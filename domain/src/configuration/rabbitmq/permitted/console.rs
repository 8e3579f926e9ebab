//! What an editor of configurations offers: the permitted keys, and what may stand behind each.

use serde_json::{Map, Value, json};

use super::{Kind, LIMITS, RULES, Since};
use crate::{
    catalogue::EngineVersion, configuration::rabbitmq::value::ALGORITHMS,
    golden::compare_with_console,
};

/// The values that a key may have, or what they look like.
fn values(kind: Kind) -> Value {
    match kind {
        Kind::Boolean => json!({"words": ["true", "false"]}),
        Kind::Number(least, most) => json!({"least": least, "most": most}),
        Kind::OneOf(words) => json!({"words": words}),
        Kind::Algorithm => json!({"words": ALGORITHMS}),
        Kind::Backend | Kind::CachedBackend | Kind::Mechanism => {
            let of = |major| kind.words(EngineVersion::new(major, 13));
            json!({"words": of(4), "wordsOf3": of(3)})
        }
        Kind::Timeout => json!({"hint": "milliseconds or infinity"}),
        Kind::Text => json!({"hint": "text"}),
        Kind::HttpsUrl => json!({"hint": "https URL"}),
        Kind::Path => json!({"hint": "path of a URL"}),
        Kind::Server => json!({"hint": "host name or IP address"}),
        Kind::DistinguishedName => json!({"hint": "distinguished name"}),
        Kind::DistinguishedNameOrNone => json!({"hint": "distinguished name or none"}),
        Kind::Query | Kind::TagQueries => json!({"hint": "LDAP query"}),
        Kind::Role => json!({"hint": "ARN of a role"}),
        Kind::Arn => json!({"hint": "ARN of a secret"}),
    }
}

#[test]
fn the_console_offers_the_permitted_keys() {
    let keys: Map<String, Value> = RULES
        .iter()
        .map(|rule| {
            let mut key = values(rule.kind);
            if let Since::Version(major, minor) = rule.since {
                key["since"] = format!("{major}.{minor}").into();
            }
            (rule.pattern.to_owned(), key)
        })
        .collect();
    compare_with_console("rabbitmq-keys.json", &json!({"keys": keys, "inSections": LIMITS}));
}
