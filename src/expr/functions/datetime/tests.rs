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

/// A context without a session; the transaction began at the given moment.
macro_rules! context_of {
    ($format:expr, $now_us:expr) => {
        EvalContext {
            params: &[],
            exec: &mut Vec::new(),
            format: $format,
            host: &mut NoHost,
            subplans: None,
            state: &mut EvalState::new([0; 32]),
            cancelled: &AtomicBool::new(false),
            statement_us: $now_us,
            transaction_us: $now_us,
        }
    };
}

/// Calls a function as the evaluator does; the transaction began at the given moment.
fn call(name: &str, args: &[(SqlType, Datum)], context: &FormatContext, now_us: i64) -> Result<(SqlType, Datum)> {
    let types: Vec<SqlType> = args.iter().map(|(t, _)| *t).collect();
    let values: Vec<DatumRef<'_>> = args.iter().map(|(_, v)| v.as_ref()).collect();
    let func = find(name, &types);
    let ret = SqlType::of(func.ret);
    let mut cx = context_of!(context, now_us);
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

/// Row and column forms of a kernel agree on every value, NULLs and errors included.
#[test]
fn columns_answer_as_rows() {
    use crate::expr::Value;
    let context = FormatContext { time_zone: TimeZone::named("Europe/Berlin").unwrap(), ..FormatContext::default() };
    let texts = ["2020-03-29 00:30+00", "infinity", "0044-03-15 12:34:56.7+00 BC", "\\N", "1999-12-31 23:59:59.5+00"];
    let mut cases = 0;
    for func in registry::functions() {
        let crate::expr::Kernel::Column(_, column) = func.kernel else { continue };
        use crate::types::oid::{DATE, INT4, TEXT, TIMESTAMP, TIMESTAMPTZ};
        let dated = |oid: &Oid| matches!(*oid, DATE | TIMESTAMP | TIMESTAMPTZ);
        if !func.args.iter().any(dated) || !func.args.iter().all(|o| dated(o) || matches!(*o, INT4 | TEXT)) {
            continue;
        }
        cases += 1;
        let types: Vec<SqlType> = func.args.iter().map(|&o| SqlType::of(o)).collect();
        let column_of = |n: usize, ty: SqlType| -> Vec<Datum> {
            let text = |i: usize| match ty.oid {
                INT4 => ["3", "-3", "\\N", "1", "0"][i],
                TEXT => "month",
                _ => texts[(i + n) % texts.len()],
            };
            let read = |t| if t == "\\N" { Datum::Null } else { parse_text(ty, t, &context).unwrap() };
            (0..texts.len()).map(|i| read(text(i))).collect()
        };
        let columns: Vec<Vec<Datum>> = types.iter().enumerate().map(|(n, &t)| column_of(n, t)).collect();
        let args: Vec<Value> = columns
            .iter()
            .zip(&types)
            .map(|(c, t)| {
                if t.oid == TEXT {
                    return Value::Scalar(c[0].clone());
                }
                let mut builder = crate::types::ColumnBuilder::new(t.physical(), c.len());
                c.iter().for_each(|v| builder.push(v.as_ref()));
                Value::Column(builder.finish())
            })
            .collect();
        let rows: Vec<Result<String>> = (0..texts.len())
            .map(|i| {
                let row: Vec<(SqlType, Datum)> = columns.iter().zip(&types).map(|(c, &t)| (t, c[i].clone())).collect();
                call(func.name, &row, &context, 0).map(|(ty, v)| text_of(ty, &v, &context))
            })
            .collect();
        let mut cx = context_of!(&context, 0);
        let ret = SqlType::of(func.ret);
        match column(&mut cx, &args, texts.len()) {
            Err(e) => assert!(rows.iter().any(Result::is_err), "{}: {e:?}", func.name),
            Ok(array) => {
                let reader = crate::types::ColumnReader::new(ret.physical(), &array);
                for (i, row) in rows.iter().enumerate() {
                    let given = text_of(ret, &reader.get(i).to_owned(), &context);
                    assert_eq!(given, *row.as_ref().unwrap(), "{} row {i}", func.name);
                }
            }
        }
    }
    assert!(cases > 40, "{cases}");
}

#[test]
fn zones_are_listed() {
    for (name, width) in [("pg_timezone_names", 4), ("pg_timezone_abbrevs", 3)] {
        let context = FormatContext::default();
        let mut cx = context_of!(&context, 0);
        let func = find(name, &[]);
        let crate::expr::Kernel::Set(start) = func.kernel else { panic!("{name} returns a set") };
        let mut rows = start(&mut cx, CallTypes { args: &[], ret: SqlType::RECORD }, &[]).unwrap();
        let mut columns: Vec<_> =
            func.out.iter().map(|(_, ty)| crate::types::ColumnBuilder::new(SqlType::of(*ty).physical(), 64)).collect();
        assert_eq!(columns.len(), width);
        assert_eq!(rows.next(&mut cx, &mut columns, 64).unwrap(), 64);
    }
}
