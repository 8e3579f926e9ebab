//! tmp
use crate::*;
/// tmp
#[derive(Debug)]
pub struct RabbitMqConfiguration;
impl RabbitMqConfiguration {
    /// tmp
    pub fn parse(_: EngineVersion, _: &str) -> Result<Self, Error> {
        Ok(Self)
    }
    /// tmp
    pub fn authentication_strategy(&self) -> AuthenticationStrategy {
        AuthenticationStrategy::Simple
    }
    /// tmp
    pub fn check_association(
        &self,
        _: ConfigurationId,
        _: i32,
        _: EngineVersion,
        _: HostInstanceType,
        _: DeploymentMode,
    ) -> Result<(), Error> {
        Ok(())
    }
}
