//! Where log lines go.

mod log_file;

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter};

pub(crate) use self::log_file::LogFile;
use crate::config::{Configuration, LogFormat};

/// Sends log lines to standard error, or to the configured file.
///
/// # Errors
/// When the file can't be opened.
pub(crate) fn start(configuration: &Configuration) -> anyhow::Result<()> {
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
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match configuration.log.format {
        LogFormat::Text => {
            let colours =
                log.file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
            builder.with_ansi(colours).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(anyhow::Error::from_boxed).context("can't start logging")
}
