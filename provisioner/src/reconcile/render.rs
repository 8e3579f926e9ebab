//! The input of changes: a broker's materials, and the specifications of its instances with all files.
//!
//! Both take processor time, so neither is made on the threads of the async runtime, which wait for engines.

use std::sync::Arc;

use brokerd_domain::{Lease, Timestamp};
use brokerd_store::Work;
use secrecy::SecretString;

use crate::{
    catalogue::Image,
    engine::Blueprint,
    pki::materials::{self, IssueInputs, Materials},
    plan::Desired,
    reconcile::{
        context::PassContext,
        resolve::{Resolution, Waiting},
        running::no_image,
        step_error::StepError,
        stored_materials::parse_materials,
    },
    runtime::Capacity,
};

/// The input of a plan.
pub(crate) enum Rendered {
    /// The rendered specifications.
    Desired(Desired),
    /// Something was stored, so the broker must be loaded again.
    Reload,
    /// Not rendered, because a value that the configuration refers to by ARN can't be fetched yet.
    Waits(Waiting),
}

impl Rendered {
    const fn unsupported(why: String) -> Self {
        Self::Desired(Desired::Unsupported(why))
    }
}

impl PassContext {
    /// Renders the instances that should exist.
    pub(crate) async fn desired(
        &self,
        lease: &Lease,
        work: &Arc<Work>,
        materials: Option<&Arc<Materials>>,
        capacity: Capacity,
    ) -> Result<Rendered, StepError> {
        let Some(image) = self.image(work) else {
            return Ok(Rendered::unsupported(no_image(&work.broker)));
        };
        if self.image_is_gone(work, image).await {
            let why = format!("there is no image {} on this host", image.reference());
            return Ok(Rendered::unsupported(why));
        }
        match self.resolve(lease, work, materials.map(AsRef::as_ref)).await? {
            Resolution::Nothing => {}
            Resolution::Stored => return Ok(Rendered::Reload),
            Resolution::Waits(waiting) => return Ok(Rendered::Waits(waiting)),
            Resolution::Refused(why) => return Ok(Rendered::unsupported(why)),
        }
        let (context, work, materials) = (self.clone(), work.clone(), materials.cloned());
        let render = move || context.rendered(&work, materials.as_deref(), capacity);
        Ok(Rendered::Desired(apart(render).await.unwrap_or_else(Desired::Unsupported)))
    }

    fn rendered(&self, work: &Work, materials: Option<&Materials>, capacity: Capacity) -> Desired {
        let broker = &work.broker;
        let Some(image) = self.image(work) else {
            return Desired::Unsupported(no_image(broker));
        };
        let is_outdated = |m: &Materials| m.is_outdated(&self.authority_status(), self.clock.now());
        let outdated = broker.is_rebooting() && materials.is_some_and(is_outdated);
        let Some(materials) = materials.filter(|m| !outdated && m.cover(&work.users, image)) else {
            return Desired::MissingMaterials;
        };
        let blueprint = self.blueprint(work, materials, image, capacity);
        match self.engines.of(broker.spec.engine_type).desired(&blueprint) {
            Ok(mut specs) => {
                let former = self.former_image(work, image);
                specs.iter_mut().for_each(|spec| spec.former_image.clone_from(&former));
                Desired::Instances(specs)
            }
            Err(unsupported) => Desired::Unsupported(unsupported.0),
        }
    }

    fn blueprint<'a>(
        &'a self,
        work: &'a Work,
        materials: &'a Materials,
        image: &'a Image,
        capacity: Capacity,
    ) -> Blueprint<'a> {
        Blueprint {
            installation: &self.installation,
            broker: &work.broker,
            users: &work.users,
            ldap_password: work.ldap_password.as_ref(),
            directory_authorities: work.directory_authorities.as_deref(),
            configuration: &work.configuration,
            materials,
            image,
            sizing: self.sizing,
            capacity,
        }
    }

    /// Makes and stores a broker's missing materials.
    pub(crate) async fn issue(&self, lease: &Lease, work: &Arc<Work>) -> Result<(), StepError> {
        let broker = &work.broker;
        let image = self.image(work).ok_or_else(|| StepError::Rejected(no_image(broker)))?;
        let now = self.clock.now();
        let former = parse_materials(work).map_err(StepError::Rejected)?;
        let status = self.authority_status();
        let is_outdated = |m: &Materials| m.is_outdated(&status, now);
        let in_force = former.as_ref().is_some_and(|m| !(broker.is_rebooting() && is_outdated(m)));
        let rsa_key = if in_force {
            None
        } else {
            let rsa_key = self.rsa_keys.take().await;
            Some(rsa_key.map_err(|error| StepError::Transient(error.to_string()))?)
        };
        let (context, work, image) = (self.clone(), work.clone(), image.clone());
        let issued = apart(move || context.issued(&work, &image, former, rsa_key, now)).await;
        self.save(lease, &issued.map_err(StepError::Transient)??).await
    }

    /// The broker's materials, completed.
    fn issued(
        &self,
        work: &Work,
        image: &Image,
        former: Option<Materials>,
        rsa_key: Option<SecretString>,
        now: Timestamp,
    ) -> Result<Materials, StepError> {
        let (broker, users, entropy) = (&work.broker, &work.users, &*self.entropy);
        let issued = match (former, rsa_key) {
            (Some(former), None) => Ok(former.with_passwords(users, image, entropy)),
            // A broker without a former certificate must have a key.
            (None, None) => return Err(StepError::Transient("there is no key yet".to_owned())),
            (former, Some(rsa_key)) => {
                let inputs = IssueInputs {
                    authorities: &self.authorities.status(now),
                    rsa_key: &rsa_key,
                    now,
                    entropy,
                };
                match former {
                    Some(former) => materials::renew(former, inputs, broker, users, image),
                    None => materials::issue(inputs, broker, users, image)
                        .map(|new| Materials { own_disk: self.sizing.sized_volumes, ..new }),
                }
            }
        };
        let mut issued = issued.map_err(|error| StepError::Rejected(error.to_string()))?;
        if issued.seed.is_none() {
            let unknown = Capacity::of_a_host(u64::MAX, 1);
            let capacity = self.capacity.get().copied().unwrap_or(unknown);
            let blueprint = self.blueprint(work, &issued, image, capacity);
            let seed = self.engines.of(broker.spec.engine_type).seed(&blueprint);
            issued.seed = seed.map_err(|unsupported| StepError::Rejected(unsupported.0))?;
        }
        Ok(issued)
    }
}

/// Runs work that takes processor time apart from the tasks that wait for engines.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("brokerd failed: {error}"))
}
