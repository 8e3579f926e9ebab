//! The materials of a broker, as they are stored.

use brokerd_domain::Lease;
use brokerd_store::Work;
use secrecy::ExposeSecret;

use crate::{
    pki::materials::Materials,
    reconcile::{context::PassContext, step_error::StepError},
};

impl PassContext {
    /// Stores a broker's materials, before they are used.
    pub(crate) async fn save(&self, lease: &Lease, materials: &Materials) -> Result<(), StepError> {
        let bytes = serde_json::to_vec(materials).map_err(|error| {
            StepError::Rejected(format!("the materials can't be written: {error}"))
        })?;
        Ok(self.store.save_materials(lease, &bytes).await?)
    }
}

/// The materials, if the broker has any. Unreadable ones are issued again only if the broker was never complete,
/// because the nodes of a cluster know each other by them.
///
/// # Errors
/// Why what is stored of the broker can't be read.
pub(crate) fn parse_materials(work: &Work) -> Result<Option<Materials>, String> {
    let broker = &work.broker;
    if let Some(why) = &work.unreadable {
        return Err(why.clone());
    }
    let Some(bytes) = work.materials.as_ref() else { return Ok(None) };
    match serde_json::from_slice(bytes.expose_secret()) {
        Ok(materials) => Ok(Some(materials)),
        Err(error) if broker.status.observed_generation.is_none() => {
            tracing::error!(broker.id = %broker.id, %error, "stored materials not readable; new ones are issued");
            Ok(None)
        }
        Err(error) => Err(format!("the broker's stored materials are damaged: {error}")),
    }
}
