//! Starting, stopping and changing an instance that is there.

use std::time::Duration;

use brokerd_domain::{
    Timestamp,
    instance::{Limits, RuntimeId},
};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;
use tokio::time::Instant;

use super::{
    KubernetesRuntime,
    apply::{LOOK_FIRST, LOOK_LATER, Started, no_image},
    error::{answered, error, gone, request},
    found::{Found, Phase, engine, engine_status, name_in},
    labels, quantity,
    render::{ENGINE, again},
    writing::merge,
};
use crate::runtime::{Ensured, RuntimeError, RuntimeErrorClass};

const START: &str = "start an instance";
const RESTART: &str = "restart an instance";
const STOP: &str = "stop an instance";
const LIMITS: &str = "change an instance's limits";

/// How long a start may take that somebody waits for.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long it may take until what was killed has ended, and its node has said so.
const KILL_TIMEOUT: Duration = Duration::from_secs(3);
/// How long it is waited for once more: somebody may have to see to other instances meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long it may take until a pod is gone whose end was asked for.
const GONE_TIMEOUT: Duration = Duration::from_secs(15);
/// How much longer than its grace an orderly end may take, until its node has said so.
const STOP_SLACK: Duration = Duration::from_secs(3);
/// How long a node may take to change limits.
const RESIZE_TIMEOUT: Duration = Duration::from_secs(15);

impl KubernetesRuntime {
    /// The pod of an instance, as long as it is this instance's; none: it has none at present.
    ///
    /// # Errors
    /// [`RuntimeErrorClass::Gone`] when the instance was removed or replaced.
    pub(super) async fn seen(
        &self,
        operation: &'static str,
        id: &RuntimeId,
    ) -> Result<Option<Found>, RuntimeError> {
        let name = name_in(id).ok_or_else(|| gone(operation))?;
        if let Some(found) = self.find(operation, name).await? {
            return if found.id == *id { Ok(Some(found)) } else { Err(gone(operation)) };
        }
        match self.find_unstarted(operation, name).await? {
            Some(unstarted) if unstarted.id == *id => Ok(None),
            Some(_) | None => Err(gone(operation)),
        }
    }

    pub(super) async fn start_instance(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let found = self.seen(START, id).await?.ok_or_else(|| to_be_applied(START))?;
        match found.phase {
            Phase::Running(_) => Ok(Ensured::AlreadyRight),
            Phase::Paused => {
                Err(error(RuntimeErrorClass::Transient, START, "the instance is paused"))
            }
            Phase::Waiting { .. } => {
                let started = self.until_started(START, &found.name, &found.uid, START_TIMEOUT);
                has_image(START, &found, started.await?)?;
                Ok(Ensured::Updated)
            }
            Phase::Exited { .. } => {
                self.relaunch(START, &found).await?;
                Ok(Ensured::Updated)
            }
        }
    }

    pub(super) async fn restart_instance(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let found = self.seen(RESTART, id).await?.ok_or_else(|| to_be_applied(RESTART))?;
        if let Phase::Waiting { .. } = found.phase {
            let started = self.until_started(RESTART, &found.name, &found.uid, START_TIMEOUT);
            has_image(RESTART, &found, started.await?)?;
            return Ok(Ensured::Updated);
        }
        if found.is_alive() {
            self.kill(RESTART, &found).await?;
        }
        self.relaunch(RESTART, &found).await?;
        Ok(Ensured::Updated)
    }

    /// Begins the next life of an instance whose process has ended.
    pub(super) async fn relaunch(
        &self,
        operation: &'static str,
        found: &Found,
    ) -> Result<(), RuntimeError> {
        self.past(found.started).await;
        self.delete_pod(operation, &found.name, &found.uid, 0).await?;
        self.until_gone(operation, found).await?;
        let made = answered(self.pods().create(&PostParams::default(), &again(&found.pod))).await;
        let made = made.map_err(|cause| cause.named(operation))?;
        let uid = made.metadata.uid.unwrap_or_default();
        let started = self.until_started(operation, &found.name, &uid, START_TIMEOUT).await?;
        has_image(operation, found, started)
    }

    /// Waits for the second to end in which the last life began: Kubernetes tells starts in whole seconds, and two
    /// lives are told apart by them.
    async fn past(&self, started: Option<Timestamp>) {
        let Some(started) = started else { return };
        let next = Timestamp::from_micros((started.as_seconds() + 1) * 1_000_000);
        let left = next.since(self.clock.now()).min(Duration::from_secs(1));
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        }
    }

    pub(super) async fn stop_instance(
        &self,
        id: &RuntimeId,
        grace: Duration,
    ) -> Result<Ensured, RuntimeError> {
        let Some(found) = self.seen(STOP, id).await? else { return Ok(Ensured::AlreadyRight) };
        match found.phase {
            Phase::Waiting { .. } | Phase::Exited { .. } => Ok(Ensured::AlreadyRight),
            // Paused, it could not end in an orderly way.
            Phase::Paused => {
                self.kill(STOP, &found).await?;
                Ok(Ensured::Updated)
            }
            Phase::Running(_) => {
                if !grace.is_zero() {
                    // Its node ends it, and the pod stays to tell of it.
                    let change = json!({
                        "metadata": { "uid": found.uid },
                        "spec": { "activeDeadlineSeconds": 1 },
                    });
                    self.change(STOP, &found.name, &change).await?;
                    if self.until_ended(STOP, &found, grace.saturating_add(STOP_SLACK)).await? {
                        return Ok(Ensured::Updated);
                    }
                }
                self.kill(STOP, &found).await?;
                Ok(Ensured::Updated)
            }
        }
    }

    /// Kills what runs or is paused: from inside, so that the pod stays to tell of it. Where that can't be done, the
    /// pod goes, once its node says that the process has ended.
    pub(super) async fn kill(
        &self,
        operation: &'static str,
        found: &Found,
    ) -> Result<(), RuntimeError> {
        // Its node was told to already, or can't be.
        let grace = found.pod.metadata.deletion_grace_period_seconds;
        let mut is_told =
            grace.is_some_and(|seconds| seconds <= 1) || found.silent_node().is_some();
        if !is_told {
            match self.signal(operation, &found.name, "KILL").await {
                Ok(()) => {
                    if self.until_ended(operation, found, KILL_TIMEOUT).await? {
                        return Ok(());
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, pod = found.name, "not killed from inside");
                    // Its node does not answer, and will hardly do what it is told next.
                    is_told = error.class == RuntimeErrorClass::Transient;
                }
            }
        }
        self.delete_pod(operation, &found.name, &found.uid, 1).await?;
        let time_limit = if is_told { LOOK_AGAIN } else { KILL_TIMEOUT };
        if self.until_ended(operation, found, time_limit).await? {
            return Ok(());
        }
        let node = found.node.as_deref().unwrap_or("its node");
        let message = format!("{node} does not say that the instance has ended; it may be lost");
        Err(error(RuntimeErrorClass::Transient, operation, message))
    }

    /// Waits until a process has ended, or its pod is gone; whether that came to pass.
    async fn until_ended(
        &self,
        operation: &'static str,
        found: &Found,
        time_limit: Duration,
    ) -> Result<bool, RuntimeError> {
        let (begun, mut pause) = (Instant::now(), LOOK_FIRST);
        loop {
            let now = self.find(operation, &found.name).await?;
            if !now.is_some_and(|now| now.uid == found.uid && now.is_alive()) {
                return Ok(true);
            }
            if begun.elapsed() >= time_limit {
                return Ok(false);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(LOOK_LATER);
        }
    }

    /// Waits until a pod is gone whose end was asked for.
    pub(super) async fn until_gone(
        &self,
        operation: &'static str,
        found: &Found,
    ) -> Result<(), RuntimeError> {
        let (begun, mut pause) = (Instant::now(), LOOK_FIRST);
        loop {
            let now = self.find(operation, &found.name).await?;
            if now.is_none_or(|now| now.uid != found.uid) {
                return Ok(());
            }
            if begun.elapsed() >= GONE_TIMEOUT {
                let node = found.node.as_deref().unwrap_or("its node");
                let message = format!("{node} does not say that the pod has ended; it may be lost");
                return Err(error(RuntimeErrorClass::Transient, operation, message));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(LOOK_LATER);
        }
    }

    /// Asks for the end of exactly this pod; what is gone already is fine.
    pub(super) async fn delete_pod(
        &self,
        operation: &'static str,
        name: &str,
        uid: &str,
        grace_seconds: u32,
    ) -> Result<(), RuntimeError> {
        let exactly = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let parameters = DeleteParams::default().grace_period(grace_seconds).preconditions(exactly);
        match answered(self.pods().delete(name, &parameters)).await {
            Ok(_) => Ok(()),
            // It is another one by now.
            Err(cause) if cause.is_conflict() => Err(gone(operation)),
            Err(cause) if cause.is_missing_object() => Ok(()),
            Err(cause) => Err(cause.named(operation)),
        }
    }

    /// Removes a pod that never ran, so that nothing has to end.
    pub(super) async fn delete_unstarted(&self, name: &str, uid: &str) -> Result<(), RuntimeError> {
        const OPERATION: &str = "remove a pod without an image";
        self.delete_pod(OPERATION, name, uid, 0).await?;
        match self.find(OPERATION, name).await?.filter(|found| found.uid == uid) {
            Some(found) => self.until_gone(OPERATION, &found).await,
            None => Ok(()),
        }
    }

    /// Changes a part of a pod, whose uid is in the change.
    pub(super) async fn change(
        &self,
        operation: &'static str,
        name: &str,
        change: &serde_json::Value,
    ) -> Result<(), RuntimeError> {
        merge(operation, &self.pods(), name, change).await.map(drop)
    }

    pub(super) async fn change_limits(
        &self,
        id: &RuntimeId,
        limits: Limits,
    ) -> Result<Ensured, RuntimeError> {
        let limits = self.at_most(limits);
        let found = self.seen(LIMITS, id).await?.ok_or_else(|| to_be_applied(LIMITS))?;
        if found.limits == limits {
            return Ok(Ensured::AlreadyRight);
        }
        let resources = quantity::resources(limits);
        if found.is_alive() {
            let change = json!({
                "spec": { "containers": [{ "name": ENGINE, "resources": resources }] },
            });
            let (pods, patch) = (self.pods(), Patch::Strategic(&change));
            let parameters = PatchParams::default();
            request(LIMITS, pods.patch_resize(&found.name, &parameters, &patch)).await?;
            self.until_resized(&found).await?;
        } else {
            let message = "the instance does not run";
            return Err(error(RuntimeErrorClass::Transient, LIMITS, message));
        }
        // Last, because it says that all of it is done.
        let annotations = json!({ labels::LIMITS: labels::limits_text(limits) });
        let change = json!({ "metadata": { "uid": found.uid, "annotations": annotations } });
        self.change(LIMITS, &found.name, &change).await?;
        Ok(Ensured::Updated)
    }

    /// Waits until a node has changed the limits of what it runs.
    async fn until_resized(&self, found: &Found) -> Result<(), RuntimeError> {
        let (begun, mut pause) = (Instant::now(), LOOK_FIRST);
        loop {
            let pod = request(LIMITS, self.pods().get(&found.name)).await?;
            if pod.metadata.uid.as_deref() != Some(&found.uid) {
                return Err(error(RuntimeErrorClass::Transient, LIMITS, "it was started again"));
            }
            let wanted = engine(&pod).and_then(|engine| engine.resources.as_ref());
            let wanted = wanted.and_then(|resources| resources.limits.as_ref());
            let has = engine_status(&pod).and_then(|status| status.resources.as_ref());
            let has = has.and_then(|resources| resources.limits.as_ref());
            let same = |name: &str| {
                let of = |all: Option<&std::collections::BTreeMap<String, _>>| {
                    all.and_then(|all| quantity::parse(all.get(name)?))
                };
                of(wanted).is_some() && of(wanted) == of(has)
            };
            if same("cpu") && same("memory") {
                return Ok(());
            }
            let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
            let pending = conditions
                .into_iter()
                .flatten()
                .find(|c| c.type_ == "PodResizePending" && c.status == "True");
            if let Some(condition) = pending {
                let class = match condition.reason.as_deref() {
                    Some("Infeasible") => RuntimeErrorClass::Blocked,
                    _ => RuntimeErrorClass::Transient,
                };
                let message = condition.message.as_deref().unwrap_or("its node has no room");
                return Err(error(class, LIMITS, message));
            }
            if begun.elapsed() >= RESIZE_TIMEOUT {
                let message = "its node has not changed the limits yet";
                return Err(error(RuntimeErrorClass::Transient, LIMITS, message));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(LOOK_LATER);
        }
    }
}

/// The error for an instance that has no pod, from which another one could be made.
fn to_be_applied(operation: &'static str) -> RuntimeError {
    let message = "its pod was taken away; it is made anew when the instance is applied";
    error(RuntimeErrorClass::Transient, operation, message)
}

fn has_image(operation: &'static str, found: &Found, started: Started) -> Result<(), RuntimeError> {
    match started {
        Started::Yes => Ok(()),
        Started::NoImage(said) => {
            let image = engine(&found.pod).and_then(|engine| engine.image.as_deref());
            Err(no_image(operation, image.unwrap_or_default(), &said))
        }
    }
}
