//! Figures of a noisy machine: medians with their spread, never a single value.

use std::{fmt, fs};

/// One figure, measured several times.
#[derive(Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }

    /// The middle one, or what lies between the two in the middle; not a number if there is none.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    /// How many times the other one's median this one's is.
    pub(crate) fn of(&self, other: &Self) -> f64 {
        self.median() / other.median()
    }
}

impl From<Vec<f64>> for Series {
    fn from(values: Vec<f64>) -> Self {
        Self(values)
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
            return f.pad("-");
        };
        // Three digits that matter.
        let digits = if self.median() >= 100.0 { 0 } else { 1 };
        f.pad(&format!("{:.digits$} ({least:.digits$}-{most:.digits$})", self.median()))
    }
}

/// A figure of each path: direct, by the gateway, by HAProxy.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) paths: [Series; 3],
}

impl Row {
    pub(crate) fn new(name: String) -> Self {
        Self { name, paths: Default::default() }
    }
}

/// Whether a figure is what was promised.
pub(crate) fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// How many wanted a processor in the last minute, five and fifteen minutes.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first: Vec<&str> = text.split(' ').take(3).collect();
    if first.len() == 3 { first.join(" ") } else { "unknown".to_owned() }
}
