//! Stand-ins: engine versions that serve brokers of another version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::engine::EngineVersion;

/// Which version serves brokers of which other one. Empty unless the operator configures it: without, a version is
/// served by itself or refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<EngineVersion, EngineVersion>",
    into = "BTreeMap<EngineVersion, EngineVersion>"
)]
pub struct StandIns(BTreeMap<EngineVersion, EngineVersion>);

/// The versions can't stand in for each other so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStandIn {
    /// It would stand in for itself.
    #[error("{0} can't stand in for itself")]
    Itself(EngineVersion),
    /// The stand-in has a stand-in itself.
    #[error("{0} is to be served by {1}, which is served by another version itself")]
    Chain(EngineVersion, EngineVersion),
}

impl StandIns {
    /// From the version asked for to the one that serves it.
    ///
    /// # Errors
    /// [`InvalidStandIn`].
    pub fn new(map: BTreeMap<EngineVersion, EngineVersion>) -> Result<Self, InvalidStandIn> {
        for (asked, runs) in &map {
            if asked == runs {
                return Err(InvalidStandIn::Itself(*asked));
            }
            if map.contains_key(runs) {
                return Err(InvalidStandIn::Chain(*asked, *runs));
            }
        }
        Ok(Self(map))
    }

    /// The version that serves brokers of this one: itself unless another stands in.
    pub fn serving(&self, asked: EngineVersion) -> EngineVersion {
        self.0.get(&asked).copied().unwrap_or(asked)
    }

    /// Every version that another one stands in for, with that one.
    pub fn iter(&self) -> impl Iterator<Item = (EngineVersion, EngineVersion)> {
        self.0.iter().map(|(asked, runs)| (*asked, *runs))
    }
}

impl TryFrom<BTreeMap<EngineVersion, EngineVersion>> for StandIns {
    type Error = InvalidStandIn;

    fn try_from(map: BTreeMap<EngineVersion, EngineVersion>) -> Result<Self, InvalidStandIn> {
        Self::new(map)
    }
}

impl From<StandIns> for BTreeMap<EngineVersion, EngineVersion> {
    fn from(stand_ins: StandIns) -> Self {
        stand_ins.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand_ins(pairs: &[(&str, &str)]) -> Result<StandIns, InvalidStandIn> {
        let version = |text: &str| text.parse().expect("a version");
        StandIns::new(pairs.iter().map(|(a, b)| (version(a), version(b))).collect())
    }

    #[test]
    fn a_version_is_served_by_itself_unless_another_stands_in() {
        let (v42, v43) = (EngineVersion::new(4, 2), EngineVersion::new(4, 3));
        let some = stand_ins(&[("4.2", "4.3"), ("3.13", "4.3")]).expect("valid");
        assert_eq!((some.serving(v42), some.serving(v43)), (v43, v43));
        assert_eq!(StandIns::default().serving(v42), v42);
    }

    #[test]
    fn nothing_stands_in_for_itself_or_by_way_of_a_third() {
        assert!(matches!(stand_ins(&[("4.2", "4.2")]), Err(InvalidStandIn::Itself(_))));
        let chain = stand_ins(&[("3.13", "4.2"), ("4.2", "4.3")]);
        assert!(matches!(chain, Err(InvalidStandIn::Chain(..))));
    }
}
