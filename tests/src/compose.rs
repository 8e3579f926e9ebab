//! A brokerd in containers, brought up as its users do it: by `scripts/compose.sh`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::runtime::Runtime;

use crate::{
    Api, Messenger, TIMEOUT,
    docker::{self, Container, docker},
    eventually, http, machine,
    ports::Ports,
    world::{REGION, SCALE},
};

/// What runs programs of applications: it has a shell and OpenSSL.
const APPLICATION: &str = "brokerd/postgres:17";

/// How many endpoints there may be: those of one broker of each engine, and some.
const ENDPOINTS: usize = 12;

/// A brokerd in containers, with ports, volumes and networks of its own.
#[derive(Debug)]
pub struct Compose {
    /// The API, as the owner of the access key that the first start made.
    pub api: Api,
    /// The name of the installation.
    pub installation: String,
    directory: PathBuf,
    environment: Vec<(String, String)>,
    ports: Ports,
    runtime: Arc<Runtime>,
}

/// Whether Docker Compose is here, or can be installed by whoever runs this.
///
/// # Errors
/// When it can't, on a build machine.
pub fn can_be_had() -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success())
    };
    if fs::metadata("/proc/self")?.uid() == 0
        || works("docker", &["compose", "version"])
        || works("docker-compose", &["version"])
    {
        return Ok(true);
    }
    machine::skip("brokerd in containers", "Docker Compose is missing")?;
    Ok(false)
}

impl Compose {
    /// Packs the brokerd to test into its image, and brings everything up.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn up() -> Result<Self> {
        let run = machine::variable("BROKERD_TEST_RUN").unwrap_or_else(|| "t".to_owned());
        let installation = format!("{run}-{}", machine::random_hex(3)?);
        let directory = std::env::temp_dir().join(format!("brokerd-{installation}"));
        let ports = Ports::take()?;
        // For every one the engine starts a process and edits its firewall: as few as will do.
        let endpoints = ports.endpoints().take(ENDPOINTS);
        let (first, last) = (endpoints.clone().min(), endpoints.max());
        let (first, last) = (first.context("a port")?, last.context("a port")?);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let runtime = Arc::new(runtime);
        let address = format!("127.0.0.1:{}", ports.api());
        let mut compose = Self {
            api: Api::nobody(&runtime, &address),
            directory: directory.clone(),
            environment: [
                ("BROKERD_INSTALLATION", installation.clone()),
                ("BROKERD_DATA_DIR", directory.display().to_string()),
                ("BROKERD_IMAGE", image()?),
                ("BROKERD_PUBLISH_API", ports.api().to_string()),
                ("BROKERD_PUBLISH_OPERATIONS", ports.operations().to_string()),
                ("BROKERD_PUBLISH_REPLICA", ports.second_api().to_string()),
                ("BROKERD_PUBLISH_PORTS", format!("{first}-{last}")),
                ("BROKERD_SCALE", SCALE.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            installation,
            ports,
            runtime,
        };
        compose.run(&["up"])?;
        let exports = compose.run(&["env"])?;
        let value = |name: &str| {
            let prefix = format!("export {name}='");
            let line = exports.lines().find_map(|line| line.strip_prefix(&prefix));
            line.and_then(|rest| rest.strip_suffix('\''))
                .with_context(|| format!("{name}: {exports}"))
        };
        ensure!(value("AWS_ENDPOINT_URL_MQ")? == format!("http://{address}"), "{exports}");
        ensure!(Path::new(value("BROKERD_CA_FILE")?) == compose.ca(), "{exports}");
        let (key, secret) = (value("AWS_ACCESS_KEY_ID")?, value("AWS_SECRET_ACCESS_KEY")?);
        compose.api = Api::new(&compose.runtime, &address, REGION, key, secret);
        Ok(compose)
    }

    /// Runs `scripts/compose.sh` with these arguments.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(machine::repository().join("scripts/compose.sh"));
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        machine::run(command.args(arguments).envs(environment))
    }

    /// Starts the second brokerd, and waits until it is ready; its API.
    ///
    /// # Errors
    /// When it is not.
    pub fn replica(&self) -> Result<Api> {
        self.run(&["up", "--profile", "replica"])?;
        let address = format!("127.0.0.1:{}", self.ports.second_api());
        eventually("the second brokerd is ready", TIMEOUT, || {
            Ok(http::get(&address, "/health/ready").ok().filter(|a| a.status == 200))
        })?;
        Ok(Api::new(&self.runtime, &address, REGION, &self.api.key, &self.api.secret))
    }

    /// The certificate that clients on this machine trust.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The label of everything of this installation.
    pub fn label(&self) -> String {
        format!("brokerd.installation={}", self.installation)
    }

    /// The container of that service.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn container(&self, role: &str) -> Result<Container> {
        let found = docker(&[
            "ps",
            "-aq",
            "--no-trunc",
            "--filter",
            &format!("label={}", self.label()),
            "--filter",
            &format!("label=brokerd.role={role}"),
        ])?;
        let ids: Vec<_> = found.lines().collect();
        ensure!(ids.len() == 1, "{role} has {} containers", ids.len());
        docker::inspect(ids[0])
    }

    /// A client on this machine, at a broker's endpoint whose URL starts with `scheme`.
    ///
    /// # Errors
    /// When the broker has no such endpoint.
    pub fn messenger(&self, script: &'static str, broker: &str, scheme: &str) -> Result<Messenger> {
        Ok(Messenger::python(script, self.api.endpoint(broker, scheme)?, self.ca()))
    }

    /// Runs a shell script in a container beside brokerd, in the network of applications. It gets the
    /// arguments, and `tls PORT`: what goes in leads to that port of the gateway, verified.
    ///
    /// # Errors
    /// When it fails.
    pub fn application(&self, script: &str, arguments: &[&str]) -> Result<String> {
        const TLS: &str = r#"
            tls() {
                openssl s_client -quiet -ignore_unexpected_eof -verify_return_error -CAfile /tmp/authority.pem \
                    -verify_hostname brokerd.internal -connect "brokerd.internal:$1"
            }
        "#;
        self.run_in(&format!("apps-{}", self.installation), &format!("{TLS}{script}"), arguments)
    }

    /// Runs a shell script in the network of a container, say a broker's. It gets the arguments, and `tls ADDRESS PORT`:
    /// what goes in leads there, verified.
    ///
    /// # Errors
    /// When it fails.
    pub fn inside(&self, container: &str, script: &str, arguments: &[&str]) -> Result<String> {
        const TLS: &str = r#"
            tls() {
                openssl s_client -quiet -ignore_unexpected_eof -verify_return_error -CAfile /tmp/authority.pem \
                    -verify_ip "$1" -connect "$1:$2"
            }
        "#;
        self.run_in(&format!("container:{container}"), &format!("{TLS}{script}"), arguments)
    }

    fn run_in(&self, network: &str, script: &str, arguments: &[&str]) -> Result<String> {
        let script = format!("printf '%s' \"$AUTHORITY\" >/tmp/authority.pem\n{script}");
        let authority = format!("AUTHORITY={}", fs::read_to_string(self.ca())?);
        let label = self.label();
        let mut all = vec!["run", "--rm", "--network", network, "--label", &label];
        all.extend(["-e", &authority, "--entrypoint", "/bin/sh", APPLICATION, "-euc", &script]);
        all.push("application");
        all.extend(arguments);
        docker(&all)
    }

    /// Prints what helps to understand a failure.
    pub fn explain(&self) {
        let logs = self.run(&["do", "logs", "--tail", "100"]);
        let containers = docker(&["ps", "-a", "--filter", &format!("label={}", self.label())]);
        let shown = |result: Result<String>| result.unwrap_or_else(|error| format!("{error:#}"));
        machine::say(&format!(
            "--- logs:\n{}\n--- containers:\n{}\n---",
            shown(logs),
            shown(containers)
        ));
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.explain();
        }
        if let Err(error) = self.run(&["clean"]) {
            machine::say(&format!("cleaning up {} failed: {error:#}", self.installation));
        }
    }
}

/// The image of the brokerd to test, by its id: somebody else may build one of the same name.
fn image() -> Result<String> {
    let name = build_image()?;
    Ok(docker(&["image", "inspect", "--format", "{{.Id}}", name])?.trim().to_owned())
}

/// Packs the brokerd to test into its image. Its name and tag.
///
/// # Errors
/// When it can't be built.
pub fn build_image() -> Result<&'static str> {
    let binary = machine::binary()?;
    let directory = binary.parent().context("the binary is in a directory")?;
    let (profile, name) = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") => ("dev", "brokerd/brokerd:dev"),
        Some("release") => ("release", "brokerd/brokerd:latest"),
        _ => bail!("{} is in no directory of cargo's", binary.display()),
    };
    let target = directory.parent().context("a target directory")?;
    let mut build = Command::new(machine::repository().join("docker/build.sh"));
    build.arg("brokerd").env("BROKERD_PROFILE", profile).env("CARGO_TARGET_DIR", target);
    machine::run(&mut build)?;
    Ok(name)
}
