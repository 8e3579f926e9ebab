//! What the engine would not start with, although the schema permits it.
//!
//! Every rule was asked of the engine itself: a test gives each attribute and element of the schema values at
//! and over their edges, and compares. What can be left out is left out with a warning, like what the schema
//! does not permit; what something else depends on refuses the whole.

use std::collections::BTreeSet;

use super::{
    SanitizationWarning, SanitizationWarningReason,
    document::{ActiveMqElement, Node},
    network::network_uri,
    pattern::is_pattern,
    schema::{Place, schema as built_in},
    selector::is_selector,
    validate::{MOST_MESSAGES, incomplete},
    value,
};

/// The broker's attributes that the schema calls texts, but the engine reads as yes or no.
const SWITCHES: &[&str] =
    &["advisorySupport", "deleteAllMessagesOnStartup", "persistent", "schedulerSupport"];

/// The attributes whose only values would be names of beans, by their elements.
const BEANS: &[(&str, &str)] = &[
    ("broker", "systemUsage"),
    ("discarding", "deadLetterQueue"),
    ("networkConnector", "bridgeFactory"),
    ("networkConnector", "connectionFilter"),
    ("queryBasedSubscriptionRecoveryPolicy", "query"),
];

/// What the service permits, but would lead to a transport or a management name of the owner's choice inside
/// the broker.
const NOT_OURS: &[&str] = &["brokerURL", "localUri", "objectName"];

/// The names by which a policy's factory of message groups is found. Any other would be looked up as
/// a resource, whose content names a class.
const GROUP_FACTORIES: &[&str] = &["bucket", "cached", "simple"];

/// The shortest delay of the plugin that delivers again, in milliseconds: its scheduler counts in seconds.
const SHORTEST_REDELIVERY: i128 = 1000;

/// The longest time between two looks that a timer of Java can wait for, from now on, in milliseconds.
const LONGEST_SCHEDULE: i128 = 9_222_246_136_947_933_183;

/// What a destination may be named by.
const DESTINATION: &[&str] = &["queue", "topic", "tempQueue", "tempTopic"];

/// The names that the broker's own connectors have. The engine takes all names of a document for those of
/// one kind of thing, and wants them to differ.
const OWN_NAMES: &[&str] = &["amqp", "mqtt", "openwire", "stomp", "wss"];

/// Removes attributes whose values the engine does not take, which it can do without, and plugins without
/// their map: it may have been removed before.
pub(super) fn remove(broker: &mut ActiveMqElement) -> Vec<SanitizationWarning> {
    let mut warnings = Vec::new();
    remove_in(broker, built_in().broker(), &mut warnings);
    warnings
}

fn remove_in(
    element: &mut ActiveMqElement,
    place: Place<'_>,
    warnings: &mut Vec<SanitizationWarning>,
) {
    let name = element.name.clone();
    let mut removed = Vec::new();
    element.attributes.retain(|(attribute, value)| {
        let kind = place.type_of(attribute).unwrap_or("string");
        let reason = if name == "networkConnector" && NOT_OURS.contains(&attribute.as_str()) {
            SanitizationWarningReason::DisallowedAttributeRemoved
        } else if takes(&name, attribute, kind, value) {
            return true;
        } else {
            SanitizationWarningReason::InvalidAttributeValueRemoved
        };
        removed.push((attribute.clone(), reason));
        false
    });
    removed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    warnings.extend(removed.into_iter().map(|(attribute, reason)| SanitizationWarning {
        element_name: name.clone(),
        attribute_name: Some(attribute),
        reason,
    }));
    element.nodes.retain(|node| {
        let is_empty = |child: &ActiveMqElement| {
            child.name == "authorizationPlugin" && in_collections(child, "map").next().is_none()
        };
        let Node::Element(child) = node else { return true };
        if is_empty(child) {
            warnings.push(SanitizationWarning {
                element_name: child.name.clone(),
                attribute_name: None,
                reason: SanitizationWarningReason::DisallowedElementRemoved,
            });
        }
        !is_empty(child)
    });
    for node in &mut element.nodes {
        if let Node::Element(child) = node
            && let Some(inside) = built_in().child(place, &child.name)
        {
            remove_in(child, inside, warnings);
        }
    }
}

/// Whether the engine starts with the attribute's value, or its element can't do without the attribute.
fn takes(element: &str, attribute: &str, kind: &str, value: &str) -> bool {
    if BEANS.contains(&(element, attribute)) {
        return false;
    }
    match (element, attribute) {
        ("broker", switch) if SWITCHES.contains(&switch) => {
            ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(value))
        }
        ("policyEntry", "messageGroupMapFactoryType") => is_group_factory(value),
        ("policyEntry", "memoryLimit") => {
            memory(value).is_some_and(|(n, _)| n.parse::<i64>().is_ok())
        }
        ("networkConnector", "prefetchSize") => memory(value).is_some_and(|(number, shift)| {
            number.parse::<i32>().is_ok_and(|number| number.wrapping_mul(1 << shift) > 0)
        }),
        ("discardingDLQBrokerPlugin", "dropOnly") => value.split(' ').all(is_pattern),
        // The name is part of a management name, in which everything else can be quoted.
        ("networkConnector", "name") => !value.contains('\n'),
        ("redeliveryPolicy", "initialRedeliveryDelay" | "redeliveryDelay") => {
            value::whole(value).is_none_or(|delay| delay >= SHORTEST_REDELIVERY)
        }
        ("filteredDestination", "selector") => is_selector(value),
        ("queue" | "topic" | "tempQueue" | "tempTopic", "physicalName")
        | ("compositeQueue" | "compositeTopic" | "virtualTopic", "name") => is_name(value),
        (_, "queue" | "topic") if kind == "string" => is_name(value),
        _ => value::fits_java(built_in(), kind, value),
    }
}

/// A destination's name is anything but blanks, as Java knows them.
fn is_name(value: &str) -> bool {
    value.chars().any(|c| c > ' ')
}

/// The digits of an amount of memory, and how many bits its unit shifts them.
///
/// Source: `MemoryPropertyEditor` of ActiveMQ.
fn memory(value: &str) -> Option<(&str, u32)> {
    let text = value.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" => 10,
        "m" | "mb" => 20,
        "g" | "gb" => 30,
        _ => return None,
    };
    (!number.is_empty()).then_some((number, shift))
}

/// A name with options, which are numbers.
fn is_group_factory(value: &str) -> bool {
    let (name, options) = value.split_once('?').unwrap_or((value, ""));
    GROUP_FACTORIES.contains(&name)
        && options.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'&'))
}

/// Checks what is left: what the engine can't do without, and what it does not take where it is.
pub(super) fn check(broker: &ActiveMqElement) -> Result<(), Vec<String>> {
    let mut messages = Vec::new();
    check_in(broker, "", &mut messages);
    let redelivers =
        in_collections(broker, "plugins").any(|plugin| plugin.name == "redeliveryPlugin");
    let schedules = broker.attribute("schedulerSupport").unwrap_or("true");
    if redelivers && !schedules.eq_ignore_ascii_case("true") {
        messages.push(
            "Element 'redeliveryPlugin' needs attribute 'schedulerSupport' of element 'broker' to be 'true'."
                .to_owned(),
        );
    }
    let off = |text: &str| value::whole(text) == Some(-1);
    let schedule = "offlineDurableSubscriberTaskSchedule";
    let looks = broker.attribute("offlineDurableSubscriberTimeout").is_some_and(|t| !off(t));
    if looks && !broker.attribute(schedule).is_some_and(off) {
        messages.extend(not_a_period(broker, schedule, "offlineDurableSubscriberTimeout"));
    }
    let caches = broker.attribute("cacheTempDestinations");
    // Source: `CustomBooleanEditor` of Spring.
    if caches.is_some_and(|is| ["true", "1"].iter().any(|yes| yes.eq_ignore_ascii_case(is.trim())))
    {
        let purge = "timeBeforePurgeTempDestinations";
        messages.extend(not_a_period(broker, purge, "cacheTempDestinations"));
    }
    let mut names: BTreeSet<&str> = OWN_NAMES.iter().copied().collect();
    check_names(broker, &mut names, &mut messages);
    messages.truncate(MOST_MESSAGES);
    if messages.is_empty() { Ok(()) } else { Err(messages) }
}

/// Why the broker's attribute is no period of a timer, which `cause` makes it; nothing if it is one, or not set.
fn not_a_period(broker: &ActiveMqElement, attribute: &str, cause: &str) -> Option<String> {
    let given = broker.attribute(attribute)?;
    let is_one = value::whole(given).is_some_and(|n| (1..=LONGEST_SCHEDULE).contains(&n));
    (!is_one).then(|| {
        format!(
            "Attribute '{attribute}' of element 'broker' must be positive where '{cause}' is set, not '{}'.",
            value::shortened(given)
        )
    })
}

/// The elements in all collections of that name.
fn in_collections<'e>(
    element: &'e ActiveMqElement,
    name: &'e str,
) -> impl Iterator<Item = &'e ActiveMqElement> {
    element.elements().filter(move |child| child.name == name).flat_map(ActiveMqElement::elements)
}

fn check_in(element: &ActiveMqElement, parent: &str, messages: &mut Vec<String>) {
    let name = element.name.as_str();
    let has_any = |wanted: &[&str]| wanted.iter().any(|name| element.attribute(name).is_some());
    let has = |collection: &str| in_collections(element, collection).next().is_some();
    match (parent, name) {
        // Of a network's other lists the engine takes destinations without names, which are none.
        (
            "destinations" | "destination" | "durableDestinations" | "forwardTo",
            "queue" | "topic" | "tempQueue" | "tempTopic",
        ) => require(element, "physicalName", messages),
        ("forwardTo", "filteredDestination") if !has_any(&["queue", "topic"]) => require(element, "queue", messages),
        (
            "durableDestinations" | "dynamicallyIncludedDestinations" | "excludedDestinations"
            | "staticallyIncludedDestinations",
            "filteredDestination",
        )
        | ("authorizationEntries", "tempDestinationAuthorizationEntry") => {
            messages.push(format!(
                "cvc-complex-type.2.4.a: Invalid content was found starting with element '{name}' in \
                 element '{parent}', where the engine does not take it."
            ));
        }
        ("authorizationEntries", _) if !has_any(DESTINATION) => require(element, "queue", messages),
        ("redeliveryPolicyEntries", _) if !has_any(DESTINATION) => require(element, "queue", messages),
        ("policyEntries", _) if !has_any(DESTINATION) && !has("destination") => require(element, "queue", messages),
        (_, "authorizationMap") if !has("authorizationEntries") => {
            messages.push(incomplete(element, ["authorizationEntries"]));
        }
        (_, "retainedMessageSubscriptionRecoveryPolicy") if !has("wrapped") => {
            messages.push(incomplete(element, ["wrapped"]));
        }
        (_, "compositeQueue" | "compositeTopic") => {
            require(element, "name", messages);
            if !has("forwardTo") {
                messages.push(incomplete(element, ["forwardTo"]));
            }
        }
        (_, "networkConnector") => match element.attribute("uri") {
            None => require(element, "uri", messages),
            Some(uri) if network_uri(uri).is_none() => messages.push(format!(
                "cvc-attribute.3: The value '{}' of attribute 'uri' on element 'networkConnector' is not \
                 valid: it must be static:(…) or masterslave:(…) with addresses in the form \
                 ssl://host:port.",
                value::shortened(uri)
            )),
            Some(_) => {}
        },
        _ => {}
    }
    for child in element.elements() {
        check_in(child, name, messages);
    }
}

fn require(element: &ActiveMqElement, attribute: &str, messages: &mut Vec<String>) {
    if element.attribute(attribute).is_none() {
        messages.push(format!(
            "cvc-complex-type.4: Attribute '{attribute}' must appear on element '{}'.",
            element.name
        ));
    }
}

/// Names must differ, whatever they name. A blank, a comma or a semicolon makes two of one.
///
/// Source: `BeanDefinitionParserDelegate` of Spring, which reads them as names of beans.
fn check_names<'e>(
    element: &'e ActiveMqElement,
    names: &mut BTreeSet<&'e str>,
    messages: &mut Vec<String>,
) {
    // The service's own connectors have these names, whoever writes them.
    if element.name != "transportConnector"
        && let Some(name) = element.attribute("name")
    {
        let own: BTreeSet<&str> =
            name.split([',', ';', ' ']).filter(|name| !name.is_empty()).collect();
        for name in own {
            if !names.insert(name) {
                messages.push(format!(
                    "cvc-identity-constraint.4.1: Duplicate unique value [{}] declared for attribute \
                     'name' of element '{}'.",
                    value::shortened(name),
                    element.name
                ));
            }
        }
    }
    for child in element.elements() {
        check_names(child, names, messages);
    }
}
