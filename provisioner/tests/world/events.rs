//! What happens to simulated containers, as hints.

use std::sync::OnceLock;

use brokerd_domain::{BrokerId, InstallationId};
use tokio::sync::broadcast;

/// How many events a watcher may be behind before some are lost to it.
const BACKLOG: usize = 16_384;

/// Tells watchers. It is no part of what a world is: any two are equal.
#[derive(Debug, Default, Clone)]
pub struct Events(OnceLock<broadcast::Sender<(InstallationId, BrokerId)>>);

impl PartialEq for Events {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Events {}

impl Events {
    /// What happens from now on.
    pub fn watch(&self) -> broadcast::Receiver<(InstallationId, BrokerId)> {
        self.0.get_or_init(|| broadcast::channel(BACKLOG).0).subscribe()
    }

    pub(super) fn tell(&self, installation: &InstallationId, broker: BrokerId) {
        if let Some(watchers) = self.0.get() {
            // Nobody may be left.
            let _ = watchers.send((installation.clone(), broker));
        }
    }
}
