//! Requests as they are on the wire, for what depends on every byte a client sends.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{Api, PASSWORD, TIMEOUT, USER, eventually, http::Answer};
use serde_json::{Value, json};

use crate::conformance::requests::with;

/// What a request was refused with.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The header that names the exception.
    pub(crate) class: String,
    pub(crate) attribute: Option<String>,
    pub(crate) message: String,
}

impl Refusal {
    /// That it is a 400, whatever it says.
    pub(crate) fn is_a_bad_request(&self) -> Result<()> {
        ensure!(self.status == 400 && self.class == "BadRequestException", "{self:?}");
        ensure!(!self.message.is_empty(), "it does not say why: {self:?}");
        Ok(())
    }

    /// That it is this, about this member, and says this.
    pub(crate) fn is(&self, class: &str, attribute: Option<&str>, says: &str) -> Result<()> {
        let status = match class {
            "BadRequestException" => 400,
            "NotFoundException" => 404,
            _ => 409,
        };
        ensure!(self.class == class && self.status == status, "not a {class}: {self:?}");
        ensure!(self.attribute.as_deref() == attribute, "not about {attribute:?}: {self:?}");
        ensure!(self.message.contains(says), "it does not say {says:?}: {self:?}");
        Ok(())
    }
}

/// A request that is not JSON but nothing when `body` is null.
pub(crate) fn send(api: &Api, method: &str, path: &str, body: &Value) -> Result<Answer> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    api.signed(method, path, &body).with_context(|| format!("{method} {path} {body}"))
}

/// A request that succeeds, and the object it is answered with.
pub(crate) fn ok(api: &Api, method: &str, path: &str, body: &Value) -> Result<Value> {
    let answer = send(api, method, path, body)?;
    ensure!(answer.status == 200, "{method} {path} {body}: {answer:?}");
    serde_json::from_str(&answer.body).with_context(|| format!("{method} {path}: {answer:?}"))
}

/// A request that is refused.
pub(crate) fn refused(api: &Api, method: &str, path: &str, body: &Value) -> Result<Refusal> {
    let answer = send(api, method, path, body)?;
    ensure!(answer.status >= 400, "{method} {path} {body} was not refused: {answer:?}");
    let told: Value = serde_json::from_str(&answer.body).with_context(|| format!("{answer:?}"))?;
    Ok(Refusal {
        status: answer.status,
        class: answer.header("x-amzn-errortype").unwrap_or_default().to_owned(),
        attribute: told["errorAttribute"].as_str().map(str::to_owned),
        message: told["message"].as_str().unwrap_or_default().to_owned(),
    })
}

/// A GET that succeeds.
pub(crate) fn get(api: &Api, path: &str) -> Result<Value> {
    ok(api, "GET", path, &Value::Null)
}

/// DescribeBroker.
pub(crate) fn describe(api: &Api, id: &str) -> Result<Value> {
    get(api, &format!("/v1/brokers/{id}"))
}

/// UpdateBroker.
pub(crate) fn update(api: &Api, id: &str, changes: &Value) -> Result<Value> {
    ok(api, "PUT", &format!("/v1/brokers/{id}"), changes)
}

/// CreateBroker; the id.
pub(crate) fn create(api: &Api, body: &Value) -> Result<String> {
    crate::conformance::requests::text(&ok(api, "POST", "/v1/brokers", body)?, "brokerId")
}

/// DeleteBroker.
pub(crate) fn delete(api: &Api, id: &str) -> Result<()> {
    ok(api, "DELETE", &format!("/v1/brokers/{id}"), &Value::Null).map(drop)
}

/// CreateConfiguration; the id.
pub(crate) fn configuration(api: &Api, name: &str, engine: &str, version: &str) -> Result<String> {
    let body = json!({ "engineType": engine, "engineVersion": version, "name": name });
    crate::conformance::requests::text(&ok(api, "POST", "/v1/configurations", &body)?, "id")
}

/// RebootBroker, and until it runs again.
pub(crate) fn reboot(api: &Api, id: &str) -> Result<Value> {
    ok(api, "POST", &format!("/v1/brokers/{id}/reboot"), &Value::Null)?;
    eventually(&format!("{id} runs again"), TIMEOUT, || {
        let broker = describe(api, id)?;
        let state = broker["brokerState"].as_str().unwrap_or_default().to_owned();
        ensure!(state == "RUNNING" || state == "REBOOT_IN_PROGRESS", "{id} is {state}");
        Ok((state == "RUNNING").then_some(broker))
    })
}

/// What Terraform always sends with CreateBroker.
///
/// Source: terraform-provider-aws, `broker.go`: the engine is spelt as the user spells it, a user has all
/// members, what is not set is left out.
pub(crate) fn terraform(name: &str, engine: &str) -> Value {
    let (version, host) =
        if engine == "ActiveMQ" { ("5.19", "mq.t3.micro") } else { ("4.3", "mq.m7g.medium") };
    json!({
        "autoMinorVersionUpgrade": true, "brokerName": name, "creatorRequestId": format!("tf-{name}20261125041500000000000001"),
        "deploymentMode": "SINGLE_INSTANCE", "engineType": engine, "engineVersion": version, "hostInstanceType": host,
        "publiclyAccessible": false,
        "users": [{
            "username": USER, "password": PASSWORD, "consoleAccess": engine == "ActiveMQ", "replicationUser": false,
            "groups": [],
        }],
    })
}

/// The same, of a size that no machine here can run: it is stored, described and deleted, and costs nothing.
pub(crate) fn unplaced(name: &str, engine: &str) -> Value {
    let host = if engine == "ActiveMQ" { "mq.m5.4xlarge" } else { "mq.m7g.16xlarge" };
    with(terraform(name, engine), &json!({ "hostInstanceType": host }))
}
