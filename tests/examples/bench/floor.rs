//! What this machine can do at most: an endpoint that does nothing, a row that is only written.

use std::{
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, routing::get};
use sqlx::{Connection as _, PgConnection};
use tokio::{net::TcpListener, task::JoinSet};

/// The argument that makes this program serve [`Hello`].
pub(crate) const ARGUMENT: &str = "hello";

/// How many rows each connection writes.
const ROWS: usize = 200;

/// Serves until it is killed; says first where.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        let router = Router::new().route("/", get(async || "hello\n"));
        Ok(axum::serve(listener, router).await?)
    })
}

/// An axum server with one endpoint that says hello, in a process of its own like brokerd.
pub(crate) struct Hello {
    child: Child,
    pub(crate) address: String,
}

impl Hello {
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the endpoint that does nothing")?;
        let mut address = String::new();
        let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut address));
        let hello = Self { child, address: address.trim().to_owned() };
        read.context("no standard output")??;
        ensure!(!hello.address.is_empty(), "the endpoint that does nothing did not start");
        Ok(hello)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn request(&self) -> Vec<u8> {
        format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", self.address).into_bytes()
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How the database is set up: what it says of its version and of flushing to disk.
pub(crate) async fn database(url: &str) -> Result<(String, bool)> {
    let mut connection = PgConnection::connect(url).await?;
    let mut shown = Vec::new();
    for statement in ["show server_version", "show fsync", "show synchronous_commit"] {
        shown.push(sqlx::query_scalar::<_, String>(statement).fetch_one(&mut connection).await?);
    }
    sqlx::query("create table if not exists bench_row (n int not null)")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok((shown[0].clone(), shown[1] == "on" && shown[2] == "on"))
}

/// Rows, each durable before the next of the same connection: how long each took, and how many that is
/// per second.
pub(crate) async fn rows(url: &str, connections: usize) -> Result<(Vec<Duration>, f64)> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(url).await?);
    }
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for mut connection in open {
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(ROWS);
            for _ in 0..ROWS {
                let begin = Instant::now();
                sqlx::query("insert into bench_row values (1)").execute(&mut connection).await?;
                took.push(begin.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let mut took = Vec::new();
    while let Some(one) = tasks.join_next().await {
        took.extend(one??);
    }
    let rate = took.len() as f64 / begin.elapsed().as_secs_f64();
    Ok((took, rate))
}
