//! Users, roles and policies with the tools that people have for them: the AWS CLI, boto3 and Terraform. No engine runs.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    World,
    clients::{self, Person, Terraform},
    scenario,
};
use serde_json::{Value, json};

const READ: &str = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("no {pointer} in {value}"))
}

/// A user with a key, whom the root makes.
fn user(world: &World, root: &Person, name: &str) -> Result<Person> {
    root.succeeds(&["iam", "create-user", "--user-name", name])?;
    let key = root.succeeds(&["iam", "create-access-key", "--user-name", name])?;
    let part = |name: &str| text(&key, &format!("/AccessKey/{name}"));
    Person::new(&world.api, part("AccessKeyId")?, part("SecretAccessKey")?)
}

#[test]
fn people_manage_who_may_do_what_with_the_aws_cli_and_boto3() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("users, roles and policies", &[], |world| {
        let root = Person::new(&world.api, &world.api.key, &world.api.secret)?;
        let identity = root.succeeds(&["sts", "get-caller-identity"])?;
        let account = text(&identity, "/Account")?;
        ensure!(text(&identity, "/Arn")? == format!("arn:aws:iam::{account}:root"), "{identity}");

        let alice = user(world, &root, "alice")?;
        who_alice_is_and_what_she_may(&root, &alice, account)?;
        a_role_for_alice(&root, &alice, account).context("a role")?;
        let profile = format!(
            "[profile deploy]\nrole_arn = arn:aws:iam::{account}:role/deploy\n\
             source_profile = alice\nrole_session_name = run-17"
        );
        let boto3 = root_with_the_key_of_alice(world, &root, &profile).context("boto3")?;
        let found = boto3.boto3("identities.py", &[]).context("boto3")?;
        let session = format!("arn:aws:sts::{account}:assumed-role/deploy/run-17");
        ensure!(found["arn"] == session.as_str() && found["brokers"] == 0, "{found}");
        ensure!(found["refused"]["Code"] == "AccessDeniedException", "{found}");
        what_is_withdrawn_works_no_more(&root, &alice)
    })
}

fn who_alice_is_and_what_she_may(root: &Person, alice: &Person, account: &str) -> Result<()> {
    let identity = alice.succeeds(&["sts", "get-caller-identity"])?;
    ensure!(text(&identity, "/Arn")? == format!("arn:aws:iam::{account}:user/alice"), "{identity}");
    let list = ["mq", "list-brokers"];
    let create = [
        "mq",
        "create-configuration",
        "--name",
        "x",
        "--engine-type",
        "ACTIVEMQ",
        "--engine-version",
        "5.19",
    ];
    alice.refused("AccessDeniedException", &list)?;
    root.succeeds(&["iam", "attach-user-policy", "--user-name", "alice", "--policy-arn", READ])?;
    alice.succeeds(&list)?;
    let complaint = alice.refused("AccessDeniedException", &create)?;
    let sentence = format!(
        "User: arn:aws:iam::{account}:user/alice is not authorized to perform: mq:CreateConfiguration on resource: *"
    );
    ensure!(complaint.contains(&sentence), "{complaint}");
    alice.refused("AccessDenied", &["iam", "list-users"])?;
    let arn = format!("arn:aws:iam::{account}:user/alice");
    let simulated = root.succeeds(&[
        "iam",
        "simulate-principal-policy",
        "--policy-source-arn",
        &arn,
        "--action-names",
        "mq:ListBrokers",
        "mq:DeleteBroker",
    ])?;
    let decisions: Vec<&str> = simulated["EvaluationResults"]
        .as_array()
        .context("results")?
        .iter()
        .filter_map(|result| result["EvalDecision"].as_str())
        .collect();
    ensure!(decisions == ["allowed", "implicitDeny"], "{simulated}");
    Ok(())
}

/// The role may read brokers. Alice may assume it, because the account is trusted and she is permitted to.
fn a_role_for_alice(root: &Person, alice: &Person, account: &str) -> Result<()> {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string();
    let role =
        ["iam", "create-role", "--role-name", "deploy", "--assume-role-policy-document", &trust];
    let created = root.succeeds(&role)?;
    let arn = text(&created, "/Role/Arn")?;
    root.succeeds(&["iam", "wait", "role-exists", "--role-name", "deploy"])?;
    root.succeeds(&["iam", "attach-role-policy", "--role-name", "deploy", "--policy-arn", READ])?;
    let assume = ["sts", "assume-role", "--role-arn", arn, "--role-session-name", "by-hand"];
    alice.refused("AccessDenied", &assume)?;
    let may = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn }],
    })
    .to_string();
    root.succeeds(&[
        "iam",
        "put-user-policy",
        "--user-name",
        "alice",
        "--policy-name",
        "deploys",
        "--policy-document",
        &may,
    ])?;
    let assumed = alice.succeeds(&assume)?;
    ensure!(text(&assumed, "/Credentials/AccessKeyId")?.starts_with("ASIA"), "{assumed}");
    let profile = format!(
        "[profile deploy]\nrole_arn = {arn}\nsource_profile = default\nrole_session_name = cli"
    );
    alice.configure(&profile)?;
    let identity = alice.succeeds(&["--profile", "deploy", "sts", "get-caller-identity"])?;
    let session = format!("arn:aws:sts::{account}:assumed-role/deploy/cli");
    ensure!(text(&identity, "/Arn")? == session, "{identity}");
    alice.succeeds(&["--profile", "deploy", "mq", "list-brokers"]).map(drop)
}

/// The root, whose files have the key of alice in another profile, from which the role is assumed.
fn root_with_the_key_of_alice(world: &World, root: &Person, profile: &str) -> Result<Person> {
    let key = root.succeeds(&["iam", "create-access-key", "--user-name", "alice"])?;
    let part = |name: &str| text(&key, &format!("/AccessKey/{name}"));
    let person = Person::new(&world.api, &world.api.key, &world.api.secret)?;
    person.configure(profile)?;
    person.keep("alice", part("AccessKeyId")?, part("SecretAccessKey")?)?;
    Ok(person)
}

/// What the AWS CLI's users do to delete somebody, and what is left of the key.
fn what_is_withdrawn_works_no_more(root: &Person, alice: &Person) -> Result<()> {
    let name = ["--user-name", "alice"];
    let iam = |operation: &str, more: &[&str]| {
        root.succeeds(&[&["iam", operation], &name[..], more].concat())
    };
    root.refused("DeleteConflict", &[&["iam", "delete-user"], &name[..]].concat())?;
    let keys = iam("list-access-keys", &[])?;
    for key in keys["AccessKeyMetadata"].as_array().context("keys")? {
        iam("delete-access-key", &["--access-key-id", text(key, "/AccessKeyId")?])?;
    }
    iam("detach-user-policy", &["--policy-arn", READ])?;
    iam("delete-user-policy", &["--policy-name", "deploys"])?;
    iam("delete-user", &[])?;
    alice.refused("InvalidClientTokenId", &["sts", "get-caller-identity"])?;
    alice.refused("UnrecognizedClientException", &["mq", "list-brokers"]).map(drop)
}

#[test]
fn terraform_makes_users_roles_and_policies_and_settles() -> Result<()> {
    scenario("identities by Terraform", &[], |world| {
        let Some(terraform) = Terraform::of(world, "identities", &[])? else { return Ok(()) };
        terraform.write("more.tf", MORE)?;
        let applied = terraform.apply()?;
        ensure!(applied.code == Some(0), "{}", applied.printed);
        let differences = terraform.differences()?;
        ensure!(differences.is_empty(), "the plan is not empty: {differences:#?}");
        if clients::python()?.is_some() {
            what_terraform_made_works(world, &terraform)?;
        }
        terraform.write("changed_override.tf", CHANGED)?;
        let applied = terraform.apply()?;
        ensure!(applied.code == Some(0), "after a change: {}", applied.printed);
        let differences = terraform.differences()?;
        ensure!(differences.is_empty(), "the plan is not empty after a change: {differences:#?}");
        terraform.destroy()?;
        let root = Person::new(&world.api, &world.api.key, &world.api.secret)?;
        if clients::python()?.is_some() {
            let left = root.succeeds(&[
                "iam",
                "get-account-authorization-details",
                "--filter",
                "User",
                "Role",
                "Group",
                "LocalManagedPolicy",
            ])?;
            for list in ["UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"] {
                ensure!(left[list] == json!([]), "{left}");
            }
        }
        Ok(())
    })
}

/// What the example has not: more ways to attach, and what can be read.
const MORE: &str = r#"
resource "aws_iam_user_policy_attachment" "alice" {
  user       = aws_iam_user.alice.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonMQApiReadOnlyAccess"
}
resource "aws_iam_group_policy" "readers" {
  name   = "inline"
  group  = aws_iam_group.readers.name
  policy = data.aws_iam_policy_document.tags.json
}
resource "aws_iam_policy" "limit" {
  name   = "limit"
  policy = data.aws_iam_policy_document.tags.json
}
resource "aws_iam_user" "bound" {
  name                 = "bound"
  permissions_boundary = aws_iam_policy.limit.arn
  force_destroy        = true
}
resource "aws_iam_policy_attachment" "tags" {
  name       = "tags"
  users      = [aws_iam_user.bound.name]
  roles      = [aws_iam_role.deploy.name]
  groups     = [aws_iam_group.readers.name]
  policy_arn = aws_iam_policy.limit.arn
}
data "aws_iam_policy_document" "tags" {
  statement {
    actions   = ["mq:CreateTags", "mq:DeleteTags"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/team"
      values   = ["$${aws:PrincipalTag/team}"]
    }
  }
}
data "aws_iam_user" "alice" {
  user_name = aws_iam_user.alice.name
}
data "aws_iam_role" "deploy" {
  name = aws_iam_role.deploy.name
}
data "aws_iam_policy" "read" {
  arn = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess"
}
"#;

/// A new version of the policy, another name of the user, another trust.
const CHANGED: &str = r#"
resource "aws_iam_policy" "configurations" {
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "All", Effect = "Allow", Action = "mq:*", Resource = "*" }]
  })
}
resource "aws_iam_user" "alice" {
  name = "alicia"
}
resource "aws_iam_role" "deploy" {
  description = "Of another pipeline"
}
"#;

fn what_terraform_made_works(world: &World, terraform: &Terraform) -> Result<()> {
    let output = |name: &str| {
        let value = terraform.output(name)?;
        value.as_str().map(str::to_owned).with_context(|| format!("{name} is no text"))
    };
    let alice = Person::new(&world.api, &output("access_key")?, &output("secret")?)?;
    alice.configure(&format!(
        "[profile deploy]\nrole_arn = {}\nsource_profile = default\nrole_session_name = tf",
        output("role")?
    ))?;
    let create = [
        "mq",
        "create-configuration",
        "--name",
        "x",
        "--engine-type",
        "ACTIVEMQ",
        "--engine-version",
        "5.19",
    ];
    alice.succeeds(&["mq", "list-brokers"])?;
    alice.refused("AccessDeniedException", &create)?;
    let created = alice.succeeds(&[&["--profile", "deploy"], &create[..]].concat())?;
    let id = text(&created, "/Id")?;
    let delete = ["--profile", "deploy", "mq", "delete-configuration", "--configuration-id", id];
    alice.succeeds(&delete).map(drop)
}
