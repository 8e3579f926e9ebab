//! Requests while the database is away, and requests of nobody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{sleep, spawn},
    time::Duration,
};

use anyhow::{Result, anyhow, ensure};
use brokerd_tests::{
    Api, TIMEOUT, docker::docker, eventually, http, scenario, scenario_with_database,
};

#[test]
fn while_the_database_starts_callers_are_asked_to_come_back() -> Result<()> {
    scenario_with_database("a database that starts", &[], |world| {
        let container = world.database_container()?;
        let over = Arc::new(AtomicBool::new(false));
        // Many at once, so that every moment of the start is met.
        let asking: Vec<_> = (0..6)
            .map(|_| {
                let (api, over) = (world.api.clone(), Arc::clone(&over));
                spawn(move || -> Result<usize> {
                    let mut away = 0;
                    while !over.load(Ordering::Relaxed) {
                        away += usize::from(!is_there(&api)?);
                    }
                    Ok(away)
                })
            })
            .collect();
        container.kill9()?;
        eventually("the database is away", TIMEOUT, || Ok((!is_there(&world.api)?).then_some(())))?;
        docker(&["start", &container.id])?;
        eventually("the database is back", TIMEOUT, || Ok(is_there(&world.api)?.then_some(())))?;
        over.store(true, Ordering::Relaxed);
        for one in asking {
            let away = one.join().map_err(|_| anyhow!("one who asked panicked"))??;
            ensure!(away > 0, "one did not ask while the database was away");
        }
        Ok(())
    })
}

/// Whether the API answers as it does with a database; otherwise it must answer as the service does that is
/// unavailable.
fn is_there(api: &Api) -> Result<bool> {
    let mut answer = api.get("/v1/brokers?maxResults=5")?;
    // Refusals come so fast that who asks on and on is throttled, and waits as clients do.
    while answer.status == 429 {
        sleep(Duration::from_secs(1));
        answer = api.get("/v1/brokers?maxResults=5")?;
    }
    if answer.status == 200 {
        return Ok(true);
    }
    ensure!(answer.status == 503, "{answer:?}");
    ensure!(answer.header("retry-after").is_some(), "{answer:?}");
    ensure!(answer.body.starts_with(r#"{"message":""#), "{answer:?}");
    Ok(false)
}

#[test]
fn unsigned_requests_are_counted_and_few_of_them_are_logged() -> Result<()> {
    const MANY: usize = 300;
    scenario("requests of nobody", &[("BROKERD_LOG_FILTER", "info")], |world| {
        for path in ["/v1/brokers", "/v1/nowhere"] {
            for _ in 0..MANY / 2 {
                let answer = http::get(world.api.address(), path)?;
                ensure!([403, 404].contains(&answer.status), "{answer:?}");
            }
        }
        let metrics = world.metrics()?;
        let counted = format!(
            "brokerd_api_authentication_rejections_total{{reason=\"missing\"}} {}\n",
            MANY / 2
        );
        ensure!(metrics.contains(&counted), "{metrics}");
        let logged = || -> Result<usize> {
            let log = world.log()?;
            let refused = ["MissingAuthenticationToken", "UnknownOperation"];
            Ok(log.lines().filter(|line| refused.iter().any(|code| line.contains(code))).count())
        };
        eventually("something is logged", Duration::from_secs(5), || {
            Ok((logged()? > 0).then_some(()))
        })?;
        let lines = logged()?;
        ensure!(lines < MANY / 5, "{lines} lines for {MANY} requests");
        Ok(())
    })
}
