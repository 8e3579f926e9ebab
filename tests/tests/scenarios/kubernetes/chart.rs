//! brokerd itself in the cluster, as its chart installs it.

use std::{
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use aws_sdk_mq::types::DeploymentMode;
use brokerd_tests::{
    NewBroker, Steady,
    chart::Release,
    eventually,
    kubernetes::{Cluster, TIMEOUT},
    machine,
};
use serde_json::Value;

/// Connects to addresses again and again, and counts how often that is refused or takes too long.
struct Caller {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<(u64, Vec<String>)>,
}

impl Caller {
    fn begin(addresses: Vec<SocketAddr>) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = thread::spawn(move || {
            let (mut calls, mut refused) = (0, Vec::new());
            let began = Instant::now();
            for address in addresses.iter().cycle() {
                if told.load(Ordering::Relaxed) {
                    break;
                }
                calls += 1;
                if let Err(error) = TcpStream::connect_timeout(address, Duration::from_secs(2)) {
                    refused.push(format!("{address} after {:.1?}: {error}", began.elapsed()));
                }
                thread::sleep(Duration::from_millis(10));
            }
            (calls, refused)
        });
        Self { ends, thread }
    }

    /// Nothing was refused.
    fn was_served(self) -> Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        let (calls, refused) = self.thread.join().map_err(|_| anyhow!("the caller panicked"))?;
        machine::say(&format!("{calls} connections, {} refused", refused.len()));
        ensure!(refused.is_empty(), "of {calls} connections: {refused:?}");
        Ok(())
    }
}

/// Which instance of a pair serves.
fn active(release: &Release, id: &str) -> Result<u64> {
    let answer = release.api.get(&format!("/brokerd/v1/brokers/{id}"))?;
    let inspected: Value = serde_json::from_str(&answer.body)?;
    let mut instances = inspected["instances"].as_array().into_iter().flatten();
    let active = instances.find(|instance| instance["role"] == "ACTIVE");
    active.and_then(|active| active["instance"].as_u64()).context("none serves")
}

#[test]
#[ignore = "takes two minutes more: `make test-kubernetes`"]
fn a_brokerd_in_the_cluster_serves_while_its_replicas_are_killed_and_upgraded() -> Result<()> {
    let Some(cluster) = Cluster::find("brokerd in Kubernetes")? else { return Ok(()) };
    let began = Instant::now();
    let release = Release::install(&cluster)?;
    machine::say(&format!("installed and reconfigured in {:.1?}", began.elapsed()));
    let new = NewBroker::activemq("pair").deployed(DeploymentMode::ActiveStandbyMultiAz);
    let began = Instant::now();
    let id = release.api.create(&new)?;
    release.api.wait_until_running(&id)?;
    let mut clients = Steady::begin_at(&release.api, &release.ca, &id, "steady")?;
    clients.longest_pause()?;
    machine::say(&format!("a pair served its clients after {:.1?}", began.elapsed()));

    for part in ["api", "provisioner", "gateway"] {
        release.kill_one(part)?;
        let pause = clients.longest_pause()?;
        machine::say(&format!("a killed {part}: clients waited for {:.1} s", pause.as_secs_f64()));
    }
    // Whoever watches the pair by now, it fails over.
    let active = active(&release, &id)?;
    let pod = format!("{id}-{active}");
    cluster.kubectl_in(&release.engines(), &["delete", "pod", &pod, "--wait=false"])?;
    eventually("the other one serves", TIMEOUT, || {
        Ok(self::active(&release, &id).is_ok_and(|now| now != active).then_some(()))
    })?;
    let pause = clients.longest_pause()?;
    machine::say(&format!("a deleted pod: clients waited for {:.1} s", pause.as_secs_f64()));

    let endpoint = release.api.endpoint(&id, "stomp+ssl")?;
    let endpoint = endpoint.rsplit('/').next().context("an address")?.parse()?;
    let caller = Caller::begin(vec![endpoint, release.api.address().parse()?]);
    let began = Instant::now();
    release.upgrade(&["podAnnotations.upgraded=again"])?;
    machine::say(&format!("all replicas replaced in {:.1?}", began.elapsed()));
    caller.was_served()?;
    let pause = clients.longest_pause()?;
    machine::say(&format!("an upgrade: clients waited for {:.1} s", pause.as_secs_f64()));

    clients.lost_nothing("STOMP")?;
    release.api.delete(&id)?;
    release.api.wait_until_gone(&id)?;
    eventually("nothing is left", TIMEOUT, || Ok(release.objects()?.is_empty().then_some(())))
}
