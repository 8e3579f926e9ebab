//! The layers of the configuration: a later layer replaces the settings of an earlier one.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::ConfigError;

/// The type of a setting, for the text of an environment variable or a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Float,
    Boolean,
    /// Separated by commas.
    List,
    /// `key=value` pairs, separated by commas.
    Map,
}

/// Every key, by its path in the file.
pub(crate) const KEYS: &[(&str, Kind)] = &[
    ("region", Kind::Text),
    ("account", Kind::Text),
    ("data_dir", Kind::Text),
    ("installation", Kind::Text),
    ("api.listen", Kind::Text),
    ("api.url", Kind::Text),
    ("api.tls_certificate", Kind::Text),
    ("api.tls_key", Kind::Text),
    ("api.regions", Kind::List),
    ("api.throttle_burst", Kind::Integer),
    ("api.throttle_rate", Kind::Integer),
    ("api.strict_states", Kind::Boolean),
    ("console.idle_minutes", Kind::Integer),
    ("console.session_minutes", Kind::Integer),
    ("database.url", Kind::Text),
    ("database.url_file", Kind::Text),
    ("database.max_connections", Kind::Integer),
    ("secrets.master_key", Kind::Text),
    ("secrets.master_key_file", Kind::Text),
    ("tls.authority_certificate", Kind::Text),
    ("tls.authority_key", Kind::Text),
    ("aws.secrets_manager_url", Kind::Text),
    ("aws.s3_url", Kind::Text),
    ("aws.sts_url", Kind::Text),
    ("aws.access_key_id", Kind::Text),
    ("aws.secret_access_key", Kind::Text),
    ("aws.session_token", Kind::Text),
    ("alarms.topics", Kind::Map),
    ("endpoint.advertised_host", Kind::Text),
    ("endpoint.ip_address", Kind::Text),
    ("endpoint.public_bind", Kind::Text),
    ("endpoint.private_bind", Kind::Text),
    ("endpoint.ports", Kind::Text),
    ("endpoint.domain", Kind::Text),
    ("endpoint.shared_ports", Kind::List),
    ("endpoint.hold_seconds", Kind::Integer),
    ("gateway.listen", Kind::Text),
    ("operations.listen", Kind::Text),
    ("prometheus.token_file", Kind::Text),
    ("otlp.endpoint", Kind::Text),
    ("otlp.headers", Kind::Map),
    ("otlp.ca_file", Kind::Text),
    ("otlp.sample_ratio", Kind::Float),
    ("security_groups.unknown", Kind::Text),
    ("network.subnets", Kind::List),
    ("network.zone_suffixes", Kind::List),
    ("network.security_group", Kind::Text),
    ("network.outgoing", Kind::List),
    ("network.outgoing_denied", Kind::List),
    ("network.host_services", Kind::List),
    ("sizing.scale", Kind::Text),
    ("sizing.memory_share", Kind::Float),
    ("sizing.memory_megabytes", Kind::Integer),
    ("sizing.wait_seconds", Kind::Integer),
    ("engines.stand_in", Kind::Map),
    ("engines.also_offer", Kind::List),
    ("engines.images", Kind::Text),
    ("engines.pull", Kind::Boolean),
    ("registry.address", Kind::Text),
    ("registry.username", Kind::Text),
    ("registry.password", Kind::Text),
    ("registry.password_file", Kind::Text),
    ("registry.docker_config", Kind::Text),
    ("provisioner.workers", Kind::Integer),
    ("provisioner.urgent_workers", Kind::Integer),
    ("provisioner.boots", Kind::Integer),
    ("provisioner.lease_seconds", Kind::Integer),
    ("provisioner.poll_seconds", Kind::Integer),
    ("provisioner.catalogue", Kind::Text),
    ("provisioner.docker_host", Kind::Text),
    ("provisioner.ldap_ca_file", Kind::Text),
    ("runtime.kind", Kind::Text),
    ("runtime.nofile", Kind::Integer),
    ("runtime.join_networks", Kind::Text),
    ("runtime.sized_volumes", Kind::Boolean),
    ("runtime.firewall", Kind::Text),
    ("runtime.kubernetes.namespace", Kind::Text),
    ("runtime.kubernetes.kubeconfig", Kind::Text),
    ("runtime.kubernetes.storage_class_ebs", Kind::Text),
    ("runtime.kubernetes.storage_class_efs", Kind::Text),
    ("runtime.kubernetes.image_pull_policy", Kind::Text),
    ("runtime.kubernetes.image_pull_secrets", Kind::List),
    ("runtime.kubernetes.cluster_domain", Kind::Text),
    ("runtime.kubernetes.clients", Kind::List),
    ("faults.enabled", Kind::Boolean),
    ("audit.file", Kind::Text),
    ("audit.file_megabytes", Kind::Integer),
    ("audit.files_kept", Kind::Integer),
    ("audit.stdout", Kind::Boolean),
    ("audit.keep_days", Kind::Integer),
    ("audit.keep_megabytes", Kind::Integer),
    ("audit.buffer", Kind::Integer),
    ("broker_logs.keep_days", Kind::Integer),
    ("broker_logs.lines_per_second", Kind::Integer),
    ("broker_logs.megabytes_per_day", Kind::Integer),
    ("metrics.collect", Kind::Boolean),
    ("metrics.keep_minutes_hours", Kind::Integer),
    ("metrics.keep_five_minutes_days", Kind::Integer),
    ("metrics.keep_hours_days", Kind::Integer),
    ("prices.file", Kind::Text),
    ("log.format", Kind::Text),
    ("log.filter", Kind::Text),
    ("log.file", Kind::Text),
    ("log.file_megabytes", Kind::Integer),
    ("log.files_kept", Kind::Integer),
];

/// Alternative keys: a layer that sets one unsets the other in lower layers.
const ALTERNATIVES: &[(&str, &str)] = &[
    ("database.url", "database.url_file"),
    ("secrets.master_key", "secrets.master_key_file"),
    ("registry.password", "registry.password_file"),
];

/// Variables of other programs that set a key; brokerd's own variables win.
pub(crate) const COMMON: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("DOCKER_HOST", "provisioner.docker_host"),
    ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "aws.secrets_manager_url"),
    ("AWS_ENDPOINT_URL_S3", "aws.s3_url"),
    ("AWS_ACCESS_KEY_ID", "aws.access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "aws.secret_access_key"),
    ("AWS_SESSION_TOKEN", "aws.session_token"),
];

/// The environment variable that sets `key`.
pub(crate) fn variable(key: &str) -> String {
    format!("BROKERD_{}", key.replace('.', "_").to_uppercase())
}

/// The settings of the environment.
pub(crate) fn environment(variables: &BTreeMap<String, String>) -> Result<Table, ConfigError> {
    let mut layer = Table::new();
    for (name, key) in COMMON {
        if let Some(text) = variables.get(*name).filter(|text| !text.is_empty()) {
            set(&mut layer, key, Value::String(text.clone()));
        }
    }
    for (name, text) in variables.iter().filter(|(_, text)| !text.is_empty()) {
        if let Some((key, kind)) = KEYS.iter().find(|(key, _)| variable(key) == *name) {
            let wrong = |reason| ConfigError::Value { place: name.clone(), reason };
            let mut own = Table::new();
            set(&mut own, key, value(text, *kind).map_err(wrong)?);
            merge(&mut layer, own);
        } else if in_a_section(name) {
            return Err(ConfigError::UnknownVariable(name.clone()));
        }
    }
    Ok(layer)
}

/// Whether a variable begins like one of a section; other `BROKERD_` variables belong to scripts.
fn in_a_section(name: &str) -> bool {
    KEYS.iter()
        .filter_map(|(key, _)| key.split_once('.'))
        .any(|(section, _)| name.starts_with(&format!("{}_", variable(section))))
}

/// The settings of `--set key=value` flags.
pub(crate) fn assignments(flags: &[String]) -> Result<Table, ConfigError> {
    let mut layer = Table::new();
    for flag in flags {
        let unknown = || ConfigError::UnknownKey(flag.clone());
        let (name, text) = flag.split_once('=').ok_or_else(unknown)?;
        let (key, kind) = KEYS.iter().find(|(key, _)| *key == name).ok_or_else(unknown)?;
        let wrong = |reason| ConfigError::Value { place: format!("--set {name}"), reason };
        set(&mut layer, key, value(text, *kind).map_err(wrong)?);
    }
    Ok(layer)
}

fn value(text: &str, kind: Kind) -> Result<Value, String> {
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Integer => {
            text.parse().map(Value::Integer).map_err(|_| format!("{text:?} is not a whole number"))
        }
        Kind::Float => {
            text.parse().map(Value::Float).map_err(|_| format!("{text:?} is not a number"))
        }
        Kind::Boolean => {
            let wrong = |_| format!("{text:?} is neither true nor false");
            text.parse().map(Value::Boolean).map_err(wrong)
        }
        Kind::List => {
            let items = text.split(',').map(|item| Value::String(item.trim().to_owned()));
            Ok(Value::Array(items.collect()))
        }
        Kind::Map => {
            let pair = |item: &str| {
                let (key, value) = item.split_once('=')?;
                Some((key.trim().to_owned(), Value::String(value.trim().to_owned())))
            };
            let pairs: Option<Table> = text.split(',').map(pair).collect();
            pairs.map(Value::Table).ok_or_else(|| format!("{text:?} is not a list such as a=b,c=d"))
        }
    }
}

/// Sets one key of a layer.
pub(crate) fn set(layer: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            layer.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let entry = layer.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = entry {
                set(section, rest, value);
            }
        }
    }
}

fn get<'a>(layer: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => layer.get(key),
        Some((section, rest)) => layer.get(section)?.as_table()?.get(rest),
    }
}

fn remove(layer: &mut Table, key: &str) {
    if let Some((section, rest)) = key.split_once('.')
        && let Some(Value::Table(section)) = layer.get_mut(section)
    {
        section.remove(rest);
    }
}

/// Merges `upper` into `lower`, whose settings it replaces.
pub(crate) fn merge(lower: &mut Table, upper: Table) {
    for (one, other) in ALTERNATIVES {
        for (set, unset) in [(one, other), (other, one)] {
            if get(&upper, set).is_some() {
                remove(lower, unset);
            }
        }
    }
    merge_tables(lower, upper, "");
}

/// Merges tables of settings. A map is a setting, which is replaced as a whole.
fn merge_tables(lower: &mut Table, upper: Table, place: &str) {
    for (name, value) in upper {
        let key = format!("{place}{name}");
        let is_map = KEYS.contains(&(key.as_str(), Kind::Map));
        match (lower.get_mut(&name), value) {
            (Some(Value::Table(below)), Value::Table(above)) if !is_map => {
                merge_tables(below, above, &format!("{key}."));
            }
            (_, value) => {
                lower.insert(name, value);
            }
        }
    }
}
