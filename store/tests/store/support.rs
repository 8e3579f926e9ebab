//! A database per test, and what goes into it.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    future::Future,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use brokerd_domain::{
    Broker, BrokerId, ConfigurationId, CreateBroker, CreateBrokerInput, EngineType, EngineVersion,
    Entropy, Event, EventKind, Health, InstanceCondition, Lease, NetworkDefaults, Offerings,
    PassReport, Protocol, Scope, Timestamp, UserInput, VerdictKind, WorkerId,
};
use brokerd_store::{Allocation, MasterKey, NewIds, PgStore};
use secrecy::SecretString;
use sqlx::{Connection, Executor, PgConnection, PgPool, migrate::Migrator};
use tokio::task::JoinError;

use crate::migrated_database;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// The operating system's randomness.
pub(crate) struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        use rand::{TryRng, rngs::SysRng};
        SysRng.try_fill_bytes(bytes).expect("the system has randomness");
    }
}

/// A store on a database of its own, and a plain connection to look behind it.
pub(crate) struct Fixture {
    pub(crate) store: PgStore,
    pub(crate) pool: PgPool,
    pub(crate) url: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the test database is can only be said outside"
)]
fn admin_url() -> String {
    std::env::var("DATABASE_URL")
        .expect("these tests need a PostgreSQL: run them with `make test`, or set DATABASE_URL")
}

/// Runs a test on a fresh database and drops it afterwards, also when the test fails.
pub(crate) async fn with_store<F: Future<Output = ()> + Send + 'static>(
    test: impl FnOnce(Fixture) -> F,
) {
    let (mut server, name, url) = begin().await;
    migrated_database::create(&mut server, &admin_url(), &name).await;
    let store = PgStore::connect(&url, 10, MasterKey::new([7; 32]), Arc::new(OsEntropy))
        .await
        .expect("connects and migrates");
    let pool = PgPool::connect(&url).await.expect("connects");
    let outcome = tokio::spawn(test(Fixture { store, pool, url })).await;
    end(server, &name, outcome).await;
}

/// Runs a test on a fresh database as a former brokerd has made it, and drops it afterwards, also when the test fails.
/// The test is told its URL, and has a plain connection to it. `last` is the number of the former one's last migration.
pub(crate) async fn with_former<F: Future<Output = ()> + Send + 'static>(
    last: i64,
    test: impl FnOnce(String, PgPool) -> F,
) {
    let (mut server, name, url) = begin().await;
    let create = format!("create database {name}");
    server.execute(sqlx::AssertSqlSafe(create)).await.expect("may create databases");
    let pool = PgPool::connect(&url).await.expect("connects");
    let all = sqlx::migrate!("../migrations");
    let some = all.migrations.iter().filter(|migration| migration.version <= last).cloned();
    let former = Migrator { migrations: Cow::Owned(some.collect()), ..Migrator::DEFAULT };
    former.run(&pool).await.expect("migrated");
    let outcome = tokio::spawn(test(url, pool)).await;
    end(server, &name, outcome).await;
}

/// A connection to the server, and the name and URL of a database that is not there yet.
async fn begin() -> (PgConnection, String, String) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let admin = admin_url();
    let name = format!("store_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let server = PgConnection::connect(&admin).await.expect("the database answers");
    let url = migrated_database::database_url(&admin, &name);
    (server, name, url)
}

/// Drops the database, and fails as the test has.
async fn end(mut server: PgConnection, name: &str, outcome: Result<(), JoinError>) {
    migrated_database::remove(&mut server, name).await;
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

pub(crate) fn scope() -> Scope {
    Scope {
        account: "000000000000".parse().expect("account"),
        region: "us-east-1".parse().expect("region"),
    }
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::generate(&OsEntropy)
}

pub(crate) fn ids() -> NewIds {
    NewIds {
        broker: BrokerId::generate(&OsEntropy),
        configuration: ConfigurationId::generate(&OsEntropy),
    }
}

pub(crate) fn user(name: &str) -> UserInput {
    UserInput {
        username: Some(name.to_owned()),
        password: Some(SecretString::from("correct-horse-battery")),
        console_access: Some(true),
        groups: vec!["ops".to_owned()],
        replication_user: None,
    }
}

/// A valid CreateBroker for ActiveMQ, changed as the test likes.
pub(crate) fn command(name: &str, change: impl FnOnce(&mut CreateBrokerInput)) -> CreateBroker {
    let mut input = CreateBrokerInput {
        broker_name: Some(name.to_owned()),
        engine_type: Some("ActiveMQ".to_owned()),
        deployment_mode: Some("SINGLE_INSTANCE".to_owned()),
        host_instance_type: Some("mq.t3.micro".to_owned()),
        publicly_accessible: Some(true),
        users: vec![user("alice"), user("bob")],
        tags: BTreeMap::from([("team".to_owned(), "red".to_owned())]),
        ..CreateBrokerInput::default()
    };
    change(&mut input);
    let network = NetworkDefaults::default();
    CreateBroker::parse(input, &scope(), None, &offerings(), &network, &OsEntropy)
        .expect("a valid command")
}

pub(crate) fn offerings() -> Offerings {
    [
        (EngineType::ActiveMq, EngineVersion::new(5, 18)),
        (EngineType::ActiveMq, EngineVersion::new(5, 19)),
        (EngineType::RabbitMq, EngineVersion::new(4, 3)),
    ]
    .into_iter()
    .collect()
}

/// A valid CreateBroker for RabbitMQ.
pub(crate) fn rabbit(name: &str) -> CreateBroker {
    command(name, |input| {
        input.engine_type = Some("RabbitMQ".to_owned());
        input.host_instance_type = Some("mq.m7g.medium".to_owned());
        input.users = vec![user("admin")];
    })
}

/// Creates a broker and gives back its identifier.
pub(crate) async fn create(store: &PgStore, name: &str) -> BrokerId {
    let ids = ids();
    let outcome =
        store.create_broker(&scope(), &command(name, |_| {}), ids, NOW).await.expect("stored");
    assert_eq!(outcome, brokerd_store::CreateOutcome::Created);
    ids.broker
}

/// The same for another account.
pub(crate) async fn create_for(store: &PgStore, account: &str, name: &str) -> BrokerId {
    let ids = ids();
    let scope = Scope { account: account.parse().expect("an account"), ..scope() };
    let command = command(name, |_| {});
    let outcome = store.create_broker(&scope, &command, ids, NOW).await.expect("stored");
    assert_eq!(outcome, brokerd_store::CreateOutcome::Created);
    ids.broker
}

/// The broker as it is.
pub(crate) async fn broker(store: &PgStore, id: BrokerId) -> Broker {
    store.broker(&scope(), id).await.expect("read").expect("there")
}

/// A lease on the only broker.
pub(crate) async fn leased(store: &PgStore) -> Lease {
    let ttl = Duration::from_secs(30);
    store.claim_due(worker(), None, ttl, 1).await.expect("claimed").remove(0)
}

/// A pass that found everything done that was asked for until then.
pub(crate) async fn complete(store: &PgStore, lease: &Lease) {
    let work = store.load(lease).await.expect("loaded").expect("there");
    let report = PassReport {
        kind: VerdictKind::Converged,
        observed_generation: Some(work.broker.generation),
        reboots_done: Some(work.broker.reboots_requested),
        conditions: Vec::new(),
        events: Vec::new(),
        ..report("every endpoint answers")
    };
    store.record(lease, &report).await.expect("recorded");
}

/// A running broker, and a lease on it.
pub(crate) async fn running(store: &PgStore, name: &str) -> (Broker, Lease) {
    let id = create(store, name).await;
    let lease = leased(store).await;
    complete(store, &lease).await;
    (broker(store, id).await, lease)
}

/// A pass that has something left to do.
pub(crate) fn report(sentence: &str) -> PassReport {
    PassReport {
        at: NOW,
        reason: String::new(),
        reported: Default::default(),
        kind: VerdictKind::Progressing,
        sentence: sentence.to_owned(),
        observed_generation: None,
        reboots_done: None,
        failure: None,
        conditions: vec![InstanceCondition {
            ordinal: 1,
            health: Health::Starting,
            since: NOW,
            failed_boots: 1,
            out_of_memory: None,
            apart_since: None,
        }],
        actions_required: Vec::new(),
        links_down: Vec::new(),
        maintenance: None,
        change: None,
        events: vec![Event { at: NOW, kind: EventKind::Verdict, message: sentence.to_owned() }],
    }
}

/// Addresses for a single instance of ActiveMQ with ports of that range.
pub(crate) fn allocation(ports: RangeInclusive<u16>) -> Allocation {
    Allocation {
        engine: EngineType::ActiveMq,
        instances: 1,
        protocols: Protocol::of(EngineType::ActiveMq).to_vec(),
        host: "127.0.0.1".to_owned(),
        ip_address: Some("127.0.0.1".to_owned()),
        ports,
        names: None,
    }
}
