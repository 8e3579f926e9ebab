//! A database of its own for each world.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::Runtime;

use crate::{
    TIMEOUT,
    docker::{self, Container},
    machine, retry,
};

/// A fresh database.
#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    pub(crate) name: String,
    /// What the script calls a server that is only this database's.
    own_server: Option<String>,
}

impl Database {
    /// Makes an empty database on the server that `DATABASE_URL` names.
    pub(crate) fn create(runtime: &Runtime, installation: &str) -> Result<Self> {
        Self::on(runtime, shared_server()?, installation, None)
    }

    /// Makes an empty database on a server of its own, which loses nothing when it is killed.
    pub(crate) fn create_with_server(runtime: &Runtime, installation: &str) -> Result<Self> {
        let server = script(&["--durable", installation])?.trim().to_owned();
        let created = Self::on(runtime, server, installation, Some(installation.to_owned()));
        if created.is_err() {
            script(&["stop", installation])?;
        }
        created
    }

    fn on(
        runtime: &Runtime,
        server: String,
        installation: &str,
        own_server: Option<String>,
    ) -> Result<Self> {
        let name = format!("brokerd_{}", installation.replace('-', "_"));
        execute(runtime, &server, format!(r#"CREATE DATABASE "{name}""#))
            .context("can't make a database: DATABASE_URL must name a user who may")?;
        Ok(Self { server, name, own_server })
    }

    /// The container of its own server.
    pub(crate) fn container(&self) -> Result<Container> {
        let name = self.own_server.as_ref().context("the server is not this database's alone")?;
        let found = docker::containers(&format!("brokerd.ephemeral={name}"))?;
        ensure!(found.len() == 1, "{name} has {} servers", found.len());
        docker::inspect(&found[0])
    }

    /// Waits until its server answers, and the one of all other databases.
    pub(crate) fn wait_for_servers(&self, runtime: &Runtime) -> Result<()> {
        for server in [&self.server, &shared_server()?] {
            retry("the database answers", TIMEOUT, || {
                execute(runtime, server, "SELECT 1".to_owned())
            })?;
        }
        Ok(())
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
        if let Some(own) = &self.own_server {
            return script(&["stop", own]).map(drop);
        }
        let statement = format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name);
        // A process that is gone may still be about to be known as gone, or have connected once more.
        retry("the database is dropped", TIMEOUT, || {
            execute(runtime, &self.server, statement.clone())
        })
    }
}

fn shared_server() -> Result<String> {
    machine::variable("DATABASE_URL").context(
        "DATABASE_URL names no PostgreSQL to make databases in: run `make test`, which brings one",
    )
}

fn script(arguments: &[&str]) -> Result<String> {
    let script = machine::repository().join("scripts/postgres.sh");
    machine::run(Command::new(script).args(arguments))
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
            let (server, name) = (server.to_owned(), "x".to_owned());
            let database = Database { server, name, own_server: None };
            assert_eq!(database.url(), url);
        }
    }
}
