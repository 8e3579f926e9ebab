//! Windows in every time zone there is, compared with what clocks on its walls show.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use brokerd_domain::{MaintenanceWindow, Occurrence, Timestamp};
use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time, date},
    tz::{Offset, TimeZone},
};
use proptest::{prelude::*, sample::select};

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const LENGTH: i64 = 2 * MICROS_PER_HOUR;
const DAYS: [&str; 7] =
    ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

/// A zone as a caller writes it, and what it means.
type Zone = (Arc<str>, TimeZone);

/// Every zone of the database, and offsets in every way to write them.
static ZONES: LazyLock<Vec<Zone>> = LazyLock::new(|| {
    let names = jiff::tz::db().available().map(|name| {
        let zone = TimeZone::get(name.as_str()).expect("an available zone");
        (Arc::from(name.as_str()), zone)
    });
    let offsets = (-14 * 4..=14 * 4).flat_map(|quarters: i32| {
        let (sign, distance) = (if quarters < 0 { '-' } else { '+' }, quarters.abs());
        let (hours, minutes) = (distance / 4, distance % 4 * 15);
        let offset = Offset::from_seconds(quarters * 900).expect("at most 14 hours");
        let mut texts = vec![
            format!("{sign}{hours:02}:{minutes:02}"),
            format!("UTC{sign}{hours}:{minutes:02}"),
        ];
        if minutes == 0 {
            texts.extend([format!("{sign}{hours}"), format!("UTC{sign}{hours:02}")]);
        }
        texts.into_iter().map(move |text| (Arc::from(text), TimeZone::fixed(offset)))
    });
    names.chain(offsets).collect()
});

fn window(day: Date, time: Time, zone: &str) -> MaintenanceWindow {
    let name = DAYS[usize::try_from(day.weekday().to_monday_zero_offset()).expect("0 to 6")];
    MaintenanceWindow::parse(name, &time.strftime("%H:%M").to_string(), Some(zone)).expect("valid")
}

fn moment(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(micros).expect("within the calendar")
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// What a clock in the zone shows.
fn clock(zone: &TimeZone, micros: i64) -> DateTime {
    zone.to_datetime(moment(micros))
}

/// The micros of a local time read as UTC: at most a day and a bit from what it is anywhere.
fn about(local: DateTime) -> i64 {
    Offset::UTC.to_timestamp(local).expect("within the calendar").as_microsecond()
}

/// Sees that `start` is where the window of `local` has to begin. Only clocks are read, which can
/// be done in one way only, and never a local time looked up.
fn check_start(zone: &TimeZone, local: DateTime, start: i64) -> Result<(), TestCaseError> {
    let shown = clock(zone, start);
    if shown != local {
        let before = clock(zone, start - 1);
        prop_assert!(before < local && local < shown, "{local} is not left out at {shown}");
        return Ok(());
    }
    // The first moment at which clocks show it: no offset of the day before gives an earlier one.
    let offsets: BTreeSet<_> = [1, 3, 6, 12, 24, 30]
        .map(|hours| zone.to_offset(moment(start - hours * MICROS_PER_HOUR)).seconds())
        .into();
    for offset in offsets {
        let twin = about(local) - i64::from(offset) * 1_000_000;
        prop_assert!(
            twin >= start || clock(zone, twin) != local,
            "{local} was already at {}",
            moment(twin)
        );
    }
    Ok(())
}

/// Sees what is told about `now`, which is at or after `last` and before `next`.
fn check_now(
    window: &MaintenanceWindow,
    now: i64,
    last: Occurrence,
    next: Occurrence,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(window.occurrence_at_or_before(at(now)), last);
    prop_assert_eq!(window.next_after(at(now)), next);
    let open = window.current(at(now));
    prop_assert_eq!(open, (now < last.end.as_micros()).then_some(last));
    prop_assert!(open.is_none_or(|open| open.start <= at(now) && at(now) < open.end));
    Ok(())
}

fn zones() -> impl Strategy<Value = Zone> {
    // A third of the choices are zones whose calendars are uneven in unusual ways.
    const ODD: &[&str] = &[
        "Pacific/Apia",         // left a Friday out
        "Pacific/Kwajalein",    // left a Saturday out
        "Pacific/Kiritimati",   // left a day out, and is furthest ahead
        "Australia/Lord_Howe",  // half an hour of daylight saving
        "America/Scoresbysund", // gaps that end at midnight
        "America/Sao_Paulo",    // gaps that begin at midnight
        "Antarctica/Troll",     // two hours of daylight saving
        "Africa/Casablanca",    // daylight saving interrupted
        "Africa/Monrovia",      // an offset with seconds
        "America/Caracas",      // moved by half an hour for good
    ];
    let odd = || select(ODD).prop_map(|name| (name.into(), TimeZone::get(name).expect("a zone")));
    prop_oneof![2 => select(&**ZONES), 1 => odd()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// One window for each such day of the calendar of the zone, and so one per local week; in
    /// order; and what is open is what now is in.
    #[test]
    fn every_local_week_has_exactly_one_window(
        zone in zones(),
        weekday in 1_i64..=7,
        (hour, minute) in (prop_oneof![0_i8..24, 0_i8..4, 23_i8..24], 0_i8..60),
        year in 1970_i16..=2150,
        moments in prop::collection::vec(0..7 * 24 * MICROS_PER_HOUR, 8),
    ) {
        let (name, zone) = zone;
        let time = Time::new(hour, minute, 0, 0).expect("a time");
        let monday = date(year, 1, 1).nth_weekday(1, jiff::civil::Weekday::Monday).expect("a Monday");
        let first = monday.saturating_add((weekday - 1).days());
        let window = window(first, time, &name);

        let mut last: Option<Occurrence> = None;
        let mut now = at(about(first.to_datetime(time)) - 4 * 24 * MICROS_PER_HOUR);
        for week in 0..54_i64 {
            let local = first.saturating_add(week.weeks()).to_datetime(time);
            let next = window.next_after(now);
            let (start, end) = (next.start.as_micros(), next.end.as_micros());
            check_start(&zone, local, start)?;
            prop_assert_eq!(end - start, LENGTH);
            if let Some(last) = last {
                prop_assert!(last.end < next.start);
                let span = start - last.start.as_micros();
                for now in [0, 1, LENGTH - 1, LENGTH, span - 1].iter().chain(&moments) {
                    check_now(&window, last.start.as_micros() + now % span, last, next)?;
                }
            }
            (last, now) = (Some(next), next.start);
        }
    }
}

/// Not a sample but all of them: the first, a middle and the last minute of everything that clocks
/// left out or showed twice, and the minutes on either side of it. What clocks of several zones did in
/// the same way at the same moment is tried in one of them.
#[test]
fn every_gap_and_every_fold_of_every_zone_is_met() {
    let (from, to) = (moment(0), "2040-01-01T00:00:00Z".parse().expect("a moment"));
    let (mut gaps, mut folds) = (BTreeSet::new(), BTreeSet::new());
    for (name, zone) in &*ZONES {
        for transition in zone.following(from).take_while(|t| t.timestamp() < to) {
            let end = transition.timestamp().as_microsecond();
            let (before, after) = (clock(zone, end - 1), clock(zone, end));
            let (low, high) = (before.min(after), before.max(after));
            let is_new = match about(after) - about(before) {
                1 => false,
                0.. => gaps.insert((end, before, after)),
                _ => folds.insert((end, before, after)),
            };
            if !is_new {
                continue;
            }
            let middle = Offset::UTC.to_datetime(moment((about(low) + about(high)) / 2));
            let edges = [-1_i64, 0, 1]
                .into_iter()
                .flat_map(|minutes| [low, high].map(|edge| edge.saturating_add(minutes.minutes())));
            for near in edges.chain([middle]) {
                let time = Time::new(near.hour(), near.minute(), 0, 0).expect("a time");
                let local = near.date().to_datetime(time);
                let window = window(local.date(), time, name);
                let found = window.next_after(at(about(local) - 4 * 24 * MICROS_PER_HOUR));
                let met = check_start(zone, local, found.start.as_micros());
                assert!(met.is_ok(), "{name}, {local}: {met:?}");
                let next = window.next_after(found.start);
                for now in [0, LENGTH - 1, LENGTH] {
                    let now = found.start.as_micros() + now;
                    let told = check_now(&window, now, found, next);
                    assert!(told.is_ok(), "{name}, {local}: {told:?}");
                }
            }
        }
    }
    let (gaps, folds) = (gaps.len(), folds.len());
    assert!(gaps > 1000 && folds > 1000, "{gaps} gaps and {folds} folds in the database");
}
