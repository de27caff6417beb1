//! What a column of each type becomes in a Parquet file, as an Arrow array that the file's writer takes.
//!
//! Most columns go as they are. Dates and times move from PostgreSQL's epoch to that of 1970; numerics with a precision
//! of up to 38 digits become decimals of that precision; arrays become lists. What Parquet has no type for becomes text, in
//! the same form whoever writes the file (see [`file_format`]). So do intervals: Parquet's own has only milliseconds, and no
//! sign.
//! A value without a place in its column's Parquet type is an error: nothing is rounded and nothing becomes NULL.

use crate::base::{Error, Result, SqlState};
use crate::types::datetime::calendar::UNIX_EPOCH_US;
use crate::types::typmod::numeric_typmod;
use crate::types::{
    self, ColumnBuilder, ColumnReader, DatumRef, FormatContext, IntervalStyle, NumericRef, Physical, SqlType, oid,
};
use arrow_array::builder::{Decimal128Builder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, Date32Array, ListArray, PrimitiveArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Field, TimeUnit};
use std::sync::Arc;

/// From 1970 to 2000.
const EPOCH_DAYS: i32 = 10_957;
const DAY_US: i64 = 86_400_000_000;
/// Most digits of Parquet's DECIMAL in 16 bytes.
const DECIMAL_DIGITS_MAX: i32 = 38;

/// A Parquet type, by what is done to get there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// The column as it is: its Arrow type has one counterpart.
    Same(DataType),
    Uuid,
    Json,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Date,
    Time,
    Timestamp {
        utc: bool,
    },
    /// The output function's text.
    Text,
    List(Box<Form>),
}

impl Form {
    pub fn of(ty: SqlType) -> Form {
        match ty.oid {
            oid::UUID => Form::Uuid,
            oid::JSON => Form::Json,
            oid::DATE => Form::Date,
            oid::TIME => Form::Time,
            oid::TIMESTAMP => Form::Timestamp { utc: false },
            oid::TIMESTAMPTZ => Form::Timestamp { utc: true },
            oid::NUMERIC => decimal_of(ty.typmod).unwrap_or(Form::Text),
            oid::BOOL | oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8 | oid::BYTEA => {
                Form::Same(types::data_type(ty.physical()))
            }
            oid::OID | oid::XID | oid::CID => Form::Same(DataType::UInt32),
            oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME => Form::Same(DataType::Utf8View),
            _ => match ty.element() {
                // The elements of an array of vectors are arrays, which no list of ours holds.
                Some(element) if element.element().is_none() => Form::List(Box::new(Form::of(element))),
                _ => Form::Text,
            },
        }
    }

    pub fn data_type(&self) -> DataType {
        match self {
            Form::Same(same) => same.clone(),
            Form::Uuid => DataType::FixedSizeBinary(16),
            Form::Json | Form::Text => DataType::Utf8View,
            Form::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale),
            Form::Date => DataType::Date32,
            Form::Time => DataType::Time64(TimeUnit::Microsecond),
            Form::Timestamp { utc } => DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into())),
            Form::List(item) => DataType::List(item.item_field()),
        }
    }

    /// The field of a list's elements, by the name that Parquet prescribes.
    fn item_field(&self) -> Arc<Field> {
        Arc::new(Field::new("element", self.data_type(), true))
    }
}

/// None when the numbers have no precision or one that no decimal has. As in a column of that type, a negative scale
/// means zeros before the point, and one beyond the precision zeros behind it.
fn decimal_of(typmod: i32) -> Option<Form> {
    let (precision, scale) = numeric_typmod(typmod)?;
    let digits = if scale < 0 { precision - scale } else { precision.max(scale) };
    if digits > DECIMAL_DIGITS_MAX {
        return None;
    }
    Some(Form::Decimal { precision: digits as u8, scale: scale.max(0) as i8 })
}

/// One column on its way into a file.
pub(super) struct Column {
    pub name: String,
    ty: SqlType,
    pub form: Form,
}

impl Column {
    pub fn new(name: String, ty: SqlType) -> Column {
        Column { name, form: Form::of(ty), ty }
    }

    /// The batch's column in its new form.
    ///
    /// Errors: 22008 for dates and times, 22003 for numbers, 0A000 for arrays that have no place in the new form.
    pub fn convert(&self, array: &ArrayRef, format: &FormatContext) -> Result<ArrayRef> {
        convert(&self.form, self.ty, array, format).map_err(|e| {
            let message = format!("column \"{}\": {}", self.name, e.message());
            Error::new(e.code(), message).hint("Cast the column to text.").column(self.name.clone())
        })
    }
}

/// What text in a file looks like: as with default settings in UTC, but intervals in the one style that DuckDB reads too,
/// `@ 1 mon -3 days 4 hours`.
pub(super) fn file_format(session: &FormatContext) -> FormatContext {
    FormatContext {
        names: session.names.clone(),
        now_us: session.now_us,
        interval_style: IntervalStyle::PostgresVerbose,
        ..FormatContext::default()
    }
}

fn convert(form: &Form, ty: SqlType, array: &ArrayRef, format: &FormatContext) -> Result<ArrayRef> {
    Ok(match form {
        Form::Same(_) | Form::Uuid | Form::Json => array.clone(),
        Form::Date => dates(array)?,
        Form::Time => Arc::new(integers::<Time64MicrosecondType>(array, |us| {
            (0..DAY_US).contains(&us).then_some(us).ok_or_else(|| moment("24:00:00", "time"))
        })?),
        Form::Timestamp { utc } => {
            let moved = integers::<TimestampMicrosecondType>(array, timestamp)?;
            Arc::new(moved.with_timezone_opt(utc.then_some("UTC")))
        }
        Form::Decimal { precision, scale } => decimals(array, *precision, *scale)?,
        Form::Text => texts(ty, array, format),
        Form::List(item) => lists(item, ty, array, format)?,
    })
}

fn moment(value: &str, kind: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{value} has no place in a {kind} of Parquet"))
}

fn dates(array: &ArrayRef) -> Result<ArrayRef> {
    let days = array.as_primitive::<Int32Type>();
    let moved: Date32Array = days.try_unary::<_, Date32Type, Error>(|day| match day {
        i32::MAX => Err(moment("infinity", "date")),
        i32::MIN => Err(moment("-infinity", "date")),
        day => day.checked_add(EPOCH_DAYS).ok_or_else(|| moment("the value", "date")),
    })?;
    Ok(Arc::new(moved))
}

fn timestamp(us: i64) -> Result<i64> {
    match us {
        i64::MAX => Err(moment("infinity", "timestamp")),
        i64::MIN => Err(moment("-infinity", "timestamp")),
        us => us.checked_sub(UNIX_EPOCH_US).ok_or_else(|| moment("a time after the year 294246", "timestamp")),
    }
}

fn integers<T: ArrowPrimitiveType<Native = i64>>(
    array: &ArrayRef,
    to: impl Fn(i64) -> Result<i64>,
) -> Result<PrimitiveArray<T>> {
    array.as_primitive::<Int64Type>().try_unary(to)
}

fn decimals(array: &ArrayRef, precision: u8, scale: i8) -> Result<ArrayRef> {
    let limit = 10i128.pow(u32::from(precision));
    let reader = ColumnReader::new(Physical::Numeric, array);
    let mut made = Decimal128Builder::with_capacity(array.len());
    for row in 0..array.len() {
        match reader.get(row) {
            DatumRef::Numeric(number) => {
                let fits = decimal(number, scale as u16).filter(|n| (-limit + 1..limit).contains(n));
                made.append_value(fits.ok_or_else(|| not_decimal(number, precision, scale))?);
            }
            _ => made.append_null(),
        }
    }
    let typed = made.finish().with_precision_and_scale(precision, scale);
    Ok(Arc::new(typed.map_err(|e| Error::internal(e.to_string()))?))
}

fn not_decimal(number: NumericRef<'_>, precision: u8, scale: i8) -> Error {
    let mut text = Vec::new();
    number.write(&mut text);
    let text = String::from_utf8_lossy(&text);
    let message = format!("{text} has no place in a decimal({precision},{scale}) of Parquet");
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

/// The number as so many units of `10^-scale`, if it is that.
fn decimal(number: NumericRef<'_>, scale: u16) -> Option<i128> {
    let (mantissa, own) = number.small_parts()?;
    let power = 10i128.checked_pow(u32::from(scale.abs_diff(own)))?;
    match own <= scale {
        true => mantissa.checked_mul(power),
        false => (mantissa % power == 0).then_some(mantissa / power),
    }
}

fn texts(ty: SqlType, array: &ArrayRef, format: &FormatContext) -> ArrayRef {
    let reader = ColumnReader::new(ty.physical(), array);
    let mut made = StringViewBuilder::with_capacity(array.len());
    let mut text = Vec::new();
    for row in 0..array.len() {
        match reader.get(row) {
            DatumRef::Null => made.append_null(),
            value => {
                text.clear();
                types::write_text(&mut text, ty, value, format);
                made.append_value(std::str::from_utf8(&text).expect("output functions write UTF-8"));
            }
        }
    }
    Arc::new(made.finish())
}

fn lists(item: &Form, ty: SqlType, array: &ArrayRef, format: &FormatContext) -> Result<ArrayRef> {
    let element = ty.element().expect("only a type with elements becomes a list");
    let reader = ColumnReader::new(ty.physical(), array);
    let mut nulls = NullBufferBuilder::new(array.len());
    let mut offsets = Vec::with_capacity(array.len() + 1);
    let mut items = ColumnBuilder::new(element.physical(), array.len());
    offsets.push(0);
    for row in 0..array.len() {
        let value = reader.get(row);
        nulls.append(!value.is_null());
        if let DatumRef::Array(value) = value {
            if value.dimensions() > 1 {
                return Err(Error::unsupported("an array of more than one dimension in a list of Parquet"));
            }
            value.iter().for_each(|v| items.push(v));
        }
        let end = i32::try_from(items.len()).map_err(|_| {
            Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "there are too many elements for a list of Parquet")
        })?;
        offsets.push(end);
    }
    let items = convert(item, element, &items.finish(), format)?;
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(ListArray::new(item.item_field(), offsets, items, nulls.finish())))
}
