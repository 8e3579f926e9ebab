//! What the owner of a RabbitMQ broker makes in it, without the control plane: it has to stay.

use crate::{Management, Messenger, PASSWORD, USER, World, changes::refused};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// A queue that keeps one message: a new one drops the oldest.
pub const QUEUE: &str = "limited.kept";

const CHANGED: &str = "Amber-Glacier-62-Violin";
const CLERK: (&str, &str) = ("clerk", "Silver-Badger-15-Kettle");

/// An owner who has changed the administrator's password.
#[derive(Debug)]
pub struct Owner;

impl Owner {
    /// Makes a virtual host, a user with permissions and a policy, removes the service's policy, and
    /// changes the administrator's password.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn makes_things(world: &World, broker: &str) -> Result<Self> {
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        let short = json!({
            "pattern": format!("^{QUEUE}$"), "apply-to": "queues", "priority": 5,
            "definition": { "max-length": 1 },
        });
        Management::of(world, broker, USER, PASSWORD)?.change(&[
            ("PUT", "vhosts/tenant", json!({})),
            ("PUT", "users/clerk", json!({ "password": CLERK.1, "tags": "management" })),
            ("PUT", "permissions/tenant/clerk", all),
            ("PUT", "policies/%2F/short", short),
            ("DELETE", "policies/%2F/AWS-DEFAULT-POLICY-SINGLE-INSTANCE", Value::Null),
            ("PUT", "users/admin", json!({ "password": CHANGED, "tags": "administrator" })),
        ])?;
        Ok(Self)
    }

    /// The client as the administrator.
    #[must_use]
    pub fn at(&self, messenger: &Messenger) -> Messenger {
        messenger.as_user(USER, CHANGED)
    }

    /// The management API as the administrator.
    ///
    /// # Errors
    /// When the broker has no console.
    pub fn manages(&self, world: &World, broker: &str) -> Result<Management> {
        Management::of(world, broker, USER, CHANGED)
    }

    /// Everything is as the owner left it.
    ///
    /// # Errors
    /// When something is not.
    pub fn finds_everything(&self, world: &World, broker: &str) -> Result<()> {
        let messenger = world.messenger("amqp091.py", broker, "amqps")?;
        let access = messenger.login(USER, PASSWORD)?;
        ensure!(access.is_refused(), "the administrator's first password is back: {access:?}");
        let management = self.manages(world, broker).context("the changed password")?;
        let users = management.get("users")?;
        let mut names: Vec<_> = users
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|user| user["name"].as_str())
            .filter(|name| !name.ends_with("DO-NOT-DELETE"))
            .collect();
        names.sort_unstable();
        ensure!(names == ["admin", "clerk"], "{users}");
        let policies = management.get("policies")?;
        ensure!(
            policies.as_array().is_some_and(|all| all.len() == 1 && all[0]["name"] == "short"),
            "{policies}"
        );
        let clerk = messenger.as_user(CLERK.0, CLERK.1);
        clerk.ask("login", &json!({ "vhost": "tenant" })).context("the clerk")?;
        let elsewhere = refused(clerk.ask("login", &json!({ "vhost": "/" })))?;
        ensure!(elsewhere.contains("NOT_ALLOWED"), "the clerk in virtual host /: {elsewhere}");
        // The policy works.
        let owner = self.at(&messenger);
        for body in ["first", "second"] {
            owner.ask("send", &json!({ "queue": QUEUE, "type": "quorum", "body": body }))?;
        }
        let body = owner.receive(QUEUE)?;
        ensure!(body == "second", "the queue keeps more than one message: {body:?}");
        Ok(())
    }
}
