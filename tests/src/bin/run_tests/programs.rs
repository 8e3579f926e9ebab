//! The test programs of the workspace, and how they may run.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Programs that run engines. Each of their tests runs by itself, because what they wait for is not the processor: no test waits
/// for the others of its program.
const WITH_ENGINES: [&str; 6] = [
    "scenarios",
    "activemq_edges",
    "docker_runtime",
    "probes",
    "rabbitmq_edges",
    "runtime_conformance",
];

/// The module whose tests stop what the others use, as the engine itself: they run when nothing else does.
const ALONE: [&str; 1] = ["engine_restart"];

/// What takes longest, so that none of it is begun last.
const FIRST: [&str; 10] = [
    "networks",
    "rabbitmq_cluster",
    "activemq_edges",
    "conformance",
    "full_disks",
    "rabbitmq_edges",
    "out_of_memory",
    "activemq_pair",
    "faults_ha",
    "compose",
];

/// One test program, or a test of one.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Its package and target, and the test, as `tests scenarios::alarms::…`.
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
/// When a message is not cargo's, or a program does not list its tests.
pub(crate) fn built(messages: &str) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Value = serde_json::from_str(line).context("a message of cargo")?;
        match program(&message) {
            Some(program) if program.has_engines => {
                let listed = listed(&program)?;
                programs.extend(tests(&program, &listed));
            }
            Some(program) => programs.push(program),
            None => {}
        }
    }
    sort(&mut programs);
    Ok(programs)
}

/// In the order to begin them.
fn sort(programs: &mut [Program]) {
    programs.sort_by(|a, b| (a.is_alone, a.order, &a.name).cmp(&(b.is_alone, b.order, &b.name)));
}

/// The names of a program's tests.
fn listed(program: &Program) -> Result<String> {
    let mut command = program.command();
    let output = command.args(["--list", "--format", "terse"]).output()?;
    ensure!(output.status.success(), "{} does not list its tests", program.name);
    Ok(String::from_utf8(output.stdout)?)
}

/// Each test of a program that lists them.
fn tests(program: &Program, listed: &str) -> Vec<Program> {
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    names
        .map(|test| {
            let module = test.split("::").next().unwrap_or(test);
            Program {
                name: format!("{}::{test}", program.name),
                title: format!("{}, {test}", program.title),
                is_alone: ALONE.contains(&module),
                order: program.order.min(order(module)),
                arguments: vec!["--exact".to_owned(), test.to_owned()],
                ..program.clone()
            }
        })
        .collect()
}

/// Where it is in the order to begin.
fn order(name: &str) -> usize {
    FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len())
}

/// The test program that a message tells of.
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
        is_alone: false,
        has_engines: kind == "test" && WITH_ENGINES.contains(&target),
        order: order(target),
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

/// A command line that `BROKERD_TEST_BESIDE` has run beside the tests, as one of them.
///
/// # Errors
/// When it is empty.
pub(crate) fn beside(command: &str) -> Result<Program> {
    let mut words = command.split_whitespace().map(str::to_owned);
    let executable = words.next().context("BROKERD_TEST_BESIDE is empty")?;
    Ok(Program {
        name: command.to_owned(),
        title: format!("     Running {command}"),
        is_alone: false,
        has_engines: false,
        order: 0,
        executable: PathBuf::from(executable),
        arguments: words.collect(),
        directory: brokerd_tests::machine::repository().to_owned(),
    })
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
    fn programs_are_begun_in_an_order_and_know_what_they_need() {
        let messages = [
            artifact("checks", true),
            "a line of a build script".to_owned(),
            artifact("run_tests", false),
            r#"{"reason": "build-finished", "success": true}"#.to_owned(),
        ];
        let programs = built(&messages.join("\n")).unwrap();
        assert_eq!(programs.len(), 1);
        assert_eq!(programs[0].name, "tests checks");
        assert_eq!(programs[0].title, "     Running tests/checks.rs (/target/debug/deps/checks-1)");
        assert_eq!(programs[0].command().get_current_dir(), Some(Path::new("/src/tests")));
        assert!(!programs[0].has_engines);
    }

    #[test]
    fn each_test_of_a_program_with_engines_runs_by_itself() {
        let message = serde_json::from_str(&artifact("scenarios", true)).unwrap();
        let scenarios = program(&message).unwrap();
        assert!(scenarios.has_engines);
        let listed =
            "crash::a: test\nengine_restart::b: test\nnetworks::deep::c: test\nspeed: benchmark\n";
        let mut tests = tests(&scenarios, listed);
        assert_eq!(tests.len(), 3);
        assert_eq!(tests[0].name, "tests scenarios::crash::a");
        assert_eq!(tests[0].arguments, ["--exact", "crash::a"]);
        assert!(tests.iter().all(|test| test.has_engines));
        sort(&mut tests);
        let names: Vec<_> = tests.iter().map(|test| test.arguments[1].as_str()).collect();
        assert_eq!(names, ["networks::deep::c", "crash::a", "engine_restart::b"]);
        assert!(tests[2].is_alone && !tests[1].is_alone);
    }

    #[test]
    fn a_command_beside_the_tests_is_begun_first_and_takes_what_they_leave() {
        let lint = beside("make lint").unwrap();
        assert_eq!((lint.name.as_str(), lint.order, lint.has_engines), ("make lint", 0, false));
        assert_eq!(lint.arguments, ["lint"]);
        assert!(beside(" ").is_err());
    }

    #[test]
    fn a_message_that_is_not_cargos_is_an_error() {
        assert!(built("{\"reason\": ").is_err());
    }
}
