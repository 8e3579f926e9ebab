//! The Docker runtime against a real engine.
//!
//! Every test has an installation of its own and leaves nothing behind, even when it fails. Without
//! an engine the tests say so and pass, except under `CI=true`.

#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

mod disks;
mod disturbances;
mod join;
mod outgoing;
mod ownership;
mod world;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use brokerd_domain::{Clock, Generation, InstallationId};
use brokerd_provisioner::runtime::{
    ContainerState, Ensured, InstanceName, InstanceSpec, Limits, Runtime, RuntimeErrorClass,
    RuntimeId, RuntimeObject, Volumes,
    docker::{DockerOptions, DockerRuntime},
};
use futures_util::StreamExt;

use world::*;

#[tokio::test]
async fn applied_twice_it_runs_once_as_it_was_specified() {
    let Some(world) = world().await else { return };
    let spec = world.spec(WAIT);
    let begun = Instant::now();
    assert_eq!(world.apply(&spec).await.expect("first"), Ensured::Created);
    eprintln!("apply took {:?}", begun.elapsed());
    let first = world.status().await;
    assert_eq!(world.apply(&spec).await.expect("second"), Ensured::AlreadyRight);
    let second = world.status().await;
    assert_eq!(first, second);
    assert_eq!(first.digest, spec.digest());
    assert_eq!(first.generation, Generation(3));
    assert_eq!(first.reboot, 2);
    assert_eq!(first.limits, spec.limits);
    let ContainerState::Running { since } = first.state else { panic!("{first:?}") };
    assert!(SystemClock.now().since(since) < Duration::from_secs(60));
    assert_eq!(first.addresses.keys().copied().collect::<Vec<_>>(), [5671, 15671]);
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
    assert_eq!(world.count(), [1, 2, 1]);
    let newer = InstanceSpec { generation: Generation(4), ..spec };
    assert_eq!(world.apply(&newer).await.expect("newer generation"), Ensured::AlreadyRight);
}

#[tokio::test]
async fn what_a_crash_left_unstarted_is_completed() {
    let Some(world) = world().await else { return };
    let spec = world.spec("cat /etc/engine/engine.conf; exec sleep 1000");
    // As far as a worker came that died between creating and starting, without its network.
    let name = spec.name.to_string();
    let labels = [
        format!("brokerd.installation={}", world.installation),
        format!("brokerd.broker={}", world.broker),
        "brokerd.ordinal=1".to_owned(),
        "brokerd.generation=3".to_owned(),
        "brokerd.reboot=2".to_owned(),
        format!("brokerd.spec={}", spec.digest().0),
    ];
    let network = format!("brokerd-{}-{}", world.installation, world.broker);
    let (conf, data) = (format!("{name}-conf:/etc/engine"), format!("{name}-data:/var/tmp"));
    let mut create = vec!["create", "--name", &name, "--network", &network, "--read-only"];
    create.extend(["-v", &conf, "-v", &data, "--user", "1234:2345"]);
    create.extend(labels.iter().flat_map(|label| ["--label", label]));
    create.extend([IMAGE, "/bin/sh", "-c", "cat /etc/engine/engine.conf; exec sleep 1000"]);
    docker(&create).expect("create");
    let before = world.status().await;
    assert_eq!(before.state, ContainerState::Created);
    assert!(before.addresses.is_empty());
    assert_eq!(world.apply(&spec).await.expect("apply"), Ensured::Created);
    let after = world.until(is_running).await;
    assert_eq!(after.id, before.id);
    assert_eq!(world.exec("cat /etc/engine/engine.conf").expect("cat"), "colour = blue");
    let _ = docker(&["rm", "-f", &name]);
    let _ = docker(&["volume", "rm", &format!("{name}-conf"), &format!("{name}-data")]);
}

#[tokio::test]
async fn another_digest_is_not_replaced_and_a_newer_generation_is_left_alone() {
    let Some(world) = world().await else { return };
    let spec = world.spec(WAIT);
    world.apply(&spec).await.expect("apply");
    let before = world.status().await;
    let other = InstanceSpec { hostname: "node-2".to_owned(), ..spec.clone() };
    assert_eq!(class(world.apply(&other).await), Some(RuntimeErrorClass::Invalid));
    let older = InstanceSpec { generation: Generation(2), ..spec };
    assert_eq!(class(world.apply(&older).await), Some(RuntimeErrorClass::Stale));
    assert_eq!(world.status().await, before);
}

#[tokio::test]
async fn a_killed_engine_is_seen_ended_with_its_last_words_and_applied_again() {
    let Some(world) = world().await else { return };
    let spec = world.spec(
        "for i in $(seq 1 400); do echo line $i; done; sleep 0.2; echo dying >&2; sleep 0.2; echo up; exec sleep 1000",
    );
    world.apply(&spec).await.expect("apply");
    world.until_up().await;
    docker(&["kill", &world.name(1).to_string()]).expect("kill");
    let status = world.until(|state| !is_running(state)).await;
    let ContainerState::Exited { code, out_of_memory, last_words } = status.state else {
        panic!("{status:?}");
    };
    assert_eq!((code, out_of_memory), (137, false));
    assert!(last_words.contains("line 400") && last_words.contains("dying"), "{last_words}");
    assert!(last_words.len() <= 2048 && !last_words.contains("line 300"), "{last_words}");
    assert!(status.addresses.is_empty());
    assert_eq!(world.apply(&spec).await.expect("again"), Ensured::Updated);
    world.until(is_running).await;
}

#[tokio::test]
async fn running_out_of_memory_is_seen() {
    let Some(world) = world().await else { return };
    let mut spec = world.spec("exec tail /dev/zero");
    spec.limits.memory_bytes = 16 * MIB;
    world.apply(&spec).await.expect("apply");
    // The engine learns of the end and of its cause by two events, in either order.
    let out_of_memory = |state: &ContainerState| {
        matches!(state, ContainerState::Exited { code: 137, out_of_memory: true, .. })
    };
    world.until(out_of_memory).await;
}

#[tokio::test]
async fn it_is_started_restarted_and_stopped_by_the_id_that_was_seen() {
    let Some(world) = world().await else { return };
    let spec = world.spec(WAIT);
    world.apply(&spec).await.expect("apply");
    let seen = world.until_up().await;
    let (id, grace) = (&seen.id, Duration::from_secs(10));
    let runtime = &world.runtime;
    assert_eq!(runtime.start(id).await.expect("start"), Ensured::AlreadyRight);

    assert_eq!(runtime.stop(id, grace).await.expect("stop"), Ensured::Updated);
    let status = world.status().await;
    assert!(matches!(status.state, ContainerState::Exited { code: 0, .. }), "{status:?}");
    assert_eq!(runtime.stop(id, grace).await.expect("stop"), Ensured::AlreadyRight);
    assert_eq!(runtime.start(id).await.expect("start"), Ensured::Updated);
    let started = world.until(is_running).await;
    assert_eq!((&started.id, started.addresses.len()), (id, 2));

    assert_eq!(runtime.restart(id).await.expect("restart"), Ensured::Updated);
    let restarted = world.status().await;
    assert!(is_running(&restarted.state) && restarted.state != started.state, "{restarted:?}");

    docker(&["pause", &id.0]).expect("pause");
    let paused = world.status().await;
    assert_eq!((paused.state, paused.addresses.len()), (ContainerState::Paused, 0));
    assert_eq!(world.apply(&spec).await.expect("apply"), Ensured::AlreadyRight);
    assert_eq!(runtime.restart(id).await.expect("restart"), Ensured::Updated);
    assert!(is_running(&world.status().await.state));

    docker(&["pause", &id.0]).expect("pause");
    assert_eq!(runtime.stop(id, grace).await.expect("stop"), Ensured::Updated);
    let status = world.status().await;
    assert!(matches!(status.state, ContainerState::Exited { code: 137, .. }), "{status:?}");
    assert_eq!(runtime.restart(id).await.expect("restart"), Ensured::Updated);
    assert!(is_running(&world.status().await.state));

    let gone = RuntimeId("0123456789abcdef".to_owned());
    let limits = spec.limits;
    for result in [
        runtime.start(&gone).await,
        runtime.restart(&gone).await,
        runtime.stop(&gone, grace).await,
        runtime.set_limits(&gone, limits).await,
    ] {
        assert_eq!(class(result), Some(RuntimeErrorClass::Gone));
    }
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
async fn kept_volumes_outlive_the_container_and_the_others_do_not() {
    let Some(world) = world().await else { return };
    let spec = world.spec(WAIT);
    world.apply(&spec).await.expect("apply");
    world.exec("echo queued > /var/tmp/messages").expect("write");
    let name = world.name(1);
    assert_eq!(world.runtime.remove(&name, Volumes::Keep).await.expect("remove"), Ensured::Updated);
    assert_eq!(world.count(), [0, 1, 1]);
    assert_eq!(world.runtime.status(&name).await.expect("status"), None);
    let listed = world.runtime.list().await.expect("list");
    assert!(listed.contains(&RuntimeObject { broker: world.broker, ordinal: Some(1) }));

    let next = InstanceSpec { reboot: 3, ..spec };
    assert_eq!(world.apply(&next).await.expect("apply"), Ensured::Created);
    assert_eq!(world.exec("cat /var/tmp/messages").expect("read"), "queued");

    let removed = world.runtime.remove(&name, Volumes::Delete).await;
    assert_eq!(removed.expect("remove"), Ensured::Updated);
    assert_eq!(world.count(), [0, 0, 0]);
    let removed = world.runtime.remove(&name, Volumes::Delete).await;
    assert_eq!(removed.expect("remove"), Ensured::AlreadyRight);
    assert_eq!(world.runtime.list().await.expect("list"), []);
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
async fn limits_are_changed_as_it_runs_and_never_above_what_the_host_has() {
    let Some(world) = world().await else { return };
    let mut spec = world.spec(WAIT);
    let cpus = world.runtime.capacity().await.expect("capacity").cpus;
    spec.limits.nano_cpus = u64::from(cpus) * 1_000_000_000 + 500_000_000;
    world.apply(&spec).await.expect("apply");
    let status = world.status().await;
    assert_eq!(status.limits.nano_cpus, u64::from(cpus) * 1_000_000_000);
    let same = world.runtime.set_limits(&status.id, spec.limits).await;
    assert_eq!(same.expect("limits"), Ensured::AlreadyRight);
    let limits = Limits { memory_bytes: 128 * MIB, nano_cpus: 250_000_000, pids: 32 };
    let changed = world.runtime.set_limits(&status.id, limits).await;
    assert_eq!(changed.expect("limits"), Ensured::Updated);
    assert_eq!(world.status().await.limits, limits);
    assert_eq!(world.inspect("{{.HostConfig.MemorySwap}}"), (128 * MIB).to_string());
}

#[tokio::test]
async fn instances_of_a_broker_share_one_network_which_goes_with_the_last() {
    let Some(world) = world().await else { return };
    let specs: Vec<InstanceSpec> = (1..=3)
        .map(|ordinal| InstanceSpec {
            name: world.name(ordinal),
            hostname: format!("node-{ordinal}"),
            ..world.spec(WAIT)
        })
        .collect();
    for result in futures_util::future::join_all(specs.iter().map(|s| world.apply(s))).await {
        assert_eq!(result.expect("apply"), Ensured::Created);
    }
    assert_eq!(world.count(), [3, 6, 1]);
    world.exec("getent hosts node-3").expect("a peer is found by its host name");
    let mut wanted = vec![RuntimeObject { broker: world.broker, ordinal: None }];
    wanted.extend((1..=3).map(|n| RuntimeObject { broker: world.broker, ordinal: Some(n) }));
    assert_eq!(world.runtime.list().await.expect("list"), wanted);
    // One that has ended still needs the network.
    docker(&["kill", &world.name(1).to_string()]).expect("kill");
    for ordinal in [3, 2] {
        world.runtime.remove(&world.name(ordinal), Volumes::Delete).await.expect("remove");
    }
    assert_eq!(world.count(), [1, 2, 1]);
    let id = world.status().await.id;
    world.runtime.start(&id).await.expect("start");
    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("remove");
    assert_eq!(world.count(), [0, 0, 0]);
}

#[tokio::test]
async fn what_instances_share_goes_with_the_last_of_them_and_never_before() {
    let Some(world) = world().await else { return };
    let mut spec = world.spec(WAIT);
    spec.volumes[1].shared = true;
    spec.files.retain(|file| file.root != "/var/tmp");
    let second =
        InstanceSpec { name: world.name(2), hostname: "node-2".to_owned(), ..spec.clone() };
    world.apply(&spec).await.expect("apply");
    world.apply(&second).await.expect("apply");
    assert_eq!(world.count(), [2, 3, 1], "one volume is both instances'");
    world.exec("echo queued > /var/tmp/messages").expect("write");
    let read = ["exec", &second.name.to_string(), "cat", "/var/tmp/messages"];
    assert_eq!(docker(&read).expect("read").trim(), "queued");

    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("remove");
    assert_eq!(world.count(), [1, 2, 1]);
    assert_eq!(docker(&read).expect("read").trim(), "queued");
    world.runtime.remove(&world.name(2), Volumes::Keep).await.expect("remove");
    assert_eq!(world.count(), [0, 1, 1], "its messages outlive its container");
    let listed = world.runtime.list().await.expect("list");
    assert_eq!(listed, [RuntimeObject { broker: world.broker, ordinal: None }]);
    world.apply(&second).await.expect("apply");
    assert_eq!(docker(&read).expect("read").trim(), "queued");
    world.runtime.remove(&world.name(2), Volumes::Delete).await.expect("remove");
    assert_eq!(world.count(), [0, 0, 0]);
}

#[tokio::test]
async fn a_container_that_was_cut_off_its_network_is_led_back_when_it_is_started() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let id = world.status().await.id;
    let network = format!("brokerd-{}-{}", world.installation, world.broker);
    docker(&["network", "disconnect", &network, &id.0]).expect("disconnect");
    assert!(world.status().await.addresses.is_empty(), "it can't be reached");
    world.runtime.restart(&id).await.expect("restart");
    let status = world.status().await;
    assert_eq!(status.id, id);
    assert_eq!(status.addresses.len(), 2, "{status:?}");
    world.exec("getent hosts node-1").expect("it is found by its host name");
}

#[tokio::test]
async fn a_stop_without_grace_kills() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let id = world.status().await.id;
    world.runtime.stop(&id, Duration::ZERO).await.expect("stop");
    let status = world.status().await;
    assert!(matches!(status.state, ContainerState::Exited { code: 137, .. }), "{status:?}");
    let again = world.runtime.stop(&id, Duration::ZERO).await;
    assert_eq!(again.expect("stop"), Ensured::AlreadyRight);
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
async fn the_death_of_an_engine_is_reported() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    world.until_its_start_is_history().await;
    let mut events = world.runtime.watch().await.expect("watch");
    // What happens before the stream is first polled is not lost.
    docker(&["kill", &world.name(1).to_string()]).expect("kill");
    let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
    assert_eq!(event.expect("in time"), Some(world.broker));
}

#[tokio::test]
async fn installations_do_not_see_each_other() {
    let (Some(one), Some(two)) = (world().await, world().await) else { return };
    let begun = one.runtime.watch().await.expect("watch");
    two.apply(&two.spec(WAIT)).await.expect("apply");
    assert_eq!(one.runtime.list().await.expect("list"), []);
    assert_eq!(one.runtime.status(&one.name(1)).await.expect("status"), None);
    let name = InstanceName { broker: two.broker, ..one.name(1) };
    assert_eq!(one.runtime.status(&name).await.expect("status"), None);
    one.runtime.remove(&name, Volumes::Delete).await.expect("remove");
    assert!(is_running(&two.status().await.state));
    let brokers: BTreeSet<_> = two.runtime.list().await.expect("list").into_iter().collect();
    assert!(brokers.iter().all(|object| object.broker == two.broker));
    let heard = tokio::time::timeout(Duration::from_millis(500), begun.into_future()).await;
    assert!(heard.is_err(), "an event of another installation");
}

#[tokio::test]
async fn a_missing_image_asks_for_somebody_to_do_something() {
    let Some(world) = world().await else { return };
    let spec = InstanceSpec { image: "brokerd/nothing:1".to_owned(), ..world.spec(WAIT) };
    let error = world.apply(&spec).await.expect_err("no image");
    assert_eq!(error.class, RuntimeErrorClass::Denied);
    assert!(error.message.contains("brokerd/nothing:1") && error.message.contains("make images"));
    assert_eq!(world.runtime.image("brokerd/nothing:1").await.expect("image"), None);
    let base = world.runtime.image(IMAGE).await.expect("image").expect("is there");
    assert_eq!(base.true_version, None);
    if let Some(rabbit) = world.runtime.image("brokerd/rabbitmq:4.3").await.expect("image") {
        assert!(rabbit.true_version.is_some_and(|version| version.starts_with("4.3.")));
    }
    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("remove");
    assert_eq!(world.count(), [0, 0, 0]);
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
#[ignore = "for its duration nobody else gets a network from this engine"]
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
