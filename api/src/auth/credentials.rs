//! The cache of access keys, so that a signature costs no query.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use brokerd_domain::{
    AccountId, Region, Timestamp,
    audit::CallerIdentity,
    identity::{AccessKeyId, AccessKeyState},
};
use brokerd_store::{Caller, KeyCaller};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::sync::MutexGuard;

use super::{error::SignatureError, service::Service, sigv4::SigningKey};

/// How long a key is remembered: whatever changes about it or about the policies of its user is in force after that
/// time at the latest. The process that makes the change forgets the key at once.
const KNOWN_KEY_TTL: Duration = Duration::from_secs(5);
/// How long it is remembered that there is no such key.
const UNKNOWN_KEY_TTL: Duration = Duration::from_secs(5);
/// Most answers remembered.
const MAX_ENTRIES: usize = 1024;
/// Most signing keys remembered per access key; each is for one day, region and service.
const MAX_SIGNING_KEYS: usize = 8;

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
    secret: SecretString,
    validity: Validity,
    caller: Arc<Caller>,
    /// The caller's identity in audit events.
    identity: OnceLock<CallerIdentity>,
    signing_keys: Mutex<Vec<(SigningScope, Arc<SigningKey>)>>,
}

/// When a key signs.
#[derive(Debug)]
enum Validity {
    /// While it is in force.
    Key { state: AccessKeyState, expires: Option<Timestamp> },
    /// With the token that it was issued with, until the session ends.
    Session { token: SecretString, expires: Timestamp },
}

impl Credential {
    /// The credential of a long-term key.
    pub(super) fn of_key(key: KeyCaller) -> Self {
        let KeyCaller { secret, state, expires, caller } = key;
        Self::new(secret, Validity::Key { state, expires }, caller)
    }

    /// The credential of a session's key.
    pub(super) fn of_session(
        secret: SecretString,
        token: SecretString,
        expires: Timestamp,
        caller: Caller,
    ) -> Self {
        Self::new(secret, Validity::Session { token, expires }, caller)
    }

    fn new(secret: SecretString, validity: Validity, caller: Caller) -> Self {
        let signing_keys = Mutex::new(Vec::new());
        Self { secret, validity, caller: Arc::new(caller), identity: OnceLock::new(), signing_keys }
    }

    /// The account of the key.
    pub(crate) fn account(&self) -> &AccountId {
        &self.caller.principal.account
    }

    /// The caller of the key.
    pub(crate) const fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Whether this is the secret of the key, in constant time.
    pub(super) fn has_secret(&self, secret: &SecretString) -> bool {
        self.secret.expose_secret().as_bytes().ct_eq(secret.expose_secret().as_bytes()).into()
    }

    /// When the key expires, if it does.
    pub(super) const fn expires(&self) -> Option<Timestamp> {
        match self.validity {
            Validity::Key { expires, .. } => expires,
            Validity::Session { expires, .. } => Some(expires),
        }
    }

    /// The caller's identity in audit events, for the key of this identifier.
    pub(super) fn identity(&self, id: &str) -> &CallerIdentity {
        self.identity.get_or_init(|| CallerIdentity::new(self.caller.principal.clone(), id))
    }

    /// Checks that the key signs now and that the request brings its session token. In the service, too, a key that is
    /// not in force is told no other way than one that does not exist.
    ///
    /// # Errors
    /// `UnknownKey`; `Expired` for the right token of a session that has ended.
    pub(super) fn check(
        &self,
        session_token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        match (&self.validity, session_token) {
            (Validity::Key { state: AccessKeyState::Active, expires }, None)
                if expires.is_none_or(|end| now < end) =>
            {
                Ok(())
            }
            (Validity::Session { token, expires }, Some(brought))
                if token.expose_secret().as_bytes().ct_eq(brought.as_bytes()).into() =>
            {
                if now < *expires { Ok(()) } else { Err(SignatureError::Expired) }
            }
            (Validity::Key { .. } | Validity::Session { .. }, _) => Err(SignatureError::UnknownKey),
        }
    }

    /// The key that signs requests of this scope, derived at most once while remembered.
    pub(super) fn signing_key(&self, scope: SigningScope) -> Arc<SigningKey> {
        let mut keys = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = keys.iter().find(|(remembered, _)| *remembered == scope) {
            return Arc::clone(key);
        }
        let SigningScope { day, region, service } = &scope;
        let derived =
            SigningKey::derive(&self.secret, day, region.as_str(), service.signing_name());
        let derived = Arc::new(derived);
        if keys.len() >= MAX_SIGNING_KEYS {
            keys.remove(0);
        }
        keys.push((scope, Arc::clone(&derived)));
        derived
    }
}

/// Whether an access key is that of a session.
pub(super) fn is_temporary(id: &str) -> bool {
    id.parse::<AccessKeyId>().is_ok_and(|id| id.is_temporary())
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
    /// How often answers were forgotten.
    forgotten: AtomicU64,
}

/// A lookup of an access key, which excludes other lookups of the same key.
pub(crate) struct Lookup<'a> {
    /// How often answers had been forgotten when it began.
    forgotten: u64,
    _held: MutexGuard<'a, ()>,
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
    pub(crate) async fn lookup(&self, id: &str) -> Lookup<'_> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let lookup = usize::try_from(hasher.finish() % LOOKUPS as u64).unwrap_or_default();
        let held = self.lookups[lookup].lock().await;
        Lookup { forgotten: self.forgotten.load(Ordering::SeqCst), _held: held }
    }

    /// Forgets every key of an account, because something about its identities or their policies has changed.
    pub(crate) fn forget(&self, account: &AccountId) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        answers.retain(|_, answer| {
            answer.credential.as_ref().is_some_and(|credential| credential.account() != account)
        });
    }

    /// Remembers the store's answer about the key of that identifier, unless something was forgotten since the lookup
    /// began: then the answer may be older than the change.
    pub(crate) fn remember(
        &self,
        id: &str,
        found: Option<Credential>,
        lookup: &Lookup<'_>,
        now: Timestamp,
    ) -> Option<Arc<Credential>> {
        let credential = found.map(Arc::new);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::SeqCst) != lookup.forgotten {
            return credential;
        }
        if answers.len() >= MAX_ENTRIES {
            answers.retain(|_, a| now < a.until || a.credential.is_some());
        }
        if answers.len() >= MAX_ENTRIES {
            // Keys that exist stay longest.
            let first = answers.iter().min_by_key(|(_, a)| (a.credential.is_some(), a.until));
            let first = first.map(|(id, _)| id.clone());
            first.and_then(|id| answers.remove(&id));
        }
        let until = now.plus(if credential.is_some() { KNOWN_KEY_TTL } else { UNKNOWN_KEY_TTL });
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

    fn caller() -> Caller {
        Caller {
            principal: Principal {
                account: "000000000000".parse().expect("account"),
                kind: PrincipalKind::Root,
                tags: Tags::default(),
                token_issued: None,
            },
            policies: AppliedPolicies::default(),
            account_state: AccountState::Active,
            api_rate: None,
        }
    }

    fn key_in(state: AccessKeyState, expires: Option<Timestamp>) -> Credential {
        Credential::of_key(KeyCaller { secret: "secret".into(), state, expires, caller: caller() })
    }

    fn key() -> Credential {
        key_in(AccessKeyState::Active, None)
    }

    const fn seconds(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 1_000_000)
    }

    async fn remember(cache: &CredentialCache, id: &str, found: Option<Credential>, at: i64) {
        let lookup = cache.lookup(id).await;
        cache.remember(id, found, &lookup, seconds(at));
    }

    #[tokio::test]
    async fn what_the_store_says_of_a_key_is_believed_for_five_seconds() {
        let cache = CredentialCache::default();
        remember(&cache, "AKIA", Some(key()), 0).await;
        remember(&cache, "other", None, 0).await;
        for (id, now, exists) in
            [("AKIA", 0, true), ("AKIA", 4, true), ("other", 0, false), ("other", 4, false)]
        {
            let recalled = cache.recall(id, seconds(now));
            assert!(matches!(recalled, Recalled::Fresh(found) if found.is_some() == exists));
        }
        assert!(matches!(cache.recall("AKIA", seconds(5)), Recalled::Stale));
        assert!(matches!(cache.recall("other", seconds(5)), Recalled::Nothing));
        assert!(matches!(cache.recall("third", seconds(0)), Recalled::Nothing));
        remember(&cache, "AKIA", None, 5).await;
        assert!(matches!(cache.recall("AKIA", seconds(10)), Recalled::Nothing), "withdrawn");
    }

    #[tokio::test]
    async fn a_change_makes_the_keys_of_its_account_forgotten_also_those_being_looked_up() {
        let cache = CredentialCache::default();
        let [own, other] =
            ["000000000000", "111111111111"].map(|id| id.parse::<AccountId>().expect("an account"));
        remember(&cache, "AKIA", Some(key()), 0).await;
        cache.forget(&other);
        assert!(matches!(cache.recall("AKIA", seconds(1)), Recalled::Fresh(Some(_))));
        let before = cache.lookup("AKIA").await;
        cache.forget(&own);
        assert!(matches!(cache.recall("AKIA", seconds(1)), Recalled::Nothing));
        assert!(cache.remember("AKIA", Some(key()), &before, seconds(1)).is_some());
        assert!(matches!(cache.recall("AKIA", seconds(1)), Recalled::Nothing), "read before");
    }

    #[tokio::test]
    async fn made_up_keys_do_not_fill_the_memory_and_displace_no_real_one() {
        let cache = CredentialCache::default();
        remember(&cache, "AKIA", Some(key()), 0).await;
        for n in 0..3000 {
            remember(&cache, &format!("made-up-{n}"), None, 90).await;
        }
        assert!(cache.answers.lock().expect("lock").len() <= MAX_ENTRIES);
        assert!(matches!(cache.recall("AKIA", seconds(2)), Recalled::Fresh(Some(_))));
        assert!(matches!(cache.recall("AKIA", seconds(90)), Recalled::Stale));
    }

    #[test]
    fn a_key_that_lasts_signs_while_it_is_in_force_and_without_a_token() {
        let ends = Some(seconds(10));
        for (state, expires, token, at, signs) in [
            (AccessKeyState::Active, None, None, 0, true),
            (AccessKeyState::Active, ends, None, 9, true),
            (AccessKeyState::Active, ends, None, 10, false),
            (AccessKeyState::Inactive, None, None, 0, false),
            (AccessKeyState::Active, None, Some("token"), 0, false),
            (AccessKeyState::Active, None, Some(""), 0, false),
        ] {
            let checked = key_in(state, expires).check(token, seconds(at));
            let expected = if signs { Ok(()) } else { Err(SignatureError::UnknownKey) };
            assert_eq!(checked, expected, "{state:?} {token:?} {at}");
        }
    }

    #[test]
    fn the_key_of_a_session_signs_with_its_own_token_until_the_session_ends() {
        let session =
            Credential::of_session("secret".into(), "token".into(), seconds(10), caller());
        for (token, at, expected) in [
            (Some("token"), 9, Ok(())),
            (Some("token"), 10, Err(SignatureError::Expired)),
            (Some("other"), 9, Err(SignatureError::UnknownKey)),
            (Some("other"), 10, Err(SignatureError::UnknownKey)),
            (Some(""), 9, Err(SignatureError::UnknownKey)),
            (None, 9, Err(SignatureError::UnknownKey)),
        ] {
            assert_eq!(session.check(token, seconds(at)), expected, "{token:?} {at}");
        }
    }

    #[test]
    fn signing_keys_are_derived_once_per_day_region_and_service() {
        let credential = key();
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
        assert!(credential.signing_keys.lock().expect("lock").len() <= MAX_SIGNING_KEYS);
    }
}
