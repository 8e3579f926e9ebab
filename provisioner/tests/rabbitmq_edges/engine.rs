//! RabbitMQ, asked whether it takes a configuration.

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use brokerd_domain::{EngineType, EngineVersion};
use brokerd_provisioner::{catalogue::Catalogue, tls};
use secrecy::ExposeSecret as _;

use crate::example::{NOW, Scripted};

/// The file that a node reads, by the functions with which it reads it.
const CHECK: &str = include_str!("check.erl");

/// One process that reads configurations one after the other.
pub(crate) struct Engine {
    process: Child,
    to: ChildStdin,
    from: ChildStdout,
    /// How many it was asked about.
    pub(crate) asked: usize,
}

impl Engine {
    /// Of that version; none: it can't be had here.
    pub(crate) fn start(version: EngineVersion) -> Option<Self> {
        let catalogue = Catalogue::built_in().expect("well-formed");
        let image = &catalogue.image(EngineType::RabbitMq, version).expect("known").image;
        let authority = tls::new_authority(NOW, &Scripted::new(&[])).expect("made");
        let key = authority.private_key_pem.expose_secret();
        let mut process = Command::new("docker")
            .args(["run", "--rm", "--interactive", "--network", "none", "--memory", "1g"])
            .args(["--env", &format!("PEM={}{key}", authority.certificate_pem)])
            .args(["--tmpfs", "/etc/rabbitmq:mode=1777", "--entrypoint", "erl", image.as_str()])
            .args(["-noshell", "-noinput", "-eval", CHECK])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (to, from) = (process.stdin.take()?, process.stdout.take()?);
        let mut engine = Self { process, to, from, asked: 0 };
        if engine.ask("heartbeat = 60\n", "").is_some() {
            return Some(engine);
        }
        assert!(std::env::var_os("CI").is_none(), "{image} can't check configurations");
        eprintln!("skipped: there is no {image}; `docker/build.sh` makes it");
        None
    }

    /// Why a node does not take these two files (`advanced` may be empty); nothing if it does.
    pub(crate) fn why_not(&mut self, conf: &str, advanced: &str) -> String {
        let answer = self.ask(conf, advanced).unwrap_or_else(|| panic!("it died of {conf}"));
        answer.strip_prefix('-').unwrap_or_default().to_owned()
    }

    fn ask(&mut self, conf: &str, advanced: &str) -> Option<String> {
        self.asked += 1;
        let size = |length: usize| u32::try_from(length).expect("small").to_be_bytes();
        self.to.write_all(&size(4 + conf.len() + advanced.len())).ok()?;
        self.to.write_all(&size(conf.len())).ok()?;
        self.to.write_all(conf.as_bytes()).ok()?;
        self.to.write_all(advanced.as_bytes()).ok()?;
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
