//! What belongs to another account is told no otherwise than what does not exist.

use crate::{
    identities::{ACCOUNT, allowing},
    statements::Statements,
    support::{Client, Reply, TestApi, activemq},
};

pub(crate) const OTHER: &str = "111111111111";

const DESTINATION: &str = r#"{"kind": "QUEUE", "name": "orders"}"#;
const MESSAGE: &str = r#"{"kind": "QUEUE", "name": "orders", "body": "hello"}"#;

fn member(reply: &Reply, name: &str) -> String {
    assert!(reply.status.is_success(), "{reply:?}");
    reply.json()[name].as_str().expect("a member").to_owned()
}

/// The identifiers of a broker, a configuration, a security group, a secret and a fault.
pub(crate) struct Names {
    broker: String,
    configuration: String,
    group: String,
    secret: String,
    fault: String,
}

impl Names {
    /// Of things that the account has.
    async fn existing(api: &TestApi, client: &Client) -> Self {
        let post = |target: &'static str, body: String| async move {
            api.call_as(client, "POST", target, &body).await
        };
        let broker = member(&post("/v1/brokers", activemq("theirs", "")).await, "brokerId");
        api.converge(&broker).await;
        let body = r#"{"name": "c", "engineType": "ACTIVEMQ", "engineVersion": "5.19"}"#;
        let configuration = member(&post("/v1/configurations", body.to_owned()).await, "id");
        let group = post("/brokerd/v1/security-groups", r#"{"name": "g"}"#.to_owned()).await;
        let group = member(&group, "securityGroupId");
        let body = r#"{"secretString": "s"}"#;
        let put = api.call_as(client, "PUT", "/brokerd/v1/secrets/theirs", body).await;
        let secret = member(&put, "arn").replace('/', "%2F");
        let faults = format!("/brokerd/v1/brokers/{broker}/faults");
        let fault = r#"{"kind": "KILL", "instance": 1}"#;
        let fault = member(&api.call_as(client, "POST", &faults, fault).await, "id");
        Self { broker, configuration, group, secret, fault }
    }

    /// Of nothing.
    pub(crate) fn absent() -> Self {
        let id = "00000000-0000-4000-8000-000000000000";
        Self {
            broker: format!("b-{id}"),
            configuration: format!("c-{id}"),
            group: "sg-00000000000000000".to_owned(),
            secret: format!("arn:aws:secretsmanager:us-east-1:{OTHER}:secret:nobody-AbCdEf"),
            fault: format!("f-{id}"),
        }
    }

    /// Every request that names one of them.
    pub(crate) fn requests(&self) -> Vec<(&'static str, String, &'static str)> {
        let Self { broker, configuration, group, secret, fault } = self;
        let of_broker = |rest: &str| format!("/v1/brokers/{broker}{rest}");
        let own_of_broker = |rest: &str| format!("/brokerd/v1/brokers/{broker}{rest}");
        let of_configuration = |rest: &str| format!("/v1/configurations/{configuration}{rest}");
        let tags = |account: &str, resource: &str| {
            format!("/v1/tags/arn:aws:mq:us-east-1:{account}:{resource}").replace(':', "%3A")
        };
        let broker_tags = |account| tags(account, &format!("broker:theirs:{broker}"));
        let configuration_tags = |account| tags(account, &format!("configuration:{configuration}"));
        vec![
            ("GET", of_broker(""), ""),
            ("PUT", of_broker(""), "{}"),
            ("DELETE", of_broker(""), ""),
            ("POST", of_broker("/reboot"), ""),
            ("POST", of_broker("/promote"), r#"{"mode": "FAILOVER"}"#),
            ("GET", of_broker("/shared-resources"), ""),
            ("GET", of_broker("/users"), ""),
            ("GET", of_broker("/users/alice"), ""),
            ("PUT", of_broker("/users/alice"), "{}"),
            ("POST", of_broker("/users/bob"), r#"{"password": "correct-horse-battery"}"#),
            ("DELETE", of_broker("/users/alice"), ""),
            ("GET", of_configuration(""), ""),
            ("PUT", of_configuration(""), r#"{"data": "PGJyb2tlci8+"}"#),
            ("DELETE", of_configuration(""), ""),
            ("GET", of_configuration("/revisions"), ""),
            ("GET", of_configuration("/revisions/1"), ""),
            ("GET", broker_tags(OTHER), ""),
            ("POST", broker_tags(OTHER), r#"{"tags": {"a": "b"}}"#),
            ("DELETE", format!("{}?tagKeys=a", broker_tags(OTHER)), ""),
            ("GET", broker_tags(ACCOUNT), ""),
            ("POST", broker_tags(ACCOUNT), r#"{"tags": {"a": "b"}}"#),
            ("DELETE", format!("{}?tagKeys=a", broker_tags(ACCOUNT)), ""),
            ("GET", configuration_tags(OTHER), ""),
            ("POST", configuration_tags(ACCOUNT), r#"{"tags": {"a": "b"}}"#),
            ("GET", own_of_broker(""), ""),
            ("GET", own_of_broker("/events"), ""),
            ("GET", own_of_broker("/report"), ""),
            ("GET", own_of_broker("/destinations"), ""),
            ("POST", own_of_broker("/destinations/browse"), DESTINATION),
            ("POST", own_of_broker("/destinations/publish"), MESSAGE),
            ("POST", own_of_broker("/destinations/purge"), DESTINATION),
            ("POST", own_of_broker("/destinations/delete"), DESTINATION),
            ("POST", own_of_broker("/test-message"), "{}"),
            ("GET", own_of_broker("/faults"), ""),
            ("POST", own_of_broker("/faults"), r#"{"kind": "KILL", "instance": 1}"#),
            ("GET", own_of_broker(&format!("/faults/{fault}")), ""),
            ("DELETE", own_of_broker(&format!("/faults/{fault}")), ""),
            ("GET", format!("/brokerd/v1/security-groups/{group}"), ""),
            ("PUT", format!("/brokerd/v1/security-groups/{group}"), "{}"),
            ("DELETE", format!("/brokerd/v1/security-groups/{group}"), ""),
            ("GET", format!("/brokerd/v1/secrets/{secret}"), ""),
            ("PUT", format!("/brokerd/v1/secrets/{secret}"), r#"{"secretString": "s"}"#),
            ("DELETE", format!("/brokerd/v1/secrets/{secret}"), ""),
        ]
    }

    /// A text without the identifiers.
    fn anonymous(&self, text: &str) -> String {
        let secret = self.secret.replace("%2F", "/");
        text.replace(&self.broker, "BROKER")
            .replace(&self.configuration, "CONFIGURATION")
            .replace(&self.group, "GROUP")
            .replace(&secret, "SECRET")
            .replace(&self.fault, "FAULT")
    }
}

/// The headers of an answer, but for those that are different every time.
pub(crate) fn headers(reply: &Reply) -> Vec<(String, String)> {
    let different = ["x-amzn-requestid", "date"];
    let headers = reply.headers.iter().filter(|(name, _)| !different.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    let mut headers: Vec<_> = headers.collect();
    headers.sort();
    headers
}

#[tokio::test]
async fn what_is_another_accounts_is_answered_as_what_does_not_exist() {
    let api = TestApi::start_with_faults().await;
    api.add_key("AKIABOB", "bob-secret", OTHER).await;
    let bob = Client::new("AKIABOB", "bob-secret", "us-east-1");
    let mut alice_elsewhere = api.alice.clone();
    alice_elsewhere.credentials.region = "eu-west-1".to_owned();
    let (nobody, everything) = (api.user("nobody").await, api.user("everything").await);
    api.set_policy(&everything, &allowing([("*", "*")])).await;
    let absent = Names::absent();
    let (statements, mut asked) = (Statements::watch(), 0);
    for owner in [bob, alice_elsewhere] {
        let theirs = Names::existing(&api, &owner).await;
        for (client, expected) in
            [(&api.alice, 404), (&everything.client, 404), (&nobody.client, 403)]
        {
            for (there, not_there) in theirs.requests().into_iter().zip(absent.requests()) {
                let ask = async |(method, target, body): &(&str, String, &str)| {
                    let reply = api.call_as(client, method, target, body).await;
                    (reply, statements.take())
                };
                // What is remembered for a while is then remembered for both.
                ask(&not_there).await;
                let (one, of_one) = ask(&there).await;
                let (other, of_other) = ask(&not_there).await;
                assert_eq!(one.status, expected, "{there:?} {one:?}");
                let told = |reply: &Reply, names: &Names| {
                    let (_, code, message) = reply.refusal();
                    (reply.status, code, names.anonymous(&message), headers(reply))
                };
                assert_eq!(told(&one, &theirs), told(&other, &absent), "{there:?}");
                assert_eq!(of_one, of_other, "{there:?} takes other statements");
                asked += of_one.len();
            }
        }
        // Nothing of it has changed.
        let shown = api.call_as(&owner, "GET", &format!("/v1/brokers/{}", theirs.broker), "").await;
        assert_eq!(shown.json()["brokerState"], "RUNNING", "{shown:?}");
        assert_eq!(shown.json()["tags"], serde_json::json!({}));
    }
    assert!(asked > 0, "statements are seen");
    drop(statements);
    // Lists have nothing of it.
    for list in ["/v1/brokers", "/v1/configurations"] {
        let shown = api.call_as(&everything.client, "GET", list, "").await;
        assert!(!shown.text.contains("theirs") && !shown.text.contains("c-"), "{shown:?}");
    }
    api.stop().await;
}
