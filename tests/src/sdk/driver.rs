//! A client in another language: a process that is asked and answers line by line.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{Api, machine};

/// A running driver.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    complaints: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

impl Driver {
    /// Starts a driver, and tells it where the API is.
    pub(crate) fn start(mut command: Command, api: &Api) -> Result<Self> {
        // What the machine's owner has set up for AWS is none of a scenario's business.
        for name in ["AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_MQ", "AWS_SESSION_TOKEN"]
        {
            command.env_remove(name);
        }
        command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().with_context(|| format!("can't run {command:?}"))?;
        let input = child.stdin.take().context("standard input")?;
        let output = BufReader::new(child.stdout.take().context("standard output")?);
        let mut errors = child.stderr.take().context("standard error")?;
        let complaints = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&complaints);
        let listener = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What came before a failure to read is worth keeping.
            let _ = errors.read_to_end(&mut bytes);
            if let Ok(mut text) = heard.lock() {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
        });
        let mut driver = Self { child, input, output, complaints, listener: Some(listener) };
        driver.tell(&json!({
            "endpoint": api.endpoint, "region": api.region, "key": api.key, "secret": api.secret,
        }))?;
        Ok(driver)
    }

    fn tell(&mut self, line: &Value) -> Result<()> {
        let told = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
        told.or_else(|error| self.died(&error.to_string()))
    }

    /// One call, one answer.
    pub(crate) fn ask(&mut self, call: &Value) -> Result<Value> {
        self.tell(call)?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            self.died("it has not answered")?;
        }
        serde_json::from_str(&line).with_context(|| format!("not JSON: {line:?}"))
    }

    fn died(&mut self, how: &str) -> Result<()> {
        self.child.kill()?;
        let status = self.child.wait()?;
        let ended = self.listener.take().is_none_or(|listener| listener.join().is_ok());
        let complaints = self.complaints.lock().map(|text| text.clone()).unwrap_or_default();
        bail!("the driver ended ({how}, {status}, all of its complaints: {ended}): {complaints}")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = ended {
            machine::say(&format!("a driver can't be ended: {error}"));
        }
    }
}
