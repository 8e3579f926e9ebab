use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn between(from: i64, to: i64) -> Period {
    Period { from: at(from), to: at(to) }
}

fn interval(began: i64, ended: Option<i64>, state: Availability) -> AvailabilityInterval {
    let is_out = state != Availability::Available;
    AvailabilityInterval {
        began: at(began),
        ended: ended.map(at),
        state,
        cause: is_out.then_some(OutageCause::EngineEnded),
        detail: is_out.then(|| "instance 1 was killed".to_owned()),
    }
}

fn record(intervals: Vec<AvailabilityInterval>, gaps: &[(i64, i64)]) -> AvailabilityRecord {
    let gaps = gaps.iter().map(|(from, to)| between(*from, *to)).collect();
    AvailabilityRecord { intervals, gaps, unwatched_since: None }
}

/// Available, unavailable and unknown minutes.
fn minutes(summary: &AvailabilitySummary) -> (u64, u64, u64) {
    (summary.available_minutes, summary.unavailable_minutes, summary.unknown_minutes)
}

const HOUR: i64 = 3600;

#[test]
fn a_minute_is_available_only_if_all_of_it_was() {
    let record = record(
        vec![
            interval(0, Some(630), Availability::Available),
            interval(630, Some(632), Availability::Unavailable),
            interval(632, None, Availability::Available),
        ],
        &[],
    );
    let summary = record.summary(between(0, HOUR), at(HOUR));
    assert_eq!(minutes(&summary), (59, 1, 0));
    assert_eq!(summary.unavailable, Duration::from_secs(2));
    assert_eq!(summary.percentage().map(|share| share.to_string()).as_deref(), Some("98.3333"));
    let outages = record.outages(between(0, HOUR), at(HOUR));
    assert_eq!(outages.len(), 1);
    assert_eq!((outages[0].began, outages[0].ended), (at(630), Some(at(632))));
    assert_eq!((outages[0].cause, outages[0].is_known), (OutageCause::EngineEnded, true));
    // Before it was complete for the first time nothing was promised; after the present moment nothing is known.
    let summary = record.summary(between(-HOUR, 10 * HOUR), at(HOUR));
    assert_eq!(minutes(&summary), (59, 1, 0));
    assert_eq!(
        AvailabilityRecord::default().summary(between(0, HOUR), at(HOUR)).percentage(),
        None
    );
}

#[test]
fn minutes_that_nobody_watched_are_neither_available_nor_unavailable() {
    // brokerd died after ten minutes and came back ten minutes later, to a broker that was down by then.
    let record = record(
        vec![
            interval(0, Some(1205), Availability::Available),
            interval(1205, Some(1300), Availability::Unavailable),
            interval(1300, None, Availability::Available),
        ],
        &[(600, 1210)],
    );
    let summary = record.summary(between(0, HOUR), at(HOUR));
    assert_eq!(minutes(&summary), (10 + 38, 2, 10), "minute 20 is known to be bad");
    assert_eq!(summary.unknown, Duration::from_secs(605), "until somebody looked");
    assert_eq!(summary.unavailable, Duration::from_secs(95));
    let outages = record.outages(between(0, HOUR), at(HOUR));
    let told: Vec<_> = outages.iter().map(|o| (o.began, o.is_known, o.cause)).collect();
    let expected =
        [(at(600), false, OutageCause::Unwatched), (at(1205), true, OutageCause::EngineEnded)];
    assert_eq!(told, expected);
}

#[test]
fn what_was_down_when_nobody_watched_any_more_is_down_until_then_and_unknown_after() {
    let mut record = record(
        vec![
            interval(0, Some(60), Availability::Available),
            interval(60, None, Availability::Unavailable),
        ],
        &[],
    );
    record.unwatched_since = Some(at(120));
    let summary = record.summary(between(0, 600), at(300));
    assert_eq!(minutes(&summary), (1, 1, 3));
    let outages = record.outages(between(0, 600), at(300));
    assert_eq!((outages[0].began, outages[0].ended), (at(60), Some(at(120))));
    assert_eq!((outages[1].began, outages[1].ended), (at(120), None), "it lasts");
}

#[test]
fn what_could_not_be_seen_is_unknown() {
    let mut blind = interval(60, None, Availability::Unknown);
    blind.cause = Some(OutageCause::Unseen);
    let record = record(vec![interval(0, Some(60), Availability::Available), blind], &[(70, 80)]);
    let summary = record.summary(between(0, 180), at(180));
    assert_eq!(minutes(&summary), (1, 0, 2));
    assert_eq!(summary.percentage().map(|share| share.to_string()).as_deref(), Some("100"));
}

#[test]
fn only_what_was_always_available_has_a_hundred_percent() {
    let summary = AvailabilitySummary {
        available_minutes: 9_999_999,
        unavailable_minutes: 1,
        ..AvailabilitySummary::default()
    };
    assert_eq!(summary.percentage().map(|share| share.to_string()).as_deref(), Some("99.9999"));
    let mut sum = summary;
    sum.add(&summary);
    assert_eq!((sum.available_minutes, sum.unavailable_minutes), (19_999_998, 2));
}

fn states() -> impl Strategy<Value = Availability> {
    prop_oneof![
        Just(Availability::Available),
        Just(Availability::Unavailable),
        Just(Availability::Unknown)
    ]
}

proptest! {
    /// Against a model that looks at every second.
    #[test]
    fn minutes_are_as_if_every_second_was_looked_at(
        changes in prop::collection::vec((1_i64..400, states()), 1..8),
        gaps in prop::collection::vec((0_i64..300, 1_i64..300), 0..4),
        from in 0_i64..900,
        length in 1_i64..1500,
    ) {
        let mut intervals: Vec<AvailabilityInterval> = Vec::new();
        let mut began = 0;
        for (n, (lasted, state)) in changes.iter().enumerate() {
            let ended = (n + 1 < changes.len()).then_some(began + lasted);
            intervals.push(interval(began, ended, *state));
            began += lasted;
        }
        // Gaps come one after the other.
        let (mut bounds, mut last) = (Vec::new(), 0);
        for (pause, lasted) in gaps {
            bounds.push((last + pause, last + pause + lasted));
            last += pause + lasted;
        }
        let (period, now) = (between(from, from + length), 1200);
        let record = record(intervals.clone(), &bounds);
        let summary = record.summary(period, at(now));
        let state = |second: i64| {
            let at = at(second);
            let of = intervals.iter().find(|i| i.began <= at && i.ended.is_none_or(|end| at < end))?;
            let is_hidden = bounds.iter().any(|(from, to)| {
                (*from..*to).contains(&second) && Timestamp::from_micros(from * 1_000_000) >= of.began
            });
            Some(if is_hidden { Availability::Unknown } else { of.state })
        };
        let mut expected = (0, 0, 0);
        let end = (from + length).min(now);
        for minute in 0..=(end / 60) {
            let seconds = (minute * 60).max(from)..((minute + 1) * 60).min(end);
            let seen: Vec<_> = seconds.filter_map(state).collect();
            if seen.contains(&Availability::Unavailable) {
                expected.1 += 1;
            } else if seen.contains(&Availability::Unknown) {
                expected.2 += 1;
            } else if !seen.is_empty() {
                expected.0 += 1;
            }
        }
        prop_assert_eq!(minutes(&summary), expected);
        let outages = record.outages(period, at(now));
        let known: Duration = outages
            .iter()
            .filter(|o| o.is_known)
            .map(|o| o.ended.unwrap_or(at(now)).since(o.began))
            .sum();
        prop_assert_eq!(known, summary.unavailable);
    }
}
