//! Clients that others wrote: made ready once, run one job at a time, always verifying certificates.

mod cloudwatch;
mod events;
mod identities;
mod load;
mod logs;
mod ready;
mod terraform;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

pub use self::cloudwatch::cloudwatch_by_query;
pub use self::events::looked_up;
pub use self::identities::Person;
pub use self::load::{Delivered, Load};
pub use self::logs::{aws_logs, logged, stream};
pub use self::ready::{go, java, javascript, jms, python};
pub(crate) use self::ready::{
    go_command, java_command, javascript_command, jms_command, python_command,
};
use self::ready::{schemathesis, sources};
pub use self::terraform::Terraform;
use crate::{
    Api, PASSWORD, TIMEOUT, USER, World, eventually, machine,
    sdk::{Client, Kind as Sdk},
};

/// How long a client waits for a message, in seconds.
const WAIT: u64 = 20;

/// A large message: a little less than the eighth of the smallest heap that ActiveMQ's endpoints take at once.
const LARGE: u64 = 24_000_000;

/// An image that has `chroot`.
const CHROOT_IMAGE: &str = "brokerd/base:trixie";

/// The exit code of a client whose user was refused, or what the user wanted.
const REFUSED: i32 = 3;

/// What a client's run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
    pub(crate) complaints: String,
}

fn run_with_input(command: &mut Command, input: &str) -> Result<Outcome> {
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().with_context(|| format!("can't run {command:?}"))?;
    child.stdin.take().context("standard input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    Ok(Outcome {
        code: output.status.code(),
        printed: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The network of a client; its files are this machine's.
#[derive(Debug, Clone)]
enum Place {
    Here,
    Container,
    Namespace(String),
}

impl Place {
    fn command(&self, command: Command) -> Command {
        let (program, arguments) = match self {
            Self::Here => return command,
            Self::Container => {
                let run = ["run", "--rm", "-i", "-v", "/:/host", CHROOT_IMAGE, "chroot", "/host"];
                ("docker", run.map(str::to_owned).to_vec())
            }
            Self::Namespace(name) => ("ip", ["netns", "exec", name].map(str::to_owned).to_vec()),
        };
        let mut outer = Command::new(program);
        outer.args(arguments).arg(command.get_program()).args(command.get_args());
        outer
    }
}

fn script(name: &str, arguments: &[&str], input: &Value) -> Result<Outcome> {
    run_with_input(python_command(name)?.args(arguments), &input.to_string())
}

/// Sends an ActiveMQ broker several messages at once, each of a size that it permits, until it has ended.
///
/// # Errors
/// When the broker holds all of them.
pub fn overwhelm(world: &World, broker: &str, messages: u32) -> Result<()> {
    let given = json!({
        "url": world.api.endpoint(broker, "stomp+ssl")?, "user": USER, "password": PASSWORD,
        "ca": world.ca(), "connections": messages, "bytes": LARGE, "timeout": 2 * WAIT,
    });
    let outcome = script("hog.py", &[], &given)?;
    let told: Value = serde_json::from_str(&outcome.printed).unwrap_or_default();
    ensure!(told["broken"].as_u64() > Some(0), "it held all of it: {outcome:?}");
    Ok(())
}

/// Whether a user was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The broker let the user in.
    Granted,
    /// The broker refused the user, with these words.
    Refused(String),
}

impl Access {
    /// Whether the user was refused.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

#[derive(Debug, Clone)]
enum Kind {
    Python(&'static str),
    Jms,
}

/// A client of one endpoint.
#[derive(Debug, Clone)]
pub struct Messenger {
    kind: Kind,
    url: String,
    ca: PathBuf,
    user: String,
    password: String,
    names: Value,
    place: Place,
}

impl Messenger {
    /// A Python client.
    pub fn python(script: &'static str, url: String, ca: PathBuf) -> Self {
        Self::of(Kind::Python(script), url, ca)
    }

    /// A JMS client.
    pub fn jms(url: String, ca: PathBuf) -> Self {
        Self::of(Kind::Jms, url, ca)
    }

    fn of(kind: Kind, url: String, ca: PathBuf) -> Self {
        Self {
            kind,
            url,
            ca,
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            names: Value::Null,
            place: Place::Here,
        }
    }

    /// The same Python client in a container of its own, in the network that containers get by default.
    #[must_use]
    pub fn in_container(&self) -> Self {
        Self { place: Place::Container, ..self.clone() }
    }

    /// The same Python client in a network namespace of that name.
    #[must_use]
    pub fn in_namespace(&self, name: &str) -> Self {
        Self { place: Place::Namespace(name.to_owned()), ..self.clone() }
    }

    /// The same Python client with names that only it knows; see `clients/python/client.py`.
    #[must_use]
    pub fn knowing(&self, names: &Value) -> Self {
        Self { names: names.clone(), ..self.clone() }
    }

    /// The same client as somebody else.
    #[must_use]
    pub fn as_user(&self, user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned(), ..self.clone() }
    }

    /// Sends a persistent message, and waits until the broker has it.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub fn send(&self, queue: &str, body: &str) -> Result<()> {
        self.act("send", queue, body).map(drop)
    }

    /// Receives one message and acknowledges it.
    ///
    /// # Errors
    /// When there is none.
    pub fn receive(&self, queue: &str) -> Result<String> {
        self.act("receive", queue, "")
    }

    /// Receives one message and tells the broker that it can't be processed.
    ///
    /// # Errors
    /// When there is none.
    pub fn reject(&self, queue: &str) -> Result<String> {
        self.act("reject", queue, "")
    }

    /// Subscribes, sends and receives, for protocols without queues.
    ///
    /// # Errors
    /// When the message does not come back.
    pub fn exchange(&self, topic: &str, body: &str) -> Result<String> {
        self.act("exchange", topic, body)
    }

    /// Sends a message and takes it back.
    ///
    /// # Errors
    /// When another one comes back, or none.
    pub fn round_trip(&self, queue: &str) -> Result<()> {
        let body = format!("{queue} {}", machine::random_hex(4)?);
        self.send(queue, &body)?;
        let back = self.receive(queue)?;
        ensure!(back == body, "{}: sent {body:?}, received {back:?}", self.url);
        Ok(())
    }

    /// Whether the broker lets this user do that.
    ///
    /// # Errors
    /// When it can't be told.
    pub fn may(&self, action: &str, queue: &str, body: &str) -> Result<Access> {
        self.access(action, self.run(action, &json!({ "queue": queue, "body": body }))?)
    }

    /// Logs in as this user.
    ///
    /// # Errors
    /// When it can't be told whether the user was let in.
    pub fn login(&self, user: &str, password: &str) -> Result<Access> {
        self.as_user(user, password).may("login", "", "")
    }

    /// Which of these users are let in, in one run of the client.
    ///
    /// # Errors
    /// When it can't be told of one.
    pub fn logins(&self, users: &[(&str, &str)]) -> Result<Vec<bool>> {
        let answer = self.ask("logins", &json!({ "users": users }))?;
        let refused = answer["refused"].as_array().context("no answers")?;
        ensure!(refused.len() == users.len(), "{answer}");
        Ok(refused.iter().map(Value::is_null).collect())
    }

    /// What a client says after an action of its own.
    ///
    /// # Errors
    /// When it fails.
    pub fn ask(&self, action: &str, input: &Value) -> Result<Value> {
        let outcome = self.run(action, input)?;
        ensure!(outcome.code == Some(0), "{action} at {}: {outcome:?}", self.url);
        Ok(serde_json::from_str(&outcome.printed)?)
    }

    fn act(&self, action: &str, queue: &str, body: &str) -> Result<String> {
        let answer = self.ask(action, &json!({ "queue": queue, "body": body }))?;
        Ok(answer["body"].as_str().unwrap_or_default().to_owned())
    }

    fn access(&self, action: &str, outcome: Outcome) -> Result<Access> {
        match outcome.code {
            Some(0) => Ok(Access::Granted),
            Some(REFUSED) => Ok(Access::Refused(outcome.printed)),
            _ => bail!("{action} as {} at {}: {outcome:?}", self.user, self.url),
        }
    }

    fn run(&self, action: &str, input: &Value) -> Result<Outcome> {
        let mut given = json!({
            "url": self.url, "user": self.user, "password": self.password, "ca": self.ca, "timeout": WAIT,
        });
        if !self.names.is_null() {
            given["names"] = self.names.clone();
        }
        for (name, value) in input.as_object().into_iter().flatten() {
            given[name] = value.clone();
        }
        match self.kind {
            Kind::Python(name) => {
                let mut command = self.place.command(python_command(name)?);
                run_with_input(command.arg(action), &given.to_string())
            }
            Kind::Jms => {
                run_with_input(jms_command("brokerd.Client")?.arg(action), &properties(&given))
            }
        }
    }
}

/// The members of an object as `java.util.Properties` reads them; a list becomes numbered members.
fn properties(given: &Value) -> String {
    fn add(text: &mut String, name: &str, value: &Value) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    add(text, &format!("{name}.{index}"), item);
                }
            }
            Value::String(value) => {
                // Writing into a string can't fail.
                let _ = writeln!(text, "{name}={}", value.replace('\\', "\\\\"));
            }
            other => {
                let _ = writeln!(text, "{name}={other}");
            }
        }
    }
    let mut text = String::new();
    for (name, value) in given.as_object().into_iter().flatten() {
        add(&mut text, name, value);
    }
    text
}

/// HTTPS requests, one after the other with the same cookies: `url`, `method`, `user`, `password`, `headers`, `body`.
///
/// # Errors
/// When one of them gets no answer.
pub fn https(ca: &Path, mut requests: Vec<Value>) -> Result<Vec<Value>> {
    for request in &mut requests {
        request["ca"] = json!(ca);
    }
    let outcome = script("https.py", &[], &Value::Array(requests))?;
    ensure!(outcome.code == Some(0), "HTTPS: {outcome:?}");
    Ok(serde_json::from_str(&outcome.printed)?)
}

/// Handshakes of TLS 1.2, each with one suite, by OpenSSL's names. Gives back what the server said to those that came
/// to nothing.
///
/// # Errors
/// When the client can't be run.
pub fn suites(ca: &Path, url: &str, suites: &[&str]) -> Result<BTreeMap<String, String>> {
    let outcome = script("suites.py", &[], &json!({ "ca": ca, "url": url, "suites": suites }))?;
    ensure!(outcome.code == Some(0), "suites: {outcome:?}");
    Ok(serde_json::from_str(&outcome.printed)?)
}

/// The mechanisms that `Connection.Start` of AMQP 0-9-1 offers, sorted.
///
/// # Errors
/// When the client can't be run, or is told something else.
pub fn mechanisms(ca: &Path, url: &str) -> Result<Vec<String>> {
    let outcome = script("mechanisms.py", &[], &json!({ "ca": ca, "url": url }))?;
    ensure!(outcome.code == Some(0), "mechanisms: {outcome:?}");
    Ok(serde_json::from_str(&outcome.printed)?)
}

/// ActiveMQ's own list of its queues: a page of its console.
///
/// # Errors
/// When it is refused, or the console does not answer for too long.
pub fn queues(world: &World, broker: &str) -> Result<String> {
    let page = format!("{}/admin/queues.jsp", world.api.console(broker)?);
    let request = json!({ "url": page, "user": USER, "password": PASSWORD });
    eventually("the console lists the queues", TIMEOUT, || {
        let Ok(answers) = https(&world.ca(), vec![request.clone()]) else { return Ok(None) };
        ensure!(answers[0]["status"] == 200, "{}", shown(&answers));
        Ok(answers[0]["body"].as_str().map(str::to_owned))
    })
}

/// Calls with boto3, one after the other; see `clients/PROTOCOL.md`.
///
/// # Errors
/// When boto3 can't be run; what a call came to is in its answer.
pub fn boto3(api: &Api, calls: &Value) -> Result<Vec<Value>> {
    let mut client = Client::new(Sdk::Boto3, api)?;
    calls.as_array().context("a list of calls")?.iter().map(|call| client.raw(call)).collect()
}

/// `aws mq …`: what it printed, or its complaint.
///
/// # Errors
/// When the AWS CLI can't be run.
pub fn aws(api: &Api, arguments: &[&str]) -> Result<Result<Value, String>> {
    aws_service(api, "mq", arguments)
}

/// `aws SERVICE …`: what it printed, or its complaint.
///
/// # Errors
/// When the AWS CLI can't be run.
pub fn aws_service(api: &Api, service: &str, arguments: &[&str]) -> Result<Result<Value, String>> {
    let venv = python()?.context("there are no Python clients here")?;
    let mut command = Command::new(venv.join("bin/aws"));
    command.env_clear().env("PATH", machine::variable("PATH").unwrap_or_default());
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let endpoint = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
    command.env(endpoint, &api.endpoint).env("AWS_DEFAULT_REGION", &api.region);
    command.env("AWS_ACCESS_KEY_ID", &api.key).env("AWS_SECRET_ACCESS_KEY", &api.secret);
    command.env("AWS_MAX_ATTEMPTS", "1");
    command.args([service, "--output", "json"]).args(arguments);
    let outcome = run_with_input(&mut command, "")?;
    printed(&outcome, arguments)
}

/// What the AWS CLI printed, or its complaint.
fn printed(outcome: &Outcome, arguments: &[&str]) -> Result<Result<Value, String>> {
    if outcome.code != Some(0) {
        return Ok(Err(outcome.complaints.trim().to_owned()));
    }
    if outcome.printed.trim().is_empty() {
        return Ok(Ok(Value::Null));
    }
    serde_json::from_str(&outcome.printed)
        .map(Ok)
        .map_err(|error| anyhow!("aws {arguments:?}: {error}: {}", outcome.printed))
}

/// Calls every documented operation with what its schema allows and with what it does not; `known` are values of path
/// parameters that lead somewhere. False when that can't be done here and may be skipped.
///
/// # Errors
/// When an answer is not what the document promises, with what Schemathesis says about it.
pub fn every_documented_answer(api: &Api, known: &Value) -> Result<bool> {
    let Some(venv) = schemathesis()? else { return Ok(false) };
    let signer = json!({ "region": api.region, "key": api.key, "secret": api.secret });
    let mut command = Command::new(venv.join("bin/st"));
    command.env_clear().env("PATH", machine::variable("PATH").unwrap_or_default());
    // Its reports and its examples would land where the tests are run.
    command.current_dir(machine::cache("scenarios")?);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", sources("schemathesis"));
    command.env("SCHEMATHESIS_HOOKS", "hooks");
    command.env("SIGNER", signer.to_string()).env("KNOWN", known.to_string());
    command.args(["run", "--no-color", "--seed", "20171127", "--workers", "1"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--no-shrink"]);
    command.args(["--request-timeout", "30", "--warnings", "off", "--continue-on-failure"]);
    command.args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,the_signature_is_accepted"]);
    command.arg(format!("{}/openapi.json", api.endpoint));
    let outcome = run_with_input(&mut command, "")?;
    ensure!(
        outcome.code == Some(0),
        "Schemathesis ended with {:?}:\n{}{}",
        outcome.code,
        outcome.printed,
        outcome.complaints
    );
    let told = outcome.printed.lines().find(|line| line.contains(" generated"));
    machine::say(&format!("Schemathesis: {}", told.unwrap_or("it does not say how much").trim()));
    Ok(true)
}

/// The service's model, as botocore ships it.
///
/// # Errors
/// When there are no Python clients, or botocore has no such model.
pub fn service_model() -> Result<Value> {
    let outcome = script("model.py", &[], &Value::Null)?;
    ensure!(outcome.code == Some(0), "the model: {outcome:?}");
    Ok(serde_json::from_str(&outcome.printed)?)
}

/// A list of answers in one text, for messages of failed checks.
pub fn shown(answers: &[Value]) -> String {
    let mut text = String::new();
    for answer in answers {
        // Writing into a string can't fail.
        let _ = writeln!(text, "{answer}");
    }
    text
}
