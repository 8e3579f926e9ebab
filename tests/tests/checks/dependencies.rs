//! No crate names a library that it does not use, and the workspace none that no crate names.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{modules::of_production, sources::sources};

/// Libraries that are named for what they bring along, and why.
const NAMED_FOR_A_FEATURE: &[(&str, &str)] = &[];

fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")
}

/// The packages of the workspace, as cargo reads their manifests.
pub(crate) fn metadata() -> Result<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root()?)
        .output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn every_dependency_is_used() -> Result<()> {
    let root = root()?;
    let metadata = metadata()?;
    let mut unused = Vec::new();
    for package in metadata["packages"].as_array().context("packages")? {
        let manifest = Path::new(package["manifest_path"].as_str().context("a manifest")?);
        let directory = manifest.parent().context("a directory")?;
        let folder = directory.strip_prefix(root)?.to_str().context("UTF-8")?;
        let sources = sources(&format!("{folder}/src"))?;
        let production = of_production(&sources).into_iter().map(|(_, code)| code);
        let production = production.collect::<Vec<_>>().join("\n");
        let folders: Vec<_> = ["src", "tests", "examples", "benches"]
            .iter()
            .map(|part| format!("{folder}/{part}"))
            .filter(|part| root.join(part).is_dir())
            .collect();
        let all = code(&folders)?;
        for dependency in package["dependencies"].as_array().context("dependencies")? {
            let name = dependency["rename"].as_str().or(dependency["name"].as_str());
            let name = name.context("a name")?.replace('-', "_");
            let is_used = match dependency["kind"].as_str() {
                None => is_named(&production, &name),
                Some("dev") => is_named(&all, &name),
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

/// Whether a path begins with it, or it is imported as it is, or it is the attribute of its name.
fn is_named(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + library.len()..]);
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        if before.ends_with(is_part) || after.starts_with(is_part) {
            return false;
        }
        // `::library` is the library, `other::library` is not.
        let before = match before.strip_suffix("::") {
            Some(path) if path.ends_with(is_part) || path.ends_with('>') => return false,
            Some(path) => path,
            None => before,
        };
        let is_imported = before.ends_with("use ") || before.ends_with("extern crate ");
        let is_attribute = before.ends_with("#[") || before.ends_with("#![");
        after.starts_with("::")
            || (is_imported && after.starts_with([';', ' ']))
            || (is_attribute && after.starts_with(['(', ']']))
    })
}

#[test]
fn a_library_is_named_by_its_whole_name() {
    for code in [
        "use rand::Rng;",
        "use rand;",
        "pub use rand as random;",
        "extern crate rand;",
        "rand::random()",
        "let n: ::rand::Seed = seed;",
        "#[rand::main]",
        "#[derive(Debug, rand::Seeded)]",
        "#[rand(seed)]",
    ] {
        assert!(is_named(code, "rand"), "{code}");
    }
    for code in [
        "let operand = brand::new();",
        "use rand_core::Seed;",
        "source.rand()",
        "let rand = 4;",
        "let text = \"a rand\";",
        "crate::rand::random()",
    ] {
        assert!(!is_named(code, "rand"), "{code}");
    }
}

/// The libraries that the workspace has a version of and no member inherits.
fn uninherited<'a>(workspace: &'a str, members: &[String]) -> Vec<&'a str> {
    let own = workspace.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    let names = own.take_while(|line| !line.starts_with('[')).filter_map(|line| {
        let (name, _) = line.split_once('=')?;
        (!line.starts_with('#')).then_some(name.trim())
    });
    let inherits = |line: &str, name: &str| {
        line.strip_prefix(name).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.starts_with(".workspace") || (rest.starts_with('=') && rest.contains("workspace"))
        })
    };
    let is_inherited = |name: &&str| {
        members.iter().flat_map(|member| member.lines()).any(|line| inherits(line, name))
    };
    names.filter(|name| !is_inherited(name)).collect()
}

#[test]
fn every_version_of_the_workspace_is_inherited() -> Result<()> {
    let workspace = fs::read_to_string(root()?.join("Cargo.toml"))?;
    let metadata = metadata()?;
    let manifests = metadata["packages"].as_array().context("packages")?.iter().map(|package| {
        Ok(fs::read_to_string(package["manifest_path"].as_str().context("a manifest")?)?)
    });
    let manifests = manifests.collect::<Result<Vec<_>>>()?;
    ensure!(!uninherited(&workspace, &[]).is_empty(), "the workspace has no libraries");
    let left = uninherited(&workspace, &manifests);
    ensure!(left.is_empty(), "no crate has these of the workspace: {}", left.join(", "));
    Ok(())
}

#[test]
fn what_a_member_inherits_is_read_from_its_manifest() {
    let workspace = "[workspace]\nmembers = [\"a\"]\n\n[workspace.dependencies]\nbytes = \"1\"\n# rand = \"1\"\n\nhttp = { version = \"1\" }\nhttp-body = \"1\"\nhyper = \"1\"\n\n[profile.dev]\ndebug = true\n";
    let member = "[dependencies]\nbytes.workspace = true\nhttp-body = { workspace = true, features = [] }\nhyper = \"1\"";
    assert_eq!(uninherited(workspace, &[member.to_owned()]), ["http", "hyper"]);
}
