//! No crate names a library that it does not use.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::sources::sources;

/// Libraries that are named for what they bring along, and why.
const NAMED_FOR_A_FEATURE: &[(&str, &str)] = &[];

#[test]
fn every_dependency_is_used() -> Result<()> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut unused = Vec::new();
    for package in metadata["packages"].as_array().context("packages")? {
        let manifest = Path::new(package["manifest_path"].as_str().context("a manifest")?);
        let directory = manifest.parent().context("a directory")?;
        let folder = directory.strip_prefix(root)?.to_str().context("UTF-8")?;
        let of_production = code(&[format!("{folder}/src")])?;
        let others: Vec<_> = ["tests", "examples", "benches"]
            .iter()
            .map(|part| format!("{folder}/{part}"))
            .filter(|part| root.join(part).is_dir())
            .collect();
        let of_tests = code(&others)?;
        for dependency in package["dependencies"].as_array().context("dependencies")? {
            let name = dependency["rename"].as_str().or(dependency["name"].as_str());
            let name = name.context("a name")?.replace('-', "_");
            let is_used = match dependency["kind"].as_str() {
                None => is_named(&of_production, &name),
                Some("dev") => is_named(&of_tests, &name) || is_named(&of_production, &name),
                // Build scripts are beside the sources.
                Some(_) => continue,
            };
            let is_known = NAMED_FOR_A_FEATURE.iter().any(|(known, _)| *known == name);
            if !is_used && !is_known {
                unused.push(format!("{folder}: {name}"));
            }
        }
    }
    ensure!(unused.is_empty(), "these are not used: {}", unused.join(", "));
    Ok(())
}

fn code(folders: &[String]) -> Result<String> {
    let mut all = String::new();
    for folder in folders {
        for source in sources(folder)? {
            all.push_str(&source.code);
            all.push('\n');
        }
    }
    Ok(all)
}

/// Whether a path begins with it, or it is imported as it is.
fn is_named(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + library.len()..].chars().next();
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        begins && after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[test]
fn a_library_is_named_by_its_whole_name() {
    assert!(is_named("use rand::Rng;", "rand"));
    assert!(is_named("#[tokio::main]", "tokio"));
    assert!(!is_named("let operand = brand::new();", "rand"));
    assert!(!is_named("use tokio_util::sync;", "tokio"));
}
