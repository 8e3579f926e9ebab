//! How a provisioner comes by its runtime.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::runtime::{Runtime, RuntimeError};

/// A task of a runtime that runs as long as the provisioner does. It is started again when it ends before it is
/// cancelled.
pub type Upkeep = Arc<dyn Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>;

/// A runtime that has answered.
pub struct Connected {
    /// The runtime.
    pub runtime: Arc<dyn Runtime>,
    /// The runtime's own tasks, each with its name in logs and metrics.
    pub upkeep: Vec<(&'static str, Upkeep)>,
}

/// Connects to a runtime. It is asked again until it succeeds.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// Connects.
    ///
    /// # Errors
    /// [`RuntimeError`] when nothing answers.
    async fn connect(&self) -> Result<Connected, RuntimeError>;

    /// What to tell the operator when nothing answers: that, and what to do.
    fn unreachable(&self) -> &'static str;
}
