//! Rules and dashboards: what can be said of them by reading, and by `promtool` where it can be had.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{machine, prometheus};
use serde_json::Value;

fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = machine::repository().join("observability").join(folder);
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    ensure!(!paths.is_empty(), "{} is empty", folder.display());
    Ok(paths)
}

fn dashboards() -> Result<Vec<(String, Value)>> {
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let board = serde_json::from_str(&fs::read_to_string(&path)?);
        Ok((name.clone(), board.context(name)?))
    };
    files("dashboards")?.into_iter().map(read).collect()
}

fn list<'a>(value: &'a Value, what: &str) -> Result<&'a Vec<Value>> {
    value.as_array().with_context(|| format!("{what}: no list"))
}

/// A panel's place, in Grafana's grid of 24 columns.
fn cells(panel: &Value) -> Result<BTreeSet<(u64, u64)>> {
    let number = |name: &str| panel["gridPos"][name].as_u64().with_context(|| panel.to_string());
    let (x, y, w, h) = (number("x")?, number("y")?, number("w")?, number("h")?);
    ensure!(w > 0 && h > 0 && x + w <= 24, "out of the grid: {panel}");
    Ok((x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))).collect())
}

#[test]
fn dashboards_are_as_grafana_wants_them() -> Result<()> {
    let mut identifiers = BTreeSet::new();
    for (name, board) in dashboards()? {
        let text = |member: &str| board[member].as_str().map(str::to_owned);
        let uid = text("uid").with_context(|| name.clone())?;
        ensure!(uid.len() <= 40 && identifiers.insert(uid), "{name}: another one has its uid");
        ensure!(text("title").is_some_and(|title| !title.is_empty()), "{name} has no title");
        ensure!(board["id"].is_null(), "{name} has the number of somebody's Grafana");
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&board["panels"], &name)? {
            let title = format!("{name}: {}", panel["title"]);
            ensure!(panel["id"].as_u64().is_some_and(|id| ids.insert(id)), "{title}: its id");
            for cell in cells(panel)? {
                ensure!(taken.insert(cell), "{title} covers another panel");
            }
            if panel["type"] == "row" {
                continue;
            }
            ensure!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}: no unit");
            let mut references = BTreeSet::new();
            let targets = list(&panel["targets"], &title)?;
            ensure!(!targets.is_empty(), "{title}: no query");
            for target in targets {
                let reference = target["refId"].as_str().map(str::to_owned);
                ensure!(reference.is_some_and(|r| references.insert(r)), "{title}: a refId");
                let source = &target["datasource"]["uid"];
                ensure!(source == "${datasource}", "{title}: it is tied to somebody's source");
            }
        }
        let variables = list(&board["templating"]["list"], &name)?;
        let declared: BTreeSet<_> = variables.iter().filter_map(|v| v["name"].as_str()).collect();
        for used in variables_of(&board.to_string()) {
            ensure!(declared.contains(used.as_str()), "{name}: nobody declares ${used}");
        }
    }
    Ok(())
}

/// The variables that a dashboard uses, but for Grafana's own.
fn variables_of(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = text.split('$').skip(1).map(|rest| {
        let rest = rest.trim_start_matches('{');
        rest.split(|c| !is_part(c)).next().unwrap_or_default().to_owned()
    });
    names.filter(|name| !name.is_empty() && !name.starts_with("__")).collect()
}

/// The metrics of brokerd itself that a text names. Those of brokers have a page of their own.
fn own_metrics(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !is_part(c));
    let own = words.filter(|w| w.starts_with("brokerd_") && !w.starts_with("brokerd_broker_"));
    own.map(|w| w.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn what_rules_and_dashboards_name_of_brokerd_is_in_the_guide() -> Result<()> {
    let guide = fs::read_to_string(machine::repository().join("docs/metrics.md"))?;
    for path in [files("dashboards")?, files("rules")?].concat() {
        for metric in own_metrics(&fs::read_to_string(&path)?) {
            let is_known = guide.contains(&format!("`{metric}`"));
            ensure!(is_known, "{}: docs/metrics.md does not know {metric}", path.display());
        }
    }
    Ok(())
}

#[test]
fn prometheus_takes_the_rules_and_the_configuration() -> Result<()> {
    let Some(programs) = prometheus::programs()? else { return Ok(()) };
    let promtool = |arguments: &[&str], paths: &[PathBuf]| {
        machine::run(Command::new(programs.join("promtool")).args(arguments).args(paths))
    };
    promtool(&["check", "rules"], &files("rules")?)?;
    let configuration = machine::repository().join("observability/prometheus.yaml");
    promtool(&["check", "config", "--syntax-only"], &[configuration])?;
    promtool(&["test", "rules"], &files("tests")?)?;
    Ok(())
}
