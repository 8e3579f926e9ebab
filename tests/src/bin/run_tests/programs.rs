//! The test programs of the workspace, and how they may run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The program whose modules run as programs of their own: it is linked once, and its modules wait for one another no more than
/// programs do.
const BY_MODULE: &str = "scenarios";

/// What stops what the others use, as the engine itself: it runs when nothing else does.
const ALONE: [&str; 1] = ["engine_restart"];

/// Programs of other packages that run engines.
const OTHERS_WITH_ENGINES: [&str; 5] =
    ["activemq_edges", "docker_runtime", "probes", "rabbitmq_edges", "runtime_conformance"];

/// What takes longest, so that none of it is begun last.
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

/// One test program, or a module of one.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Its package and target, and the module, as `tests scenarios::networks`.
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
/// When a message is not cargo's, or the program of the scenarios does not list its tests.
pub(crate) fn built(messages: &str) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Value = serde_json::from_str(line).context("a message of cargo")?;
        match program(&message) {
            Some((target, program)) if target == BY_MODULE => {
                let tests = listed(&program)?;
                programs.extend(modules(&program, &tests)?);
            }
            Some((_, program)) => programs.push(program),
            None => {}
        }
    }
    programs.sort_by(|a, b| (a.is_alone, a.order, &a.name).cmp(&(b.is_alone, b.order, &b.name)));
    Ok(programs)
}

/// The names of a program's tests.
fn listed(program: &Program) -> Result<String> {
    let mut command = program.command();
    let output = command.args(["--list", "--format", "terse"]).output()?;
    ensure!(output.status.success(), "{} does not list its tests", program.name);
    Ok(String::from_utf8(output.stdout)?)
}

/// The modules of a program that lists `tests`, each with its tests.
fn modules(program: &Program, tests: &str) -> Result<Vec<Program>> {
    let mut modules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for test in tests.lines().filter_map(|line| line.strip_suffix(": test")) {
        let (module, _) =
            test.split_once("::").with_context(|| format!("{test} is in no module"))?;
        modules.entry(module).or_default().push(test.to_owned());
    }
    Ok(modules
        .into_iter()
        .map(|(module, tests)| Program {
            name: format!("{}::{module}", program.name),
            title: format!("{}, {module}", program.title),
            is_alone: ALONE.contains(&module),
            order: order(module),
            arguments: ["--exact".to_owned()].into_iter().chain(tests).collect(),
            ..program.clone()
        })
        .collect())
}

/// Where it is in the order to begin.
fn order(name: &str) -> usize {
    FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len())
}

/// The target of a message that tells of a test program, and the program.
fn program(message: &Value) -> Option<(String, Program)> {
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
    let program = Program {
        name: format!("{package} {what}"),
        title: format!(
            "     Running {}{} ({})",
            if kind == "test" { "" } else { "unittests " },
            source.strip_prefix(&directory).unwrap_or(source).display(),
            executable.display()
        ),
        is_alone: false,
        has_engines: target == BY_MODULE || OTHERS_WITH_ENGINES.contains(&target),
        order: order(target),
        executable,
        arguments: Vec::new(),
        directory,
    };
    Some((target.to_owned(), program))
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
    fn programs_with_long_tests_come_first_and_the_modules_of_the_scenarios_are_programs() {
        let messages = [
            artifact("checks", true),
            "a line of a build script".to_owned(),
            artifact("activemq_edges", true),
            artifact("run_tests", false),
            r#"{"reason": "build-finished", "success": true}"#.to_owned(),
        ];
        let programs = built(&messages.join("\n")).unwrap();
        let names: Vec<_> = programs.iter().map(|program| program.name.as_str()).collect();
        assert_eq!(names, ["tests activemq_edges", "tests checks"]);
        assert_eq!(programs[1].title, "     Running tests/checks.rs (/target/debug/deps/checks-1)");
        assert_eq!(programs[1].command().get_current_dir(), Some(Path::new("/src/tests")));
        let with_engines: Vec<_> = programs.iter().map(|program| program.has_engines).collect();
        assert_eq!(with_engines, [true, false]);
    }

    #[test]
    fn each_module_of_a_program_runs_its_tests_and_no_others() {
        let message = serde_json::from_str(&artifact("scenarios", true)).unwrap();
        let (_, scenarios) = program(&message).unwrap();
        let tests =
            "crash::a: test\nengine_restart::b: test\ncrash::deep::c: test\nspeed: benchmark\n";
        let modules = modules(&scenarios, tests).unwrap();
        assert_eq!(modules.len(), 2);
        assert_eq!(modules[0].name, "tests scenarios::crash");
        assert_eq!(modules[0].arguments, ["--exact", "crash::a", "crash::deep::c"]);
        assert_eq!(modules[1].arguments, ["--exact", "engine_restart::b"]);
        assert_eq!((modules[0].is_alone, modules[1].is_alone), (false, true));
        assert!(modules.iter().all(|module| module.has_engines));
    }

    #[test]
    fn a_test_outside_of_modules_is_not_left_out_in_silence() {
        let message = serde_json::from_str(&artifact("scenarios", true)).unwrap();
        let (_, scenarios) = program(&message).unwrap();
        assert!(modules(&scenarios, "lost: test\n").is_err());
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
