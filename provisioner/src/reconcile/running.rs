//! Which image runs a broker, and what really runs.

use brokerd_domain::{Broker, RunningEngine};
use brokerd_store::Work;

use crate::{
    catalogue::Image,
    plan::{Observed, Seen},
    reconcile::context::PassContext,
    runtime::FormerImage,
};

impl PassContext {
    /// The image that ran the broker before, for what is made from this one. A broker stays with it until it is
    /// rebooted, and keeps it then if the name has none any more.
    pub(crate) fn former_image(&self, work: &Work, image: &Image) -> Option<FormerImage> {
        let running = work.running.as_ref()?;
        if !image.is_described_by(&running.image) {
            return None;
        }
        let id = running.image_id.clone();
        let is_rebooting = work.broker.is_rebooting();
        Some(if is_rebooting { FormerImage::Last(id) } else { FormerImage::First(id) })
    }

    /// Whether the broker's image is missing. False if that is not known, because the step that needs the
    /// image reports it.
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

    /// What really runs, if all that serves is of one image and that is not what was recorded. While the broker
    /// is rebooted what runs is the former version still, until the reboot is complete.
    pub(crate) async fn newly_running(
        &self,
        work: &Work,
        seen: &Seen,
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
        // A later pass records what is not known now.
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

/// Why nothing runs a broker.
pub(crate) fn no_image(broker: &Broker) -> String {
    format!(
        "the catalogue has no image for {} {}",
        broker.spec.engine_type.display_name(),
        broker.spec.engine_version
    )
}
