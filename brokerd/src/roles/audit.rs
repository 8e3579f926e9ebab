//! The audit trail of the API: the audit log, the task that writes, retention, metrics.

use std::{
    fmt,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use brokerd_store::{AuditLog, AuditRetention, AuditTrail, PgStore};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Audit, Configuration},
    foundation::Foundation,
    logging::LogFile,
    role::Role,
    supervise::Supervisor,
};

/// How many connections the trail has: one that writes, one that looks for what is incomplete or too old.
const CONNECTIONS: u32 = 2;
/// How long calls that are being answered when the process stops may still leave events.
const LAST_CALLS: Duration = Duration::from_secs(10);
/// How often what is too old or too much is deleted, how many events one statement deletes, and the pause between two.
const PRUNED_EVERY: Duration = Duration::from_mins(15);
const PRUNED_AT_ONCE: u32 = 1000;
const PRUNING_PAUSE: Duration = Duration::from_millis(100);
/// How many bytes are written to the log at once, but for a longer record.
const CHUNK: usize = 256 * 1024;

/// The audit log.
struct AuditLogFile {
    file: Option<LogFile>,
    stdout: bool,
}

impl AuditLogFile {
    /// None: the operator wants none.
    fn open(audit: &Audit) -> anyhow::Result<Option<Self>> {
        let open = |path: &std::path::PathBuf| {
            let limit = u64::from(audit.file_megabytes) * 1_000_000;
            let file = LogFile::open(path, limit, audit.files_kept);
            file.with_context(|| format!("audit.file: can't open {}", path.display()))
        };
        let file = audit.file.as_ref().map(open).transpose()?;
        let is_wanted = file.is_some() || audit.stdout;
        Ok(is_wanted.then_some(Self { file, stdout: audit.stdout }))
    }

    fn write(&self, records: &[String]) -> io::Result<()> {
        let mut chunk = String::new();
        for record in records {
            if !chunk.is_empty() && chunk.len() + record.len() >= CHUNK {
                self.write_chunk(chunk.as_bytes())?;
                chunk.clear();
            }
            chunk.push_str(record);
            chunk.push('\n');
        }
        self.write_chunk(chunk.as_bytes())
    }

    fn write_chunk(&self, chunk: &[u8]) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.clone().write_all(chunk)?;
        }
        if self.stdout {
            let mut stdout = io::stdout().lock();
            stdout.write_all(chunk)?;
            stdout.flush()?;
        }
        Ok(())
    }
}

impl AuditLog for AuditLogFile {
    fn append(&self, records: &[String]) -> io::Result<()> {
        // Whoever reads standard output may be slow, and a disk, too.
        tokio::task::block_in_place(|| self.write(records))
    }
}

/// The trail.
///
/// # Errors
/// When the log file can't be opened.
pub(super) fn trail(foundation: &Foundation) -> anyhow::Result<AuditTrail> {
    let audit = &foundation.configuration.audit;
    let log = AuditLogFile::open(audit)?.map(|log| Box::new(log) as Box<dyn AuditLog>);
    let most = usize::try_from(audit.buffer).unwrap_or(usize::MAX);
    Ok(AuditTrail::new(most, log, Arc::clone(&foundation.clock)))
}

/// Starts to write and to delete. The trail ends when the API has `served` its last call.
pub(super) fn start(
    supervisor: &mut Supervisor,
    trail: &AuditTrail,
    foundation: &Foundation,
    served: &CancellationToken,
    shutdown: &CancellationToken,
) {
    let store = foundation.store.with_own_connections(CONNECTIONS);
    let (writer, served, stop) = (store.clone(), served.clone(), shutdown.clone());
    let trail = trail.clone();
    supervisor.supervise_infallible(Role::Api, shutdown, move || {
        let (trail, store) = (trail.clone(), writer.clone());
        let (served, stop) = (served.clone(), stop.clone());
        async move {
            let over = async {
                stop.cancelled().await;
                drop(timeout(LAST_CALLS, served.cancelled()).await);
            };
            trail.run(&store, over).await;
        }
    });
    let (retention, clock) = (kept(&foundation.configuration), Arc::clone(&foundation.clock));
    let stop = shutdown.clone();
    supervisor.supervise_infallible(Role::Api, shutdown, move || {
        let (store, clock, stop) = (store.clone(), Arc::clone(&clock), stop.clone());
        async move {
            let prune = async {
                loop {
                    prune(&store, retention, clock.now()).await;
                    tokio::time::sleep(PRUNED_EVERY).await;
                }
            };
            tokio::select! {
                () = prune => {}
                () = stop.cancelled() => {}
            }
        }
    });
}

fn kept(configuration: &Configuration) -> AuditRetention {
    let audit = &configuration.audit;
    AuditRetention { age: audit.age(), bytes: u64::from(audit.keep_megabytes) * 1_000_000 }
}

async fn prune(store: &PgStore, retention: AuditRetention, now: brokerd_domain::Timestamp) {
    match retention.prune(store, now, PRUNED_AT_ONCE, PRUNING_PAUSE).await {
        Ok(0) => {}
        Ok(events) => tracing::info!(events, "old audit events deleted"),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "old audit events not deleted; tried again later"
        ),
    }
}

/// Reads the trail's counters when they are scraped.
struct TrailMetrics(AuditTrail);

impl fmt::Debug for TrailMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrailMetrics")
    }
}

impl Collector for TrailMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(trail) = self;
        let waiting = encoder.encode_descriptor(
            "brokerd_audit_waiting_events",
            "Audit events that wait to be written",
            None,
            MetricType::Gauge,
        )?;
        let events = i64::try_from(trail.waiting_events()).unwrap_or(i64::MAX);
        ConstGauge::new(events).encode(waiting)?;
        let mut lost = encoder.encode_descriptor(
            "brokerd_audit_lost_events",
            "Audit events of reads that were lost, and answers of writes that their events do not tell",
            None,
            MetricType::Counter,
        )?;
        for (kind, events) in trail.lost_events() {
            ConstCounter::new(events).encode(lost.encode_family(&[("kind", kind)])?)?;
        }
        let failures = encoder.encode_descriptor(
            "brokerd_audit_log_failures",
            "Writes to the audit log that failed, and are tried again",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(trail.log_failures()).encode(failures)
    }
}

/// Registers the metrics of this trail.
pub(super) fn register(registry: &mut Registry, trail: &AuditTrail) {
    registry.register_collector(Box::new(TrailMetrics(trail.clone())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemClock;

    #[test]
    fn the_metrics_tell_how_many_events_wait_and_are_lost() {
        let mut registry = Registry::default();
        register(&mut registry, &AuditTrail::new(1, None, Arc::new(SystemClock)));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        for line in [
            "brokerd_audit_waiting_events 0",
            "brokerd_audit_lost_events_total{kind=\"read\"} 0",
            "brokerd_audit_lost_events_total{kind=\"write\"} 0",
            "brokerd_audit_log_failures_total 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_log_has_each_event_on_a_line_of_its_own() {
        let path = std::env::temp_dir().join(format!("brokerd-audit-{}", std::process::id()));
        let audit = Audit { file: Some(path.clone()), ..Audit::default() };
        let log = AuditLogFile::open(&audit).expect("opened").expect("wanted");
        let long = "x".repeat(CHUNK);
        log.write(&["{}".to_owned(), long.clone(), "[]".to_owned()]).expect("written");
        log.write(&["7".to_owned()]).expect("written");
        let text = std::fs::read_to_string(&path).expect("text");
        let _ = std::fs::remove_file(&path);
        assert_eq!(text, format!("{{}}\n{long}\n[]\n7\n"));
        assert!(AuditLogFile::open(&Audit::default()).expect("nothing to open").is_none());
    }
}
