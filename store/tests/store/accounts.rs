//! Accounts and their quotas.

use std::sync::Arc;

use brokerd_domain::{
    AccountId, BrokerId, Scope,
    identity::{
        Account, AccountName, AccountNetwork, AccountQuota, AccountState, AccountUsage,
        OutgoingRanges, Quotas,
    },
};
use brokerd_store::{
    AccountUpdate, CreateOutcome, KeyHolderName, MasterKey, NewAccountOutcome, PgStore,
    UpdateAccountOutcome,
};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;

use crate::support::{NOW, OsEntropy, command, create_for, ids, scope, with_former, with_store};

fn name(text: &str) -> AccountName {
    AccountName::parse(text).expect("a name")
}

pub(crate) fn account(id: &str, named: &str) -> Account {
    Account {
        id: id.parse().expect("an account"),
        name: name(named),
        state: AccountState::Active,
        quotas: Quotas::default(),
        network: AccountNetwork::default(),
        created: NOW,
    }
}

#[tokio::test]
async fn accounts_have_identifiers_and_names_of_their_own() {
    with_store(|f| async move {
        let red = account("100000000001", "Red");
        let created = async |a: &Account| f.store.create_account(a).await.expect("asked");
        assert_eq!(created(&red).await, NewAccountOutcome::Created);
        let blue = account("100000000002", "blue");
        assert_eq!(created(&account("100000000001", "x")).await, NewAccountOutcome::IdTaken);
        assert_eq!(created(&account("100000000002", "RED")).await, NewAccountOutcome::NameTaken);
        assert_eq!(created(&blue).await, NewAccountOutcome::Created);
        assert_eq!(f.store.accounts().await.expect("read"), [blue.clone(), red.clone()]);

        let quotas = Quotas { brokers: Some(3), api_rate: Some(u32::MAX), ..Quotas::default() };
        let update = AccountUpdate {
            name: Some(&name("Rot")),
            state: Some(AccountState::Suspended),
            quotas: Some(quotas),
            ..AccountUpdate::default()
        };
        let updated = f.store.update_account(&red.id, update).await.expect("asked");
        assert_eq!(updated, UpdateAccountOutcome::Updated);
        let stored = f.store.account(&red.id).await.expect("read").expect("there");
        assert_eq!((stored.name, stored.state), (name("Rot"), AccountState::Suspended));
        assert_eq!((stored.quotas.brokers, stored.quotas.memory_mib), (Some(3), None));
        let taken = AccountUpdate { name: Some(&name("BLUE")), ..AccountUpdate::default() };
        let updated = f.store.update_account(&red.id, taken).await.expect("asked");
        assert_eq!(updated, UpdateAccountOutcome::NameTaken);
        let nobody = scope().account;
        let updated = f.store.update_account(&nobody, AccountUpdate::default()).await;
        assert_eq!(updated.expect("asked"), UpdateAccountOutcome::NotFound);
        assert_eq!(f.store.account(&nobody).await.expect("read"), None);
        assert_eq!(f.store.account_usage(&nobody).await.expect("read"), None);
        let kept = AccountUpdate { state: Some(AccountState::Active), ..AccountUpdate::default() };
        f.store.update_account(&red.id, kept).await.expect("stored");
        let stored = f.store.account(&red.id).await.expect("read").expect("there");
        assert_eq!(stored.quotas.brokers, Some(3), "what is not said stays");
    })
    .await;
}

#[tokio::test]
async fn an_account_limits_what_its_brokers_reach_and_names_authorities_of_its_directories() {
    with_store(|f| async move {
        let (red, blue) = (account("100000000001", "red"), account("100000000002", "blue"));
        for one in [&red, &blue] {
            f.store.create_account(one).await.expect("created");
            create_for(&f.store, one.id.as_str(), "orders").await;
        }
        assert_eq!(f.store.limited_brokers().await.expect("read"), []);
        let texts = ["10.20.0.0/16".to_owned()];
        let ranges = OutgoingRanges::parse(&texts).expect("valid").expect("a limit");
        let update = AccountUpdate {
            outgoing: Some(Some(&ranges)),
            directory_authorities: Some(Some("a certificate")),
            ..AccountUpdate::default()
        };
        f.store.update_account(&red.id, update).await.expect("stored");
        let network = AccountNetwork {
            outgoing: Some(ranges.clone()),
            directory_authorities: Some("a certificate".to_owned()),
        };
        f.store.update_account(&red.id, AccountUpdate::default()).await.expect("stored");
        let stored = f.store.account(&red.id).await.expect("read").expect("there");
        assert_eq!(stored.network, network, "what is not said stays");
        let limited = f.store.limited_brokers().await.expect("read");
        let of_red = sqlx::query_scalar("select id from broker where account = $1");
        let id: uuid::Uuid = of_red.bind(red.id.as_str()).fetch_one(&f.pool).await.expect("read");
        assert_eq!(limited, [(id.into(), ranges)]);
        let free = AccountUpdate {
            outgoing: Some(None),
            directory_authorities: Some(None),
            ..AccountUpdate::default()
        };
        f.store.update_account(&red.id, free).await.expect("stored");
        let stored = f.store.account(&red.id).await.expect("read").expect("there");
        assert_eq!(stored.network, AccountNetwork::default());
        assert_eq!(f.store.limited_brokers().await.expect("read"), []);

        // A limit that can't be read must not be taken for none.
        let damage = "update account set outgoing = '{x}' where id = $1";
        sqlx::query(damage).bind(red.id.as_str()).execute(&f.pool).await.expect("damaged");
        assert!(f.store.limited_brokers().await.is_err());
    })
    .await;
}

const OVER_BROKERS: CreateOutcome = CreateOutcome::OverQuota(AccountQuota::Brokers);

async fn usage(store: &PgStore, account: &AccountId) -> u32 {
    used(store, account).await.brokers
}

async fn used(store: &PgStore, account: &AccountId) -> AccountUsage {
    store.account_usage(account).await.expect("read").expect("there")
}

async fn create(store: &PgStore, scope: &Scope, named: &str, token: &str) -> CreateOutcome {
    let token = Some(token.to_owned());
    let command = command(named, |input| input.creator_request_id = token);
    store.create_broker(scope, &command, ids(), NOW).await.expect("asked")
}

#[tokio::test]
async fn a_quota_of_brokers_is_exact_however_many_are_created_at_once() {
    with_store(|f| async move {
        let red = Account {
            quotas: Quotas { brokers: Some(3), ..Quotas::default() },
            ..account("100000000001", "red")
        };
        f.store.create_account(&red).await.expect("created");
        let regions = ["us-east-1", "eu-west-1"];
        let scopes = regions.map(|region| Scope {
            account: red.id.clone(),
            region: region.parse().expect("a region"),
        });
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..10 {
            let (store, scope) = (f.store.clone(), scopes[n % 2].clone());
            tasks.spawn(async move { create(&store, &scope, &format!("b{n}"), "t").await });
        }
        let outcomes = tasks.join_all().await;
        let count = |outcome: &CreateOutcome| outcomes.iter().filter(|o| *o == outcome).count();
        let made = (count(&CreateOutcome::Created), count(&OVER_BROKERS));
        assert_eq!(made, (3, 7));
        assert_eq!(usage(&f.store, &red.id).await, 3);

        // Who repeats a call gets what it got the first time.
        let (made, region): (String, String) =
            sqlx::query_as("select name, region from broker limit 1")
                .fetch_one(&f.pool)
                .await
                .expect("read");
        let here = Scope { account: red.id.clone(), region: region.parse().expect("a region") };
        let again = create(&f.store, &here, &made, "t").await;
        assert!(matches!(again, CreateOutcome::SameToken { .. }), "{again:?}");
        assert_eq!(create(&f.store, &here, &made, "u").await, CreateOutcome::NameTaken);

        let delete = "delete from broker where name = $1";
        sqlx::query(delete).bind(&made).execute(&f.pool).await.expect("deleted");
        assert_eq!(usage(&f.store, &red.id).await, 2);
        assert_eq!(create(&f.store, &here, "more", "t").await, CreateOutcome::Created);
        let quotas = Some(Quotas { brokers: Some(1), ..Quotas::default() });
        let lower = AccountUpdate { quotas, ..AccountUpdate::default() };
        f.store.update_account(&red.id, lower).await.expect("lowered");
        assert_eq!(usage(&f.store, &red.id).await, 3, "nothing is taken away");
        sqlx::query(delete).bind("more").execute(&f.pool).await.expect("deleted");
        assert_eq!(create(&f.store, &here, "more", "t").await, OVER_BROKERS);
        let free = AccountUpdate { quotas: Some(Quotas::default()), ..AccountUpdate::default() };
        f.store.update_account(&red.id, free).await.expect("freed");
        assert_eq!(create(&f.store, &here, "more", "t").await, CreateOutcome::Created);
    })
    .await;
}

#[tokio::test]
async fn brokers_of_others_do_not_count() {
    with_store(|f| async move {
        let quotas = Quotas { brokers: Some(1), ..Quotas::default() };
        for (id, named) in [("100000000001", "red"), ("100000000002", "blue")] {
            let account = Account { quotas, ..account(id, named) };
            f.store.create_account(&account).await.expect("created");
            create_for(&f.store, id, "orders").await;
            assert_eq!(usage(&f.store, &account.id).await, 1);
        }
        // An account that a former brokerd knew without a row is counted from the day it has one.
        create_for(&f.store, "100000000003", "orders").await;
        let late = account("100000000003", "late");
        f.store.create_account(&late).await.expect("created");
        assert_eq!(usage(&f.store, &late.id).await, 1);
    })
    .await;
}

#[tokio::test]
async fn keys_and_brokers_of_a_former_brokerd_get_an_account_and_its_root() {
    with_store(|f| async move {
        // A key as it is sealed, and a broker, from a database of today.
        let key = brokerd_store::AccessKey {
            id: "AKIA1".to_owned(),
            secret: "the secret".into(),
            account: "100000000001".parse().expect("an account"),
        };
        f.store.add_access_key(&key, NOW).await.expect("added");
        let sealed: Vec<u8> = sqlx::query_scalar("select secret from access_key")
            .fetch_one(&f.pool)
            .await
            .expect("read");

        with_former(26, |url, pool| former_account(url, pool, sealed)).await;
    })
    .await;
}

async fn former_account(url: String, pool: PgPool, sealed: Vec<u8>) {
    for id in ["AKIA1", "AKIA2", "AKIA3"] {
        sqlx::query(
            "insert into access_key (id, account, secret, created)
                 values ($1, '100000000001', $2, 7)",
        )
        .bind(id)
        .bind(&sealed)
        .execute(&pool)
        .await
        .expect("inserted");
    }
    sqlx::query(
        "insert into broker (id, account, region, name, created, spec, configurations, tags)
             values ($1, '100000000002', 'us-east-1', 'orders', 5, '{}', '{}', '{}')",
    )
    .bind(BrokerId::generate(&OsEntropy).uuid())
    .execute(&pool)
    .await
    .expect("inserted");
    pool.close().await;

    let store = PgStore::connect(&url, 2, MasterKey::new([7; 32]), Arc::new(OsEntropy)).await;
    let store = store.expect("connects and migrates");
    let accounts = store.accounts().await.expect("read");
    let told: Vec<_> = accounts.iter().map(|a| (a.name.as_str(), a.created.as_micros())).collect();
    assert_eq!(told, [("100000000001", 7), ("100000000002", 5)]);
    assert_eq!(usage(&store, &accounts[0].id).await, 0);
    assert_eq!(usage(&store, &accounts[1].id).await, 1);
    let caller = store.principal_of("AKIA1").await.expect("read").expect("there");
    assert_eq!(caller.secret.expose_secret(), "the secret");
    assert!(caller.is_usable(NOW) && caller.caller.principal.is_root());
    assert_eq!(caller.caller.principal.account, accounts[0].id);
    let keys = store.access_keys(&accounts[0].id, KeyHolderName::Root).await.expect("read");
    assert_eq!(keys.len(), 3, "more than the root would get today");
}
