//! Events of calls, while brokerd is killed in the middle of them. No engine runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};
use brokerd_tests::{Api, LONG_LEASES, TIMEOUT, World, clients, eventually, scenario};
use serde_json::{Value, json};

/// How often brokerd is killed.
const ROUNDS: usize = 4;
/// How many callers there are at a time.
const CALLERS: usize = 8;
/// How many writes are answered before brokerd is killed.
const ANSWERED: usize = 60;

/// A write and what it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Write {
    Configuration,
    SecurityGroup,
    Secret,
}

impl Write {
    const ALL: [Self; 3] = [Self::Configuration, Self::SecurityGroup, Self::Secret];

    fn operation(self) -> &'static str {
        match self {
            Self::Configuration => "CreateConfiguration",
            Self::SecurityGroup => "CreateSecurityGroup",
            Self::Secret => "PutSecret",
        }
    }

    fn request(self, name: &str) -> (&'static str, String, Value) {
        match self {
            Self::Configuration => {
                let body = json!({"name": name, "engineType": "ACTIVEMQ", "engineVersion": "5.19"});
                ("POST", "/v1/configurations".to_owned(), body)
            }
            Self::SecurityGroup => {
                let body = json!({"name": name, "rules": []});
                ("POST", "/brokerd/v1/security-groups".to_owned(), body)
            }
            Self::Secret => {
                let body = json!({"secretString": format!("hush {name}")});
                ("PUT", format!("/brokerd/v1/secrets/{name}"), body)
            }
        }
    }

    /// What an event says that was written.
    fn name_in(self, record: &Value) -> Option<String> {
        let member = if self == Self::Secret { "secret-name" } else { "name" };
        record["requestParameters"][member].as_str().map(str::to_owned)
    }
}

/// Identifiers of requests that were answered, with what they wrote.
type Answered = BTreeMap<String, (Write, String)>;

#[test]
fn brokerd_killed_in_the_middle_of_writes_leaves_one_event_for_each_change_and_none_without()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let unlimited = [("BROKERD_API_THROTTLE_BURST", "0")];
    let settings: Vec<_> = LONG_LEASES.iter().copied().chain(unlimited).collect();
    scenario("kill brokerd in the middle of writes", &settings, |world| {
        let log = world.data().join("audit.log");
        world.restart_with("BROKERD_AUDIT_FILE", &log.to_string_lossy())?;
        let mut answered = Answered::new();
        for round in 0..ROUNDS {
            answered.extend(write_until_killed(world, round)?);
            world.restart()?;
        }
        ensure!(answered.len() >= ROUNDS * ANSWERED, "{} answered", answered.len());

        let mut told = BTreeMap::<String, usize>::new();
        for write in Write::ALL {
            let events = records(&world.api, write.operation())?;
            let mut names = Vec::new();
            for record in &events {
                ensure!(record["errorCode"].is_null(), "{record}");
                ensure!(!record.to_string().contains("hush"), "{record}");
                *told
                    .entry(record["requestID"].as_str().context("an id")?.to_owned())
                    .or_default() += 1;
                names.push(write.name_in(record).context("a name")?);
            }
            names.sort();
            let left = left_behind(&world.api, write)?;
            ensure!(left.len() > ROUNDS, "{write:?}: {left:?}");
            let told: BTreeSet<_> = names.iter().cloned().collect();
            ensure!(told.len() == names.len(), "{write:?}: something has two events: {names:?}");
            ensure!(
                told == left,
                "{write:?}: events without a change {:?}, changes without an event {:?}",
                told.difference(&left).collect::<Vec<_>>(),
                left.difference(&told).collect::<Vec<_>>()
            );
        }
        for (request, written) in &answered {
            ensure!(
                told.get(request) == Some(&1),
                "{written:?} has {:?} events",
                told.get(request)
            );
        }
        real_clients_read(world)?;
        the_log_has_what_was_answered(world, &log)
    })
}

/// Has many callers write until brokerd is killed among them. Those that were answered.
fn write_until_killed(world: &mut World, round: usize) -> Result<Answered> {
    let answered = Mutex::new(Answered::new());
    let count = AtomicUsize::new(0);
    let api = world.api.clone();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (api, answered, count) = (&api, &answered, &count);
                scope.spawn(move || -> Result<()> {
                    for n in 0.. {
                        let write = Write::ALL[(caller + n) % Write::ALL.len()];
                        let name = format!("r{round}-c{caller}-n{n}");
                        let (method, path, body) = write.request(&name);
                        // Whoever is not answered does not know, and ends.
                        let Ok(answer) = api.signed(method, &path, &body.to_string()) else {
                            return Ok(());
                        };
                        ensure!(answer.status == 200, "{write:?}: {answer:?}");
                        let request = answer.header("x-amzn-requestid").context("an identifier")?;
                        let mut answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
                        answered.insert(request.to_owned(), (write, name));
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                    bail!("it was never killed")
                })
            })
            .collect();
        let enough = eventually("enough is answered", TIMEOUT, || {
            let failed = callers.iter().any(thread::ScopedJoinHandle::is_finished);
            Ok((failed || count.load(Ordering::SeqCst) >= ANSWERED).then_some(()))
        });
        world.kill9()?;
        for caller in callers {
            caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))??;
        }
        enough
    })?;
    Ok(answered.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The records of an operation's events, as boto3 reads all pages of them.
fn records(api: &Api, operation: &str) -> Result<Vec<Value>> {
    let events = clients::looked_up(api, "EventName", operation)?;
    let record = |event: &Value| -> Result<Value> {
        Ok(serde_json::from_str(event["CloudTrailEvent"].as_str().context("a record")?)?)
    };
    events.iter().map(record).collect()
}

/// The names of what was written and is there.
fn left_behind(api: &Api, write: Write) -> Result<BTreeSet<String>> {
    let (path, list) = match write {
        Write::Configuration => ("/v1/configurations?maxResults=100", "configurations"),
        Write::SecurityGroup => ("/brokerd/v1/security-groups", "securityGroups"),
        Write::Secret => ("/brokerd/v1/secrets", "secrets"),
    };
    let mut names = BTreeSet::new();
    let mut next = path.to_owned();
    loop {
        let answer = api.get(&next)?;
        ensure!(answer.status == 200, "{answer:?}");
        let page: Value = serde_json::from_str(&answer.body)?;
        for item in page[list].as_array().with_context(|| format!("no {list} in {page}"))? {
            names.insert(item["name"].as_str().context("a name")?.to_owned());
        }
        let Some(token) = page["nextToken"].as_str() else { return Ok(names) };
        next = format!("{path}&nextToken={}", token.replace('=', "%3D").replace('+', "%2B"));
    }
}

fn real_clients_read(world: &World) -> Result<()> {
    let attribute = "AttributeKey=EventName,AttributeValue=CreateConfiguration";
    let arguments = [
        "lookup-events",
        "--lookup-attributes",
        attribute,
        "--max-items",
        "3",
        "--start-time",
        "2020-01-01",
    ];
    let printed = clients::aws_service(&world.api, "cloudtrail", &arguments)?;
    let printed = printed.map_err(anyhow::Error::msg)?;
    let events = printed["Events"].as_array().context("events")?;
    ensure!(events.len() == 3 && printed["NextToken"].is_string(), "{printed}");
    for event in events {
        ensure!(
            event["EventName"] == "CreateConfiguration" && event["ReadOnly"] == "false",
            "{event}"
        );
        ensure!(
            event["EventSource"] == "amazonmq.amazonaws.com" && event["Username"] == "root",
            "{event}"
        );
    }
    let wrong = ["lookup-events", "--start-time", "2030-01-01", "--end-time", "2020-01-01"];
    let complaint = clients::aws_service(&world.api, "cloudtrail", &wrong)?;
    let complaint = complaint.err().context("the times are wrong")?;
    ensure!(complaint.contains("InvalidTimeRangeException"), "{complaint}");
    let id = printed["Events"][0]["EventId"].as_str().context("an identifier")?;
    let found = clients::looked_up(&world.api, "EventId", id)?;
    ensure!(found.len() == 1 && found[0]["EventId"] == id, "{found:?}");
    Ok(())
}

/// An orderly stop leaves the log with the last call.
fn the_log_has_what_was_answered(world: &mut World, log: &std::path::Path) -> Result<()> {
    let answer = world.api.get("/v1/brokers")?;
    let request = answer.header("x-amzn-requestid").context("an identifier")?.to_owned();
    let status = world.stop()?;
    ensure!(status.success(), "brokerd ended with {status}");
    let text = std::fs::read_to_string(log)?;
    let mut last = None;
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        if record["requestID"] == request {
            last = Some(record);
        }
    }
    let last = last.context("the last call is not in the log")?;
    ensure!(last["eventName"] == "ListBrokers" && last["readOnly"] == true, "{last}");
    world.restart()
}
