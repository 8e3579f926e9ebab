//! Real engines, made and run as brokerd does.
#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

use brokerd_domain::{
    Clock, Timestamp,
    instance::{InstanceSpec, Volumes},
};
use brokerd_provisioner::{
    pki::{
        authorities::AuthorityStatus,
        materials::{self, IssueInputs},
        tls,
    },
    runtime::{
        Runtime,
        docker::{DockerOptions, DockerRuntime},
    },
};
use brokerd_store::CertificateAuthority;
use rand::random;

use super::*;
use crate::example::{self, Example, Scripted};

/// How often each protocol is asked for a handshake.
const HANDSHAKES: usize = 12;

/// How many lines an engine logs of a login at most.
const LINES_OF_A_LOGIN: usize = 3;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the engine's clock is the real one")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.expect("after 1970").as_micros();
        Timestamp::from_micros(i64::try_from(micros).expect("before the end of time"))
    }
}

/// Asks every protocol of the engine, as clients of `host` would, until it has answered, and once more.
async fn ask(
    runtime: &DockerRuntime,
    spec: &InstanceSpec,
    engine: EngineType,
    host: &str,
    authority: CertificateAuthority,
) {
    let authority_pem: Arc<str> = authority.certificate_pem.as_str().into();
    let entropy = Arc::new(Scripted::new(&[]));
    let probe = WireProbe::presenting(Arc::new(authority.into()), Arc::new(SystemClock), entropy);
    let name = spec.name.to_string();
    let begun = Instant::now();
    runtime.apply(spec).await.expect("apply");
    eprintln!("{engine:?}: applied after {:?}", begun.elapsed());
    let status = runtime.status(&spec.name).await.expect("status").expect("there");
    let target = |protocol: Protocol| ProbeTarget {
        engine,
        protocol,
        address: status.addresses[&protocol.engine_port(engine)],
        server_name: host.to_owned(),
        authority_pem: authority_pem.clone(),
    };
    for protocol in Protocol::of(engine).iter().rev().copied() {
        let target = target(protocol);
        let mut outcome = probe.probe(&target, DEADLINE).await;
        while outcome != ProbeOutcome::Answered {
            assert!(begun.elapsed() < Duration::from_secs(90), "{protocol}: {outcome:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
            outcome = probe.probe(&target, DEADLINE).await;
        }
        let again = Instant::now();
        assert_eq!(probe.probe(&target, DEADLINE).await, ProbeOutcome::Answered);
        eprintln!(
            "{engine:?} {protocol}: answers {:?} after apply began, in {:?}",
            again.duration_since(begun),
            again.elapsed()
        );
    }
    let before = lines_about_connections(&name);
    let targets = Protocol::of(engine).iter().map(|protocol| target(*protocol));
    let targets: Vec<ProbeTarget> = targets.collect();
    for target in targets.iter().cycle().take(targets.len() * HANDSHAKES) {
        assert_eq!(probe.handshake(target, DEADLINE).await, ProbeOutcome::Answered, "{target:?}");
    }
    // What is logged of the handshakes is there when what is logged of this login is.
    let logged = match engine {
        EngineType::ActiveMq => Protocol::Stomp,
        EngineType::RabbitMq => Protocol::Amqp,
    };
    assert_eq!(probe.probe(&target(logged), DEADLINE).await, ProbeOutcome::Answered);
    let mut lines = lines_about_connections(&name);
    while lines.len() == before.len() {
        assert!(begun.elapsed() < Duration::from_secs(90), "{logged} is not logged");
        tokio::time::sleep(Duration::from_millis(50)).await;
        lines = lines_about_connections(&name);
    }
    let new = &lines[before.len()..];
    eprintln!("{engine:?}: one login in {logged} is logged as {new:#?}");
    // On a busy machine lines of the two logins before may come after they were counted, and ActiveMQ may find a
    // handshake's connection closed before it has accepted it, and says so.
    let late = 2 * LINES_OF_A_LOGIN + targets.len() * HANDSHAKES / 10;
    assert!(new.len() <= LINES_OF_A_LOGIN + late, "handshakes are logged: {new:#?}");
}

/// What the engine has logged of connections and what came over them.
fn lines_about_connections(container: &str) -> Vec<String> {
    let output = std::process::Command::new("docker").args(["logs", container]).output();
    let output = output.expect("docker runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let about = |line: &&str| ["onnection", "Exception", "TLS"].iter().any(|w| line.contains(w));
    text.lines().filter(about).map(str::to_owned).collect()
}

async fn answers(engine: EngineType, version: &str, host: &str, change: fn(&mut Example)) {
    let installation = format!("t-{:08x}", random::<u32>()).parse().expect("installation");
    let options = DockerOptions::new(None, installation);
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    let runtime = match DockerRuntime::connect(options.clone(), Arc::new(SystemClock)).await {
        Ok(runtime) => runtime,
        Err(error) => {
            assert!(!must, "no Docker engine to test with: {error}");
            eprintln!("SKIPPED: no Docker engine answers ({error})");
            return;
        }
    };
    let mut example = Example::new(engine, version, host);
    change(&mut example);
    if runtime.image(&example.image.image).await.expect("image").is_none() {
        assert!(!must, "no image {}", example.image.image);
        eprintln!("SKIPPED: no image {}", example.image.image);
        return;
    }
    let (now, entropy) = (SystemClock.now(), Scripted::new(&[]));
    let authority = tls::new_authority(now, &entropy).expect("authority");
    let inputs = IssueInputs {
        authorities: &AuthorityStatus::of(authority.clone()),
        rsa_key: example::rsa_key(),
        now,
        entropy: &entropy,
    };
    example.materials = materials::issue(inputs, &example.broker, &example.users, &example.image)
        .expect("materials");
    example.installation = options.installation;
    example.sizing.scale = 0.25;
    let spec = example.render().expect("rendered");
    // Caught, so that the container goes even when it did not answer.
    let host = example.broker.instances[0].host.as_str();
    let asked = std::panic::AssertUnwindSafe(ask(&runtime, &spec, engine, host, authority));
    let result = futures_util::FutureExt::catch_unwind(asked).await;
    let status = runtime.status(&spec.name).await;
    runtime.remove(&spec.name, Volumes::Delete).await.expect("remove");
    if let Err(panic) = result {
        eprintln!("{status:?}");
        std::panic::resume_unwind(panic);
    }
}

#[tokio::test]
async fn rabbitmq_answers_the_probe() {
    answers(EngineType::RabbitMq, "4.3", "mq.m7g.medium", |_| ()).await;
}

#[tokio::test]
async fn former_versions_of_rabbitmq_log_no_handshakes() {
    for version in ["4.0", "3.10"] {
        answers(EngineType::RabbitMq, version, "mq.m7g.medium", |_| ()).await;
    }
}

#[tokio::test]
async fn rabbitmq_answers_though_it_has_no_user_and_insists_on_client_certificates() {
    answers(EngineType::RabbitMq, "4.3", "mq.m7g.medium", |example| {
        example.users.clear();
        example.configuration = "auth_mechanisms.1 = EXTERNAL\n\
                                 ssl_options.verify = verify_peer\n\
                                 ssl_options.fail_if_no_peer_cert = true\n\
                                 management.ssl.verify = verify_peer\n"
            .to_owned();
    })
    .await;
}

#[tokio::test]
async fn activemq_answers_the_probe_in_every_protocol() {
    answers(EngineType::ActiveMq, "5.19", "mq.t3.micro", |_| ()).await;
}
