//! Figures of a noisy machine: medians with their spread, never a single value.

use std::{fmt, fs, time::Duration};

/// One figure, measured several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn push_milliseconds(&mut self, value: Duration) {
        self.push(value.as_secs_f64() * 1e3);
    }

    /// Takes over a round's figure, if it has one.
    pub(crate) fn push_median_of(&mut self, round: &Self) {
        if !round.0.is_empty() {
            self.push(round.median());
        }
    }

    /// How many times the other one's value of the same round this one's is.
    pub(crate) fn of_rounds(&self, other: &Self) -> f64 {
        Self(self.0.iter().zip(&other.0).map(|(mine, others)| mine / others).collect()).median()
    }

    /// How much more than the other one's value of the same round this one's is.
    pub(crate) fn more_in_rounds(&self, other: &Self) -> f64 {
        Self(self.0.iter().zip(&other.0).map(|(mine, others)| mine - others).collect()).median()
    }

    /// The value that this share of all values does not exceed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let at = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(at.saturating_sub(1).min(last)).copied().unwrap_or(f64::NAN)
    }

    /// How many times the least value the greatest is.
    pub(crate) fn spread(&self) -> f64 {
        self.quantile(1.0) / self.quantile(0.0)
    }

    /// The middle one, or what lies between the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }
}

impl From<&[Duration]> for Series {
    fn from(durations: &[Duration]) -> Self {
        let mut series = Self::default();
        for duration in durations {
            series.push_milliseconds(*duration);
        }
        series
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.median().is_nan() {
            return f.pad("-");
        }
        let (least, most) = (self.quantile(0.0), self.quantile(1.0));
        let text = format!("{} ({}-{})", short(self.median()), short(least), short(most));
        f.pad(&text)
    }
}

/// Three digits that matter; a dash if there is no such figure.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        none if none.is_nan() => "-".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Whether a figure is what was promised.
pub(crate) fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// How many wanted a processor in the last minute, five and fifteen minutes: with more than there are
/// processors, absolute figures say little, and ratios something.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first: Vec<&str> = text.split(' ').take(3).collect();
    if first.len() == 3 { first.join(" ") } else { "unknown".to_owned() }
}
