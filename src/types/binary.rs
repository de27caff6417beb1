#![allow(unused_variables)]
use super::{Datum, DatumRef, SqlType};
use crate::base::Result;

/// The type's receive function: reads the binary wire form and applies the type's modifier.
pub fn parse_binary(ty: SqlType, bytes: &[u8]) -> Result<Datum> {
    todo!()
}

/// The type's send function: appends the binary wire form. NULL has none and must not be passed.
pub fn write_binary(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>) {
    todo!()
}
