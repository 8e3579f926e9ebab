//! Users as the API tells of them, and as the engine lets them in: the two change together.

use anyhow::{Result, ensure};
use brokerd_tests::{Messenger, PASSWORD, USER, clients, scenario};
use serde_json::{Value, json};

use crate::conformance::wire::{create, ok, reboot, terraform};

const CHANGED: &str = "Meadow-Lantern-17-Harbour";

fn let_in(stomp: &Messenger, expected: &[(&str, &str, bool)]) -> Result<()> {
    for (user, password, may) in expected {
        let access = stomp.login(user, password)?;
        ensure!(access.is_refused() != *may, "{user} with {password}: {access:?}");
    }
    Ok(())
}

#[test]
fn users_come_change_and_go_with_the_reboot_and_not_before() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("users and reboots", &[], |world| {
        let api = &world.api;
        let id = create(api, &terraform("logins", "ActiveMQ"))?;
        api.wait_until_running(&id)?;
        let stomp = world.messenger("stomp_.py", &id, "stomp+ssl")?;
        let user = |name: &str| format!("/v1/brokers/{id}/users/{name}");
        ok(api, "POST", &user("coming"), &json!({ "password": CHANGED, "groups": ["some"] }))?;
        ok(api, "PUT", &user(USER), &json!({ "password": CHANGED }))?;
        let_in(
            &stomp,
            &[("coming", CHANGED, false), (USER, CHANGED, false), (USER, PASSWORD, true)],
        )?;
        reboot(api, &id)?;
        let_in(
            &stomp,
            &[("coming", CHANGED, true), (USER, CHANGED, true), (USER, PASSWORD, false)],
        )?;

        ok(api, "DELETE", &user("coming"), &Value::Null)?;
        let_in(&stomp, &[("coming", CHANGED, true)])?;
        reboot(api, &id)?;
        let_in(&stomp, &[("coming", CHANGED, false), (USER, CHANGED, true)])
    })
}
