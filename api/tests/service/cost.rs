//! What brokers cost.

use serde_json::json;

use crate::support::TestApi;

const ESTIMATE: &str = "/brokerd/v1/cost/estimate";

fn estimate(query: &str) -> String {
    format!("{ESTIMATE}?{query}")
}

#[tokio::test]
async fn a_broker_that_nobody_has_is_estimated() {
    let api = TestApi::start().await;
    let query = "engineType=ACTIVEMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType=mq.m5.large&storageType=EBS&storageGb=10";
    assert_eq!(api.unsigned("GET", &estimate(query)).await.status, 403);
    let told = api.call("GET", &estimate(query), "").await;
    let expected = json!({
        "currency": "USD", "region": "us-east-1", "hours": "730",
        "instances": {
            "hostInstanceType": "mq.m5.large", "count": 1,
            "hourlyPrice": {"amount": "0.288", "region": "us-east-1"}, "cost": "210.24",
        },
        "storage": {
            "storageType": "EBS", "gb": "10", "disks": 1,
            "monthlyPrice": {"amount": "0.1", "region": "us-east-1"}, "cost": "1",
        },
        "total": "211.24", "missing": [],
    });
    assert_eq!(told.json(), expected);
    let query = "engineType=rabbitmq&deploymentMode=CLUSTER_MULTI_AZ&hostInstanceType=mq.m5.large&storageGb=200&hours=1460&region=eu-west-1";
    let told = api.call("GET", &estimate(query), "").await.json();
    assert_eq!((&told["total"], &told["region"]), (&json!("1381.44"), &json!("eu-west-1")));
    assert_eq!(told["instances"]["hourlyPrice"]["region"], "us-east-1", "the fallback");
    for (query, member) in [
        ("", "engineType"),
        (
            "engineType=ACTIVEMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType=mq.big",
            "hostInstanceType",
        ),
        (
            "engineType=ACTIVEMQ&deploymentMode=CLUSTER_MULTI_AZ&hostInstanceType=mq.m5.large",
            "deploymentMode",
        ),
        (
            "engineType=ACTIVEMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType=mq.m5.large&hours=-1",
            "hours",
        ),
    ] {
        let refused = api.call("GET", &estimate(query), "").await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["errorAttribute"]),
            (400, &json!(member))
        );
    }
    api.stop().await;
}

#[tokio::test]
async fn what_the_operators_list_lacks_is_told_and_has_no_total() {
    let list =
        "currency = \"EUR\"\n[regions.us-east-1.activemq.instance_hour]\n\"mq.m5.large\" = 1\n";
    let api = TestApi::start_with_prices(list).await;
    let told = async |host: &str, gb: u8| {
        let query = format!(
            "engineType=ACTIVEMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType={host}&storageGb={gb}"
        );
        api.call("GET", &estimate(&query), "").await.json()
    };
    let known = told("mq.m5.large", 0).await;
    assert_eq!((&known["total"], &known["currency"]), (&json!("730.00"), &json!("EUR")));
    let unknown = told("mq.m5.xlarge", 1).await;
    assert_eq!(unknown["total"], json!(null));
    let missing = json!([
        "There is no price of instance type mq.m5.xlarge for ActiveMQ.",
        "There is no price of storage type EFS for ActiveMQ.",
    ]);
    assert_eq!(unknown["missing"], missing);
    api.stop().await;
}
