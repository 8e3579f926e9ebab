//! The URIs that a network connector may have.
//!
//! Only the forms that the developer guide shows are permitted, because a connector's URI could make the
//! engine read files, load classes or start brokers. Sources: "Amazon MQ network of brokers" and "Creating
//! and configuring a network of brokers" of the developer guide; "Networks of Brokers" and the transport
//! references of ActiveMQ.

/// The permitted options of an address or a list of addresses. Others name classes and files.
const OPTIONS: &[&str] = &[
    "backOffMultiplier",
    "connectionTimeout",
    "initialReconnectDelay",
    "keepAlive",
    "maxReconnectAttempts",
    "maxReconnectDelay",
    "minConnectTime",
    "priorityBackup",
    "randomize",
    "reconnectDelayExponent",
    "soTimeout",
    "startupMaxReconnectAttempts",
    "tcpNoDelay",
    "timeout",
    "useExponentialBackOff",
    "warnAfterReconnectAttempts",
    "wireFormat.cacheEnabled",
    "wireFormat.maxFrameSize",
    "wireFormat.maxInactivityDuration",
    "wireFormat.maxInactivityDurationInitalDelay",
    "wireFormat.tightEncodingEnabled",
];

/// The permitted transports. Brokers of the service have TLS only; others may not have it.
const SCHEMES: &[&str] = &["nio", "nio+ssl", "ssl", "tcp"];

/// The URI of a connector in the engine's form: without the line breaks and blanks between the members of a
/// list, which the guide's examples have. None if the URI is not permitted.
pub fn network_uri(text: &str) -> Option<String> {
    let uri: String = text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).collect();
    is_network(&uri).then_some(uri)
}

/// Whether it is `static:` with addresses or failover lists, or `masterslave:` with a list.
fn is_network(uri: &str) -> bool {
    let of_static = |text: &str| match text.strip_prefix("failover:") {
        Some(list) => is_list(list, 1, is_address),
        None => is_address(text),
    };
    match uri.split_once(':') {
        Some(("static", rest)) => of_static(rest) || is_list(rest, 1, of_static),
        Some(("masterslave", rest)) => is_list(rest, 2, is_address),
        _ => false,
    }
}

/// Whether it is `(member,member)?option=value` with at least `fewest` members, because a master needs a
/// slave.
fn is_list(text: &str, fewest: usize, is_member: impl Fn(&str) -> bool) -> bool {
    let text = text.strip_prefix("//").unwrap_or(text);
    let Some((members, options)) = text.strip_prefix('(').and_then(|rest| rest.rsplit_once(')'))
    else {
        return false;
    };
    let members = separated(members);
    is_options(options) && members.len() >= fewest && members.into_iter().all(is_member)
}

/// The members of a list, split at the commas outside of brackets.
fn separated(text: &str) -> Vec<&str> {
    let (mut members, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                members.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(&text[start..]);
    members
}

/// Whether it is `ssl://host:port?option=value`.
fn is_address(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://").filter(|(scheme, _)| SCHEMES.contains(scheme))
    else {
        return false;
    };
    let (authority, options) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        Some((host, port)) => {
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (host, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) if is_name(host) => (host, port),
            _ => return false,
        },
    };
    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0) && is_options(options)
}

fn is_name(host: &str) -> bool {
    host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

/// Whether it is empty, or `?` and permitted options.
fn is_options(text: &str) -> bool {
    let Some(options) = text.strip_prefix('?') else { return text.is_empty() };
    options.split('&').all(|option| {
        option.split_once('=').is_some_and(|(name, value)| {
            OPTIONS.contains(&name)
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_given_by_lists_of_tls_addresses() {
        for right in [
            "static:(ssl://b-1.mq.example.test:61617)",
            "static:(ssl://a:61617,ssl://192.0.2.1:61617)",
            "static://(ssl://[2001:db8::1]:61617?soTimeout=1000)",
            "static:(ssl://a:1?keepAlive=true&wireFormat.maxInactivityDuration=0)?maxReconnectDelay=5000",
            "masterslave:(ssl://a-1:61617,ssl://a-2:61617)",
            "static:(tcp://a:61616)",
            "static:(nio+ssl://a:1,nio://b:1)",
            "static:ssl://a:1",
            "static:failover:(ssl://a:1,ssl://b:1)?randomize=false&maxReconnectAttempts=0",
            "static:(failover:(ssl://a:1,ssl://b:1)?randomize=false&maxReconnectAttempts=0,ssl://c:1)",
        ] {
            assert!(is_network(right), "{right}");
        }
    }

    #[test]
    fn nothing_else_is_a_network() {
        for wrong in [
            "",
            "static:",
            "static:()",
            "static:(ssl://a:1",
            "static:failover:ssl://a:1",
            "static:(ssl://a:1,)",
            "static:(http://a:1)",
            "static:(discovery:(ssl://a:1))",
            "masterslave:(ssl://a:1)",
            "static:(vm://orders?brokerConfig=xbean:file:/x)",
            "static:(ssl://a:1,vm:(broker:(tcp://0.0.0.0:1)))",
            "static:(masterslave:(ssl://a:1))",
            "masterslave:(failover:(ssl://a:1))",
            "masterslave:(vm://x)",
            "vm://x",
            "xbean:file:/etc/passwd",
            "file:///etc/passwd",
            "http://a/",
            "multicast://default",
            "ldap://a:1",
            "failover:(ssl://a:1)",
            "fanout:(static:(ssl://a:1))",
            "STATIC:(ssl://a:1)",
            "static:(ssl://a)",
            "static:(ssl://a:0)",
            "static:(ssl://a:70000)",
            "static:(ssl://:1)",
            "static:(ssl://u:p@a:1)",
            "static:(ssl://a:1/path)",
            "static:(ssl://a:1#f)",
            "static:(ssl://a:1?)",
            "static:(ssl://a:1?wireFormat=../../x)",
            "static:(ssl://a:1?logWriterName=x)",
            "static:(failover:(ssl://a:1)?updateURIsURL=file:/etc/passwd)",
            "static:(ssl://a:1)?transport=x",
            "static:(ssl://a:1?keepAlive=%24%7Bx%7D)",
            "static:(ssl://[a]:1)",
            "static:((ssl://a:1))",
            "static:(ssl://a:1),vm:(x)",
            "static:(ssl://a:1)vm:(x)",
        ] {
            assert!(!is_network(wrong), "{wrong}");
        }
    }

    #[test]
    fn blanks_and_line_breaks_in_a_list_are_left_out() {
        let uri = "masterslave:(ssl://a:61617,\n  ssl://b:61617)";
        assert_eq!(network_uri(uri).as_deref(), Some("masterslave:(ssl://a:61617,ssl://b:61617)"));
        assert_eq!(network_uri("static:( vm://x )"), None);
    }
}
