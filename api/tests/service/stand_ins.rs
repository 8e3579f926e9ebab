//! Versions that are served by other ones.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, EngineType, EngineVersion, Next, RunningEngine, Timestamp, WorkerId,
};
use serde_json::{Value, json};

use crate::support::{TestApi, Zeros, rabbitmq};

const V3_13: EngineVersion = EngineVersion::new(3, 13);
const V4_2: EngineVersion = EngineVersion::new(4, 2);
const V4_3: EngineVersion = EngineVersion::new(4, 3);

impl TestApi {
    async fn standing_in() -> Self {
        let api = Self::start().await;
        let served = |asked| (EngineType::RabbitMq, asked, V4_3);
        api.offer_served(&[V3_13, V4_2, V4_3].map(served)).await;
        api
    }

    /// What a provisioner records when 4.3 serves the broker.
    async fn served_by_4_3(&self, id: &str) {
        let id: BrokerId = id.parse().expect("identifier");
        self.store.wake(id).await.expect("woken");
        let ttl = Duration::from_secs(30);
        let leases = self.store.claim_due(WorkerId::generate(&Zeros), None, ttl, 100).await;
        for lease in leases.expect("claimed") {
            let work = self.store.load(&lease).await.expect("loaded").expect("there");
            let runs = RunningEngine {
                asked: work.broker.spec.engine_version,
                version: V4_3,
                true_version: "4.3.6".to_owned(),
                image: "brokerd/rabbitmq:4.3".to_owned(),
                image_id: "sha256:0".to_owned(),
                since: Timestamp::from_micros(1_700_000_000_000_000),
            };
            let saved = self.store.save_running_engine(&lease, EngineType::RabbitMq, &runs);
            saved.await.expect("saved");
            let again = self.store.load(&lease).await.expect("loaded").expect("there");
            assert_eq!(again.running, Some(runs));
            self.store.release(&lease, Next::After(ttl), false).await.expect("released");
        }
    }

    async fn inspected(&self, id: &str) -> Value {
        self.call("GET", &format!("/brokerd/v1/brokers/{id}"), "").await.json()
    }

    async fn configuration_of(&self, name: &str, version: &str) -> Value {
        let body = json!({ "name": name, "engineType": "RABBITMQ", "engineVersion": version });
        self.call("POST", "/v1/configurations", &body.to_string()).await.json()
    }
}

#[tokio::test]
async fn a_version_that_another_one_serves_is_one_of_the_services_everywhere() {
    let api = TestApi::standing_in().await;
    let types = api.call("GET", "/v1/broker-engine-types?engineType=RABBITMQ", "").await.json();
    assert_eq!(
        types["brokerEngineTypes"][0]["engineVersions"],
        json!([{"name": "4.3"}, {"name": "4.2"}, {"name": "3.13"}])
    );
    for (host, versions) in
        [("mq.m7g.large", json!(["4.3", "4.2", "3.13"])), ("mq.m5.large", json!(["3.13"]))]
    {
        let path =
            format!("/v1/broker-instance-options?engineType=RABBITMQ&hostInstanceType={host}");
        let options = api.call("GET", &path, "").await.json();
        assert_eq!(options["brokerInstanceOptions"][0]["supportedEngineVersions"], versions);
    }

    let wrong = api.configuration_of("wrong", "4.2").await;
    let right = api.configuration_of("right", "3.13").await;
    let body = |configuration: &Value| {
        let more = json!({ "id": configuration["id"], "revision": 1 });
        let more = format!(r#", "engineVersion": "3.13", "configuration": {more}"#);
        rabbitmq("orders", &more).replace("mq.m7g.medium", "mq.m5.large")
    };
    let reply = api.call("POST", "/v1/brokers", &body(&wrong)).await;
    let (status, _, message) = reply.refusal();
    assert_eq!(status, 400);
    assert!(message.contains("version [3.13]"), "what serves does not matter: {message}");
    let created = api.call("POST", "/v1/brokers", &body(&right)).await.json();
    let id = created["brokerId"].as_str().expect("an id").to_owned();
    assert_eq!(api.describe(&id).await["engineVersion"], "3.13");
    assert_eq!(
        api.inspected(&id).await,
        json!({
            "brokerId": id, "brokerName": "orders", "engineType": "RabbitMQ", "engineVersion": "3.13",
            "instances": [], "linksDown": [],
        }),
        "nothing has served yet"
    );

    api.converge(&id).await;
    api.served_by_4_3(&id).await;
    assert_eq!(api.describe(&id).await["engineVersion"], "3.13");
    assert_eq!(
        api.inspected(&id).await["running"],
        json!({
            "engineVersion": "4.3", "fullVersion": "4.3.6", "standsIn": true,
            "image": "brokerd/rabbitmq:4.3", "imageId": "sha256:0", "since": "2023-11-14T22:13:20.000000Z",
        })
    );
    let events = api.call("GET", &format!("/brokerd/v1/brokers/{id}/events"), "").await.json();
    assert_eq!(
        events["events"][0]["message"],
        "RabbitMQ 4.3.6 serves (brokerd/rabbitmq:4.3); it stands in for 3.13, which was asked for"
    );
    api.stop().await;
}

#[tokio::test]
async fn such_a_broker_is_upgraded_by_the_services_rules() {
    let api = TestApi::standing_in().await;
    let more = r#", "engineVersion": "3.13""#;
    let id = api.call("POST", "/v1/brokers", &rabbitmq("orders", more)).await.json();
    let id = id["brokerId"].as_str().expect("an id").to_owned();
    api.converge(&id).await;
    let path = format!("/v1/brokers/{id}");
    let far = api.call("PUT", &path, r#"{"engineVersion": "4.3"}"#).await.refusal();
    assert_eq!(
        far.2,
        "Upgrading from current engine version [3.13] to requested engine version [4.3] is not supported for RabbitMQ brokers. Upgrade to a version in between first."
    );
    for version in ["4.2", "4.3"] {
        let body = json!({ "engineVersion": version }).to_string();
        assert_eq!(api.call("PUT", &path, &body).await.status, 200, "{version}");
        assert_eq!(api.describe(&id).await["pendingEngineVersion"], version);
        api.reboot(&id).await;
        assert_eq!(api.describe(&id).await["engineVersion"], version);
    }
    api.stop().await;
}

#[tokio::test]
async fn a_version_that_is_not_offered_is_refused_with_the_setting_that_would_offer_it() {
    let api = TestApi::start().await;
    let text = "Broker engine version [3.13] is invalid for broker engine type [RABBITMQ]. Valid values: [4.3]. \
                Here [4.3] can stand in for it, if brokerd's operator sets engines.stand_in = \
                { \"3.13\" = \"4.3\" } (or BROKERD_ENGINES_STAND_IN=3.13=4.3).";
    let broker = rabbitmq("orders", r#", "engineVersion": "3.13""#);
    let configuration =
        json!({ "name": "one", "engineType": "RABBITMQ", "engineVersion": "3.13" }).to_string();
    let id = api.create("updated").await;
    api.converge(&id).await;
    let update = r#"{"engineVersion": "3.13"}"#.to_owned();
    for (method, path, body) in [
        ("POST", "/v1/brokers".to_owned(), broker),
        ("POST", "/v1/configurations".to_owned(), configuration),
        ("PUT", format!("/v1/brokers/{id}"), update),
    ] {
        let reply = api.call(method, &path, &body).await;
        assert_eq!(reply.json(), json!({"errorAttribute": "engineVersion", "message": text}));
        assert_eq!(reply.status, 400);
    }
    api.stop().await;
}
