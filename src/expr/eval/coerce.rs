//! Casts that are not calls: relabelling, through text, length coercion, element by element.

use super::eval;
use super::frame::Frame;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::resolve::relabel;
use crate::expr::tree::{Coercion, Expr};
use crate::expr::value::Value;
use crate::types::{
    ArrayValue, Batch, ColumnBuilder, Datum, DatumRef, FormatContext, Physical, SqlType, coerce_typmod, element_of,
    parse_text, write_text,
};
use std::sync::Arc;

pub(super) fn eval_coerce(
    arg: &Expr,
    ty: SqlType,
    how: &Coercion,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let value = eval(arg, frame, cx)?;
    let from = arg.ty();
    match how {
        Coercion::Relabel => Ok(relabel_value(value, from, ty)),
        Coercion::InOut => {
            let format = cx.format;
            map_rows(value, from, ty, frame.rows, |v| through_text(v, from, ty, format))
        }
        Coercion::Typmod { explicit } => {
            map_rows(value, from, ty, frame.rows, |v| coerce_typmod(ty, v.to_owned(), *explicit))
        }
        Coercion::Elements(element) => elements(value, from, ty, element, frame.rows, cx),
    }
}

/// The text form of a value, read as another type.
pub(crate) fn through_text(value: DatumRef<'_>, from: SqlType, to: SqlType, format: &FormatContext) -> Result<Datum> {
    let text = text_of(value, from, format);
    if to.physical() == Physical::Text && matches!(to.oid, crate::types::oid::TEXT | crate::types::oid::VARCHAR) {
        return Ok(Datum::Text(text.into()));
    }
    parse_text(to, &text, format)
}

/// The text form of a value.
pub(crate) fn text_of(value: DatumRef<'_>, ty: SqlType, format: &FormatContext) -> String {
    let mut out = Vec::new();
    write_text(&mut out, ty, value, format);
    String::from_utf8(out).expect("text forms are UTF-8")
}

fn map_rows(
    value: Value,
    from: SqlType,
    to: SqlType,
    rows: usize,
    mut f: impl FnMut(DatumRef<'_>) -> Result<Datum>,
) -> Result<Value> {
    let reader = value.reader(from.physical());
    let mut convert = |v: DatumRef<'_>| if v.is_null() { Ok(Datum::Null) } else { f(v) };
    if rows == 1 || matches!(value, Value::Scalar(_)) {
        return convert(reader.get(0)).map(Value::Scalar);
    }
    let mut out = ColumnBuilder::new(to.physical(), rows);
    for i in 0..rows {
        out.push(convert(reader.get(i))?.as_ref());
    }
    Ok(Value::Column(out.finish()))
}

fn relabel_value(value: Value, from: SqlType, to: SqlType) -> Value {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int32Type, UInt32Type};
    match (value, from.physical(), to.physical()) {
        (Value::Scalar(datum), _, _) => Value::Scalar(relabel(datum, to)),
        (Value::Column(a), Physical::Int32, Physical::UInt32) => {
            Value::Column(Arc::new(a.as_primitive::<Int32Type>().unary::<_, UInt32Type>(|v| v as u32)))
        }
        (Value::Column(a), Physical::UInt32, Physical::Int32) => {
            Value::Column(Arc::new(a.as_primitive::<UInt32Type>().unary::<_, Int32Type>(|v| v as i32)))
        }
        (column, _, _) => column,
    }
}

/// Casts the elements of each array as a batch of their own.
fn elements(
    value: Value,
    from: SqlType,
    to: SqlType,
    element: &Expr,
    rows: usize,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let from_element = SqlType::of(element_of(from.oid).expect("elements are cast between arrays"));
    let to_element = element_of(to.oid).expect("elements are cast between arrays");
    let nothing = Batch::default();
    map_rows(value, from, to, rows, |v| {
        let DatumRef::Array(array) = v else { panic!("an array type holds an array") };
        let n = array.len();
        if n == 0 {
            return Ok(Datum::array(ArrayValue { element: to_element, dims: array.dims(), items: Vec::new() }));
        }
        let mut items = ColumnBuilder::new(from_element.physical(), n);
        array.iter().for_each(|item| items.push(item));
        let frame = Frame::of_values(&nothing, Value::Column(items.finish()), n);
        let cast = eval(element, &frame, cx)?;
        let reader = cast.reader(element.ty().physical());
        let items = (0..n).map(|i| reader.get(i).to_owned()).collect();
        Ok(Datum::array(ArrayValue { element: to_element, dims: array.dims(), items }))
    })
}
