//! Migrations are as they were when they were written down: a database that has applied one refuses it changed.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::machine;
use sha2::{Digest as _, Sha256};

#[test]
fn a_migration_is_never_changed_nor_removed() -> Result<()> {
    let folder = machine::repository().join("migrations");
    let sums = fs::read_to_string(folder.join("SHA256SUMS"))?;
    let known: BTreeMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  migrations/").map(|(sum, name)| (name, sum)))
        .collect::<Option<_>>()
        .context("SHA256SUMS is not what sha256sum prints")?;
    let mut there = BTreeMap::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
            there.insert(name, hex::encode(Sha256::digest(fs::read(&path)?)));
        }
    }
    for (name, sum) in &known {
        let is = there.get(*name).with_context(|| format!("{name} is gone"))?;
        ensure!(is == sum, "{name} was changed: write another migration");
    }
    for name in there.keys() {
        ensure!(known.contains_key(name.as_str()), "{name} is not in migrations/SHA256SUMS");
    }
    Ok(())
}
