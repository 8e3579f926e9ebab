//! RabbitMQ brokers whose users prove who they are by certificates of an authority of their owner's, or are in a
//! directory: what that takes is named by ARN.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_mq::types::{AuthenticationStrategy, BrokerState, EngineType};
use brokerd_tests::{
    Management, NewBroker, PASSWORD, TIMEOUT, USER, World,
    aws::Aws,
    clients,
    directory::{self, Directory, password},
    docker, eventually, machine, retry, scenario,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

const HOST: &str = "ldap-1.example.test";

/// The client certificates and LDAP tutorials of the service in one.
fn configuration(authority: &str) -> String {
    format!(
        "auth_mechanisms.1 = EXTERNAL
auth_mechanisms.2 = PLAIN
auth_backends.1 = internal
auth_backends.2 = rabbit_auth_backend_ldap
ssl_cert_login_from = common_name
ssl_options.verify = verify_peer
auth_ldap.servers.1 = {HOST}
auth_ldap.port = 636
auth_ldap.use_ssl = true
auth_ldap.dn_lookup_base = ou=people,dc=example,dc=test
auth_ldap.dn_lookup_attribute = uid
auth_ldap.dn_lookup_bind.user_dn = '{}'
aws.arns.assume_role_arn = arn:aws:iam::000000000000:role/MqRole
aws.arns.ssl_options.cacertfile = {authority}
aws.arns.auth_ldap.dn_lookup_bind.password = arn:aws:secretsmanager:us-east-1:000000000000:secret:ldap-AbCdEf
aws.arns.auth_ldap.ssl_options.cacertfile = arn:aws:s3:::certs/directory.pem
",
        directory::SERVICE
    )
}

#[test]
fn users_with_certificates_and_users_of_a_directory_log_in_by_what_is_named_by_arn() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let files =
        Files(std::env::temp_dir().join(format!("authorities-{}", machine::random_hex(4)?)));
    fs::create_dir(&files.0)?;
    let directory = Directory::new(HOST)?;
    let mut aws = Aws::start()?;
    let settings = aws.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    scenario("authentication by ARN", &settings, move |world| {
        // It leaves the broker's network before that is removed, also when something failed.
        let (files, directory) = (files, directory);
        let (ours, stranger) = (Authority::new("ours")?, Authority::new("stranger")?);
        let remote = Authority::new("remote")?;
        let ca = put(world, "own/ca", &ours.pem)?;
        let arn = ca["arn"].as_str().context("an ARN")?;
        put(world, "ldap", directory::SERVICE_PASSWORD)?;
        let path = files.0.join("directory.pem");
        directory.authority(&path)?;
        put(world, "certs/directory.pem", &fs::read_to_string(path)?)?;
        nobody_is_told(world)?;

        let api = &world.api;
        let id = api.create_configuration("elsewhere", EngineType::Rabbitmq, "4.3")?;
        let revision = api.revise(&id, &configuration(arn))?;
        let broker = world.running(&NewBroker::rabbitmq("proved").configured(&revision))?;
        let managed = AuthenticationStrategy::from("config_managed");
        let strategy = api.describe(&broker)?.authentication_strategy;
        ensure!(strategy == Some(managed), "{strategy:?}");

        let client = |authority: &Authority| authority.client(&files.0, USER);
        by_certificate(world, &broker, &client(&ours)?).context("a certificate")?;
        let refused = by_certificate(world, &broker, &client(&stranger)?);
        ensure!(refused.is_err(), "somebody else's authority is trusted");
        directory.join(&broker)?;
        directory.serve()?;
        users_of_the_directory_log_in(world, &broker).context("a directory")?;

        // Another authority is trusted from the next reboot on, and nothing is needed of where it came from.
        put(world, "own/ca", &stranger.pem)?;
        by_certificate(world, &broker, &client(&ours)?).context("before the reboot")?;
        api.reboot_and_wait(&broker)?;
        by_certificate(world, &broker, &client(&stranger)?).context("the new authority")?;
        ensure!(by_certificate(world, &broker, &client(&ours)?).is_err(), "the former one is");
        ensure!(aws.asked().is_empty(), "what is kept here is asked for elsewhere");

        what_is_nowhere_is_told(world, &broker, &id).context("an ARN of nothing")?;
        by_certificate(world, &broker, &client(&stranger)?).context("as it was")?;

        // What is elsewhere is waited for, and the broker serves as before meanwhile.
        drop(aws.asked());
        aws.stop()?;
        aws.put_object("remote", "clients.pem", &remote.pem);
        let revision = api.revise(&id, &configuration("arn:aws:s3:::remote/clients.pem"))?;
        api.configure(&broker, &revision)?;
        api.reboot(&broker)?;
        eventually("the reboot waits", TIMEOUT, || {
            let told = api.get(&format!("/brokerd/v1/brokers/{broker}/events"))?.body;
            Ok(told
                .contains("the reboot waits: [arn:aws:s3:::remote/clients.pem] of")
                .then_some(()))
        })?;
        by_certificate(world, &broker, &client(&stranger)?).context("while it waits")?;
        let described = api.describe(&broker)?;
        ensure!(described.broker_state() == Some(&BrokerState::RebootInProgress), "{described:?}");
        ensure!(described.actions_required().is_empty(), "{described:?}");
        aws.resume()?;
        api.wait_until_running(&broker)?;
        by_certificate(world, &broker, &client(&remote)?).context("the one that is elsewhere")?;
        ensure!(by_certificate(world, &broker, &client(&stranger)?).is_err(), "the former one is");
        let asked = aws.asked();
        ensure!(asked == ["sts operator", "s3 assumed"], "{asked:?}");

        without_its_sources(world, &broker).context("without its sources")?;
        by_certificate(world, &broker, &client(&remote)?).context("with what it has")
    })
}

/// A broker is rebooted with what it has, and its owner is told what of it is nowhere else any more.
fn without_its_sources(world: &World, broker: &str) -> Result<()> {
    let api = &world.api;
    for name in ["ldap", "certs%2Fdirectory.pem"] {
        let answer = api.signed("DELETE", &format!("/brokerd/v1/secrets/{name}"), "")?;
        ensure!(answer.status == 204, "{answer:?}");
    }
    api.reboot(broker)?;
    let told = eventually("it runs, and says what it could not have", TIMEOUT, || {
        let described = api.describe(broker)?;
        let done = described.broker_state() == Some(&BrokerState::CriticalActionRequired);
        Ok(done.then_some(described))
    })?;
    let [action] = told.actions_required() else { bail!("{told:?}") };
    ensure!(action.action_required_code() == Some("RABBITMQ_INVALID_ARN_LDAP"), "{action:?}");
    let info = action.action_required_info().unwrap_or_default();
    for word in [
        "secret:ldap-AbCdEf] of",
        "ResourceNotFoundException",
        "certs/directory.pem] of",
        "NoSuchKey",
    ] {
        ensure!(info.contains(word), "{word}: {action:?}");
    }
    Ok(())
}

/// Keeps a secret.
fn put(world: &World, name: &str, value: &str) -> Result<Value> {
    let path = format!("/brokerd/v1/secrets/{}", name.replace('/', "%2F"));
    let body = json!({ "secretString": value }).to_string();
    let answer = world.api.signed("PUT", &path, &body)?;
    ensure!(answer.status == 200, "{name}: {answer:?}");
    let secret: Value = serde_json::from_str(&answer.body)?;
    ensure!(secret["name"] == name, "{secret}");
    Ok(secret)
}

fn nobody_is_told(world: &World) -> Result<()> {
    let list = world.api.get("/brokerd/v1/secrets")?;
    let one = world.api.get("/brokerd/v1/secrets/certs%2Fdirectory.pem")?;
    for answer in [&list, &one] {
        ensure!(answer.status == 200 && answer.body.contains("certs/directory.pem"), "{answer:?}");
        ensure!(!answer.body.contains("BEGIN CERTIFICATE"), "a value is told: {answer:?}");
    }
    let names: Value = serde_json::from_str(&list.body)?;
    let names: Vec<_> =
        names["secrets"].as_array().context("a list")?.iter().map(|s| &s["name"]).collect();
    ensure!(names == ["certs/directory.pem", "ldap", "own/ca"], "{names:?}");
    let missing = world.api.get("/brokerd/v1/secrets/nothing")?;
    ensure!(missing.status == 404, "{missing:?}");
    Ok(())
}

fn by_certificate(world: &World, broker: &str, certificate: &str) -> Result<()> {
    let messenger = world.messenger("amqp091.py", broker, "amqps")?;
    messenger.ask("login", &json!({ "certificate": certificate })).map(drop)
}

fn users_of_the_directory_log_in(world: &World, broker: &str) -> Result<()> {
    let messenger = world.messenger("amqp091.py", broker, "amqps")?;
    let right = password("alice");
    for (user, password, lets_in) in [
        (USER, PASSWORD, true),
        ("alice", right.as_str(), true),
        ("alice", "not the password", false),
        ("nobody", &right, false),
    ] {
        let access = messenger.login(user, password)?;
        ensure!(access.is_refused() != lets_in, "{user}: {access:?}");
    }
    let log = docker::log(&docker::container_of(broker)?.id)?;
    let told = docker::everything_about(broker)? + &log;
    ensure!(!told.contains("#{7*7} &<>"), "the password is told");
    Ok(())
}

/// The broker stays as it is, and its owner is told why.
fn what_is_nowhere_is_told(world: &World, broker: &str, configuration: &str) -> Result<()> {
    let api = &world.api;
    let nowhere = "arn:aws:secretsmanager:us-east-1:000000000000:secret:nowhere-AbCdEf";
    let revision = api.revise(configuration, &self::configuration(nowhere))?;
    let before = api.configurations(broker)?.current.context("a configuration")?;
    api.configure(broker, &revision)?;
    api.reboot(broker)?;
    let told = eventually("it is given up", TIMEOUT, || {
        let described = api.describe(broker)?;
        let given_up = described.broker_state() == Some(&BrokerState::CriticalActionRequired);
        Ok(given_up.then(|| described.actions_required().to_vec()))
    })?;
    let codes: Vec<_> = told.iter().filter_map(|action| action.action_required_code()).collect();
    ensure!(codes == ["RABBITMQ_INVALID_ARN_SSL", "BROKER_CHANGES_NOT_APPLIED"], "{told:?}");
    for action in &told {
        let info = action.action_required_info().unwrap_or_default();
        ensure!(info.contains(nowhere), "nobody is told why: {told:?}");
        ensure!(info.contains("ResourceNotFoundException"), "nobody is told why: {told:?}");
    }
    ensure!(api.configurations(broker)?.current.as_ref() == Some(&before), "it is in force");
    api.configure(broker, &before)?;
    let described = api.describe(broker)?;
    ensure!(described.actions_required().is_empty(), "not taken back: {described:?}");
    let whoami = retry("the broker is as it was", TIMEOUT, || {
        Management::of(world, broker, USER, PASSWORD)?.get("whoami")
    })?;
    ensure!(whoami["name"] == USER, "{whoami}");
    Ok(())
}

/// An authority for clients' certificates.
struct Authority {
    name: &'static str,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &'static str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { name, pem, issuer: Issuer::new(params, key) })
    }

    /// The file of a certificate for a client of that name, with its key.
    fn client(&self, directory: &std::path::Path, common_name: &str) -> Result<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let path = directory.join(format!("{}.pem", self.name));
        fs::write(&path, format!("{}{}", certificate.pem(), key.serialize_pem()))?;
        Ok(path.display().to_string())
    }
}

/// A directory of files, removed with it.
struct Files(PathBuf);

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            machine::say(&format!("removing {} failed: {error}", self.0.display()));
        }
    }
}
