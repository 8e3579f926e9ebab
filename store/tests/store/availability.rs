//! How available brokers were, as reports know it.

use std::time::Duration;

use brokerd_domain::{
    Availability, BrokerId, Fault, FaultId, FaultInput, FaultSpec, Lease, NetworkDefaults, Next,
    PassReport, Timestamp,
    report::{
        AvailabilityRecord, InstanceTransition, MAX_PERIOD, OutageCause, Period, ReportedChange,
        Takeover, Transitions,
    },
};
use brokerd_store::PgStore;

use crate::support::{Fixture, NOW, OsEntropy, broker, report, running, scope, with_store};

const TTL: Duration = Duration::from_secs(30);

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn always() -> Period {
    Period { from: Timestamp::from_micros(0), to: later(1_000_000_000) }
}

/// What a pass changes.
fn change(state: Availability, at: u64) -> ReportedChange {
    let transitions =
        Transitions { availability: Some((state, later(at))), ..Transitions::default() };
    ReportedChange {
        transitions,
        cause: OutageCause::EngineEnded,
        detail: "instance 1 was killed".to_owned(),
    }
}

async fn record(store: &PgStore, lease: &Lease, change: ReportedChange) {
    let report = PassReport { change: Some(change), ..report("runs") };
    store.record(lease, &report).await.expect("recorded");
}

async fn known(store: &PgStore, id: BrokerId) -> AvailabilityRecord {
    let mut found = store.availability(&[id], always()).await.expect("read");
    found.remove(&id).unwrap_or_default()
}

/// When each interval began, and what it was.
async fn intervals(
    store: &PgStore,
    id: BrokerId,
) -> Vec<(Timestamp, Option<Timestamp>, Availability)> {
    let record = known(store, id).await;
    record.intervals.iter().map(|i| (i.began, i.ended, i.state)).collect()
}

#[tokio::test]
async fn what_a_pass_changes_is_recorded_with_it_until_the_broker_is_deleted() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        let id = seen.id;
        record(&f.store, &lease, change(Availability::Available, 0)).await;
        assert_eq!(broker(&f.store, id).await.status.availability, Some(Availability::Available));
        let mut down = change(Availability::Unavailable, 60);
        down.transitions.instances = vec![
            (1, InstanceTransition::Lost, later(60)),
            (1, InstanceTransition::Restarted, later(60)),
        ];
        record(&f.store, &lease, down).await;
        let mut again = change(Availability::Unavailable, 60);
        again.transitions.availability = None;
        again.transitions.instances = vec![(1, InstanceTransition::Restarted, later(62))];
        record(&f.store, &lease, again).await;
        let mut back = change(Availability::Available, 65);
        back.transitions.instances = vec![(1, InstanceTransition::Recovered, later(65))];
        back.cause = OutageCause::Other;
        record(&f.store, &lease, back).await;
        let expected = [
            (NOW, Some(later(60)), Availability::Available),
            (later(60), Some(later(65)), Availability::Unavailable),
            (later(65), None, Availability::Available),
        ];
        assert_eq!(intervals(&f.store, id).await, expected);
        let record_now = known(&f.store, id).await;
        let why =
            |n: usize| (record_now.intervals[n].cause, record_now.intervals[n].detail.clone());
        assert_eq!(why(0), (None, None));
        assert_eq!(
            why(1),
            (Some(OutageCause::EngineEnded), Some("instance 1 was killed".to_owned()))
        );
        let outages = f.store.instance_outages(id, always()).await.expect("read");
        assert_eq!(outages.len(), 1);
        let outage = &outages[0];
        assert_eq!((outage.ordinal, outage.restarts), (1, 2));
        assert_eq!((outage.began, outage.ended), (later(60), Some(later(65))));
        assert_eq!(outage.cause, OutageCause::EngineEnded);

        f.store.request_delete(&scope(), id, later(100)).await.expect("asked");
        record(&f.store, &lease, change(Availability::Unavailable, 101)).await;
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        let left = intervals(&f.store, id).await;
        assert_eq!(left[2], (later(65), Some(later(100)), Availability::Available));
        assert_eq!(left.len(), 3, "nothing is promised of what is being deleted");
    })
    .await;
}

#[tokio::test]
async fn a_failover_has_the_cause_of_the_outage_that_it_ends() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        record(&f.store, &lease, change(Availability::Available, 0)).await;
        let mut down = change(Availability::Unavailable, 60);
        down.cause = OutageCause::EngineSilent;
        record(&f.store, &lease, down).await;
        let mut back = change(Availability::Available, 62);
        let takeover = Takeover { former: 1, successor: 2, began: later(60), ended: later(62) };
        back.transitions.takeover = Some(takeover);
        back.cause = OutageCause::Other;
        record(&f.store, &lease, back).await;
        let found = f.store.failovers(seen.id, always()).await.expect("read");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].former, found[0].successor), (1, 2));
        assert_eq!((found[0].began, found[0].ended), (later(60), later(62)));
        assert_eq!(found[0].cause, OutageCause::EngineSilent);
        assert_eq!(found[0].detail, "instance 1 was killed");
        // One that nobody saw coming.
        let mut sudden = change(Availability::Available, 90);
        sudden.transitions.availability = None;
        let takeover = Takeover { former: 2, successor: 1, began: later(90), ended: later(90) };
        sudden.transitions.takeover = Some(takeover);
        record(&f.store, &lease, sudden).await;
        let found = f.store.failovers(seen.id, always()).await.expect("read");
        assert_eq!((found.len(), found[1].cause), (2, OutageCause::EngineEnded));
    })
    .await;
}

#[tokio::test]
async fn what_follows_an_injected_fault_is_its_doing() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        record(&f.store, &lease, change(Availability::Available, 0)).await;
        let input = FaultInput { kind: Some("KILL".to_owned()), ..FaultInput::default() };
        let spec = FaultSpec::parse(&input, &seen, &NetworkDefaults::default(), true);
        let fault = Fault::new(FaultId::generate(&OsEntropy), spec.expect("valid"), later(10));
        f.store.create_fault(seen.id, &fault).await.expect("asked");
        record(&f.store, &lease, change(Availability::Unavailable, 11)).await;
        f.store.start_fault(&lease, &fault, &[], later(12)).await.expect("started");
        record(&f.store, &lease, change(Availability::Available, 13)).await;
        record(&f.store, &lease, change(Availability::Unavailable, 14)).await;
        f.store.end_fault(&lease, &fault, "done", later(15)).await.expect("ended");
        record(&f.store, &lease, change(Availability::Available, 16)).await;
        record(&f.store, &lease, change(Availability::Unavailable, 17)).await;
        record(&f.store, &lease, change(Availability::Available, 18)).await;
        record(&f.store, &lease, change(Availability::Unavailable, 60)).await;
        let causes: Vec<_> =
            known(&f.store, seen.id).await.intervals.iter().filter_map(|i| i.cause).collect();
        let expected = [
            OutageCause::EngineEnded,
            OutageCause::InjectedFault,
            OutageCause::InjectedFault,
            OutageCause::EngineEnded,
        ];
        assert_eq!(causes, expected, "not yet, during, just after, long after");
    })
    .await;
}

/// A broker that a provisioner owns and watches.
async fn watched(f: &Fixture) -> (BrokerId, Lease) {
    let (seen, lease) = running(&f.store, "orders").await;
    f.store.heartbeat(lease.holder, TTL).await.expect("alive");
    record(&f.store, &lease, change(Availability::Available, 0)).await;
    let hour = Next::After(Duration::from_secs(3600));
    f.store.release(&lease, hour, false).await.expect("released");
    assert_eq!(known(&f.store, seen.id).await.unwatched_since, None);
    (seen.id, lease)
}

async fn micros(f: &Fixture, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(&f.pool).await.expect("read")
}

const SEEN: &str = "select (extract(epoch from seen_at) * 1000000)::bigint from provisioner";

#[tokio::test]
async fn nobody_watches_a_broker_from_the_last_sign_of_life_of_its_provisioner_until_the_next_pass()
{
    with_store(|f| async move {
        let (id, lease) = watched(&f).await;
        let last_sign = Timestamp::from_micros(micros(&f, SEEN).await);
        // It is dead as soon as its term is over, whether or not anybody has noticed.
        let died = "update provisioner set expires_at = now() - interval '1 second'";
        sqlx::query(died).execute(&f.pool).await.expect("dead");
        assert_eq!(known(&f.store, id).await.unwatched_since, Some(last_sign));
        let next = brokerd_domain::WorkerId::generate(&OsEntropy);
        assert_eq!(f.store.heartbeat(next, TTL).await.expect("alive").freed, 1);
        assert_eq!(known(&f.store, id).await.unwatched_since, Some(last_sign));
        let claimed = f.store.claim_due(next, None, TTL, 1).await.expect("claimed").remove(0);
        assert_eq!(known(&f.store, id).await.unwatched_since, Some(last_sign), "nobody has looked");
        let hour = Next::After(Duration::from_secs(3600));
        assert!(f.store.release(&lease, hour, false).await.is_err(), "a dead one watches nothing");
        f.store.release(&claimed, hour, false).await.expect("released");
        let record = known(&f.store, id).await;
        assert_eq!((record.unwatched_since, record.gaps.len()), (None, 1));
        assert_eq!(record.gaps[0].from, last_sign);
        assert!(record.gaps[0].to > last_sign);
        // A steady broker costs nothing more.
        f.store.wake(id).await.expect("woken");
        let claimed = f.store.claim_due(next, None, TTL, 1).await.expect("claimed").remove(0);
        f.store.release(&claimed, hour, false).await.expect("released");
        assert_eq!(known(&f.store, id).await, record);
    })
    .await;
}

#[tokio::test]
async fn nobody_watches_the_brokers_of_a_provisioner_that_stops() {
    with_store(|f| async move {
        let (id, lease) = watched(&f).await;
        let last_sign = Timestamp::from_micros(micros(&f, SEEN).await);
        assert_eq!(f.store.release_worker(lease.holder).await.expect("released"), 1);
        assert_eq!(known(&f.store, id).await.unwatched_since, Some(last_sign));
        // Others that give up on it later know no better.
        f.store.release_worker(lease.holder).await.expect("released");
        assert_eq!(known(&f.store, id).await.unwatched_since, Some(last_sign));
    })
    .await;
}

#[tokio::test]
async fn what_a_provisioner_recorded_after_its_last_sign_of_life_is_one_too() {
    for is_given_up in [true, false] {
        with_store(move |f| async move {
            let (id, lease) = watched(&f).await;
            let recorded = Timestamp::from_micros(micros(&f, SEEN).await + 7_654_321);
            f.store.wake(id).await.expect("woken");
            let claimed = f.store.claim_due(lease.holder, None, TTL, 1).await;
            let lease = claimed.expect("claimed").remove(0);
            let mut down = change(Availability::Unavailable, 0);
            down.transitions.availability = Some((Availability::Unavailable, recorded));
            record(&f.store, &lease, down).await;
            if is_given_up {
                f.store.release_worker(lease.holder).await.expect("released");
            } else {
                let died = "update provisioner set expires_at = now() - interval '1 second'";
                sqlx::query(died).execute(&f.pool).await.expect("dead");
                assert_eq!(known(&f.store, id).await.unwatched_since, Some(recorded), "nobody yet");
                let next = brokerd_domain::WorkerId::generate(&OsEntropy);
                f.store.heartbeat(next, TTL).await.expect("alive");
            }
            assert_eq!(known(&f.store, id).await.unwatched_since, Some(recorded));
        })
        .await;
    }
}

#[tokio::test]
async fn the_fleet_is_told_with_one_figure_for_each_broker() {
    with_store(|f| async move {
        let (first, lease) = running(&f.store, "first").await;
        record(&f.store, &lease, change(Availability::Available, 0)).await;
        record(&f.store, &lease, change(Availability::Unavailable, 600)).await;
        let fleet = f.store.fleet_availability(NOW, later(1200)).await.expect("read");
        assert_eq!(fleet.len(), 1);
        assert_eq!(fleet[0].0, first.id);
        let minutes = (fleet[0].1.available_minutes, fleet[0].1.unavailable_minutes);
        assert!(minutes.0 >= 9 && minutes.1 >= 10, "{minutes:?}");
        f.store.request_delete(&scope(), first.id, later(1200)).await.expect("asked");
        assert!(f.store.fleet_availability(NOW, later(1300)).await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_a_former_brokerd_creates_is_reported_once_it_serves() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        for table in ["reported_broker", "metered_interval"] {
            let forget = format!("delete from {table}");
            sqlx::query(sqlx::AssertSqlSafe(forget)).execute(&f.pool).await.expect("as before");
        }
        record(&f.store, &lease, change(Availability::Available, 30)).await;
        let reported = f.store.reported_broker(&scope(), seen.id).await.expect("read");
        assert_eq!(reported.expect("there").name, seen.name);
        let billed = f.store.metered_broker(&scope(), seen.id, always()).await.expect("read");
        let billed = billed.expect("there").intervals;
        assert_eq!((billed.len(), billed[0].began), (1, later(30)));
    })
    .await;
}

#[tokio::test]
async fn reports_are_kept_for_three_years_and_what_lasts_for_ever() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        record(&f.store, &lease, change(Availability::Available, 0)).await;
        let mut down = change(Availability::Unavailable, 60);
        down.transitions.instances = vec![(1, InstanceTransition::Lost, later(60))];
        record(&f.store, &lease, down).await;
        let mut back = change(Availability::Available, 65);
        back.transitions.instances = vec![(1, InstanceTransition::Recovered, later(65))];
        let takeover = Takeover { former: 1, successor: 2, began: later(60), ended: later(65) };
        back.transitions.takeover = Some(takeover);
        record(&f.store, &lease, back).await;
        let long = MAX_PERIOD.as_secs();
        assert_eq!(f.store.prune_reports(later(long + 60), 1).await.expect("pruned"), 0);
        assert_eq!(f.store.prune_reports(later(long + 66), 1).await.expect("pruned"), 1);
        assert_eq!(f.store.prune_reports(later(long + 66), 1).await.expect("pruned"), 1);
        assert_eq!(f.store.prune_reports(later(long + 66), 1).await.expect("pruned"), 0);
        let left = [(later(65), None, Availability::Available)];
        assert_eq!(intervals(&f.store, seen.id).await, left);
        assert!(f.store.failovers(seen.id, always()).await.expect("read").is_empty());
        assert!(f.store.instance_outages(seen.id, always()).await.expect("read").is_empty());
        f.store.request_delete(&scope(), seen.id, later(100)).await.expect("asked");
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        assert_eq!(f.store.prune_reports(later(long + 101), 10).await.expect("pruned"), 1);
        assert_eq!(f.store.metered_broker(&scope(), seen.id, always()).await.expect("read"), None);
    })
    .await;
}
