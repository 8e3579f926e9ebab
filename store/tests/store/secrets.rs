//! Nothing secret is readable in the database, or with another key.

use std::sync::Arc;

use brokerd_domain::{AccountId, EngineType, EngineVersion, Timestamp};
use brokerd_store::{AccessKey, CertificateAuthority, MasterKey, Offering, PgStore, StoreError};
use secrecy::{ExposeSecret, SecretString};

use crate::support::{NOW, OsEntropy, create, with_store};

fn key(id: &str) -> AccessKey {
    AccessKey {
        id: id.to_owned(),
        secret: SecretString::from(format!("secret of {id}")),
        account: "000000000000".parse().expect("account"),
    }
}

#[tokio::test]
async fn access_keys_are_kept_sealed_and_never_overwritten() {
    with_store(|f| async move {
        let own = key("AKIA1").account;
        let first =
            async |account: &AccountId| f.store.first_access_key(account).await.expect("read");
        assert!(first(&own).await.is_none());
        f.store.add_access_key(&key("AKIA1"), NOW).await.expect("added");
        assert_eq!(first(&own).await.map(|key| key.id).as_deref(), Some("AKIA1"));
        let another = "100000000009".parse().expect("an account");
        assert!(first(&another).await.is_none(), "the key of another account's root is not taken");
        let other = AccessKey { secret: SecretString::from("another"), ..key("AKIA1") };
        f.store.add_access_key(&other, NOW).await.expect("left alone");
        let stored = f.store.principal_of("AKIA1").await.expect("read").expect("there");
        assert_eq!(stored.secret.expose_secret(), "secret of AKIA1");
        assert!(f.store.principal_of("AKIA2").await.expect("read").is_none());
        let raw: Vec<u8> = sqlx::query_scalar("select secret from access_key")
            .fetch_one(&f.pool)
            .await
            .expect("read");
        assert!(!raw.windows(6).any(|window| window == b"secret"));
        let disable = "update access_key set state = 'Inactive'";
        sqlx::query(disable).execute(&f.pool).await.expect("disabled");
        assert!(first(&own).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_says_so() {
    with_store(|f| async move {
        f.store.add_access_key(&key("AKIA1"), NOW).await.expect("added");
        create(&f.store, "orders").await;
        let stranger = PgStore::connect(&f.url, 2, MasterKey::new([8; 32]), Arc::new(OsEntropy))
            .await
            .expect("connects");
        let read = stranger.principal_of("AKIA1").await;
        assert!(matches!(read, Err(StoreError::Seal("access key"))), "{read:?}");
        let lease = stranger
            .claim_due(crate::support::worker(), None, std::time::Duration::from_secs(30), 1)
            .await
            .expect("claimed")
            .remove(0);
        let work = stranger.load(&lease).await.expect("loaded").expect("there");
        assert!(work.unreadable.is_some() && work.users.is_empty() && work.materials.is_none());
    })
    .await;
}

#[tokio::test]
async fn of_two_authorities_and_two_installations_the_first_one_stays() {
    with_store(|f| async move {
        let authority = |n: &str| CertificateAuthority {
            certificate_pem: format!("certificate {n}"),
            private_key_pem: SecretString::from(format!("key {n}")),
        };
        assert!(f.store.certificate_authorities(NOW).await.expect("read").is_empty());
        f.store.certificate_authority(&authority("1")).await.expect("stored");
        f.store.certificate_authority(&authority("2")).await.expect("kept");
        let kept = f.store.certificate_authorities(NOW).await.expect("read");
        let [kept] = kept.as_slice() else { panic!("{kept:?}") };
        assert_eq!(kept.authority.certificate_pem, "certificate 1");
        assert_eq!(kept.authority.private_key_pem.expose_secret(), "key 1");
        let first = f.store.installation(&"one".parse().expect("valid")).await.expect("stored");
        let second = f.store.installation(&"two".parse().expect("valid")).await.expect("kept");
        assert_eq!((first.as_str(), second.as_str()), ("one", "one"));
    })
    .await;
}

#[tokio::test]
async fn what_a_name_of_a_registry_stood_for_last_is_remembered() {
    with_store(|f| async move {
        let at = Timestamp::from_micros(1);
        for (image, digest) in [("a:1", "sha256:1"), ("b:1", "sha256:2"), ("a:1", "sha256:3")] {
            f.store.save_pulled_image(image, digest, at).await.expect("saved");
        }
        let pulled = f.store.pulled_images().await.expect("read");
        let expected = [("a:1", "sha256:3"), ("b:1", "sha256:2")];
        assert_eq!(pulled, expected.map(|(i, d)| (i.to_owned(), d.to_owned())).into());
    })
    .await;
}

#[tokio::test]
async fn offerings_are_replaced_as_a_whole() {
    with_store(|f| async move {
        let offering = |minor: u16| Offering {
            engine: EngineType::ActiveMq,
            version: EngineVersion::new(5, minor),
            runs: EngineVersion::new(5, 19),
            true_version: format!("5.{minor}.1"),
            modules: format!("broker=5.{minor}.1"),
            image: "image".to_owned(),
            launcher: minor != 18,
        };
        f.store.set_offerings(&[offering(18), offering(19)]).await.expect("stored");
        let offered = f.store.offerings().await.expect("read").versions(EngineType::ActiveMq);
        assert_eq!(offered, [EngineVersion::new(5, 19), EngineVersion::new(5, 18)]);
        let engines = f.store.offered_engines().await.expect("read");
        assert_eq!(engines, [offering(18), offering(19)]);
        let stored = f.store.offerings().await.expect("read");
        let serving = stored.serving(EngineType::ActiveMq, EngineVersion::new(5, 18));
        assert_eq!(serving, EngineVersion::new(5, 19));
        f.store.set_offerings(&[offering(19)]).await.expect("stored");
        let offered = f.store.offerings().await.expect("read").versions(EngineType::ActiveMq);
        assert_eq!(offered, [EngineVersion::new(5, 19)]);
    })
    .await;
}
