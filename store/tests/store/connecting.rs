//! Which databases are accepted.

use std::sync::Arc;

use brokerd_store::{MasterKey, PgStore, StoreError};

use crate::support::{OsEntropy, with_store};

#[tokio::test]
async fn a_database_of_a_later_version_is_left_alone_and_says_so() {
    with_store(|f| async move {
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             select max(version) + 1000, 'of the future', true, '', 0 from _sqlx_migrations",
        )
        .execute(&f.pool)
        .await
        .expect("as a later version would");
        let refused =
            PgStore::connect(&f.url, 2, MasterKey::new([7; 32]), Arc::new(OsEntropy)).await;
        assert!(matches!(refused, Err(StoreError::Newer(1000..))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_lock_that_is_never_released_makes_the_database_unavailable_and_is_not_waited_for() {
    with_store(|f| async move {
        let id = crate::support::create(&f.store, "orders").await;
        let mut holder = f.pool.begin().await.expect("begun");
        sqlx::query("select broker_id from reconcile for update")
            .execute(&mut *holder)
            .await
            .expect("locked");
        let began = std::time::Instant::now();
        let woken = f.store.wake(id).await;
        assert!(matches!(woken, Err(StoreError::Unavailable(_))), "{woken:?}");
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
        holder.rollback().await.expect("let go");
        f.store.wake(id).await.expect("woken");
    })
    .await;
}
