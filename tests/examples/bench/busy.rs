//! How long clients have to do without the active instance of a pair while brokerd has other things to do: eight
//! brokers that are created and deleted in a loop, beside a pair by hand under the same load; and four calls to
//! the engine that hang.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Api, World,
    engine_proxy::{EngineProxy, Rule, Trouble},
    eventually, machine,
};
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Bench,
    brokers::{SUBJECTS, TIMEOUT, create, delete, running},
    clients::LOOK_AGAIN,
    http::{Connection, signed},
    pairs::{ByHand, OfBrokerd},
    statistics::{Series, load_average, short, verdict},
};

/// How many brokers are created and deleted at once.
const CHURN: usize = 8;

/// How many calls to the engine hang.
const HANGING: usize = 4;

/// How long a caller waits who was told to try again.
const BUSY: Duration = Duration::from_secs(1);

/// How many times as long as by hand under the same load, and as on a quiet engine, a kill may keep clients waiting.
const TARGET: f64 = 1.3;

/// `settings` are those of the world, without where its engine is.
pub(crate) fn measure(bench: &Bench, world: &World, settings: &[(&str, &str)]) -> Result<()> {
    let before = load_average();
    let (bare, killed, finished) = churning(bench, world)?;
    let after = load_average();
    let (quiet, hanging) = hanging(bench, settings)?;
    println!(
        "From the end of the active instance of a pair to the next message, ms: median (least-most)"
    );
    println!(
        "  load average {before} before, {after} after {finished} others were made and deleted"
    );
    println!("{:<52}{:>24}{:>12}", "", "", "maximum");
    for (what, times) in [
        ("two engines by hand, others made and deleted", &bare),
        ("brokerd, the same", &killed),
        ("brokerd, quiet", &quiet),
        ("brokerd, four calls to the engine hang", &hanging),
    ] {
        println!("{what:<52}{times:>24}{:>12}", short(times.quantile(1.0)));
    }
    let (by_hand, by_quiet) = (killed.median() / bare.median(), hanging.median() / quiet.median());
    println!(
        "  at most {TARGET} times as long as by hand under the same load: {} ({by_hand:.2}); as when nothing hangs: {} ({by_quiet:.2})\n",
        verdict(by_hand <= TARGET),
        verdict(by_quiet <= TARGET),
    );
    Ok(())
}

/// Both pairs in turns, while others are created and deleted; how many of those were.
fn churning(bench: &Bench, world: &World) -> Result<(Series, Series, usize)> {
    let mut bare = ByHand::start(bench, world)?;
    let mut pair = OfBrokerd::create(bench, world)?;
    let churn = Churn::begin(bench, world)?;
    let mut times = [Series::default(), Series::default()];
    for round in 0..=bench.rounds {
        machine::say(&format!(
            "bench: pairs while {CHURN} others come and go, round {round} of {}",
            bench.rounds
        ));
        // The order is another one in every other round.
        for one in [round % 2, 1 - round % 2] {
            let time = if one == 0 {
                let time = bare.kill(bench)?;
                bare.restore()?;
                time
            } else {
                pair.strike(bench, "KILL")?
            };
            if round > 0 {
                times[one].push_milliseconds(time);
            }
        }
    }
    let finished = churn.end(bench)?;
    bare.remove()?;
    pair.delete(bench)?;
    let [bare, killed] = times;
    Ok((bare, killed, finished))
}

/// Brokers that are created and deleted, one after the other on each of several connections.
struct Churn {
    stop: CancellationToken,
    loops: JoinSet<Result<()>>,
    finished: Arc<AtomicUsize>,
}

impl Churn {
    fn begin(bench: &Bench, world: &World) -> Result<Self> {
        let (stop, finished) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let mut loops = JoinSet::new();
        for n in 0..CHURN {
            let (stop, finished, api) = (stop.clone(), Arc::clone(&finished), world.api.clone());
            let work = async move {
                for round in 0.. {
                    if stop.is_cancelled() {
                        break;
                    }
                    come_and_go(&api, n, round).await?;
                    finished.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            };
            loops.spawn_on(work, bench.runtime.handle());
        }
        let churn = Self { stop, loops, finished };
        // From the first that is there on, some boot while others go.
        eventually("others come and go", TIMEOUT, || Ok((churn.finished() > 0).then_some(())))?;
        Ok(churn)
    }

    fn finished(&self) -> usize {
        self.finished.load(Ordering::Relaxed)
    }

    fn end(mut self, bench: &Bench) -> Result<usize> {
        let during = self.finished();
        self.stop.cancel();
        bench.wait(async {
            while let Some(ended) = self.loops.join_next().await {
                ended??;
            }
            Ok(())
        })?;
        ensure!(during > 1, "nothing came and went meanwhile");
        Ok(during)
    }
}

async fn come_and_go(api: &Api, n: usize, round: usize) -> Result<()> {
    let body = SUBJECTS[n % SUBJECTS.len()].body(&format!("churn-{n}-{round}"));
    let mut connection = Connection::to(api.address()).await?;
    let create = signed(api, "POST", "/v1/brokers", &body)?;
    let (_, created) = insist(&mut connection, &create, &[200]).await?;
    let path = format!("/v1/brokers/{}", created["brokerId"].as_str().context("no broker id")?);
    let (describe, delete) = (signed(api, "GET", &path, "")?, signed(api, "DELETE", &path, "")?);
    while insist(&mut connection, &describe, &[200]).await?.1["brokerState"] != "RUNNING" {
        sleep(LOOK_AGAIN).await;
    }
    insist(&mut connection, &delete, &[200]).await?;
    while insist(&mut connection, &describe, &[200, 404]).await?.0 != 404 {
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Asks again, as the SDKs do, while a machine that is busy to its limits answers that it can't just now; the status
/// and the body.
async fn insist(
    connection: &mut Connection,
    request: &[u8],
    wanted: &[u16],
) -> Result<(u16, Value)> {
    let begin = Instant::now();
    loop {
        let answer = connection.exchange(request).await?;
        let status = answer.status;
        if status != 503 || begin.elapsed() > TIMEOUT {
            let expected = wanted.iter().find(|one| **one == status).unwrap_or(&wanted[0]);
            return Ok((status, answer.json(*expected)?));
        }
        sleep(BUSY).await;
    }
}

/// A pair's kills when nothing hangs, and while calls hang with which other brokers' containers are made.
fn hanging(bench: &Bench, settings: &[(&str, &str)]) -> Result<(Series, Series)> {
    let proxy = EngineProxy::start()?;
    let host = proxy.host();
    let settings: Vec<(&str, &str)> = [("BROKERD_PROVISIONER_DOCKER_HOST", host.as_str())]
        .into_iter()
        .chain(settings.iter().copied())
        .collect();
    let world = World::start(&settings)?;
    let mut pair = OfBrokerd::create(bench, &world)?;
    let mut rounds = |what: &str| -> Result<Series> {
        let mut times = Series::default();
        for round in 0..=bench.rounds {
            machine::say(&format!("bench: a pair, {what}, round {round} of {}", bench.rounds));
            let time: Duration = pair.strike(bench, "KILL")?;
            if round > 0 {
                times.push_milliseconds(time);
            }
        }
        Ok(times)
    };
    let quiet = rounds("quiet")?;
    proxy.trouble(Rule::new("POST", "/containers/create?", Trouble::Hang));
    let api = &world.api;
    let ids: Vec<String> = bench.wait(async {
        let mut connection = Connection::to(api.address()).await?;
        let mut ids = Vec::new();
        for n in 0..HANGING {
            let body = SUBJECTS[1].body(&format!("hangs-{n}"));
            let request = signed(api, "POST", "/v1/brokers", &body)?;
            ids.push(create(&mut connection, &request).await?);
        }
        Ok(ids)
    })?;
    let all_hang = || Ok((proxy.held() >= HANGING).then_some(()));
    eventually("calls to the engine hang", TIMEOUT, all_hang)?;
    let hanging = rounds("calls to the engine hang")?;
    eventually("they hang to the end", TIMEOUT, all_hang)?;
    proxy.release();
    bench.wait(async {
        let mut connection = Connection::to(api.address()).await?;
        for id in &ids {
            running(&mut connection, api, id).await?;
            delete(&mut connection, api, id).await?;
        }
        Ok(())
    })?;
    pair.delete(bench)?;
    Ok((quiet, hanging))
}
