//! Secrets that engines print.

use std::borrow::Cow;

const MASK: &str = "***";
/// The token by which the web console of ActiveMQ knows its own forms, among the parameters that its audit log tells.
const CONSOLE_TOKEN: &str = "secret='[";

/// The line without passwords in addresses, `amqp://user:password@host`, and without the form token of the web console.
pub(super) fn mask(line: &str) -> Cow<'_, str> {
    let masked = passwords(line);
    match masked.find(CONSOLE_TOKEN) {
        None => masked,
        Some(begin) => {
            let begin = begin + CONSOLE_TOKEN.len();
            let end = masked[begin..].find(']').map_or(masked.len(), |length| begin + length);
            Cow::Owned(format!("{}{MASK}{}", &masked[..begin], &masked[end..]))
        }
    }
}

fn passwords(line: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut rest = line;
    while let Some(begin) = rest.find("://") {
        let (before, after) = rest.split_at(begin + "://".len());
        masked.push_str(before);
        rest = after;
        let end = after
            .find(|c: char| c.is_whitespace() || "/?#\"'<>()[]{},".contains(c))
            .unwrap_or(after.len());
        let Some(at) = after[..end].rfind('@') else { continue };
        let Some(colon) = after[..at].find(':') else { continue };
        masked.push_str(&after[..=colon]);
        masked.push_str(MASK);
        rest = &after[at..];
    }
    if masked.is_empty() {
        return Cow::Borrowed(line);
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_masked() {
        for (line, masked) in [
            ("connects to amqp://bob:s3cr3t@host:5671/v", "connects to amqp://bob:***@host:5671/v"),
            ("a://b:c@d x://y:z@w.", "a://b:***@d x://y:***@w."),
            ("(ssl://u:p@h:1,ssl://v:q@i:2)", "(ssl://u:***@h:1,ssl://v:***@i:2)"),
            ("ssl://u:p@ss@h", "ssl://u:***@h"),
            ("http://host:80/a:b@c", "http://host:80/a:b@c"),
            ("amqp://host user:x@y", "amqp://host user:x@y"),
            ("nothing: a@b", "nothing: a@b"),
            ("ends with ://", "ends with ://"),
            ("ü://ä:ö@ß", "ü://ä:***@ß"),
        ] {
            assert_eq!(mask(line), masked, "{line}");
        }
    }

    #[test]
    fn the_form_token_of_the_web_console_is_masked() {
        let line = "bob requested /admin/x.action [JMSDestination='[q]' secret='[abc-1]' a='[b]' ]";
        assert_eq!(
            mask(line),
            "bob requested /admin/x.action [JMSDestination='[q]' secret='[***]' a='[b]' ]"
        );
        assert_eq!(mask("secret='[cut off"), "secret='[***");
    }
}
