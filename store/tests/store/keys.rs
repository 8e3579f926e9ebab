//! Master keys and authorities come and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use brokerd_domain::{Secret, Timestamp};
use brokerd_store::{
    AccessKey, CertificateAuthority, MasterKey, MasterKeys, PgStore, Resealing, StoreError,
};
use secrecy::{ExposeSecret, SecretString};

use crate::support::{Fixture, NOW, OsEntropy, create, scope, with_store, worker};

fn old() -> MasterKey {
    MasterKey::new([7; 32])
}

fn new() -> MasterKey {
    MasterKey::new([8; 32])
}

async fn with_keys(f: &Fixture, keys: Vec<MasterKey>) -> PgStore {
    let keys = MasterKeys::of(keys).expect("keys");
    PgStore::connect(&f.url, 2, keys, Arc::new(OsEntropy)).await.expect("connects")
}

fn authority(name: &str) -> CertificateAuthority {
    CertificateAuthority {
        certificate_pem: format!("certificate {name}\n"),
        private_key_pem: SecretString::from(format!("key {name}")),
    }
}

/// Something in each sealed column.
async fn fill(f: &Fixture) {
    f.store.certificate_authority(&authority("1")).await.expect("stored");
    let key = AccessKey {
        id: "AKIA1".to_owned(),
        secret: SecretString::from("a secret"),
        account: scope().account,
    };
    f.store.add_access_key(&key, NOW).await.expect("added");
    let secret = Secret {
        scope: scope(),
        name: "password".parse().expect("a name"),
        suffix: "AbCdEf".to_owned(),
        created: NOW,
        changed: NOW,
    };
    f.store.put_secret(&secret, &SecretString::from("value")).await.expect("kept");
    create(&f.store, "orders").await;
    let lease = f
        .store
        .claim_due(worker(), None, Duration::from_secs(30), 1)
        .await
        .expect("claimed")
        .remove(0);
    f.store.save_materials(&lease, b"materials").await.expect("saved");
    // These wait or belong to directories; that the values open is all that is asked of them.
    for statement in [
        "update broker_user set pending_password = password",
        // Sealed for another place: of those that can't be opened.
        "update broker set ldap_password = (select password from broker_user limit 1)",
    ] {
        sqlx::query(statement).execute(&f.pool).await.expect("updated");
    }
}

#[tokio::test]
async fn every_column_of_sealed_values_is_known() {
    with_store(|f| async move {
        // Samples of metrics are no secrets.
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select table_name::text, column_name::text from information_schema.columns
             where table_schema = 'public' and data_type = 'bytea'
               and table_name <> '_sqlx_migrations' and column_name <> 'samples'",
        )
        .fetch_all(&f.pool)
        .await
        .expect("read");
        let schema: BTreeSet<_> = rows.into_iter().collect();
        let known: BTreeSet<_> = brokerd_store::sealed_columns()
            .into_iter()
            .map(|(table, column)| (table.to_owned(), column.to_owned()))
            .collect();
        assert_eq!(
            known, schema,
            "a column of bytes that store/src/kernel/sealed_column.rs does not know"
        );
    })
    .await;
}

#[tokio::test]
async fn values_are_sealed_anew_with_the_first_key_and_what_does_not_open_is_left() {
    with_store(|f| async move {
        fill(&f).await;
        let before = f.store.sealed_values().await.expect("counted");
        assert_eq!(before, BTreeMap::from([(old().id(), 9)]));

        let both = with_keys(&f, vec![new(), old()]).await;
        let seen = Mutex::new(Vec::new());
        let done = both.reseal(|state| seen.lock().expect("unpoisoned").push(state)).await;
        let expected = Resealing { found: 9, sealed: 8, overtaken: 0, unopened: 1 };
        assert_eq!(done.expect("sealed"), expected);
        let seen = seen.into_inner().expect("unpoisoned");
        assert_eq!((seen.len(), seen.last()), (9, Some(&expected)), "every value is told");
        let after = both.sealed_values().await.expect("counted");
        assert_eq!(after, BTreeMap::from([(old().id(), 1), (new().id(), 8)]));

        sqlx::query("update broker set ldap_password = null").execute(&f.pool).await.expect("gone");
        let only_new = with_keys(&f, vec![new()]).await;
        let key = only_new.principal_of("AKIA1").await.expect("opened").expect("there");
        assert_eq!(key.secret.expose_secret(), "a secret");
        let authorities = only_new.certificate_authorities(NOW).await.expect("opened");
        assert_eq!(authorities[0].authority.private_key_pem.expose_secret(), "key 1");
        assert!(matches!(f.store.principal_of("AKIA1").await, Err(StoreError::Seal(_))));
        sqlx::query("update reconcile set lease_expires_at = now()")
            .execute(&f.pool)
            .await
            .expect("ended");
        let lease = only_new.claim_due(worker(), None, Duration::from_secs(30), 1).await;
        let work = only_new.load(&lease.expect("claimed")[0]).await.expect("opened");
        let work = work.expect("there");
        assert_eq!(work.materials.expect("materials").expose_secret(), b"materials");
        assert_eq!(only_new.reseal(|_| {}).await.expect("nothing to do"), Resealing::default());
    })
    .await;
}

#[tokio::test]
async fn sealing_anew_that_was_ended_goes_on_where_it_was_while_others_seal_with_the_old_key() {
    with_store(|f| async move {
        fill(&f).await;
        sqlx::query("update broker set ldap_password = null").execute(&f.pool).await.expect("gone");
        let both = with_keys(&f, vec![new(), old()]).await;
        // It ends after the second value, as a process does that is killed.
        let ended = tokio::spawn({
            let both = both.clone();
            async move {
                let mut count = 0;
                both.reseal(|_| {
                    count += 1;
                    assert!(count < 2, "killed");
                })
                .await
            }
        });
        assert!(ended.await.expect_err("ended").is_panic());
        let halfway = both.sealed_values().await.expect("counted");
        assert_eq!(halfway, BTreeMap::from([(old().id(), 6), (new().id(), 2)]));
        // Everything opens meanwhile, and somebody who knows only the old key still seals with it.
        both.principal_of("AKIA1").await.expect("opened").expect("there");
        create(&f.store, "more").await;
        let rest = both.reseal(|_| {}).await.expect("sealed");
        assert_eq!((rest.found, rest.sealed), (8, 8));
        let after = both.sealed_values().await.expect("counted");
        assert_eq!(after, BTreeMap::from([(new().id(), 10)]));
    })
    .await;
}

#[tokio::test]
async fn authorities_are_named_in_the_order_in_which_they_issue() {
    with_store(|f| async move {
        let at = |days: u64| NOW.plus(Duration::from_hours(24 * days));
        f.store.certificate_authority(&authority("1")).await.expect("stored");
        f.store.add_certificate_authority(&authority("2"), at(7)).await.expect("added");
        let names = async |now: Timestamp| f.store.trusted_certificates(now).await.expect("read");
        assert_eq!(names(at(6)).await, "certificate 1\ncertificate 2\n");
        assert_eq!(names(at(7)).await, "certificate 2\ncertificate 1\n");
        f.store.add_certificate_authority(&authority("3"), at(8)).await.expect("added");
        f.store.add_certificate_authority(&authority("1"), at(9)).await.expect("again");
        let all = f.store.certificate_authorities(at(9)).await.expect("opened");
        let order: Vec<_> = all.iter().map(|stored| stored.id).collect();
        assert_eq!(order, [1, 3, 2], "of two alike there is one");
        for stored in &all {
            let key = stored.authority.private_key_pem.expose_secret();
            assert_eq!(*key, format!("key {}", stored.id));
        }
        f.store.remove_certificate_authority(3).await.expect("removed");
        assert_eq!(names(at(9)).await, "certificate 1\ncertificate 2\n");
    })
    .await;
}
