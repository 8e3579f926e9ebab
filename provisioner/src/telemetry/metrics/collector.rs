//! Measures the brokers that this provisioner watches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{BrokerId, EngineType, Timestamp};
use brokerd_store::{PgStore, Sample};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    counters::Counters,
    queue,
    readings::{EnginePage, MeasuredBroker},
    schedule::Schedule,
    scrape::Asker,
    values::values,
};
use crate::{
    metrics::SampleOutcome,
    monitor::Monitor,
    reconcile::{Measurable, PassContext, WatchedBroker},
};

/// How often to look who is due.
const TICK: Duration = Duration::from_secs(1);
/// How many brokers are measured at a time.
const AT_A_TIME: usize = 8;
/// How long one waits for others; the next minute comes soon.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many samples may be on their way to the store.
const ON_THE_WAY: usize = 1000;

/// What it takes to measure brokers.
#[derive(Clone)]
pub(crate) struct CollectorContext {
    /// Which brokers there are.
    pub(crate) monitor: Arc<Monitor>,
    /// How to see them.
    pub(crate) context: Arc<PassContext>,
    /// Where samples go.
    pub(crate) store: PgStore,
}

/// Measures each watched broker once a minute, until cancelled.
pub(crate) async fn collect(shared: CollectorContext, shutdown: CancellationToken) {
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    let (store, clock) = (shared.store.clone(), shared.context.clock.clone());
    let storing = queue::store(receiver, store, clock, shared.context.metrics.clone());
    tokio::select! {
        () = storing => {}
        () = measure_all(shared, sender) => {}
        () = shutdown.cancelled() => {}
    }
}

async fn measure_all(shared: CollectorContext, sender: mpsc::Sender<Sample>) {
    let mut schedule = Schedule::default();
    let mut counters: HashMap<BrokerId, Arc<Mutex<Counters>>> = HashMap::new();
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut measuring = JoinSet::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        while measuring.try_join_next().is_some() {}
        let watched = shared.monitor.watched();
        let due = schedule.due(shared.context.clock.now(), watched.keys().copied());
        counters.retain(|broker, _| schedule.knows(*broker));
        for (broker, at) in due {
            let Some(watched) = watched.get(&broker).cloned() else { continue };
            let counters = counters.entry(broker).or_default().clone();
            let (turns, context, sender) = (turns.clone(), shared.context.clone(), sender.clone());
            measuring.spawn(async move {
                let Ok(Ok(_turn)) = timeout(TIMEOUT, turns.acquire()).await else {
                    context.metrics.count_samples(SampleOutcome::Missed, 1);
                    return;
                };
                let (sample, outcome) = measure(&context, &watched, &counters, at).await;
                context.metrics.count_samples(outcome, 1);
                if !sample.values.is_empty() {
                    // Closed when this process stops.
                    let _ = sender.send(sample).await;
                }
            });
        }
    }
}

async fn measure(
    context: &PassContext,
    watched: &WatchedBroker,
    counters: &Mutex<Counters>,
    at: Timestamp,
) -> (Sample, SampleOutcome) {
    let measurable = context.measurable(watched).await;
    let broker = measured(&measurable);
    let asker = Asker { probe: &*context.probe, runtime: &*context.runtime };
    let readings = asker.ask(&broker, &measurable).await;
    let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
    let values = values(&broker, &readings, measurable.all, &mut counters);
    // The standby of a pair waits for its turn in silence.
    let told = readings.iter().filter(|reading| reading.page != EnginePage::Silent).count();
    let expected = match broker.engine {
        EngineType::ActiveMq => 1,
        EngineType::RabbitMq => usize::from(broker.mode.instances()),
    };
    let outcome = match told {
        0 => SampleOutcome::Silent,
        told if told < expected => SampleOutcome::Partial,
        _ => SampleOutcome::Whole,
    };
    (Sample { broker: broker.id, at, values }, outcome)
}

fn measured(of: &Measurable) -> MeasuredBroker {
    let spec = &of.broker.spec;
    MeasuredBroker {
        id: of.broker.id,
        name: of.broker.name.clone(),
        engine: spec.engine_type,
        version: spec.engine_version,
        mode: spec.deployment_mode,
        connections: match spec.engine_type {
            EngineType::ActiveMq => spec.host_instance_type.wire_connections(),
            EngineType::RabbitMq => 0,
        },
    }
}
