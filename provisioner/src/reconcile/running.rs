//! The image of a broker, and the engine that runs.

use brokerd_domain::{Broker, RunningEngine, instance::FormerImage};
use brokerd_store::Work;

use crate::{
    catalogue::Image,
    plan::{Observation, Observed},
    reconcile::context::PassContext,
};

impl PassContext {
    /// The image that ran the broker before, if its name is that of `image`. A broker stays with it until a reboot, and
    /// longer if the name stands for no image any more.
    pub(crate) fn former_image(&self, work: &Work, image: &Image) -> Option<FormerImage> {
        let running = work.running.as_ref()?;
        if !image.is_described_by(&running.image) {
            return None;
        }
        let id = running.image_id.clone();
        let is_rebooting = work.broker.is_rebooting();
        Some(if is_rebooting { FormerImage::Last(id) } else { FormerImage::First(id) })
    }

    /// Whether the broker's image is missing; `false` if that is not known, because the step that needs the image
    /// reports it.
    pub(crate) async fn image_is_gone(&self, work: &Work, image: &Image) -> bool {
        let former = self.former_image(work, image).map(|former| match former {
            FormerImage::First(id) | FormerImage::Last(id) => id,
        });
        for name in [Some(image.reference()), former].into_iter().flatten() {
            if !matches!(self.runtime.image(&name).await, Ok(None)) {
                return false;
            }
        }
        true
    }

    /// The engine that runs, if all serving instances have one image that is not the recorded one. During a reboot it
    /// is the former version until the reboot is complete.
    pub(crate) async fn newly_running(
        &self,
        work: &Work,
        seen: &Observation,
        complete: bool,
    ) -> Option<RunningEngine> {
        let broker = &work.broker;
        if broker.is_rebooting() && !complete {
            return None;
        }
        let mut images = seen.instances.values().filter_map(|instance| match instance {
            Observed::Present(instance) if instance.serves() => Some(&instance.status.image_id),
            Observed::Present(_) | Observed::Absent | Observed::Unknown(_) => None,
        });
        let image_id = images.next()?.as_ref()?;
        let asked = broker.spec.engine_version;
        let is_known = |known: &RunningEngine| known.image_id == *image_id && known.asked == asked;
        if images.any(|other| other.as_ref() != Some(image_id))
            || work.running.as_ref().is_some_and(is_known)
        {
            return None;
        }
        let image = self.image(work)?;
        // A later pass records an engine that is not known now.
        let info = self.runtime.image(image_id).await.ok()??;
        let label = info.true_version;
        Some(RunningEngine {
            asked,
            version: image.version,
            true_version: image.true_version(label.as_deref()).unwrap_or_else(|other| other),
            image: image.described(&info.digests),
            image_id: image_id.clone(),
            since: self.clock.now(),
        })
    }
}

/// Why no image runs a broker.
pub(crate) fn no_image(broker: &Broker) -> String {
    format!(
        "the catalogue has no image for {} {}",
        broker.spec.engine_type.display_name(),
        broker.spec.engine_version
    )
}
