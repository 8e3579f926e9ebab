//! Who may do and reach what: accounts and who is in them, policies, users of brokers, directories, security groups,
//! secrets, tags.

mod broker_user;
pub mod identity;
mod ldap;
pub mod policy;
mod secret;
mod security_group;
mod tag;

pub use broker_user::{
    BrokerUser, Group, MAX_USERS, ManagedUser, PendingChange, UserAttributes, UserInput,
    UserUpdate, Username, parse_password, rabbitmq_owns_its_users,
};
pub use ldap::{LdapServerMetadata, LdapServerMetadataInput};
pub use secret::{MAX_SECRET_BYTES, Secret, SecretName, SecretReference, role_account};
pub use security_group::{
    Cidr, IngressRule, IngressRuleInput, InvalidCidr, SecurityGroup, SecurityGroupId,
    parse_group_description, parse_rules,
};
pub use tag::Tags;
