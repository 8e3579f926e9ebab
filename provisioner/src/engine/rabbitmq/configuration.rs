//! `rabbitmq.conf`: what the service sets, and what the owner's configuration adds to it.
//!
//! The owner's values never replace what is the service's: listeners, certificates, watermarks,
//! definitions and logs have no permitted key.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Display, Write as _},
};

use brokerd_domain::{
    EngineType, EngineVersion, Protocol, QueueLimits, RabbitMqSettings, instance::Limits,
};

use super::{
    cluster, metrics_page,
    node::{free_disk, is_cluster, trusted_path, version, watermark},
    resolved_arns::ResolvedArns,
};
use crate::engine::blueprint::Blueprint;

pub(super) const CONSUMER_TIMEOUT: &str = "consumer_timeout";
pub(super) const CLIENT_VERIFY: &str = "amqp_client.ssl_options.verify";

/// The first version in which only a number is a timeout; before, something else is none.
const NUMBERS_ONLY: EngineVersion = EngineVersion::new(4, 1);

/// Whether the timeout must be switched off here, because the version's `rabbitmq.conf` can't.
pub(super) fn without_timeout(settings: &RabbitMqSettings, version: EngineVersion) -> bool {
    settings.get(CONSUMER_TIMEOUT) == Some("0") && version < NUMBERS_ONLY
}

/// The longest that RabbitMQ 4.3 can wait; there it stands for ever, which 4.3 can't.
const MAX_TIMEOUT: u32 = 2_147_483_647;

/// How clients may log in where the owner does not say.
const MECHANISMS: &[&str] = &["PLAIN", "AMQPLAIN"];

/// The first version in which a queue that does not say is a quorum queue if the node says so.
const DEFAULT_QUEUE_TYPE: EngineVersion = EngineVersion::new(4, 0);

/// The first version that knows `auth_oauth2.jwks_uri`.
const JWKS_URI: EngineVersion = EngineVersion::new(4, 3);

/// Writes the file.
pub(super) fn render(
    blueprint: &Blueprint<'_>,
    limits: Limits,
    queue_limits: QueueLimits,
    settings: &RabbitMqSettings,
    resolved_arns: &ResolvedArns<'_>,
) -> String {
    let root = &blueprint.image.config_root;
    let version = version(blueprint);
    let mut text =
        String::from("# Written by brokerd; changes are lost when the broker is rebooted.\n");
    let mut set = |key: &str, value: &dyn Display| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{key} = {value}");
    };
    let chosen = |key: &str, default: &'static str| settings.get(key).unwrap_or(default).to_owned();
    // For shovels and federation within the broker, `amqp://user:password@localhost`; nothing else is in there to
    // come to it. There is no `guest`, who would need no password.
    set("listeners.tcp.local", &"127.0.0.1:5672");
    set("listeners.ssl.default", &Protocol::Amqp.engine_port(EngineType::RabbitMq));
    set("management.ssl.port", &Protocol::Console.engine_port(EngineType::RabbitMq));
    // No key of RabbitMQ itself.
    if settings.get("secure.management.http.headers.enabled") != Some("false") {
        set("management.headers.content_type_options", &"nosniff");
        set("management.headers.frame_options", &"DENY");
        set("management.hsts.policy", &"max-age=47304000; includeSubDomains");
    }
    if version.major >= 4 {
        // 3.10 has neither key; there anybody with the right tag changes operator policies.
        for key in [
            "management.restrictions.operator_policy_changes.disabled",
            "quorum_queue.property_equivalence.relaxed_checks_on_redeclaration",
        ] {
            set(key, &chosen(key, "true"));
        }
    }
    set("prometheus.tcp.ip", &"127.0.0.1");
    set("prometheus.tcp.port", &15692);
    if metrics_page::asks_for_users(blueprint) {
        // The listener itself is in advanced.config.
        set("prometheus.authentication.enabled", &true);
    }
    // Imported once and not again at the next start, so that users and policies changed by the owner
    // stay changed. With definitions there is neither a guest user nor a default vhost.
    set("definitions.import_backend", &"local_filesystem");
    set("definitions.local.path", &format_args!("{root}/definitions.json"));
    set("definitions.skip_if_unchanged", &true);
    // RabbitMQ does not see every kind of container limit and would take the host's memory.
    set("total_memory_available_override_value", &limits.memory_bytes);
    set("vm_memory_high_watermark.absolute", &watermark(blueprint, limits));
    set("disk_free_limit.absolute", &free_disk(blueprint, limits));
    set("log.console", &true);
    set("log.console.level", &"info");
    set("log.file", &false);
    // By its domain a line is known to belong to the log of connections, of queues, …: domain/src/log/classify.rs.
    set("log.console.use_colors", &"off");
    set("log.console.formatter.plaintext.format", &"$time [$level] $pid $domain $msg");
    set("heartbeat", &chosen("heartbeat", "60"));
    if !without_timeout(settings, version) {
        match settings.get(CONSUMER_TIMEOUT) {
            Some("0") => set(CONSUMER_TIMEOUT, &MAX_TIMEOUT),
            _ => set(CONSUMER_TIMEOUT, &chosen(CONSUMER_TIMEOUT, "1800000")),
        }
    }
    if version >= DEFAULT_QUEUE_TYPE {
        // New virtual hosts have it as their own; those that there are keep what they have.
        set("default_queue_type", &"quorum");
    }
    for (key, value) in limit_keys(version, settings.limits(queue_limits)) {
        set(key, &value);
    }
    for (key, value) in authentication(settings, version, root, resolved_arns) {
        set(&key, &quoted(&value));
    }
    if is_cluster(blueprint) {
        for (key, value) in cluster::keys(blueprint) {
            set(&key, &value);
        }
    }
    text
}

/// The limits by the keys that the version knows; an unknown key would keep it from booting.
///
/// 3.10 knows no others; 4.0 lacks `cluster_exchange_limit`, which 4.3 has. Of the versions in
/// between, that are not known, only what both neighbours have is assumed.
fn limit_keys(version: EngineVersion, limits: QueueLimits) -> Vec<(&'static str, u32)> {
    let mut keys =
        vec![("connection_max", limits.connections), ("max_message_size", limits.message_bytes)];
    if version >= EngineVersion::new(4, 0) {
        keys.extend([
            ("channel_max_per_node", limits.channels),
            ("consumer_max_per_channel", limits.consumers_per_channel),
            ("cluster_queue_limit", limits.queues),
            ("vhost_max", limits.vhosts),
            ("runtime_parameters.limits.shovel", limits.shovels),
        ]);
    }
    if version >= EngineVersion::new(4, 3)
        && let Some(exchanges) = limits.exchanges
    {
        keys.push(("cluster_exchange_limit", exchanges));
    }
    keys
}

/// The keys of authentication in the version's own words, sorted.
///
/// What a server has to say on certificates is left out where RabbitMQ is a client, and the other way
/// round; what only [`advanced`] can say is said there.
fn authentication(
    settings: &RabbitMqSettings,
    version: EngineVersion,
    root: &str,
    resolved_arns: &ResolvedArns<'_>,
) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for (key, value) in settings.iter() {
        let permitted =
            ["auth_", "ssl_cert_login_", "management.oauth_"].iter().any(|p| key.starts_with(p));
        let resolved_arns = key.ends_with(".fail_if_no_peer_cert")
            || key.starts_with("auth_ldap.queries.")
            || key.starts_with("auth_oauth2.scope_aliases.")
            || key.ends_with("_bind.user_dn");
        if permitted && !resolved_arns {
            keys.insert(key.to_owned(), module(key, value).unwrap_or(value).to_owned());
        }
    }
    // RabbitMQ itself offers more, and the newer the version, the more.
    if settings.below("auth_mechanisms").next().is_none() {
        for (index, mechanism) in (1..).zip(MECHANISMS) {
            keys.insert(format!("auth_mechanisms.{index}"), (*mechanism).to_owned());
        }
    }
    let mut rename = |old: &str, new: &str| {
        if let Some(value) = keys.remove(old) {
            keys.insert(new.to_owned(), value);
        }
    };
    if version < JWKS_URI {
        rename("auth_oauth2.jwks_uri", "auth_oauth2.jwks_url");
    }
    if version.major < 4 {
        rename("auth_oauth2.https.verify", "auth_oauth2.https.peer_verification");
    }
    trust(&mut keys, version, &trusted_path(root));
    for (key, _) in settings.references().filter(|(key, _)| key.starts_with("auth_")) {
        if !key.ends_with(".password")
            && let Some(path) = resolved_arns.path(key)
        {
            keys.insert(key.to_owned(), path);
        }
    }
    keys
}

/// Identity providers, directories and HTTP servers are trusted as clients of the service trust them,
/// and verified unless the owner says otherwise.
fn trust(keys: &mut BTreeMap<String, String>, version: EngineVersion, trusted: &str) {
    let used = |keys: &BTreeMap<String, String>, prefix: &str, backend: &str| {
        keys.iter().any(|(key, value)| key.starts_with(prefix) || value == backend)
    };
    for (prefix, backend) in
        [("auth_ldap.", "rabbit_auth_backend_ldap"), ("auth_http.", "rabbit_auth_backend_http")]
    {
        if used(keys, prefix, backend) {
            let verify = keys.entry(format!("{prefix}ssl_options.verify"));
            verify.or_insert_with(|| "verify_peer".to_owned());
            keys.insert(format!("{prefix}ssl_options.cacertfile"), trusted.to_owned());
        }
    }
    if !used(keys, "auth_oauth2.", "rabbit_auth_backend_oauth2") {
        return;
    }
    if version.major < 4 {
        let verify = keys.entry("auth_oauth2.https.peer_verification".to_owned());
        verify.or_insert_with(|| "verify_peer".to_owned());
    }
    let providers: BTreeSet<String> = keys
        .keys()
        .filter_map(|key| key.strip_prefix("auth_oauth2.oauth_providers."))
        .map(first_word)
        .map(|name| format!("auth_oauth2.oauth_providers.{name}"))
        .chain(["auth_oauth2".to_owned()])
        .collect();
    for prefix in providers {
        keys.insert(format!("{prefix}.https.cacertfile"), trusted.to_owned());
    }
}

/// Up to the first dot that is not behind a backslash.
fn first_word(key: &str) -> &str {
    let end = key.match_indices('.').map(|(at, _)| at).find(|at| !key[..*at].ends_with('\\'));
    &key[..end.unwrap_or(key.len())]
}

/// A backend by its module, because not every version knows every short name.
fn module(key: &str, value: &str) -> Option<&'static str> {
    let names_backend =
        key.starts_with("auth_backends.") || key.starts_with("auth_cache.cached_backend");
    match value {
        _ if !names_backend => None,
        "internal" => Some("rabbit_auth_backend_internal"),
        "oauth2" => Some("rabbit_auth_backend_oauth2"),
        "ldap" => Some("rabbit_auth_backend_ldap"),
        "http" => Some("rabbit_auth_backend_http"),
        "cache" => Some("rabbit_auth_backend_cache"),
        _ => None,
    }
}

/// Between quotes where the text would be read otherwise; what can't be quoted is not permitted.
fn quoted(value: &str) -> String {
    if value.is_empty() || value.trim() != value || value.contains('#') {
        format!("'{value}'")
    } else {
        value.to_owned()
    }
}
