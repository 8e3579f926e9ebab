//! What ten thousand brokers cost a provisioner: simulated engines, a real PostgreSQL, and the real role of a provisioner
//! between them.
//!
//! `DATABASE_URL=… cargo run --release -p brokerd-provisioner --example scale [BROKERS] [SECONDS] [POSTMASTER]`
//!
//! The database must be empty. POSTMASTER is the process id of its first process as seen from here: without it nobody knows what
//! the database has used of the processors.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]

mod brokers;
mod fleet;
mod usage;
#[expect(dead_code, unreachable_pub, reason = "tests use the rest")]
#[path = "../../tests/world/mod.rs"]
mod world;

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use brokerd_domain::{Clock, EngineType, EngineVersion, Entropy, Timestamp, log::LogLimits};
use brokerd_provisioner::{
    Host, Provisioner, Settings,
    catalogue::EngineSettings,
    engine::activemq::DirectoryAuthorities,
    pki::{
        authorities::Authorities,
        rsa_keys::{self, RsaKeys},
        tls::{self, TlsError},
    },
    queue::QueueSettings,
    reconcile::EndpointSettings,
    secrets::AwsEndpoints,
    tasks::capacity::CapacitySettings,
    telemetry::{logs::LogSettings, metrics::MetricSettings},
};
use brokerd_store::{MasterKey, MetricRetention, PgStore};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use prometheus_client::{encoding::text, registry::Registry};
use rand::{TryRng as _, rngs::SysRng};
use secrecy::SecretString;
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    brokers::{Asked, Kind, With},
    fleet::Fleet,
    usage::{Usage, line, print_database, quantile, resident},
};

/// How many brokers there are, unless told otherwise, and for how long they are watched.
const BROKERS: usize = 10_000;
const SECONDS: u64 = 60;
/// How long anything may take.
const TIMEOUT: Duration = Duration::from_mins(20);
/// How many engines are killed at rest and how many while others change.
const DEATHS: usize = 100;
/// How often.
const BETWEEN_DEATHS: Duration = Duration::from_millis(100);
/// How many requests are under way at once.
const REQUESTS: usize = 8;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is a process of its own")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        SysRng.try_fill_bytes(bytes).expect("the operating system has randomness");
    }
}

/// The same key for every broker: making ten thousand takes an hour.
struct OneRsaKey;

#[async_trait::async_trait]
impl RsaKeys for OneRsaKey {
    async fn take(&self) -> Result<SecretString, TlsError> {
        static KEY: LazyLock<SecretString> =
            LazyLock::new(|| rsa_keys::generate().expect("the system has randomness"));
        Ok(KEY.clone())
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let brokers = arguments.next().map_or(Ok(BROKERS), |text| text.parse()).context("BROKERS")?;
    let seconds = arguments.next().map_or(Ok(SECONDS), |text| text.parse()).context("SECONDS")?;
    let postmaster = arguments.next().map(|text| text.parse()).transpose().context("POSTMASTER")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(brokers, Duration::from_secs(seconds), postmaster))
}

#[expect(clippy::disallowed_methods, reason = "where the database is can only be said outside")]
fn database_url() -> Result<String> {
    std::env::var("DATABASE_URL").context("DATABASE_URL")
}

fn settings() -> Result<Settings> {
    Ok(Settings {
        installation: "scale".parse().ok().context("an installation")?,
        // As brokerd's defaults are.
        queue: QueueSettings {
            normal: 4,
            urgent: 8,
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(5),
        },
        // They boot in no time, and take no processor from anybody.
        boots: Some(usize::MAX >> 4),
        directory_authorities: DirectoryAuthorities::default(),
        worker_registry: std::env::temp_dir().join(format!("brokerd-scale-{}", std::process::id())),
        catalogue: None,
        engines: EngineSettings::default(),
        pull: None,
        open_files: 20_000,
        sized_volumes: false,
        host_capacity: CapacitySettings {
            scale: Some(1.0),
            memory_share: 0.9,
            memory_bytes: None,
            wait_limit: Duration::from_mins(15),
        },
        // There are not as many ports.
        endpoints: EndpointSettings {
            advertised_host: None,
            ip_address: None,
            ports: 20_000..=20_999,
            domain: Some("mq.example".to_owned()),
        },
        aws: AwsEndpoints::default(),
        logs: LogSettings {
            limits: LogLimits {
                lines_per_second: 500,
                burst_lines: 20_000,
                bytes_per_day: 100_000_000,
            },
            keep_days: 30,
        },
        metrics: MetricSettings {
            collect: true,
            retention: MetricRetention {
                minutes: Duration::from_hours(24),
                five_minutes: Duration::from_hours(24 * 15),
                hours: Duration::from_hours(24 * 455),
            },
        },
        alarm_topics: Vec::new(),
    })
}

/// What is measured.
struct Bench {
    with: With,
    fleet: Arc<Fleet>,
    pool: PgPool,
    registry: Registry,
    postmaster: Option<u32>,
    brokers: usize,
}

async fn measure(brokers: usize, span: Duration, postmaster: Option<u32>) -> Result<()> {
    let url = database_url()?;
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(SystemClock), Arc::new(OsEntropy));
    let store = PgStore::connect(&url, 10, MasterKey::new([7; 32]), entropy.clone()).await?;
    let pool = PgPool::connect(&url).await?;
    // Without it, it is told that it is missing.
    drop(sqlx::query("create extension if not exists pg_stat_statements").execute(&pool).await);
    let known = tls::ensure_authority(&store, &*clock, &*entropy).await?;
    let authorities = Arc::new(Authorities::new(known).context("no authority")?);
    let mut registry = Registry::default();
    let (now, random) = (clock.clone(), entropy.clone());
    let settings = settings()?;
    let (worker_registry, installation) =
        (settings.worker_registry.clone(), settings.installation.clone());
    let provisioner =
        Provisioner::new(store.clone(), settings, authorities, now, random, &mut registry).await?;
    let fleet = Arc::new(Fleet::new(installation, clock.clone()));
    let probe = Arc::new(fleet.probe());
    let host = Host { runtime: fleet.clone(), probe, rsa_keys: Arc::new(OneRsaKey) };
    let stop = CancellationToken::new();
    let role = tokio::spawn(provisioner.run_on(host, stop.clone()));
    let offerings = [
        (EngineType::ActiveMq, EngineVersion::new(5, 19)),
        (EngineType::RabbitMq, EngineVersion::new(4, 3)),
    ];
    let with = With { store, clock, entropy, offerings: offerings.into_iter().collect() };
    let mut bench = Bench { with, fleet, pool, registry, postmaster, brokers };
    let measured = bench.run(span).await;
    stop.cancel();
    role.await?;
    drop(std::fs::remove_dir_all(worker_registry));
    measured
}

impl Bench {
    async fn run(&mut self, span: Duration) -> Result<()> {
        println!("{} brokers on simulated engines\n", self.brokers);
        let empty = resident()?;
        let all = self.create().await?;
        let full = resident()?;
        println!("Memory");
        line("without brokers", empty, "MB");
        line("with them", full, "MB");
        line("per broker", (full - empty) / self.brokers as f64 * 1024.0, "KB");
        println!("\nAt rest, {} s", span.as_secs());
        // As brokers are that have been there for hours: each is read again once an hour.
        sqlx::query("update reconcile set due_at = now() + random() * interval '1 hour'")
            .execute(&self.pool)
            .await?;
        sleep(Duration::from_secs(3)).await;
        let (observations, passes) =
            (self.counted("observations_total"), self.counted("pass_seconds_count"));
        let before = Usage::now(&self.pool, self.postmaster).await?;
        sleep(span).await;
        before.print_until(&Usage::now(&self.pool, self.postmaster).await?, self.brokers);
        let per_second = |count: f64| count / span.as_secs_f64();
        line(
            "observations",
            per_second(self.counted("observations_total") - observations),
            "per second",
        );
        line("passes", per_second(self.counted("pass_seconds_count") - passes), "per second");
        line("memory", resident()?, "MB");
        print_database(&self.pool).await?;

        self.fleet.take_time();
        println!("\nFrom a death to the pass that acts on it");
        self.kill("at rest", &all, |kind| kind != Kind::Pair).await?;
        self.kill("at rest, pairs", &all, |kind| kind == Kind::Pair).await?;
        let at_once = (self.brokers / 100).max(3);
        let (changing, others) = all.split_at(at_once);
        let began = Instant::now();
        let changed = self.change(changing);
        let killed = async {
            self.kill("while 1 % change", others, |kind| kind != Kind::Pair).await?;
            self.kill("while 1 % change, pairs", others, |kind| kind == Kind::Pair).await
        };
        let (took, killed) = tokio::join!(changed, killed);
        killed?;
        line("the changes were done after", took?.duration_since(began).as_secs_f64(), "s");
        println!("\nAfterwards");
        line("memory", resident()?, "MB");
        print_database(&self.pool).await
    }

    /// Creates all brokers, by the passes of the provisioner.
    async fn create(&self) -> Result<Vec<Asked>> {
        let (began, before) = (Instant::now(), Usage::now(&self.pool, self.postmaster).await?);
        let with = &self.with;
        let all: Vec<Asked> = stream::iter(0..self.brokers)
            .map(|number| with.create(number))
            .buffered(REQUESTS)
            .try_collect()
            .await?;
        let asked = began.elapsed();
        self.until_all_run(self.brokers).await?;
        println!("Creating them");
        line("asked for", self.brokers as f64 / asked.as_secs_f64(), "per second");
        line("made", self.brokers as f64 / began.elapsed().as_secs_f64(), "per second");
        line("engines", self.fleet.len() as f64, "");
        before.print_until(&Usage::now(&self.pool, self.postmaster).await?, self.brokers);
        println!();
        Ok(all)
    }

    /// Waits until so many brokers run and are watched, and no pass is on its way.
    async fn until_all_run(&self, brokers: usize) -> Result<()> {
        let began = Instant::now();
        loop {
            let (running, busy): (i64, i64) = sqlx::query_as(
                "select (select count(*) from broker where status->>'observed_generation' is not null
                           and reboots_requested = coalesce((status->>'reboots_done')::bigint, 0)),
                        (select count(*) from reconcile where due_at <= now() or lease_holder is not null)",
            )
            .fetch_one(&self.pool)
            .await?;
            if usize::try_from(running)? == brokers && busy == 0 {
                return Ok(());
            }
            ensure!(began.elapsed() < TIMEOUT, "{running} of {brokers} run, {busy} are worked on");
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Kills an engine now and then, and prints how long it took until a pass of its broker began.
    async fn kill(&self, when: &str, brokers: &[Asked], of: impl Fn(Kind) -> bool) -> Result<()> {
        let chosen: Vec<&Asked> = brokers
            .iter()
            .enumerate()
            .filter(|(place, _)| of(Kind::of(place + self.brokers - brokers.len())))
            .map(|(_, asked)| asked)
            .collect();
        let each = (chosen.len() / DEATHS).max(1);
        for broker in chosen.iter().step_by(each).take(DEATHS) {
            ensure!(self.fleet.kill(broker.id), "no engine of {} serves", broker.id);
            sleep(BETWEEN_DEATHS).await;
        }
        let (began, mut reactions) = (Instant::now(), Vec::new());
        loop {
            let (more, left) = self.fleet.reactions();
            reactions.extend(more);
            if left == 0 {
                break;
            }
            ensure!(began.elapsed() < TIMEOUT, "{left} deaths were never noticed");
            sleep(Duration::from_millis(50)).await;
        }
        let of = |share, reactions: &mut Vec<Duration>| quantile(reactions, share);
        println!(
            "  {when:<32}{:>6} deaths: p50 {:>8.1} ms, p99 {:>8.1} ms, most {:>8.1} ms",
            reactions.len(),
            of(0.5, &mut reactions),
            of(0.99, &mut reactions),
            of(1.0, &mut reactions),
        );
        Ok(())
    }

    /// A third of these is rebooted, a third deleted, and as many new ones come; when that was done.
    async fn change(&self, brokers: &[Asked]) -> Result<Instant> {
        let (rebooted, deleted) = brokers.split_at(brokers.len() / 2);
        let new = self.brokers..self.brokers + deleted.len();
        let with = &self.with;
        let reboots =
            stream::iter(rebooted).map(Ok).try_for_each_concurrent(REQUESTS, |b| with.reboot(b));
        let deletions =
            stream::iter(deleted).map(Ok).try_for_each_concurrent(REQUESTS, |b| with.delete(b));
        let creations =
            stream::iter(new).map(Ok).try_for_each_concurrent(REQUESTS, |number| async move {
                with.create(number).await.map(drop)
            });
        tokio::try_join!(reboots, deletions, creations)?;
        self.until_all_run(self.brokers).await?;
        Ok(Instant::now())
    }

    /// A counter of the provisioner.
    fn counted(&self, name: &str) -> f64 {
        let mut page = String::new();
        if text::encode(&mut page, &self.registry).is_err() {
            return f64::NAN;
        }
        let name = format!("brokerd_provisioner_{name} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(f64::NAN)
    }
}
