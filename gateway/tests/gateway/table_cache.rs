//! The cached table of routes.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use anyhow::{Context as _, Result};
use brokerd_domain::Protocol;
use brokerd_gateway::Options;
use brokerd_store::{Entrance, Route};

use crate::{
    admission::rule,
    support::{Engine, Fixture, connect, free_port, greeting, options, route, until},
};

/// A directory that is gone after the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Result<Self> {
        let path =
            std::env::temp_dir().join(format!("brokerd-gateway-{}-{name}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn file(&self) -> PathBuf {
        self.0.join("routes.json")
    }

    fn options(&self) -> Options {
        Options { table_file: Some(self.file()), ..options() }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_gateway_that_starts_without_a_database_serves_by_the_last_good_table() -> Result<()> {
    let directory = Directory::new("restart")?;
    let (engine, next) = (Engine::start(b'a').await?, Engine::start(b'b').await?);
    let port = free_port();
    let mut mine = route(port, Some(engine.address));
    mine.admitted = Some(vec![rule("127.0.0.0/8", 0, 65535)]);
    let first = Fixture::start_with(Some(vec![mine.clone()]), directory.options(), false);
    first.listening_on(&[port]).await?;
    until("the file", || directory.file().exists()).await?;
    assert_eq!(fs::metadata(directory.file())?.permissions().mode() & 0o777, 0o600);
    // The engine moves while the first gateway still reads.
    mine.target.addresses = vec![next.address];
    first.answer(Some(vec![mine.clone()]));
    let address = next.address.to_string();
    until("the new target in the file", || {
        fs::read_to_string(directory.file()).is_ok_and(|text| text.contains(&address))
    })
    .await?;
    first.stop().await?;
    // What a crash in the middle of a write leaves.
    fs::write(directory.0.join("routes.json.new"), "{\"version\":1,\"rou")?;

    let second = Fixture::start_with(None, directory.options(), false);
    second.listening_on(&[port]).await?;
    assert!(second.gateway.ready());
    assert_eq!(second.metrics.table_stale.get(), 1);
    assert_eq!(greeting(&mut connect(port).await?).await?, b'b');
    // The database is back, and moves on.
    mine.target.addresses = vec![engine.address];
    second.answer(Some(vec![mine]));
    until("a fresh table", || second.metrics.table_stale.get() == 0).await?;
    assert_eq!(greeting(&mut connect(port).await?).await?, b'a');
    second.stop().await?;
    let left = fs::read_dir(&directory.0)?.map(|entry| Ok(entry?.file_name()));
    assert_eq!(left.collect::<Result<Vec<_>>>()?, ["routes.json"]);
    Ok(())
}

#[tokio::test]
async fn a_database_that_answers_is_believed_and_not_the_file() -> Result<()> {
    let directory = Directory::new("fresh")?;
    let (old, new) = (free_port(), free_port());
    let first = Fixture::start_with(Some(vec![route(old, None)]), directory.options(), false);
    first.listening_on(&[old]).await?;
    until("the file", || directory.file().exists()).await?;
    first.stop().await?;
    let second = Fixture::start_with(Some(vec![route(new, None)]), directory.options(), false);
    second.listening_on(&[new]).await?;
    second.stop().await
}

#[tokio::test]
async fn a_malformed_file_is_ignored() -> Result<()> {
    let directory = Directory::new("broken")?;
    for text in ["", "{", "[]", r#"{"version":2,"routes":[]}"#, r#"{"version":1,"routes":[{}]}"#] {
        fs::write(directory.file(), text)?;
        let fixture = Fixture::start_with(None, directory.options(), false);
        until("a failed reading", || fixture.metrics.table_read_failures.get() > 1).await?;
        assert!(!fixture.gateway.ready(), "{text}");
        fixture.answer(Some(Vec::new()));
        fixture.listening_on(&[]).await?;
        let written = fs::read_to_string(directory.file());
        until("a good file", || {
            fs::read_to_string(directory.file())
                .is_ok_and(|t| t.starts_with(r#"{"version":1,"routes":[]"#))
        })
        .await
        .with_context(|| format!("{text}: {written:?}"))?;
        fixture.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_table_that_cannot_be_kept_is_served_all_the_same() -> Result<()> {
    let directory = Directory::new("nowhere")?;
    let nowhere = Options { table_file: Some(directory.0.join("no/such")), ..options() };
    let port = free_port();
    let fixture = Fixture::start_with(Some(vec![route(port, None)]), nowhere, false);
    fixture.listening_on(&[port]).await?;
    until("the failure", || fixture.metrics.table_cache_write_failures.get() > 0).await?;
    fixture.stop().await
}

#[test]
fn the_form_of_the_file_is_that_of_version_1() {
    // Another form needs another version: a gateway of today reads the file of yesterday's.
    let mut named = route(1, Some("127.0.0.1:2".parse().expect("an address")));
    named.entrance = Entrance::Name("b.example".to_owned());
    named.admitted = Some(vec![rule("10.0.0.0/8", 1, 2)]);
    named.target.protocol = Protocol::Wss;
    let text = r#"{"broker":"b-00000000-0000-0000-0000-000000000001","entrance":{"name":"b.example"},"standard_ports":[5671],"public":false,"connection_limit":null,"admitted":[{"from_port":1,"to_port":2,"cidr":"10.0.0.0/8","description":null}],"target":{"ordinal":1,"protocol":"wss","addresses":["127.0.0.1:2"]}}"#;
    assert_eq!(serde_json::to_string(&named).expect("JSON"), text);
    assert_eq!(serde_json::from_str::<Route>(text).expect("a route"), named);
}
