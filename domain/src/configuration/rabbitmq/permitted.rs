//! The keys that a configuration may set, and those that it may not.
//!
//! Sources: "Configurable values", "Configuring resource limits" and the pages on OAuth 2.0, LDAP,
//! HTTP, client certificates and ARNs of the developer guide; the schema files of RabbitMQ 3.10.8,
//! 4.0.5 and 4.3.6 for the plugins' variables.

#[cfg(test)]
mod console;

use super::{
    syntax::words,
    value::Kind::{
        self, Algorithm, Arn, Backend, Boolean, CachedBackend, DistinguishedName,
        DistinguishedNameOrNone, HttpsUrl, Mechanism, Number, OneOf, Path, Query, Role, Server,
        TagQueries, Text, Timeout,
    },
};
use crate::catalogue::EngineVersion;

/// A key with what may stand behind it.
struct Rule {
    /// `#` stands for a number from 1 on, `$` for any word.
    pattern: &'static str,
    kind: Kind,
    since: Since,
}

/// From which version on a key has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Ever,
    Version(u16, u16),
}

use Since::{Ever, Version};

impl Since {
    fn includes(self, version: EngineVersion) -> bool {
        match self {
            Ever => true,
            Version(major, minor) => version >= EngineVersion::new(major, minor),
        }
    }
}

const fn rule(pattern: &'static str, kind: Kind, since: Since) -> Rule {
    Rule { pattern, kind, since }
}

const VERIFY: Kind = OneOf(&["verify_none", "verify_peer"]);
const HOSTNAMES: Kind = OneOf(&["wildcard", "none"]);
const CRL: Kind = OneOf(&["true", "false", "peer", "best_effort"]);
const DEPTH: Kind = Number(0, 255);
const LOGON: Kind = OneOf(&["sp_initiated", "idp_initiated"]);
const BIND: Kind = OneOf(&["as_user", "anon"]);
const LIMIT: Kind = Number(1, 4_294_967_295);
const WAIT: Kind = Number(1, 2_147_483_647);

/// The first version of the service with OAuth 2.0; where the engine behind an older one can do
/// something too, the key has none.
const OAUTH2: Since = Version(3, 13);
/// RabbitMQ 4, with resource limits, HTTP and client certificates.
const FOUR: Since = Version(4, 0);
/// The first version 4 of the service; 4.0 does not know everything that it does.
const FOUR_2: Since = Version(4, 2);

/// The limits, which alone may be set in sections.
pub(super) const LIMITS: &[&str] = &[
    "connection_max",
    "channel_max_per_node",
    "consumer_max_per_channel",
    "cluster_queue_limit",
    "vhost_max",
    "runtime_parameters.limits.shovel",
    "cluster_exchange_limit",
    "max_message_size",
];

static RULES: &[Rule] = &[
    rule("consumer_timeout", Number(0, 2_147_483_647), Ever),
    rule("heartbeat", Number(60, 3600), Ever),
    rule("management.restrictions.operator_policy_changes.disabled", Boolean, Ever),
    rule("quorum_queue.property_equivalence.relaxed_checks_on_redeclaration", Boolean, Ever),
    rule("secure.management.http.headers.enabled", Boolean, Ever),
    rule("amqp_client.ssl_options.verify", VERIFY, FOUR),
    rule("connection_max", LIMIT, FOUR),
    rule("channel_max_per_node", LIMIT, FOUR),
    rule("consumer_max_per_channel", LIMIT, FOUR),
    rule("cluster_queue_limit", LIMIT, FOUR),
    rule("vhost_max", LIMIT, FOUR),
    rule("runtime_parameters.limits.shovel", Number(0, 4_294_967_295), FOUR),
    rule("cluster_exchange_limit", LIMIT, FOUR),
    rule("max_message_size", Number(1, 536_870_912), FOUR),
    rule("auth_backends.#", Backend, Ever),
    rule("auth_backends.#.authn", Backend, Ever),
    rule("auth_backends.#.authz", Backend, Ever),
    rule("auth_cache.cached_backend", CachedBackend, Ever),
    rule("auth_cache.cached_backend.authn", CachedBackend, Ever),
    rule("auth_cache.cached_backend.authz", CachedBackend, Ever),
    rule("auth_cache.cache_ttl", WAIT, Ever),
    rule("auth_cache.cache_refusals", Boolean, Ever),
    rule("auth_mechanisms.#", Mechanism, Ever),
    // OAuth 2.0.
    rule("auth_oauth2.resource_server_id", Text, Ever),
    rule("auth_oauth2.resource_server_type", Text, OAUTH2),
    rule("auth_oauth2.scope_prefix", Text, OAUTH2),
    rule("auth_oauth2.additional_scopes_key", Text, Ever),
    rule("auth_oauth2.scope_aliases.$", Text, Ever),
    rule("auth_oauth2.scope_aliases.$.alias", Text, Ever),
    rule("auth_oauth2.scope_aliases.$.scope", Text, Ever),
    rule("auth_oauth2.verify_aud", Boolean, OAUTH2),
    rule("auth_oauth2.require_exp", Boolean, FOUR_2),
    rule("auth_oauth2.preferred_username_claims.$", Text, OAUTH2),
    rule("auth_oauth2.default_key", Text, Ever),
    rule("auth_oauth2.algorithms.$", Algorithm, Ever),
    rule("auth_oauth2.issuer", HttpsUrl, OAUTH2),
    rule("auth_oauth2.jwks_uri", HttpsUrl, Ever),
    rule("auth_oauth2.jwks_url", HttpsUrl, Ever),
    rule("auth_oauth2.token_endpoint", HttpsUrl, OAUTH2),
    rule("auth_oauth2.authorization_endpoint", HttpsUrl, OAUTH2),
    rule("auth_oauth2.end_session_endpoint", HttpsUrl, OAUTH2),
    rule("auth_oauth2.discovery_endpoint_path", Path, FOUR_2),
    rule("auth_oauth2.discovery_endpoint_params.$", Text, FOUR_2),
    rule("auth_oauth2.https.verify", VERIFY, Ever),
    rule("auth_oauth2.https.peer_verification", VERIFY, Ever),
    rule("auth_oauth2.https.depth", DEPTH, Ever),
    rule("auth_oauth2.https.hostname_verification", HOSTNAMES, Ever),
    rule("auth_oauth2.https.crl_check", CRL, Ever),
    rule("auth_oauth2.https.fail_if_no_peer_cert", Boolean, Ever),
    rule("auth_oauth2.default_oauth_provider", Text, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.issuer", HttpsUrl, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.jwks_uri", HttpsUrl, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.token_endpoint", HttpsUrl, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.authorization_endpoint", HttpsUrl, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.end_session_endpoint", HttpsUrl, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.discovery_endpoint_path", Path, FOUR_2),
    rule("auth_oauth2.oauth_providers.$.discovery_endpoint_params.$", Text, FOUR_2),
    rule("auth_oauth2.oauth_providers.$.default_key", Text, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.algorithms.$", Algorithm, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.https.verify", VERIFY, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.https.depth", DEPTH, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.https.hostname_verification", HOSTNAMES, OAUTH2),
    rule("auth_oauth2.oauth_providers.$.https.crl_check", CRL, OAUTH2),
    rule("auth_oauth2.resource_servers.$.id", Text, OAUTH2),
    rule("auth_oauth2.resource_servers.$.oauth_provider_id", Text, OAUTH2),
    rule("auth_oauth2.resource_servers.$.resource_server_type", Text, OAUTH2),
    rule("auth_oauth2.resource_servers.$.scope_prefix", Text, OAUTH2),
    rule("auth_oauth2.resource_servers.$.additional_scopes_key", Text, OAUTH2),
    rule("auth_oauth2.resource_servers.$.preferred_username_claims.$", Text, OAUTH2),
    rule("auth_oauth2.resource_servers.$.scope_aliases.$", Text, FOUR_2),
    rule("auth_oauth2.resource_servers.$.scope_aliases.$.alias", Text, FOUR_2),
    rule("auth_oauth2.resource_servers.$.scope_aliases.$.scope", Text, FOUR_2),
    rule("management.oauth_enabled", Boolean, OAUTH2),
    rule("management.oauth_disable_basic_auth", Boolean, OAUTH2),
    rule("management.oauth_client_id", Text, OAUTH2),
    rule("management.oauth_scopes", Text, OAUTH2),
    rule("management.oauth_response_type", Text, OAUTH2),
    rule("management.oauth_provider_url", HttpsUrl, OAUTH2),
    rule("management.oauth_metadata_url", HttpsUrl, OAUTH2),
    rule("management.oauth_initiated_logon_type", LOGON, OAUTH2),
    rule("management.oauth_authorization_endpoint_params.$", Text, FOUR_2),
    rule("management.oauth_token_endpoint_params.$", Text, FOUR_2),
    rule("management.oauth_resource_servers.$.id", Text, OAUTH2),
    rule("management.oauth_resource_servers.$.label", Text, OAUTH2),
    rule("management.oauth_resource_servers.$.disabled", Boolean, OAUTH2),
    rule("management.oauth_resource_servers.$.oauth_client_id", Text, OAUTH2),
    rule("management.oauth_resource_servers.$.oauth_scopes", Text, OAUTH2),
    rule("management.oauth_resource_servers.$.oauth_response_type", Text, OAUTH2),
    rule("management.oauth_resource_servers.$.oauth_provider_url", HttpsUrl, OAUTH2),
    rule("management.oauth_resource_servers.$.oauth_metadata_url", HttpsUrl, OAUTH2),
    rule("management.oauth_resource_servers.$.oauth_initiated_logon_type", LOGON, OAUTH2),
    rule("management.oauth_resource_servers.$.oauth_authorization_endpoint_params.$", Text, FOUR_2),
    rule("management.oauth_resource_servers.$.oauth_token_endpoint_params.$", Text, FOUR_2),
    // LDAP.
    rule("auth_ldap.servers.$", Server, Ever),
    rule("auth_ldap.port", Number(1, 65535), Ever),
    rule("auth_ldap.use_ssl", Boolean, Ever),
    rule("auth_ldap.use_starttls", Boolean, Ever),
    rule("auth_ldap.timeout", Timeout, Ever),
    rule("auth_ldap.idle_timeout", Timeout, Ever),
    rule("auth_ldap.connection_pool_size", Number(1, 1024), Ever),
    rule("auth_ldap.log", OneOf(&["true", "false", "network"]), Ever),
    rule("auth_ldap.user_bind_pattern", Text, Ever),
    rule("auth_ldap.user_dn_pattern", Text, Ever),
    rule("auth_ldap.dn_lookup_attribute", Text, Ever),
    rule("auth_ldap.dn_lookup_base", DistinguishedNameOrNone, Ever),
    rule("auth_ldap.dn_lookup_bind", BIND, Ever),
    rule("auth_ldap.dn_lookup_bind.user_dn", DistinguishedName, Ever),
    rule("auth_ldap.other_bind", BIND, Ever),
    rule("auth_ldap.other_bind.user_dn", DistinguishedName, Ever),
    rule("auth_ldap.group_lookup_base", DistinguishedNameOrNone, Ever),
    rule("auth_ldap.queries.vhost_access", Query, Ever),
    rule("auth_ldap.queries.resource_access", Query, Ever),
    rule("auth_ldap.queries.topic_access", Query, Ever),
    rule("auth_ldap.queries.tags", TagQueries, Ever),
    rule("auth_ldap.ssl_options.verify", VERIFY, Ever),
    rule("auth_ldap.ssl_options.depth", DEPTH, Ever),
    rule("auth_ldap.ssl_options.hostname_verification", HOSTNAMES, Ever),
    rule("auth_ldap.ssl_options.crl_check", CRL, Ever),
    rule("auth_ldap.ssl_options.fail_if_no_peer_cert", Boolean, Ever),
    // HTTP.
    rule("auth_http.http_method", OneOf(&["get", "post"]), FOUR),
    rule("auth_http.user_path", HttpsUrl, FOUR),
    rule("auth_http.vhost_path", HttpsUrl, FOUR),
    rule("auth_http.resource_path", HttpsUrl, FOUR),
    rule("auth_http.topic_path", HttpsUrl, FOUR),
    rule("auth_http.request_timeout", WAIT, FOUR),
    rule("auth_http.connection_timeout", WAIT, FOUR),
    rule("auth_http.authorization_failure_disclosure", Boolean, FOUR_2),
    rule("auth_http.ssl_options.verify", VERIFY, FOUR),
    rule("auth_http.ssl_options.depth", DEPTH, FOUR),
    rule("auth_http.ssl_options.hostname_verification", HOSTNAMES, FOUR),
    rule("auth_http.ssl_options.fail_if_no_peer_cert", Boolean, FOUR),
    // The reference has it among what is not supported, the tutorial sets it.
    rule("auth_http.ssl_options.sni", Server, FOUR),
    // Client certificates.
    rule(
        "ssl_cert_login_from",
        OneOf(&[
            "distinguished_name",
            "common_name",
            "subject_alternative_name",
            "subject_alt_name",
        ]),
        FOUR,
    ),
    rule("ssl_cert_login_san_type", OneOf(&["dns", "ip", "email", "uri", "other_name"]), FOUR),
    rule("ssl_cert_login_san_index", Number(0, 2_147_483_647), FOUR),
    rule("ssl_options.verify", VERIFY, FOUR),
    rule("ssl_options.fail_if_no_peer_cert", Boolean, FOUR),
    rule("ssl_options.depth", DEPTH, FOUR),
    rule("ssl_options.hostname_verification", HOSTNAMES, FOUR),
    rule("management.ssl.verify", VERIFY, FOUR),
    rule("management.ssl.depth", DEPTH, FOUR),
    rule("management.ssl.hostname_verification", HOSTNAMES, FOUR),
    // What is kept elsewhere.
    rule("aws.arns.assume_role_arn", Role, Ever),
    rule("aws.arns.ssl_options.cacertfile", Arn, FOUR),
    rule("aws.arns.management.ssl.cacertfile", Arn, FOUR),
    rule("aws.arns.auth_oauth2.https.cacertfile", Arn, OAUTH2),
    rule("aws.arns.auth_http.ssl_options.cacertfile", Arn, FOUR),
    rule("aws.arns.auth_http.ssl_options.certfile", Arn, FOUR),
    rule("aws.arns.auth_http.ssl_options.keyfile", Arn, FOUR),
    rule("aws.arns.auth_ldap.ssl_options.cacertfile", Arn, Ever),
    rule("aws.arns.auth_ldap.ssl_options.certfile", Arn, Ever),
    rule("aws.arns.auth_ldap.ssl_options.keyfile", Arn, Ever),
    rule("aws.arns.auth_ldap.dn_lookup_bind.password", Arn, Ever),
    rule("aws.arns.auth_ldap.other_bind.password", Arn, Ever),
];

/// What the keys begin with that say where something is kept; the rest is what it is for.
pub(super) const ARNS: &str = "aws.arns.";

/// Files and passwords: the service takes them from S3 and Secrets Manager.
static SECRETS: &[&str] = &[
    "amqp_client.ssl_options.cacertfile",
    "amqp_client.ssl_options.certfile",
    "amqp_client.ssl_options.keyfile",
    "auth_http.ssl_options.cacertfile",
    "auth_http.ssl_options.certfile",
    "auth_http.ssl_options.keyfile",
    "auth_ldap.dn_lookup_bind.password",
    "auth_ldap.other_bind.password",
    "auth_ldap.ssl_options.cacertfile",
    "auth_ldap.ssl_options.certfile",
    "auth_ldap.ssl_options.keyfile",
    "auth_oauth2.https.cacertfile",
    "auth_oauth2.oauth_providers.$.https.cacertfile",
    "auth_oauth2.oauth_providers.$.signing_keys.$",
    "auth_oauth2.signing_keys.$",
    "management.oauth_client_secret",
    "management.oauth_resource_servers.$.oauth_client_secret",
    "management.ssl.cacertfile",
    "management.ssl.certfile",
    "management.ssl.keyfile",
    "ssl_options.cacertfile",
    "ssl_options.certfile",
    "ssl_options.keyfile",
];

/// TLS options that the service supports nowhere.
static UNSUPPORTED_TLS: &[&str] = &[
    "cert",
    "client_renegotiation",
    "dh",
    "dhfile",
    "honor_cipher_order",
    "honor_ecc_order",
    "key.RSAPrivateKey",
    "key.DSAPrivateKey",
    "key.PrivateKeyInfo",
    "log_alert",
    "password",
    "psk_identity",
    "reuse_sessions",
    "secure_renegotiate",
    "sni",
    "versions.$",
];

/// TLS options with their prefixes, and what of the above is unsupported only there.
static TLS: &[(&str, &[&str])] = &[
    ("auth_ldap.ssl_options.", &[]),
    ("auth_http.ssl_options.", &["crl_check"]),
    ("ssl_options.", &["crl_check"]),
    ("management.ssl.", &["fail_if_no_peer_cert"]),
];

/// What a key may be set to.
///
/// An error says why it may not be set, and what may.
pub(super) fn kind(key: &str, version: EngineVersion) -> Result<Kind, String> {
    if let Some(rule) = rule_of(key) {
        return if rule.since.includes(version) {
            Ok(rule.kind)
        } else {
            Err(too_old(key, version, rule.since))
        };
    }
    if SECRETS.iter().any(|pattern| matches(pattern, key)) {
        let by_arn = format!("{ARNS}{key}");
        let instead = match rule_of(&by_arn) {
            Some(_) => format!(". Set [{by_arn}] to the ARN of what is to be used"),
            None => String::new(),
        };
        return Err(format!(
            "[{key}] may not be set: a configuration names no files and holds no secrets{instead}"
        ));
    }
    for (prefix, more) in TLS {
        if let Some(option) = key.strip_prefix(prefix)
            && UNSUPPORTED_TLS.iter().chain(*more).any(|pattern| matches(pattern, option))
        {
            return Err(format!("[{key}] is not supported. {}", instead(key, version)));
        }
    }
    Err(format!("[{key}] can't be set. {}", instead(key, version)))
}

/// The patterns of all keys that may be set in this version.
pub(super) fn keys(version: EngineVersion) -> impl Iterator<Item = &'static str> {
    RULES.iter().filter(move |rule| rule.since.includes(version)).map(|rule| rule.pattern)
}

/// Whether a key may be set and has an effect in this version.
pub(super) fn has_effect(key: &str, version: EngineVersion) -> bool {
    rule_of(key).is_some_and(|rule| rule.since.includes(version))
}

fn rule_of(key: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| matches(rule.pattern, key))
}

fn too_old(key: &str, version: EngineVersion, since: Since) -> String {
    if LIMITS.contains(&key) {
        return format!("[{key}] can't be set: the limits of RabbitMQ {} are fixed", version.major);
    }
    let since = match since {
        Ever => version,
        Version(major, minor) => EngineVersion::new(major, minor),
    };
    format!("[{key}] needs RabbitMQ {since} or later, and this is RabbitMQ {version}")
}

fn matches(pattern: &str, key: &str) -> bool {
    let (pattern, words) = (pattern.split('.'), words(key));
    pattern.clone().count() == words.len()
        && pattern.zip(words).all(|(pattern, word)| match pattern {
            "$" => true,
            "#" => word.parse::<u16>().is_ok_and(|n| n > 0 && n.to_string() == word),
            pattern => pattern == word,
        })
}

/// The permitted keys that are most like this one.
fn instead(key: &str, version: EngineVersion) -> String {
    let alike = |rule: &Rule| {
        let pairs = rule.pattern.split('.').zip(words(key));
        pairs.take_while(|(pattern, word)| *pattern == "$" || pattern == word).count()
    };
    let known = || RULES.iter().filter(|rule| rule.since.includes(version));
    let most = known().map(alike).max().unwrap_or(0);
    let names: Vec<String> = if most == 0 {
        let mut names: Vec<String> = Vec::new();
        for rule in known() {
            let family = rule.pattern.split_once('.').map_or(rule.pattern, |(family, _)| family);
            let whole = rule.pattern.starts_with("auth_") || family == "ssl_options";
            let name = if whole { format!("{family}.…") } else { readable(rule.pattern) };
            if !rule.pattern.starts_with("management.oauth_") && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    } else {
        known().filter(|rule| alike(rule) == most).map(|rule| readable(rule.pattern)).collect()
    };
    format!("Valid keys: [{}]", names.join(", "))
}

fn readable(pattern: &str) -> String {
    pattern.replace('#', "N").replace('$', "{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: EngineVersion = EngineVersion::new(4, 3);

    #[test]
    fn keys_are_found_by_their_parts() {
        for key in [
            "heartbeat",
            "auth_backends.1",
            "auth_backends.12.authn",
            "auth_oauth2.scope_aliases.my\\.scope",
            "auth_oauth2.scope_aliases.1.alias",
            "auth_oauth2.oauth_providers.keycloak.https.verify",
        ] {
            assert!(kind(key, V4).is_ok(), "{key}");
        }
        for key in [
            "heartbeats",
            "Heartbeat",
            "auth_backends",
            "auth_backends.0",
            "auth_backends.01",
            "auth_backends.x",
            "auth_backends.99999",
            "auth_oauth2.oauth_providers.keycloak",
            "auth_oauth2.signing_keys.1",
            "listeners.ssl.default",
            "vm_memory_high_watermark.absolute",
            "load_definitions",
            "ssl_options.certfile",
            "ssl_options.versions.1",
            "management.ssl.fail_if_no_peer_cert",
            "management.ssl.port",
            "auth_http.ssl_options.crl_check",
            "auth_ldap.dn_lookup_bind.password",
        ] {
            assert!(kind(key, V4).is_err(), "{key}");
        }
    }

    #[test]
    fn what_can_be_set_instead_is_said() {
        let said = |key| kind(key, V4).expect_err("refused");
        assert_eq!(
            said("auth_http.method"),
            "[auth_http.method] can't be set. Valid keys: [auth_http.http_method, \
             auth_http.user_path, auth_http.vhost_path, auth_http.resource_path, \
             auth_http.topic_path, auth_http.request_timeout, auth_http.connection_timeout, \
             auth_http.authorization_failure_disclosure, auth_http.ssl_options.verify, \
             auth_http.ssl_options.depth, auth_http.ssl_options.hostname_verification, \
             auth_http.ssl_options.fail_if_no_peer_cert, auth_http.ssl_options.sni]"
        );
        let all = said("disk_free_limit.absolute");
        for name in ["consumer_timeout", "heartbeat", "vhost_max", "auth_ldap.…", "ssl_options.…"]
        {
            assert!(all.contains(name), "{all}");
        }
        assert!(said("aws.arns.ssl_options.certfile").contains("aws.arns.ssl_options.cacertfile"));
        let password = said("auth_ldap.other_bind.password");
        assert!(password.contains("Set [aws.arns.auth_ldap.other_bind.password] to"), "{password}");
        assert!(said("management.oauth_client_secret").ends_with("holds no secrets"));
        assert!(said("ssl_options.sni").contains("is not supported"));
    }

    #[test]
    fn keys_have_their_versions() {
        let three = EngineVersion::new(3, 10);
        assert_eq!(
            kind("vhost_max", three),
            Err("[vhost_max] can't be set: the limits of RabbitMQ 3 are fixed".to_owned())
        );
        assert_eq!(
            kind("auth_oauth2.issuer", three),
            Err("[auth_oauth2.issuer] needs RabbitMQ 3.13 or later, and this is RabbitMQ 3.10"
                .to_owned())
        );
        assert!(kind("auth_oauth2.issuer", EngineVersion::new(3, 13)).is_ok());
        assert!(kind("auth_http.user_path", EngineVersion::new(3, 13)).is_err());
        assert!(kind("amqp_client.ssl_options.verify", three).is_err());
        assert!(kind("auth_oauth2.require_exp", EngineVersion::new(4, 0)).is_err());
        assert!(!instead("x", three).contains("vhost_max"));
    }

    #[test]
    fn limits_are_keys() {
        for key in LIMITS {
            assert!(kind(key, V4).is_ok(), "{key}");
        }
    }
}
