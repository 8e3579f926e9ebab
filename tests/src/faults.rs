//! Faults of a broker, through the door that its owner uses.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{Api, TIMEOUT, eventually, http::Answer};

/// The setting that lets owners disturb their brokers.
pub const ENABLED: (&str, &str) = ("BROKERD_FAULTS_ENABLED", "true");

/// The faults of one broker.
#[derive(Debug, Clone, Copy)]
pub struct Faults<'a> {
    api: &'a Api,
    broker: &'a str,
}

impl<'a> Faults<'a> {
    /// Those of this broker.
    pub const fn of(api: &'a Api, broker: &'a str) -> Self {
        Self { api, broker }
    }

    fn path(&self) -> String {
        format!("/brokerd/v1/brokers/{}/faults", self.broker)
    }

    /// Asks for a fault, whatever the answer is.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn ask(&self, body: &Value) -> Result<Answer> {
        self.api.signed("POST", &self.path(), &body.to_string())
    }

    /// Asks for a fault; its identifier.
    ///
    /// # Errors
    /// When it is refused.
    pub fn inject(&self, body: &Value) -> Result<String> {
        let answer = self.ask(body)?;
        ensure!(answer.status == 201, "{body}: {answer:?}");
        let fault: Value = serde_json::from_str(&answer.body)?;
        Ok(fault["id"].as_str().context("no id")?.to_owned())
    }

    /// Ends a fault before its time.
    ///
    /// # Errors
    /// When that is refused.
    pub fn heal(&self, fault: &str) -> Result<()> {
        let answer = self.api.signed("DELETE", &format!("{}/{fault}", self.path()), "")?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    }

    /// How far a fault is.
    ///
    /// # Errors
    /// When there is no such fault.
    pub fn state(&self, fault: &str) -> Result<String> {
        let answer = self.api.get(&format!("{}/{fault}", self.path()))?;
        ensure!(answer.status == 200, "{answer:?}");
        let fault: Value = serde_json::from_str(&answer.body)?;
        Ok(fault["state"].as_str().context("no state")?.to_owned())
    }

    /// Waits until a fault is as far.
    ///
    /// # Errors
    /// When it does not come that far.
    pub fn until_state(&self, fault: &str, wanted: &str) -> Result<()> {
        eventually(&format!("the fault is {wanted}"), TIMEOUT, || {
            Ok((self.state(fault)? == wanted).then_some(()))
        })
    }

    /// Sees that all faults of these kinds are listed, newest first, and that all of them are over.
    ///
    /// # Errors
    /// When they are not.
    pub fn all_have_ended(&self, kinds: &[&str]) -> Result<()> {
        let answer = self.api.get(&format!("{}?maxResults=100", self.path()))?;
        ensure!(answer.status == 200, "{answer:?}");
        let listed: Value = serde_json::from_str(&answer.body)?;
        let listed = listed["faults"].as_array().context("no faults")?;
        let of = |fault: &Value| fault["kind"].as_str().unwrap_or_default().to_owned();
        let found: Vec<String> = listed.iter().rev().map(of).collect();
        ensure!(found == kinds, "{found:?} instead of {kinds:?}");
        let is_over = |f: &Value| f["state"] == json!("ENDED") && f["endedAt"].is_string();
        ensure!(listed.iter().all(is_over), "not all are over: {listed:?}");
        Ok(())
    }
}
