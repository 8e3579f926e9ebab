//! A brokerd process.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{eventually, http, machine};

/// How long a start may take, the making of the database's tables included.
const START: Duration = Duration::from_secs(60);

/// How long an orderly stop may take.
const STOP: Duration = Duration::from_secs(30);

/// A brokerd, running or not.
#[derive(Debug)]
pub(crate) struct Process {
    address: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// How many descriptors it may have; none: as many as this process.
    descriptors: Option<u32>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub(crate) fn new(address: String, environment: Vec<(String, String)>, log: &Path) -> Self {
        Self {
            address,
            arguments: Vec::new(),
            environment,
            descriptors: None,
            log: log.to_owned(),
            child: None,
        }
    }

    /// How many descriptors it may have from its next start on.
    pub(crate) fn limit_descriptors(&mut self, most: u32) {
        self.descriptors = Some(most);
    }

    /// The program, or the shell that becomes the program once the limit is set.
    fn command(&self) -> Result<Command> {
        let binary = machine::binary()?;
        Ok(match self.descriptors {
            None => Command::new(binary),
            Some(most) => {
                let mut command = Command::new("sh");
                let script = format!("ulimit -n {most} && exec \"$@\"");
                command.args(["-c", &script, "sh"]).arg(binary);
                command
            }
        })
    }

    /// What it was, or is to be, started with.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    /// Sets something for its next start.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.environment.push((name.to_owned(), value));
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn start(&mut self, roles: &str) -> Result<()> {
        self.arguments = match roles {
            "gateway" => vec!["gateway".to_owned()],
            roles => vec!["serve".to_owned(), "--roles".to_owned(), roles.to_owned()],
        };
        let log = File::options().create(true).append(true).open(&self.log)?;
        let kept = |name: &'static str| Some((name, machine::variable(name)?));
        let child = self
            .command()?
            .args(&self.arguments)
            .env_clear()
            .envs(["PATH", "HOME", "DOCKER_HOST", "TMPDIR"].into_iter().filter_map(kept))
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("can't start brokerd")?;
        self.child = Some(child);
        let (address, child) = (self.address.clone(), &mut self.child);
        eventually("brokerd is ready", START, || {
            if let Some(status) = child.as_mut().and_then(|child| child.try_wait().transpose()) {
                bail!("brokerd ended with {}", status?);
            }
            Ok(http::get(&address, "/health/ready").ok().filter(|a| a.status == 200).map(drop))
        })
    }

    /// Its id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends it as a crash would.
    pub(crate) fn kill9(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("can't kill brokerd")?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("brokerd does not run")?;
        machine::run(Command::new("kill").args(["-TERM", &child.id().to_string()]))?;
        eventually("brokerd has stopped", STOP, || Ok(child.try_wait()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill9() {
            machine::say(&format!("{error:#}"));
        }
    }
}
