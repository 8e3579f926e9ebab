//! One image, and what runs from it.

use brokerd_domain::{EngineType, EngineVersion};
use serde::Deserialize;

/// Where an image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageSource {
    /// Built by `docker/build.sh`.
    Built,
    /// Pulled from a registry.
    Pulled,
}

/// What checks ActiveMQ's passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginModule {
    /// Ours, which is in the images built here: passwords are stored hashed.
    Hashed,
    /// ActiveMQ's own `PropertiesLoginModule`, for stock images: passwords are stored as they are.
    Properties,
}

/// A path in memory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tmpfs {
    /// Where.
    pub path: String,
    /// Mount options.
    pub options: String,
}

/// One engine version and what runs it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The engine.
    pub engine: EngineType,
    /// The version callers name.
    pub version: EngineVersion,
    /// The image's name.
    pub image: String,
    /// `sha256:…`: exactly this content, whatever the name's tag means by now.
    #[serde(default)]
    pub digest: Option<String>,
    /// Where it comes from.
    pub source: ImageSource,
    /// Whether Amazon MQ offers the version. One that it does not offer is not offered here either, unless
    /// the operator says so.
    #[serde(default = "yes")]
    pub offered: bool,
    /// The user the engine runs as.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Whether `data_root` is theirs in the image. Where it is not, the volume there begins empty and is given to
    /// them.
    #[serde(default = "yes")]
    pub owns_data: bool,
    /// Where its configuration is.
    pub config_root: String,
    /// Where its data is.
    pub data_root: String,
    /// Paths it writes to that are not kept.
    #[serde(default)]
    pub tmpfs: Vec<Tmpfs>,
    /// Environment variables.
    #[serde(default)]
    pub env: Vec<String>,
    /// The command, if it is not the image's own.
    #[serde(default)]
    pub command: Vec<String>,
    /// What checks ActiveMQ's passwords.
    #[serde(default)]
    pub login_module: Option<LoginModule>,
}

const fn yes() -> bool {
    true
}

impl Image {
    /// The name by which a container engine finds it: by its digest, if it has one.
    pub fn reference(&self) -> String {
        match &self.digest {
            None => self.image.clone(),
            Some(digest) => format!("{}@{digest}", split_tag(&self.image).0),
        }
    }

    /// The full version, from the image's label or else from its tag.
    ///
    /// # Errors
    /// What the image tells, if that is another version than this one.
    pub fn true_version(&self, label: Option<&str>) -> Result<String, String> {
        let fits = |text: &str| {
            let rest = text.strip_prefix(&self.version.to_string());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
        };
        match (label, split_tag(&self.image).1) {
            (Some(label), _) if fits(label) => Ok(label.to_owned()),
            (Some(label), _) => Err(label.to_owned()),
            (None, Some(tag)) if fits(tag) => {
                // As in 4.2.8-management.
                Ok(tag.split(['-', '+']).next().unwrap_or(tag).to_owned())
            }
            (None, _) => Ok(self.version.to_string()),
        }
    }

    /// Whether its name may mean another image in its registry from one day to the next.
    pub(crate) fn is_named_by_tag(&self) -> bool {
        self.source == ImageSource::Pulled && self.digest.is_none()
    }

    /// By which digests, `sha256:…`, the registry of its name knows it, of all `name@sha256:…` that it has.
    pub(crate) fn digests_among(&self, digests: &[String]) -> Vec<String> {
        let own = in_short(split_tag(&self.image).0);
        let pairs = digests.iter().filter_map(|digest| digest.split_once('@'));
        let own = pairs.filter(|(name, _)| in_short(name) == own);
        own.map(|(_, digest)| digest.to_owned()).collect()
    }

    /// What it is, for a person and for the catalogue of whoever wants exactly this: its name, with the digest.
    pub fn described(&self, digests: &[String]) -> String {
        match self.digests_among(digests).first() {
            Some(digest) if self.is_named_by_tag() => format!("{}@{digest}", self.image),
            _ => self.reference(),
        }
    }

    /// Whether that describes it, whatever was behind its name then.
    pub(crate) fn is_described_by(&self, described: &str) -> bool {
        let reference = self.reference();
        let rest = described.strip_prefix(&reference);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
    }

    /// The modules of the engine in it and their versions, `module=version,…`: as the image tells or, of one from a
    /// registry that tells nothing, as they are released together. Empty if that is not known.
    pub fn modules(&self, label: Option<&str>, true_version: &str) -> String {
        if let Some(label) = label.filter(|label| !label.is_empty()) {
            return label.to_owned();
        }
        // Without the patch level nothing can be said of advisories.
        if self.source != ImageSource::Pulled || true_version.split('.').count() != 3 {
            return String::new();
        }
        let modules = match self.engine {
            EngineType::ActiveMq => RELEASED_TOGETHER,
            EngineType::RabbitMq => &["server"],
        };
        let all: Vec<_> = modules.iter().map(|name| format!("{name}={true_version}")).collect();
        all.join(",")
    }

    /// Whether brokerd's own launcher runs the engine, which bounds what strangers can make it hold. RabbitMQ needs
    /// none.
    pub(crate) fn has_launcher(&self) -> bool {
        self.login_module != Some(LoginModule::Properties)
    }
}

/// The modules of a distribution of ActiveMQ that a broker here uses: the web console is none of them, as nothing
/// starts it.
const RELEASED_TOGETHER: &[&str] = &[
    "amqp",
    "broker",
    "client",
    "http",
    "jaas",
    "jms-pool",
    "kahadb-store",
    "mqtt",
    "openwire-legacy",
    "pool",
    "spring",
    "stomp",
];

/// The name of an image without its tag, and the tag.
pub(crate) fn split_tag(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':') {
        // What follows the colon of a port is a path.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (image, None),
    }
}

/// A name without the parts that Docker leaves out.
fn in_short(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}
