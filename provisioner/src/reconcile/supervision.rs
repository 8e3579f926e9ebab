//! The input of observing a broker and deciding about it, besides its stored state.
//!
//! It is made once from a loaded broker. With it an [`Observer`] and [`crate::plan::plan`] need no store, and nothing
//! is rendered, parsed or hashed.

use std::{sync::Arc, time::Duration};

use brokerd_domain::{HostCapacity, Protocol, Timestamp, instance::Limits};
use brokerd_store::Work;

use crate::{
    engine::{self, instances},
    health::Login,
    pki::materials::Materials,
    plan::{Desired, InstanceIdentity, Subject},
    reconcile::{context::PassContext, observe::Observer},
    runtime::Capacity,
};

/// The derived state of a broker that supervision needs.
pub struct Supervision {
    protocols: &'static [Protocol],
    boot_deadline: Duration,
    instances: Vec<InstanceIdentity>,
    limits: Option<Limits>,
    host_capacity: HostCapacity,
    boot_nano_cpus: u64,
    authority_pem: Arc<str>,
    login: Option<Login>,
    /// When the certificate should be renewed, if ever.
    renewal: Option<Timestamp>,
}

impl Supervision {
    /// The observer of the broker at this moment.
    pub fn observer<'a>(
        &'a self,
        context: &'a PassContext,
        work: &'a Work,
        now: Timestamp,
    ) -> Observer<'a> {
        Observer {
            runtime: &*context.runtime,
            probe: &*context.probe,
            installation: &context.installation,
            protocols: self.protocols,
            authority_pem: &self.authority_pem,
            login: self.login.as_ref(),
            faults: &work.faults,
            now,
        }
    }

    /// What the instance type permits an instance, in billionths of a processor; none, if that is not known.
    pub fn nano_cpus(&self) -> u64 {
        let limit = self.limits.map_or(0, |limits| limits.nano_cpus);
        limit.min(self.boot_nano_cpus)
    }

    /// brokerd's user at its engine.
    pub const fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// The input of a plan at this moment. `image_id` is the ID that the image's name now stands for
    /// ([`PassContext::image_id`]).
    pub fn subject<'a>(
        &'a self,
        work: &'a Work,
        desired: &'a Desired,
        image_id: Option<&'a str>,
        now: Timestamp,
    ) -> Subject<'a> {
        Subject {
            broker: &work.broker,
            instances: &self.instances,
            limits: self.limits,
            host_capacity: self.host_capacity,
            reservation: work.reservation,
            desired,
            targets: &work.targets,
            faults: &work.faults,
            boot_deadline: self.boot_deadline,
            boot_nano_cpus: self.boot_nano_cpus,
            image_id,
            certificate_ends_soon: self.renewal.is_some_and(|from| from <= now),
        }
    }
}

impl PassContext {
    /// The supervision of a broker on a host of that capacity. Without readable materials its certificate is checked by
    /// the installation's authorities.
    pub fn supervision(
        &self,
        work: &Work,
        materials: Option<&Materials>,
        capacity: Capacity,
    ) -> Supervision {
        let spec = &work.broker.spec;
        let kind = self.engines.of(spec.engine_type);
        let status = self.authority_status();
        let trusted = materials.map_or_else(|| status.trusted_pem(), |m| m.trusted().to_owned());
        Supervision {
            protocols: kind.probes(),
            boot_deadline: kind.boot_deadline(),
            instances: instances(&work.broker),
            limits: kind.limits(spec, self.sizing, capacity).ok(),
            host_capacity: self.host_capacity,
            boot_nano_cpus: u64::from(capacity.cpus) * 1_000_000_000,
            authority_pem: self.shared_pem(&trusted),
            login: materials.filter(|_| self.has_own_user(work)).and_then(engine::login),
            renewal: materials.and_then(|m| m.renewal_due(&status)),
        }
    }
}
