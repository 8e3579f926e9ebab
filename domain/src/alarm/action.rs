//! What alarms do when they change their state.

use serde::{Deserialize, Serialize};

use crate::metric::query::CloudWatchError;

/// The longest ARN.
///
/// Source: `ResourceName` of the service's model.
const MAX_ARN_LENGTH: usize = 1024;

/// A topic of Amazon SNS that is notified: `arn:aws:sns:us-east-1:000000000000:on-call`. Which addresses a topic has says the
/// operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlarmAction(String);

impl AlarmAction {
    /// Checks an action.
    ///
    /// # Errors
    /// `ValidationError`: it is no ARN, or not that of a topic.
    pub fn parse(text: &str) -> Result<Self, CloudWatchError> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let is_arn = matches!(parts.as_slice(), ["arn", partition, service, _, _, _]
            if !partition.is_empty() && !service.is_empty());
        let is_text = |c: char| c.is_ascii_graphic();
        if !is_arn || text.len() > MAX_ARN_LENGTH || !text.chars().all(is_text) {
            let shown: String = text.chars().take(MAX_ARN_LENGTH).collect();
            return Err(CloudWatchError::validation(format!(
                "Invalid arn syntax: {}",
                shown.escape_debug()
            )));
        }
        let ["arn", "aws", "sns", region, account, topic] = parts.as_slice() else {
            return Err(CloudWatchError::validation(format!(
                "The action {text} is not supported: alarms notify topics of Amazon SNS, arn:aws:sns:<region>:<account>:<topic>."
            )));
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_topic = (1..=256).contains(&topic.len()) && topic.chars().all(is_name);
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if region.is_empty() || !is_account || !is_topic {
            return Err(CloudWatchError::validation(format!("Invalid SNS topic ARN: {text}")));
        }
        Ok(Self(text.to_owned()))
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account that the topic belongs to.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

impl std::fmt::Display for AlarmAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a pattern of the operator's is for a topic: the ARN, in which `*` stands for any text.
pub fn topic_matches(pattern: &str, topic: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| topic.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn actions_are_topics() {
        let topic = "arn:aws:sns:us-east-1:000000000000:on-call.fifo";
        let action = AlarmAction::parse(topic).expect("a topic");
        assert_eq!((action.as_str(), action.account()), (topic, "000000000000"));
        for (wrong, says) in [
            ("", "Invalid arn syntax"),
            ("https://example.com/", "Invalid arn syntax"),
            ("arn:aws:sns", "Invalid arn syntax"),
            ("arn:aws:sns:us-east-1:000000000000:a b", "Invalid arn syntax"),
            ("arn:aws:sns:us-east-1:000000000000:\u{e9}", "Invalid arn syntax"),
            ("arn:aws:automate:us-east-1:ec2:stop", "is not supported"),
            ("arn:aws:lambda:us-east-1:000000000000:function:f", "is not supported"),
            ("arn:aws:sns:us-east-1:0:x", "Invalid SNS topic"),
            ("arn:aws:sns:us-east-1:000000000000:", "Invalid SNS topic"),
            ("arn:aws:sns::000000000000:x", "Invalid SNS topic"),
            ("arn:aws:sns:us-east-1:000000000000:x:subscription", "Invalid SNS topic"),
        ] {
            let refused = AlarmAction::parse(wrong).expect_err(wrong).message;
            assert!(refused.contains(says), "{wrong}: {refused}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        let topic = "arn:aws:sns:us-east-1:000000000000:on-call";
        for (pattern, matches) in [
            (topic, true),
            ("*", true),
            ("arn:aws:sns:*:000000000000:on-call", true),
            ("arn:aws:sns:*:*:on-*", true),
            ("arn:aws:sns:*:*:on-call*", true),
            ("arn:aws:sns:*:111111111111:*", false),
            ("arn:aws:sns:us-east-1:000000000000:on", false),
            ("on-call", false),
            ("*call-on", false),
            ("", false),
        ] {
            assert_eq!(topic_matches(pattern, topic), matches, "{pattern}");
        }
        assert!(!topic_matches("ab*ba", "aba"), "one text is not two");
    }

    proptest! {
        #[test]
        fn a_topic_matches_itself_with_any_part_left_out(topic in "[a-c:]{0,12}", from in 0usize..12, to in 0usize..12) {
            prop_assert!(topic_matches(&topic, &topic));
            let (from, to) = (from.min(topic.len()), to.min(topic.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = format!("{}*{}", &topic[..from], &topic[to..]);
            prop_assert!(topic_matches(&pattern, &topic), "{} {}", pattern, topic);
        }
    }
}
