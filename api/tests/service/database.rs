//! Where the databases of the tests are.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::time::sleep;

use crate::migrated_database;

/// The URL of the server.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where the database is"
)]
pub(crate) fn server_url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL names a PostgreSQL server")
}

/// The URL of a database on that server.
pub(crate) fn database_url(name: &str) -> String {
    migrated_database::database_url(&server_url(), name)
}

/// How long a database may be in use after its test.
const RELEASED: Duration = Duration::from_secs(30);

/// A database that is dropped when its test panics. A test that ends well drops it itself.
pub(crate) struct TestDatabase(pub(crate) String);

impl TestDatabase {
    /// Drops it, whoever is still connected.
    pub(crate) async fn remove(&self) {
        let mut server = PgConnection::connect(&server_url()).await.expect("the server answers");
        let drop = format!("drop database {} with (force)", self.0);
        let deadline = Instant::now() + RELEASED;
        // Tasks of an API that is gone may connect once more after all connections were ended.
        while let Err(error) = server.execute(AssertSqlSafe(drop.clone())).await {
            let in_use =
                error.as_database_error().is_some_and(|e| e.code().as_deref() == Some("55006"));
            assert!(in_use && Instant::now() < deadline, "{} is not dropped: {error}", self.0);
            sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        // The runtime of the test can't wait any more.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(self.remove());
            });
        });
    }
}
