//! Clients that send and receive without a break, while a scenario does things to their broker.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use aws_sdk_mq::types::BrokerInstance;
use serde_json::{Value, json};

use crate::{Api, PASSWORD, USER, World, clients, machine};

/// A process with producers that know one address each, and a consumer that knows all.
#[derive(Debug)]
pub struct Steady {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// How many messages show that the clients were at work.
const AT_WORK: u64 = 20;

/// What became of all messages.
#[derive(Debug)]
pub struct Outcome {
    /// How many the broker acknowledged.
    pub stored: u64,
    /// Those of them that nobody received.
    pub lost: Vec<String>,
    /// How many were received more than once.
    pub repeated: u64,
}

impl Steady {
    /// Begins at the STOMP endpoints of all instances of a broker.
    ///
    /// # Errors
    /// When the clients can't be run, or the broker has no such endpoint.
    pub fn begin(world: &World, broker: &str, queue: &str) -> Result<Self> {
        Self::begin_at(&world.api, &world.ca(), broker, queue)
    }

    /// Begins at the STOMP endpoints of all instances of a broker of an API, whose certificates that authority issued.
    ///
    /// # Errors
    /// When the clients can't be run, or the broker has no such endpoint.
    pub fn begin_at(api: &Api, ca: &Path, broker: &str, queue: &str) -> Result<Self> {
        let urls = endpoints(api, broker, "stomp+ssl://")?;
        let given = json!({
            "urls": urls, "user": USER, "password": PASSWORD, "ca": ca, "queue": queue,
        });
        Self::run(&mut clients::python_command("steady.py")?, &given.to_string())
    }

    /// Begins with a JMS producer and consumer that know all instances of a broker by one URL of the
    /// failover transport; none where there is no JMS client.
    ///
    /// # Errors
    /// When the clients can't be run, or the broker has no such endpoint.
    pub fn begin_jms(world: &World, broker: &str, queue: &str) -> Result<Option<Self>> {
        if clients::jms()?.is_none() {
            return Ok(None);
        }
        let url = format!("failover:({})", endpoints(&world.api, broker, "ssl://")?.join(","));
        let ca = world.ca().display().to_string();
        let given = [url.as_str(), USER, PASSWORD, &ca, queue].join("\n");
        Self::run(&mut clients::jms_command("brokerd.Steady")?, &given).map(Some)
    }

    fn run(command: &mut Command, given: &str) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().context("standard input")?;
        let output = BufReader::new(child.stdout.take().context("standard output")?);
        writeln!(input, "{given}")?;
        Ok(Self { child, input, output })
    }

    fn ask(&mut self, action: &str) -> Result<Value> {
        writeln!(self.input, "{action}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{action}: {line:?}"))
    }

    /// Waits for one more message to be acknowledged; the longest pause between two of one producer
    /// since this was last asked.
    ///
    /// # Errors
    /// When none is.
    pub fn longest_pause(&mut self) -> Result<Duration> {
        let told = self.ask("told")?;
        ensure!(told["moves"] == true, "nothing is acknowledged any more: {told}");
        Ok(Duration::from_secs_f64(told["longest"].as_f64().context("a pause")?))
    }

    /// How many messages were acknowledged so far.
    ///
    /// # Errors
    /// When the clients have failed.
    pub fn stored(&mut self) -> Result<u64> {
        self.ask("count")?["stored"].as_u64().context("acknowledged messages")
    }

    /// Ends the producers, says what became of all messages, and sees that none of many is lost.
    ///
    /// # Errors
    /// When the clients have failed, hardly anything was sent, or something is lost.
    pub fn lost_nothing(self, speaking: &str) -> Result<()> {
        let outcome = self.end()?;
        machine::say(&format!(
            "{speaking}: {} messages acknowledged, {} lost, {} repeated",
            outcome.stored,
            outcome.lost.len(),
            outcome.repeated
        ));
        ensure!(outcome.lost.is_empty(), "{speaking}: lost: {:?}", outcome.lost);
        ensure!(outcome.stored > AT_WORK, "{speaking}: hardly anything was sent: {outcome:?}");
        Ok(())
    }

    /// Ends the producers, and waits until everything that was acknowledged is received.
    ///
    /// # Errors
    /// When the clients have failed.
    pub fn end(mut self) -> Result<Outcome> {
        let told = self.ask("end")?;
        let lost = told["lost"].as_array().context("lost messages")?;
        Ok(Outcome {
            stored: told["stored"].as_u64().context("acknowledged messages")?,
            lost: lost.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect(),
            repeated: told["repeated"].as_u64().context("repeated messages")?,
        })
    }
}

/// The URLs of all instances of a broker that begin so.
fn endpoints(api: &Api, broker: &str, scheme: &str) -> Result<Vec<String>> {
    let described = api.describe(broker)?;
    let urls = described.broker_instances().iter().flat_map(BrokerInstance::endpoints);
    let urls: Vec<String> = urls.filter(|url| url.starts_with(scheme)).cloned().collect();
    ensure!(!urls.is_empty(), "{broker} has no endpoint that begins with {scheme}");
    Ok(urls)
}

impl Drop for Steady {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How long clients had to wait, by what was done to their broker.
#[derive(Debug, Default)]
pub struct Pauses(BTreeMap<&'static str, Vec<Duration>>);

impl Pauses {
    /// Adds one.
    pub fn push(&mut self, what: &'static str, pause: Duration) {
        self.0.entry(what).or_default().push(pause);
    }

    /// Says the median and the extremes of each.
    pub fn say(self) {
        for (what, mut pauses) in self.0 {
            pauses.sort_unstable();
            let seconds = |pause: Option<&Duration>| pause.map_or(0.0, Duration::as_secs_f64);
            machine::say(&format!(
                "{what}: {} times, clients waited for {:.1} s ({:.1}-{:.1})",
                pauses.len(),
                seconds(pauses.get(pauses.len() / 2)),
                seconds(pauses.first()),
                seconds(pauses.last()),
            ));
        }
    }
}
