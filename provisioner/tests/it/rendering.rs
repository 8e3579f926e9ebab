//! What is rendered for an engine, byte for byte, and what is refused.
//!
//! `UPDATE_GOLDEN=1 cargo test -p brokerd-provisioner --test it rendering` writes the goldens anew. The
//! secrets in them belong to nothing.

use crate::example::{
    Example, GIB, TRUSTED, compare_with_golden, golden_of, groups, outline, user,
};
use brokerd_domain::{
    DeploymentMode, EngineType, EngineVersion, HostInstanceType, instance::InstanceSpec,
    parse_password,
};
use brokerd_provisioner::{
    catalogue::{Catalogue, LoginModule},
    pki::{materials::PreparedPassword, tls},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};

const MIB: u64 = 1 << 20;

fn activemq() -> Example {
    Example::new(EngineType::ActiveMq, "5.19", "mq.t3.micro")
}

fn rabbitmq() -> Example {
    Example::new(EngineType::RabbitMq, "4.3", "mq.m7g.medium")
}

#[test]
fn every_offered_version_is_rendered_as_in_its_golden() {
    let catalogue = Catalogue::built_in().expect("well-formed");
    for (kind, version) in catalogue.images().map(|image| (image.engine, image.version)) {
        let host = match kind {
            EngineType::ActiveMq => "mq.t3.micro",
            EngineType::RabbitMq => "mq.m7g.medium",
        };
        golden(
            &Example::new(kind, &version.to_string(), host),
            &format!("{}-{version}", kind.as_str().to_lowercase()),
        );
    }
}

#[test]
fn larger_tiers_and_stock_images_are_rendered_as_in_their_goldens() {
    golden(
        &Example::new(EngineType::ActiveMq, "5.19", "mq.m5.4xlarge"),
        "activemq-5.19-mq.m5.4xlarge",
    );
    golden(
        &Example::new(EngineType::RabbitMq, "4.3", "mq.m7g.16xlarge"),
        "rabbitmq-4.3-mq.m7g.16xlarge",
    );
    let mut stock = activemq();
    stock.image.login_module = Some(LoginModule::Properties);
    stock.image.env = vec!["A=b".to_owned(), "ACTIVEMQ_OPTS_MEMORY=-Xmx1G".to_owned()];
    for (user, password) in [("alice", "correct-horse-battery"), ("bob.b_b~b-b", " \\#!\"'&<> ")] {
        let prepared = PreparedPassword { stored: password.to_owned(), of: String::new() };
        stock.materials.passwords.insert(user.to_owned(), prepared);
    }
    golden(&stock, "activemq-5.19-stock");
}

#[test]
fn a_version_that_another_one_serves_has_its_own_tiers_and_the_others_files() {
    let mut old = Example::new(EngineType::RabbitMq, "4.3", "mq.m5.large");
    assert!(old.render_all().is_err(), "4.3 itself does not run on mq.m5");
    old.broker.spec.engine_version = EngineVersion::new(3, 13);
    let old = old.render_all().expect("rendered").remove(0);
    assert_eq!(old.image, "brokerd/rabbitmq:4.3");
    let text = |path: &str| {
        let file = old.files.iter().find(|f| f.path == path).expect(path);
        String::from_utf8(file.content.clone()).expect("text")
    };
    // What only the newer version knows, with the numbers of the older one.
    assert!(text("rabbitmq.conf").contains("\nvhost_max = "), "{}", text("rabbitmq.conf"));
    assert!(text("enabled_plugins").contains("rabbitmq_jms_topic_exchange"));
    assert!(!text("definitions.json").contains("ha-mode"));
}

#[test]
fn both_of_a_pair_are_the_same_broker_on_one_store() {
    let mut pair = activemq();
    pair.broker.spec.deployment_mode = DeploymentMode::ActiveStandbyMultiAz;
    let [first, second] = pair.render_all().expect("rendered").try_into().expect("two instances");
    assert_eq!((first.name.ordinal, second.name.ordinal), (1, 2));
    assert_eq!(first.hostname, format!("{}-1", pair.broker.id));
    assert_eq!(second.hostname, format!("{}-2", pair.broker.id));
    let same = InstanceSpec {
        name: second.name.clone(),
        hostname: second.hostname.clone(),
        ..first.clone()
    };
    assert_eq!(second, same);
    let shared: Vec<_> = first.volumes.iter().map(|v| (v.role, v.keep, v.shared)).collect();
    assert_eq!(shared, [("conf", false, false), ("data", true, true)]);
    let document = first.files.iter().find(|f| f.path == "activemq.xml").expect("a document");
    compare_with_golden("activemq-5.19-pair/activemq.xml", &document.content);
    assert!(activemq().render().expect("rendered").volumes.iter().all(|volume| !volume.shared));
}

fn golden(example: &Example, directory: &str) {
    golden_of(&example.render().expect("rendered"), directory);
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    for example in [activemq(), rabbitmq()] {
        let first = example.render().expect("rendered");
        assert_eq!(first, example.render().expect("rendered"));
        assert_eq!(first.digest(), example.render().expect("rendered").digest());
    }
}

#[test]
fn every_file_goes_to_a_volume_and_keys_are_the_engines_alone() {
    for example in [activemq(), rabbitmq()] {
        let spec = example.render().expect("rendered");
        for file in &spec.files {
            assert!(spec.volumes.iter().any(|v| v.mount == file.root), "{file:?}");
            assert!(!file.path.starts_with('/') && !file.path.contains(".."), "{file:?}");
            assert_eq!(file.mode & 0o007, 0, "{file:?}");
            assert!(file.content.len() < 500_000, "{file:?}");
        }
        let secret: Vec<_> = ["broker.p12", "users.properties", "tls/server.key", ".erlang.cookie"]
            .into_iter()
            .filter_map(|path| spec.files.iter().find(|f| f.path == path))
            .collect();
        assert_eq!(secret.len(), 2);
        assert!(secret.iter().all(|f| f.mode == 0o400));
        let (conf, data) = (&spec.volumes[0], &spec.volumes[1]);
        assert!(!conf.keep && data.keep);
        let public = format!("{:?} {:?} {:?}", spec.environment, spec.command, spec.tmpfs);
        for secret in ["TestKeystorePassword", "TESTCOOKIE", "hash$of"] {
            assert!(!public.contains(secret));
        }
    }
}

#[test]
fn the_limits_follow_tier_and_scale() {
    // type, scale, host's processors, memory in MiB, billionths of a processor
    let table = [
        ("mq.t3.micro", 1.0, 64, 1024, 2_000_000_000),
        ("mq.t3.micro", 0.25, 64, 512, 500_000_000),
        ("mq.t3.micro", 0.01, 64, 512, 500_000_000),
        ("mq.t3.micro", 1.0, 1, 1024, 1_000_000_000),
        ("mq.m5.large", 1.0, 2, 8192, 2_000_000_000),
        ("mq.m5.xlarge", 0.5, 2, 8192, 2_000_000_000),
        ("mq.m5.4xlarge", 0.1, 64, 6553, 1_600_000_000),
        ("mq.m7g.medium", 1.0, 64, 4096, 1_000_000_000),
        ("mq.m7g.medium", 0.125, 64, 512, 500_000_000),
        ("mq.m7g.16xlarge", 1.0, 64, 262_144, 64_000_000_000),
    ];
    for (host, scale, cpus, mib, nano_cpus) in table {
        let mut example = if host.contains("m7g") { rabbitmq() } else { activemq() };
        example.broker.spec.host_instance_type = HostInstanceType::from_name(host).expect("known");
        example.sizing.scale = scale;
        example.capacity.cpus = cpus;
        let limits = example.render().expect("rendered").limits;
        assert_eq!(
            (limits.memory_bytes, limits.nano_cpus),
            (mib * MIB, nano_cpus),
            "{host} × {scale}"
        );
    }
}

#[test]
fn rabbitmq_never_blocks_publishers_at_idle() {
    // type, scale, watermark, free disk
    let table = [
        ("mq.m7g.medium", 1.0, 180 * GIB / 100, 512 * MIB),
        ("mq.m7g.medium", 0.25, 45 * GIB / 100, 128 * MIB),
        ("mq.m7g.medium", 0.01, 256 * MIB, 64 * MIB),
        ("mq.m7g.16xlarge", 1.0, 16010 * GIB / 100, GIB),
    ];
    for (host, scale, watermark, disk) in table {
        let mut example = rabbitmq();
        example.broker.spec.host_instance_type = HostInstanceType::from_name(host).expect("known");
        example.sizing.scale = scale;
        let text = example.text("rabbitmq.conf");
        let value = |key: &str| -> u64 {
            let line = text.lines().find(|l| l.starts_with(&format!("{key} = "))).expect(key);
            line.rsplit(' ').next().and_then(|v| v.parse().ok()).expect("a number")
        };
        let total = value("total_memory_available_override_value");
        assert_eq!(total, example.render().expect("rendered").limits.memory_bytes);
        let is = value("vm_memory_high_watermark.absolute");
        assert!(is.abs_diff(watermark) < MIB && is < total, "{host} × {scale}: {is}");
        assert_eq!(value("disk_free_limit.absolute"), disk, "{host} × {scale}");
    }
}

#[test]
fn what_this_host_cannot_run_is_said_in_a_sentence() {
    let mut large = Example::new(EngineType::RabbitMq, "4.3", "mq.m7g.xlarge");
    large.capacity.memory_bytes = 8 * GIB;
    assert_eq!(
        large.refusal(),
        "not enough memory: mq.m7g.xlarge needs 16.0 GiB, this host has 8.0 GiB; a smaller \
         sizing.scale (now 1) makes instances smaller than their type"
    );
    large.sizing.scale = 0.5;
    assert!(large.render().is_ok());

    let mut wrong_type = rabbitmq();
    wrong_type.broker.spec.host_instance_type =
        HostInstanceType::from_name("mq.m5.large").expect("known");
    assert_eq!(wrong_type.refusal(), "RabbitMQ 4.3 does not run on mq.m5.large");

    let mut unknown = activemq();
    unknown.users.push(user(EngineType::ActiveMq, "mallory", "correct-horse-battery", &[]));
    assert!(unknown.refusal().contains("mallory"));
}

#[test]
fn comments_change_nothing_and_what_is_not_permitted_reaches_no_broker() {
    let mut example = rabbitmq();
    example.configuration = "\n  # heartbeat = 1\n\t\n".to_owned();
    let plain = example.text("rabbitmq.conf");
    assert_eq!(plain, rabbitmq().text("rabbitmq.conf"));
    for line in [
        "load_definitions=/etc/passwd",
        "listeners.tcp.default = 5672",
        "ssl_options.certfile = /etc/rabbitmq/tls/ca.pem",
        "management.ssl.fail_if_no_peer_cert = true",
        "vm_memory_high_watermark.absolute = 1",
        "include /etc/passwd",
    ] {
        example.configuration = format!("# fine\n{line}\n");
        let refusal = example.refusal();
        assert!(refusal.contains("data is invalid: line 2: ["), "{refusal}");
    }
}

/// Limits, general keys, and everybody elsewhere.
const CONFIGURED_3: &str = r#"
heartbeat = 90
consumer_timeout = 0
secure.management.http.headers.enabled = false
auth_backends.1 = cache
auth_backends.2.authn = ldap
auth_backends.2.authz = internal
auth_cache.cached_backend = oauth2
auth_oauth2.resource_server_id = rabbitmq
auth_oauth2.jwks_uri = https://idp.example.test/jwks
auth_oauth2.https.verify = verify_none
auth_oauth2.scope_aliases.1.alias = arn:aws:iam::000000000000:role/reader
auth_oauth2.scope_aliases.1.scope = rabbitmq.read:*/* rabbitmq.tag:monitoring
auth_ldap.servers.1 = ldap.example.test
auth_ldap.use_starttls = true
auth_ldap.ssl_options.fail_if_no_peer_cert = true
auth_ldap.queries.tags = '''
[{administrator, {in_group, "cn=admins,dc=example,dc=test"}},
 {management, {constant, true}}].
'''
"#;

const CONFIGURED_4: &str = r"
management.restrictions.operator_policy_changes.disabled = false
amqp_client.ssl_options.verify = verify_none
vhost_max = 20
{{m7g.medium.1}}
connection_max = 250
cluster_exchange_limit = 7
{{m7g.medium.1}}
{{m7g.medium.3}}
connection_max = 251
{{m7g.medium.3}}
auth_backends.3 = http
auth_http.user_path = https://auth.example.test/user
auth_http.ssl_options.verify = verify_none
auth_oauth2.scope_prefix = 'api://#'
auth_oauth2.oauth_providers.kc.issuer = https://kc.example.test
auth_mechanisms.1 = EXTERNAL
ssl_cert_login_from = common_name
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.depth = 2
ssl_options.hostname_verification = wildcard
management.ssl.verify = verify_peer
";

#[test]
fn the_owners_rabbitmq_settings_are_merged_in_the_syntax_of_the_version() {
    for version in ["3.10", "4.0", "4.3"] {
        let mut example = Example::new(EngineType::RabbitMq, version, "mq.m7g.medium");
        example.configuration = CONFIGURED_3.to_owned();
        if version != "3.10" {
            example.configuration.push_str(CONFIGURED_4);
        }
        example.users.clear();
        example.materials.passwords.clear();
        golden(&example, &format!("rabbitmq-{version}-configured"));
        let text = example.text("rabbitmq.conf");
        let mut keys: Vec<&str> =
            text.lines().filter_map(|l| Some(l.split_once(" = ")?.0)).collect();
        keys.sort_unstable();
        for pair in keys.windows(2) {
            assert_ne!(pair[0], pair[1], "set twice in {version}");
        }
    }
}

#[test]
fn rabbitmq_trusts_the_installation_and_the_public_authorities() {
    let trusted = rabbitmq().text(TRUSTED);
    assert!(trusted.starts_with(&rabbitmq().materials.authority_pem));
    let public = tls::public_authorities_pem();
    assert!(trusted.ends_with(public));
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(public.as_bytes())
        .map(|certificate| certificate.expect("well-formed"))
        .collect();
    assert_eq!(certificates, webpki_root_certs::TLS_SERVER_ROOT_CERTS);
    assert!(certificates.len() > 50);
}

#[test]
fn an_alias_gets_the_keys_of_the_version_that_runs() {
    let mut example = rabbitmq();
    example.image.version = EngineVersion::new(4, 0);
    let text = example.text("rabbitmq.conf");
    assert!(text.contains("\ncluster_queue_limit = 500\n"));
    assert!(!text.contains("cluster_exchange_limit"));
}

#[test]
fn console_users_are_in_the_consoles_group() {
    let mut example = activemq();
    example.users[0].groups = groups(&["b~-._b"]);
    example.users[1].groups = groups(&["b~-._b", "activemq-webconsole"]);
    assert_eq!(
        example.text("groups.properties"),
        "activemq-webconsole=alice,bob.b_b~b-b\nb~-._b=alice,bob.b_b~b-b\n"
    );
    example.users.clear();
    assert_eq!(example.text("groups.properties"), "activemq-webconsole=\n");
}

fn configured(inner: &str) -> Example {
    let mut example = activemq();
    example.configuration =
        format!("<broker xmlns=\"http://activemq.apache.org/schema/core\"{inner}</broker>");
    example
}

#[test]
fn the_owners_choices_are_merged_with_the_services() {
    let example = configured(
        r#" schedulerSupport="true" persistent="false">
        <systemUsage><systemUsage sendFailIfNoSpace="true"><memoryUsage>
            <memoryUsage percentOfJvmHeap="40"/></memoryUsage></systemUsage></systemUsage>
        <persistenceAdapter><kahaDB journalDiskSyncStrategy="periodic" checkpointInterval="6000"/>
        </persistenceAdapter>
        <plugins><statisticsBrokerPlugin/><authorizationPlugin><map><authorizationMap><authorizationEntries>
            <authorizationEntry queue="&gt;" read="users"/></authorizationEntries></authorizationMap></map>
        </authorizationPlugin></plugins>
        <transportConnectors><transportConnector name="openwire" updateClusterClients="true"/>
        </transportConnectors>
        <destinations><queue physicalName="a &quot;b&quot; &lt;&amp;&gt;"/></destinations>"#,
    );
    golden(&example, "activemq-5.19-configured");
    let text = example.text("activemq.xml");
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing"));
    assert!(at("<jaasAuthenticationPlugin") < at("<statisticsBrokerPlugin"));
    assert!(at("<statisticsBrokerPlugin") < at("<authorizationPlugin"));
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let queue = document
        .descendants()
        .find(|n| n.has_tag_name(("http://activemq.apache.org/schema/core", "queue")));
    assert_eq!(queue.and_then(|n| n.attribute("physicalName")), Some("a \"b\" <&>"));
}

#[test]
fn nothing_but_the_permitted_reaches_spring() {
    for inner in [
        "><bean class=\"java.lang.ProcessBuilder\"/>",
        "><b:bean xmlns:b=\"http://www.springframework.org/schema/beans\"/>",
        " start=\"false\">",
        " brokerName=\"x\">",
        " transportConnectorURIs=\"tcp://0.0.0.0:61616\">",
        " advisorySupport=\"#{T(java.lang.Runtime).getRuntime().exec('x')}\">",
        " advisorySupport=\"${user.home}\">",
        " systemUsage=\"#other\">",
        "><plugins><runtimeConfigurationPlugin/></plugins>",
        "><plugins><queue/></plugins>",
        "><persistenceAdapter><topic/></persistenceAdapter>",
        "><persistenceAdapter><kahaDB directory=\"/\"/></persistenceAdapter>",
        "><transportConnectors><transportConnector uri=\"tcp://0.0.0.0:1\"/></transportConnectors>",
        ">text",
    ] {
        assert!(configured(inner).render().is_err(), "{inner}");
    }
    let mut example = activemq();
    for not_a_broker in [
        "",
        "# a comment",
        "<broker/>",
        "<queue xmlns=\"http://activemq.apache.org/schema/core\"/>",
        "<!DOCTYPE broker [<!ENTITY a \"a\">]><broker xmlns=\"http://activemq.apache.org/schema/core\"/>",
    ] {
        example.configuration = not_a_broker.to_owned();
        assert!(example.render().is_err(), "{not_a_broker}");
    }
}

fn networked(connector: &str) -> Example {
    let mut example = configured(&format!(
        "><networkConnectors><networkConnector {connector}</networkConnectors>"
    ));
    example.users[1].password =
        parse_password("#it's #{7*7} ${user.home}").expect("a permitted password");
    example
}

#[test]
fn networks_of_brokers_are_rendered_as_in_their_golden() {
    let example = networked(
        r#"name="to-b" uri="static:(ssl://b-2.mq.example.test:61617)" duplex="true" userName="alice">
            <excludedDestinations><queue physicalName="local.&gt;"/></excludedDestinations>
        </networkConnector>
        <networkConnector name="to-c" uri="masterslave:(ssl://c-1:61617,ssl://c-2:61617)"
            userName="bob.b_b~b-b"/>
        <networkConnector name="to-d" uri="static:(ssl://d:61617)" userName="nobody"/>"#,
    );
    golden(&example, "activemq-5.19-networked");
    let spec = example.render().expect("rendered");
    let outline = outline(&spec);
    assert!(!outline.contains("correct-horse-battery"));
    let secret = spec.files.iter().find(|f| f.path == "activemq.xml").expect("rendered");
    assert_eq!(secret.mode, 0o400, "it holds passwords");
}

#[test]
fn a_connector_leads_to_other_brokers_and_nowhere_else() {
    for connector in [
        "/>",
        r#"uri=""/>"#,
        r#"uri="static:(vm://a)"/>"#,
        r#"uri="vm://x?brokerConfig=xbean:file:/etc/passwd"/>"#,
        r#"uri="static:(ssl://a:1)" localUri="vm://x"/>"#,
        r#"uri="static:(ssl://a:1)" brokerURL="vm://x"/>"#,
        r#"uri="static:(ssl://a:1)" objectName="a:b=c"/>"#,
        r#"uri="static:(ssl://a:1)" bridgeFactory="x"/>"#,
        r#"uri="static:(ssl://a:1)" connectionFilter="x"/>"#,
        r#"uri="static:(ssl://a:1)" password="x"/>"#,
        r#"><uri>vm://x</uri></networkConnector>"#,
    ] {
        assert!(networked(connector).render().is_err(), "{connector}");
    }
    // The guide's own example has a line break.
    let folded = networked("uri=\"masterslave:(ssl://a:1,\n    ssl://b:1)\"/>");
    let text = folded.text("activemq.xml");
    assert!(text.contains("uri=\"masterslave:(ssl://a:1,ssl://b:1)\""), "{text}");
}

#[test]
fn a_plugin_that_needs_the_scheduler_gets_it() {
    let redelivering = |attribute: &str| {
        configured(&format!("{attribute}><plugins><redeliveryPlugin/></plugins>"))
    };
    for attribute in ["", " schedulerSupport=\"TRUE\""] {
        let text = redelivering(attribute).text("activemq.xml");
        assert!(text.contains(" schedulerSupport=\"true\""), "{text}");
        assert_eq!(text.matches("schedulerSupport").count(), 1, "{text}");
    }
    assert!(redelivering(" schedulerSupport=\"false\"").render().is_err());
}

#[test]
fn values_of_ours_cannot_break_out_of_the_xml() {
    let mut example = activemq();
    example.materials.keystore_password = Some("\"/><evil a='&".to_owned());
    let text = example.text("activemq.xml");
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    assert!(!document.descendants().any(|n| n.tag_name().name() == "evil"));
    let found = document.descendants().find_map(|n| n.attribute("keyStorePassword"));
    assert_eq!(found, Some("\"/><evil a='&"));
}
