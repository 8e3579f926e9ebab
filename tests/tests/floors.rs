//! The floors of the architecture: who may know whom.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

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
    for (name, dependencies) in dependencies()? {
        for (library, owner) in ALONE {
            let names_it =
                dependencies.iter().any(|d| d == library || d.starts_with(&format!("{library}-")));
            ensure!(
                !names_it || name == *owner || name == "brokerd-tests",
                "{name} must not name {library}"
            );
        }
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

/// Walks the sources of a crate.
fn sources(directory: &Path, found: &mut Vec<(String, String)>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

#[test]
fn only_the_docker_runtime_names_bollard_and_deciding_does_no_io() -> Result<()> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")?;
    let mut files = Vec::new();
    sources(&root.join("provisioner/src"), &mut files)?;
    ensure!(!files.is_empty(), "no sources found");
    for (path, text) in files {
        let is_docker = path.contains("/runtime/docker");
        ensure!(is_docker || !text.contains("bollard"), "{path} must not name bollard");
        if path.ends_with("/plan.rs") || path.contains("/engine/") {
            ensure!(!text.contains("async fn"), "{path} decides, and must not act");
        }
    }
    Ok(())
}
