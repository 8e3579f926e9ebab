//! A database that can't be reached properly: what calls get meanwhile, and that all is well when it is back.

use std::{net::ToSocketAddrs as _, pin::pin, sync::Arc, time::Duration};

use brokerd_domain::{BrokerId, BrokerName, Resource};
use brokerd_store::{Channel, MasterKey, PgStore, RouteReader, StoreError};
use futures_util::future::join_all;
use sqlx::{Connection as _, PgConnection};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::{
    chaos_proxy::{ChaosProxy, Mode},
    support::{Fixture, OsEntropy, broker, create, scope, with_store},
};

/// When a request has its answer.
const ANSWERED: Duration = Duration::from_secs(5);
/// When work of which nobody waits for an answer is given up, and a start is.
const GIVEN_UP: Duration = Duration::from_secs(7);
/// How often it is looked whether this process stands still.
const TICK: Duration = Duration::from_millis(50);
/// When everything works again after the database is back.
const RECOVERED: Duration = Duration::from_secs(10);
/// How many connections the store has.
const CONNECTIONS: u32 = 4;

/// A store behind a proxy, with a broker in it.
struct Proxied {
    proxy: ChaosProxy,
    store: PgStore,
    url: String,
    broker: BrokerId,
    name: BrokerName,
    /// The way past the proxy.
    behind: Fixture,
}

async fn with_proxy<F: Future<Output = ()> + Send + 'static>(
    test: impl FnOnce(Proxied) -> F + Send + 'static,
) {
    with_store(|behind| async move {
        let (credentials, rest) = behind.url.split_once('@').expect("a URL with a user");
        let (server, name) = rest.split_once('/').expect("a URL with a database");
        let target = server.to_socket_addrs().expect("a server with a port").next();
        let target = target.expect("an address");
        let proxy = ChaosProxy::start(target).expect("a proxy");
        let url = format!("{credentials}@{}/{name}", proxy.address());
        let store = connect(&url).await.expect("connects");
        let id = create(&store, "orders").await;
        let name = broker(&store, id).await.name;
        test(Proxied { proxy, store, url, broker: id, name, behind }).await;
    })
    .await;
}

async fn connect(url: &str) -> Result<PgStore, StoreError> {
    PgStore::connect(url, CONNECTIONS, MasterKey::new([7; 32]), Arc::new(OsEntropy)).await
}

impl Proxied {
    /// A read, a statement that writes, and a transaction.
    async fn calls(&self) -> [Result<(), StoreError>; 3] {
        let resource = Resource::Broker { id: self.broker, name: self.name.clone() };
        let scope = scope();
        let (read, write, transaction) = tokio::join!(
            self.store.broker(&scope, self.broker),
            self.store.wake(self.broker),
            self.store.change_tags(&scope, &resource, |tags| Ok(Some(tags.clone())))
        );
        [read.map(drop), write, transaction.map(drop)]
    }

    /// Makes every kind of call, many at a time; all of them end in time, the same way.
    async fn all_are_unavailable(&self) {
        let (all, took) = timed(join_all((0..30).map(|_| self.calls()))).await;
        for result in all.iter().flatten() {
            assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
        }
        assert!(took < ANSWERED, "{took:?}");
    }

    /// Makes every kind of call, more at a time than there are connections; the first failure, if not all work.
    async fn many_work(&self) -> Result<(), StoreError> {
        join_all((0..8).map(|_| self.calls())).await.into_iter().flatten().collect()
    }

    /// Waits until calls work, many at a time; from then on all do, and nothing is left behind.
    async fn recovers(&self) {
        let began = Instant::now();
        while self.store.ping().await.is_err() || self.many_work().await.is_err() {
            assert!(began.elapsed() < RECOVERED, "it does not recover");
            sleep(Duration::from_millis(20)).await;
        }
        assert!(began.elapsed() < RECOVERED, "{:?}", began.elapsed());
        // A connection that an earlier call had left in doubt is replaced only when another one is wanted.
        let most = usize::try_from(CONNECTIONS).expect("a few");
        let began = Instant::now();
        while self.proxy.open() != most {
            let open = self.proxy.open();
            assert!(began.elapsed() < RECOVERED, "{open} connections are open, not {most}");
            self.many_work().await.expect("all of them work");
            sleep(Duration::from_millis(20)).await;
        }
        // One connection asks: those of a pool are asked for an answer each time they go back to it, and would count.
        let asking = PgConnection::connect(&self.behind.url).await.expect("connects");
        let asking = Mutex::new(asking);
        let busy = "select count(*) from pg_stat_activity where datname = current_database()
                    and pid <> pg_backend_pid() and state_change > now() - interval '100 ms'";
        eventually("all of them have gone back to the pool", || async {
            let mut asking = asking.lock().await;
            let busy = sqlx::query_scalar::<_, i64>(busy).fetch_one(&mut *asking).await;
            busy.expect("counted") == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_database_that_swallows_everything_is_unavailable_within_seconds_and_used_again_when_it_is_back()
 {
    with_proxy(|p| async move {
        p.recovers().await;
        for _ in 0..2 {
            p.proxy.set(Mode::Swallow);
            p.all_are_unavailable().await;
            // By now it is known, and nobody waits any more.
            eventually("calls are refused at once", || async {
                let began = Instant::now();
                p.store.ping().await.is_err() && began.elapsed() < Duration::from_millis(200)
            })
            .await;
            p.proxy.set(Mode::Pass);
            p.recovers().await;
        }
    })
    .await;
}

#[tokio::test]
async fn answers_that_are_swallowed_leave_no_lock_behind_that_keeps_anybody_waiting() {
    with_proxy(|p| async move {
        p.recovers().await;
        p.proxy.set(Mode::SwallowAnswers);
        p.all_are_unavailable().await;
        p.proxy.set(Mode::Pass);
        p.recovers().await;
    })
    .await;
}

#[tokio::test]
async fn requests_that_are_swallowed_in_the_middle_of_a_transaction_leave_no_lock_behind() {
    with_proxy(|p| async move {
        let resource = Resource::Broker { id: p.broker, name: p.name.clone() };
        // The row is locked when the change is asked for.
        let changed = p
            .store
            .change_tags(&scope(), &resource, |tags| {
                p.proxy.set(Mode::SwallowRequests);
                Ok(Some(tags.clone()))
            })
            .await;
        assert!(matches!(changed, Err(StoreError::Unavailable(_))), "{changed:?}");
        p.all_are_unavailable().await;
        p.proxy.set(Mode::Pass);
        p.recovers().await;
    })
    .await;
}

#[tokio::test]
async fn connections_that_were_reset_are_made_again_and_only_those_in_use_fail() {
    with_proxy(|p| async move {
        p.recovers().await;
        p.proxy.set(Mode::Reset);
        p.all_are_unavailable().await;
        p.proxy.set(Mode::Pass);
        p.recovers().await;
        // All at once, while nobody uses them: the first to use one finds out, for all.
        p.proxy.set(Mode::Reset);
        eventually("all connections are gone", || async { p.proxy.open() == 0 }).await;
        p.proxy.set(Mode::Pass);
        let mut failed = 0;
        for _ in 0..20 {
            failed += usize::from(p.store.ping().await.is_err());
        }
        assert!(failed <= 1, "{failed} calls failed");
    })
    .await;
}

#[tokio::test]
async fn a_slow_database_serves_and_one_that_is_too_slow_is_unavailable_until_it_is_not() {
    with_proxy(|p| async move {
        p.proxy.set(Mode::Slow(Duration::from_millis(50)));
        for result in p.calls().await {
            assert!(result.is_ok(), "{result:?}");
        }
        p.proxy.set(Mode::Slow(Duration::from_secs(4)));
        p.all_are_unavailable().await;
        p.proxy.set(Mode::Pass);
        p.recovers().await;
    })
    .await;
}

#[tokio::test]
async fn calls_that_are_given_up_while_nothing_answers_take_no_place_in_the_pool() {
    with_proxy(|p| async move {
        // A place that a lost call kept would be free again after three seconds, each time; a busy machine is late
        // now and then.
        let mut at_once = false;
        for _ in 0..3 {
            p.recovers().await;
            p.proxy.set(Mode::Swallow);
            let given_up = Duration::from_millis(50);
            for _ in 0..3 * CONNECTIONS {
                timeout(given_up, p.store.ping()).await.expect_err("nothing answers");
            }
            // Nobody waited for long enough to find out that nothing answers.
            p.proxy.set(Mode::Pass);
            let all = join_all((0..CONNECTIONS).map(|_| p.store.ping()));
            at_once |= timeout(Duration::from_secs(2), all)
                .await
                .is_ok_and(|all| all.iter().all(Result::is_ok));
            if at_once {
                break;
            }
        }
        assert!(at_once, "some place was not free");
        p.recovers().await;
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_given_up_is_rolled_back_and_its_connection_used_again() {
    with_proxy(|p| async move {
        let resource = Resource::Broker { id: p.broker, name: p.name.clone() };
        p.recovers().await;
        for _ in 0..3 * CONNECTIONS {
            // What refuses ends the transaction early.
            let refused = p.store.change_tags(&scope(), &resource, |_| Ok(None)).await;
            assert!(refused.is_ok(), "{refused:?}");
        }
        assert_eq!(p.proxy.open(), 4, "connections were closed");
        p.recovers().await;
    })
    .await;
}

#[tokio::test]
async fn work_of_which_nobody_waits_for_an_answer_does_not_hang_either() {
    with_proxy(|p| async move {
        let passes = p.store.with_own_connections(2);
        passes.ping().await.expect("answers");
        let installation = "other".parse().expect("a name");
        let routes = RouteReader::connect_lazily(&p.url, installation).expect("a URL");
        routes.routes().await.expect("read");
        p.proxy.set(Mode::Swallow);
        let both = async { tokio::join!(passes.wake(p.broker), routes.routes()) };
        let ((pass, table), took) = timed(both).await;
        assert!(matches!(pass, Err(StoreError::Unavailable(_))), "{pass:?}");
        assert!(matches!(table, Err(StoreError::Unavailable(_))), "{table:?}");
        assert!(took < GIVEN_UP, "{took:?}");
        p.proxy.set(Mode::Pass);
        let back = Instant::now();
        eventually("both work again", || async {
            passes.wake(p.broker).await.is_ok() && routes.routes().await.is_ok()
        })
        .await;
        assert!(back.elapsed() < RECOVERED, "{:?}", back.elapsed());
    })
    .await;
}

#[tokio::test]
async fn who_listens_notices_that_nothing_is_said_any_more_and_hears_again_of_what_happens_later() {
    with_proxy(|p| async move {
        let mut listener = p.store.listen(Channel::Reconcile).await.expect("listens");
        p.store.wake(p.broker).await.expect("woken");
        timeout(RECOVERED, listener.wait()).await.expect("told");
        // One that is quiet is asked, and goes on; unless the machine stands still, which may look like a connection that
        // is lost.
        let mut quiet = false;
        for _ in 0..3 {
            quiet = timeout(Duration::from_secs(8), listener.wait()).await.is_err();
            if quiet {
                break;
            }
        }
        assert!(quiet, "it was told of something, and nothing happened");
        p.proxy.set(Mode::Swallow);
        // By one who does not wait for long, too.
        let time_limit = Duration::from_secs(1);
        let mut noticed = false;
        for _ in 0..9 {
            noticed |= timeout(time_limit, listener.wait()).await.is_ok();
        }
        assert!(noticed, "nothing was noticed");
        p.proxy.set(Mode::Pass);
        // It is listening again: that counts as something that may have been missed.
        let back = Instant::now();
        timeout(RECOVERED, listener.wait()).await.expect("connected again");
        p.behind.store.wake(p.broker).await.expect("woken");
        timeout(RECOVERED, listener.wait()).await.expect("told");
        assert!(back.elapsed() < RECOVERED, "{:?}", back.elapsed());
        drop(listener);
        p.recovers().await;
    })
    .await;
}

#[tokio::test]
async fn a_start_does_not_wait_for_a_database_that_says_nothing() {
    with_proxy(|p| async move {
        p.proxy.set(Mode::Swallow);
        let connecting = timeout(Duration::from_secs(60), timed(connect(&p.url))).await;
        let (connecting, took) = connecting.expect("an answer");
        assert!(took < GIVEN_UP, "{took:?}");
        assert!(matches!(connecting, Err(StoreError::Unavailable(_))), "{connecting:?}");
        p.proxy.set(Mode::Pass);
        connect(&p.url).await.expect("connects");
    })
    .await;
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + RECOVERED;
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not in time");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Does something; also, how long it took. That this process stood still meanwhile, as all do on a busy machine, does
/// not count.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = pin!(work);
    let began = Instant::now();
    let (mut last, mut stalled) = (began, Duration::ZERO);
    loop {
        let done = timeout(TICK, &mut work).await;
        stalled += last.elapsed().saturating_sub(2 * TICK);
        last = Instant::now();
        if let Ok(done) = done {
            return (done, began.elapsed().saturating_sub(stalled));
        }
    }
}
