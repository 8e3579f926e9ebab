//! The operations, and the actions that callers need for them.

mod cloudwatch;
mod iam;
mod logs;

use super::operation::{
    AccessLevel::{self, List, Read, Tagging, Write},
    ConditionKey, OperationPermissions, RequiredAction,
    ResourceType::{
        self, Account, Any, Broker, BrokerOrConfiguration, Configuration, PrimaryBroker, Role,
        Secret, SecurityGroup,
    },
    When::{self, Always, WithAuthentication, WithPrimaryBroker, WithRole, WithTags},
};

pub(super) const NO_KEYS: &[ConditionKey] = &[];
pub(super) const RESOURCE: &[ConditionKey] = &[ConditionKey::ResourceTag];
pub(super) const NEW: &[ConditionKey] = &[ConditionKey::RequestTag, ConditionKey::TagKeys];
pub(super) const TAGGED: &[ConditionKey] =
    &[ConditionKey::RequestTag, ConditionKey::TagKeys, ConditionKey::ResourceTag];
pub(super) const UNTAGGED: &[ConditionKey] = &[ConditionKey::TagKeys, ConditionKey::ResourceTag];
const PASSED: &[ConditionKey] = &[ConditionKey::PassedToService];

/// Every table.
const ALL: &[&[OperationPermissions]] = &[AMAZON_MQ, BROKERD];

/// The operations of Amazon MQ.
///
/// Source: service authorization reference, "API operations defined by Amazon MQ" and what follows there. The rights on
/// Amazon EC2 that CreateBroker needs there are not needed here: brokerd has no network interfaces of the caller's.
const AMAZON_MQ: &[OperationPermissions] = &[
    row(
        "CreateBroker",
        &[
            needs("mq:CreateBroker", Write, Any, NEW),
            also("mq:CreateTags", Tagging, Broker, TAGGED, WithTags),
            also("mq:CreateReplicaBroker", Write, PrimaryBroker, RESOURCE, WithPrimaryBroker),
            also("iam:PassRole", Write, Role, PASSED, WithRole),
        ],
    ),
    row(
        "CreateConfiguration",
        &[
            needs("mq:CreateConfiguration", Write, Any, NEW),
            also("mq:CreateTags", Tagging, Configuration, TAGGED, WithTags),
        ],
    ),
    row("CreateTags", &[needs("mq:CreateTags", Tagging, BrokerOrConfiguration, TAGGED)]),
    row("CreateUser", &[needs("mq:CreateUser", Write, Broker, RESOURCE)]),
    row("DeleteBroker", &[needs("mq:DeleteBroker", Write, Broker, RESOURCE)]),
    row("DeleteConfiguration", &[needs("mq:DeleteConfiguration", Write, Configuration, RESOURCE)]),
    row("DeleteTags", &[needs("mq:DeleteTags", Tagging, BrokerOrConfiguration, UNTAGGED)]),
    row("DeleteUser", &[needs("mq:DeleteUser", Write, Broker, RESOURCE)]),
    row("DescribeBroker", &[needs("mq:DescribeBroker", Read, Broker, RESOURCE)]),
    row("DescribeBrokerEngineTypes", &[needs("mq:DescribeBrokerEngineTypes", Read, Any, NO_KEYS)]),
    row(
        "DescribeBrokerInstanceOptions",
        &[needs("mq:DescribeBrokerInstanceOptions", Read, Any, NO_KEYS)],
    ),
    row(
        "DescribeConfiguration",
        &[needs("mq:DescribeConfiguration", Read, Configuration, RESOURCE)],
    ),
    row(
        "DescribeConfigurationRevision",
        &[needs("mq:DescribeConfigurationRevision", Read, Configuration, RESOURCE)],
    ),
    row("DescribeSharedResources", &[needs("mq:DescribeSharedResources", Read, Broker, RESOURCE)]),
    row("DescribeUser", &[needs("mq:DescribeUser", Read, Broker, RESOURCE)]),
    row("ListBrokers", &[needs("mq:ListBrokers", List, Any, NO_KEYS)]),
    row(
        "ListConfigurationRevisions",
        &[needs("mq:ListConfigurationRevisions", List, Configuration, RESOURCE)],
    ),
    row("ListConfigurations", &[needs("mq:ListConfigurations", List, Any, NO_KEYS)]),
    row("ListTags", &[needs("mq:ListTags", List, BrokerOrConfiguration, RESOURCE)]),
    row("ListUsers", &[needs("mq:ListUsers", List, Broker, RESOURCE)]),
    row("Promote", &[needs("mq:Promote", Write, Broker, RESOURCE)]),
    row("RebootBroker", &[needs("mq:RebootBroker", Write, Broker, RESOURCE)]),
    row(
        "UpdateBroker",
        &[
            needs("mq:UpdateBroker", Write, Broker, RESOURCE),
            also("mq:UpdateBrokerAccessConfiguration", Write, Broker, RESOURCE, WithAuthentication),
            also("iam:PassRole", Write, Role, PASSED, WithRole),
        ],
    ),
    row("UpdateConfiguration", &[needs("mq:UpdateConfiguration", Write, Configuration, RESOURCE)]),
    row("UpdateUser", &[needs("mq:UpdateUser", Write, Broker, RESOURCE)]),
];

/// brokerd's own operations.
const BROKERD: &[OperationPermissions] = &[
    row("ListBrokerDetails", &[needs("brokerd:ListBrokerDetails", List, Any, NO_KEYS)]),
    row("ValidateBroker", &[needs("brokerd:ValidateBroker", Read, Any, NO_KEYS)]),
    row("InspectBroker", &[needs("brokerd:InspectBroker", Read, Broker, RESOURCE)]),
    row("ListBrokerEvents", &[needs("brokerd:ListBrokerEvents", List, Broker, RESOURCE)]),
    row("GetBrokerReport", &[needs("brokerd:GetBrokerReport", Read, Broker, RESOURCE)]),
    row("ListFaults", &[needs("brokerd:ListFaults", List, Broker, RESOURCE)]),
    row("CreateFault", &[needs("brokerd:CreateFault", Write, Broker, RESOURCE)]),
    row("DescribeFault", &[needs("brokerd:DescribeFault", Read, Broker, RESOURCE)]),
    row("DeleteFault", &[needs("brokerd:DeleteFault", Write, Broker, RESOURCE)]),
    row("ListDestinations", &[needs("brokerd:ListDestinations", List, Broker, RESOURCE)]),
    row("BrowseDestination", &[needs("brokerd:BrowseDestination", Read, Broker, RESOURCE)]),
    row("PublishToDestination", &[needs("brokerd:PublishToDestination", Write, Broker, RESOURCE)]),
    row("PurgeDestination", &[needs("brokerd:PurgeDestination", Write, Broker, RESOURCE)]),
    row("DeleteDestination", &[needs("brokerd:DeleteDestination", Write, Broker, RESOURCE)]),
    row("SendTestMessage", &[needs("brokerd:SendTestMessage", Write, Broker, RESOURCE)]),
    row("ListAccounts", &[needs("brokerd:ListAccounts", List, Any, NO_KEYS)]),
    row("CreateAccount", &[needs("brokerd:CreateAccount", Write, Any, NO_KEYS)]),
    row("DescribeAccount", &[needs("brokerd:DescribeAccount", Read, Account, NO_KEYS)]),
    row("UpdateAccount", &[needs("brokerd:UpdateAccount", Write, Account, NO_KEYS)]),
    row("DeleteAccount", &[needs("brokerd:DeleteAccount", Write, Account, NO_KEYS)]),
    row("DescribeAccountUsage", &[needs("brokerd:DescribeAccountUsage", Read, Account, NO_KEYS)]),
    row("GetCostEstimate", &[needs("brokerd:GetCostEstimate", Read, Any, NO_KEYS)]),
    row("DescribeCapacity", &[needs("brokerd:DescribeCapacity", Read, Any, NO_KEYS)]),
    row("DescribeProvisioners", &[needs("brokerd:DescribeProvisioners", Read, Any, NO_KEYS)]),
    row("ListEngineVersions", &[needs("brokerd:ListEngineVersions", List, Any, NO_KEYS)]),
    row("ListSecrets", &[needs("brokerd:ListSecrets", List, Any, NO_KEYS)]),
    row("DescribeSecret", &[needs("brokerd:DescribeSecret", Read, Secret, NO_KEYS)]),
    row("PutSecret", &[needs("brokerd:PutSecret", Write, Secret, NO_KEYS)]),
    row("DeleteSecret", &[needs("brokerd:DeleteSecret", Write, Secret, NO_KEYS)]),
    row("ListSecurityGroups", &[needs("brokerd:ListSecurityGroups", List, Any, NO_KEYS)]),
    row("CreateSecurityGroup", &[needs("brokerd:CreateSecurityGroup", Write, Any, NO_KEYS)]),
    row(
        "DescribeSecurityGroup",
        &[needs("brokerd:DescribeSecurityGroup", Read, SecurityGroup, NO_KEYS)],
    ),
    row(
        "UpdateSecurityGroup",
        &[needs("brokerd:UpdateSecurityGroup", Write, SecurityGroup, NO_KEYS)],
    ),
    row(
        "DeleteSecurityGroup",
        &[needs("brokerd:DeleteSecurityGroup", Write, SecurityGroup, NO_KEYS)],
    ),
];

impl OperationPermissions {
    /// Those of an operation by its name; none: there is no such operation, or it needs no permission.
    pub fn of(operation: &str) -> Option<&'static Self> {
        let mut tables = ALL.iter().copied().flatten();
        tables.find(|known| known.operation == operation)
    }

    /// Every operation that needs permissions.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        ALL.iter().copied().flatten()
    }
}

pub(super) const fn row(
    operation: &'static str,
    actions: &'static [RequiredAction],
) -> OperationPermissions {
    OperationPermissions { operation, actions }
}

pub(super) const fn needs(
    action: &'static str,
    level: AccessLevel,
    resource: ResourceType,
    keys: &'static [ConditionKey],
) -> RequiredAction {
    also(action, level, resource, keys, Always)
}

pub(super) const fn also(
    action: &'static str,
    level: AccessLevel,
    resource: ResourceType,
    keys: &'static [ConditionKey],
    when: When,
) -> RequiredAction {
    RequiredAction { action, level, resource, keys, when }
}
