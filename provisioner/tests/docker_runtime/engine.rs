//! The engine that tests use, by its own command line client and by the runtime.

use std::{process::Command, sync::Arc};

use brokerd_domain::{Clock, InstallationId, Timestamp};
use brokerd_provisioner::runtime::docker::{DockerOptions, DockerRuntime};

pub(crate) const HELPER: &str = "brokerd/disk:trixie";
/// What the helper needs to be run by hand.
pub(crate) const DEVICES: [&str; 6] = [
    "--device-cgroup-rule",
    "b 7:* rwm",
    "--device-cgroup-rule",
    "c 10:237 rwm",
    "-v",
    "/dev:/dev",
];
pub(crate) const MIB: u64 = 1 << 20;

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the engine's clock is the real one")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.expect("after 1970").as_micros();
        Timestamp::from_micros(i64::try_from(micros).expect("before the end of time"))
    }
}

/// Runs the command line client, which sees the engine independently of the code under test.
pub(crate) fn docker(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(arguments).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// A runtime of that installation; nothing, if there is no engine to try it on.
pub(crate) async fn engine_or_skip(installation: &InstallationId) -> Option<DockerRuntime> {
    let options = DockerOptions::new(None, installation.clone());
    match DockerRuntime::connect(options, Arc::new(SystemClock)).await {
        Ok(runtime) => Some(runtime),
        Err(error) => {
            let must = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!must, "no Docker engine to test with: {error}");
            eprintln!("SKIPPED: no Docker engine answers ({error})");
            None
        }
    }
}

/// Takes every disk of an installation off its device, as a restart of the host would.
pub(crate) fn detach_disks(installation: &InstallationId) {
    let ours = format!("label=brokerd.installation={installation}");
    let disks = ["--filter", &ours, "--filter", "label=brokerd.role=disk"];
    let files = docker(&[&["volume", "ls", "-q"], &disks[..]].concat());
    for file in files.unwrap_or_default().lines() {
        let volume = file.trim_end_matches("-disk");
        let link = format!("/dev/brokerd-{installation}/{volume}");
        let mount = format!("{file}:/disk");
        let detach = ["-v", &mount, HELPER, "detach", &link];
        let _ = docker(&[&["run", "--rm"], &DEVICES[..], &detach].concat());
    }
}

/// Removes whatever is left of an installation.
pub(crate) fn sweep(installation: &InstallationId) {
    detach_disks(installation);
    let filter = format!("label=brokerd.installation={installation}");
    for [list, remove] in [
        [&["ps", "-aq"] as &[&str], &["rm", "-f", "-v"]],
        [&["volume", "ls", "-q"], &["volume", "rm", "-f"]],
        [&["network", "ls", "-q"], &["network", "rm"]],
    ] {
        let found = docker(&[list, &["--filter", &filter]].concat()).unwrap_or_default();
        for id in found.lines() {
            let _ = docker(&[remove, &[id]].concat());
        }
    }
}
