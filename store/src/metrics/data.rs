//! Series that queries of Amazon CloudWatch ask for.

use std::collections::{BTreeMap, HashMap};

use brokerd_domain::{
    Scope, Timestamp,
    metric::{
        DataPoint, NAMESPACE, SeriesKey, StatisticSet, Unit,
        expression::{Search, SearchKey, SeriesOrigin, TimeSeries},
        label::tell_apart,
        query::{DataPlan, MIN_PERIOD, MetricStat, Queried, Statistic, parse_statistic},
        search::SearchedMetric,
    },
};

use super::series::{Series, SeriesFilter, SeriesId, SeriesPosition};
use crate::kernel::{PgStore, StoreError};

/// Most metrics that a search finds.
///
/// Source: "Search expression limits" of the Amazon CloudWatch user guide.
const MAX_FOUND_SERIES: usize = 500;
/// How many series a search looks at, at most.
const MAX_SEARCHED_SERIES: usize = 50_000;
/// How many of them one statement reads.
const SEARCHED_AT_ONCE: u32 = 2000;
/// Searches find what was measured in the two weeks before.
const SEARCHED_DAYS: i64 = 14;

/// What a plan of queries needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricData {
    /// The series of queries that name a metric, by their identifiers. What nobody has measured has no points.
    pub metrics: BTreeMap<String, TimeSeries>,
    /// The series that searches have found.
    pub searches: BTreeMap<SearchKey, Vec<TimeSeries>>,
    /// Whether a search has found more than are read.
    pub is_truncated: bool,
}

/// A series of values to read, and what to make of it.
struct Wanted {
    key: SeriesKey,
    unit: Option<Unit>,
    period: u32,
    statistic: Statistic,
}

/// The statistics of one metric, of whichever brokers had its name, by time in seconds.
type Points = BTreeMap<i64, StatisticSet>;

impl PgStore {
    /// Reads what a plan of queries needs in `from..to`, in periods that begin with `from`, rounded down to a minute.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn metric_data(
        &self,
        scope: &Scope,
        plan: &DataPlan,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<MetricData, StoreError> {
        let mut data = MetricData::default();
        let mut wanted = Vec::new();
        let mut ids = Vec::new();
        for query in plan.queries() {
            let Queried::Metric(stat) = &query.what else { continue };
            wanted.push(Wanted {
                key: stat.key.clone(),
                unit: stat.unit,
                period: stat.period.max(MIN_PERIOD),
                statistic: stat.statistic,
            });
            ids.push((query.id.clone(), stat));
        }
        let found = self.found_of(scope, &wanted, |at| ids[at].1.namespace == NAMESPACE).await?;
        let read = self.read_wanted(scope, &wanted, &found, from, to).await?;
        for (((id, stat), wanted), points) in ids.into_iter().zip(&wanted).zip(read) {
            data.metrics.insert(id, metric_series(stat, wanted, points));
        }
        for (search, period) in plan.searches() {
            let (found, is_truncated) = self.search_series(scope, search, to).await?;
            let series = self.read_search(scope, search, found, (from, to), period).await?;
            data.searches.insert(search.key(), series);
            data.is_truncated |= is_truncated;
        }
        Ok(data)
    }

    /// The statistics of one metric with exactly these dimensions, by time, and their unit; none: nobody has measured it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn metric_statistics(
        &self,
        scope: &Scope,
        key: &SeriesKey,
        unit: Option<Unit>,
        (from, to): (Timestamp, Timestamp),
        period: u32,
    ) -> Result<Option<(Unit, Vec<DataPoint>)>, StoreError> {
        let found = self.find_series(scope, std::slice::from_ref(key)).await?;
        let found: Vec<Series> =
            found.into_iter().flatten().filter(|one| unit.is_none_or(|u| u == one.unit)).collect();
        let Some(unit) = found.last().map(|series| series.unit) else { return Ok(None) };
        let ids: Vec<SeriesId> = found.iter().map(|series| series.id).collect();
        let read = self.read_series(scope, &ids, from, to, period).await?;
        let points = merged(read.into_iter().flatten()).into_iter();
        let point = |(at, statistics): (i64, StatisticSet)| DataPoint {
            at: Timestamp::from_micros(at.saturating_mul(1_000_000)),
            statistics,
        };
        Ok(Some((unit, points.map(point).collect())))
    }

    /// The series of each metric.
    async fn found_of(
        &self,
        scope: &Scope,
        wanted: &[Wanted],
        is_known: impl Fn(usize) -> bool,
    ) -> Result<Vec<Vec<SeriesId>>, StoreError> {
        let mut keys: Vec<SeriesKey> = wanted.iter().map(|one| one.key.clone()).collect();
        keys.sort();
        keys.dedup();
        let series =
            if keys.is_empty() { Vec::new() } else { self.find_series(scope, &keys).await? };
        let by_key: HashMap<&SeriesKey, &Vec<Series>> = keys.iter().zip(&series).collect();
        let of = |(at, one): (usize, &Wanted)| {
            let found = by_key.get(&one.key).into_iter().copied().flatten();
            let found = found.filter(|series| one.unit.is_none_or(|unit| unit == series.unit));
            let ids: Vec<SeriesId> = found.map(|series| series.id).collect();
            if is_known(at) { ids } else { Vec::new() }
        };
        Ok(wanted.iter().enumerate().map(of).collect())
    }

    /// The points of each metric. One statement for all of the same period.
    async fn read_wanted(
        &self,
        scope: &Scope,
        wanted: &[Wanted],
        found: &[Vec<SeriesId>],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Points>, StoreError> {
        let mut by_period: BTreeMap<u32, Vec<SeriesId>> = BTreeMap::new();
        for (one, ids) in wanted.iter().zip(found) {
            by_period.entry(one.period).or_default().extend(ids);
        }
        let mut points: HashMap<(u32, SeriesId), Vec<DataPoint>> = HashMap::new();
        for (period, mut ids) in by_period {
            ids.sort_unstable();
            ids.dedup();
            let read = self.read_series(scope, &ids, from, to, period).await?;
            points.extend(ids.into_iter().map(|id| (period, id)).zip(read));
        }
        let of = |(one, ids): (&Wanted, &Vec<SeriesId>)| {
            let read = ids.iter().filter_map(|id| points.get(&(one.period, *id)));
            merged(read.flatten().copied())
        };
        Ok(wanted.iter().zip(found).map(of).collect())
    }

    /// The series that a search finds, those of the same name together; and whether there are more.
    async fn search_series(
        &self,
        scope: &Scope,
        search: &Search,
        to: Timestamp,
    ) -> Result<(BTreeMap<SeriesKey, Vec<Series>>, bool), StoreError> {
        let weeks = SEARCHED_DAYS * 86_400 * 1_000_000;
        let filter = SeriesFilter {
            metric: search.pattern.metric_name().map(str::to_owned),
            dimensions: Vec::new(),
            active_since: Some(Timestamp::from_micros(to.as_micros().saturating_sub(weeks))),
        };
        let mut found: BTreeMap<SeriesKey, Vec<Series>> = BTreeMap::new();
        let mut after: Option<SeriesPosition> = None;
        let mut looked_at = 0;
        loop {
            let page = self.list_series(scope, &filter, after, SEARCHED_AT_ONCE).await?;
            looked_at += page.series.len();
            for series in page.series {
                let metric = SearchedMetric {
                    account: scope.account.as_str(),
                    namespace: NAMESPACE,
                    metric: &series.key.metric,
                    dimensions: &series.key.dimensions,
                };
                if !search.pattern.matches(&metric) {
                    continue;
                }
                if found.len() >= MAX_FOUND_SERIES && !found.contains_key(&series.key) {
                    return Ok((found, true));
                }
                found.entry(series.key.clone()).or_default().push(series);
            }
            match page.next {
                None => return Ok((found, false)),
                Some(_) if looked_at >= MAX_SEARCHED_SERIES => return Ok((found, true)),
                Some(next) => after = Some(next),
            }
        }
    }

    async fn read_search(
        &self,
        scope: &Scope,
        search: &Search,
        found: BTreeMap<SeriesKey, Vec<Series>>,
        (from, to): (Timestamp, Timestamp),
        period: u32,
    ) -> Result<Vec<TimeSeries>, StoreError> {
        // A plan has only statistics that are there.
        let statistic = parse_statistic(&search.statistic).unwrap_or(Statistic::Average);
        let period = period.max(MIN_PERIOD);
        let (wanted, ids): (Vec<Wanted>, Vec<Vec<SeriesId>>) = found
            .into_iter()
            .map(|(key, series)| {
                let ids = series.iter().map(|series| series.id).collect();
                (Wanted { key, unit: None, period, statistic }, ids)
            })
            .unzip();
        let read = self.read_wanted(scope, &wanted, &ids, from, to).await?;
        let series = wanted.iter().zip(read).map(|(one, points)| one.series(NAMESPACE, points));
        let mut series: Vec<TimeSeries> = series.collect();
        tell_apart(&mut series);
        Ok(series)
    }
}

impl Wanted {
    fn series(&self, namespace: &str, points: Points) -> TimeSeries {
        let value = |(at, set): (i64, StatisticSet)| (at, self.statistic.of(&set));
        TimeSeries {
            label: self.key.metric.clone(),
            origin: Some(SeriesOrigin {
                namespace: namespace.to_owned(),
                metric: self.key.metric.clone(),
                dimensions: self.key.dimensions.clone(),
                statistic: self.statistic.as_str().to_owned(),
            }),
            period: self.period,
            points: points.into_iter().map(value).filter(|(_, value)| value.is_finite()).collect(),
        }
    }
}

fn metric_series(stat: &MetricStat, wanted: &Wanted, points: Points) -> TimeSeries {
    TimeSeries { period: stat.period, ..wanted.series(&stat.namespace, points) }
}

/// Points of one name, whose broker may have been deleted and created again within a period.
fn merged(points: impl Iterator<Item = DataPoint>) -> Points {
    let mut all = Points::new();
    for DataPoint { at, statistics } in points {
        let known = all.entry(at.as_seconds());
        known.and_modify(|known| *known = known.merge(statistics)).or_insert(statistics);
    }
    all
}
