#![allow(unused_variables)]
use super::{Datum, DatumRef, SqlType};
use crate::base::Result;
use crate::base::bytes::Reader;

/// Direction of one key column. PostgreSQL's default is ascending with NULLs last; DESC puts NULLs first unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyOrder {
    pub descending: bool,
    pub nulls_first: bool,
}

/// Appends the key of a value (or NULL). Keys of several columns are simply one after another.
pub fn encode(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>, order: KeyOrder) {
    todo!()
}

/// Reads one column's key back. For [lossy](is_lossy) types the value is equal to the original but may print otherwise.
pub fn decode(reader: &mut Reader<'_>, ty: SqlType, order: KeyOrder) -> Result<Datum> {
    todo!()
}

/// Whether [`decode`] cannot give the very value back: numerics lose their display scale, floats the sign of zero,
/// intervals their split into months and days, `char(n)` without a length its trailing blanks.
pub fn is_lossy(ty: SqlType) -> bool {
    todo!()
}
