//! `brokerd account`: makes, shows, suspends and deletes accounts, and sets their quotas.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use brokerd_domain::{
    AccountId, Clock as _,
    audit::EventSource,
    identity::{Account, AccountName, AccountNetwork, AccountState, AccountUsage, Quotas},
};
use brokerd_store::{
    AccountUpdate, DeleteAccountOutcome, NewAccountOutcome, PgStore, UpdateAccountOutcome,
};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{
    host_calls::{HostCall, HostCalls},
    print,
};
use crate::{
    config::Configuration,
    foundation::{connect_once, master_keys},
    system::{OsEntropy, SystemClock},
};

/// How often a fresh identifier may be one that is taken.
const TRIES: usize = 8;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AccountCommand {
    /// List the accounts, with the resources of their brokers
    List,
    /// Create an account and print its number; `brokerd key create --account` gives it a key
    Create {
        /// Its name
        name: String,
        /// Its number, twelve digits; chosen unless given
        #[arg(long)]
        id: Option<AccountId>,
        #[command(flatten)]
        quotas: QuotaFlags,
    },
    /// Rename an account
    Rename {
        /// Its number or name
        account: String,
        /// Its new name
        name: String,
    },
    /// Refuse an account's calls; its brokers keep running
    Suspend {
        /// Its number or name
        account: String,
    },
    /// Accept an account's calls again
    Resume {
        /// Its number or name
        account: String,
    },
    /// Change the quotas that are named; the others stay
    Quota {
        /// Its number or name
        account: String,
        #[command(flatten)]
        quotas: QuotaFlags,
    },
    /// Delete an empty account, and the keys of its root
    Delete {
        /// Its number or name
        account: String,
    },
}

/// Quotas on the command line.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct QuotaFlags {
    /// Brokers in all regions together: a number, or `none`
    #[arg(long, value_name = "NUMBER", value_parser = parse_quota)]
    brokers: Option<QuotaValue>,
    /// Memory of the instance types of all brokers together, in MiB: a number, or `none`
    #[arg(long, value_name = "NUMBER", value_parser = parse_quota)]
    memory_mib: Option<QuotaValue>,
    /// Storage of all brokers together, in GiB: a number, or `none`
    #[arg(long, value_name = "NUMBER", value_parser = parse_quota)]
    storage_gib: Option<QuotaValue>,
    /// Calls per second in the long run: a number from 1 on, or `none` for what every account has
    #[arg(long, value_name = "NUMBER", value_parser = parse_rate)]
    api_rate: Option<QuotaValue>,
}

/// A quota that is set or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct QuotaValue(Option<u32>);

fn parse_quota(text: &str) -> Result<QuotaValue, String> {
    if text == "none" {
        return Ok(QuotaValue(None));
    }
    text.parse().map(|number| QuotaValue(Some(number))).map_err(|_| "a number or none".to_owned())
}

fn parse_rate(text: &str) -> Result<QuotaValue, String> {
    match parse_quota(text)? {
        QuotaValue(Some(0)) => {
            Err("the rate must be at least 1; use `brokerd account suspend`".to_owned())
        }
        rate => Ok(rate),
    }
}

impl QuotaFlags {
    fn applied_to(self, quotas: Quotas) -> Quotas {
        Quotas {
            brokers: self.brokers.map_or(quotas.brokers, |value| value.0),
            memory_mib: self.memory_mib.map_or(quotas.memory_mib, |value| value.0),
            storage_gib: self.storage_gib.map_or(quotas.storage_gib, |value| value.0),
            api_rate: self.api_rate.map_or(quotas.api_rate, |value| value.0),
        }
    }
}

/// Runs `brokerd account`.
///
/// # Errors
/// An error whose text is shown to the user.
pub(crate) async fn run(
    command: AccountCommand,
    configuration: &Configuration,
) -> anyhow::Result<()> {
    let keys = master_keys::load(configuration, None)?;
    let store = connect_once(configuration, &keys).await?;
    let calls = HostCalls::new(store, configuration, "brokerd account");
    match command {
        AccountCommand::List => list(&calls.store).await,
        AccountCommand::Create { name, id, quotas } => {
            let account = create(&calls, &name, id, quotas.applied_to(Quotas::default())).await?;
            print(&format!("{account}\n"))
        }
        AccountCommand::Rename { account, name } => {
            let name = AccountName::parse(&name)?;
            update(&calls, &account, |_| AccountUpdate {
                name: Some(&name),
                ..AccountUpdate::default()
            })
            .await
        }
        AccountCommand::Suspend { account } => {
            set_state(&calls, &account, AccountState::Suspended).await
        }
        AccountCommand::Resume { account } => {
            set_state(&calls, &account, AccountState::Active).await
        }
        AccountCommand::Quota { account, quotas } => {
            update(&calls, &account, |account| AccountUpdate {
                quotas: Some(quotas.applied_to(account.quotas)),
                ..AccountUpdate::default()
            })
            .await
        }
        AccountCommand::Delete { account } => delete(&calls, &account).await,
    }
}

/// The account of that number or name.
///
/// # Errors
/// When there is none, or the database can't be read.
pub(super) async fn find(store: &PgStore, text: &str) -> anyhow::Result<Account> {
    if let Ok(id) = text.parse::<AccountId>()
        && let Some(account) = store.account(&id).await?
    {
        return Ok(account);
    }
    let accounts = store.accounts().await?;
    let named = accounts
        .into_iter()
        .find(|account| account.name.as_str().to_lowercase() == text.to_lowercase());
    named.with_context(|| format!("there is no account {text}: `brokerd account list`"))
}

async fn list(store: &PgStore) -> anyhow::Result<()> {
    let mut text = String::new();
    let usage = store.accounts_usage().await?;
    for account in store.accounts().await? {
        let used = usage.get(&account.id).copied().unwrap_or_default();
        writeln!(text, "{}", line(&account, used))?;
    }
    print(&text)
}

fn line(account: &Account, used: AccountUsage) -> String {
    let Account { id, name, quotas, state, .. } = account;
    let of = |most: Option<u32>| most.map_or(String::new(), |most| format!(" of {most}"));
    let rate = quotas.api_rate.map_or(String::new(), |rate| format!(", {rate} calls per second"));
    let state = match state {
        AccountState::Active => "",
        AccountState::Suspended => ", suspended",
    };
    format!(
        "{id} {name}: {}{} brokers, {}{} MiB memory, {}{} GiB storage{rate}{state}",
        used.brokers,
        of(quotas.brokers),
        used.memory_mib,
        of(quotas.memory_mib),
        used.storage_gib,
        of(quotas.storage_gib),
    )
}

/// A call about accounts, which is an event of the operator's.
const fn of_accounts<'a>(
    calls: &'a HostCalls,
    operation: &'static str,
    parameters: Value,
) -> HostCall<'a> {
    HostCall { account: &calls.operator, source: EventSource::Brokerd, operation, parameters }
}

async fn delete(calls: &HostCalls, account: &str) -> anyhow::Result<()> {
    let Account { id, name, .. } = find(&calls.store, account).await?;
    ensure!(id != calls.operator, "{id} is the operator's own account");
    let call = of_accounts(calls, "DeleteAccount", json!({ "account-id": id.as_str() }));
    calls
        .call(call, async |store| match store.delete_account(&id, SystemClock.now()).await? {
            DeleteAccountOutcome::Deleted => Ok(()),
            DeleteAccountOutcome::NotFound => bail!("the account {id} is gone"),
            DeleteAccountOutcome::InUse(what) => bail!("the account {id} still has {what}"),
        })
        .await?;
    print(&format!("{id} {name} is deleted\n"))
}

async fn create(
    calls: &HostCalls,
    name: &str,
    id: Option<AccountId>,
    quotas: Quotas,
) -> anyhow::Result<AccountId> {
    let name = AccountName::parse(name)?;
    let call = of_accounts(calls, "CreateAccount", {
        json!({ "name": name.as_str(), "quotas": members(quotas) })
    });
    let answer =
        |id: &AccountId| Some(Map::from_iter([("accountId".to_owned(), id.as_str().into())]));
    calls
        .call_answered(call, async |store| insert_account(&store, &name, id, quotas).await, answer)
        .await
}

/// Quotas as the API names them, without those that there are not.
fn members(quotas: Quotas) -> Value {
    let Quotas { brokers, memory_mib, storage_gib, api_rate } = quotas;
    let all = [
        ("brokers", brokers),
        ("memoryMib", memory_mib),
        ("storageGib", storage_gib),
        ("apiRate", api_rate),
    ];
    all.into_iter().filter_map(|(name, most)| Some((name.to_owned(), Value::from(most?)))).collect()
}

async fn insert_account(
    store: &PgStore,
    name: &AccountName,
    id: Option<AccountId>,
    quotas: Quotas,
) -> anyhow::Result<AccountId> {
    for _ in 0..TRIES {
        let account = Account {
            id: id.clone().unwrap_or_else(|| AccountId::generate(&OsEntropy)),
            name: name.clone(),
            state: AccountState::Active,
            quotas,
            network: AccountNetwork::default(),
            created: SystemClock.now(),
        };
        match store.create_account(&account).await? {
            NewAccountOutcome::Created => return Ok(account.id),
            NewAccountOutcome::NameTaken => bail!("another account is called {name}"),
            NewAccountOutcome::IdTaken if id.is_some() => {
                bail!("there is an account {} already", account.id)
            }
            NewAccountOutcome::IdTaken => {}
        }
    }
    bail!("no free number was found: choose one by --id")
}

async fn set_state(calls: &HostCalls, account: &str, state: AccountState) -> anyhow::Result<()> {
    update(calls, account, |_| AccountUpdate { state: Some(state), ..AccountUpdate::default() })
        .await
}

async fn update<'a>(
    calls: &HostCalls,
    account: &str,
    change: impl FnOnce(&Account) -> AccountUpdate<'a>,
) -> anyhow::Result<()> {
    let store = &calls.store;
    let before = find(store, account).await?;
    let update = change(&before);
    let mut parameters = json!({ "account-id": before.id.as_str() });
    let changed = [
        ("name", update.name.map(|name| name.as_str().into())),
        ("state", update.state.map(|state| state.as_str().into())),
        ("quotas", update.quotas.map(members)),
    ];
    for (member, value) in changed {
        if let Some(value) = value {
            parameters[member] = value;
        }
    }
    let call = of_accounts(calls, "UpdateAccount", parameters);
    calls
        .call(call, async |store| match store.update_account(&before.id, update).await? {
            UpdateAccountOutcome::Updated => Ok(()),
            UpdateAccountOutcome::NotFound => bail!("the account {} is gone", before.id),
            UpdateAccountOutcome::NameTaken => bail!("another account has that name"),
        })
        .await?;
    let after = find(store, before.id.as_str()).await?;
    let usage = store.account_usage(&after.id).await?.unwrap_or_default();
    print(&format!("{}\n", line(&after, usage)))
}

#[cfg(test)]
mod tests {
    use brokerd_domain::Timestamp;

    use super::*;

    #[test]
    fn quotas_are_numbers_or_none_and_what_is_not_named_stays() {
        assert_eq!(parse_quota("none"), Ok(QuotaValue(None)));
        assert_eq!(parse_quota("0"), Ok(QuotaValue(Some(0))));
        for wrong in ["", "-1", "many", "4294967296"] {
            assert!(parse_quota(wrong).is_err(), "{wrong}");
        }
        assert!(parse_rate("0").is_err() && parse_rate("1").is_ok() && parse_rate("none").is_ok());
        let flags = QuotaFlags {
            brokers: Some(QuotaValue(None)),
            memory_mib: Some(QuotaValue(Some(7))),
            storage_gib: None,
            api_rate: None,
        };
        let before =
            Quotas { brokers: Some(1), memory_mib: None, storage_gib: Some(3), api_rate: Some(2) };
        let after = Quotas { brokers: None, memory_mib: Some(7), ..before };
        assert_eq!(flags.applied_to(before), after);
    }

    #[test]
    fn an_account_is_one_line() {
        let account = Account {
            id: "100000000001".parse().expect("an account"),
            name: AccountName::parse("Team Red").expect("a name"),
            state: AccountState::Suspended,
            quotas: Quotas {
                brokers: Some(5),
                memory_mib: None,
                storage_gib: Some(100),
                api_rate: Some(9),
            },
            network: AccountNetwork::default(),
            created: Timestamp::from_micros(0),
        };
        let used = AccountUsage { brokers: 3, memory_mib: 3072, storage_gib: 60 };
        let expected = "100000000001 Team Red: 3 of 5 brokers, 3072 MiB memory, 60 of 100 GiB storage, 9 calls per second, suspended";
        assert_eq!(line(&account, used), expected);
        let active = Account { state: AccountState::Active, quotas: Quotas::default(), ..account };
        let expected = "100000000001 Team Red: 0 brokers, 0 MiB memory, 0 GiB storage";
        assert_eq!(line(&active, AccountUsage::default()), expected);
    }
}
