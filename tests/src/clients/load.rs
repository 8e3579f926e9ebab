//! A client that publishes and consumes all the time, and knows what was confirmed to it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::python_command;
use crate::{PASSWORD, USER, World, eventually};

/// How many confirmations show that clients are served.
const SERVED: u64 = 5;

/// How long the consumer may take, in seconds, to receive what was confirmed.
const CATCH_UP: u64 = 60;

/// What it came to.
#[derive(Debug)]
pub struct Delivered {
    /// How many messages were confirmed.
    pub confirmed: u64,
    /// Those of them that were never received.
    pub lost: Vec<u64>,
    /// How many were received once more.
    pub duplicates: u64,
    /// The last reasons why a connection ended.
    pub failures: Vec<String>,
}

impl Delivered {
    /// Reads the client's last line.
    fn read(line: &Value) -> Option<Self> {
        let failures = line["failures"].as_array()?.iter();
        Some(Self {
            confirmed: line["confirmed"].as_u64()?,
            lost: line["lost"].as_array()?.iter().filter_map(Value::as_u64).collect(),
            duplicates: line["duplicates"].as_u64()?,
            failures: failures.filter_map(|f| f.as_str().map(str::to_owned)).collect(),
        })
    }
}

#[derive(Debug)]
struct Progress {
    confirmed: u64,
    last: Instant,
    longest_gap: Duration,
}

/// A publisher and a consumer of one queue.
#[derive(Debug)]
pub struct Load {
    child: Child,
    input: Option<ChildStdin>,
    progress: Arc<Mutex<Progress>>,
    reader: Option<JoinHandle<Option<Delivered>>>,
}

impl Load {
    /// Begins, at so many messages per second.
    ///
    /// # Errors
    /// When the broker has no endpoint, or the client can't be run.
    pub fn begin(world: &World, broker: &str, queue: &str, rate: u32) -> Result<Self> {
        let given = json!({
            "url": world.api.endpoint(broker, "amqps")?, "user": USER, "password": PASSWORD,
            "ca": world.ca(), "queue": queue, "rate": rate, "timeout": CATCH_UP,
        });
        let mut command = python_command("load091.py")?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().context("standard input")?;
        writeln!(input, "{given}")?;
        let output = BufReader::new(child.stdout.take().context("standard output")?);
        let began = Progress { confirmed: 0, last: Instant::now(), longest_gap: Duration::ZERO };
        let progress = Arc::new(Mutex::new(began));
        let shared = Arc::clone(&progress);
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if line["lost"].is_array() {
                    return Delivered::read(&line);
                }
                let Some(confirmed) = line["confirmed"].as_u64() else { continue };
                let mut progress = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let gap = progress.last.elapsed();
                progress.longest_gap = progress.longest_gap.max(gap);
                (progress.confirmed, progress.last) = (confirmed, Instant::now());
            }
            None
        });
        Ok(Self { child, input: Some(input), progress, reader: Some(reader) })
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages were confirmed so far.
    pub fn confirmed(&self) -> u64 {
        self.progress().confirmed
    }

    /// Waits until messages are confirmed, from now on.
    ///
    /// # Errors
    /// When none are.
    pub fn wait_until_served(&self, deadline: Duration) -> Result<()> {
        let before = self.progress().confirmed;
        eventually("messages are confirmed", deadline, || {
            Ok((self.progress().confirmed >= before + SERVED).then_some(()))
        })
    }

    /// The longest time without a confirmation since this was asked last, the present wait included.
    pub fn take_longest_gap(&self) -> Duration {
        let mut progress = self.progress();
        let gap = progress.longest_gap.max(progress.last.elapsed());
        progress.longest_gap = Duration::ZERO;
        gap
    }

    /// Ends it, once the consumer has had time to receive everything.
    ///
    /// # Errors
    /// When the client failed.
    pub fn finish(mut self) -> Result<Delivered> {
        drop(self.input.take());
        let reader = self.reader.take().context("it was finished before")?;
        let delivered = reader.join().ok().flatten().context("the client told nothing")?;
        ensure!(self.child.wait()?.success(), "the client failed: {delivered:?}");
        Ok(delivered)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It has ended, unless a scenario failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
