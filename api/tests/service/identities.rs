//! Users and roles of an account, for the tests of what they may do.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use brokerd_domain::{
    AccountId, Tags,
    identity::{
        AccessKeyId, InlinePolicy, Path, PolicyDocument, PolicyName, Role, RoleId, RoleName,
        RoleSessionName, Session, SessionDuration, SessionHolder, User, UserId, UserName,
    },
};
use brokerd_store::{
    IdentityName, KeyHolderName, NewIdentityOutcome, NewKeyOutcome, PutInlinePolicyOutcome,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Client, TestApi, TestEntropy};

pub(crate) const ACCOUNT: &str = "000000000000";
/// The process believes what it knows of a key for so long.
const REMEMBERED_SECONDS: i64 = 5;

/// A user with a key.
pub(crate) struct Person {
    pub(crate) client: Client,
    pub(crate) name: UserName,
    pub(crate) id: UserId,
    account: AccountId,
}

/// A policy with one statement for each action and resource.
pub(crate) fn allowing<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let statement = |(action, resource): (&str, &str)| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": pairs.into_iter().map(statement).collect::<Vec<_>>()})
}

/// Numbers that no other call in this process gives.
pub(crate) fn entropy() -> TestEntropy {
    static COUNT: AtomicU64 = AtomicU64::new(1 << 40);
    TestEntropy(AtomicU64::new(COUNT.fetch_add(1 << 20, Ordering::SeqCst)))
}

pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Tags::parse(pairs.iter().map(own).collect()).expect("valid")
}

fn document(policy: &Value) -> PolicyDocument {
    PolicyDocument::parse(&policy.to_string()).expect("a document")
}

fn inline(policy: &Value) -> InlinePolicy {
    let name = PolicyName::parse("own").expect("a name");
    InlinePolicy { name, document: document(policy) }
}

impl TestApi {
    /// A user of the account with an access key and without a policy.
    pub(crate) async fn user(&self, name: &str) -> Person {
        self.user_with_tags(name, Tags::default()).await
    }

    pub(crate) async fn user_with_tags(&self, name: &str, tags: Tags) -> Person {
        let account: AccountId = ACCOUNT.parse().expect("an account");
        let user = User {
            id: UserId::generate(&entropy()),
            account: account.clone(),
            path: Path::default(),
            name: UserName::parse(name).expect("a name"),
            created: self.store_now(),
            boundary: None,
            tags,
        };
        let created = self.store.create_iam_user(&user).await.expect("asked");
        assert_eq!(created, NewIdentityOutcome::Created);
        let key = AccessKeyId::generate(&entropy());
        let holder = KeyHolderName::User(&user.name);
        let (secret, now) = ("user-secret", self.store_now());
        let made =
            self.store.create_access_key(&account, holder, &key, &secret.into(), None, now).await;
        assert_eq!(made.expect("asked"), NewKeyOutcome::Created);
        let client = Client::new(key.as_str(), secret, "us-east-1");
        Person { client, name: user.name, id: user.id, account }
    }

    /// Gives a user this policy instead of the one that it has, and waits until that is in force.
    pub(crate) async fn set_policy(&self, person: &Person, policy: &Value) {
        let name = IdentityName::User(person.name.clone());
        self.put_policy(&person.account, &name, policy).await;
    }

    async fn put_policy(&self, account: &AccountId, name: &IdentityName, policy: &Value) {
        let put = self.store.put_inline_policy(account, name, &inline(policy)).await;
        assert_eq!(put.expect("asked"), PutInlinePolicyOutcome::Done);
        self.clock.advance_seconds(REMEMBERED_SECONDS);
    }

    /// A role of the account with this policy.
    pub(crate) async fn role(&self, name: &str, tags: Tags, policy: &Value) -> Role {
        let account: AccountId = ACCOUNT.parse().expect("an account");
        let role = Role {
            id: RoleId::generate(&entropy()),
            account: account.clone(),
            path: Path::default(),
            name: RoleName::parse(name).expect("a name"),
            created: self.store_now(),
            description: String::new(),
            trust_policy: document(&json!({"Statement": []})),
            longest_session: SessionDuration::DEFAULT,
            boundary: None,
            tags,
        };
        let created = self.store.create_iam_role(&role).await.expect("asked");
        assert_eq!(created, NewIdentityOutcome::Created);
        self.put_policy(&account, &IdentityName::Role(role.name.clone()), policy).await;
        role
    }

    /// A session of an hour that begins now.
    pub(crate) fn session(&self, holder: SessionHolder) -> Session {
        let issued = self.store_now();
        Session {
            holder,
            issued,
            expires: issued.plus(Duration::from_secs(3600)),
            policy: None,
            policy_arns: Vec::new(),
            tags: Tags::default(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
        }
    }

    /// A session of a role.
    pub(crate) fn role_session(&self, role: &Role) -> Session {
        let name = RoleSessionName::parse("run-17").expect("a name");
        self.session(SessionHolder::Role(role.id.clone(), name))
    }

    /// The key and the token of a session.
    pub(crate) fn issued(&self, session: &Session) -> Client {
        let issued = self.store.issue_credentials(session).expect("sealed").expect("it fits");
        let secret = issued.secret.expose_secret();
        let mut client = Client::new(issued.key.as_str(), secret, "us-east-1");
        client.token = Some(issued.token.expose_secret().to_owned());
        client
    }

    fn store_now(&self) -> brokerd_domain::Timestamp {
        brokerd_domain::Clock::now(&*self.clock)
    }
}
