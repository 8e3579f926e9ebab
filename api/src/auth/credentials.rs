//! Access keys, remembered for a while so that a request costs no query for its signature.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{AccountId, Region, Timestamp};
use brokerd_store::{AccessKey, StoreError};

use super::{SERVICE, sigv4::SigningKey};

/// How long a key is believed to exist: a withdrawn key works at most this long.
const KNOWN: Duration = Duration::from_secs(60);
/// How long a key is believed not to exist.
const UNKNOWN: Duration = Duration::from_secs(5);
/// Most answers remembered.
const MOST: usize = 1024;
/// Most signing keys remembered per access key; each is for one day and region.
const MOST_SIGNING_KEYS: usize = 8;

/// An access key with the signing keys derived from it.
#[derive(Debug)]
pub(crate) struct Credential {
    key: AccessKey,
    signing_keys: Mutex<Vec<(String, Region, Arc<SigningKey>)>>,
}

impl Credential {
    const fn new(key: AccessKey) -> Self {
        Self { key, signing_keys: Mutex::new(Vec::new()) }
    }

    /// Whose key it is.
    pub(crate) const fn account(&self) -> &AccountId {
        &self.key.account
    }

    /// The key that signs this day's requests to this region, derived at most once while remembered.
    pub(crate) fn signing_key(&self, day: &str, region: &Region) -> Arc<SigningKey> {
        let mut keys = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, key)) = keys.iter().find(|(d, r, _)| d == day && r == region) {
            return Arc::clone(key);
        }
        let derived = Arc::new(SigningKey::derive(&self.key.secret, day, region.as_str(), SERVICE));
        if keys.len() >= MOST_SIGNING_KEYS {
            keys.remove(0);
        }
        keys.push((day.to_owned(), region.clone(), Arc::clone(&derived)));
        derived
    }
}

struct Answer {
    until: Timestamp,
    credential: Option<Arc<Credential>>,
}

/// What the store last said about access keys.
#[derive(Default)]
pub(crate) struct CredentialCache(Mutex<HashMap<String, Answer>>);

impl CredentialCache {
    /// The credential of that identifier, from memory or by `lookup`; none if there is no such key.
    pub(crate) async fn get<F, Fut>(
        &self,
        id: &str,
        now: Timestamp,
        lookup: F,
    ) -> Result<Option<Arc<Credential>>, StoreError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Option<AccessKey>, StoreError>>,
    {
        if let Some(remembered) = self.remembered(id, now) {
            return Ok(remembered);
        }
        let credential = lookup().await?.map(|key| Arc::new(Credential::new(key)));
        self.remember(id, credential.clone(), now);
        Ok(credential)
    }

    fn remembered(&self, id: &str, now: Timestamp) -> Option<Option<Arc<Credential>>> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(id).filter(|a| now < a.until).map(|a| a.credential.clone())
    }

    fn remember(&self, id: &str, credential: Option<Arc<Credential>>, now: Timestamp) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.retain(|_, a| now < a.until);
        }
        if answers.len() >= MOST {
            let oldest = answers.iter().min_by_key(|(_, a)| a.until).map(|(id, _)| id.clone());
            oldest.and_then(|id| answers.remove(&id));
        }
        let until = now.plus(if credential.is_some() { KNOWN } else { UNKNOWN });
        answers.insert(id.to_owned(), Answer { until, credential });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Store {
        asked: AtomicU32,
        has: Option<&'static str>,
    }

    impl Store {
        const fn new(has: Option<&'static str>) -> Self {
            Self { asked: AtomicU32::new(0), has }
        }

        async fn access_key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(self.has.filter(|has| *has == id).map(|id| AccessKey {
                id: id.to_owned(),
                secret: "secret".into(),
                account: "000000000000".parse().expect("account"),
            }))
        }
    }

    const fn seconds(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 1_000_000)
    }

    #[tokio::test]
    async fn a_key_is_looked_up_once_a_minute_and_an_unknown_one_every_five_seconds() {
        let cache = CredentialCache::default();
        let store = Store::new(Some("AKIA"));
        for (id, now, lookups) in [
            ("AKIA", 0, 1),
            ("AKIA", 59, 1),
            ("AKIA", 60, 2),
            ("other", 60, 3),
            ("other", 64, 3),
            ("other", 65, 4),
        ] {
            let found = cache.get(id, seconds(now), || store.access_key(id)).await.expect("store");
            assert_eq!(found.is_some(), id == "AKIA");
            assert_eq!(store.asked.load(Ordering::Relaxed), lookups, "{id} at {now}");
        }
    }

    #[tokio::test]
    async fn made_up_keys_do_not_fill_the_memory() {
        let cache = CredentialCache::default();
        let store = Store::new(Some("AKIA"));
        cache.get("AKIA", seconds(0), || store.access_key("AKIA")).await.expect("store");
        for n in 0..3000 {
            let id = format!("made-up-{n}");
            cache.get(&id, seconds(1), || store.access_key(&id)).await.expect("store");
        }
        assert!(cache.0.lock().expect("lock").len() <= MOST);
        let before = store.asked.load(Ordering::Relaxed);
        cache.get("AKIA", seconds(2), || store.access_key("AKIA")).await.expect("store");
        assert_eq!(store.asked.load(Ordering::Relaxed), before, "a real key outlives made-up ones");
    }

    #[tokio::test]
    async fn signing_keys_are_derived_once_per_day_and_region() {
        let store = Store::new(Some("AKIA"));
        let key = store.access_key("AKIA").await.expect("store").expect("a key");
        let credential = Credential::new(key);
        let region: Region = "us-east-1".parse().expect("region");
        let first = credential.signing_key("20260930", &region);
        assert!(Arc::ptr_eq(&first, &credential.signing_key("20260930", &region)));
        assert!(!Arc::ptr_eq(&first, &credential.signing_key("20261001", &region)));
        for day in 0..20 {
            credential.signing_key(&format!("202611{day:02}"), &region);
        }
        assert!(credential.signing_keys.lock().expect("lock").len() <= MOST_SIGNING_KEYS);
    }
}
