//! The binary as a shell sees it: what it prints, and what its exit status says.
//!
//! This program also makes `cargo test` build the binary that the scenarios start, from the same dependencies as the tests.

use std::{
    fs,
    process::{Command, Output},
};

use anyhow::{Context as _, Result};

fn brokerd(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_brokerd"))
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied())
        .output()?)
}

fn text(bytes: &[u8]) -> Result<&str> {
    Ok(std::str::from_utf8(bytes)?)
}

#[test]
fn flags_come_before_the_environment_and_no_password_is_printed() -> Result<()> {
    let url = ("DATABASE_URL", "postgres://owner:not-for-you@db/brokerd");
    let region = ("BROKERD_REGION", "eu-west-1");
    let printed = brokerd(&["--set", "api.throttle_rate=7", "config"], &[url, region])?;
    assert!(printed.status.success(), "{printed:?}");
    let printed = text(&printed.stdout)?;
    assert!(printed.contains("region = \"eu-west-1\""), "{printed}");
    assert!(printed.contains("throttle_rate = 7"), "{printed}");
    assert!(printed.contains("postgres://owner:[redacted]@db/brokerd"), "{printed}");

    let printed = brokerd(&["--set", "region=eu-west-2", "config"], &[region])?;
    assert!(text(&printed.stdout)?.contains("region = \"eu-west-2\""), "{printed:?}");
    Ok(())
}

#[test]
fn a_setting_that_does_not_exist_is_named_and_fails() -> Result<()> {
    let directory = std::env::temp_dir().join(format!("brokerd-cli-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let file = directory.join("brokerd.toml");
    fs::write(&file, "[api]\nlistn = \"127.0.0.1:1\"\n")?;
    let refused = brokerd(&["--config", file.to_str().context("a path in UTF-8")?, "config"], &[])?;
    fs::remove_dir_all(&directory)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    let said = text(&refused.stderr)?;
    assert!(said.contains("unknown field `listn`") && said.contains("line 2"), "{said}");
    Ok(())
}

#[test]
fn a_command_that_does_not_exist_is_a_mistake_of_usage() -> Result<()> {
    let refused = brokerd(&["sarve"], &[])?;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr)?.contains("unrecognized subcommand 'sarve'"), "{refused:?}");
    Ok(())
}
