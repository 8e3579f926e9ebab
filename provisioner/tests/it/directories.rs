//! Brokers whose users are in a directory: what is rendered, and that nothing of it can be another's.
//!
//! `UPDATE_GOLDEN=1 cargo test -p brokerd-provisioner --test it directories` writes the goldens anew.

use std::fmt::Write as _;

use crate::example::{Example, compare_with_golden};
use brokerd_domain::{
    AuthenticationStrategy, EngineType, LdapServerMetadata, instance::InstanceSpec, parse_password,
};
use brokerd_provisioner::{catalogue::LoginModule, engine::activemq::DirectoryAuthorities};
use roxmltree::{Document, Node};
use secrecy::SecretString;

/// A certificate that is of no use but to be read.
const AUTHORITY: &str = include_str!("../example/directory-ca.pem");

const HOSTILE: &str = "\"\\'; ${user.home} #{7*7} &<>] \u{e4}";

fn metadata() -> LdapServerMetadata {
    let text = str::to_owned;
    LdapServerMetadata {
        hosts: vec![text("ldap-1.example.test"), text("ldap-2.example.test")],
        role_base: text("ou=groups,dc=example,dc=test"),
        role_name: Some(text("cn")),
        role_search_matching: text("(member=uid={1},ou=people,dc=example,dc=test)"),
        role_search_subtree: Some(true),
        service_account_username: text("cn=broker,dc=example,dc=test"),
        user_base: text("ou=people,dc=example,dc=test"),
        user_role_name: None,
        user_search_matching: text("(uid={0})"),
        user_search_subtree: None,
    }
}

fn with_directory() -> Example {
    let mut example = Example::new(EngineType::ActiveMq, "5.19", "mq.t3.micro");
    example.broker.spec.authentication_strategy = AuthenticationStrategy::Ldap;
    example.broker.spec.ldap = Some(metadata());
    example.ldap_password = Some(SecretString::from("directory-password"));
    example
}

fn configured(mut example: Example, inner: &str) -> Example {
    example.configuration =
        format!("<broker xmlns=\"http://activemq.apache.org/schema/core\">{inner}</broker>");
    example
}

const MAP: &str = r#"<plugins><authorizationPlugin><map><cachedLDAPAuthorizationMap
    legacyGroupMapping="false" queueSearchBase="ou=Queue,dc=example,dc=test"
    refreshInterval="300000" tempSearchBase="ou=Temp,dc=example,dc=test"
    topicSearchBase="ou=Topic,dc=example,dc=test"/></map></authorizationPlugin></plugins>"#;

const CONNECTOR: &str = r#"<networkConnectors><networkConnector name="to-b"
    uri="static:(ssl://b-2.mq.example.test:61617)" userName="alice"/></networkConnectors>"#;

fn golden(example: &Example, directory: &str) {
    let spec = example.render().expect("rendered");
    let mut outline = String::new();
    for file in &spec.files {
        writeln!(outline, "{file:?}").expect("a String takes it");
        compare_with_golden(&format!("{directory}/{}", file.path), &file.content);
    }
    compare_with_golden(&format!("{directory}/files.txt"), outline.as_bytes());
}

fn mode(spec: &InstanceSpec, path: &str) -> u32 {
    spec.files.iter().find(|file| file.path == path).expect(path).mode
}

#[test]
fn brokers_with_a_directory_are_rendered_as_in_their_goldens() {
    golden(&with_directory(), "activemq-5.19-directory");
    let mut networked = configured(with_directory(), &format!("{CONNECTOR}{MAP}"));
    networked.directory_authorities =
        DirectoryAuthorities::parse(AUTHORITY.as_bytes()).expect("a certificate");
    golden(&networked, "activemq-5.19-directory-networked");
}

#[test]
fn provisioners_of_one_process_trust_the_authorities_that_each_was_given() {
    let mut given = with_directory();
    given.directory_authorities =
        DirectoryAuthorities::parse(AUTHORITY.as_bytes()).expect("a certificate");
    let keystore = |example: &Example| {
        let spec = example.render().expect("rendered");
        spec.files.into_iter().find(|file| file.path == "directories.jks").map(|file| file.content)
    };
    let theirs = keystore(&given).expect("a keystore of authorities");
    assert_eq!(keystore(&with_directory()), None, "no authorities were given");
    assert_eq!(keystore(&given), Some(theirs), "another provisioner changes nothing");
}

#[test]
fn authorities_of_the_account_take_the_place_of_those_of_the_installation() {
    let keystore = |of_all: bool, of_account: Option<&str>| {
        let mut example = with_directory();
        if of_all {
            example.directory_authorities =
                DirectoryAuthorities::parse(AUTHORITY.as_bytes()).expect("a certificate");
        }
        example.account_authorities = of_account.map(str::to_owned);
        let file = example.render()?.files.into_iter().find(|file| file.path == "directories.jks");
        Ok::<_, brokerd_provisioner::engine::Unsupported>(file.map(|file| file.content))
    };
    let of_all = keystore(true, None).expect("rendered").expect("a keystore");
    let of_account = keystore(false, Some(AUTHORITY)).expect("rendered");
    assert_eq!(of_account.as_ref(), Some(&of_all));
    let both = keystore(true, Some(&AUTHORITY.repeat(2))).expect("rendered").expect("a keystore");
    assert_ne!(both, of_all, "those of the account are in force");
    let refused = keystore(true, Some("x")).expect_err("damaged").to_string();
    assert!(refused.contains("the account's authorities of directories"), "{refused}");
}

#[test]
fn the_directorys_password_is_in_files_of_the_engine_alone() {
    let example = configured(with_directory(), MAP);
    let spec = example.render().expect("rendered");
    for file in &spec.files {
        let holds = String::from_utf8_lossy(&file.content).contains("directory-password");
        assert_eq!(holds, ["login.config", "activemq.xml"].contains(&file.path.as_str()));
    }
    for path in ["login.config", "activemq.xml"] {
        assert_eq!(mode(&spec, path), 0o400, "{path}");
    }
    let public = format!("{:?} {:?} {:?}", spec.environment, spec.command, spec.files);
    assert!(!public.contains("directory-password"));
}

#[test]
fn the_brokers_own_users_do_not_log_in() {
    let spec = with_directory().render().expect("rendered");
    for path in ["users.properties", "groups.properties"] {
        assert!(spec.files.iter().all(|file| file.path != path), "{path}");
    }
    let mut without_users = with_directory();
    without_users.users.clear();
    without_users.materials.passwords.clear();
    let without = without_users.render().expect("rendered");
    assert_eq!(without.files, spec.files);
}

#[test]
fn what_is_not_given_is_not_said() {
    let mut example = with_directory();
    let ldap = example.broker.spec.ldap.as_mut().expect("a directory");
    ldap.hosts.truncate(1);
    ldap.role_name = None;
    ldap.role_search_subtree = None;
    ldap.user_role_name = Some("memberOf".to_owned());
    ldap.user_search_subtree = Some(true);
    let text = example.text("login.config");
    for line in [
        "    connectionURL=\"ldaps://ldap-1.example.test:636\"\n",
        "    userSearchSubtree=\"true\"\n",
        "    userRoleName=\"memberOf\"\n",
        "    roleSearchSubtree=\"false\";\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains("roleName="));
}

/// The options of a login configuration with one module, of lines as they are written here.
fn options(text: &str) -> Vec<(&str, &str)> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("activemq {"));
    assert_eq!(lines.next(), Some("  brokerd.DirectoryLoginModule required"));
    let mut options = Vec::new();
    for line in lines.by_ref() {
        let (line, last) = line.strip_suffix(';').map_or((line, false), |line| (line, true));
        let option = line.strip_prefix("    ").and_then(|line| line.split_once("=\""));
        let (name, value) = option.unwrap_or_else(|| panic!("no option: {line}"));
        options.push((name, value.strip_suffix('"').expect("the end of a text")));
        if last {
            break;
        }
    }
    assert_eq!(lines.collect::<Vec<_>>(), ["};"]);
    options
}

#[test]
fn no_name_and_no_password_ends_its_quotes() {
    let plain = with_directory().text("login.config");
    let names: Vec<_> = options(&plain).into_iter().map(|(name, _)| name).collect();
    for hostile in [
        HOSTILE,
        "x\"; }; other { evil.Module required",
        "x\\",
        "x\\\"",
        "\";\n};\nactivemq {\n  evil.Module sufficient",
        "\r\n\";\u{0}",
    ] {
        let mut example = with_directory();
        example.ldap_password = Some(SecretString::from(hostile));
        let ldap = example.broker.spec.ldap.as_mut().expect("a directory");
        for member in [
            &mut ldap.role_base,
            &mut ldap.role_search_matching,
            &mut ldap.service_account_username,
            &mut ldap.user_base,
            &mut ldap.user_search_matching,
        ] {
            hostile.clone_into(member);
        }
        ldap.role_name = Some(hostile.to_owned());
        let text = example.text("login.config");
        for (at, (name, value)) in options(&text).into_iter().enumerate() {
            assert_eq!(name, names[at]);
            let mut escaped = false;
            for c in value.chars() {
                assert!(c != '"' || escaped, "{hostile:?} ends its quotes: {text}");
                escaped = c == '\\' && !escaped;
            }
            assert!(!escaped, "{hostile:?} takes its quotes away: {text}");
        }
        let security = example.text("security.properties");
        assert!(security.ends_with("\npolicy.expandProperties=false\n"), "{security}");
    }
}

fn property<'a>(bean: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let mut properties = bean.children().filter(Node::is_element);
    properties.find(|p| p.attribute("name") == Some(name)).and_then(|p| p.attribute("value"))
}

#[test]
fn spring_is_given_texts_and_nothing_to_evaluate() {
    let mut example = configured(with_directory(), MAP);
    example.ldap_password = Some(SecretString::from(HOSTILE));
    let ldap = example.broker.spec.ldap.as_mut().expect("a directory");
    "#cn=a,dc=b".clone_into(&mut ldap.service_account_username);
    let text = example.text("activemq.xml");
    let document = Document::parse(&text).expect("well-formed");
    let bean = document
        .descendants()
        .find(|n| n.attribute("class") == Some("brokerd.DirectoryAuthorizationMap"))
        .expect("the map");
    assert_eq!(bean.tag_name().namespace(), Some("http://www.springframework.org/schema/beans"));
    assert_eq!(
        property(bean, "connectionPassword"),
        Some("#{'\"\\''; $'+'{user.home} #'+'{7*7} &<>] \u{e4}'}")
    );
    assert_eq!(property(bean, "connectionUsername"), Some("#cn=a,dc=b"));
    assert_eq!(property(bean, "queueSearchBase"), Some("ou=Queue,dc=example,dc=test"));
    assert_eq!(property(bean, "administrators"), Some("amazonmq-console-admins"));
}

#[test]
fn only_a_map_in_the_directory_becomes_one_of_ours() {
    let groups = "<plugins><authorizationPlugin><map><authorizationMap><authorizationEntries>\
        <authorizationEntry queue=\"&gt;\" read=\"amazonmq-console-admins\"/>\
        </authorizationEntries></authorizationMap></map></authorizationPlugin></plugins>";
    let text = configured(with_directory(), groups).text("activemq.xml");
    assert!(
        text.contains("<authorizationEntry ") && !text.contains("DirectoryAuthorizationMap"),
        "{text}"
    );
    let mut simple = configured(with_directory(), MAP);
    simple.broker.spec.authentication_strategy = AuthenticationStrategy::Simple;
    assert!(simple.refusal().starts_with("the configuration can't be used"));
}

#[test]
fn connections_to_brokers_and_to_directories_trust_others() {
    let mut example = configured(with_directory(), CONNECTOR);
    let has = |example: &Example, path: &str| {
        let spec = example.render().expect("rendered");
        spec.files.iter().any(|file| file.path == path)
    };
    assert!(has(&example, "authorities.jks") && !has(&example, "directories.jks"));
    assert!(!example.text("jvm.options").contains("trustStore"), "Java's own authorities");
    example.directory_authorities =
        DirectoryAuthorities::parse(AUTHORITY.as_bytes()).expect("a certificate");
    assert!(has(&example, "authorities.jks") && has(&example, "directories.jks"));
    let mut simple = example;
    simple.broker.spec.authentication_strategy = AuthenticationStrategy::Simple;
    assert!(!has(&simple, "directories.jks"), "nobody there asks a directory");
    simple.users[0].password = parse_password("another-password-1").expect("permitted");
    assert!(!simple.text("security.properties").contains("policy."));
}

#[test]
fn what_can_ask_no_directory_is_refused_in_a_sentence() {
    let mut stock = with_directory();
    stock.image.login_module = Some(LoginModule::Properties);
    assert_eq!(
        stock.refusal(),
        "authentication strategy LDAP needs an image that brokerd built, not a stock one"
    );
    let mut forgotten = with_directory();
    forgotten.ldap_password = None;
    assert!(forgotten.refusal().contains("was not stored"));
    forgotten = with_directory();
    forgotten.broker.spec.ldap = None;
    assert!(forgotten.refusal().contains("was not stored"));
    let mut managed = with_directory();
    managed.broker.spec.authentication_strategy = AuthenticationStrategy::ConfigManaged;
    assert_eq!(managed.refusal(), "a configuration of ActiveMQ can't say who may log in");
}
