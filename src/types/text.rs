#![allow(unused_variables)]
use super::{Datum, DatumRef, FormatContext, SqlType};
use crate::base::Result;

/// The type's input function: reads a value and applies the type's modifier as a column of it would.
pub fn parse_text(ty: SqlType, text: &str, context: &FormatContext) -> Result<Datum> {
    todo!()
}

/// The type's output function: appends the text form. NULL has none and must not be passed.
pub fn write_text(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>, context: &FormatContext) {
    todo!()
}
