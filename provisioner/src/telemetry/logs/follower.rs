//! Follows the output of one container.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{
    Timestamp,
    instance::RuntimeId,
    log::{Dropped, LineBudget, LogCategory, LogSource, classify},
};
use brokerd_store::{FollowedBroker, LogBatch, NewLogEvent, PgStore, ReadPosition, StoreError};
use futures_util::StreamExt as _;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    resume::{Line, Resume},
    writer::Writer,
};
use crate::runtime::{LogLine, Runtime, RuntimeError};

/// How long lines are gathered before they are stored.
const FLUSH_INTERVAL: Duration = Duration::from_millis(400);
/// How many lines are stored at once.
const MAX_LINES: usize = 500;
/// How much of what was read is told again, in nanoseconds: the two outputs are not in order with each other.
const MARGIN: i64 = 2_000_000_000;
/// What stands for lines that nobody has read in time.
const LOST: &str =
    "brokerd: lines were lost here: the container's output was rotated before they were read";

/// Why a follower ended that was not at the end.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// The runtime did not tell on.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// How far it was read is not known.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else reads the same output.
    #[error("another provisioner reads this output")]
    Superseded,
}

/// The output of a container, of which lines become events of its broker's logs.
pub(super) struct Follower {
    pub(super) store: PgStore,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) writer: Writer,
    pub(super) broker: watch::Receiver<FollowedBroker>,
    /// That of all instances of the broker.
    pub(super) budget: Arc<Mutex<LineBudget>>,
    pub(super) ordinal: u8,
    pub(super) container: RuntimeId,
    pub(super) stop: CancellationToken,
}

/// Lines that are read and not stored yet.
#[derive(Default)]
struct Pending {
    events: Vec<NewLogEvent>,
    lines: usize,
    dropped: BTreeMap<Dropped, (u64, u64)>,
    last_at: i64,
}

impl Follower {
    /// Reads until the container has ended and all of it is stored, or it is to stop.
    ///
    /// # Errors
    /// [`FollowError`]: it is to begin anew.
    pub(super) async fn run(mut self) -> Result<(), FollowError> {
        let known = self.store.log_position(&self.container.0).await?;
        let (mut version, mut position) = known.unwrap_or_default();
        // What is published is there from the beginning, also if nothing is printed for long.
        self.flush(&mut Pending::default(), &mut version, &position).await?;
        let mut resume = Resume::at(&position);
        let since = since(&position);
        let mut lines = self.runtime.logs(&self.container, since, true).await?;
        let mut pending = Pending::default();
        let mut due = Instant::now();
        loop {
            tokio::select! {
                line = lines.next() => {
                    let Some(line) = line else { break };
                    let line = match line {
                        Ok(line) => line,
                        Err(error) => {
                            self.flush(&mut pending, &mut version, &position).await?;
                            return Err(error.into());
                        }
                    };
                    let found = resume.next(line.source, line.at);
                    if found == Line::Old {
                        continue;
                    }
                    if pending.lines == 0 {
                        due = Instant::now() + FLUSH_INTERVAL;
                    }
                    self.take(&line, found == Line::AfterGap, &mut pending, &mut position);
                    if pending.lines >= MAX_LINES {
                        self.flush(&mut pending, &mut version, &position).await?;
                    }
                }
                () = sleep_until(due), if pending.lines > 0 => {
                    self.flush(&mut pending, &mut version, &position).await?;
                }
                changed = self.broker.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.flush(&mut pending, &mut version, &position).await?;
                }
                () = self.stop.cancelled() => break,
            }
        }
        if pending.lines > 0 {
            self.flush(&mut pending, &mut version, &position).await?;
        }
        Ok(())
    }

    /// Takes a line that was not read before.
    fn take(
        &self,
        line: &LogLine,
        after_gap: bool,
        pending: &mut Pending,
        position: &mut ReadPosition,
    ) {
        pending.lines += 1;
        pending.last_at = line.at;
        let output = match line.source {
            LogSource::Stdout => &mut position.stdout,
            LogSource::Stderr => &mut position.stderr,
        };
        *output = output.next(line.at);
        let broker = self.broker.borrow();
        let classified = classify(broker.engine, &line.text, position.category);
        position.category = classified.category;
        let at = Timestamp::from_micros(line.at.div_euclid(1000));
        if after_gap && is_published(&broker, LogCategory::General, at) {
            let (category, message) = (LogCategory::General, LOST.to_owned());
            pending.events.push(NewLogEvent { category, at, message });
        }
        let message = classified.text;
        if message.trim().is_empty() || !is_published(&broker, classified.category, at) {
            return;
        }
        let bytes = u64::try_from(message.len()).unwrap_or(u64::MAX);
        let admitted = lock(&self.budget).admit(line.at, bytes);
        match admitted {
            Ok(()) => pending.events.push(NewLogEvent {
                category: classified.category,
                at,
                message: message.into_owned(),
            }),
            Err(why) => {
                let (lines, all) = pending.dropped.entry(why).or_default();
                *lines += 1;
                *all = all.saturating_add(bytes);
            }
        }
    }

    /// Stores what is pending, and how far the output was read with it.
    async fn flush(
        &self,
        pending: &mut Pending,
        version: &mut i64,
        position: &ReadPosition,
    ) -> Result<(), FollowError> {
        let batch = {
            let broker = self.broker.borrow();
            let budget = lock(&self.budget);
            let at = Timestamp::from_micros(pending.last_at.div_euclid(1000));
            let logs: BTreeSet<LogCategory> = [
                (LogCategory::General, broker.general_since),
                (LogCategory::Audit, broker.audit_since),
            ]
            .into_iter()
            .filter_map(|(category, since)| since.map(|_| category))
            .collect();
            let mut events = std::mem::take(&mut pending.events);
            for (why, (lines, bytes)) in std::mem::take(&mut pending.dropped) {
                let message = budget.sentence(why, lines, bytes);
                let category = logs.first().copied().unwrap_or(LogCategory::General);
                events.push(NewLogEvent { category, at, message });
            }
            pending.lines = 0;
            let (day, day_bytes) = budget.used();
            LogBatch {
                scope: broker.scope.clone(),
                broker: broker.id,
                engine: broker.engine,
                ordinal: self.ordinal,
                container: self.container.0.clone(),
                version: *version,
                position: ReadPosition { day, day_bytes, ..*position },
                events,
                logs,
            }
        };
        if self.writer.store(batch).await {
            *version += 1;
            Ok(())
        } else {
            Err(FollowError::Superseded)
        }
    }
}

/// Whether a line of that time is published.
fn is_published(broker: &FollowedBroker, category: LogCategory, at: Timestamp) -> bool {
    let since = match category {
        LogCategory::Audit => broker.audit_since,
        _ => broker.general_since,
    };
    since.is_some_and(|since| since <= at)
}

/// From when on lines are to be told again, so that none is missing.
fn since(position: &ReadPosition) -> Timestamp {
    let outputs = [position.stdout, position.stderr];
    let oldest = outputs.iter().filter(|output| output.ordinal > 0).map(|output| output.at).min();
    Timestamp::from_micros(oldest.unwrap_or(0).saturating_sub(MARGIN).max(0).div_euclid(1000))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
