//! What brokerd asks of Secrets Manager, S3 and STS, and what it makes of their answers, over real connections.

mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use brokerd_domain::{Clock, Scope, SecretReference, Timestamp};
use brokerd_provisioner::secrets::{
    AwsEndpoints, NotFetched, Remote, SecretSource as _, TIMEOUT, WrongEndpoint,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use server::{Asked, Reply, Server};

const OPERATOR: (&str, &str) = ("AKIAOPERATOR", "operator/secret+key");
const ASSUMED: (&str, &str) = ("ASIAASSUMED", "assumed secret");
const ROLE: &str = "arn:aws:iam::000000000000:role/dir/Mq+Role=a,b@c";
const PASSWORD: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:ldap/service-AbCdEf";

/// 2026-09-21T14:13:20Z.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000)
    }
}

fn remote(change: impl FnOnce(&mut AwsEndpoints)) -> Remote {
    let mut endpoints = AwsEndpoints {
        access_key_id: Some(OPERATOR.0.to_owned()),
        secret_access_key: Some(OPERATOR.1.into()),
        ..AwsEndpoints::default()
    };
    change(&mut endpoints);
    Remote::new(&endpoints, Arc::new(Still)).expect("URLs").expect("endpoints")
}

/// All services at one address, as emulators have them; roles are assumed.
fn all_at(server: &Server) -> Remote {
    remote(|endpoints| {
        endpoints.secrets_manager = Some(server.url());
        endpoints.s3 = Some(server.url());
        endpoints.sts = Some(server.url());
    })
}

async fn fetch(remote: &Remote, arns: &[&str]) -> Vec<Result<String, NotFetched>> {
    let scope = Scope {
        account: "000000000000".parse().expect("valid"),
        region: "eu-west-1".parse().expect("valid"),
    };
    let references: Vec<_> =
        arns.iter().map(|arn| SecretReference::parse(arn).expect("an ARN")).collect();
    let references: Vec<_> = references.iter().collect();
    let fetched = remote.fetch(&scope, ROLE, &references).await;
    fetched.into_iter().map(|one| one.map(|value| value.expose_secret().to_owned())).collect()
}

fn is_sts(asked: &Asked) -> bool {
    asked.scope.ends_with("/sts")
}

fn assumed() -> Reply {
    let (id, secret) = ASSUMED;
    Reply::of(
        200,
        format!(
            r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
              <AssumedRoleUser><Arn>arn:aws:sts::000000000000:assumed-role/MqRole/brokerd</Arn></AssumedRoleUser>
              <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
              <SessionToken>the/token==</SessionToken><Expiration>2026-09-21T15:13:20Z</Expiration></Credentials>
            </AssumeRoleResult></AssumeRoleResponse>"#
        ),
    )
}

fn secret(value: &Value) -> Reply {
    Reply::of(200, value.to_string())
}

#[tokio::test]
async fn secrets_and_objects_are_read_as_the_operator_where_roles_are_not_assumed() {
    let server = Server::start(&[OPERATOR], |asked| match asked.scope.as_str() {
        "eu-west-1/secretsmanager" => secret(&json!({ "Name": "x", "SecretString": "a\"\u{e4}" })),
        "eu-west-1/s3" => Reply::of(200, "-----BEGIN CERTIFICATE-----\n"),
        other => panic!("{other}"),
    })
    .await;
    let remote = remote(|endpoints| {
        endpoints.secrets_manager = Some(server.url());
        endpoints.s3 = Some(format!("{}/", server.url()));
        endpoints.session_token = Some("of the operator".into());
    });
    let object = "arn:aws:s3:::certs/dir/a b+(1)=.pem";
    let fetched = fetch(&remote, &[PASSWORD, object]).await;
    assert_eq!(
        fetched,
        [Ok("a\"\u{e4}".to_owned()), Ok("-----BEGIN CERTIFICATE-----\n".to_owned())]
    );
    let mut asked = server.asked();
    asked.sort_by(|a, b| a.method.cmp(&b.method));
    let [get, post] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(
        (get.method.as_str(), get.path.as_str()),
        ("GET", "/certs/dir/a%20b%2B%281%29%3D.pem")
    );
    assert_eq!((post.method.as_str(), post.path.as_str()), ("POST", "/"));
    assert_eq!(post.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(post.headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert_eq!(
        serde_json::from_str::<Value>(&post.body).expect("JSON"),
        json!({ "SecretId": PASSWORD })
    );
    for request in [get, post] {
        assert_eq!(request.access_key, OPERATOR.0);
        assert_eq!(request.headers["x-amz-security-token"], "of the operator");
        assert_eq!(request.headers["host"], server.address.to_string());
    }
}

#[tokio::test]
async fn a_role_is_assumed_once_and_reads_everything() {
    let server = Server::start(&[OPERATOR, ASSUMED], |asked| {
        if is_sts(asked) { assumed() } else { secret(&json!({ "SecretBinary": "cGFzcw==" })) }
    })
    .await;
    let fetched = fetch(&all_at(&server), &[PASSWORD, PASSWORD, PASSWORD]).await;
    assert_eq!(fetched, vec![Ok("pass".to_owned()); 3]);
    let asked = server.asked();
    let (sts, others): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| is_sts(asked));
    let [sts] = &sts[..] else { panic!("{sts:?}") };
    assert_eq!((sts.method.as_str(), sts.access_key.as_str()), ("POST", OPERATOR.0));
    assert_eq!(sts.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(
        sts.body,
        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=brokerd&RoleArn=\
         arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fdir%2FMq%2BRole%3Da%2Cb%40c"
    );
    assert_eq!(others.len(), 3);
    for other in others {
        assert_eq!(other.access_key, ASSUMED.0);
        assert_eq!(other.headers["x-amz-security-token"], "the/token==");
    }
}

#[tokio::test]
async fn another_secret_is_refused() {
    let server = Server::start(&[(OPERATOR.0, "another secret")], |_| panic!("let in")).await;
    let remote = remote(|endpoints| endpoints.secrets_manager = Some(server.url()));
    let refused = fetch(&remote, &[PASSWORD]).await.remove(0).expect_err("refused");
    let told = "secretsmanager answered 403 Forbidden (SignatureDoesNotMatch)";
    assert_eq!(refused, NotFetched::Invalid(told.to_owned()));
}

/// What is made of an answer to `service`, and how often it was asked for.
async fn made_of(service: &'static str, reply: Reply) -> (NotFetched, usize) {
    let server = Server::start(&[OPERATOR, ASSUMED], move |asked| {
        if asked.scope.ends_with(service) {
            reply.clone()
        } else if is_sts(asked) {
            assumed()
        } else {
            secret(&json!({ "SecretString": "a" }))
        }
    })
    .await;
    let arn = if service == "s3" { "arn:aws:s3:::certs/ca.pem" } else { PASSWORD };
    let refused = fetch(&all_at(&server), &[arn]).await.remove(0).expect_err("refused");
    let of = |asked: &&Asked| asked.scope.ends_with(service);
    (refused, server.asked().iter().filter(of).count())
}

#[tokio::test]
async fn what_passes_is_asked_for_again_and_what_stays_is_not() {
    let json = |code: &str| format!(r#"{{"__type":"{code}","Message":"<secret>"}}"#);
    let xml = |code: &str| format!("<Error><Code>{code}</Code></Error>");
    for (service, reply, passes, tried) in [
        ("secretsmanager", Reply::of(400, json("ResourceNotFoundException")), false, 1),
        ("secretsmanager", Reply::of(400, json("AccessDeniedException")), false, 1),
        ("secretsmanager", Reply::of(400, json("ThrottlingException")), true, 3),
        ("secretsmanager", Reply::of(500, json("InternalServiceError")), true, 3),
        ("secretsmanager", Reply::of(200, "<html>"), false, 1),
        ("secretsmanager", Reply::of(200, "{}"), false, 1),
        ("secretsmanager", Reply::of(200, r#"{"SecretBinary":"gIA="}"#), false, 1),
        ("secretsmanager", Reply::of(200, r#"{"SecretBinary":"?"}"#), false, 1),
        ("secretsmanager", Reply::Half(r#"{"SecretString":"a"}"#.to_owned()), true, 3),
        ("s3", Reply::of(403, xml("AccessDenied")), false, 1),
        ("s3", Reply::of(404, xml("NoSuchKey")), false, 1),
        ("s3", Reply::of(301, xml("PermanentRedirect")), false, 1),
        ("s3", Reply::of(503, xml("SlowDown")), true, 3),
        ("s3", Reply::of(429, ""), true, 3),
        ("sts", Reply::of(503, ""), true, 3),
    ] {
        let what = format!("{service}: {reply:?}");
        let (refused, count) = made_of(service, reply).await;
        assert_eq!(matches!(refused, NotFetched::Transient(_)), passes, "{what}: {refused:?}");
        assert_eq!(matches!(refused, NotFetched::Invalid(_)), !passes, "{what}: {refused:?}");
        assert_eq!(count, tried, "{what}");
        assert!(!refused.to_string().contains("<secret>"), "{refused}");
    }
    for reply in [
        Reply::of(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"),
        Reply::of(200, "<AssumeRoleResponse/>"),
        Reply::of(200, "{}"),
    ] {
        let (refused, _) = made_of("sts", reply).await;
        assert!(matches!(refused, NotFetched::Role(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_moment_of_trouble_is_not_noticed() {
    let count = AtomicUsize::new(0);
    let server = Server::start(&[OPERATOR], move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::of(500, ""),
        1 => Reply::Half(String::new()),
        _ => secret(&json!({ "SecretString": "a" })),
    })
    .await;
    let remote = remote(|endpoints| endpoints.secrets_manager = Some(server.url()));
    assert_eq!(fetch(&remote, &[PASSWORD]).await, [Ok("a".to_owned())]);
}

#[tokio::test]
async fn all_values_are_fetched_at_once_and_a_silent_source_delays_them_briefly() {
    let server = Server::start(&[OPERATOR], |asked| {
        if asked.body.contains("secret:silent") {
            return Reply::Silence;
        }
        Reply::Whole(200, r#"{"SecretString":"a"}"#.to_owned(), Duration::from_secs(1))
    })
    .await;
    let remote = remote(|endpoints| endpoints.secrets_manager = Some(server.url()));
    let begun = Instant::now();
    let fetched = fetch(&remote, &[PASSWORD; 8]).await;
    assert_eq!(fetched, vec![Ok("a".to_owned()); 8]);
    assert!(begun.elapsed() < TIMEOUT, "one after the other: {:?}", begun.elapsed());

    let silent = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:silent";
    let begun = Instant::now();
    let fetched = fetch(&remote, &[silent, PASSWORD, silent]).await;
    let took = begun.elapsed();
    assert!(TIMEOUT <= took && took < 2 * TIMEOUT, "{took:?}");
    let why = NotFetched::Transient("secretsmanager did not answer within 5 s".to_owned());
    assert_eq!(fetched, [Err(why.clone()), Ok("a".to_owned()), Err(why)]);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::start(&[OPERATOR], |_| Reply::Endless).await;
    let remote = remote(|endpoints| endpoints.s3 = Some(server.url()));
    let begun = Instant::now();
    let refused = fetch(&remote, &["arn:aws:s3:::certs/ca.pem"]).await.remove(0);
    let told = "s3 answered more than 400000 bytes".to_owned();
    assert_eq!(refused, Err(NotFetched::Invalid(told)));
    assert!(begun.elapsed() < TIMEOUT, "{:?}", begun.elapsed());
    // What is beyond is in the buffers of the two sockets.
    let sent = server.sent.load(Ordering::SeqCst);
    assert!(sent < 16_000_000, "{sent} bytes");
}

#[tokio::test]
async fn who_is_not_there_is_told_at_once() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}", unused.local_addr().expect("an address"));
    drop(unused);
    let remote = remote(|endpoints| endpoints.secrets_manager = Some(url));
    let begun = Instant::now();
    let refused = fetch(&remote, &[PASSWORD]).await.remove(0).expect_err("nobody is there");
    assert!(begun.elapsed() < TIMEOUT, "{:?}", begun.elapsed());
    let told = matches!(&refused, NotFetched::Transient(why) if why.contains("refused"));
    assert!(told, "{refused:?}");
}

#[tokio::test]
async fn what_brokerd_was_not_given_is_named() {
    let server = Server::start(&[], |_| panic!("nobody is asked")).await;
    let s3 = remote(|endpoints| endpoints.s3 = Some(server.url()));
    let refused = fetch(&s3, &[PASSWORD]).await.remove(0);
    let told = "brokerd knows no endpoint of AWS Secrets Manager".to_owned();
    assert_eq!(refused, Err(NotFetched::Invalid(told)));
    let nobody = remote(|endpoints| {
        endpoints.s3 = Some(server.url());
        endpoints.secret_access_key = None;
    });
    let refused = fetch(&nobody, &["arn:aws:s3:::certs/ca.pem"]).await.remove(0);
    let told = "brokerd has no access key for the endpoints it knows".to_owned();
    assert_eq!(refused, Err(NotFetched::Invalid(told)));
    let wrong = AwsEndpoints { s3: Some("s3".to_owned()), ..AwsEndpoints::default() };
    let refused = Remote::new(&wrong, Arc::new(Still)).err();
    let told = refused.map(|wrong: WrongEndpoint| wrong.to_string());
    assert_eq!(told.as_deref(), Some("[s3] is not an http:// or https:// URL of an endpoint"));
}
