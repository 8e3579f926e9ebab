use proptest::prelude::*;

use super::*;
use crate::metric::Dimension;

fn metric<'a>(name: &'a str, dimensions: &'a [Dimension]) -> SearchedMetric<'a> {
    SearchedMetric { account: "000000000000", namespace: "AWS/AmazonMQ", metric: name, dimensions }
}

fn dimensions(pairs: &[(&str, &str)]) -> Vec<Dimension> {
    let dimension = |(name, value): &(&str, &str)| Dimension {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    pairs.iter().map(dimension).collect()
}

/// Which of these metrics a pattern finds.
fn found(text: &str) -> Vec<String> {
    let pattern = SearchPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let all = [
        ("MessageCount", vec![("Broker", "orders")]),
        ("MessageCount", vec![("Broker", "billing")]),
        ("MessageCount", vec![("Broker", "orders"), ("Queue", "in"), ("VirtualHost", "/")]),
        ("CpuUtilization", vec![("Broker", "shop-1")]),
        ("NetworkIn", vec![("Broker", "orders")]),
    ];
    let is_found = |(name, pairs): &(&str, Vec<(&str, &str)>)| {
        let dimensions = dimensions(pairs);
        let named = || {
            let values: Vec<_> = pairs.iter().map(|(_, value)| *value).collect();
            format!("{name} {}", values.join(" "))
        };
        pattern.matches(&metric(name, &dimensions)).then(named)
    };
    all.iter().filter_map(is_found).collect()
}

#[test]
fn a_schema_is_a_namespace_with_exactly_these_dimensions() {
    assert_eq!(
        found(r#"{AWS/AmazonMQ,Broker} MetricName="MessageCount""#),
        ["MessageCount orders", "MessageCount billing"]
    );
    assert_eq!(found(r#"{AWS/AmazonMQ,VirtualHost,Broker,"Queue"}"#), ["MessageCount orders in /"]);
    assert_eq!(found(r#"{"AWS/AmazonMQ"} NetworkIn"#), ["NetworkIn orders"]);
    assert_eq!(found(r#"{AWS/EC2,Broker}"#), Vec::<String>::new());
    assert_eq!(found(r#"{AWS/AmazonMQ,Broker}, MetricName="NetworkIn""#), ["NetworkIn orders"]);
}

#[test]
fn grafana_asks_with_and_without_exact_dimensions() {
    assert_eq!(
        found(
            r#"{"AWS/AmazonMQ","Broker"} MetricName="MessageCount" "Broker"=("orders" OR "billing")"#
        ),
        ["MessageCount orders", "MessageCount billing"]
    );
    assert_eq!(
        found(r#"Namespace="AWS/AmazonMQ" MetricName="MessageCount" "Broker"="orders""#),
        ["MessageCount orders", "MessageCount orders in /"]
    );
    assert_eq!(
        found(r#"{"AWS/AmazonMQ","Broker"} MetricName="NetworkIn" :aws.AccountId="000000000000""#),
        ["NetworkIn orders"]
    );
    let other = r#"{"AWS/AmazonMQ","Broker"} MetricName="NetworkIn" :aws.AccountId="1""#;
    assert_eq!(found(other), Vec::<String>::new());
    assert_eq!(found(":aws.AccountId = 'LOCAL' NetworkIn"), ["NetworkIn orders"]);
}

#[test]
fn words_match_in_parts_and_texts_in_quotes_as_a_whole() {
    assert_eq!(found("network"), ["NetworkIn orders"]);
    assert_eq!(found("CPU"), ["CpuUtilization shop-1"]);
    assert_eq!(found("cpuutilization"), ["CpuUtilization shop-1"]);
    assert_eq!(found("util"), Vec::<String>::new(), "no part of a part");
    assert_eq!(found(r#""Network""#), Vec::<String>::new());
    assert_eq!(found(r#""NetworkIn""#), ["NetworkIn orders"]);
    assert_eq!(found(r#"MetricName=network"#), ["NetworkIn orders"]);
    assert_eq!(found("shop"), ["CpuUtilization shop-1"]);
    assert_eq!(found("Broker=shop-1"), ["CpuUtilization shop-1"]);
}

#[test]
fn conditions_are_combined_by_and_or_not_and_parentheses() {
    assert_eq!(
        found("{AWS/AmazonMQ,Broker} NOT MessageCount"),
        ["CpuUtilization shop-1", "NetworkIn orders"]
    );
    assert_eq!(found("{AWS/AmazonMQ,Broker} (network OR cpu) NOT shop"), ["NetworkIn orders"]);
    // AND binds more than OR.
    assert_eq!(found("cpu OR network AND orders"), ["CpuUtilization shop-1", "NetworkIn orders"]);
    assert_eq!(found("(cpu OR network) AND orders"), ["NetworkIn orders"]);
    assert_eq!(found("NOT NOT network"), ["NetworkIn orders"]);
    assert_eq!(
        found(r#"{AWS/AmazonMQ,Broker} MetricName="MessageCount" Broker=(NOT orders)"#),
        ["MessageCount billing"]
    );
}

#[test]
fn the_name_that_all_have_is_known() {
    let name =
        |text: &str| SearchPattern::parse(text).expect(text).metric_name().map(str::to_owned);
    let known = Some("MessageCount".to_owned());
    assert_eq!(name(r#"{AWS/AmazonMQ,Broker} MetricName="MessageCount""#), known);
    assert_eq!(name(r#"orders MetricName="MessageCount""#), known);
    assert_eq!(name(r#"MetricName="MessageCount" OR orders"#), None);
    assert_eq!(name(r#"NOT MetricName="MessageCount""#), None);
    assert_eq!(name("MetricName=MessageCount"), None);
    assert_eq!(name("{AWS/AmazonMQ,Broker}"), None);
}

#[test]
fn what_is_no_pattern_is_refused() {
    for text in [
        "",
        "  ",
        "{}",
        "{AWS/AmazonMQ",
        "{AWS/AmazonMQ Broker}",
        "{AWS/AmazonMQ,}",
        "a OR",
        "a AND",
        "NOT",
        "(a",
        "a)",
        "=a",
        "MetricName=",
        "MetricName=()",
        "\"open",
        "a {b}",
        "?",
        &"a ".repeat(600),
        &"(".repeat(100),
        &"NOT ".repeat(100),
    ] {
        assert!(SearchPattern::parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-zA-Z0-9{}(),=\"' :./\\\\-]{0,60}|.{0,60}") {
        if let Ok(pattern) = SearchPattern::parse(&text) {
            let dimensions = dimensions(&[("Broker", "orders")]);
            pattern.matches(&metric("MessageCount", &dimensions));
        }
    }

    #[test]
    fn every_metric_is_found_by_what_is_written_of_it(
        name in "[A-Za-z][A-Za-z0-9]{0,20}",
        value in "[a-zA-Z0-9 _./\"\\\\-]{1,20}",
    ) {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let pattern = format!("{{AWS/AmazonMQ,Broker}} MetricName=\"{name}\" Broker=\"{quoted}\"");
        let pattern = SearchPattern::parse(&pattern).expect("a pattern");
        let found = dimensions(&[("Broker", &value)]);
        prop_assert!(pattern.matches(&metric(&name, &found)));
        let other = dimensions(&[("Broker", &format!("{value}x"))]);
        prop_assert!(!pattern.matches(&metric(&name, &other)));
    }
}
