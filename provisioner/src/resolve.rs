//! What a pass has to do with secrets that configurations name by ARN.

use brokerd_domain::{AuthenticationStrategy, EngineType, Intent, Lease};
use brokerd_store::Work;

use crate::{
    catalogue::LoginModule, materials::Materials, pass::Context, secrets, step_error::StepError,
};

/// What became of what the configuration names by ARN.
pub(crate) enum Resolution {
    /// There is nothing to fetch.
    Nothing,
    /// It was fetched and stored.
    Stored,
    /// It can't be had.
    Refused(String),
}

impl Context {
    /// Whether the broker knows who asks on behalf of brokerd: RabbitMQ by a user, ActiveMQ by the launcher of the
    /// images built here.
    pub(crate) fn has_own_user(&self, work: &Work) -> bool {
        let spec = &work.broker.spec;
        if spec.engine_type == EngineType::ActiveMq {
            let image = self.image(work);
            return image.is_some_and(|i| i.login_module != Some(LoginModule::Properties));
        }
        spec.authentication_strategy == AuthenticationStrategy::Simple
            || self.image(work).is_some_and(|image| secrets::knows_its_own_users(work, image))
    }

    /// Fetches what the configuration names by ARN, and stores it before it is used.
    pub(crate) async fn resolve(
        &self,
        lease: &Lease,
        work: &Work,
        materials: Option<&Materials>,
    ) -> Result<Resolution, StepError> {
        let broker = &work.broker;
        let image = self.image(work);
        let (Intent::Run, None, Some(image), Some(materials)) =
            (broker.intent, &broker.status.failure, image, materials)
        else {
            return Ok(Resolution::Nothing);
        };
        let Some(wanted) = secrets::wanted(work, image, materials) else {
            return Ok(Resolution::Nothing);
        };
        match wanted.fetch(&*self.secrets, &materials.resolved).await {
            Ok(resolved) => {
                let materials = Materials { resolved, ..materials.clone() };
                self.save(lease, &materials).await?;
                Ok(Resolution::Stored)
            }
            Err(why) => Ok(Resolution::Refused(why)),
        }
    }
}
