//! Terraform's command with the real AWS provider, on a copy of an example.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::ready;
use crate::{World, machine};

/// A working directory of Terraform's, which is gone with this.
#[derive(Debug)]
pub struct Terraform {
    directory: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: Option<i32>,
    /// All that it printed.
    pub printed: String,
}

/// The exit code of a plan that would change something.
const DIFFERENT: i32 = 2;

/// What a plan would change of one resource; data sources are only read.
fn differences_of(resource: &Value) -> Vec<String> {
    if resource["mode"] == "data" {
        return Vec::new();
    }
    let (address, change) = (&resource["address"], &resource["change"]);
    let (before, after) = (&change["before"], &change["after"]);
    let (Some(was), Some(will_be)) = (before.as_object(), after.as_object()) else {
        return vec![format!("{address}: {}", change["actions"])];
    };
    let names: BTreeSet<_> = was.keys().chain(will_be.keys()).collect();
    let differ = names.into_iter().filter(|name| before[*name] != after[*name]);
    differ.map(|name| format!("{address}.{name}: {} -> {}", before[name], after[name])).collect()
}

impl Terraform {
    /// A working directory with a copy of `examples/terraform/<example>`, initialised; none where Terraform can't be had and may be
    /// skipped.
    ///
    /// # Errors
    /// When it can't be initialised.
    pub fn of(world: &World, example: &str, variables: &[(&str, &str)]) -> Result<Option<Self>> {
        let Some(settings) = ready::terraform()? else { return Ok(None) };
        let directory =
            std::env::temp_dir().join(format!("brokerd-terraform-{}", machine::random_hex(6)?));
        fs::create_dir(&directory)?;
        let api = &world.api;
        let mut environment: Vec<_> = [
            ("TF_CLI_CONFIG_FILE", settings.display().to_string()),
            ("TF_IN_AUTOMATION", "1".to_owned()),
            ("TF_VAR_endpoint", format!("http://{}", api.address())),
            ("AWS_ACCESS_KEY_ID", api.key.clone()),
            ("AWS_SECRET_ACCESS_KEY", api.secret.clone()),
            ("AWS_REGION", api.region.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        environment.extend(
            variables.iter().map(|(name, value)| (format!("TF_VAR_{name}"), (*value).to_owned())),
        );
        let terraform = Self { directory, environment };
        let sources = machine::repository().join("examples/terraform").join(example);
        for entry in fs::read_dir(&sources).with_context(|| sources.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                fs::copy(&path, terraform.directory.join(path.file_name().unwrap_or_default()))?;
            }
        }
        terraform.succeed(&["init", "-no-color", "-input=false"])?;
        Ok(Some(terraform))
    }

    /// Sets a variable for all that follows.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((format!("TF_VAR_{name}"), value.to_owned()));
    }

    /// Writes a file beside the example's, for what an example is not to show.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.directory.join(name), text)?)
    }

    /// Takes such a file away again.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        Ok(fs::remove_file(self.directory.join(name))?)
    }

    /// Applies what is written; that may fail.
    ///
    /// # Errors
    /// When Terraform can't be run.
    pub fn apply(&self) -> Result<Ran> {
        self.run(&["apply", "-auto-approve", "-no-color", "-input=false"])
    }

    /// What a plan would change, each as `address.attribute: before -> after`.
    ///
    /// A resource whose values stay is left out: this provider marks as sensitive what RabbitMQ does not tell it, and plans an update
    /// of nothing but that mark once.
    ///
    /// # Errors
    /// When there is no plan.
    pub fn differences(&self) -> Result<Vec<String>> {
        let plan = ["plan", "-no-color", "-input=false", "-detailed-exitcode", "-out=planned"];
        let outcome = self.run(&plan)?;
        match outcome.code {
            Some(0) => return Ok(Vec::new()),
            Some(DIFFERENT) => {}
            _ => bail!("there is no plan: {}", outcome.printed),
        }
        let shown: Value = serde_json::from_str(&self.succeed(&["show", "-json", "planned"])?)?;
        let changes = shown["resource_changes"].as_array().into_iter().flatten();
        Ok(changes.flat_map(differences_of).collect())
    }

    /// The identifier of a resource, by its type and name.
    ///
    /// # Errors
    /// When the state has no such resource.
    pub fn id(&self, kind: &str, name: &str) -> Result<String> {
        // Asking Terraform would start the provider, which takes seconds.
        let state: Value =
            serde_json::from_slice(&fs::read(self.directory.join("terraform.tfstate"))?)?;
        let mut resources = state["resources"].as_array().into_iter().flatten();
        let resource = resources
            .find(|one| one["mode"] == "managed" && one["type"] == kind && one["name"] == name);
        let id = resource.and_then(|one| one["instances"][0]["attributes"]["id"].as_str());
        id.map(str::to_owned).with_context(|| format!("no {kind}.{name} in the state"))
    }

    /// The value of an output.
    ///
    /// # Errors
    /// When there is no such output.
    pub fn output(&self, name: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.succeed(&["output", "-json", name])?)?)
    }

    /// Destroys all that is in the state.
    ///
    /// # Errors
    /// When something stays.
    pub fn destroy(&self) -> Result<()> {
        self.succeed(&["destroy", "-auto-approve", "-no-color", "-input=false"]).map(drop)
    }

    fn succeed(&self, arguments: &[&str]) -> Result<String> {
        let outcome = self.run(arguments)?;
        ensure!(outcome.code == Some(0), "terraform {}: {}", arguments.join(" "), outcome.printed);
        Ok(outcome.printed)
    }

    fn run(&self, arguments: &[&str]) -> Result<Ran> {
        let mut command = Command::new("terraform");
        command.args(arguments).current_dir(&self.directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().context("can't run terraform")?;
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            printed.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(Ran { code: output.status.code(), printed })
    }
}

impl Drop for Terraform {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            machine::say(&format!("{} stays: {error}", self.directory.display()));
        }
    }
}
