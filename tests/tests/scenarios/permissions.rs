//! What callers who are not the root of their account may do.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    World, scenario,
    sdk::{Client, Kind},
};
use serde_json::{Value, json};

#[test]
fn a_read_only_key_looks_at_everything_and_changes_nothing_with_every_client() -> Result<()> {
    scenario("read-only keys", &[], |world| {
        let configuration = made_by_the_root(world)?;
        let reader = world.read_only()?;
        for kind in [Kind::Rust, Kind::Boto3, Kind::Cli] {
            if kind.is_here()? {
                looks_and_changes_nothing(&mut Client::new(kind, &reader)?, &configuration)?;
            }
        }
        // That goes for what brokerd has beside the service, too.
        let own = "/brokerd/v1/security-groups";
        let seen = reader.get(own)?;
        ensure!(seen.status == 200, "{seen:?}");
        let refused = reader.signed("POST", own, &json!({ "name": "mine" }).to_string())?;
        ensure!(refused.status == 403, "{refused:?}");
        let nobody = world.user("nobody")?;
        ensure!(nobody.list().is_err(), "a user without policies lists brokers");
        Ok(())
    })
}

/// The ARN of a configuration.
fn made_by_the_root(world: &World) -> Result<String> {
    let mut root = Client::new(Kind::Rust, &world.api)?;
    let made = root.ok("CreateConfiguration", &named("seen"))?;
    Ok(made["Arn"].as_str().context("an ARN")?.to_owned())
}

fn looks_and_changes_nothing(client: &mut Client, configuration: &str) -> Result<()> {
    let id = configuration.rsplit(':').next().context("an identifier")?;
    for (operation, parameters) in [
        ("ListBrokers", json!({})),
        ("ListConfigurations", json!({})),
        ("DescribeConfiguration", json!({ "ConfigurationId": id })),
        ("ListTags", json!({ "ResourceArn": configuration })),
    ] {
        client.ok(operation, &parameters)?;
    }
    let tags = json!({ "team": "red" });
    for (operation, parameters, resource) in [
        ("CreateConfiguration", named("another"), "*"),
        ("CreateTags", json!({ "ResourceArn": configuration, "Tags": tags }), configuration),
        ("DeleteTags", json!({ "ResourceArn": configuration, "TagKeys": ["team"] }), configuration),
        ("UpdateConfiguration", json!({ "ConfigurationId": id, "Data": "eA==" }), configuration),
    ] {
        let refused = client.refused(operation, &parameters)?;
        let expected = format!(
            "User: arn:aws:iam::000000000000:user/read-only is not authorized to perform: mq:{operation} on resource: {resource} because no identity-based policy allows the mq:{operation} action"
        );
        ensure!(refused.code.as_deref() == Some("AccessDeniedException"), "{refused:?}");
        ensure!(refused.message == expected, "{refused:?}");
    }
    Ok(())
}

fn named(name: &str) -> Value {
    json!({ "Name": name, "EngineType": "RABBITMQ", "EngineVersion": "4.3" })
}
