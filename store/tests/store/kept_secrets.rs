//! Secrets that configurations name by ARN.

use std::sync::Arc;

use brokerd_domain::{Scope, Secret, SecretName, SecretReference};
use brokerd_store::{MasterKey, PgStore, StoreError};
use secrecy::{ExposeSecret, SecretString};

use crate::support::{NOW, OsEntropy, scope, with_store};

fn name(text: &str) -> SecretName {
    text.parse().expect("a name")
}

fn fresh(scope: &Scope, named: &str) -> Secret {
    let suffix = Secret::suffix(&OsEntropy);
    Secret { scope: scope.clone(), name: name(named), suffix, created: NOW, changed: NOW }
}

fn arn(text: &str) -> SecretReference {
    SecretReference::parse(text).expect("an ARN")
}

async fn put(store: &PgStore, scope: &Scope, named: &str, value: &str) -> Secret {
    let kept = store.put_secret(&fresh(scope, named), &SecretString::from(value)).await;
    kept.expect("stored").expect("not too many")
}

async fn value(store: &PgStore, scope: &Scope, reference: &str) -> Option<String> {
    let value = store.secret_value(scope, &arn(reference)).await.expect("read");
    value.map(|value| value.expose_secret().to_owned())
}

#[tokio::test]
async fn a_secret_is_kept_replaced_listed_and_deleted() {
    with_store(|f| async move {
        let scope = scope();
        let ldap = put(&f.store, &scope, "a/ldap", "the first").await;
        assert_eq!(f.store.secret(&scope, &ldap.name).await.expect("read"), Some(ldap.clone()));
        let later = NOW.plus(std::time::Duration::from_secs(9));
        let again = Secret { created: later, changed: later, ..fresh(&scope, "a/ldap") };
        let replaced = f.store.put_secret(&again, &"the second".into()).await.expect("stored");
        let expected = Secret { changed: later, ..ldap.clone() };
        assert_eq!(replaced, Some(expected.clone()), "its ARN and its creation stay");
        assert_eq!(value(&f.store, &scope, &ldap.arn()).await.as_deref(), Some("the second"));

        let ca = put(&f.store, &scope, "a/ca.pem", "PEM").await;
        assert_eq!(f.store.secrets(&scope).await.expect("read"), [ca, expected]);
        assert!(f.store.delete_secret(&scope, &ldap.name).await.expect("deleted"));
        assert!(!f.store.delete_secret(&scope, &ldap.name).await.expect("nothing left"));
        assert_eq!(f.store.secret(&scope, &ldap.name).await.expect("read"), None);
        assert_eq!(value(&f.store, &scope, &ldap.arn()).await, None);
        let anew = put(&f.store, &scope, "a/ldap", "the third").await;
        assert_ne!(anew.arn(), ldap.arn(), "it is another one");
    })
    .await;
}

#[tokio::test]
async fn arns_mean_secrets_by_name_and_objects_by_bucket_and_key() {
    with_store(|f| async move {
        let scope = scope();
        put(&f.store, &scope, "ldap", "of ldap").await;
        put(&f.store, &scope, "http-backend", "of http").await;
        put(&f.store, &scope, "certs/dir/ca.pem", "PEM").await;
        let secret =
            |id: &str| format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{id}");
        for (reference, expected) in [
            (secret("ldap-AbCdEf"), Some("of ldap")),
            (secret("ldap"), Some("of ldap")),
            // What looks like the end of an ARN may be the end of a name.
            (secret("http-backend"), Some("of http")),
            (secret("http-backend-AbCdEf"), Some("of http")),
            (secret("ldap2-AbCdEf"), None),
            ("arn:aws:s3:::certs/dir/ca.pem".to_owned(), Some("PEM")),
            ("arn:aws:s3:::certs/ca.pem".to_owned(), None),
        ] {
            assert_eq!(
                value(&f.store, &scope, &reference).await.as_deref(),
                expected,
                "{reference}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn secrets_are_of_one_account_in_one_region() {
    with_store(|f| async move {
        let mine = scope();
        let kept = put(&f.store, &mine, "certs/ca.pem", "mine").await;
        for (account, region) in [("000000000001", "us-east-1"), ("000000000000", "eu-west-1")] {
            let other = Scope {
                account: account.parse().expect("account"),
                region: region.parse().expect("region"),
            };
            assert_eq!(f.store.secret(&other, &kept.name).await.expect("read"), None);
            assert_eq!(f.store.secrets(&other).await.expect("read"), []);
            assert!(!f.store.delete_secret(&other, &kept.name).await.expect("nothing there"));
            for reference in [kept.arn(), "arn:aws:s3:::certs/ca.pem".to_owned()] {
                assert_eq!(value(&f.store, &other, &reference).await, None, "{reference}");
            }
            let twin = put(&f.store, &other, "certs/ca.pem", "theirs").await;
            assert_eq!(value(&f.store, &other, &twin.arn()).await.as_deref(), Some("theirs"));
            assert_eq!(value(&f.store, &mine, &twin.arn()).await, None, "by their ARN");
        }
        assert_eq!(value(&f.store, &mine, &kept.arn()).await.as_deref(), Some("mine"));
    })
    .await;
}

#[tokio::test]
async fn values_are_sealed_for_their_place() {
    with_store(|f| async move {
        let scope = scope();
        let (a, b) =
            (put(&f.store, &scope, "a", "value of a").await, put(&f.store, &scope, "b", "b").await);
        let raw: Vec<u8> = sqlx::query_scalar("select value from secret where name = 'a'")
            .fetch_one(&f.pool)
            .await
            .expect("read");
        assert!(!raw.windows(5).any(|window| window == b"value"));
        let moved = "update secret set value = (select value from secret where name = 'a')
                     where name = 'b'";
        sqlx::query(moved).execute(&f.pool).await.expect("moved");
        let read = f.store.secret_value(&scope, &arn(&b.arn())).await;
        assert!(matches!(read, Err(StoreError::Seal("secret"))), "{read:?}");
        let key = MasterKey::new([8; 32]);
        let stranger =
            PgStore::connect(&f.url, 2, key, Arc::new(OsEntropy)).await.expect("connects");
        let read = stranger.secret_value(&scope, &arn(&a.arn())).await;
        assert!(matches!(read, Err(StoreError::Seal("secret"))), "{read:?}");
    })
    .await;
}

#[tokio::test]
async fn an_account_has_a_thousand_secrets_in_a_region_and_may_replace_each() {
    with_store(|f| async move {
        let scope = scope();
        put(&f.store, &scope, "first", "a").await;
        let many = "insert into secret (account, region, name, suffix, value, created, changed)
                    select account, region, 'n-' || n, suffix, value, created, changed
                    from secret, generate_series(2, 1000) n";
        sqlx::query(many).execute(&f.pool).await.expect("stored");
        let one_more = f.store.put_secret(&fresh(&scope, "one-more"), &"a".into()).await;
        assert_eq!(one_more.expect("asked"), None);
        put(&f.store, &scope, "first", "b").await;
        let region = "eu-west-1".parse().expect("region");
        put(&f.store, &Scope { region, ..scope.clone() }, "one-more", "a").await;
        assert!(f.store.delete_secret(&scope, &name("first")).await.expect("deleted"));
        put(&f.store, &scope, "one-more", "a").await;
    })
    .await;
}
