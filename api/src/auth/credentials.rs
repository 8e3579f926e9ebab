//! The cache of access keys, so that a signature costs no query.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{AccountId, Region, Timestamp};
use brokerd_store::{Caller, KeyCaller};
use tokio::sync::MutexGuard;

use super::{service::Service, sigv4::SigningKey};

/// How long a key is remembered: a withdrawn key works at most this long.
const KNOWN: Duration = Duration::from_secs(60);
/// How long it is remembered that there is no such key.
const UNKNOWN: Duration = Duration::from_secs(5);
/// Most answers remembered.
const MOST: usize = 1024;
/// Most signing keys remembered per access key; each is for one day, region and service.
const MOST_SIGNING_KEYS: usize = 8;

/// The scope of a signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SigningScope {
    /// The day, `YYYYMMDD`.
    pub(super) day: String,
    pub(super) region: Region,
    pub(super) service: Service,
}

/// An access key with the signing keys derived from it.
#[derive(Debug)]
pub(crate) struct Credential {
    key: KeyCaller,
    signing_keys: Mutex<Vec<(SigningScope, Arc<SigningKey>)>>,
}

impl Credential {
    const fn new(key: KeyCaller) -> Self {
        Self { key, signing_keys: Mutex::new(Vec::new()) }
    }

    /// Whose key it is.
    pub(crate) const fn account(&self) -> &AccountId {
        &self.key.caller.principal.account
    }

    /// Who calls with it.
    pub(crate) const fn caller(&self) -> &Caller {
        &self.key.caller
    }

    /// Whether the key is active and has not expired. It may have expired since it was looked up.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        self.key.is_usable(now)
    }

    /// The key that signs requests of this scope, derived at most once while remembered.
    pub(super) fn signing_key(&self, scope: SigningScope) -> Arc<SigningKey> {
        let mut keys = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = keys.iter().find(|(remembered, _)| *remembered == scope) {
            return Arc::clone(key);
        }
        let SigningScope { day, region, service } = &scope;
        let derived =
            SigningKey::derive(&self.key.secret, day, region.as_str(), service.signing_name());
        let derived = Arc::new(derived);
        if keys.len() >= MOST_SIGNING_KEYS {
            keys.remove(0);
        }
        keys.push((scope, Arc::clone(&derived)));
        derived
    }
}

struct Answer {
    until: Timestamp,
    credential: Option<Arc<Credential>>,
}

/// How many access keys may be looked up at the same time.
const LOOKUPS: usize = 16;

/// The store's last answers about access keys.
#[derive(Default)]
pub(crate) struct CredentialCache {
    answers: Mutex<HashMap<String, Answer>>,
    lookups: [tokio::sync::Mutex<()>; LOOKUPS],
}

/// A remembered answer about an access key.
pub(crate) enum Recalled {
    /// Its credential, or that there is no such key.
    Fresh(Option<Arc<Credential>>),
    /// It existed a while ago.
    Stale,
    /// Nothing.
    Nothing,
}

impl CredentialCache {
    /// The remembered answer about the key of that identifier.
    pub(crate) fn recall(&self, id: &str, now: Timestamp) -> Recalled {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(id) {
            Some(answer) if now < answer.until => Recalled::Fresh(answer.credential.clone()),
            Some(Answer { credential: Some(_), .. }) => Recalled::Stale,
            Some(Answer { credential: None, .. }) | None => Recalled::Nothing,
        }
    }

    /// Waits for other lookups of the same key, so that one answer serves all of them. Recall again while this is held.
    pub(crate) async fn lookup(&self, id: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let lookup = usize::try_from(hasher.finish() % LOOKUPS as u64).unwrap_or_default();
        self.lookups[lookup].lock().await
    }

    /// Remembers the store's answer about the key of that identifier.
    pub(crate) fn remember(
        &self,
        id: &str,
        found: Option<KeyCaller>,
        now: Timestamp,
    ) -> Option<Arc<Credential>> {
        let credential = found.map(|key| Arc::new(Credential::new(key)));
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.retain(|_, a| now < a.until || a.credential.is_some());
        }
        if answers.len() >= MOST {
            // Keys that exist stay longest.
            let first = answers.iter().min_by_key(|(_, a)| (a.credential.is_some(), a.until));
            let first = first.map(|(id, _)| id.clone());
            first.and_then(|id| answers.remove(&id));
        }
        let until = now.plus(if credential.is_some() { KNOWN } else { UNKNOWN });
        answers.insert(id.to_owned(), Answer { until, credential: credential.clone() });
        credential
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{
        Tags,
        identity::{AccessKeyState, AccountState},
        policy::{AppliedPolicies, Principal, PrincipalKind},
    };

    use super::*;

    fn key() -> KeyCaller {
        KeyCaller {
            secret: "secret".into(),
            state: AccessKeyState::Active,
            expires: None,
            caller: Caller {
                principal: Principal {
                    account: "000000000000".parse().expect("account"),
                    kind: PrincipalKind::Root,
                    tags: Tags::default(),
                    token_issued: None,
                },
                policies: AppliedPolicies::default(),
                account_state: AccountState::Active,
                api_rate: None,
            },
        }
    }

    const fn seconds(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 1_000_000)
    }

    #[test]
    fn a_key_is_believed_for_a_minute_and_that_there_is_none_for_five_seconds() {
        let cache = CredentialCache::default();
        cache.remember("AKIA", Some(key()), seconds(0));
        cache.remember("other", None, seconds(0));
        for (id, now, exists) in
            [("AKIA", 0, true), ("AKIA", 59, true), ("other", 0, false), ("other", 4, false)]
        {
            let recalled = cache.recall(id, seconds(now));
            assert!(matches!(recalled, Recalled::Fresh(found) if found.is_some() == exists));
        }
        assert!(matches!(cache.recall("AKIA", seconds(60)), Recalled::Stale));
        assert!(matches!(cache.recall("other", seconds(5)), Recalled::Nothing));
        assert!(matches!(cache.recall("third", seconds(0)), Recalled::Nothing));
        cache.remember("AKIA", None, seconds(60));
        assert!(matches!(cache.recall("AKIA", seconds(65)), Recalled::Nothing), "withdrawn");
    }

    #[test]
    fn made_up_keys_do_not_fill_the_memory_and_displace_no_real_one() {
        let cache = CredentialCache::default();
        cache.remember("AKIA", Some(key()), seconds(0));
        for n in 0..3000 {
            cache.remember(&format!("made-up-{n}"), None, seconds(90));
        }
        assert!(cache.answers.lock().expect("lock").len() <= MOST);
        assert!(matches!(cache.recall("AKIA", seconds(2)), Recalled::Fresh(Some(_))));
        assert!(matches!(cache.recall("AKIA", seconds(90)), Recalled::Stale));
    }

    #[test]
    fn signing_keys_are_derived_once_per_day_region_and_service() {
        let credential = Credential::new(key());
        let scope = |day: &str| SigningScope {
            day: day.to_owned(),
            region: "us-east-1".parse().expect("region"),
            service: Service::Mq,
        };
        let first = credential.signing_key(scope("20260930"));
        assert!(Arc::ptr_eq(&first, &credential.signing_key(scope("20260930"))));
        assert!(!Arc::ptr_eq(&first, &credential.signing_key(scope("20261001"))));
        let another = SigningScope { service: Service::Sts, ..scope("20260930") };
        assert!(!Arc::ptr_eq(&first, &credential.signing_key(another)));
        for day in 0..20 {
            credential.signing_key(scope(&format!("202611{day:02}")));
        }
        assert!(credential.signing_keys.lock().expect("lock").len() <= MOST_SIGNING_KEYS);
    }
}
