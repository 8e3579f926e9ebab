//! To which log of its broker a line belongs that an engine has printed.

use std::borrow::Cow;

use super::{category::LogCategory, mask::mask};
use crate::catalogue::EngineType;

/// The logger of ActiveMQ's audit log.
const AUDIT: &str = "org.apache.activemq.audit";
/// What RabbitMQ prints where a message has no domain.
const NO_DOMAIN: &str = "<unknown domain>";
/// How lines of the image's launcher begin.
const LAUNCHER: &str = "brokerd: ";

/// A line, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified<'a> {
    /// The log.
    pub category: LogCategory,
    /// What is kept of it: without secrets, and without what brokerd has its engines add in order to tell logs apart.
    pub text: Cow<'a, str>,
}

/// Classifies a line. One that does not begin as lines of the engine's log do, such as one of a stack trace, belongs where
/// the line `before` belongs.
pub fn classify(engine: EngineType, line: &str, before: LogCategory) -> Classified<'_> {
    match engine {
        EngineType::ActiveMq => Classified { category: activemq(line, before), text: mask(line) },
        EngineType::RabbitMq => rabbitmq(line, before),
    }
}

/// `2026-09-30T12:00:00.123Z INFO org.apache.activemq.audit alice called …`
fn activemq(line: &str, before: LogCategory) -> LogCategory {
    if line.starts_with(LAUNCHER) {
        return LogCategory::General;
    }
    let mut words = line.splitn(4, ' ');
    let is_moment = words
        .next()
        .is_some_and(|word| word.ends_with('Z') && has_form(word, "0000-00-00T00:00:00."));
    match (is_moment, words.next(), words.next()) {
        (true, Some(_), Some(AUDIT)) => LogCategory::Audit,
        (true, Some(_), Some(_)) => LogCategory::General,
        _ => before,
    }
}

/// `2026-09-30 12:00:00.123456+00:00 [info] <0.1.0> [rabbitmq,connection] accepting …`, of which the domain is taken out:
/// RabbitMQ prints it because brokerd asks for it in `log.console.formatter.plaintext.format`.
fn rabbitmq(line: &str, before: LogCategory) -> Classified<'_> {
    let kept = |category| Classified { category, text: mask(line) };
    if !has_form(line, "0000-00-00 00:00:00.") {
        return kept(before);
    }
    let Some(level) = line.find(" [") else { return kept(before) };
    let Some(pid) = line[level..].find("> ").map(|at| level + at + "> ".len()) else {
        return kept(LogCategory::General);
    };
    let (head, rest) = line.split_at(pid);
    let Some((domain, message)) = domain(rest) else { return kept(LogCategory::General) };
    let category = match domain.strip_prefix("[rabbitmq,").and_then(|rest| rest.strip_suffix(']')) {
        // Audit is ActiveMQ's, and general has everything else.
        Some(name) => LogCategory::named(name).filter(|known| *known != LogCategory::Audit),
        None => None,
    };
    Classified {
        category: category.unwrap_or(LogCategory::General),
        text: Cow::Owned(mask(&format!("{head}{message}")).into_owned()),
    }
}

/// The domain at the beginning of a message, and the message; none: there is no domain.
fn domain(text: &str) -> Option<(&str, &str)> {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_,".contains(c);
    let end = if text.starts_with(NO_DOMAIN) {
        NO_DOMAIN.len()
    } else {
        let inside = text.strip_prefix('[')?;
        let length = inside.find(|c| !is_of_name(c)).unwrap_or(inside.len());
        if length == 0 || !inside[length..].starts_with(']') {
            return None;
        }
        length + "[]".len()
    };
    let (domain, message) = text.split_at(end);
    Some((domain, message.strip_prefix(' ').unwrap_or(message)))
}

/// Whether a text begins as the form does, in which 0 is any digit.
fn has_form(text: &str, form: &str) -> bool {
    let mut bytes = text.bytes();
    form.bytes().all(|expected| {
        bytes.next().is_some_and(|byte| {
            if expected == b'0' { byte.is_ascii_digit() } else { byte == expected }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(engine: EngineType, line: &str, before: LogCategory) -> (LogCategory, String) {
        let found = classify(engine, line, before);
        (found.category, found.text.into_owned())
    }

    #[test]
    fn what_activemq_audits_is_told_by_its_logger() {
        use LogCategory::{Audit, General};
        for (line, before, expected) in [
            (
                "2026-09-30T12:00:00.123Z INFO org.apache.activemq.audit bob called x",
                General,
                Audit,
            ),
            (
                "2026-09-30T12:00:00.123Z INFO org.apache.activemq.broker.BrokerService up",
                Audit,
                General,
            ),
            ("2026-09-30T12:00:00.123Z INFO org.apache.activemq.auditor up", General, General),
            ("\tat org.apache.activemq.X.y(X.java:1)", General, General),
            ("second line of a message", Audit, Audit),
            ("brokerd: web console started in 5 ms", Audit, General),
            ("", Audit, Audit),
        ] {
            let text = line.to_owned();
            assert_eq!(class(EngineType::ActiveMq, line, before), (expected, text), "{line}");
        }
    }

    #[test]
    fn categories_of_rabbitmq_are_told_by_the_domain_which_is_taken_out() {
        use LogCategory::{Channel, Connection, Federation, General, Mirroring, Queue, Upgrade};
        let head = "2026-09-30 12:00:00.123456+00:00 [info] <0.1.0>";
        for (domain, category) in [
            ("[rabbitmq,connection]", Connection),
            ("[rabbitmq,channel]", Channel),
            ("[rabbitmq,queue]", Queue),
            ("[rabbitmq,federation]", Federation),
            ("[rabbitmq,mirroring]", Mirroring),
            ("[rabbitmq,upgrade]", Upgrade),
            ("[rabbitmq]", General),
            ("[rabbitmq,feature_flags]", General),
            ("[rabbitmq,audit]", General),
            ("[rabbitmq,ra,x]", General),
            ("[otp,sasl]", General),
            ("[ra]", General),
            ("<unknown domain>", General),
        ] {
            let line = format!("{head} {domain} accepting a connection");
            let expected = (category, format!("{head} accepting a connection"));
            assert_eq!(class(EngineType::RabbitMq, &line, Queue), expected, "{domain}");
        }
        // Of a container that was made before brokerd asked for the domain.
        let line = format!("{head} accepting [rabbitmq,connection]");
        assert_eq!(class(EngineType::RabbitMq, &line, Queue), (General, line.clone()));
        let line = format!("{head} [rabbit_quorum_queue:system_recover/1] not booted");
        assert_eq!(class(EngineType::RabbitMq, &line, Queue), (General, line.clone()));
        // A message of several lines has the head on each, and may be empty.
        let empty = format!("{head} [rabbitmq,queue] ");
        assert_eq!(class(EngineType::RabbitMq, &empty, General), (Queue, format!("{head} ")));
    }

    #[test]
    fn lines_of_another_form_belong_to_the_line_before() {
        for line in ["", "  ##  ##      RabbitMQ 4.3.6", "2026-09-30", "2026-09-30 12:00:00.1 x"] {
            let found = class(EngineType::RabbitMq, line, LogCategory::Queue);
            assert_eq!(found, (LogCategory::Queue, line.to_owned()), "{line}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_not_kept() {
        let line = "2026-09-30 12:00:00.123456+00:00 [info] <0.1.0> [rabbitmq] amqp://a:b@c";
        let (_, text) = class(EngineType::RabbitMq, line, LogCategory::General);
        assert!(text.ends_with("amqp://a:***@c"), "{text}");
    }
}
