//! Names of types.

use super::{Expr, Pos, QualifiedName};

/// A type as written, with SQL's own spellings already mapped to `pg_catalog` names as PostgreSQL's grammar does:
/// `int` is `pg_catalog.int4`, `character varying` is `pg_catalog.varchar`, `float(20)` is `pg_catalog.float4`,
/// `timestamp with time zone` is `pg_catalog.timestamptz`, bare `char` is `pg_catalog.bpchar` with modifier 1.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeName {
    pub name: QualifiedName,
    /// `name%TYPE`: the type of the column that `name` names.
    pub percent_type: bool,
    pub setof: bool,
    /// The expressions in parentheses, which need not be constants. Of `interval`, only the precision stands here.
    pub modifiers: Vec<Expr>,
    /// `interval year to month` and the like.
    pub interval_fields: Option<IntervalFields>,
    /// One entry for each dimension, with its declared bound: `int[3][]` is `[Some(3), None]`.
    pub array_bounds: Vec<Option<i32>>,
    pub pos: Pos,
}

impl TypeName {
    /// True if the grammar, not the user, put the type into `pg_catalog`, or the user named that schema.
    pub fn is_system(&self) -> bool {
        self.name.parts.len() == 2 && self.name.parts[0].name == "pg_catalog"
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalFields {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    YearToMonth,
    DayToHour,
    DayToMinute,
    DayToSecond,
    HourToMinute,
    HourToSecond,
    MinuteToSecond,
}
