//! `concat(VARIADIC array)` and the other VARIADIC "any" functions called with an array instead of a list.
//!
//! Such a call means the function with the array's items as its last arguments. The forms here do that and call the
//! function proper; they share its id and are found by [`array_form`] alone.

use super::quote::text_format;
use super::system::{num_nonnulls, num_nulls};
use super::text::{text_concat, text_concat_ws};
use super::{Function, f};
use crate::base::{Oid, Result};
use crate::expr::context::EvalContext;
use crate::expr::function::Kernel::Typed;
use crate::expr::function::{CallTypes, TypedFn};
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, SqlType};

/// The form of a VARIADIC "any" function that takes its last arguments as an array.
pub fn array_form(func: &'static Function) -> Option<&'static Function> {
    FORMS.iter().find(|form| form.oid == func.oid)
}

/// Calls `f` with the last argument spread out; NULL for a NULL array.
fn spread(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>], f: TypedFn) -> Result<Datum> {
    let (last, first) = a.split_last().expect("a variadic function has an argument");
    let DatumRef::Array(array) = last else { return Ok(Datum::Null) };
    let values: Vec<DatumRef<'_>> = first.iter().copied().chain(array.iter()).collect();
    let mut all: Vec<SqlType> = types.args[..first.len()].to_vec();
    all.resize(values.len(), SqlType::of(array.element()));
    f(cx, CallTypes { args: &all, ret: types.ret }, &values)
}

macro_rules! forms {
    ($($name:ident $f:ident;)*) => {
        $(fn $name(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
            spread(cx, types, a, $f)
        })*
    };
}

forms! {
    concat text_concat;
    concat_ws text_concat_ws;
    num_nulls_array num_nulls;
    num_nonnulls_array num_nonnulls;
}

/// A NULL array gives `format` no arguments.
fn format(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    match a {
        [template, DatumRef::Null] => {
            text_format(cx, CallTypes { args: &types.args[..1], ret: types.ret }, &[*template])
        }
        _ => spread(cx, types, a, text_format),
    }
}

const fn form(oid: u32, name: &'static str, args: &'static [Oid], ret: Oid, kernel: TypedFn) -> Function {
    f(oid, name, args, ret, Typed(kernel)).lax().stable().variadic(ANY)
}

static FORMS: &[Function] = &[
    form(3058, "concat", &[ANY], TEXT, concat),
    form(3059, "concat_ws", &[TEXT, ANY], TEXT, concat_ws),
    form(3539, "format", &[TEXT, ANY], TEXT, format),
    form(438, "num_nulls", &[ANY], INT4, num_nulls_array),
    form(440, "num_nonnulls", &[ANY], INT4, num_nonnulls_array),
];

#[cfg(test)]
mod tests {
    use crate::expr::resolve::{CallArgs, ResolvedCall, resolve_function};
    use crate::expr::tests::with_context;
    use crate::expr::{Expr, evaluate_scalar};
    use crate::types::{ArrayValue, Datum, SqlType};

    #[test]
    fn arrays_are_spread() {
        let items = vec![Datum::Int4(1), Datum::Null, Datum::Int4(3)];
        let array = Datum::array(ArrayValue::one_dimensional(SqlType::INT4.oid, items));
        let args = vec![Expr::constant("-", SqlType::TEXT), Expr::Const { value: array, ty: SqlType::INT4_ARRAY }];
        let types = [SqlType::TEXT, SqlType::INT4_ARRAY];
        let call = CallArgs { types: &types, variadic: true, ..CallArgs::default() };
        let ResolvedCall::Function(r) = resolve_function("concat_ws", call).unwrap() else { panic!() };
        let value = with_context(|cx| evaluate_scalar(&Expr::call(r.func, args, r.ret), cx)).unwrap();
        assert!(matches!(value, Datum::Text(t) if &*t == "1-3"));
    }
}
