//! What is saved of a RabbitMQ configuration is what a node takes: every permitted key, with values at and over its
//! edges, is asked of the domain and of RabbitMQ itself, and both have to say the same.
//!
//! RabbitMQ reads its files by a library and its plugins' schemas, which are asked without a node: thousands of
//! values take a minute. Without Docker or the images the tests say so and pass, except under `CI=true`.

#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

#[path = "../asked_engine/mod.rs"]
mod asked_engine;
mod boot;
mod engine;
#[expect(dead_code, unreachable_pub, reason = "each program uses a part of it")]
#[path = "../example/mod.rs"]
mod example;
mod values;

use std::collections::BTreeMap;

use brokerd_domain::{EngineType, EngineVersion, RabbitMqConfiguration};
use engine::Engine;
use example::Example;
use values::Key;

const VERSIONS: [EngineVersion; 3] =
    [EngineVersion::new(4, 3), EngineVersion::new(4, 0), EngineVersion::new(3, 10)];

/// Whether brokerd refuses a value on purpose that the engine takes: numbers beyond the service's or what the key can
/// mean, such that are not plain digits, and no limit, which no tier has. All other words, units and quotes mean the
/// same to both.
fn is_narrower(value: &str) -> bool {
    if value == "infinity" {
        return true;
    }
    let value = value.trim_matches('\'');
    let digits = value.trim_start_matches(['+', '-']).trim_start_matches("16#");
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_saved(version: EngineVersion, document: &str) -> bool {
    RabbitMqConfiguration::parse(version, document).is_ok()
}

/// Gives an example a configuration, and what it names by ARN.
fn configured(example: &mut Example, version: EngineVersion, configuration: &str) {
    configuration.clone_into(&mut example.configuration);
    let settings = RabbitMqConfiguration::parse(version, configuration).expect("saved").effective(
        example.broker.spec.host_instance_type,
        example.broker.spec.deployment_mode,
        version,
    );
    for (key, arn) in settings.references() {
        let materials = &mut example.materials;
        let value = match key.rsplit('.').next() {
            Some("password") => "a \"secret\"\\",
            Some("keyfile") => &materials.private_key_pem,
            _ => &materials.certificate_pem,
        };
        materials.resolved.values.insert(arn.to_owned(), value.to_owned());
    }
}

/// `rabbitmq.conf` and `advanced.config` of a node with that configuration.
fn rendered(version: EngineVersion, configuration: &str) -> (String, String) {
    let mut example = Example::new(EngineType::RabbitMq, &version.to_string(), "mq.m7g.medium");
    configured(&mut example, version, configuration);
    let spec = example.render().expect("rendered");
    let text = |path: &str| {
        let file = spec.files.iter().find(|file| file.path == path).expect(path);
        String::from_utf8(file.content.clone()).expect("text")
    };
    (text("rabbitmq.conf"), text("advanced.config"))
}

#[test]
fn rabbitmq_accepts_what_is_saved_and_not_what_is_refused() {
    let mut wrong = Vec::new();
    for version in VERSIONS {
        let Some(mut engine) = Engine::start(version) else { return };
        let (mut kept, mut refused) = (Vec::new(), Vec::new());
        for key in Key::all(version) {
            let (values, are_texts) = key.values(version);
            for value in values {
                let setting = (key.name.clone(), key.lines(&value));
                if is_saved(version, &key.with(&value)) {
                    kept.push(setting);
                } else if !are_texts {
                    // Of texts less is taken than the engine's file can hold, whatever the key.
                    refused.push(setting);
                }
            }
        }
        let unexpected = not_taken(&mut engine, version, &kept);
        wrong.extend(unexpected.iter().map(|what| format!("{version}: {what}")));
        for (key, value) in taken(&mut engine, &refused) {
            if !is_narrower(&value) {
                wrong.push(format!(
                    "{version}: {key} = {value} is refused, but taken by the engine"
                ));
            }
        }
        eprintln!(
            "RabbitMQ {version}: {} values saved, {} refused; it was asked {} times",
            kept.len(),
            refused.len(),
            engine.0.asked
        );
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

type Settings = (String, Vec<(String, String)>);
type Document = BTreeMap<String, String>;

fn text<'a>(lines: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    lines.into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// Settings of as many keys as possible together: one for the first values of all keys, one for the second, and so
/// on; keys that exclude each other apart.
fn rounds(settings: &[Settings]) -> Vec<Vec<&Settings>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rounds: BTreeMap<(usize, bool), Vec<&Settings>> = BTreeMap::new();
    let names: Vec<&str> = settings.iter().map(|(key, _)| key.as_str()).collect();
    for setting in settings {
        let at = counts.entry(&setting.0).or_default();
        let whole = format!("{}.", setting.0);
        let is_whole = names.iter().any(|name| name.starts_with(&whole));
        rounds.entry((*at, is_whole)).or_default().push(setting);
        *at += 1;
    }
    rounds.into_values().collect()
}

/// What is saved, but is not taken by a node.
fn not_taken(engine: &mut Engine, version: EngineVersion, kept: &[Settings]) -> Vec<String> {
    let mut wrong = Vec::new();
    for round in rounds(kept) {
        let mut left = round;
        while !left.is_empty() {
            // What is about several keys may be against some of them together; these come next.
            let (mut document, mut some, mut others) = (BTreeMap::new(), Vec::new(), Vec::new());
            for setting in left {
                let with = joined(&document, &setting.1);
                if let Some(with) = with.filter(|with| is_saved(version, &text(with))) {
                    document = with;
                    some.push(setting);
                } else {
                    others.push(setting);
                }
            }
            assert!(!some.is_empty(), "{others:?} was saved");
            left = others;
            wrong.extend(not_taken_of(engine, version, &some));
        }
    }
    wrong
}

/// A document with more lines, unless it says otherwise.
fn joined(document: &Document, lines: &[(String, String)]) -> Option<Document> {
    let mut all = document.clone();
    for (key, value) in lines {
        match all.get(key) {
            Some(there) if there != value => return None,
            Some(_) => {}
            None => drop(all.insert(key.clone(), value.clone())),
        }
    }
    Some(all)
}

fn not_taken_of(engine: &mut Engine, version: EngineVersion, some: &[&Settings]) -> Vec<String> {
    let document = some.iter().fold(Document::new(), |document, (_, lines)| {
        joined(&document, lines).expect("it was possible")
    });
    let (conf, advanced) = rendered(version, &text(&document));
    let why = engine.why_not(&conf, &advanced);
    if why.is_empty() {
        return Vec::new();
    }
    let (named, others): (Vec<&Settings>, Vec<&Settings>) =
        some.iter().partition(|(key, _)| names(&why, key));
    match some {
        [_] | [] => vec![format!("{}is saved, but {why}", text(&document))],
        // Who is named is asked alone, and the others without them.
        _ if !named.is_empty() && !others.is_empty() => {
            let mut wrong = not_taken_of(engine, version, &others);
            for one in named {
                wrong.extend(not_taken_of(engine, version, &[one]));
            }
            wrong
        }
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            let mut wrong = not_taken_of(engine, version, left);
            wrong.extend(not_taken_of(engine, version, right));
            wrong
        }
    }
}

/// Whether an error is about a key.
fn names(why: &str, key: &str) -> bool {
    why.split([' ', '\n', ',', '"', ':']).any(|word| word == key)
}

/// What a node would take if it got it as its owner wrote it.
fn taken(engine: &mut Engine, refused: &[Settings]) -> Vec<(String, String)> {
    let own = |(_, lines): &&Settings| lines.last().cloned().expect("its own");
    let mut taken = Vec::new();
    for round in rounds(refused) {
        taken.extend(taken_of(engine, round.iter().map(own).collect()));
    }
    taken
}

fn taken_of(engine: &mut Engine, mut some: Vec<(String, String)>) -> Vec<(String, String)> {
    while !some.is_empty() {
        let why = engine.why_not(&text(some.iter().map(|(key, value)| (key, value))), "");
        if why.is_empty() {
            return some;
        }
        let before = some.len();
        some.retain(|(key, _)| !names(&why, key));
        if some.len() < before {
            continue;
        }
        // It does not say which. What can't be read at all can't be read of any key.
        let (_, first) = some[0].clone();
        let alone = engine.why_not(&format!("heartbeat = {first}\n"), "");
        if !alone.is_empty() && !alone.contains("heartbeat") {
            some.retain(|(_, value)| *value != first);
        } else if some.len() == 1 {
            return Vec::new();
        } else {
            let right = some.split_off(some.len() / 2);
            let mut taken = taken_of(engine, some);
            taken.extend(taken_of(engine, right));
            return taken;
        }
    }
    some
}
