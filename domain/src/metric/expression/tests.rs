use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::metric::Dimension;

const RANGE: TimeRange = TimeRange { start: 0, end: 300, period: 60 };

fn series(label: &str, period: u32, points: &[(i64, f64)]) -> TimeSeries {
    let origin = Some(SeriesOrigin {
        namespace: "AWS/AmazonMQ".to_owned(),
        metric: label.to_owned(),
        dimensions: vec![Dimension { name: "Broker".to_owned(), value: "orders".to_owned() }],
        statistic: "Average".to_owned(),
    });
    TimeSeries { label: label.to_owned(), origin, period, points: points.iter().copied().collect() }
}

fn environment() -> BTreeMap<String, Value> {
    let all = [
        ("m1", series("one", 60, &[(0, 1.0), (60, 2.0), (120, 4.0), (240, -8.0)])),
        ("m2", series("two", 60, &[(0, 10.0), (60, 20.0), (180, 40.0)])),
        ("m3", series("three", 300, &[(0, 6.0)])),
        ("empty", series("none", 60, &[])),
    ];
    all.into_iter().map(|(id, series)| (id.to_owned(), Value::Series(series))).collect()
}

fn evaluated(text: &str) -> Result<Value, String> {
    let values = environment();
    let expression = Expression::parse(text).map_err(|error| error.0)?;
    let metrics: Vec<String> = ["m1", "m2", "m3"].map(str::to_owned).into();
    let searches = expression.searches().into_iter().filter(|one| one.text.contains("Broker"));
    let found = [series("a", 60, &[(0, 3.0), (60, 5.0)]), series("b", 60, &[(60, 1.0)])];
    let searches = searches.map(|search| (search.key(), found.to_vec())).collect();
    let budget = Budget::of_request();
    let environment = Environment {
        values: &values,
        metrics: &metrics,
        searches: &searches,
        range: RANGE,
        budget: &budget,
    };
    expression.evaluate(&environment).map_err(|error| error.0)
}

/// What it comes to, in short: numbers, or points of series.
fn shown(text: &str) -> String {
    let points = |series: TimeSeries| {
        let points = series.points.iter().map(|(at, value)| format!("{at}:{value}"));
        points.collect::<Vec<_>>().join(" ")
    };
    match evaluated(text) {
        Err(error) => error,
        Ok(Value::Scalar(number)) => format!("= {number}"),
        Ok(Value::Series(series)) => points(series),
        Ok(Value::Array(array)) => array.into_iter().map(points).collect::<Vec<_>>().join(" | "),
    }
}

#[test]
fn arithmetic_is_by_precedence_and_where_both_operands_have_points() {
    for (text, expected) in [
        ("1 + 2 * 3", "= 7"),
        ("(1 + 2) * 3", "= 9"),
        ("2 ^ 3 ^ 2", "= 512"),
        ("-2 ^ 2", "= -4"),
        ("10 - 4 - 3", "= 3"),
        ("100 / 10 / 5", "= 2"),
        ("1.5e2 + .5", "= 150.5"),
        ("m1 + m2", "0:11 60:22"),
        ("m2 - 1", "0:9 60:19 180:39"),
        ("100 * (m1 / m2)", "0:10 60:10"),
        ("-m1", "0:-1 60:-2 120:-4 240:8"),
        ("m1 / 0", ""),
        ("m1 / (m1 - 2)", "0:-1 120:2 240:0.8"),
        ("m1 ^ 2", "0:1 60:4 120:16 240:64"),
        ("m1 > 1", "0:0 60:1 120:1 240:0"),
        ("m1 >= 2 AND m1 < 4", "0:0 60:1 120:0 240:0"),
        ("m1 == 1 || m1 == 4", "0:1 60:0 120:1 240:0"),
        ("m1 != 1", "0:0 60:1 120:1 240:1"),
        ("1 <= 2 && 2 OR 0", "= 1"),
        ("[m1, m2] * 2", "0:2 60:4 120:8 240:-16 | 0:20 60:40 180:80"),
        ("[m1, m2] - m1", "0:0 60:0 120:0 240:0 | 0:9 60:18"),
        ("m1 - [m1]", "0:0 60:0 120:0 240:0"),
        ("empty + 1", ""),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn functions_of_one_series() {
    for (text, expected) in [
        ("ABS(m1)", "0:1 60:2 120:4 240:8"),
        ("CEIL(m1 / 3)", "0:1 60:1 120:2 240:-2"),
        ("FLOOR(m1 / 3)", "0:0 60:0 120:1 240:-3"),
        ("LOG10(m3 - 6 + 100)", "0:2"),
        ("LOG(m3 / 6)", "0:0"),
        ("LOG(m1 - 1)", "60:0 120:1.0986122886681098"),
        ("DIFF(m1)", "60:1 120:2 240:-12"),
        ("DIFF_TIME(m1)", "60:60 120:60 240:120"),
        ("RATE(m2)", "60:0.16666666666666666 180:0.16666666666666666"),
        ("RATE(m3)", ""),
        ("RUNNING_SUM(m1)", "0:1 60:3 120:7 240:-1"),
        ("PERIOD(m1)", "= 60"),
        ("PERIOD(m3)", "= 300"),
        ("SUM(m1)", "= -1"),
        ("AVG(m2)", "= 23.333333333333332"),
        ("MIN(m1)", "= -8"),
        ("MAX(m1)", "= 4"),
        ("DATAPOINT_COUNT(m1)", "= 4"),
        ("STDDEV(m3)", "= 0"),
        ("sum(m1) / period(m1)", "= -0.016666666666666666"),
        (
            "m1 / PERIOD(m1)",
            "0:0.016666666666666666 60:0.03333333333333333 120:0.06666666666666667 240:-0.13333333333333333",
        ),
        ("m1 - MIN(m1)", "0:9 60:10 120:12 240:0"),
        ("m1 - AVG(empty)", ""),
        ("SUM(empty)", "= 0"),
        ("FILL(m1, 0)", "0:1 60:2 120:4 180:0 240:-8"),
        ("FILL(m2, REPEAT)", "0:10 60:20 120:20 180:40 240:40"),
        ("FILL(m2, LINEAR)", "0:10 60:20 120:30 180:40"),
        ("FILL(m1, m2)", "0:1 60:2 120:4 180:40 240:-8"),
        ("FILL(empty, 7)", "0:7 60:7 120:7 180:7 240:7"),
        ("FILL(empty, REPEAT)", ""),
        ("TIME_SERIES(5)", "0:5 60:5 120:5 180:5 240:5"),
        ("IF(m1 > 1, m1, 0)", "0:0 60:2 120:4 240:0"),
        ("IF(m1 > 1, m2)", "60:20"),
        ("IF(1, m3, m1)", "0:6"),
        ("IF(0, m3)", ""),
        ("IF(m1 > 1, 1)", "60:1 120:1"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn functions_of_several_series() {
    for (text, expected) in [
        ("SUM([m1, m2])", "0:11 60:22 120:4 180:40 240:-8"),
        ("MIN([m1, m2])", "0:1 60:2 120:4 180:40 240:-8"),
        ("MAX([m1, m2])", "0:10 60:20 120:4 180:40 240:-8"),
        ("AVG([m1, m2])", "0:5.5 60:11 120:2 180:20 240:-4"),
        ("STDDEV([m1, m2])", "0:4.5 60:9 120:2 180:20 240:4"),
        ("DATAPOINT_COUNT([m1, m2])", "0:2 60:2 120:1 180:1 240:1"),
        ("SUM(METRICS())", "0:17 60:22 120:4 180:40 240:-8"),
        ("SUM(METRICS(\"m2\"))", "0:10 60:20 180:40"),
        ("METRIC_COUNT(METRICS())", "= 3"),
        ("METRICS('3')", "0:6"),
        ("ABS([m3, m2])", "0:6 | 0:10 60:20 180:40"),
        ("FIRST([m3, m2])", "0:6"),
        ("LAST([m3, m2])", "0:10 60:20 180:40"),
        ("FIRST(SEARCH('{AWS/EC2,InstanceId} x', 'Sum', 60))", ""),
        ("REMOVE_EMPTY([empty, m3])", "0:6"),
        ("SORT([m1, m2, m3], MAX, DESC)", "0:10 60:20 180:40 | 0:6 | 0:1 60:2 120:4 240:-8"),
        ("SORT([m1, m2, m3], SUM, ASC, 2)", "0:1 60:2 120:4 240:-8 | 0:6"),
        ("SORT([m1, m3], LAST, DESC, 1)", "0:6"),
        ("SLICE([m1, m2, m3], 1, 3)", "0:10 60:20 180:40 | 0:6"),
        ("SLICE([m1, m3], 1)", "0:6"),
        ("SLICE([m1], 4)", ""),
        ("[m3, 2]", "0:6 | 0:2 60:2 120:2 180:2 240:2"),
        ("SUM([])", ""),
        ("SEARCH('{AWS/AmazonMQ,Broker} MessageCount', 'Average', 60)", "0:3 60:5 | 60:1"),
        ("SUM(SEARCH('{AWS/AmazonMQ,Broker} MessageCount', 'Average', 60))", "0:3 60:6"),
        ("SEARCH('{AWS/EC2,InstanceId} CPU', 'Average')", ""),
        ("FILL([m1, m3], 0)", "0:1 60:2 120:4 180:0 240:-8 | 0:6"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_a_sentence() {
    for (text, expected) in [
        ("", "It ends where a value is expected"),
        ("1 +", "It ends where a value is expected"),
        ("(1", "Expected ')' at the end"),
        ("(1]", "Expected ')', not ']'"),
        ("1 2", "Unexpected '2'"),
        ("m1 # m2", "Unexpected character '#'"),
        ("* 2", "Unexpected '*'"),
        ("1..2", "'1..2' is not a number"),
        ("1e999", "'1e999' is not a number"),
        ("'open", "A text that begins with ' does not end"),
        ("m9", "There is no query with the Id 'm9'"),
        ("FOO(m1)", "There is no function FOO"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "The function ANOMALY_DETECTION_BAND is not supported"),
        ("hour(m1)", "The function HOUR is not supported"),
        ("ABS()", "ABS does not take 0 arguments"),
        ("FILL(m1)", "FILL does not take 1 arguments"),
        ("SELECT AVG(x) FROM y", "Metrics Insights queries are not supported"),
        ("[m1] + [m2]", "Two arrays of time series can't be operands of one operator"),
        ("DIFF(5)", "DIFF does not take a number"),
        ("PERIOD([m1])", "PERIOD does not take an array of time series"),
        ("SORT(m1, SUM, ASC)", "SORT does not take a time series"),
        ("SORT([m1], ABS, ASC)", "SORT can't sort by ABS"),
        ("SORT([m1], SUM, UP)", "SORT knows ASC and DESC, not UP"),
        ("SLICE([m1], 0.5)", "0.5 is not a position in an array"),
        ("IF([m1], 1)", "The condition of IF can't be an array of time series"),
        ("'text'", "The text 'text' is not a value"),
        ("METRICS(m1)", "METRICS takes a text in quotes"),
        ("SEARCH('x')", "SEARCH takes a pattern and a statistic in quotes, and a period"),
        ("SEARCH('', 'Sum', 60)", "The search is empty"),
        ("SEARCH('x', 'Sum', 0)", "The period of SEARCH must be a number of seconds"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    assert!(Expression::parse(&"(".repeat(3000)).is_err());
    assert!(Expression::parse(&"-".repeat(2000)).is_err());
    assert!(Expression::parse(&format!("{}1{}", "(".repeat(40), ")".repeat(40))).is_ok());
}

#[test]
fn an_expression_tells_what_it_needs() {
    let expression =
        Expression::parse("FILL(m1, REPEAT) + SUM(METRICS()) / e_2 + SORT([m3], SUM, ASC)");
    let expression = expression.expect("an expression");
    assert_eq!(expression.names().into_iter().collect::<Vec<_>>(), ["e_2", "m1", "m3"]);
    assert!(expression.takes_all_metrics());
    let grafana = Expression::parse(
        r#"SEARCH('{"AWS/AmazonMQ","Broker"} MetricName="MessageCount" "Broker"="a"', 'Average', 300)"#,
    );
    let grafana = grafana.expect("an expression");
    assert!(!grafana.takes_all_metrics());
    let [search] = grafana.searches()[..] else { panic!("a search") };
    assert_eq!((search.statistic.as_str(), search.period), ("Average", Some(300)));
    assert_eq!(search.pattern.metric_name(), Some("MessageCount"));
}

#[test]
fn what_is_computed_from_a_metric_is_no_longer_that_metric() {
    let origin = |text: &str| match evaluated(text) {
        Ok(Value::Series(series)) => series.origin.map(|origin| origin.metric),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(origin("m1"), Some("one".to_owned()));
    assert_eq!(origin("m1 * 2"), None);
    assert_eq!(origin("SUM([m1, m2])"), None);
    let Ok(Value::Array(array)) = evaluated("[m1, m2] * 2") else { panic!("an array") };
    let labels: Vec<_> = array.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["one", "two"], "series of an array keep their names");
}

#[test]
fn steps_begin_with_the_range() {
    let steps =
        |start, end, period| TimeRange { start, end, period: 60 }.steps(period).collect::<Vec<_>>();
    assert_eq!(steps(0, 180, 60), [0, 60, 120]);
    assert_eq!(steps(60, 181, 60), [60, 120, 180]);
    assert_eq!(steps(120, 500, 300), [120, 420]);
    assert_eq!(steps(10, 10, 60), Vec::<i64>::new());
    assert_eq!(steps(0, 2, 0), [0, 1]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[m1-3+*/()<>=!&|^,\\[\\] A-Z'.]{0,40}|.{0,40}") {
        if let Ok(Value::Series(series)) = evaluated(&text) {
            prop_assert!(series.points.values().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn every_combination_of_functions_has_an_answer(
        names in prop::collection::vec(prop::sample::select(Function::ALL), 1..5),
        operand in prop::sample::select(&["m1", "[m1, m2]", "3", "empty", "METRICS()"][..]),
    ) {
        let mut text = operand.to_owned();
        for name in names {
            text = match name {
                Function::Fill => format!("FILL({text}, 0)"),
                Function::If => format!("IF({text}, 1, m1)"),
                Function::Slice => format!("SLICE({text}, 0, 1)"),
                Function::Sort => format!("SORT({text}, SUM, ASC)"),
                Function::Metrics => text,
                other => format!("{other}({text})"),
            };
        }
        match evaluated(&text) {
            Ok(Value::Scalar(_)) | Err(_) => {}
            Ok(value) => {
                for series in value.into_series().into_iter().flatten() {
                    prop_assert!(series.points.values().all(|value| value.is_finite()), "{text}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_computed_as_rust_computes_them(a in -1e6..1e6f64, b in 1.0..1e6f64) {
        for (operator, expected) in [("+", a + b), ("-", a - b), ("*", a * b), ("/", a / b)] {
            let text = format!("({a:e}) {operator} ({b:e})");
            let Ok(Value::Scalar(number)) = evaluated(&text) else { panic!("{text}") };
            prop_assert_eq!(number, expected, "{}", text);
        }
    }
}
