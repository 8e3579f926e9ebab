//! Runs a query.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    aggregate::State,
    command::{Command, Query},
    expression::Expression,
    record::{LogRecord, Row},
    value::Value,
};

/// How many rows are kept of events before they are sorted or cut.
const MAX_KEPT_ROWS: usize = 20_000;
/// With how many bytes of text rows are kept, which a query can make much longer than the events are. When they have so
/// many, those that follow are left out.
const MAX_KEPT_BYTES: usize = 64 << 20;
/// How many groups of rows an aggregation may have.
const MAX_GROUPS: usize = 10_000;
/// What is shown if nothing is said.
const USUAL: [&str; 2] = ["@timestamp", "@message"];

/// A field of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultField {
    /// Its name.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// What a query has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryResults {
    /// The rows.
    pub rows: Vec<Vec<ResultField>>,
    /// How many events the filters have left.
    pub matched: u64,
    /// How many events there were.
    pub scanned: u64,
    /// How many bytes these had.
    pub scanned_bytes: u64,
}

/// A query that runs.
#[derive(Debug)]
pub struct Execution<'a> {
    query: &'a Query,
    needs_json: bool,
    /// Up to which command events are dealt with one by one; from there on all together.
    together: usize,
    rows: Vec<Row>,
    kept_bytes: usize,
    groups: Groups,
    matched: u64,
    scanned: u64,
    scanned_bytes: u64,
}

type Key = Vec<Option<String>>;
type Groups = HashMap<Key, (Vec<Value>, Vec<State>)>;

impl Query {
    /// Begins to run it.
    pub fn begin(&self) -> Execution<'_> {
        Execution::new(self)
    }
}

impl<'a> Execution<'a> {
    fn new(query: &'a Query) -> Self {
        let is_of_all = |command: &Command| {
            matches!(
                command,
                Command::Stats { .. } | Command::Sort(_) | Command::Limit(_) | Command::Dedup(_)
            )
        };
        let together = query.commands.iter().position(is_of_all).unwrap_or(query.commands.len());
        Self {
            query,
            needs_json: query.needs_json(),
            together,
            rows: Vec::new(),
            kept_bytes: 0,
            groups: Groups::new(),
            matched: 0,
            scanned: 0,
            scanned_bytes: 0,
        }
    }

    /// Takes an event. The newest ones have to come first.
    pub fn add(&mut self, event: LogRecord) {
        self.scanned += 1;
        self.scanned_bytes += event.message.len() as u64;
        let mut row = Row::of_event(event, self.needs_json);
        for command in &self.query.commands[..self.together] {
            if !each(command, &mut row) {
                return;
            }
        }
        self.matched += 1;
        if let Some(Command::Stats { aggregations, by }) = self.query.commands.get(self.together) {
            group(&mut self.groups, aggregations, by, &row);
        } else if self.rows.len() < MAX_KEPT_ROWS && self.kept_bytes < MAX_KEPT_BYTES {
            self.kept_bytes += row.text_bytes();
            self.rows.push(row);
        }
    }

    /// Whether more events change nothing any more.
    pub fn is_full(&self) -> bool {
        let most = match self.query.commands.get(self.together) {
            None => self.query.most,
            Some(Command::Limit(most)) => (*most).min(self.query.most),
            Some(_) => return false,
        };
        self.rows.len() >= most || self.kept_bytes >= MAX_KEPT_BYTES
    }

    /// What was found.
    pub fn finish(mut self) -> QueryResults {
        let mut rows = std::mem::take(&mut self.rows);
        let mut columns: Vec<String> = USUAL.map(str::to_owned).into();
        let mut are_events = true;
        for command in &self.query.commands[..self.together] {
            add_columns(command, &mut columns, &self.query.commands);
        }
        for (at, command) in self.query.commands.iter().enumerate().skip(self.together) {
            match command {
                Command::Stats { aggregations, by } => {
                    let mut groups = std::mem::take(&mut self.groups);
                    if at != self.together {
                        groups.clear();
                        for row in &rows {
                            group(&mut groups, aggregations, by, row);
                        }
                    }
                    if groups.is_empty() && by.is_empty() {
                        let states = vec![State::default(); aggregations.len()];
                        groups.insert(Vec::new(), (Vec::new(), states));
                    }
                    are_events = false;
                    columns = by.iter().map(|(name, _)| name.clone()).collect();
                    columns.extend(aggregations.iter().map(|(name, _)| name.clone()));
                    let mut made: Vec<(Key, Row)> = groups
                        .into_iter()
                        .map(|(key, (values, states))| {
                            let mut row = Row::default();
                            for ((name, _), value) in by.iter().zip(values) {
                                row.set(name, value);
                            }
                            for ((name, aggregation), state) in aggregations.iter().zip(states) {
                                row.set(name, aggregation.result(state));
                            }
                            (key, row)
                        })
                        .collect();
                    made.sort_by(|(one, _), (other, _)| one.cmp(other));
                    rows = made.into_iter().map(|(_, row)| row).collect();
                }
                Command::Sort(keys) => {
                    rows.sort_by(|one, other| {
                        let orders = keys.iter().map(|(key, descending)| {
                            let order = key.of(one).order(&key.of(other));
                            if *descending { order.reverse() } else { order }
                        });
                        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
                    });
                }
                Command::Limit(most) => rows.truncate(*most),
                Command::Dedup(keys) => {
                    let mut seen = BTreeSet::new();
                    rows.retain(|row| {
                        let key: Key = keys.iter().map(|key| key.of(row).text()).collect();
                        seen.insert(key)
                    });
                }
                other => {
                    let mut kept = 0;
                    rows.retain_mut(|row| {
                        let stays = kept < MAX_KEPT_BYTES && each(other, row);
                        if stays {
                            kept += row.text_bytes();
                        }
                        stays
                    });
                    add_columns(other, &mut columns, &self.query.commands);
                }
            }
        }
        rows.truncate(self.query.most);
        if are_events {
            columns.push("@ptr".to_owned());
        }
        let shown = |row: &Row| -> Vec<ResultField> {
            let fields = columns.iter().filter_map(|field| {
                let value = row.get(field).text()?;
                Some(ResultField { field: field.clone(), value })
            });
            fields.collect()
        };
        QueryResults {
            rows: rows.iter().map(shown).collect(),
            matched: self.matched,
            scanned: self.scanned,
            scanned_bytes: self.scanned_bytes,
        }
    }
}

/// Does what a command does to each row; whether it stays.
fn each(command: &Command, row: &mut Row) -> bool {
    match command {
        Command::Filter(condition) => condition.holds(row),
        Command::Fields(fields) | Command::Display(fields) => {
            for (name, expression) in fields {
                if !matches!(expression, Expression::Field(field) if field == name) {
                    let value = expression.of(row);
                    row.set(name, value);
                }
            }
            true
        }
        Command::Parse(field, parsing) => {
            let Some(text) = field.of(row).text() else { return true };
            let Some(found) = parsing.regex.captures(&text) else { return true };
            let value = |at: usize| found.get(at).map(|part| Value::Text(part.as_str().to_owned()));
            match &parsing.names {
                Some(names) => {
                    for (at, name) in names.iter().enumerate() {
                        if let Some(value) = value(at + 1) {
                            row.set(name, value);
                        }
                    }
                }
                None => {
                    for (at, name) in parsing.regex.capture_names().enumerate() {
                        if let (Some(name), Some(value)) = (name, value(at)) {
                            row.set(name, value);
                        }
                    }
                }
            }
            true
        }
        Command::Stats { .. } | Command::Sort(_) | Command::Limit(_) | Command::Dedup(_) => true,
    }
}

/// What is shown after a command: what `display` says, or else everything that `fields` and `parse` have named.
fn add_columns(command: &Command, columns: &mut Vec<String>, all: &[Command]) {
    let displays = all.iter().any(|command| matches!(command, Command::Display(_)));
    match command {
        Command::Display(fields) => {
            *columns = fields.iter().map(|(name, _)| name.clone()).collect();
        }
        _ if displays => {}
        Command::Fields(fields) => {
            if columns.iter().eq(USUAL.iter()) {
                *columns = fields.iter().map(|(name, _)| name.clone()).collect();
            } else {
                fields.iter().for_each(|(name, _)| add(columns, name));
            }
        }
        Command::Parse(_, parsing) => match &parsing.names {
            Some(names) => names.iter().for_each(|name| add(columns, name)),
            None => parsing.regex.capture_names().flatten().for_each(|name| add(columns, name)),
        },
        _ => {}
    }
}

fn add(columns: &mut Vec<String>, name: &str) {
    if !columns.iter().any(|known| known == name) {
        columns.push(name.to_owned());
    }
}

fn group(
    groups: &mut Groups,
    aggregations: &[(String, super::aggregate::Aggregation)],
    by: &[(String, Expression)],
    row: &Row,
) {
    let values: Vec<Value> = by.iter().map(|(_, expression)| expression.of(row)).collect();
    let key: Key = values.iter().map(Value::text).collect();
    if groups.len() >= MAX_GROUPS && !groups.contains_key(&key) {
        return;
    }
    let begin = || (values, vec![State::default(); aggregations.len()]);
    let (_, states) = groups.entry(key).or_insert_with(begin);
    for ((_, aggregation), state) in aggregations.iter().zip(states) {
        aggregation.add(row, state);
    }
}

/// The fields of events, and of how many of a hundred events each is.
pub fn fields_of<'a>(messages: impl Iterator<Item = &'a str>) -> BTreeMap<String, u32> {
    let (mut counts, mut all) = (BTreeMap::<String, u32>::new(), 0_u32);
    for message in messages {
        all += 1;
        for field in ["@timestamp", "@message", "@logStream", "@log", "@ingestionTime"] {
            *counts.entry(field.to_owned()).or_default() += 1;
        }
        if !message.trim_start().starts_with('{') {
            continue;
        }
        if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(message) {
            for (name, _) in members.into_iter().take(200) {
                *counts.entry(name).or_default() += 1;
            }
        }
    }
    counts.into_iter().map(|(name, count)| (name, count * 100 / all.max(1))).collect()
}
