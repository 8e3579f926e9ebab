//! What the provisioner counts.

use brokerd_domain::{
    CapacityUse, DownLink, FaultKind, HostCapacity, Timestamp,
    destination::{EngineAnswer, EngineCallKind, RefusalKind},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

mod task_health;

pub use task_health::{TaskDown, TaskHealth};

/// How a pass ended, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    /// See [`brokerd_domain::VerdictKind`].
    Converged,
    /// See [`brokerd_domain::VerdictKind`].
    Progressing,
    /// See [`brokerd_domain::VerdictKind`].
    Blocked,
    /// See [`brokerd_domain::VerdictKind`].
    Failed,
    /// The lease was lost.
    LeaseLost,
    /// The store did not answer.
    StoreError,
    /// brokerd itself failed.
    Panicked,
}

/// Labels of passes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PassLabels {
    /// How it ended.
    pub outcome: Outcome,
}

/// Whether a step worked, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum StepOutcome {
    /// It did.
    Done,
    /// It may the next time.
    Transient,
    /// An operator has to act first.
    Blocked,
    /// It never will.
    Rejected,
}

/// Labels of steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StepLabels {
    /// Whether it worked.
    pub outcome: StepOutcome,
}

/// What a link is, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum LinkKind {
    /// A network connector of ActiveMQ.
    NetworkConnector,
    /// A shovel of RabbitMQ.
    Shovel,
    /// A federation link of RabbitMQ.
    Federation,
}

impl LinkKind {
    const ALL: [Self; 3] = [Self::NetworkConnector, Self::Shovel, Self::Federation];
}

/// Labels of links.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LinkLabels {
    /// What it is.
    pub kind: LinkKind,
}

/// Labels of faults.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FaultLabels {
    /// The name of its kind.
    pub kind: &'static str,
}

/// Labels of memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CapacityLabels {
    /// What it is.
    pub state: &'static str,
}

/// What became of a sample of a broker, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum SampleOutcome {
    /// Every engine of the broker answered.
    Whole,
    /// One did not.
    Partial,
    /// None did; there are figures of its containers, maybe.
    Silent,
    /// It was not taken, because others took too long.
    Missed,
    /// It was not stored.
    Lost,
}

impl SampleOutcome {
    const ALL: [Self; 5] = [Self::Whole, Self::Partial, Self::Silent, Self::Missed, Self::Lost];
}

/// What came of a call of an engine, as labels have it.
const CALL_OUTCOMES: [&str; 4] = ["answered", "refused", "unavailable", "unknown"];

/// Labels of calls of engines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EngineCallLabels {
    /// The kind of the call.
    pub kind: &'static str,
    /// What came of it.
    pub outcome: &'static str,
}

/// Labels of samples.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SampleLabels {
    /// What became of it.
    pub outcome: SampleOutcome,
}

/// Labels of background tasks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TaskLabels {
    /// Its name.
    pub task: &'static str,
}

/// What the provisioner counts.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Passes by how they ended.
    pub passes: Family<PassLabels, Counter>,
    /// Seconds a pass took.
    pub pass_seconds: Histogram,
    /// Steps by whether they worked.
    pub steps: Family<StepLabels, Counter>,
    /// Restarts of engines that ended or hung.
    pub engine_restarts: Counter,
    /// Times that a standby took over.
    pub failovers: Counter,
    /// Orphans removed from the runtime.
    pub orphans_removed: Counter,
    /// Injected faults that started, by kind.
    pub faults: Family<FaultLabels, Counter>,
    /// Links from broker to broker that came to be down.
    pub links_lost: Family<LinkLabels, Counter>,
    /// Brokers that are watched.
    pub watched: Gauge,
    /// Looks at watched brokers.
    pub observations: Counter,
    /// Times that this process itself was late, so that silence proved nothing.
    pub stalls: Counter,
    /// Bytes of memory by what they are: what instances may use together, what of it is granted, what is waited for.
    pub host_capacity: Family<CapacityLabels, Gauge>,
    /// Creations that wait for memory.
    pub waiting_for_memory: Gauge,
    /// Samples of brokers' metrics by what became of them.
    pub samples: Family<SampleLabels, Counter>,
    /// Calls of engines for requests by their kind and what came of them.
    pub engine_calls: Family<EngineCallLabels, Counter>,
    /// When background tasks last did what they are for, in seconds since 1970.
    pub task_success: Family<TaskLabels, Gauge>,
    /// Times that background tasks ended, or panicked, and were started again.
    pub task_restarts: Family<TaskLabels, Counter>,
    /// Which background tasks stay down.
    pub task_health: TaskHealth,
}

impl Metrics {
    /// Makes them and tells the registry; every series exists from the start, at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            passes: Family::default(),
            pass_seconds: Histogram::new(exponential_buckets(0.001, 4.0, 9)),
            steps: Family::default(),
            engine_restarts: Counter::default(),
            failovers: Counter::default(),
            orphans_removed: Counter::default(),
            faults: Family::default(),
            links_lost: Family::default(),
            watched: Gauge::default(),
            observations: Counter::default(),
            stalls: Counter::default(),
            host_capacity: Family::default(),
            waiting_for_memory: Gauge::default(),
            samples: Family::default(),
            engine_calls: Family::default(),
            task_success: Family::default(),
            task_restarts: Family::default(),
            task_health: TaskHealth::default(),
        };
        for kind in LinkKind::ALL {
            let _ = metrics.links_lost.get_or_create(&LinkLabels { kind });
        }
        for kind in EngineCallKind::ALL.map(EngineCallKind::as_str) {
            for outcome in CALL_OUTCOMES {
                let _ = metrics.engine_calls.get_or_create(&EngineCallLabels { kind, outcome });
            }
        }
        for outcome in SampleOutcome::ALL {
            let _ = metrics.samples.get_or_create(&SampleLabels { outcome });
        }
        for kind in FaultKind::ALL {
            let _ = metrics.faults.get_or_create(&FaultLabels { kind: kind.as_str() });
        }
        for outcome in [
            Outcome::Converged,
            Outcome::Progressing,
            Outcome::Blocked,
            Outcome::Failed,
            Outcome::LeaseLost,
            Outcome::StoreError,
            Outcome::Panicked,
        ] {
            let _ = metrics.passes.get_or_create(&PassLabels { outcome });
        }
        for outcome in
            [StepOutcome::Done, StepOutcome::Transient, StepOutcome::Blocked, StepOutcome::Rejected]
        {
            let _ = metrics.steps.get_or_create(&StepLabels { outcome });
        }
        registry.register(
            "brokerd_task_last_success_seconds",
            "When a background task last did what it is for, in seconds since 1970",
            metrics.task_success.clone(),
        );
        registry.register(
            "brokerd_task_restarts",
            "Times that a background task ended or panicked and was started again",
            metrics.task_restarts.clone(),
        );
        let registry = registry.sub_registry_with_prefix("brokerd_provisioner");
        registry.register("passes", "Passes by how they ended", metrics.passes.clone());
        registry.register("pass_seconds", "Seconds a pass took", metrics.pass_seconds.clone());
        registry.register("steps", "Steps by whether they worked", metrics.steps.clone());
        registry.register(
            "engine_restarts",
            "Restarts of engines that ended or hung",
            metrics.engine_restarts.clone(),
        );
        registry.register(
            "failovers",
            "Times that the standby of a pair took over",
            metrics.failovers.clone(),
        );
        registry.register(
            "orphans_removed",
            "Orphans removed from the runtime",
            metrics.orphans_removed.clone(),
        );
        registry.register(
            "faults",
            "Injected faults that started, by kind",
            metrics.faults.clone(),
        );
        registry.register(
            "links_lost",
            "Links from broker to broker that came to be down, by kind",
            metrics.links_lost.clone(),
        );
        registry.register("watched", "Brokers that are watched", metrics.watched.clone());
        registry.register(
            "memory_bytes",
            "Memory that instances may use together, that is granted, and that creations wait for",
            metrics.host_capacity.clone(),
        );
        registry.register(
            "waiting_for_memory",
            "Creations that wait until there is memory for them",
            metrics.waiting_for_memory.clone(),
        );
        registry.register(
            "observations",
            "Observations of watched brokers by the monitor",
            metrics.observations.clone(),
        );
        registry.register(
            "samples",
            "Samples of brokers' metrics by what became of them",
            metrics.samples.clone(),
        );
        registry.register(
            "engine_calls",
            "Calls of engines for requests, by kind and by what came of them",
            metrics.engine_calls.clone(),
        );
        registry.register(
            "stalls",
            "Times that this process was delayed, so that silence of engines proved nothing",
            metrics.stalls.clone(),
        );
        metrics
    }

    /// Counts the links that are down now and were not before.
    pub(crate) fn count_links(&self, before: &[DownLink], after: &[DownLink]) {
        let news = after.iter().filter(|link| !before.iter().any(|other| other.link == link.link));
        for link in news {
            self.links_lost.get_or_create(&LinkLabels { kind: kind(link) }).inc();
        }
    }

    /// Sets how the memory of the host is used.
    pub fn set_host_capacity(&self, host_capacity: &HostCapacity, used: CapacityUse) {
        let bytes = |state: &'static str, bytes: u64| {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.host_capacity.get_or_create(&CapacityLabels { state }).set(bytes);
        };
        bytes("usable", host_capacity.memory_bytes);
        bytes("reserved", used.granted_bytes);
        bytes("waiting", used.waiting_bytes);
        self.waiting_for_memory.set(i64::try_from(used.waiting).unwrap_or(i64::MAX));
    }

    /// Notes that a background task has done what it is for.
    pub(crate) fn task_succeeded(&self, task: &'static str, now: Timestamp) {
        self.task_success.get_or_create(&TaskLabels { task }).set(now.as_seconds());
        self.task_health.succeeded(task);
    }

    /// Notes that a background task could not do what it is for.
    pub(crate) fn task_failed(&self, task: &'static str) {
        self.task_health.failed(task, "failed");
    }

    /// Notes that a background task is over, and how, and is started again.
    pub(crate) fn task_restarted(&self, task: &'static str, how: &'static str) {
        self.task_restarts.get_or_create(&TaskLabels { task }).inc();
        self.task_health.failed(task, how);
    }

    /// Counts samples.
    pub(crate) fn count_samples(&self, outcome: SampleOutcome, count: u64) {
        self.samples.get_or_create(&SampleLabels { outcome }).inc_by(count);
    }

    /// Counts a call of an engine.
    pub(crate) fn count_engine_call(&self, kind: EngineCallKind, answer: &EngineAnswer) {
        let [answered, refused, unavailable, unknown] = CALL_OUTCOMES;
        let outcome = match answer {
            EngineAnswer::Refused(refusal) => match refusal.kind {
                RefusalKind::NotFound | RefusalKind::BadRequest | RefusalKind::Conflict => refused,
                RefusalKind::Unavailable => unavailable,
                RefusalKind::Unknown => unknown,
            },
            _ => answered,
        };
        let labels = EngineCallLabels { kind: kind.as_str(), outcome };
        self.engine_calls.get_or_create(&labels).inc();
    }

    /// Counts a fault that has started.
    pub(crate) fn count_fault(&self, kind: FaultKind) {
        self.faults.get_or_create(&FaultLabels { kind: kind.as_str() }).inc();
    }
}

/// The kind of a link, by the words of its report.
fn kind(link: &DownLink) -> LinkKind {
    match link.link.split(' ').next() {
        Some("shovel") => LinkKind::Shovel,
        Some("federation") => LinkKind::Federation,
        _ => LinkKind::NetworkConnector,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_counted_once_by_what_they_are() {
        let metrics = Metrics::register(&mut Registry::default());
        let link = |link: &str| DownLink { link: link.to_owned(), why: "refused".to_owned() };
        let (connector, shovel, upstream) = (
            link("network connector hub"),
            link("shovel a in /"),
            link("federation upstream u of q in /"),
        );
        metrics.count_links(&[], &[connector.clone(), shovel.clone()]);
        metrics.count_links(&[connector.clone(), shovel], &[connector, upstream]);
        for kind in LinkKind::ALL {
            let lost = metrics.links_lost.get_or_create(&LinkLabels { kind }).get();
            assert_eq!(lost, 1, "{kind:?}");
        }
    }
}
