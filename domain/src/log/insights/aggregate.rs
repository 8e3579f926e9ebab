//! Aggregations: `count(*)`, `avg(size)`, `pct(time, 95)`.

use std::collections::BTreeSet;

use super::{
    InvalidQuery,
    expression::{Expression, Words},
    lexer::Token,
    record::Row,
    value::Value,
};

/// How many values an aggregation keeps that needs all of them. Beyond it is an estimate.
const MAX_VALUES: usize = 100_000;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Count,
    CountDistinct,
    Sum,
    Average,
    Minimum,
    Maximum,
    Earliest,
    Latest,
    Deviation,
    Percentile(f64),
}

/// An aggregation of what an expression is in each event.
#[derive(Debug, Clone)]
pub(super) struct Aggregation {
    kind: Kind,
    /// None: the events themselves are counted.
    of: Option<Expression>,
}

impl Aggregation {
    /// Reads an aggregation; none: the next word begins none.
    pub(super) fn read(words: &mut Words<'_>) -> Result<Option<Self>, InvalidQuery> {
        let [Token::Name(name, false), Token::Symbol("("), ..] = words.left() else {
            return Ok(None);
        };
        let kind = match name.to_ascii_lowercase().as_str() {
            "count" => Kind::Count,
            "count_distinct" => Kind::CountDistinct,
            "sum" => Kind::Sum,
            "avg" => Kind::Average,
            "min" => Kind::Minimum,
            "max" => Kind::Maximum,
            "earliest" => Kind::Earliest,
            "latest" => Kind::Latest,
            "stddev" => Kind::Deviation,
            "median" => Kind::Percentile(50.0),
            "pct" | "percentile" => Kind::Percentile(f64::NAN),
            _ => return Ok(None),
        };
        words.next();
        words.next();
        if kind == Kind::Count
            && (words.take("*") || matches!(words.peek(), Some(Token::Symbol(")"))))
        {
            words.expect(")")?;
            return Ok(Some(Self { kind, of: None }));
        }
        let of = words.expression()?;
        let kind = match kind {
            Kind::Percentile(percent) if percent.is_nan() => {
                words.expect(",")?;
                match words.next() {
                    Some(Token::Number(percent)) if (0.0..=100.0).contains(percent) => {
                        Kind::Percentile(*percent)
                    }
                    _ => return Err(InvalidQuery::new("a percentile is between 0 and 100")),
                }
            }
            kind => kind,
        };
        words.expect(")")?;
        Ok(Some(Self { kind, of: Some(of) }))
    }

    pub(super) fn needs_json(&self) -> bool {
        self.of.as_ref().is_some_and(Expression::needs_json)
    }

    pub(super) fn add(&self, row: &Row, state: &mut State) {
        let value = match &self.of {
            None => {
                state.count += 1;
                return;
            }
            Some(of) => of.of(row),
        };
        if value == Value::Missing {
            return;
        }
        match self.kind {
            Kind::CountDistinct => {
                if state.distinct.len() < MAX_VALUES {
                    state.distinct.extend(value.text());
                }
                return;
            }
            Kind::Earliest | Kind::Latest => {
                let at = row.get("@timestamp");
                let wins = match &state.chosen {
                    None => true,
                    Some((before, _)) if self.kind == Kind::Earliest => at.order(before).is_lt(),
                    Some((before, _)) => at.order(before).is_ge(),
                };
                if wins {
                    state.chosen = Some((at, value));
                }
                return;
            }
            Kind::Minimum | Kind::Maximum => {
                let wins = match &state.chosen {
                    None => true,
                    Some((before, _)) if self.kind == Kind::Minimum => value.order(before).is_lt(),
                    Some((before, _)) => value.order(before).is_gt(),
                };
                if wins {
                    state.chosen = Some((value.clone(), value));
                }
                return;
            }
            _ => {}
        }
        if self.kind == Kind::Count {
            state.count += 1;
            return;
        }
        let Some(number) = value.number() else { return };
        state.count += 1;
        state.sum += number;
        state.squares += number * number;
        if matches!(self.kind, Kind::Percentile(_)) && state.values.len() < MAX_VALUES {
            state.values.push(number);
        }
    }

    pub(super) fn result(&self, mut state: State) -> Value {
        let count = state.count as f64;
        let of_some =
            |number: f64| if state.count == 0 { Value::Missing } else { Value::Number(number) };
        match self.kind {
            Kind::Count => Value::Number(count),
            Kind::CountDistinct => Value::Number(state.distinct.len() as f64),
            Kind::Sum => of_some(state.sum),
            Kind::Average => of_some(state.sum / count),
            Kind::Deviation => {
                let mean = state.sum / count;
                of_some((state.squares / count - mean * mean).max(0.0).sqrt())
            }
            Kind::Minimum | Kind::Maximum | Kind::Earliest | Kind::Latest => {
                state.chosen.map_or(Value::Missing, |(_, value)| value)
            }
            Kind::Percentile(percent) => {
                state.values.sort_by(f64::total_cmp);
                let place = (percent / 100.0 * state.values.len() as f64).ceil() as usize;
                let value = state.values.get(place.saturating_sub(1));
                value.map_or(Value::Missing, |value| Value::Number(*value))
            }
        }
    }
}

/// What an aggregation knows so far.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    count: u64,
    sum: f64,
    squares: f64,
    chosen: Option<(Value, Value)>,
    distinct: BTreeSet<String>,
    values: Vec<f64>,
}
