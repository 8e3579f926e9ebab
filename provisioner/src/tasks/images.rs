//! Which versions can be created: those whose image is there. Images of registries are pulled meanwhile.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use brokerd_domain::{Clock, Offerings, WITHOUT_LAUNCHER};
use brokerd_store::{Offering, StoreError};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    catalogue::{Catalogue, Image, ImageIds, ImageSource},
    metrics::Metrics,
    pause::pause_or_stop,
    reconcile::ReconcileStore,
    runtime::{Pulled, Runtime, RuntimeError, registry::Registries},
};

/// How often to look which images are there.
const LOOK_PAUSE: Duration = Duration::from_secs(15);
/// How long the first look may take before brokers get their turn.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// How long to wait after an image could not be pulled; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest such wait.
const MAX_PAUSE: Duration = Duration::from_hours(1);
/// How often to tell how far a pull has got.
const TELL_PAUSE: Duration = Duration::from_secs(10);

/// What the tasks that look after images use.
pub(crate) struct Images {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) store: Arc<dyn ReconcileStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    /// Where it is noted what is behind the images' names.
    pub(crate) ids: Arc<ImageIds>,
}

/// The images that were found, and those that were not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    offered: Vec<Offering>,
    /// The versions that are not offered, with the reasons.
    missing: Vec<String>,
    /// The digests of what is behind names of registries.
    tags: BTreeMap<String, Vec<String>>,
}

/// Looks once before anybody works on brokers, so that it is known which images there are.
pub(crate) async fn look_first(images: &Images) {
    // A runtime that can't be asked here can't be asked about brokers either, which is logged there.
    drop(tokio::time::timeout(FIRST_LOOK, look(images)).await);
}

/// Tells the API which versions can be created, again whenever `changed` says that an image has come.
pub(crate) async fn publish_offerings(
    images: Arc<Images>,
    changed: Arc<Notify>,
    shutdown: CancellationToken,
) {
    let mut last: Option<Found> = None;
    while !shutdown.is_cancelled() {
        let looked = look(&images).await;
        match looked {
            Ok(found) => match publish(&images, &found, last.as_ref()).await {
                Ok(()) => {
                    images.metrics.task_succeeded("offerings", images.clock.now());
                    if last.as_ref() != Some(&found) {
                        log_offerings(&found);
                        last = Some(found);
                    }
                }
                Err(error) => {
                    images.metrics.task_failed("offerings");
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "images and offered versions not stored; retried"
                    );
                }
            },
            // A runtime that is away makes no process unready.
            Err(error) => tracing::warn!(%error, "images not listed"),
        }
        tokio::select! {
            () = changed.notified() => {}
            () = pause_or_stop(LOOK_PAUSE, &shutdown) => {}
        }
    }
}

/// Stores what was found, and which versions that offers, if it is not what was found `last`.
async fn publish(images: &Images, found: &Found, last: Option<&Found>) -> Result<(), StoreError> {
    remember(images, &found.tags).await?;
    if last == Some(found) {
        return Ok(());
    }
    images.store.set_offerings(&found.offered).await
}

/// Records what names of registries stand for, so that the same is pulled again if it goes away.
async fn remember(images: &Images, tags: &BTreeMap<String, Vec<String>>) -> Result<(), StoreError> {
    if tags.values().all(Vec::is_empty) {
        return Ok(());
    }
    let before = images.store.pulled_images().await?;
    for (image, digests) in tags {
        let (before, Some(now)) = (before.get(image), digests.first()) else { continue };
        if before.is_some_and(|before| digests.contains(before)) {
            continue;
        }
        if let Some(before) = before {
            tracing::info!(
                "{image} changed from {before} to {now}; brokers use it after their next reboot or maintenance window"
            );
        }
        images.store.save_pulled_image(image, now, images.clock.now()).await?;
    }
    Ok(())
}

fn log_offerings(found: &Found) {
    let name = |offering: &Offering| {
        let mut text = format!(
            "{} {} ({})",
            offering.engine.display_name(),
            offering.version,
            offering.true_version
        );
        if offering.runs != offering.version {
            text.insert_str(text.len() - 1, " stands in");
        }
        text
    };
    let names: Vec<String> = found.offered.iter().map(name).collect();
    tracing::info!("offering {}", names.join(", "));
    for offering in found.offered.iter().filter(|offering| !offering.launcher) {
        tracing::warn!("{}: {WITHOUT_LAUNCHER}", name(offering));
    }
    for missing in &found.missing {
        tracing::info!("not offering {missing}");
    }
}

async fn look(images: &Images) -> Result<Found, RuntimeError> {
    let mut found = Found::default();
    for (engine, version, image) in images.catalogue.offered() {
        let name = format!("{} {version}", engine.display_name());
        let reference = image.reference();
        let Some(info) = images.runtime.image(&reference).await? else {
            images.ids.set(&reference, None);
            found.missing.push(format!("{name}: there is no image {reference}"));
            continue;
        };
        images.ids.set(&reference, Some(info.id));
        if image.is_named_by_tag() {
            found.tags.insert(reference.clone(), image.digests_among(&info.digests));
        }
        match image.true_version(info.true_version.as_deref()) {
            Ok(true_version) => found.offered.push(Offering {
                engine,
                version,
                runs: image.version,
                modules: image.modules(info.modules.as_deref(), &true_version),
                launcher: image.has_launcher(),
                true_version,
                image: image.described(&info.digests),
            }),
            Err(other) => found.missing.push(format!(
                "{name}: {reference} is {other}; to let that serve, set engines.stand_in"
            )),
        }
    }
    let all: Offerings = found.offered.iter().map(|o| (o.engine, o.version, o.runs)).collect();
    for (engine, version) in all.dead_ends() {
        // A version that Amazon MQ does not offer is not replaced.
        if !images.catalogue.is_asked_for(version) {
            found.offered.retain(|o| (o.engine, o.version) != (engine, version));
            found.missing.push(format!(
                "{} {version}: no upgrade leads from it to the newest version here",
                engine.display_name()
            ));
        }
    }
    Ok(found)
}

/// An image that can't be had for now.
struct Missed {
    why: String,
    pause: Duration,
    again: Instant,
}

/// Pulls what the catalogue has of registries and is not there, one image after the other, for as long as it
/// takes.
pub(crate) async fn pull(
    images: Arc<Images>,
    registries: Registries,
    changed: Arc<Notify>,
    shutdown: CancellationToken,
) {
    let mut missed: BTreeMap<String, Missed> = BTreeMap::new();
    while !shutdown.is_cancelled() {
        for (engine, version, image) in images.catalogue.offered() {
            let reference = image.reference();
            let due = missed.get(&reference).is_none_or(|missed| missed.again <= Instant::now());
            if image.source != ImageSource::Pulled || !due || shutdown.is_cancelled() {
                continue;
            }
            match images.runtime.image(&reference).await {
                Ok(None) => {}
                // Told by whoever looks which images are there.
                Ok(Some(_)) | Err(_) => continue,
            }
            let what = format!("{} {version}", engine.display_name());
            tracing::debug!("pulling {reference} for {what}");
            let ended = tokio::select! {
                () = shutdown.cancelled() => return,
                ended = pull_one(&images, &registries, image) => ended,
            };
            match ended {
                Ok(()) => {
                    missed.remove(&reference);
                    changed.notify_one();
                }
                Err(why) => {
                    let before = missed.get(&reference);
                    let pause = before.map_or(FIRST_PAUSE, |m| (m.pause * 2).min(MAX_PAUSE));
                    let seconds = pause.as_secs();
                    if before.is_some_and(|before| before.why == why) {
                        tracing::debug!(
                            "{reference} still can't be pulled; retried in {seconds} s"
                        );
                    } else {
                        tracing::warn!(
                            "{what} can't be offered: {reference} can't be pulled: {why}; retried in {seconds} s with growing delays"
                        );
                    }
                    let again = Instant::now() + pause;
                    missed.insert(reference, Missed { why, pause, again });
                }
            }
        }
        pause_or_stop(LOOK_PAUSE, &shutdown).await;
    }
}

async fn pull_one(images: &Images, registries: &Registries, image: &Image) -> Result<(), String> {
    let reference = image.reference();
    let (registries, name) = (registries.clone(), reference.clone());
    let login = tokio::task::spawn_blocking(move || registries.login(&name))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    // The same as before, whatever the name means in the registry by now.
    let before = match image.is_named_by_tag() {
        true => images.store.pulled_images().await.map_err(|e| e.to_string())?.remove(&reference),
        false => None,
    };
    let (begun, got) = (Instant::now(), Pulled::default());
    let mut pulling = images.runtime.pull(&reference, before.as_deref(), login.as_ref(), &got);
    loop {
        tokio::select! {
            ended = &mut pulling => {
                ended.map_err(|error| match &before {
                    None => error.message,
                    Some(digest) => format!(
                        "{} (pinned to {digest}; run `docker pull {reference}` to accept the registry's current image)",
                        error.message
                    ),
                })?;
                let seconds = begun.elapsed().as_secs();
                tracing::info!("pulled {reference} in {seconds} s");
                return Ok(());
            }
            () = tokio::time::sleep(TELL_PAUSE) => {
                let (done, all) = got.megabytes();
                tracing::info!("pulling {reference}: {done} of {all} MB so far");
            }
        }
    }
}
