//! `brokerd console`: a link that signs whoever follows it in to the web console.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use brokerd_domain::{Clock as _, audit::EventSource, identity::AccessKeyId};
use brokerd_store::ConsoleToken;
use clap::Args;
use serde_json::json;

use super::{
    account,
    host_calls::{HostCall, HostCalls},
    print,
};
use crate::{
    config::Configuration,
    data_dir::DataDir,
    foundation::{connect_once, master_keys},
    system::{OsEntropy, SystemClock},
    urls,
};

/// How long a link may be followed.
const LINK_TTL: Duration = Duration::from_mins(1);

/// As whom the link signs in.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConsoleFlags {
    /// As the holder of this access key: AKIA…; that of the data directory unless given
    #[arg(long, value_name = "KEY")]
    key: Option<AccessKeyId>,
    /// As the root of this account, its number or name
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "key")]
    account: Option<String>,
}

/// Makes a link that can be followed once, within a minute, and prints it.
///
/// # Errors
/// When there is no such key, or the database can't be reached.
pub(crate) async fn run(flags: ConsoleFlags, configuration: &Configuration) -> anyhow::Result<()> {
    let url = urls::client_url(configuration)?;
    let keys = master_keys::load(configuration, None)?;
    let store = connect_once(configuration, &keys).await?;
    let calls = HostCalls::new(store, configuration, "brokerd console");
    let id = match (flags.key, flags.account) {
        (Some(key), _) => key.to_string(),
        (None, Some(account)) => {
            let account = account::find(&calls.store, &account).await?.id;
            let key = calls.store.first_access_key(&account).await?;
            let key = key.with_context(|| {
                format!(
                    "the root of the account {account} has no access key: `brokerd key create --account {account}` makes one"
                )
            })?;
            key.id
        }
        (None, None) => {
            let data_dir = DataDir::at(&configuration.data_dir);
            let key = data_dir.access_key(&configuration.account)?.with_context(|| {
                format!(
                    "there are no credentials in {} yet: start brokerd first (`make run` or `brokerd serve`)",
                    configuration.data_dir.display()
                )
            })?;
            key.id
        }
    };
    let found = calls.store.principal_of(&id).await?;
    let found = found.with_context(|| format!("there is no access key {id}"))?;
    ensure!(found.is_usable(SystemClock.now()), "the access key {id} is disabled or has expired");
    let account = found.caller.principal.account;
    let token = ConsoleToken::generate(&OsEntropy);
    let call = HostCall {
        account: &account,
        source: EventSource::Brokerd,
        operation: "CreateConsoleLink",
        parameters: json!({ "accessKeyId": id }),
    };
    calls
        .call(call, async |store| {
            let expires = SystemClock.now().plus(LINK_TTL);
            let created = store.create_console_link(&token, &id, expires).await?;
            ensure!(created, "the access key {id} was deleted meanwhile");
            Ok(())
        })
        .await?;
    print(&format!("{}/console/#link={}\n", url.trim_end_matches('/'), token.expose()))
}
