//! `brokerd key`: makes, shows and withdraws access keys.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context as _, bail, ensure};
use brokerd_domain::{
    AccountId, Clock as _, Tags, Timestamp,
    identity::{
        AccessKey, AccessKeyId, AccessKeyState, IamArn, Path, PolicyName, PolicyOwner, User,
        UserId, UserName, generate_secret_access_key,
    },
    policy::PrincipalKind,
};
use brokerd_store::{
    AttachOutcome, IamPageQuery, IdentityName, KeyHolderName, NewIdentityOutcome, NewKeyOutcome,
    PgStore,
};
use clap::Subcommand;
use secrecy::{ExposeSecret as _, SecretString};

use super::{account, print, quoted};
use crate::{
    config::Configuration,
    foundation::{connect_once, master_keys},
    system::{OsEntropy, SystemClock},
};

/// The user of keys that may only read, unless another one is named.
const READ_ONLY_USER: &str = "read-only";
/// What such a user may do.
const READ_ONLY_POLICY: &str = "AmazonMQReadOnlyAccess";
/// Users that are read at once.
const PAGE: u32 = 500;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum KeyCommand {
    /// Print the access keys of an account, without their secrets
    List {
        /// The account's number or name; that of the configuration unless given
        #[arg(long)]
        account: Option<String>,
    },
    /// Make an access key and print it as shell exports: eval "$(brokerd key create …)"
    Create {
        /// The account's number or name; that of the configuration unless given
        #[arg(long)]
        account: Option<String>,
        /// Whose key it is: a user, made if there is none of that name; the account's root unless given
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// The key of a user who may only look at brokers and configurations
        #[arg(long)]
        read_only: bool,
        /// For how many days it is valid; for ever unless given
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
    },
    /// Make a key sign no more, until it is enabled again
    Disable {
        /// AKIA…
        key: AccessKeyId,
    },
    /// Make a key sign again
    Enable {
        /// AKIA…
        key: AccessKeyId,
    },
    /// Delete a key
    Delete {
        /// AKIA…
        key: AccessKeyId,
    },
}

/// Runs `brokerd key`.
///
/// # Errors
/// The message for the user.
pub(crate) async fn run(command: KeyCommand, configuration: &Configuration) -> anyhow::Result<()> {
    let keys = master_keys::load(configuration, None)?;
    let store = connect_once(configuration, &keys).await?;
    match command {
        KeyCommand::List { account } => {
            list(&store, &account_id(&store, configuration, account).await?).await
        }
        KeyCommand::Create { account, user, read_only, days } => {
            let account = account_id(&store, configuration, account).await?;
            let user = user.or_else(|| read_only.then(|| READ_ONLY_USER.to_owned()));
            let user = user.as_deref().map(UserName::parse).transpose()?;
            if let Some(name) = &user {
                ensure_user(&store, &account, name, read_only).await?;
            }
            create(&store, &account, user.as_ref(), days).await
        }
        KeyCommand::Disable { key } => set_state(&store, &key, AccessKeyState::Inactive).await,
        KeyCommand::Enable { key } => set_state(&store, &key, AccessKeyState::Active).await,
        KeyCommand::Delete { key } => {
            let (account, user) = holder(&store, &key).await?;
            store.delete_access_key(&account, name_of(user.as_ref()), &key).await?;
            print(&format!(
                "{key} is deleted; requests that it signs are refused within five seconds\n"
            ))
        }
    }
}

async fn account_id(
    store: &PgStore,
    configuration: &Configuration,
    named: Option<String>,
) -> anyhow::Result<AccountId> {
    match named {
        Some(text) => Ok(account::find(store, &text).await?.id),
        None => Ok(account::find(store, configuration.account.as_str()).await?.id),
    }
}

const fn name_of(user: Option<&UserName>) -> KeyHolderName<'_> {
    match user {
        Some(name) => KeyHolderName::User(name),
        None => KeyHolderName::Root,
    }
}

/// Makes the user if there is none. One that is to be read-only has the policy for it and nothing else.
async fn ensure_user(
    store: &PgStore,
    account: &AccountId,
    name: &UserName,
    read_only: bool,
) -> anyhow::Result<()> {
    let identity = IdentityName::User(name.clone());
    let policy =
        IamArn::Policy(PolicyOwner::Aws, Path::default(), PolicyName::parse(READ_ONLY_POLICY)?);
    if let Some(user) = store.iam_user(account, name).await? {
        if read_only {
            let attached = store.attached_policies(account, &identity).await?.unwrap_or_default();
            let inline = store.inline_policies(account, &identity).await?.unwrap_or_default();
            let groups = store.groups_of_user(&user).await?;
            ensure!(
                attached == [policy] && inline.is_empty() && groups.is_empty(),
                "the user {name} has other policies than {READ_ONLY_POLICY}: choose another one by --user"
            );
        }
        return Ok(());
    }
    let user = User {
        id: UserId::generate(&OsEntropy),
        account: account.clone(),
        path: Path::default(),
        name: name.clone(),
        created: SystemClock.now(),
        boundary: None,
        tags: Tags::default(),
    };
    match store.create_iam_user(&user).await? {
        NewIdentityOutcome::Created => {}
        NewIdentityOutcome::NameTaken => {
            bail!("there is a user {name} in another letter case, or since this moment")
        }
        NewIdentityOutcome::TooMany => bail!("the account has as many users as it may have"),
        NewIdentityOutcome::NoBoundary | NewIdentityOutcome::NoAccount => {
            bail!("the account {account} is gone")
        }
    }
    if read_only {
        let attached = store.attach_policy(account, &identity, &policy).await?;
        ensure!(attached == AttachOutcome::Done, "{READ_ONLY_POLICY} could not be attached");
    }
    Ok(())
}

async fn create(
    store: &PgStore,
    account: &AccountId,
    user: Option<&UserName>,
    days: Option<u32>,
) -> anyhow::Result<()> {
    let (id, secret) = made(store, account, user, days).await?;
    print(&format!(
        "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nunset AWS_SESSION_TOKEN\n",
        quoted(id.as_str()),
        quoted(secret.expose_secret())
    ))
}

/// Makes a key of a user, or of the account's root.
///
/// # Errors
/// When there are two already, the user is gone, or the database can't be written.
pub(super) async fn made(
    store: &PgStore,
    account: &AccountId,
    user: Option<&UserName>,
    days: Option<u32>,
) -> anyhow::Result<(AccessKeyId, SecretString)> {
    let now = SystemClock.now();
    let expires = days.map(|days| now.plus(Duration::from_hours(24) * days));
    let id = AccessKeyId::generate(&OsEntropy);
    let secret = generate_secret_access_key(&OsEntropy);
    match store.create_access_key(account, name_of(user), &id, &secret, expires, now).await? {
        NewKeyOutcome::Created => {}
        NewKeyOutcome::TooMany => bail!(
            "there are two access keys already: delete one (`brokerd key list --account {account}`)"
        ),
        NewKeyOutcome::NoHolder => bail!("the user or the account {account} is gone"),
        NewKeyOutcome::IdTaken => bail!("the identifier {id} is taken: try again"),
    }
    Ok((id, secret))
}

async fn list(store: &PgStore, account: &AccountId) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let mut text = String::new();
    for key in store.access_keys(account, KeyHolderName::Root).await? {
        writeln!(text, "{}", line(&key, "root", now))?;
    }
    let mut after: Option<String> = None;
    loop {
        let query = IamPageQuery { path_prefix: "/", after: after.as_deref(), most: PAGE };
        let page = store.iam_users(account, query).await?;
        for user in page.items {
            for key in store.access_keys(account, KeyHolderName::User(&user.name)).await? {
                writeln!(text, "{}", line(&key, user.name.as_str(), now))?;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    print(&text)
}

fn line(key: &AccessKey, holder: &str, now: Timestamp) -> String {
    let state = match (key.state, key.expires) {
        (AccessKeyState::Inactive, _) => "disabled".to_owned(),
        (AccessKeyState::Active, Some(end)) if end <= now => format!("expired {end}"),
        (AccessKeyState::Active, Some(end)) => format!("expires {end}"),
        (AccessKeyState::Active, None) => "active".to_owned(),
    };
    let used = key.last_used.as_ref().map_or_else(
        || "never used".to_owned(),
        |used| format!("last used {} for {} in {}", used.at, used.service, used.region),
    );
    format!("{} {holder}: {state}, created {}, {used}", key.id, key.created)
}

async fn holder(
    store: &PgStore,
    key: &AccessKeyId,
) -> anyhow::Result<(AccountId, Option<UserName>)> {
    let found = store.principal_of(key.as_str()).await?;
    let found = found.with_context(|| format!("there is no access key {key}"))?;
    let principal = found.caller.principal;
    match principal.kind {
        PrincipalKind::Root => Ok((principal.account, None)),
        PrincipalKind::User { name, .. } => Ok((principal.account, Some(UserName::parse(&name)?))),
        PrincipalKind::RoleSession { .. } => {
            bail!("{key} is the key of a session, which ends by itself")
        }
    }
}

async fn set_state(
    store: &PgStore,
    key: &AccessKeyId,
    state: AccessKeyState,
) -> anyhow::Result<()> {
    let (account, user) = holder(store, key).await?;
    store.set_access_key_state(&account, name_of(user.as_ref()), key, state).await?;
    let said = match state {
        AccessKeyState::Active => "enabled",
        AccessKeyState::Inactive => "disabled",
    };
    print(&format!("{key} is {said}; every process knows it within five seconds\n"))
}

#[cfg(test)]
mod tests {
    use brokerd_domain::identity::KeyUse;

    use super::*;

    #[test]
    fn a_key_is_one_line_that_says_whether_it_signs() {
        let at = Timestamp::from_micros;
        let key = AccessKey {
            id: "AKIA1".parse().expect("an identifier"),
            holder: "000000000000".parse().expect("an identity"),
            state: AccessKeyState::Active,
            created: at(0),
            expires: None,
            last_used: None,
        };
        let begins = |key: &AccessKey, now, text: &str| {
            let line = line(key, "alice", at(now));
            assert!(line.starts_with(text), "{line}");
        };
        begins(&key, 1, "AKIA1 alice: active, created 1970-01-01T00:00:00");
        let ending = AccessKey { expires: Some(at(5)), ..key.clone() };
        begins(&ending, 4, "AKIA1 alice: expires 1970");
        begins(&ending, 5, "AKIA1 alice: expired 1970");
        let inactive = AccessKey { state: AccessKeyState::Inactive, ..ending };
        begins(&inactive, 4, "AKIA1 alice: disabled, created");
        assert!(line(&key, "alice", at(1)).ends_with(", never used"));
        let region = "us-east-1".parse().expect("a region");
        let used = KeyUse { at: at(3), service: "mq".into(), region };
        let used = line(&AccessKey { last_used: Some(used), ..key }, "alice", at(9));
        assert!(
            used.contains("last used 1970-01-01T00:00:00")
                && used.ends_with(" for mq in us-east-1"),
            "{used}"
        );
    }
}
