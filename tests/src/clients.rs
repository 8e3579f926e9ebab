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

use crate::{Api, PASSWORD, USER, machine};

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
    shared(&MADE, || {
        if !machine::has_tools("what a JMS client sees", &["java", "mvn"])? {
            return Ok(None);
        }
        let project = sources("jms");
        let inputs = [project.join("pom.xml"), project.join("src/main/java/brokerd/Client.java")];
        made_once("jms", &inputs, |directory| {
            let out = format!("-Dout={}", directory.display());
            machine::run(
                Command::new("mvn").args(["-q", "-B", &out, "package", "-f"]).arg(&inputs[0]),
            )
            .map(drop)
        })
        .map(Some)
    })
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
struct Outcome {
    code: Option<i32>,
    printed: String,
    complaints: String,
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
    let venv = python()?.context("there are no Python clients here")?;
    let mut command = Command::new(venv.join("bin/python"));
    // Warnings would only hide what went wrong; bytecode would land among the sources.
    command.args(["-W", "ignore", "-B"]).arg(sources("python").join(name)).args(arguments);
    run_with_input(&mut command, &input.to_string())
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
        Self { kind, url, ca, user: USER.to_owned(), password: PASSWORD.to_owned() }
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
        for (name, value) in input.as_object().into_iter().flatten() {
            given[name] = value.clone();
        }
        match self.kind {
            Kind::Python(name) => script(name, &[action], &given),
            Kind::Jms => {
                let directory = jms()?.context("there is no JMS client here")?;
                let classes = format!("{}/lib/*", directory.display());
                let mut command = Command::new("java");
                command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", &classes]);
                command.args(["brokerd.Client", action]);
                run_with_input(&mut command, &properties(&given))
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

/// Calls with boto3, one after the other; see `clients/python/api.py`.
///
/// # Errors
/// When boto3 can't be run; what a call came to is in its answer.
pub fn boto3(api: &Api, calls: &Value) -> Result<Vec<Value>> {
    let input = json!({
        "endpoint": api.endpoint, "region": api.region, "key": api.key, "secret": api.secret, "calls": calls,
    });
    let outcome = script("api.py", &[], &input)?;
    ensure!(outcome.code == Some(0), "boto3: {outcome:?}");
    Ok(serde_json::from_str(&outcome.printed)?)
}

/// `aws mq …`: what it printed, or its complaint.
///
/// # Errors
/// When the AWS CLI can't be run.
pub fn aws(api: &Api, arguments: &[&str]) -> Result<Result<Value, String>> {
    let venv = python()?.context("there are no Python clients here")?;
    let mut command = Command::new(venv.join("bin/aws"));
    command.env_clear().env("PATH", machine::variable("PATH").unwrap_or_default());
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_ENDPOINT_URL_MQ", &api.endpoint).env("AWS_DEFAULT_REGION", &api.region);
    command.env("AWS_ACCESS_KEY_ID", &api.key).env("AWS_SECRET_ACCESS_KEY", &api.secret);
    command.args(["mq", "--output", "json"]).args(arguments);
    let outcome = run_with_input(&mut command, "")?;
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

/// A list of answers in one text, for messages of failed checks.
pub fn shown(answers: &[Value]) -> String {
    let mut text = String::new();
    for answer in answers {
        // Writing into a string can't fail.
        let _ = writeln!(text, "{answer}");
    }
    text
}
