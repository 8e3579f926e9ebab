//! A registry of images on this machine's loopback, which asks who pulls.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    docker::{self, docker},
    eventually, http, machine,
};

const IMAGE: &str = "brokerd/test-registry:trixie";

/// How long it may take to answer.
const START: Duration = Duration::from_secs(30);

/// The user that may push and pull.
pub const USERNAME: &str = "puller";

/// The password.
pub const PASSWORD: &str = "Lantern-Harbour-7";

/// A registry; its container goes with it, and so do the names that its images have here.
#[derive(Debug)]
pub struct ImageRegistry {
    container: String,
    address: String,
    pushed: Vec<String>,
}

impl ImageRegistry {
    /// An empty one that answers.
    ///
    /// # Errors
    /// When the image or the container can't be made.
    pub fn start() -> Result<Self> {
        build(IMAGE, &sources("registry"), &[])?;
        let run = machine::variable("BROKERD_TEST_RUN").unwrap_or_else(|| "t".to_owned());
        let label = format!("brokerd.installation={run}-registry-{}", machine::random_hex(3)?);
        let id = docker(&["run", "-d", "--label", &label, "-p", "127.0.0.1::5000", IMAGE])?;
        let mut registry =
            Self { container: id.trim().to_owned(), address: String::new(), pushed: Vec::new() };
        let container = docker::inspect(&registry.container)?;
        let port = container.at("/NetworkSettings/Ports/5000~1tcp/0/HostPort");
        registry.address = format!("127.0.0.1:{}", port.as_str().context("no port")?);
        eventually("the registry answers", START, || {
            let running = docker::inspect(&registry.container)?.running();
            ensure!(running, "{}", docker::log(&registry.container)?);
            let answer = http::get(&registry.address, "/v2/");
            // It answers nobody without a name.
            Ok(answer.is_ok_and(|answer| answer.status == 401).then_some(()))
        })?;
        Ok(registry)
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Gives it an image of this machine by that name; the name's digest. The image is not here by the name of
    /// the registry afterwards, as if it had never been.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn push(&mut self, image: &str, name: &str) -> Result<String> {
        let reference = format!("{}/{name}", self.address);
        docker(&["tag", image, &reference])?;
        self.pushed.push(reference.clone());
        let logins = self.login()?;
        let logins_path = logins.display().to_string();
        let pushed = docker(&["--config", &logins_path, "push", &reference]);
        fs::remove_dir_all(&logins)?;
        let pushed = pushed?;
        docker(&["rmi", &reference])?;
        let digest = pushed.split_whitespace().find(|word| word.starts_with("sha256:"));
        Ok(digest.with_context(|| pushed.clone())?.to_owned())
    }

    /// A directory for `DOCKER_CONFIG` with which the engine's client may push and pull. It belongs to the caller.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn login(&self) -> Result<PathBuf> {
        let logins = machine::cache("registries")?.join(self.address.replace([':', '.'], "-"));
        fs::create_dir_all(&logins)?;
        let config = json!({ "auths": { &self.address: { "auth": docker_auth() } } });
        fs::write(logins.join("config.json"), config.to_string())?;
        Ok(logins)
    }

    /// The digest of what the registry has under a name.
    ///
    /// # Errors
    /// When it has no such name.
    pub fn digest(&self, name: &str) -> Result<String> {
        let link = link(name)?;
        docker(&["exec", &self.container, "cat", &link]).map(|digest| digest.trim().to_owned())
    }

    /// Lets a name of the registry mean another image, which it has by that digest: as when somebody pushes a newer
    /// one.
    ///
    /// # Errors
    /// When the registry has no such name.
    pub fn moves(&self, name: &str, digest: &str) -> Result<()> {
        let link = link(name)?;
        let script = format!("test -f {link} && printf %s {digest} > {link}");
        docker(&["exec", &self.container, "sh", "-c", &script]).map(drop)
    }

    /// Removes what was pulled from it.
    fn forget(&self) -> Result<()> {
        for reference in &self.pushed {
            let (name, _) = reference.rsplit_once(':').context("a tag")?;
            let here =
                docker(&["images", "-q", "--no-trunc", "--filter", &format!("reference={name}")])?;
            for id in here.lines() {
                let names = docker(&[
                    "image",
                    "inspect",
                    "-f",
                    "{{json .RepoDigests}} {{json .RepoTags}}",
                    id,
                ])?;
                for own in names.split(['"', '[', ']', ',']).filter(|n| n.starts_with(name)) {
                    docker(&["rmi", own])?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for ImageRegistry {
    fn drop(&mut self) {
        let forgotten = self.forget();
        let removed = docker(&["rm", "-f", "-v", &self.container]);
        if let Err(error) = forgotten.and(removed.map(drop)) {
            machine::say(&format!("removing the registry failed: {error:#}"));
        }
    }
}

/// The file in which the registry keeps what a name means.
fn link(name: &str) -> Result<String> {
    let (repository, tag) = name.rsplit_once(':').context("a tag")?;
    let root = "/var/lib/docker-registry/docker/registry/v2/repositories";
    Ok(format!("{root}/{repository}/_manifests/tags/{tag}/current/link"))
}

fn docker_auth() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{USERNAME}:{PASSWORD}"))
}

/// An image of RabbitMQ 4.3 laid out like the official one; its name, and its full version.
///
/// # Errors
/// When it can't be built.
pub fn official_rabbitmq() -> Result<(String, String)> {
    let label = "{{index .Config.Labels \"brokerd.engine.version\"}}";
    let version = docker(&["image", "inspect", "-f", label, "brokerd/rabbitmq:4.3"])?;
    let version = version.trim().to_owned();
    let image = "brokerd/test-official-rabbitmq:4.3".to_owned();
    let argument = format!("VERSION={version}");
    build(&image, &sources("official/rabbitmq"), &["--build-arg", &argument])?;
    Ok((image, version))
}

/// The newest distribution of ActiveMQ 5.18 that mirrors of Maven Central have.
const DISTRIBUTION: &str = "5.18.3";

/// An image of the distribution of ActiveMQ 5.18 laid out like the official one; its name, and its full version.
/// None where there is no Maven.
///
/// # Errors
/// When it can't be built.
pub fn official_activemq() -> Result<Option<(String, String)>> {
    if !machine::has_tools("official images of ActiveMQ", &["mvn"])? {
        return Ok(None);
    }
    let context = machine::cache("official-activemq")?;
    let archive = format!("apache-activemq-{DISTRIBUTION}-bin.tar.gz");
    if !context.join(&archive).exists() {
        let artifact = format!("org.apache.activemq:apache-activemq:{DISTRIBUTION}:tar.gz:bin");
        machine::run(Command::new("mvn").args([
            "-B",
            "-q",
            "dependency:copy",
            &format!("-Dartifact={artifact}"),
            &format!("-DoutputDirectory={}", context.display()),
        ]))?;
    }
    for entry in fs::read_dir(sources("official/activemq"))? {
        let entry = entry?;
        fs::copy(entry.path(), context.join(entry.file_name()))?;
    }
    let image = format!("brokerd/test-official-activemq:{DISTRIBUTION}");
    let argument = format!("DISTRIBUTION={archive}");
    build(&image, &context, &["--build-arg", &argument])?;
    Ok(Some((image, DISTRIBUTION.to_owned())))
}

fn sources(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Builds an image, which costs nothing when it is there.
fn build(image: &str, context: &Path, options: &[&str]) -> Result<()> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(machine::cache("clients")?.join("images.lock"))?;
    lock.lock()?;
    let mut command = Command::new("docker");
    // As for brokerd's own images: only the classic builder is asked for.
    command.env("DOCKER_BUILDKIT", "0").args(["build", "-q", "--force-rm", "-t", image]);
    machine::run(command.args(options).arg(context)).map(drop)
}
