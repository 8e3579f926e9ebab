//! What it costs: processors, memory, and what the database has done.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use sqlx::{PgPool, Row as _};

/// Ticks of the kernel's clock per second, in which /proc counts on every architecture that brokerd runs on.
const TICKS: f64 = 100.0;

/// What was used until a moment.
pub(crate) struct Usage {
    at: Instant,
    own: f64,
    database: Option<f64>,
    transactions: i64,
    statements: Option<HashMap<String, Statement>>,
}

/// How often a statement was made, and how long all of that took, in milliseconds.
#[derive(Clone, Copy)]
struct Statement {
    calls: i64,
    took: f64,
}

impl Usage {
    /// Until now; of the database whose first process is `postmaster`, if that is known.
    pub(crate) async fn now(pool: &PgPool, postmaster: Option<u32>) -> Result<Self> {
        // A session tells the others what it did when it has been quiet for a second.
        let transactions: i64 = sqlx::query_scalar(
            "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
        )
        .fetch_one(pool)
        .await?;
        Ok(Self {
            at: Instant::now(),
            own: process(std::process::id())?.seconds,
            database: postmaster.map(family).transpose()?,
            transactions,
            statements: statements(pool).await.ok(),
        })
    }

    /// What was used between two moments.
    pub(crate) fn print_until(&self, then: &Self, brokers: usize) {
        let seconds = then.at.duration_since(self.at).as_secs_f64();
        let share = |cpu: f64| cpu / seconds * 100.0;
        line("CPU, provisioner and simulated engines", share(then.own - self.own), "% of a core");
        if let (Some(before), Some(after)) = (self.database, then.database) {
            line("CPU, PostgreSQL", share(after - before), "% of a core");
        }
        let transactions = (then.transactions - self.transactions) as f64 / seconds;
        line("transactions", transactions, "per second");
        let (Some(before), Some(after)) = (&self.statements, &then.statements) else {
            println!("  statements: PostgreSQL has not loaded pg_stat_statements");
            return;
        };
        let mut made: Vec<(&str, f64, f64)> = after
            .iter()
            .map(|(text, after)| {
                let before = before.get(text).copied().unwrap_or(Statement { calls: 0, took: 0.0 });
                let calls = (after.calls - before.calls) as f64 / seconds;
                (text.as_str(), calls, (after.took - before.took) / seconds)
            })
            .filter(|(text, calls, _)| *calls > 0.0 && !text.contains("pg_stat"))
            .collect();
        let all: f64 = made.iter().map(|(_, calls, _)| calls).sum();
        line("statements", all, "per second");
        line("statements, per broker", all / brokers as f64 * 1000.0, "per 1000 s");
        made.sort_unstable_by(|a, b| b.2.total_cmp(&a.2));
        for (text, calls, took) in made.iter().take(6) {
            let words: String =
                text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(70).collect();
            println!("    {calls:>8.2}/s {took:>8.2} ms/s  {words}");
        }
    }
}

pub(crate) fn line(what: &str, value: f64, unit: &str) {
    println!("  {what:<44}{value:>10.2} {unit}");
}

/// A process: its parent, and how many seconds of a processor it has had.
struct Process {
    parent: u32,
    seconds: f64,
    /// The same of those it has waited for.
    children: f64,
}

fn process(pid: u32) -> Result<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before them may have anything in it.
    let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    ensure!(fields.len() > 14, "{stat}");
    let sum = |range: std::ops::Range<usize>| -> Result<f64> {
        let mut ticks = 0.0;
        for field in &fields[range] {
            ticks += field.parse::<f64>()?;
        }
        Ok(ticks / TICKS)
    };
    Ok(Process { parent: fields[1].parse()?, seconds: sum(11..13)?, children: sum(13..15)? })
}

/// How many seconds of a processor a process and what it has started have had.
fn family(first: u32) -> Result<f64> {
    let parent = process(first)?;
    let mut seconds = parent.seconds + parent.children;
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        if let Ok(child) = process(pid)
            && child.parent == first
        {
            seconds += child.seconds + child.children;
        }
    }
    Ok(seconds)
}

/// How much memory this process has, in megabytes.
pub(crate) fn resident() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kilobytes / 1024.0)
}

async fn statements(pool: &PgPool) -> Result<HashMap<String, Statement>> {
    let rows = sqlx::query(
        "select query, sum(calls)::bigint as calls, sum(total_exec_time) as took
         from pg_stat_statements
         where dbid = (select oid from pg_database where datname = current_database())
         group by query",
    )
    .fetch_all(pool)
    .await?;
    let statement = |row: sqlx::postgres::PgRow| {
        let (calls, took) = (row.try_get("calls")?, row.try_get("took")?);
        Ok((row.try_get("query")?, Statement { calls, took }))
    };
    rows.into_iter().map(statement).collect()
}

/// What the database holds.
pub(crate) async fn print_database(pool: &PgPool) -> Result<()> {
    let size: i64 =
        sqlx::query_scalar("select pg_database_size(current_database())").fetch_one(pool).await?;
    line("database", size as f64 / 1e6, "MB");
    let rows = sqlx::query(
        "select relname::text as name, pg_total_relation_size(relid) as size, n_live_tup as live,
                n_dead_tup as dead, autovacuum_count as vacuums
         from pg_stat_user_tables order by pg_total_relation_size(relid) desc limit 5",
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let name: String = row.try_get("name")?;
        let figures: [i64; 4] = [
            row.try_get("size")?,
            row.try_get("live")?,
            row.try_get("dead")?,
            row.try_get("vacuums")?,
        ];
        let [size, live, dead, vacuums] = figures;
        println!(
            "    {name:<24}{:>8.1} MB, {live} rows, {dead} dead, vacuumed {vacuums} times by itself",
            size as f64 / 1e6
        );
    }
    Ok(())
}

/// The value that this share of all values does not exceed, in milliseconds.
pub(crate) fn quantile(durations: &mut [Duration], share: f64) -> f64 {
    durations.sort_unstable();
    let at = (durations.len() as f64 * share).ceil() as usize;
    let value = durations.get(at.saturating_sub(1).min(durations.len().saturating_sub(1)));
    value.map_or(f64::NAN, |value| value.as_secs_f64() * 1e3)
}
