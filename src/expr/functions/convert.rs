//! Between Rust values and datums, so that a kernel reads like a function of its arguments.
//!
//! ```text
//! kernels! {
//!     fn textcat(a: &str, b: &str) -> String { Ok([a, b].concat()) }
//! }
//! ```

use crate::types::{ArrayValue, ArrayView, Datum, DatumRef, Interval, Numeric, NumericRef};

/// What an argument is read as. Panics on another form: the caller has resolved types.
pub trait FromDatum<'a>: Sized {
    fn from_datum(value: DatumRef<'a>) -> Self;
}

/// What a result becomes.
pub trait IntoDatum {
    fn into_datum(self) -> Datum;
}

macro_rules! forms {
    ($($t:ty, $variant:ident;)*) => {
        $(impl<'a> FromDatum<'a> for $t {
            fn from_datum(value: DatumRef<'a>) -> $t {
                match value {
                    DatumRef::$variant(v) => v,
                    other => panic!("{other:?} where {} is wanted", stringify!($variant)),
                }
            }
        })*
    };
}

forms! {
    bool, Bool;
    i16, Int2;
    i32, Int4;
    i64, Int8;
    u32, Oid;
    f32, Float4;
    f64, Float8;
    &'a str, Text;
    &'a [u8], Bytes;
    NumericRef<'a>, Numeric;
    ArrayView<'a>, Array;
    Interval, Interval;
    [u8; 16], Uuid;
}

impl<'a> FromDatum<'a> for DatumRef<'a> {
    fn from_datum(value: DatumRef<'a>) -> DatumRef<'a> {
        value
    }
}

impl<'a, T: FromDatum<'a>> FromDatum<'a> for Option<T> {
    fn from_datum(value: DatumRef<'a>) -> Option<T> {
        (!value.is_null()).then(|| T::from_datum(value))
    }
}

macro_rules! results {
    ($($t:ty: |$v:ident| $body:expr;)*) => {
        $(impl IntoDatum for $t {
            fn into_datum(self) -> Datum {
                let $v = self;
                $body
            }
        })*
    };
}

results! {
    Datum: |v| v;
    bool: |v| Datum::Bool(v);
    i16: |v| Datum::Int2(v);
    i32: |v| Datum::Int4(v);
    i64: |v| Datum::Int8(v);
    u32: |v| Datum::Oid(v);
    f32: |v| Datum::Float4(v);
    f64: |v| Datum::Float8(v);
    String: |v| Datum::Text(v.into());
    &str: |v| Datum::Text(v.into());
    Vec<u8>: |v| Datum::Bytes(v.into());
    Numeric: |v| Datum::Numeric(v);
    ArrayValue: |v| Datum::array(v);
    Interval: |v| Datum::Interval(v);
    [u8; 16]: |v| Datum::Uuid(v);
}

impl<T: IntoDatum> IntoDatum for Option<T> {
    fn into_datum(self) -> Datum {
        self.map_or(Datum::Null, T::into_datum)
    }
}

/// Defines row kernels from functions of Rust values. `fn name[cx](..)` gives the body the context by that name.
macro_rules! kernels {
    () => {};
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $t:ty),* $(,)?) -> $ret:ty $body:block $($rest:tt)*) => {
        crate::expr::functions::convert::kernels! {
            $(#[$doc])* fn $name[_cx]($($arg: $t),*) -> $ret $body $($rest)*
        }
    };
    (
        $(#[$doc:meta])* fn $name:ident[$cx:ident]($($arg:ident: $t:ty),* $(,)?) -> $ret:ty $body:block $($rest:tt)*
    ) => {
        $(#[$doc])*
        #[allow(clippy::redundant_closure_call)]
        fn $name(
            $cx: &mut crate::expr::context::EvalContext<'_>,
            args: &[crate::types::DatumRef<'_>],
        ) -> crate::base::Result<crate::types::Datum> {
            #[allow(unused_mut)]
            let mut args = args.iter().copied();
            $(let $arg: $t = crate::expr::functions::convert::FromDatum::from_datum(
                args.next().expect("a call has its function's arguments"),
            );)*
            let _ = args;
            let result: crate::base::Result<$ret> = (|| $body)();
            result.map(crate::expr::functions::convert::IntoDatum::into_datum)
        }
        crate::expr::functions::convert::kernels! { $($rest)* }
    };
}

pub(crate) use kernels;
