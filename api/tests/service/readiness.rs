//! `/health/ready`: honest, and nothing that strangers could burden the database with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time::{Instant, sleep, timeout};

use crate::support::TestApi;

/// Waits until the answer has that status; what it is then.
async fn until(api: &TestApi, status: u16) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = api.unsigned("GET", "/health/ready").await;
        if answer.status == status {
            return answer.text;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn readiness_follows_what_is_offered_and_the_database() {
    let api = TestApi::start().await;
    until(&api, 200).await;
    api.offer(&[]).await;
    assert!(until(&api, 503).await.contains("No engine version is offered"));
    api.offer(&[(brokerd_domain::EngineType::RabbitMq, 4, 3)]).await;
    until(&api, 200).await;
    api.lose_database().await;
    assert!(until(&api, 503).await.contains("The database does not answer."));
    api.stop().await;
}

#[tokio::test]
async fn readiness_says_what_of_the_process_is_not_well_for_as_long_as_it_is_not() {
    let well = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&well);
    let api = TestApi::start_ready_if(Box::new(move || {
        if asked.load(Ordering::SeqCst) { Ok(()) } else { Err("The tea is cold.".to_owned()) }
    }))
    .await;
    assert_eq!(api.unsigned("GET", "/health/ready").await.status, 200);
    well.store(false, Ordering::SeqCst);
    let answer = api.unsigned("GET", "/health/ready").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (503, json!({"message": "The tea is cold."}))
    );
    assert_eq!(answer.header("x-amzn-errortype"), "ServiceUnavailableException");
    // Who only wants to know whether the process lives is not concerned.
    assert_eq!(api.unsigned("GET", "/health/live").await.status, 200);
    well.store(true, Ordering::SeqCst);
    assert_eq!(api.unsigned("GET", "/health/ready").await.status, 200);
    api.stop().await;
}

/// Who waits for the table of what is offered.
async fn waiting(behind: &mut PgConnection) -> i64 {
    let row = sqlx::query(
        "select count(*) from pg_locks
         where not granted and relation = 'offering'::regclass
           and database = (select oid from pg_database where datname = current_database())",
    )
    .fetch_one(behind)
    .await;
    row.expect("counted").get(0)
}

#[tokio::test]
async fn however_many_ask_for_readiness_and_go_away_one_question_reaches_the_database() {
    let api = TestApi::start().await;
    let mut holder = api.connection().await;
    let mut behind = api.connection().await;
    let mut held = holder.begin().await.expect("begun");
    sqlx::query("lock table offering in access exclusive mode")
        .execute(&mut *held)
        .await
        .expect("locked");
    // Those who don't wait for the answer.
    for _ in 0..5 {
        let asked = api.unsigned("GET", "/health/ready");
        timeout(Duration::from_millis(20), asked).await.expect_err("the table is locked");
    }
    let many = join_all((0..50).map(|_| api.unsigned("GET", "/health/ready")));
    let released = async {
        let deadline = Instant::now() + Duration::from_secs(1);
        while waiting(&mut behind).await == 0 {
            assert!(Instant::now() < deadline, "nobody asks the database");
        }
        for _ in 0..20 {
            assert_eq!(waiting(&mut behind).await, 1);
        }
        held.rollback().await.expect("released");
    };
    let (answers, ()) = tokio::join!(many, released);
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    drop((holder, behind));
    api.stop().await;
}
