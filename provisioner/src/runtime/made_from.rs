//! What the labels of a runtime's objects say, whatever it calls them: whose they are, and what they were made from.

use brokerd_domain::{
    Generation,
    instance::{InstanceName, SpecDigest},
};

use super::RuntimeObject;

/// The installation.
pub(super) const INSTALLATION: &str = "brokerd.installation";
/// Which broker it belongs to.
pub(super) const BROKER: &str = "brokerd.broker";
/// Which instance it belongs to; what belongs to the whole broker has none.
pub(super) const ORDINAL: &str = "brokerd.ordinal";
/// The generation an instance was made for.
pub(super) const GENERATION: &str = "brokerd.generation";
/// The reboot an instance embodies.
pub(super) const REBOOT: &str = "brokerd.reboot";
/// The digest of the spec an instance was made from.
pub(super) const SPEC: &str = "brokerd.spec";

/// What an instance was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MadeFrom {
    pub(super) name: InstanceName,
    pub(super) generation: Generation,
    pub(super) reboot: u32,
    pub(super) digest: SpecDigest,
}

/// What the labels say it is; nothing, if they were not written by us.
pub(super) fn object<'a>(label: impl Fn(&str) -> Option<&'a String>) -> Option<RuntimeObject> {
    let broker = label(BROKER)?.parse().ok()?;
    let ordinal = match label(ORDINAL) {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    Some(RuntimeObject { broker, ordinal })
}

impl MadeFrom {
    /// What labels and notes say an instance was made from; nothing, if they were not written by us.
    pub(super) fn read<'a>(
        label: impl Fn(&str) -> Option<&'a String>,
        note: impl Fn(&str) -> Option<&'a String>,
    ) -> Option<Self> {
        let RuntimeObject { broker, ordinal } = object(&label)?;
        let installation = label(INSTALLATION)?.parse().ok()?;
        Some(Self {
            name: InstanceName { installation, broker, ordinal: ordinal? },
            generation: Generation(note(GENERATION)?.parse().ok()?),
            reboot: note(REBOOT)?.parse().ok()?,
            digest: SpecDigest(note(SPEC)?.clone()),
        })
    }
}
