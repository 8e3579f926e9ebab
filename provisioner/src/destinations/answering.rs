//! Who answers calls: claims those of the brokers that this provisioner watches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use brokerd_domain::{
    BrokerId, EngineType, WorkerId,
    destination::{EngineAnswer, EngineCall},
};
use brokerd_store::{Channel, ClaimedEngineCall, PgStore, StoreError};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    activemq, bounds,
    engine::{Engine, Failure},
    rabbitmq, test_message,
};
use crate::{
    metrics::Metrics,
    monitor::Monitor,
    reconcile::{PassContext, WatchedBroker},
};

/// How often to look for calls without being told.
const POLL: Duration = Duration::from_secs(1);
/// How soon to look again for those whose broker is worked on just now, or that have to wait for others.
const SOON: Duration = Duration::from_millis(100);
/// How many calls are made at a time, and how many of one broker: one that hangs must not keep the others waiting.
const AT_A_TIME: usize = 16;
const AT_A_TIME_OF_ONE: usize = 2;
/// How many open calls are looked at.
const MAX_OPEN_CALLS: u32 = 256;
/// How long what only reads may take before somebody else may begin it.
const HOLD: Duration = Duration::from_secs(5);
/// How long storing an answer takes, at most.
const TO_ANSWER: Duration = Duration::from_millis(500);
/// How often old calls are deleted, and how many at a time.
const PRUNED_EVERY: Duration = Duration::from_secs(60);
const PRUNED: u32 = 1000;
/// How long to wait before listening again after that failed.
const RETRY: Duration = Duration::from_secs(5);

/// What it takes to answer calls.
#[derive(Clone)]
pub(crate) struct AnswerContext {
    /// Who this is.
    pub(crate) me: WorkerId,
    /// Where calls and answers are.
    pub(crate) store: PgStore,
    /// Which brokers are watched.
    pub(crate) monitor: Arc<Monitor>,
    /// How to see and ask them.
    pub(crate) context: Arc<PassContext>,
}

/// Answers calls, until cancelled. Those that are under way then are given up.
pub(crate) async fn keep_answering(shared: AnswerContext, shutdown: CancellationToken) {
    let answering = Answering { shared, under_way: Arc::default(), ended: Arc::default() };
    tokio::select! {
        () = answering.run() => {}
        () = shutdown.cancelled() => {}
    }
}

/// The calls that are under way, with their brokers.
type UnderWay = Arc<Mutex<HashMap<Uuid, BrokerId>>>;

struct Answering {
    shared: AnswerContext,
    under_way: UnderWay,
    /// Told when one has ended.
    ended: Arc<Notify>,
}

impl Answering {
    async fn run(self) {
        let mut tasks = JoinSet::new();
        let mut pruned = Instant::now();
        loop {
            let mut listener = match self.shared.store.listen(Channel::EngineCalls).await {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "not subscribed to calls of engines; retried"
                    );
                    sleep(RETRY).await;
                    continue;
                }
            };
            loop {
                while tasks.try_join_next().is_some() {}
                let pause = match self.begin(&mut tasks).await {
                    Ok(true) => SOON,
                    Ok(false) => POLL,
                    Err(error) => {
                        self.failed("calls of engines not claimed; retried", &error);
                        POLL
                    }
                };
                if pruned.elapsed() >= PRUNED_EVERY {
                    pruned = Instant::now();
                    if let Err(error) = self.shared.store.prune_engine_calls(PRUNED).await {
                        self.failed("old calls of engines not deleted; retried", &error);
                    }
                }
                tokio::select! {
                    _ = listener.wait() => {}
                    () = self.ended.notified() => {}
                    () = sleep(pause) => {}
                }
            }
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.shared.context.metrics
    }

    fn failed(&self, what: &str, error: &StoreError) {
        self.metrics().task_failed("destinations");
        tracing::warn!(error = error as &dyn std::error::Error, "{what}");
    }

    /// Begins what there is to begin; whether there is more for this provisioner, soon.
    async fn begin(&self, tasks: &mut JoinSet<()>) -> Result<bool, StoreError> {
        let shared = &self.shared;
        let open = shared.store.open_engine_calls(MAX_OPEN_CALLS).await?;
        self.metrics().task_succeeded("destinations", shared.context.clock.now());
        if open.is_empty() {
            return Ok(false);
        }
        let watched = shared.monitor.watched();
        let mut chosen = Vec::new();
        let mut waits = false;
        {
            let under_way = locked(&self.under_way);
            let mut of_one: HashMap<BrokerId, usize> = HashMap::new();
            for broker in under_way.values() {
                *of_one.entry(*broker).or_default() += 1;
            }
            for call in open.into_iter().filter(|call| !under_way.contains_key(&call.id)) {
                if !watched.contains_key(&call.broker) {
                    // It may be worked on, and be watched again in a moment.
                    waits = true;
                    continue;
                }
                let of_this = of_one.entry(call.broker).or_default();
                if under_way.len() + chosen.len() >= AT_A_TIME || *of_this >= AT_A_TIME_OF_ONE {
                    waits = true;
                    continue;
                }
                *of_this += 1;
                chosen.push(call.id);
            }
        }
        if chosen.is_empty() {
            return Ok(waits);
        }
        for call in shared.store.claim_engine_calls(shared.me, &chosen, HOLD).await? {
            let Some(watched) = watched.get(&call.broker).cloned() else { continue };
            let turn = Turn::begin(self, &call);
            let shared = shared.clone();
            tasks.spawn(async move {
                let _turn = turn;
                answer(&shared, &watched, call).await;
            });
        }
        Ok(waits)
    }
}

fn locked(under_way: &Mutex<HashMap<Uuid, BrokerId>>) -> MutexGuard<'_, HashMap<Uuid, BrokerId>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// That a call is under way.
struct Turn {
    id: Uuid,
    under_way: UnderWay,
    ended: Arc<Notify>,
}

impl Turn {
    fn begin(answering: &Answering, call: &ClaimedEngineCall) -> Self {
        locked(&answering.under_way).insert(call.id, call.broker);
        Self { id: call.id, under_way: answering.under_way.clone(), ended: answering.ended.clone() }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        locked(&self.under_way).remove(&self.id);
        self.ended.notify_one();
    }
}

async fn answer(shared: &AnswerContext, watched: &WatchedBroker, call: ClaimedEngineCall) {
    let kind = call.call.kind();
    let time_limit = call.timeout.saturating_sub(TO_ANSWER);
    let asked = make(&shared.context, watched, call.call.clone(), time_limit);
    let answer = match timeout(time_limit, asked).await {
        Ok(Ok(answer)) => bounds::bounded(answer),
        Ok(Err(failure)) => {
            tracing::debug!(broker = %call.broker, kind = kind.as_str(), ?failure, "call failed");
            failure.answer(kind)
        }
        Err(_) => EngineAnswer::unknown(kind),
    };
    shared.context.metrics.count_engine_call(kind, &answer);
    match shared.store.answer_engine_call(&call, &answer).await {
        Ok(_) => {}
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            broker = %call.broker,
            "answer of an engine not stored"
        ),
    }
}

/// Makes a call.
async fn make(
    context: &PassContext,
    watched: &WatchedBroker,
    call: EngineCall,
    time_limit: Duration,
) -> Result<EngineAnswer, Failure> {
    let until = Instant::now() + time_limit;
    let broker = context.measurable(watched).await;
    let engine = Engine::of(&*context.probe, &broker, until)?;
    let now = context.clock.now();
    match (broker.broker.spec.engine_type, call) {
        (_, EngineCall::Test) => test_message::send(&engine, &broker).await,
        (EngineType::ActiveMq, EngineCall::List(call)) => activemq::list(&engine, call, now).await,
        (EngineType::ActiveMq, EngineCall::Browse(call)) => activemq::browse(&engine, call).await,
        (EngineType::ActiveMq, EngineCall::Publish(call)) => activemq::publish(&engine, call).await,
        (EngineType::ActiveMq, EngineCall::Purge(queue)) => activemq::purge(&engine, queue).await,
        (EngineType::ActiveMq, EngineCall::Delete(destination)) => {
            activemq::delete(&engine, destination).await
        }
        (EngineType::RabbitMq, EngineCall::List(call)) => rabbitmq::list(&engine, &call, now).await,
        (EngineType::RabbitMq, EngineCall::Browse(call)) => rabbitmq::browse(&engine, &call).await,
        (EngineType::RabbitMq, EngineCall::Publish(call)) => rabbitmq::publish(&engine, call).await,
        (EngineType::RabbitMq, EngineCall::Purge(queue)) => rabbitmq::purge(&engine, &queue).await,
        (EngineType::RabbitMq, EngineCall::Delete(queue)) => {
            rabbitmq::delete(&engine, &queue).await
        }
    }
}
