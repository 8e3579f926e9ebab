//! The Docker runtime against a real engine: what only this runtime does. What every runtime promises is tried out
//! in `runtime_conformance`.
//!
//! Every test has an installation of its own and leaves nothing behind, even when it fails. Without
//! an engine the tests say so and pass, except under `CI=true`.

#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

mod disks;
mod engine;
mod join;
mod outgoing;
mod ownership;
#[path = "../runtime_conformance/specs.rs"]
mod specs;
mod world;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use brokerd_domain::{
    InstallationId,
    instance::{ContainerState, InstanceSpec, Limits},
};
use brokerd_provisioner::runtime::{
    Ensured, Runtime, RuntimeErrorClass,
    docker::{DockerOptions, DockerRuntime},
};

use world::*;

#[tokio::test]
async fn a_container_has_no_more_rights_and_room_than_it_needs() {
    let Some(world) = world().await else { return };
    let begun = Instant::now();
    world.apply(&world.spec(WAIT)).await.expect("applied");
    eprintln!("apply took {:?}", begun.elapsed());
    for (format, wanted) in [
        ("{{.Config.User}}", "1234:2345"),
        ("{{.Config.Hostname}}", "node-1"),
        ("{{.HostConfig.CapDrop}}", "[ALL]"),
        ("{{.HostConfig.SecurityOpt}}", "[no-new-privileges]"),
        ("{{.HostConfig.ReadonlyRootfs}}", "true"),
        ("{{.HostConfig.MemorySwap}}", "67108864"),
        ("{{.HostConfig.RestartPolicy.Name}}", "no"),
        (
            "{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Config}}",
            "json-file map[max-file:2 max-size:10m]",
        ),
    ] {
        assert_eq!(world.inspect(format), wanted, "{format}");
    }
    assert_eq!(world.exec("ulimit -n; echo $COLOUR; id -u").expect("exec"), "2048\nblue\n1234");
    let limits = Limits {
        memory_bytes: 128 * MIB,
        nano_cpus: 250_000_000,
        cpu_shares: Limits::SERVING_SHARES,
        pids: 32,
    };
    let changed = world.runtime.set_limits(&world.status().await.id, limits).await;
    assert_eq!(changed.expect("limits"), Ensured::Updated);
    assert_eq!(world.inspect("{{.HostConfig.MemorySwap}}"), (128 * MIB).to_string());
}

#[tokio::test]
async fn an_instance_has_the_processor_shares_of_its_limits_and_others_after_a_change() {
    let Some(world) = world().await else { return };
    let spec = world.spec(WAIT);
    world.apply(&spec).await.expect("apply");
    let before = world.until_up().await;
    // Version 1 of control groups has the number as it is, version 2 one between 1 and 10,000.
    let told = || {
        let files =
            "cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null || cat /sys/fs/cgroup/cpu.weight";
        let weight = world.exec(files).expect("a weight");
        weight.trim().parse::<u32>().expect("a number")
    };
    let booting = told();
    let limits = Limits { cpu_shares: Limits::SERVING_SHARES, ..spec.limits };
    let set = || world.runtime.set_limits(&before.id, limits);
    assert_eq!(set().await.expect("limits"), Ensured::Updated);
    assert_eq!(set().await.expect("limits"), Ensured::AlreadyRight);
    let serving = told();
    assert!(
        serving >= 6 * booting && serving <= 10 * booting,
        "{booting} while it boots, {serving} when it serves"
    );
    let after = world.status().await;
    assert_eq!((after.id, after.state, after.limits), (before.id, before.state, limits));
    // It is no other spec.
    assert_eq!(world.apply(&spec).await.expect("apply"), Ensured::AlreadyRight);
}

#[tokio::test]
async fn a_killed_engine_is_observed_with_its_last_log_lines_and_applied_again() {
    let Some(world) = world().await else { return };
    let spec = world.spec(
        "for i in $(seq 1 400); do echo line $i; done; sleep 0.2; echo dying >&2; sleep 0.2; echo up; exec sleep 1000",
    );
    world.apply(&spec).await.expect("apply");
    world.until_up().await;
    docker(&["kill", &world.name(1).to_string()]).expect("kill");
    let status = world.until(|state| !is_running(state)).await;
    let ContainerState::Exited { code, out_of_memory, last_log_lines } = status.state else {
        panic!("{status:?}");
    };
    assert_eq!((code, out_of_memory), (137, false));
    assert!(
        last_log_lines.contains("line 400") && last_log_lines.contains("dying"),
        "{last_log_lines}"
    );
    assert!(
        last_log_lines.len() <= 2048 && !last_log_lines.contains("line 300"),
        "{last_log_lines}"
    );
    assert!(status.addresses.is_empty());
    assert_eq!(world.apply(&spec).await.expect("again"), Ensured::Updated);
    world.until(is_running).await;
}

#[tokio::test]
async fn a_stop_that_is_not_heeded_ends_after_the_grace() {
    let Some(world) = world().await else { return };
    world
        .apply(&world.spec("trap '' TERM; echo up; while :; do sleep 1; done"))
        .await
        .expect("apply");
    let id = world.until_up().await.id;
    let begun = Instant::now();
    world.runtime.stop(&id, Duration::from_secs(1)).await.expect("stop");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let status = world.status().await;
    assert!(matches!(status.state, ContainerState::Exited { code: 137, .. }), "{status:?}");
}

#[tokio::test]
async fn files_arrive_with_owner_and_mode_and_nothing_of_them_is_shown() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let stat =
        "cd /etc/engine; stat -c '%n %a %u:%g' . * tls/*; stat -c '%n %a %u:%g' /var/tmp/.cookie";
    let seen = world.exec(stat).expect("stat");
    for line in [
        "engine.conf 640 1234:2345",
        "tls 750 1234:2345",
        "tls/server.key 400 1234:2345",
        "/var/tmp/.cookie 400 1234:2345",
    ] {
        assert!(seen.lines().any(|l| l == line), "{line} in {seen}");
    }
    assert_eq!(world.exec("cat /etc/engine/tls/server.key").expect("cat"), "s3cret-in-a-file");
    assert!(world.exec("touch /etc/passwd").is_err());
    let inspected = docker(&["inspect", &world.name(1).to_string()]).expect("inspect");
    let filter = format!("label=brokerd.installation={}", world.installation);
    let volumes = docker(&["volume", "ls", "-q", "--filter", &filter]).expect("volumes");
    for volume in volumes.lines() {
        let labels = docker(&["volume", "inspect", volume]).expect("inspect");
        assert!(!labels.contains("s3cret"));
    }
    assert!(!inspected.contains("s3cret"));
    assert!(!format!("{:?}", world.spec(WAIT)).contains("s3cret"));
}

#[tokio::test]
async fn a_container_whose_network_was_removed_is_led_to_a_new_one() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let id = world.status().await.id;
    docker(&["kill", &id.0]).expect("kill");
    let network = format!("brokerd-{}-{}", world.installation, world.broker);
    docker(&["network", "rm", &network]).expect("remove the network");
    assert_eq!(world.runtime.start(&id).await.expect("start"), Ensured::Updated);
    let status = world.until(is_running).await;
    assert_eq!((status.id, status.addresses.len()), (id, 2));
    world.exec("getent hosts node-1").expect("found by its host name");
}

#[tokio::test]
async fn a_missing_image_requires_an_operator() {
    let Some(world) = world().await else { return };
    let spec = InstanceSpec { image: "brokerd/nothing:1".to_owned(), ..world.spec(WAIT) };
    let error = world.apply(&spec).await.expect_err("no image");
    assert_eq!(error.class, RuntimeErrorClass::Blocked);
    assert!(error.message.contains("brokerd/nothing:1") && error.message.contains("make images"));
    let base = world.runtime.image(IMAGE).await.expect("image").expect("is there");
    assert_eq!(base.true_version, None);
    if let Some(rabbit) = world.runtime.image("brokerd/rabbitmq:4.3").await.expect("image") {
        assert!(rabbit.true_version.is_some_and(|version| version.starts_with("4.3.")));
    }
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_an_error_worth_retrying() {
    let installation: InstallationId = "t-nowhere".parse().expect("installation");
    for host in ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"] {
        let options = DockerOptions::new(Some(host.to_owned()), installation.clone());
        let error = DockerRuntime::connect(options, Arc::new(SystemClock)).await.err();
        let error = error.expect("nothing answers there");
        assert_eq!(error.class, RuntimeErrorClass::Transient, "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

/// Uses up the engine's own address pools, so it is run alone and on request only.
#[tokio::test]
#[ignore = "for its duration nobody else gets a network from this engine: `scripts/test.sh --test docker_runtime -- --ignored`"]
async fn networks_come_from_our_own_pool_when_the_engines_are_used_up() {
    let Some(world) = world().await else { return };
    let label = format!("brokerd.installation={}", world.installation);
    for n in 0.. {
        let name = format!("{}-filler-{n}", world.installation);
        if docker(&["network", "create", "--label", &label, &name]).is_err() {
            break;
        }
    }
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let network = format!("brokerd-{}-{}", world.installation, world.broker);
    let subnet = "{{(index .IPAM.Config 0).Subnet}}";
    let subnet = docker(&["network", "inspect", "--format", subnet, &network]).expect("inspect");
    assert!(subnet.starts_with("10.213.") && subnet.ends_with("/28"), "{subnet}");
}
