//! Images whose data directory is not the engine's, and images that are there no more.

use brokerd_domain::instance::{FormerImage, InstanceSpec, Volumes};
use brokerd_provisioner::runtime::Runtime;

use super::world::*;

const KEEPER: &str = "echo kept >> /var/tmp/store; mkdir -p /var/tmp/deep; trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";

/// Of an image whose directory is root's alone.
fn foreign(world: &World, image: &str) -> InstanceSpec {
    InstanceSpec { image: image.to_owned(), owns_data: false, ..world.spec(KEEPER) }
}

/// An image of this test's own, in which somebody else's data are.
fn image(world: &World, tag: &str) -> String {
    let name = format!("{}:{tag}", world.installation);
    let from = docker(&["create", IMAGE, "sh", "-c", "chmod 755 /var/tmp; echo x >/var/tmp/root"])
        .expect("create");
    docker(&["start", "-a", &from]).expect("start");
    docker(&["commit", &from, &name]).expect("commit");
    docker(&["rm", &from]).expect("rm");
    name
}

#[tokio::test]
async fn a_data_directory_of_another_user_in_the_image_is_given_to_the_engine_and_kept() {
    let Some(world) = world().await else { return };
    let image = image(&world, "foreign");
    let spec = foreign(&world, &image);
    let volume = format!("{}-data", spec.name);
    // What a worker leaves that dies while it gives the volume away.
    let leave = || {
        let label = format!("brokerd.installation={}", world.installation);
        let (of, mount) = (format!("brokerd.disk={volume}"), format!("{volume}:/var/tmp"));
        docker(&["create", "--label", &label, "--label", &of, "-v", &mount, IMAGE]).expect("create")
    };
    world.apply(&spec).await.expect("apply");
    world.until_up().await;
    let owner = world.exec("stat -c '%u:%g %a' /var/tmp; ls -A /var/tmp").expect("stat");
    assert_eq!(owner, "1234:2345 755\n.cookie\ndeep\nstore", "the image's own files are not in it");

    world.runtime.remove(&world.name(1), Volumes::Keep).await.expect("removed");
    let left = leave();
    let next = InstanceSpec { reboot: 3, ..spec };
    world.apply(&next).await.expect("apply");
    world.until_up().await;
    docker(&["inspect", &left]).expect_err("it is gone");
    assert_eq!(world.exec("cat /var/tmp/store").expect("cat"), "kept\nkept");

    let left = leave();
    world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("removed");
    docker(&["inspect", &left]).expect_err("it is gone");
    assert_eq!(world.count(), [0, 0, 0]);
    docker(&["rmi", &image]).expect("rmi");
}

#[tokio::test]
async fn a_container_is_made_from_the_former_image_as_long_as_that_is_wanted_or_nothing_else_is_there()
 {
    let Some(world) = world().await else { return };
    let (old, new) = (image(&world, "old"), image(&world, "new"));
    let id_of = |name: &str| docker(&["image", "inspect", "-f", "{{.Id}}", name]).expect("an id");
    let (old_id, new_id) = (id_of(&old), id_of(&new));
    assert_ne!(old_id, new_id);
    let gone = format!("sha256:{}", "0".repeat(64));
    let nothing = format!("{}:nothing", world.installation);
    for (name, former, expected) in [
        (&new, None, &new_id),
        (&new, Some(FormerImage::First(old_id.clone())), &old_id),
        (&new, Some(FormerImage::Last(old_id.clone())), &new_id),
        (&new, Some(FormerImage::First(gone)), &new_id),
        (&nothing, Some(FormerImage::Last(old_id.clone())), &old_id),
    ] {
        let spec = InstanceSpec { former_image: former.clone(), ..foreign(&world, name) };
        world.apply(&spec).await.expect("apply");
        assert_eq!(world.status().await.image_id.as_ref(), Some(expected), "{name} {former:?}");
        assert_eq!(world.status().await.digest, foreign(&world, name).digest());
        world.runtime.remove(&world.name(1), Volumes::Delete).await.expect("removed");
    }
    docker(&["rmi", &old, &new]).expect("rmi");
}
