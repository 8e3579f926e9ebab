//! Wire types that several answers share.

use brokerd_domain::{
    ConfigurationRef, EngineType, LdapServerMetadata, Logs, MaintenanceWindow, PendingChange,
    Username,
};
use serde::Serialize;
use utoipa::ToSchema;

/// An action that is required of the broker's owner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionRequiredView {
    /// The code, such as `BROKER_OOM`.
    pub(crate) action_required_code: String,
    /// What to do about it.
    pub(crate) action_required_info: String,
}

/// An instance and its addresses.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerInstanceView {
    /// The web console.
    #[serde(rename = "consoleURL", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) console_url: Option<String>,
    /// One URL per protocol, always in the same order.
    pub(crate) endpoints: Vec<String>,
    /// The IPv4 address (ActiveMQ).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) ip_address: Option<String>,
}

/// A broker's configurations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigurationsView {
    /// The current configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) current: Option<ConfigurationIdView>,
    /// The former configurations, oldest first.
    pub(crate) history: Vec<ConfigurationIdView>,
    /// The configuration after the next reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) pending: Option<ConfigurationIdView>,
}

/// A revision of a configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigurationIdView {
    /// The configuration's identifier.
    pub(crate) id: String,
    /// The revision's number.
    pub(crate) revision: i32,
}

/// Encryption at rest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EncryptionOptionsView {
    /// The key, when it is not the service's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) kms_key_id: Option<String>,
    /// Whether the service's own key is used.
    pub(crate) use_aws_owned_key: bool,
}

/// The logs and their log groups, which have names even when nothing is published.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogsView {
    /// Whether the audit log is published (ActiveMQ).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) audit: Option<bool>,
    /// The group of the audit log (ActiveMQ).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) audit_log_group: Option<String>,
    /// Whether the general log is published.
    pub(crate) general: bool,
    /// The group of the general log.
    pub(crate) general_log_group: String,
    /// Which logs are published after the next reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LogsRequestedView>, nullable = false)]
    pub(crate) pending: Option<LogsRequestedView>,
}

/// Which logs are published.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogsRequestedView {
    /// The audit log (ActiveMQ).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) audit: Option<bool>,
    /// The general log.
    pub(crate) general: bool,
}

impl LogsRequestedView {
    /// RabbitMQ has no audit log.
    pub(crate) fn of(logs: Logs, engine: EngineType) -> Self {
        let audit = (engine == EngineType::ActiveMq).then_some(logs.audit);
        Self { audit, general: logs.general }
    }
}

/// The directory, without the password of its service account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LdapServerMetadataView {
    /// The directory's host names, one or two.
    pub(crate) hosts: Vec<String>,
    /// The base DN of the groups.
    pub(crate) role_base: String,
    /// The attribute of a group that holds its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) role_name: Option<String>,
    /// The filter that finds a user's groups.
    pub(crate) role_search_matching: String,
    /// Whether groups are looked for in the whole subtree.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) role_search_subtree: Option<bool>,
    /// The service account.
    pub(crate) service_account_username: String,
    /// The base DN of the users.
    pub(crate) user_base: String,
    /// The attribute of a user that names its groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) user_role_name: Option<String>,
    /// The filter that finds a user.
    pub(crate) user_search_matching: String,
    /// Whether users are looked for in the whole subtree.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) user_search_subtree: Option<bool>,
}

impl From<&LdapServerMetadata> for LdapServerMetadataView {
    fn from(ldap: &LdapServerMetadata) -> Self {
        let ldap = ldap.clone();
        Self {
            hosts: ldap.hosts,
            role_base: ldap.role_base,
            role_name: ldap.role_name,
            role_search_matching: ldap.role_search_matching,
            role_search_subtree: ldap.role_search_subtree,
            service_account_username: ldap.service_account_username,
            user_base: ldap.user_base,
            user_role_name: ldap.user_role_name,
            user_search_matching: ldap.user_search_matching,
            user_search_subtree: ldap.user_search_subtree,
        }
    }
}

/// The start of the weekly maintenance window.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MaintenanceWindowView {
    /// `MONDAY` to `SUNDAY`.
    #[schema(value_type = String)]
    pub(crate) day_of_week: &'static str,
    /// The time, `HH:MM` of 24 hours.
    pub(crate) time_of_day: String,
    /// The time zone: a name or a UTC offset.
    pub(crate) time_zone: String,
}

/// A user and its pending change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserSummary {
    /// `CREATE`, `UPDATE` or `DELETE` at the next reboot; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub(crate) pending_change: Option<&'static str>,
    /// The name.
    pub(crate) username: String,
}

impl From<&ConfigurationRef> for ConfigurationIdView {
    fn from(reference: &ConfigurationRef) -> Self {
        Self { id: reference.id.to_string(), revision: reference.revision }
    }
}

impl From<&MaintenanceWindow> for MaintenanceWindowView {
    fn from(window: &MaintenanceWindow) -> Self {
        Self {
            day_of_week: window.day_of_week().as_str(),
            time_of_day: window.time_of_day(),
            time_zone: window.time_zone().to_owned(),
        }
    }
}

impl From<&(Username, Option<PendingChange>)> for UserSummary {
    fn from((name, pending): &(Username, Option<PendingChange>)) -> Self {
        Self { pending_change: pending.map(PendingChange::as_str), username: name.to_string() }
    }
}
