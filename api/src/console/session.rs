//! Signing in and out, and the present session.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header::SET_COOKIE},
    response::Response,
};
use brokerd_domain::{
    Clock, Error, Region,
    identity::AccountState,
    policy::{Principal, PrincipalKind},
};
use brokerd_store::{ConsoleToken, PgStore};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    ApiSettings,
    auth::{Authenticator, SignIn, SignedIn, sigv4::SignatureError},
    http::{body, error::ApiError, json as wire},
    own::accounts::is_operator,
};

/// The body of a sign-in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInRequest {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    link: Option<String>,
}

impl SignInRequest {
    fn parse(self) -> Result<SignIn, Error> {
        let Self { access_key_id, secret_access_key, session_token, link } = self;
        match (link, access_key_id, secret_access_key, session_token) {
            (Some(link), None, None, None) => {
                let link = ConsoleToken::parse(&link);
                link.map(SignIn::Link).ok_or_else(|| {
                    Error::bad_request("link", "[link] is not a valid sign-in link.")
                })
            }
            (None, Some(id), Some(secret), token) => {
                // An empty field of a form.
                let token = token.filter(|token| !token.is_empty()).map(SecretString::from);
                Ok(SignIn::Key { id, secret: secret.into(), token })
            }
            _ => Err(Error::bad_request_overall(
                "Specify [accessKeyId] and [secretAccessKey], or [link].",
            )),
        }
    }
}

/// The caller of the session, and what the console needs to know of this brokerd.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionView<'a> {
    account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_name: Option<String>,
    arn: String,
    kind: &'static str,
    name: String,
    access_key_id: &'a str,
    is_operator: bool,
    region: &'a str,
    regions: Vec<&'a str>,
    api_url: &'a str,
    version: &'static str,
    expires_at: String,
    idle_expires_at: String,
    settings: SettingsView<'a>,
}

/// Settings of this brokerd that the console shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SettingsView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
}

/// ConsoleLogin: begins a session.
pub(crate) async fn sign_in(
    State(authenticator): State<Arc<Authenticator>>,
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    request: Request,
) -> Result<Response, ApiError> {
    let now = clock.now();
    let signed_in = async {
        let (parts, body, visit) = authenticator.sign_in_request(request, now).await?;
        let what = wire::object::<SignInRequest>(&body)?.parse()?;
        authenticator.sign_in(&parts, visit, what, now).await
    };
    let (token, signed_in) = counted(&authenticator, signed_in.await)?;
    let cookie = signed_in.visit.set_cookie(token.expose())?;
    let mut answer = view(&authenticator, &settings, &store, &signed_in).await?;
    answer.headers_mut().insert(SET_COOKIE, cookie);
    Ok(answer)
}

/// DescribeConsoleSession: the caller of the session.
pub(crate) async fn describe(
    State(authenticator): State<Arc<Authenticator>>,
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let signed_in = counted(&authenticator, authenticator.signed_in(&parts, clock.now()).await)?;
    view(&authenticator, &settings, &store, &signed_in).await
}

/// ConsoleLogout: ends the session of this browser.
pub(crate) async fn sign_out(
    State(authenticator): State<Arc<Authenticator>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let signed_in = counted(&authenticator, authenticator.signed_in(&parts, clock.now()).await)?;
    let SignedIn { visit, token, session, credential } = signed_in;
    authenticator.begin_event(&parts, &credential, &session.access_key_id, "ConsoleLogout")?;
    store.end_console_session(&token).await?;
    authenticator.note_session_end();
    signed_out(visit.clear_cookie()?)
}

/// ConsoleLogoutEverywhere: ends all console sessions of the caller.
pub(crate) async fn sign_out_everywhere(
    State(authenticator): State<Arc<Authenticator>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let signed_in = counted(&authenticator, authenticator.signed_in(&parts, clock.now()).await)?;
    let SignedIn { visit, session, credential, .. } = signed_in;
    let id = &session.access_key_id;
    authenticator.begin_event(&parts, &credential, id, "ConsoleLogoutEverywhere")?;
    store.end_console_sessions(&session.account, &session.principal).await?;
    authenticator.note_session_end();
    signed_out(visit.clear_cookie()?)
}

fn signed_out(cookie: axum::http::HeaderValue) -> Result<Response, ApiError> {
    let mut answer = body::json(StatusCode::OK, &json!({})).map_err(ApiError::internal)?;
    answer.headers_mut().insert(SET_COOKIE, cookie);
    Ok(answer)
}

/// Counts a refusal of an unauthenticated request.
fn counted<T>(authenticator: &Authenticator, result: Result<T, ApiError>) -> Result<T, ApiError> {
    result.inspect_err(|refusal| authenticator.count_rejection(refusal))
}

async fn view(
    authenticator: &Authenticator,
    settings: &ApiSettings,
    store: &PgStore,
    signed_in: &SignedIn,
) -> Result<Response, ApiError> {
    let caller = signed_in.caller();
    let principal = &caller.principal;
    if caller.account_state == AccountState::Suspended {
        return Err(SignatureError::Suspended(principal.account.clone()).into());
    }
    let account = store.account(&principal.account).await?;
    let (kind, name) = kind_and_name(principal);
    let session = &signed_in.session;
    let view = SessionView {
        account_id: principal.account.as_str(),
        account_name: account.map(|account| account.name.to_string()),
        arn: principal.arn(),
        kind,
        name,
        access_key_id: &session.access_key_id,
        is_operator: is_operator(settings, &principal.account),
        region: authenticator.default_region().map_or("", Region::as_str),
        regions: settings.regions.iter().map(Region::as_str).collect(),
        api_url: &settings.console.url,
        version: env!("CARGO_PKG_VERSION"),
        expires_at: session.expires.to_string(),
        idle_expires_at: session.idle_until.min(session.expires).to_string(),
        settings: SettingsView { domain: settings.console.domain.as_deref() },
    };
    body::json(StatusCode::OK, &view).map_err(ApiError::internal)
}

/// The kind and the name of a principal.
fn kind_and_name(principal: &Principal) -> (&'static str, String) {
    match &principal.kind {
        PrincipalKind::Root => ("ROOT", "root".to_owned()),
        PrincipalKind::User { name, .. } => ("USER", name.clone()),
        PrincipalKind::RoleSession { role, session, .. } => ("ROLE", format!("{role}/{session}")),
    }
}
