//! The resources that a path names, each only if the caller has it: what belongs to another account or region is not
//! found.

use brokerd_domain::{Broker, BrokerId, ConfigurationId, Error, Scope};
use brokerd_store::PgStore;

use crate::http::{error::ApiError, path::PathParams};

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

    /// The broker, if the caller has it.
    ///
    /// # Errors
    /// The 404 of this broker; the error of the store.
    pub(crate) async fn broker(&self, store: &PgStore, scope: &Scope) -> Result<Broker, ApiError> {
        let broker = store.broker(scope, self.broker_id()?).await?;
        Ok(broker.ok_or_else(|| self.broker_not_found())?)
    }

    /// The identifier of a broker that the caller has.
    ///
    /// # Errors
    /// As [`Self::broker`].
    pub(crate) async fn existing_broker_id(
        &self,
        store: &PgStore,
        scope: &Scope,
    ) -> Result<BrokerId, ApiError> {
        let id = self.broker_id()?;
        match store.has_broker(scope, id).await? {
            true => Ok(id),
            false => Err(self.broker_not_found().into()),
        }
    }

    /// The configuration's identifier.
    ///
    /// # Errors
    /// The 404 of a configuration that does not exist.
    pub(crate) fn configuration_id(&self) -> Result<ConfigurationId, Error> {
        self.get("configuration-id").parse().map_err(|_| self.configuration_not_found())
    }

    /// The 404 of this configuration.
    pub(crate) fn configuration_not_found(&self) -> Error {
        Error::configuration_not_found(self.get("configuration-id"))
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
