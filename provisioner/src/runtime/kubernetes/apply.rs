//! Making an instance be there.

use std::time::Duration;

use k8s_openapi::api::{
    core::v1::{PersistentVolumeClaim, Pod, Secret, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{Api, api::PostParams};
use serde_json::json;
use tokio::time::Instant;

use super::{
    KubernetesRuntime,
    error::{answered, error, odd, request_opt},
    found::{Found, Phase, Unstarted, age, read},
    labels::{self, MadeFrom},
    quantity, render,
    writing::{merge, put, typed},
};
use brokerd_domain::instance::{FormerImage, InstanceSpec, Limits, SpecDigest, VolumeSpec};

use crate::runtime::{Ensured, RuntimeError, RuntimeErrorClass};

const APPLY: &str = "apply an instance";

/// How often something is looked at that is to change soon, at first and later.
pub(super) const LOOK_FIRST: Duration = Duration::from_millis(40);
pub(super) const LOOK_LATER: Duration = Duration::from_millis(250);

/// How long an instance may take to start whose image has to be fetched.
const START: Duration = Duration::from_mins(2);

/// How long an instance may wait for a node before somebody is told.
const UNSCHEDULED: Duration = Duration::from_secs(10);

/// How long fetching an image may fail before it counts as not there.
const UNFETCHED: Duration = Duration::from_secs(30);

/// What became of a start.
pub(super) enum Started {
    /// It runs, or has.
    Yes,
    /// There is no image, in the cluster's words.
    NoImage(String),
}

impl KubernetesRuntime {
    pub(super) async fn ensure_instance(
        &self,
        spec: &InstanceSpec,
    ) -> Result<Ensured, RuntimeError> {
        let digest = spec.digest();
        let name = labels::instance_name(&spec.name);
        // The later rounds are for a pod that went away between two requests, or is on its way out.
        for _ in 0..3 {
            let Some(found) = self.find(APPLY, &name).await? else {
                let limits = self.at_most(spec.limits);
                let owner = self.ensure_secret(spec, &digest, limits).await?;
                self.surround(spec).await?;
                if self.launch(spec, &digest, limits, &owner).await? {
                    return Ok(Ensured::Created);
                }
                continue;
            };
            compare(&found.made_from, spec, &digest)?;
            match found.phase {
                Phase::Running(_) | Phase::Paused => return Ok(Ensured::AlreadyRight),
                _ if found.is_ending => self.until_gone(APPLY, &found).await?,
                Phase::Exited { .. } => {
                    self.relaunch(APPLY, &found).await?;
                    return Ok(Ensured::Updated);
                }
                Phase::Waiting { .. } => {
                    // Earlier passes have waited for it. It never starts where its node was lost.
                    let time_limit = START.saturating_sub(age(&found.pod, self.clock.now()));
                    match self.until_started(APPLY, &name, &found.uid, time_limit).await? {
                        Started::Yes => return Ok(Ensured::Created),
                        Started::NoImage(_) => {
                            self.delete_unstarted(&found.name, &found.uid).await?;
                        }
                    }
                }
            }
        }
        Err(error(RuntimeErrorClass::Transient, APPLY, "the pod comes and goes"))
    }

    /// The pod of that name.
    pub(super) async fn find(
        &self,
        operation: &'static str,
        name: &str,
    ) -> Result<Option<Found>, RuntimeError> {
        let pod = request_opt(operation, self.pods().get(name)).await?;
        pod.map(|pod| read(operation, pod)).transpose()
    }

    /// The instance of that name that has no pod.
    pub(super) async fn find_unstarted(
        &self,
        operation: &'static str,
        name: &str,
    ) -> Result<Option<Unstarted>, RuntimeError> {
        let secret = request_opt(operation, self.secrets().get_metadata(name)).await?;
        secret.map(|secret| Unstarted::read(operation, &secret.metadata)).transpose()
    }

    /// Makes the secret be there; its uid.
    async fn ensure_secret(
        &self,
        spec: &InstanceSpec,
        digest: &SpecDigest,
        limits: Limits,
    ) -> Result<String, RuntimeError> {
        let rendered = render::secret(spec, digest, limits)
            .map_err(|why| error(RuntimeErrorClass::Rejected, APPLY, why))?;
        let secret: Secret = typed(APPLY, rendered)?;
        match answered(self.secrets().create(&PostParams::default(), &secret)).await {
            Ok(made) => return made.metadata.uid.ok_or_else(|| odd(APPLY, "uid")),
            Err(cause) if cause.is_conflict() => {}
            Err(cause) => return Err(cause.named(APPLY)),
        }
        let name = labels::instance_name(&spec.name);
        let there = self.find_unstarted(APPLY, &name).await?.filter(|there| !there.is_ending);
        let there = there.ok_or_else(|| {
            error(RuntimeErrorClass::Transient, APPLY, "the instance is just being removed")
        })?;
        compare(&there.made_from, spec, digest)?;
        Ok(there.uid)
    }

    /// Makes be there what an instance needs around it.
    async fn surround(&self, spec: &InstanceSpec) -> Result<(), RuntimeError> {
        let claims = async {
            for volume in spec.volumes.iter().filter(|volume| volume.keep) {
                self.ensure_claim(spec, volume).await?;
            }
            Ok(())
        };
        let services: Api<Service> = self.api();
        let rendered = render::service(spec);
        let service = put(APPLY, &services, &rendered);
        let budgets: Api<PodDisruptionBudget> = self.api();
        let budget = async {
            match render::budget(spec) {
                Some(budget) => put(APPLY, &budgets, &budget).await,
                None => Ok(()),
            }
        };
        let policies = self.policies.ensure(APPLY, spec.name.broker);
        tokio::try_join!(claims, service, budget, policies).map(drop)
    }

    /// Makes the claim of a volume be there, and as large as it should be at least.
    async fn ensure_claim(
        &self,
        spec: &InstanceSpec,
        volume: &VolumeSpec,
    ) -> Result<(), RuntimeError> {
        let rendered = render::claim(spec, volume, &self.options)
            .map_err(|why| error(RuntimeErrorClass::Blocked, APPLY, why))?;
        let claim: PersistentVolumeClaim = typed(APPLY, rendered)?;
        let claims: Api<PersistentVolumeClaim> = self.api();
        match answered(claims.create(&PostParams::default(), &claim)).await {
            Ok(_) => return Ok(()),
            Err(cause) if cause.is_conflict() => {}
            Err(cause) => return Err(cause.named(APPLY)),
        }
        let name = labels::claim_name(&spec.name, volume);
        let there = request_opt(APPLY, claims.get(&name)).await?;
        let there = there.filter(|there| there.metadata.deletion_timestamp.is_none());
        let there = there.ok_or_else(|| {
            error(
                RuntimeErrorClass::Transient,
                APPLY,
                "a volume of the instance is just being removed",
            )
        })?;
        let ours = labels::of_volume(&spec.name, volume);
        let found = there.metadata.labels.clone().unwrap_or_default();
        if ours.iter().any(|(label, value)| found.get(label) != Some(value)) {
            let message = format!("the claim {name} belongs to something else");
            return Err(error(RuntimeErrorClass::Rejected, APPLY, message));
        }
        if let Some(bytes) = spec.disk_bytes.filter(|bytes| requested(&there) < *bytes) {
            grow(&claims, &name, bytes).await;
        }
        Ok(())
    }

    /// Starts a pod of the instance, from the first of its images that is there; false: somebody else has.
    async fn launch(
        &self,
        spec: &InstanceSpec,
        digest: &SpecDigest,
        limits: Limits,
        owner: &str,
    ) -> Result<bool, RuntimeError> {
        let spread = self.spread(APPLY, spec.instances).await?;
        let name = labels::instance_name(&spec.name);
        let mut said = String::new();
        for image in images(spec) {
            let pod = render::pod(spec, digest, image, owner, limits, spread, &self.options);
            let pod: Pod = typed(APPLY, pod)?;
            let made = match answered(self.pods().create(&PostParams::default(), &pod)).await {
                Ok(made) => made,
                Err(cause) if cause.is_conflict() => return Ok(false),
                Err(cause) => return Err(cause.named(APPLY)),
            };
            let uid = made.metadata.uid.ok_or_else(|| odd(APPLY, "uid"))?;
            match self.until_started(APPLY, &name, &uid, START).await? {
                Started::Yes => return Ok(true),
                Started::NoImage(why) => {
                    self.delete_unstarted(&name, &uid).await?;
                    said = why;
                }
            }
        }
        self.delete_secret(APPLY, &name, owner).await?;
        Err(no_image(APPLY, &spec.image, &said))
    }

    /// Waits until a pod runs, or has run.
    pub(super) async fn until_started(
        &self,
        operation: &'static str,
        name: &str,
        uid: &str,
        time_limit: Duration,
    ) -> Result<Started, RuntimeError> {
        let (begun, mut pause) = (Instant::now(), LOOK_FIRST);
        let later = |message: String| error(RuntimeErrorClass::Transient, operation, message);
        loop {
            let found = self.find(operation, name).await?.filter(|found| found.uid == uid);
            let Some(found) = found else {
                return Err(later("the pod went away before it started".to_owned()));
            };
            let Phase::Waiting { reason, message } = found.phase else { return Ok(Started::Yes) };
            let waited = begun.elapsed();
            match reason.as_str() {
                "ErrImageNeverPull" | "InvalidImageName" => return Ok(Started::NoImage(message)),
                "ErrImagePull"
                | "ImagePullBackOff"
                | "RegistryUnavailable"
                | "ImageInspectError"
                    if waited >= UNFETCHED =>
                {
                    return Ok(Started::NoImage(message));
                }
                "CreateContainerConfigError" if waited >= UNSCHEDULED => {
                    return Err(error(RuntimeErrorClass::Blocked, operation, message));
                }
                // By its age, because nobody waits for it once more: other instances may need something meanwhile.
                "Unschedulable" if age(&found.pod, self.clock.now()) >= UNSCHEDULED => {
                    return Err(later(format!("no node takes it: {message}")));
                }
                _ if waited >= time_limit => {
                    let why = if reason.is_empty() {
                        String::new()
                    } else {
                        format!(": {reason} {message}")
                    };
                    return Err(later(format!("it has not started yet{why}")));
                }
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(LOOK_LATER);
        }
    }
}

fn requested(claim: &PersistentVolumeClaim) -> u64 {
    let requests = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    requests.and_then(|requests| quantity::whole(requests.get("storage")?)).unwrap_or(u64::MAX)
}

/// Asks for a larger volume, which not every storage class permits. The instance runs on what there is, too.
async fn grow(claims: &Api<PersistentVolumeClaim>, name: &str, bytes: u64) {
    let storage = quantity::bytes(bytes);
    let change = json!({ "spec": { "resources": { "requests": { "storage": storage } } } });
    match merge("grow a volume", claims, name, &change).await {
        Ok(_) => tracing::info!(claim = name, bytes, "asked for a larger volume"),
        Err(error) => tracing::warn!(%error, claim = name, bytes, "volume not grown"),
    }
}

/// The images to try, one after the other.
fn images(spec: &InstanceSpec) -> Vec<&str> {
    let mut images = match &spec.former_image {
        None => vec![spec.image.as_str()],
        Some(FormerImage::First(former)) => vec![former.as_str(), spec.image.as_str()],
        Some(FormerImage::Last(former)) => vec![spec.image.as_str(), former.as_str()],
    };
    images.dedup();
    images
}

pub(super) fn no_image(operation: &'static str, image: &str, said: &str) -> RuntimeError {
    let message = format!("the cluster has no image {image}: {said}");
    error(RuntimeErrorClass::Blocked, operation, message)
}

/// Whether the instance that is there may stand for the spec.
fn compare(there: &MadeFrom, spec: &InstanceSpec, digest: &SpecDigest) -> Result<(), RuntimeError> {
    if there.name != spec.name {
        let message = "the pod of this name belongs to something else";
        return Err(error(RuntimeErrorClass::Rejected, APPLY, message));
    }
    if there.generation > spec.generation {
        let message = format!(
            "the instance was made for generation {}, this is {}",
            there.generation.0, spec.generation.0
        );
        return Err(error(RuntimeErrorClass::Stale, APPLY, message));
    }
    if there.digest != *digest {
        let message = "the instance was made from another spec and must be replaced first";
        return Err(error(RuntimeErrorClass::Rejected, APPLY, message));
    }
    Ok(())
}
