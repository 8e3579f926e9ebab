//! In which order queries are computed, and what they come to.

use std::collections::BTreeMap;

use super::{CloudWatchError, DataQuery, MIN_PERIOD, Queried, wrong_expression};
use crate::metric::expression::{
    Budget, Environment, ExpressionError, Search, SearchKey, TimeRange, TimeSeries, Value,
};

/// Queries that can be computed.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPlan {
    queries: Vec<DataQuery>,
    /// Positions of expressions, those first that others need.
    order: Vec<usize>,
}

/// What a query came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Its position in the request.
    pub query: usize,
    /// Its series; a metric has one.
    pub series: Vec<TimeSeries>,
}

impl DataPlan {
    /// A plan for these queries.
    ///
    /// # Errors
    /// `ValidationError`: an expression names a query that is not there, or itself by way of others.
    pub fn new(queries: Vec<DataQuery>) -> Result<Self, CloudWatchError> {
        let mut order = Vec::new();
        let mut states = vec![State::New; queries.len()];
        for at in 0..queries.len() {
            visit(&queries, at, &mut states, &mut order)?;
        }
        Ok(Self { queries, order })
    }

    /// The queries, as the request has them.
    pub fn queries(&self) -> &[DataQuery] {
        &self.queries
    }

    /// Every search of the expressions, with the period that it has.
    pub fn searches(&self) -> impl Iterator<Item = (&Search, u32)> {
        self.queries.iter().flat_map(move |query| {
            let searches = match &query.what {
                Queried::Metric(_) => Vec::new(),
                Queried::Math(expression) => expression.searches(),
            };
            let usual = self.period_of(query);
            searches.into_iter().map(move |search| (search, search.period.unwrap_or(usual)))
        })
    }

    /// The period of an expression: its own, or the shortest one of the request's metrics, or else five minutes.
    fn period_of(&self, query: &DataQuery) -> u32 {
        let of_metric = |query: &DataQuery| match &query.what {
            Queried::Metric(stat) => Some(stat.period),
            Queried::Math(_) => None,
        };
        let period = query.period.or_else(|| self.queries.iter().filter_map(of_metric).min());
        period.unwrap_or(300).max(MIN_PERIOD)
    }

    /// Computes all queries. `metrics` has the series of the queries that name one, by their identifiers, `searches` what
    /// searches have found; the range is in seconds, its end excluded.
    ///
    /// # Errors
    /// `ValidationError`: an expression has no meaning, is a number, or all have too many data points to compute.
    pub fn evaluate(
        &self,
        mut metrics: BTreeMap<String, TimeSeries>,
        searches: &BTreeMap<SearchKey, Vec<TimeSeries>>,
        (start, end): (i64, i64),
    ) -> Result<Vec<Evaluated>, CloudWatchError> {
        let budget = Budget::of_request();
        let mut values = BTreeMap::new();
        let mut ids = Vec::new();
        for query in self.queries.iter().filter(|query| query.is_metric()) {
            if let Some(series) = metrics.remove(&query.id) {
                ids.push(query.id.clone());
                values.insert(query.id.clone(), Value::Series(series));
            }
        }
        for at in &self.order {
            let query = &self.queries[*at];
            let Queried::Math(expression) = &query.what else { continue };
            let range = TimeRange { start, end, period: self.period_of(query) };
            let (values_so_far, metrics, budget) = (&values, ids.as_slice(), &budget);
            let environment =
                Environment { values: values_so_far, metrics, searches, range, budget };
            let value = expression.evaluate(&environment);
            let value = value.map_err(|error| wrong_expression(&query.id, &error))?;
            values.insert(query.id.clone(), value);
        }
        let mut results = Vec::new();
        for (at, query) in self.queries.iter().enumerate().filter(|(_, one)| one.returns_data) {
            let Some(value) = values.get(&query.id) else { continue };
            let Some(mut series) = value.clone().into_series() else {
                let error = ExpressionError("It must be a time series, and is a number".to_owned());
                return Err(wrong_expression(&query.id, &error));
            };
            if !query.is_metric() && series.len() == 1 && series[0].origin.is_none() {
                series[0].label.clone_from(&query.id);
            }
            results.push(Evaluated { query: at, series });
        }
        Ok(results)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Begun,
    Done,
}

fn visit(
    queries: &[DataQuery],
    at: usize,
    states: &mut [State],
    order: &mut Vec<usize>,
) -> Result<(), CloudWatchError> {
    let query = &queries[at];
    match states[at] {
        State::Done => return Ok(()),
        State::Begun => {
            let error = ExpressionError("It depends on itself".to_owned());
            return Err(wrong_expression(&query.id, &error));
        }
        State::New => states[at] = State::Begun,
    }
    if let Queried::Math(expression) = &query.what {
        for name in expression.names() {
            let Some(needed) = queries.iter().position(|other| other.id == name) else {
                let error = ExpressionError(format!("There is no query with the Id '{name}'"));
                return Err(wrong_expression(&query.id, &error));
            };
            visit(queries, needed, states, order)?;
        }
    }
    states[at] = State::Done;
    order.push(at);
    Ok(())
}
