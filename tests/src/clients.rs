//! Clients that others wrote: made ready once, run one job at a time, always verifying certificates.

use std::{
    fmt::Write as _,
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::{
    Api, PASSWORD, USER, machine,
    sdk::{Client, Kind as Sdk},
};

/// How long a client waits for a message, in seconds.
const WAIT: u64 = 20;

/// The exit code of a client whose user was refused.
const REFUSED: i32 = 3;

/// Where the clients' sources are.
fn sources(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// A directory that is made once for each content of `inputs`, whoever asks first.
fn made_once(
    name: &str,
    inputs: &[PathBuf],
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    for input in inputs {
        fs::read(input)
            .with_context(|| format!("can't read {}", input.display()))?
            .hash(&mut hasher);
    }
    let clients = machine::cache("clients")?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(clients.join(format!("{name}.lock")))?;
    lock.lock()?;
    let directory = clients.join(name);
    let stamp = directory.join("made-from");
    let digest = format!("{:016x}", hasher.finish());
    if fs::read_to_string(&stamp).is_ok_and(|made| made == digest) {
        return Ok(directory);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    make(&directory).with_context(|| format!("can't make the {name} clients"))?;
    fs::write(stamp, digest)?;
    Ok(directory)
}

/// The Python clients; none when they can't be had here and may be skipped.
///
/// # Errors
/// When they can't be made ready.
pub fn python() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || {
        if !machine::has_tools("what Python clients see", &["python3"])? {
            return Ok(None);
        }
        let requirements = sources("python").join("requirements.txt");
        made_once("venv", std::slice::from_ref(&requirements), |directory| {
            machine::run(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
            let pip = directory.join("bin/pip");
            let quiet = ["install", "-q", "--disable-pip-version-check", "-r"];
            machine::run(Command::new(pip).args(quiet).arg(&requirements)).map(drop)
        })
        .map(Some)
    })
}

/// The JMS client; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub fn jms() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || maven("jms", "what a JMS client sees", &["Client.java"]))
}

/// The AWS SDK for Java; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub fn java() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || maven("java", "what the AWS SDK for Java sees", &["Api.java", "Members.java"]))
}

/// A project of Maven's, with its classes and everything they need in `lib`.
fn maven(name: &str, what: &str, classes: &[&str]) -> Result<Option<PathBuf>> {
    if !machine::has_tools(what, &["java", "mvn"])? {
        return Ok(None);
    }
    let project = sources(name);
    let mut inputs = vec![project.join("pom.xml")];
    inputs.extend(classes.iter().map(|class| project.join("src/main/java/brokerd").join(class)));
    made_once(name, &inputs, |directory| {
        let out = format!("-Dout={}", directory.display());
        machine::run(Command::new("mvn").args(["-q", "-B", &out, "package", "-f"]).arg(&inputs[0]))
            .map(drop)
    })
    .map(Some)
}

/// Runs a class of a Maven project: short runs, so it is not worth to optimise much.
fn java_class(project: &Path, class: &str) -> Command {
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
    command.arg(format!("{}/lib/*", project.display())).arg(class);
    command
}

/// The AWS SDK for JavaScript; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub fn javascript() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || {
        if !machine::has_tools("what the AWS SDK for JavaScript sees", &["node", "npm"])? {
            return Ok(None);
        }
        let names = ["package.json", "package-lock.json", "api.mjs"];
        let inputs = names.map(|name| sources("javascript").join(name));
        made_once("javascript", &inputs, |directory| {
            fs::create_dir_all(directory)?;
            for (name, input) in names.iter().zip(&inputs) {
                fs::copy(input, directory.join(name))?;
            }
            let quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
            machine::run(Command::new("npm").args(quiet).current_dir(directory)).map(drop)
        })
        .map(Some)
    })
}

/// The AWS SDK for Go; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub fn go() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || {
        if !machine::has_tools("what the AWS SDK for Go sees", &["go"])? {
            return Ok(None);
        }
        let inputs = ["go.mod", "go.sum", "main.go"].map(|name| sources("go").join(name));
        made_once("go", &inputs, |directory| {
            let mut build = Command::new("go");
            build.args(["build", "-mod=readonly", "-o"]).arg(directory.join("api")).arg(".");
            machine::run(build.current_dir(sources("go"))).map(drop)
        })
        .map(Some)
    })
}

/// How the driver of the SDK for JavaScript is run.
pub(crate) fn javascript_command() -> Result<Command> {
    let directory = javascript()?.context("there is no AWS SDK for JavaScript here")?;
    let mut command = Command::new("node");
    command.arg(directory.join("api.mjs"));
    Ok(command)
}

/// How the driver of the SDK for Go is run.
pub(crate) fn go_command() -> Result<Command> {
    Ok(Command::new(go()?.context("there is no AWS SDK for Go here")?.join("api")))
}

/// How the driver of the SDK for Java is run.
pub(crate) fn java_command() -> Result<Command> {
    Ok(java_class(java()?.context("there is no AWS SDK for Java here")?, "brokerd.Api"))
}

/// How a Python client is run.
pub(crate) fn python_command(name: &str) -> Result<Command> {
    let venv = python()?.context("there are no Python clients here")?;
    let mut command = Command::new(venv.join("bin/python"));
    // Warnings would only hide what went wrong; bytecode would land among the sources.
    command.args(["-W", "ignore", "-B"]).arg(sources("python").join(name));
    Ok(command)
}

fn shared(
    made: &'static OnceLock<Result<Option<PathBuf>, String>>,
    make: impl FnOnce() -> Result<Option<PathBuf>>,
) -> Result<Option<&'static Path>> {
    match made.get_or_init(|| make().map_err(|error| format!("{error:#}"))) {
        Ok(made) => Ok(made.as_deref()),
        Err(error) => bail!("{error}"),
    }
}

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

fn script(name: &str, arguments: &[&str], input: &Value) -> Result<Outcome> {
    run_with_input(python_command(name)?.args(arguments), &input.to_string())
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
}

impl Messenger {
    /// A Python client.
    pub fn python(script: &'static str, url: String, ca: PathBuf) -> Self {
        Self { kind: Kind::Python(script), url, ca }
    }

    /// A JMS client.
    pub fn jms(url: String, ca: PathBuf) -> Self {
        Self { kind: Kind::Jms, url, ca }
    }

    /// Sends a persistent message, and waits until the broker has it.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub fn send(&self, queue: &str, body: &str) -> Result<()> {
        self.act("send", USER, PASSWORD, queue, body).map(drop)
    }

    /// Receives one message and acknowledges it.
    ///
    /// # Errors
    /// When there is none.
    pub fn receive(&self, queue: &str) -> Result<String> {
        self.act("receive", USER, PASSWORD, queue, "")
    }

    /// Subscribes, sends and receives, for protocols without queues.
    ///
    /// # Errors
    /// When the message does not come back.
    pub fn exchange(&self, topic: &str, body: &str) -> Result<String> {
        self.act("exchange", USER, PASSWORD, topic, body)
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

    /// Logs in as this user.
    ///
    /// # Errors
    /// When it can't be told whether the user was let in.
    pub fn login(&self, user: &str, password: &str) -> Result<Access> {
        let outcome = self.run("login", user, password, "", "")?;
        match outcome.code {
            Some(0) => Ok(Access::Granted),
            Some(REFUSED) => Ok(Access::Refused(outcome.printed)),
            _ => bail!("login at {}: {outcome:?}", self.url),
        }
    }

    fn act(
        &self,
        action: &str,
        user: &str,
        password: &str,
        queue: &str,
        body: &str,
    ) -> Result<String> {
        let outcome = self.run(action, user, password, queue, body)?;
        ensure!(outcome.code == Some(0), "{action} at {}: {outcome:?}", self.url);
        Ok(match self.kind {
            Kind::Jms => outcome.printed,
            Kind::Python(_) => {
                let answer: Value = serde_json::from_str(&outcome.printed)?;
                answer["body"].as_str().unwrap_or_default().to_owned()
            }
        })
    }

    fn run(
        &self,
        action: &str,
        user: &str,
        password: &str,
        queue: &str,
        body: &str,
    ) -> Result<Outcome> {
        match self.kind {
            Kind::Python(name) => {
                let input = json!({
                    "url": self.url, "user": user, "password": password, "ca": self.ca,
                    "queue": queue, "body": body, "timeout": WAIT,
                });
                script(name, &[action], &input)
            }
            Kind::Jms => {
                let directory = jms()?.context("there is no JMS client here")?;
                let wait = WAIT.to_string();
                let last = if action == "receive" { wait.as_str() } else { body };
                let mut command = java_class(directory, "brokerd.Client");
                command.args([action, &self.url, user, password]).arg(&self.ca).args([queue, last]);
                run_with_input(&mut command, "")
            }
        }
    }
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
    let outcome = aws_outcome(api, arguments)?;
    if outcome.code != Some(0) {
        return Ok(Err(outcome.complaints.trim().to_owned()));
    }
    if outcome.printed.trim().is_empty() {
        return Ok(Ok(Value::Null));
    }
    serde_json::from_str(&outcome.printed)
        .map(Ok)
        .map_err(|error| anyhow!("aws {arguments:?}: {error}"))
}

/// `aws mq …`: what that came to.
pub(crate) fn aws_outcome(api: &Api, arguments: &[&str]) -> Result<Outcome> {
    let venv = python()?.context("there are no Python clients here")?;
    let mut command = Command::new(venv.join("bin/aws"));
    command.env_clear().env("PATH", machine::variable("PATH").unwrap_or_default());
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_ENDPOINT_URL_MQ", &api.endpoint).env("AWS_DEFAULT_REGION", &api.region);
    command.env("AWS_ACCESS_KEY_ID", &api.key).env("AWS_SECRET_ACCESS_KEY", &api.secret);
    command.env("AWS_MAX_ATTEMPTS", "1");
    command.args(["mq", "--output", "json"]).args(arguments);
    run_with_input(&mut command, "")
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
