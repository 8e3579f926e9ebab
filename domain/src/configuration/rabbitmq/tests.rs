use proptest::prelude::*;

use super::*;
use crate::{
    catalogue::{EngineType, instance_types},
    configuration::default_revision::default_revision,
    kernel::ErrorKind,
};

const V3: EngineVersion = EngineVersion::new(3, 10);
const V4: EngineVersion = EngineVersion::new(4, 3);
const SINGLE: DeploymentMode = DeploymentMode::SingleInstance;
const CLUSTER: DeploymentMode = DeploymentMode::ClusterMultiAz;

fn parsed(text: &str) -> RabbitMqConfiguration {
    RabbitMqConfiguration::parse(V4, text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn refusal(version: EngineVersion, text: &str) -> String {
    let refused = RabbitMqConfiguration::parse(version, text)
        .err()
        .unwrap_or_else(|| panic!("accepted: {text}"));
    assert_eq!(refused.kind, ErrorKind::BadRequest);
    assert_eq!(refused.attribute.as_deref(), Some("data"));
    let prefix = "The specified RabbitMQ configuration data is invalid: ";
    refused.message.strip_prefix(prefix).expect("its beginning").to_owned()
}

fn host(name: &str) -> HostInstanceType {
    HostInstanceType::from_name(name).expect("known")
}

fn associated(
    configuration: &RabbitMqConfiguration,
    version: EngineVersion,
    name: &str,
    mode: DeploymentMode,
) -> Result<(), Error> {
    let id = ConfigurationId::from(uuid::Uuid::from_u128(1));
    configuration.check_association(id, 2, version, host(name), mode)
}

#[test]
fn the_revision_the_service_writes_is_valid_for_every_version() {
    for version in [V3, EngineVersion::new(3, 13), EngineVersion::new(4, 0), V4] {
        let (_, text) = default_revision(EngineType::RabbitMq, version, "orders");
        let configuration = RabbitMqConfiguration::parse(version, &text).expect("valid");
        assert_eq!(configuration.authentication_strategy(), AuthenticationStrategy::Simple);
    }
}

#[test]
fn settings_are_read_with_comments_blanks_and_quotes() {
    let configuration = parsed(
        "# Default RabbitMQ delivery acknowledgement timeout is 30 minutes in milliseconds\r\n\
         consumer_timeout = 1800000\r\n\n\
         \theartbeat=120 # seconds\n\
         auth_oauth2.scope_prefix = 'a#b '\n\
         auth_oauth2.resource_server_id = '' # empty\n\
         auth_ldap.use_ssl = true\n\
         auth_ldap.queries.tags = '''\n[{administrator,\n  {constant, false}}]\n''' # done\n\
         auth_ldap.queries.vhost_access = '''{constant, true}'''",
    );
    let settings = configuration.effective(host("mq.m7g.large"), SINGLE, V4);
    for (key, value) in [
        ("consumer_timeout", "1800000"),
        ("heartbeat", "120"),
        ("auth_oauth2.scope_prefix", "a#b "),
        ("auth_oauth2.resource_server_id", ""),
        ("auth_ldap.queries.tags", "[{'administrator',{'constant','false'}}]"),
        ("auth_ldap.queries.vhost_access", "{'constant','true'}"),
    ] {
        assert_eq!(settings.get(key), Some(value), "{key}");
    }
    assert_eq!(settings.iter().count(), 7);
}

#[test]
fn what_is_no_configuration_is_refused_with_its_line() {
    for (text, beginning) in [
        ("\n\nheartbeat 60", "line 3: [heartbeat 60] is neither a setting"),
        ("heartbeat =", "line 1: [heartbeat] has no value"),
        ("heartbeat = # 60", "line 1: [heartbeat] has no value"),
        ("= 60", "line 1: [] is not a key"),
        ("heart beat = 60", "line 1: [heart beat] is not a key"),
        ("heartbeat. = 60", "line 1: [heartbeat.] is not a key"),
        ("heartbeat = '60", "line 1: [heartbeat] has no closing '"),
        ("heartbeat = '60' 70", "line 1: [heartbeat] is followed by [70] after its closing quote"),
        ("# x\nheartbeat = '''60\n\n", "line 2: [heartbeat] has no closing '''"),
        ("include /etc/passwd", "line 1: [include /etc/passwd] is neither"),
        ("[{rabbit, [{heartbeat, 60}]}].", "line 1: [[{rabbit, [{heartbeat, 60}]}].] is neither"),
        ("heartbeat = 59", "line 1: Value [59] is invalid for [heartbeat]. Valid values: [60 to"),
        ("heartbeat = 3601", "line 1: Value [3601] is invalid"),
        ("consumer_timeout = 2147483648", "line 1: Value [2147483648] is invalid"),
        ("consumer_timeout = -1", "line 1: Value [-1] is invalid"),
        ("log.console.level = debug", "line 1: [log.console.level] can't be set. Valid keys: ["),
    ] {
        let message = refusal(V4, text);
        assert!(message.starts_with(beginning), "{message}");
        assert!(message.ends_with('.'), "{message}");
    }
    let long = "#".repeat(64 * 1024 + 1);
    assert!(refusal(V4, &long).contains("65537 bytes"));
    assert!(RabbitMqConfiguration::parse(V4, &long[1..]).is_ok());
}

#[test]
fn sections_hold_limits_of_a_type_and_a_mode() {
    for (text, what) in [
        ("{{m7g.large.2}}\n{{m7g.large.2}}", "the mode is 1"),
        ("{{m7g.large}}\n{{m7g.large}}", "the mode is 1"),
        ("{{large}}", "there is no mode"),
        ("{{m7g.huge.1}}", "the type is one of m7g.medium, m7g.large"),
        ("{{m5.large.1}}\n{{m5.large.1}}", "the type is one of"),
        ("{{mq.m7g.large.1}}", "the type is one of"),
        ("{{m7g.large.1}", "there are no closing braces"),
        ("x = 1\n{{m7g.large.1}}\nvhost_max = 1", "line 2: section [{{m7g.large.1}}] is never"),
        ("{{m7g.large.1}}\n{{m7g.large.3}}", "must be closed by [{{m7g.large.1}}]"),
        (
            "{{m7g.large.1}}\nheartbeat = 60\n{{m7g.large.1}}",
            "line 2: [heartbeat] can't be set in a section. Valid keys: [connection_max,",
        ),
    ] {
        let message = refusal(V4, text);
        assert!(message.contains(what), "{message}");
    }
    let sections = "{{m7g.large.3}}\nconnection_max = 2000\n{{m7g.large.3}}";
    assert_eq!(refusal(V3, sections), "line 2: sections need RabbitMQ 4.0 or later.");
    let refused = associated(&parsed(sections), V3, "mq.m7g.large", CLUSTER).expect_err("3");
    assert_eq!(
        refused.message,
        "Revision [2] of configuration [c-00000000-0000-0000-0000-000000000001] can't be used by a \
         broker with engine version [3.10]: line 2: sections need RabbitMQ 4.0 or later."
    );
}

#[test]
fn between_a_section_and_the_rest_the_later_value_counts() {
    let text = "connection_max = 1000\n{{m7g.large.3}}\nconnection_max = 2000\n{{m7g.large.3}}\n\
                {{m7g.large.1}}\nvhost_max = 7\n{{m7g.large.1}}\nvhost_max = 8\n";
    let configuration = parsed(text);
    let limits = |name: &str, mode| {
        let defaults = host(name).queue_limits(V4, mode).expect("m7g");
        let limits = configuration.effective(host(name), mode, V4).limits(defaults);
        (limits.connections, limits.vhosts, limits.queues)
    };
    assert_eq!(limits("mq.m7g.large", CLUSTER), (2000, 8, 1000));
    assert_eq!(limits("mq.m7g.large", SINGLE), (1000, 8, 1000));
    assert_eq!(limits("mq.m7g.medium", CLUSTER), (1000, 8, 100));
}

#[test]
fn limits_are_checked_when_a_broker_is_given_them() {
    let refused = |text: &str, name, mode| associated(&parsed(text), V4, name, mode).err();
    let message = refused("cluster_queue_limit = 100000000", "mq.m7g.large", SINGLE);
    assert_eq!(
        message,
        Some(Error::bad_request_overall(
            "Configuration Revision 2 for configuration:cluster_queue_limit has limit: of value: \
             100000000 larger than maximum allowed limit:20000"
        ))
    );
    for host in instance_types().filter(|h| h.queue_limits(V4, SINGLE).is_some()) {
        for mode in [SINGLE, CLUSTER] {
            let maxima = host.queue_limit_maxima(V4, mode).expect("m7g");
            for key in permitted::LIMITS {
                let most = limit(&maxima, key).expect("a limit");
                assert_eq!(refused(&format!("{key} = {most}"), host.name(), mode), None);
                let more = format!("{key} = {}", most + 1);
                assert!(refused(&more, host.name(), mode).is_some(), "{host} {more}");
            }
        }
    }
    let elsewhere = "{{m7g.large.3}}\nvhost_max = 99999\n{{m7g.large.3}}\n";
    assert_eq!(refused(elsewhere, "mq.m7g.large", SINGLE), None);
    assert!(refused(elsewhere, "mq.m7g.large", CLUSTER).is_some());
    let overridden = "{{m7g.large.3}}\nvhost_max = 99999\n{{m7g.large.3}}\nvhost_max = 5\n";
    assert_eq!(refused(overridden, "mq.m7g.large", CLUSTER), None);
}

#[test]
fn a_broker_can_be_given_only_what_its_version_knows() {
    let configuration = parsed("heartbeat = 60\nvhost_max = 5\n");
    let refused = associated(&configuration, V3, "mq.m7g.large", SINGLE).expect_err("a limit");
    assert_eq!(refused.attribute.as_deref(), Some("configuration"));
    assert!(refused.message.contains("line 2: [vhost_max] can't be set"), "{refused}");
    let for_all = parsed("heartbeat = 60\nsecure.management.http.headers.enabled = false\n");
    assert_eq!(associated(&for_all, V3, "mq.m5.large", CLUSTER), Ok(()));
    let settings = configuration.effective(host("mq.m7g.large"), SINGLE, V3);
    assert_eq!(settings.iter().collect::<Vec<_>>(), [("heartbeat", "60")]);
}

#[test]
fn the_strategy_follows_from_backends_and_mechanisms() {
    for (text, managed) in [
        ("", false),
        ("heartbeat = 60", false),
        ("auth_backends.1 = internal", false),
        ("auth_backends.1 = internal\nssl_options.verify = verify_peer", false),
        ("auth_mechanisms.1 = PLAIN", false),
        ("auth_mechanisms.1 = EXTERNAL", true),
        ("auth_backends.1 = oauth2", true),
        ("auth_backends.1 = oauth2\nauth_backends.1 = internal", false),
        ("auth_backends.1 = internal\nauth_backends.2 = http", true),
        ("auth_backends.1 = cache", true),
        ("auth_backends.1 = ldap\nauth_ldap.use_starttls = true", true),
        ("auth_backends.1.authn = oauth2\nauth_backends.1.authz = internal", true),
    ] {
        let strategy = parsed(text).authentication_strategy();
        assert_eq!(strategy == AuthenticationStrategy::ConfigManaged, managed, "{text}");
    }
}

#[test]
fn authentication_keys_must_fit_together() {
    for (text, what) in [
        ("auth_backends.1 = kerberos", "Valid values: [internal, oauth2, ldap, cache, http]"),
        ("auth_backends.1 = ldap", "line 1: LDAP is only possible over TLS"),
        ("auth_cache.cached_backend = ldap", "LDAP is only possible over TLS"),
        ("auth_ldap.servers.1 = ldap.example.test", "LDAP is only possible over TLS"),
        ("auth_ldap.use_ssl = false", "LDAP is only possible over TLS"),
        ("auth_ldap.use_ssl = true\nauth_ldap.servers.1 = ldap", "a fully qualified domain name"),
        ("auth_ldap.use_ssl = true\nauth_ldap.log = network_unsafe", "[true, false, network]"),
        ("auth_ldap.use_ssl = true\nauth_ldap.group_lookup_base = x", "a distinguished name"),
        (
            "auth_ldap.use_ssl = true\nauth_ldap.other_bind.user_dn = cn=a",
            "line 2: [auth_ldap.other_bind.user_dn] needs [aws.arns.auth_ldap.other_bind.password]",
        ),
        ("auth_ldap.use_ssl = true\nauth_ldap.queries.tags = {constant, true}", "no LDAP query"),
        ("auth_oauth2.jwks_uri = http://a", "a URL that starts with https://"),
        ("auth_oauth2.algorithms.1 = none", "RS256"),
        ("auth_http.user_path = http://a/user", "a URL that starts with https://"),
        (
            "auth_backends.1 = oauth2\nauth_backends.1.authz = internal",
            "line 2: [auth_backends.1.authz] can't be set together with [auth_backends.1]",
        ),
        (
            "heartbeat = 60\nssl_options.fail_if_no_peer_cert = true",
            "line 2: [ssl_options.fail_if_no_peer_cert] can only be true where",
        ),
        ("auth_mechanisms.1 = ANONYMOUS", "[PLAIN, AMQPLAIN, EXTERNAL]"),
        ("aws.arns.assume_role_arn = arn:aws:iam::1:role/x", "[the ARN of an IAM role]"),
    ] {
        let message = refusal(V4, text);
        assert!(message.contains(what), "{message}");
    }
    assert!(refusal(V3, "auth_backends.1 = http").contains("[internal, oauth2, ldap, cache]"));
    assert!(refusal(V3, "auth_mechanisms.1 = EXTERNAL").contains("[PLAIN, AMQPLAIN]"));
}

/// The configurations of the service's tutorials, as far as they need nothing of AWS.
#[test]
fn the_tutorials_configurations_are_valid() {
    let three = EngineVersion::new(3, 13);
    for text in [
        "auth_backends.1 = oauth2",
        "auth_backends.1 = oauth2\nauth_backends.2 = internal\n\
         auth_oauth2.jwks_uri = https://cognito-idp.us-west-2.example.test/p/.well-known/jwks.json\n\
         auth_oauth2.resource_server_id = rabbitmq\nauth_oauth2.verify_aud = false\n\
         auth_oauth2.scope_prefix = rabbitmq/\n\
         auth_oauth2.scope_aliases.1.alias = rabbitmq/read:all\n\
         auth_oauth2.scope_aliases.1.scope = rabbitmq/read:*/*\n\
         auth_oauth2.https.hostname_verification = wildcard\n\
         management.oauth_enabled = true\nmanagement.oauth_client_id = 7abc\n\
         management.oauth_scopes = rabbitmq/read:all rabbitmq/tag:administrator\n",
        "auth_backends.1 = ldap\nauth_backends.2 = internal\n\
         auth_ldap.servers.1 = ldap.example.test\nauth_ldap.port = 636\nauth_ldap.use_ssl = true\n\
         auth_ldap.ssl_options.verify = verify_peer\n\
         auth_ldap.ssl_options.hostname_verification = wildcard\n\
         auth_ldap.dn_lookup_attribute = sAMAccountName\n\
         auth_ldap.dn_lookup_base = OU=Users,DC=example,DC=test\n\
         auth_ldap.queries.tags = '''\n\
         [{administrator, {in_group, \"CN=Admins,DC=example,DC=test\"}},\n\
          {management, {constant, true}}]\n'''\n",
    ] {
        RabbitMqConfiguration::parse(three, text).unwrap_or_else(|e| panic!("{e}: {text}"));
        parsed(text);
    }
    parsed(
        "auth_backends.1 = cache\nauth_cache.cached_backend = http\nauth_http.http_method = post\n\
         auth_http.user_path = https://auth.example.test/user\n\
         auth_http.vhost_path = https://auth.example.test/vhost\n\
         auth_http.resource_path = https://auth.example.test/resource\n\
         auth_http.topic_path = https://auth.example.test/topic\n",
    );
    parsed(
        "auth_mechanisms.1 = EXTERNAL\nssl_cert_login_from = common_name\n\
         auth_backends.1 = internal\nssl_options.verify = verify_peer\n\
         ssl_options.fail_if_no_peer_cert = true\nmanagement.ssl.verify = verify_peer\n",
    );
}

#[test]
fn what_a_broker_uses_is_known() {
    let settings = parsed(
        "auth_backends.1 = cache\nauth_backends.2.authn = oauth2\nauth_cache.cached_backend = http\n\
         auth_mechanisms.1 = EXTERNAL\nauth_oauth2.scope_aliases.my\\.read.alias = a\n",
    )
    .effective(host("mq.m7g.large"), SINGLE, V4);
    for backend in ["cache", "oauth2", "http"] {
        assert!(settings.uses_backend(backend), "{backend}");
    }
    assert!(!settings.uses_backend("ldap") && !settings.uses_backend("internal"));
    assert!(settings.uses_mechanism("EXTERNAL") && !settings.uses_mechanism("PLAIN"));
    let below: Vec<_> = settings.below("auth_oauth2").collect();
    assert_eq!(below, [(vec!["scope_aliases", "my\\.read", "alias"], "a")]);
}

fn anything() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\n".to_owned()),
        Just(" = ".to_owned()),
        Just("'''".to_owned()),
        Just("'".to_owned()),
        Just("{{m7g.large.1}}\n".to_owned()),
        Just("{{m7g.large.3}}\n".to_owned()),
        Just("vhost_max = 3\n".to_owned()),
        Just("auth_ldap.queries.tags = ".to_owned()),
        Just("[{a,{'not',{in_group,\"".to_owned()),
        Just("auth_ldap.dn_lookup_base = ".to_owned()),
        Just("auth_oauth2.issuer = https://".to_owned()),
        "[a-z#{}\\[\\]\"\\\\,.=: \\PC]{0,12}",
        ".{0,20}",
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in anything()) {
        for version in [V3, V4] {
            let Ok(configuration) = RabbitMqConfiguration::parse(version, &text) else { continue };
            let _ = associated(&configuration, version, "mq.m7g.large", SINGLE);
            for (key, value) in configuration.effective(host("mq.m7g.large"), SINGLE, version).iter() {
                prop_assert!(!key.contains(['\n', '=', ' ', '#']));
                prop_assert!(value.chars().all(|c| matches!(c, ' '..='~')));
            }
        }
    }
}

/// The configurations of the service's tutorials, with other names.
#[test]
fn the_configurations_of_the_tutorials_are_accepted() {
    const ROLE: &str = "aws.arns.assume_role_arn = arn:aws:iam::000000000000:role/MqRole\n";
    let ldap = format!(
        "auth_backends.1 = ldap\nauth_ldap.servers.1 = ldap.example.com\nauth_ldap.port = 636\n\
         auth_ldap.use_ssl = true\nauth_ldap.dn_lookup_base = OU=Users,DC=corp\n\
         auth_ldap.dn_lookup_attribute = sAMAccountName\n\
         auth_ldap.dn_lookup_bind.user_dn = CN=svc,DC=corp\n{ROLE}\
         aws.arns.auth_ldap.dn_lookup_bind.password = \
         arn:aws:secretsmanager:us-east-1:000000000000:secret:ldap-AbCdEf\n\
         aws.arns.auth_ldap.ssl_options.cacertfile = arn:aws:s3:::certs/ca.pem\n"
    );
    let http = "auth_backends.1 = http\nauth_http.http_method = post\n\
                auth_http.user_path = https://auth.example.com/user\n\
                auth_http.vhost_path = https://auth.example.com/vhost\n\
                auth_http.resource_path = https://auth.example.com/resource\n\
                auth_http.topic_path = https://auth.example.com/topic\n";
    let http_own = format!(
        "{http}auth_http.ssl_options.verify = verify_peer\n{ROLE}\
         aws.arns.auth_http.ssl_options.cacertfile = arn:aws:s3:::certs/ca.pem\n"
    );
    let http_sni = format!("{http}auth_http.ssl_options.sni = auth.example.com\n");
    let certificates = format!(
        "auth_mechanisms.1 = EXTERNAL\nauth_mechanisms.2 = PLAIN\n\
         ssl_cert_login_from = common_name\nssl_options.verify = verify_peer\n\
         ssl_options.fail_if_no_peer_cert = true\n{ROLE}\
         aws.arns.ssl_options.cacertfile = arn:aws:s3:::certs/ca.pem\n"
    );
    let modules = "auth_backends.1 = rabbit_auth_backend_oauth2\n\
                   auth_backends.2 = rabbit_auth_backend_internal\n\
                   management.oauth_enabled = true\nmanagement.oauth_client_id = abc\n\
                   management.oauth_provider_url = https://login.example.com/t\n\
                   auth_oauth2.resource_server_id = abc\n\
                   auth_oauth2.additional_scopes_key = roles\n\
                   auth_oauth2.jwks_url = https://login.example.com/keys\n";
    let iam = "auth_backends.1 = oauth2\nauth_backends.2 = internal\n\
               auth_oauth2.jwks_uri = https://a.tokens.sts.global.api.aws/.well-known/jwks.json\n\
               auth_oauth2.issuer = https://a.tokens.sts.global.api.aws\n\
               auth_oauth2.resource_server_id = rabbitmq\nauth_oauth2.verify_aud = false\n\
               auth_oauth2.additional_scopes_key = sub\n\
               auth_oauth2.scope_aliases.1.alias = arn:aws:iam::000000000000:role/MqRole\n\
               auth_oauth2.scope_aliases.1.scope = rabbitmq.tag:administrator rabbitmq.read:*/*\n\
               auth_oauth2.https.hostname_verification = wildcard\n";
    for (text, references) in [
        (ldap.as_str(), 2),
        (&http_own, 1),
        (&http_sni, 0),
        (&certificates, 1),
        (modules, 0),
        (iam, 0),
    ] {
        let configuration = parsed(text);
        let managed = AuthenticationStrategy::ConfigManaged;
        assert_eq!(configuration.authentication_strategy(), managed, "{text}");
        let settings = configuration.effective(host("mq.m7g.large"), SINGLE, V4);
        assert_eq!(settings.references().count(), references, "{text}");
        assert_eq!(settings.assumed_role().is_some(), references > 0, "{text}");
    }
    assert!(parsed(modules).effective(host("mq.m7g.large"), SINGLE, V4).uses_backend("internal"));
}

#[test]
fn what_is_kept_elsewhere_is_named_as_a_whole() {
    let role = "aws.arns.assume_role_arn = arn:aws:iam::000000000000:role/MqRole";
    let ca = "arn:aws:s3:::certs/ca.pem";
    for (text, what) in [
        (
            format!("aws.arns.ssl_options.cacertfile = {ca}"),
            "[aws.arns.ssl_options.cacertfile] needs [aws.arns.assume_role_arn]",
        ),
        (
            format!("{role}\naws.arns.auth_http.ssl_options.certfile = {ca}"),
            "needs [aws.arns.auth_http.ssl_options.keyfile]",
        ),
        (
            format!("{role}\naws.arns.auth_ldap.other_bind.password = {ca}"),
            "needs [auth_ldap.other_bind.user_dn]",
        ),
        (
            "auth_ldap.use_ssl = true\nauth_ldap.other_bind.user_dn = cn=a".to_owned(),
            "line 2: [auth_ldap.other_bind.user_dn] needs [aws.arns.auth_ldap.other_bind.password]",
        ),
        (
            format!("{role}\naws.arns.ssl_options.cacertfile = /etc/passwd"),
            "Valid values: [the ARN of an AWS Secrets Manager secret or an Amazon S3 object]",
        ),
        ("aws.arns.assume_role_arn = a".to_owned(), "Valid values: [the ARN of an IAM role]"),
        ("aws.sts.custom_headers.a = b".to_owned(), "can't be set. Valid keys: [aws.arns.assume"),
    ] {
        let message = refusal(V4, &text);
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn a_configuration_tells_its_roles_and_whether_it_says_who_may_log_in() {
    let role = "aws.arns.assume_role_arn = arn:aws:iam::000000000000:role/MqRole";
    for (text, roles, authenticates) in [
        ("heartbeat = 60".to_owned(), 0, false),
        ("auth_backends.1 = internal".to_owned(), 0, true),
        ("auth_mechanisms.1 = PLAIN".to_owned(), 0, true),
        ("ssl_options.verify = verify_peer".to_owned(), 0, true),
        (role.to_owned(), 1, false),
        (format!("{role}\naws.arns.ssl_options.cacertfile = arn:aws:s3:::certs/ca.pem"), 1, true),
    ] {
        let configuration = RabbitMqConfiguration::parse(V4, &text).expect(&text);
        assert_eq!(configuration.roles().count(), roles, "{text}");
        assert_eq!(configuration.configures_authentication(), authenticates, "{text}");
    }
}
