//! `brokerd serve` and `brokerd gateway`: serve until a signal.

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Configuration,
    descriptors::Descriptors,
    logging,
    role::Role,
    roles,
    service_manager::ServiceManager,
    supervise::{Metrics, Supervisor},
    telemetry::Traces,
};

/// Serves these roles until SIGTERM or SIGINT.
///
/// # Errors
/// What is wrong at the start. A role that fails later is restarted.
pub(crate) async fn run(
    configuration: Configuration,
    roles: &[Role],
    manager: ServiceManager,
) -> anyhow::Result<()> {
    let traces = Traces::begin(&configuration, roles).context("otlp.endpoint")?;
    logging::start(&configuration, traces.as_ref().map(Traces::tracer))?;
    let descriptors = Descriptors::raise();
    let shutdown = stop_on_signals()?;
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"), roles = names.join(","),
        installation = %configuration.installation, data_dir = %configuration.data_dir.display(),
        "brokerd starts"
    );
    tokio::spawn(manager.clone().notify_watchdog(shutdown.clone()));
    manager.status("starting");
    let mut registry = Registry::default();
    let mut supervisor = Supervisor::new(Metrics::register(&mut registry));
    let starting =
        roles::start(&mut supervisor, registry, configuration, roles, descriptors, &shutdown);
    let started = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(()),
        started = starting => started,
    };
    if let Err(error) = started {
        supervisor.abort(&shutdown).await;
        return Err(error);
    }
    if !shutdown.is_cancelled() {
        tracing::info!(roles = names.join(","), "brokerd serves");
        manager.ready();
        manager.status("serving");
    }
    let stopping = shutdown.clone();
    tokio::spawn(async move {
        stopping.cancelled().await;
        manager.stopping();
    });
    let stopped = supervisor.until_stopped(shutdown).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    stopped
}

/// A token that the first SIGTERM or SIGINT cancels; the second ends the process at once.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("can't handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("can't handle SIGINT")?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if token.is_cancelled() {
                tracing::warn!(signal = name, "stopping at once");
                std::process::exit(130);
            }
            tracing::info!(signal = name, "stopping");
            token.cancel();
        }
    });
    Ok(shutdown)
}
