//! A Prometheus that watches the brokerd of a world, configured by what is shipped.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{PASSWORD, USER, World, eventually, http, machine};

/// How long it may take to answer.
const START: Duration = Duration::from_secs(30);
/// How often it scrapes and evaluates here: scenarios have no minute to wait for each look.
const INTERVAL: &str = "2s";

/// Prometheus; it ends with this.
#[derive(Debug)]
pub struct Prometheus {
    process: Child,
    address: String,
}

/// The directory of `prometheus` and `promtool`; none: they can't be had here.
///
/// # Errors
/// When they can't be had on a build machine.
pub fn programs() -> Result<Option<PathBuf>> {
    let script = machine::repository().join("scripts/observe.sh");
    let cache = machine::cache("prometheus")?;
    match machine::run(Command::new(script).arg("install").arg(cache)) {
        Ok(printed) => Ok(Some(PathBuf::from(printed.trim()))),
        Err(error) => {
            machine::skip("Prometheus", &format!("{error:#}"))?;
            Ok(None)
        }
    }
}

/// What `make observe` would configure for this world, with the interval of scenarios.
fn configuration(world: &World) -> Result<String> {
    let binary = machine::binary()?;
    let built = binary.parent().context("the binary is in a directory")?;
    let profile = if built.ends_with("release") { "release" } else { "dev" };
    let mut command = Command::new(machine::repository().join("scripts/observe.sh"));
    command.arg("config").envs(world.environment());
    command.env("CARGO_TARGET_DIR", built.parent().context("a target directory")?);
    command.env("BROKERD_PROFILE", profile).env("BROKERD_OBSERVE_USERNAME", USER);
    let text = machine::run(&mut command)?;
    let lines = text.lines().map(|line| match line.split_once("_interval: ") {
        Some((name, _)) => format!("{name}_interval: {INTERVAL}\n"),
        None => format!("{line}\n"),
    });
    Ok(lines.collect())
}

impl Prometheus {
    /// One that answers, and scrapes.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(programs: &Path, world: &World) -> Result<Self> {
        let directory = world.data().join("observe");
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("password"), PASSWORD)?;
        let file = directory.join("prometheus.yaml");
        fs::write(&file, configuration(world)?)?;
        let check = ["check", "config", "--syntax-only"];
        machine::run(Command::new(programs.join("promtool")).args(check).arg(&file))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let log = directory.join("prometheus.log");
        let process = Command::new(programs.join("prometheus"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut prometheus = Self { process, address };
        eventually("Prometheus is ready", START, || {
            let ended = prometheus.process.try_wait()?;
            ensure!(ended.is_none(), "{}", fs::read_to_string(&log)?);
            let answer = http::get(&prometheus.address, "/-/ready");
            Ok(answer.is_ok_and(|answer| answer.status == 200).then_some(()))
        })?;
        Ok(prometheus)
    }

    /// What it answers to a GET.
    ///
    /// # Errors
    /// When it refuses.
    pub fn get(&self, path: &str) -> Result<Value> {
        let answer = http::get(&self.address, path)?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.body);
        let answer: Value = serde_json::from_str(&answer.body)?;
        Ok(answer["data"].clone())
    }

    /// The series of an expression now.
    ///
    /// # Errors
    /// When it refuses the expression.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let encoded: String = expression.bytes().map(encode).collect();
        let data = self.get(&format!("/api/v1/query?query={encoded}"))?;
        let result = data["result"].as_array().context("no result")?;
        // A comparison of numbers is no vector.
        Ok(if data["resultType"] == "vector" { result.clone() } else { vec![data] })
    }
}

fn encode(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
