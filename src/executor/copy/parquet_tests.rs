//! Files written and read back with the library's own reader, type by type.

use super::parquet_file::ParquetFile;
use crate::base::{Error, SqlState};
use crate::types::{self, Batch, ColumnBuilder, Datum, FormatContext, SqlType, oid};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{LogicalType, Type as Stored};
use parquet::schema::types::TypePtr;

const NUMERIC_10_2: SqlType = SqlType::with_typmod(oid::NUMERIC, (10 << 16 | 2) + 4);

/// A column of values given by their text.
fn column(ty: SqlType, values: &[Option<&str>]) -> ArrayRef {
    let format = FormatContext::default();
    let mut made = ColumnBuilder::new(ty.physical(), values.len());
    for value in values {
        let value = value.map_or(Datum::Null, |v| types::parse_text(ty, v, &format).unwrap());
        made.push(value.as_ref());
    }
    made.finish()
}

fn file(columns: &[(&str, SqlType, ArrayRef)]) -> Result<Vec<u8>, Error> {
    let named = columns.iter().map(|(name, ty, _)| ((*name).to_owned(), *ty)).collect();
    let mut file = ParquetFile::new(named)?;
    let rows = columns[0].2.len();
    file.put(&Batch::new(columns.iter().map(|c| c.2.clone()).collect(), rows), &FormatContext::default())?;
    file.finish()?;
    Ok(file.taken())
}

fn read(file: Vec<u8>) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap();
    let (schema, reader) = (reader.schema().clone(), reader.build().unwrap());
    concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

fn fields(file: Vec<u8>) -> Vec<TypePtr> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap();
    reader.parquet_schema().root_schema().get_fields().to_vec()
}

/// The values read back, as Arrow prints them.
fn shown(ty: SqlType, values: &[&str]) -> Vec<String> {
    let given: Vec<Option<&str>> = values.iter().map(|v| Some(*v)).chain([None]).collect();
    let batch = read(file(&[("c", ty, column(ty, &given))]).unwrap());
    let printer = ArrayFormatter::try_new(batch.column(0), &FormatOptions::new()).unwrap();
    assert!(batch.column(0).is_null(values.len()), "NULL stays NULL");
    (0..values.len()).map(|row| printer.value(row).to_string()).collect()
}

fn trouble(ty: SqlType, value: &str) -> (SqlState, String) {
    let e = file(&[("c", ty, column(ty, &[None, Some(value)]))]).unwrap_err();
    assert!(e.fields().hint.is_some());
    (e.code(), e.message().to_owned())
}

#[test]
fn numbers_read_back() {
    let same = |oid, values: &[&str]| assert_eq!(shown(SqlType::of(oid), values), values);
    same(oid::BOOL, &["true", "false"]);
    same(oid::INT2, &["-32768", "32767"]);
    same(oid::INT4, &["-2147483648", "2147483647"]);
    same(oid::INT8, &["-9223372036854775808", "9223372036854775807"]);
    same(oid::OID, &["0", "4294967295"]);
    same(oid::XID, &["4294967295"]);
    same(oid::FLOAT4, &["1.5", "-0.25", "NaN", "inf"]);
    same(oid::FLOAT8, &["5e-324", "-0.1", "NaN", "-inf"]);
    assert_eq!(
        shown(NUMERIC_10_2, &["99999999.99", "-99999999.99", "0", "1.5"]),
        ["99999999.99", "-99999999.99", "0.00", "1.50"]
    );
    let nines = "9".repeat(38);
    assert_eq!(shown(SqlType::with_typmod(oid::NUMERIC, (38 << 16) + 4), &[&nines]), [nines.as_str()]);
    let small = SqlType::with_typmod(oid::NUMERIC, types::typmod_in(oid::NUMERIC, &[2, 5]).unwrap());
    assert_eq!(shown(small, &["0.00012", "-0.00099"]), ["0.00012", "-0.00099"]);
    let large = SqlType::with_typmod(oid::NUMERIC, types::typmod_in(oid::NUMERIC, &[2, -3]).unwrap());
    assert_eq!(shown(large, &["12345", "-99000"]), ["12000", "-99000"]);
    // Without a precision, or with one beyond a decimal's, they are text.
    same(oid::NUMERIC, &["1.500", "NaN", "-Infinity", "123456789012345678901234567890123456789012345678.9"]);
    let wide = SqlType::with_typmod(oid::NUMERIC, (39 << 16 | 1) + 4);
    assert_eq!(shown(wide, &["1.0", "NaN"]), ["1.0", "NaN"]);
}

#[test]
fn text_and_bytes_read_back() {
    let long = "h\u{e9}llo, ".repeat(100);
    for oid in [oid::TEXT, oid::VARCHAR, oid::BIT, oid::JSON] {
        let value = match oid {
            oid::BIT => "0101",
            oid::JSON => "{\"a\": [1, null]}",
            _ => &long,
        };
        assert_eq!(shown(SqlType::of(oid), &[value]), [value]);
    }
    assert_eq!(shown(SqlType::of(oid::NAME), &["a name"]), ["a name"]);
    assert_eq!(shown(SqlType::of(oid::CHAR), &["a", "\\377"]), ["a", "\\377"]);
    assert_eq!(shown(SqlType::with_typmod(oid::BPCHAR, 8), &["ab"]), ["ab  "]);
    assert_eq!(shown(SqlType::of(oid::BYTEA), &["\\x00ff41", "\\x"]), ["00ff41", ""]);
    let uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    assert_eq!(shown(SqlType::of(oid::UUID), &[uuid]), [uuid.replace('-', "")]);
    assert_eq!(shown(SqlType::of(oid::REGTYPE), &["23"]), ["23"]);
    assert_eq!(shown(SqlType::of(oid::TID), &["(1,2)"]), ["(1,2)"]);
}

#[test]
fn times_read_back() {
    let of = |oid, values: &[&str]| shown(SqlType::of(oid), values);
    assert_eq!(of(oid::DATE, &["2000-01-01", "1969-12-31", "0001-01-01"]), ["2000-01-01", "1969-12-31", "0001-01-01"]);
    assert_eq!(of(oid::TIME, &["00:00", "23:59:59.999999"]), ["00:00:00", "23:59:59.999999"]);
    assert_eq!(of(oid::TIMETZ, &["24:00:00+15:59", "01:02:03-04"]), ["24:00:00+15:59", "01:02:03-04"]);
    assert_eq!(
        of(oid::TIMESTAMP, &["1998-12-01 12:00:00.000001", "4713-01-01 00:00:00 BC"]),
        ["1998-12-01T12:00:00.000001", "-4712-01-01T00:00:00"]
    );
    let moment = column(SqlType::of(oid::TIMESTAMPTZ), &[Some("1970-01-01 00:00:01-05"), None]);
    let batch = read(file(&[("t", SqlType::of(oid::TIMESTAMPTZ), moment)]).unwrap());
    let moment = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    assert_eq!((moment.timezone(), moment.value(0), moment.is_null(1)), (Some("UTC"), 18_001_000_000, true));
    let intervals = of(oid::INTERVAL, &["1 year 2 mons -3 days 04:05:06.789", "-00:00:00.000001"]);
    assert_eq!(intervals, ["@ 1 year 2 mons -3 days 4 hours 5 mins 6.789 secs", "@ 0.000001 secs ago"]);
    // The first and the last that either side has.
    let days = column(SqlType::of(oid::DATE), &[Some("4714-11-24 BC"), Some("5874897-12-31")]);
    let batch = read(file(&[("d", SqlType::of(oid::DATE), days)]).unwrap());
    assert_eq!(
        batch.column(0).as_primitive::<Date32Type>().values()[..],
        [-2_451_545 + 10_957, 2_145_031_948 + 10_957]
    );
    let last = column(SqlType::of(oid::TIMESTAMP), &[Some("294247-01-10 04:00:54.775807"), Some("4714-11-24 BC")]);
    let batch = read(file(&[("t", SqlType::of(oid::TIMESTAMP), last)]).unwrap());
    let read = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    assert_eq!(read.values()[..], [i64::MAX, -210_866_803_200_000_000]);
}

#[test]
fn arrays_become_lists() {
    let of = |oid, values: &[&str]| shown(SqlType::of(oid), values);
    assert_eq!(of(oid::INT4_ARRAY, &["{1,NULL,3}", "{}", "[0:1]={4,5}"]), ["[1, , 3]", "[]", "[4, 5]"]);
    assert_eq!(of(oid::TEXT_ARRAY, &["{a,NULL,\"longer than a view holds\"}"]), ["[a, , longer than a view holds]"]);
    let dates = types::array_of(oid::DATE).unwrap();
    assert_eq!(of(dates, &["{2000-01-02}"]), ["[2000-01-02]"]);
    let intervals = types::array_of(oid::INTERVAL).unwrap();
    assert_eq!(of(intervals, &["{1 day}"]), ["[@ 1 day]"]);
    let money = SqlType::with_typmod(oid::NUMERIC_ARRAY, NUMERIC_10_2.typmod);
    assert_eq!(shown(money, &["{1.5,-2}"]), ["[1.50, -2.00]"]);
    let uuids = SqlType::of(types::array_of(oid::UUID).unwrap());
    assert_eq!(shown(uuids, &["{}"]), ["[]"]);
    assert_eq!(of(oid::INT2VECTOR, &["1 2"]), ["[1, 2]"]);
    let vectors = types::array_of(oid::INT2VECTOR).unwrap();
    assert_eq!(of(vectors, &["{1 2,3}"]), ["{\"1 2\",3}"]);
    let (code, text) = trouble(SqlType::of(oid::INT4_ARRAY), "{{1},{2}}");
    assert_eq!(code, SqlState::FEATURE_NOT_SUPPORTED);
    assert_eq!(text, "column \"c\": an array of more than one dimension in a list of Parquet is not supported");
}

#[test]
fn what_has_no_place_is_an_error() {
    let of = |oid, value| trouble(SqlType::of(oid), value);
    let overflow = |text: &str| (SqlState::DATETIME_FIELD_OVERFLOW, format!("column \"c\": {text}"));
    assert_eq!(of(oid::DATE, "infinity"), overflow("infinity has no place in a date of Parquet"));
    assert_eq!(of(oid::DATE, "-infinity"), overflow("-infinity has no place in a date of Parquet"));
    assert_eq!(of(oid::TIMESTAMP, "infinity"), overflow("infinity has no place in a timestamp of Parquet"));
    assert_eq!(of(oid::TIMESTAMPTZ, "-infinity"), overflow("-infinity has no place in a timestamp of Parquet"));
    let late = overflow("a time after the year 294246 has no place in a timestamp of Parquet");
    assert_eq!(of(oid::TIMESTAMP, "294247-01-10 04:00:54.775808"), late);
    assert_eq!(of(oid::TIME, "24:00"), overflow("24:00:00 has no place in a time of Parquet"));
    let (code, text) = trouble(NUMERIC_10_2, "NaN");
    assert_eq!(code, SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
    assert_eq!(text, "column \"c\": NaN has no place in a decimal(10,2) of Parquet");
    let dates = types::array_of(oid::DATE).unwrap();
    assert_eq!(of(dates, "{2000-01-01,infinity}"), overflow("infinity has no place in a date of Parquet"));
}

#[test]
fn types_are_parquets_own() {
    let uuids = SqlType::of(types::array_of(oid::UUID).unwrap());
    let wide = SqlType::with_typmod(oid::NUMERIC, (20 << 16 | 4) + 4);
    let types = [
        (SqlType::of(oid::INT2), Stored::INT32),
        (SqlType::of(oid::OID), Stored::INT32),
        (SqlType::with_typmod(oid::NUMERIC, (9 << 16 | 2) + 4), Stored::INT32),
        (NUMERIC_10_2, Stored::INT64),
        (wide, Stored::FIXED_LEN_BYTE_ARRAY),
        (SqlType::of(oid::TEXT), Stored::BYTE_ARRAY),
        (SqlType::of(oid::JSON), Stored::BYTE_ARRAY),
        (SqlType::of(oid::UUID), Stored::FIXED_LEN_BYTE_ARRAY),
        (SqlType::of(oid::TIMESTAMP), Stored::INT64),
        (SqlType::of(oid::TIMESTAMPTZ), Stored::INT64),
    ];
    let columns = types.map(|(ty, _)| (format!("{}/{}", ty.oid.0, ty.typmod), ty));
    let columns: Vec<_> = columns.iter().map(|(name, ty)| (name.as_str(), *ty, column(*ty, &[None]))).collect();
    let fields_read = fields(file(&columns).unwrap());
    for (field, (ty, stored)) in fields_read.iter().zip(types) {
        assert_eq!(field.get_physical_type(), stored, "{ty:?}");
        assert!(field.is_optional());
    }
    let logical: Vec<_> = fields_read.iter().map(|f| f.get_basic_info().logical_type_ref().cloned()).collect();
    use parquet::basic::TimeUnit::MICROS;
    assert_eq!(
        logical,
        [
            Some(LogicalType::integer(16, true)),
            Some(LogicalType::integer(32, false)),
            Some(LogicalType::decimal(2, 9)),
            Some(LogicalType::decimal(2, 10)),
            Some(LogicalType::decimal(4, 20)),
            Some(LogicalType::String),
            Some(LogicalType::Json),
            Some(LogicalType::Uuid),
            Some(LogicalType::timestamp(false, MICROS)),
            Some(LogicalType::timestamp(true, MICROS)),
        ]
    );
    let list = &fields(file(&[("u", uuids, column(uuids, &[None]))]).unwrap())[0];
    assert_eq!(list.get_basic_info().logical_type_ref(), Some(&LogicalType::List));
    assert_eq!(list.get_fields()[0].name(), "list");
    let element = &list.get_fields()[0].get_fields()[0];
    assert_eq!((element.name(), element.get_physical_type()), ("element", Stored::FIXED_LEN_BYTE_ARRAY));
}

#[test]
fn many_rows_make_groups_that_leave_early() {
    let mut out =
        ParquetFile::new(vec![("n".into(), SqlType::of(oid::INT4)), ("t".into(), SqlType::of(oid::TEXT))]).unwrap();
    let (mut bytes, mut early) = (Vec::new(), 0);
    for from in (0..300_000).step_by(1000) {
        let (mut numbers, mut texts) = (
            ColumnBuilder::new(SqlType::of(oid::INT4).physical(), 1000),
            ColumnBuilder::new(SqlType::of(oid::TEXT).physical(), 1000),
        );
        for n in from..from + 1000 {
            numbers.push(Datum::Int4(n).as_ref());
            texts.push_text(&format!("row {n}"));
        }
        out.put(&Batch::new(vec![numbers.finish(), texts.finish()], 1000), &FormatContext::default()).unwrap();
        bytes.extend(out.taken());
        early = bytes.len();
    }
    out.finish().unwrap();
    bytes.extend(out.taken());
    assert!(early > bytes.len() / 2, "{early} of {} bytes came before the end", bytes.len());
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes.clone())).unwrap();
    let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|g| g.num_rows()).collect();
    assert_eq!(groups, [131_072, 131_072, 37_856]);
    let batch = read(bytes);
    let numbers = batch.column(0).as_primitive::<Int32Type>();
    assert!(numbers.values().iter().copied().eq(0..300_000));
    assert_eq!(batch.column(1).as_string::<i32>().value(299_999), "row 299999");
}

#[test]
fn names_are_told_apart_and_there_is_one() {
    let int = SqlType::of(oid::INT4);
    let of = |names: &[&str]| {
        ParquetFile::new(names.iter().map(|n| ((*n).to_owned(), int)).collect()).err().map(|e| e.code())
    };
    assert_eq!(of(&["a", "b", "a"]), Some(SqlState::DUPLICATE_COLUMN));
    assert_eq!(of(&[]), Some(SqlState::FEATURE_NOT_SUPPORTED));
    assert_eq!(of(&["a", "A"]), None);
    // No rows make a file all the same.
    let empty = read(file(&[("a", int, column(int, &[]))]).unwrap());
    assert_eq!((empty.num_rows(), empty.schema().field(0).name().as_str()), (0, "a"));
}
