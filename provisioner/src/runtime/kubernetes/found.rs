//! What the cluster says about an instance, read.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use brokerd_domain::{
    Timestamp,
    instance::{ContainerState, InstanceStatus, Limits, RuntimeId},
};
use k8s_openapi::{
    api::core::v1::{Container, ContainerState as State, ContainerStatus, Pod},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};

use super::{
    error::{error, odd},
    labels::{self, Labels, MadeFrom},
    quantity,
    render::ENGINE,
};
use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// What Docker and the kubelet tell of a process of whose end they know nothing else.
const UNKNOWN_CODE: i64 = 255;

/// The id of an instance: the name of its pod, and the uid of its secret, which stays the same from one life to the
/// next, and is another one when the instance is made anew.
pub(super) fn id(name: &str, secret: &str) -> RuntimeId {
    RuntimeId(format!("{name}/{secret}"))
}

/// The name in an id; none: it is none of ours.
pub(super) fn name_in(id: &RuntimeId) -> Option<&str> {
    Some(id.0.split_once('/')?.0)
}

/// A pod as far as anybody here wants to know.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) pod: Pod,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) id: RuntimeId,
    pub(super) made_from: MadeFrom,
    pub(super) phase: Phase,
    pub(super) limits: Limits,
    /// When the process of this life began, if it did.
    pub(super) started: Option<Timestamp>,
    /// Somebody has asked for its end.
    pub(super) is_ending: bool,
    pub(super) is_isolated: bool,
    pub(super) node: Option<String>,
}

/// What an instance is doing, as Kubernetes distinguishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not started yet, and why.
    Waiting { reason: String, message: String },
    /// Running since then.
    Running(Timestamp),
    /// Paused.
    Paused,
    /// Ended.
    Exited { code: i64, out_of_memory: bool, message: String },
}

/// Reads a pod.
pub(super) fn read(operation: &'static str, pod: Pod) -> Result<Found, RuntimeError> {
    let empty = Labels::new();
    let foreign = || {
        let message = "a pod of this name is there that brokerd did not make";
        error(RuntimeErrorClass::Rejected, operation, message)
    };
    let metadata = &pod.metadata;
    let (labels, annotations) = (
        metadata.labels.as_ref().unwrap_or(&empty),
        metadata.annotations.as_ref().unwrap_or(&empty),
    );
    let made_from = labels::made_from(labels, annotations).ok_or_else(foreign)?;
    let name = metadata.name.clone().ok_or_else(|| odd(operation, "name"))?;
    let uid = metadata.uid.clone().ok_or_else(|| odd(operation, "uid"))?;
    let owners = metadata.owner_references.iter().flatten();
    let secret = owners.filter(|owner| owner.kind == "Secret").map(|owner| &owner.uid).next();
    let id = id(&name, secret.ok_or_else(foreign)?);
    let state = engine_status(&pod).and_then(|status| status.state.as_ref());
    let started = state.and_then(started);
    let phase = phase(operation, &pod, state, annotations.contains_key(labels::PAUSED))?;
    let limits = limits(&pod, annotations).ok_or_else(|| odd(operation, "limits"))?;
    Ok(Found {
        is_ending: metadata.deletion_timestamp.is_some(),
        is_isolated: labels.contains_key(labels::ISOLATED),
        node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        made_from,
        name,
        uid,
        id,
        phase,
        limits,
        started,
        pod,
    })
}

/// How long ago a pod was made.
pub(super) fn age(pod: &Pod, now: Timestamp) -> Duration {
    let made = pod.metadata.creation_timestamp.as_ref();
    made.map_or(Duration::ZERO, |made| now.since(moment(made)))
}

/// The container of the engine, as specified.
pub(super) fn engine(pod: &Pod) -> Option<&Container> {
    pod.spec.as_ref()?.containers.iter().find(|container| container.name == ENGINE)
}

/// The container of the engine, as it is.
pub(super) fn engine_status(pod: &Pod) -> Option<&ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == ENGINE)
}

fn moment(time: &Time) -> Timestamp {
    Timestamp::from_micros(time.0.as_microsecond())
}

fn started(state: &State) -> Option<Timestamp> {
    let running = state.running.as_ref().and_then(|running| running.started_at.as_ref());
    let ended = || state.terminated.as_ref().and_then(|ended| ended.started_at.as_ref());
    running.or_else(ended).map(moment)
}

pub(super) fn phase(
    operation: &'static str,
    pod: &Pod,
    state: Option<&State>,
    is_paused: bool,
) -> Result<Phase, RuntimeError> {
    let status = pod.status.as_ref();
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
        return Ok(Phase::Exited {
            code: ended.exit_code.into(),
            out_of_memory: ended.reason.as_deref() == Some("OOMKilled"),
            message: ended.message.clone().unwrap_or_default(),
        });
    }
    // It ended without the engine: it was evicted, or its files could not be laid out.
    if status.and_then(|s| s.phase.as_deref()).is_some_and(|p| ["Failed", "Succeeded"].contains(&p))
    {
        return Ok(ended_before(pod));
    }
    if let Some(running) = state.and_then(|state| state.running.as_ref()) {
        let since = running.started_at.as_ref().map(moment);
        return match (is_paused, since) {
            (true, _) => Ok(Phase::Paused),
            (false, Some(since)) => Ok(Phase::Running(since)),
            (false, None) => Err(odd(operation, "time of start")),
        };
    }
    Ok(waiting(pod, state))
}

fn ended_before(pod: &Pod) -> Phase {
    let status = pod.status.as_ref();
    let inits = status.and_then(|status| status.init_container_statuses.as_ref());
    let failed = inits.into_iter().flatten().find_map(|init| {
        init.state.as_ref()?.terminated.as_ref().filter(|ended| ended.exit_code != 0)
    });
    let (code, message) = match failed {
        Some(ended) => (ended.exit_code.into(), ended.message.clone()),
        None => (UNKNOWN_CODE, None),
    };
    let said = status.and_then(|status| {
        let parts = [status.reason.as_deref(), status.message.as_deref()];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(": "))
    });
    let message = message.or(said).unwrap_or_default();
    Phase::Exited { code, out_of_memory: false, message }
}

/// Why it does not run yet: what its containers wait for, or that no node takes it.
fn waiting(pod: &Pod, state: Option<&State>) -> Phase {
    let status = pod.status.as_ref();
    let inits = status.and_then(|status| status.init_container_statuses.as_ref());
    let inits = inits.into_iter().flatten().filter_map(|init| init.state.as_ref());
    let waits = inits.chain(state).filter_map(|state| state.waiting.as_ref());
    // Which waits for the other containers, says nothing.
    let mut why =
        waits.filter_map(|w| Some((w.reason.clone()?, w.message.clone().unwrap_or_default())));
    let why = why.rfind(|(reason, _)| reason != "PodInitializing");
    let unscheduled = || {
        let mut conditions =
            status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
        let condition = conditions.find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
        Some((condition.reason.clone()?, condition.message.clone().unwrap_or_default()))
    };
    let (reason, message) = unscheduled().or(why).unwrap_or_default();
    Phase::Waiting { reason, message }
}

/// The limits: those that were given, as long as they are what the pod has.
fn limits(pod: &Pod, annotations: &Labels) -> Option<Limits> {
    let given = labels::limits_of(annotations)?;
    let has = engine(pod)?.resources.as_ref()?.limits.as_ref()?;
    let memory_bytes = quantity::whole(has.get("memory")?)?;
    let nano_cpus = quantity::nano(has.get("cpu")?)?;
    // Kubernetes knows thousandths of processors.
    let exact = quantity::millis(given.nano_cpus) * 1_000_000 == nano_cpus;
    let nano_cpus = if exact { given.nano_cpus } else { nano_cpus };
    Some(Limits { memory_bytes, nano_cpus, ..given })
}

impl Found {
    /// Whether its process is there, paused or not.
    pub(super) const fn is_alive(&self) -> bool {
        matches!(self.phase, Phase::Running(_) | Phase::Paused)
    }

    fn addresses(&self) -> BTreeMap<u16, SocketAddr> {
        let ip = self.pod.status.as_ref().and_then(|status| status.pod_ip.as_ref());
        let Some(ip) = ip.and_then(|ip| ip.parse::<IpAddr>().ok()).filter(|_| !self.is_isolated)
        else {
            return BTreeMap::new();
        };
        let ports =
            engine(&self.pod).and_then(|engine| engine.ports.as_ref()).into_iter().flatten();
        let ports = ports.filter_map(|port| u16::try_from(port.container_port).ok());
        ports.map(|port| (port, SocketAddr::new(ip, port))).collect()
    }

    /// The status. Of what has ended, `output` is its last.
    pub(super) fn status(&self, output: Option<String>) -> InstanceStatus {
        let (state, addresses) = match &self.phase {
            Phase::Waiting { .. } => (ContainerState::Created, BTreeMap::new()),
            Phase::Running(since) => (ContainerState::Running { since: *since }, self.addresses()),
            Phase::Paused => (ContainerState::Paused, BTreeMap::new()),
            Phase::Exited { code, out_of_memory, message } => {
                let last_log_lines =
                    output.filter(|text| !text.is_empty()).unwrap_or_else(|| message.clone());
                let (code, out_of_memory) = (*code, *out_of_memory);
                (ContainerState::Exited { code, out_of_memory, last_log_lines }, BTreeMap::new())
            }
        };
        InstanceStatus {
            id: self.id.clone(),
            digest: self.made_from.digest.clone(),
            generation: self.made_from.generation,
            reboot: self.made_from.reboot,
            image_id: engine(&self.pod).and_then(|e| e.image.clone()),
            state,
            addresses,
            limits: self.limits,
            own_disk: self.has_own_disk(),
            silent_host: self.silent_node(),
        }
    }

    /// The node, if Kubernetes has not heard of it for its grace period, and may not have before the pod ended. It then
    /// says on its own that the pod is not ready, while its containers are, as the node last said.
    pub(super) fn silent_node(&self) -> Option<String> {
        let conditions = self.pod.status.as_ref().and_then(|status| status.conditions.as_ref());
        let is = |type_: &str, status: &str| {
            let mut all = conditions.into_iter().flatten();
            all.any(|condition| condition.type_ == type_ && condition.status == status)
        };
        let is_silent = self.is_alive() && is("ContainersReady", "True") && is("Ready", "False");
        self.node.clone().filter(|_| is_silent)
    }

    fn has_own_disk(&self) -> bool {
        let annotations = self.pod.metadata.annotations.as_ref();
        annotations.is_some_and(|annotations| annotations.contains_key(labels::DISK))
    }
}

/// An instance that has no pod: it was never started, or its pod was taken away.
#[derive(Debug)]
pub(super) struct Unstarted {
    pub(super) id: RuntimeId,
    /// The uid of its secret.
    pub(super) uid: String,
    pub(super) made_from: MadeFrom,
    limits: Limits,
    image: String,
    pub(super) is_ending: bool,
}

impl Unstarted {
    /// Reads the metadata of a secret; nothing, if it is none of brokerd's.
    pub(super) fn read(
        operation: &'static str,
        metadata: &ObjectMeta,
    ) -> Result<Self, RuntimeError> {
        let empty = Labels::new();
        let labels = metadata.labels.as_ref().unwrap_or(&empty);
        let annotations = metadata.annotations.as_ref().unwrap_or(&empty);
        let read = || {
            let (name, uid) = (metadata.name.as_ref()?, metadata.uid.clone()?);
            Some(Self {
                id: id(name, &uid),
                uid,
                made_from: labels::made_from(labels, annotations)?,
                limits: labels::limits_of(annotations)?,
                image: annotations.get(labels::IMAGE)?.clone(),
                is_ending: metadata.deletion_timestamp.is_some(),
            })
        };
        read().ok_or_else(|| {
            let message = "a secret of this name is there that brokerd did not make";
            error(RuntimeErrorClass::Rejected, operation, message)
        })
    }

    /// The status.
    pub(super) fn status(&self) -> InstanceStatus {
        InstanceStatus {
            id: self.id.clone(),
            digest: self.made_from.digest.clone(),
            generation: self.made_from.generation,
            reboot: self.made_from.reboot,
            image_id: Some(self.image.clone()),
            state: ContainerState::Created,
            addresses: BTreeMap::new(),
            limits: self.limits,
            own_disk: false,
            silent_host: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A pod of which the cluster tells that.
    fn pod(annotations: &Value, status: &Value) -> Pod {
        let mut all = json!({
            "brokerd.generation": "7", "brokerd.reboot": "3", "brokerd.spec": "abc",
            "brokerd.limits": "1024 333333333 128 64",
        });
        for (name, value) in annotations.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        serde_json::from_value(json!({
            "metadata": {
                "name": "b-1", "uid": "u",
                "labels": {
                    "brokerd.installation": "test", "brokerd.ordinal": "1",
                    "brokerd.broker": "b-00000000-0000-0000-0000-00000000002a",
                },
                "annotations": all,
                "ownerReferences": [{ "apiVersion": "v1", "kind": "Secret", "name": "b-1", "uid": "s" }],
            },
            "spec": { "nodeName": "k1", "containers": [{
                "name": "engine", "image": "i:1", "ports": [{ "containerPort": 5671 }],
                "resources": { "limits": { "cpu": "334m", "memory": "1Ki" } },
            }] },
            "status": status,
        }))
        .expect("a pod")
    }

    fn phase_of(status: &Value) -> Phase {
        read("read", pod(&json!({}), status)).expect("a pod of ours").phase
    }

    fn engine_is(phase: &str, state: &Value) -> Value {
        let status = json!({
            "name": "engine", "ready": false, "restartCount": 0, "image": "i:1", "imageID": "",
            "state": state,
        });
        json!({ "phase": phase, "podIP": "10.0.0.7", "containerStatuses": [status] })
    }

    #[test]
    fn a_pod_tells_what_it_was_made_from_and_where_it_is_reached() {
        let running = json!({ "running": { "startedAt": "2026-09-30T12:00:00Z" } });
        let found = read("read", pod(&json!({}), &engine_is("Running", &running))).expect("a pod");
        let status = found.status(None);
        assert_eq!(status.id, RuntimeId("b-1/s".to_owned()));
        assert_eq!((status.generation.0, status.reboot, &*status.digest.0), (7, 3, "abc"));
        let since = Timestamp::from_micros(1_790_769_600_000_000);
        assert_eq!(status.state, ContainerState::Running { since });
        assert_eq!(status.addresses[&5671].to_string(), "10.0.0.7:5671");
        // A third of a processor is not known to Kubernetes, but given.
        assert_eq!((status.limits.nano_cpus, status.limits.cpu_shares), (333_333_333, 128));

        let paused = pod(&json!({ "brokerd.frozen": "true" }), &engine_is("Running", &running));
        let status = read("read", paused).expect("a pod").status(None);
        assert_eq!((status.state, status.addresses.len()), (ContainerState::Paused, 0));
        let mut cut_off = pod(&json!({}), &engine_is("Running", &running));
        let labels = cut_off.metadata.labels.as_mut().expect("labels");
        labels.insert(labels::ISOLATED.to_owned(), "true".to_owned());
        let status = read("read", cut_off).expect("a pod").status(None);
        assert_eq!((status.state, status.addresses.len()), (ContainerState::Running { since }, 0));
    }

    #[test]
    fn a_node_is_silent_when_only_kubernetes_itself_says_that_its_pod_is_not_ready() {
        let running = json!({ "running": { "startedAt": "2026-09-30T12:00:00Z" } });
        let silent_host = |state: &Value, conditions: &[(&str, &str)]| {
            let mut status = engine_is("Running", state);
            let conditions =
                conditions.iter().map(|(type_, status)| json!({ "type": type_, "status": status }));
            status["conditions"] = conditions.collect();
            read("read", pod(&json!({}), &status)).expect("a pod").status(None).silent_host
        };
        let ready = [("ContainersReady", "True"), ("Ready", "True")];
        let missed = [("ContainersReady", "True"), ("Ready", "False")];
        let unready = [("ContainersReady", "False"), ("Ready", "False")];
        assert_eq!(silent_host(&running, &ready), None);
        assert_eq!(silent_host(&running, &[]), None);
        assert_eq!(silent_host(&running, &missed), Some("k1".to_owned()));
        // It is the node that says so.
        assert_eq!(silent_host(&running, &unready), None);
        let ended = json!({ "terminated": { "exitCode": 0 } });
        assert_eq!(silent_host(&ended, &missed), None);
    }

    #[test]
    fn an_end_is_told_with_its_cause() {
        let exited = |code, out_of_memory, message: &str| Phase::Exited {
            code,
            out_of_memory,
            message: message.to_owned(),
        };
        let ended = |code: i32, reason: &str| {
            let state =
                json!({ "terminated": { "exitCode": code, "reason": reason, "message": "m" } });
            phase_of(&engine_is("Failed", &state))
        };
        assert_eq!(ended(3, "Error"), exited(3, false, "m"));
        assert_eq!(ended(137, "OOMKilled"), exited(137, true, "m"));
        let evicted = json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" });
        assert_eq!(phase_of(&evicted), exited(255, false, "Evicted: low on memory"));
        let init = json!({ "phase": "Failed", "initContainerStatuses": [{
            "name": "files", "ready": false, "restartCount": 0, "image": "i:1", "imageID": "",
            "state": { "terminated": { "exitCode": 2, "message": "no space left" } },
        }] });
        assert_eq!(phase_of(&init), exited(2, false, "no space left"));
    }

    #[test]
    fn what_does_not_run_yet_tells_what_it_waits_for() {
        let waits = |reason: &str, message: &str| Phase::Waiting {
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        assert_eq!(phase_of(&json!({ "phase": "Pending" })), waits("", ""));
        let unscheduled = json!({ "phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3",
        }] });
        assert_eq!(phase_of(&unscheduled), waits("Unschedulable", "0/3"));
        let initializing = json!({ "waiting": { "reason": "PodInitializing" } });
        let mut pulling = engine_is("Pending", &initializing);
        assert_eq!(phase_of(&pulling), waits("", ""));
        pulling["initContainerStatuses"] = json!([{
            "name": "files", "ready": false, "restartCount": 0, "image": "i:1", "imageID": "",
            "state": { "waiting": { "reason": "ErrImageNeverPull", "message": "i:1 is not there" } },
        }]);
        assert_eq!(phase_of(&pulling), waits("ErrImageNeverPull", "i:1 is not there"));
    }

    #[test]
    fn what_brokerd_did_not_make_is_not_taken_for_its_own() {
        let mut foreign = pod(&json!({}), &json!({}));
        foreign.metadata.annotations = None;
        let mut unowned = pod(&json!({}), &json!({}));
        unowned.metadata.owner_references = None;
        for pod in [foreign, unowned] {
            let class = read("read", pod).map(|_| ()).map_err(|error| error.class);
            assert_eq!(class, Err(RuntimeErrorClass::Rejected));
        }
    }
}
