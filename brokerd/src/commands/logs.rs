//! `brokerd logs`: exports the logs of brokers.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use brokerd_domain::{
    Clock as _, Region, Scope, Timestamp,
    log::{EventId, FilterPattern, LogGroupName},
};
use brokerd_store::{LogRange, PgStore, StreamChoice};
use clap::{Args, Subcommand};
use serde_json::json;

use super::account;
use crate::{
    config::Configuration,
    foundation::{connect_once, master_keys},
    system::SystemClock,
};

/// How many events are read at once.
const READ: u32 = 5000;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum LogsCommand {
    /// Write the events of a log group, oldest first: a line each, with its time and stream
    Export(ExportFlags),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ExportFlags {
    /// The log group, such as /aws/amazonmq/broker/b-…/general
    group: String,
    /// The account that has it, its number or name; that of the configuration unless given
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// The region that it is in; that of the configuration unless given
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
    /// Events from then on, such as 2026-09-30T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,
    /// Events before then
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,
    /// Events that a filter pattern of CloudWatch Logs chooses
    #[arg(long, value_name = "PATTERN", default_value = "")]
    filter: String,
    /// Each event as an object of JSON
    #[arg(long)]
    json: bool,
    /// The file that is written; standard output unless given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    let parsed: jiff::Timestamp =
        text.parse().map_err(|_| "a time such as 2026-09-30T12:00:00Z".to_owned())?;
    Ok(Timestamp::from_micros(parsed.as_microsecond()))
}

/// Runs `brokerd logs`.
///
/// # Errors
/// An error whose text is shown to the user.
pub(crate) async fn run(command: LogsCommand, configuration: &Configuration) -> anyhow::Result<()> {
    let LogsCommand::Export(flags) = command;
    let pattern = FilterPattern::parse(&flags.filter)?;
    let group = LogGroupName::parse(&flags.group)?;
    let keys = master_keys::load(configuration, None)?;
    let store = connect_once(configuration, &keys).await?;
    let account = flags.account.as_deref().unwrap_or(configuration.account.as_str());
    let account = account::find(&store, account).await?.id;
    let region = flags.region.clone().unwrap_or_else(|| configuration.region.clone());
    let scope = Scope { account, region };
    match &flags.output {
        None => export(&store, &scope, &group, &pattern, &flags, io::stdout().lock()).await,
        Some(path) => {
            let file =
                File::create(path).with_context(|| format!("can't write {}", path.display()))?;
            export(&store, &scope, &group, &pattern, &flags, file).await
        }
    }
}

async fn export(
    store: &PgStore,
    scope: &Scope,
    group: &LogGroupName,
    pattern: &FilterPattern,
    flags: &ExportFlags,
    output: impl Write,
) -> anyhow::Result<()> {
    let mut output = BufWriter::new(output);
    let range = LogRange {
        from: flags.from.unwrap_or(LogRange::ALL.from),
        to: flags.to.unwrap_or(LogRange::ALL.to),
    };
    let (all, mut after) = (StreamChoice::Beginning(""), EventId::FIRST);
    loop {
        let now = SystemClock.now();
        let found = store.scan_log_events(scope, group, all, range, after, READ, now).await?;
        let Some(found) = found else {
            bail!("the account {} has no log group {group} in {}", scope.account, scope.region);
        };
        for event in &found.events {
            if !pattern.matches(&event.message) {
                continue;
            }
            let stream = found.streams.get(&event.id.stream).map_or("", String::as_str);
            if flags.json {
                let line = json!({
                    "timestamp": event.id.at.to_string(),
                    "logStreamName": stream,
                    "message": event.message,
                    "eventId": event.id.to_string(),
                });
                writeln!(output, "{line}")
            } else {
                writeln!(output, "{} {stream} {}", event.id.at, event.message)
            }
            .context("can't write the events")?;
        }
        match found.events.last() {
            Some(last) if found.events.len() >= usize::try_from(READ).unwrap_or(usize::MAX) => {
                after = last.id;
            }
            _ => return output.flush().context("can't write the events"),
        }
    }
}
