//! From nothing to the first message: brokerd, and the same engine by hand, in turns.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use brokerd_tests::{Api, PASSWORD, USER, World, machine};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Bench, SCALE,
    bare::{self, Bare},
    clients::{self, Dialect, Endpoint, LOOK_AGAIN},
    http::{Connection, signed},
    statistics::{Series, load_average, short, verdict},
};

/// How much longer than by hand it may take.
const TARGET: f64 = 1.15;

/// Rounds that differ by more than this say more about the machine than about what was measured.
const UNSTEADY: f64 = 1.5;

/// How long a broker may take before it counts as never.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(5);

/// What is created.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) engine: &'static str,
    pub(crate) version: &'static str,
    pub(crate) host: &'static str,
    pub(crate) dialect: Dialect,
    pub(crate) engine_port: u16,
    pub(crate) scheme: &'static str,
}

/// An engine each.
pub(crate) const SUBJECTS: [Subject; 2] = [
    Subject {
        name: "ActiveMQ 5.19",
        engine: "ACTIVEMQ",
        version: "5.19",
        host: "mq.t3.micro",
        dialect: Dialect::Stomp,
        engine_port: 61614,
        scheme: "stomp+ssl",
    },
    Subject {
        name: "RabbitMQ 4.3",
        engine: "RABBITMQ",
        version: "4.3",
        host: "mq.m7g.medium",
        dialect: Dialect::Amqp,
        engine_port: 5671,
        scheme: "amqps",
    },
];

impl Subject {
    /// The body of a CreateBroker.
    pub(crate) fn body(&self, name: &str) -> String {
        json!({
            "brokerName": name,
            "engineType": self.engine,
            "engineVersion": self.version,
            "deploymentMode": "SINGLE_INSTANCE",
            "hostInstanceType": self.host,
            "publiclyAccessible": false,
            "autoMinorVersionUpgrade": true,
            "users": [{ "username": USER, "password": PASSWORD, "consoleAccess": true }],
        })
        .to_string()
    }
}

/// Creates a broker; its id.
pub(crate) async fn create(connection: &mut Connection, request: &[u8]) -> Result<String> {
    let created = connection.exchange(request).await?.json(200).context("CreateBroker")?;
    Ok(created["brokerId"].as_str().context("no broker id")?.to_owned())
}

/// Looks until a broker runs; its description.
pub(crate) async fn running(connection: &mut Connection, api: &Api, id: &str) -> Result<Value> {
    let request = signed(api, "GET", &format!("/v1/brokers/{id}"), "")?;
    let begin = Instant::now();
    loop {
        let broker = connection.exchange(&request).await?.json(200).context("DescribeBroker")?;
        match broker["brokerState"].as_str() {
            Some("RUNNING") => return Ok(broker),
            Some("CREATION_IN_PROGRESS") if begin.elapsed() < TIMEOUT => {}
            state => bail!("{id} is {state:?} after {:?}", begin.elapsed()),
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Creates brokers, all at once, and waits until they run; their ids.
pub(crate) async fn all_running(api: &Api, requests: &[Vec<u8>]) -> Result<Vec<String>> {
    let mut connection = Connection::to(api.address()).await?;
    let mut ids = Vec::new();
    for request in requests {
        ids.push(create(&mut connection, request).await?);
    }
    for id in &ids {
        running(&mut connection, api, id).await?;
    }
    Ok(ids)
}

/// Deletes a broker and waits until nothing is left of it.
pub(crate) async fn delete(connection: &mut Connection, api: &Api, id: &str) -> Result<()> {
    let path = format!("/v1/brokers/{id}");
    connection.exchange(&signed(api, "DELETE", &path, "")?).await?.expect(200)?;
    let request = signed(api, "GET", &path, "")?;
    let begin = Instant::now();
    while connection.exchange(&request).await?.status != 404 {
        ensure!(begin.elapsed() < TIMEOUT, "{id} is not deleted after {:?}", begin.elapsed());
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// The rounds of one subject.
#[derive(Default)]
pub(crate) struct Times {
    bare: Series,
    pub(crate) first: Series,
    running: Series,
    failed: u32,
}

pub(crate) fn measure(bench: &Bench, world: &World) -> Result<()> {
    let before = load_average();
    let mut rows = Vec::new();
    for subject in &SUBJECTS {
        let directory = world.data().with_file_name(subject.engine);
        let bare = Bare::prepare(subject, SCALE, &directory, &world.label())?;
        let mut times = Times::default();
        // The first round brings both into the page cache and does not count.
        for round in 0..=bench.rounds {
            machine::say(&format!("bench: {}, round {round} of {}", subject.name, bench.rounds));
            let mut one = Times::default();
            if round % 2 == 0 {
                by_hand(bench, &bare, &mut one)?;
                by_brokerd(bench, world, subject, round, &mut one)?;
            } else {
                by_brokerd(bench, world, subject, round, &mut one)?;
                by_hand(bench, &bare, &mut one)?;
            }
            if round > 0 {
                times.bare.push(one.bare.median());
                times.first.push(one.first.median());
                times.running.push(one.running.median());
                times.failed += one.failed;
            }
        }
        rows.push((subject, times, bare.commands()));
    }
    let idle = bare::idle_command()?;
    println!("From nothing to the first persistent message over TLS, ms: median (least-most)");
    println!("  load average {before} before, {} after", load_average());
    println!("{:<16}{:>24}{:>24}{:>24}{:>8}", "", "docker by hand", "brokerd", "RUNNING", "ratio");
    for (subject, times, commands) in &rows {
        let (bare, first) = (times.bare.median(), times.first.median());
        println!(
            "{:<16}{:>24}{:>24}{:>24}{:>8.2}",
            subject.name,
            times.bare,
            times.first,
            times.running,
            first / bare
        );
        let engine_only = bare - idle * *commands as f64;
        println!(
            "{:<16}at most {TARGET} times as long: {}; {:.2} without the {commands} starts of the docker command ({} ms each)",
            "",
            verdict(first / bare <= TARGET),
            first / engine_only,
            short(idle)
        );
        if times.bare.spread().max(times.first.spread()) > UNSTEADY {
            println!(
                "{:<16}the machine was busy: rounds differ by more than {UNSTEADY} times, measure again",
                ""
            );
        }
        if times.failed > 0 {
            println!("{:<16}clients failed {} times at a RUNNING broker", "", times.failed);
        }
    }
    println!();
    Ok(())
}

/// `docker create`, copies and `docker start` to the first message.
fn by_hand(bench: &Bench, bare: &Bare, times: &mut Times) -> Result<()> {
    let begin = Instant::now();
    let (id, endpoint) = bare.start()?;
    bench
        .wait(async { tokio::time::timeout(TIMEOUT, endpoint.first_message()).await?.map(drop) })?;
    times.bare.push_milliseconds(begin.elapsed());
    bare::remove(&id)
}

/// CreateBroker, DescribeBroker until RUNNING, the first message.
pub(crate) fn by_brokerd(
    bench: &Bench,
    world: &World,
    subject: &Subject,
    round: usize,
    times: &mut Times,
) -> Result<()> {
    let api = &world.api;
    let tls = clients::trust(&world.ca())?;
    let name = format!("{}-{round}", subject.engine.to_lowercase());
    let request = signed(api, "POST", "/v1/brokers", &subject.body(&name))?;
    bench.wait(async {
        let mut connection = Connection::to(api.address()).await?;
        let begin = Instant::now();
        let id = create(&mut connection, &request).await?;
        let broker = running(&mut connection, api, &id).await?;
        times.running.push_milliseconds(begin.elapsed());
        let endpoint = endpoint(&broker, subject, tls)?;
        times.failed += tokio::time::timeout(TIMEOUT, endpoint.first_message()).await??;
        times.first.push_milliseconds(begin.elapsed());
        delete(&mut connection, api, &id).await
    })
}

/// Where a client of the first instance of a broker connects.
pub(crate) fn endpoint(
    broker: &Value,
    subject: &Subject,
    tls: tokio_rustls::TlsConnector,
) -> Result<Endpoint> {
    let urls = broker["brokerInstances"][0]["endpoints"].as_array().context("no endpoints")?;
    let wanted = format!("{}://", subject.scheme);
    let mut found = urls.iter().filter_map(|url| url.as_str()?.strip_prefix(&wanted));
    let address = found.next().with_context(|| format!("no endpoint {wanted}"))?;
    let (host, port) = address.rsplit_once(':').context("no port")?;
    Ok(Endpoint {
        dialect: subject.dialect,
        host: host.to_owned(),
        port: port.parse()?,
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        tls,
    })
}
