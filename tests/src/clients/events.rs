//! Events, as boto3 looks them up.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{python, run_with_input};
use crate::Api;

/// Every event that boto3's paginator of LookupEvents gives for an attribute and its value.
///
/// # Errors
/// When boto3 can't be run, or is refused.
pub fn looked_up(api: &Api, key: &str, value: &str) -> Result<Vec<Value>> {
    const SCRIPT: &str = "import boto3, json, sys
pages = boto3.client('cloudtrail').get_paginator('lookup_events').paginate(
    LookupAttributes=[{'AttributeKey': sys.argv[1], 'AttributeValue': sys.argv[2]}])
print(json.dumps([event for page in pages for event in page['Events']], default=str))";
    let venv = python()?.context("there are no Python clients here")?;
    let mut command = Command::new(venv.join("bin/python"));
    command.env_clear().env("AWS_CONFIG_FILE", "/dev/null");
    command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null").env("AWS_DEFAULT_REGION", &api.region);
    command.env("AWS_ENDPOINT_URL_CLOUDTRAIL", &api.endpoint);
    command.env("AWS_ACCESS_KEY_ID", &api.key).env("AWS_SECRET_ACCESS_KEY", &api.secret);
    let outcome = run_with_input(command.args(["-c", SCRIPT, key, value]), "")?;
    ensure!(outcome.code == Some(0), "boto3: {}", outcome.complaints);
    Ok(serde_json::from_str(&outcome.printed)?)
}
