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
    // The table is locked for a shorter time than anybody waits for it. A round that takes longer, because the machine
    // stands still, proves nothing.
    for round in 1.. {
        let began = Instant::now();
        let in_time = || began.elapsed() < Duration::from_millis(1500);
        let mut held = holder.begin().await.expect("begun");
        sqlx::query("lock table offering in access exclusive mode")
            .execute(&mut *held)
            .await
            .expect("locked");
        // Those who don't wait for the answer.
        for _ in 0..5 {
            let asked = api.unsigned("GET", "/health/ready");
            let early = timeout(Duration::from_millis(20), asked).await;
            assert!(early.is_err() || !in_time(), "the table is locked: {early:?}");
        }
        let many = join_all((0..50).map(|_| api.unsigned("GET", "/health/ready")));
        let released = async {
            while waiting(&mut behind).await == 0 && in_time() {
                sleep(Duration::from_millis(5)).await;
            }
            let mut least = i64::MAX;
            for _ in 0..20 {
                let now = waiting(&mut behind).await;
                assert!(now <= 1 || !in_time(), "{now} questions at a time");
                least = least.min(now);
            }
            held.rollback().await.expect("released");
            least
        };
        let (answers, least) = tokio::join!(many, released);
        if in_time() {
            assert_eq!(least, 1, "nobody asks the database");
            for answer in answers {
                assert_eq!(answer.status, 200, "{answer:?}");
            }
            break;
        }
        assert!(round < 5, "nobody asked the database in time, or it was slow each time");
        // What was found is forgotten.
        sleep(Duration::from_millis(1100)).await;
    }
    drop((holder, behind));
    api.stop().await;
}
