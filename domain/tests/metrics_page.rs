//! The tables of docs/broker-metrics.md are those of the catalogue.

use std::{env, fmt::Write as _, fs, path::Path};

use brokerd_domain::{
    EngineType,
    metric::{Metric, MetricLevel, MetricSource},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/broker-metrics.md");

/// The table of the metrics of an engine at a level.
fn table(engine: EngineType, level: MetricLevel) -> String {
    let mut text = String::from("| metric | unit | from |\n| --- | --- | --- |\n");
    for metric in Metric::all().filter(|m| (m.engine, m.level) == (engine, level)) {
        let from = match metric.source {
            MetricSource::Collected(source) => source.to_owned(),
            MetricSource::Unavailable(reason) => format!("can't be had: {reason}"),
        };
        writeln!(text, "| `{}` | {} | {from} |", metric.name, metric.unit).expect("a string");
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "as every golden is renewed")]
fn the_page_tells_of_every_metric() {
    let path = Path::new(PAGE);
    let mut page = fs::read_to_string(path).expect("the page");
    let committed = page.clone();
    for (engine, level) in [
        (EngineType::RabbitMq, MetricLevel::Broker),
        (EngineType::RabbitMq, MetricLevel::Node),
        (EngineType::RabbitMq, MetricLevel::Queue),
        (EngineType::ActiveMq, MetricLevel::Broker),
        (EngineType::ActiveMq, MetricLevel::Destination),
    ] {
        let begin = format!("<!-- table: {} {} -->\n", engine.display_name(), level.as_str());
        let (before, rest) = page.split_once(&begin).expect(&begin);
        let (_, after) = rest.split_once("<!-- end -->").expect("the end of the table");
        page = format!("{before}{begin}\n{}\n<!-- end -->{after}", table(engine, level));
    }
    if env::var("UPDATE_GOLDEN").is_ok() {
        fs::write(path, &page).expect("written");
    } else {
        assert_eq!(page, committed, "renew with UPDATE_GOLDEN=1");
    }
}
