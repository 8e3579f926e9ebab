//! Where the databases of the tests are.

use sqlx::{Connection as _, PgConnection};

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

/// A database that is dropped when its test panics. A test that ends well drops it itself.
pub(crate) struct TestDatabase(pub(crate) String);

impl TestDatabase {
    /// Drops it, whoever is still connected.
    pub(crate) async fn remove(&self) {
        let mut server = PgConnection::connect(&server_url()).await.expect("the server answers");
        migrated_database::remove(&mut server, &self.0).await;
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
