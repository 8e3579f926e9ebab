//! Where the table of routes comes from.

use std::{
    error::Error,
    future::Future,
    time::{Duration, Instant},
};

use brokerd_store::{
    Heard, Listener, RouteChanges, RouteMoment, RouteReader, RouteTable, StoreError,
};

/// How long changes are read before all of the table is, in case that something has changed without being noted.
const WHOLE_EVERY: Duration = Duration::from_mins(1);

/// The table can't be read now.
#[derive(Debug, thiserror::Error)]
#[error("the table of routes can't be read")]
pub struct SourceError(#[source] Box<dyn Error + Send + Sync>);

impl SourceError {
    /// For this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        Self::new(error)
    }
}

/// What a reading of the table gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    Whole(RouteTable),
    /// What has changed since the last reading, at least.
    Changes(RouteChanges),
}

/// Where the table of routes comes from.
///
/// The gateway calls [`RouteSource::subscribe`] before every reading, so that no change falls between
/// the reading and the waiting.
pub trait RouteSource: Send + 'static {
    /// Makes [`RouteSource::changed`] notice changes from now on; does nothing if it does already.
    fn subscribe(&mut self) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// The table as it is now, or what has changed of it since the last call, which must have succeeded and not been
    /// dropped.
    fn routes(&mut self) -> impl Future<Output = Result<Reading, SourceError>> + Send;

    /// Waits until the table may have changed. May be dropped at any time, and may wait for ever:
    /// the gateway polls as well.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// The table in the database. The whole of it is read at first, after anything went wrong, and now and then; otherwise what
/// has changed.
pub struct PgRouteSource {
    reader: RouteReader,
    listener: Option<Listener>,
    last: Option<Last>,
}

/// What changes are told from.
struct Last {
    read: RouteMoment,
    whole: Instant,
}

impl PgRouteSource {
    /// The table that this reader reads.
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
        // Taken: after an error, or if this is dropped, nothing is known.
        let last = self.last.take().filter(|last| last.whole.elapsed() < WHOLE_EVERY);
        let (reading, last) = match last {
            Some(Last { read, whole }) => {
                let (changes, read) = self.reader.routes_since(&read).await?;
                (Reading::Changes(changes), Last { read, whole })
            }
            None => {
                let whole = Instant::now();
                let (table, read) = self.reader.routes().await?;
                (Reading::Whole(table), Last { read, whole })
            }
        };
        self.last = Some(last);
        Ok(reading)
    }

    async fn changed(&mut self) {
        match &mut self.listener {
            Some(listener) => {
                // It may be another server that answers then, which counts its transactions otherwise.
                if listener.wait().await == Heard::Loss {
                    self.last = None;
                }
            }
            None => std::future::pending().await,
        }
    }
}
