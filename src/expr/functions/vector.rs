//! The loops that column kernels share: over two operands of fixed width, each a column or one value.

use crate::base::Result;
use crate::expr::value::Value;
use crate::types::{Datum, DatumRef};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, NullBuffer, ScalarBuffer};
use std::sync::Arc;

/// A Rust number that is the form of some SQL types.
pub trait Native: ArrowNativeType {
    type Arrow: ArrowPrimitiveType<Native = Self>;

    /// Panics on another form: the caller has resolved types.
    fn of(value: DatumRef<'_>) -> Self;
    fn datum(self) -> Datum;
}

macro_rules! natives {
    ($($t:ty, $arrow:ty, $variant:ident;)*) => {
        $(impl Native for $t {
            type Arrow = $arrow;

            fn of(value: DatumRef<'_>) -> $t {
                match value {
                    DatumRef::$variant(v) => v,
                    other => panic!("{other:?} where {} is wanted", stringify!($variant)),
                }
            }

            fn datum(self) -> Datum {
                Datum::$variant(self)
            }
        })*
    };
}

natives! {
    i16, Int16Type, Int2;
    i32, Int32Type, Int4;
    i64, Int64Type, Int8;
    u32, UInt32Type, Oid;
    f32, Float32Type, Float4;
    f64, Float64Type, Float8;
}

/// An operand over all rows.
enum Operand<'a, T> {
    Column(&'a [T], Option<&'a NullBuffer>),
    One(T),
    Null,
}

fn operand<T: Native>(value: &Value) -> Operand<'_, T> {
    match value {
        Value::Column(array) => {
            let array = array.as_primitive::<T::Arrow>();
            Operand::Column(array.values(), array.nulls())
        }
        Value::Scalar(Datum::Null) => Operand::Null,
        Value::Scalar(datum) => Operand::One(T::of(datum.as_ref())),
    }
}

fn nulls_of<A, B>(a: &Operand<'_, A>, b: &Operand<'_, B>, rows: usize) -> Option<NullBuffer> {
    let of_a = if let Operand::Column(_, n) = a { *n } else { None };
    let of_b = if let Operand::Column(_, n) = b { *n } else { None };
    match (a, b) {
        (Operand::Null, _) | (_, Operand::Null) => Some(NullBuffer::new_null(rows)),
        _ => NullBuffer::union(of_a, of_b),
    }
}

/// `f(a, b)` of each row. The second of its results says that the first is wrong: then, if the row has no NULL, `fail`
/// gives the error. Rows with a NULL are computed too, and nobody looks at them.
pub fn binary<A: Native, B: Native, R: Native>(
    args: &[Value],
    rows: usize,
    f: impl Fn(A, B) -> (R, bool),
    fail: impl Fn(A, B) -> Result<R>,
) -> Result<ArrayRef> {
    let (a, b) = (operand::<A>(&args[0]), operand::<B>(&args[1]));
    let nulls = nulls_of(&a, &b, rows);
    let mut failed = false;
    let mut run = |x: A, y: B| {
        let (value, bad) = f(x, y);
        failed |= bad;
        value
    };
    let values: Vec<R> = match (&a, &b) {
        (Operand::Column(x, _), Operand::Column(y, _)) => x.iter().zip(*y).map(|(&x, &y)| run(x, y)).collect(),
        (Operand::Column(x, _), Operand::One(y)) => x.iter().map(|&x| run(x, *y)).collect(),
        (Operand::One(x), Operand::Column(y, _)) => y.iter().map(|&y| run(*x, y)).collect(),
        (Operand::One(x), Operand::One(y)) => vec![run(*x, *y); rows],
        _ => vec![R::default(); rows],
    };
    if failed {
        for i in 0..rows {
            if nulls.as_ref().is_none_or(|n| n.is_valid(i)) {
                let x = if let Operand::Column(x, _) = &a { x[i] } else { one(&a) };
                let y = if let Operand::Column(y, _) = &b { y[i] } else { one(&b) };
                fail(x, y)?;
            }
        }
    }
    Ok(Arc::new(PrimitiveArray::<R::Arrow>::new(ScalarBuffer::from(values), nulls)))
}

fn one<T: Copy>(operand: &Operand<'_, T>) -> T {
    match operand {
        Operand::One(v) => *v,
        _ => unreachable!("NULL operands have no rows to check"),
    }
}

/// A condition on two operands.
pub fn test2<A: Native, B: Native>(args: &[Value], rows: usize, f: impl Fn(A, B) -> bool) -> ArrayRef {
    let (a, b) = (operand::<A>(&args[0]), operand::<B>(&args[1]));
    let nulls = nulls_of(&a, &b, rows);
    let bits = match (&a, &b) {
        (Operand::Column(x, _), Operand::Column(y, _)) => BooleanBuffer::collect_bool(rows, |i| f(x[i], y[i])),
        (Operand::Column(x, _), Operand::One(y)) => BooleanBuffer::collect_bool(rows, |i| f(x[i], *y)),
        (Operand::One(x), Operand::Column(y, _)) => BooleanBuffer::collect_bool(rows, |i| f(*x, y[i])),
        (Operand::One(x), Operand::One(y)) => BooleanBuffer::collect_bool(rows, |_| f(*x, *y)),
        _ => BooleanBuffer::new_unset(rows),
    };
    Arc::new(BooleanArray::new(bits, nulls))
}

/// `f` of each row of one operand.
pub fn unary<A: Native, R: Native>(
    args: &[Value],
    rows: usize,
    f: impl Fn(A) -> (R, bool),
    fail: impl Fn(A) -> Result<R>,
) -> Result<ArrayRef> {
    let a = operand::<A>(&args[0]);
    let Operand::Column(x, nulls) = a else {
        return Ok(Arc::new(PrimitiveArray::<R::Arrow>::new_null(rows)));
    };
    let mut failed = false;
    let values: Vec<R> = x
        .iter()
        .map(|&x| {
            let (value, bad) = f(x);
            failed |= bad;
            value
        })
        .collect();
    if failed {
        for (i, &x) in x.iter().enumerate() {
            if nulls.is_none_or(|n| n.is_valid(i)) {
                fail(x)?;
            }
        }
    }
    Ok(Arc::new(PrimitiveArray::<R::Arrow>::new(ScalarBuffer::from(values), nulls.cloned())))
}
