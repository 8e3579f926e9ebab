//! `brokerd env`: the variables that AWS tools need.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use brokerd_domain::{
    Clock as _,
    identity::{AccessKeyId, UserName},
};
use brokerd_store::KeyHolderName;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::{account, host_calls::HostCalls, key, print, quoted};
use crate::{
    config::Configuration,
    data_dir::DataDir,
    foundation::{connect_once, master_keys},
    system::SystemClock,
    urls,
};

/// Whose access key is exported.
#[derive(Debug, Clone, Args)]
pub(crate) struct EnvFlags {
    /// A user's key, made if the user has none; the key of the data directory unless given
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The account of the user, its number or name; that of the configuration unless given
    #[arg(long, value_name = "ACCOUNT", requires = "user")]
    account: Option<String>,
}

/// Prints the variables as shell exports.
///
/// # Errors
/// When there is no access key in the data directory yet; for a user also when there is no such user, or the database can't
/// be reached.
pub(crate) async fn run(flags: EnvFlags, configuration: &Configuration) -> anyhow::Result<()> {
    let (id, secret) = match &flags.user {
        None => key_of_data_dir(configuration)?,
        Some(user) => key_of_user(configuration, flags.account.as_deref(), user).await?,
    };
    print(&exports(configuration, &id, &secret)?)
}

fn key_of_data_dir(configuration: &Configuration) -> anyhow::Result<(String, SecretString)> {
    let data_dir = DataDir::at(&configuration.data_dir);
    let key = data_dir.access_key(&configuration.account)?.with_context(|| {
        format!(
            "there are no credentials in {} yet: start brokerd first (`make run` or `brokerd serve`)",
            configuration.data_dir.display()
        )
    })?;
    Ok((key.id, key.secret))
}

/// The oldest key of the user that signs; a fresh one where there is none.
async fn key_of_user(
    configuration: &Configuration,
    account: Option<&str>,
    user: &str,
) -> anyhow::Result<(String, SecretString)> {
    let keys = master_keys::load(configuration, None)?;
    let store = connect_once(configuration, &keys).await?;
    let account = account.unwrap_or(configuration.account.as_str());
    let account = account::find(&store, account).await?.id;
    let name = UserName::parse(user)?;
    if store.iam_user(&account, &name).await?.is_none() {
        bail!(
            "the account {account} has no user {name}: `brokerd key create --user {name}` makes one"
        );
    }
    let (holder, now) = (KeyHolderName::User(&name), SystemClock.now());
    let known = store.access_keys(&account, holder).await?;
    let id = match known.into_iter().find(|key| key.is_usable(now)) {
        Some(key) => key.id,
        None => {
            let calls = HostCalls::new(store, configuration, "brokerd env");
            let (id, secret) = key::create_key(&calls, &account, Some(&name), None).await?;
            return Ok((id.to_string(), secret));
        }
    };
    let key = store.principal_of(id.as_str()).await?;
    let key = key.with_context(|| format!("the access key {id} was deleted meanwhile"))?;
    Ok((AccessKeyId::to_string(&id), key.secret))
}

fn exports(
    configuration: &Configuration,
    id: &str,
    secret: &SecretString,
) -> anyhow::Result<String> {
    let data_dir = DataDir::at(&configuration.data_dir);
    let region = configuration.region.as_str();
    let ca = data_dir.ca_path();
    let url = urls::client_url(configuration)?;
    let services = ["MQ", "STS", "IAM", "CLOUDTRAIL", "CLOUDWATCH", "CLOUDWATCH_LOGS"];
    let endpoints = services.map(|service| (format!("AWS_ENDPOINT_URL_{service}"), url.clone()));
    let others = [
        ("AWS_ACCESS_KEY_ID", id.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret.expose_secret().to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("BROKERD_CA_FILE", ca.to_string_lossy().into_owned()),
    ];
    let others = others.map(|(name, value)| (name.to_owned(), value));
    let mut text = String::new();
    for (name, value) in endpoints.into_iter().chain(others) {
        writeln!(text, "export {name}={}", quoted(&value))?;
    }
    // A session token of other credentials would make every signature wrong.
    writeln!(text, "unset AWS_SESSION_TOKEN")?;
    Ok(text)
}
