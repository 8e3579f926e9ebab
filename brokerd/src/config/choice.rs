//! A setting that brokerd finds out by itself unless it is told.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The word for it.
const AUTO: &str = "auto";

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice<T> {
    /// brokerd finds out.
    Auto,
    /// This.
    Chosen(T),
}

impl<T> Choice<T> {
    /// What was chosen by somebody else than brokerd.
    pub(crate) const fn chosen(&self) -> Option<&T> {
        match self {
            Self::Auto => None,
            Self::Chosen(value) => Some(value),
        }
    }
}

impl<T: fmt::Display> Serialize for Choice<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(AUTO),
            Self::Chosen(value) => serializer.collect_str(value),
        }
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == AUTO {
            return Ok(Self::Auto);
        }
        text.parse().map(Self::Chosen).map_err(D::Error::custom)
    }
}
