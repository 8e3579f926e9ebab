//! The floors of the architecture: who may know whom.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::{
    dependencies::metadata,
    sources::{Source, imports, sources},
};

/// What each crate may import of ours, and no more.
const FLOORS: &[(&str, &[&str])] = &[
    ("brokerd-domain", &[]),
    ("brokerd-store", &["brokerd-domain"]),
    ("brokerd-api", &["brokerd-domain", "brokerd-store"]),
    ("brokerd-provisioner", &["brokerd-domain", "brokerd-store"]),
    ("brokerd-gateway", &["brokerd-domain", "brokerd-store"]),
    (
        "brokerd",
        &[
            "brokerd-api",
            "brokerd-domain",
            "brokerd-gateway",
            "brokerd-provisioner",
            "brokerd-store",
        ],
    ),
    // The harness is a client of the binary; what the tests themselves import is not looked at.
    ("brokerd-tests", &[]),
];

/// Libraries that only one crate may name.
const ALONE: &[(&str, &str)] = &[
    ("sqlx", "brokerd-store"),
    ("bollard", "brokerd-provisioner"),
    ("kube", "brokerd-provisioner"),
    ("k8s-openapi", "brokerd-provisioner"),
    ("rcgen", "brokerd-provisioner"),
    ("utoipa", "brokerd-api"),
    ("clap", "brokerd"),
];

/// Libraries that the domain may import: values and forms of text, none of which does I/O by itself.
const OF_THE_DOMAIN: &[&str] = &[
    "base64",
    "hex",
    "ipnet",
    "jiff",
    "regex",
    "roxmltree",
    "rust_decimal",
    "secrecy",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "toml",
    "uuid",
];

fn dependencies() -> Result<BTreeMap<String, Vec<String>>> {
    let metadata = metadata()?;
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().context("packages")? {
        let name = package["name"].as_str().context("name")?.to_owned();
        let normal = package["dependencies"].as_array().context("dependencies")?.iter();
        let names = normal
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned));
        found.insert(name, names.collect());
    }
    Ok(found)
}

#[test]
fn no_crate_imports_from_a_floor_it_may_not_know() -> Result<()> {
    let dependencies = dependencies()?;
    let is_listed = |name: &str| FLOORS.iter().any(|(listed, _)| *listed == name);
    let unlisted = dependencies.keys().find(|name| !is_listed(name));
    ensure!(unlisted.is_none(), "{unlisted:?} has no floor");
    ensure!(dependencies.len() == CRATES.len(), "not every crate has its folder in the list");
    for (name, allowed) in FLOORS {
        let ours = dependencies.get(*name).with_context(|| format!("{name} is missing"))?;
        for dependency in ours.iter().filter(|d| d.starts_with("brokerd")) {
            ensure!(allowed.contains(&dependency.as_str()), "{name} must not import {dependency}");
        }
    }
    Ok(())
}

#[test]
fn each_of_the_big_libraries_is_named_by_one_crate_only() -> Result<()> {
    for (library, owner) in ALONE {
        let mut named = false;
        for (name, dependencies) in dependencies()? {
            let names_it =
                dependencies.iter().any(|d| d == library || d.starts_with(&format!("{library}-")));
            ensure!(
                !names_it || name == *owner || name == "brokerd-tests",
                "{name} must not name {library}"
            );
            named |= names_it && name == *owner;
        }
        ensure!(named, "{owner} does not name {library}: nothing is guarded");
    }
    Ok(())
}

#[test]
fn the_domain_does_no_io_and_knows_no_runtime() -> Result<()> {
    let dependencies = dependencies()?;
    let domain = dependencies.get("brokerd-domain").context("brokerd-domain is missing")?;
    let unknown = domain.iter().find(|library| !OF_THE_DOMAIN.contains(&library.as_str()));
    ensure!(unknown.is_none(), "the domain must not import {unknown:?}");
    let gone = OF_THE_DOMAIN.iter().find(|library| !domain.iter().any(|known| known == *library));
    ensure!(gone.is_none(), "the domain does not need {gone:?} any more");
    Ok(())
}

/// What may not be named in code that only decides, each with code that does: the world, the time, randomness, other
/// tasks, and what one call leaves for the next.
const IMPURE: &[(&str, &str)] = &[
    ("async ", "pub async fn read() {}"),
    (".await", "read().await"),
    ("tokio", "use tokio::time;"),
    ("std::fs", "std::fs::read(path)"),
    ("std::env", "std::env::var(name)"),
    ("TcpStream", "use std::net::TcpStream;"),
    ("UdpSocket", "use std::net::UdpSocket;"),
    ("std::process", "std::process::id()"),
    ("std::thread", "std::thread::sleep(pause)"),
    ("SystemTime", "SystemTime::now()"),
    ("Instant::", "Instant::now()"),
    ("Timestamp::now", "jiff::Timestamp::now()"),
    ("Zoned::now", "jiff::Zoned::now()"),
    ("rand::", "rand::random::<u8>()"),
    ("getrandom", "getrandom::fill(&mut bytes)"),
    ("Uuid::new_v", "Uuid::new_v4()"),
    ("OnceLock", "static ONCE: OnceLock<u8> = OnceLock::new();"),
    ("LazyLock", "static LAZY: LazyLock<u8> = LazyLock::new(f);"),
    ("Mutex", "static LAST: Mutex<u8> = Mutex::new(0);"),
    ("RwLock", "static LAST: RwLock<u8> = RwLock::new(0);"),
    ("Atomic", "static LAST: AtomicU8 = AtomicU8::new(0);"),
    ("thread_local", "thread_local! { static LAST: Cell<u8> = const { Cell::new(0) }; }"),
    ("static mut", "static mut LAST: u8 = 0;"),
];

/// Files that name one of these and decide nevertheless, and why.
const PURE_NEVERTHELESS: &[(&str, &str, &str)] = &[
    ("domain/src/access/identity/id.rs", "Atomic", "its tests count"),
    ("domain/src/configuration/activemq/schema.rs", "LazyLock", "a constant that is parsed once"),
    ("domain/src/golden.rs", "std::env", "it is of tests alone"),
    ("domain/src/golden.rs", "std::fs", "it is of tests alone"),
];

/// Where code only decides.
const PURE: &[&str] = &["domain/src", "provisioner/src/plan", "provisioner/src/engine"];

/// The folders of the crates.
const CRATES: &[&str] = &["api", "brokerd", "domain", "gateway", "provisioner", "store", "tests"];

/// How long a file may be.
const MAX_LINES: usize = 500;

/// The impure words that code names, also as branches of a tree of imports.
fn impure(code: &str) -> impl Iterator<Item = &'static str> {
    let imported = imports(code).into_iter().map(|import| import.path);
    let code = imported.fold(code.to_owned(), |code, path| code + "\n" + &path);
    IMPURE.iter().map(|(word, _)| *word).filter(move |word| {
        code.match_indices(word).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            !word.starts_with(char::is_alphabetic)
                || before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
    })
}

#[test]
fn plans_do_no_io() -> Result<()> {
    let mut found = Vec::new();
    for folder in PURE {
        for Source { path, code, .. } in sources(folder)? {
            found.extend(impure(&code).map(|word| (path.clone(), word)));
        }
    }
    let is_known = |(path, word): &(String, &str)| {
        PURE_NEVERTHELESS.iter().any(|(known, named, _)| known == path && named == word)
    };
    let unknown: Vec<_> = found.iter().filter(|found| !is_known(found)).collect();
    ensure!(unknown.is_empty(), "these decide, and must not name: {unknown:?}");
    let is_gone =
        |(path, word, _): &&(&str, &str, &str)| !found.iter().any(|(p, w)| p == path && w == word);
    let gone = PURE_NEVERTHELESS.iter().find(is_gone);
    ensure!(gone.is_none(), "{gone:?} is no exception any more");
    Ok(())
}

#[test]
fn every_impure_word_is_found_where_it_is_named() {
    for (word, code) in IMPURE {
        assert!(impure(code).any(|found| found == *word), "{word:?} is not found in {code:?}");
    }
    let tree = "use std::{\n    collections::BTreeMap,\n    fs::File,\n};";
    assert_eq!(impure(tree).collect::<Vec<_>>(), ["std::fs"]);
    for code in ["operand::new()", "static TIERS: &[Tier] = &[];", "Timestamp::from_second(1)"] {
        assert_eq!(impure(code).next(), None, "{code}");
    }
}

/// Whether an import of a file below `provisioner/src/plan` leaves that module by way of its parents.
fn climbs_out(path: &str, import: &str) -> bool {
    let module = path.split_once("/src/").map_or(path, |(_, module)| module);
    let module = module.trim_end_matches(".rs").trim_end_matches("/mod");
    let parents = import.split("::").take_while(|segment| *segment == "super").count();
    parents >= module.split('/').count()
}

#[test]
fn an_import_by_parents_leaves_a_module_if_there_are_more_than_it_is_deep() {
    let deep = ["provisioner/src/plan/mod.rs", "provisioner/src/plan/pair/mod.rs"];
    assert!(climbs_out(deep[0], "super::runtime::Runtime"));
    assert!(!climbs_out(deep[0], "types::Plan"));
    assert!(!climbs_out(deep[1], "super::types::Plan"));
    assert!(climbs_out(deep[1], "super::super::runtime::Runtime"));
    assert!(!climbs_out("provisioner/src/plan/pair/takeover.rs", "super::super::types::Plan"));
}

#[test]
fn the_plan_imports_the_domain_only() -> Result<()> {
    let dependencies = dependencies()?;
    let libraries = dependencies.get("brokerd-provisioner").context("brokerd-provisioner")?;
    let is_ours = |root: &str| libraries.iter().any(|it| it.replace('-', "_") == root);
    let mut knows_the_domain = false;
    for Source { path, code, .. } in sources("provisioner/src/plan")? {
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        ensure!(!code.contains("crate::"), "{path} names another part of its crate");
        for import in imports(code).into_iter().map(|import| import.path) {
            ensure!(!climbs_out(&path, &import), "{path} must not import {import}");
            let root = import.split("::").next().unwrap_or_default();
            ensure!(!is_ours(root) || root == "brokerd_domain", "{path} must not import {import}");
            knows_the_domain |= root == "brokerd_domain";
        }
    }
    ensure!(knows_the_domain, "no plan imports the domain: nothing is guarded");
    Ok(())
}

#[test]
fn only_a_runtime_names_what_it_runs_on() -> Result<()> {
    for (folder, names) in [
        ("docker", &["bollard", "docker::", "DockerRuntime"]),
        ("kubernetes", &["k8s_openapi", "kubernetes::", "KubernetesRuntime"]),
    ] {
        for name in names {
            let naming = sources("provisioner/src")?;
            let naming: Vec<_> =
                naming.into_iter().filter(|s| s.code.contains(name)).map(|s| s.path).collect();
            ensure!(!naming.is_empty(), "nobody names {name}: nothing is guarded");
            for path in naming {
                let own = format!("provisioner/src/runtime/{folder}/");
                ensure!(path.starts_with(&own), "{path} names {name}");
            }
        }
    }
    // The role in `brokerd` chooses the runtime; nothing else there knows one.
    for name in ["docker::", "kubernetes::"] {
        let naming = sources("brokerd/src")?.into_iter().filter(|s| s.code.contains(name));
        let naming: Vec<_> = naming.map(|s| s.path).collect();
        ensure!(naming == ["brokerd/src/roles/provisioner.rs"], "{naming:?} name {name}");
    }
    Ok(())
}

#[test]
fn no_file_is_longer_than_a_person_reads_at_once() -> Result<()> {
    for folder in CRATES {
        for Source { path, lines, .. } in sources(folder)? {
            ensure!(lines <= MAX_LINES, "{path} has {lines} lines: split it by concept");
        }
    }
    Ok(())
}
