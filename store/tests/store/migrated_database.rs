//! Databases that are migrated already: copies of one that was migrated for all tests.
//!
//! Every test has a database of its own, and to apply all migrations to each would take longer than most tests. Tests
//! of the API include this file, too.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    migrate::Migrator, postgres::PgConnectOptions,
};
use tokio::time::sleep;

static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Held while the original is made, so that one process makes it for all.
const LOCK: i64 = 0x6272_6f6b_6572_6474;

/// The URL of a database on the server that another URL names.
///
/// # Panics
/// When the other one is no URL.
pub(crate) fn database_url(server: &str, name: &str) -> String {
    let options: PgConnectOptions = server.parse().expect("a URL");
    options.database(name).to_url_lossy().to_string()
}

/// Creates a database on the server of this connection. The original stays there, for tests that come later.
///
/// # Panics
/// When the server refuses: the test can't run.
pub(crate) async fn create(connection: &mut PgConnection, server: &str, name: &str) {
    let original = original(connection, server).await;
    execute(connection, format!("create database {name} template {original}")).await;
}

/// The name of the database that is copied.
async fn original(connection: &mut PgConnection, server: &str) -> String {
    let mut hasher = DefaultHasher::new();
    for migration in MIGRATOR.iter() {
        (migration.version, &migration.checksum).hash(&mut hasher);
    }
    let original = format!("migrated_{:016x}", hasher.finish());
    execute(connection, format!("select pg_advisory_lock({LOCK})")).await;
    let is_there =
        sqlx::query_scalar::<_, bool>("select exists (select from pg_database where datname = $1)")
            .bind(&original)
            .fetch_one(&mut *connection)
            .await;
    if !is_there.expect("the server answers") {
        // One that was left half migrated does not have its name yet.
        let unfinished = format!("{original}_unfinished");
        execute(connection, format!("drop database if exists {unfinished} with (force)")).await;
        execute(connection, format!("create database {unfinished}")).await;
        let options: PgConnectOptions = server.parse().expect("a URL");
        let options = options.database(&unfinished);
        let unmigrated = PgConnection::connect_with(&options).await;
        let mut unmigrated = unmigrated.expect("the database answers");
        MIGRATOR.run_direct(None, &mut unmigrated, false).await.expect("migrates");
        unmigrated.close().await.expect("the database answers");
        execute(connection, format!("alter database {unfinished} rename to {original}")).await;
    }
    execute(connection, format!("select pg_advisory_unlock({LOCK})")).await;
    original
}

/// How long a database may be in use after its test.
const RELEASED: Duration = Duration::from_secs(30);

/// Drops a database, whoever is still connected.
///
/// # Panics
/// When the server refuses, or the database stays in use.
pub(crate) async fn remove(connection: &mut PgConnection, name: &str) {
    let drop = format!("drop database {name} with (force)");
    let deadline = Instant::now() + RELEASED;
    // Tasks of what is gone may connect once more after all connections were ended.
    while let Err(error) = connection.execute(AssertSqlSafe(drop.clone())).await {
        let in_use =
            error.as_database_error().is_some_and(|e| e.code().as_deref() == Some("55006"));
        assert!(in_use && Instant::now() < deadline, "{name} is not dropped: {error}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn execute(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement)).await.expect("may create databases");
}
