//! brokerd in a container: its own and those of its gateways are where its brokers are.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use brokerd_domain::instance::{InstanceStatus, Volumes};
use brokerd_provisioner::runtime::{
    Ensured, Runtime,
    docker::{DockerOptions, DockerRuntime, Join},
};
use tokio_util::sync::CancellationToken;

use crate::world::*;

impl World {
    /// A container of brokerd's own.
    fn part(&self, role: &str) -> String {
        let ours = format!("brokerd.installation={}", self.installation);
        let role = format!("brokerd.role={role}");
        let labels = ["run", "-d", "--label", &ours, "--label", &role];
        docker(&[&labels[..], &["--init", IMAGE, "sleep", "infinity"]].concat()).expect("run")
    }

    async fn in_container(&mut self, own: &str) {
        let options = DockerOptions {
            join: Join::Container(own.to_owned()),
            ..DockerOptions::new(None, self.installation.clone())
        };
        let connected = DockerRuntime::connect(options, Arc::new(SystemClock)).await;
        self.runtime = connected.expect("connect");
    }

    async fn reach(&self) -> Ensured {
        self.runtime.ensure_reachable(self.broker).await.expect("reach")
    }

    fn network(&self) -> String {
        format!("brokerd-{}-{}", self.installation, self.broker)
    }

    /// Where the instance is in the broker's network.
    fn address(&self) -> IpAddr {
        let ip = self.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
        ip.parse().expect("an address")
    }

    /// Who is in the broker's network.
    fn attached(&self) -> BTreeSet<String> {
        let format = "{{range $id, $_ := .Containers}}{{$id}} {{end}}";
        let ids = docker(&["network", "inspect", "--format", format, &self.network()]);
        ids.expect("inspect").split_whitespace().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn containers_of_brokerd_s_own_come_to_its_brokers_and_leave_with_them() {
    let Some(mut world) = world().await else { return };
    let (own, gateway, stranger) =
        (world.part("brokerd"), world.part("gateway"), world.part("else"));
    world.in_container(&own).await;
    assert_eq!(world.reach().await, Ensured::AlreadyRight, "there is no network yet");
    world.apply(&world.spec(WAIT)).await.expect("apply");
    assert_eq!(world.reach().await, Ensured::AlreadyRight, "whoever makes the network joins it");
    let status = world.status().await;
    let all =
        |gateway: &str| BTreeSet::from([own.clone(), gateway.to_owned(), status.id.0.clone()]);
    assert_eq!(world.attached(), all(&gateway), "the stranger is {stranger}");

    // Engines are reached where they are, by the ports that they have there.
    let ip = world.address();
    let wanted = [5671, 15671].map(|port| (port, (ip, port).into()));
    assert_eq!(status.addresses, wanted.into());

    // A gateway that was replaced is led back as soon as it runs.
    docker(&["rm", "-f", &gateway]).expect("remove the gateway");
    let gateways = world.runtime.gateway_networks().expect("this process is in a container");
    let shutdown = CancellationToken::new();
    let following = tokio::spawn(gateways.follow(shutdown.clone()));
    let gateway = world.part("gateway");
    let begun = Instant::now();
    while world.attached() != all(&gateway) {
        assert!(begun.elapsed() < Duration::from_secs(20), "still {:?}", world.attached());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    shutdown.cancel();
    following.await.expect("no panic");

    // Whatever was lost unseen is joined again before the next pass, and by connecting to the engine. Looking at an
    // instance changes nothing.
    for lost in [&own, &gateway] {
        docker(&["network", "disconnect", &world.network(), lost]).expect("disconnect");
    }
    assert_eq!(world.status().await, status);
    assert_eq!(world.attached(), BTreeSet::from([status.id.0.clone()]));
    assert_eq!(world.reach().await, Ensured::Updated);
    assert_eq!(world.attached(), all(&gateway));
    docker(&["network", "disconnect", &world.network(), &own]).expect("disconnect");
    world.in_container(&own).await;
    assert_eq!(world.attached(), all(&gateway));

    // The network goes with the broker, and one that was stopped meanwhile can be started without it.
    docker(&["kill", &gateway]).expect("kill the gateway");
    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("remove");
    assert_eq!(world.count(), [3, 0, 0]);
    docker(&["start", &gateway]).expect("start the gateway");
}

#[tokio::test]
async fn in_the_network_of_the_host_nothing_is_attached_or_published() {
    let Some(mut world) = world().await else { return };
    let ours = format!("brokerd.installation={}", world.installation);
    let own = docker(&[
        "run",
        "-d",
        "--network",
        "host",
        "--label",
        &ours,
        "--init",
        IMAGE,
        "sleep",
        "infinity",
    ]);
    world.in_container(&own.expect("run")).await;
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let status = world.status().await;
    assert_eq!(world.inspect("{{.HostConfig.PortBindings}}"), "map[]");
    let ip = world.address();
    assert_eq!(status.addresses, [5671, 15671].map(|port| (port, (ip, port).into())).into());
    assert_eq!(world.attached(), BTreeSet::from([status.id.0]));
}

#[tokio::test]
async fn what_was_published_before_is_reached_in_its_network_and_replaced_with_its_container() {
    let Some(mut world) = world().await else { return };
    let published =
        DockerOptions { join: Join::Never, ..DockerOptions::new(None, world.installation.clone()) };
    let beside = DockerOptions { join: Join::Itself, ..published.clone() };
    let connect = async |options| {
        DockerRuntime::connect(options, Arc::new(SystemClock)).await.expect("connect")
    };
    world.runtime = connect(published).await;
    assert_eq!(world.runtime.host_address(), None);
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let former = world.status().await;
    assert!(former.addresses.values().all(|address| address.ip().is_loopback()), "{former:?}");

    world.runtime = connect(beside).await;
    let Some(host) = world.runtime.host_address() else { return };
    std::net::TcpListener::bind((host, 0)).expect("an address of this host");
    let ip = world.address();
    let inside = [5671, 15671].map(|port| (port, (ip, port).into())).into();
    assert_eq!(world.status().await, InstanceStatus { addresses: inside, ..former.clone() });
    world.runtime.remove(&world.name(1), Volumes::Keep).await.expect("remove");
    world.apply(&world.spec(WAIT)).await.expect("apply");
    assert_eq!(world.inspect("{{.HostConfig.PortBindings}}"), "map[]");
    assert_eq!(world.status().await.digest, former.digest);
}
