//! What the gateway listens on, and whether it serves.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::metrics::{Metrics, Refusal};

/// How often the log says that the gateway is full, while it is.
const FULL_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What the gateway serves now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether a table of routes was applied at least once.
    pub applied: bool,
    /// The addresses that accept connections.
    pub listening: BTreeSet<SocketAddr>,
    /// The addresses that another program holds; binding them is retried.
    pub blocked: BTreeSet<SocketAddr>,
}

/// Where listeners report their state. Clones report to the same [`Status`].
#[derive(Clone)]
pub(crate) struct StatusReporter {
    status: Arc<watch::Sender<Status>>,
    metrics: Metrics,
    /// When the log last said that the gateway is full.
    full_logged: Arc<Mutex<Option<Instant>>>,
}

impl StatusReporter {
    pub(crate) fn new(metrics: Metrics) -> Self {
        let status = Arc::new(watch::Sender::new(Status::default()));
        Self { status, metrics, full_logged: Arc::default() }
    }

    /// The status now, and whenever it changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Whether a table of routes was applied.
    pub(crate) fn is_applied(&self) -> bool {
        self.status.borrow().applied
    }

    pub(crate) fn applied(&self) {
        self.status.send_if_modified(|status| !std::mem::replace(&mut status.applied, true));
    }

    pub(crate) fn listening(&self, address: SocketAddr) {
        self.update(|status| {
            status.blocked.remove(&address);
            status.listening.insert(address);
        });
    }

    pub(crate) fn blocked(&self, address: SocketAddr) {
        self.update(|status| {
            status.blocked.insert(address);
        });
    }

    pub(crate) fn closed(&self, address: SocketAddr) {
        self.update(|status| {
            status.blocked.remove(&address);
            status.listening.remove(&address);
        });
    }

    /// A connection was refused for want of descriptors. It is counted every time and logged once a minute.
    pub(crate) fn full(&self) {
        self.metrics.count_refusal(Refusal::Full);
        let mut logged = self.full_logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|logged| logged.elapsed() > FULL_LOG_INTERVAL) {
            *logged = Some(Instant::now());
            tracing::warn!(
                "connection refused: the gateway has as many as its descriptors allow; raise the limit of open files"
            );
        }
    }

    fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(|status| {
            change(status);
            let gauge = |all: &BTreeSet<SocketAddr>| i64::try_from(all.len()).unwrap_or(i64::MAX);
            self.metrics.listeners.set(gauge(&status.listening));
            self.metrics.listeners_blocked.set(gauge(&status.blocked));
        });
    }
}
