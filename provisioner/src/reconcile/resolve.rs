//! Fetches the values that configurations name by ARN.

use std::time::Duration;

use brokerd_domain::{
    ActionRequired, AuthenticationStrategy, Broker, EngineType, Intent, Lease, Next, Timestamp,
    VerdictKind,
};
use brokerd_store::Work;

use crate::{
    catalogue::LoginModule,
    pki::materials::{Materials, Resolved, Waits},
    plan::{Plan, Sentence},
    reconcile::{context::PassContext, report::blocked_report, step_error::StepError},
    secrets::{self, Fetched},
};

/// The pause before a source that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(10);

/// The result of fetching the values that a configuration names by ARN.
pub(crate) enum Resolution {
    /// No value to fetch.
    Nothing,
    /// The values, or why they can't be fetched, are stored, so the broker must be read again.
    Stored,
    /// A value can't be fetched yet, and why.
    Waits(Waiting),
    /// A value can't be fetched, and why.
    Refused(String),
}

/// A broker waits for a value that its configuration names by ARN.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// The value, and why it can't be fetched.
    pub(crate) why: String,
    /// When it is fetched again.
    pub(crate) until: Timestamp,
}

impl Waiting {
    /// The plan for a broker that does not run yet.
    pub(crate) fn plan(&self, broker: &Broker, now: Timestamp) -> Plan {
        let next = Next::After(self.until.since(now));
        blocked_report(broker, Sentence::detailed("waiting", &self.why), next)
    }

    /// Adds the waiting to `plan`, which supervises a broker that runs as before meanwhile.
    pub(crate) fn add_to(&self, plan: &mut Plan, now: Timestamp) {
        plan.completes = None;
        if plan.kind == VerdictKind::Converged {
            plan.kind = VerdictKind::Progressing;
            plan.set_sentence(Sentence::detailed("the reboot waits", &self.why));
            plan.next = Next::After(self.until.since(now));
        }
    }
}

impl PassContext {
    /// Whether the broker knows brokerd's own user: RabbitMQ as one of its users, ActiveMQ through the launcher of the
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

    /// The required actions for values that the configuration names by ARN, from when they were last fetched.
    pub(crate) fn invalid_arns(
        &self,
        work: &Work,
        materials: Option<&Materials>,
    ) -> Vec<ActionRequired> {
        let (Some(image), Some(materials)) = (self.image(work), materials) else {
            return Vec::new();
        };
        secrets::actions(work, image, materials)
    }

    /// Fetches the values that the configuration names by ARN, and stores them before they are used.
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
        let former = &materials.resolved;
        let save =
            async |resolved| self.save(lease, &Materials { resolved, ..materials.clone() }).await;
        if let Some(resolved) = wanted.as_before(former) {
            save(resolved).await?;
            return Ok(Resolution::Stored);
        }
        let now = self.clock.now();
        let waits = former.waits.as_ref().filter(|waits| waits.reboot == wanted.reboot());
        if let Some(waits) = waits.filter(|waits| now.since(waits.asked) < PAUSE) {
            return Ok(Resolution::Waits(Waiting {
                why: waits.why.clone(),
                until: waits.asked.plus(PAUSE),
            }));
        }
        let since = waits.map_or(now, |waits| waits.since);
        match wanted.fetch(&*self.secrets, former, now.since(since)).await {
            Fetched::All(resolved) => {
                for unusable in &resolved.unusable {
                    tracing::warn!(broker.id = %broker.id, "{}", unusable.action.info);
                }
                save(resolved).await?;
                Ok(Resolution::Stored)
            }
            Fetched::Later(why) => {
                // The time is read here, because fetching may have taken a while.
                let (reboot, asked) = (wanted.reboot(), self.clock.now());
                let waits = Some(Waits { reboot, since, asked, why: why.clone() });
                save(Resolved { waits, ..former.clone() }).await?;
                Ok(Resolution::Waits(Waiting { why, until: asked.plus(PAUSE) }))
            }
            Fetched::Never { why, unusable } if broker.status.observed_generation.is_none() => {
                save(Resolved { unusable, ..former.clone() }).await?;
                Ok(Resolution::Refused(why))
            }
            Fetched::Never { why, unusable }
                if broker.applies_pending() && broker.has_pending() =>
            {
                // The instances are rebooted as they were, so they go on running.
                let why = format!("{}.", why.trim_end_matches('.'));
                tracing::warn!(broker.id = %broker.id, "the pending changes are not applied: {why}");
                let actions = secrets::by_code(&unusable);
                self.store.give_up_pending(lease, &why, &actions, now).await?;
                Ok(Resolution::Stored)
            }
            Fetched::Never { why, .. } => Ok(Resolution::Refused(why)),
        }
    }
}
