//! Which image runs which engine version.

use brokerd_domain::{EngineType, EngineVersion};
use serde::Deserialize;

/// The catalogue that comes with brokerd.
const BUILT_IN: &str = include_str!("../../docker/catalogue.toml");

/// Where an image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Built by `docker/build.sh`.
    Built,
    /// Pulled from a registry by the operator.
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
    /// Where it comes from.
    pub source: Source,
    /// The user the engine runs as.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
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
    /// Other versions that this image stands in for.
    #[serde(default)]
    pub aliases: Vec<EngineVersion>,
}

/// Every version that could be offered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "image", default)]
    images: Vec<Image>,
}

/// The catalogue can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is not the TOML it should be.
    #[error("the catalogue is malformed: {0}")]
    Malformed(#[from] toml::de::Error),
    /// A version stands in it twice.
    #[error("the catalogue has {0} {1} more than once")]
    Repeated(EngineType, EngineVersion),
}

impl Catalogue {
    /// The catalogue that comes with brokerd.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn built_in() -> Result<Self, CatalogueError> {
        Self::parse(BUILT_IN)
    }

    /// Reads an operator's catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] when it is malformed or ambiguous.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let catalogue: Self = toml::from_str(text)?;
        let mut seen = std::collections::BTreeSet::new();
        for (engine, version, _) in catalogue.versions() {
            if !seen.insert((engine, version)) {
                return Err(CatalogueError::Repeated(engine, version));
            }
        }
        Ok(catalogue)
    }

    /// Every version, aliases included, with the image that runs it.
    pub fn versions(&self) -> impl Iterator<Item = (EngineType, EngineVersion, &Image)> {
        self.images.iter().flat_map(|image| {
            std::iter::once(image.version)
                .chain(image.aliases.iter().copied())
                .map(move |version| (image.engine, version, image))
        })
    }

    /// The image for a version.
    pub fn image(&self, engine: EngineType, version: EngineVersion) -> Option<&Image> {
        self.versions().find(|(e, v, _)| *e == engine && *v == version).map(|(_, _, image)| image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_is_well_formed() {
        let catalogue = Catalogue::built_in().expect("well-formed");
        assert!(catalogue.image(EngineType::ActiveMq, EngineVersion::new(5, 19)).is_some());
        assert!(catalogue.image(EngineType::RabbitMq, EngineVersion::new(4, 3)).is_some());
    }

    const ONE: &str = r#"
        [[image]]
        engine = "RABBITMQ"
        version = "4.3"
        image = "rabbitmq:4.3-management"
        source = "pulled"
        uid = 999
        gid = 999
        config_root = "/etc/rabbitmq"
        data_root = "/var/lib/rabbitmq"
        aliases = ["4.2"]
    "#;

    #[test]
    fn an_alias_leads_to_the_image() {
        let catalogue = Catalogue::parse(ONE).expect("well-formed");
        let image = catalogue.image(EngineType::RabbitMq, EngineVersion::new(4, 2)).expect("alias");
        assert_eq!(image.image, "rabbitmq:4.3-management");
    }

    #[test]
    fn a_version_named_twice_or_an_unknown_key_is_refused() {
        let twice = format!("{ONE}\n{}", ONE.replace("[\"4.2\"]", "[]"));
        assert!(matches!(Catalogue::parse(&twice), Err(CatalogueError::Repeated(..))));
        let unknown = ONE.replace("uid = 999", "uid = 999\ncolour = 1");
        assert!(matches!(Catalogue::parse(&unknown), Err(CatalogueError::Malformed(_))));
    }
}
