//! The console in a real browser, with real brokers. The stories are in `console/tests/story`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    NewBroker, World, clients, faults, machine, scenario, unix_socket::UnixSocket,
};
use serde_json::Value;

/// How long all of it may take on a busy machine, in seconds. The metrics come once a minute.
const SECONDS: &str = "600";

/// Runs the program that was copied out of the console, as its text says; `python` is a virtual environment.
fn run_the_copied_program(told: &str, directory: &Path, python: &Path) -> Result<()> {
    let program: Value = serde_json::from_str(told)?;
    let text = |member: &str| program[member].as_str().with_context(|| format!("no {member}"));
    fs::create_dir(directory)?;
    fs::write(directory.join("hello.py"), text("file")?)?;
    // The password is put where the copied line has words for it.
    let given = "export BROKER_PASSWORD=\"$1\" PATH=\"$2:$PATH\"";
    let lines = format!("{}\n{given}\n{}", text("prepare")?, text("run")?);
    let mut shell = Command::new("sh");
    shell.args(["-euc", &lines, "sh", text("password")?]).arg(python.join("bin"));
    shell.current_dir(directory);
    let printed = machine::run(&mut shell)?;
    ensure!(printed.trim() == "it works", "{printed}");
    Ok(())
}

/// Tells a story of `console/tests/story` by a fresh link; `heard` gets the lines that it prints.
fn tell(
    world: &World,
    story: &str,
    arguments: &[&str],
    mut heard: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let socket = world.data().with_file_name(format!("{story}.sock"));
    let _led = UnixSocket::leading_to(&world.address(), &socket)?;
    let link = world.brokerd(&["console"])?;
    // Chromium ends what it loads whenever the networks of its machine change, and brokers come with networks.
    let alone = "ip link set lo up; story=$1; shift; exec node tests/story/$story.mjs \"$@\"";
    let mut command = Command::new("timeout");
    command.args([SECONDS, "unshare", "--net", "sh", "-c", alone, "sh", story, link.trim()]);
    command.arg(&socket).args(arguments);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../console"));
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = Vec::new();
    for line in BufReader::new(running.stdout.take().context("lines")?).lines() {
        lines.push(line?);
        let newest = lines.last().map_or("", String::as_str);
        if let Err(error) = heard(newest) {
            // The signal is passed on, and the browser ends with the story.
            machine::run(Command::new("kill").arg(running.id().to_string()))?;
            running.wait()?;
            return Err(error.context(format!("{story}, at {newest}")));
        }
    }
    let ended = running.wait_with_output()?;
    let complaints = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "{story}, {}: {lines:#?}\n{complaints}", ended.status);
    ensure!(lines.iter().any(|line| line == "story: told"), "{story}: {lines:?}");
    Ok(())
}

/// What the stories need; none: they are skipped.
fn python() -> Result<Option<&'static Path>> {
    let what = "the console in a browser";
    if !machine::has_tools(what, &["node", "unshare", "ip", "curl"])? {
        return Ok(None);
    }
    if machine::variable("CHROMIUM").is_none() {
        machine::skip(what, "Chromium is missing")?;
        return Ok(None);
    }
    if machine::run(Command::new("unshare").args(["--net", "true"])).is_err() {
        machine::skip(what, "a network of its own takes root")?;
        return Ok(None);
    }
    clients::python()
}

#[test]
fn a_newcomer_gets_from_the_link_to_a_message_that_survives_a_failover() -> Result<()> {
    let Some(python) = python()? else { return Ok(()) };
    scenario("newcomer", &[faults::ENABLED], |world| {
        let other = world.api.create(&NewBroker::rabbitmq("events"))?;
        let directory = world.data().with_file_name("newcomer");
        tell(world, "newcomer", &[], |line| match line.strip_prefix("program: ") {
            Some(told) => run_the_copied_program(told, &directory, python),
            None => Ok(()),
        })?;
        world.api.wait_until_running(&other)?;
        let pair = world.api.list()?.into_iter().find(|id| *id != other).context("the pair")?;
        tell(world, "pages", &[&pair, &other], |_| Ok(()))
    })
}

/// Signs in as a user that the story has made, and sends two messages to a queue of that broker.
fn use_the_broker(world: &World, told: &str) -> Result<()> {
    let client: Value = serde_json::from_str(told)?;
    let text = |member: &str| client[member].as_str().with_context(|| format!("no {member}"));
    let (broker, queue) = (text("broker")?, text("queue")?);
    let described: Value = serde_json::from_str(&world.api.describe_raw(broker)?)?;
    let (script, scheme) = match described["engineType"].as_str() {
        Some("RabbitMQ") => ("amqp091.py", "amqps"),
        _ => ("stomp_.py", "stomp+ssl"),
    };
    let messenger = world.messenger(script, broker, scheme)?;
    let messenger = messenger.as_user(text("username")?, text("password")?);
    ["one", "two"].iter().try_for_each(|body| messenger.send(queue, body))
}

#[test]
fn brokers_are_created_changed_disturbed_and_deleted_on_a_wide_and_on_a_narrow_screen() -> Result<()>
{
    if python()?.is_none() {
        return Ok(());
    }
    scenario("flows", &[faults::ENABLED], |world| {
        tell(world, "flows", &[], |line| match line.strip_prefix("client: ") {
            Some(told) => use_the_broker(world, told),
            None => Ok(()),
        })?;
        let left = world.api.list()?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
}
