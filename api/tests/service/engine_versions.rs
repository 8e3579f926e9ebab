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
