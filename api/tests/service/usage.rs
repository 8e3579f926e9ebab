//! What an account has used, and what that costs.

use serde_json::{Value, json};

use crate::support::{Client, TestApi, activemq};

const USAGE: &str = "/brokerd/v1/accounts/000000000000/usage";
const HOUR: i64 = 3600;

/// A running broker on mq.m5.large with tags.
async fn broker(api: &TestApi, name: &str, tags: &Value) -> String {
    let body = activemq(name, &format!(r#", "tags": {tags}"#));
    let body = body.replace("mq.t3.micro", "mq.m5.large");
    let created = api.call("POST", "/v1/brokers", &body).await;
    assert_eq!(created.status, 200, "{created:?}");
    let id = created.json()["brokerId"].as_str().expect("an identifier").to_owned();
    api.converge(&id).await;
    id
}

async fn history(api: &TestApi, query: &str) -> Value {
    let reply = api.call("GET", &format!("{USAGE}?{query}"), "").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["history"].clone()
}

#[tokio::test]
async fn what_an_account_has_used_is_told_by_broker_day_and_tag_also_of_brokers_that_are_gone() {
    let api = TestApi::start().await;
    // 2026-09-21T14:13:20Z, so that minutes begin with the next whole one.
    api.clock.advance_seconds(40);
    let red = broker(&api, "red", &json!({"team": "red"})).await;
    api.clock.advance_seconds(10 * HOUR);
    let blue = broker(&api, "blue", &json!({})).await;
    api.clock.advance_seconds(10 * HOUR);
    let deleted = api.call("DELETE", &format!("/v1/brokers/{red}"), "").await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    api.clock.advance_seconds(10 * HOUR);

    let told = history(&api, "from=2026-09-01&tag=team").await;
    let missing = json!(["Storage that was not measured is not included."]);
    assert_eq!(told["total"], json!({"cost": "11.52", "missing": missing}), "40 h x 0.288");
    assert_eq!(told["currency"], "USD");
    assert_eq!(told["availability"]["availableMinutes"], 0, "nothing was recorded");
    assert_eq!(told["from"], "2026-09-01T00:00:00.000000Z");
    let tags = json!([
        {"cost": "5.76", "missing": missing},
        {"value": "red", "cost": "5.76", "missing": missing},
    ]);
    assert_eq!(told["tags"], tags);
    let names: Vec<_> =
        told["brokers"].as_array().expect("brokers").iter().map(|b| &b["brokerName"]).collect();
    assert_eq!(names, ["red", "blue"]);
    let first = &told["brokers"][0];
    assert_eq!((&first["brokerId"], &first["tags"]), (&json!(red), &json!({"team": "red"})));
    assert!(first["deleted"].is_string());
    let line = &first["lines"][0];
    let price = json!({"amount": "0.288", "region": "us-east-1"});
    assert_eq!((&line["kind"], &line["count"]), (&json!("mq.m5.large"), &json!(1)));
    assert_eq!(
        (&line["quantity"], &line["unit"], &line["cost"]),
        (&json!("20"), &json!("Hrs"), &json!("5.76"))
    );
    assert_eq!(line["price"], price);
    assert_eq!(told["brokers"][1]["brokerId"], json!(blue));
    assert_eq!(told["brokers"][1]["deleted"], Value::Null);

    let days = history(&api, "from=2026-09-21&granularity=day").await;
    let costs: Vec<_> =
        days["periods"].as_array().expect("periods").iter().map(|p| &p["cost"]).collect();
    assert_eq!(costs, ["2.81", "8.71"], "9:46 h, 30:14 h");
    assert_eq!(days["total"]["cost"], "11.52");
    let later = history(&api, "from=2026-09-22T12:00:00Z").await;
    assert_eq!(
        later["brokers"].as_array().map(Vec::len),
        Some(1),
        "the other one was gone by then"
    );
    // What it answered before is answered as before.
    let plain = api.call("GET", USAGE, "").await.json();
    assert_eq!((&plain["history"], &plain["brokers"]["used"]), (&Value::Null, &json!(2)));
    for (query, member) in [
        ("from=yesterday", "from"),
        ("to=2026-08-01", "from"),
        ("granularity=week", "granularity"),
        ("from=2026-01-01&granularity=day", "granularity"),
        ("format=xml", "format"),
    ] {
        let refused = api.call("GET", &format!("{USAGE}?{query}"), "").await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["errorAttribute"]),
            (400, &json!(member))
        );
    }
    api.stop().await;
}

#[tokio::test]
async fn usage_is_csv_for_those_who_ask_for_it() {
    let api = TestApi::start().await;
    api.clock.advance_seconds(40);
    let id = broker(&api, "orders", &json!({"team": "+1 or more"})).await;
    api.clock.advance_seconds(HOUR);
    let reply = api.call("GET", &format!("{USAGE}?format=csv&from=2026-09-21&tag=team"), "").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = reply.text.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("from,to,accountId,brokerId,"), "{lines:?}");
    let instance = format!(
        "000000000000,{id},orders,us-east-1,ActiveMQ,INSTANCE,mq.m5.large,1,1,Hrs,0.288,0.288,USD,'+1 or more"
    );
    assert!(lines[1].ends_with(&instance), "{lines:?}");
    assert!(lines[2].contains(",STORAGE,EFS,1,,GB-Mo,0.3,,USD,"), "{lines:?}");
    let other = Client::new("AKIARED", "red-secret", "us-east-1");
    api.add_key("AKIARED", "red-secret", "100000000001").await;
    let refused = api.call_as(&other, "GET", &format!("{USAGE}?format=csv"), "").await;
    assert_eq!(refused.status, 404, "{refused:?}");
    api.stop().await;
}
