//! Where the table of routes comes from.

use std::{error::Error, future::Future};

use brokerd_store::{Listener, RouteReader, RouteTable, StoreError};

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

/// Where the table of routes comes from.
///
/// The gateway calls [`RouteSource::subscribe`] before every reading, so that no change falls between
/// the reading and the waiting.
pub trait RouteSource: Send + 'static {
    /// Makes [`RouteSource::changed`] notice changes from now on; does nothing if it does already.
    fn subscribe(&mut self) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// The whole table as it is now.
    fn routes(&mut self) -> impl Future<Output = Result<RouteTable, SourceError>> + Send;

    /// Waits until the table may have changed. May be dropped at any time, and may wait for ever:
    /// the gateway polls as well.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// The table in the database.
pub struct PgRouteSource {
    reader: RouteReader,
    listener: Option<Listener>,
}

impl PgRouteSource {
    /// The table that this reader reads.
    pub const fn new(reader: RouteReader) -> Self {
        Self { reader, listener: None }
    }
}

impl RouteSource for PgRouteSource {
    async fn subscribe(&mut self) -> Result<(), SourceError> {
        if self.listener.is_none() {
            self.listener = Some(self.reader.listen().await?);
        }
        Ok(())
    }

    async fn routes(&mut self) -> Result<RouteTable, SourceError> {
        Ok(self.reader.routes().await?)
    }

    async fn changed(&mut self) {
        match &mut self.listener {
            Some(listener) => listener.wait().await,
            None => std::future::pending().await,
        }
    }
}
