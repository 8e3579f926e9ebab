//! A directory: OpenLDAP in a container of its own, with a host name in a broker's network.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    docker::{self, docker},
    eventually, machine,
};

const IMAGE: &str = "brokerd/test-directory:trixie";

/// How long the directory may take to be made, and to answer.
const START: Duration = Duration::from_secs(30);

/// The name of the service account that may read everything. Nothing in it means anything to anybody.
pub const SERVICE: &str =
    "cn=Broker \\\"Service\\\" ${user.home} #{7*7},ou=services,dc=example,dc=test";

/// Its password: what programs that read configurations stumble over.
pub const SERVICE_PASSWORD: &str = "\"\\'; ${user.home} #{7*7} &<> \u{e4}";

/// A user's password; `alice` is in the group `orders`, `bob` in none, `carol` in the one of the console.
pub fn password(user: &str) -> String {
    format!("{user}-Walrus-71-Teapot")
}

/// A directory; its container is removed with it.
#[derive(Debug)]
pub struct Directory {
    host: String,
    container: String,
}

impl Directory {
    /// A directory of that host name with an authority of its own. It is not served yet.
    ///
    /// # Errors
    /// When the image or the container can't be made.
    pub fn new(host: &str) -> Result<Self> {
        build()?;
        let run = machine::variable("BROKERD_TEST_RUN").unwrap_or_else(|| "t".to_owned());
        let installation = format!("{run}-directory-{}", machine::random_hex(3)?);
        let label = format!("brokerd.installation={installation}");
        let id = docker(&["run", "-d", "--init", "--label", &label, IMAGE, host])?;
        let directory = Self { host: host.to_owned(), container: id.trim().to_owned() };
        eventually("the directory is made", START, || {
            let running = docker::inspect(&directory.container)?.running();
            ensure!(running, "{}", docker(&["logs", &directory.container])?);
            Ok(directory.execute(&["test", "-e", "/etc/directory/ca.pem"]).is_ok().then_some(()))
        })?;
        Ok(directory)
    }

    /// Copies the certificate of the authority that vouches for it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn authority(&self, to: &Path) -> Result<()> {
        let from = format!("{}:/etc/directory/ca.pem", self.container);
        docker(&["cp", &from, &to.display().to_string()]).map(drop)
    }

    /// Gives it its host name in the network of a broker.
    ///
    /// # Errors
    /// When the broker has no network.
    pub fn join(&self, broker: &str) -> Result<()> {
        let label = format!("label=brokerd.broker={broker}");
        let networks = docker(&["network", "ls", "-q", "--filter", &label])?;
        let network = networks.lines().next().context("the broker has no network")?;
        docker(&["network", "connect", "--alias", &self.host, network, &self.container]).map(drop)
    }

    /// Begins to answer.
    ///
    /// # Errors
    /// When it does not.
    pub fn serve(&self) -> Result<()> {
        let urls = "ldaps:/// ldapi:///";
        let configuration = "/etc/directory/slapd.conf";
        docker(&["exec", "-d", &self.container, "slapd", "-f", configuration, "-h", urls])?;
        eventually("the directory answers", START, || Ok(self.modify("").is_ok().then_some(())))
    }

    /// Hangs: it takes connections, and never says anything.
    ///
    /// # Errors
    /// When it does not run.
    pub fn hang(&self) -> Result<()> {
        docker(&["pause", &self.container]).map(drop)
    }

    /// Goes on after it hung.
    ///
    /// # Errors
    /// When it did not hang.
    pub fn go_on(&self) -> Result<()> {
        docker(&["unpause", &self.container]).map(drop)
    }

    /// Changes entries, given as LDIF.
    ///
    /// # Errors
    /// When the directory refuses.
    pub fn modify(&self, changes: &str) -> Result<()> {
        let script = "printf %s \"$1\" | ldapmodify -Q -Y EXTERNAL -H ldapi:///";
        self.execute(&["sh", "-c", script, "sh", changes])
    }

    fn execute(&self, command: &[&str]) -> Result<()> {
        docker(&[&["exec", &self.container], command].concat()).map(drop)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = docker(&["rm", "-f", "-v", &self.container]) {
            machine::say(&format!("removing the directory failed: {error:#}"));
        }
    }
}

/// Builds the image, which costs nothing when it is there.
fn build() -> Result<()> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(machine::cache("clients")?.join("directory.lock"))?;
    lock.lock()?;
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("directory");
    let mut command = Command::new("docker");
    // As for brokerd's own images: only the classic builder is asked for.
    command.env("DOCKER_BUILDKIT", "0").args(["build", "-q", "--force-rm", "-t", IMAGE]);
    machine::run(command.arg(sources)).map(drop)
}
