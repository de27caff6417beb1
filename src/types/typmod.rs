#![allow(unused_variables)]
use super::{Datum, SqlType};
use crate::base::{Oid, Result};

/// PostgreSQL's `format_type`: `character varying(10)`, `numeric(10,2)`, `timestamp(3) without time zone`, `integer[]`.
pub fn format_type(ty: SqlType) -> String {
    todo!()
}

/// The type's `typmodin`: the modifier for the numbers in parentheses after the type's name.
pub fn typmod_in(oid: Oid, numbers: &[i32]) -> Result<i32> {
    todo!()
}

/// The type's `typmodout`: what [`format_type`] puts after the name, `(10,2)`; empty for none.
pub fn typmod_out(ty: SqlType) -> String {
    todo!()
}

/// The type's length coercion: `char(n)` and `varchar(n)` truncate when `explicit`, else refuse what is too long
/// (22001); numerics and times are rounded (22003 on overflow); arrays element by element.
pub fn coerce_typmod(ty: SqlType, value: Datum, explicit: bool) -> Result<Datum> {
    todo!()
}
