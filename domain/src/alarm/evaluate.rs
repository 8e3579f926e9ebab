//! When an alarm changes its state: M out of N values, and values that are missing.
//!
//! Source: "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" of the Amazon CloudWatch
//! user guide, whose tables are the tests.

use super::{
    comparison::{Comparison, MissingData},
    state::AlarmState,
};

/// How many more values than have to be evaluated are read, for some may be missing. The guide's examples have as many.
const MORE: u32 = 2;

/// The rule of an alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvaluationRule {
    /// N: how many of the latest values decide.
    pub evaluation_periods: u32,
    /// M: how many of them have to breach.
    pub datapoints_to_alarm: u32,
    /// The threshold.
    pub threshold: f64,
    /// How values are compared with it.
    pub comparison: Comparison,
    /// What missing values count as.
    pub missing_data: MissingData,
}

/// A value, and when its period began in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Datapoint {
    /// When.
    pub at: i64,
    /// The value.
    pub value: f64,
}

/// What values mean for an alarm.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The state stays as it is.
    Keep,
    /// The state is this one.
    Is {
        /// The state.
        state: AlarmState,
        /// The values that decided, oldest first.
        evaluated: Vec<Datapoint>,
    },
}

impl EvaluationRule {
    /// How many of the latest periods are read.
    pub const fn range(&self) -> u32 {
        self.evaluation_periods.saturating_add(MORE)
    }

    /// Judges the values of the latest [`Self::range`] periods, oldest first; none: it is missing.
    pub fn judge(&self, points: &[Option<Datapoint>]) -> Verdict {
        let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let (periods, to_alarm) = (size(self.evaluation_periods), size(self.datapoints_to_alarm));
        let real: Vec<Datapoint> = points.iter().flatten().copied().collect();
        let latest = &real[real.len().saturating_sub(periods)..];
        let breaching = latest.iter().filter(|point| self.breaches(point)).count();
        let is = |state| Verdict::Is { state, evaluated: latest.to_vec() };
        let by_count =
            |count: usize| is(if count >= to_alarm { AlarmState::Alarm } else { AlarmState::Ok });
        let missing = periods.saturating_sub(latest.len());
        if missing == 0 || breaching >= to_alarm {
            return by_count(breaching);
        }
        match self.missing_data {
            MissingData::Breaching => by_count(breaching + missing),
            MissingData::NotBreaching => by_count(breaching),
            MissingData::Missing if real.is_empty() => is(AlarmState::InsufficientData),
            MissingData::Ignore if real.is_empty() => Verdict::Keep,
            MissingData::Missing | MissingData::Ignore if breaching < latest.len() => {
                is(AlarmState::Ok)
            }
            // All that is known breaches, and is too little to be sure.
            MissingData::Ignore => Verdict::Keep,
            MissingData::Missing => {
                let oldest = points.iter().position(Option::is_some).unwrap_or(points.len());
                let age = points.len() - oldest;
                if age >= to_alarm { is(AlarmState::Alarm) } else { Verdict::Keep }
            }
        }
    }

    /// Whether a value is beyond the threshold.
    pub fn breaches(&self, point: &Datapoint) -> bool {
        self.comparison.breaches(point.value, self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(to_alarm: u32, periods: u32, missing_data: MissingData) -> EvaluationRule {
        EvaluationRule {
            evaluation_periods: periods,
            datapoints_to_alarm: to_alarm,
            threshold: 1.0,
            comparison: Comparison::GreaterThanThreshold,
            missing_data,
        }
    }

    /// `0` is within the threshold, `X` beyond it, `-` missing; oldest first.
    fn points(text: &str) -> Vec<Option<Datapoint>> {
        let point = |(at, c): (i64, char)| match c {
            '0' => Some(Datapoint { at, value: 0.0 }),
            'X' => Some(Datapoint { at, value: 2.0 }),
            _ => None,
        };
        (0..).zip(text.chars().filter(|c| !c.is_whitespace())).map(point).collect()
    }

    fn judged(rule: EvaluationRule, text: &str) -> &'static str {
        match rule.judge(&points(text)) {
            Verdict::Keep => "keep",
            Verdict::Is { state, .. } => state.as_str(),
        }
    }

    /// Data points, and the state where missing ones count as missing, are ignored, breach, or don't.
    type Row = (&'static str, [&'static str; 4]);

    fn table(to_alarm: u32, periods: u32, rows: &[Row]) {
        let treatments = [
            MissingData::Missing,
            MissingData::Ignore,
            MissingData::Breaching,
            MissingData::NotBreaching,
        ];
        for (text, expected) in rows {
            let found = treatments.map(|missing| judged(rule(to_alarm, periods, missing), text));
            assert_eq!(found, *expected, "{to_alarm} out of {periods}: {text}");
        }
    }

    #[test]
    fn three_out_of_three_are_judged_as_in_the_guide() {
        table(
            3,
            3,
            &[
                ("0 - X - X", ["OK"; 4]),
                ("0 - - - -", ["OK"; 4]),
                ("- - - - -", ["INSUFFICIENT_DATA", "keep", "ALARM", "OK"]),
                ("0 X X - X", ["ALARM"; 4]),
                ("- - X - -", ["ALARM", "keep", "ALARM", "OK"]),
            ],
        );
    }

    #[test]
    fn two_out_of_three_are_judged_as_in_the_guide() {
        table(
            2,
            3,
            &[
                ("0 - X - X", ["ALARM"; 4]),
                ("0 0 X 0 X", ["ALARM"; 4]),
                ("0 - X - -", ["OK", "OK", "ALARM", "OK"]),
                ("- - - - 0", ["OK", "OK", "ALARM", "OK"]),
                ("- - - X -", ["ALARM", "keep", "ALARM", "OK"]),
            ],
        );
    }

    #[test]
    fn a_single_breach_after_silence_is_too_early_for_an_alarm() {
        table(
            3,
            3,
            &[
                ("- - - - X", ["keep", "keep", "ALARM", "OK"]),
                ("- - - X -", ["keep", "keep", "ALARM", "OK"]),
                ("- - - X 0", ["OK", "OK", "OK", "OK"]),
                ("- - X - 0", ["OK", "OK", "OK", "OK"]),
                ("- X X - -", ["ALARM", "keep", "ALARM", "OK"]),
            ],
        );
        table(2, 3, &[("- - - - X", ["keep", "keep", "ALARM", "OK"])]);
    }

    #[test]
    fn one_out_of_one_is_decided_by_the_latest_value() {
        table(
            1,
            1,
            &[
                ("- - X", ["ALARM"; 4]),
                ("X X 0", ["OK"; 4]),
                ("0 X -", ["ALARM"; 4]),
                ("X 0 -", ["OK"; 4]),
                ("- - -", ["INSUFFICIENT_DATA", "keep", "ALARM", "OK"]),
            ],
        );
    }

    #[test]
    fn the_values_that_decide_are_told_oldest_first() {
        let Verdict::Is { evaluated, .. } =
            rule(2, 3, MissingData::Missing).judge(&points("0 X 0 - X"))
        else {
            panic!("a state")
        };
        let at: Vec<_> = evaluated.iter().map(|point| point.at).collect();
        assert_eq!(at, [1, 2, 4]);
    }

    #[test]
    fn every_comparison_is_with_the_threshold() {
        for (comparison, below, equal, above) in [
            (Comparison::GreaterThanOrEqualToThreshold, false, true, true),
            (Comparison::GreaterThanThreshold, false, false, true),
            (Comparison::LessThanThreshold, true, false, false),
            (Comparison::LessThanOrEqualToThreshold, true, true, false),
        ] {
            let breaches = |value| comparison.breaches(value, 5.0);
            assert_eq!((breaches(4.0), breaches(5.0), breaches(6.0)), (below, equal, above));
        }
    }

    fn any_points() -> impl Strategy<Value = (u32, u32, String)> {
        (1u32..5).prop_flat_map(|periods| {
            let length = usize::try_from(periods + MORE).expect("small");
            let points = prop::collection::vec(prop::sample::select(&['0', 'X', '-'][..]), length);
            (1..=periods, Just(periods), points.prop_map(|points| points.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn enough_real_values_decide_whatever_missing_ones_count_as((m, n, text) in any_points()) {
            let real = text.chars().filter(|c| *c != '-').count();
            prop_assume!(real >= usize::try_from(n).expect("small"));
            let states: Vec<_> =
                MissingData::ALL.iter().map(|missing| judged(rule(m, n, *missing), &text)).collect();
            prop_assert!(states.iter().all(|state| *state == states[0]), "{} {:?}", text, states);
            prop_assert!(["OK", "ALARM"].contains(&states[0]));
        }

        #[test]
        fn treatments_are_ordered_from_calm_to_anxious((m, n, text) in any_points()) {
            let alarms = |missing| judged(rule(m, n, missing), &text) == "ALARM";
            prop_assert!(!alarms(MissingData::NotBreaching) || alarms(MissingData::Missing));
            prop_assert!(!alarms(MissingData::NotBreaching) || alarms(MissingData::Ignore));
            prop_assert!(!alarms(MissingData::Missing) || alarms(MissingData::Breaching));
            prop_assert!(!alarms(MissingData::Ignore) || alarms(MissingData::Missing));
        }

        #[test]
        fn nothing_that_breaches_is_no_alarm_unless_silence_is((m, n, text) in any_points()) {
            let text = text.replace('X', "0");
            for missing in [MissingData::Missing, MissingData::Ignore, MissingData::NotBreaching] {
                prop_assert!(judged(rule(m, n, missing), &text) != "ALARM");
            }
        }
    }
}
