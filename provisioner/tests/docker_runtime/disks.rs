//! Disks of brokers' own: as large as they should be, found again after a restart, and gone with their broker.

use std::path::{Path, PathBuf};

use brokerd_domain::instance::{Disturbance, InstanceSpec, Volumes};
use brokerd_provisioner::runtime::{Ensured, Runtime, RuntimeErrorClass};

use crate::world::*;

const SIZE: u64 = 64 * MIB;

/// A world whose instances can have disks; nothing where there are none to be had.
async fn disk_world() -> Option<World> {
    let world = world().await?;
    let lacks = if !Path::new("/dev/loop-control").exists() {
        "the host has no loop devices"
    } else if docker(&["image", "inspect", HELPER]).is_err() {
        "the image of the helper is not there"
    } else {
        return Some(world);
    };
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!must, "no disks to test with: {lacks}");
    eprintln!("SKIPPED: {lacks}");
    None
}

impl World {
    fn with_disk(&self) -> InstanceSpec {
        InstanceSpec { disk_bytes: Some(SIZE), ..self.spec(WAIT) }
    }

    fn volume(&self) -> String {
        format!("{}-data", self.name(1))
    }

    fn links(&self) -> PathBuf {
        PathBuf::from(format!("/dev/brokerd-{}", self.installation))
    }

    fn link(&self) -> PathBuf {
        self.links().join(self.volume())
    }

    /// What a restart of the host does: nothing is attached any more, and nothing is in `/dev`.
    fn lose_devices(&self) {
        docker(&["kill", &self.name(1).to_string()]).expect("kill");
        self.detach_disks();
        assert!(!self.links().exists());
    }

    /// How large the file system is, in bytes.
    fn size(&self) -> u64 {
        let told = self.exec("stat -f -c '%b %S' /var/tmp").expect("stat");
        let (blocks, size) = told.split_once(' ').expect("two numbers");
        blocks.parse::<u64>().expect("a number") * size.parse::<u64>().expect("a number")
    }

    /// What is written to the disk is refused, if it is larger than that.
    fn takes(&self, megabytes: u32) -> bool {
        let write = format!("head -c {megabytes}M /dev/zero > /var/tmp/probe");
        let taken = self.exec(&write).is_ok();
        self.exec("rm /var/tmp/probe").expect("rm");
        taken
    }

    /// How many loop devices there are whose file was removed.
    fn lost_devices(&self) -> usize {
        let link = self.link();
        let listed = docker(
            &[&["run", "--rm", "--entrypoint", "losetup"], &DEVICES[..], &[HELPER, "--list"]]
                .concat(),
        );
        let listed = listed.expect("losetup");
        listed.lines().filter(|line| line.contains("(deleted)")).count()
            + usize::from(link.is_symlink())
    }
}

fn is_about(bytes: u64, wanted: u64) -> bool {
    (wanted * 3 / 4..=wanted).contains(&bytes)
}

#[tokio::test]
async fn a_disk_has_its_size_belongs_to_the_engine_and_goes_with_its_broker() {
    let Some(world) = disk_world().await else { return };
    let lost = world.lost_devices();
    let spec = world.with_disk();
    assert_eq!(world.apply(&spec).await.expect("apply"), Ensured::Created);
    assert_eq!(world.apply(&spec).await.expect("again"), Ensured::AlreadyRight);
    assert!(world.status().await.own_disk);
    assert!(is_about(world.size(), SIZE), "{}", world.size());
    assert_eq!(world.exec("cat /var/tmp/.cookie").expect("cat"), "s3cret-in-a-cookie");
    assert!(world.takes(30) && !world.takes(70), "the limit holds");
    assert!(world.exec("cat /disk/disk.img > /dev/null").is_err(), "it is nobody's to read");
    assert!(world.exec("touch /disk/x").is_err());
    assert_eq!(world.count(), [1, 3, 1], "no helper is left");

    world.exec("echo queued > /var/tmp/messages").expect("write");
    world.runtime.remove(&world.name(1), Volumes::Keep).await.expect("remove");
    assert_eq!(world.count(), [0, 2, 1]);
    world.apply(&spec).await.expect("apply");
    assert_eq!(world.exec("cat /var/tmp/messages").expect("read"), "queued");

    let removed = world.runtime.remove(&world.name(1), Volumes::Delete).await;
    assert_eq!(removed.expect("remove"), Ensured::Updated);
    assert_eq!(world.count(), [0, 0, 0]);
    assert!(!world.links().exists());
    assert!(world.lost_devices() <= lost, "a device is still attached");
}

#[tokio::test]
async fn an_instance_finds_its_disk_again_after_a_restart_of_the_host() {
    let Some(world) = disk_world().await else { return };
    let spec = world.with_disk();
    world.apply(&spec).await.expect("apply");
    world.exec("echo queued > /var/tmp/messages").expect("write");
    let id = world.status().await.id;
    for _ in 0..2 {
        world.lose_devices();
        assert_eq!(world.runtime.start(&id).await.expect("start"), Ensured::Updated);
        assert_eq!(world.exec("cat /var/tmp/messages").expect("read"), "queued");
    }
    world.lose_devices();
    assert_eq!(world.apply(&spec).await.expect("apply"), Ensured::Updated);
    assert_eq!(world.exec("cat /var/tmp/messages").expect("read"), "queued");

    // A link that has been there for long leads to another disk's device when that number is given out again.
    world.lose_devices();
    let stale = world.links().join("another");
    let make = format!(
        "mkdir -p {0} && for n in $(seq 0 255); do ln -s /dev/loop$n {1}-$n; done",
        world.links().display(),
        stale.display()
    );
    docker(&["run", "--rm", "-v", "/dev:/dev", IMAGE, "/bin/sh", "-c", &make]).expect("links");
    world.runtime.restart(&id).await.expect("restart");
    let device = world.link().read_link().expect("a link");
    let others = std::fs::read_dir(world.links()).expect("links").filter_map(Result::ok);
    let same = others.filter(|other| other.path().read_link().is_ok_and(|to| to == device));
    assert_eq!(same.count(), 1, "only its own link leads to its device");
    let sweep = format!("rm -f {}/another-*", world.links().display());
    docker(&["run", "--rm", "-v", "/dev:/dev", IMAGE, "/bin/sh", "-c", &sweep]).expect("sweep");
    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("remove");
    assert!(!world.links().exists());
}

#[tokio::test]
async fn a_disk_is_enlarged_when_its_container_is_replaced_and_never_made_smaller() {
    let Some(world) = disk_world().await else { return };
    let spec = world.with_disk();
    world.apply(&spec).await.expect("apply");
    world.exec("echo queued > /var/tmp/messages").expect("write");
    // The last one was interrupted when only the file had been enlarged.
    for (wanted, size) in [(2 * SIZE, 2 * SIZE), (SIZE, 2 * SIZE), (3 * SIZE, 3 * SIZE)] {
        world.runtime.remove(&world.name(1), Volumes::Keep).await.expect("remove");
        if wanted == 3 * SIZE {
            let file = format!("{}-disk:/disk", world.volume());
            let left = format!("touch /disk/growing && truncate -s {wanted} /disk/disk.img");
            docker(&["run", "--rm", "-v", &file, IMAGE, "/bin/sh", "-c", &left]).expect("left");
        }
        let other = InstanceSpec { disk_bytes: Some(wanted), ..spec.clone() };
        assert_eq!(
            other.digest(),
            spec.digest(),
            "of itself it is no reason for another container"
        );
        world.apply(&other).await.expect("apply");
        assert!(is_about(world.size(), size), "{}", world.size());
        assert_eq!(world.exec("cat /var/tmp/messages").expect("read"), "queued");
    }
}

#[tokio::test]
async fn the_disk_of_a_pair_is_one_and_goes_with_the_last_of_them() {
    let Some(world) = disk_world().await else { return };
    let mut spec = world.with_disk();
    spec.volumes[1].shared = true;
    spec.files.retain(|file| file.root != "/var/tmp");
    let second =
        InstanceSpec { name: world.name(2), hostname: "node-2".to_owned(), ..spec.clone() };
    let (one, two) = tokio::join!(world.apply(&spec), world.apply(&second));
    // Both make the same disk, and one of them may find the other one at it.
    if one.is_err() || two.is_err() {
        world.apply(&spec).await.expect("apply");
        world.apply(&second).await.expect("apply");
    }
    assert_eq!(world.count(), [2, 4, 1]);
    world.exec("echo queued > /var/tmp/messages").expect("write");
    let read = ["exec", &second.name.to_string(), "cat", "/var/tmp/messages"];
    assert_eq!(docker(&read).expect("read"), "queued");
    // While one of them has it, it stays as large as it is.
    world.runtime.remove(&world.name(1), Volumes::Keep).await.expect("remove");
    let larger = InstanceSpec { disk_bytes: Some(2 * SIZE), ..spec.clone() };
    world.apply(&larger).await.expect("apply");
    assert!(is_about(world.size(), SIZE), "{}", world.size());
    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("remove");
    assert_eq!(docker(&read).expect("read"), "queued");
    world.runtime.remove(&world.name(2), Volumes::Delete).await.expect("remove");
    assert_eq!(world.count(), [0, 0, 0]);
    assert!(!world.links().exists());
}

#[tokio::test]
async fn a_disk_that_a_crash_left_is_completed_or_removed() {
    let Some(world) = disk_world().await else { return };
    let spec = world.with_disk();
    world.apply(&spec).await.expect("apply");
    // As far as a worker came that died before the helper was done: the volumes are there and no file, or half
    // of one, and the helper is still there, with the volume.
    for left in ["rm /disk/disk.img", "mv /disk/disk.img /disk/disk.img.new"] {
        docker(&["rm", "-f", &world.name(1).to_string()]).expect("rm");
        world.detach_disks();
        let file = format!("{}-disk:/disk", world.volume());
        docker(&["run", "--rm", "-v", &file, IMAGE, "/bin/sh", "-c", left]).expect(left);
        let ours = format!("brokerd.installation={}", world.installation);
        let of = format!("brokerd.disk={}", world.volume());
        docker(&["create", "--label", &ours, "--label", &of, "-v", &file, HELPER, "attach"])
            .expect("create");
        assert_eq!(world.apply(&spec).await.expect("apply"), Ensured::Created, "{left}");
        assert!(is_about(world.size(), SIZE));
        assert_eq!(world.count(), [1, 3, 1], "{left}");
    }
    let ours = format!("brokerd.installation={}", world.installation);
    let of = format!("brokerd.disk={}", world.volume());
    let data = format!("{}:/data", world.volume());
    docker(&["create", "--label", &ours, "--label", &of, "-v", &data, HELPER, "fill"])
        .expect("create");
    // Whatever of it is gone already, the rest goes.
    docker(&["rm", "-f", &world.name(1).to_string()]).expect("rm");
    let removed = world.runtime.remove(&world.name(1), Volumes::Delete).await;
    assert_eq!(removed.expect("remove"), Ensured::Updated);
    assert_eq!(world.count(), [0, 0, 0]);
    assert!(!world.links().exists());

    world.apply(&spec).await.expect("apply");
    docker(&["rm", "-f", &world.name(1).to_string()]).expect("rm");
    docker(&["volume", "rm", &world.volume()]).expect("rm");
    assert_eq!(world.runtime.list().await.expect("list").len(), 2, "the file's volume tells of it");
    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("remove");
    assert_eq!(world.count(), [0, 0, 0]);
    assert!(!world.links().exists());
}

#[tokio::test]
async fn a_disk_is_filled_to_the_last_byte_and_emptied_whatever_became_of_its_container() {
    let Some(world) = disk_world().await else { return };
    let spec = world.with_disk();
    world.apply(&spec).await.expect("apply");
    let (runtime, full) = (&world.runtime, Disturbance::Filled { leave: 0 });
    let id = world.status().await.id;
    world.exec("echo queued > /var/tmp/messages").expect("write");
    assert_eq!(runtime.heal(&id, full).await.expect("heal"), Ensured::AlreadyRight);
    assert!(!runtime.is_filled(&id).await.expect("asked"));
    assert_eq!(runtime.inject(&id, full).await.expect("inject"), Ensured::Updated);
    assert_eq!(runtime.inject(&id, full).await.expect("again"), Ensured::AlreadyRight);
    assert!(runtime.is_filled(&id).await.expect("asked"));
    assert!(!world.takes(1), "there is room");
    assert!(world.exec("head -c 1M /dev/zero > /tmp/probe").is_ok(), "elsewhere is room");

    // Another container has the same disk.
    runtime.remove(&world.name(1), Volumes::Keep).await.expect("remove");
    assert_eq!(class(runtime.heal(&id, full).await), Some(RuntimeErrorClass::Gone));
    // It gets no cookie, for which there is no room.
    let mut bare = spec.clone();
    bare.files.retain(|file| file.root != "/var/tmp");
    world.apply(&bare).await.expect("apply");
    let id = world.status().await.id;
    assert!(runtime.is_filled(&id).await.expect("asked"));
    // Nor does it matter whether it runs, or whether the disk is attached.
    world.lose_devices();
    assert_eq!(runtime.heal(&id, full).await.map(drop).ok(), Some(()));
    runtime.start(&id).await.expect("start");
    assert!(!runtime.is_filled(&id).await.expect("asked"));
    assert!(world.takes(30), "there is no room");
    assert_eq!(world.exec("cat /var/tmp/messages").expect("read"), "queued");

    // Or as full as that some room is left.
    let nearly = Disturbance::Filled { leave: 8 * MIB };
    assert_eq!(runtime.inject(&id, nearly).await.expect("inject"), Ensured::Updated);
    assert!(world.takes(7) && !world.takes(9), "8 MiB are free");
    assert_eq!(runtime.heal(&id, nearly).await.expect("heal"), Ensured::Updated);
    assert!(world.takes(30), "there is no room");
    assert_eq!(world.count(), [1, 3, 1]);
}

#[tokio::test]
async fn a_host_without_loop_devices_is_told_what_to_do() {
    let Some(world) = disk_world().await else { return };
    let volume = format!("{}-disk", world.volume());
    let ours = format!("brokerd.installation={}", world.installation);
    docker(&["volume", "create", "--label", &ours, &volume]).expect("create");
    let mount = format!("{volume}:/disk");
    let link = world.link().display().to_string();
    let size = SIZE.to_string();
    // Without the host's devices it is like on a host that has none.
    let ensure = ["ensure", &link, &size, "1234", "2345"];
    let run = ["run", "--rm", "--label", &ours, "-v", &mount, HELPER];
    let told = docker(&[&run[..], &ensure].concat()).expect_err("there are none");
    assert!(told.contains("modprobe loop") && told.contains("runtime.sized_volumes"), "{told}");
}
