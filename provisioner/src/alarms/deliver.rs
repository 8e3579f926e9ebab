//! Delivery of notifications to the webhooks of topics.

use std::{sync::Arc, time::Duration};

use brokerd_domain::{Clock, alarm::topic_matches};
use brokerd_store::{AlarmDelivery, PgStore, StoreError};
use futures_util::future::try_join_all;
use http::Uri;
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};

use super::webhook::{self, WebhookError};
use crate::https;

/// How many notifications are delivered at once.
const AT_ONCE: u32 = 16;
/// How often a notification is tried: for about an hour and a half.
const MAX_ATTEMPTS: u32 = 11;
/// The pause after the first try. Each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// Topics can't have these webhooks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongWebhook {
    /// One is no URL.
    #[error("the webhook of the topic {0} is not an http:// or https:// URL")]
    Url(String),
    /// There is no TLS.
    #[error("no TLS for webhooks: {0}")]
    Tls(String),
}

/// Which webhook each topic has. Only the operator says so: whoever makes alarms names topics, and no addresses.
pub struct Topics {
    /// Patterns of ARNs, the longest first, and where to send to.
    webhooks: Vec<(String, Uri)>,
    client: Arc<ClientConfig>,
}

impl Topics {
    /// Those of these patterns and URLs. Of several that match a topic, the longest one counts.
    ///
    /// # Errors
    /// [`WrongWebhook`].
    pub fn new(
        webhooks: impl IntoIterator<Item = (String, SecretString)>,
    ) -> Result<Self, WrongWebhook> {
        let parsed = |(pattern, url): (String, SecretString)| {
            let uri: Option<Uri> = url.expose_secret().parse().ok();
            let is_web = |uri: &Uri| {
                uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
            };
            match uri.filter(is_web) {
                Some(uri) => Ok((pattern, uri)),
                None => Err(WrongWebhook::Url(pattern)),
            }
        };
        let mut webhooks = webhooks.into_iter().map(parsed).collect::<Result<Vec<_>, _>>()?;
        webhooks.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
        let client =
            https::public_client().map_err(|error| WrongWebhook::Tls(error.to_string()))?;
        Ok(Self { webhooks, client })
    }

    fn webhook(&self, topic: &str) -> Option<&Uri> {
        let found = self.webhooks.iter().find(|(pattern, _)| topic_matches(pattern, topic));
        found.map(|(_, uri)| uri)
    }
}

/// Delivers notifications that are due. Gives back how many were due.
///
/// # Errors
/// What the store says; what was not delivered is due again in two minutes.
pub async fn deliver(
    store: &PgStore,
    topics: &Topics,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let due = store.take_due_deliveries(AT_ONCE).await?;
    try_join_all(due.iter().map(|delivery| deliver_one(store, topics, clock, delivery))).await?;
    Ok(due.len())
}

async fn deliver_one(
    store: &PgStore,
    topics: &Topics,
    clock: &dyn Clock,
    delivery: &AlarmDelivery,
) -> Result<(), StoreError> {
    let topic = delivery.action.as_str();
    let Some(uri) = topics.webhook(topic) else {
        let why = "no webhook is configured for the topic (alarms.topics)";
        return store.end_delivery(delivery, Some(why), clock.now()).await;
    };
    let id = delivery.id.to_string();
    let document = delivery.notification.envelope(topic, &id, delivery.at);
    match webhook::post(&topics.client, uri, topic, &id, document.to_string()).await {
        Ok(()) => store.end_delivery(delivery, None, clock.now()).await,
        Err(WebhookError::Retryable(why)) if delivery.attempt < MAX_ATTEMPTS => {
            tracing::debug!(
                topic,
                alarm = delivery.alarm,
                why,
                "notification not delivered; sent again"
            );
            store.postpone_delivery(delivery, pause(delivery.attempt)).await
        }
        Err(WebhookError::Retryable(why) | WebhookError::Permanent(why)) => {
            tracing::warn!(topic, alarm = delivery.alarm, why, "notification of an alarm given up");
            store.end_delivery(delivery, Some(&why), clock.now()).await
        }
    }
}

/// The pause after a try.
fn pause(attempt: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(MAX_ATTEMPTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pattern_that_matches_counts() {
        let topics = Topics::new([
            ("*".to_owned(), "http://127.0.0.1:9/".into()),
            ("arn:aws:sns:*:*:on-call".to_owned(), "https://example.com/a?b=c".into()),
        ]);
        let topics = topics.expect("URLs");
        let of = |topic: &str| topics.webhook(topic).map(ToString::to_string);
        let call = of("arn:aws:sns:us-east-1:000000000000:on-call");
        assert_eq!(call.as_deref(), Some("https://example.com/a?b=c"));
        assert_eq!(
            of("arn:aws:sns:us-east-1:000000000000:x").as_deref(),
            Some("http://127.0.0.1:9/")
        );
        let none = Topics::new([]).expect("nothing");
        assert_eq!(none.webhook("arn:aws:sns:us-east-1:000000000000:x"), None);
    }

    #[test]
    fn what_is_no_webhook_is_refused_without_telling_it() {
        for url in ["", "ftp://example.com/", "example.com", "https://", "/path"] {
            let refused = Topics::new([("topic".to_owned(), url.into())]).err();
            assert_eq!(refused, Some(WrongWebhook::Url("topic".to_owned())), "{url}");
        }
    }

    #[test]
    fn pauses_double() {
        let seconds: Vec<_> = (1..=11).map(|attempt| pause(attempt).as_secs()).collect();
        assert_eq!(seconds[..4], [5, 10, 20, 40]);
        assert!(seconds[..10].iter().sum::<u64>() > 5000);
    }
}
