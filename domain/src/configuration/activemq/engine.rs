//! Rules of the engine beyond the schema: values that the schema permits and the engine does not start with.
//!
//! Every rule is compared with the engine: a test (`activemq_edges`) gives each attribute and element of the
//! schema values at and over their limits. An optional value is removed with a warning, like what the schema
//! does not permit. A value that something else depends on makes the whole document invalid.

use std::collections::BTreeSet;

use super::{
    document::{ActiveMqElement, Node},
    network::network_uri,
    pattern::is_pattern,
    prune::{SanitizationWarning, SanitizationWarningReason},
    schema::{Place, schema as built_in},
    selector::is_selector,
    validate::{MAX_MESSAGES, incomplete},
    value,
};

/// Attributes of the broker that are strings in the schema and booleans in the engine.
pub(super) const BOOLEANS: &[&str] =
    &["advisorySupport", "deleteAllMessagesOnStartup", "persistent", "schedulerSupport"];

/// Attributes that take only bean names, with their elements.
pub(super) const BEAN_REFERENCES: &[(&str, &str)] = &[
    ("broker", "systemUsage"),
    ("discarding", "deadLetterQueue"),
    ("networkConnector", "bridgeFactory"),
    ("networkConnector", "connectionFilter"),
    ("queryBasedSubscriptionRecoveryPolicy", "query"),
];

/// Attributes that the service permits and brokerd removes, because they would set a transport or a
/// management name inside the broker.
pub(super) const REMOVED_BY_BROKERD: &[&str] = &["brokerURL", "localUri", "objectName"];

/// The built-in message group factories. The engine looks up any other name as a resource, whose content
/// names a class.
const GROUP_FACTORIES: &[&str] = &["bucket", "cached", "simple"];

/// The minimum delay of the redelivery plugin, in milliseconds, because its scheduler counts in seconds.
const MIN_REDELIVERY_DELAY: i128 = 1000;

/// The maximum period of a Java timer that starts now, in milliseconds.
const MAX_TIMER_PERIOD: i128 = 9_222_246_136_947_933_183;

/// The attributes that name a destination.
const DESTINATION: &[&str] = &["queue", "topic", "tempQueue", "tempTopic"];

/// The names of the broker's own connectors. The engine requires all names of a document to be different,
/// whatever they name.
const OWN_NAMES: &[&str] = &["amqp", "mqtt", "openwire", "stomp", "wss"];

/// Removes optional attributes whose values the engine does not accept, and plugins without a map, because
/// the map may have been removed before.
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
        let reason =
            if name == "networkConnector" && REMOVED_BY_BROKERD.contains(&attribute.as_str()) {
                SanitizationWarningReason::DisallowedAttributeRemoved
            } else if engine_accepts(&name, attribute, kind, value) {
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

/// Whether the engine starts with the attribute's value, or the attribute is required.
fn engine_accepts(element: &str, attribute: &str, kind: &str, value: &str) -> bool {
    if BEAN_REFERENCES.contains(&(element, attribute)) {
        return false;
    }
    match (element, attribute) {
        ("broker", switch) if BOOLEANS.contains(&switch) => {
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
            value::whole(value).is_none_or(|delay| delay >= MIN_REDELIVERY_DELAY)
        }
        ("filteredDestination", "selector") => is_selector(value),
        ("queue" | "topic" | "tempQueue" | "tempTopic", "physicalName")
        | ("compositeQueue" | "compositeTopic" | "virtualTopic", "name") => is_name(value),
        (_, "queue" | "topic") if kind == "string" => is_name(value),
        _ => value::fits_java(built_in(), kind, value),
    }
}

/// Whether the text is a destination's name: anything but white space as Java defines it.
fn is_name(value: &str) -> bool {
    value.chars().any(|c| c > ' ')
}

/// The digits of an amount of memory, and the number of bits that its unit shifts them.
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

/// Whether the text is the name of a message group factory, with numeric options.
fn is_group_factory(value: &str) -> bool {
    let (name, options) = value.split_once('?').unwrap_or((value, ""));
    GROUP_FACTORIES.contains(&name)
        && options.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'&'))
}

/// Checks the remaining document for missing and misplaced elements and attributes.
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
        messages.extend(period_error(broker, schedule, "offlineDurableSubscriberTimeout"));
    }
    let caches = broker.attribute("cacheTempDestinations");
    // Source: `CustomBooleanEditor` of Spring.
    if caches.is_some_and(|is| ["true", "1"].iter().any(|yes| yes.eq_ignore_ascii_case(is.trim())))
    {
        let purge = "timeBeforePurgeTempDestinations";
        messages.extend(period_error(broker, purge, "cacheTempDestinations"));
    }
    let mut names: BTreeSet<&str> = OWN_NAMES.iter().copied().collect();
    check_names(broker, &mut names, &mut messages);
    messages.truncate(MAX_MESSAGES);
    if messages.is_empty() { Ok(()) } else { Err(messages) }
}

/// Why the broker's attribute, used as a timer period because of `cause`, is not valid; none if it is valid
/// or not set.
fn period_error(broker: &ActiveMqElement, attribute: &str, cause: &str) -> Option<String> {
    let given = broker.attribute(attribute)?;
    let is_one = value::whole(given).is_some_and(|n| (1..=MAX_TIMER_PERIOD).contains(&n));
    (!is_one).then(|| {
        format!(
            "Attribute '{attribute}' of element 'broker' must be positive where '{cause}' is set, not '{}'.",
            value::shortened(given)
        )
    })
}

/// The elements in all collections with this name.
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

/// Names must be different, whatever they name. A blank, a comma or a semicolon separates two names.
///
/// Source: `BeanDefinitionParserDelegate` of Spring, which reads them as bean names.
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
