//! The built-in functions, one file and one declarative table for each family.
//!
//! A table's row is [`f`]: id, name, argument types, result type, kernel, in PostgreSQL's words and with its ids. A row is
//! immutable and strict unless it says otherwise. `vector.rs` holds the loops that column kernels share.

pub(super) mod arith;
mod array;
pub(super) mod array_slice;
pub(super) mod bit;
mod boolean;
pub(super) mod compare;
pub(super) mod convert;
mod datetime;
mod encode;
mod hash;
mod like;
mod math;
mod number_format;
mod numeric;

pub mod quote;
mod regex;
mod series;
mod system;
pub(super) mod text;
pub(super) mod unbuilt;
mod variadic;
pub(super) mod vector;

pub use system::SEQUENCE_STATE;
pub(super) use variadic::array_form;

use super::function::{Function, Kernel, Kind, Volatility};
use crate::base::Oid;

/// Every family's table.
pub static TABLES: &[&[Function]] = &[
    arith::TABLE,
    array::TABLE,
    bit::TABLE,
    boolean::TABLE,
    compare::TABLE,
    datetime::ARITH,
    datetime::CAST,
    datetime::COMPARE,
    datetime::EXTRACT,
    datetime::MAKE,
    datetime::PICTURES,
    datetime::READING,
    datetime::SERIES,
    datetime::TRUNC,
    datetime::ZONE,
    datetime::ZONE_NAMES,
    encode::TABLE,
    hash::TABLE,
    like::TABLE,
    math::TABLE,
    number_format::TABLE,
    numeric::TABLE,
    quote::TABLE,
    regex::TABLE,
    series::TABLE,
    system::TABLE,
    text::TABLE,
];

/// A row of a table.
pub(super) const fn f(oid: u32, name: &'static str, args: &'static [Oid], ret: Oid, kernel: Kernel) -> Function {
    Function {
        oid: Oid(oid),
        name,
        args,
        variadic: None,
        ret,
        returns_set: false,
        strict: true,
        volatility: Volatility::Immutable,
        leakproof: false,
        kind: Kind::Scalar,
        kernel,
        arg_names: &[],
        out: &[],
        defaults: &[],
        in_information_schema: false,
    }
}

impl Function {
    /// Called on NULL arguments.
    pub(super) const fn lax(mut self) -> Function {
        self.strict = false;
        self
    }

    pub(super) const fn stable(mut self) -> Function {
        self.volatility = Volatility::Stable;
        self
    }

    pub(super) const fn volatile(mut self) -> Function {
        self.volatility = Volatility::Volatile;
        self
    }

    pub(super) const fn leakproof(mut self) -> Function {
        self.leakproof = true;
        self
    }

    pub(super) const fn variadic(mut self, element: Oid) -> Function {
        self.variadic = Some(element);
        self
    }

    pub(super) const fn set(mut self) -> Function {
        self.returns_set = true;
        self
    }

    pub(super) const fn of_kind(mut self, kind: Kind) -> Function {
        self.kind = kind;
        self
    }

    pub(super) const fn named(mut self, names: &'static [&'static str]) -> Function {
        self.arg_names = names;
        self
    }

    pub(super) const fn with_defaults(mut self, defaults: &'static [&'static str]) -> Function {
        self.defaults = defaults;
        self
    }

    pub(super) const fn in_information_schema(mut self) -> Function {
        self.in_information_schema = true;
        self
    }

    pub(super) const fn with_out(mut self, out: &'static [(&'static str, Oid)]) -> Function {
        self.out = out;
        self
    }
}
