//! Answers of the database that many requests ask for, each remembered for a second.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{Clock, Offerings, Timestamp};
use brokerd_store::{PgStore, StoreError};
use bytes::Bytes;

/// How old a remembered answer may be.
const CACHE_TTL: Duration = Duration::from_secs(1);

/// A value with the time at which it was read.
struct Remembered<T>(Mutex<Option<(Timestamp, T)>>);

impl<T: Clone> Remembered<T> {
    const fn nothing() -> Self {
        Self(Mutex::new(None))
    }

    /// The value, however old.
    fn last(&self) -> Option<(Timestamp, T)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value, if it is fresh. One from the future is not: the clock was put back.
    fn fresh(&self, now: Timestamp) -> Option<T> {
        let (at, value) = self.last()?;
        (at <= now && now.since(at) < CACHE_TTL).then_some(value)
    }

    fn set(&self, value: Option<(Timestamp, T)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

/// The engine versions that can be created.
pub(crate) struct OfferingsCache {
    store: PgStore,
    clock: Arc<dyn Clock>,
    remembered: Remembered<Arc<Offerings>>,
}

impl OfferingsCache {
    pub(crate) const fn new(store: PgStore, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, remembered: Remembered::nothing() }
    }

    /// The offerings, at most a second old.
    ///
    /// # Errors
    /// The error of the store.
    pub(crate) async fn get(&self) -> Result<Arc<Offerings>, StoreError> {
        let now = self.clock.now();
        if let Some(offerings) = self.remembered.fresh(now) {
            return Ok(offerings);
        }
        let offerings = Arc::new(self.store.offerings().await?);
        self.remembered.set(Some((now, Arc::clone(&offerings))));
        Ok(offerings)
    }
}

/// The certificates of the authorities that clients must trust.
pub(crate) struct TrustedCertificates {
    store: PgStore,
    clock: Arc<dyn Clock>,
    remembered: Remembered<Bytes>,
}

impl TrustedCertificates {
    pub(crate) const fn new(store: PgStore, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, remembered: Remembered::nothing() }
    }

    /// The certificates, PEM, at most a second old; the last ones that were read while the database is away. Empty
    /// before there is an authority.
    ///
    /// # Errors
    /// The error of the store, if none were ever read.
    pub(crate) async fn get(&self) -> Result<Bytes, StoreError> {
        let now = self.clock.now();
        if let Some(pem) = self.remembered.fresh(now) {
            return Ok(pem);
        }
        match (self.store.trusted_certificates(now).await, self.remembered.last()) {
            (Ok(pem), _) => {
                let pem = Bytes::from(pem);
                self.remembered.set((!pem.is_empty()).then(|| (now, pem.clone())));
                Ok(pem)
            }
            (Err(_), Some((_, pem))) => Ok(pem),
            (Err(error), None) => Err(error),
        }
    }
}
