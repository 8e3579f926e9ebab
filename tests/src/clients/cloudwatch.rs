//! CloudWatch by an old botocore.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{
    ready::{query, sources},
    run_with_input,
};
use crate::Api;

/// A call of CloudWatch by a botocore that speaks the query protocol; none where it can't be had and may be skipped.
///
/// # Errors
/// When the call does not succeed.
pub fn cloudwatch_by_query(
    api: &Api,
    operation: &str,
    parameters: &Value,
) -> Result<Option<Value>> {
    let Some(venv) = query()? else { return Ok(None) };
    let mut command = Command::new(venv.join("bin/python"));
    command.env_clear().env("AWS_CONFIG_FILE", "/dev/null");
    command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null").env("AWS_DEFAULT_REGION", &api.region);
    command.env("AWS_ENDPOINT_URL_CLOUDWATCH", &api.endpoint);
    command.env("AWS_ACCESS_KEY_ID", &api.key).env("AWS_SECRET_ACCESS_KEY", &api.secret);
    command.args(["-W", "ignore", "-B"]).arg(sources("query").join("cloudwatch.py"));
    command.arg(json!([operation, parameters]).to_string());
    let outcome = run_with_input(&mut command, "")?;
    ensure!(outcome.code == Some(0), "botocore: {}", outcome.complaints);
    Ok(Some(serde_json::from_str(&outcome.printed)?))
}
