//! Logs of brokers, as boto3 and the AWS CLI read them.

use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

use super::{Outcome, machine, python, run_with_input};
use crate::Api;

/// The events of a log group that boto3's paginator of FilterLogEvents gives for a pattern; none: there is no such group.
///
/// # Errors
/// When boto3 can't be run, or is refused for another reason.
pub fn logged(api: &Api, group: &str, pattern: &str) -> Result<Option<Vec<Value>>> {
    const SCRIPT: &str = "import boto3, json, sys
client = boto3.client('logs')
try:
    pages = client.get_paginator('filter_log_events').paginate(
        logGroupName=sys.argv[1], filterPattern=sys.argv[2], PaginationConfig={'PageSize': 700})
    print(json.dumps([event for page in pages for event in page['events']]))
except client.exceptions.ResourceNotFoundException:
    print('null')";
    let outcome = run(api, "python", &["-c", SCRIPT, group, pattern])?;
    ensure!(outcome.code == Some(0), "boto3: {}", outcome.complaints);
    Ok(serde_json::from_str(&outcome.printed)?)
}

/// The messages of a log stream that boto3 reads by the tokens of GetLogEvents, from its first event on or from its last
/// one back, `most` at a time.
///
/// # Errors
/// When boto3 can't be run, or is refused.
pub fn stream(
    api: &Api,
    group: &str,
    stream: &str,
    forward: bool,
    most: u32,
) -> Result<Vec<String>> {
    const SCRIPT: &str = "import boto3, json, sys
client = boto3.client('logs')
_, group, stream, forward, most = sys.argv
name, found = ('nextForwardToken', []) if forward == 'true' else ('nextBackwardToken', [])
call = {'logGroupName': group, 'logStreamName': stream, 'limit': int(most), 'startFromHead': forward == 'true'}
while True:
    page = client.get_log_events(**call)
    messages = [event['message'] for event in page['events']]
    found = found + messages if forward == 'true' else messages + found
    if page[name] == call.get('nextToken'):
        break
    call['nextToken'] = page[name]
print(json.dumps(found))";
    let (forward, most) = (forward.to_string(), most.to_string());
    let outcome = run(api, "python", &["-c", SCRIPT, group, stream, &forward, &most])?;
    ensure!(outcome.code == Some(0), "boto3: {}", outcome.complaints);
    Ok(serde_json::from_str(&outcome.printed)?)
}

/// `aws logs …`: what it printed, or its complaint.
///
/// # Errors
/// When the AWS CLI can't be run.
pub fn aws_logs(api: &Api, arguments: &[&str]) -> Result<Result<String, String>> {
    let arguments: Vec<&str> = ["logs"].iter().chain(arguments).copied().collect();
    let outcome = run(api, "aws", &arguments)?;
    let complaint = outcome.complaints.trim().to_owned();
    Ok(if outcome.code == Some(0) { Ok(outcome.printed) } else { Err(complaint) })
}

fn run(api: &Api, program: &str, arguments: &[&str]) -> Result<Outcome> {
    let venv = python()?.context("there are no Python clients here")?;
    let mut command = Command::new(venv.join("bin").join(program));
    command.env_clear().env("PATH", machine::variable("PATH").unwrap_or_default());
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &api.endpoint);
    command.env("AWS_DEFAULT_REGION", &api.region).env("AWS_MAX_ATTEMPTS", "1");
    command.env("AWS_ACCESS_KEY_ID", &api.key).env("AWS_SECRET_ACCESS_KEY", &api.secret);
    run_with_input(command.args(arguments), "").map_err(|error| anyhow!("{program}: {error}"))
}
