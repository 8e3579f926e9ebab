//! What Grafana's CloudWatch source asks of other services at the same endpoint.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request},
};
use brokerd_api::sigv4;
use brokerd_domain::Clock;
use serde_json::{Value, json};

use crate::{
    query::{Who, allow},
    support::{Client, Reply, TestApi, activemq, rabbitmq},
};

impl TestApi {
    async fn neighbour(
        &self,
        who: &Who,
        (service, path): (&str, &str),
        (media_type, target): (&str, &str),
        body: &str,
    ) -> Reply {
        let mut credentials = who.client.credentials.clone();
        credentials.service = service.to_owned();
        let text = |text: &str| HeaderValue::from_str(text).expect("a header");
        let mut headers = HeaderMap::new();
        headers.insert("host", text("brokerd.example:8170"));
        headers.insert("content-type", text(media_type));
        if !target.is_empty() {
            headers.insert("x-amz-target", text(target));
        }
        let request = sigv4::Request {
            method: "POST",
            path,
            query: "",
            headers: &headers,
            authority: None,
            body: body.as_bytes(),
        };
        headers.extend(sigv4::sign(&request, &credentials, self.clock.now()));
        let mut request = Request::new(Body::from(body.to_owned()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().expect("a path");
        *request.headers_mut() = headers;
        self.send(request).await
    }

    async fn resources_as(&self, who: &Who, input: &Value) -> Reply {
        let target = "ResourceGroupsTaggingAPI_20170126.GetResources";
        let form = ("application/x-amz-json-1.1", target);
        self.neighbour(who, ("tagging", "/"), form, &input.to_string()).await
    }

    async fn resources(&self, input: &Value) -> Vec<String> {
        let reply = self.resources_as(&Who::from(&self.alice), input).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let all = reply.json()["ResourceTagMappingList"].as_array().expect("resources").clone();
        // Identifiers are long, and different each time.
        let short = |arn: &str| {
            arn.split(":b-").next().expect("a text").split(":c-").next().expect("a text").to_owned()
        };
        all.iter().map(|one| short(one["ResourceARN"].as_str().expect("an ARN"))).collect()
    }

    async fn regions_as(&self, who: &Who, more: &str) -> Reply {
        let form = ("application/x-www-form-urlencoded", "");
        let body = format!("Action=DescribeRegions&Version=2016-11-15{more}");
        self.neighbour(who, ("ec2", "/"), form, &body).await
    }
}

#[tokio::test]
async fn brokers_configurations_and_alarms_are_found_by_their_tags() {
    let api = TestApi::start().await;
    let red = r#", "tags": {"team": "red", "stage": "test"}"#;
    for body in
        [rabbitmq("a", red), activemq("b", r#", "tags": {"team": "blue"}"#), rabbitmq("c", "")]
    {
        assert_eq!(api.call("POST", "/v1/brokers", &body).await.status, 200);
    }
    let alarm = json!({
        "AlarmName": "x", "MetricName": "MessageCount", "Namespace": "AWS/AmazonMQ", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold",
        "Tags": [{"Key": "team", "Value": "red"}],
    });
    api.cloudwatch(super::Form::Json, "PutMetricAlarm", &alarm).await.ok();
    let broker = |name: &str| format!("arn:aws:mq:us-east-1:000000000000:broker:{name}");
    let alarm = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:x".to_owned();
    let all = api.resources(&json!({})).await;
    assert!(
        all.contains(&alarm) && all.contains(&broker("a")) && all.contains(&broker("b")),
        "{all:?}"
    );
    assert!(!all.contains(&broker("c")), "what has no tags is not told: {all:?}");
    let of = |key: &str, values: &[&str]| json!([{"Key": key, "Values": values}]);
    let brokers = json!(["mq:broker"]);
    for (input, expected) in [
        (json!({"TagFilters": of("team", &["red"])}), vec![alarm.clone(), broker("a")]),
        (
            json!({"TagFilters": of("team", &["red", "blue"]), "ResourceTypeFilters": brokers}),
            vec![broker("a"), broker("b")],
        ),
        (json!({"TagFilters": of("stage", &[]), "ResourceTypeFilters": ["mq"]}), vec![broker("a")]),
        (json!({"TagFilters": of("stage", &["live"])}), vec![]),
        (json!({"ResourceTypeFilters": ["ec2:instance"]}), vec![]),
        (json!({"ResourceARNList": [alarm]}), vec![alarm.clone()]),
    ] {
        assert_eq!(api.resources(&input).await, expected, "{input}");
    }
    let who = Who::from(&api.alice);
    let first = api
        .resources_as(&who, &json!({"ResourcesPerPage": 1, "TagFilters": of("team", &[])}))
        .await
        .json();
    let token = first["PaginationToken"].as_str().expect("a token");
    assert_eq!(
        first["ResourceTagMappingList"][0]["Tags"],
        json!([{"Key": "team", "Value": "red"}])
    );
    let next = json!({"PaginationToken": token, "TagFilters": of("team", &[])});
    let rest = api.resources(&next).await;
    assert!(!rest.contains(&alarm) && rest.contains(&broker("a")), "{rest:?}");
    for wrong in [
        json!({"ResourcesPerPage": 0}),
        json!({"PaginationToken": "x"}),
        json!({"TagFilters": [{"Values": ["x"]}]}),
        json!({"TagFilters": 1}),
        json!(7),
    ] {
        let reply = api.resources_as(&who, &wrong).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["__type"]),
            (400, &json!("InvalidParameterException"))
        );
    }
    let elsewhere = Who::from(&Client::new("AKIAALICE", "alice-secret", "eu-west-1"));
    let none = api.resources_as(&elsewhere, &json!({})).await.json();
    assert_eq!(none["ResourceTagMappingList"], json!([]));
    api.stop().await;
}

#[tokio::test]
async fn regions_are_those_that_requests_may_be_signed_for() {
    let api = TestApi::start_in("us-east-1").await;
    let who = Who::from(&api.alice);
    let reply = api.regions_as(&who, "").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let start =
        "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>";
    assert!(reply.text.starts_with(start), "{}", reply.text);
    let item = "<regionInfo><item><regionName>us-east-1</regionName><regionEndpoint>ec2.us-east-1.amazonaws.com</regionEndpoint>";
    assert!(reply.text.contains(item), "{}", reply.text);
    let named = api.regions_as(&who, "&RegionName.1=us-east-1").await;
    assert_eq!(named.status, 200);
    let unknown = api.regions_as(&who, "&RegionName.1=moon-1").await;
    assert!(
        unknown.text.contains("<Response><Errors><Error><Code>InvalidParameterValue</Code>"),
        "{unknown:?}"
    );
    let form = ("application/x-www-form-urlencoded", "");
    let other = "Action=DescribeInstances&Version=2016-11-15";
    let other = api.neighbour(&who, ("ec2", "/"), form, other).await;
    assert_eq!(other.status, 400);
    assert!(other.text.contains("<Code>InvalidAction</Code>"), "{other:?}");
    let forger = Who::from(&Client::new("AKIAALICE", "wrong", "us-east-1"));
    let forged = api.regions_as(&forger, "").await;
    assert!(forged.text.contains("<Code>AuthFailure</Code>"), "{forged:?}");
    api.stop().await;
}

#[tokio::test]
async fn there_are_no_sinks_and_no_links() {
    let api = TestApi::start().await;
    for path in ["/ListSinks", "/ListAttachedLinks"] {
        let form = ("application/json", "");
        let reply = api.neighbour(&Who::from(&api.alice), ("oam", path), form, "{}").await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"Items": []})), "{path}");
    }
    api.stop().await;
}

#[tokio::test]
async fn neighbours_need_permissions_of_their_own() {
    let api = TestApi::start().await;
    let nobody = api.caller_named("nobody", None).await;
    let grafana = api.caller_named("grafana", Some(&allow("tag:GetResources"))).await;
    assert_eq!(api.resources_as(&grafana, &json!({})).await.status, 200);
    let refused = api.resources_as(&nobody, &json!({})).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["__type"]),
        (400, &json!("AccessDeniedException"))
    );
    let refused = api.regions_as(&nobody, "").await;
    assert!(refused.text.contains("<Code>UnauthorizedOperation</Code>"), "{refused:?}");
    let refused =
        api.neighbour(&nobody, ("oam", "/ListSinks"), ("application/json", ""), "{}").await;
    assert_eq!(refused.status, 403);
    api.stop().await;
}
