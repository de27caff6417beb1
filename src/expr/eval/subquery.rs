//! Subqueries in expressions: evaluated by [`Subplans`](crate::expr::Subplans), row by row when they depend on the row.

use super::call::call_row;
use super::condition::compare_rows;
use super::eval;
use super::frame::Frame;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::{CallTypes, Function};
use crate::expr::registry;
use crate::expr::tree::{Expr, Quantified, RowTest, SubqueryId, SubqueryKind};
use crate::expr::value::{Value, ValueReader};
use crate::types::{ColumnBuilder, Datum, DatumRef, SqlType};

pub(super) fn eval_subquery(
    id: SubqueryId,
    kind: &SubqueryKind,
    args: &[(usize, Expr)],
    ty: SqlType,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let outer: Vec<Value> = args.iter().map(|(_, e)| eval(e, frame, cx)).collect::<Result<_>>()?;
    let outer_readers: Vec<ValueReader<'_>> =
        outer.iter().zip(args).map(|(v, (_, e))| v.reader(e.ty().physical())).collect();
    let (left, left_types) = match kind {
        SubqueryKind::Quantified(q) => (
            q.left.iter().map(|e| eval(e, frame, cx)).collect::<Result<Vec<_>>>()?,
            q.left.iter().map(Expr::ty).collect::<Vec<_>>(),
        ),
        _ => (Vec::new(), Vec::new()),
    };
    let left_readers: Vec<ValueReader<'_>> =
        left.iter().zip(&left_types).map(|(v, t)| v.reader(t.physical())).collect();
    let same = outer.iter().chain(&left).all(|v| matches!(v, Value::Scalar(_)));
    let rows = if same { 1 } else { frame.rows };
    let mut out = (rows > 1).then(|| ColumnBuilder::new(ty.physical(), rows));
    for i in 0..rows {
        cx.check_cancelled()?;
        for ((slot, _), reader) in args.iter().zip(&outer_readers) {
            if cx.exec.len() <= *slot {
                cx.exec.resize_with(*slot + 1, Datum::default);
            }
            cx.exec[*slot] = reader.get(i).to_owned();
        }
        let left: Vec<DatumRef<'_>> = left_readers.iter().map(|r| r.get(i)).collect();
        let value = run(id, kind, &left, cx)?;
        match &mut out {
            Some(column) => column.push(value.as_ref()),
            None => return Ok(Value::Scalar(value)),
        }
    }
    Ok(Value::Column(out.expect("several rows make a column").finish()))
}

fn run(id: SubqueryId, kind: &SubqueryKind, left: &[DatumRef<'_>], cx: &mut EvalContext<'_>) -> Result<Datum> {
    let mut inner = cx.reborrow();
    let Some(subplans) = inner.subplans.take() else {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "a subquery is not supported here"));
    };
    match kind {
        SubqueryKind::Scalar => subplans.scalar(id, &mut inner),
        SubqueryKind::Exists => subplans.exists(id, &mut inner).map(Datum::Bool),
        SubqueryKind::Array => subplans.array(id, &mut inner),
        SubqueryKind::Quantified(test) => {
            let outcome = subplans.quantified(id, test, left, &mut inner)?;
            Ok(outcome.map_or(Datum::Null, Datum::Bool))
        }
    }
}

/// The test of one row of a quantified subquery: what `left op row` gives.
pub fn quantified_row(
    test: &Quantified,
    left: &[DatumRef<'_>],
    row: &[DatumRef<'_>],
    cx: &mut EvalContext<'_>,
) -> Result<Option<bool>> {
    let decider = match test.test {
        RowTest::Every => false,
        RowTest::Some => true,
        RowTest::Order(order) => {
            let of =
                |name: &str| -> Result<Vec<&'static Function>> { test.ops.iter().map(|f| sibling(f, name)).collect() };
            return compare_rows(left, row, &of("<")?, &of("=")?, order, cx);
        }
    };
    let mut unknown = false;
    for (i, func) in test.ops.iter().enumerate() {
        let types = [SqlType::of(func.args[0]), SqlType::of(func.args[1])];
        match call_row(func, CallTypes { args: &types, ret: SqlType::BOOL }, &[left[i], row[i]], cx)? {
            Datum::Bool(b) if b == decider => return Ok(Some(decider)),
            Datum::Bool(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { None } else { Some(!decider) })
}

/// The function of another operator over the same types.
fn sibling(func: &Function, name: &str) -> Result<&'static Function> {
    registry::exact_operator(name, func.args[0], func.args[1])
        .map(|op| op.function())
        .ok_or_else(|| Error::internal(format!("no operator {name} beside {}", func.name)))
}
