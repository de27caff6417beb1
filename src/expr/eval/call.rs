//! Calling functions.

use super::eval;
use super::frame::Frame;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::{CallTypes, Function, Kernel, Volatility};
use crate::expr::tree::Expr;
use crate::expr::value::{Value, ValueReader};
use crate::types::{ColumnBuilder, Datum, DatumRef, SqlType};
use smallvec::SmallVec;

pub(super) fn eval_call(
    func: &'static Function,
    args: &[Expr],
    ty: SqlType,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let mut values: SmallVec<[Value; 3]> = SmallVec::with_capacity(args.len());
    let mut types: SmallVec<[SqlType; 3]> = SmallVec::with_capacity(args.len());
    for arg in args {
        values.push(eval(arg, frame, cx)?);
        types.push(arg.ty());
    }
    call_function(func, &values, CallTypes { args: &types, ret: ty }, frame.rows, cx)
}

/// Calls a function over `rows` rows of argument values.
pub fn call_function(
    func: &'static Function,
    args: &[Value],
    types: CallTypes<'_>,
    rows: usize,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    if func.strict && args.iter().any(Value::is_null_scalar) {
        return Ok(Value::null());
    }
    let scalars = args.iter().all(|a| matches!(a, Value::Scalar(_)));
    if rows == 1 || (scalars && func.volatility != Volatility::Volatile) {
        let readers = readers(args, types);
        let row: SmallVec<[DatumRef<'_>; 4]> = readers.iter().map(|r| r.get(0)).collect();
        return call_row(func, types, &row, cx).map(Value::Scalar);
    }
    if let (Kernel::Column(_, column), false) = (func.kernel, scalars) {
        return column(cx, args, rows).map(Value::Column);
    }
    let readers = readers(args, types);
    let mut row: SmallVec<[DatumRef<'_>; 4]> = SmallVec::with_capacity(args.len());
    let mut out = ColumnBuilder::new(types.ret.physical(), rows);
    for i in 0..rows {
        row.clear();
        row.extend(readers.iter().map(|r| r.get(i)));
        out.push(call_row(func, types, &row, cx)?.as_ref());
        if i % 256 == 255 {
            cx.check_cancelled()?;
        }
    }
    Ok(Value::Column(out.finish()))
}

fn readers<'a>(args: &'a [Value], types: CallTypes<'_>) -> SmallVec<[ValueReader<'a>; 4]> {
    args.iter().zip(types.args).map(|(v, t)| v.reader(t.physical())).collect()
}

/// Calls a function on one row.
pub fn call_row(
    func: &'static Function,
    types: CallTypes<'_>,
    args: &[DatumRef<'_>],
    cx: &mut EvalContext<'_>,
) -> Result<Datum> {
    if func.strict && args.iter().any(|a| a.is_null()) {
        return Ok(Datum::Null);
    }
    match func.kernel {
        Kernel::Row(f) | Kernel::Column(f, _) => f(cx, args),
        Kernel::Typed(f) => f(cx, types, args),
        Kernel::Host => cx.host.call(func, args),
        Kernel::Set(_) => Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "set-valued function called in context that cannot accept a set",
        )),
        Kernel::Aggregate(_) | Kernel::Window(_) => {
            Err(Error::internal(format!("{} was called like a plain function", func.name)))
        }
    }
}
