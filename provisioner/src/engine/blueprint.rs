//! What an instance is rendered from, and what renders it.

use std::time::Duration;

use brokerd_domain::{
    Broker, BrokerSpec, BrokerUser, InstallationId, Protocol,
    instance::{InstanceSpec, Limits},
};
use secrecy::SecretString;

use crate::{catalogue::Image, pki::materials::Materials, runtime::Capacity};

/// How tiers are mapped to the host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    /// Factor on the memory and processors of the tier, above 0 and at most 1.
    pub scale: f64,
    /// How many files an instance may have open.
    pub open_files: u64,
    /// Whether new brokers get disks of their own of the tier's size.
    pub sized_volumes: bool,
}

/// Everything an instance is rendered from.
#[derive(Debug)]
pub struct Blueprint<'a> {
    /// The installation.
    pub installation: &'a InstallationId,
    /// The broker.
    pub broker: &'a Broker,
    /// Its users with their passwords.
    pub users: &'a [BrokerUser],
    /// The password of its directory's service account.
    pub ldap_password: Option<&'a SecretString>,
    /// The certificates, PEM, of its account's authorities of directories; none: those that the engine was given.
    pub directory_authorities: Option<&'a str>,
    /// The configuration revision in force.
    pub configuration: &'a str,
    /// Its materials.
    pub materials: &'a Materials,
    /// What runs it.
    pub image: &'a Image,
    /// How the tier is mapped.
    pub sizing: Sizing,
    /// What the host has.
    pub capacity: Capacity,
}

/// Why a broker can't run here, in a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// One kind of engine.
pub trait Engine: Send + Sync + 'static {
    /// The instances that should exist, in order of their ordinals.
    ///
    /// # Errors
    /// [`Unsupported`] when this host can't run them.
    fn desired(&self, blueprint: &Blueprint<'_>) -> Result<Vec<InstanceSpec>, Unsupported>;

    /// What a new broker begins with, to be stored with it; none: the engine needs nothing of the kind.
    ///
    /// # Errors
    /// [`Unsupported`] when it can't be rendered.
    fn seed(&self, _: &Blueprint<'_>) -> Result<Option<String>, Unsupported> {
        Ok(None)
    }

    /// What each instance may use when it serves.
    ///
    /// # Errors
    /// [`Unsupported`] when this host has not got that.
    fn limits(
        &self,
        spec: &BrokerSpec,
        sizing: Sizing,
        capacity: Capacity,
    ) -> Result<Limits, Unsupported>;

    /// The protocols that must answer before an instance counts as ready.
    fn probes(&self) -> &'static [Protocol];

    /// How long a boot may take before it counts as hung.
    fn boot_deadline(&self) -> Duration;
}
