//! Changes of a running ActiveMQ broker: what waits for a reboot, and what the reboot makes of it.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, ChangeType};
use brokerd_tests::{
    NewBroker, NewUser, PASSWORD, PATIENCE, USER, World,
    clients,
    docker, eventually, scenario,
};
use serde_json::json;

const OLD: &str = "Quartz-Meadow-17-Anchor";
const NEW: &str = "Copper-Willow-58-Saddle";
const LEAVER: &str = "Velvet-Orchard-26-Harp";
const DEMOTED: &str = "Indigo-Thicket-71-Vessel";
const NEWCOMER: &str = "Marble-Canyon-44-Piano";

/// Who tries to log in: all users, before and after their changes.
const LOGINS: [(&str, &str); 6] = [
    (USER, PASSWORD),
    ("demoted", DEMOTED),
    ("leaver", LEAVER),
    ("mover", OLD),
    ("mover", NEW),
    ("newcomer", NEWCOMER),
];

#[test]
fn users_are_added_changed_and_removed_by_a_reboot_on_every_transport_and_not_before() -> Result<()>
{
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("users of ActiveMQ", &[], |world| {
        let id = world.running(
            &NewBroker::activemq("staffed")
                .and_user(NewUser::new("demoted", DEMOTED).with_console())
                .and_user(NewUser::new("leaver", LEAVER).with_console())
                .and_user(NewUser::new("mover", OLD)),
        )?;
        let container = docker::container_of(&id)?;

        let api = &world.api;
        api.create_user(&id, &NewUser::new("newcomer", NEWCOMER).with_console())?;
        api.update_user(&id, "mover", |call| call.password(NEW).groups("officers"))?;
        // What one request changes, the next one does not take back.
        api.update_user(&id, "mover", |call| call.console_access(true))?;
        api.update_user(&id, "demoted", |call| call.console_access(false))?;
        api.delete_user(&id, "leaver")?;

        let waiting = |name: &str, change| (name.to_owned(), change);
        let users = api.users(&id)?;
        let expected = [
            waiting(USER, None),
            waiting("demoted", Some(ChangeType::Update)),
            waiting("leaver", Some(ChangeType::Delete)),
            waiting("mover", Some(ChangeType::Update)),
            waiting("newcomer", Some(ChangeType::Create)),
        ];
        ensure!(users == expected, "before the reboot: {users:?}");
        ensure!(api.state(&id)? == Some(BrokerState::Running), "something that waits is no reboot");
        they_are_let_in(world, &id, [true, true, true, true, false, false])
            .context("before the reboot")?;
        the_console_answers(world, &id, [200, 200, 200, 403, 401, 401])
            .context("before the reboot")?;
        let untouched = docker::container_of(&id)?;
        ensure!(untouched.started()? == container.started()?, "it was restarted without a reboot");

        api.reboot_and_wait(&id)?;

        let users = api.users(&id)?;
        let expected = [USER, "demoted", "mover", "newcomer"].map(|name| waiting(name, None));
        ensure!(users == expected, "after the reboot: {users:?}");
        they_are_let_in(world, &id, [true, true, false, false, true, true])
            .context("after the reboot")?;
        the_console_answers(world, &id, [200, 403, 401, 401, 200, 200])
            .context("after the reboot")?;
        let told = docker::everything_about(&id)?;
        for (name, password) in LOGINS {
            ensure!(!told.contains(password), "the container engine tells {name}'s password");
        }
        Ok(())
    })
}

fn they_are_let_in(world: &World, id: &str, expected: [bool; 6]) -> Result<()> {
    for messenger in world.every_messenger(id)? {
        let access = messenger.logins(&LOGINS)?;
        ensure!(access == expected, "{access:?} is not {expected:?} at {messenger:?}");
    }
    Ok(())
}

/// 401: nobody it knows; 403: somebody who may not use the console.
fn the_console_answers(world: &World, id: &str, expected: [u64; 6]) -> Result<()> {
    let page = format!("{}/admin/queues.jsp", world.api.console(id)?);
    let request = |(user, password)| json!({ "url": page, "user": user, "password": password });
    // It starts in the background, after everything else.
    eventually("the console answers", PATIENCE, || {
        let answers = clients::https(&world.ca(), LOGINS.map(request).to_vec());
        let Ok(answers) = answers else { return Ok(None) };
        let status: Vec<_> = answers.iter().filter_map(|answer| answer["status"].as_u64()).collect();
        ensure!(status == expected, "{status:?} is not {expected:?}");
        Ok(Some(()))
    })
}
