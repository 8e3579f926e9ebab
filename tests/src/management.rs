//! RabbitMQ's management API, with which owners of brokers look after users, virtual hosts and policies.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{PASSWORD, USER, World, clients};

/// A user of a broker's management API.
#[derive(Debug, Clone)]
pub struct Management {
    url: String,
    ca: PathBuf,
    user: String,
    password: String,
}

impl Management {
    /// This user at this broker.
    ///
    /// # Errors
    /// When the broker has no console yet.
    pub fn of(world: &World, broker: &str, user: &str, password: &str) -> Result<Self> {
        let url = format!("{}/api", world.api.console(broker)?);
        Ok(Self { url, ca: world.ca(), user: user.to_owned(), password: password.to_owned() })
    }

    /// How many nodes of a cluster run and are together, as it sees them through its endpoint; none while it
    /// does not answer.
    ///
    /// # Errors
    /// When the broker has no console yet, or answers something else.
    pub fn running_nodes(world: &World, broker: &str) -> Result<usize> {
        let Ok(nodes) = Self::of(world, broker, USER, PASSWORD)?.get("nodes") else { return Ok(0) };
        let whole = |node: &&Value| {
            node["running"] == true && node["partitions"].as_array().is_none_or(Vec::is_empty)
        };
        Ok(nodes.as_array().context("nodes")?.iter().filter(whole).count())
    }

    /// Asks one thing after the other: method, path, body. Gives back status and body of each answer.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn ask(&self, requests: &[(&str, &str, Value)]) -> Result<Vec<(u64, String)>> {
        let request = |(method, path, body): &(&str, &str, Value)| {
            json!({
                "method": method, "url": format!("{}/{path}", self.url),
                "user": self.user, "password": self.password,
                "headers": { "Content-Type": "application/json" },
                "body": if body.is_null() { Value::Null } else { body.to_string().into() },
            })
        };
        let answers = clients::https(&self.ca, requests.iter().map(request).collect())?;
        let answer = |answer: &Value| {
            let status = answer["status"].as_u64().context("no status")?;
            Ok((status, answer["body"].as_str().unwrap_or_default().to_owned()))
        };
        answers.iter().map(answer).collect()
    }

    /// Asks for changes, one after the other.
    ///
    /// # Errors
    /// When one of them is refused.
    pub fn change(&self, requests: &[(&str, &str, Value)]) -> Result<()> {
        for (request, (status, body)) in requests.iter().zip(self.ask(requests)?) {
            ensure!((200..300).contains(&status), "{request:?}: {status} {body}");
        }
        Ok(())
    }

    /// One thing that is there.
    ///
    /// # Errors
    /// When it is not.
    pub fn get(&self, path: &str) -> Result<Value> {
        let (status, body) = self.ask(&[("GET", path, Value::Null)])?.remove(0);
        ensure!(status == 200, "GET {path}: {status} {body}");
        Ok(serde_json::from_str(&body)?)
    }
}
