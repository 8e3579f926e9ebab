//! The machine the scenarios run on: its environment, its tools, and what it lacks.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

/// How a line begins that tells what was not checked.
pub const SKIPPED: &str = "SKIPPED: ";

/// A variable of the environment; an empty one counts as missing.
pub fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the scenarios are told their database by the environment"
    )]
    let value = env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

/// How often a soak does everything that it does: `BROKERD_SOAK_ROUNDS`, or twenty times.
///
/// # Errors
/// When that is no number.
pub fn soak_rounds() -> Result<usize> {
    const MANY: usize = 20;
    variable("BROKERD_SOAK_ROUNDS").map_or(Ok(MANY), |rounds| {
        rounds.parse().with_context(|| format!("BROKERD_SOAK_ROUNDS={rounds}"))
    })
}

/// The root of the repository.
///
/// # Panics
/// Never: this crate lies in a directory of it.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a workspace")
}

/// The directory that this very program was built into: `target/debug` or `target/release`.
fn built() -> Result<PathBuf> {
    let program = env::current_exe().context("this program's path")?;
    let above = program.parent().context("the program is in a directory")?;
    // Tests and examples are one level deeper than binaries.
    let is_deeper = above.ends_with("deps") || above.ends_with("examples");
    Ok(if is_deeper { above.parent().unwrap_or(above) } else { above }.to_owned())
}

/// The brokerd to test: `BROKERD_TEST_BINARY`, or the one that was built beside this program.
///
/// # Errors
/// When there is none.
pub fn binary() -> Result<PathBuf> {
    let path = match variable("BROKERD_TEST_BINARY") {
        Some(path) => PathBuf::from(path),
        None => built()?.join("brokerd"),
    };
    ensure!(
        path.is_file(),
        "there is no {}: build it with `cargo build -p brokerd`, or run `make test`",
        path.display()
    );
    Ok(path)
}

/// Where the scenarios keep what is worth keeping between runs.
///
/// # Errors
/// When it can't be made.
pub fn cache(name: &str) -> Result<PathBuf> {
    let path = built()?.parent().context("a target directory")?.join(name);
    fs::create_dir_all(&path).with_context(|| format!("can't make {}", path.display()))?;
    Ok(path)
}

/// Hexadecimal digits nobody can guess.
///
/// # Errors
/// When the machine has no randomness.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    fs::File::open("/dev/urandom")?.read_exact(&mut buffer)?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Runs a command to its end.
///
/// # Errors
/// When it can't be run or fails; what it printed is in the error.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("can't run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Writes a line past the test runner's capture.
pub fn say(line: &str) {
    // A closed standard error is ignored.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Whether all these tools tell their version. Without one, a build machine fails and a user's machine
/// skips `what`, and says so.
///
/// # Errors
/// When a tool is missing and `CI` is set.
pub fn has_tools(what: &str, tools: &[&str]) -> Result<bool> {
    let answers = |tool: &&&str| {
        let ask = match **tool {
            "go" => "version",
            "ip" => "-V",
            _ => "--version",
        };
        Command::new(tool).arg(ask).output().is_ok_and(|o| o.status.success())
    };
    let missing: Vec<&str> = tools.iter().filter(|tool| !answers(tool)).copied().collect();
    if missing.is_empty() {
        return Ok(true);
    }
    skip(what, &format!("{} is missing", missing.join(" and ")))?;
    Ok(false)
}

/// Whether brokers can have disks of their own here. Without loop devices, a build machine fails and a user's
/// machine skips `what`, and says so.
///
/// # Errors
/// When there are none and `CI` is set.
pub fn has_loop_devices(what: &str) -> Result<bool> {
    if Path::new("/dev/loop-control").exists() {
        return Ok(true);
    }
    skip(what, "the host has no loop devices: modprobe loop would help")?;
    Ok(false)
}

/// Tells that `what` could not be checked.
///
/// # Errors
/// On a build machine, where nothing may be skipped.
pub fn skip(what: &str, why: &str) -> Result<()> {
    if variable("CI").is_some() {
        bail!("{what} can't be checked: {why}");
    }
    leave(what, why);
    Ok(())
}

/// Tells that `what` is not checked because this machine's owner has to allow it, on a build machine too.
pub fn leave(what: &str, why: &str) {
    say(&format!("{SKIPPED}{what}: {why}"));
}
