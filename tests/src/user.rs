//! Users of the world's account.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{Api, World, machine};

impl World {
    /// The API for a user of the account, who is made if there is none of that name and who may do what its policies
    /// allow.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn user(&self, name: &str) -> Result<Api> {
        self.with_new_key(&["--user", name])
    }

    /// The API for a user of the account who may only look at brokers and configurations.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn read_only(&self) -> Result<Api> {
        self.with_new_key(&["--read-only"])
    }

    /// The API with a key that `brokerd key create` makes.
    fn with_new_key(&self, options: &[&str]) -> Result<Api> {
        let mut command = Command::new(machine::binary()?);
        command.args(["key", "create"]).args(options).env_clear().envs(self.environment());
        let made = command.output().context("can't run brokerd key create")?;
        let told = String::from_utf8_lossy(&made.stdout).into_owned();
        ensure!(made.status.success(), "{told}{}", String::from_utf8_lossy(&made.stderr));
        let exported = |name: &str| {
            let mut lines = told.lines().filter_map(|line| line.strip_prefix("export "));
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            let value = value.map(|value| value.trim_matches('\'').to_owned());
            value.with_context(|| format!("no {name}: {told}"))
        };
        let (key, secret) = (exported("AWS_ACCESS_KEY_ID")?, exported("AWS_SECRET_ACCESS_KEY")?);
        Ok(self.api.with_key(&key, &secret))
    }
}
