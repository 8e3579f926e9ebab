//! An ActiveMQ broker whose users, groups and permissions are in a directory.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{
    AuthenticationStrategy, ConfigurationId, DeploymentMode, EngineType, LdapServerMetadataInput,
    User,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_tests::{
    Messenger, PASSWORD, USER, World,
    api::explained,
    clients,
    directory::{self, Directory, password},
    docker, eventually, machine, scenario,
};
use serde_json::json;

const VERSION: &str = "5.19";

/// The first host is one that somebody else pretends to be, the second is the directory.
const HOSTS: [&str; 2] = ["ldap-1.example.test", "ldap-2.example.test"];

/// How long a change of permissions may take to be noticed; the map is read again every second.
const NOTICED: Duration = Duration::from_secs(20);

const CONFIGURATION: &str = r#"<broker xmlns="http://activemq.apache.org/schema/core">
  <plugins><authorizationPlugin><map><cachedLDAPAuthorizationMap legacyGroupMapping="false"
    queueSearchBase="ou=queues,ou=destinations,dc=example,dc=test" refreshInterval="1000"
    tempSearchBase="ou=temporary,ou=destinations,dc=example,dc=test"
    topicSearchBase="ou=topics,ou=destinations,dc=example,dc=test"/></map></authorizationPlugin></plugins>
</broker>"#;

#[test]
fn users_of_a_directory_use_a_broker_as_it_permits_them() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let (impostor, directory) = (Directory::new(HOSTS[0])?, Directory::new(HOSTS[1])?);
    let ca = std::env::temp_dir().join(format!("directory-ca-{}.pem", machine::random_hex(4)?));
    directory.authority(&ca)?;
    let settings = [("BROKERD_PROVISIONER_LDAP_CA_FILE", ca.to_str().context("a path")?)];
    let played = scenario("LDAP", &settings, move |world| {
        // They leave the broker's network before it is removed, also when something failed.
        let (impostor, directory) = (impostor, directory);
        let id = create(world)?;
        world.api.wait_until_running(&id).context("no directory can be reached")?;

        impostor.join(&id)?;
        directory.join(&id)?;
        impostor.serve()?;
        nobody_logs_in_without_a_trusted_directory(world, &id).context("an impostor")?;
        directory.serve()?;
        users_log_in_over_every_protocol(world, &id).context("logins")?;
        others_are_refused(world, &id).context("strangers")?;
        queues_are_for_those_who_may_use_them(world, &id).context("permissions")?;
        permissions_change_while_the_broker_runs(world, &directory, &id).context("a change")?;
        the_console_is_for_its_group(world, &id).context("console")?;
        a_directory_that_hangs_costs_logins_only(world, &directory, &id).context("hanging")?;
        nobody_is_told_the_password(world, &id).context("secrets")
    });
    std::fs::remove_file(&ca)?;
    played
}

fn create(world: &World) -> Result<String> {
    let client = &world.api.client;
    let call = client
        .create_configuration()
        .name("directory")
        .engine_type(EngineType::Activemq)
        .engine_version(VERSION)
        .authentication_strategy(AuthenticationStrategy::Ldap);
    let configuration = world.api.wait(call.send()).map_err(explained)?;
    let configuration = configuration.id.context("the configuration has no id")?;
    let call = client
        .update_configuration()
        .configuration_id(&configuration)
        .data(BASE64.encode(CONFIGURATION));
    let updated = world.api.wait(call.send()).map_err(explained)?;
    ensure!(updated.warnings().is_empty(), "{updated:?}");
    let revision = updated.latest_revision.context("no revision")?.revision;

    let ldap = LdapServerMetadataInput::builder()
        .set_hosts(Some(HOSTS.map(str::to_owned).into()))
        .role_base("ou=groups,dc=example,dc=test")
        .role_name("cn")
        .role_search_matching("(member={0})")
        .service_account_username(directory::SERVICE)
        .service_account_password(directory::SERVICE_PASSWORD)
        .user_base("dc=example,dc=test")
        .user_search_matching("(uid={0})")
        .user_search_subtree(true)
        .build();
    let call = client
        .create_broker()
        .broker_name("orders")
        .engine_type(EngineType::Activemq)
        .engine_version(VERSION)
        .host_instance_type("mq.t3.micro")
        .deployment_mode(DeploymentMode::SingleInstance)
        .publicly_accessible(true)
        .auto_minor_version_upgrade(true)
        .authentication_strategy(AuthenticationStrategy::Ldap)
        .configuration(ConfigurationId::builder().id(configuration).set_revision(revision).build())
        .ldap_server_metadata(ldap)
        // For networks of brokers; it does not log in.
        .users(User::builder().username(USER).password(PASSWORD).build());
    let created = world.api.wait(call.send()).map_err(explained)?;
    created.broker_id.context("the answer has no broker id")
}

/// Clients of three protocols; OpenWire's is there where Java is.
fn messengers(world: &World, id: &str) -> Result<Vec<Messenger>> {
    let mut all = vec![
        world.messenger("stomp_.py", id, "stomp+ssl")?,
        world.messenger("amqp10.py", id, "amqp+ssl")?,
    ];
    if clients::jms()?.is_some() {
        all.push(Messenger::jms(world.api.endpoint(id, "ssl")?, world.ca()));
    }
    Ok(all)
}

fn log_of(id: &str) -> Result<String> {
    docker::log(&docker::container_of(id)?.id)
}

fn nobody_logs_in_without_a_trusted_directory(world: &World, id: &str) -> Result<()> {
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    let access = stomp.login("alice", &password("alice"))?;
    ensure!(access.is_refused(), "somebody who pretends to be the directory is believed");
    let log = log_of(id)?;
    ensure!(log.contains("nobody can log in: "), "the log does not say why: {log}");
    Ok(())
}

fn users_log_in_over_every_protocol(world: &World, id: &str) -> Result<()> {
    for messenger in messengers(world, id)? {
        for user in ["alice", "bob", "carol"] {
            let access = messenger.login(user, &password(user))?;
            ensure!(!access.is_refused(), "{user}: {access:?} {messenger:?}");
        }
    }
    Ok(())
}

fn others_are_refused(world: &World, id: &str) -> Result<()> {
    let right = password("alice");
    for messenger in messengers(world, id)? {
        let access = messenger.login("alice", "not the password")?;
        ensure!(access.is_refused(), "a wrong password: {messenger:?}");
    }
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    for (user, password) in [
        ("alice", ""),
        ("", ""),
        ("*", right.as_str()),
        ("al*", &right),
        ("alice)(uid=*", &right),
        ("nobody", &right),
        ("Broker \"Service\" ${user.home} #{7*7}", directory::SERVICE_PASSWORD),
        ("brokerd:console", &right),
        (USER, PASSWORD),
    ] {
        let access = stomp.login(user, password)?;
        ensure!(access.is_refused(), "{user:?} with {password:?}");
    }
    Ok(())
}

fn queues_are_for_those_who_may_use_them(world: &World, id: &str) -> Result<()> {
    for messenger in messengers(world, id)? {
        let alice = messenger.as_user("alice", &password("alice"));
        alice.round_trip("orders.new").context("alice")?;
    }
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    let of = |user: &str| stomp.as_user(user, &password(user));
    ensure!(of("bob").may("send", "orders.new", "forbidden")?.is_refused(), "bob is in no group");
    ensure!(of("bob").may("send", "bob.own", "forbidden")?.is_refused(), "bob may make no queue");
    ensure!(
        of("alice").may("send", "invoices", "forbidden")?.is_refused(),
        "alice's group is for orders"
    );
    of("carol").round_trip("orders.new").context("an administrator")?;
    of("carol").round_trip("anything").context("an administrator")
}

fn permissions_change_while_the_broker_runs(
    world: &World,
    directory: &Directory,
    id: &str,
) -> Result<()> {
    let bob = world.messenger("stomp_.py", id, "stomp+ssl")?.as_user("bob", &password("bob"));
    directory.modify(
        "dn: cn=write,ou=orders.$,ou=queues,ou=destinations,dc=example,dc=test\n\
         changetype: modify\nadd: member\nmember: uid=bob,ou=people,dc=example,dc=test\n",
    )?;
    eventually("bob may send", NOTICED, || {
        Ok((!bob.may("send", "orders.new", "forbidden")?.is_refused()).then_some(()))
    })
}

fn the_console_is_for_its_group(world: &World, id: &str) -> Result<()> {
    let page = format!("{}/admin/queues.jsp", world.api.console(id)?);
    let as_user =
        |user: &str, password: &str| json!({ "url": page, "user": user, "password": password });
    let answers = clients::https(
        &world.ca(),
        vec![
            as_user("carol", "not the password"),
            as_user("carol", ""),
            as_user(USER, PASSWORD),
            as_user("alice", &password("alice")),
            as_user("carol", &password("carol")),
        ],
    )?;
    let status: Vec<_> = answers.iter().filter_map(|answer| answer["status"].as_u64()).collect();
    ensure!(status == [401, 401, 401, 403, 200], "{status:?} {}", clients::shown(&answers));
    let body = answers[4]["body"].as_str().unwrap_or_default();
    ensure!(body.contains("orders.new"), "the console does not show the queue: {body}");
    let browse = page.replace("queues.jsp", "browse.jsp?JMSDestination=orders.new");
    let carol = json!({ "url": browse, "user": "carol", "password": password("carol") });
    let answers = clients::https(&world.ca(), vec![carol])?;
    ensure!(answers[0]["status"] == json!(200), "{}", clients::shown(&answers));
    Ok(())
}

fn a_directory_that_hangs_costs_logins_only(
    world: &World,
    directory: &Directory,
    id: &str,
) -> Result<()> {
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    directory.hang()?;
    // The client waits longer for its answer than the broker for the directory's.
    let access = stomp.login("alice", &password("alice"))?;
    ensure!(access.is_refused(), "{access:?}");
    directory.go_on()?;
    let access = stomp.login("alice", &password("alice"))?;
    ensure!(!access.is_refused(), "{access:?}");
    let container = docker::container_of(id)?;
    ensure!(container.at("/RestartCount") == &json!(0) && container.running(), "it was restarted");
    Ok(())
}

fn nobody_is_told_the_password(world: &World, id: &str) -> Result<()> {
    let described = world.api.describe_raw(id)?;
    let broker: serde_json::Value = serde_json::from_str(&described)?;
    let ldap = &broker["ldapServerMetadata"];
    ensure!(ldap["hosts"] == json!(HOSTS), "{ldap}");
    ensure!(ldap["serviceAccountUsername"] == json!(directory::SERVICE), "{ldap}");
    ensure!(broker["authenticationStrategy"] == json!("ldap"), "{described}");
    for (told, by) in [
        (described, "DescribeBroker"),
        (log_of(id)?, "the engine's log"),
        (docker::everything_about(id)?, "the container engine"),
    ] {
        ensure!(!told.contains("#{7*7} &<>") && !told.contains("Walrus"), "{by} tells: {told}");
    }
    Ok(())
}
