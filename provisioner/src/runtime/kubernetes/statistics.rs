//! What instances have used: as their nodes tell it, or, where that is not permitted, as it is seen from inside.

use std::sync::Arc;

use super::{
    KubernetesRuntime,
    counters::{COUNTERS, Summary, counted, told},
    error::{error, request},
    found::Found,
};
use brokerd_domain::instance::RuntimeId;

use crate::runtime::{ContainerStatistics, RuntimeError, RuntimeErrorClass};

const OPERATION: &str = "read the statistics of an instance";

impl KubernetesRuntime {
    pub(super) async fn read_statistics(
        &self,
        id: &RuntimeId,
    ) -> Result<ContainerStatistics, RuntimeError> {
        let waits = |why: &str| error(RuntimeErrorClass::Transient, OPERATION, why);
        let found = self.seen(OPERATION, id).await?.filter(Found::is_alive);
        let found = found.ok_or_else(|| waits("the instance does not run"))?;
        let node = found.node.as_deref().ok_or_else(|| waits("the instance is on no node"))?;
        match self.summary(node).await {
            Ok(summary) => told(&summary, &found.uid)
                .ok_or_else(|| waits("its node tells nothing of the instance yet")),
            Err(refused) if refused.class == RuntimeErrorClass::Blocked => {
                let ran = self.run_inside(OPERATION, &found.name, COUNTERS).await;
                let ran = ran.map_err(|mut error| {
                    if error.class == RuntimeErrorClass::Blocked {
                        error.message = format!("{}; {}", refused.message, error.message);
                    }
                    error
                })?;
                counted(&ran.output).ok_or_else(|| waits("the instance has no counters"))
            }
            Err(error) => Err(error),
        }
    }

    /// What a node tells of its pods.
    async fn summary(&self, node: &str) -> Result<Arc<Summary>, RuntimeError> {
        if let Some(summary) = self.told.lately(node) {
            return Ok(summary);
        }
        let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
        let asked = http::Request::get(path)
            .body(Vec::new())
            .map_err(|cause| error(RuntimeErrorClass::Rejected, OPERATION, cause.to_string()))?;
        let summary: Summary = request(OPERATION, self.client.request(asked)).await?;
        let summary = Arc::new(summary);
        self.told.now(node, Arc::clone(&summary));
        Ok(summary)
    }
}
