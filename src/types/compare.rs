#![allow(unused_variables)]
use super::{DatumRef, SqlType};
use std::cmp::Ordering;

/// The order of the type's default btree operator class. NULLs order last and equal each other, as inside rows.
pub fn compare(ty: SqlType, a: DatumRef<'_>, b: DatumRef<'_>) -> Ordering {
    todo!()
}

pub fn equal(ty: SqlType, a: DatumRef<'_>, b: DatumRef<'_>) -> bool {
    compare(ty, a, b) == Ordering::Equal
}

/// Equal values of a type hash equal.
pub fn hash(ty: SqlType, value: DatumRef<'_>, seed: u64) -> u64 {
    todo!()
}
