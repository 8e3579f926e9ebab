//! Engine versions, and where their images come from.

use std::{collections::BTreeSet, path::PathBuf};

use brokerd_domain::{EngineVersion, StandIns};
use serde::{Deserialize, Serialize};

use super::{secret::Secret, sections::InvalidSetting};

/// Which of the images that a version may have run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Images {
    /// The image that was built on this machine.
    Built,
    /// The official image from a registry.
    Pulled,
}

/// Which engine versions there are, and which images run them, see [Engine versions](engine-versions.md).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Engines {
    /// Versions to offer although Amazon MQ does not: `4.0,3.10`.
    pub(crate) also_offer: BTreeSet<EngineVersion>,
    /// Which image runs a version that has images of both kinds.
    pub(crate) images: Images,
    /// Whether missing images are pulled from their registry.
    pub(crate) pull: bool,
    /// Versions that are served by another version, see [Stand-ins](engine-versions.md#stand-ins):
    /// `4.2=4.3,3.13=4.3`, in the file `stand_in = { "4.2" = "4.3", "3.13" = "4.3" }`.
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

/// A registry of your own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Registry {
    /// The address of the registry, perhaps with a path. Images whose names have no registry come from it
    /// instead of Docker Hub. With `docker.io`, name and password are those of Docker Hub.
    pub(crate) address: Option<String>,
    /// The user that pulls.
    pub(crate) username: Option<String>,
    /// The password or token of that user.
    pub(crate) password: Option<Secret>,
    /// A file that holds it; instead of `registry.password`.
    pub(crate) password_file: Option<PathBuf>,
    /// The file in which `docker login` keeps names and passwords of registries. brokerd does not ask
    /// credential helpers. The default is `config.json` in `$DOCKER_CONFIG` or `~/.docker`.
    pub(crate) docker_config: Option<PathBuf>,
}

impl Registry {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
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
                format!("{address:?} is not a registry such as registry.example.com:5000/mirror"),
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
