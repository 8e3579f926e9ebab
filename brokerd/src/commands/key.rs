//! `brokerd key`: makes, shows and withdraws access keys.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context as _, bail, ensure};
use brokerd_domain::{
    AccountId, Clock as _, Tags, Timestamp,
    audit::EventSource,
    identity::{
        AccessKey, AccessKeyId, AccessKeyState, IamArn, InlinePolicy, Path, PolicyDocument,
        PolicyName, PolicyOwner, User, UserId, UserName, generate_secret_access_key,
    },
    policy::PrincipalKind,
};
use brokerd_store::{
    AttachOutcome, IamPageQuery, IdentityName, KeyHolderName, NewIdentityOutcome, NewKeyOutcome,
    PgStore, PutInlinePolicyOutcome,
};
use clap::Subcommand;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::{
    account,
    host_calls::{HostCall, HostCalls},
    print, quoted,
};
use crate::{
    config::Configuration,
    foundation::{connect_once, master_keys},
    system::{OsEntropy, SystemClock},
};

/// The user of keys that may only read, unless another one is named.
const READ_ONLY_USER: &str = "read-only";
/// What such a user may do.
const READ_ONLY_POLICY: &str = "AmazonMQReadOnlyAccess";
/// The inline policy by which it may also read what is brokerd's own, and its document.
const OWN_READS: &str = "brokerd-read-only";
const OWN_READS_DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["brokerd:Describe*","brokerd:Get*","brokerd:Inspect*","brokerd:List*"],"Resource":"*"}]}"#;
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
        /// The key of a user who may look at everything in the account and change nothing
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
/// An error whose text is shown to the user.
pub(crate) async fn run(command: KeyCommand, configuration: &Configuration) -> anyhow::Result<()> {
    let keys = master_keys::load(configuration, None)?;
    let store = connect_once(configuration, &keys).await?;
    let calls = HostCalls::new(store, configuration, "brokerd key");
    let store = &calls.store;
    match command {
        KeyCommand::List { account } => {
            list(store, &account_id(store, configuration, account).await?).await
        }
        KeyCommand::Create { account, user, read_only, days } => {
            let account = account_id(store, configuration, account).await?;
            let user = user.or_else(|| read_only.then(|| READ_ONLY_USER.to_owned()));
            let user = user.as_deref().map(UserName::parse).transpose()?;
            if let Some(name) = &user {
                ensure_user(&calls, &account, name, read_only).await?;
            }
            create(&calls, &account, user.as_ref(), days).await
        }
        KeyCommand::Disable { key } => set_state(&calls, &key, AccessKeyState::Inactive).await,
        KeyCommand::Enable { key } => set_state(&calls, &key, AccessKeyState::Active).await,
        KeyCommand::Delete { key } => {
            let (account, user) = holder(store, &key).await?;
            let parameters = of_key(user.as_ref(), json!({ "accessKeyId": key.as_str() }));
            let call = iam(&account, "DeleteAccessKey", parameters);
            calls
                .call(call, async |store| {
                    let name = name_of(user.as_ref());
                    Ok(store.delete_access_key(&account, name, &key).await?)
                })
                .await?;
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

/// A call of IAM, as an event of the account whose key or user it is about.
const fn iam<'a>(
    account: &'a AccountId,
    operation: &'static str,
    parameters: Value,
) -> HostCall<'a> {
    HostCall { account, source: EventSource::Iam, operation, parameters }
}

/// The parameters of a call about a key: with the user whose key it is. The root's has none.
fn of_key(user: Option<&UserName>, mut parameters: Value) -> Value {
    if let Some(name) = user {
        parameters["userName"] = name.as_str().into();
    }
    parameters
}

const fn name_of(user: Option<&UserName>) -> KeyHolderName<'_> {
    match user {
        Some(name) => KeyHolderName::User(name),
        None => KeyHolderName::Root,
    }
}

/// Makes the user if there is none. One that is to be read-only has the policies for it and nothing else.
async fn ensure_user(
    calls: &HostCalls,
    account: &AccountId,
    name: &UserName,
    read_only: bool,
) -> anyhow::Result<()> {
    let store = &calls.store;
    let identity = IdentityName::User(name.clone());
    let policy =
        IamArn::Policy(PolicyOwner::Aws, Path::default(), PolicyName::parse(READ_ONLY_POLICY)?);
    let own = InlinePolicy {
        name: PolicyName::parse(OWN_READS)?,
        document: PolicyDocument::parse(OWN_READS_DOCUMENT)?,
    };
    if let Some(user) = store.iam_user(account, name).await? {
        if read_only {
            let attached = store.attached_policies(account, &identity).await?.unwrap_or_default();
            let inline = store.inline_policies(account, &identity).await?.unwrap_or_default();
            let groups = store.groups_of_user(&user).await?;
            let is_own = |policy: &InlinePolicy| policy == &own;
            ensure!(
                attached == [policy] && inline.iter().all(is_own) && groups.is_empty(),
                "the user {name} has other policies than those of a read-only one: choose another one by --user"
            );
            if inline.is_empty() {
                put_own_reads(calls, account, &identity, &own).await?;
            }
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
    let call = iam(account, "CreateUser", json!({ "userName": name.as_str() }));
    calls
        .call(call, async |store| match store.create_iam_user(&user).await? {
            NewIdentityOutcome::Created => Ok(()),
            NewIdentityOutcome::NameTaken => {
                bail!("a user {name} exists already, perhaps in another letter case")
            }
            NewIdentityOutcome::TooMany => {
                bail!("the account has reached the maximum number of users")
            }
            NewIdentityOutcome::NoBoundary | NewIdentityOutcome::NoAccount => {
                bail!("the account {account} is gone")
            }
        })
        .await?;
    if read_only {
        let parameters = json!({ "userName": name.as_str(), "policyArn": policy.to_string() });
        let call = iam(account, "AttachUserPolicy", parameters);
        calls
            .call(call, async |store| {
                let attached = store.attach_policy(account, &identity, &policy).await?;
                ensure!(
                    attached == AttachOutcome::Done,
                    "{READ_ONLY_POLICY} could not be attached"
                );
                Ok(())
            })
            .await?;
        put_own_reads(calls, account, &identity, &own).await?;
    }
    Ok(())
}

async fn put_own_reads(
    calls: &HostCalls,
    account: &AccountId,
    user: &IdentityName,
    policy: &InlinePolicy,
) -> anyhow::Result<()> {
    let parameters = json!({
        "userName": user.as_str(), "policyName": policy.name.as_str(),
        "policyDocument": policy.document.as_str(),
    });
    let call = iam(account, "PutUserPolicy", parameters);
    calls
        .call(call, async |store| {
            let put = store.put_inline_policy(account, user, policy).await?;
            ensure!(put == PutInlinePolicyOutcome::Done, "{OWN_READS} could not be put: {put:?}");
            Ok(())
        })
        .await
}

async fn create(
    calls: &HostCalls,
    account: &AccountId,
    user: Option<&UserName>,
    days: Option<u32>,
) -> anyhow::Result<()> {
    let (id, secret) = create_key(calls, account, user, days).await?;
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
pub(super) async fn create_key(
    calls: &HostCalls,
    account: &AccountId,
    user: Option<&UserName>,
    days: Option<u32>,
) -> anyhow::Result<(AccessKeyId, SecretString)> {
    let now = SystemClock.now();
    let expires = days.map(|days| now.plus(Duration::from_hours(24) * days));
    let id = AccessKeyId::generate(&OsEntropy);
    let secret = generate_secret_access_key(&OsEntropy);
    let call = iam(account, "CreateAccessKey", of_key(user, json!({})));
    let create = async |store: PgStore| {
        let holder = name_of(user);
        match store.create_access_key(account, holder, &id, &secret, expires, now).await? {
            NewKeyOutcome::Created => Ok(()),
            NewKeyOutcome::TooMany => bail!(
                "there are two access keys already: delete one (`brokerd key list --account {account}`)"
            ),
            NewKeyOutcome::NoHolder => bail!("the user or the account {account} is gone"),
            NewKeyOutcome::IdTaken => bail!("the identifier {id} is taken: try again"),
        }
    };
    let answer = |(): &()| {
        let key = of_key(user, json!({ "accessKeyId": id.as_str(), "status": "Active" }));
        Some(Map::from_iter([("accessKey".to_owned(), key)]))
    };
    calls.call_answered(call, create, answer).await?;
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
    calls: &HostCalls,
    key: &AccessKeyId,
    state: AccessKeyState,
) -> anyhow::Result<()> {
    let (account, user) = holder(&calls.store, key).await?;
    let parameters = json!({ "accessKeyId": key.as_str(), "status": state.as_str() });
    let call = iam(&account, "UpdateAccessKey", of_key(user.as_ref(), parameters));
    calls
        .call(call, async |store| {
            let name = name_of(user.as_ref());
            Ok(store.set_access_key_state(&account, name, key, state).await?)
        })
        .await?;
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
