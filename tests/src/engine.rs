//! The Docker engine of this machine, where it is the project's to restart: `docker/engine.sh` started it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    TIMEOUT,
    docker::{self, Container, docker},
    eventually, machine,
};

/// What allows it: whatever else runs on this machine's engine goes down with it.
const ALLOWED: &str = "BROKERD_TEST_RESTART_ENGINE";

/// Where `docker/engine.sh` has the engine write, and where that notes its process.
const LOG: &str = "/var/log/dockerd.log";
const PID_FILE: &str = "/var/run/docker.pid";

/// An engine that may be restarted.
#[derive(Debug)]
pub struct Engine {
    pid: u32,
    /// What is to run again beside the brokers, while it does not.
    others: Option<Vec<String>>,
}

impl Engine {
    /// The engine; none, and a word that `what` is not checked, where it is somebody else's.
    pub fn to_restart(what: &str) -> Option<Self> {
        let found = match started_by_the_project() {
            Ok(pid) => Ok(Self { pid, others: None }),
            Err(why) => Err(why),
        };
        let allowed = machine::variable(ALLOWED).is_some();
        match found {
            Ok(engine) if allowed => return Some(engine),
            Ok(_) => machine::leave(what, &format!("{ALLOWED}=1 would allow it")),
            Err(why) => machine::leave(what, &format!("docker/engine.sh did not start it: {why}")),
        }
        None
    }

    /// Kills it together with these containers, or with none: those go on until it is started again.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn kill9(&mut self, containers: &[Container]) -> Result<()> {
        let all = docker(&["ps", "-q", "--no-trunc"])?;
        let brokers =
            docker(&["ps", "-q", "--no-trunc", "--filter", "label=brokerd.installation"])?;
        let brokers: Vec<&str> = brokers.lines().collect();
        let others = all.lines().filter(|id| !brokers.contains(id)).map(str::to_owned).collect();
        let own = [self.pid.to_string()];
        let inside = containers.iter().map(|container| container.at("/State/Pid").to_string());
        let processes: Vec<String> = own.into_iter().chain(inside).collect();
        ensure!(!processes.iter().any(|pid| pid == "0"), "one has ended: {containers:?}");
        self.others = Some(others);
        machine::run(Command::new("kill").arg("-9").args(&processes))?;
        eventually("the engine has ended", TIMEOUT, || Ok((!is_alive(self.pid)).then_some(())))
    }

    /// Starts it again, and what ran beside the brokers.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn start(&mut self) -> Result<()> {
        machine::run(&mut Command::new(machine::repository().join("docker/engine.sh")))?;
        self.pid = started_by_the_project()?;
        for other in self.others.take().unwrap_or_default() {
            // One that was to be removed when it ends is gone.
            if docker::inspect(&other).is_ok_and(|container| !container.running()) {
                docker(&["start", &other])?;
            }
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.others.is_some()
            && let Err(error) = self.start()
        {
            machine::say(&format!("the Docker engine could not be started again: {error:#}"));
        }
    }
}

/// The process of an engine that runs as `docker/engine.sh` starts it.
fn started_by_the_project() -> Result<u32> {
    ensure!(machine::variable("DOCKER_HOST").is_none(), "DOCKER_HOST is set");
    ensure!(!Path::new("/run/systemd/system").exists(), "systemd runs here");
    let pid = fs::read_to_string(PID_FILE).with_context(|| PID_FILE)?.trim().parse()?;
    ensure!(is_alive(pid), "there is no process {pid}");
    let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline"))?;
    ensure!(arguments == "dockerd\0", "it is {arguments:?}");
    let output = fs::read_link(format!("/proc/{pid}/fd/1")).context("its output")?;
    ensure!(output == Path::new(LOG), "it writes to {}", output.display());
    Ok(pid)
}

/// Whether a process runs: one that has ended but is not reaped yet does not.
fn is_alive(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !state.trim_start().starts_with(['Z', 'X']))
}
