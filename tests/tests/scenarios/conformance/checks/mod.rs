//! What the clients of the service rely on, one by one, by the numbers of the list that they were collected in.
//!
//! Checks of one list share a world and are made in the order in which they are written. Every check is made,
//! whatever became of those before it.

mod cloudformation;
mod sdks;
mod terraform_configurations;
mod terraform_create;
mod terraform_lists;
mod terraform_read;
mod terraform_update;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{Api, World, machine, scenario};

use crate::conformance::wire::{create, terraform};

/// What checks look at.
#[derive(Debug)]
pub(crate) struct Scene<'w> {
    pub(crate) api: &'w Api,
    /// A running ActiveMQ broker.
    pub(crate) activemq: String,
    /// A running RabbitMQ broker.
    pub(crate) rabbitmq: String,
}

/// A check and its name.
pub(crate) type Check = (&'static str, fn(&Scene<'_>) -> Result<()>);

/// A list of checks, each by the name of its function.
macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        /// The checks, in the order in which they are made.
        pub(crate) const CHECKS: &[$crate::conformance::checks::Check] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use checks;

const TERRAFORM: &[&[Check]] = &[
    terraform_create::CHECKS,
    terraform_read::CHECKS,
    terraform_lists::CHECKS,
    terraform_configurations::CHECKS,
    terraform_update::CHECKS,
];

const OTHERS: &[&[Check]] = &[cloudformation::CHECKS, sdks::CHECKS];

fn made(world: &World, lists: &[&[Check]]) -> Result<()> {
    let api = &world.api;
    let activemq = create(api, &terraform("checked", "ActiveMQ")).context("ActiveMQ")?;
    let rabbitmq = create(api, &terraform("checked-too", "RabbitMQ")).context("RabbitMQ")?;
    let scene = Scene { api, activemq, rabbitmq };
    // Only the first list looks at brokers that are still being created.
    let mut failed = 0;
    for (name, check) in lists.iter().copied().flatten() {
        if let Err(error) = check(&scene) {
            machine::say(&format!("{name}: {error:#}"));
            failed += 1;
        }
    }
    let all = lists.iter().copied().flatten().count();
    ensure!(failed == 0, "{failed} of {all} checks failed");
    Ok(())
}

#[test]
fn terraform_finds_what_it_relies_on() -> Result<()> {
    scenario("what Terraform relies on", &[brokerd_tests::WITNESSES], |world| {
        made(world, TERRAFORM)
    })
}

#[test]
fn cloudformation_and_the_sdks_find_what_they_rely_on() -> Result<()> {
    scenario("what CloudFormation and the SDKs rely on", &[], |world| made(world, OTHERS))
}

#[test]
fn no_number_of_the_list_is_missing_or_twice() -> Result<()> {
    let names = TERRAFORM.iter().chain(OTHERS).copied().flatten().map(|(name, _)| *name);
    let numbers: Vec<u32> = names
        .map(|name| {
            let number = name.strip_prefix("check_").and_then(|rest| rest.get(..2));
            Ok(number.with_context(|| name.to_owned())?.parse()?)
        })
        .collect::<Result<_>>()?;
    let distinct: BTreeSet<u32> = numbers.iter().copied().collect();
    ensure!(distinct.len() == numbers.len(), "a number is there twice: {numbers:?}");
    ensure!(distinct == (1..=53).collect(), "a number is missing: {numbers:?}");
    Ok(())
}
