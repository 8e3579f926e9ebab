//! What queries find.

use super::{LogRecord, Query, QueryResults, fields_of};

const NOON: i64 = 1_790_769_600_000;

/// Events, newest first, a minute apart.
fn events() -> Vec<LogRecord> {
    let messages = [
        r#"{"level": "error", "code": 500, "user": {"name": "bob", "roles": ["admin", "ops"]}, "ms": 12.5}"#,
        r#"{"level": "info", "code": 200, "user": {"name": "eve"}, "ms": 2}"#,
        "2026-09-30 11:58:00.000000+00:00 [error] <0.1.0> connection 7 from 10.0.0.1 refused",
        "2026-09-30 11:57:00.000000+00:00 [info] <0.1.0> accepting connection 8 from 10.0.0.2",
        "2026-09-30 11:56:00.000000+00:00 [info] <0.1.0> accepting connection 9 from 10.0.0.2",
    ];
    let event = |(at, message): (usize, &str)| {
        let timestamp = NOON - i64::try_from(at).expect("few") * 60_000;
        LogRecord {
            timestamp,
            ingested: timestamp + 1,
            message: message.to_owned(),
            stream: format!("s{}", at % 2),
            log: "000000000000:/g".to_owned(),
            pointer: format!("p{at}"),
        }
    };
    messages.into_iter().enumerate().map(event).collect()
}

fn results(query: &str) -> QueryResults {
    let query = Query::parse(query, None).unwrap_or_else(|wrong| panic!("{query}: {wrong}"));
    let mut execution = query.begin();
    for event in events() {
        execution.add(event);
    }
    execution.finish()
}

/// The rows without `@ptr`, `a=1 b=2; a=3`.
fn rows(query: &str) -> String {
    let shown = |row: &Vec<super::ResultField>| {
        let fields = row.iter().filter(|field| field.field != "@ptr");
        fields.map(|field| format!("{}={}", field.field, field.value)).collect::<Vec<_>>().join(" ")
    };
    results(query).rows.iter().map(shown).collect::<Vec<_>>().join("; ")
}

#[test]
fn without_commands_the_newest_events_come_with_their_time_and_text() {
    let found = results("");
    assert_eq!((found.rows.len(), found.matched, found.scanned), (5, 5, 5));
    let names: Vec<_> = found.rows[0].iter().map(|field| field.field.as_str()).collect();
    assert_eq!(names, ["@timestamp", "@message", "@ptr"]);
    assert_eq!(found.rows[0][0].value, "2026-09-30 12:00:00.000");
}

#[test]
fn filters_choose_events() {
    for (filter, streams) in [
        ("@message like \"accepting\"", "s1 s0"),
        ("@message like /\\[(error|warning)\\]/", "s0"),
        ("@message =~ /refused$/", "s0"),
        ("@message not like \"accepting\"", "s0 s1 s0"),
        ("not (@message like \"accepting\" or level = \"info\")", "s0 s0"),
        ("level = \"error\"", "s0"),
        ("level != 'error' and ispresent(level)", "s1"),
        ("code >= 200 and code < 500", "s1"),
        ("code in [200, 404]", "s1"),
        ("code not in [200, 404] and ispresent(code)", "s0"),
        ("user.name = \"bob\"", "s0"),
        ("user.roles.1 = \"ops\"", "s0"),
        ("ms * 2 = 25", "s0"),
        ("(code - 100) / 100 = 4", "s0"),
        ("code % 3 = 2", "s0 s1"),
        ("strcontains(tolower(level), \"err\")", "s0"),
        ("strlen(level) = 4", "s1"),
        ("isempty(level)", "s0 s1 s0"),
        ("@timestamp > 1790769540000", "s0"),
        ("@logStream = 's1'", "s1 s1"),
        ("-1 < code", "s0 s1"),
        ("coalesce(nothing, level) = 'info'", "s1"),
    ] {
        let found = rows(&format!("filter {filter} | display @logStream"));
        assert_eq!(found.replace("@logStream=", "").replace(';', ""), streams, "{filter}");
    }
}

#[test]
fn fields_are_named_and_displayed() {
    assert_eq!(
        rows(
            "fields level, code + 1 as next, toupper(user.name) | filter ispresent(level) | limit 1"
        ),
        "level=error next=501 toupper(user.name)=BOB"
    );
    assert_eq!(rows("fields @message | display level | filter code = 200"), "level=info");
    assert_eq!(
        rows("fields concat(level, '-', code) as `a b` | filter `a b` = 'info-200'"),
        "a b=info-200"
    );
}

#[test]
fn messages_are_taken_apart() {
    assert_eq!(
        rows(
            "parse @message \"connection * from *\" as number, host | filter ispresent(number) | display number, host"
        ),
        "number=7 host=10.0.0.1 refused; number=8 host=10.0.0.2; number=9 host=10.0.0.2"
    );
    assert_eq!(
        rows(
            "parse @message /connection (?<number>\\d+) from (?<host>\\S+)/ | filter host like '.1' | display number"
        ),
        "number=7"
    );
    assert_eq!(
        rows("parse level \"e*\" as rest | filter ispresent(rest) | display rest"),
        "rest=rror"
    );
}

#[test]
fn events_are_counted_by_what_they_have_in_common() {
    assert_eq!(rows("stats count(*)"), "count(*)=5");
    assert_eq!(
        rows("stats count(level) as n, sum(code), avg(ms), min(code), max(code)"),
        "n=2 sum(code)=700 avg(ms)=7.25 min(code)=200 max(code)=500"
    );
    assert_eq!(
        rows("stats count(*) as n by @logStream | sort n desc"),
        "@logStream=s0 n=3; @logStream=s1 n=2"
    );
    assert_eq!(
        rows("stats count() by bin(2m)"),
        "bin(2m)=2026-09-30 11:56:00.000 count()=2; bin(2m)=2026-09-30 11:58:00.000 count()=2; \
         bin(2m)=2026-09-30 12:00:00.000 count()=1"
    );
    assert_eq!(
        rows("stats count(*) as n by bin(1h) as hour | sort hour desc | limit 1"),
        "hour=2026-09-30 12:00:00.000 n=1"
    );
    assert_eq!(
        rows("stats count(*) by bin(1h) | sort bin(1h) desc | limit 1"),
        "bin(1h)=2026-09-30 12:00:00.000 count(*)=1"
    );
    assert_eq!(rows("stats count(*) by level | sort count(*) desc | limit 1"), "count(*)=3");
    assert_eq!(
        rows("stats count_distinct(@logStream), latest(level), earliest(level)"),
        "count_distinct(@logStream)=2 latest(level)=error earliest(level)=info"
    );
    assert_eq!(
        rows("stats pct(code, 50), median(code), stddev(code)"),
        "pct(code, 50)=200 median(code)=200 stddev(code)=150".replace("(code, 50)", "(code,50)")
    );
    assert_eq!(rows("filter level = 'none' | stats count(*), sum(code)"), "count(*)=0");
    assert_eq!(rows("filter level = 'none' | stats count(*) by level"), "");
    assert_eq!(rows("stats count(*) as n by @logStream | stats max(n)"), "max(n)=3");
    assert_eq!(rows("stats count(*) as n by @logStream | filter n > 2"), "@logStream=s0 n=3");
}

#[test]
fn rows_are_sorted_cut_and_told_apart() {
    assert_eq!(rows("sort @timestamp asc | limit 1 | display @logStream"), "@logStream=s0");
    assert_eq!(rows("filter ispresent(code) | sort code | display code"), "code=200; code=500");
    assert_eq!(
        rows("filter ispresent(code) | sort level, code desc | display code"),
        "code=500; code=200"
    );
    assert_eq!(rows("dedup @logStream | display @timestamp").matches('=').count(), 2);
    let query = Query::parse("limit 2", None).expect("a query");
    let mut execution = query.begin();
    let mut taken = 0;
    for event in events() {
        if execution.is_full() {
            break;
        }
        execution.add(event);
        taken += 1;
    }
    assert_eq!(taken, 2, "no more events are needed");
}

#[test]
fn what_a_query_makes_and_keeps_is_bounded() {
    let joined = |field: &str| format!("concat({})", [field; 20].join(", "));
    let (a, b, c) = (joined("@message"), joined("a"), joined("b"));
    let long = format!("fields {a} as a | fields {b} as b | fields {c} as c | limit 1");
    assert_eq!(rows(&format!("{long} | display strlen(c) as n")), "n=262144");
    assert_eq!(rows("fields concat(level, nothing, 'é') as a | limit 1"), "a=erroré");
    for query in [format!("fields {a} as a | sort @timestamp"), format!("limit 300 | fields {a}")] {
        let query = Query::parse(&query, None).expect("a query");
        let mut execution = query.begin();
        for event in events().into_iter().cycle().take(300) {
            execution.add(LogRecord { message: "x".repeat(20_000), ..event });
        }
        let found = execution.finish();
        assert_eq!(found.matched, 300);
        assert!((1..300).contains(&found.rows.len()), "{}", found.rows.len());
    }
}

#[test]
fn an_expression_has_at_most_200_operators_that_follow_each_other() {
    for operator in ["+", "*", " or ", " and "] {
        let chain = |terms: usize| format!("fields {}", vec!["a"; terms].join(operator));
        assert!(Query::parse(&chain(201), None).is_ok(), "{operator}");
        assert!(Query::parse(&format!("{} as b, a + 1", chain(201)), None).is_ok(), "{operator}");
        let refused = Query::parse(&chain(202), None).expect_err(operator).to_string();
        assert_eq!(refused, "Malformed query: an expression has more than 200 operators");
    }
}

#[test]
fn what_is_no_query_is_refused_with_the_reason() {
    for bad in [
        "|",
        "fields",
        "fields a |",
        "| fields a",
        "filter",
        "filter a =",
        "filter (a",
        "filter a like 5",
        "filter a like",
        "stats",
        "stats level",
        "stats count(*) by",
        "stats pct(a)",
        "stats pct(a, 101)",
        "sort",
        "limit",
        "limit x",
        "limit 0",
        "limit 1.5",
        "unknown a",
        "fields nothing(a)",
        "fields strlen(a, b)",
        "parse @message",
        "parse @message \"*\"",
        "parse @message \"a * b *\" as c",
        "parse @message /(a)/",
        "filter a like /(/",
        "fields bin(a)",
        "fields a as",
        "fields a b",
        "filter a not = 1",
        "filter a in []",
        "filter a in [1",
        "dedup",
        "\"x\"",
        "fields a, ",
    ] {
        let refused = Query::parse(bad, None).expect_err(bad).to_string();
        assert!(refused.starts_with("Malformed query: "), "{refused}");
    }
    let deep = format!("filter {}a{}", "(".repeat(100), ")".repeat(100));
    assert!(Query::parse(&deep, None).is_err(), "too deep");
    assert!(Query::parse(&"x".repeat(10_001), None).is_err(), "too long");
}

#[test]
fn fields_of_events_are_told_with_their_share() {
    let events = events();
    let fields = fields_of(events.iter().map(|event| event.message.as_str()));
    assert_eq!((fields["@message"], fields["level"], fields.get("user")), (100, 40, Some(&40)));
    assert!(fields_of(std::iter::empty()).is_empty());
}
