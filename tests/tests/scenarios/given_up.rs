//! What waits for a reboot is applied as one, or goes on waiting as one, with the reason, until its owner
//! corrects it.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, ChangeType};
use brokerd_tests::{
    NewBroker, NewUser, PASSWORD, TIMEOUT, USER, World,
    broken::{BrokenImage, LAST_WORDS},
    clients, eventually, scenario,
};

const OLD: &str = "Quartz-Meadow-17-Anchor";
const NEW: &str = "Copper-Willow-58-Saddle";
const NEWCOMER: &str = "Marble-Canyon-44-Piano";

/// One that is seen to be in force.
const CONFIGURED: &str = r#"<broker xmlns="http://activemq.apache.org/schema/core">
  <destinations>
    <queue physicalName="orders.prepared"/>
  </destinations>
</broker>
"#;

/// Who tries to log in, and whether that works before and after.
const LOGINS: [(&str, &str, bool, bool); 4] = [
    (USER, PASSWORD, true, true),
    ("mover", OLD, true, false),
    ("mover", NEW, false, true),
    ("newcomer", NEWCOMER, false, true),
];

#[test]
fn a_version_that_does_not_boot_leaves_everything_as_it_was_until_it_is_taken_back() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let broken = BrokenImage::new()?;
    scenario("an engine that does not boot", &[broken.setting()?], |world| {
        let api = &world.api;
        let mover = NewUser::new("mover", OLD);
        let id = world.running(&NewBroker::activemq("halved").version("5.18").and_user(mover))?;
        let own = api.configurations(&id)?.current.context("a configuration of its own")?;
        let configured = api.revise(&own.configuration, CONFIGURED)?;
        api.configure(&id, &configured)?;
        api.create_user(&id, &NewUser::new("newcomer", NEWCOMER))?;
        api.update_user(&id, "mover", |call| call.password(NEW))?;
        api.update(&id, |call| call.engine_version("5.19").host_instance_type("mq.m5.large"))?;
        api.reboot(&id)?;
        is_given_up(world, &id)?;

        let broker = api.describe(&id)?;
        ensure!(broker.engine_version() == Some("5.18"), "{broker:?}");
        ensure!(broker.pending_engine_version() == Some("5.19"), "{broker:?}");
        ensure!(broker.host_instance_type() == Some("mq.t3.micro"), "{broker:?}");
        ensure!(broker.pending_host_instance_type() == Some("mq.m5.large"), "{broker:?}");
        let action = broker.actions_required().first().context("nothing to do")?;
        ensure!(action.action_required_code() == Some("BROKER_CHANGES_NOT_APPLIED"), "{action:?}");
        let info = action.action_required_info().unwrap_or_default();
        ensure!(info.contains(LAST_WORDS), "the reason is missing: {info}");
        let references = api.configurations(&id)?;
        ensure!(references.current == Some(own.clone()), "{references:?}");
        ensure!(references.pending == Some(configured.clone()), "{references:?}");
        ensure!(references.history.is_empty(), "{references:?}");
        let waiting = [
            (USER.to_owned(), None),
            ("mover".to_owned(), Some(ChangeType::Update)),
            ("newcomer".to_owned(), Some(ChangeType::Create)),
        ];
        ensure!(api.users(&id)? == waiting, "{:?}", api.users(&id)?);
        log_in(world, &id, |login| login.2).context("nothing of it is in force")?;

        // Taking back what was at fault leaves the rest waiting for the next reboot.
        api.update(&id, |call| call.engine_version("5.18"))?;
        let broker = api.describe(&id)?;
        ensure!(broker.broker_state() == Some(&BrokerState::Running), "{broker:?}");
        ensure!(broker.actions_required().is_empty(), "{broker:?}");
        ensure!(broker.pending_engine_version().is_none(), "{broker:?}");
        api.reboot_and_wait(&id)?;
        let references = api.configurations(&id)?;
        ensure!(references.current == Some(configured), "{references:?}");
        ensure!(references.pending.is_none() && references.history == [own], "{references:?}");
        ensure!(api.users(&id)?.iter().all(|(_, waits)| waits.is_none()), "users wait");
        ensure!(clients::queues(world, &id)?.contains("orders.prepared"), "not configured");
        ensure!(api.describe(&id)?.host_instance_type() == Some("mq.m5.large"), "not larger");
        log_in(world, &id, |login| login.3).context("all of it is in force")?;

        // What could not be applied is tried again by a reboot, and works once it can.
        api.update(&id, |call| call.engine_version("5.19"))?;
        api.reboot(&id)?;
        is_given_up(world, &id)?;
        broken.mend()?;
        api.reboot_and_wait(&id)?;
        let broker = api.describe(&id)?;
        ensure!(broker.engine_version() == Some("5.19"), "{broker:?}");
        ensure!(broker.actions_required().is_empty(), "{broker:?}");
        log_in(world, &id, |login| login.3).context("upgraded")
    })
}

fn is_given_up(world: &World, id: &str) -> Result<()> {
    eventually("the broker is back as it was", TIMEOUT, || match world.api.state(id)? {
        Some(BrokerState::CriticalActionRequired) => Ok(Some(())),
        Some(BrokerState::RebootInProgress) => Ok(None),
        other => anyhow::bail!("{other:?}"),
    })
}

fn log_in(
    world: &World,
    id: &str,
    works: impl Fn(&(&str, &str, bool, bool)) -> bool,
) -> Result<()> {
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    for login in &LOGINS {
        let tried = stomp.as_user(login.0, login.1).round_trip("logins");
        let told = format!("{} with {}: {tried:?}", login.0, login.1);
        ensure!(tried.is_ok() == works(login), "{told}");
    }
    Ok(())
}
