//! What the container engine says, through its own command line.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{TIMEOUT, eventually, machine::run};

/// Runs `docker` with these arguments.
///
/// # Errors
/// When it fails.
pub fn docker(arguments: &[&str]) -> Result<String> {
    run(Command::new("docker").args(arguments))
}

fn lines(arguments: &[&str]) -> Result<Vec<String>> {
    Ok(docker(arguments)?.lines().map(str::to_owned).collect())
}

/// The containers with a label, running or not, by id.
///
/// # Errors
/// When the engine does not answer.
pub fn containers(label: &str) -> Result<Vec<String>> {
    lines(&["ps", "-aq", "--no-trunc", "--filter", &format!("label={label}")])
}

fn volumes(label: &str) -> Result<Vec<String>> {
    lines(&["volume", "ls", "-q", "--filter", &format!("label={label}")])
}

fn networks(label: &str) -> Result<Vec<String>> {
    lines(&["network", "ls", "-q", "--no-trunc", "--filter", &format!("label={label}")])
}

/// Everything with a label: containers, volumes, networks, each with what it is.
///
/// # Errors
/// When the engine does not answer.
pub fn objects(label: &str) -> Result<Vec<String>> {
    let named = |what: &str, ids: Vec<String>| -> Vec<String> {
        ids.into_iter().map(|id| format!("{what} {id}")).collect()
    };
    let mut all = named("container", containers(label)?);
    all.extend(named("volume", volumes(label)?));
    all.extend(named("network", networks(label)?));
    Ok(all)
}

/// Removes everything with a label.
///
/// # Errors
/// When the engine does not answer or keeps something.
pub fn remove_all(label: &str) -> Result<()> {
    let remove = |command: &[&str], ids: Vec<String>| -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = ids.iter().map(String::as_str);
        docker(&command.iter().copied().chain(ids).collect::<Vec<_>>()).map(drop)
    };
    remove(&["rm", "-f", "-v"], containers(label)?)?;
    detach_disks(label)?;
    remove(&["volume", "rm", "-f"], volumes(label)?)?;
    remove(&["network", "rm"], networks(label)?)?;
    let installation = label.rsplit('=').next().unwrap_or_default();
    // A helper that was at work when its brokerd was killed would put the rules there again.
    remove(&["rm", "-f", "-v"], containers(&format!("brokerd.firewall={installation}"))?)?;
    firewall(&["remove", &format!("brokerd-{installation}")]).map(drop)
}

/// Runs the helper that changes the packet filter of the engine's host.
///
/// # Errors
/// When it fails.
pub fn firewall(arguments: &[&str]) -> Result<String> {
    let rights = ["--network", "host", "--userns", "host", "--cap-drop", "ALL", "--cap-add"];
    let helper = ["NET_ADMIN", "brokerd/firewall:trixie"];
    docker(&[&["run", "--rm"], &rights[..], &helper, arguments].concat())
}

/// Takes the disks that brokers have of their own off their devices.
fn detach_disks(label: &str) -> Result<()> {
    let installation = label.rsplit('=').next().unwrap_or_default();
    let (of, role) = (format!("label={label}"), "label=brokerd.role=disk");
    for file in lines(&["volume", "ls", "-q", "--filter", &of, "--filter", role])? {
        let link = format!("/dev/brokerd-{installation}/{}", file.trim_end_matches("-disk"));
        let mount = format!("{file}:/disk");
        let devices = ["--device-cgroup-rule", "b 7:* rwm", "--device-cgroup-rule", "c 10:237 rwm"];
        let volumes = ["-v", "/dev:/dev", "-v", &mount, "brokerd/disk:trixie", "detach", &link];
        docker(&[&["run", "--rm", "--network", "none"], &devices[..], &volumes].concat())?;
    }
    Ok(())
}

/// Waits until every node of a RabbitMQ broker has written down that it is a member of its quorum queue: it does so a second
/// after the queue was declared, and a queue all of whose nodes are killed before comes back empty. Other engines have none.
///
/// # Errors
/// When a node does not.
pub fn remembers_queue(broker: &str, queue: &str) -> Result<()> {
    let look = format!("grep -q {queue} $RABBITMQ_DATA_DIR/mnesia/*/quorum/*/names.dets");
    let knows = |node: &Container| docker(&["exec", &node.id, "sh", "-c", &look]).is_ok();
    eventually("all nodes know the queue", TIMEOUT, || {
        let all = containers(&format!("brokerd.broker={broker}"))?;
        let all = all.iter().map(|id| inspect(id)).collect::<Result<Vec<_>>>()?;
        let mut nodes =
            all.iter().filter(|one| one.at("/Config/Labels")["brokerd.engine"] == "RABBITMQ");
        Ok(nodes.all(knows).then_some(()))
    })
}

/// A broker's container.
///
/// # Errors
/// When it has none, or more than one.
pub fn container_of(broker: &str) -> Result<Container> {
    let found = containers(&format!("brokerd.broker={broker}"))?;
    ensure!(found.len() == 1, "{broker} has {} containers: {found:?}", found.len());
    inspect(&found[0])
}

/// The container of one of a broker's instances.
///
/// # Errors
/// When it has none.
pub fn instance_of(broker: &str, ordinal: u8) -> Result<Container> {
    let all = containers(&format!("brokerd.broker={broker}"))?;
    // Another one may go meanwhile.
    let mut all = all.iter().filter_map(|container| inspect(container).ok());
    let wanted = Value::from(ordinal.to_string());
    let found = all.find(|container| container.at("/Config/Labels/brokerd.ordinal") == &wanted);
    found.with_context(|| format!("instance {ordinal} of {broker} has no container"))
}

/// A container, as it is now.
///
/// # Errors
/// When there is no such container.
pub fn inspect(id: &str) -> Result<Container> {
    let text = docker(&["inspect", id])?;
    let value: Value = serde_json::from_str(&text)?;
    Ok(Container { id: id.to_owned(), text, value: value[0].clone() })
}

/// What a container has printed.
///
/// # Errors
/// When there is no such container.
pub fn log(id: &str) -> Result<String> {
    let output = Command::new("docker").args(["logs", id]).output()?;
    ensure!(output.status.success(), "docker logs {id}: {output:?}");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(format!("{out}{err}"))
}

/// Everything the engine tells about a broker's objects.
///
/// # Errors
/// When the engine does not answer.
pub fn everything_about(broker: &str) -> Result<String> {
    let label = format!("brokerd.broker={broker}");
    let mut text = String::new();
    for id in containers(&label)? {
        text.push_str(&docker(&["inspect", &id])?);
    }
    for id in volumes(&label)? {
        text.push_str(&docker(&["volume", "inspect", &id])?);
    }
    for id in networks(&label)? {
        text.push_str(&docker(&["network", "inspect", &id])?);
    }
    Ok(text)
}

/// What the engine says about a container.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// All of it, as it was printed.
    pub text: String,
    value: Value,
}

impl Container {
    /// One value, by its path in `docker inspect`.
    pub fn at(&self, pointer: &str) -> &Value {
        self.value.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Whether it runs.
    pub fn running(&self) -> bool {
        self.at("/State/Running") == &Value::Bool(true)
    }

    /// When it was last started.
    ///
    /// # Errors
    /// When the engine does not say.
    pub fn started(&self) -> Result<String> {
        Ok(self.at("/State/StartedAt").as_str().context("StartedAt")?.to_owned())
    }

    /// Ends its processes as a crash would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill9(&self) -> Result<()> {
        docker(&["kill", "--signal", "KILL", &self.id]).map(drop)
    }
}
