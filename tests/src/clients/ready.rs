//! Making clients ready: what they need is pinned, fetched once, and kept beside the build.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};

use crate::machine;

/// Where the clients' sources are.
pub(super) fn sources(name: &str) -> PathBuf {
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
        venv("venv", "python").map(Some)
    })
}

/// A botocore that speaks the query protocol; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub(super) fn query() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || {
        if !machine::has_tools("what old Python clients see", &["python3"])? {
            return Ok(None);
        }
        venv("query", "query").map(Some)
    })
}

/// Schemathesis; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub(super) fn schemathesis() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || {
        if !machine::has_tools("what Schemathesis finds", &["python3"])? {
            return Ok(None);
        }
        venv("schemathesis", "schemathesis").map(Some)
    })
}

/// A virtual environment with what a directory of clients requires.
fn venv(name: &str, clients: &str) -> Result<PathBuf> {
    let requirements = sources(clients).join("requirements.txt");
    made_once(name, std::slice::from_ref(&requirements), |directory| {
        machine::run(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
        let pip = directory.join("bin/pip");
        let quiet = ["install", "-q", "--disable-pip-version-check", "-r"];
        machine::run(Command::new(pip).args(quiet).arg(&requirements)).map(drop)
    })
}

/// The JMS client; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub fn jms() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || maven("jms", "what a JMS client sees", &["Client.java", "Steady.java"]))
}

/// The AWS SDK for Java; none when it can't be had here and may be skipped.
///
/// # Errors
/// When it can't be made ready.
pub fn java() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || {
        maven(
            "java",
            "what the AWS SDK for Java sees",
            &["Api.java", "Identities.java", "Members.java"],
        )
    })
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

/// What IAM and STS are to the AWS SDK for Java, with these arguments; none when it can't be had here.
pub(super) fn java_identities() -> Result<Option<Command>> {
    Ok(java()?.map(|project| java_class(project, "brokerd.Identities")))
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

/// Terraform's settings, by which it takes the AWS provider from here; none when it can't be had here and may be skipped.
///
/// # Errors
/// When the provider can't be made ready.
pub(super) fn terraform() -> Result<Option<&'static Path>> {
    static MADE: OnceLock<Result<Option<PathBuf>, String>> = OnceLock::new();
    shared(&MADE, || {
        if !machine::has_tools("what Terraform sees", &["terraform", "python3"])? {
            return Ok(None);
        }
        let requirements = sources("terraform").join("requirements.txt");
        let directory = made_once("terraform", std::slice::from_ref(&requirements), |directory| {
            let mirror = directory.join("mirror/registry.terraform.io/hashicorp/aws");
            fs::create_dir_all(&mirror)?;
            let download =
                ["-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"];
            machine::run(
                Command::new("python3")
                    .args(download)
                    .arg("-d")
                    .arg(directory)
                    .arg("-r")
                    .arg(&requirements),
            )?;
            machine::run(
                Command::new("python3")
                    .args(["-c", UNPACK_PROVIDER])
                    .args([directory, mirror.as_path()]),
            )?;
            let mirror = directory.join("mirror");
            let settings = format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n"
            );
            Ok(fs::write(directory.join("terraformrc"), settings)?)
        })?;
        Ok(Some(directory.join("terraformrc")))
    })
}

/// Takes the archive of the provider out of the package, and leaves the package itself behind.
const UNPACK_PROVIDER: &str = r#"
import pathlib, sys, zipfile
[package] = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(package) as archive:
    [name] = [name for name in archive.namelist() if "_3." in name]
    pathlib.Path(sys.argv[2], pathlib.Path(name).name).write_bytes(archive.read(name))
package.unlink()
"#;

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

/// How a class of the JMS client is run.
pub(crate) fn jms_command(class: &str) -> Result<Command> {
    Ok(java_class(jms()?.context("there is no JMS client here")?, class))
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
