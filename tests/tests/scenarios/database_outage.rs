//! A database whose packets are swallowed: what callers and clients notice of it, and that all is well when it is back.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Api, NewBroker, TIMEOUT, World,
    chaos_proxy::{ChaosProxy, Mode},
    clients, docker, eventually, http, retry, scenario,
};

/// When a request has its answer.
const ANSWERED: Duration = Duration::from_secs(5);
/// When everything is answered again after the database is back.
const RECOVERED: Duration = Duration::from_secs(10);
/// How many callers there are at a time.
const CALLERS: usize = 40;

#[test]
fn a_database_that_swallows_packets_makes_the_api_unavailable_and_nothing_else_and_needs_no_restart()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    // It outlives the scenario's own end.
    let mut kept = None;
    scenario("a database that swallows packets", &[], |world| {
        let proxy = &*kept.insert(put_proxy_before_database(world)?);
        let id = world.running(&NewBroker::rabbitmq("orders"))?;
        let messenger = world.messenger("amqp091.py", &id, "amqps")?;
        messenger.round_trip("before.the.outage")?;

        for mode in [Mode::Swallow, Mode::SwallowAnswers] {
            proxy.set(mode);
            let mut slowest = all_are_refused(&world.api, &id)?;
            // It may have been the machine that stood still: another outage tells.
            for _ in 0..2 {
                if slowest < ANSWERED {
                    break;
                }
                proxy.set(Mode::Pass);
                is_back(&world.api, &id)?;
                proxy.set(mode);
                slowest = all_are_refused(&world.api, &id)?;
            }
            ensure!(slowest < ANSWERED, "{mode:?}: answered after {slowest:?}");
            let ready = http::get(world.api.address(), "/health/ready")?;
            ensure!(
                ready.status == 503 && ready.body.contains("The database does not answer."),
                "{mode:?}: {ready:?}"
            );
            messenger.round_trip("in.the.outage").context("the gateway goes on")?;

            proxy.set(Mode::Pass);
            let back = Instant::now();
            is_back(&world.api, &id)?;
            ensure!(back.elapsed() < RECOVERED, "{mode:?}: {:?}", back.elapsed());
        }

        // The provisioner and the gateway, too.
        docker::docker(&["kill", &docker::container_of(&id)?.id])?;
        retry("the engine is back", TIMEOUT, || messenger.round_trip("after.the.outage"))?;
        let other = world.running(&NewBroker::rabbitmq("others"))?;
        world.messenger("amqp091.py", &other, "amqps")?.round_trip("after.the.outage")?;
        eventually("nothing of the outage is left", TIMEOUT, || {
            // 16 of the API, ten of the lanes, two of the gateway, two of the audit, and three that listen and ask.
            Ok((proxy.open() <= 33).then_some(()))
        })
    })
}

/// Has brokerd reach its database through a proxy.
fn put_proxy_before_database(world: &mut World) -> Result<ChaosProxy> {
    let url = world.database_url();
    let (credentials, rest) = url.split_once('@').context("a URL with a user")?;
    let (server, name) = rest.split_once('/').context("a URL with a server")?;
    let target: SocketAddr =
        server.to_socket_addrs()?.next().context("the server has no address")?;
    let proxy = ChaosProxy::start(target)?;
    let through = format!("{credentials}@{}/{name}", proxy.address());
    world.restart_with("DATABASE_URL", &through)?;
    Ok(proxy)
}

/// Whether a caller asks for readiness, and not for a broker.
fn asks_readiness(caller: usize) -> bool {
    caller % 4 == 3
}

/// Reads and writes of many callers, each with what it was answered and after how long.
fn calls(api: &Api, id: &str) -> Result<Vec<(u16, String, Duration)>> {
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                scope.spawn(move || {
                    let began = Instant::now();
                    let answer = match caller % 4 {
                        0 => api.signed("GET", "/v1/brokers", ""),
                        1 => api.signed("GET", &format!("/v1/brokers/{id}"), ""),
                        2 => api.signed(
                            "PUT",
                            &format!("/v1/brokers/{id}"),
                            r#"{"autoMinorVersionUpgrade": true}"#,
                        ),
                        _ => http::get(api.address(), "/health/ready"),
                    }?;
                    Ok((answer.status, answer.body, began.elapsed()))
                })
            })
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))?)
            .collect()
    })
}

/// Callers are asked to come back, in the service's words; how long the slowest of them waited.
fn all_are_refused(api: &Api, id: &str) -> Result<Duration> {
    let answers = calls(api, id)?;
    for (caller, (status, body, _)) in answers.iter().enumerate() {
        // Readiness may be a second old.
        let refused = *status == 503 && body.contains("\"message\":");
        ensure!(refused || asks_readiness(caller), "{status} {body}");
    }
    answers.iter().map(|(_, _, took)| *took).max().context("nobody called")
}

/// Waits until all callers are answered again.
fn is_back(api: &Api, id: &str) -> Result<()> {
    retry("the API answers", RECOVERED, || {
        let answer = http::get(api.address(), "/health/ready")?;
        ensure!(answer.status == 200, "{answer:?}");
        all_are_accepted(api, id)
    })
}

fn all_are_accepted(api: &Api, id: &str) -> Result<()> {
    for (status, body, _) in calls(api, id)? {
        ensure!(status == 200, "{status} {body}");
    }
    Ok(())
}
