//! The permitted schema as a source of documents: each element where it may be, with what the engine needs
//! around it, and values at and over the edges of each type.

use std::collections::{BTreeMap, VecDeque};

use brokerd_domain::{EngineVersion, xml_attribute_value};
use serde_json::Value;

const CORE: &str = "http://activemq.apache.org/schema/core";

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "007",
    "+5",
    " 5 ",
    "5\n",
    "32767",
    "32768",
    "-32769",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    "",
    "  ",
    "x",
    "1.0",
    "1k",
    "0x10",
    "\u{663}",
];
const SWITCHES: &[&str] =
    &["true", "false", "1", "0", " true ", "true\n", "TRUE", "yes", "on", "", "  ", "maybe"];
const DOUBLES: &[&str] = &[
    "1", "-1.5", "1.", ".5", "1e10", "1e400", "INF", "-INF", "NaN", "", "x", " 1 ", "1f", "0x1p3",
];
const TEXTS: &[&str] = &[
    "",
    "  ",
    "\u{a0}",
    "a\nb",
    " a",
    "a ",
    "a\tb",
    "\u{e4}\u{20ac}\u{1f600}",
    "true",
    "FALSE",
    "invalid",
    "null",
    "-1",
    "0",
    "5",
    "5 kb",
    "5MB",
    "3gb",
    "5tb",
    "9999999999",
    "9999999999999999999",
    "a,b",
    "a>b<c&d\"'",
    "*",
    ">",
    "a:b",
    "queue://x",
    "file:/x",
    "classpath:x",
    "%2e",
    "..",
    "(a",
    "a+b=1",
    "a = 'b' AND c > 5",
    "a IN ('b')",
    "bucket?bucketCount=64",
    "cached",
    "amqp",
    "ssl://a:1",
];

/// The permitted schema.
pub(crate) struct Schema {
    types: Value,
    elements: BTreeMap<String, Value>,
    /// The elements and collections around each element, from the broker on.
    around: BTreeMap<String, Vec<(String, String)>>,
}

/// An attribute of an element.
pub(crate) struct Attribute {
    /// Its name.
    pub(crate) name: String,
    base: String,
    more: Vec<String>,
}

/// A broker with these attributes and this content.
pub(crate) fn broker(attributes: &str, inner: &str) -> String {
    format!("<broker xmlns=\"{CORE}\"{attributes}>{inner}</broker>")
}

impl Schema {
    /// As it is built in.
    pub(crate) fn read() -> Self {
        let text = include_str!("../../../domain/data/activemq-schema.json");
        let schema: Value = serde_json::from_str(text).expect("JSON");
        let elements: BTreeMap<String, Value> =
            serde_json::from_value(schema["elements"].clone()).expect("elements");
        let mut around = BTreeMap::from([("broker".to_owned(), Vec::new())]);
        let mut next = VecDeque::from(["broker".to_owned()]);
        while let Some(outer) = next.pop_front() {
            for (collection, of) in
                elements[&outer]["collections"].as_object().into_iter().flatten()
            {
                for inner in of["elements"].as_array().expect("a list") {
                    let inner = inner.as_str().expect("a name").to_owned();
                    // Of a network's lists the engine takes no filters.
                    let is_filter = inner == "filteredDestination" && outer == "networkConnector";
                    if !around.contains_key(&inner) && !is_filter {
                        let mut path = around[&outer].clone();
                        path.push((outer.clone(), collection.clone()));
                        around.insert(inner.clone(), path);
                        next.push_back(inner);
                    }
                }
            }
        }
        // Where it may be first, the engine does not take it.
        let map = ("authorizationMap".to_owned(), "defaultEntry".to_owned());
        if let Some(path) = around.get_mut("tempDestinationAuthorizationEntry") {
            *path.last_mut().expect("it is inside") = map;
        }
        Self { types: schema["types"].clone(), elements, around }
    }

    /// The names of all elements that a broker with users of its own may have.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &str> {
        self.elements
            .keys()
            .map(String::as_str)
            .filter(|name| *name != "cachedLDAPAuthorizationMap")
    }

    /// The attributes of an element in a version.
    pub(crate) fn attributes(&self, element: &str, version: EngineVersion) -> Vec<Attribute> {
        let all = self.elements[element]["attributes"].as_object().into_iter().flatten();
        all.filter_map(|(name, is)| {
            let since = is["since"].as_str().map(|text| text.parse().expect("a version"));
            if since.is_some_and(|since: EngineVersion| since > version) {
                return None;
            }
            let kind = is.as_str().or(is["type"].as_str()).expect("a type");
            let restriction = &self.types[kind];
            let mut more = Vec::new();
            for bound in ["minInclusive", "maxInclusive"] {
                more.extend(restriction[bound].as_i64().into_iter().flat_map(|bound| {
                    [bound - 1, bound, bound + 1].map(|number| number.to_string())
                }));
            }
            for word in restriction["enumeration"].as_array().into_iter().flatten() {
                more.push(word.as_str().expect("a word").to_owned());
            }
            let base = restriction["base"].as_str().unwrap_or(kind).to_owned();
            Some(Attribute { name: name.clone(), base, more })
        })
        .collect()
    }

    /// A document with that element and these attributes, and with what the engine needs beside them.
    pub(crate) fn with(&self, element: &str, attributes: &[(&str, &str)]) -> String {
        let mut all: BTreeMap<&str, &str> = needed(element).iter().copied().collect();
        all.extend(attributes.iter().copied());
        let written = |all: &BTreeMap<&str, &str>| -> String {
            let one = |(name, value): (&&str, &&str)| {
                format!(" {name}=\"{}\"", xml_attribute_value(value))
            };
            all.iter().map(one).collect()
        };
        if element == "broker" {
            return broker(&written(&all), "");
        }
        let mut text = format!("<{element}{}>{}</{element}>", written(&all), inside(element));
        for (outer, collection) in self.around[element].iter().rev() {
            text = format!("<{collection}>{text}</{collection}>");
            if outer != "broker" {
                let own = written(&needed(outer).iter().copied().collect());
                let more = if outer == "authorizationMap" && collection != "authorizationEntries" {
                    "<authorizationEntries><authorizationEntry queue=\"a\"/></authorizationEntries>"
                } else {
                    ""
                };
                text = format!("<{outer}{own}>{more}{text}</{outer}>");
            }
        }
        // A store on disk takes time, and matters to its own attributes alone.
        let store = if element == "kahaDB" { "" } else { " persistent=\"false\"" };
        broker(store, &text)
    }
}

/// What the engine wants an element to have.
fn needed(element: &str) -> &'static [(&'static str, &'static str)] {
    match element {
        "authorizationEntry" | "filteredDestination" | "policyEntry" | "redeliveryPolicy" => {
            &[("topic", "a")]
        }
        "compositeQueue" | "compositeTopic" => &[("name", "a")],
        "networkConnector" => &[("uri", "static:(ssl://127.0.0.1:1)")],
        "queue" | "tempQueue" | "tempTopic" | "topic" => &[("physicalName", "a")],
        "transportConnector" => &[("name", "openwire")],
        _ => &[],
    }
}

/// What the engine wants in an element.
fn inside(element: &str) -> &'static str {
    match element {
        "authorizationMap" => {
            "<authorizationEntries><authorizationEntry queue=\"a\"/></authorizationEntries>"
        }
        "authorizationPlugin" => {
            "<map><authorizationMap><authorizationEntries><authorizationEntry queue=\"a\"/>\
             </authorizationEntries></authorizationMap></map>"
        }
        "compositeQueue" | "compositeTopic" => "<forwardTo><queue physicalName=\"b\"/></forwardTo>",
        "retainedMessageSubscriptionRecoveryPolicy" => {
            "<wrapped><noSubscriptionRecoveryPolicy/></wrapped>"
        }
        "virtualDestinationInterceptor" => {
            "<virtualDestinations><virtualTopic/></virtualDestinations>"
        }
        _ => "",
    }
}

impl Attribute {
    /// Values at and over the edges of its type.
    pub(crate) fn values(&self) -> Vec<String> {
        let all = match self.base.as_str() {
            "boolean" => SWITCHES,
            "double" => DOUBLES,
            "integer" | "long" | "short" => NUMBERS,
            _ => TEXTS,
        };
        let long = (self.base == "string").then(|| "x".repeat(5000));
        all.iter().map(|text| (*text).to_owned()).chain(self.more.clone()).chain(long).collect()
    }
}
