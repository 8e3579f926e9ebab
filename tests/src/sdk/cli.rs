//! The `aws` command, a process for each call.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::driver::Driver;

/// What the command ends with when the service refused.
const REFUSED_BY_SERVICE: [i64; 2] = [254, 255];

pub(super) fn call(driver: &mut Driver, call: &Value) -> Result<Value> {
    let operation = call["operation"].as_str().context("an operation")?;
    let parameters = match &call["parameters"] {
        Value::Null => Value::Object(Map::new()),
        given => given.clone(),
    };
    let command = kebab(operation);
    let parameters = parameters.to_string();
    let mut arguments =
        vec!["mq", "--output", "json", command.as_str(), "--cli-input-json", &parameters];
    let size = call["page_size"].as_u64().map(|size| size.to_string());
    match &size {
        Some(size) => arguments.extend(["--page-size", size]),
        // Otherwise the command turns pages by itself where it knows how.
        None if operation == "ListBrokers" || operation == "DescribeSharedResources" => {
            arguments.push("--no-paginate");
        }
        None => {}
    }
    let outcome = driver.ask(&json!({ "arguments": arguments }))?;
    let code = outcome["code"].as_i64().context("an exit code")?;
    if code == 0 {
        let printed = outcome["printed"].as_str().unwrap_or_default().trim();
        let value = if printed.is_empty() { json!({}) } else { serde_json::from_str(printed)? };
        return Ok(json!({ "ok": if size.is_some() { json!([value]) } else { value } }));
    }
    let complaint = outcome["complaints"].as_str().unwrap_or_default().trim();
    if complaint.contains("argument operation: ") || complaint.contains("Unknown options") {
        return Ok(json!({ "unknown": complaint }));
    }
    let is_refusal = REFUSED_BY_SERVICE.contains(&code);
    let error = is_refusal.then(|| refusal(complaint, operation)).flatten();
    Ok(json!({ "error": error.unwrap_or_else(|| {
        json!({ "class": format!("exit code {code}"), "modelled": false, "message": complaint })
    }) }))
}

/// Reads `An error occurred (CODE) when calling the OPERATION operation: MESSAGE`.
fn refusal(complaint: &str, operation: &str) -> Option<Value> {
    let (_, rest) = complaint.split_once("An error occurred (")?;
    let (code, rest) = rest.split_once(')')?;
    let message = rest.strip_prefix(&format!(" when calling the {operation} operation: "))?;
    let message = message.split("\n\nAdditional error details:").next()?;
    // It has no classes, only names: those of the model are as typed as it gets.
    let modelled = [
        "BadRequestException",
        "ConflictException",
        "ForbiddenException",
        "InternalServerErrorException",
        "NotFoundException",
        "UnauthorizedException",
    ]
    .contains(&code);
    Some(json!({ "class": code, "modelled": modelled, "code": code, "message": message }))
}

/// `DescribeBrokerEngineTypes` is `describe-broker-engine-types` there.
fn kebab(operation: &str) -> String {
    let mut name = String::new();
    for letter in operation.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_from_what_the_command_prints() {
        let complaint = "aws: [ERROR]: An error occurred (NotFoundException) when calling the DescribeBroker operation: \
            Cannot find it.\n\nAdditional error details:\nErrorAttribute: broker-id";
        let read = refusal(complaint, "DescribeBroker").expect("a refusal");
        assert_eq!(read["class"], "NotFoundException");
        assert_eq!(read["message"], "Cannot find it.");
        assert_eq!(refusal("Unable to locate credentials", "DescribeBroker"), None);
    }

    #[test]
    fn operations_are_spelt_as_commands() {
        assert_eq!(kebab("DescribeBrokerEngineTypes"), "describe-broker-engine-types");
    }
}
