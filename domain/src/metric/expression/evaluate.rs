//! Computing expressions.

use std::collections::BTreeMap;

use super::{
    Budget, Expression, ExpressionError, Function, Operator, SearchKey,
    arithmetic::{is_true, operation},
    reduce::{count, reduce, sort_key},
    series::{TimeRange, TimeSeries, Value},
    wrong,
};

/// What is known when an expression is computed.
#[derive(Debug, Clone)]
pub struct Environment<'a> {
    /// What other queries came to, by their identifiers.
    pub values: &'a BTreeMap<String, Value>,
    /// The identifiers of the queries that name a metric, in the order of the request: what `METRICS()` gives.
    pub metrics: &'a [String],
    /// What searches have found. A search that is not there has found nothing.
    pub searches: &'a BTreeMap<SearchKey, Vec<TimeSeries>>,
    /// For which time.
    pub range: TimeRange,
    /// How much may still be computed for the request.
    pub budget: &'a Budget,
}

impl Expression {
    /// What it comes to.
    ///
    /// # Errors
    /// A function has no meaning for its arguments, a name is unknown, or there are too many data points to compute.
    pub fn evaluate(&self, environment: &Environment<'_>) -> Result<Value, ExpressionError> {
        match self {
            Self::Number(number) => Ok(Value::Scalar(*number)),
            Self::Text(text) => wrong(format!("The text '{}' is not a value", text.escape_debug())),
            Self::Name(name) => match environment.values.get(name) {
                Some(value) => {
                    environment.budget.take_value(value)?;
                    Ok(value.clone())
                }
                None => wrong(format!("There is no query with the Id '{name}'")),
            },
            Self::Array(items) => array(items, environment),
            Self::Negated(operand) => {
                let minus = Value::Scalar(-1.0);
                operation(Operator::Multiply, minus, operand.evaluate(environment)?)
            }
            Self::Operation(..) => chain(self, environment),
            Self::Search(search) => {
                let found = environment.searches.get(&search.key());
                let found: &[TimeSeries] = found.map_or(&[], Vec::as_slice);
                found.iter().try_for_each(|series| environment.budget.take_series(series))?;
                Ok(Value::Array(found.to_vec()))
            }
            Self::Call(function, arguments) => call(*function, arguments, environment),
        }
    }
}

/// Operands between operators, from the left. A long sum is nested as deep as it has operands, too deep for recursion.
fn chain(whole: &Expression, environment: &Environment<'_>) -> Result<Value, ExpressionError> {
    let (mut first, mut rest) = (whole, Vec::new());
    while let Expression::Operation(operator, left, right) = first {
        rest.push((*operator, right));
        first = left;
    }
    let mut value = first.evaluate(environment)?;
    for (operator, right) in rest.into_iter().rev() {
        value = operation(operator, value, right.evaluate(environment)?)?;
    }
    Ok(value)
}

/// The series of all items. Numbers are series that have them at every time.
fn array(items: &[Expression], environment: &Environment<'_>) -> Result<Value, ExpressionError> {
    let mut all = Vec::new();
    for item in items {
        match item.evaluate(environment)? {
            Value::Scalar(number) => all.push(constant(number, environment)?),
            Value::Series(series) => all.push(series),
            Value::Array(series) => all.extend(series),
        }
    }
    Ok(Value::Array(all))
}

/// A series that has the number at every time; no points if it is none.
fn constant(number: f64, environment: &Environment<'_>) -> Result<TimeSeries, ExpressionError> {
    if !number.is_finite() {
        return Ok(empty(environment.range));
    }
    let range = environment.range;
    environment.budget.take_steps(range, range.period)?;
    let points = range.steps(range.period).map(|at| (at, number)).collect();
    Ok(TimeSeries { points, ..empty(range) })
}

/// A series without points.
fn empty(range: TimeRange) -> TimeSeries {
    let (label, points) = (String::new(), BTreeMap::new());
    TimeSeries { label, origin: None, period: range.period, points }
}

fn call(
    function: Function,
    arguments: &[Expression],
    environment: &Environment<'_>,
) -> Result<Value, ExpressionError> {
    if function == Function::Metrics {
        return metrics(arguments.first(), environment);
    }
    let Some(first) = arguments.first() else {
        return wrong(format!("{function} needs an argument"));
    };
    let value = first.evaluate(environment)?;
    match function {
        Function::If => return condition(value, &arguments[1..], environment),
        Function::Sort => return sorted(value, &arguments[1..]),
        Function::Slice => return slice(value, &arguments[1..], environment),
        Function::Fill => return fill(value, &arguments[1], environment),
        _ => {}
    }
    match reduce(function, value.clone()) {
        Some(reduced) => Ok(reduced),
        None => of_one(function, value, environment),
    }
}

/// Functions of one argument that don't reduce it.
fn of_one(
    function: Function,
    value: Value,
    environment: &Environment<'_>,
) -> Result<Value, ExpressionError> {
    let refuse = |value: &Value| wrong(format!("{function} does not take {}", value.kind()));
    Ok(match (function, value) {
        (Function::Period, Value::Series(series)) => Value::Scalar(series.period.into()),
        (Function::TimeSeries, Value::Scalar(number)) => {
            Value::Series(constant(number, environment)?)
        }
        (Function::MetricCount, Value::Array(array)) => Value::Scalar(count(array.len())),
        (Function::First, Value::Array(array)) => {
            one_of(array.into_iter().next(), environment.range)
        }
        (Function::Last, Value::Array(array)) => {
            one_of(array.into_iter().next_back(), environment.range)
        }
        (Function::First | Function::Last, Value::Series(series)) => Value::Series(series),
        (Function::RemoveEmpty, Value::Array(mut array)) => {
            array.retain(|series| !series.points.is_empty());
            Value::Array(array)
        }
        (function, Value::Scalar(number)) => match pointwise(function) {
            Some(f) => Value::Scalar(f(number)),
            None => return refuse(&Value::Scalar(number)),
        },
        (function, Value::Series(series)) => match transformed(function, &series) {
            Some(series) => Value::Series(series),
            None => return refuse(&Value::Series(series)),
        },
        (function, Value::Array(array)) => {
            let all: Option<Vec<_>> = array.iter().map(|one| transformed(function, one)).collect();
            match all {
                Some(all) => Value::Array(all),
                None => return refuse(&Value::Array(array)),
            }
        }
    })
}

/// The series; one without points if there is none, because a search has found nothing.
fn one_of(series: Option<TimeSeries>, range: TimeRange) -> Value {
    Value::Series(series.unwrap_or_else(|| empty(range)))
}

fn pointwise(function: Function) -> Option<fn(f64) -> f64> {
    Some(match function {
        Function::Abs => f64::abs,
        Function::Ceil => f64::ceil,
        Function::Floor => f64::floor,
        Function::Log => f64::ln,
        Function::Log10 => f64::log10,
        _ => return None,
    })
}

/// A series made of another one; none: the function makes none.
fn transformed(function: Function, series: &TimeSeries) -> Option<TimeSeries> {
    if let Some(f) = pointwise(function) {
        return Some(series.map(|_, value| f(value)));
    }
    let pairs = || series.points.iter().zip(series.points.iter().skip(1));
    #[expect(clippy::cast_precision_loss, reason = "seconds between two points of one request")]
    let seconds = |earlier: &i64, later: &i64| (later - earlier) as f64;
    Some(match function {
        Function::Diff => series.with_points(pairs().map(|((_, a), (at, b))| (*at, b - a))),
        Function::DiffTime => {
            series.with_points(pairs().map(|((from, _), (at, _))| (*at, seconds(from, at))))
        }
        Function::Rate => series
            .with_points(pairs().map(|((from, a), (at, b))| (*at, (b - a) / seconds(from, at)))),
        Function::RunningSum => {
            let mut sum = 0.0;
            series.map(|_, value| {
                sum += value;
                sum
            })
        }
        _ => return None,
    })
}

/// `METRICS()`, or `METRICS("text")`: those whose identifiers have the text in them.
fn metrics(
    text: Option<&Expression>,
    environment: &Environment<'_>,
) -> Result<Value, ExpressionError> {
    let text = match text {
        None => "",
        Some(Expression::Text(text)) => text,
        Some(_) => return wrong("METRICS takes a text in quotes"),
    };
    let ids = environment.metrics.iter().filter(|id| id.contains(text));
    let mut all = Vec::new();
    for value in ids.filter_map(|id| environment.values.get(id)) {
        environment.budget.take_value(value)?;
        all.extend(value.clone().into_series().unwrap_or_default());
    }
    Ok(Value::Array(all))
}

/// `FILL(m1, 0)`, `FILL(m1, REPEAT)`, `FILL(m1, LINEAR)`.
fn fill(
    value: Value,
    with: &Expression,
    environment: &Environment<'_>,
) -> Result<Value, ExpressionError> {
    let filling = match with {
        Expression::Name(word) if word.eq_ignore_ascii_case("REPEAT") => Filling::Repeat,
        Expression::Name(word) if word.eq_ignore_ascii_case("LINEAR") => Filling::Linear,
        other => match other.evaluate(environment)? {
            Value::Scalar(number) => Filling::Number(number),
            Value::Series(series) => Filling::Series(series),
            Value::Array(_) => return wrong("FILL can't fill with an array of time series"),
        },
    };
    let filled = |series: &TimeSeries| {
        environment.budget.take_steps(environment.range, series.period)?;
        Ok(filling.fill(series, environment.range))
    };
    Ok(match value {
        Value::Scalar(number) => Value::Scalar(number),
        Value::Series(series) => Value::Series(filled(&series)?),
        Value::Array(array) => Value::Array(array.iter().map(filled).collect::<Result<_, _>>()?),
    })
}

enum Filling {
    Number(f64),
    Series(TimeSeries),
    Repeat,
    Linear,
}

impl Filling {
    fn fill(&self, series: &TimeSeries, range: TimeRange) -> TimeSeries {
        let points = range.steps(series.period).filter_map(|at| {
            let known = series.points.get(&at).copied();
            Some((at, known.or_else(|| self.value(series, at))?))
        });
        // Points beside the steps of the period stay.
        series.with_points(series.points.iter().map(|(at, value)| (*at, *value)).chain(points))
    }

    fn value(&self, series: &TimeSeries, at: i64) -> Option<f64> {
        let before = || series.points.range(..at).next_back().map(|(at, value)| (*at, *value));
        match self {
            Self::Number(number) => Some(*number),
            Self::Series(other) => other.points.get(&at).copied(),
            Self::Repeat => before().map(|(_, value)| value),
            Self::Linear => {
                let (from, first) = before()?;
                let (to, last) = series.points.range(at..).next()?;
                #[expect(clippy::cast_precision_loss, reason = "seconds within one request")]
                let share = (at - from) as f64 / (to - from) as f64;
                Some(first + (last - first) * share)
            }
        }
    }
}

/// `IF(condition, met, otherwise)`; without the last one there is nothing where the condition is not met.
fn condition(
    condition: Value,
    arguments: &[Expression],
    environment: &Environment<'_>,
) -> Result<Value, ExpressionError> {
    let mut values = Vec::new();
    for argument in arguments {
        values.push(argument.evaluate(environment)?);
    }
    let (met, otherwise) = (values.first(), values.get(1));
    let conditions = match condition {
        Value::Scalar(number) => {
            let chosen = if is_true(number) { met } else { otherwise };
            let none = || Value::Series(empty(environment.range));
            return Ok(chosen.cloned().unwrap_or_else(none));
        }
        Value::Series(series) => series,
        Value::Array(_) => return wrong("The condition of IF can't be an array of time series"),
    };
    let value_at = |value: Option<&Value>, at: i64| match value {
        Some(Value::Scalar(number)) => Ok(Some(*number)),
        Some(Value::Series(series)) => Ok(series.points.get(&at).copied()),
        Some(Value::Array(_)) => wrong("IF can't choose an array of time series"),
        None => Ok(None),
    };
    let mut points = BTreeMap::new();
    for (at, is_met) in &conditions.points {
        let chosen = if is_true(*is_met) { met } else { otherwise };
        if let Some(value) = value_at(chosen, *at)? {
            points.insert(*at, value);
        }
    }
    Ok(Value::Series(TimeSeries { origin: None, points, ..conditions }))
}

/// `SORT(array, AVG, DESC, 5)`.
fn sorted(value: Value, arguments: &[Expression]) -> Result<Value, ExpressionError> {
    let Value::Array(array) = value else {
        return wrong(format!("SORT does not take {}", value.kind()));
    };
    let (Some(Expression::Name(function)), Some(Expression::Name(order))) =
        (arguments.first(), arguments.get(1))
    else {
        return wrong("SORT takes an array, a function, ASC or DESC, and a number");
    };
    let descends = match order.to_ascii_uppercase().as_str() {
        "ASC" => false,
        "DESC" => true,
        other => return wrong(format!("SORT knows ASC and DESC, not {other}")),
    };
    let mut keyed = Vec::new();
    for series in array {
        let Some(key) = sort_key(function, &series) else {
            return wrong(format!("SORT can't sort by {function}"));
        };
        keyed.push((key, series));
    }
    keyed.sort_by(
        |(one, _), (other, _)| {
            if descends { other.total_cmp(one) } else { one.total_cmp(other) }
        },
    );
    let most = match arguments.get(2) {
        None => keyed.len(),
        Some(Expression::Number(number)) => index(*number)?,
        Some(_) => return wrong("The limit of SORT must be a number"),
    };
    Ok(Value::Array(keyed.into_iter().take(most).map(|(_, series)| series).collect()))
}

/// `SLICE(array, start, end)`, whose end is excluded; without one it is the series at `start`.
fn slice(
    value: Value,
    arguments: &[Expression],
    environment: &Environment<'_>,
) -> Result<Value, ExpressionError> {
    let Value::Array(array) = value else {
        return wrong(format!("SLICE does not take {}", value.kind()));
    };
    let mut positions = Vec::new();
    for argument in arguments {
        match argument.evaluate(environment)? {
            Value::Scalar(number) => positions.push(index(number)?),
            other => return wrong(format!("A position of SLICE can't be {}", other.kind())),
        }
    }
    let start = positions.first().copied().unwrap_or_default();
    match positions.get(1) {
        None => Ok(one_of(array.into_iter().nth(start), environment.range)),
        Some(end) => {
            let length = end.saturating_sub(start);
            Ok(Value::Array(array.into_iter().skip(start).take(length).collect()))
        }
    }
}

fn index(number: f64) -> Result<usize, ExpressionError> {
    if number.fract() != 0.0 || !(0.0..=10_000.0).contains(&number) {
        return wrong(format!("{number} is not a position in an array"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 0 and 10000"
    )]
    Ok(number as usize)
}
