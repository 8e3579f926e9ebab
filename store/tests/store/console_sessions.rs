//! Sessions of the web console.

use std::{sync::Arc, time::Duration};

use brokerd_domain::{AccountId, Timestamp, identity::AccessKeyState};
use brokerd_store::{AccessKey, ConsoleSession, ConsoleToken, KeyHolderName, PgStore};
use tokio::task::JoinSet;

use crate::support::{Fixture, NOW, OsEntropy, with_store};

const ACCOUNT: &str = "000000000000";
const ROOT: &str = "arn:aws:iam::000000000000:root";

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn token() -> ConsoleToken {
    ConsoleToken::generate(&OsEntropy)
}

fn session(key: &str, principal: &str) -> ConsoleSession {
    ConsoleSession {
        account: ACCOUNT.parse().expect("an account"),
        principal: principal.to_owned(),
        access_key_id: key.to_owned(),
        session_token: None,
        created: NOW,
        idle_until: after(60),
        expires: after(600),
    }
}

async fn add_key(store: &PgStore, id: &str) {
    let account = ACCOUNT.parse().expect("an account");
    let key = AccessKey { id: id.to_owned(), secret: "secret".into(), account };
    store.add_access_key(&key, NOW).await.expect("added");
}

async fn begun(store: &PgStore, key: &str, principal: &str) -> ConsoleToken {
    let token = token();
    let begun = store.begin_console_session(&token, &session(key, principal), None).await;
    assert!(begun.expect("begun"));
    token
}

async fn is_there(store: &PgStore, token: &ConsoleToken, at: Timestamp) -> bool {
    store.console_session(&token.hash(), at).await.expect("read").is_some()
}

async fn count(f: &Fixture, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&f.pool).await.expect("counted")
}

#[tokio::test]
async fn a_session_is_there_until_it_is_idle_ends_or_is_ended() {
    with_store(|f| async move {
        let token = begun(&f.store, "AKIA1", ROOT).await;
        let found = f.store.console_session(&token.hash(), NOW).await.expect("read");
        let found = found.expect("there");
        assert_eq!((found.principal.as_str(), found.access_key_id.as_str()), (ROOT, "AKIA1"));
        assert!(is_there(&f.store, &token, after(59)).await);
        assert!(!is_there(&f.store, &token, after(60)).await, "idle");
        f.store.prolong_console_session(&token.hash(), after(900)).await.expect("prolonged");
        f.store.prolong_console_session(&token.hash(), after(100)).await.expect("not put back");
        assert!(is_there(&f.store, &token, after(599)).await);
        assert!(!is_there(&f.store, &token, after(600)).await, "over");
        let other = begun(&f.store, "AKIA1", ROOT).await;
        assert!(f.store.end_console_session(&token.hash()).await.expect("ended"));
        assert!(!f.store.end_console_session(&token.hash()).await.expect("asked"));
        assert!(!is_there(&f.store, &token, NOW).await);
        assert!(is_there(&f.store, &other, NOW).await);
    })
    .await;
}

#[tokio::test]
async fn the_sessions_of_a_principal_end_and_nobody_elses() {
    with_store(|f| async move {
        let bob = "arn:aws:iam::000000000000:user/bob";
        let [one, two] =
            [begun(&f.store, "AKIA1", ROOT).await, begun(&f.store, "AKIA2", ROOT).await];
        let bobs = begun(&f.store, "AKIA3", bob).await;
        let account = ACCOUNT.parse().expect("an account");
        let other = "111111111111".parse().expect("an account");
        assert_eq!(f.store.end_console_sessions(&other, ROOT).await.expect("asked"), 0);
        assert_eq!(f.store.end_console_sessions(&account, ROOT).await.expect("ended"), 2);
        for (token, expected) in [(&one, false), (&two, false), (&bobs, true)] {
            assert_eq!(is_there(&f.store, token, NOW).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn the_oldest_sessions_of_a_key_make_room() {
    with_store(|f| async move {
        let mut tokens = Vec::new();
        for n in 0..103_u64 {
            let token = token();
            let session = ConsoleSession { created: after(n), ..session("AKIA1", ROOT) };
            assert!(f.store.begin_console_session(&token, &session, None).await.expect("begun"));
            tokens.push(token);
        }
        assert_eq!(count(&f, "console_session").await, 100);
        assert!(!is_there(&f.store, &tokens[2], NOW).await);
        assert!(is_there(&f.store, &tokens[3], NOW).await);
    })
    .await;
}

#[tokio::test]
async fn of_all_who_follow_a_link_one_is_signed_in() {
    with_store(|f| async move {
        add_key(&f.store, "AKIA1").await;
        let link = token();
        assert!(!f.store.create_console_link(&link, "AKIANOBODY", after(60)).await.expect("asked"));
        assert!(f.store.create_console_link(&link, "AKIA1", after(60)).await.expect("made"));
        let key = f.store.console_link(&link, NOW).await.expect("read");
        assert_eq!(key.as_deref(), Some("AKIA1"));
        assert_eq!(f.store.console_link(&link, after(60)).await.expect("read"), None);
        assert_eq!(f.store.console_link(&token(), NOW).await.expect("read"), None);
        let of_another = session("AKIA2", ROOT);
        let begun = f.store.begin_console_session(&token(), &of_another, Some(&link)).await;
        assert!(!begun.expect("asked"), "another key's");
        let late = ConsoleSession { created: after(60), ..session("AKIA1", ROOT) };
        let begun = f.store.begin_console_session(&token(), &late, Some(&link)).await;
        assert!(!begun.expect("asked"), "too late");

        let mut tasks = JoinSet::new();
        let link = Arc::new(link);
        for _ in 0..8 {
            let (store, link) = (f.store.clone(), Arc::clone(&link));
            tasks.spawn(async move {
                let session = session("AKIA1", ROOT);
                store.begin_console_session(&token(), &session, Some(&link)).await.expect("asked")
            });
        }
        let begun = tasks.join_all().await;
        assert_eq!(begun.into_iter().filter(|begun| *begun).count(), 1);
        assert_eq!(count(&f, "console_session").await, 1);
        assert_eq!(f.store.console_link(&link, NOW).await.expect("read"), None);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_does_not_sign_ends_its_sessions_and_links_though_others_end_them_too() {
    with_store(|f| async move {
        let account = ACCOUNT.parse().expect("an account");
        let ids = ["AKIA1", "AKIA2"];
        for id in ids {
            add_key(&f.store, id).await;
            let link = token();
            assert!(f.store.create_console_link(&link, id, after(60)).await.expect("made"));
        }
        let mut tokens = Vec::new();
        for n in 0..40 {
            tokens.push(begun(&f.store, ids[n % 2], ROOT).await);
        }
        // All at once, from every side: nobody waits for one who waits for it.
        let mut tasks = JoinSet::new();
        for n in 0..12 {
            let (store, account) = (f.store.clone(), AccountId::clone(&account));
            let hash = tokens[n].hash();
            tasks.spawn(async move {
                let id = ids[n % 2].parse().expect("an identifier");
                match n % 3 {
                    0 => {
                        let state = AccessKeyState::Inactive;
                        store
                            .set_access_key_state(&account, KeyHolderName::Root, &id, state)
                            .await
                            .expect("set");
                    }
                    1 => drop(store.end_console_sessions(&account, ROOT).await.expect("ended")),
                    _ => store.prolong_console_session(&hash, after(70)).await.expect("prolonged"),
                }
            });
        }
        tasks.join_all().await;
        let left = (count(&f, "console_session").await, count(&f, "console_link").await);
        assert_eq!(left, (0, 0));

        let first = ids[0].parse().expect("an identifier");
        let active = AccessKeyState::Active;
        let holder = KeyHolderName::Root;
        f.store.set_access_key_state(&account, holder, &first, active).await.expect("set");
        let token = begun(&f.store, ids[0], ROOT).await;
        let other = begun(&f.store, "ASIA1", ROOT).await;
        assert!(f.store.delete_access_key(&account, holder, &first).await.expect("deleted"));
        assert!(!is_there(&f.store, &token, NOW).await);
        assert!(is_there(&f.store, &other, NOW).await);
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_is_cleared_away_and_nothing_else() {
    with_store(|f| async move {
        add_key(&f.store, "AKIA1").await;
        let stays = begun(&f.store, "AKIA1", ROOT).await;
        f.store.prolong_console_session(&stays.hash(), after(500)).await.expect("prolonged");
        begun(&f.store, "AKIA1", ROOT).await;
        for seconds in [60, 120] {
            let link = token();
            assert!(
                f.store.create_console_link(&link, "AKIA1", after(seconds)).await.expect("made")
            );
        }
        assert_eq!(f.store.clear_console_sessions(after(59)).await.expect("cleared"), 0);
        assert_eq!(f.store.clear_console_sessions(after(60)).await.expect("cleared"), 2);
        assert!(is_there(&f.store, &stays, after(60)).await);
        assert_eq!(f.store.clear_console_sessions(after(600)).await.expect("cleared"), 2);
    })
    .await;
}
