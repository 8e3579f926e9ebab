//! Values between structures and bytes.

use std::borrow::Cow;

use brokerd_domain::Timestamp;

/// How deep values may be nested in requests.
pub(super) const MAX_DEPTH: usize = 24;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// There is none.
    Absent,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    /// A text of a form, which may stand for any other value but a list or a structure.
    Form(String),
    Moment(Timestamp),
    List(Vec<Self>),
    Structure(Members),
}

/// The members of a structure.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Members(Vec<(Cow<'static, str>, Value)>);

impl Members {
    /// Takes the member of that name; absent: there is none. Of two with the same name the last one counts.
    pub(crate) fn take(&mut self, name: &str) -> Value {
        let mut found = Value::Absent;
        self.0.retain_mut(|(known, value)| {
            let is_it = known == name;
            if is_it {
                found = std::mem::replace(value, Value::Absent);
            }
            !is_it
        });
        found
    }

    /// Adds a member.
    pub(crate) fn put(&mut self, name: impl Into<Cow<'static, str>>, value: Value) {
        self.0.push((name.into(), value));
    }

    /// The members, in their order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

/// A moment in seconds since 1970, with milliseconds.
pub(super) fn seconds(moment: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of 2026 are below 2^53")]
    let millis = moment.whole_millis().as_micros().div_euclid(1000) as f64;
    millis / 1000.0
}

/// The moment so many seconds after 1970; none: it is too far away.
pub(super) fn moment(seconds: f64) -> Option<Timestamp> {
    // Year 9999.
    const LAST: f64 = 253_402_300_799.0;
    if !(0.0..=LAST).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the range of years to 9999")]
    let micros = (seconds * 1e6).round() as i64;
    Some(Timestamp::from_micros(micros))
}
