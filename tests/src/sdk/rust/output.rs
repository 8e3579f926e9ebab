//! What the SDK read, as JSON: members by the names of the model, absent ones left out.

use std::collections::HashMap;

use aws_sdk_mq::{operation, primitives::DateTime, primitives::DateTimeFormat, types};
use serde_json::{Map, Value};

/// A value that has a JSON form, unless it is absent.
pub(super) trait Plain {
    fn plain(&self) -> Option<Value>;
}

impl<T: Plain> Plain for Option<T> {
    fn plain(&self) -> Option<Value> {
        self.as_ref().and_then(Plain::plain)
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn plain(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(Plain::plain).collect()))
    }
}

impl Plain for HashMap<String, String> {
    fn plain(&self) -> Option<Value> {
        let entries = self.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        Some(Value::Object(entries.collect()))
    }
}

impl Plain for String {
    fn plain(&self) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }
}

impl Plain for bool {
    fn plain(&self) -> Option<Value> {
        Some(Value::from(*self))
    }
}

impl Plain for i32 {
    fn plain(&self) -> Option<Value> {
        Some(Value::from(*self))
    }
}

impl Plain for DateTime {
    fn plain(&self) -> Option<Value> {
        self.fmt(DateTimeFormat::DateTime).ok().map(Value::from)
    }
}

macro_rules! enumerations {
    ($($name:ident),* $(,)?) => {
        $(impl Plain for types::$name {
            fn plain(&self) -> Option<Value> {
                Some(Value::from(self.as_str()))
            }
        })*
    };
}

enumerations!(
    AuthenticationStrategy,
    BrokerState,
    BrokerStorageType,
    ChangeType,
    DataReplicationMode,
    DayOfWeek,
    DeploymentMode,
    EngineType,
    SanitizationWarningReason,
    SharedResourceErrorCode,
    SharedResourceStatus,
    SharedResourceType,
);

/// `broker_id` is `BrokerId` in the model.
fn pascal(field: &str) -> String {
    if field == "console_url" {
        return "ConsoleURL".to_owned();
    }
    let words = field.trim_start_matches("r#").split('_');
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

macro_rules! structures {
    ($($structure:path { $($field:ident),* $(,)? })*) => {
        $(impl Plain for $structure {
            fn plain(&self) -> Option<Value> {
                #[expect(clippy::allow_attributes, reason = "only structures without members leave it as it is")]
                #[allow(unused_mut, reason = "some structures have no members")]
                let mut members = Map::new();
                $(if let Some(value) = self.$field.plain() {
                    members.insert(pascal(stringify!($field)), value);
                })*
                Some(Value::Object(members))
            }
        })*
    };
}

structures! {
    types::ActionRequired { action_required_code, action_required_info }
    types::AvailabilityZone { name }
    types::BrokerEngineType { engine_type, engine_versions }
    types::BrokerInstance { console_url, endpoints, ip_address }
    types::BrokerInstanceOption {
        availability_zones, engine_type, host_instance_type, storage_type, supported_deployment_modes,
        supported_engine_versions,
    }
    types::BrokerSummary {
        broker_arn, broker_id, broker_name, broker_state, created, deployment_mode, engine_type, host_instance_type,
    }
    types::Configuration {
        arn, authentication_strategy, created, description, engine_type, engine_version, id, latest_revision, name, tags,
    }
    types::ConfigurationId { id, revision }
    types::ConfigurationRevision { created, description, revision }
    types::Configurations { current, history, pending }
    types::DataReplicationCounterpart { broker_id, region }
    types::DataReplicationMetadataOutput { data_replication_counterpart, data_replication_role }
    types::EncryptionOptions { kms_key_id, use_aws_owned_key }
    types::EngineVersion { name }
    types::LdapServerMetadataOutput {
        hosts, role_base, role_name, role_search_matching, role_search_subtree, service_account_username, user_base,
        user_role_name, user_search_matching, user_search_subtree,
    }
    types::Logs { audit, general }
    types::LogsSummary { audit, audit_log_group, general, general_log_group, pending }
    types::PendingLogs { audit, general }
    types::SanitizationWarning { attribute_name, element_name, reason }
    types::SharedResource { dns_names, error, resource_arn, resource_share_arns, status, r#type }
    types::SharedResourceError { code, message }
    types::UserPendingChanges { console_access, groups, pending_change }
    types::UserSummary { pending_change, username }
    types::WeeklyStartTime { day_of_week, time_of_day, time_zone }

    operation::create_broker::CreateBrokerOutput { broker_arn, broker_id }
    operation::create_configuration::CreateConfigurationOutput {
        arn, authentication_strategy, created, id, latest_revision, name,
    }
    operation::create_tags::CreateTagsOutput {}
    operation::create_user::CreateUserOutput {}
    operation::delete_broker::DeleteBrokerOutput { broker_id }
    operation::delete_configuration::DeleteConfigurationOutput { configuration_id }
    operation::delete_tags::DeleteTagsOutput {}
    operation::delete_user::DeleteUserOutput {}
    operation::describe_broker::DescribeBrokerOutput {
        actions_required, authentication_strategy, auto_minor_version_upgrade, broker_arn, broker_id, broker_instances,
        broker_name, broker_state, configurations, created, data_replication_metadata, data_replication_mode,
        deployment_mode, encryption_options, engine_type, engine_version, host_instance_type, ldap_server_metadata, logs,
        maintenance_window_start_time, pending_authentication_strategy, pending_data_replication_metadata,
        pending_data_replication_mode, pending_engine_version, pending_host_instance_type, pending_ldap_server_metadata,
        pending_security_groups, pending_storage_size, publicly_accessible, security_groups, storage_size, storage_type,
        subnet_ids, tags, users,
    }
    operation::describe_broker_engine_types::DescribeBrokerEngineTypesOutput {
        broker_engine_types, max_results, next_token,
    }
    operation::describe_broker_instance_options::DescribeBrokerInstanceOptionsOutput {
        broker_instance_options, max_results, next_token,
    }
    operation::describe_configuration::DescribeConfigurationOutput {
        arn, authentication_strategy, created, description, engine_type, engine_version, id, latest_revision, name, tags,
    }
    operation::describe_configuration_revision::DescribeConfigurationRevisionOutput {
        configuration_id, created, data, description,
    }
    operation::describe_shared_resources::DescribeSharedResourcesOutput { next_token, shared_resources }
    operation::describe_user::DescribeUserOutput {
        broker_id, console_access, groups, pending, replication_user, username,
    }
    operation::list_brokers::ListBrokersOutput { broker_summaries, next_token }
    operation::list_configuration_revisions::ListConfigurationRevisionsOutput {
        configuration_id, max_results, next_token, revisions,
    }
    operation::list_configurations::ListConfigurationsOutput { configurations, max_results, next_token }
    operation::list_tags::ListTagsOutput { tags }
    operation::list_users::ListUsersOutput { broker_id, max_results, next_token, users }
    operation::promote::PromoteOutput { broker_id }
    operation::reboot_broker::RebootBrokerOutput {}
    operation::update_broker::UpdateBrokerOutput {
        authentication_strategy, auto_minor_version_upgrade, broker_id, configuration, data_replication_metadata,
        data_replication_mode, engine_version, host_instance_type, ldap_server_metadata, logs,
        maintenance_window_start_time, pending_data_replication_metadata, pending_data_replication_mode,
        resource_share_arns, security_groups, storage_size,
    }
    operation::update_configuration::UpdateConfigurationOutput {
        arn, created, id, latest_revision, name, warnings,
    }
    operation::update_user::UpdateUserOutput {}
}
