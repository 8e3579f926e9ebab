use std::collections::BTreeSet;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn flags(assignments: &[&str]) -> ConfigFlags {
    ConfigFlags {
        assignments: assignments.iter().map(|a| (*a).to_owned()).collect(),
        ..ConfigFlags::default()
    }
}

/// A directory that is gone after the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("brokerd-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a temporary file");
        path
    }

    fn flags(&self, assignments: &[&str]) -> ConfigFlags {
        ConfigFlags { data_dir: Some(self.0.clone()), ..flags(assignments) }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load(flags: &ConfigFlags, pairs: &[(&str, &str)]) -> Result<Configuration, String> {
    Configuration::load(flags, &environment(pairs), false).map_err(|error| error.to_string())
}

#[test]
fn without_any_setting_the_defaults_hold() {
    let configuration = load(&flags(&[]), &[("HOME", "/nonexistent")]).expect("valid");
    assert_eq!(configuration.api.listen.to_string(), "127.0.0.1:8642");
    assert_eq!((configuration.api.throttle_burst, configuration.api.throttle_rate), (100, 15));
    assert_eq!(configuration.region.as_str(), "us-east-1");
    assert!(!configuration.faults.enabled, "nobody disturbs brokers unless they are told they may");
    assert_eq!(configuration.endpoint.ports.range(), 20_000..=29_999);
    assert_eq!(configuration.data_dir, Path::new("/nonexistent/.local/state/brokerd"));
    assert_eq!(configuration.network.defaults(), brokerd_domain::NetworkDefaults::default());
    let root = Configuration::load(&flags(&[]), &environment(&[("HOME", "/root")]), true);
    assert_eq!(root.expect("valid").data_dir, Path::new("/var/lib/brokerd"));
}

#[test]
fn health_and_metrics_are_beside_the_port_of_the_api_unless_the_operator_chose() {
    let address = |assignments: &[&str]| {
        let configuration = load(&flags(assignments), &[("HOME", "/x")]).expect("valid");
        let default = configuration.default_operations_address();
        configuration.operations.listen.chosen().copied().unwrap_or(default).to_string()
    };
    assert_eq!(address(&[]), "127.0.0.1:9642");
    assert_eq!(address(&["api.listen=0.0.0.0:8643"]), "127.0.0.1:9643");
    assert_eq!(address(&["api.listen=127.0.0.1:0"]), "127.0.0.1:0");
    assert_eq!(address(&["api.listen=127.0.0.1:65000"]), "127.0.0.1:64000");
    assert_eq!(address(&["operations.listen=[::1]:9"]), "[::1]:9");
    let error = load(&flags(&["operations.listen=9"]), &[("HOME", "/x")]).expect_err("no port");
    assert!(error.contains("operations") || error.contains("listen"), "{error}");
}

#[test]
fn flags_beat_the_environment_and_it_beats_the_file_and_it_beats_defaults() {
    let directory = Directory::new("precedence");
    directory.write(
        "brokerd.toml",
        "region = 'eu-west-1'\n[sizing]\nscale = 0.5\n[provisioner]\nworkers = 2\npoll_seconds = 9\n",
    );
    let configuration = load(
        &directory.flags(&["provisioner.workers=7"]),
        &[("BROKERD_PROVISIONER_WORKERS", "3"), ("BROKERD_SIZING_SCALE", "0.25")],
    )
    .expect("valid");
    assert_eq!(configuration.provisioner.workers, 7);
    assert_eq!(configuration.sizing.scale, Choice::Chosen(0.25));
    assert_eq!(configuration.provisioner.poll_seconds, 9);
    assert_eq!(configuration.provisioner.lease_seconds, 15);
    assert_eq!(configuration.region.as_str(), "eu-west-1");
}

#[test]
fn requests_may_be_signed_for_regions_of_the_service_and_for_the_configured_one() {
    let names = |flags: &[&str]| -> Vec<String> {
        let configuration = load(&self::flags(flags), &[("HOME", "/x")]).expect("valid");
        configuration.regions().iter().map(ToString::to_string).collect()
    };
    let all = names(&["region=rack-7"]);
    for region in ["rack-7", "us-east-1", "eu-central-2"] {
        assert!(all.iter().any(|name| name == region), "{region} is missing in {all:?}");
    }
    assert_eq!(names(&["region=rack-7", "api.regions=rack-8"]), ["rack-7", "rack-8"]);
}

#[test]
fn unknown_keys_are_errors_wherever_they_come_from() {
    let directory = Directory::new("unknown");
    let file = directory.write("other.toml", "[api]\nlisten = '127.0.0.1:1'\nport = 2\n");
    let named = ConfigFlags { config: Some(file), ..directory.flags(&[]) };
    let error = load(&named, &[]).expect_err("refused");
    assert!(error.contains("other.toml") && error.contains("line 3"), "{error}");
    let error = load(&directory.flags(&["api.port=2"]), &[]).expect_err("refused");
    assert!(error.contains("api.port=2"), "{error}");
    let error = load(&directory.flags(&[]), &[("BROKERD_API_PORT", "2")]).expect_err("refused");
    assert!(error.contains("BROKERD_API_PORT"), "{error}");
    load(&directory.flags(&[]), &[("BROKERD_CA_FILE", "/x")]).expect("that of `brokerd env`");
}

#[test]
fn a_named_file_must_exist() {
    let named = ConfigFlags { config: Some("/nonexistent/x.toml".into()), ..flags(&[]) };
    let error = load(&named, &[("HOME", "/x")]).expect_err("refused");
    assert!(error.contains("/nonexistent/x.toml"), "{error}");
}

#[test]
fn values_that_make_no_sense_are_refused_with_their_key() {
    for (assignment, key) in [
        ("sizing.scale=0", "sizing.scale"),
        ("sizing.scale=1.5", "sizing.scale"),
        ("sizing.scale=NaN", "sizing.scale"),
        ("sizing.scale=half", "scale"),
        ("sizing.memory_share=0", "sizing.memory_share"),
        ("sizing.memory_megabytes=100", "sizing.memory_megabytes"),
        ("sizing.wait_seconds=-1", "wait_seconds"),
        ("endpoint.ports=9-5", "ports"),
        ("endpoint.ports=80-90", "ports"),
        ("endpoint.advertised_host=a b", "endpoint.advertised_host"),
        ("endpoint.hold_seconds=301", "endpoint.hold_seconds"),
        ("endpoint.domain=Example.com", "endpoint.domain"),
        ("endpoint.domain=.example.com", "endpoint.domain"),
        ("endpoint.shared_ports=443", "443=8443"),
        ("endpoint.shared_ports=443=0", "443=8443"),
        ("endpoint.shared_ports=444=8443", "endpoint.shared_ports"),
        ("endpoint.shared_ports=443=1,443=2", "endpoint.shared_ports"),
        ("endpoint.shared_ports=443=9000,8162=9000", "endpoint.shared_ports"),
        ("endpoint.shared_ports=443=5671", "endpoint.shared_ports"),
        ("security_groups.unknown=perhaps", "perhaps"),
        ("api.tls_key=/x", "api.tls_certificate"),
        ("api.regions=Mars", "regions"),
        ("api.throttle_burst=-1", "throttle_burst"),
        ("api.throttle_rate=0", "api.throttle_rate"),
        ("database.max_connections=1", "database.max_connections"),
        ("network.subnets=subnet-a", "network.subnets"),
        ("provisioner.workers=0", "provisioner.workers"),
        ("runtime.nofile=5", "runtime.nofile"),
        ("runtime.join_networks=always", "join_networks"),
        ("runtime.firewall=perhaps", "firewall"),
        ("runtime.kind=swarm", "kind"),
        ("runtime.kubernetes.namespace=Brokers", "runtime.kubernetes.namespace"),
        ("runtime.kubernetes.storage_class_efs=a/b", "runtime.kubernetes.storage_class_efs"),
        ("runtime.kubernetes.image_pull_policy=never", "image_pull_policy"),
        ("runtime.kubernetes.image_pull_secrets=a b", "runtime.kubernetes.image_pull_secrets"),
        ("runtime.kubernetes.cluster_domain=", "runtime.kubernetes.cluster_domain"),
        ("network.outgoing=some", "10.0.0.0/8"),
        ("network.outgoing=all,10.0.0.0/8", "10.0.0.0/8"),
        ("network.outgoing=10.0.0.0/33", "10.0.0.0/8"),
        ("network.outgoing=169.254.169.254", "network.outgoing"),
        ("network.outgoing=10.0.0.0/8,fd00:ec2::254", "network.outgoing"),
        ("network.outgoing_denied=all", "10.0.0.0/8"),
        ("network.host_services=ldap", "172.17.0.1:636"),
        ("api.url=host:8642", "api.url"),
        ("api.url=ftp://host", "api.url"),
        ("api.url=http://host/mq", "api.url"),
        ("log.filter==", "log.filter"),
        ("log.format=xml", "format"),
        ("account=1", "account ID"),
        ("data_dir=relative", "data_dir"),
    ] {
        let error = load(&flags(&[assignment]), &[("HOME", "/x")]).expect_err(assignment);
        assert!(error.contains(key), "{assignment}: {error}");
    }
}

#[test]
fn what_engines_may_connect_to_is_all_or_none_or_ranges() {
    let network = |assignments: &[&str]| {
        let flags = flags(&[&["data_dir=/x"], assignments].concat());
        load(&flags, &[]).expect("valid").network
    };
    let texts = |assignment: &str| {
        let ranges = network(&[assignment]).outgoing.ranges();
        ranges.map(|ranges| ranges.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert!(!network(&[]).restricts());
    assert_eq!(texts("network.outgoing=all"), None);
    assert_eq!(texts("network.outgoing=none"), Some(Vec::new()));
    let ranges = texts("network.outgoing=10.1.2.3/8, 192.0.2.7,2001:db8::1").expect("ranges");
    assert_eq!(ranges, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::1/128"]);
    let denied = network(&["network.outgoing_denied=10.0.0.1"]);
    assert!(denied.restricts() && network(&["network.host_services=636"]).restricts());
}

#[test]
fn what_nobody_is_to_enforce_can_not_be_configured() {
    let never = "runtime.firewall=never";
    assert!(load(&flags(&["data_dir=/x", never]), &[]).is_ok());
    for restriction in
        ["network.outgoing=none", "network.outgoing_denied=10.0.0.1", "network.host_services=1"]
    {
        let error = load(&flags(&["data_dir=/x", never, restriction]), &[]).expect_err(restriction);
        assert!(error.contains("runtime.firewall"), "{error}");
    }
}

#[test]
fn standard_ports_can_be_listened_on_elsewhere() {
    let ports = "endpoint.shared_ports=443=8443, 5671=443";
    let configuration = load(&flags(&["data_dir=/x", "endpoint.domain=b.test", ports]), &[]);
    let endpoint = configuration.expect("valid").endpoint;
    assert_eq!(endpoint.shared_ports(), [(443, 8443), (5671, 443)].into());
    let inside = ["data_dir=/x", "endpoint.domain=b.test", "endpoint.shared_ports=443=20000"];
    let error = load(&flags(&inside), &[]).expect_err("taken");
    assert!(error.contains("endpoint.ports"), "{error}");
}

#[test]
fn the_database_url_comes_from_the_most_specific_place() {
    let directory = Directory::new("url");
    let file = directory.write("url", "postgres://from-file\n");
    let text = format!("[database]\nurl_file = '{}'\n", file.display());
    directory.write("brokerd.toml", &text);
    let url = |flags: &[&str], pairs: &[(&str, &str)]| {
        let configuration = load(&directory.flags(flags), pairs).expect("valid");
        configuration.database_url().expect("a URL").expose().to_owned()
    };
    let general = ("DATABASE_URL", "postgres://general");
    let own = ("BROKERD_DATABASE_URL", "postgres://own");
    let path = file.to_string_lossy();
    assert_eq!(url(&[], &[]), "postgres://from-file");
    assert_eq!(url(&[], &[general]), "postgres://general");
    assert_eq!(url(&[], &[general, own]), "postgres://own");
    assert_eq!(url(&[], &[general, ("BROKERD_DATABASE_URL_FILE", &path)]), "postgres://from-file");
    assert_eq!(url(&["database.url=postgres://flag"], &[general, own]), "postgres://flag");
    let without = load(&flags(&[]), &[("HOME", "/x")]).expect("valid");
    assert!(matches!(without.database_url(), Err(ConfigError::NoDatabase)));
}

#[test]
fn the_container_engine_is_the_one_that_docker_itself_would_use() {
    let host = |pairs: &[(&str, &str)]| {
        let configuration = load(&flags(&["data_dir=/x"]), pairs).expect("valid");
        configuration.provisioner.docker_host
    };
    let (general, own) = ("unix:///run/user/1/docker.sock", "unix:///own.sock");
    assert_eq!(host(&[]), None);
    assert_eq!(host(&[("DOCKER_HOST", "")]), None);
    assert_eq!(host(&[("DOCKER_HOST", general)]).as_deref(), Some(general));
    let both = [("DOCKER_HOST", general), ("BROKERD_PROVISIONER_DOCKER_HOST", own)];
    assert_eq!(host(&both).as_deref(), Some(own));
}

/// A value of its own for every key, in the form of a flag.
fn everything() -> Vec<String> {
    layers::KEYS
        .iter()
        .filter(|(key, _)| !key.ends_with("_file"))
        .map(|(key, kind)| {
            let value = match (*key, kind) {
                ("account", _) => "123456789012",
                ("api.listen", _) => "127.0.0.1:1",
                ("endpoint.ports", _) => "2000-3000",
                ("endpoint.shared_ports", _) => "443=8443",
                ("gateway.listen", _) => "127.0.0.1:2",
                ("operations.listen", _) => "127.0.0.1:3",
                ("security_groups.unknown", _) => "refuse",
                ("endpoint.ip_address" | "endpoint.public_bind" | "endpoint.private_bind", _) => {
                    "10.0.0.1"
                }
                ("database.url", _) => "postgres://u:hush@h/d",
                ("secrets.master_key" | "aws.secret_access_key" | "aws.session_token", _) => "hush",
                ("log.format", _) => "json",
                ("api.url", _) => "https://x",
                ("registry.address", _) => "registry.example:5000",
                ("registry.password", _) => "hush",
                ("engines.also_offer", _) => "4.0,3.10",
                ("engines.images", _) => "pulled",
                ("otlp.endpoint", _) => "http://127.0.0.1:4318",
                ("alarms.topics", _) => "arn:aws:sns:*=https://hush",
                (_, layers::Kind::Map) => "4.2=4.3,3.13=4.3",
                ("runtime.kind", _) => "kubernetes",
                ("runtime.kubernetes.image_pull_policy", _) => "Never",
                ("runtime.kubernetes.clients", _) => "10.0.0.0/8",
                ("runtime.join_networks", _) => "never",
                ("runtime.firewall", _) => "auto",
                ("network.outgoing" | "network.outgoing_denied", _) => "10.0.0.0/8,2001:db8::1/128",
                ("network.host_services", _) => "636,10.0.0.5:389",
                ("runtime.nofile" | "sizing.memory_megabytes", _) => "2048",
                ("sizing.scale", _) => "0.5",
                (_, layers::Kind::Integer) => "7",
                (_, layers::Kind::Float) => "0.5",
                (_, layers::Kind::Boolean) => "true",
                (_, layers::Kind::List) => "a,b,c",
                ("data_dir", _) => "/x",
                (_, layers::Kind::Text) => "x",
            };
            format!("{key}={value}")
        })
        .collect()
}

#[test]
fn what_brokerd_finds_out_by_itself_may_be_a_word_or_a_number_and_is_read_as_it_is_shown() {
    for (text, scale) in [
        ("", Choice::Auto),
        ("[sizing]\nscale = 'auto'", Choice::Auto),
        ("[sizing]\nscale = 0.5", Choice::Chosen(0.5)),
        ("[sizing]\nscale = 1", Choice::Chosen(1.0)),
        ("[sizing]\nscale = '0.25'", Choice::Chosen(0.25)),
    ] {
        let directory = Directory::new("scale");
        directory.write("brokerd.toml", text);
        let configuration = load(&directory.flags(&[]), &[]).expect("valid");
        assert_eq!(configuration.sizing.scale, scale, "{text}");
        directory.write("brokerd.toml", &configuration.to_toml().expect("TOML"));
        let again = load(&directory.flags(&[]), &[]).expect("valid");
        assert_eq!(again.sizing.scale, scale, "{text}");
    }
}

/// The keys of a table and of the sections in it. A map is a setting.
fn add_keys(table: &Table, place: &str, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let key = format!("{place}{name}");
        match value {
            Value::Table(section) if !layers::KEYS.contains(&(&*key, layers::Kind::Map)) => {
                add_keys(section, &format!("{key}."), keys);
            }
            _ => drop(keys.insert(key)),
        }
    }
}

#[test]
fn every_key_can_be_set_and_is_shown() {
    let flags = ConfigFlags { assignments: everything(), ..ConfigFlags::default() };
    let text = load(&flags, &[]).expect("valid").to_toml().expect("TOML");
    let table: Table = toml::from_str(&text).expect("TOML");
    let mut shown = BTreeSet::new();
    add_keys(&table, "", &mut shown);
    let keys = layers::KEYS.iter().map(|(key, _)| (*key).to_owned());
    assert_eq!(shown, keys.filter(|key| !key.ends_with("_file")).collect());
    let variables: BTreeSet<_> =
        layers::KEYS.iter().map(|(key, _)| layers::variable(key)).collect();
    assert_eq!(variables.len(), layers::KEYS.len());
}

#[test]
fn effective_values_never_show_a_secret() {
    let flags = ConfigFlags { assignments: everything(), ..ConfigFlags::default() };
    let configuration = load(&flags, &[]).expect("valid");
    for text in [configuration.to_toml().expect("TOML"), format!("{configuration:?}")] {
        assert!(!text.contains("hush"), "{text}");
        assert!(text.contains("[redacted]"), "{text}");
    }
}

#[test]
fn versions_stand_in_for_others_and_are_offered_if_some_layer_says_so() {
    let none = load(&flags(&[]), &[("HOME", "/x")]).expect("valid");
    assert_eq!(none.engines.stand_in.iter().count() + none.engines.also_offer.len(), 0);
    assert_eq!(none.registry.docker_config, Some("/x/.docker/config.json".into()));
    let pairs = [("BROKERD_ENGINES_STAND_IN", "4.2=4.3, 3.13=4.3"), ("DOCKER_CONFIG", "/y")];
    let said = load(&flags(&[]), &pairs).expect("valid");
    let stand_ins: Vec<String> =
        said.engines.stand_in.iter().map(|(asked, runs)| format!("{asked}={runs}")).collect();
    assert_eq!(stand_ins, ["3.13=4.3", "4.2=4.3"]);
    assert_eq!(said.registry.docker_config, Some("/y/config.json".into()));
    let directory = Directory::new("stand-ins");
    directory.write(FILE_NAME, "[engines]\nstand_in = { \"4.2\" = \"4.3\" }\n");
    let file = load(&directory.flags(&["engines.also_offer=4.0"]), &[]).expect("valid").engines;
    assert_eq!((file.stand_in.iter().count(), file.also_offer.len()), (1, 1));
    for (wrong, words) in [
        ("engines.stand_in=4.2", "not a list such as a=b,c=d"),
        ("engines.stand_in=4.2=4.2", "can't stand in for itself"),
        ("engines.stand_in=3.13=4.2,4.2=4.3", "served by another version itself"),
        ("engines.stand_in=3.13.7=4.3", "major.minor"),
        ("engines.also_offer=latest", "major.minor"),
        ("engines.images=best", "best"),
        ("registry.username=me", "registry.address"),
        ("registry.address=registry", "not a registry such as"),
        ("registry.address=https://registry.example", "not a registry such as"),
    ] {
        let refused = load(&flags(&[wrong]), &[]).expect_err(wrong);
        assert!(refused.contains(words), "{wrong}: {refused}");
    }
    let alone = load(&flags(&["registry.address=r.example", "registry.username=me"]), &[]);
    assert!(alone.expect_err("no password").contains("registry.password"));
}

#[test]
fn a_registrys_password_may_be_in_a_file() {
    let directory = Directory::new("registry");
    let file = directory.write("password", "hush\n");
    let file = format!("registry.password_file={}", file.display());
    let settings = ["registry.address=r.example/mirror", "registry.username=me", file.as_str()];
    let configuration = load(&flags(&settings), &[]).expect("valid");
    let password = configuration.registry_password().expect("read").expect("a password");
    assert_eq!(secrecy::ExposeSecret::expose_secret(&password), "hush");
    assert_eq!(configuration.registry.mirror(), Some("r.example/mirror"));
    let hub = ["registry.address=docker.io", "registry.username=me", "registry.password=x"];
    assert_eq!(load(&flags(&hub), &[]).expect("valid").registry.mirror(), None);
}

#[test]
fn what_is_off_by_default_is_enabled_by_whatever_layer_says_so() {
    let home = ("HOME", "/nonexistent");
    let said = load(&flags(&["faults.enabled=true"]), &[home]).expect("valid");
    assert!(said.faults.enabled);
    let said = load(&flags(&[]), &[home, ("BROKERD_FAULTS_ENABLED", "true")]).expect("valid");
    assert!(said.faults.enabled);
    let wrong = load(&flags(&["faults.enabled=perhaps"]), &[home]).expect_err("neither");
    assert!(wrong.contains("\"perhaps\" is neither true nor false"), "{wrong}");
    assert!(!said.runtime.sized_volumes, "not unless somebody says so");
    let sized = ("BROKERD_RUNTIME_SIZED_VOLUMES", "true");
    assert!(load(&flags(&[]), &[home, sized]).expect("valid").runtime.sized_volumes);
    assert!(!said.api.strict_states, "brokers can be deleted in any state");
    let strict = ("BROKERD_API_STRICT_STATES", "true");
    assert!(load(&flags(&[]), &[home, strict]).expect("valid").api.strict_states);
}

#[test]
fn settings_of_a_section_in_a_section_are_merged_and_volumes_of_kubernetes_are_sized() {
    let directory = Directory::new("nested");
    directory.write(
        "brokerd.toml",
        "[runtime]\nkind = 'kubernetes'\n[runtime.kubernetes]\nnamespace = 'brokers'\nstorage_class_efs = 'nfs'\n",
    );
    let class = ("BROKERD_RUNTIME_KUBERNETES_STORAGE_CLASS_EFS", "efs");
    let runtime = load(&directory.flags(&[]), &[class]).expect("valid").runtime;
    assert_eq!(runtime.kubernetes.namespace.as_deref(), Some("brokers"));
    assert_eq!(runtime.kubernetes.storage_class_efs.as_deref(), Some("efs"));
    assert!(runtime.has_sized_volumes() && !runtime.has_fillable_volumes());
}
