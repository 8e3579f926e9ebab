//! The same engine by hand: `docker create`, copy the same files, `docker start`.

use std::{
    fs,
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{docker::docker, machine};
use serde_json::Value;

use crate::{
    brokers::Subject,
    clients::{self, Endpoint},
    statistics::Series,
};

/// How often an idle `docker` is timed.
const IDLE_RUNS: usize = 9;

/// An engine that can be started by hand, any number of times.
pub(crate) struct Bare {
    create: Vec<String>,
    uploads: Vec<(String, Vec<u8>)>,
    endpoint: Endpoint,
    engine_port: u16,
}

impl Bare {
    /// Renders the files that brokerd would inject, and packs them: none of it is in the figure.
    /// Containers get `label`.
    pub(crate) fn prepare(
        subject: &Subject,
        scale: f64,
        directory: &Path,
        label: &str,
    ) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("render");
        ensure!(
            program.is_file(),
            "there is no {}: run scripts/bench.sh, which builds it",
            program.display()
        );
        let mut render = Command::new(program);
        render.arg(directory).args([subject.engine, subject.version, subject.host]);
        machine::run(render.arg(scale.to_string()))?;
        let text = fs::read_to_string(directory.join("instance.json"))?;
        let instance: Value = serde_json::from_str(&text)?;
        let texts =
            |value: &Value| -> Result<Vec<String>> { Ok(serde_json::from_value(value.clone())?) };
        let mut create = vec!["create".to_owned(), format!("--label={label}")];
        create.extend(texts(&instance["create"])?);
        let owner: (u64, u64) = serde_json::from_value(instance["user"].clone())?;
        let mut uploads = Vec::new();
        for copy in instance["copy"].as_array().context("copy")? {
            let from = Path::new(copy["from"].as_str().context("from")?);
            if fs::read_dir(from)?.next().is_some() {
                let to = copy["to"].as_str().context("to")?.to_owned();
                uploads.push((to, pack(from, owner)?));
            }
        }
        let credential =
            |name: &str| instance["administrator"][name].as_str().unwrap_or_default().to_owned();
        let endpoint = Endpoint {
            dialect: subject.dialect,
            host: "127.0.0.1".to_owned(),
            port: 0,
            user: credential("username"),
            password: credential("password"),
            tls: clients::trust(&directory.join("ca.pem"))?,
        };
        Ok(Self { create, uploads, endpoint, engine_port: subject.engine_port })
    }

    /// How many commands a start takes.
    pub(crate) fn commands(&self) -> usize {
        2 + self.uploads.len()
    }

    /// Starts a container; its id, and where its endpoint will be.
    pub(crate) fn start(&self) -> Result<(String, Endpoint)> {
        self.start_with(&self.create)
    }

    /// The same, with its data on a volume that others have too.
    pub(crate) fn start_on(&self, volume: &str) -> Result<(String, Endpoint)> {
        let on_volume = |argument: &String| match argument.strip_prefix("--volume=") {
            Some(mount) if mount.ends_with("/data") => format!("--volume={volume}:{mount}"),
            _ => argument.clone(),
        };
        self.start_with(&self.create.iter().map(on_volume).collect::<Vec<_>>())
    }

    fn start_with(&self, create: &[String]) -> Result<(String, Endpoint)> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let anywhere = format!("--publish=127.0.0.1::{}", self.engine_port);
        let here = format!("--publish=127.0.0.1:{port}:{}", self.engine_port);
        let arguments: Vec<&str> = create
            .iter()
            .map(|argument| if *argument == anywhere { &here } else { argument }.as_str())
            .collect();
        let id = docker(&arguments)?.trim().to_owned();
        for (to, archive) in &self.uploads {
            let mut copy = Command::new("docker")
                .args(["cp", "-", &format!("{id}:{to}")])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            copy.stdin.take().context("standard input")?.write_all(archive)?;
            let status = copy.wait()?;
            ensure!(status.success(), "docker cp to {to} ended with {status}");
        }
        docker(&["start", &id])?;
        Ok((id, Endpoint { port, ..self.endpoint.clone() }))
    }
}

/// Removes a container and its volumes.
pub(crate) fn remove(id: &str) -> Result<()> {
    docker(&["rm", "-f", "-v", id]).map(drop)
}

/// How long the `docker` command takes when the engine has nothing to do, in milliseconds.
pub(crate) fn idle_command() -> Result<f64> {
    let mut series = Series::default();
    for _ in 0..IDLE_RUNS {
        let begin = Instant::now();
        docker(&["version", "--format", "{{.Server.Version}}"])?;
        series.push_milliseconds(begin.elapsed());
    }
    Ok(series.median())
}

/// A directory's files as an archive, owned by the engine's user.
fn pack(directory: &Path, owner: (u64, u64)) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let (path, metadata) = (entry.path(), entry.metadata()?);
            let mut header = tar::Header::new_gnu();
            header.set_metadata(&metadata);
            header.set_uid(owner.0);
            header.set_gid(owner.1);
            let name = path.strip_prefix(directory)?;
            if metadata.is_dir() {
                builder.append_data(&mut header, name, std::io::empty())?;
                left.push(path);
            } else {
                builder.append_data(&mut header, name, fs::File::open(&path)?)?;
            }
        }
    }
    Ok(builder.into_inner()?)
}
