//! Who has had how much of the processors.

use std::{fs, ops::Sub, path::Path};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::docker;

/// Ticks of the kernel's clock per second, in which /proc counts on every architecture that brokerd runs on.
const TICKS: f64 = 100.0;

/// What takes part in answering requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parties {
    server: u32,
    /// Absent where it does not run in a container of this machine.
    database: Option<u64>,
}

/// Seconds of a processor that each has had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    pub(crate) server: f64,
    pub(crate) database: f64,
    pub(crate) client: f64,
}

impl Parties {
    /// A server that is a process, without a database.
    pub(crate) const fn server(server: u32) -> Self {
        Self { server, database: None }
    }

    /// The same with the container that publishes the port of this database.
    pub(crate) fn with_database(self, url: &str) -> Result<Self> {
        let port = url.rsplit('@').next().and_then(|rest| rest.split(['/', '?']).next());
        let port =
            port.and_then(|address| address.rsplit_once(':')).map_or("5432", |(_, port)| port);
        let found =
            docker::docker(&["ps", "-q", "--no-trunc", "--filter", &format!("publish={port}")])?;
        let database = match found.lines().next() {
            Some(id) => docker::inspect(id)?.at("/State/Pid").as_u64(),
            None => None,
        };
        Ok(Self { database, ..self })
    }

    /// What they have had so far.
    pub(crate) fn shares(self) -> Result<Shares> {
        Ok(Shares {
            server: process(self.server)?,
            database: self.database.map_or(Ok(f64::NAN), group)?,
            client: process(std::process::id())?,
        })
    }
}

impl Sub for Shares {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            server: self.server - other.server,
            database: self.database - other.database,
            client: self.client - other.client,
        }
    }
}

/// How many seconds of a processor a process and what it has started have had.
pub(crate) fn process(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before them may have anything in it.
    let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
    let times: Vec<&str> = fields.split(' ').skip(11).take(4).collect();
    ensure!(times.len() == 4, "{stat}");
    let mut ticks = 0.0;
    for time in times {
        ticks += time.parse::<f64>()?;
    }
    Ok(ticks / TICKS)
}

/// The same of the control group that a process is in, probes within a container included.
pub(crate) fn group(pid: u64) -> Result<f64> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    let root = Path::new("/sys/fs/cgroup");
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let path = path.trim_start_matches('/');
        if controllers.split(',').any(|controller| controller == "cpuacct") {
            let file = root.join("cpuacct").join(path).join("cpuacct.usage");
            let nanoseconds: f64 = fs::read_to_string(file)?.trim().parse()?;
            return Ok(nanoseconds / 1e9);
        }
    }
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/")).context("no group")?;
    let stat = fs::read_to_string(root.join(path).join("cpu.stat"))?;
    let usage = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
    let microseconds: f64 = usage.context("no usage")?.parse()?;
    Ok(microseconds / 1e6)
}
