//! IAM and STS by the SDKs for Java and Rust: a user from its creation to its deletion, and a role that the SDK assumes by
//! itself. No engine runs.

use anyhow::{Context as _, Result, ensure};
use aws_config::{SdkConfig, sts::AssumeRoleProvider};
use aws_sdk_iam::{error::ProvideErrorMetadata as _, types::Tag};
use aws_sdk_mq::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig,
};
use aws_smithy_http_client::Builder as HttpClient;
use brokerd_tests::{Api, clients::Person, scenario};
use serde_json::{Value, json};

const NAME: &str = "rust";
const READ: &str = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";

/// Who may assume a role: whom the account permits to.
fn trust(account: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}]})
    .to_string()
}

/// What a user may do who assumes a role.
fn may_assume(role: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Resource": role}]})
    .to_string()
}

/// What an SDK has found is what there is.
fn agreed(found: &Value, name: &str, user: &str, account: &str) -> Result<()> {
    let expected = json!({
        "root": format!("arn:aws:iam::{account}:root"),
        "user": format!("arn:aws:iam::{account}:user/{user}"),
        "role": format!("arn:aws:sts::{account}:assumed-role/{name}/run-17"),
        "source": name, "brokers": 0, "refused": "AccessDeniedException", "used": "sts",
    });
    ensure!(*found == expected, "{found} is not {expected}");
    Ok(())
}

#[test]
fn the_sdk_for_java_makes_a_user_assumes_a_role_and_deletes_both() -> Result<()> {
    scenario("identities by the SDK for Java", &[], |world| {
        let root = Person::new(&world.api, &world.api.key, &world.api.secret)?;
        let account = "000000000000";
        let Some(found) = root.java(&[&trust(account), &may_assume("ROLE")])? else {
            return Ok(());
        };
        agreed(&found, "java", "sdk/java", account)
    })
}

#[test]
fn the_sdk_for_rust_makes_a_user_assumes_a_role_and_deletes_both() -> Result<()> {
    scenario("identities by the SDK for Rust", &[], |world| {
        let found = world.api.wait(story(&world.api))?;
        agreed(&found, NAME, NAME, "000000000000")
    })
}

/// Somebody with these credentials.
async fn configured(api: &Api, credentials: SharedCredentialsProvider) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(&api.endpoint)
        .region(Region::new(api.region.clone()))
        .http_client(HttpClient::new().build_http())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(credentials)
        .load()
        .await
}

fn key(id: &str, secret: &str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "scenario"))
}

async fn story(api: &Api) -> Result<Value> {
    let root = configured(api, key(&api.key, &api.secret)).await;
    let (iam, sts) = (aws_sdk_iam::Client::new(&root), aws_sdk_sts::Client::new(&root));
    let identity = sts.get_caller_identity().send().await?;
    let account = identity.account().context("an account")?;
    let tag = Tag::builder().key("team").value("red").build()?;
    iam.create_user().user_name(NAME).tags(tag).send().await?;
    let shown = iam.get_user().user_name(NAME).send().await?;
    let user = shown.user().context("a user")?;
    ensure!(user.tags().iter().any(|tag| tag.value() == "red"), "{user:?}");
    let again = iam.create_user().user_name("RUST").send().await.err().context("it is taken")?;
    let again = again.into_service_error();
    ensure!(again.is_entity_already_exists_exception(), "{again:?}");

    let role = iam.create_role().role_name(NAME).assume_role_policy_document(trust(account));
    let role = role.send().await?.role.context("a role")?.arn;
    iam.attach_role_policy().role_name(NAME).policy_arn(READ).send().await?;
    let policy = iam.put_user_policy().user_name(NAME).policy_name("assume");
    policy.policy_document(may_assume(&role)).send().await?;
    let made = iam.create_access_key().user_name(NAME).send().await?;
    let made = made.access_key().context("a key")?;
    let mut found =
        as_user(api, key(made.access_key_id(), made.secret_access_key()), &role).await?;
    let used = iam.get_access_key_last_used().access_key_id(made.access_key_id()).send().await?;
    let used = used.access_key_last_used().context("a use")?;
    ensure!(used.last_used_date().is_some(), "{used:?}");
    found["used"] = used.service_name().into();
    found["root"] = identity.arn().into();

    let id = made.access_key_id();
    iam.delete_access_key().user_name(NAME).access_key_id(id).send().await?;
    iam.delete_user_policy().user_name(NAME).policy_name("assume").send().await?;
    iam.detach_role_policy().role_name(NAME).policy_arn(READ).send().await?;
    iam.delete_role().role_name(NAME).send().await?;
    iam.delete_user().user_name(NAME).send().await?;
    let gone = iam.get_user().user_name(NAME).send().await.err().context("it is gone")?;
    ensure!(gone.into_service_error().is_no_such_entity_exception(), "it is told otherwise");
    Ok(found)
}

async fn as_user(api: &Api, own: SharedCredentialsProvider, role: &str) -> Result<Value> {
    let own = configured(api, own).await;
    let sts = aws_sdk_sts::Client::new(&own);
    let user = sts.get_caller_identity().send().await?;
    let assumed = sts.assume_role().role_arn(role).role_session_name("run-17");
    let assumed = assumed.source_identity(NAME).send().await?;
    let provider = AssumeRoleProvider::builder(role).session_name("run-17").configure(&own);
    let credentials = own.credentials_provider().context("a key")?;
    let provider = provider.build_from_provider(credentials).await;
    let in_role = configured(api, SharedCredentialsProvider::new(provider)).await;
    let identity = aws_sdk_sts::Client::new(&in_role).get_caller_identity().send().await?;
    let mq = aws_sdk_mq::Client::new(&in_role);
    let brokers = mq.list_brokers().send().await?.broker_summaries().len();
    let create = mq.create_configuration().name("x").engine_version("5.19");
    let refused = create.engine_type("ACTIVEMQ".into()).send().await.err();
    let refused = refused.context("no policy allows it")?.into_service_error();
    Ok(json!({
        "user": user.arn(), "role": identity.arn(), "source": assumed.source_identity(), "brokers": brokers,
        "refused": refused.code(),
    }))
}
