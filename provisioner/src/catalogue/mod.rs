//! Which image runs which engine version.

mod ids;
mod image;

use std::collections::BTreeSet;

use brokerd_domain::{EngineType, EngineVersion, RunningEngine, StandIns};
use serde::Deserialize;

pub use ids::ImageIds;
pub(crate) use image::split_tag;
pub use image::{Image, ImageSource, LoginModule, Tmpfs};

/// The catalogue that comes with brokerd.
const BUILT_IN: &str = include_str!("../../../docker/catalogue.toml");

/// What an operator says about the versions of a catalogue.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Which image runs a version that has one of each source.
    pub prefer: ImageSource,
    /// Which versions are served by others.
    pub stand_ins: StandIns,
    /// Versions to offer though Amazon MQ does not.
    pub also_offer: BTreeSet<EngineVersion>,
    /// The registry that images come from whose names have none, instead of Docker Hub.
    pub registry: Option<String>,
    /// Whether that registry has the images that are built here, too: hosts fetch them from there.
    pub registry_has_built: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            prefer: ImageSource::Built,
            stand_ins: StandIns::default(),
            also_offer: BTreeSet::new(),
            registry: None,
            registry_has_built: false,
        }
    }
}

/// Every version that could be offered, and what runs it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "image", default)]
    images: Vec<Image>,
    #[serde(skip)]
    stand_ins: StandIns,
    #[serde(skip)]
    also_offer: BTreeSet<EngineVersion>,
}

/// The catalogue can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is not the TOML it should be.
    #[error("the catalogue is malformed: {0}")]
    Malformed(#[from] toml::de::Error),
    /// A version stands in it twice.
    #[error("the catalogue has {0} {1} more than once from one source")]
    Repeated(EngineType, EngineVersion),
    /// What should serve another version is not in it.
    #[error("engines.stand_in: the catalogue has no {1}, which is to serve brokers of {0}")]
    NoStandIn(EngineVersion, EngineVersion),
    /// What should be offered is not in it.
    #[error("engines.also_offer: the catalogue has no {0}")]
    NotThere(EngineVersion),
}

impl Catalogue {
    /// The catalogue that comes with brokerd, as it is without settings.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn built_in() -> Result<Self, CatalogueError> {
        Self::parse(BUILT_IN, &EngineSettings::default())
    }

    /// The catalogue that comes with brokerd.
    ///
    /// # Errors
    /// [`CatalogueError`] when it does not fit the settings.
    pub(crate) fn built_in_with(settings: &EngineSettings) -> Result<Self, CatalogueError> {
        Self::parse(BUILT_IN, settings)
    }

    /// Reads an operator's catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] when it is malformed, ambiguous or does not fit the settings.
    pub fn parse(text: &str, settings: &EngineSettings) -> Result<Self, CatalogueError> {
        let mut catalogue: Self = toml::from_str(text)?;
        let mut seen = BTreeSet::new();
        for image in &catalogue.images {
            if !seen.insert((image.engine, image.version, image.source)) {
                return Err(CatalogueError::Repeated(image.engine, image.version));
            }
        }
        catalogue.images.retain(|image| {
            let preferred = (image.engine, image.version, settings.prefer);
            image.source == settings.prefer || !seen.contains(&preferred)
        });
        if let Some(registry) = &settings.registry {
            let is_there = |image: &&mut Image| {
                image.source == ImageSource::Pulled || settings.registry_has_built
            };
            for image in catalogue.images.iter_mut().filter(is_there) {
                if registry_of(&image.image).is_none() {
                    image.image = format!("{registry}/{}", image.image);
                }
            }
        }
        let has = |version| catalogue.images.iter().any(|image| image.version == version);
        for (asked, runs) in settings.stand_ins.iter() {
            if !has(runs) {
                return Err(CatalogueError::NoStandIn(asked, runs));
            }
        }
        if let Some(version) = settings.also_offer.iter().find(|version| !has(**version)) {
            return Err(CatalogueError::NotThere(*version));
        }
        catalogue.stand_ins = settings.stand_ins.clone();
        catalogue.also_offer = settings.also_offer.clone();
        Ok(catalogue)
    }

    /// Every image, offered or not.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.images.iter()
    }

    /// Every version to offer, with the image that runs it, which may be that of a version that stands in.
    pub fn offered(&self) -> impl Iterator<Item = (EngineType, EngineVersion, &Image)> {
        let own = self.images.iter().filter(|image| {
            let stood_in_for = self.stand_ins.serving(image.version) != image.version;
            !stood_in_for && (image.offered || self.is_asked_for(image.version))
        });
        let stand_ins = self.stand_ins.iter().flat_map(|(asked, runs)| {
            let serving = self.images.iter().filter(move |image| image.version == runs);
            serving.map(move |image| (image.engine, asked, image))
        });
        own.map(|image| (image.engine, image.version, image)).chain(stand_ins)
    }

    /// Whether the operator wants a version offered that Amazon MQ does not offer.
    pub fn is_asked_for(&self, version: EngineVersion) -> bool {
        self.also_offer.contains(&version)
    }

    /// The image of a version itself.
    pub fn image(&self, engine: EngineType, version: EngineVersion) -> Option<&Image> {
        self.images.iter().find(|image| image.engine == engine && image.version == version)
    }

    /// The image that runs a broker for which this version was asked.
    ///
    /// A broker stays with what ran it, whatever the settings have become since, until another version is
    /// asked for. RabbitMQ makes its data its own and no older one can read them, so that it never goes back.
    pub fn serving(
        &self,
        engine: EngineType,
        asked: EngineVersion,
        running: Option<&RunningEngine>,
    ) -> Option<&Image> {
        let configured = self.image(engine, self.stand_ins.serving(asked));
        let Some(running) = running else { return configured };
        let stays = self.image(engine, running.version);
        let would_go_back =
            |image: &Image| engine == EngineType::RabbitMq && image.version < running.version;
        match configured {
            _ if running.asked == asked && stays.is_some() => stays,
            Some(image) if would_go_back(image) => stays,
            configured => configured,
        }
    }
}

/// The registry that an image's name begins with; none: Docker Hub.
pub(crate) fn registry_of(image: &str) -> Option<&str> {
    let (first, _) = image.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{Offerings, Timestamp};

    use super::*;

    const V3_13: EngineVersion = EngineVersion::new(3, 13);
    const V4_0: EngineVersion = EngineVersion::new(4, 0);
    const V4_2: EngineVersion = EngineVersion::new(4, 2);
    const V4_3: EngineVersion = EngineVersion::new(4, 3);
    const RABBIT: EngineType = EngineType::RabbitMq;

    fn stand_ins(pairs: &[(EngineVersion, EngineVersion)]) -> EngineSettings {
        let map = pairs.iter().copied().collect();
        let stand_ins = StandIns::new(map).expect("no chain");
        EngineSettings { stand_ins, ..EngineSettings::default() }
    }

    fn offered(catalogue: &Catalogue, engine: EngineType) -> Vec<String> {
        let offerings: Offerings = catalogue
            .offered()
            .map(|(engine, asked, image)| (engine, asked, image.version))
            .collect();
        assert_eq!(offerings.dead_ends(), [], "no upgrade leads out of them");
        offerings.versions(engine).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_amazon_mq_offers_is_offered_from_either_source_and_nothing_else() {
        for prefer in [ImageSource::Built, ImageSource::Pulled] {
            let settings = EngineSettings { prefer, ..EngineSettings::default() };
            let catalogue = Catalogue::built_in_with(&settings).expect("well-formed");
            assert_eq!(offered(&catalogue, EngineType::ActiveMq), ["5.19", "5.18"]);
            assert_eq!(offered(&catalogue, RABBIT), ["4.3", "4.2", "3.13"]);
            let of_source = |image: &&Image| image.source == prefer;
            let newest = catalogue.image(RABBIT, V4_3).filter(of_source);
            assert!(newest.is_some(), "{prefer:?}");
            assert!(catalogue.image(RABBIT, V4_0).is_some(), "brokers of it go on being kept");
        }
    }

    #[test]
    fn what_amazon_mq_does_not_offer_is_offered_when_asked_for() {
        let also_offer = BTreeSet::from([V4_0]);
        let settings = EngineSettings { also_offer, ..EngineSettings::default() };
        let catalogue = Catalogue::built_in_with(&settings).expect("well-formed");
        assert_eq!(offered(&catalogue, RABBIT), ["4.3", "4.2", "4.0", "3.13"]);
        let also_offer = BTreeSet::from([EngineVersion::new(4, 9)]);
        let settings = EngineSettings { also_offer, ..EngineSettings::default() };
        let refused = Catalogue::built_in_with(&settings);
        assert!(matches!(refused, Err(CatalogueError::NotThere(_))), "{refused:?}");
    }

    #[test]
    fn a_version_that_stands_in_is_offered_by_both_names() {
        let settings = stand_ins(&[(V4_2, V4_3), (V3_13, V4_3)]);
        let catalogue = Catalogue::built_in_with(&settings).expect("well-formed");
        assert_eq!(offered(&catalogue, RABBIT), ["4.3", "4.2", "3.13"]);
        for asked in [V4_3, V4_2, V3_13] {
            let image = catalogue.serving(RABBIT, asked, None).expect("an image");
            assert_eq!(image.version, V4_3, "{asked}");
        }
        let refused = Catalogue::built_in_with(&stand_ins(&[(V4_2, EngineVersion::new(4, 9))]));
        assert!(matches!(refused, Err(CatalogueError::NoStandIn(..))), "{refused:?}");
    }

    #[test]
    fn a_broker_stays_with_what_ran_it_and_rabbitmq_never_goes_back() {
        let ran = |asked, version| RunningEngine {
            asked,
            version,
            true_version: String::new(),
            image: String::new(),
            image_id: String::new(),
            since: Timestamp::from_micros(0),
        };
        let none = stand_ins(&[]);
        let both = stand_ins(&[(V4_2, V4_3), (V3_13, V4_3)]);
        for (settings, asked, running, expected) in [
            (&none, V4_2, None, V4_2),
            (&both, V4_2, None, V4_3),
            (&none, V3_13, Some(ran(V3_13, V4_3)), V4_3),
            (&both, V3_13, Some(ran(V3_13, V3_13)), V3_13),
            // Upgraded by name, after the setting was taken back.
            (&none, V4_2, Some(ran(V3_13, V4_3)), V4_3),
            (&none, V4_3, Some(ran(V4_2, V4_2)), V4_3),
        ] {
            let catalogue = Catalogue::built_in_with(settings).expect("well-formed");
            let image = catalogue.serving(RABBIT, asked, running.as_ref()).expect("an image");
            assert_eq!(image.version, expected, "{asked} {running:?}");
        }
    }

    const ONE: &str = r#"
        [[image]]
        engine = "RABBITMQ"
        version = "4.3"
        image = "rabbitmq:4.3.2-management"
        source = "pulled"
        uid = 999
        gid = 999
        config_root = "/etc/rabbitmq"
        data_root = "/var/lib/rabbitmq"
    "#;

    fn one(text: &str, settings: &EngineSettings) -> Image {
        let catalogue = Catalogue::parse(text, settings).expect("well-formed");
        catalogue.image(RABBIT, V4_3).expect("there").clone()
    }

    #[test]
    fn a_version_named_twice_or_an_unknown_key_is_refused() {
        let none = EngineSettings::default();
        let twice = Catalogue::parse(&format!("{ONE}\n{ONE}"), &none);
        assert!(matches!(twice, Err(CatalogueError::Repeated(..))));
        let unknown = ONE.replace("uid = 999", "uid = 999\ncolour = 1");
        assert!(matches!(Catalogue::parse(&unknown, &none), Err(CatalogueError::Malformed(_))));
    }

    #[test]
    fn an_image_is_found_by_its_digest_and_in_the_operators_registry() {
        let registry = Some("127.0.0.1:5000/hub".to_owned());
        let mirrored = EngineSettings { registry, ..EngineSettings::default() };
        let none = EngineSettings::default();
        let digest = ONE.replace("source", "digest = \"sha256:12\"\nsource");
        let elsewhere = ONE.replace("rabbitmq:4.3.2", "quay.io/rabbitmq:4.3.2");
        for (text, settings, reference) in [
            (ONE, &none, "rabbitmq:4.3.2-management"),
            (ONE, &mirrored, "127.0.0.1:5000/hub/rabbitmq:4.3.2-management"),
            (&digest, &none, "rabbitmq@sha256:12"),
            (&digest, &mirrored, "127.0.0.1:5000/hub/rabbitmq@sha256:12"),
            (&elsewhere, &mirrored, "quay.io/rabbitmq:4.3.2-management"),
        ] {
            assert_eq!(one(text, settings).reference(), reference);
        }
        assert_eq!(registry_of("apache/activemq-classic:5.19.9"), None);
        assert_eq!(registry_of("localhost/rabbitmq"), Some("localhost"));
    }

    #[test]
    fn what_was_pulled_is_told_by_its_digest_and_known_again() {
        let none = EngineSettings::default();
        let digests = [
            "elsewhere:5000/rabbitmq@sha256:0".to_owned(),
            "rabbitmq@sha256:12".to_owned(),
            "rabbitmq@sha256:34".to_owned(),
        ];
        let tag = one(ONE, &none);
        assert_eq!(tag.digests_among(&digests), ["sha256:12", "sha256:34"]);
        let described = tag.described(&digests);
        assert_eq!(described, "rabbitmq:4.3.2-management@sha256:12");
        assert_eq!(tag.described(&digests[..1]), "rabbitmq:4.3.2-management");
        assert!(tag.is_described_by(&described) && tag.is_described_by(&tag.reference()));
        assert!(!tag.is_described_by("rabbitmq:4.3.2-management-alpine"));
        let pinned = one(&ONE.replace("source", "digest = \"sha256:12\"\nsource"), &none);
        assert!(tag.is_named_by_tag() && !pinned.is_named_by_tag());
        assert_eq!(pinned.described(&digests), "rabbitmq@sha256:12");
        assert!(!pinned.is_described_by(&described), "it was not pinned then");
        let built = one(&ONE.replace("pulled", "built"), &none);
        assert_eq!(built.described(&digests), "rabbitmq:4.3.2-management");
        for name in ["docker.io/library/rabbitmq:1", "library/rabbitmq:1"] {
            let full = Image { image: name.to_owned(), ..tag.clone() };
            assert_eq!(full.digests_among(&digests), ["sha256:12", "sha256:34"], "{name}");
        }
    }

    #[test]
    fn modules_are_what_the_image_tells_or_what_is_released_together() {
        let catalogue = Catalogue::built_in_with(&EngineSettings {
            prefer: ImageSource::Pulled,
            ..EngineSettings::default()
        });
        let catalogue = catalogue.expect("well-formed");
        let image = |engine, major, minor| {
            catalogue.image(engine, EngineVersion::new(major, minor)).expect("there")
        };
        let (stock, rabbit) = (image(EngineType::ActiveMq, 5, 18), image(RABBIT, 4, 2));
        let modules = stock.modules(None, "5.18.7");
        assert!(modules.contains("broker=5.18.7,client=5.18.7"), "{modules}");
        assert!(!modules.contains("web"), "nothing starts it: {modules}");
        assert_eq!(stock.modules(Some("client=1.0.0"), "5.18.7"), "client=1.0.0");
        assert_eq!(stock.modules(Some(""), "5.18"), "", "the patch level is not known");
        assert_eq!(rabbit.modules(None, "4.2.8"), "server=4.2.8");
        assert!(!stock.has_launcher() && rabbit.has_launcher());
        assert!(!stock.owns_data && rabbit.owns_data);
        let built = Catalogue::built_in().expect("well-formed");
        let built = built.image(EngineType::ActiveMq, EngineVersion::new(5, 18)).expect("there");
        assert_eq!(built.modules(None, "5.18.7"), "", "its modules differ");
        assert!(built.has_launcher());
    }

    #[test]
    fn the_full_version_is_the_images_own_or_its_tags() {
        let image = one(ONE, &EngineSettings::default());
        assert_eq!(image.true_version(None).as_deref(), Ok("4.3.2"));
        assert_eq!(image.true_version(Some("4.3.6")).as_deref(), Ok("4.3.6"));
        assert_eq!(image.true_version(Some("4.30.1")), Err("4.30.1".to_owned()));
        let minor = Image { image: "reg:5000/rabbitmq".to_owned(), ..image };
        assert_eq!(minor.true_version(None).as_deref(), Ok("4.3"));
    }
}
