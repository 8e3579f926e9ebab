//! The story: every operation, every exception that a well-run service can be brought to, everything that waits for a
//! reboot. It is written in the words of the service's model and knows nothing of the client that plays it.
//!
//! Three exceptions of the model are not in it: `UnauthorizedException` means that a caller lacks rights in EC2,
//! `InternalServerErrorException` is a defect, and `ForbiddenException` needs policies that forbid something.

mod catalogue;
mod configurations;
mod creation;
mod lists;
mod refusals;
mod tags;
mod updates;
mod users;

use anyhow::{Context as _, Result};
use brokerd_tests::{
    World,
    sdk::{Client, Kind},
};
use serde_json::Value;

use crate::conformance::requests::{giant, rabbitmq};
use configurations::Own;

/// The name of the RabbitMQ broker.
const RABBITMQ: &str = "rabbit";

/// What the story is about.
#[derive(Debug)]
pub(crate) struct Brokers {
    /// The id of an ActiveMQ broker.
    pub(crate) activemq: String,
    /// Its ARN.
    pub(crate) activemq_arn: String,
    /// The id of a RabbitMQ broker.
    pub(crate) rabbitmq: String,
}

/// Plays the whole story.
pub(crate) fn play(kind: Kind, world: &World) -> Result<()> {
    let mut client = Client::new(kind, &world.api)?;
    let sdk = &mut client;
    let (brokers, own) = before_the_reboots(sdk, &rabbitmq(RABBITMQ))?;
    creation::describes_a_running_rabbitmq(sdk, &brokers).context("description")?;
    updates::are_refused_by_rabbitmq(sdk, &brokers).context("updates")?;
    updates::are_applied_by_a_reboot(sdk, &brokers, &own).context("reboot")?;
    updates::are_applied_once_more(sdk, &brokers, &own).context("second reboot")?;
    configurations::stay_until_deleted(sdk, &brokers, &own).context("deletion")
}

/// Plays what differs from client to client: every operation and every exception, as they are written and read. What
/// engines make of it is the same whoever asks for it, so that none is rebooted, and RabbitMQ is too large to be run.
pub(crate) fn play_over_the_wire(kind: Kind, world: &World) -> Result<()> {
    let mut client = Client::new(kind, &world.api)?;
    let sdk = &mut client;
    let (brokers, own) = before_the_reboots(sdk, &giant(RABBITMQ))?;
    updates::reboot(sdk, &brokers.activemq).context("reboot")?;
    configurations::stay_until_deleted(sdk, &brokers, &own).context("deletion")
}

fn before_the_reboots(sdk: &mut Client, rabbitmq: &Value) -> Result<(Brokers, Own)> {
    let brokers = creation::creates_each_broker_once(sdk, rabbitmq).context("creation")?;
    catalogue::tells_what_can_be_created(sdk).context("catalogue")?;
    refusals::are_typed_and_say_why(sdk, &brokers).context("refusals")?;
    lists::are_complete_page_by_page(sdk, &brokers).context("lists")?;
    creation::describes_a_running_activemq(sdk, &brokers).context("description")?;
    let own = configurations::have_revisions(sdk).context("configurations")?;
    tags::are_in_force_at_once(sdk, &brokers, &own).context("tags")?;
    users::wait_for_a_reboot(sdk, &brokers).context("users")?;
    updates::wait_for_a_reboot(sdk, &brokers, &own).context("updates")?;
    Ok((brokers, own))
}
