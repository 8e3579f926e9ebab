//! The logins for image registries.

use std::{collections::BTreeMap, fmt, io, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use secrecy::SecretString;
use serde::Deserialize;

use crate::catalogue::registry_of;

/// Docker Hub, as Docker's own tools write it down.
const HUB: &str = "https://index.docker.io/v1/";

/// A name and a password at a registry.
#[derive(Clone)]
pub struct RegistryLogin {
    /// The registry, as the container engine wants it named.
    pub address: String,
    /// The name.
    pub username: String,
    /// The password, or a token.
    pub password: SecretString,
}

impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryLogin({} at {})", self.username, self.address)
    }
}

/// The logins for image registries.
#[derive(Debug, Clone, Default)]
pub struct Registries {
    /// The operator's own.
    pub own: Option<RegistryLogin>,
    /// The file in which `docker login` keeps names and passwords; it need not exist.
    pub docker_config: Option<PathBuf>,
}

/// The file of `docker login` can't be read.
#[derive(Debug, thiserror::Error)]
#[error("can't read {}: {reason}", .path.display())]
pub struct UnreadableLogins {
    path: PathBuf,
    reason: String,
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, DockerLogin>,
}

#[derive(Deserialize)]
struct DockerLogin {
    #[serde(default)]
    auth: Option<String>,
}

impl Registries {
    /// The login for the registry of this image; `None`: anonymous pull.
    ///
    /// # Errors
    /// [`UnreadableLogins`] if the file exists and can't be read or parsed.
    pub fn login(&self, image: &str) -> Result<Option<RegistryLogin>, UnreadableLogins> {
        let host = registry_of(image).unwrap_or(HUB);
        if let Some(own) = self.own.as_ref().filter(|own| is_same(&own.address, host)) {
            return Ok(Some(RegistryLogin { address: host.to_owned(), ..own.clone() }));
        }
        let Some(path) = &self.docker_config else { return Ok(None) };
        let unreadable = |reason: String| UnreadableLogins { path: path.clone(), reason };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        // What the parser says may quote a password.
        let config: DockerConfig = serde_json::from_str(&text)
            .map_err(|error| unreadable(format!("it is wrong in line {}", error.line())))?;
        let found = config.auths.into_iter().find(|(address, _)| is_same(address, host));
        Ok(found.and_then(|(_, login)| login.auth).and_then(|auth| {
            let pair = String::from_utf8(BASE64.decode(auth).ok()?).ok()?;
            let (username, password) = pair.split_once(':')?;
            Some(RegistryLogin {
                address: host.to_owned(),
                username: username.to_owned(),
                password: password.to_owned().into(),
            })
        }))
    }
}

/// Whether two ways to write a registry's address mean the same one: with or without a scheme and a path.
fn is_same(one: &str, other: &str) -> bool {
    let host = |address: &str| {
        let address = address.split_once("://").map_or(address, |(_, rest)| rest);
        let host = address.split('/').next().unwrap_or(address);
        if ["docker.io", "registry-1.docker.io"].contains(&host) {
            "index.docker.io".to_owned()
        } else {
            host.to_ascii_lowercase()
        }
    };
    host(one) == host(other)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn login_of(registries: &Registries, image: &str) -> Option<(String, String, String)> {
        let login = registries.login(image).expect("readable")?;
        Some((login.address, login.username, login.password.expose_secret().to_owned()))
    }

    fn expected(address: &str, name: &str, password: &str) -> Option<(String, String, String)> {
        Some((address.to_owned(), name.to_owned(), password.to_owned()))
    }

    #[test]
    fn each_registry_is_told_its_own_password_and_no_other() {
        let path = std::env::temp_dir().join(format!("brokerd-logins-{}", std::process::id()));
        let auth = |pair: &str| BASE64.encode(pair);
        let text = format!(
            r#"{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{}"}}, "reg.example:5000": {{"auth": "{}"}},
                "helper.example": {{}}}}, "credsStore": "desktop"}}"#,
            auth("hub:a"),
            auth("user:with:colon")
        );
        std::fs::write(&path, text).expect("written");
        let own = RegistryLogin {
            address: "own.example/mirror".to_owned(),
            username: "me".to_owned(),
            password: "secret".to_owned().into(),
        };
        let registries = Registries { own: Some(own), docker_config: Some(path.clone()) };
        assert_eq!(login_of(&registries, "rabbitmq:4.2-management"), expected(HUB, "hub", "a"));
        assert_eq!(
            login_of(&registries, "apache/activemq-classic:5.19.9"),
            expected(HUB, "hub", "a")
        );
        assert_eq!(
            login_of(&registries, "reg.example:5000/rabbitmq:4.2"),
            expected("reg.example:5000", "user", "with:colon")
        );
        assert_eq!(
            login_of(&registries, "own.example/mirror/rabbitmq:4.2"),
            expected("own.example", "me", "secret")
        );
        for nobody in ["helper.example/rabbitmq", "quay.io/rabbitmq"] {
            assert_eq!(login_of(&registries, nobody), None, "{nobody}");
        }
        std::fs::write(&path, "{\"auths\": {\"a\": {\"auth\": 1, \"password\": \"hush\"}}}")
            .expect("written");
        let wrong = registries.login("quay.io/rabbitmq").expect_err("no text").to_string();
        assert!(wrong.contains("line 1") && !wrong.contains("hush"), "{wrong}");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(login_of(&registries, "quay.io/rabbitmq"), None, "a file that is not there");
        assert!(!format!("{registries:?}").contains("secret"));
    }
}
