//! The floors of the architecture: who may know whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::sources::{Source, imports, sources};

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

fn dependencies() -> Result<BTreeMap<String, Vec<String>>> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
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
    for forbidden in ["tokio", "axum", "sqlx", "bollard", "reqwest", "rand", "futures-util"] {
        ensure!(!domain.iter().any(|d| d == forbidden), "the domain must not import {forbidden}");
    }
    Ok(())
}

/// What may not be named in code that only decides: the world, the time, randomness, other tasks.
const IMPURE: &[&str] = &[
    "async ",
    ".await",
    "tokio",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::",
    "OnceLock",
    "static mut",
];

/// Where code only decides.
const PURE: &[&str] = &["domain/src", "provisioner/src/plan", "provisioner/src/engine"];

/// What the plan may know of the rest of its crate: values, and nothing that acts.
const VALUES_OF_PLANS: &[&str] = &[
    "crate::runtime::ContainerState",
    "crate::runtime::Disturbance",
    "crate::runtime::InstanceSpec",
    "crate::runtime::InstanceStatus",
    "crate::runtime::Limits",
    "crate::runtime::RuntimeId",
    "crate::runtime::Volumes",
];

/// The folders of the crates.
const CRATES: &[&str] = &["api", "brokerd", "domain", "gateway", "provisioner", "store", "tests"];

/// How long a file may be.
const MOST_LINES: usize = 500;

#[test]
fn plans_do_no_io() -> Result<()> {
    for folder in PURE {
        for Source { path, code, .. } in sources(folder)? {
            // Of tests alone.
            if path == "domain/src/golden.rs" {
                continue;
            }
            for word in IMPURE {
                ensure!(!code.contains(word), "{path} decides, and must not name {word:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_plan_knows_the_domain_and_values() -> Result<()> {
    let dependencies = dependencies()?;
    let libraries = dependencies.get("brokerd-provisioner").context("brokerd-provisioner")?;
    let mut known = BTreeSet::new();
    for Source { path, code, .. } in sources("provisioner/src/plan")? {
        for import in imports(&code).into_iter().map(|import| import.path) {
            let root = import.split("::").next().unwrap_or_default();
            let is_library = libraries.iter().any(|library| library.replace('-', "_") == root);
            ensure!(!is_library || root == "brokerd_domain", "{path} must not import {import}");
            if root == "crate" {
                ensure!(VALUES_OF_PLANS.contains(&&*import), "{path} must not import {import}");
                known.insert(import);
            }
        }
        let named = code.match_indices("crate::").map(|(at, _)| &code[..at]);
        let inline = named.filter(|before| !before.ends_with("use ")).count();
        ensure!(inline == 0, "{path} names what it has not imported");
    }
    let gone = VALUES_OF_PLANS.iter().find(|value| !known.contains(**value));
    ensure!(gone.is_none(), "no plan needs {gone:?} any more");
    Ok(())
}

#[test]
fn only_a_runtime_names_what_it_runs_on() -> Result<()> {
    // The role in `brokerd` chooses the runtime; the rest of a provisioner knows none.
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
    Ok(())
}

#[test]
fn no_file_is_longer_than_a_person_reads_at_once() -> Result<()> {
    for folder in CRATES {
        for Source { path, lines, .. } in sources(folder)? {
            ensure!(lines <= MOST_LINES, "{path} has {lines} lines: split it by concept");
        }
    }
    Ok(())
}
