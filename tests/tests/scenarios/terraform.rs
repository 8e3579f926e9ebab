//! The examples for Terraform, with the real command and the real AWS provider.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Messenger, PASSWORD, World,
    clients::{self, Terraform},
    scenario,
};

/// The password in the shortest example.
const EXAMPLE_PASSWORD: &str = "correct-horse-battery";

/// A document that nobody would mend by leaving something out: it is no XML.
const UNREADABLE: &str = r#"
resource "aws_mq_configuration" "events" {
  data = "<broker"
}
"#;

#[test]
fn the_shortest_example_makes_a_broker_and_settles() -> Result<()> {
    scenario("the shortest Terraform example", &[], |world| {
        let Some(terraform) = Terraform::of(world, "shortest", &[])? else { return Ok(()) };
        applies(&terraform)?;
        settles(&terraform)?;
        if clients::python()?.is_some() {
            let endpoint = terraform.output("endpoint")?;
            let url = endpoint.as_str().context("an endpoint")?.to_owned();
            let messenger = Messenger::python("amqp091.py", url, world.ca());
            messenger.as_user("admin", EXAMPLE_PASSWORD).round_trip("orders")?;
        }
        // Applying what is there already is what a pipeline does every day.
        applies(&terraform).context("again")?;
        settles(&terraform).context("after a second apply")?;
        terraform.destroy()?;
        ensure!(world.api.list()?.is_empty(), "a broker is left");
        Ok(())
    })
}

#[test]
fn a_pair_and_a_cluster_are_made_changed_imported_and_destroyed_by_terraform() -> Result<()> {
    scenario("Terraform examples", &[], |world| {
        let variables = [("admin_password", PASSWORD)];
        let Some(mut terraform) = Terraform::of(world, "brokers", &variables)? else {
            return Ok(());
        };
        applies(&terraform).context("creation")?;
        settles(&terraform).context("after the creation")?;
        both_brokers_pass_messages(world, &terraform)?;

        terraform.set("queues", r#"["orders","returns"]"#);
        applies(&terraform).context("another queue")?;
        settles(&terraform).context("after the change")?;
        let pair = terraform.id("aws_mq_broker", "events")?;
        let queues = clients::queues(world, &pair)?;
        ensure!(queues.contains("returns"), "the new revision is not in force: {queues}");

        what_can_not_run_is_told(&terraform).context("a revision that is refused")?;
        what_exists_is_imported(world, &terraform, &variables).context("import")?;

        terraform.destroy()?;
        ensure!(world.api.list()?.is_empty(), "a broker is left");
        Ok(())
    })
}

fn applies(terraform: &Terraform) -> Result<()> {
    let applied = terraform.apply()?;
    ensure!(applied.code == Some(0), "{}", applied.printed);
    Ok(())
}

fn settles(terraform: &Terraform) -> Result<()> {
    let differences = terraform.differences()?;
    ensure!(differences.is_empty(), "the plan is not empty: {differences:#?}");
    Ok(())
}

fn both_brokers_pass_messages(world: &World, terraform: &Terraform) -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    for (name, script, scheme) in
        [("events", "stomp_.py", "stomp+ssl"), ("orders", "amqp091.py", "amqps")]
    {
        let id = terraform.id("aws_mq_broker", name)?;
        world.messenger(script, &id, scheme)?.round_trip("orders").context(name)?;
    }
    Ok(())
}

/// Whoever applies a revision that no engine takes is told, and what runs is what ran.
fn what_can_not_run_is_told(terraform: &Terraform) -> Result<()> {
    terraform.write("wrong_override.tf", UNREADABLE)?;
    let applied = terraform.apply()?;
    ensure!(applied.code != Some(0), "it was applied: {}", applied.printed);
    ensure!(applied.printed.contains("BadRequestException"), "{}", applied.printed);
    terraform.remove("wrong_override.tf")?;
    settles(terraform).context("nothing has changed")
}

fn what_exists_is_imported(
    world: &World,
    made_it: &Terraform,
    variables: &[(&str, &str)],
) -> Result<()> {
    let Some(mut other) = Terraform::of(world, "brokers", variables)? else { return Ok(()) };
    other.set("queues", r#"["orders","returns"]"#);
    let mut imports = String::new();
    for (kind, name) in [
        ("aws_mq_configuration", "events"),
        ("aws_mq_configuration", "orders"),
        ("aws_mq_broker", "events"),
        ("aws_mq_broker", "orders"),
    ] {
        let id = made_it.id(kind, name)?;
        writeln!(imports, "import {{\n  to = {kind}.{name}\n  id = {id:?}\n}}")?;
    }
    other.write("imports.tf", &imports)?;
    // Neither passwords nor what only Terraform knows can be imported.
    let mut differences = other.differences()?;
    differences.retain(|one| ![".apply_immediately:", ".user:"].iter().any(|it| one.contains(it)));
    ensure!(differences.is_empty(), "what is imported differs: {differences:#?}");
    Ok(())
}
