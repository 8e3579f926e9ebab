//! What really runs behind the versions that are offered.

use brokerd_domain::{EngineType, EngineVersion};
use brokerd_store::Offering;
use serde_json::json;

use crate::support::TestApi;

#[tokio::test]
async fn open_advisories_are_told_of_what_really_runs() {
    let api = TestApi::start().await;
    assert_eq!(api.unsigned("GET", "/brokerd/v1/engine-versions").await.status, 403);
    let offering = |engine, (major, minor), true_version: &str, modules: &str| Offering {
        engine,
        version: EngineVersion::new(major, minor),
        runs: EngineVersion::new(major, minor),
        true_version: true_version.to_owned(),
        image: format!("image:{major}.{minor}"),
        modules: modules.to_owned(),
        launcher: true,
    };
    let offered = [
        offering(
            EngineType::ActiveMq,
            (5, 19),
            "5.19.2",
            "broker=5.19.9,client=5.19.9,stomp=5.18.6",
        ),
        offering(EngineType::ActiveMq, (5, 18), "5.18.6", "client=5.18.6"),
        offering(EngineType::RabbitMq, (4, 3), "4.3", ""),
    ];
    api.store.set_offerings(&offered).await.expect("offered");
    let reply = api.call("GET", "/brokerd/v1/engine-versions", "").await.json();
    let versions = reply["engineVersions"].as_array().expect("versions");
    let names: Vec<_> =
        versions.iter().map(|v| (v["engineVersion"].as_str(), v["trueVersion"].as_str())).collect();
    assert_eq!(
        names,
        [
            (Some("5.18"), Some("5.18.6")),
            (Some("5.19"), Some("5.19.2")),
            (Some("4.3"), Some("4.3"))
        ]
    );
    let open = |index: usize| -> Vec<(String, String)> {
        let all = versions[index]["advisories"].as_array().expect("advisories");
        all.iter().map(|a| (a["id"].to_string(), a["moduleVersion"].to_string())).collect()
    };
    assert!(open(0).contains(&("\"CVE-2025-27533\"".to_owned(), "\"5.18.6\"".to_owned())));
    // Each module is judged by its own version.
    assert!(!open(1).is_empty() && open(1).iter().all(|(_, version)| version == "\"5.18.6\""));
    assert_eq!(
        versions[1]["modules"],
        json!({"broker": "5.19.9", "client": "5.19.9", "stomp": "5.18.6"})
    );
    assert!(versions[1]["advisories"][0]["fixedIn"].is_array());
    // Nothing is known of an image that does not tell, and nothing is claimed.
    assert_eq!(
        versions[2],
        json!({
            "engineType": "RABBITMQ", "engineVersion": "4.3", "trueVersion": "4.3",
            "image": "image:4.3", "modules": {},
        })
    );
    api.stop().await;
}

#[tokio::test]
async fn what_an_image_lacks_that_is_not_brokerds_is_told() {
    let api = TestApi::start().await;
    let mut offered = Offering {
        engine: EngineType::ActiveMq,
        version: EngineVersion::new(5, 18),
        runs: EngineVersion::new(5, 18),
        true_version: "5.18.6".to_owned(),
        image: "apache/activemq-classic:5.18.6@sha256:1".to_owned(),
        modules: "amqp=5.18.6,client=5.18.6".to_owned(),
        launcher: true,
    };
    let mut told = Vec::new();
    for launcher in [true, false] {
        offered.launcher = launcher;
        api.store.set_offerings(std::slice::from_ref(&offered)).await.expect("offered");
        let reply = api.call("GET", "/brokerd/v1/engine-versions", "").await.json();
        told.push(reply["engineVersions"][0].clone());
    }
    let of = |index: usize, id: &str| {
        let all: &serde_json::Value = &told[index]["advisories"];
        let found = all.as_array().expect("advisories").iter().find(|a| a["id"] == id);
        found.expect("open in both")["mitigation"].clone()
    };
    assert_eq!(told[0].get("notice"), None);
    let notice = told[1]["notice"].as_str().expect("a notice");
    assert!(notice.contains("no web console"), "{notice}");
    let both = "no connector is NIO; sizes are bounded before the login";
    assert_eq!(of(0, "CVE-2026-59878"), both);
    assert_eq!(of(1, "CVE-2026-59878"), "no connector is NIO");
    assert!(of(0, "CVE-2026-50734").is_string());
    assert!(of(1, "CVE-2026-50734").is_null(), "only the launcher does something about it");
    api.stop().await;
}
