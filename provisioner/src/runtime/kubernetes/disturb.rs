//! What faults do to instances, and how it is undone.
//!
//! Kubernetes has no pause. A shell in the container stops or kills all processes of the engine's user but itself.

use serde_json::{Value, json};

use super::{
    KubernetesRuntime,
    error::error,
    found::{Found, Phase},
    labels,
};
use brokerd_domain::instance::{Disturbance, RuntimeId};

use crate::runtime::{Ensured, RuntimeError, RuntimeErrorClass};

const INJECT: &str = "disturb an instance";
const HEAL: &str = "undo a disturbance";

impl KubernetesRuntime {
    pub(super) async fn disturb(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        let found = self.seen(INJECT, id).await?;
        if let Disturbance::Filled { .. } = disturbance {
            return Err(unfillable(INJECT));
        }
        let Some(found) = found.filter(Found::is_alive) else { return Ok(Ensured::AlreadyRight) };
        match disturbance {
            Disturbance::Killed => self.kill(INJECT, &found).await?,
            Disturbance::Paused if found.phase == Phase::Paused => {
                return Ok(Ensured::AlreadyRight);
            }
            Disturbance::Paused => {
                // Marked first, because a pod that is paused without the mark is never resumed.
                self.mark_paused(INJECT, &found, true).await?;
                if let Err(error) = self.signal(INJECT, &found.name, "STOP").await {
                    self.mark_paused(INJECT, &found, false).await?;
                    return Err(error);
                }
            }
            Disturbance::Isolated if found.is_isolated => return Ok(Ensured::AlreadyRight),
            Disturbance::Isolated => self.isolate(INJECT, &found, true).await?,
            Disturbance::Filled { .. } => {}
        }
        Ok(Ensured::Updated)
    }

    pub(super) async fn undisturb(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        let found = self.seen(HEAL, id).await?;
        if let Disturbance::Filled { .. } = disturbance {
            return Err(unfillable(HEAL));
        }
        let Some(found) = found else { return Ok(Ensured::AlreadyRight) };
        match disturbance {
            Disturbance::Paused if found.phase == Phase::Paused => {
                self.signal(HEAL, &found.name, "CONT").await?;
                self.mark_paused(HEAL, &found, false).await?;
            }
            Disturbance::Isolated if found.is_isolated => self.isolate(HEAL, &found, false).await?,
            Disturbance::Killed
            | Disturbance::Paused
            | Disturbance::Isolated
            | Disturbance::Filled { .. } => return Ok(Ensured::AlreadyRight),
        }
        Ok(Ensured::Updated)
    }

    /// Whether a disk is filled, which none ever is here.
    pub(super) async fn has_filled(&self, id: &RuntimeId) -> Result<bool, RuntimeError> {
        self.seen("look at the disk of an instance", id).await?;
        Ok(false)
    }

    /// The label leads a pod from the policy that permits to the one that does not.
    async fn isolate(
        &self,
        operation: &'static str,
        found: &Found,
        is_isolated: bool,
    ) -> Result<(), RuntimeError> {
        let value = if is_isolated { json!("true") } else { Value::Null };
        let labels = json!({ labels::ISOLATED: value });
        let change = json!({ "metadata": { "uid": found.uid, "labels": labels } });
        self.change(operation, &found.name, &change).await
    }

    async fn mark_paused(
        &self,
        operation: &'static str,
        found: &Found,
        is_paused: bool,
    ) -> Result<(), RuntimeError> {
        let value = if is_paused { json!("true") } else { Value::Null };
        let annotations = json!({ labels::PAUSED: value });
        let change = json!({ "metadata": { "uid": found.uid, "annotations": annotations } });
        self.change(operation, &found.name, &change).await
    }

    /// Sends a signal to every process of an engine.
    pub(super) async fn signal(
        &self,
        operation: &'static str,
        pod: &str,
        signal: &str,
    ) -> Result<(), RuntimeError> {
        let ran = self.run_inside(operation, pod, &format!("kill -{signal} -1")).await?;
        match ran.failure {
            // With the container that it ends, the shell ends, too: whether it worked is looked at.
            Some(why) if signal != "KILL" => {
                let message = format!("kill -{signal}: {why}");
                Err(error(RuntimeErrorClass::Transient, operation, message))
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn unfillable(operation: &'static str) -> RuntimeError {
    let message = "the disks of instances on Kubernetes can't be filled on purpose";
    error(RuntimeErrorClass::Rejected, operation, message)
}
