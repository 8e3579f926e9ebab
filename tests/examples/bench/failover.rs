//! How long clients have to do without the active instance of a pair: brokerd's, and two engines on one
//! volume by hand.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{World, docker, eventually, machine};
use serde_json::Value;

use crate::{
    Bench, SCALE,
    bare::{self, Bare},
    brokers::{PATIENCE, SUBJECTS, create, delete, endpoint, running},
    clients::{self, Endpoint},
    http::{Connection, signed},
    statistics::{Series, load_average, short, verdict},
};

/// What an engine prints that waits for the lock of its store.
const WAITS: &str = "waiting a lock to be acquired";

/// What a pass says of a pair that is whole.
const WHOLE: &str = " serves, the other one stands by";

/// How many times as long as by hand a kill may keep clients waiting.
const TARGET: f64 = 1.2;

/// How much longer than a kill a hang may keep them waiting, until it is noticed, in milliseconds.
const NOTICED: f64 = 2000.0;

pub(crate) fn measure(bench: &Bench, world: &World) -> Result<()> {
    let before = load_average();
    let bare = by_hand(bench, world)?;
    let [killed, hanging] = by_brokerd(bench, world)?;
    println!(
        "From the end of the active instance of a pair to the next message, ms: median (least-most)"
    );
    println!("  load average {before} before, {} after", load_average());
    println!("{:<36}{:>24}{:>12}", "", "", "maximum");
    for (what, times) in [
        ("kill -9, two engines by hand", &bare),
        ("kill -9, brokerd", &killed),
        ("SIGSTOP, brokerd (by hand: never)", &hanging),
    ] {
        println!("{what:<36}{times:>24}{:>12}", short(times.quantile(1.0)));
    }
    let (ratio, noticed) = (killed.median() / bare.median(), hanging.median() - killed.median());
    println!(
        "  a kill: at most {TARGET} times as long as by hand: {} ({ratio:.2}); a hang: at most {NOTICED} ms more: {} ({noticed:.0})\n",
        verdict(ratio <= TARGET),
        verdict(noticed <= NOTICED),
    );
    Ok(())
}

/// How long it takes until a message passes.
fn next_message(bench: &Bench, endpoint: &Endpoint, begin: Instant) -> Result<Duration> {
    bench.wait(async {
        tokio::time::timeout(PATIENCE, endpoint.first_message()).await??;
        Ok(begin.elapsed())
    })
}

/// Two containers on one volume, of which the one that serves is killed; clients know the other one's
/// address. It asks for the lock every 500 ms, as a single instance does, a pair of brokerd's every 200.
fn by_hand(bench: &Bench, world: &World) -> Result<Series> {
    let directory = world.data().with_file_name("pair");
    let bare = Bare::prepare(&SUBJECTS[0], SCALE, &directory, &world.label())?;
    let volume = format!("{}-pair", world.installation);
    docker::docker(&["volume", "create", "--label", &world.label(), &volume])?;
    let (mut active, active_endpoint) = bare.start_on(&volume)?;
    next_message(bench, &active_endpoint, Instant::now())?;
    let (mut standby, standby_endpoint) = bare.start_on(&volume)?;
    let endpoints = [standby_endpoint, active_endpoint];
    let waits = |id: &str| -> Result<usize> { Ok(docker::log(id)?.matches(WAITS).count()) };
    eventually("the other one stands by", PATIENCE, || Ok((waits(&standby)? > 0).then_some(())))?;
    let mut times = Series::default();
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: a pair by hand, round {round} of {}", bench.rounds));
        let begin = Instant::now();
        docker::docker(&["kill", "--signal", "KILL", &active])?;
        let time = next_message(bench, &endpoints[round % 2], begin)?;
        if round > 0 {
            times.push_milliseconds(time);
        }
        let before = waits(&active)?;
        docker::docker(&["start", &active])?;
        eventually("it stands by", PATIENCE, || Ok((waits(&active)? > before).then_some(())))?;
        std::mem::swap(&mut active, &mut standby);
    }
    bare::remove(&active)?;
    bare::remove(&standby)?;
    docker::docker(&["volume", "rm", &volume])?;
    Ok(times)
}

/// A pair of brokerd's, of which the one that serves is killed, and in other rounds stopped in its tracks.
fn by_brokerd(bench: &Bench, world: &World) -> Result<[Series; 2]> {
    let (api, subject) = (&world.api, &SUBJECTS[0]);
    let body = subject.body("pair").replace("SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ");
    let request = signed(api, "POST", "/v1/brokers", &body)?;
    let tls = clients::trust(&world.ca())?;
    let (id, endpoint) = bench.wait(async {
        let mut connection = Connection::to(api.address()).await?;
        let id = create(&mut connection, &request).await?;
        let broker = running(&mut connection, api, &id).await?;
        Ok((id, endpoint(&broker, subject, tls)?))
    })?;
    let mut all = [Series::default(), Series::default()];
    let mut since = String::new();
    for round in 0..=bench.rounds {
        for (signal, times) in ["KILL", "STOP"].into_iter().zip(&mut all) {
            machine::say(&format!("bench: a pair, {signal}, round {round} of {}", bench.rounds));
            let active = whole(world, &id, &mut since)?;
            let name = format!("brokerd-{}-{id}-{active}", world.installation);
            let begin = Instant::now();
            docker::docker(&["kill", "--signal", signal, &name])?;
            let time = next_message(bench, &endpoint, begin)?;
            if round > 0 {
                times.push_milliseconds(time);
            }
        }
    }
    whole(world, &id, &mut since)?;
    bench.wait(async {
        let mut connection = Connection::to(api.address()).await?;
        delete(&mut connection, api, &id).await
    })?;
    Ok(all)
}

/// Waits until a pair has become whole again; which instance serves.
fn whole(world: &World, id: &str, since: &mut String) -> Result<String> {
    let path = format!("/brokerd/v1/brokers/{id}/events?maxResults=5");
    let (at, message) = eventually("the pair is whole", PATIENCE, || {
        let answer: Value = serde_json::from_str(&world.api.get(&path)?.body)?;
        let text = |name: &str| answer["events"][0][name].as_str().unwrap_or_default().to_owned();
        let (at, message) = (text("at"), text("message"));
        Ok((at != *since && message.contains(WHOLE)).then_some((at, message)))
    })?;
    *since = at;
    let active = message.strip_prefix("instance ").and_then(|rest| rest.split(' ').next());
    let active = active.context("who serves")?.to_owned();
    ensure!(active == "1" || active == "2", "{message}");
    Ok(active)
}
