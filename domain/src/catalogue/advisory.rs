//! Security advisories of engine versions.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::engine::EngineType;

/// The protection that ActiveMQ lacks without brokerd's launcher.
pub const WITHOUT_LAUNCHER: &str = "this image is not brokerd's. Before a client has logged in only the size of a frame is \
    bounded, not what frames hold, how many there are and how long a login takes; XStream is in it; passwords are in plain \
    text in the broker's configuration volume; there is no web console; brokers can't have their users in a directory";

/// A full version, such as `5.19.2`. A part that is missing is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct PatchVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

/// Text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version: three numbers with dots between them were expected")]
pub struct NotAVersion(String);

impl FromStr for PatchVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let wrong = || NotAVersion(text.to_owned());
        let mut parts = text.split('.').map(|part| part.parse::<u32>().map_err(|_| wrong()));
        let mut next = || parts.next().unwrap_or(Ok(0));
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        if parts.next().is_some() { Err(wrong()) } else { Ok(version) }
    }
}

impl TryFrom<String> for PatchVersion {
    type Error = NotAVersion;

    fn try_from(text: String) -> Result<Self, NotAVersion> {
        text.parse()
    }
}

impl fmt::Display for PatchVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for PatchVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The modules an engine's image is made of, each with its version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineModules(BTreeMap<String, PatchVersion>);

impl EngineModules {
    /// From an image's label, `module=version,…`. What can't be read is left out.
    pub fn parse(label: &str) -> Self {
        let pairs = label.split(',').filter_map(|pair| pair.split_once('='));
        Self(pairs.filter_map(|(name, v)| Some((name.to_owned(), v.parse().ok()?))).collect())
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and version of each, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, PatchVersion)> {
        self.0.iter().map(|(name, version)| (name.as_str(), *version))
    }
}

/// An advisory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// Its name, such as `CVE-2026-39304`.
    pub id: String,
    /// The engine it is about.
    #[serde(deserialize_with = "engine")]
    pub engine: EngineType,
    /// The module it is about.
    pub module: String,
    /// The first fixed version of each line (major and minor).
    pub fixed_in: Vec<PatchVersion>,
    /// The impact.
    pub summary: String,
    /// The mitigation in the configuration of every broker.
    #[serde(default)]
    pub mitigation: Option<String>,
    /// The mitigation in brokerd's launcher.
    #[serde(default)]
    pub launcher: Option<String>,
}

fn engine<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<EngineType, D::Error> {
    let text = String::deserialize(deserializer)?;
    EngineType::parse(&text).map_err(serde::de::Error::custom)
}

impl Advisory {
    /// The version of the module it is about, if it is open for an engine of these modules.
    ///
    /// A version is fixed from the fixed one of its line on, and from the newest of the fixed ones on in any
    /// line; a line that has none is open below that.
    pub fn open_in(&self, engine: EngineType, modules: &EngineModules) -> Option<PatchVersion> {
        if self.engine != engine {
            return None;
        }
        let have = *modules.0.get(&self.module)?;
        let line = |v: &PatchVersion| (v.major, v.minor);
        let fixed_in_line = self.fixed_in.iter().any(|f| line(f) == line(&have) && have >= *f);
        let newer_than_all = self.fixed_in.iter().all(|fixed| have >= *fixed);
        let fixed = fixed_in_line || (newer_than_all && !self.fixed_in.is_empty());
        (!fixed).then_some(have)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory(fixed_in: &[&str]) -> Advisory {
        Advisory {
            id: "CVE-1".to_owned(),
            engine: EngineType::ActiveMq,
            module: "client".to_owned(),
            fixed_in: fixed_in.iter().map(|v| v.parse().expect("a version")).collect(),
            summary: String::new(),
            mitigation: None,
            launcher: None,
        }
    }

    #[test]
    fn an_advisory_is_open_until_the_fixed_version_of_the_line() {
        for (version, fixed_in, open) in [
            ("5.18.6", &["5.18.7", "5.19.0", "6.1.6"][..], true),
            ("5.18.7", &["5.18.7", "5.19.0", "6.1.6"], false),
            ("5.19.2", &["5.18.7", "5.19.0", "6.1.6"], false),
            // A line without a fix is open below the newest fixed one, and fixed from there on.
            ("5.18.7", &["5.19.5", "6.2.4"], true),
            ("6.1.8", &["5.19.5", "6.2.4"], true),
            ("6.3.1", &["5.19.5", "6.2.4"], false),
            ("5.19.10", &["5.19.9"], false),
            ("5.19.2", &[], true),
        ] {
            let modules = EngineModules::parse(&format!("broker=1.0.0,client={version}"));
            let found = advisory(fixed_in).open_in(EngineType::ActiveMq, &modules);
            assert_eq!(found.is_some(), open, "{version} with {fixed_in:?}");
        }
    }

    #[test]
    fn an_advisory_is_about_its_engine_and_its_module() {
        let modules = EngineModules::parse("client=5.18.6,odd=five,=,broken");
        assert_eq!(modules.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["client"]);
        let advisory = advisory(&["5.18.7"]);
        assert!(advisory.open_in(EngineType::ActiveMq, &modules).is_some());
        assert_eq!(advisory.open_in(EngineType::RabbitMq, &modules), None);
        assert_eq!(advisory.open_in(EngineType::ActiveMq, &EngineModules::default()), None);
    }

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!("5.19".parse::<PatchVersion>().map(|v| v.to_string()), Ok("5.19.0".to_owned()));
        for wrong in ["", "5.x.1", "1.2.3.4", "-1.0.0"] {
            assert!(wrong.parse::<PatchVersion>().is_err(), "{wrong}");
        }
    }
}
