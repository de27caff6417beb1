//! The text forms against PostgreSQL's frozen answers (`text_cases.txt`).

use super::*;
use crate::types::{DateOrder, DateStyle, FormatContext, IntervalStyle, typmod_in};

/// The settings of a line `set`: DateStyle, IntervalStyle, TimeZone.
pub fn settings(fields: &[&str]) -> FormatContext {
    let (style, order) = fields[0].split_once(", ").unwrap();
    FormatContext {
        date_style: match style {
            "ISO" => DateStyle::Iso,
            "SQL" => DateStyle::Sql,
            "German" => DateStyle::German,
            _ => DateStyle::Postgres,
        },
        date_order: match order {
            "MDY" => DateOrder::Mdy,
            "DMY" => DateOrder::Dmy,
            _ => DateOrder::Ymd,
        },
        interval_style: match fields[1] {
            "postgres" => IntervalStyle::Postgres,
            "postgres_verbose" => IntervalStyle::PostgresVerbose,
            "sql_standard" => IntervalStyle::SqlStandard,
            _ => IntervalStyle::Iso8601,
        },
        time_zone: TimeZone::from_setting(fields[2]).unwrap(),
        ..FormatContext::default()
    }
}

/// `timestamp(3)`, `interval day to second(1)`.
fn type_of(name: &str) -> SqlType {
    let digits: Option<i32> = name.split_once('(').map(|(_, d)| d.trim_end_matches(')').parse().unwrap());
    let base = name.split(['(', ' ']).next().unwrap();
    let oid = match base {
        "date" => oid::DATE,
        "time" => oid::TIME,
        "timetz" => oid::TIMETZ,
        "timestamp" => oid::TIMESTAMP,
        "timestamptz" => oid::TIMESTAMPTZ,
        _ => oid::INTERVAL,
    };
    if oid != oid::INTERVAL {
        return digits.map_or(SqlType::of(oid), |d| SqlType::with_typmod(oid, typmod_in(oid, &[d]).unwrap()));
    }
    let bit = |word| match word {
        "month" => 1 << 1,
        "year" => 1 << 2,
        "day" => 1 << 3,
        "hour" => 1 << 10,
        "minute" => 1 << 11,
        _ => 1 << 12,
    };
    let words: Vec<i32> =
        name.split(['(', ' ']).skip(1).filter(|w| w.starts_with(char::is_alphabetic) && *w != "to").map(bit).collect();
    let fields = match words[..] {
        [] => 0x7fff,
        [one] => one,
        [first, last, ..] if first <= 4 => first | last,
        // From the first field to the last.
        [first, last, ..] => {
            [1 << 3, 1 << 10, 1 << 11, 1 << 12].into_iter().filter(|b| (first..=last).contains(b)).sum()
        }
    };
    let numbers: Vec<i32> = [fields].into_iter().chain(digits).collect();
    SqlType::with_typmod(oid, typmod_in(oid, &numbers).unwrap())
}

#[test]
fn text_forms_are_postgresqls() {
    let mut context = FormatContext::default();
    let mut wrong = Vec::new();
    for line in include_str!("text_cases.txt").lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields[0] == "set" {
            context = settings(&fields[1..]);
            continue;
        }
        let ty = type_of(fields[0]);
        let answer = match parse(ty, fields[1], &context) {
            Ok(value) => {
                let mut out = Vec::new();
                write(&mut out, ty, value.as_ref(), &context);
                String::from_utf8(out).unwrap()
            }
            Err(e) => format!("!{} {}", e.code(), e.message()),
        };
        if answer != fields[2] {
            wrong.push(format!(
                "{line}\n    gives {answer}  [{:?} {:?} {}]",
                context.date_style,
                context.date_order,
                context.time_zone.name()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn words_are_relative_to_the_transaction() {
    let zone = TimeZone::named("America/New_York").unwrap();
    // 2020-03-01 03:30 UTC is the evening of February 29 in New York.
    let Datum::Int8(now_us) = parse(SqlType::TIMESTAMP, "2020-03-01 03:30", &FormatContext::default()).unwrap() else {
        panic!("a timestamp is an integer")
    };
    let context = FormatContext { time_zone: zone, now_us, ..FormatContext::default() };
    let shown = |ty, text| {
        let mut out = Vec::new();
        write(&mut out, ty, parse(ty, text, &context).unwrap().as_ref(), &context);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(shown(SqlType::DATE, "today"), "2020-02-29");
    assert_eq!(shown(SqlType::DATE, "Tomorrow"), "2020-03-01");
    assert_eq!(shown(SqlType::TIMESTAMP, "yesterday 04:00"), "2020-02-28 04:00:00");
    assert_eq!(shown(SqlType::TIMESTAMP, "now"), "2020-02-29 22:30:00");
    assert_eq!(shown(SqlType::TIMESTAMPTZ, "now"), "2020-02-29 22:30:00-05");
    assert_eq!(shown(SqlType::TIMESTAMPTZ, "today allballs"), "2020-02-28 19:00:00-05");
    assert_eq!(shown(SqlType::TIME, "now"), "22:30:00");
    assert_eq!(shown(SqlType::TIMETZ, "now"), "22:30:00-05");
}

#[test]
fn field_order_errors_give_a_hint() {
    let e = parse(SqlType::DATE, "18/1/1999", &FormatContext::default()).unwrap_err();
    assert_eq!(e.fields().hint.as_deref(), Some("Perhaps you need a different \"datestyle\" setting."));
    let e = parse(SqlType::DATE, "1999-02-30", &FormatContext::default()).unwrap_err();
    assert_eq!(e.fields().hint, None);
}
