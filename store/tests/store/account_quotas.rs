//! What brokers count against the quotas of memory and storage of their account, and accounts that are deleted.

use std::sync::Arc;

use brokerd_domain::{
    AccountId, Broker, BrokerId, BrokerResources, BrokerSpec, CreateBrokerInput, DeploymentMode,
    PendingChanges, Scope,
    identity::{Account, AccountQuota, AccountUsage, Quotas},
    instance_types,
};
use brokerd_store::{
    CreateOutcome, DeleteAccountOutcome, KeyHolderName, MasterKey, NewAccountOutcome, PgStore,
    StoreError, UpdateOutcome,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    accounts::account,
    changes::update,
    identities::{in_account, user},
    support::{
        Fixture, NOW, OsEntropy, command, complete, ids, leased, rabbit, scope, with_former,
        with_store,
    },
};

async fn with_quotas(f: &Fixture, quotas: Quotas) -> Scope {
    let red = Account { quotas, ..account("100000000001", "red") };
    assert_eq!(f.store.create_account(&red).await.expect("asked"), NewAccountOutcome::Created);
    Scope { account: red.id, ..scope() }
}

/// Memory in GiB and storage in GiB of all brokers.
async fn used(store: &PgStore, account: &AccountId) -> (u64, u64) {
    let used = store.account_usage(account).await.expect("read").expect("there");
    assert_eq!(store.accounts_usage().await.expect("read").get(account), Some(&used));
    let AccountUsage { memory_mib, storage_gib, .. } = used;
    assert_eq!(memory_mib % 1024, 0);
    (memory_mib / 1024, storage_gib)
}

/// How many of ten brokers that are created at once are there afterwards.
async fn created_of_ten(f: &Fixture, scope: &Scope, over: AccountQuota) -> usize {
    let mut tasks = JoinSet::new();
    for n in 0..10 {
        let (store, scope) = (f.store.clone(), scope.clone());
        tasks.spawn(async move {
            let command = command(&format!("b{n}"), |_| {});
            store.create_broker(&scope, &command, ids(), NOW).await.expect("asked")
        });
    }
    let outcomes = tasks.join_all().await;
    let created = outcomes.iter().filter(|o| **o == CreateOutcome::Created).count();
    let refused = outcomes.iter().filter(|o| **o == CreateOutcome::OverQuota(over)).count();
    assert_eq!(created + refused, 10, "{outcomes:?}");
    created
}

#[tokio::test]
async fn quotas_of_memory_and_storage_are_exact_however_many_brokers_are_created_at_once() {
    with_store(|f| async move {
        let quotas = Quotas { memory_mib: Some(3 * 1024 + 1023), ..Quotas::default() };
        let scope = with_quotas(&f, quotas).await;
        assert_eq!(created_of_ten(&f, &scope, AccountQuota::Memory).await, 3);
        assert_eq!(used(&f.store, &scope.account).await, (3, 60));
    })
    .await;
    with_store(|f| async move {
        let quotas = Quotas { storage_gib: Some(40), ..Quotas::default() };
        let scope = with_quotas(&f, quotas).await;
        assert_eq!(created_of_ten(&f, &scope, AccountQuota::Storage).await, 2);
        assert_eq!(used(&f.store, &scope.account).await, (2, 40));
        sqlx::query("delete from broker").execute(&f.pool).await.expect("deleted");
        assert_eq!(used(&f.store, &scope.account).await, (0, 0));
        assert_eq!(created_of_ten(&f, &scope, AccountQuota::Storage).await, 2);
    })
    .await;
}

/// A running broker of the account.
async fn running(
    f: &Fixture,
    scope: &Scope,
    name: &str,
    change: impl FnOnce(&mut CreateBrokerInput),
) -> (Broker, brokerd_domain::Lease) {
    let ids = ids();
    let command = command(name, change);
    let outcome = f.store.create_broker(scope, &command, ids, NOW).await.expect("asked");
    assert_eq!(outcome, CreateOutcome::Created);
    let lease = leased(&f.store).await;
    assert_eq!(lease.broker, ids.broker);
    complete(&f.store, &lease).await;
    (f.store.broker(scope, ids.broker).await.expect("read").expect("there"), lease)
}

fn large(input: &mut CreateBrokerInput) {
    input.host_instance_type = Some("mq.m5.large".to_owned());
}

async fn resize(f: &Fixture, seen: &Broker, tier: &str) -> UpdateOutcome {
    let seen = f.store.broker(&seen.scope, seen.id).await.expect("read").expect("there");
    let change = update(&seen, |input| input.host_instance_type = Some(tier.to_owned()));
    f.store.update_broker(&seen, &change, NOW).await.expect("asked")
}

#[tokio::test]
async fn of_two_brokers_that_grow_at_once_only_one_gets_what_is_left() {
    with_store(|f| async move {
        let quotas = Quotas { memory_mib: Some(24 * 1024), ..Quotas::default() };
        let scope = with_quotas(&f, quotas).await;
        let (one, _) = running(&f, &scope, "one", large).await;
        let (other, _) = running(&f, &scope, "other", large).await;
        for _ in 0..5 {
            let outcomes =
                tokio::join!(resize(&f, &one, "mq.m5.xlarge"), resize(&f, &other, "mq.m5.xlarge"));
            let refused = UpdateOutcome::OverQuota(AccountQuota::Memory);
            let (grown, stays) = match outcomes {
                (UpdateOutcome::Updated, other_one) if other_one == refused => (&one, &other),
                (first, UpdateOutcome::Updated) if first == refused => (&other, &one),
                wrong => panic!("{wrong:?}"),
            };
            assert_eq!(used(&f.store, &scope.account).await.0, 24, "what waits counts");
            let read = f.store.broker(&scope, stays.id).await.expect("read").expect("there");
            assert!(read.pending.is_empty(), "nothing of what was refused is stored");
            // What takes no more is never refused, and gives back what only waited.
            assert_eq!(resize(&f, grown, "mq.m5.large").await, UpdateOutcome::Updated);
            assert_eq!(used(&f.store, &scope.account).await.0, 16);
        }
    })
    .await;
}

#[tokio::test]
async fn a_smaller_instance_type_is_counted_once_the_reboot_has_made_it_smaller() {
    with_store(|f| async move {
        let scope = with_quotas(&f, Quotas::default()).await;
        let xlarge = |input: &mut CreateBrokerInput| {
            input.host_instance_type = Some("mq.m5.xlarge".to_owned());
        };
        let (seen, lease) = running(&f, &scope, "orders", xlarge).await;
        assert_eq!(resize(&f, &seen, "mq.m5.large").await, UpdateOutcome::Updated);
        assert_eq!(used(&f.store, &scope.account).await.0, 16);
        let seen = f.store.broker(&scope, seen.id).await.expect("read").expect("there");
        assert!(f.store.request_reboot(&seen, NOW).await.expect("asked"));
        complete(&f.store, &lease).await;
        assert_eq!(used(&f.store, &scope.account).await.0, 8);
    })
    .await;
}

#[tokio::test]
async fn what_the_provisioner_records_is_never_refused() {
    with_store(|f| async move {
        let quotas = Quotas { memory_mib: Some(16 * 1024), ..Quotas::default() };
        let scope = with_quotas(&f, quotas).await;
        let (seen, lease) = running(&f, &scope, "orders", large).await;
        assert_eq!(resize(&f, &seen, "mq.m5.xlarge").await, UpdateOutcome::Updated);
        // As if a former brokerd, which counts neither, had stored the change.
        sqlx::query("update broker set memory_mib = 0, storage_gib = 0")
            .execute(&f.pool)
            .await
            .expect("stored");
        sqlx::query("update account set most_memory_mib = 1").execute(&f.pool).await.expect("set");
        let seen = f.store.broker(&scope, seen.id).await.expect("read").expect("there");
        assert!(f.store.request_reboot(&seen, NOW).await.expect("asked"));
        complete(&f.store, &lease).await;
        assert_eq!(used(&f.store, &scope.account).await, (16, 200));
    })
    .await;
}

/// Brokers of every size, some of which wait to be of another one.
fn specs() -> Vec<(BrokerSpec, PendingChanges)> {
    let template = rabbit("orders").spec;
    let mut specs = Vec::new();
    for host_instance_type in instance_types() {
        for deployment_mode in [
            DeploymentMode::SingleInstance,
            DeploymentMode::ActiveStandbyMultiAz,
            DeploymentMode::ClusterMultiAz,
        ] {
            for storage_size in [None, Some(25)] {
                let spec = BrokerSpec {
                    host_instance_type,
                    deployment_mode,
                    storage_size,
                    ..template.clone()
                };
                let larger = PendingChanges {
                    host_instance_type: instance_types().last(),
                    ..PendingChanges::default()
                };
                let default_size =
                    PendingChanges { storage_size: Some(None), ..PendingChanges::default() };
                let sized =
                    PendingChanges { storage_size: Some(Some(500)), ..PendingChanges::default() };
                let all = [PendingChanges::default(), larger, default_size, sized];
                specs.extend(all.map(|pending| (spec.clone(), pending)));
            }
        }
    }
    specs
}

#[tokio::test]
async fn brokers_of_a_former_brokerd_are_counted_as_todays_are() {
    with_former(32, |url, pool| async move {
        sqlx::query("insert into account (id, name, created) values ('100000000001', 'red', 1)")
            .execute(&pool)
            .await
            .expect("inserted");
        for (n, (spec, pending)) in specs().iter().enumerate() {
            sqlx::query(
                "insert into broker (id, account, region, name, created, spec, pending,
                                     configurations, tags)
                 values ($1, '100000000001', 'us-east-1', $2, 5, $3, $4, '{}', '{}')",
            )
            .bind(BrokerId::generate(&OsEntropy).uuid())
            .bind(n.to_string())
            .bind(json!(spec))
            .bind(json!(pending))
            .execute(&pool)
            .await
            .expect("inserted");
        }
        let store = PgStore::connect(&url, 2, MasterKey::new([7; 32]), Arc::new(OsEntropy)).await;
        let store = store.expect("connects and migrates");
        let mut sum = AccountUsage::default();
        for (n, (spec, pending)) in specs().iter().enumerate() {
            let (memory_mib, storage_gib): (i32, i32) =
                sqlx::query_as("select memory_mib, storage_gib from broker where name = $1")
                    .bind(n.to_string())
                    .fetch_one(&pool)
                    .await
                    .expect("read");
            let counted = BrokerResources {
                memory_mib: u32::try_from(memory_mib).expect("positive"),
                storage_gib: u32::try_from(storage_gib).expect("positive"),
            };
            assert_eq!(counted, BrokerResources::of(spec, pending), "{spec:?} {pending:?}");
            sum.brokers += 1;
            sum.memory_mib += u64::from(counted.memory_mib);
            sum.storage_gib += u64::from(counted.storage_gib);
        }
        let account = "100000000001".parse().expect("an account");
        assert_eq!(store.account_usage(&account).await.expect("read"), Some(sum));
    })
    .await;
}

async fn delete(store: &PgStore, account: &AccountId) -> DeleteAccountOutcome {
    store.delete_account(account, NOW).await.expect("asked")
}

#[tokio::test]
async fn an_account_is_deleted_when_it_is_empty_and_its_number_is_not_used_again() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let key = brokerd_store::AccessKey {
            id: "AKIA1".to_owned(),
            secret: "the secret".into(),
            account: red.clone(),
        };
        f.store.add_access_key(&key, NOW).await.expect("added");
        let alice = user(&red, "alice");
        f.store.create_iam_user(&alice).await.expect("created");
        let used = DeleteAccountOutcome::InUse("users, groups or roles".to_owned());
        assert_eq!(delete(&f.store, &red).await, used);
        assert!(f.store.principal_of("AKIA1").await.expect("read").is_some(), "nothing is gone");
        let name = brokerd_store::IdentityName::User(alice.name.clone());
        f.store.delete_identity(&red, &name).await.expect("deleted");
        let here = Scope { account: red.clone(), ..scope() };
        f.store.create_broker(&here, &command("b", |_| {}), ids(), NOW).await.expect("created");
        for (table, what) in [("broker", "brokers"), ("configuration", "configurations")] {
            assert_eq!(delete(&f.store, &red).await, DeleteAccountOutcome::InUse(what.to_owned()));
            let sql = sqlx::AssertSqlSafe(format!("delete from {table}"));
            sqlx::query(sql).execute(&f.pool).await.expect("deleted");
        }
        assert_eq!(delete(&f.store, &red).await, DeleteAccountOutcome::Deleted);
        assert_eq!(delete(&f.store, &red).await, DeleteAccountOutcome::NotFound);
        assert!(f.store.principal_of("AKIA1").await.expect("read").is_none());
        assert_eq!(f.store.account(&red).await.expect("read"), None);
        assert_eq!(f.store.accounts().await.expect("read"), []);
        assert_eq!(f.store.account_usage(&red).await.expect("read"), None);
        assert!(f.store.accounts_usage().await.expect("read").is_empty());

        // Whoever still believes in it is refused.
        let late = f.store.create_broker(&here, &command("late", |_| {}), ids(), NOW).await;
        assert!(matches!(late, Err(StoreError::AccountDeleted)), "{late:?}");
        let late = f.store.create_iam_user(&user(&red, "late")).await;
        assert!(matches!(late, Err(StoreError::AccountDeleted)), "{late:?}");
        let late = f.store.add_access_key(&key, NOW).await;
        assert!(matches!(late, Err(StoreError::AccountDeleted)), "{late:?}");
        assert_eq!(f.store.access_keys(&red, KeyHolderName::Root).await.expect("read"), []);
        let again = account(red.as_str(), "another name");
        let created = f.store.create_account(&again).await.expect("asked");
        assert_eq!(created, NewAccountOutcome::IdTaken);
        let again = account("100000000009", red.as_str());
        let created = f.store.create_account(&again).await.expect("asked");
        assert_eq!(created, NewAccountOutcome::Created, "its name is free");
    })
    .await;
}

#[tokio::test]
async fn an_account_that_gets_something_while_it_is_deleted_is_one_of_both() {
    with_store(|f| async move {
        for n in 0..20 {
            let red = in_account(&f, &format!("1000000000{n:02}")).await;
            let here = Scope { account: red.clone(), ..scope() };
            let (store, orders) = (f.store.clone(), command("orders", |_| {}));
            let alice = user(&red, "alice");
            let (deleted, broker, alice) = tokio::join!(
                delete(&f.store, &red),
                store.create_broker(&here, &orders, ids(), NOW),
                store.create_iam_user(&alice),
            );
            let is_deleted = deleted == DeleteAccountOutcome::Deleted;
            let got_something = broker.is_ok() || alice.is_ok();
            assert!(is_deleted != got_something, "{deleted:?} {broker:?} {alice:?}");
        }
    })
    .await;
}
