//! An engine in a container that answers one message after the other, without a network.

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A container that is asked over its standard input and answers on its standard output. Messages and answers begin
/// with their length in bytes, a big-endian number of four bytes.
pub(crate) struct AskedEngine {
    process: Child,
    to: ChildStdin,
    from: ChildStdout,
    /// How often it was asked.
    pub(crate) asked: usize,
}

impl AskedEngine {
    /// Runs `image` with these options of `docker run` and this command, and tries it with a message. None: it can't be
    /// had here, which is said, and which is a failure under `CI`.
    pub(crate) fn start(
        options: &[&str],
        image: &str,
        command: &[&str],
        trial: &[u8],
    ) -> Option<Self> {
        let started = Self::run(options, image, command).and_then(|mut engine| {
            engine.ask(trial)?;
            Some(engine)
        });
        if started.is_none() {
            assert!(std::env::var_os("CI").is_none(), "{image} can't check configurations");
            eprintln!(
                "skipped: no {image} that can check configurations; `docker/build.sh` makes one"
            );
        }
        started
    }

    fn run(options: &[&str], image: &str, command: &[&str]) -> Option<Self> {
        let mut process = Command::new("docker")
            .args(["run", "--rm", "--interactive", "--network", "none", "--memory", "1g"])
            .args(options)
            .arg(image)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (to, from) = (process.stdin.take()?, process.stdout.take()?);
        Some(Self { process, to, from, asked: 0 })
    }

    /// What it answers; none: it has ended.
    pub(crate) fn ask(&mut self, message: &[u8]) -> Option<String> {
        self.asked += 1;
        self.to.write_all(&length(message)).ok()?;
        self.to.write_all(message).ok()?;
        self.to.flush().ok()?;
        let mut length = [0; 4];
        self.from.read_exact(&mut length).ok()?;
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?];
        self.from.read_exact(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// A length as it is sent.
pub(crate) fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).expect("small").to_be_bytes()
}

impl Drop for AskedEngine {
    fn drop(&mut self) {
        // Its standard input ends with it, and so does the engine; the container is removed by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
