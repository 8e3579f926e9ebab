//! Secrets inside the configuration.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is written where a secret is.
const REDACTED: &str = "[redacted]";

/// A secret that can be read from the configuration and is never written back.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

/// A database URL, of which only the password is hidden.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct DatabaseUrl(Secret);

impl DatabaseUrl {
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The URL as it may be shown.
    pub(crate) fn redacted(&self) -> String {
        let url = self.expose();
        // A password may also be a parameter; then nothing of the URL is shown.
        if url.contains("password=") {
            return REDACTED.to_owned();
        }
        let Some((scheme, rest)) = url.split_once("://") else { return REDACTED.to_owned() };
        let Some((user, host)) = rest.rsplit_once('@') else { return url.to_owned() };
        match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:{REDACTED}@{host}"),
            None => url.to_owned(),
        }
    }
}

impl From<String> for DatabaseUrl {
    fn from(text: String) -> Self {
        Self(Secret::from(text))
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_database_url_only_the_password_is_hidden() {
        for (url, shown) in [
            ("postgres://u:p@h:5432/d", "postgres://u:[redacted]@h:5432/d"),
            ("postgres://u:p@ss@h/d", "postgres://u:[redacted]@h/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres:///d?host=/run", "postgres:///d?host=/run"),
            ("postgres://h/d?user=u&password=p", "[redacted]"),
            ("secret", "[redacted]"),
        ] {
            assert_eq!(DatabaseUrl::from(url.to_owned()).redacted(), shown);
        }
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let secret = Secret::from("hush".to_owned());
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.expose(), "hush");
    }
}
