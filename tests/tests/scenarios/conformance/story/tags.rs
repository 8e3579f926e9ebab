//! CreateTags, ListTags, DeleteTags: an ARN in the path, no body in the answer.

use anyhow::{Result, ensure};
use brokerd_tests::sdk::Client;
use serde_json::json;

use super::{Brokers, configurations::Own};
use crate::conformance::requests::has;

pub(crate) fn are_in_force_at_once(sdk: &mut Client, brokers: &Brokers, own: &Own) -> Result<()> {
    for (arn, before) in [
        (&brokers.activemq_arn, json!({ "team": "order management" })),
        (&own.arn, json!({ "origin": "story" })),
    ] {
        let resource = json!({ "ResourceArn": arn });
        ensure!(sdk.ok("ListTags", &resource)? == json!({ "Tags": before }), "tags of {arn}");
        let more =
            json!({ "a:b/c=d+e@f": "with: signs / and = blanks", "empty": "", "team": "shipping" });
        let made = sdk.ok("CreateTags", &json!({ "ResourceArn": arn, "Tags": more }))?;
        ensure!(made == json!({}), "an answer without a body became {made}");
        let mut all = more.clone();
        if let Some(origin) = before.get("origin") {
            all["origin"] = origin.clone();
        }
        ensure!(sdk.ok("ListTags", &resource)? == json!({ "Tags": all }), "tags of {arn}");

        let keys = json!(["a:b/c=d+e@f", "empty", "never there", "origin"]);
        let deleted = sdk.ok("DeleteTags", &json!({ "ResourceArn": arn, "TagKeys": keys }))?;
        ensure!(deleted == json!({}), "an answer without a body became {deleted}");
        ensure!(
            sdk.ok("ListTags", &resource)? == json!({ "Tags": { "team": "shipping" } }),
            "tags of {arn}"
        );
    }
    let shown = json!({ "Tags": { "team": "shipping" } });
    has(&sdk.ok("DescribeBroker", &json!({ "BrokerId": brokers.activemq }))?, &shown)?;
    has(&sdk.ok("DescribeConfiguration", &json!({ "ConfigurationId": own.id }))?, &shown)?;

    let scope = "arn:aws:mq:us-east-1:000000000000";
    for nowhere in [
        format!("{scope}:broker:nobody:b-00000000-0000-4000-8000-000000000000"),
        format!("{scope}:configuration:c-00000000-0000-4000-8000-000000000000"),
    ] {
        let refusals = [
            sdk.refused("ListTags", &json!({ "ResourceArn": nowhere }))?,
            sdk.refused("CreateTags", &json!({ "ResourceArn": nowhere, "Tags": { "a": "b" } }))?,
            sdk.refused("DeleteTags", &json!({ "ResourceArn": nowhere, "TagKeys": ["a"] }))?,
        ];
        for refusal in refusals {
            refusal.is_exactly("NotFoundException", None, "Resource was not found")?;
        }
    }
    let reserved = json!({ "ResourceArn": own.arn, "Tags": { "aws:mine": "no" } });
    sdk.refused("CreateTags", &reserved)?.is_a("BadRequestException")
}
