//! What is asked for again and again, and how answers are looked at.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{PASSWORD, USER};
use serde_json::{Value, json};

/// CreateBroker for a small ActiveMQ broker.
pub(crate) fn activemq(name: &str) -> Value {
    json!({
        "BrokerName": name, "EngineType": "ACTIVEMQ", "HostInstanceType": "mq.t3.micro",
        "DeploymentMode": "SINGLE_INSTANCE", "PubliclyAccessible": true, "AutoMinorVersionUpgrade": true,
        "Users": [{ "Username": USER, "Password": PASSWORD, "ConsoleAccess": true }],
    })
}

/// CreateBroker for a small RabbitMQ broker.
pub(crate) fn rabbitmq(name: &str) -> Value {
    let users = json!([{ "Username": USER, "Password": PASSWORD }]);
    let rabbit =
        json!({ "EngineType": "RABBITMQ", "HostInstanceType": "mq.m7g.medium", "Users": users });
    with(activemq(name), &rabbit)
}

/// CreateBroker for a broker that no machine here can run: it costs nothing, and is still listed.
pub(crate) fn giant(name: &str) -> Value {
    with(rabbitmq(name), &json!({ "HostInstanceType": "mq.m7g.16xlarge" }))
}

/// The same with some members changed; null removes one.
pub(crate) fn with(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().into_iter().flatten() {
        if change.is_null() {
            value.as_object_mut().map(|members| members.remove(name));
        } else {
            value[name] = change.clone();
        }
    }
    value
}

/// A member that is a text.
pub(crate) fn text(value: &Value, name: &str) -> Result<String> {
    let member = value.get(name).and_then(Value::as_str);
    Ok(member.with_context(|| format!("no {name} in {value}"))?.to_owned())
}

/// A member that is a list.
pub(crate) fn list<'v>(value: &'v Value, name: &str) -> Result<&'v Vec<Value>> {
    value.get(name).and_then(Value::as_array).with_context(|| format!("no list {name} in {value}"))
}

/// One member of every item of a list, in order.
pub(crate) fn each(value: &Value, name: &str, member: &str) -> Result<Vec<Value>> {
    Ok(list(value, name)?.iter().map(|item| item[member].clone()).collect())
}

/// That these members are just so; null means absent.
pub(crate) fn has(value: &Value, expected: &Value) -> Result<()> {
    for (name, wanted) in expected.as_object().context("expected members")? {
        let is = value.get(name).unwrap_or(&Value::Null);
        ensure!(is == wanted, "{name} is {is}, not {wanted}, in {value}");
    }
    Ok(())
}

/// That something is there, for members whose value is the service's choice.
pub(crate) fn knows(value: &Value, names: &[&str]) -> Result<()> {
    for name in names {
        ensure!(value.get(name).is_some_and(|member| !member.is_null()), "no {name} in {value}");
    }
    Ok(())
}

/// That a list has exactly these items, in any order.
pub(crate) fn same_items(is: &[Value], wanted: &[Value]) -> Result<()> {
    let sorted = |items: &[Value]| {
        let mut texts: Vec<_> = items.iter().map(Value::to_string).collect();
        texts.sort_unstable();
        texts
    };
    ensure!(sorted(is) == sorted(wanted), "{is:?} instead of {wanted:?}");
    Ok(())
}
