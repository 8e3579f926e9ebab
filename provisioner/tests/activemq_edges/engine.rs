//! ActiveMQ, asked whether it starts.

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use brokerd_domain::{EngineType, EngineVersion};
use brokerd_provisioner::catalogue::Catalogue;

/// One process that starts brokers one after the other.
pub(crate) struct Engine {
    process: Child,
    to: ChildStdin,
    from: ChildStdout,
    /// How many brokers it was asked to start.
    pub(crate) asked: usize,
}

impl Engine {
    /// Of that version; none: it can't be had here.
    pub(crate) fn start(version: EngineVersion) -> Option<Self> {
        Self::run(version, "check")
    }

    /// One whose answers tell what a broker has that has started.
    pub(crate) fn describing(version: EngineVersion) -> Option<Self> {
        Self::run(version, "describe")
    }

    fn run(version: EngineVersion, command: &str) -> Option<Self> {
        let catalogue = Catalogue::built_in().expect("well-formed");
        let image = &catalogue.image(EngineType::ActiveMq, version).expect("offered").image;
        let mut process = Command::new("docker")
            .args(["run", "--rm", "--interactive", "--network", "none", "--memory", "1g"])
            .args([image.as_str(), command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (to, from) = (process.stdin.take()?, process.stdout.take()?);
        let mut engine = Self { process, to, from, asked: 0 };
        if engine.ask("no document").is_some() {
            return Some(engine);
        }
        assert!(std::env::var_os("CI").is_none(), "{image} can't check configurations");
        eprintln!(
            "skipped: {image} can't check configurations; `docker/build.sh` makes one that can"
        );
        None
    }

    /// Why a broker does not start with the document; if it does, nothing, or what it has.
    pub(crate) fn why_not(&mut self, document: &str) -> String {
        self.ask(document).unwrap_or_else(|| panic!("the engine died of {document}"))
    }

    fn ask(&mut self, document: &str) -> Option<String> {
        self.asked += 1;
        let length = u32::try_from(document.len()).expect("small");
        self.to.write_all(&length.to_be_bytes()).ok()?;
        self.to.write_all(document.as_bytes()).ok()?;
        self.to.flush().ok()?;
        let mut length = [0; 4];
        self.from.read_exact(&mut length).ok()?;
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?];
        self.from.read_exact(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Its standard input ends with it, and so does the engine; the container is removed by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
