//! Tags in every form in which an ARN comes.

use serde_json::json;

use crate::support::TestApi;

#[tokio::test]
async fn tags_are_added_overwritten_and_taken_away_at_once() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    let arn = api.describe(&id).await["brokerArn"].as_str().expect("an ARN").to_owned();
    let encoded = format!("/v1/tags/{}", arn.replace(':', "%3A"));
    let plain = format!("/v1/tags/{arn}");
    assert_eq!(api.call("GET", &encoded, "").await.json(), json!({"tags": {}}));
    for (target, body) in [
        (&encoded, r#"{"tags": {"team": "red", "a b": "\u00fc"}}"#),
        (&plain, r#"{"tags": {"team": "blue"}}"#),
        (&plain, r#"{"tags": {}}"#),
        (&plain, "{}"),
    ] {
        let reply = api.call("POST", target, body).await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    }
    let both = json!({"a b": "\u{fc}", "team": "blue"});
    assert_eq!(api.call("GET", &plain, "").await.json()["tags"], both);
    assert_eq!(api.describe(&id).await["tags"], both);
    let reply = api.call("DELETE", &format!("{encoded}?tagKeys=a%20b&tagKeys=nowhere"), "").await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    assert_eq!(api.describe(&id).await["tags"], json!({"team": "blue"}));
    for (method, target, body, attribute) in [
        ("DELETE", &encoded, "", "tagKeys"),
        ("POST", &encoded, r#"{"tags": {"aws:x": ""}}"#, "tags"),
        ("POST", &encoded, r#"{"tags": {"x": 1}}"#, "tags.x"),
    ] {
        let reply = api.call(method, target, body).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["errorAttribute"]),
            (400, &json!(attribute))
        );
    }
    let other = arn.replace("us-east-1", "eu-west-1").replace(':', "%3A");
    assert_eq!(api.call("GET", &format!("/v1/tags/{other}"), "").await.status, 404);
    api.stop().await;
}
