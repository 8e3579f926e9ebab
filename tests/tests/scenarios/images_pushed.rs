//! Images that were built here are pushed to a registry of the operator's, for machines that have no engine of their own to build them.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{docker::docker, machine, registry::ImageRegistry};

/// A small one, and one of an engine.
const NAMES: [&str; 2] = ["firewall:trixie", "rabbitmq:4.3"];

/// What the script says to this, as somebody with these logins.
fn push(registry: &str, names: &[&str], logins: &Path) -> Result<Output> {
    let mut command = Command::new(machine::repository().join("docker/push.sh"));
    command.arg(registry).args(names).env("DOCKER_CONFIG", logins);
    command.output().context("docker/push.sh")
}

fn image_id(image: &str) -> Result<String> {
    docker(&["image", "inspect", "-f", "{{.Id}}", image]).map(|id| id.trim().to_owned())
}

/// What this machine's engine has by that name or below.
fn known(registry: &str) -> Result<String> {
    docker(&["images", "-q", "--filter", &format!("reference={registry}/*/*")])
}

#[test]
fn images_are_pushed_by_the_names_under_which_brokerd_looks_for_them() -> Result<()> {
    let registry = ImageRegistry::start()?;
    let target = format!("{}/mq", registry.address());
    let nobody = machine::cache("registries")?.join(format!("nobody-{}", machine::random_hex(3)?));
    fs::create_dir_all(&nobody)?;

    let refused = push(&target, &NAMES, &nobody)?;
    fs::remove_dir_all(&nobody)?;
    let why = String::from_utf8_lossy(&refused.stderr);
    ensure!(!refused.status.success() && why.contains("docker login"), "a stranger pushed: {why}");
    ensure!(known(&target)?.is_empty(), "a push that was refused leaves names here");

    let logins = registry.login()?;
    let unknown = push(&target, &[NAMES[0], "cassandra:5"], &logins)?;
    let why = String::from_utf8_lossy(&unknown.stderr);
    ensure!(!unknown.status.success() && why.contains("unknown image cassandra:5"), "{why}");
    ensure!(registry.digest(&format!("mq/brokerd/{}", NAMES[0])).is_err(), "it was pushed first");

    let pushed = push(&target, &NAMES, &logins)?;
    let why = String::from_utf8_lossy(&pushed.stderr);
    ensure!(pushed.status.success(), "{why}");
    let told = String::from_utf8(pushed.stdout)?;
    ensure!(known(&target)?.is_empty(), "the names of the registry stay here");
    for name in NAMES {
        let digest = registry.digest(&format!("mq/brokerd/{name}"))?;
        let line = format!("{target}/brokerd/{name} {digest}");
        ensure!(told.lines().any(|l| l == line), "{line} is not in {told}");
        let reference = format!("{target}/brokerd/{name}");
        docker(&["--config", &logins.display().to_string(), "pull", "-q", &reference])?;
        let pulled = image_id(&reference);
        docker(&["rmi", &reference])?;
        ensure!(pulled? == image_id(&format!("brokerd/{name}"))?, "{name} became another image");
    }
    fs::remove_dir_all(&logins)?;
    Ok(())
}
