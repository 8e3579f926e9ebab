//! Hints that instances have changed.

use std::collections::{HashMap, VecDeque};

use brokerd_domain::BrokerId;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{ListParams, WatchEvent, WatchParams},
};

use super::{
    KubernetesRuntime,
    error::{answered, request},
    found::{Phase, engine_status},
    labels,
};
use crate::runtime::RuntimeError;

const WATCH: &str = "watch the cluster";

/// After how many seconds the server ends a watch, which then goes on where it was.
const ROUND_SECONDS: u32 = 290;

type Events = BoxStream<'static, Result<WatchEvent<Pod>, kube::Error>>;

/// What is to be known of a pod to see whether it changed.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    uid: Option<String>,
    phase: Option<Phase>,
    is_isolated: bool,
    is_paused: bool,
    is_ending: bool,
    address: Option<String>,
}

struct Watch {
    pods: Api<Pod>,
    parameters: WatchParams,
    version: String,
    events: Option<Events>,
    seen: HashMap<String, Seen>,
    hints: VecDeque<BrokerId>,
}

impl KubernetesRuntime {
    pub(super) async fn hints(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError> {
        let selector = labels::selector(&self.options.installation);
        let pods = self.pods();
        // From this moment on: nothing is lost that happens before the stream is polled.
        let now = ListParams::default().labels(&selector).limit(1);
        let listed = request(WATCH, pods.list_metadata(&now)).await?;
        let mut watch = Watch {
            pods,
            parameters: WatchParams::default().labels(&selector).timeout(ROUND_SECONDS),
            version: listed.metadata.resource_version.unwrap_or_default(),
            events: None,
            seen: HashMap::new(),
            hints: VecDeque::new(),
        };
        watch.open().await.map_err(|cause| cause.named(WATCH))?;
        let hints = stream::unfold(watch, async |mut watch| Some((watch.next().await?, watch)));
        Ok(hints.boxed())
    }
}

impl Watch {
    async fn open(&mut self) -> Result<(), super::error::Failure> {
        let events = answered(self.pods.watch(&self.parameters, &self.version)).await?;
        self.events = Some(events.boxed());
        Ok(())
    }

    /// The next hint; none: the server can't be asked any more, or has forgotten what happened since.
    async fn next(&mut self) -> Option<BrokerId> {
        loop {
            if let Some(broker) = self.hints.pop_front() {
                return Some(broker);
            }
            match self.events.as_mut()?.next().await {
                Some(Ok(event)) => self.take(event)?,
                Some(Err(error)) => {
                    tracing::debug!(%error, "watch of the cluster ended");
                    return None;
                }
                None => {
                    if let Err(cause) = self.open().await {
                        tracing::debug!(cause = cause.message, "watch of the cluster not resumed");
                        return None;
                    }
                }
            }
        }
    }

    /// Takes an event; none: the watch is of no use any more.
    fn take(&mut self, event: WatchEvent<Pod>) -> Option<()> {
        let (pod, is_gone) = match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => (pod, false),
            WatchEvent::Deleted(pod) => (pod, true),
            WatchEvent::Bookmark(bookmark) => {
                self.version = bookmark.metadata.resource_version;
                return Some(());
            }
            WatchEvent::Error(status) => {
                tracing::debug!(status = status.message, "watch of the cluster ended");
                return None;
            }
        };
        if let Some(version) = &pod.metadata.resource_version {
            self.version.clone_from(version);
        }
        let object = pod.metadata.labels.as_ref().and_then(labels::object);
        let (Some(object), Some(name)) = (object, pod.metadata.name.clone()) else {
            return Some(());
        };
        let changed = if is_gone {
            self.seen.remove(&name);
            true
        } else {
            let now = seen(&pod);
            self.seen.insert(name, now).as_ref() != Some(&seen(&pod))
        };
        if changed {
            self.hints.push_back(object.broker);
        }
        Some(())
    }
}

fn seen(pod: &Pod) -> Seen {
    let has = |map: &Option<labels::Labels>, key: &str| {
        map.as_ref().is_some_and(|map| map.contains_key(key))
    };
    let state = engine_status(pod).and_then(|status| status.state.as_ref());
    Seen {
        uid: pod.metadata.uid.clone(),
        phase: super::found::phase(WATCH, pod, state, false).ok(),
        is_isolated: has(&pod.metadata.labels, labels::ISOLATED),
        is_paused: has(&pod.metadata.annotations, labels::PAUSED),
        is_ending: pod.metadata.deletion_timestamp.is_some(),
        address: pod.status.as_ref().and_then(|status| status.pod_ip.clone()),
    }
}
