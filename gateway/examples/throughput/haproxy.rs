//! The path through HAProxy: a process of this one, with a configuration of its own. The benchmark of
//! brokers takes the same path.

use std::{
    fs,
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::sleep,
};

/// Where it is; the second one is Debian's, and not in everybody's path.
const PROGRAMS: [&str; 2] = ["haproxy", "/usr/sbin/haproxy"];

/// How long it may take to listen.
const START: Duration = Duration::from_secs(10);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A running HAProxy; it ends when this goes.
pub(crate) struct HaProxy {
    child: Child,
    pub(crate) version: String,
    /// For everybody.
    pub(crate) plain: SocketAddr,
    /// By the name that clients ask for.
    pub(crate) named: SocketAddr,
}

/// A file that is gone when this goes.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // It was removed already, or there is nobody to tell.
        let _ = fs::remove_file(&self.0);
    }
}

impl HaProxy {
    /// Starts it in front of an engine of this name, and waits until it listens; nothing where it is not
    /// installed.
    pub(crate) async fn start(engine: SocketAddr, name: &str) -> Result<Option<Self>> {
        for program in PROGRAMS {
            if let Some(version) = version(program).await? {
                return Self::start_program(program, version, engine, name).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn start_program(
        program: &str,
        version: String,
        engine: SocketAddr,
        name: &str,
    ) -> Result<Self> {
        let (plain, named) = (free_address().await?, free_address().await?);
        let file = format!("brokerd-throughput-{}.cfg", std::process::id());
        // It is read once, at the start.
        let file = Passing(std::env::temp_dir().join(file));
        write_new(&file.0, &configuration(plain, named, engine, name))?;
        let mut child = Command::new(program)
            // In the foreground, as one process.
            .args(["-db", "-f"])
            .arg(&file.0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let begin = Instant::now();
        while TcpStream::connect(plain).await.is_err() {
            ensure!(child.try_wait()?.is_none(), "HAProxy has ended; its words are above");
            ensure!(begin.elapsed() < START, "HAProxy does not listen after {START:?}");
            sleep(LOOK_AGAIN).await;
        }
        Ok(Self { child, version, plain, named })
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// An address that is free now.
pub(crate) async fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

/// What it says that it is; nothing if there is no such program.
async fn version(program: &str) -> Result<Option<String>> {
    match Command::new(program).arg("-v").output().await {
        Ok(output) => {
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            Ok(Some(printed.lines().next().unwrap_or("HAProxy of an unknown version").to_owned()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("can't run {program}")),
    }
}

/// Never follows what somebody has put there.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::File::create_new(path).with_context(|| path.display().to_string())?;
    Ok(std::io::Write::write_all(&mut file, text.as_bytes())?)
}

/// As little as it takes to pass everything on, and to tell names apart.
fn configuration(plain: SocketAddr, named: SocketAddr, engine: SocketAddr, name: &str) -> String {
    format!(
        "\
global
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend plain
    bind {plain}
    default_backend engine
frontend named
    bind {named}
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
    use_backend engine if {{ req.ssl_sni -i {name} }}
backend engine
    server engine {engine}
"
    )
}
