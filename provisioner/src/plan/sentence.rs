//! The sentence that a plan says.

use std::fmt;

/// The state of a broker in a sentence for a person, and its reason. The reason stays the same while only
/// details change, as an engine's last log lines or the silent protocol. A new reason is an event, new
/// details are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    text: String,
    reason: String,
}

impl Sentence {
    /// A text, and the reason that it contains.
    pub fn new(text: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { text: text.into(), reason: reason.into() }
    }

    /// A reason, followed by a detail.
    pub fn detailed(reason: impl Into<String>, detail: impl fmt::Display) -> Self {
        let reason = reason.into();
        Self { text: format!("{reason}: {detail}"), reason }
    }

    /// Adds what is done about it.
    #[must_use]
    pub fn then(mut self, what: &str) -> Self {
        for words in [&mut self.text, &mut self.reason] {
            words.push_str("; ");
            words.push_str(what);
        }
        self
    }

    /// Joins several sentences.
    pub fn joined(sentences: impl IntoIterator<Item = Self>) -> Option<Self> {
        let add = |all: Self, one: Self| Self {
            text: format!("{}; {}", all.text, one.text),
            reason: format!("{}; {}", all.reason, one.reason),
        };
        sentences.into_iter().reduce(add)
    }

    /// The text and the reason.
    pub fn into_parts(self) -> (String, String) {
        (self.text, self.reason)
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self { reason: text.clone(), text }
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_in_the_words_and_not_in_the_reason() {
        let ended = Sentence::detailed("instance 1 ended with code 1", "12:00:01 a: b; c");
        let joined = Sentence::joined([ended.then("starting it again"), "instance 2 waits".into()]);
        let (text, reason) = joined.expect("two").into_parts();
        assert_eq!(
            text,
            "instance 1 ended with code 1: 12:00:01 a: b; c; starting it again; instance 2 waits"
        );
        assert_eq!(reason, "instance 1 ended with code 1; starting it again; instance 2 waits");
        assert_eq!(Sentence::joined([]), None);
    }
}
