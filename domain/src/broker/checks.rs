//! Checks that CreateBroker and UpdateBroker share.

use crate::{
    catalogue::EngineType,
    kernel::{Error, is_resource_id},
};

/// From which version on automatic minor upgrades can't be refused.
pub(crate) const fn oldest_forced(engine: EngineType) -> (u16, u16) {
    match engine {
        EngineType::ActiveMq => (5, 18),
        EngineType::RabbitMq => (3, 13),
    }
}

pub(crate) fn ldap_without_strategy() -> Error {
    Error::bad_request(
        "ldapServerMetadata",
        "[ldapServerMetadata] can be specified only with authentication strategy [LDAP].",
    )
}

pub(crate) fn ldap_required() -> Error {
    Error::bad_request(
        "ldapServerMetadata",
        "[ldapServerMetadata] is required for authentication strategy [LDAP].",
    )
}

/// Source: quota page of the developer guide for how many a broker may have.
pub(crate) fn parse_security_group_ids(groups: Vec<String>) -> Result<Vec<String>, Error> {
    if let Some(wrong) = groups.iter().find(|g| !is_resource_id(g, "sg-")) {
        return Err(Error::bad_request(
            "securityGroups",
            format!("Security group ID [{wrong}] is invalid."),
        ));
    }
    if groups.len() > 5 {
        return Err(Error::bad_request("securityGroups", "Specify at most [5] security groups."));
    }
    Ok(groups)
}
