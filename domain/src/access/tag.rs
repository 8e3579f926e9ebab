//! Tags of brokers and configurations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::Error;

/// A valid set of tags: at most 50, keys of 1–128 and values of 0–256 permitted characters, no key
/// that starts with `aws:`.
///
/// Source: "Tag naming and usage conventions" of the AWS general reference, quota page of Amazon MQ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Most tags a resource may have.
    pub const MAX_PER_RESOURCE: usize = 50;

    /// Checks a caller's tags.
    ///
    /// # Errors
    /// A 400 on `tags` that names the first tag at fault.
    pub fn parse(tags: BTreeMap<String, String>) -> Result<Self, Error> {
        let refuse = |message: String| Err(Error::bad_request("tags", message));
        if tags.len() > Self::MAX_PER_RESOURCE {
            return refuse(format!(
                "A resource can have at most [{}] tags.",
                Self::MAX_PER_RESOURCE
            ));
        }
        for (key, value) in &tags {
            if !(1..=128).contains(&key.chars().count()) {
                return refuse(format!(
                    "Tag key [{key}] is invalid. Enter a key 1 to 128 characters long."
                ));
            }
            if value.chars().count() > 256 {
                return refuse(format!(
                    "The value of tag [{key}] is invalid. Enter a value at most 256 characters long."
                ));
            }
            if key.to_lowercase().starts_with("aws:") {
                return refuse(format!(
                    "Tag key [{key}] is invalid. Keys that start with [aws:] are reserved."
                ));
            }
            if let Some(c) = key.chars().chain(value.chars()).find(|c| !permitted(*c)) {
                return refuse(format!(
                    "Tag [{key}] contains the invalid character [{}].",
                    c.escape_debug()
                ));
            }
        }
        Ok(Self(tags))
    }

    /// These tags with `added`, which win.
    ///
    /// # Errors
    /// A 400 on `tags` when that makes too many.
    pub fn with(&self, added: &Self) -> Result<Self, Error> {
        let mut all = self.0.clone();
        all.extend(added.0.clone());
        Self::parse(all)
    }

    /// These tags with those of a session, which win whatever the letter case of their keys. Together there may be more
    /// than a resource may have.
    ///
    /// Source: "Things to know about session tags" of the IAM user guide.
    #[must_use]
    pub fn overlaid(&self, session: &Self) -> Self {
        let mut all = self.0.clone();
        if !session.0.is_empty() {
            all.retain(|key, _| session.key_like(key).is_none());
            all.extend(session.0.clone());
        }
        Self(all)
    }

    /// The key of a tag that differs from `key` in letter case at most.
    pub fn key_like(&self, key: &str) -> Option<&str> {
        let lower = key.to_lowercase();
        self.0.keys().find(|known| known.to_lowercase() == lower).map(String::as_str)
    }

    /// The tags of these keys. A key that is not there is no mistake.
    #[must_use]
    pub fn only(&self, keys: &[String]) -> Self {
        let kept = self.0.iter().filter(|(key, _)| keys.contains(key));
        Self(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// These tags without those of the keys; a key that is not there is no mistake.
    #[must_use]
    pub fn without(&self, keys: &[String]) -> Self {
        let kept = self.0.iter().filter(|(key, _)| !keys.contains(key));
        Self(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// The tags, sorted by key.
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn permitted(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Tags, Error> {
        Tags::parse(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn ordinary_tags_are_kept() {
        let tags = parse(&[("team", "über die Straße"), ("a:b/c=d+e-f@g_h.i", "")]).expect("valid");
        assert_eq!(tags.as_map().len(), 2);
    }

    #[test]
    fn tags_are_added_overwritten_and_taken_away() {
        let tags = parse(&[("a", "1"), ("b", "2")]).expect("valid");
        let more = tags.with(&parse(&[("b", "3"), ("c", "")]).expect("valid")).expect("few");
        assert_eq!(more, parse(&[("a", "1"), ("b", "3"), ("c", "")]).expect("valid"));
        let fewer = more.without(&["a".to_owned(), "nowhere".to_owned()]);
        assert_eq!(fewer, parse(&[("b", "3"), ("c", "")]).expect("valid"));
        let full: BTreeMap<_, _> = (0..50).map(|n| (n.to_string(), String::new())).collect();
        let full = Tags::parse(full).expect("50");
        assert!(full.with(&parse(&[("0", "again")]).expect("valid")).is_ok());
        assert!(full.with(&parse(&[("one", "more")]).expect("valid")).is_err());
    }

    #[test]
    fn tags_outside_the_rules_are_refused() {
        assert!(parse(&[("", "x")]).is_err());
        assert!(parse(&[(&"k".repeat(129), "x")]).is_err());
        assert!(parse(&[("k", &"v".repeat(257))]).is_err());
        assert!(parse(&[("aws:x", "x")]).is_err());
        assert!(parse(&[("a<b", "x")]).is_err());
        let many: BTreeMap<_, _> = (0..51).map(|n| (n.to_string(), String::new())).collect();
        assert!(Tags::parse(many).is_err());
    }
}
