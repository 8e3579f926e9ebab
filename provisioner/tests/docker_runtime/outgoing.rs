//! What instances connect to: the rules of the host's packet filter.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use brokerd_domain::{BrokerId, Cidr};

use brokerd_provisioner::runtime::{
    Runtime, RuntimeErrorClass,
    docker::{DockerOptions, DockerRuntime},
    outgoing::{HostService, Outgoing, OutgoingLimits, Unlimited},
};

use crate::world::{SystemClock, WAIT, World, class, docker, world};

const FIREWALL: &str = "brokerd/firewall:trixie";

/// An installation; nothing, if nobody can restrict it.
async fn restrictable() -> Option<World> {
    let world = world().await?;
    if docker(&["image", "inspect", FIREWALL]).is_ok() {
        return Some(world);
    }
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!must, "there is no image {FIREWALL}");
    eprintln!("SKIPPED: there is no image {FIREWALL}");
    None
}

fn firewall(arguments: &[&str]) -> Result<String, String> {
    let rights = ["--network", "host", "--userns", "host", "--cap-add", "NET_ADMIN", FIREWALL];
    docker(&[&["run", "--rm"], &rights[..], arguments].concat())
}

/// The rules of an installation, which go with this.
struct Table(String);

impl Table {
    fn is_there(&self) -> bool {
        firewall(&["list"]).expect("tables").lines().any(|line| line == self.0)
    }

    fn flush(&self) {
        firewall(&["remove", &self.0]).expect("removed");
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let _ = firewall(&["remove", &self.0]);
    }
}

async fn restricted(world: &World, outgoing: Outgoing) -> DockerRuntime {
    limited(world, outgoing, Arc::new(Unlimited)).await
}

async fn limited(
    world: &World,
    outgoing: Outgoing,
    limits: Arc<dyn OutgoingLimits>,
) -> DockerRuntime {
    let options = DockerOptions {
        outgoing: Some(outgoing),
        limits,
        ..DockerOptions::new(None, world.installation.clone())
    };
    DockerRuntime::connect(options, Arc::new(SystemClock)).await.expect("connected")
}

fn outgoing(port: u16) -> Outgoing {
    Outgoing {
        allowed: None,
        denied: Vec::new(),
        host_services: Vec::new(),
        endpoint_ports: vec![port..=port],
    }
}

/// Whether the instance gets a connection.
fn connects(world: &World, to: &str, port: u16) -> bool {
    let script = format!("timeout 2 bash -c 'exec 3<>/dev/tcp/{to}/{port}'");
    world.exec(&script).is_ok()
}

/// The same where it is expected to: on a busy machine it may take longer than the instance waits.
fn reaches(world: &World, to: &str, port: u16) -> bool {
    (0..5).any(|_| connects(world, to, port))
}

#[tokio::test]
async fn outgoing_connections_are_restricted_before_instances_start_and_again_after_a_flush() {
    let Some(world) = restrictable().await else { return };
    let table = Table(format!("brokerd-{}", world.installation));
    let [open, shut] = [(); 2].map(|()| TcpListener::bind("0.0.0.0:0").expect("a listener"));
    let [open, shut] = [&open, &shut].map(|l| l.local_addr().expect("an address").port());
    // Every one and no other: of the ranges that may be allowed, those cover all addresses.
    let everything = ["0.0.0.0/0", "::/0"].map(|range| range.parse().expect(range));
    let outgoing = Outgoing { allowed: Some(everything.to_vec()), ..outgoing(open) };
    let runtime = restricted(&world, outgoing).await;
    assert!(!table.is_there(), "nobody starts anything yet");
    runtime.apply(&world.spec(WAIT)).await.expect("applied");
    world.until_up().await;
    assert!(table.is_there());

    let network = format!("brokerd-{}-{}", world.installation, world.broker);
    let of_network =
        |format: &str| docker(&["network", "inspect", "-f", format, &network]).expect("a network");
    let bridge = of_network("{{index .Options \"com.docker.network.bridge.name\"}}");
    assert!(bridge.starts_with("bd") && bridge.len() == 15, "{bridge}");
    let host = of_network("{{range .IPAM.Config}}{{.Gateway}}{{end}}");
    assert!(reaches(&world, &host, open), "endpoints are not reached");
    assert!(!connects(&world, &host, shut), "a service of the host is");

    table.flush();
    assert!(reaches(&world, &host, shut), "it is not the rules that keep it shut");
    let firewall = runtime.firewall().expect("a firewall");
    assert!(firewall.apply().await.expect("applied"), "they were gone");
    assert!(!connects(&world, &host, shut), "a service of the host is reached");
    assert!(!firewall.apply().await.expect("applied"), "they were there");
}

#[tokio::test]
async fn networks_of_an_older_brokerd_are_restricted_too() {
    let Some(world) = restrictable().await else { return };
    let table = Table(format!("brokerd-{}", world.installation));
    let name = format!("brokerd-{}-{}", world.installation, world.broker);
    let labels = [
        format!("brokerd.installation={}", world.installation),
        format!("brokerd.broker={}", world.broker),
    ];
    docker(&["network", "create", "--label", &labels[0], "--label", &labels[1], &name])
        .expect("made");
    let listener = TcpListener::bind("0.0.0.0:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let runtime = restricted(&world, outgoing(1)).await;
    runtime.apply(&world.spec(WAIT)).await.expect("applied");
    world.until_up().await;
    let host =
        docker(&["network", "inspect", "-f", "{{range .IPAM.Config}}{{.Gateway}}{{end}}", &name]);
    let host = host.expect("a network");
    assert!(!connects(&world, &host, port), "a service of the host is reached");
    table.flush();
    assert!(reaches(&world, &host, port), "it is not the rules that keep it shut");
}

/// What accounts permit, as far as anybody knows.
#[derive(Debug)]
struct Limits(Mutex<Result<BTreeMap<BrokerId, Vec<Cidr>>, String>>);

impl Limits {
    fn set(&self, limits: Result<BTreeMap<BrokerId, Vec<Cidr>>, String>) {
        *self.0.lock().expect("not poisoned") = limits;
    }
}

#[async_trait]
impl OutgoingLimits for Limits {
    async fn current(&self) -> Result<BTreeMap<BrokerId, Vec<Cidr>>, String> {
        self.0.lock().expect("not poisoned").clone()
    }
}

#[tokio::test]
async fn a_broker_whose_account_permits_less_reaches_endpoints_and_what_is_permitted() {
    let Some(world) = restrictable().await else { return };
    let table = Table(format!("brokerd-{}", world.installation));
    let [endpoint, service] = [(); 2].map(|()| TcpListener::bind("0.0.0.0:0").expect("a listener"));
    let [endpoint, service] =
        [&endpoint, &service].map(|l| l.local_addr().expect("an address").port());
    let limits = Arc::new(Limits(Mutex::new(Err("the database is away".to_owned()))));
    let host_services = vec![HostService::Anywhere(service)];
    let outgoing = Outgoing { host_services, ..outgoing(endpoint) };
    let runtime = limited(&world, outgoing, limits.clone()).await;
    let refused = runtime.apply(&world.spec(WAIT)).await;
    let transient = Some(RuntimeErrorClass::Transient);
    assert_eq!(class(refused), transient, "nobody knows what it may reach");

    let of = |ranges: &[&str]| {
        let ranges = ranges.iter().map(|range| range.parse().expect(range)).collect();
        Ok(BTreeMap::from([(world.broker, ranges)]))
    };
    limits.set(of(&["192.0.2.0/24"]));
    runtime.apply(&world.spec(WAIT)).await.expect("applied");
    world.until_up().await;
    assert!(table.is_there());
    let network = format!("brokerd-{}-{}", world.installation, world.broker);
    let gateway = "{{range .IPAM.Config}}{{.Gateway}}{{end}}";
    let host = docker(&["network", "inspect", "-f", gateway, &network]).expect("a network");
    assert!(reaches(&world, &host, endpoint), "endpoints are not reached");
    assert!(!connects(&world, &host, service), "a service that its account excludes is reached");

    let firewall = runtime.firewall().expect("a firewall");
    let own = format!("{host}/32");
    for (limit, reached) in [(of(&[&own]), true), (of(&[]), false), (Ok(BTreeMap::new()), true)] {
        limits.set(limit.clone());
        firewall.apply().await.expect("applied");
        let get = if reached { reaches } else { connects };
        assert_eq!(get(&world, &host, service), reached, "{limit:?}");
        assert!(reaches(&world, &host, endpoint), "endpoints are not reached with {limit:?}");
    }
    limits.set(of(&[]));
    firewall.apply().await.expect("applied");
    limits.set(Err("the database is away".to_owned()));
    firewall.apply().await.expect_err("nobody knows what it may reach");
    assert!(!connects(&world, &host, service), "the last limit is no longer in force");
}
