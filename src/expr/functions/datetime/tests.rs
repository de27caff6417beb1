//! The functions against PostgreSQL's frozen answers (`cases.txt`).

use crate::base::{Oid, Result};
use crate::expr::function::CallTypes;
use crate::expr::{EvalContext, EvalState, Function, NoHost, eval, registry};
use crate::types::{
    DateOrder, DateStyle, Datum, DatumRef, FormatContext, IntervalStyle, SqlType, TimeZone, parse_text, type_by_name,
    write_text,
};
use std::sync::atomic::AtomicBool;

/// The settings of a line `set`: DateStyle, IntervalStyle, TimeZone.
fn settings(fields: &[&str]) -> FormatContext {
    assert_eq!(fields[..2], ["ISO, MDY", "postgres"]);
    FormatContext {
        date_style: DateStyle::Iso,
        date_order: DateOrder::Mdy,
        interval_style: IntervalStyle::Postgres,
        time_zone: TimeZone::from_setting(fields[2]).unwrap(),
        ..FormatContext::default()
    }
}

fn find(name: &str, types: &[SqlType]) -> &'static Function {
    let oids: Vec<Oid> = types.iter().map(|t| t.oid).collect();
    let found = registry::functions_named(name).iter().find(|f| f.args == oids);
    found.unwrap_or_else(|| panic!("no function {name}({oids:?})"))
}

fn text_of(ty: SqlType, value: &Datum, context: &FormatContext) -> String {
    if value.is_null() {
        return String::new();
    }
    let mut out = Vec::new();
    write_text(&mut out, ty, value.as_ref(), context);
    String::from_utf8(out).unwrap()
}

/// Calls a function as the evaluator does; the transaction began at the given moment.
fn call(name: &str, args: &[(SqlType, Datum)], context: &FormatContext, now_us: i64) -> Result<(SqlType, Datum)> {
    let types: Vec<SqlType> = args.iter().map(|(t, _)| *t).collect();
    let values: Vec<DatumRef<'_>> = args.iter().map(|(_, v)| v.as_ref()).collect();
    let func = find(name, &types);
    let ret = SqlType::of(func.ret);
    let mut cx = EvalContext {
        params: &[],
        exec: &mut Vec::new(),
        format: context,
        host: &mut NoHost,
        subplans: None,
        state: &mut EvalState::new([0; 32]),
        cancelled: &AtomicBool::new(false),
        statement_us: now_us,
        transaction_us: now_us,
    };
    let value = eval::call_row(func, CallTypes { args: &types, ret }, &values, &mut cx)?;
    Ok((ret, value))
}

fn answer(fields: &[&str], context: &FormatContext) -> Result<String> {
    let mut args = Vec::new();
    for field in &fields[1..] {
        let (ty, text) = field.split_once(':').unwrap();
        let ty = SqlType::of(type_by_name(ty).unwrap().oid);
        let value = if text == "\\N" { Datum::Null } else { parse_text(ty, text, context)? };
        args.push((ty, value));
    }
    let (ty, value) = call(fields[0], &args, context, 0)?;
    Ok(text_of(ty, &value, context))
}

#[test]
fn functions_answer_as_postgresqls() {
    let mut context = FormatContext::default();
    let mut wrong = Vec::new();
    for line in include_str!("cases.txt").lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields[0] == "set" {
            context = settings(&fields[1..]);
            continue;
        }
        let (expected, call) = fields.split_last().unwrap();
        let given = answer(call, &context).unwrap_or_else(|e| format!("!{} {}", e.code(), e.message()));
        if given != *expected {
            wrong.push(format!("{line}\n    gives {given}  [{}]", context.time_zone.name()));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
