//! Sessions of the web console: the same principals as by signature, known by a cookie.
//!
//! A session remembers the access key by which it began, and nothing of what its holder may do. Each request looks the
//! key up as if it had signed, so that whatever ends or limits a key does the same to its sessions.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{StatusCode, request::Parts};
use brokerd_domain::{ClientNetwork, Region};
use brokerd_store::{ConsoleSession, ConsoleToken, ConsoleTokenHash, PgStore};
use secrecy::SecretString;
use tokio::sync::watch;

use super::{
    browser::{Site, Visit},
    credentials::Credential,
    error::{FAILED_SIGN_IN, NO_SESSION},
};
use crate::{
    http::{error::ApiError, throttle::Throttle},
    settings::ApiSettings,
};

/// Most sessions that are remembered to be there.
const MAX_KNOWN_SESSIONS: usize = 4096;
/// Sign-ins that a sender may try at once, and every second after that. Those that succeed are not counted.
const SIGN_IN_BURST: u32 = 10;
const SIGN_IN_RATE: u32 = 1;
/// Estimates of cost that a sender may ask for at once, and every second after that.
const CALCULATION_BURST: u32 = 50;
const CALCULATION_RATE: u32 = 10;

/// The state of console sessions, besides access keys.
pub(crate) struct Console {
    site: Option<Site>,
    /// Not audited, because the use of a session is not a call.
    pub(super) store: PgStore,
    pub(super) idle: Duration,
    pub(super) longest: Duration,
    pub(super) region: Option<Region>,
    /// Sessions that were there. Looking them up again costs their senders nothing: there may be many behind one
    /// address.
    known: Mutex<HashSet<ConsoleTokenHash>>,
    /// The senders' allowances for sign-ins that fail.
    pub(super) sign_ins: Throttle<ClientNetwork>,
    /// The senders' allowances for estimates of cost, for which nobody has to sign in.
    pub(super) calculations: Throttle<ClientNetwork>,
    /// Counts what ends sessions in this process.
    pub(super) ends: watch::Sender<u64>,
}

impl Console {
    pub(crate) fn new(settings: &ApiSettings, store: PgStore) -> Self {
        let console = &settings.console;
        Self {
            site: Site::of(&console.url),
            store,
            idle: console.idle,
            longest: console.longest,
            region: console.region.clone().or_else(|| settings.regions.iter().next().cloned()),
            known: Mutex::default(),
            sign_ins: Throttle::new(SIGN_IN_BURST, SIGN_IN_RATE),
            calculations: Throttle::new(CALCULATION_BURST, CALCULATION_RATE),
            ends: watch::Sender::new(0),
        }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, HashSet<ConsoleTokenHash>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_known(&self, token: ConsoleTokenHash) {
        let mut known = self.known();
        if known.len() >= MAX_KNOWN_SESSIONS {
            known.clear();
        }
        known.insert(token);
    }

    pub(super) fn visit(&self, parts: &Parts) -> Result<Visit, ApiError> {
        let site = self.site.as_ref();
        site.ok_or_else(|| ApiError::internal("the URL of the API is none"))?.visit(parts)
    }
}

/// A request with a valid session.
pub(crate) struct SignedIn {
    pub(crate) visit: Visit,
    pub(crate) token: ConsoleTokenHash,
    pub(crate) session: ConsoleSession,
    pub(crate) credential: Arc<Credential>,
}

impl SignedIn {
    /// The caller of the session.
    pub(crate) fn caller(&self) -> &brokerd_store::Caller {
        self.credential.caller()
    }
}

/// The credentials of a sign-in.
pub(crate) enum SignIn {
    /// An access key, and the session token if it is temporary.
    Key { id: String, secret: SecretString, token: Option<SecretString> },
    /// A one-time link.
    Link(ConsoleToken),
}

/// The 401 of a request without a console session, or with one that has ended.
pub(super) fn no_session() -> ApiError {
    let message = "There is no session, or it has ended. Sign in.";
    ApiError::named(StatusCode::UNAUTHORIZED, "UnauthorizedException", message)
        .because_of_authentication(NO_SESSION)
}

/// The 401 of a failed sign-in. It does not tell which part was wrong.
pub(super) fn failed_sign_in(what: &SignIn) -> ApiError {
    let message = match what {
        SignIn::Key { .. } => "The access key and its secret can't be used to sign in.",
        SignIn::Link(_) => "The link was used before, or it has ended. Links last a minute.",
    };
    ApiError::named(StatusCode::UNAUTHORIZED, "UnauthorizedException", message)
        .because_of_authentication(FAILED_SIGN_IN)
}
