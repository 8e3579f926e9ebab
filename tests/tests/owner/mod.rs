//! What the owner of a RabbitMQ broker makes in it, without the control plane: it has to stay.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{Management, Messenger, PASSWORD, USER, World, changes::refused};
use serde_json::{Value, json};

/// A queue that keeps one message: a new one drops the oldest.
pub const QUEUE: &str = "limited.kept";

const CHANGED: &str = "Amber-Glacier-62-Violin";
const CLERK: (&str, &str) = ("clerk", "Silver-Badger-15-Kettle");

/// An owner who has changed the administrator's password.
#[derive(Debug)]
pub struct Owner;

/// Makes a virtual host, a user, permissions and policies; drops the service's policy; changes the administrator's password.
pub fn makes_things(world: &World, broker: &str) -> Result<Owner> {
    let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    let short = json!({ "pattern": "^limited\\.kept$", "apply-to": "queues", "priority": 5, "definition": { "max-length": 1 } });
    Management::of(world, broker, USER, PASSWORD)?.change(&[
        ("PUT", "vhosts/tenant", json!({})),
        ("PUT", "users/clerk", json!({ "password": CLERK.1, "tags": "management" })),
        ("PUT", "permissions/tenant/clerk", all),
        ("PUT", "policies/%2F/short", short),
        ("DELETE", "policies/%2F/AWS-DEFAULT-POLICY-SINGLE-INSTANCE", Value::Null),
        ("PUT", "users/admin", json!({ "password": CHANGED, "tags": "administrator" })),
    ])?;
    Ok(Owner)
}

impl Owner {
    /// The client as the administrator.
    pub fn at(&self, messenger: Messenger) -> Messenger {
        messenger.as_user(USER, CHANGED)
    }

    /// The management API as the administrator.
    pub fn manages(&self, world: &World, broker: &str) -> Result<Management> {
        Management::of(world, broker, USER, CHANGED)
    }

    /// Everything is as the owner left it.
    pub fn finds_everything(&self, world: &World, broker: &str) -> Result<()> {
        let messenger = world.messenger("amqp091.py", broker, "amqps")?;
        let access = messenger.login(USER, PASSWORD)?;
        ensure!(access.is_refused(), "the administrator's first password is back: {access:?}");
        let management = self.manages(world, broker).context("the changed password")?;
        let users = management.get("users")?;
        let names: Vec<_> = users
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|user| user["name"].as_str())
            .filter(|name| !name.ends_with("DO-NOT-DELETE"))
            .collect();
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
        let owner = self.at(messenger);
        for body in ["first", "second"] {
            owner.ask("send", &json!({ "queue": QUEUE, "type": "quorum", "body": body }))?;
        }
        let body = owner.receive(QUEUE)?;
        ensure!(body == "second", "the queue keeps more than one message: {body:?}");
        Ok(())
    }
}
