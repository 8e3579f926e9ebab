//! Helpers: containers that do something to the engine's host and end.

use bollard::{
    Docker,
    errors::Error as DockerError,
    models::{
        ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, RestartPolicy,
        RestartPolicyNameEnum,
    },
    query_parameters::{
        CreateContainerOptions, RemoveContainerOptions, StartContainerOptions, WaitContainerOptions,
    },
};
use futures_util::StreamExt;

use super::{
    error::{LONG, error, missing_image, named, request, unless_gone},
    labels::Labels,
    last_log_lines::last_log_lines,
};
use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// What a helper ends with when the host lacks something.
const UNFIT: i64 = 3;

/// Memory of a helper: the most is needed to check a large file system.
const MEMORY: i64 = 512 << 20;

/// What a helper is, and what it has for its work.
#[derive(Debug)]
pub(super) struct Helper {
    pub(super) image: &'static str,
    pub(super) command: Vec<String>,
    pub(super) labels: Labels,
    pub(super) user: Option<String>,
    /// Docker's word: `none` or `host`.
    pub(super) network: &'static str,
    pub(super) capabilities: Vec<String>,
    pub(super) mounts: Vec<Mount>,
    pub(super) devices: Option<Vec<String>>,
}

impl Helper {
    fn body(&self) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(self.image.to_owned()),
            cmd: Some(self.command.clone()),
            user: self.user.clone(),
            labels: Some(self.labels.clone()),
            host_config: Some(HostConfig {
                network_mode: Some(self.network.to_owned()),
                // Docker has no other way into the host's network where it maps users.
                userns_mode: (self.network == "host").then(|| "host".to_owned()),
                cap_drop: Some(vec!["ALL".to_owned()]),
                cap_add: Some(self.capabilities.clone()),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                readonly_rootfs: Some(true),
                mounts: Some(self.mounts.clone()),
                device_cgroup_rules: self.devices.clone(),
                memory: Some(MEMORY),
                memory_swap: Some(MEMORY),
                pids_limit: Some(64),
                restart_policy: Some(RestartPolicy {
                    name: Some(RestartPolicyNameEnum::NO),
                    maximum_retry_count: None,
                }),
                log_config: Some(HostConfigLogConfig {
                    typ: Some("json-file".to_owned()),
                    config: None,
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    /// Runs it to its end, and removes it; what it ended with, if that is 0 or one of `good`. `missing` is said where
    /// its image is not there.
    pub(super) async fn run(
        &self,
        docker: &Docker,
        operation: &'static str,
        (subject, missing): (&str, &str),
        good: &[i64],
    ) -> Result<i64, RuntimeError> {
        let create = docker.create_container(None::<CreateContainerOptions>, self.body());
        let id = match request(LONG, create).await {
            Ok(created) => created.id,
            Err(cause) if missing_image(&cause) => {
                return Err(error(RuntimeErrorClass::Blocked, operation, missing));
            }
            Err(cause) => return Err(named(operation)(cause)),
        };
        let ran = watch(docker, operation, &id, subject, good).await;
        let options =
            RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
        let removed = request(LONG, docker.remove_container(&id, Some(options))).await;
        let removed = unless_gone(removed).map_err(named(operation));
        ran.and_then(|code| removed.map(|_| code))
    }
}

async fn watch(
    docker: &Docker,
    operation: &'static str,
    id: &str,
    subject: &str,
    good: &[i64],
) -> Result<i64, RuntimeError> {
    let start = docker.start_container(id, None::<StartContainerOptions>);
    request(LONG, start).await.map_err(named(operation))?;
    let options = WaitContainerOptions { condition: "not-running".to_owned() };
    let mut wait = Box::pin(docker.wait_container(id, Some(options)));
    let ended = request(LONG, async { wait.next().await.transpose() }).await;
    match ended {
        Ok(_) => Ok(0),
        Err(DockerError::DockerContainerWaitError { code, .. }) if good.contains(&code) => Ok(code),
        Err(DockerError::DockerContainerWaitError { code, .. }) => {
            let class = match code {
                UNFIT => RuntimeErrorClass::Blocked,
                _ => RuntimeErrorClass::Transient,
            };
            let words = last_log_lines(docker, id).await;
            Err(error(class, operation, format!("{subject}: {words}")))
        }
        Err(cause) => Err(named(operation)(cause)),
    }
}
