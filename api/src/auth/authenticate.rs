//! The extractor that verifies signatures, or finds the session of a cookie.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, MatchedPath, Request},
    http::{HeaderMap, HeaderName, header::AUTHORIZATION, request::Parts},
};
use brokerd_domain::{
    AccountId, ClientNetwork, Clock, Entropy, Error, Region, Scope, Timestamp,
    identity::AccountState, policy::OperationPermissions,
};
use brokerd_store::PgStore;
use bytes::Bytes;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::{
    bodies::Bodies,
    browser,
    console::Console,
    credentials::{Credential, CredentialCache, Recalled, SigningScope, is_temporary},
    error::{SignatureError, TOO_MANY_UNKNOWN_KEYS},
    request::{OnAuthentic, Proof, environment, peer},
    service::Service,
    sigv4::{self, Claim},
};
use crate::{
    ApiSettings,
    audit::{Recorder, VerifiedRequest},
    caller::{Caller, CallerSlot},
    http::{error::ApiError, json, text, throttle::Throttle},
    metrics::ApiMetrics,
    operation_table::{BODY_LIMIT, Operation, Operations},
};

/// The header in which requests bring the token of their session.
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Unknown access keys that a sender may try at once.
const KEY_LOOKUP_BURST: u32 = 20;
/// Unknown access keys that a sender may try every second after that.
const KEY_LOOKUP_RATE: u32 = 5;

/// An authentic request within the caller's allowance. Handlers of signed operations take it, so that none runs without
/// a signature, or a session of the web console in its place.
#[derive(Debug)]
pub(crate) struct Signed {
    /// The caller.
    pub(crate) caller: Arc<Caller>,
    /// The service that it is for.
    pub(crate) service: Service,
    /// The body, whose hash was signed unless the request came with a cookie.
    pub(crate) body: Bytes,
    /// The account of the caller and the region of the signature. The caller sees nothing else. Handlers get it from
    /// [`Signed::authorize`].
    pub(super) scope: Scope,
    /// The permissions of the operation; `None` if the service of the request checks them by itself.
    pub(super) permissions: Option<&'static OperationPermissions>,
}

impl Signed {
    /// The body as the wire type of the operation.
    ///
    /// # Errors
    /// As [`json::object`].
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::object(&self.body)
    }
}

impl<S> FromRequest<S> for Signed
where
    Arc<Authenticator>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Arc::<Authenticator>::from_ref(state).signed(request).await
    }
}

/// Verifies signatures and counts requests against the allowances.
pub(crate) struct Authenticator {
    pub(super) store: PgStore,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) console: Console,
    clock: Arc<dyn Clock>,
    metrics: ApiMetrics,
    operations: Arc<Operations>,
    /// Long-term keys.
    keys: CredentialCache,
    /// Keys of sessions, apart from the others, so that many sessions displace no long-term key.
    sessions: CredentialCache,
    /// Regions that requests may be signed for.
    pub(super) regions: BTreeSet<Region>,
    pub(super) bodies: Bodies,
    /// The accounts' allowances for the service's operations.
    throttle: Throttle<AccountId>,
    /// The accounts' allowances for brokerd's own operations.
    own_throttle: Throttle<AccountId>,
    /// The senders' allowances for lookups of access keys that are not remembered.
    key_lookups: Throttle<ClientNetwork>,
}

impl Authenticator {
    pub(crate) fn new(
        settings: &ApiSettings,
        store: PgStore,
        console: Console,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: ApiMetrics,
        operations: Arc<Operations>,
    ) -> Self {
        let throttle = || Throttle::new(settings.throttle_burst, settings.throttle_rate);
        Self {
            store,
            console,
            clock,
            entropy,
            operations,
            keys: CredentialCache::default(),
            sessions: CredentialCache::default(),
            regions: settings.regions.clone(),
            bodies: Bodies::new(metrics.body_bytes.clone(), metrics.bodies_given_up.clone()),
            throttle: throttle(),
            own_throttle: throttle(),
            key_lookups: Throttle::new(KEY_LOOKUP_BURST, KEY_LOOKUP_RATE),
            metrics,
        }
    }

    /// Forgets what is remembered of an account's keys and policies. Whoever has changed an identity of the account or
    /// a policy in it calls this, so that the change is in force for the next request to this process.
    pub(crate) fn forget(&self, account: &AccountId) {
        self.keys.forget(account);
        self.sessions.forget(account);
    }

    /// Counts a refusal of an unauthenticated request.
    pub(crate) fn count_rejection(&self, refusal: &ApiError) {
        if let Some(reason) = refusal.authentication_failure() {
            self.metrics.authentication_rejected(reason);
        }
    }

    async fn signed(&self, request: Request) -> Result<Signed, ApiError> {
        let is_of_service = request.uri().path().starts_with("/v1/");
        let throttle = if is_of_service { &self.throttle } else { &self.own_throttle };
        let (mut parts, body) = request.into_parts();
        let target = text::check_target(&mut parts).await;
        let request = Request::from_parts(parts, body);
        let signed = self.authenticate(request).await;
        let signed = signed.inspect_err(|error| self.count_rejection(error))?;
        // Counted after the signature, so that no caller can use up the allowance of another.
        let (account, rate) = (signed.caller.account(), signed.caller.api_rate());
        if let Err(wait) = throttle.admit(account, rate, self.clock.now()) {
            self.metrics.throttled();
            return Err(ApiError::too_many_requests(wait));
        }
        target?;
        Ok(signed)
    }

    /// Finds out the caller. A cookie counts only without a signature, so that a cookie never changes the caller of a
    /// signed request.
    async fn authenticate(&self, request: Request) -> Result<Signed, ApiError> {
        let (parts, body) = request.into_parts();
        let now = self.clock.now();
        let headers = &parts.headers;
        let proof = if !headers.contains_key(AUTHORIZATION) && browser::is_of_console(headers) {
            self.by_cookie(&parts, body, now).await?
        } else {
            self.by_signature(&parts, body, now).await?
        };
        self.admit(&parts, proof, now)
    }

    /// Verifies the signature. The body is read only for keys that exist. If its hash is declared, it is read only
    /// after the signature is verified. So strangers can't make the process hold much memory.
    async fn by_signature(
        &self,
        parts: &Parts,
        body: Body,
        now: Timestamp,
    ) -> Result<Proof, ApiError> {
        let services = Service::of_path(parts.uri.path());
        let names: Vec<&str> = services.iter().map(|service| service.signing_name()).collect();
        let claim = Claim::read(&parts.headers, &names, now)?;
        let service = Service::named(&claim.service, services);
        let service = service.ok_or_else(|| ApiError::internal("a service that is not known"))?;
        if !self.regions.contains(&claim.region) && !service.is_global_in(&claim.region) {
            return Err(SignatureError::invalid_region().into());
        }
        let sender = ClientNetwork::of(peer(parts).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        let token = session_token(&parts.headers)?;
        let id = &claim.access_key_id;
        let credential = match token {
            Some(token) => self.session(id, token, now).await?,
            None if is_temporary(id) => return Err(SignatureError::UnknownKey.into()),
            None => self.key(id, sender, now).await?,
        };
        credential.check(token, now)?;
        let signing_key = credential.signing_key(SigningScope {
            day: claim.date.day().to_owned(),
            region: claim.region.clone(),
            service,
        });
        let mut request = sigv4::Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            authority: parts.uri.authority().map(axum::http::uri::Authority::as_str),
            body: &[],
        };
        claim.verify_head(&request, &signing_key)?;
        let body = self.bodies.read(&parts.headers, body, self.body_limit(parts)).await?;
        request.body = &body;
        claim.verify(&request, &signing_key)?;
        Ok(Proof {
            credential,
            access_key_id: claim.access_key_id,
            lasts: token.is_none(),
            region: claim.region,
            service,
            body,
        })
    }

    /// Begins the event of a call that is proved, and refuses suspended accounts.
    fn admit(&self, parts: &Parts, proof: Proof, now: Timestamp) -> Result<Signed, ApiError> {
        let Proof { credential, access_key_id, lasts, region, service, body } = proof;
        if let Some(listener) = parts.extensions.get::<OnAuthentic>() {
            listener.tell();
        }
        if lasts {
            self.store.note_key_use(&access_key_id, service.signing_name(), &region, now);
        }
        if let Some(recorder) = parts.extensions.get::<Recorder>() {
            recorder.begin(&VerifiedRequest {
                parts,
                body: &body,
                source: service.event_source(parts.uri.path()),
                region: &region,
                principal: &credential.caller().principal,
                caller: credential.identity(&access_key_id),
                peer: peer(parts),
            });
        }
        if credential.caller().account_state == AccountState::Suspended {
            return Err(SignatureError::Suspended(credential.account().clone()).into());
        }
        let caller = self.tell_caller(parts, &credential, &access_key_id, region);
        let scope =
            Scope { account: caller.account().clone(), region: caller.environment.region.clone() };
        let permissions = self.operation(parts).and_then(|operation| operation.permissions);
        Ok(Signed { caller, service, body, scope, permissions })
    }

    /// Passes the caller to the middleware and the log.
    pub(super) fn tell_caller(
        &self,
        parts: &Parts,
        credential: &Credential,
        access_key_id: &str,
        region: Region,
    ) -> Arc<Caller> {
        tracing::Span::current().record("caller.account", credential.account().as_str());
        let environment = environment(parts, region, self.clock.now());
        let who = Arc::clone(credential.caller());
        let caller = Arc::new(Caller::new(who, access_key_id.to_owned(), environment));
        if let Some(slot) = parts.extensions.get::<CallerSlot>() {
            slot.tell(&caller);
        }
        caller
    }

    fn operation(&self, parts: &Parts) -> Option<&Operation> {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        route.and_then(|route| self.operations.find(&parts.method, route))
    }

    /// The most bytes of a request's body.
    pub(super) fn body_limit(&self, parts: &Parts) -> usize {
        self.operation(parts).map_or(BODY_LIMIT, |operation| operation.body_limit)
    }

    /// Counts a lookup of an access key that may not exist.
    ///
    /// # Errors
    /// A 429.
    pub(super) fn admit_lookup(
        &self,
        sender: ClientNetwork,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        self.key_lookups.admit(&sender, None, now).map_err(|wait| {
            ApiError::too_many_requests(wait).because_of_authentication(TOO_MANY_UNKNOWN_KEYS)
        })
    }

    /// Uncounts a lookup that found a key.
    pub(super) fn give_lookup_back(&self, sender: ClientNetwork, now: Timestamp) {
        self.key_lookups.give_back(&sender, now);
    }

    /// The credential of a key that lasts. A lookup of a key that is not remembered costs its sender an allowance, so
    /// that made-up keys don't keep the database busy; the allowance is given back if the key exists.
    pub(super) async fn key(
        &self,
        id: &str,
        sender: ClientNetwork,
        now: Timestamp,
    ) -> Result<Arc<Credential>, ApiError> {
        if let Recalled::Fresh(credential) = self.keys.recall(id, now) {
            return Ok(credential.ok_or(SignatureError::UnknownKey)?);
        }
        let lookup = self.keys.lookup(id).await;
        let is_new = match self.keys.recall(id, now) {
            Recalled::Fresh(credential) => {
                return Ok(credential.ok_or(SignatureError::UnknownKey)?);
            }
            Recalled::Stale => false,
            Recalled::Nothing => true,
        };
        if is_new {
            self.admit_lookup(sender, now)?;
        }
        let found = self.store.principal_of(id).await?;
        if is_new && found.is_some() {
            self.give_lookup_back(sender, now);
        }
        let credential = self.keys.remember(id, found.map(Credential::of_key), &lookup, now);
        Ok(credential.ok_or(SignatureError::UnknownKey)?)
    }

    /// The credential of a session's key. The token is opened before anything is looked up or remembered, so that only
    /// tokens that were issued here can cause either.
    pub(super) async fn session(
        &self,
        id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<Credential>, ApiError> {
        if let Recalled::Fresh(credential) = self.sessions.recall(id, now) {
            return Ok(credential.ok_or(SignatureError::UnknownKey)?);
        }
        let opened = self.store.open_credentials(id, token);
        let (session, secret) = opened.ok_or(SignatureError::UnknownKey)?;
        if !session.is_live(now) {
            return Err(SignatureError::Expired.into());
        }
        let lookup = self.sessions.lookup(id).await;
        if let Recalled::Fresh(credential) = self.sessions.recall(id, now) {
            return Ok(credential.ok_or(SignatureError::UnknownKey)?);
        }
        let caller = self.store.principal_in(&session).await?;
        let found = caller.map(|caller| {
            Credential::of_session(secret, SecretString::from(token), session.expires, caller)
        });
        let credential = self.sessions.remember(id, found, &lookup, now);
        Ok(credential.ok_or(SignatureError::UnknownKey)?)
    }
}

/// The session token that a request brings.
fn session_token(headers: &HeaderMap) -> Result<Option<&str>, SignatureError> {
    let mut values = headers.get_all(SESSION_TOKEN).iter();
    let Some(token) = values.next() else { return Ok(None) };
    // A header that is not text is not a token that was issued here, nor are two headers.
    match (token.to_str(), values.next()) {
        (Ok(token), None) => Ok(Some(token)),
        (Ok(_) | Err(_), _) => Err(SignatureError::UnknownKey),
    }
}
