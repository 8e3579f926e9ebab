//! The configuration as a resource: names, creation, revisions.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{
    activemq::{self, SanitizationWarning},
    rabbitmq::RabbitMqConfiguration,
    reference::ConfigurationRef,
};
use crate::{
    access::Tags,
    catalogue::{AuthenticationStrategy, EngineType, EngineVersion, Offerings},
    kernel::{Arn, ConfigurationId, Error, ErrorKind, Scope, Timestamp, required, text},
};

/// Most revisions a configuration keeps; none can be deleted.
///
/// Source: quota page of the developer guide.
pub const MAX_REVISIONS: i32 = 300;

/// Most configurations an account keeps in a region.
pub const MAX_CONFIGURATIONS: i64 = 1000;

/// How long the description of a revision may be, in characters.
const MAX_DESCRIPTION_LENGTH: usize = 1024;

/// A configuration's name: 1–150 letters, digits and `-._~`. It need not be unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigurationName(String);

impl ConfigurationName {
    /// Checks a caller's name.
    ///
    /// # Errors
    /// A 400 on `name`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let permitted = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !(1..=150).contains(&text.len()) || !text.chars().all(permitted) {
            return Err(Error::bad_request(
                "name",
                "Configuration name is invalid. Enter a name 1 to 150 characters long that contains only alphanumeric characters and (- . _ ~).",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConfigurationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A revision without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its number, from 1 on.
    pub number: i32,
    /// When it was saved.
    pub created: Timestamp,
    /// What its author said about it.
    pub description: Option<String>,
}

/// A configuration: bound for life to an engine, a version and a strategy; its content is in revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The identifier.
    pub id: ConfigurationId,
    /// The account and region.
    pub scope: Scope,
    /// The name.
    pub name: ConfigurationName,
    /// The engine.
    pub engine_type: EngineType,
    /// Its version.
    pub engine_version: EngineVersion,
    /// The authentication strategy.
    pub authentication_strategy: AuthenticationStrategy,
    /// When it was created.
    pub created: Timestamp,
    /// The tags.
    pub tags: Tags,
    /// The newest revision.
    pub latest: Revision,
}

impl Configuration {
    /// The ARN.
    pub fn arn(&self) -> Arn {
        Arn::configuration(&self.scope, self.id)
    }

    /// What is stored of a revision's content, and what was left out of it. RabbitMQ's is stored as it is.
    ///
    /// # Errors
    /// A 400 on `data` for what the engine would not take, or must not.
    pub fn checked(&self, data: &str) -> Result<(String, Vec<SanitizationWarning>), Error> {
        match self.engine_type {
            EngineType::ActiveMq => {
                let strategy = self.authentication_strategy;
                let sanitised = activemq::sanitise(self.engine_version, strategy, data)?;
                Ok((sanitised.data, sanitised.warnings))
            }
            EngineType::RabbitMq => {
                RabbitMqConfiguration::parse(self.engine_version, data)?;
                Ok((data.to_owned(), Vec::new()))
            }
        }
    }
}

/// A configuration and one of its revisions, content included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationRevision {
    /// The configuration.
    pub configuration: Configuration,
    /// The revision.
    pub revision: Revision,
    /// The content, as it is stored.
    pub data: String,
}

impl ConfigurationRevision {
    /// How a broker refers to it.
    pub const fn reference(&self) -> ConfigurationRef {
        ConfigurationRef { id: self.configuration.id, revision: self.revision.number }
    }

    /// The roles that it names, by ARN: whoever gives it to a broker passes them to the broker.
    pub fn roles(&self) -> BTreeSet<String> {
        let roles = self.rabbitmq().map(|settings| settings.roles().map(str::to_owned).collect());
        roles.unwrap_or_default()
    }

    /// Whether it says how clients of the broker prove who they are.
    pub fn configures_authentication(&self) -> bool {
        self.rabbitmq().is_some_and(|settings| settings.configures_authentication())
    }

    /// Its settings. A content that is not valid any more is given to no broker.
    fn rabbitmq(&self) -> Option<RabbitMqConfiguration> {
        let Configuration { engine_type, engine_version, .. } = &self.configuration;
        let is_rabbitmq = *engine_type == EngineType::RabbitMq;
        is_rabbitmq.then(|| RabbitMqConfiguration::parse(*engine_version, &self.data).ok())?
    }
}

/// A valid CreateConfiguration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateConfiguration {
    /// The name.
    pub name: ConfigurationName,
    /// The engine.
    pub engine_type: EngineType,
    /// Its version.
    pub engine_version: EngineVersion,
    /// The authentication strategy.
    pub authentication_strategy: AuthenticationStrategy,
    /// The tags.
    pub tags: Tags,
}

/// The request as it was sent: only the types of its members are checked.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members are those of CreateConfiguration, name by name")]
pub struct CreateConfigurationInput {
    pub authentication_strategy: Option<String>,
    pub engine_type: Option<String>,
    pub engine_version: Option<String>,
    pub name: Option<String>,
    pub tags: std::collections::BTreeMap<String, String>,
}

impl CreateConfiguration {
    /// Checks a caller's words.
    ///
    /// # Errors
    /// A 400 on the first member at fault.
    pub fn parse(input: CreateConfigurationInput, offerings: &Offerings) -> Result<Self, Error> {
        let engine_type = EngineType::parse(&required("engineType", input.engine_type)?)?;
        let name = ConfigurationName::parse(&required("name", input.name)?)?;
        let engine_version = offerings.version(engine_type, input.engine_version.as_deref())?;
        let authentication_strategy = match input.authentication_strategy.as_deref() {
            None => AuthenticationStrategy::Simple,
            Some(text) => AuthenticationStrategy::parse(text)?,
        };
        match (engine_type, authentication_strategy) {
            (_, AuthenticationStrategy::Simple)
            | (EngineType::ActiveMq, AuthenticationStrategy::Ldap) => {}
            (EngineType::RabbitMq, _) | (_, AuthenticationStrategy::ConfigManaged) => {
                return Err(Error::bad_request(
                    "authenticationStrategy",
                    format!(
                        "Configurations for broker engine type [{}] do not support authentication strategy [{authentication_strategy}].",
                        engine_type.display_name()
                    ),
                ));
            }
        }
        let tags = Tags::parse(input.tags)?;
        Ok(Self { name, engine_type, engine_version, authentication_strategy, tags })
    }
}

/// Reads what a caller says about a revision.
///
/// # Errors
/// A 400 on `description`.
pub fn parse_revision_description(text: String) -> Result<String, Error> {
    text::lines("description", text, MAX_DESCRIPTION_LENGTH)
}

/// Reads a revision's number from a path: any integer of 32 bits, leading zeros included.
///
/// # Errors
/// The service's 400 on `configuration-revision`.
pub fn parse_revision(text: &str) -> Result<i32, Error> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().ok_or_else(|| {
        Error::bad_request(
            "configuration-revision",
            "Invalid revision ID. Specify only integers from -2147483648 to 2147483647.",
        )
    })
}

impl Error {
    /// The 404 for a configuration that does not exist, or not for this caller.
    pub fn configuration_not_found(id: &str) -> Self {
        Self {
            kind: ErrorKind::NotFound,
            attribute: Some("configuration-id".into()),
            message: format!("Configuration ID [{id}] can't be found. Make sure it exists."),
        }
    }

    /// The 404 for a revision that does not exist, also when its configuration does not.
    pub fn revision_not_found(revision: i32, id: &str) -> Self {
        Self {
            kind: ErrorKind::NotFound,
            attribute: Some("configuration-revision".into()),
            message: format!(
                "Revision [{revision}] of configuration [{id}] can't be found. Make sure it exists."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(change: fn(&mut CreateConfigurationInput)) -> Result<CreateConfiguration, Error> {
        let offerings: Offerings = [
            (EngineType::ActiveMq, EngineVersion::new(5, 19)),
            (EngineType::ActiveMq, EngineVersion::new(5, 18)),
            (EngineType::RabbitMq, EngineVersion::new(4, 3)),
        ]
        .into_iter()
        .collect();
        let mut input = CreateConfigurationInput {
            engine_type: Some("ActiveMQ".to_owned()),
            name: Some("orders-1.0_a~b".to_owned()),
            ..CreateConfigurationInput::default()
        };
        change(&mut input);
        CreateConfiguration::parse(input, &offerings)
    }

    #[test]
    fn a_configuration_is_for_the_newest_version_and_simple_unless_said_otherwise() {
        let created = parse(|_| {}).expect("valid");
        assert_eq!(created.engine_version, EngineVersion::new(5, 19));
        assert_eq!(created.authentication_strategy, AuthenticationStrategy::Simple);
        let ldap = parse(|i| i.authentication_strategy = Some("ldap".to_owned())).expect("valid");
        assert_eq!(ldap.authentication_strategy, AuthenticationStrategy::Ldap);
    }

    #[test]
    fn what_no_configuration_can_be_is_refused_by_its_member() {
        type Change = fn(&mut CreateConfigurationInput);
        let cases: [(&str, Change); 8] = [
            ("name", |i| i.name = None),
            ("name", |i| i.name = Some(String::new())),
            ("name", |i| i.name = Some("a b".to_owned())),
            ("name", |i| i.name = Some("x".repeat(151))),
            ("engineType", |i| i.engine_type = Some("kafka".to_owned())),
            ("engineVersion", |i| i.engine_version = Some("5.18.7".to_owned())),
            ("authenticationStrategy", |i| {
                i.authentication_strategy = Some("config_managed".to_owned());
            }),
            ("authenticationStrategy", |i| {
                i.engine_type = Some("RABBITMQ".to_owned());
                i.authentication_strategy = Some("LDAP".to_owned());
            }),
        ];
        for (attribute, change) in cases {
            let refused = parse(change).expect_err(attribute);
            assert_eq!(refused.attribute.as_deref(), Some(attribute));
        }
    }

    /// Source: recorded answers of the service.
    #[test]
    fn revisions_are_read_as_the_service_reads_them() {
        for (text, number) in [("1", 1), ("01", 1), ("-0", 0), ("-7", -7), ("2147483647", i32::MAX)]
        {
            assert_eq!(parse_revision(text), Ok(number), "{text}");
        }
        for wrong in ["abc", "+1", "1.0", "2147483648", "", "-", " 1", "1 "] {
            let refused = parse_revision(wrong).expect_err(wrong);
            assert_eq!(
                refused.message,
                "Invalid revision ID. Specify only integers from -2147483648 to 2147483647."
            );
        }
    }
}
