//! The settings that text forms depend on, and the door to names that only the catalog knows.

use super::datetime::TimeZone;
use super::{Datum, DatumRef, SqlType};
use crate::base::Result;
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    #[default]
    Iso,
    Postgres,
    Sql,
    German,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    #[default]
    Postgres,
    PostgresVerbose,
    SqlStandard,
    Iso8601,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteaOutput {
    #[default]
    Hex,
    Escape,
}

/// Text forms that need the catalog: `regclass` and its kin, and types that users made. Without one, oids print as
/// numbers and names are refused.
pub trait Names: Send + Sync {
    /// The text form of a value of `ty`, or false to have the built-in form written.
    fn write(&self, out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>, context: &FormatContext) -> bool;

    /// Reads a value of `ty`, or none to have the built-in form read.
    fn parse(&self, ty: SqlType, text: &str, context: &FormatContext) -> Result<Option<Datum>>;
}

/// A session's formatting settings. The default is PostgreSQL's.
#[derive(Clone)]
pub struct FormatContext {
    pub date_style: DateStyle,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    pub time_zone: TimeZone,
    pub extra_float_digits: i32,
    pub bytea_output: ByteaOutput,
    /// The transaction's start, microseconds since 2000-01-01 UTC: what `now` and `today` mean in dates.
    pub now_us: i64,
    pub names: Option<Arc<dyn Names>>,
}

impl Default for FormatContext {
    fn default() -> FormatContext {
        FormatContext {
            date_style: DateStyle::Iso,
            date_order: DateOrder::Mdy,
            interval_style: IntervalStyle::Postgres,
            time_zone: TimeZone::utc(),
            extra_float_digits: 1,
            bytea_output: ByteaOutput::Hex,
            now_us: 0,
            names: None,
        }
    }
}

impl fmt::Debug for FormatContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormatContext")
            .field("date_style", &self.date_style)
            .field("date_order", &self.date_order)
            .field("interval_style", &self.interval_style)
            .field("extra_float_digits", &self.extra_float_digits)
            .field("bytea_output", &self.bytea_output)
            .field("now_us", &self.now_us)
            .finish_non_exhaustive()
    }
}
