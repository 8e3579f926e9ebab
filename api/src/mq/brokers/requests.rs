//! Wire types that several requests share.

use brokerd_domain::{LdapServerMetadataInput, UserInput};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

/// Encryption at rest.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EncryptionOptionsRequest {
    /// The key, when the service's own is not used.
    pub(crate) kms_key_id: Option<String>,
    /// Whether the service's own key is used.
    #[schema(required, nullable = false)]
    pub(crate) use_aws_owned_key: Option<bool>,
}

/// Which logs are published.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LogsRequest {
    /// The audit log; must be absent for RabbitMQ.
    pub(crate) audit: Option<bool>,
    /// The general log.
    pub(crate) general: Option<bool>,
}

/// The start of the weekly maintenance window.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MaintenanceWindowRequest {
    /// `MONDAY` to `SUNDAY`.
    #[schema(required, nullable = false, example = "TUESDAY")]
    pub(crate) day_of_week: Option<String>,
    /// The time, `HH:MM` of 24 hours.
    #[schema(required, nullable = false, example = "02:00")]
    pub(crate) time_of_day: Option<String>,
    /// The time zone: a name such as `Europe/Berlin`, or a UTC offset; default `UTC`.
    pub(crate) time_zone: Option<String>,
}

/// A user of the new broker.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserRequest {
    /// Whether the user may use the web console of ActiveMQ.
    console_access: Option<bool>,
    /// The groups, at most 20, for ActiveMQ.
    groups: Option<Vec<String>>,
    /// The password: 12 to 250 characters, at least four different ones, none of `, : =`.
    #[schema(required, nullable = false, format = Password)]
    password: Option<String>,
    /// Whether this is the user of a data replication bridge.
    replication_user: Option<bool>,
    /// The name: 2 to 100 characters.
    #[schema(required, nullable = false)]
    username: Option<String>,
}

impl From<UserRequest> for UserInput {
    fn from(wire: UserRequest) -> Self {
        Self {
            username: wire.username,
            password: wire.password.map(SecretString::from),
            console_access: wire.console_access,
            groups: wire.groups.unwrap_or_default(),
            replication_user: wire.replication_user,
        }
    }
}

/// The directory of a broker with authentication strategy `LDAP`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LdapServerMetadataRequest {
    /// The directory's host names, one or two, without scheme and port.
    #[schema(required, nullable = false)]
    hosts: Option<Vec<String>>,
    /// The base DN of the groups.
    #[schema(required, nullable = false)]
    role_base: Option<String>,
    /// The attribute of a group that holds its name.
    role_name: Option<String>,
    /// The filter that finds a user's groups.
    #[schema(required, nullable = false)]
    role_search_matching: Option<String>,
    /// Whether groups are looked for in the whole subtree.
    role_search_subtree: Option<bool>,
    /// The password of the service account; never given back.
    #[schema(required, nullable = false, format = Password)]
    service_account_password: Option<String>,
    /// The service account.
    #[schema(required, nullable = false)]
    service_account_username: Option<String>,
    /// The base DN of the users.
    #[schema(required, nullable = false)]
    user_base: Option<String>,
    /// The attribute of a user that names its groups.
    user_role_name: Option<String>,
    /// The filter that finds a user.
    #[schema(required, nullable = false)]
    user_search_matching: Option<String>,
    /// Whether users are looked for in the whole subtree.
    user_search_subtree: Option<bool>,
}

impl From<LdapServerMetadataRequest> for LdapServerMetadataInput {
    fn from(wire: LdapServerMetadataRequest) -> Self {
        Self {
            hosts: wire.hosts,
            role_base: wire.role_base,
            role_name: wire.role_name,
            role_search_matching: wire.role_search_matching,
            role_search_subtree: wire.role_search_subtree,
            service_account_password: wire.service_account_password.map(SecretString::from),
            service_account_username: wire.service_account_username,
            user_base: wire.user_base,
            user_role_name: wire.user_role_name,
            user_search_matching: wire.user_search_matching,
            user_search_subtree: wire.user_search_subtree,
        }
    }
}
