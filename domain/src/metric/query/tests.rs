use std::collections::BTreeMap;

use super::*;
use crate::metric::{StatisticSet, expression::TimeSeries};

fn metric(id: &str) -> DataQueryInput {
    DataQueryInput {
        id: Some(id.to_owned()),
        metric_stat: Some(MetricStatInput {
            namespace: Some("AWS/AmazonMQ".to_owned()),
            metric: Some("MessageCount".to_owned()),
            dimensions: vec![("Broker".to_owned(), "orders".to_owned())],
            period: Some(60),
            statistic: Some("Average".to_owned()),
            unit: None,
        }),
        ..DataQueryInput::default()
    }
}

fn math(id: &str, expression: &str) -> DataQueryInput {
    DataQueryInput {
        id: Some(id.to_owned()),
        expression: Some(expression.to_owned()),
        ..DataQueryInput::default()
    }
}

fn plan(inputs: Vec<DataQueryInput>) -> Result<DataPlan, String> {
    let queries = DataQuery::parse_all(inputs).map_err(|error| error.message)?;
    DataPlan::new(queries).map_err(|error| error.message)
}

/// What all queries come to, with these points of the metric `m1`.
fn evaluated(inputs: Vec<DataQueryInput>) -> Result<Vec<(String, Vec<f64>)>, String> {
    let plan = plan(inputs)?;
    let series = TimeSeries {
        label: "MessageCount".to_owned(),
        origin: None,
        period: 60,
        points: [(0, 1.0), (60, 3.0)].into(),
    };
    let metrics = BTreeMap::from([("m1".to_owned(), series)]);
    let results = plan.evaluate(metrics, &BTreeMap::new(), (0, 120));
    let results = results.map_err(|error| error.message)?;
    let shown = results.into_iter().flat_map(|result| {
        result.series.into_iter().map(|one| (one.label, one.points.into_values().collect()))
    });
    Ok(shown.collect())
}

#[test]
fn expressions_are_computed_after_what_they_need_whatever_their_order() {
    let inputs = vec![
        math("e2", "e1 * 2"),
        math("e1", "m1 + 1"),
        DataQueryInput { return_data: Some(false), ..metric("m1") },
    ];
    assert_eq!(
        evaluated(inputs),
        Ok(vec![("e2".to_owned(), vec![4.0, 8.0]), ("e1".to_owned(), vec![2.0, 4.0])])
    );
    let all = vec![metric("m1"), math("total", "SUM(METRICS())")];
    assert_eq!(
        evaluated(all),
        Ok(vec![("MessageCount".to_owned(), vec![1.0, 3.0]), ("total".to_owned(), vec![1.0, 3.0])])
    );
}

#[test]
fn what_can_not_be_computed_is_refused_with_the_id_of_the_expression() {
    let refused = |inputs| evaluated(inputs).expect_err("refused");
    assert_eq!(
        refused(vec![math("e1", "e2"), math("e2", "e1")]),
        "Error in expression 'e1': It depends on itself"
    );
    assert_eq!(
        refused(vec![math("e1", "m7")]),
        "Error in expression 'e1': There is no query with the Id 'm7'"
    );
    assert_eq!(
        refused(vec![metric("m1"), math("e1", "SUM(m1)")]),
        "Error in expression 'e1': It must be a time series, and is a number"
    );
    let unused = DataQueryInput { return_data: Some(false), ..math("e1", "SUM(m1)") };
    assert!(evaluated(vec![metric("m1"), unused]).is_ok(), "others may use a number");
    assert_eq!(
        refused(vec![math("e1", "m1 +")]),
        "Error in expression 'e1': It ends where a value is expected"
    );
    let p99 = refused(vec![math("e1", "SEARCH('x', 'p99', 60)")]);
    assert!(p99.contains("The statistic p99 is not supported"), "{p99}");
}

#[test]
fn queries_are_checked() {
    let change = |change: fn(&mut DataQueryInput)| {
        let mut input = metric("m1");
        change(&mut input);
        let refused = DataQuery::parse_all(vec![input]).expect_err("refused");
        (refused.kind, refused.message)
    };
    fn stat(input: &mut DataQueryInput) -> &mut MetricStatInput {
        input.metric_stat.as_mut().expect("a metric")
    }
    use CloudWatchErrorKind::{InvalidParameterValue, MissingParameter, ValidationError};
    for (what, kind, says) in [
        (change(|one| one.id = None), MissingParameter, "Id"),
        (change(|one| one.id = Some("M1".to_owned())), ValidationError, "^[a-z]"),
        (change(|one| one.id = Some(String::new())), ValidationError, "^[a-z]"),
        (change(|one| one.expression = Some("1".to_owned())), ValidationError, "Exactly one"),
        (change(|one| one.metric_stat = None), ValidationError, "Exactly one"),
        (change(|one| stat(one).metric = None), MissingParameter, "MetricName"),
        (change(|one| stat(one).namespace = None), MissingParameter, "Namespace"),
        (change(|one| stat(one).namespace = Some(":x".to_owned())), InvalidParameterValue, "colon"),
        (change(|one| stat(one).statistic = None), MissingParameter, "Stat"),
        (
            change(|one| stat(one).statistic = Some("p99.9".to_owned())),
            InvalidParameterValue,
            "p99.9",
        ),
        (
            change(|one| stat(one).statistic = Some("average".to_owned())),
            InvalidParameterValue,
            "not valid",
        ),
        (change(|one| stat(one).period = None), MissingParameter, "Period"),
        (change(|one| stat(one).period = Some(0)), InvalidParameterValue, "Period 0"),
        (change(|one| stat(one).period = Some(90)), InvalidParameterValue, "Period 90"),
        (change(|one| stat(one).period = Some(-60)), InvalidParameterValue, "Period -60"),
        (change(|one| stat(one).period = Some(86_460)), InvalidParameterValue, "86400"),
        (change(|one| stat(one).unit = Some("Apples".to_owned())), InvalidParameterValue, "Apples"),
        (
            change(|one| stat(one).dimensions.push(("Broker".to_owned(), "x".to_owned()))),
            InvalidParameterValue,
            "twice",
        ),
        (
            change(|one| stat(one).dimensions.push(("Queue".to_owned(), String::new()))),
            InvalidParameterValue,
            "1 to 1024",
        ),
    ] {
        assert_eq!(what.0, kind, "{}", what.1);
        assert!(what.1.contains(says), "{} does not say {says}", what.1);
    }
    let twice = DataQuery::parse_all(vec![metric("m1"), metric("m1")]).expect_err("twice");
    assert!(twice.message.contains("not unique: m1"), "{twice}");
    assert_eq!(DataQuery::parse_all(Vec::new()).expect_err("none").kind, MissingParameter);
    let many = (0..501).map(|n| metric(&format!("m{n}"))).collect();
    assert!(DataQuery::parse_all(many).is_err());
}

#[test]
fn periods_are_whole_minutes_or_the_short_ones_of_the_service() {
    for period in [1, 5, 10, 20, 30, 60, 120, 300, 3600, 86_400] {
        assert_eq!(parse_period(period).map(i64::from), Ok(period));
    }
}

#[test]
fn statistics_are_those_of_the_values_in_a_period() {
    let set = [2.0, 4.0, 9.0].map(StatisticSet::of).into_iter().reduce(StatisticSet::merge);
    let set = set.expect("values");
    let of = |name: &str| parse_statistic(name).expect(name).of(&set);
    assert_eq!(
        ["SampleCount", "Average", "Sum", "Minimum", "Maximum"].map(of),
        [3.0, 5.0, 15.0, 2.0, 9.0]
    );
    for extended in
        ["p50", "p99.9", "tm90", "tc90", "ts90", "wm95", "IQM", "PR(10:20)", "TM(10%:90%)"]
    {
        let refused = parse_statistic(extended).expect_err(extended).message;
        assert!(refused.contains("is not supported"), "{refused}");
    }
    for wrong in ["", "percent", "Mean", "average", "tmp"] {
        let refused = parse_statistic(wrong).expect_err(wrong).message;
        assert!(refused.contains("is not valid"), "{refused}");
    }
}

#[test]
fn searches_have_the_period_of_their_query_unless_they_say_another_one() {
    let search = "SEARCH('{AWS/AmazonMQ,Broker} MessageCount', 'Average')";
    let period = |inputs| {
        let plan = plan(inputs).expect("a plan");
        plan.searches().map(|(_, period)| period).collect::<Vec<_>>()
    };
    assert_eq!(period(vec![math("e1", search)]), [300]);
    assert_eq!(period(vec![DataQueryInput { period: Some(120), ..math("e1", search) }]), [120]);
    assert_eq!(period(vec![metric("m1"), math("e1", search)]), [60]);
    assert_eq!(period(vec![math("e1", "SEARCH('x', 'Sum', 600)")]), [600]);
    assert_eq!(period(vec![math("e1", "SEARCH('x', 'Sum', 30)")]), [30]);
}

#[test]
fn queries_are_stored_as_they_came() {
    let inputs = vec![metric("m1"), math("e1", "m1 * 2")];
    let stored = serde_json::to_value(&inputs).expect("JSON");
    assert_eq!(stored[1], serde_json::json!({"id": "e1", "expression": "m1 * 2"}));
    assert_eq!(serde_json::from_value::<Vec<DataQueryInput>>(stored).expect("read"), inputs);
}

/// Why queries over this range are refused.
fn refused_in(range: (i64, i64), inputs: Vec<DataQueryInput>) -> String {
    let plan = plan(inputs).expect("a plan");
    let points = (0..1000).map(|n| (n * 60, 1.0)).collect();
    let series = TimeSeries { label: "MessageCount".to_owned(), origin: None, period: 60, points };
    let metrics = BTreeMap::from([("m1".to_owned(), series)]);
    let results = plan.evaluate(metrics, &BTreeMap::new(), range);
    results.expect_err("too much").message
}

#[test]
fn no_request_is_computed_that_has_more_points_than_there_is_memory_for() {
    let many = |id: &str| format!("[{}]", vec![id; 600].join(","));
    let arrays = vec![
        metric("m1"),
        math("e1", &many("m1")),
        math("e2", &many("e1")),
        math("e3", &format!("SUM({})", many("e2"))),
    ];
    let until_9999 = (0, 253_402_300_799);
    let filled = |with: &str| vec![metric("m1"), math("e", &format!("FILL(m1, {with})"))];
    for (range, inputs) in [
        ((0, 60_000), arrays),
        (until_9999, vec![math("e", "TIME_SERIES(1)")]),
        (until_9999, vec![math("e", "[1]")]),
        (until_9999, filled("0")),
        (until_9999, filled("REPEAT")),
        ((i64::MIN, i64::MAX), vec![math("e", "TIME_SERIES(1)")]),
    ] {
        let refused = refused_in(range, inputs);
        assert!(refused.contains("more than 10000000 data points to compute"), "{refused}");
    }
}

#[test]
fn as_much_as_a_large_dashboard_asks_for_is_computed() {
    // Eight days in minutes of one metric, in a hundred expressions.
    let inputs = (0..100).map(|n| math(&format!("e{n}"), "FILL(m1, 0) * 2 + m1"));
    let plan = plan(std::iter::once(metric("m1")).chain(inputs).collect()).expect("a plan");
    let points = (0..11_520).map(|n| (n * 60, 1.0)).collect();
    let series = TimeSeries { label: String::new(), origin: None, period: 60, points };
    let metrics = BTreeMap::from([("m1".to_owned(), series)]);
    let results = plan.evaluate(metrics, &BTreeMap::new(), (0, 11_520 * 60)).expect("computed");
    assert_eq!(results.len(), 101);
    assert!(results.iter().all(|one| one.series[0].points.len() == 11_520));
}

#[test]
fn the_longest_chain_of_operators_is_computed() {
    let sum = vec!["1"; 1024].join("+");
    let results = evaluated(vec![math("e", &format!("TIME_SERIES({})", &sum[..2033]))]);
    assert_eq!(results.expect("computed")[0].1[0], 1017.0);
}
