//! Some of the values over a whole boot: what a node takes it also starts with.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use brokerd_domain::{EngineType, EngineVersion, instance::InstanceSpec};
use brokerd_provisioner::pki::{
    authorities::AuthorityStatus,
    materials::{self, IssueInputs},
    tls,
};

use crate::{
    VERSIONS, configured,
    engine::Engine,
    example::{self, Example, NOW, Scripted},
    is_saved,
    values::Key,
};

/// A boot takes seconds; where everything else runs at the same time, more of them.
const TIMEOUT: Duration = Duration::from_secs(240);

/// What a node says when it serves.
const SERVES: &str = "Server startup complete";

#[test]
fn a_node_starts_with_every_accepted_configuration() {
    for version in VERSIONS {
        if Engine::start(version).is_none() {
            return;
        }
        let documents = [false, true].map(|largest| document(version, largest));
        let boots: Vec<_> = documents
            .into_iter()
            .map(|document| thread::spawn(move || (starts(version, &document, ""), document)))
            .collect();
        for boot in boots {
            let (log, document) = boot.join().expect("it ends");
            assert!(log.contains(SERVES), "{version} does not start with {document}\n{log}");
        }
        let refused = starts(version, "", "heartbeat = 1s\n");
        assert!(!refused.contains(SERVES), "{version} starts with what it does not take");
    }
}

/// For each key the smallest or the largest value that is saved, of texts the shortest or the longest; of keys that
/// exclude each other the first.
fn document(version: EngineVersion, largest: bool) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let text = |lines: &[(String, String)]| -> String {
        lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    };
    for key in Key::all(version) {
        let (values, _) = key.values(version);
        let mut saved: Vec<String> =
            values.into_iter().filter(|value| is_saved(version, &key.with(value))).collect();
        saved.sort_by_key(|value| (value.len(), value.clone()));
        let Some(value) = (if largest { saved.last() } else { saved.first() }) else { continue };
        let mut more = lines.clone();
        for line in key.lines(value) {
            if !more.iter().any(|(there, _)| *there == line.0) {
                more.push(line);
            }
        }
        if is_saved(version, &text(&more)) {
            lines = more;
        }
    }
    text(&lines)
}

/// What a node says with that configuration, and with more lines in its own file, until it serves or has ended.
fn starts(version: EngineVersion, configuration: &str, more: &str) -> String {
    let mut example = Example::new(EngineType::RabbitMq, &version.to_string(), "mq.m7g.medium");
    let entropy = Scripted::new(&[]);
    let authority = tls::new_authority(NOW, &entropy).expect("made");
    let inputs = IssueInputs {
        authorities: &AuthorityStatus::of(authority.clone()),
        rsa_key: example::rsa_key(),
        now: NOW,
        entropy: &entropy,
    };
    example.materials =
        materials::issue(inputs, &example.broker, &example.users, &example.image).expect("issued");
    configured(&mut example, version, configuration);
    let spec = example.render().expect("rendered");
    let name = format!(
        "brokerd-edges-{}-{version}-{}",
        std::process::id(),
        configuration.len() + more.len()
    );
    let mut container = Command::new("docker")
        .args(["run", "--rm", "--interactive", "--network", "none", "--memory", "1g"])
        .args(["--name", &name, "--hostname", "edges", "--entrypoint", "sh"])
        .args(spec.environment.iter().flat_map(|variable| ["--env", variable]))
        .args([spec.image.as_str(), "-c"])
        .arg(
            "cd / && tar xf - && chown -R 999:999 /etc/rabbitmq /var/lib/rabbitmq && \
             exec docker-entrypoint.sh rabbitmq-server",
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("docker");
    let mut input = container.stdin.take().expect("piped");
    input.write_all(&archive(&spec, more)).expect("taken");
    drop(input);
    let end = Instant::now() + TIMEOUT;
    let log = loop {
        let logs = Command::new("docker").args(["logs", &name]).output().expect("docker");
        let told = String::from_utf8_lossy(&[logs.stdout, logs.stderr].concat()).into_owned();
        let has_ended = container.try_wait().expect("a child").is_some();
        if told.contains(SERVES) || has_ended || Instant::now() > end {
            break told;
        }
        thread::sleep(Duration::from_millis(200));
    };
    let _ = Command::new("docker").args(["rm", "--force", "--volumes", &name]).output();
    let _ = container.wait();
    log
}

/// The files of a node, as they are in its container.
fn archive(spec: &InstanceSpec, more: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in &spec.files {
        let mut content = file.content.clone();
        if file.path == "rabbitmq.conf" {
            content.extend_from_slice(more.as_bytes());
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(file.mode);
        header.set_size(content.len() as u64);
        let path = format!("{}/{}", file.root.trim_start_matches('/'), file.path);
        archive.append_data(&mut header, path, content.as_slice()).expect("it fits");
    }
    archive.into_inner().expect("whole")
}
