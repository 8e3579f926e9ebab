//! The default subnets and security group, in place of the caller's default VPC.

use serde::{Deserialize, Serialize};

/// The subnets and the security group a broker gets when the caller names none.
///
/// There is no default group unless the operator names one: Terraform leaves `security_groups` out of its state when nobody set it, so
/// that a group in the answer would be a difference in every plan, which no UpdateBroker could settle.
///
/// brokerd has no VPC: the identifiers are labels that tooling expects to find and to send back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDefaults {
    /// One subnet per zone, in the order of [`NetworkDefaults::zone_suffixes`].
    pub subnets: Vec<String>,
    /// The letters that, appended to a region, name its zones.
    pub zone_suffixes: Vec<String>,
    /// The default security group; none: brokers whose caller names no group have none.
    pub security_group: Option<String>,
}

impl Default for NetworkDefaults {
    fn default() -> Self {
        Self {
            subnets: vec![
                "subnet-0b70c3a000000000a".to_owned(),
                "subnet-0b70c3a000000000b".to_owned(),
                "subnet-0b70c3a000000000c".to_owned(),
            ],
            zone_suffixes: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
            security_group: None,
        }
    }
}
