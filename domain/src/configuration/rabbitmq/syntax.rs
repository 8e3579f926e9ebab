//! The text of a configuration: lines, comments, quotes and sections.
//!
//! Source: "Configuring a RabbitMQ broker" and "Configuring resource limits" of the developer guide,
//! and the grammar of Cuttlefish, which reads the rendered file.

use crate::{
    catalogue::{DeploymentMode, EngineType, HostInstanceType, StorageType, instance_types},
    kernel::Error,
};

/// No configuration that means anything comes near this many bytes.
const MAX_TEXT_LENGTH: usize = 64 * 1024;

/// No key is nearly as long.
const MAX_KEY_LENGTH: usize = 256;

const TRIPLE: &str = "'''";

/// For which brokers the settings of a section are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) host: HostInstanceType,
    pub(super) mode: DeploymentMode,
}

/// A key and its value as somebody wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// The line its key is on, from 1 on.
    pub(super) line: usize,
    /// The section it is in.
    pub(super) section: Option<Section>,
    /// The key; only letters, digits, `_`, `-` and dots, some of them behind a backslash.
    pub(super) key: String,
    /// The value without blanks around it and without quotes.
    pub(super) value: String,
}

/// Reads a text, in order.
pub(super) fn read(text: &str) -> Result<Vec<Setting>, Error> {
    if text.len() > MAX_TEXT_LENGTH {
        return Err(Error::bad_request(
            "data",
            format!(
                "The specified RabbitMQ configuration data is invalid: it has {} bytes, and at most \
                 {MAX_TEXT_LENGTH} are possible.",
                text.len()
            ),
        ));
    }
    let mut lines = text.lines().map(|l| l.trim_matches([' ', '\t', '\r'])).zip(1..);
    let mut settings = Vec::new();
    let mut open: Option<(&str, usize, Section)> = None;
    while let Some((line, number)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("{{") {
            open = match open {
                None => Some((line, number, section(line).map_err(|e| invalid(number, e))?)),
                Some((opened, _, _)) if opened == line => None,
                Some((opened, at, _)) => {
                    return Err(invalid(
                        number,
                        format!(
                            "section [{opened}], opened in line {at}, must be closed by [{opened}]"
                        ),
                    ));
                }
            };
            continue;
        }
        let Some((key, rest)) = line.split_once('=') else {
            return Err(invalid(
                number,
                format!(
                    "[{}] is neither a setting (key = value) nor a comment (# …)",
                    shortened(line)
                ),
            ));
        };
        let key = key.trim_end_matches([' ', '\t']);
        if !is_key(key) {
            return Err(invalid(
                number,
                format!(
                    "[{}] is not a key: a key is made of words with dots between them, and a word of \
                     letters, digits, _ and -",
                    shortened(key)
                ),
            ));
        }
        let rest = rest.trim_start_matches([' ', '\t']);
        let value = value(rest, &mut lines).map_err(|e| invalid(number, format!("[{key}] {e}")))?;
        let section = open.map(|(_, _, section)| section);
        settings.push(Setting { line: number, section, key: key.to_owned(), value });
    }
    match open {
        None => Ok(settings),
        Some((opened, at, _)) => {
            Err(invalid(at, format!("section [{opened}] is never closed by a second [{opened}]")))
        }
    }
}

/// What follows the equals sign, up to a comment or the end of the line, or between quotes; three of
/// them go on over the following lines.
fn value<'a>(
    rest: &str,
    lines: &mut impl Iterator<Item = (&'a str, usize)>,
) -> Result<String, String> {
    if let Some(mut part) = rest.strip_prefix(TRIPLE) {
        let mut value = String::new();
        loop {
            if let Some((last, after)) = part.split_once(TRIPLE) {
                value.push_str(last);
                nothing_after(after)?;
                return Ok(value.trim().to_owned());
            }
            value.push_str(part);
            value.push('\n');
            part = lines.next().ok_or_else(|| format!("has no closing {TRIPLE}"))?.0;
        }
    }
    if let Some(quoted) = rest.strip_prefix('\'') {
        let (value, after) = quoted.split_once('\'').ok_or("has no closing '")?;
        nothing_after(after)?;
        return Ok(value.to_owned());
    }
    let end = rest.find('#').unwrap_or(rest.len());
    match rest[..end].trim_end_matches([' ', '\t']) {
        "" => Err("has no value".to_owned()),
        value => Ok(value.to_owned()),
    }
}

fn nothing_after(quote: &str) -> Result<(), String> {
    match quote.trim_start_matches([' ', '\t']) {
        "" => Ok(()),
        comment if comment.starts_with('#') => Ok(()),
        more => Err(format!("is followed by [{}] after its closing quote", shortened(more))),
    }
}

fn is_key(text: &str) -> bool {
    text.len() <= MAX_KEY_LENGTH
        && words(text).iter().all(|word| {
            !word.is_empty()
                && word
                    .replace("\\.", "")
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        })
}

/// The words of a key; a dot behind a backslash belongs to its word.
pub(super) fn words(key: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, _) in key.match_indices('.') {
        if !key[..at].ends_with('\\') {
            words.push(&key[start..at]);
            start = at + 1;
        }
    }
    words.push(&key[start..]);
    words
}

/// `{{family.size.mode}}`.
fn section(line: &str) -> Result<Section, String> {
    let wrong = |why: &str| {
        format!(
            "[{}] opens no section: {why}; a section is opened by {{{{type.mode}}}}, for example \
             {{{{m7g.large.3}}}}",
            shortened(line)
        )
    };
    let inner = line
        .strip_prefix("{{")
        .and_then(|l| l.strip_suffix("}}"))
        .ok_or_else(|| wrong("there are no closing braces"))?;
    let (host, mode) = inner.rsplit_once('.').ok_or_else(|| wrong("there is no mode"))?;
    let mode = match mode {
        "1" => DeploymentMode::SingleInstance,
        "3" => DeploymentMode::ClusterMultiAz,
        _ => return Err(wrong("the mode is 1 (single instance) or 3 (cluster)")),
    };
    let known = |h: &HostInstanceType| h.name().strip_prefix("mq.") == Some(host);
    let host = instance_types().filter(runs_rabbitmq).find(known).ok_or_else(|| {
        let names: Vec<&str> = instance_types()
            .filter(runs_rabbitmq)
            .filter_map(|h| h.name().strip_prefix("mq."))
            .collect();
        wrong(&format!("the type is one of {}", names.join(", ")))
    })?;
    Ok(Section { host, mode })
}

/// On the newest version that anybody could mean; sections are of version 4 and later.
fn runs_rabbitmq(host: &HostInstanceType) -> bool {
    let version = crate::EngineVersion::new(4, 0);
    !host.deployment_modes(EngineType::RabbitMq, version, StorageType::Ebs).is_empty()
}

/// A caller's text, short enough for an answer.
pub(super) fn shortened(text: &str) -> String {
    const MAX_SHOWN_LENGTH: usize = 80;
    if text.chars().count() <= MAX_SHOWN_LENGTH {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_SHOWN_LENGTH).collect();
    format!("{start}…")
}

/// The refusal of a line.
pub(super) fn invalid(line: usize, why: impl std::fmt::Display) -> Error {
    Error::bad_request(
        "data",
        format!("The specified RabbitMQ configuration data is invalid: line {line}: {why}."),
    )
}
