//! The test programs of the workspace, and how they may run.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Programs that stop what the others use, as the engine itself: they run when no other does.
const ALONE: [&str; 1] = ["engine_restart"];

/// Programs of other packages than this one that run engines.
const OTHERS_WITH_ENGINES: [&str; 5] =
    ["activemq_edges", "docker_runtime", "probes", "rabbitmq_edges", "runtime_conformance"];

/// Programs that take longest, so that none of them is begun last.
const FIRST: [&str; 10] = [
    "rabbitmq_cluster",
    "networks",
    "conformance",
    "activemq_edges",
    "full_disks",
    "out_of_memory",
    "activemq_pair",
    "faults_ha",
    "faults",
    "compose",
];

/// One test program.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its package and target, as `brokerd-tests networks`.
    pub(crate) name: String,
    /// The line that cargo announces it with.
    pub(crate) title: String,
    /// Runs when no other program does.
    pub(crate) is_alone: bool,
    /// Runs engines, whose boots keep the processors busy and whose clients have deadlines.
    pub(crate) has_engines: bool,
    order: usize,
    executable: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
}

impl Program {
    /// The command that runs it, in the directory of its package, as cargo does.
    /// One that only computes takes what the others leave.
    pub(crate) fn command(&self) -> Command {
        let mut command = if self.has_engines {
            Command::new(&self.executable)
        } else {
            let mut nice = Command::new("nice");
            nice.arg(&self.executable);
            nice
        };
        command.args(&self.arguments).current_dir(&self.directory);
        command
    }
}

/// The programs in cargo's messages, in the order to begin them.
///
/// # Errors
/// When a message is not cargo's.
pub(crate) fn built(messages: &str) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Value = serde_json::from_str(line).context("a message of cargo")?;
        programs.extend(program(&message));
    }
    programs.sort_by(|a, b| (a.is_alone, a.order, &a.name).cmp(&(b.is_alone, b.order, &b.name)));
    Ok(programs)
}

fn program(message: &Value) -> Option<Program> {
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let executable = PathBuf::from(message["executable"].as_str()?);
    let directory = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let target = message["target"]["name"].as_str()?;
    let source = Path::new(message["target"]["src_path"].as_str()?);
    let kind = message["target"]["kind"][0].as_str()?;
    let package = directory.file_name()?.to_str()?;
    let what = if kind == "test" { target.to_owned() } else { format!("unit tests ({kind})") };
    Some(Program {
        name: format!("{package} {what}"),
        title: format!(
            "     Running {}{} ({})",
            if kind == "test" { "" } else { "unittests " },
            source.strip_prefix(&directory).unwrap_or(source).display(),
            executable.display()
        ),
        is_alone: ALONE.contains(&target),
        has_engines: package == "tests" && kind == "test" || OTHERS_WITH_ENGINES.contains(&target),
        order: FIRST.iter().position(|name| *name == target).unwrap_or(FIRST.len()),
        executable,
        arguments: Vec::new(),
        directory,
    })
}

/// The examples in the documentation of this crate, which only cargo can build. The other crates declare that they have none.
pub(crate) fn documentation() -> Program {
    Program {
        name: "documentation".to_owned(),
        title: "   Doc-tests brokerd_tests".to_owned(),
        is_alone: false,
        has_engines: false,
        order: FIRST.len(),
        executable: PathBuf::from("cargo"),
        arguments: ["test", "--locked", "-p", "brokerd-tests", "--doc", "--quiet"]
            .map(str::to_owned)
            .into(),
        directory: brokerd_tests::machine::repository().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn artifact(target: &str, is_test: bool) -> String {
        json!({
            "reason": "compiler-artifact",
            "manifest_path": "/src/tests/Cargo.toml",
            "target": {"kind": ["test"], "name": target, "src_path": format!("/src/tests/tests/{target}.rs")},
            "profile": {"test": is_test},
            "executable": format!("/target/debug/deps/{target}-1"),
        })
        .to_string()
    }

    #[test]
    fn programs_that_take_long_come_first_and_those_that_run_alone_last() {
        let messages = [
            artifact("engine_restart", true),
            artifact("alarms", true),
            "a line of a build script".to_owned(),
            artifact("networks", true),
            artifact("run_tests", false),
            r#"{"reason": "build-finished", "success": true}"#.to_owned(),
        ];
        let programs = built(&messages.join("\n")).unwrap();
        let names: Vec<_> = programs.iter().map(|program| program.name.as_str()).collect();
        assert_eq!(names, ["tests networks", "tests alarms", "tests engine_restart"]);
        assert_eq!(programs[1].title, "     Running tests/alarms.rs (/target/debug/deps/alarms-1)");
        assert_eq!(programs[1].command().get_current_dir(), Some(Path::new("/src/tests")));
        assert!(programs[2].is_alone);
        assert!(programs.iter().all(|program| program.has_engines));
    }

    #[test]
    fn a_message_that_is_not_cargos_is_an_error() {
        assert!(built("{\"reason\": ").is_err());
    }
}
