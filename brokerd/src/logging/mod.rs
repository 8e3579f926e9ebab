//! Where log lines go.

mod log_file;

use anyhow::Context as _;
use brokerd_provisioner::reconcile::TRACE_TARGET;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt::writer::BoxMakeWriter,
    layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

pub(crate) use self::log_file::LogFile;
use crate::config::{Configuration, LogFormat};

/// Where the span of a request is made.
const REQUESTS: &str = "brokerd_api::observe";

/// The spans that are traced, whatever the log shows. Events are for the log.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && [REQUESTS, TRACE_TARGET].contains(&metadata.target())
}

/// Sends log lines to standard error, or to the configured file, and spans to `tracer`, if there is one.
///
/// # Errors
/// When the file can't be opened.
pub(crate) fn start(
    configuration: &Configuration,
    tracer: Option<SdkTracer>,
) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&configuration.log.filter).context("log.filter")?;
    let log = &configuration.log;
    let writer = match &log.file {
        None => BoxMakeWriter::new(std::io::stderr),
        Some(path) => {
            let limit = u64::from(log.file_megabytes) * 1_000_000;
            let file = LogFile::open(path, limit, log.files_kept);
            BoxMakeWriter::new(
                file.with_context(|| format!("log.file: can't open {}", path.display()))?,
            )
        }
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match configuration.log.format {
        LogFormat::Text => {
            let colours =
                log.file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_ansi(colours).with_filter(filter).boxed()
        }
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let spans = tracer.map(|tracer| {
        let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_threads(false);
        layer.with_filter(filter_fn(is_traced))
    });
    let started = tracing_subscriber::registry().with(lines).with(spans).try_init();
    started.context("can't start logging")
}
