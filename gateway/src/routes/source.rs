//! Where the table of routes comes from.

use std::{
    error::Error,
    future::Future,
    time::{Duration, Instant},
};

use brokerd_store::{
    Heard, Listener, RouteChanges, RouteCursor, RouteReader, RouteTable, StoreError,
};

/// How often the whole table is read, in case a change was missed.
const FULL_READ_INTERVAL: Duration = Duration::from_mins(1);

/// The table can't be read now.
#[derive(Debug, thiserror::Error)]
#[error("the table of routes can't be read")]
pub struct SourceError(#[source] Box<dyn Error + Send + Sync>);

impl SourceError {
    /// An error with this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        Self::new(error)
    }
}

/// What one reading of the table gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The whole table.
    Whole(RouteTable),
    /// At least what has changed since the last reading.
    Changes(RouteChanges),
}

/// Where the table of routes comes from.
///
/// The gateway calls [`RouteSource::subscribe`] before every reading, so that no change is missed between reading and
/// waiting.
pub trait RouteSource: Send + 'static {
    /// Subscribes [`RouteSource::changed`] to changes from now on; no effect if it is subscribed.
    fn subscribe(&mut self) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// The table as it is now, or what has changed since the last call. Changes only follow a call that succeeded and was
    /// not dropped.
    fn routes(&mut self) -> impl Future<Output = Result<Reading, SourceError>> + Send;

    /// Waits until the table may have changed. May be dropped at any time, and may wait for ever: the gateway polls, too.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// The table in the database. It is read as a whole at first, after an error and once a minute; otherwise only what has
/// changed is read.
pub struct PgRouteSource {
    reader: RouteReader,
    listener: Option<Listener>,
    last: Option<LastReading>,
}

/// The last reading, from which changes are read.
struct LastReading {
    moment: RouteCursor,
    /// When the whole table was last read.
    full: Instant,
}

impl PgRouteSource {
    /// The table that `reader` reads.
    pub const fn new(reader: RouteReader) -> Self {
        Self { reader, listener: None, last: None }
    }
}

impl RouteSource for PgRouteSource {
    async fn subscribe(&mut self) -> Result<(), SourceError> {
        if self.listener.is_none() {
            self.listener = Some(self.reader.listen().await?);
        }
        Ok(())
    }

    async fn routes(&mut self) -> Result<Reading, SourceError> {
        // Taken: after an error, or if this future is dropped, the next reading is a full one.
        let last = self.last.take().filter(|last| last.full.elapsed() < FULL_READ_INTERVAL);
        let (reading, last) = match last {
            Some(LastReading { moment, full }) => {
                let (changes, moment) = self.reader.routes_since(&moment).await?;
                (Reading::Changes(changes), LastReading { moment, full })
            }
            None => {
                let full = Instant::now();
                let (table, moment) = self.reader.routes().await?;
                (Reading::Whole(table), LastReading { moment, full })
            }
        };
        self.last = Some(last);
        Ok(reading)
    }

    async fn changed(&mut self) {
        match &mut self.listener {
            Some(listener) => {
                // Another server may answer then, with transaction numbers of its own.
                if listener.wait().await == Heard::Loss {
                    self.last = None;
                }
            }
            None => std::future::pending().await,
        }
    }
}
