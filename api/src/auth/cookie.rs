//! Requests with a session cookie, and signing in.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts},
};
use brokerd_domain::{
    ClientNetwork, Region, Timestamp, audit::EventSource, identity::AccountState,
};
use brokerd_store::{ConsoleSession, ConsoleToken, ConsoleTokenHash};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use super::{
    authenticate::Authenticator,
    browser::Visit,
    console::{SignIn, SignedIn, failed_sign_in, no_session},
    credentials::{Credential, is_temporary},
    error::{FAILED_SIGN_IN, SignatureError},
    request::{Proof, environment, peer},
    service::Service,
};
use crate::{
    audit::{Recorder, VerifiedRequest},
    caller::Caller,
    http::{error::ApiError, query::Query},
};

/// The region that a request with a cookie is for.
const REGION: HeaderName = HeaderName::from_static("x-brokerd-region");
/// The service without paths that a request with a cookie is for.
pub(crate) const SERVICE: HeaderName = HeaderName::from_static("x-brokerd-service");
/// How often the use of a session is written.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// Most bytes of the body of a sign-in, which may have a session token.
const SIGN_IN_BODY: usize = 16 << 10;

impl Authenticator {
    /// The proof of a request with a cookie. The body is read only in sessions that exist.
    pub(super) async fn by_cookie(
        &self,
        parts: &Parts,
        body: Body,
        now: Timestamp,
    ) -> Result<Proof, ApiError> {
        let signed_in = self.signed_in(parts, now).await?;
        let service = service(parts)?;
        let region = self.region(&parts.headers, service)?;
        let body = self.bodies.read(&parts.headers, body, self.body_limit(parts)).await?;
        if !body.is_empty() && !parts.headers.contains_key(CONTENT_TYPE) {
            return Err(ApiError::bad_request("The header content-type is missing."));
        }
        let SignedIn { session, credential, token, .. } = signed_in;
        self.note_session_use(&token, &session, now).await;
        Ok(Proof {
            credential,
            access_key_id: session.access_key_id,
            lasts: session.session_token.is_none(),
            region,
            service,
            body,
        })
    }

    /// The session of a request that comes from brokerd's own page, by its cookie.
    ///
    /// # Errors
    /// A 401 without a session; a 403 for requests of other pages and for hosts that are not the API's.
    pub(crate) async fn signed_in(
        &self,
        parts: &Parts,
        now: Timestamp,
    ) -> Result<SignedIn, ApiError> {
        let visit = self.console.visit(parts)?;
        visit.check_page(parts)?;
        let token = visit.cookie(&parts.headers).and_then(ConsoleToken::parse);
        let token = token.ok_or_else(no_session)?.hash();
        let sender = ClientNetwork::of(peer(parts).unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
        // As for unknown access keys, so that made-up cookies don't keep the database busy.
        let is_new = !self.console.known().contains(&token);
        if is_new {
            self.admit_lookup(sender, now)?;
        }
        let Some(session) = self.console.store.console_session(&token, now).await? else {
            self.console.known().remove(&token);
            return Err(no_session());
        };
        if is_new {
            self.give_lookup_back(sender, now);
            self.console.note_known(token);
        }
        let credential = self.credential_of(&token, &session, sender, now).await?;
        Ok(SignedIn { visit, token, session, credential })
    }

    /// The same for a session that was found before; `None` if it has ended since.
    ///
    /// # Errors
    /// As every method of [`PgStore`](brokerd_store::PgStore).
    pub(crate) async fn still_signed_in(
        &self,
        token: &ConsoleTokenHash,
        now: Timestamp,
    ) -> Result<Option<Arc<Credential>>, ApiError> {
        let Some(session) = self.console.store.console_session(token, now).await? else {
            return Ok(None);
        };
        let sender = ClientNetwork::of(Ipv4Addr::UNSPECIFIED.into());
        match self.credential_of(token, &session, sender, now).await {
            Ok(credential) => Ok(Some(credential)),
            Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The credential by which a session began. If it is not in force any more, the session has ended, for good.
    async fn credential_of(
        &self,
        token: &ConsoleTokenHash,
        session: &ConsoleSession,
        sender: ClientNetwork,
        now: Timestamp,
    ) -> Result<Arc<Credential>, ApiError> {
        let id = &session.access_key_id;
        let credential = self.credential(id, session.session_token.as_ref(), sender, now).await;
        match credential {
            Err(refused) if refused.status() == StatusCode::FORBIDDEN => {
                if let Err(error) = self.console.store.end_console_session(token).await {
                    tracing::debug!(%error, "session whose key is withdrawn not removed");
                }
                Err(no_session())
            }
            other => other,
        }
    }

    /// A credential that is in force.
    async fn credential(
        &self,
        id: &str,
        token: Option<&SecretString>,
        sender: ClientNetwork,
        now: Timestamp,
    ) -> Result<Arc<Credential>, ApiError> {
        let token = token.map(ExposeSecret::expose_secret);
        let credential = match token {
            Some(token) => self.session(id, token, now).await?,
            None if is_temporary(id) => return Err(SignatureError::UnknownKey.into()),
            None => self.key(id, sender, now).await?,
        };
        credential.check(token, now)?;
        Ok(credential)
    }

    async fn note_session_use(
        &self,
        token: &ConsoleTokenHash,
        session: &ConsoleSession,
        now: Timestamp,
    ) {
        let until = now.plus(self.console.idle);
        if until.since(session.idle_until) < NOTED_EVERY {
            return;
        }
        if let Err(error) = self.console.store.prolong_console_session(token, until).await {
            tracing::debug!(%error, "use of a session not noted; tried again with the next request");
        }
    }

    /// The region that a request is for.
    fn region(&self, headers: &HeaderMap, service: Service) -> Result<Region, ApiError> {
        let Some(named) = headers.get(REGION) else {
            let region = self.console.region.clone();
            return region.ok_or_else(|| ApiError::internal("no region is configured"));
        };
        let region = named.to_str().ok().and_then(|name| name.parse::<Region>().ok());
        let is_known =
            |region: &Region| self.regions.contains(region) || service.is_global_in(region);
        region.filter(is_known).ok_or_else(|| {
            ApiError::bad_request("The header x-brokerd-region names no region of this brokerd.")
        })
    }

    /// Reads the body of a sign-in, with its limits.
    ///
    /// # Errors
    /// A 403 for requests of other pages; a 429 for senders who failed too often.
    pub(crate) async fn sign_in_request(
        &self,
        request: Request,
        now: Timestamp,
    ) -> Result<(Parts, bytes::Bytes, Visit), ApiError> {
        let (parts, body) = request.into_parts();
        let visit = self.console.visit(&parts)?;
        visit.check_page(&parts)?;
        let sender = ClientNetwork::of(peer(&parts).unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
        self.console.sign_ins.admit(&sender, None, now).map_err(|wait| {
            ApiError::too_many_requests(wait).because_of_authentication(FAILED_SIGN_IN)
        })?;
        let is_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
        if !parts.headers.get(CONTENT_TYPE).is_some_and(is_json) {
            return Err(ApiError::bad_request("The header content-type must be application/json."));
        }
        let body = self.bodies.read(&parts.headers, body, SIGN_IN_BODY).await?;
        Ok((parts, body, visit))
    }

    /// Begins a session for the owner of an access key. Its event is written with it.
    ///
    /// # Errors
    /// A 401 for wrong credentials; a 403 for suspended accounts.
    pub(crate) async fn sign_in(
        &self,
        parts: &Parts,
        visit: Visit,
        what: SignIn,
        now: Timestamp,
    ) -> Result<(ConsoleToken, SignedIn), ApiError> {
        let peer_address = peer(parts);
        let sender = ClientNetwork::of(peer_address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
        let (id, session_token) = match &what {
            SignIn::Key { id, token, .. } => (id.clone(), token.clone()),
            SignIn::Link(link) => {
                let id = self.store.console_link(link, now).await?;
                (id.ok_or_else(|| failed_sign_in(&what))?, None)
            }
        };
        let found = self.credential(&id, session_token.as_ref(), sender, now).await;
        let credential = match found {
            Err(refused) if refused.status() == StatusCode::FORBIDDEN => {
                return Err(failed_sign_in(&what));
            }
            other => other?,
        };
        if let SignIn::Key { secret, .. } = &what
            && !credential.has_secret(secret)
        {
            return Err(failed_sign_in(&what));
        }
        self.console.sign_ins.give_back(&sender, now);
        self.begin_event(parts, &credential, &id, "ConsoleLogin")?;
        if credential.caller().account_state == AccountState::Suspended {
            return Err(SignatureError::Suspended(credential.account().clone()).into());
        }
        let end = now.plus(self.console.longest);
        let expires = credential.expires().map_or(end, |expires| expires.min(end));
        let session = ConsoleSession {
            account: credential.account().clone(),
            principal: credential.caller().principal.arn(),
            access_key_id: id,
            session_token,
            created: now,
            idle_until: now.plus(self.console.idle),
            expires,
        };
        let token = ConsoleToken::generate(&*self.entropy);
        let link = match &what {
            SignIn::Link(link) => Some(link),
            SignIn::Key { .. } => None,
        };
        if !self.store.begin_console_session(&token, &session, link).await? {
            return Err(failed_sign_in(&what));
        }
        if let Err(error) = self.console.store.clear_console_sessions(now).await {
            tracing::debug!(%error, "sessions that have ended not cleared away");
        }
        let token_hash = token.hash();
        Ok((token, SignedIn { visit, token: token_hash, session, credential }))
    }

    /// Begins the audit event of a call with a session.
    pub(crate) fn begin_event(
        &self,
        parts: &Parts,
        credential: &Credential,
        access_key_id: &str,
        operation: &'static str,
    ) -> Result<(), ApiError> {
        let region = self.region(&HeaderMap::new(), Service::Mq)?;
        if let Some(recorder) = parts.extensions.get::<Recorder>() {
            tracing::Span::current().record("aws.action", operation);
            recorder.begin(&VerifiedRequest {
                parts,
                body: &[],
                source: EventSource::SignIn,
                region: &region,
                principal: &credential.caller().principal,
                caller: credential.identity(access_key_id),
                peer: peer(parts),
            });
        }
        self.tell_caller(parts, credential, access_key_id, region);
        Ok(())
    }

    /// Who a session is, as handlers of operations know a caller. The region is that of the query if it has one:
    /// browsers send no headers of ours with some requests.
    pub(crate) fn console_caller(
        &self,
        parts: &Parts,
        signed_in: &SignedIn,
        now: Timestamp,
    ) -> Result<Caller, ApiError> {
        let query = Query::of(parts);
        let region = match query.get("region") {
            None => self.region(&parts.headers, Service::Mq)?,
            Some(name) => {
                let named = HeaderValue::from_str(name);
                // A text that a header can't have is not a region.
                let named = named.unwrap_or(HeaderValue::from_static("?"));
                self.region(&HeaderMap::from_iter([(REGION, named)]), Service::Mq)?
            }
        };
        let environment = environment(parts, region, now);
        let id = signed_in.session.access_key_id.clone();
        Ok(Caller::new(Arc::clone(signed_in.credential.caller()), id, environment))
    }

    /// Counts an unauthenticated estimate of cost.
    ///
    /// # Errors
    /// A 429.
    pub(crate) fn admit_calculation(
        &self,
        sender: ClientNetwork,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let admitted = self.console.calculations.admit(&sender, None, now);
        admitted.map_err(ApiError::too_many_requests)
    }

    /// Notifies streams that sessions have ended.
    pub(crate) fn note_session_end(&self) {
        self.console.ends.send_modify(|ends| *ends += 1);
    }

    /// Changes when sessions end in this process.
    pub(crate) fn session_ends(&self) -> watch::Receiver<u64> {
        self.console.ends.subscribe()
    }

    /// The region of requests that name none.
    pub(crate) const fn default_region(&self) -> Option<&Region> {
        self.console.region.as_ref()
    }
}

/// The service that a request with a cookie is for.
fn service(parts: &Parts) -> Result<Service, ApiError> {
    let services = Service::of_path(parts.uri.path());
    if let [only] = services {
        return Ok(*only);
    }
    let named = parts.headers.get(SERVICE).and_then(|name| name.to_str().ok());
    named.and_then(|name| Service::named(name, services)).ok_or_else(|| {
        ApiError::bad_request("The header x-brokerd-service is missing or names no service.")
    })
}
