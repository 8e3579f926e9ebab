//! Whether a broker may use a configuration, and the authentication strategy that follows.

use super::{activemq, rabbitmq::RabbitMqConfiguration, resource::ConfigurationRevision};
use crate::{
    catalogue::{
        AuthenticationStrategy, DeploymentMode, EngineType, EngineVersion, HostInstanceType,
    },
    kernel::Error,
};

/// The broker that would use a configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetBroker {
    pub(crate) engine: EngineType,
    /// What it runs now, and what it will: a configuration may be for either, because an upgrade and its
    /// configuration need not come in one request.
    pub(crate) versions: [EngineVersion; 2],
    pub(crate) host: HostInstanceType,
    pub(crate) mode: DeploymentMode,
}

/// Checks, and tells the strategy that comes with the revision: its configuration's for ActiveMQ, what its
/// content says for RabbitMQ.
///
/// # Errors
/// A 400 on `configuration`, or the service's own for RabbitMQ limits above those of the instance type.
pub(crate) fn check(
    revision: &ConfigurationRevision,
    target: TargetBroker,
) -> Result<AuthenticationStrategy, Error> {
    let configuration = &revision.configuration;
    let [now, then] = target.versions;
    if configuration.engine_type != target.engine
        || (configuration.engine_version != now && configuration.engine_version != then)
    {
        return Err(Error::bad_request(
            "configuration",
            format!(
                "Configuration ID [{}] is not for broker engine type [{}] version [{then}].",
                configuration.id, target.engine
            ),
        ));
    }
    match target.engine {
        EngineType::ActiveMq => {
            // It may have been saved when less was known of the engine, or for the other of its versions.
            let strategy = configuration.authentication_strategy;
            check_document(revision, then, strategy)?;
            Ok(strategy)
        }
        EngineType::RabbitMq => {
            Ok(check_settings(revision, then, target)?.authentication_strategy())
        }
    }
}

/// Checks that a RabbitMQ broker of that version, and of the user's instance type, can be made from the settings of a
/// revision.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_settings(
    revision: &ConfigurationRevision,
    version: EngineVersion,
    target: TargetBroker,
) -> Result<RabbitMqConfiguration, Error> {
    let configuration = &revision.configuration;
    let settings = RabbitMqConfiguration::parse(configuration.engine_version, &revision.data)?;
    let number = revision.revision.number;
    settings.check_association(configuration.id, number, version, target.host, target.mode)?;
    Ok(settings)
}

/// Checks that an ActiveMQ broker of that version and strategy can be made from the document of a revision.
///
/// # Errors
/// A 400 on `configuration`.
pub(crate) fn check_document(
    revision: &ConfigurationRevision,
    version: EngineVersion,
    strategy: AuthenticationStrategy,
) -> Result<(), Error> {
    activemq::permitted(version, strategy, &revision.data).map(|_| ()).map_err(|error| {
        Error::bad_request(
            "configuration",
            format!(
                "Revision [{}] of configuration ID [{}] can't be used with version [{version}] and authentication strategy [{strategy}]. {}",
                revision.revision.number, revision.configuration.id, error.message
            ),
        )
    })
}

/// The strategy a broker has, from what its owner says and what its configuration brings.
///
/// # Errors
/// A 400 on `authenticationStrategy` when the engine has no such strategy or the configuration another.
pub(crate) fn strategy(
    engine: EngineType,
    wanted: Option<&str>,
    brought: Option<AuthenticationStrategy>,
) -> Result<AuthenticationStrategy, Error> {
    let wanted = wanted.map(AuthenticationStrategy::parse).transpose()?;
    let refuse = |message: String| Err(Error::bad_request("authenticationStrategy", message));
    match (engine, wanted) {
        (EngineType::ActiveMq, Some(strategy @ AuthenticationStrategy::ConfigManaged))
        | (EngineType::RabbitMq, Some(strategy @ AuthenticationStrategy::Ldap)) => {
            return refuse(format!(
                "Broker engine type [{}] does not support authentication strategy [{strategy}].",
                engine.display_name()
            ));
        }
        _ => {}
    }
    match (wanted, brought) {
        (None, None) => Ok(AuthenticationStrategy::Simple),
        (Some(AuthenticationStrategy::ConfigManaged), None) => refuse(
            "Authentication strategy [CONFIG_MANAGED] needs a configuration that manages authentication."
                .to_owned(),
        ),
        (Some(strategy), None) | (None, Some(strategy)) => Ok(strategy),
        (Some(wanted), Some(brought)) if wanted == brought => Ok(wanted),
        (Some(wanted), Some(brought)) => refuse(format!(
            "The configuration has authentication strategy [{brought}], not [{wanted}]."
        )),
    }
}
