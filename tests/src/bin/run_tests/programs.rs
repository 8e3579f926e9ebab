//! The test programs of the workspace, and how they may run.

use std::{
    cmp::Reverse,
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

/// Programs without engines that have deadlines all the same, those of requests to the database among them. Next to engines
/// that boot, one that yields to them may get no processor for seconds.
const WITH_DEADLINES: [&str; 4] = ["service", "store", "store_conformance", "gateway"];

/// The module whose tests stop what the others use, as the engine itself.
const ALONE: [&str; 1] = ["engine_restart"];

/// The modules whose tests take a cluster of Kubernetes, which is brought up for all tests of a module together.
const ON_KUBERNETES: [&str; 2] = ["kubernetes_runtime", "kubernetes"];

/// The modules whose tests measure how long clients wait: one of them runs at a time.
const TIMED: [&str; 5] =
    ["activemq_pair", "database_outage", "faults_ha", "hanging_engine", "rabbitmq_cluster"];

/// About how many seconds the tests of a program, of a module or one by its name take on two processors. What takes
/// longest is begun first, so that none of it is left when everything else is over. The table that the runner prints
/// tells when this is out of date.
const SECONDS: [(&str, u64); 36] = [
    ("store::", 110),
    ("service::", 100),
    ("it::", 90),
    ("browser::a_newcomer", 250),
    ("browser", 200),
    ("broker_metrics", 180),
    ("cloudwatch::every_client", 120),
    ("observability", 120),
    ("rabbitmq_cluster::a_cluster_loses_no_confirmed_message", 140),
    ("activemq_pair::no_acknowledged_message_is_lost", 110),
    ("activemq_edges::activemq_5", 140),
    ("out_of_memory::a_node", 100),
    ("networks::outgoing", 90),
    ("terraform::a_pair_and_a_cluster", 75),
    ("compose", 135),
    ("engine_restart", 80),
    ("faults_ha", 65),
    ("fault_injection::a_rabbitmq_broker", 65),
    ("rabbitmq_cluster", 65),
    ("rabbitmq_edges", 110),
    ("full_disks::the_disk_of_the_host", 5),
    ("full_disks", 60),
    ("networks", 60),
    ("activemq_pair::a_pair_is_changed", 60),
    ("official_images::official_images", 80),
    ("schemathesis", 100),
    ("rabbitmq_authentication", 50),
    ("conformance::checks::terraform", 45),
    ("out_of_memory", 45),
    ("rabbitmq_single", 45),
    ("hanging_engine", 40),
    ("database_outage", 35),
    ("alarms", 35),
    ("docker_runtime", 5),
    ("probes", 5),
    ("runtime_conformance", 2),
];

/// What everything else takes.
const USUAL_SECONDS: u64 = 20;

/// When a program runs, and beside what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// First, beside others.
    Parallel,
    /// When no other program runs engines: a cluster of Kubernetes takes the place of two.
    Late,
    /// When nothing else does.
    Exclusive,
}

/// One test program, or a test of one.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Its package and target, and the test, as `tests scenarios::alarms::…`.
    pub(crate) name: String,
    /// The line that cargo announces it with.
    pub(crate) title: String,
    /// When it runs, and beside what.
    pub(crate) phase: Phase,
    /// Runs engines, whose boots keep the processors busy and whose clients have deadlines.
    pub(crate) has_engines: bool,
    /// How far it yields the processors to others, as `nice` takes it. One that only computes takes what is left.
    niceness: u8,
    /// Measures how long clients wait.
    pub(crate) is_timed: bool,
    seconds: u64,
    target: String,
    executable: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
}

impl Program {
    /// The command that runs it, in the directory of its package, as cargo does.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("nice");
        command.args(["-n", &self.niceness.to_string()]).arg(&self.executable);
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
                programs.extend(on_kubernetes(&program, &listed));
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
    programs.sort_by(|a, b| {
        (a.phase, Reverse(a.seconds), &a.name).cmp(&(b.phase, Reverse(b.seconds), &b.name))
    });
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
        .map(|test| (test.split("::").next().unwrap_or(test), test))
        .filter(|(module, _)| !ON_KUBERNETES.contains(module))
        .map(|(module, test)| Program {
            name: format!("{}::{test}", program.name),
            title: format!("{}, {test}", program.title),
            phase: if ALONE.contains(&module) { Phase::Exclusive } else { Phase::Parallel },
            is_timed: TIMED.contains(&module),
            seconds: seconds(&program.target, test),
            arguments: vec!["--exact".to_owned(), test.to_owned()],
            ..program.clone()
        })
        .collect()
}

/// About how long a test of a program takes.
fn seconds(target: &str, test: &str) -> u64 {
    let name = format!("{target}::{test}");
    let found =
        SECONDS.iter().find(|(begins, _)| test.starts_with(begins) || name.starts_with(begins));
    found.map_or(USUAL_SECONDS, |(_, seconds)| *seconds)
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
    let has_engines = kind == "test" && WITH_ENGINES.contains(&target);
    Some(Program {
        name: format!("{package} {what}"),
        title: format!(
            "     Running {}{} ({})",
            if kind == "test" { "" } else { "unittests " },
            source.strip_prefix(&directory).unwrap_or(source).display(),
            executable.display()
        ),
        phase: Phase::Parallel,
        has_engines,
        niceness: if has_engines || WITH_DEADLINES.contains(&target) { 0 } else { 10 },
        is_timed: false,
        seconds: seconds(target, ""),
        target: target.to_owned(),
        executable,
        arguments: Vec::new(),
        directory,
    })
}

/// The tests of a program that take a cluster, if it has some, on a cluster of their own.
fn on_kubernetes(program: &Program, listed: &str) -> Vec<Program> {
    let has = |module: &str| listed.lines().any(|line| line.starts_with(&format!("{module}::")));
    ON_KUBERNETES
        .into_iter()
        .filter(|module| has(module))
        .map(|module| Program {
            name: format!("{}::{module}", program.name),
            title: format!("     Running scripts/kubernetes.sh test {module}"),
            phase: Phase::Late,
            executable: brokerd_tests::machine::repository().join("scripts/kubernetes.sh"),
            arguments: ["test", module, &program.executable.display().to_string()]
                .map(str::to_owned)
                .into(),
            ..program.clone()
        })
        .collect()
}

/// The pages of the console, in a real Chromium. Only what drives it yields to the others: as root, Chromium sets its own
/// priority.
pub(crate) fn pages() -> Program {
    let root = brokerd_tests::machine::repository();
    Program {
        name: "console pages".to_owned(),
        title: "     Running scripts/console.sh browser".to_owned(),
        phase: Phase::Parallel,
        has_engines: false,
        niceness: 19,
        is_timed: false,
        seconds: USUAL_SECONDS,
        target: String::new(),
        executable: root.join("scripts/console.sh"),
        arguments: vec!["browser".to_owned()],
        directory: root.to_owned(),
    }
}

/// The examples in the documentation of this crate, which only cargo can build. The other crates declare that they have
/// none; without them cargo would build what these share once more, with the features that this crate alone asks for.
pub(crate) fn documentation() -> Program {
    Program {
        name: "documentation".to_owned(),
        title: "   Doc-tests brokerd_tests".to_owned(),
        phase: Phase::Parallel,
        has_engines: false,
        niceness: 10,
        is_timed: false,
        seconds: USUAL_SECONDS,
        target: String::new(),
        executable: PathBuf::from("cargo"),
        arguments: ["test", "--locked", "--workspace", "--doc", "--quiet"]
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
    fn tests_of_a_module_on_kubernetes_are_one_program_that_runs_beside_no_other_with_engines() {
        let message = serde_json::from_str(&artifact("runtime_conformance", true)).unwrap();
        let program = program(&message).unwrap();
        let listed = "kubernetes_runtime::one: test\nsimulated_runtime::one: test\n";
        let names: Vec<String> = tests(&program, listed).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["tests runtime_conformance::simulated_runtime::one"]);
        let cluster = &on_kubernetes(&program, listed)[0];
        assert_eq!(cluster.name, "tests runtime_conformance::kubernetes_runtime");
        assert_eq!(cluster.arguments[..2], ["test", "kubernetes_runtime"]);
        assert!(cluster.arguments[2].ends_with("/runtime_conformance-1"));
        assert!(cluster.phase == Phase::Late && cluster.has_engines);
        assert!(on_kubernetes(&program, "simulated_runtime::one: test\n").is_empty());
        let listed = "kubernetes::pairs::one: test\nkubernetes::singles::one: test\n";
        let both = on_kubernetes(&program, listed);
        assert_eq!(both.len(), 1);
        assert_eq!(both[0].name, "tests runtime_conformance::kubernetes");
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
        let listed = "crash::a: test\nengine_restart::b: test\nnetworks::outgoing::c: test\nspeed: benchmark\n";
        let mut tests = tests(&scenarios, listed);
        assert_eq!(tests.len(), 3);
        assert_eq!(tests[0].name, "tests scenarios::crash::a");
        assert_eq!(tests[0].arguments, ["--exact", "crash::a"]);
        assert!(tests.iter().all(|test| test.has_engines));
        sort(&mut tests);
        let names: Vec<_> = tests.iter().map(|test| test.arguments[1].as_str()).collect();
        assert_eq!(names, ["networks::outgoing::c", "crash::a", "engine_restart::b"]);
        assert_eq!(tests[2].phase, Phase::Exclusive);
        assert_eq!(tests[1].phase, Phase::Parallel);
    }

    #[test]
    fn what_takes_longest_is_known_by_test_module_or_program() {
        assert_eq!(seconds("scenarios", "out_of_memory::a_node_that_runs_out"), 100);
        assert_eq!(seconds("scenarios", "out_of_memory::a_pair"), 45);
        assert_eq!(seconds("runtime_conformance", "docker_runtime::files_arrive"), 5);
        assert_eq!(seconds("probes", "half_an_answer_is_none"), 5);
        assert_eq!(seconds("scenarios", "crash::a"), USUAL_SECONDS);
    }

    #[test]
    fn a_message_that_is_not_cargos_is_an_error() {
        assert!(built("{\"reason\": ").is_err());
    }
}
