//! Calls of brokers' engines: they are made by provisioners, and waited for here.
//!
//! A request writes down what it wants to know, and looks for the answer whenever the store tells of answers, and now
//! and then anyway. It never speaks to an engine.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use brokerd_domain::{
    Broker, Entropy,
    destination::{EngineAnswer, EngineCall},
};
use brokerd_store::{Channel, EngineCallRequest, PgStore, RequestOutcome, WithdrawnEngineCall};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep, sleep_until, timeout_at},
};
use uuid::Builder;

use crate::{
    auth::Signed,
    http::{error::ApiError, path::PathParams},
};

/// How often to look without being told.
const POLL: Duration = Duration::from_millis(250);
/// How many requests of this process wait at a time; the others wait for them.
const MAX_WAITING: usize = 64;
/// How long the store is listened to after the last request.
const UNLISTEN_DELAY: Duration = Duration::from_secs(30);
/// How long to wait before listening again after that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Those who wait for answers.
pub(crate) struct EngineCalls {
    /// Of no request: what only reads is no change, and its event is recorded as that of any other read.
    store: PgStore,
    entropy: Arc<dyn Entropy>,
    /// How long a call is waited for.
    timeout: Duration,
    turns: Semaphore,
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// How many.
    count: AtomicUsize,
    /// Whether the store is listened to.
    listened: AtomicBool,
    /// Told when there may be answers.
    answered: Notify,
}

impl std::fmt::Debug for EngineCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineCalls").finish_non_exhaustive()
    }
}

/// A call that a request makes.
#[derive(Debug)]
pub(crate) struct EngineRequest<'a> {
    /// The store of the request, which takes the event of what changes something along.
    pub(crate) store: &'a PgStore,
    /// Who asks.
    pub(crate) signed: &'a Signed,
    /// What was asked for.
    pub(crate) path: &'a PathParams,
    /// The broker, as the request has found it.
    pub(crate) broker: &'a Broker,
}

impl EngineCalls {
    /// Nobody waits yet. The store is one without audited calls.
    pub(crate) fn new(store: PgStore, entropy: Arc<dyn Entropy>, timeout: Duration) -> Self {
        let turns = Semaphore::new(MAX_WAITING);
        Self { store, entropy, timeout, turns, waiting: Arc::default() }
    }

    /// Has a provisioner ask the engine, and waits for the answer.
    ///
    /// # Errors
    /// The 404 of a broker that is gone; the 409 of a state in which its engine is not asked, or of a change of which
    /// nobody knows whether it was made; a 503 if nothing was done in time.
    pub(crate) async fn ask(
        &self,
        asked: EngineRequest<'_>,
        call: EngineCall,
    ) -> Result<EngineAnswer, ApiError> {
        let EngineRequest { store, signed, path, broker } = asked;
        broker.check_engine_call()?;
        let until = Instant::now() + self.timeout;
        let turn = timeout_at(until, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(ApiError::busy()) };
        let _waits = self.wait();
        let kind = call.kind();
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let id = Builder::from_random_bytes(random).into_uuid();
        let timeout = until.saturating_duration_since(Instant::now());
        let requested_by = signed.caller.principal().arn();
        let request = EngineCallRequest { id, broker: broker.id, call, requested_by, timeout };
        let writer = if kind.is_write() { store } else { &self.store };
        match writer.request_engine_call(&broker.scope, &request).await? {
            RequestOutcome::Requested => {}
            RequestOutcome::BrokerNotFound => return Err(path.broker_not_found().into()),
            RequestOutcome::TooMany => return Err(ApiError::busy()),
        }
        loop {
            // From here on nothing that is told is missed.
            let answered = self.waiting.answered.notified();
            if let Some(answer) = self.store.take_engine_answer(id).await? {
                return Ok(answer);
            }
            let look = Instant::now() + POLL;
            tokio::select! {
                () = answered => {}
                () = sleep_until(look.min(until)) => {}
            }
            if Instant::now() >= until {
                break;
            }
        }
        match self.store.withdraw_engine_call(id).await? {
            WithdrawnEngineCall::Answered(answer) => Ok(answer),
            WithdrawnEngineCall::Begun => Ok(EngineAnswer::unknown(kind)),
            WithdrawnEngineCall::NotBegun => Err(ApiError::unavailable(
                "The broker was not asked in time; nothing was changed. Try again.",
            )),
            WithdrawnEngineCall::Gone => Err(path.broker_not_found().into()),
        }
    }

    /// Notes that a request waits, and sees to it that the store is listened to.
    fn wait(&self) -> WaitGuard {
        self.waiting.count.fetch_add(1, Ordering::AcqRel);
        if !self.waiting.listened.swap(true, Ordering::AcqRel) {
            tokio::spawn(listen(self.store.clone(), Arc::downgrade(&self.waiting)));
        }
        WaitGuard(Arc::clone(&self.waiting))
    }
}

/// That a request waits.
struct WaitGuard(Arc<Waiting>);

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tells those who wait, until for a while there are none. Whoever comes at the end of that is not told and looks by
/// itself.
async fn listen(store: PgStore, waiting: Weak<Waiting>) {
    let mut end = Instant::now() + UNLISTEN_DELAY;
    while let Some(here) = waiting.upgrade() {
        if here.count.load(Ordering::Acquire) > 0 {
            end = Instant::now() + UNLISTEN_DELAY;
        } else if Instant::now() >= end {
            here.listened.store(false, Ordering::Release);
            return;
        }
        drop(here);
        match store.listen(Channel::EngineAnswers).await {
            Ok(mut listener) => loop {
                let heard = timeout_at(end, listener.wait()).await;
                let Some(here) = waiting.upgrade() else { return };
                here.answered.notify_waiters();
                if here.count.load(Ordering::Acquire) > 0 {
                    end = Instant::now() + UNLISTEN_DELAY;
                } else if heard.is_err() {
                    break;
                }
            },
            Err(error) => {
                tracing::debug!(%error, "not subscribed to answers of engines; polling instead");
                sleep(RETRY).await;
            }
        }
    }
}
