//! The AWS CLI and boto3 as somebody: with a key of one's own, and with files of configuration as people have them.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

use super::{python, run_with_input};
use crate::{Api, machine};

/// Somebody who uses AWS tools, with a home of its own that is gone with this.
#[derive(Debug)]
pub struct Person {
    home: PathBuf,
    environment: Vec<(String, String)>,
}

impl Person {
    /// Somebody with that access key.
    ///
    /// # Errors
    /// When there can't be a home.
    pub fn new(api: &Api, key: &str, secret: &str) -> Result<Self> {
        let home = std::env::temp_dir().join(format!("brokerd-person-{}", machine::random_hex(6)?));
        fs::create_dir(&home)?;
        let credentials =
            format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
        fs::write(home.join("credentials"), credentials)?;
        fs::write(home.join("config"), "")?;
        let path = |name: &str| home.join(name).display().to_string();
        let mut environment = vec![
            ("PATH".to_owned(), machine::variable("PATH").unwrap_or_default()),
            ("HOME".to_owned(), home.display().to_string()),
            ("AWS_CONFIG_FILE".to_owned(), path("config")),
            ("AWS_SHARED_CREDENTIALS_FILE".to_owned(), path("credentials")),
            ("AWS_DEFAULT_REGION".to_owned(), api.region.clone()),
            // The SDKs for Java and Rust read this one.
            ("AWS_REGION".to_owned(), api.region.clone()),
            ("AWS_MAX_ATTEMPTS".to_owned(), "1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ];
        for service in ["MQ", "STS", "IAM", "CLOUDWATCH"] {
            environment.push((format!("AWS_ENDPOINT_URL_{service}"), api.endpoint.clone()));
        }
        Ok(Self { home, environment })
    }

    /// Keeps another access key, in a profile of that name.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&self, profile: &str, key: &str, secret: &str) -> Result<()> {
        let file = self.home.join("credentials");
        let before = fs::read_to_string(&file)?;
        let more =
            format!("[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
        Ok(fs::write(file, before + &more)?)
    }

    /// Adds lines to the file of configuration, such as a profile with a role.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn configure(&self, lines: &str) -> Result<()> {
        let file = self.home.join("config");
        let before = fs::read_to_string(&file)?;
        Ok(fs::write(file, format!("{before}\n{lines}\n"))?)
    }

    /// `aws …`: what it printed, or its complaint.
    ///
    /// # Errors
    /// When the AWS CLI can't be run.
    pub fn aws(&self, arguments: &[&str]) -> Result<Result<Value, String>> {
        let venv = python()?.context("there are no Python clients here")?;
        let mut command = Command::new(venv.join("bin/aws"));
        command.env_clear().envs(self.environment.iter().cloned());
        let outcome = run_with_input(command.args(["--output", "json"]).args(arguments), "")?;
        super::printed(&outcome, arguments)
    }

    /// `aws …`, which has to succeed.
    ///
    /// # Errors
    /// Its complaint.
    pub fn succeeds(&self, arguments: &[&str]) -> Result<Value> {
        self.aws(arguments)?.map_err(|complaint| anyhow!("aws {arguments:?}: {complaint}"))
    }

    /// `aws …`, which has to be refused with that code; the whole complaint.
    ///
    /// # Errors
    /// When it is not.
    pub fn refused(&self, code: &str, arguments: &[&str]) -> Result<String> {
        match self.aws(arguments)? {
            Ok(answer) => Err(anyhow!("aws {arguments:?} was not refused: {answer}")),
            Err(complaint) => {
                ensure!(complaint.contains(&format!("({code})")), "aws {arguments:?}: {complaint}");
                Ok(complaint)
            }
        }
    }

    /// A script of the Python clients with boto3, which prints JSON.
    ///
    /// # Errors
    /// Its complaint.
    pub fn boto3(&self, script: &str, arguments: &[&str]) -> Result<Value> {
        let venv = python()?.context("there are no Python clients here")?;
        let mut command = Command::new(venv.join("bin/python"));
        command.env_clear().envs(self.environment.iter().cloned());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(super::ready::sources("python").join(script)).args(arguments);
        let outcome = run_with_input(&mut command, "")?;
        ensure!(outcome.code == Some(0), "{script}: {}{}", outcome.printed, outcome.complaints);
        serde_json::from_str(&outcome.printed)
            .with_context(|| format!("{script}: {}", outcome.printed))
    }
}

impl Person {
    /// What the AWS SDK for Java makes of IAM and STS as this person: its findings, JSON; none when it can't be had here.
    ///
    /// # Errors
    /// Its complaint.
    pub fn java(&self, arguments: &[&str]) -> Result<Option<Value>> {
        let Some(mut command) = super::ready::java_identities()? else { return Ok(None) };
        command.env_clear().envs(self.environment.iter().cloned()).args(arguments);
        let outcome = run_with_input(&mut command, "")?;
        ensure!(outcome.code == Some(0), "Java: {}{}", outcome.printed, outcome.complaints);
        Ok(Some(serde_json::from_str(&outcome.printed).context(outcome.printed)?))
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.home) {
            machine::say(&format!("{} stays: {error}", self.home.display()));
        }
    }
}
