//! Gathering the rows of a system relation into batches, and making values of its columns' types.

use super::SystemTable;
use crate::base::Oid;
use crate::types::{ArrayValue, Batch, ColumnBuilder, Datum, SqlType, oid};

const BATCH_ROWS: usize = 2048;

/// Takes whole rows and keeps the wanted columns.
pub struct Rows {
    table: &'static SystemTable,
    wanted: Vec<(usize, ColumnBuilder)>,
    pending: usize,
    done: Vec<Batch>,
}

impl Rows {
    pub fn new(table: &'static SystemTable, columns: &[usize]) -> Rows {
        let builder = |&at: &usize| {
            let ty = SqlType::of(table.columns[at].type_oid);
            (at, ColumnBuilder::new(ty.physical(), 64))
        };
        Rows { table, wanted: columns.iter().map(builder).collect(), pending: 0, done: Vec::new() }
    }

    /// Takes a row, one value for each column of the relation.
    pub fn row<const N: usize>(&mut self, values: [Datum; N]) {
        assert_eq!(N, self.table.columns.len(), "a row of {}", self.table.name);
        for (at, builder) in &mut self.wanted {
            builder.push(values[*at].as_ref());
        }
        self.pending += 1;
        if self.pending == BATCH_ROWS {
            self.flush();
        }
    }

    /// Whether anybody reads the column at this position: some are dear to compute.
    pub fn wants(&self, at: usize) -> bool {
        self.wanted.iter().any(|(w, _)| *w == at)
    }

    fn flush(&mut self) {
        let columns = self.wanted.iter_mut().map(|(_, b)| b.finish()).collect();
        self.done.push(Batch::new(columns, self.pending));
        self.pending = 0;
    }

    pub fn finish(mut self) -> Vec<Batch> {
        if self.pending > 0 {
            self.flush();
        }
        self.done
    }
}

pub(super) fn null() -> Datum {
    Datum::Null
}

pub(super) fn id(oid: Oid) -> Datum {
    Datum::Oid(oid.0)
}

pub(super) fn no_oid() -> Datum {
    Datum::Oid(0)
}

pub(super) fn text(s: &str) -> Datum {
    Datum::text(s)
}

pub(super) fn maybe_text(s: Option<impl Into<Box<str>>>) -> Datum {
    s.map_or(Datum::Null, |s| Datum::text(s))
}

/// A value of type `"char"`.
pub(super) fn letter(c: u8) -> Datum {
    let mut buffer = [0; 4];
    Datum::text(&*char::from(c).encode_utf8(&mut buffer))
}

pub(super) fn int2(n: i16) -> Datum {
    Datum::Int2(n)
}

pub(super) fn int4(n: i32) -> Datum {
    Datum::Int4(n)
}

pub(super) fn int8(n: i64) -> Datum {
    Datum::Int8(n)
}

pub(super) fn yes_no(b: bool) -> Datum {
    Datum::text(if b { "YES" } else { "NO" })
}

pub(super) fn flag(b: bool) -> Datum {
    Datum::Bool(b)
}

pub(super) fn int2_array(items: &[i16]) -> Datum {
    Datum::array(ArrayValue::one_dimensional(oid::INT2, items.iter().map(|&n| Datum::Int2(n)).collect()))
}

pub(super) fn int2_vector(items: impl IntoIterator<Item = i16>) -> Datum {
    Datum::array(ArrayValue::vector(oid::INT2, items.into_iter().map(Datum::Int2).collect()))
}

pub(super) fn oid_array(items: impl IntoIterator<Item = Oid>) -> Datum {
    Datum::array(ArrayValue::one_dimensional(oid::OID, items.into_iter().map(|o| Datum::Oid(o.0)).collect()))
}

pub(super) fn oid_vector(items: impl IntoIterator<Item = Oid>) -> Datum {
    Datum::array(ArrayValue::vector(oid::OID, items.into_iter().map(|o| Datum::Oid(o.0)).collect()))
}

pub(super) fn text_array<S: Into<Box<str>>>(items: impl IntoIterator<Item = S>) -> Datum {
    array_of(oid::TEXT, items)
}

pub(super) fn letter_array(items: &[u8]) -> Datum {
    Datum::array(ArrayValue::one_dimensional(oid::CHAR, items.iter().map(|&c| letter(c)).collect()))
}

/// An array of a type whose values are text.
pub(super) fn array_of<S: Into<Box<str>>>(element: Oid, items: impl IntoIterator<Item = S>) -> Datum {
    Datum::array(ArrayValue::one_dimensional(element, items.into_iter().map(|s| Datum::text(s)).collect()))
}

/// `reloptions` and its kin: `{fillfactor=70}`, NULL when there are none.
pub(super) fn options(options: &[(String, String)]) -> Datum {
    match options {
        [] => Datum::Null,
        some => text_array(some.iter().map(|(k, v)| format!("{k}={v}"))),
    }
}
