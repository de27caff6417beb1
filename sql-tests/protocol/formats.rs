//! Text and binary forms of the types: the bytes are PostgreSQL's.

use super::{code, first, rows};
use crate::harness::Target;
use crate::harness::message::{Binding, bind, describe, execute, parse, sync};

/// Type, its OID, the text of a value, its binary form in hexadecimal.
const VALUES: &[(&str, u32, &str, &str)] = &[
    ("bool", 16, "t", "01"),
    ("bool", 16, "f", "00"),
    ("int2", 21, "-32768", "8000"),
    ("int2", 21, "7", "0007"),
    ("int4", 23, "-2147483648", "80000000"),
    ("int4", 23, "65536", "00010000"),
    ("int8", 20, "9223372036854775807", "7fffffffffffffff"),
    ("int8", 20, "-1", "ffffffffffffffff"),
    ("float4", 700, "1.5", "3fc00000"),
    ("float4", 700, "-Infinity", "ff800000"),
    ("float4", 700, "NaN", "7fc00000"),
    ("float8", 701, "0.1", "3fb999999999999a"),
    ("float8", 701, "-1e+300", "fe37e43c8800759c"),
    ("float8", 701, "Infinity", "7ff0000000000000"),
    ("numeric", 1700, "0", "0000000000000000"),
    ("numeric", 1700, "-1.10", "0002000040000002000103e8"),
    ("numeric", 1700, "12345678901234567890.0123456789", "000800040000000a04d2162e23340d801ed2007b11d722c4"),
    ("numeric", 1700, "NaN", "00000000c0000000"),
    ("numeric", 1700, "Infinity", "00000000d0000020"),
    ("numeric", 1700, "0.00000000000000000001", "0001fffb000000140001"),
    ("numeric", 1700, "100000000", "00010002000000000001"),
    ("text", 25, "", ""),
    ("text", 25, "héllo", "68c3a96c6c6f"),
    ("text", 25, "a\nb", "610a62"),
    ("varchar(9)", 1043, "short", "73686f7274"),
    ("char(6)", 1042, "ab    ", "616220202020"),
    ("bytea", 17, "\\x", ""),
    ("bytea", 17, "\\x00ff10", "00ff10"),
    ("date", 1082, "2024-02-29", "00002279"),
    ("date", 1082, "infinity", "7fffffff"),
    ("date", 1082, "4713-01-01 BC", "ffda97cd"),
    ("date", 1082, "1999-12-31", "ffffffff"),
    ("time", 1083, "12:34:56.789", "0000000a8be62608"),
    ("time", 1083, "24:00:00", "000000141dd76000"),
    ("time", 1083, "00:00:00", "0000000000000000"),
    ("timestamp", 1114, "2024-02-29 12:34:56.789", "0002b58341728608"),
    ("timestamp", 1114, "-infinity", "8000000000000000"),
    ("timestamp", 1114, "1969-07-20 20:17:40", "fffc96188bae6100"),
    ("timestamptz", 1184, "2024-02-29 12:34:56+00", "0002b58341667c00"),
    ("timestamptz", 1184, "infinity", "7fffffffffffffff"),
    ("interval", 1186, "1 year 2 mons 3 days 04:05:06.7", "000000036c966ee0000000030000000e"),
    ("interval", 1186, "-00:00:01", "fffffffffff0bdc00000000000000000"),
    ("interval", 1186, "-5 days", "0000000000000000fffffffb00000000"),
    ("uuid", 2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
    ("int4[]", 1007, "{1,NULL,-3}", "00000001000000010000001700000003000000010000000400000001ffffffff00000004fffffffd"),
    ("int4[]", 1007, "{}", "000000000000000000000017"),
    ("int4[]", 1007, "[0:1]={5,6}", "000000010000000000000017000000020000000000000004000000050000000400000006"),
    (
        "text[]",
        1009,
        "{a,\"b c\",NULL,\"\"}",
        "0000000100000001000000190000000400000001000000016100000003622063ffffffff00000000",
    ),
    (
        "numeric[]",
        1231,
        "{1.50,NaN}",
        "0000000100000000000006a400000002000000010000000c0002000000000002000113880000000800000000c0000000",
    ),
    ("bool[]", 1000, "{t,f}", "000000010000000000000010000000020000000100000001010000000100"),
    ("date[]", 1182, "{2024-01-01}", "00000001000000000000043a0000000100000001000000040000223e"),
    (
        "uuid[]",
        2951,
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
        "000000010000000000000b86000000010000000100000010a0eebc999c0b4ef8bb6d6bb9bd380a11",
    ),
    (
        "interval[]",
        1187,
        "{01:00:00}",
        "0000000100000000000004a200000001000000010000001000000000d693a4000000000000000000",
    ),
    ("bytea[]", 1001, "{\"\\\\x01\"}", "00000001000000000000001100000001000000010000000101"),
    (
        "float8[]",
        1022,
        "{0.5,-2}",
        "0000000100000000000002bd0000000200000001000000083fe000000000000000000008c000000000000000",
    ),
    ("varchar[]", 1015, "{x,y}", "000000010000000000000413000000020000000100000001780000000179"),
    (
        "timestamptz[]",
        1185,
        "{\"2024-01-01 00:00:00+00\"}",
        "0000000100000000000004a00000000100000001000000080002b0d5d4e94000",
    ),
    ("int2[]", 1005, "{1}", "0000000100000000000000150000000100000001000000020001"),
    ("int8[]", 1016, "{2}", "0000000100000000000000140000000100000001000000080000000000000002"),
    ("float4[]", 1021, "{0.25}", "0000000100000000000002bc0000000100000001000000043e800000"),
    ("char(3)[]", 1014, "{\"a  \"}", "000000010000000000000412000000010000000100000003612020"),
    ("time[]", 1183, "{01:02:03}", "00000001000000000000043b00000001000000010000000800000000dde878c0"),
    (
        "timestamp[]",
        1115,
        "{\"2024-01-01 00:00:00\"}",
        "00000001000000000000045a0000000100000001000000080002b0d5d4e94000",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn every_type_goes_both_ways_in_both_formats() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("SET TIME ZONE 'UTC'");
    for &(name, oid, text, hex) in VALUES {
        let binary = bytes(hex);
        let sql = format!("SELECT $1::{name}");
        for (value, format) in [(text.as_bytes(), 0), (&binary, 1)] {
            for result in [0, 1] {
                let (values, formats, results) = ([Some(value)], [format], [result]);
                let with = Binding { formats: &formats, values: &values, results: &results };
                let steps = [parse("", &sql, &[]), bind("", "", &with), describe(b'P', ""), execute("", 0), sync()];
                let messages = client.exchange(&steps.concat()).unwrap();
                let shown = format!("{name} {text} {format} {result}");
                assert!(messages.iter().all(|m| m.kind != b'E'), "{shown}: {}", code(&messages));
                let column = &first(&messages, b'T').columns()[0];
                assert_eq!((column.ty, column.format), (oid, result), "{shown}");
                let expected = if result == 0 { text.as_bytes() } else { &binary };
                let got = first(&messages, b'D').values().remove(0).unwrap();
                assert_eq!(got, expected, "{shown}: {}", String::from_utf8_lossy(&got));
            }
        }
    }
}

#[test]
fn values_are_stored_as_they_came() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("SET TIME ZONE 'UTC'");
    for (i, &(name, _, text, hex)) in VALUES.iter().enumerate() {
        client.run(&format!("CREATE TABLE t{i} (v {name})"));
        let value = bytes(hex);
        let values = [Some(&value[..])];
        let with = Binding { formats: &[1], values: &values, results: &[] };
        let insert = format!("INSERT INTO t{i} VALUES ($1)");
        let messages =
            client.exchange(&[parse("", &insert, &[]), bind("", "", &with), execute("", 0), sync()].concat());
        assert_eq!(super::kinds(&messages.unwrap()), "12CZ", "{name} {text}");
        assert_eq!(client.rows(&format!("SELECT v FROM t{i}")), [text], "{name}");
    }
}

#[test]
fn formats_are_chosen_for_each_column() {
    let target = Target::fresh();
    let mut client = target.connect();
    let values = [Some(&b"\x00\x00\x00\x05"[..]), Some(b"6"), None];
    let with = Binding { formats: &[1, 0, 0], values: &values, results: &[0, 1, 1] };
    let steps = [parse("", "SELECT $1::int, $2::int, $3::int", &[]), bind("", "", &with), execute("", 0), sync()];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(first(&messages, b'D').values(), [Some(b"5".to_vec()), Some(vec![0, 0, 0, 6]), None]);
}

#[test]
fn malformed_binary_values_are_refused() {
    let target = Target::fresh();
    let mut client = target.connect();
    for (name, value, expected) in [
        ("int4", &b"\x00"[..], "08P01"),
        ("int4", b"\x00\x00\x00\x00\x00", "22P03"),
        ("bool", b"", "08P01"),
        ("float8", b"\x00\x00\x00\x00", "08P01"),
        ("uuid", b"short", "08P01"),
        ("text", b"\xff\xfe", "22021"),
        ("text", b"a\x00b", "22021"),
        ("numeric", b"\x00\x01", "08P01"),
        ("numeric", b"\x7f\xff\x00\x00\x00\x00\x00\x00", "08P01"),
        ("numeric", b"\x00\x01\x00\x00\x00\x00\x00\x00\x27\x10", "22P03"),
        ("numeric", b"\x00\x00\x00\x00\x12\x34\x00\x00", "22P03"),
        ("time", b"\x7f\xff\xff\xff\xff\xff\xff\xff", "22008"),
        ("int4[]", b"\x00\x00\x00\x01", "08P01"),
        ("int4[]", b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x17\x7f\xff\xff\xff\x00\x00\x00\x01", "54000"),
        ("int4[]", b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x19\x00\x00\x00\x00\x00\x00\x00\x01", "42804"),
        ("int4[]", b"\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x17", "54000"),
        ("int4[]", b"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x17", "22P03"),
    ] {
        let values = [Some(value)];
        let with = Binding { formats: &[1], values: &values, results: &[] };
        let sql = format!("SELECT $1::{name}");
        let messages = client.exchange(&[parse("", &sql, &[]), bind("", "", &with), execute("", 0), sync()].concat());
        assert_eq!(code(&messages.unwrap()), expected, "{name} {value:?}");
    }
    let steps = [parse("", "SELECT 1", &[]), bind("", "", &Binding::default()), execute("", 0), sync()];
    assert_eq!(rows(&client.exchange(&steps.concat()).unwrap()), ["1"]);
}
