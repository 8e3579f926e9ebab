//! The scripts that users start brokerd with, in a checkout whose build is the brokerd to test: what the compiler and the builder of
//! images would do is done already, everything else is real.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, fs::symlink, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{docker, machine, ports::Ports};

/// What stands for a program: it does what `DIE_AT` says, and then what the real one would.
const STUB: &str = r#"#!/bin/bash
call="$(basename "$0") $*"
die() { kill -KILL -- "-$(cat "$CHECKOUT/group")"; }
case $call in ${DIE_AT:-nothing}*) die ;; esac
"#;

/// A checkout with an installation of its own.
#[derive(Debug)]
pub struct Checkout {
    /// The name of the installation.
    pub installation: String,
    directory: PathBuf,
    environment: Vec<(String, String)>,
    ports: Ports,
}

/// How a script ended, and what it said.
#[derive(Debug)]
pub struct Said {
    /// Whether it did what it was to do.
    pub success: bool,
    /// What others may read.
    pub printed: String,
    /// What it told on the way.
    pub told: String,
}

impl Checkout {
    /// A checkout that nobody has started anything in.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new() -> Result<Self> {
        let run = machine::variable("BROKERD_TEST_RUN").unwrap_or_else(|| "t".to_owned());
        // An installation's name has twenty letters at most.
        let installation = format!("{run}-{}", machine::random_hex(3)?);
        let directory = std::env::temp_dir().join(format!("brokerd-{installation}"));
        let ports = Ports::take()?;
        let endpoints = ports.endpoints();
        let real = machine::repository();
        for sub in ["bin", "docker", "target/debug"] {
            fs::create_dir_all(directory.join(sub))?;
        }
        for name in ["scripts", "README.md", "Cargo.toml", "Makefile"] {
            symlink(real.join(name), directory.join(name))?;
        }
        // Some things are tried as somebody who is not root.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777))?;
        let binary = directory.join("target/debug/brokerd");
        let checkout = Self {
            environment: [
                ("PATH", format!("{}:{}", directory.join("bin").display(), path()?)),
                ("CHECKOUT", directory.display().to_string()),
                ("CARGO_TARGET_DIR", directory.join("target").display().to_string()),
                ("BROKERD_BUILD_LOGS", directory.join("images").display().to_string()),
                ("BROKERD_PROFILE", "dev".to_owned()),
                ("BROKERD_INSTALLATION", installation.clone()),
                ("BROKERD_DATA_DIR", directory.join("data").display().to_string()),
                ("BROKERD_API_LISTEN", format!("127.0.0.1:{}", ports.api())),
                ("BROKERD_OPERATIONS_LISTEN", format!("127.0.0.1:{}", ports.operations())),
                ("BROKERD_ENDPOINT_PORTS", format!("{}-{}", endpoints.start(), endpoints.end())),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            installation,
            directory,
            ports,
        };
        let engine = real.join("docker/engine.sh");
        checkout.stub("docker/engine.sh", &format!("exec {} \"$@\"", engine.display()))?;
        checkout.stub("docker/build.sh", "echo the images are up to date")?;
        let built = machine::binary()?;
        let cargo = format!(
            "case $1 in --version) echo cargo 99.0.0 ;; build) ln -sf {} {} ;; esac",
            built.display(),
            binary.display()
        );
        checkout.stub("bin/cargo", &cargo)?;
        // A process that is to die after an object was made dies at the next one.
        checkout.stub("bin/docker", &real_program("docker")?)?;
        checkout.stub("bin/nohup", &real_program("nohup")?)?;
        Ok(checkout)
    }

    /// Has a program do something else.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn stub(&self, name: &str, does: &str) -> Result<()> {
        let path = self.directory.join(name);
        fs::write(&path, format!("{STUB}{does}\n"))?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Where the API listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.api())
    }

    /// The label of everything this installation makes.
    pub fn label(&self) -> String {
        format!("brokerd.installation={}", self.installation)
    }

    /// The name of its database's container.
    pub fn database(&self) -> String {
        format!("brokerd-{}-postgres", self.installation)
    }

    /// Runs a script of the checkout, with more variables in its environment.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn run(&self, script: &str, arguments: &[&str], more: &[(&str, &str)]) -> Result<Said> {
        let mut command = Command::new("bash");
        command
            .args(["-c", r#"echo $$ >"$CHECKOUT/group"; exec "$@""#, "bash"])
            .arg(self.directory.join(script))
            .args(arguments);
        self.finish(&mut command, more)
    }

    /// Has a shell run commands in the checkout, as somebody would who pastes them.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn paste(&self, commands: &str, more: &[(&str, &str)]) -> Result<Said> {
        self.finish(Command::new("bash").args(["-c", commands]), more)
    }

    fn finish(&self, command: &mut Command, more: &[(&str, &str)]) -> Result<Said> {
        for name in ["DATABASE_URL", "BROKERD_TEST_RUN"] {
            command.env_remove(name);
        }
        let output = command
            .current_dir(&self.directory)
            .envs(self.environment.iter().cloned())
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .process_group(0)
            .output()
            .with_context(|| format!("can't run {command:?}"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said {
            success: output.status.success(),
            printed: text(&output.stdout),
            told: text(&output.stderr),
        })
    }

    /// Runs `scripts/run.sh`, which must do what it is to do.
    ///
    /// # Errors
    /// When it does not.
    pub fn make(&self, what: &str) -> Result<Said> {
        let said = self.run("scripts/run.sh", &[what], &[])?;
        ensure!(said.success, "{what}: {said:?}\n{}", self.log());
        Ok(said)
    }

    /// brokerd's log, as far as there is one.
    pub fn log(&self) -> String {
        fs::read_to_string(self.data().join("brokerd.log")).unwrap_or_default()
    }

    /// The process of brokerd that the scripts started.
    ///
    /// # Errors
    /// When there is none.
    pub fn pid(&self) -> Result<u32> {
        let text = fs::read_to_string(self.data().join("brokerd.pid"))?;
        Ok(text.split(' ').next().unwrap_or_default().parse()?)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if std::thread::panicking() {
            machine::say(&format!("--- brokerd's log:\n{}", self.log()));
        }
        if let Ok(pid) = self.pid()
            && fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("brokerd"))
        {
            drop(Command::new("kill").args(["-KILL", &pid.to_string()]).status());
        }
        let cleaned = docker::remove_all(&self.label())
            .and_then(|()| Ok(fs::remove_dir_all(&self.directory)?));
        if let Err(error) = cleaned {
            machine::say(&format!("cleaning up {} failed: {error:#}", self.installation));
        }
    }
}

fn path() -> Result<String> {
    machine::variable("PATH").context("PATH")
}

/// Where a program really is.
fn real_program(name: &str) -> Result<String> {
    let found = path()?
        .split(':')
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file());
    let found = found.with_context(|| format!("there is no {name}"))?;
    Ok(format!("exec {} \"$@\"", found.display()))
}
