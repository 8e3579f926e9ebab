//! Operators on numbers, series and arrays of series.

use super::{
    ExpressionError, Operator,
    series::{TimeSeries, Value},
    wrong,
};

impl Operator {
    fn of(self, left: f64, right: f64) -> f64 {
        let truth = |is_true: bool| f64::from(u8::from(is_true));
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Power => left.powf(right),
            Self::Equal => truth((left - right).abs() < f64::EPSILON),
            Self::NotEqual => truth((left - right).abs() >= f64::EPSILON),
            Self::Less => truth(left < right),
            Self::LessOrEqual => truth(left <= right),
            Self::Greater => truth(left > right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::And => truth(is_true(left) && is_true(right)),
            Self::Or => truth(is_true(left) || is_true(right)),
        }
    }
}

/// Whether a condition is met.
pub(super) fn is_true(value: f64) -> bool {
    value.abs() > 0.0
}

/// The operation on two values. Two series have results where both have points; divisions by zero have
/// none.
pub(super) fn operation(
    operator: Operator,
    left: Value,
    right: Value,
) -> Result<Value, ExpressionError> {
    let f = |left, right| operator.of(left, right);
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(f(left, right)),
        (Value::Series(series), Value::Scalar(right)) => {
            Value::Series(computed(series.map(|_, left| f(left, right))))
        }
        (Value::Scalar(left), Value::Series(series)) => {
            Value::Series(computed(series.map(|_, right| f(left, right))))
        }
        (Value::Series(left), Value::Series(right)) => {
            Value::Series(computed(zip(&left, &right, f)))
        }
        (Value::Array(array), Value::Scalar(right)) => {
            Value::Array(array.iter().map(|one| one.map(|_, left| f(left, right))).collect())
        }
        (Value::Scalar(left), Value::Array(array)) => {
            Value::Array(array.iter().map(|one| one.map(|_, right| f(left, right))).collect())
        }
        (Value::Array(array), Value::Series(right)) => Value::Array(
            array.iter().map(|left| keeping_name(left, zip(left, &right, f))).collect(),
        ),
        (Value::Series(left), Value::Array(array)) => Value::Array(
            array.iter().map(|right| keeping_name(right, zip(&left, right, f))).collect(),
        ),
        (Value::Array(_), Value::Array(_)) => {
            return wrong("Two arrays of time series can't be operands of one operator");
        }
    })
}

/// What is computed from a single metric is no longer that metric.
fn computed(series: TimeSeries) -> TimeSeries {
    TimeSeries { origin: None, ..series }
}

fn keeping_name(named: &TimeSeries, series: TimeSeries) -> TimeSeries {
    TimeSeries { label: named.label.clone(), origin: named.origin.clone(), ..series }
}

fn zip(left: &TimeSeries, right: &TimeSeries, f: impl Fn(f64, f64) -> f64) -> TimeSeries {
    let both = left.points.iter().filter_map(|(at, value)| {
        let other = right.points.get(at)?;
        Some((*at, f(*value, *other)))
    });
    TimeSeries { period: left.period.max(right.period), ..left.with_points(both) }
}
