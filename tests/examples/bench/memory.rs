//! How much memory brokerd itself needs while brokers run.

use std::{fs, time::Instant};

use anyhow::{Context as _, Result};
use brokerd_tests::{World, docker, machine};

use crate::{
    Bench,
    brokers::{self, SUBJECTS},
    http::signed,
    statistics::{load_average, verdict},
};

/// How many brokers run.
const BROKERS: usize = 10;

/// How much brokerd may take then, in MB.
const TARGET: f64 = 60.0;

/// A process's memory in MB: all of it, what is its own, and the most it ever was.
pub(crate) struct Resident {
    all: f64,
    anonymous: f64,
    most: f64,
}

impl Resident {
    /// Of the world's brokerd.
    pub(crate) fn of(world: &World) -> Result<Self> {
        let pid = world.pid().context("brokerd does not run")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let value = |name: &str| -> Result<f64> {
            let lines = status.lines().filter_map(|line| line.split_once(':'));
            let mut found = lines.filter(|(key, _)| *key == name);
            let (_, value) = found.next().with_context(|| format!("no {name}"))?;
            let kib: f64 = value.trim().trim_end_matches(" kB").parse()?;
            Ok(kib * 1024.0 / 1e6)
        };
        Ok(Self { all: value("VmRSS")?, anonymous: value("RssAnon")?, most: value("VmHWM")? })
    }
}

impl std::fmt::Display for Resident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { all, anonymous, most } = self;
        write!(
            f,
            "{all:.1} MB ({anonymous:.1} of its own, the rest pages of the binary; {most:.1} at most)"
        )
    }
}

pub(crate) fn measure(bench: &Bench, world: &World) -> Result<()> {
    let api = &world.api;
    let before = Resident::of(world)?;
    let begin = Instant::now();
    let mut requests = Vec::new();
    for (n, subject) in SUBJECTS.iter().cycle().take(BROKERS).enumerate() {
        let name = format!("resident-{n}");
        requests.push(signed(api, "POST", "/v1/brokers", &subject.body(&name))?);
    }
    machine::say(&format!("bench: creating {BROKERS} brokers at once"));
    bench.wait(brokers::all_running(api, &requests))?;
    let took = begin.elapsed();
    let resident = Resident::of(world)?;
    let mut live = 0;
    for id in docker::containers(&world.label())? {
        live += usize::from(docker::inspect(&id)?.running());
    }
    println!("brokerd's resident memory, all roles in one process");
    println!("  load average {}", load_average());
    println!("  without brokers   {before}");
    println!("  with {live} running   {resident}; created at once in {:.1} s", took.as_secs_f64());
    println!("  at most {TARGET} MB with {BROKERS}: {}\n", verdict(resident.all <= TARGET));
    Ok(())
}
