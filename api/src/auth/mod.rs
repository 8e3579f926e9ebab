//! Who calls.

mod bodies;
mod credentials;
pub mod sigv4;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::extract::{ConnectInfo, FromRequest, MatchedPath, Request};
use brokerd_domain::{Scope, Source, Timestamp};
use bytes::Bytes;

use crate::{ApiState, error::ApiError, operation, text};
use sigv4::{Claim, SignatureError};

pub(crate) use bodies::Bodies;
pub(crate) use credentials::CredentialCache;
use credentials::{Credential, Recalled};

/// The service's name in credential scopes.
pub(crate) const SERVICE: &str = "mq";

/// What is to be done as soon as a request turns out to be authentic: whoever takes connections puts it beside the
/// request, and from then on knows this one to be worth keeping.
#[derive(Clone)]
pub struct OnAuthentic(Arc<dyn Fn() + Send + Sync>);

impl OnAuthentic {
    /// This is to be done.
    pub fn new(what: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(what))
    }
}

impl std::fmt::Debug for OnAuthentic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnAuthentic").finish_non_exhaustive()
    }
}

/// Who signed the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The account of the access key and the region it signed for: what the caller can see.
    pub(crate) scope: Scope,
    /// Which access key signed.
    pub(crate) access_key_id: String,
}

/// An authentic request within the caller's allowance. Every handler takes it that is not for everybody, and so can't
/// run without.
#[derive(Debug)]
pub(crate) struct Signed {
    /// Who signed.
    pub(crate) caller: Caller,
    /// The body, whose hash was signed.
    pub(crate) body: Bytes,
}

impl FromRequest<Arc<ApiState>> for Signed {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<ApiState>) -> Result<Self, ApiError> {
        let is_of_service = request.uri().path().starts_with("/v1/");
        let throttle = if is_of_service { &api.throttle } else { &api.own_throttle };
        let (mut parts, body) = request.into_parts();
        let target = text::check_target(&mut parts).await;
        let request = Request::from_parts(parts, body);
        let signed = authenticate(request, api).await.inspect_err(|error| {
            if let Some(reason) = error.authentication_failure() {
                api.metrics.authentication_rejected(reason);
            }
        })?;
        // Only now, so that nobody can use up the allowance of another.
        let account = &signed.caller.scope.account;
        if let Err(wait) = throttle.admit(account, api.clock.now()) {
            api.metrics.throttled();
            return Err(ApiError::too_many_requests(wait));
        }
        target?;
        Ok(signed)
    }
}

/// The body is read only for keys that exist, and if its hash is declared only for who has signed that, so that
/// strangers can't make us hold much.
async fn authenticate(request: Request, api: &ApiState) -> Result<Signed, ApiError> {
    let (parts, body) = request.into_parts();
    let now = api.clock.now();
    let claim = Claim::read(&parts.headers, SERVICE, now)?;
    if !api.regions.contains(&claim.region) {
        return Err(SignatureError::invalid_region().into());
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    let credential = credential(&claim.access_key_id, Source::of(peer), now, api).await?;
    let signing_key = credential.signing_key(claim.date.day(), &claim.region);
    let mut request = sigv4::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        authority: parts.uri.authority().map(axum::http::uri::Authority::as_str),
        body: &[],
    };
    claim.verify_head(&request, &signing_key)?;
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let operation = route.and_then(|route| operation::find(&parts.method, route));
    let body = api.bodies.read(&parts.headers, body, operation::body_limit(operation)).await?;
    request.body = &body;
    claim.verify(&request, &signing_key)?;
    if let Some(OnAuthentic(what)) = parts.extensions.get() {
        what();
    }
    tracing::Span::current().record("caller.account", credential.account().as_str());
    let scope = Scope { account: credential.account().clone(), region: claim.region };
    Ok(Signed { caller: Caller { scope, access_key_id: claim.access_key_id }, body })
}

/// The credential of an access key. Keys that were never seen cost their sender an allowance, so that strangers who make
/// them up don't keep the database busy; one that turns out to exist costs nothing.
async fn credential(
    id: &str,
    sender: Source,
    now: Timestamp,
    api: &ApiState,
) -> Result<Arc<Credential>, ApiError> {
    if let Recalled::Fresh(credential) = api.credentials.recall(id, now) {
        return Ok(credential.ok_or(SignatureError::UnknownKey)?);
    }
    let _held = api.credentials.lookup(id).await;
    let is_new = match api.credentials.recall(id, now) {
        Recalled::Fresh(credential) => {
            return Ok(credential.ok_or(SignatureError::UnknownKey)?);
        }
        Recalled::Stale => false,
        Recalled::Nothing => true,
    };
    if is_new && let Err(wait) = api.key_lookups.admit(&sender, now) {
        return Err(ApiError::too_many_unknown_keys(wait));
    }
    let found = api.store.access_key(id).await?;
    if is_new && found.is_some() {
        api.key_lookups.give_back(&sender, now);
    }
    let credential = api.credentials.remember(id, found, now);
    Ok(credential.ok_or(SignatureError::UnknownKey)?)
}
