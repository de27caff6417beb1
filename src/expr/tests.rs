//! Calls with the results that PostgreSQL 15 gives, from the files in `expect/`.
//!
//! A line is `call => result`. A call is `name|type:value|..`, an operator `op +|..`, a cast `cast target|type:value`,
//! a set-returning function `set name|..`, an aggregate `agg name|type:v1;v2;..|..`; `\N` is NULL, `\e` the empty
//! string. A result is text, `NULL`, or `ERROR code message`. Each call runs through resolution and casts of arguments, once on
//! single values and once on columns of three rows, which must agree.

use super::resolve::{CallArgs, Coercer, ResolvedCall, resolve_function, resolve_operator};
use super::*;
use crate::base::{Error, Result, SqlState};
use crate::types::{
    Batch, ColumnBuilder, ColumnReader, Datum, FormatContext, SqlType, constant_column, parse_text, type_by_name,
    write_text,
};
use std::sync::atomic::AtomicBool;

/// Runs `f` with a context that has no session.
pub(crate) fn with_context<T>(f: impl FnOnce(&mut EvalContext<'_>) -> T) -> T {
    let format = FormatContext::default();
    let cancelled = AtomicBool::new(false);
    let mut state = EvalState::new([7; 32]);
    f(&mut EvalContext {
        params: &[],
        exec: &mut Vec::new(),
        format: &format,
        host: &mut NoHost,
        subplans: None,
        state: &mut state,
        cancelled: &cancelled,
        statement_us: 0,
        transaction_us: 0,
    })
}

fn sql_type(name: &str) -> SqlType {
    let (base, array) = name.strip_suffix("[]").map_or((name, false), |b| (b, true));
    let ty = SqlType::of(type_by_name(base).unwrap_or_else(|| panic!("type {base}")).oid);
    if array { ty.array().expect("an array type") } else { ty }
}

fn value(ty: SqlType, text: &str) -> Result<Datum> {
    match text {
        "\\N" => Ok(Datum::Null),
        "\\e" => value(ty, ""),
        // `^` written twice stands for a bar.
        text if text.contains("^^") => value(ty, &text.replace("^^", "|")),
        text if ty.oid == crate::types::oid::UNKNOWN => Ok(Datum::from(text)),
        text => parse_text(ty, text, &FormatContext::default()),
    }
}

fn text(ty: SqlType, value: &Datum) -> String {
    if value.is_null() {
        return "NULL".into();
    }
    // The files were made with `::text`, which spells booleans out and strips `char(n)`.
    if let Datum::Bool(b) = value {
        return b.to_string();
    }
    let mut out = Vec::new();
    write_text(&mut out, ty, value.as_ref(), &FormatContext::default());
    let out = if ty.oid == crate::types::oid::BPCHAR { out.trim_ascii_end().to_vec() } else { out };
    String::from_utf8(out).expect("text is UTF-8")
}

fn constant(arg: &str) -> Result<Expr> {
    let (ty, text) = arg.split_once(':').unwrap_or_else(|| panic!("type:value, not {arg}"));
    let ty = sql_type(ty);
    Ok(Expr::Const { value: value(ty, text)?, ty })
}

fn coercer(format: &FormatContext) -> Coercer<'_> {
    Coercer { format, params: None }
}

/// A call as the binder would make it.
pub(crate) fn bind_call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    let format = FormatContext::default();
    let types: Vec<SqlType> = args.iter().map(Expr::ty).collect();
    match resolve_function(name, CallArgs { types: &types, ..CallArgs::default() })? {
        ResolvedCall::Cast(ty) => coercer(&format).cast(args.into_iter().next().expect("one argument"), ty),
        ResolvedCall::Function(r) => {
            let mut given: Vec<Option<Expr>> = args.into_iter().map(Some).collect();
            let mut bound = Vec::new();
            for (i, (at, &ty)) in r.order.iter().zip(&r.arg_types).enumerate() {
                let expr = match at {
                    Some(at) => given[*at].take().expect("each argument once"),
                    None => {
                        let default = r.func.defaults[i + r.func.defaults.len() - r.func.args.len()];
                        Expr::Const { value: value(ty, default)?, ty }
                    }
                };
                bound.push(coercer(&format).argument(expr, ty)?);
            }
            if let Some((count, ty)) = r.pack {
                let items = bound.split_off(bound.len() - count);
                bound.push(Expr::Array { items, ty, nested: false });
            }
            Ok(Expr::call(r.func, bound, r.ret))
        }
    }
}

pub(crate) fn bind_operator(name: &str, mut args: Vec<Expr>) -> Result<Expr> {
    let format = FormatContext::default();
    let right = args.pop().expect("an operand");
    let left = args.pop();
    let r = resolve_operator(name, left.as_ref().map(Expr::ty), right.ty())?;
    let mut bound = Vec::new();
    if let Some(left) = left {
        bound.push(coercer(&format).argument(left, r.left)?);
    }
    bound.push(coercer(&format).argument(right, r.right)?);
    Ok(Expr::operator(r.op, bound, r.ret))
}

fn bind(call: &str) -> Result<Expr> {
    let mut parts = call.split('|');
    let head = parts.next().expect("a call has a head");
    // `||` is written `op concat`.
    let args = parts.map(constant).collect::<Result<Vec<_>>>()?;
    match head.split_once(' ') {
        Some(("op", "concat")) => bind_operator("||", args),
        Some(("op", "or")) => bind_operator("|", args),
        Some(("op", name)) => bind_operator(name, args),
        Some(("cast", target)) => {
            let format = FormatContext::default();
            coercer(&format).cast(args.into_iter().next().expect("one argument"), sql_type(target))
        }
        _ => bind_call(head, args),
    }
}

/// The same call over a batch that holds the arguments as columns.
fn over_columns(expr: &Expr, rows: usize) -> (Expr, Batch) {
    let mut columns = Vec::new();
    let expr = expr.clone().transform(&mut |e| {
        Ok(match e {
            Expr::Const { value, ty } => {
                columns.push(constant_column(ty.physical(), value.as_ref(), rows));
                Expr::Input { index: columns.len() - 1, ty }
            }
            other => other,
        })
    });
    (expr.expect("no failure"), Batch::new(columns, rows))
}

fn run(call: &str) -> Result<String> {
    let expr = bind(call)?;
    let volatile = expr.contains_volatile();
    with_context(|cx| {
        let single = evaluate_scalar(&expr, cx);
        if !volatile {
            let (columns, batch) = over_columns(&expr, 3);
            match (&single, evaluate(&columns, &batch, cx)) {
                (Ok(one), Ok(many)) => {
                    let form = expr.ty().physical();
                    let last = ColumnReader::new(form, &many).get(2).to_owned();
                    assert_eq!(text(expr.ty(), one), text(expr.ty(), &last), "row and column forms of {call}");
                }
                (Err(a), Err(b)) => assert_eq!(a.message(), b.message()),
                (a, b) => panic!("{call}: {a:?} of a row, {b:?} of columns"),
            }
        }
        single.map(|v| text(expr.ty(), &v))
    })
}

fn run_set(call: &str) -> Result<String> {
    let Expr::Call { func, args, ty, .. } = bind(call)? else { panic!("{call} is not a call") };
    let types: Vec<SqlType> = args.iter().map(Expr::ty).collect();
    with_context(|cx| {
        let values = args.iter().map(|a| evaluate_scalar(a, cx)).collect::<Result<Vec<_>>>()?;
        let Kernel::Set(start) = func.kernel else { panic!("{call} returns no set") };
        if func.strict && values.iter().any(Datum::is_null) {
            return Ok(String::new());
        }
        let row: Vec<_> = values.iter().map(Datum::as_ref).collect();
        let mut rows = start(cx, CallTypes { args: &types, ret: ty }, &row)?;
        let mut out = Vec::new();
        loop {
            let mut columns = vec![ColumnBuilder::new(ty.physical(), 2)];
            let n = rows.next(cx, &mut columns, 2)?;
            if n == 0 {
                return Ok(out.join(";"));
            }
            let column = columns[0].finish();
            out.extend((0..n).map(|i| text(ty, &ColumnReader::new(ty.physical(), &column).get(i).to_owned())));
        }
    })
}

fn run_aggregate(call: &str) -> Result<String> {
    let mut parts = call.split('|');
    let name = parts.next().expect("a call has a head");
    let mut types = Vec::new();
    let mut lists: Vec<Vec<Datum>> = Vec::new();
    for part in parts {
        let (ty, values) = part.split_once(':').expect("type:values");
        let ty = sql_type(ty);
        types.push(ty);
        let values = values.split(';').filter(|v| !v.is_empty());
        lists.push(values.map(|v| value(ty, v)).collect::<Result<_>>()?);
    }
    let ResolvedCall::Function(r) = resolve_function(name, CallArgs { types: &types, ..CallArgs::default() })? else {
        panic!("{call} is no aggregate");
    };
    let Kernel::Aggregate(make) = r.func.kernel else { panic!("{call} is no aggregate") };
    with_context(|cx| {
        let wanted = CallTypes { args: &r.arg_types, ret: r.ret };
        let rows = lists.first().map_or(3, Vec::len);
        let args: Vec<_> = lists
            .iter()
            .zip(&r.arg_types)
            .zip(&types)
            .map(|((list, to), from)| {
                let mut column = ColumnBuilder::new(to.physical(), rows);
                for v in list {
                    let format = FormatContext::default();
                    let e = coercer(&format).argument(Expr::Const { value: v.clone(), ty: *from }, *to)?;
                    column.push(evaluate_scalar(&e, cx)?.as_ref());
                }
                Ok(column.finish())
            })
            .collect::<Result<Vec<_>>>()?;
        let mut whole = make(wanted)?;
        whole.update(cx, &vec![0; rows], 1, &args, None)?;
        let answer = |a: &dyn Accumulator, cx: &mut EvalContext<'_>, group: usize| -> Result<String> {
            let column = a.finish(cx, group..group + 1)?;
            Ok(text(r.ret, &ColumnReader::new(r.ret.physical(), &column).get(0).to_owned()))
        };
        let first = answer(&*whole, cx, 0)?;
        // The same rows as the second of two groups, in two batches.
        let mut grouped = make(wanted)?;
        let half = rows / 2;
        for (from, to) in [(0, half), (half, rows)] {
            let part: Vec<_> = args.iter().map(|a| a.slice(from, to - from)).collect();
            grouped.update(cx, &vec![1; to - from], 2, &part, None)?;
        }
        assert_eq!(first, answer(&*grouped, cx, 1)?, "groups of {call}");
        Ok(first)
    })
}

fn check(file: &str) {
    let mut wrong = Vec::new();
    for line in file.lines().filter(|l| !l.is_empty() && !l.starts_with("-- ")) {
        let (call, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("no result in {line}"));
        let result = match call.split_once(' ') {
            Some(("set", rest)) => run_set(rest),
            Some(("agg", rest)) => run_aggregate(rest),
            _ => run(call),
        };
        let got = result.unwrap_or_else(|e: Error| format!("ERROR {} {}", e.code(), e.message()));
        let got = got.replace('\n', "\\n");
        if got != expected {
            wrong.push(format!("{call}\n    expected {expected}\n    got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! families {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("expect/", stringify!($name), ".txt")));
        })*
    };
}

families! { arrays bytes formats hashes numbers strings patterns aggregates casts resolution }

#[test]
fn operators_and_casts_have_their_functions() {
    for op in registry::all_operators() {
        let func = op.function();
        assert_eq!(func.ret, op.ret, "{op:?}");
        let args: Vec<_> = [op.left, op.right].into_iter().filter(|&t| t != crate::base::Oid::INVALID).collect();
        assert_eq!(func.args, args, "{op:?}");
    }
    assert!(registry::operators("+").len() > 10);
    assert_eq!(registry::equality_operator(SqlType::VARCHAR).map(|o| o.oid.0), Some(98));
}

#[test]
fn a_type_without_an_operator_says_so() {
    let e = bind_operator("+", vec![Expr::constant(1, SqlType::INT4), Expr::constant("x", SqlType::TEXT)]).unwrap_err();
    assert_eq!((e.code(), e.message()), (SqlState::UNDEFINED_FUNCTION, "operator does not exist: integer + text"));
}
