//! A database of its own for each world.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::Runtime;

use crate::machine;

/// A fresh database.
#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    pub(crate) name: String,
}

impl Database {
    /// Makes an empty database on the server that `DATABASE_URL` names.
    pub(crate) fn create(runtime: &Runtime, installation: &str) -> Result<Self> {
        let server = machine::variable("DATABASE_URL")
            .context("DATABASE_URL names no PostgreSQL to make databases in: run `make test`, which brings one")?;
        let name = format!("brokerd_{}", installation.replace('-', "_"));
        execute(runtime, &server, format!(r#"CREATE DATABASE "{name}""#))
            .context("can't make a database: DATABASE_URL must name a user who may")?;
        Ok(Self { server, name })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        let (address, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let end = address.find("://").map_or(0, |scheme| scheme + 3);
        let host = address[end..].find('/').map_or(address.len(), |slash| end + slash);
        let separator = if options.is_empty() { "" } else { "?" };
        format!("{}/{}{separator}{options}", &address[..host], self.name)
    }

    /// Takes it away from everybody, as an outage would.
    pub(crate) fn close(&self, runtime: &Runtime) -> Result<()> {
        let name = &self.name;
        let statement = format!(
            r#"ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false;
               SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"#
        );
        execute(runtime, &self.server, statement)
    }

    /// Gives it back.
    pub(crate) fn open(&self, runtime: &Runtime) -> Result<()> {
        let statement = format!(r#"ALTER DATABASE "{}" WITH ALLOW_CONNECTIONS true"#, self.name);
        execute(runtime, &self.server, statement)
    }

    /// Removes it, whoever is still connected.
    pub(crate) fn drop_now(&self, runtime: &Runtime) -> Result<()> {
        let statement = format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name);
        execute(runtime, &self.server, statement)
    }
}

fn execute(runtime: &Runtime, server: &str, statement: String) -> Result<()> {
    runtime.block_on(async {
        let mut connection = PgConnection::connect(server).await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_database_changes_in_a_url() {
        for (server, url) in [
            ("postgres://u:p@127.0.0.1:5432/brokerd", "postgres://u:p@127.0.0.1:5432/x"),
            ("postgres://u:p@127.0.0.1:5432", "postgres://u:p@127.0.0.1:5432/x"),
            ("postgres:///postgres?host=/run/pg", "postgres:///x?host=/run/pg"),
        ] {
            let database = Database { server: server.to_owned(), name: "x".to_owned() };
            assert_eq!(database.url(), url);
        }
    }
}
