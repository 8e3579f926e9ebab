//! Who signs, and which policies apply to it: by keys that last, and in sessions.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use brokerd_domain::{
    AccountId, Tags,
    identity::{
        AccessKeyId, AccountState, PolicyDocument, Role, RoleSessionName, Session, SessionHolder,
        User,
    },
    policy::{
        AppliedPolicy, AuthorizationRequest, Context, Decision, IamEvaluator, Policy,
        PolicyEvaluator as _, PolicyName, PolicyType, PrincipalKind,
    },
};
use brokerd_store::{
    AccessKey, AccountUpdate, IdentityName, KeyCaller, KeyHolderName, MasterKey, NewKeyOutcome,
    PgStore,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    identities::{READ_ONLY, arn, in_account, inline, role, tags, with_group, with_user},
    policies::with_policy,
    support::{Fixture, NOW, OsEntropy, with_store},
};

/// A key of a user.
async fn key_of(store: &PgStore, user: &User) -> AccessKeyId {
    let id = AccessKeyId::generate(&OsEntropy);
    let holder = KeyHolderName::User(&user.name);
    let secret = SecretString::from("the secret");
    let made = store.create_access_key(&user.account, holder, &id, &secret, None, NOW).await;
    assert_eq!(made.expect("asked"), NewKeyOutcome::Created);
    id
}

async fn caller(store: &PgStore, id: &AccessKeyId) -> KeyCaller {
    store.principal_of(id.as_str()).await.expect("read").expect("there")
}

/// A policy with a statement of its own, by which its versions and its kin are told apart.
fn allows(what: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"mq:{what}","Resource":"*"}}}}"#
    )
}

/// By whom policies come and what they are called, in an order of their own.
fn sources(policies: &[AppliedPolicy]) -> Vec<String> {
    let mut told: Vec<_> = policies
        .iter()
        .map(|policy| {
            let holder = &policy.source.identity;
            match &policy.source.name {
                PolicyName::Inline(name) => format!("{holder} {name}"),
                PolicyName::Managed(arn) => format!("{holder} {arn}"),
                PolicyName::Only => holder.clone(),
            }
        })
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn the_root_of_an_account_is_bound_by_nothing() {
    with_store(|f| async move {
        let account: AccountId = "100000000001".parse().expect("an account");
        let key = AccessKey {
            id: "AKIA1".to_owned(),
            secret: SecretString::from("the secret"),
            account: account.clone(),
        };
        f.store.add_access_key(&key, NOW).await.expect("added");
        let found = f.store.principal_of("AKIA1").await.expect("read").expect("there");
        assert_eq!(found.secret.expose_secret(), "the secret");
        assert!(found.caller.principal.is_root());
        assert_eq!(found.caller.principal.account, account);
        assert_eq!(found.caller.principal.token_issued, None);
        assert_eq!(found.caller.account_state, AccountState::Active);
        assert!(
            found.caller.policies.identity.is_empty() && found.caller.policies.boundary.is_none()
        );
        assert!(f.store.principal_of("AKIA2").await.expect("read").is_none());
        let known = f.store.account(&account).await.expect("read").expect("there");
        assert_eq!(known.name.as_str(), "100000000001", "the first key brings its account along");
        let suspended =
            AccountUpdate { state: Some(AccountState::Suspended), ..AccountUpdate::default() };
        f.store.update_account(&account, suspended).await.expect("suspended");
        f.store.add_access_key(&key, NOW).await.expect("left alone");
        let found = f.store.principal_of("AKIA1").await.expect("read").expect("there");
        assert_eq!(found.caller.account_state, AccountState::Suspended);
    })
    .await;
}

#[tokio::test]
async fn a_user_has_its_own_policies_and_those_of_its_groups_and_a_boundary() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let alice = with_user(&f.store, &red, "alice").await;
        let bob = with_user(&f.store, &red, "bob").await;
        let ops = with_group(&f.store, &red, "ops").await;
        let (user, group) =
            (IdentityName::User(alice.name.clone()), IdentityName::Group(ops.name.clone()));
        let key = key_of(&f.store, &alice).await;
        let found = caller(&f.store, &key).await.caller;
        assert_eq!(found.policies.identity, [], "nothing is allowed by silence");
        let PrincipalKind::User { id, .. } = &found.principal.kind else { panic!("no user") };
        assert_eq!((id.as_str(), &found.principal.tags), (alice.id.as_str(), &Tags::default()));

        let mine = with_policy(&f.store, &red, "mine", &allows("One")).await;
        for (name, arn) in [(&user, &mine), (&group, &mine), (&group, &arn(READ_ONLY))] {
            f.store.attach_policy(&red, name, arn).await.expect("attached");
        }
        f.store.put_inline_policy(&red, &user, &inline("own", &allows("Two"))).await.expect("put");
        f.store
            .put_inline_policy(&red, &group, &inline("own", &allows("Three")))
            .await
            .expect("put");
        f.store.set_boundary(&red, &user, Some(&mine)).await.expect("bounded");
        let found = caller(&f.store, &key).await.caller.policies;
        assert_eq!(sources(&found.identity).len(), 2, "not in the group yet");
        f.store.add_group_member(&red, &ops.name, &alice.name).await.expect("joined");
        f.store
            .set_identity_tags(&red, &user, &Tags::default(), &tags(&[("team", "red")]))
            .await
            .expect("tagged");

        let found = caller(&f.store, &key).await.caller;
        let mut expected = vec![
            format!("{} own", alice.arn()),
            format!("{} own", ops.arn()),
            format!("{} {mine}", alice.arn()),
            format!("{} {READ_ONLY}", ops.arn()),
        ];
        expected.sort();
        assert_eq!(sources(&found.policies.identity), expected, "each once");
        let boundary = found.policies.boundary.expect("a boundary");
        assert_eq!(boundary.source.name, PolicyName::Managed(mine.to_string()));
        assert_eq!(boundary.source.policy_type, PolicyType::PermissionsBoundary);
        let policy = |text: &str| Policy::parse(text, PolicyType::Identity).expect("a policy");
        assert_eq!(*boundary.policy, policy(&allows("One")));
        assert_eq!(found.principal.tags, tags(&[("team", "red")]));

        // What is put in force afterwards is what applies.
        let document = PolicyDocument::parse(&allows("Four")).expect("a document");
        f.store.create_policy_version(&red, &mine, &document, true, NOW).await.expect("added");
        let found = caller(&f.store, &key).await.caller.policies;
        assert_eq!(*found.boundary.expect("a boundary").policy, policy(document.as_str()));
        let others = caller(&f.store, &key_of(&f.store, &bob).await).await.caller.policies;
        assert_eq!(others.identity, []);
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_denies_everything_and_says_so() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let alice = with_user(&f.store, &red, "alice").await;
        let user = IdentityName::User(alice.name.clone());
        f.store.attach_policy(&red, &user, &arn(READ_ONLY)).await.expect("attached");
        f.store.put_inline_policy(&red, &user, &inline("broken", "{}")).await.expect("put");
        let key = key_of(&f.store, &alice).await;
        for document in ["[", "{}", r#"{"Statement":{"Effect":"Deny","Action":"mq:X"}}"#] {
            sqlx::query("update inline_policy set document = $1")
                .bind(document)
                .execute(&f.pool)
                .await
                .expect("broken");
            let found = caller(&f.store, &key).await.caller;
            let request = AuthorizationRequest {
                principal: &found.principal,
                action: "mq:ListBrokers",
                resource: "*",
                context: &Context::default(),
            };
            let decision = IamEvaluator.decide(&found.policies, &request);
            let Decision::ExplicitDeny { by } = decision else {
                panic!("{document}: {decision:?}")
            };
            assert_eq!(by.source.name, PolicyName::Inline("broken".to_owned()));
            assert_eq!(by.sid.as_deref(), Some("UnreadableDocument"));
        }
        sqlx::query("delete from inline_policy").execute(&f.pool).await.expect("deleted");
        let found = caller(&f.store, &key).await.caller;
        let request = AuthorizationRequest {
            principal: &found.principal,
            action: "mq:ListBrokers",
            resource: "*",
            context: &Context::default(),
        };
        assert!(IamEvaluator.decide(&found.policies, &request).is_allowed());
    })
    .await;
}

fn session_of(role: &Role, seconds: u64) -> Session {
    Session {
        holder: SessionHolder::Role(
            role.id.clone(),
            RoleSessionName::parse("run-17").expect("a name"),
        ),
        issued: NOW,
        expires: NOW.plus(Duration::from_secs(seconds)),
        policy: None,
        policy_arns: Vec::new(),
        tags: tags(&[("build", "17")]),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    }
}

async fn with_role(f: &Fixture, account: &AccountId) -> Role {
    let role = role(account, "deploy");
    f.store.create_iam_role(&role).await.expect("created");
    role
}

#[tokio::test]
async fn a_token_opens_only_for_its_key_and_only_as_it_was_issued() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let session = session_of(&with_role(&f, &red).await, 900);
        let issued = f.store.issue_credentials(&session).expect("sealed").expect("fits");
        let (id, token) = (issued.key.as_str(), issued.token.expose_secret());
        assert!(issued.key.is_temporary() && issued.expires == session.expires);
        let (opened, secret) = f.store.open_credentials(id, token).expect("opened");
        assert_eq!(opened, session);
        assert_eq!(secret.expose_secret(), issued.secret.expose_secret());
        assert!(!token.contains(issued.secret.expose_secret()));

        let other = f.store.issue_credentials(&session).expect("sealed").expect("fits");
        assert!(f.store.open_credentials(other.key.as_str(), token).is_none());
        for at in (0..token.len()).step_by(7) {
            let mut tampered = token.to_owned();
            let was = &token[at..=at];
            tampered.replace_range(at..=at, if was == "A" { "B" } else { "A" });
            assert!(f.store.open_credentials(id, &tampered).is_none(), "character {at}");
            assert!(f.store.open_credentials(id, &token[..at]).is_none(), "cut at {at}");
        }
        for nonsense in ["", "A", "ÄÖÜ", &"A".repeat(1 << 20)] {
            assert!(f.store.open_credentials(id, nonsense).is_none());
        }
        let key = MasterKey::new([8; 32]);
        let stranger =
            PgStore::connect(&f.url, 2, key, Arc::new(OsEntropy)).await.expect("connects");
        assert!(stranger.open_credentials(id, token).is_none());

        // Sealed for another place: a secret of the database is no token.
        let alice = with_user(&f.store, &red, "alice").await;
        let key = key_of(&f.store, &alice).await;
        let sealed: Vec<u8> = sqlx::query_scalar("select secret from access_key where id = $1")
            .bind(key.as_str())
            .fetch_one(&f.pool)
            .await
            .expect("read");
        let token = BASE64_STANDARD.encode(sealed);
        assert!(f.store.open_credentials(key.as_str(), &token).is_none());
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_into_a_token_is_refused() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let session = session_of(&with_role(&f, &red).await, 900);
        let sized = |characters: usize| {
            let text = format!("{{\"Sid\":\"{}\"}}", "x".repeat(characters));
            Session {
                policy: Some(PolicyDocument::parse(&text).expect("a document")),
                ..session.clone()
            }
        };
        // The service's longest session policy, white space not counted, is of 2048 characters.
        let greatest = sized(2048 - 10);
        assert!(f.store.issue_credentials(&greatest).expect("sealed").is_some());
        assert!(f.store.issue_credentials(&sized(7000)).expect("sealed").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_session_of_a_role_has_the_roles_policies_and_its_own() {
    with_store(|f| async move {
        let (red, blue) =
            (in_account(&f, "100000000001").await, in_account(&f, "100000000002").await);
        let role = with_role(&f, &red).await;
        let name = IdentityName::Role(role.name.clone());
        let mine = with_policy(&f.store, &red, "mine", &allows("One")).await;
        let theirs = with_policy(&f.store, &blue, "theirs", &allows("One")).await;
        f.store.attach_policy(&red, &name, &mine).await.expect("attached");
        let session = session_of(&role, 900);
        let found = f.store.principal_in(&session).await.expect("read").expect("there");
        assert_eq!(sources(&found.policies.identity), [format!("{} {mine}", role.arn())]);
        assert_eq!(found.policies.session, None);
        let own = "arn:aws:sts::100000000001:assumed-role/deploy/run-17";
        assert_eq!(found.principal.arn(), own);
        assert_eq!(found.principal.token_issued, Some(session.issued));
        let both = tags(&[("team", "red"), ("build", "17")]);
        assert_eq!(found.principal.tags, both, "its own and the role's");

        let restricted = Session {
            policy: Some(PolicyDocument::parse(&allows("Session")).expect("a document")),
            policy_arns: vec![arn(READ_ONLY), mine.clone(), theirs],
            ..session.clone()
        };
        let found = f.store.principal_in(&restricted).await.expect("read").expect("there");
        let told = sources(&found.policies.session.expect("session policies"));
        let mut expected = [format!("{own} {mine}"), format!("{own} {READ_ONLY}"), own.to_owned()];
        expected.sort();
        assert_eq!(told, expected, "another account's policies are nothing here");

        // Where all of them are gone, nothing is allowed; not everything.
        let gone = Session { policy_arns: vec![arn("arn:aws:iam::aws:policy/No")], ..session };
        let found = f.store.principal_in(&gone).await.expect("read").expect("there");
        assert_eq!(found.policies.session, Some(Vec::new()));
    })
    .await;
}

#[tokio::test]
async fn sessions_end_with_their_role_and_by_its_moment() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let role = with_role(&f, &red).await;
        let name = IdentityName::Role(role.name.clone());
        let early = session_of(&role, 900);
        let at = |seconds| NOW.plus(Duration::from_secs(seconds));
        let late = Session { issued: at(10), ..early.clone() };
        let lives =
            async |session: &Session| f.store.principal_in(session).await.expect("read").is_some();
        assert!(lives(&early).await && lives(&late).await);
        assert!(f.store.revoke_sessions(&red, &name, at(10)).await.expect("revoked"));
        assert!(!lives(&early).await && lives(&late).await);
        assert!(f.store.revoke_sessions(&red, &name, at(5)).await.expect("asked"));
        assert!(!lives(&early).await, "what is revoked stays revoked");
        let nobody = IdentityName::Role("nobody".to_owned().try_into().expect("a name"));
        assert!(!f.store.revoke_sessions(&red, &nobody, at(5)).await.expect("asked"));

        // Another role of the same name is another one.
        f.store.delete_identity(&red, &name).await.expect("deleted");
        with_role(&f, &red).await;
        assert!(!lives(&late).await);
    })
    .await;
}

#[tokio::test]
async fn a_session_of_a_user_or_root_is_that_user_or_root() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let alice = with_user(&f.store, &red, "alice").await;
        let session = |holder| Session {
            holder,
            issued: NOW,
            expires: NOW,
            policy: None,
            policy_arns: Vec::new(),
            tags: Tags::default(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
        };
        let of_user = session(SessionHolder::User(alice.id.clone()));
        let found = f.store.principal_in(&of_user).await.expect("read").expect("there");
        assert_eq!(found.principal.arn(), alice.arn().to_string());
        let of_root = session(SessionHolder::Root(red.clone()));
        let found = f.store.principal_in(&of_root).await.expect("read").expect("there");
        assert!(found.principal.is_root());
        let name = IdentityName::User(alice.name.clone());
        f.store.delete_identity(&red, &name).await.expect("deleted");
        assert!(f.store.principal_in(&of_user).await.expect("read").is_none());
    })
    .await;
}
