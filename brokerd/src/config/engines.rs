//! Engine versions, and where their images come from.

use std::{collections::BTreeSet, path::PathBuf};

use brokerd_domain::{EngineVersion, StandIns};
use serde::{Deserialize, Serialize};

use super::{secret::Secret, sections::Misfit};

/// Which of the images that a version may have run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Images {
    /// Those built on this machine.
    Built,
    /// The official ones.
    Pulled,
}

/// Which engine versions there are, and what runs them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Engines {
    /// Versions to offer though Amazon MQ does not.
    pub(crate) also_offer: BTreeSet<EngineVersion>,
    /// What runs a version that has an image of either kind.
    pub(crate) images: Images,
    /// Whether images are pulled that are not there.
    pub(crate) pull: bool,
    /// Which versions are served by others.
    pub(crate) stand_in: StandIns,
}

impl Default for Engines {
    fn default() -> Self {
        Self {
            also_offer: BTreeSet::new(),
            images: Images::Built,
            pull: true,
            stand_in: StandIns::default(),
        }
    }
}

/// A registry of the operator's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Registry {
    /// Where it is, perhaps with a path; images come from there whose names have no registry.
    pub(crate) address: Option<String>,
    /// Who pulls.
    pub(crate) username: Option<String>,
    /// The password.
    pub(crate) password: Option<Secret>,
    /// A file that holds it.
    pub(crate) password_file: Option<PathBuf>,
    /// The file in which `docker login` keeps names and passwords.
    pub(crate) docker_config: Option<PathBuf>,
}

impl Registry {
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
        if self.password.is_some() && self.password_file.is_some() {
            return Err((
                "registry.password",
                "is given together with registry.password_file".into(),
            ));
        }
        let password = self.password.is_some() || self.password_file.is_some();
        match (&self.address, &self.username) {
            (None, Some(_)) => {
                Err(("registry.address", "is missing beside registry.username".into()))
            }
            (_, None) if password => {
                Err(("registry.username", "is missing beside the registry's password".into()))
            }
            (_, Some(_)) if !password => {
                Err(("registry.password", "is missing beside registry.username".into()))
            }
            (Some(address), _) if !is_registry(address) => Err((
                "registry.address",
                format!("{address:?} is no registry such as registry.example.com:5000/mirror"),
            )),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// Whether images come from it whose names have no registry: not if it is Docker Hub, where they come
    /// from anyway.
    pub(crate) fn mirror(&self) -> Option<&str> {
        self.address.as_deref().filter(|address| *address != "docker.io")
    }
}

/// A host with a dot or a port, without which it would be taken for a name at Docker Hub; perhaps a path.
fn is_registry(address: &str) -> bool {
    let (host, path) = address.split_once('/').unwrap_or((address, "-"));
    let plain = |text: &str, more: &[char]| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(&c);
        !text.is_empty() && text.chars().all(fits)
    };
    plain(host, &['.', '-', ':'])
        && (host.contains(['.', ':']) || host == "localhost")
        && path.split('/').all(|part| plain(part, &['.', '-', '_']))
}
