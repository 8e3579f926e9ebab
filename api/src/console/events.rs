//! What changes, as server-sent events: a page of the console has one stream for as long as it is open.
//!
//! Source: "Server-sent events" of the HTML standard.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use brokerd_domain::{Clock, Scope, identity::AccountState};
use brokerd_store::{BrokerChange, ConsoleTokenHash};
use futures_util::stream;
use serde_json::json;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};

use super::{
    assets,
    hub::{BrokerHub, BrokerNotice, Subscription},
};
use crate::{
    auth::{Authenticator, wants_page},
    caller::Caller,
    http::error::ApiError,
};

/// Streams of one session at a time, at one process.
const MAX_STREAMS: u32 = 8;
/// How often a comment shows that the stream is there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// How often a stream checks that its session still exists. A session that ends in this process is known at once.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// The permission that a stream needs, because its events name brokers.
const LISTS: &str = "mq:ListBrokers";

/// How many streams each session has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<ConsoleTokenHash, u32>>>);

/// A permit for a stream.
struct Place {
    streams: Streams,
    session: ConsoleTokenHash,
}

impl Streams {
    /// Takes a permit, if one is left.
    fn take(&self, session: ConsoleTokenHash) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(session).or_default();
        if *count >= MAX_STREAMS {
            return None;
        }
        *count += 1;
        Some(Place { streams: self.clone(), session })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.session);
            }
        }
    }
}

/// StreamConsoleEvents: changes of the brokers of an account in a region.
pub(crate) async fn stream_events(
    State(authenticator): State<Arc<Authenticator>>,
    State(clock): State<Arc<dyn Clock>>,
    State(hub): State<Arc<BrokerHub>>,
    State(streams): State<Streams>,
    request: Request,
) -> Result<Response, ApiError> {
    if wants_page(&request) {
        return Ok(assets::index());
    }
    let (parts, _) = request.into_parts();
    let now = clock.now();
    let signed_in = authenticator.signed_in(&parts, now).await;
    let signed_in = signed_in.inspect_err(|refusal| authenticator.count_rejection(refusal))?;
    let caller = authenticator.console_caller(&parts, &signed_in, now)?;
    let place = streams.take(signed_in.token).ok_or_else(|| {
        ApiError::named(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            "The session has reached the maximum number of event streams.",
        )
    })?;
    let scope =
        Scope { account: caller.account().clone(), region: caller.environment.region.clone() };
    let page = Page {
        may_list: may_list(&caller) && signed_in.caller().account_state == AccountState::Active,
        // Subscribed before the first event, so that no change is missed.
        subscription: hub.subscribe(),
        session_ends: authenticator.session_ends(),
        authenticator,
        clock,
        caller,
        scope,
        token: signed_in.token,
        waiting: VecDeque::new(),
        is_ready: false,
        is_over: false,
        checked: Instant::now(),
        _place: place,
    };
    let events = stream::unfold(page, |mut page| async move {
        let event = page.next().await?;
        Some((Ok::<_, Infallible>(event), page))
    });
    let kept = KeepAlive::new().interval(KEEPALIVE_INTERVAL);
    let mut answer = Sse::new(events).keep_alive(kept).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that buffer answers pass this one on at once.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(answer)
}

fn may_list(caller: &Caller) -> bool {
    caller.check(LISTS, "*", |_| {}).is_ok()
}

/// A page that receives changes.
struct Page {
    authenticator: Arc<Authenticator>,
    clock: Arc<dyn Clock>,
    caller: Caller,
    scope: Scope,
    token: ConsoleTokenHash,
    may_list: bool,
    subscription: Subscription,
    session_ends: tokio::sync::watch::Receiver<u64>,
    waiting: VecDeque<Event>,
    is_ready: bool,
    is_over: bool,
    /// When the session was last checked.
    checked: Instant,
    _place: Place,
}

impl Page {
    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        if !self.is_ready {
            self.subscription.ready().await;
            self.is_ready = true;
            return Some(event("hello", &json!({"version": env!("CARGO_PKG_VERSION")})));
        }
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            tokio::select! {
                told = self.subscription.told.recv() => self.hear(told),
                _ = self.session_ends.changed() => self.check().await,
                () = sleep_until(self.checked + CHECK_INTERVAL) => self.check().await,
            }
        }
    }

    fn hear(&mut self, told: Result<BrokerNotice, RecvError>) {
        match told {
            Ok(BrokerNotice::Changed(changes)) if self.may_list => {
                let ours = changes.iter().filter(|change| change.scope == self.scope);
                self.waiting.extend(ours.map(changed));
            }
            Ok(BrokerNotice::Changed(_)) => {}
            Ok(BrokerNotice::Lagged) | Err(RecvError::Lagged(_)) => {
                self.waiting.push_back(event("lost", &json!({})));
            }
            Err(RecvError::Closed) => self.is_over = true,
        }
    }

    /// Ends the stream if its session has ended, and checks again whether the caller may list brokers.
    async fn check(&mut self) {
        self.checked = Instant::now();
        let now = self.clock.now();
        match self.authenticator.still_signed_in(&self.token, now).await {
            Ok(Some(credential)) if credential.caller().account_state == AccountState::Active => {
                self.caller = self.caller.as_of(Arc::clone(credential.caller()), now);
                self.may_list = may_list(&self.caller);
            }
            Ok(_) => {
                self.waiting.push_back(event("signed-out", &json!({})));
                self.is_over = true;
            }
            Err(error) => tracing::debug!(?error, "session not checked; tried again"),
        }
    }
}

fn changed(change: &BrokerChange) -> Event {
    let kind = if change.is_removed { "REMOVED" } else { "CHANGED" };
    event("broker", &json!({"brokerId": change.broker.to_string(), "change": kind}))
}

fn event(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
