//! The resources that a path names, each only if the caller may do the operation with it. What belongs to another account
//! or region is not found.

use brokerd_domain::{
    Arn, Broker, BrokerId, Configuration, ConfigurationId, Error, Resource, Secret, SecurityGroup,
    Tags, report::ReportedBroker,
};
use brokerd_store::PgStore;

use crate::{
    auth::{PolicyResource, Signed, TagChange},
    http::{error::ApiError, path::PathParams},
};

/// What stands for the name of a broker of which only the identifier is known, because it does not exist for the caller.
const UNKNOWN_NAME: &str = "unknown";

impl PolicyResource for Broker {
    fn policy_arn(&self) -> String {
        self.arn().to_string()
    }

    fn policy_tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

impl PolicyResource for ReportedBroker {
    fn policy_arn(&self) -> String {
        self.arn().to_string()
    }

    fn policy_tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

impl PolicyResource for Configuration {
    fn policy_arn(&self) -> String {
        self.arn().to_string()
    }

    fn policy_tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

/// As Amazon EC2 names them, whose security groups brokers have in the service.
impl PolicyResource for SecurityGroup {
    fn policy_arn(&self) -> String {
        let (region, account) = (&self.scope.region, &self.scope.account);
        format!("arn:aws:ec2:{region}:{account}:security-group/{}", self.id)
    }

    fn policy_tags(&self) -> Option<&Tags> {
        None
    }
}

impl PolicyResource for Secret {
    fn policy_arn(&self) -> String {
        self.arn()
    }

    fn policy_tags(&self) -> Option<&Tags> {
        None
    }
}

/// What has tags.
pub(crate) enum Tagged {
    /// A broker.
    Broker(Box<Broker>),
    /// A configuration.
    Configuration(Box<Configuration>),
}

impl Tagged {
    fn resource(&self) -> &dyn PolicyResource {
        match self {
            Self::Broker(broker) => broker.as_ref(),
            Self::Configuration(configuration) => configuration.as_ref(),
        }
    }

    /// What it is.
    pub(crate) fn arn(&self) -> Arn {
        match self {
            Self::Broker(broker) => broker.arn(),
            Self::Configuration(configuration) => configuration.arn(),
        }
    }
}

impl PolicyResource for Tagged {
    fn policy_arn(&self) -> String {
        self.resource().policy_arn()
    }

    fn policy_tags(&self) -> Option<&Tags> {
        self.resource().policy_tags()
    }
}

impl PathParams {
    /// The broker's identifier.
    ///
    /// # Errors
    /// The 404 of a broker that does not exist, also for a text that is no identifier.
    pub(crate) fn broker_id(&self) -> Result<BrokerId, Error> {
        self.get("broker-id").parse().map_err(|_| self.broker_not_found())
    }

    /// The 404 of this broker.
    pub(crate) fn broker_not_found(&self) -> Error {
        Error::broker_not_found(self.get("broker-id"))
    }

    /// The broker; none: the caller may do the operation with it, and it does not exist.
    ///
    /// # Errors
    /// The 403 of a caller who may not do the operation with it; the error of the store.
    pub(crate) async fn find_broker(
        &self,
        store: &PgStore,
        signed: &Signed,
    ) -> Result<Option<Broker>, ApiError> {
        let absent = format!("broker:{UNKNOWN_NAME}:{}", self.get("broker-id"));
        let find = |scope| async move {
            match self.broker_id() {
                Ok(id) => Ok(store.broker(scope, id).await?),
                Err(_) => Ok(None),
            }
        };
        let (_, broker) = signed.resolve(TagChange::None, &signed.arn("mq", &absent), find).await?;
        Ok(broker)
    }

    /// The broker.
    ///
    /// # Errors
    /// As [`Self::find_broker`]; the 404 of this broker.
    pub(crate) async fn broker(
        &self,
        store: &PgStore,
        signed: &Signed,
    ) -> Result<Broker, ApiError> {
        let broker = self.find_broker(store, signed).await?;
        Ok(broker.ok_or_else(|| self.broker_not_found())?)
    }

    /// The broker, which may be deleted by now.
    ///
    /// # Errors
    /// The 403 of a caller who may not do the operation with it; the 404 of a broker that there never was.
    pub(crate) async fn reported_broker(
        &self,
        store: &PgStore,
        signed: &Signed,
    ) -> Result<ReportedBroker, ApiError> {
        let absent = format!("broker:{UNKNOWN_NAME}:{}", self.get("broker-id"));
        let find = |scope| async move {
            match self.broker_id() {
                Ok(id) => Ok(store.reported_broker(scope, id).await?),
                Err(_) => Ok(None),
            }
        };
        let absent = signed.arn("mq", &absent);
        let (_, broker) = signed.resolve(TagChange::None, &absent, find).await?;
        Ok(broker.ok_or_else(|| self.broker_not_found())?)
    }

    /// The configuration's identifier.
    ///
    /// # Errors
    /// The 404 of a configuration that does not exist.
    fn configuration_id(&self) -> Result<ConfigurationId, Error> {
        self.get("configuration-id").parse().map_err(|_| self.configuration_not_found())
    }

    /// The 404 of this configuration.
    pub(crate) fn configuration_not_found(&self) -> Error {
        Error::configuration_not_found(self.get("configuration-id"))
    }

    /// The configuration; none: the caller may do the operation with it, and it does not exist.
    ///
    /// # Errors
    /// The 403 of a caller who may not do the operation with it; the error of the store.
    pub(crate) async fn find_configuration(
        &self,
        store: &PgStore,
        signed: &Signed,
    ) -> Result<Option<Configuration>, ApiError> {
        let absent = format!("configuration:{}", self.get("configuration-id"));
        let find = |scope| async move {
            match self.configuration_id() {
                Ok(id) => Ok(store.configuration(scope, id).await?),
                Err(_) => Ok(None),
            }
        };
        let absent = signed.arn("mq", &absent);
        let (_, configuration) = signed.resolve(TagChange::None, &absent, find).await?;
        Ok(configuration)
    }

    /// The configuration.
    ///
    /// # Errors
    /// As [`Self::find_configuration`]; the 404 of this configuration.
    pub(crate) async fn configuration(
        &self,
        store: &PgStore,
        signed: &Signed,
    ) -> Result<Configuration, ApiError> {
        let configuration = self.find_configuration(store, signed).await?;
        Ok(configuration.ok_or_else(|| self.configuration_not_found())?)
    }

    /// What the ARN in the path names; none: the caller may do the operation with it, and it does not exist. The name in
    /// the ARN of a broker decides nothing, neither here nor for policies.
    ///
    /// # Errors
    /// The 403 of a caller who may not do the operation with it; the error of the store.
    pub(crate) async fn tagged(
        &self,
        store: &PgStore,
        signed: &Signed,
        tag_change: TagChange<'_>,
    ) -> Result<Option<Tagged>, ApiError> {
        let text = self.get("resource-arn");
        let found = signed.resolve(tag_change, text, |scope| async move {
            let Ok(Arn { scope: of, resource }) = text.parse() else { return Ok(None) };
            if of != *scope {
                return Ok(None);
            }
            Ok(match resource {
                Resource::Broker { id, .. } => {
                    store.broker(scope, id).await?.map(Box::new).map(Tagged::Broker)
                }
                Resource::Configuration { id } => {
                    store.configuration(scope, id).await?.map(Box::new).map(Tagged::Configuration)
                }
            })
        });
        let (_, tagged) = found.await?;
        Ok(tagged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_identifier_names_no_broker() {
        let path = PathParams::from(("broker-id", "orders"));
        let refused = path.broker_id().expect_err("a name");
        assert_eq!(
            refused.message,
            "Cannot find broker ID [orders]. Verify that your broker exists or check broker permissions."
        );
    }
}
