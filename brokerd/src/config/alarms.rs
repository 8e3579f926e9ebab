//! The section of alarms.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{secret::Secret, sections::InvalidSetting};

/// Alarms of Amazon CloudWatch, see [Alarms](cloudwatch.md#alarms).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Alarms {
    /// Where notifications of topics are sent: the ARN of a topic, in which `*` stands for any text, and an `http://` or
    /// `https://` URL. Of several that match, the longest one counts.
    pub(crate) topics: BTreeMap<String, Secret>,
}

impl Alarms {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        let is_url = |url: &Secret| {
            let rest = url.expose().split_once("://");
            rest.is_some_and(|(scheme, rest)| {
                ["http", "https"].contains(&scheme)
                    && !rest.is_empty()
                    && !rest.starts_with('/')
                    && !rest.contains(char::is_whitespace)
            })
        };
        match self.topics.iter().find(|(_, url)| !is_url(url)) {
            None => Ok(()),
            Some((topic, _)) => Err((
                "alarms.topics",
                format!("the webhook of {topic:?} is not an http:// or https:// URL"),
            )),
        }
    }

    /// Patterns of topics and their webhooks.
    pub(crate) fn topics(&self) -> Vec<(String, SecretString)> {
        let topic =
            |(topic, url): (&String, &Secret)| (topic.clone(), SecretString::from(url.expose()));
        self.topics.iter().map(topic).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_are_urls_and_are_never_told() {
        let alarms = |url: &str| Alarms {
            topics: [("arn:aws:sns:*".to_owned(), Secret::from(url.to_owned()))].into(),
        };
        for url in ["http://127.0.0.1:9/", "https://example.com/hook?token=x"] {
            assert!(alarms(url).validate().is_ok(), "{url}");
            assert_eq!(alarms(url).topics().len(), 1);
        }
        for url in ["", "example.com", "ftp://example.com", "https://", "https:///x", "https://a b"]
        {
            let (key, why) = alarms(url).validate().expect_err(url);
            assert_eq!(key, "alarms.topics");
            assert_eq!(why, r#"the webhook of "arn:aws:sns:*" is not an http:// or https:// URL"#);
        }
    }
}
