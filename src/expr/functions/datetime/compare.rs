//! Comparisons across date and timestamp types, three-way comparisons, OVERLAPS, and the bounds of RANGE frames.
//!
//! A date is its midnight, a local timestamp its moment in the session's zone. What is out of range there lies between
//! every finite value and infinity, so that a comparison never fails.

use super::super::convert::{FromDatum, kernels};
use super::super::f;
use super::super::vector::test2;
use super::session_zone;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::{Column, Row};
use crate::expr::value::Value;
use crate::types::datetime::arith::*;
use crate::types::datetime::unpack_timetz;
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, Interval, TimeZone};
use arrow_array::ArrayRef;
use std::cmp::Ordering;

fn date_utc(date: i32, zone: &TimeZone) -> i64 {
    timestamp_to_utc_wide(date_to_timestamp_wide(date), zone)
}

/// The six tests and the comparison of a pair of types, and of the pair turned around. `$key` makes both sides integers.
macro_rules! across {
    ($(
        $module:ident, $turned:ident: $a:ty, $b:ty, |$zone:ident| $left:expr, $right:expr;
    )*) => {
        $(
            mod $module {
                use super::*;
                pub fn order(cx: &EvalContext<'_>, a: $a, b: $b) -> Ordering {
                    let $zone = session_zone(cx);
                    let (left, right): (fn($a, &TimeZone) -> i64, fn($b, &TimeZone) -> i64) = ($left, $right);
                    left(a, $zone).cmp(&right(b, $zone))
                }
                across!(@tests $a, $b, order);
            }
            mod $turned {
                use super::*;
                fn order(cx: &EvalContext<'_>, a: $b, b: $a) -> Ordering {
                    super::$module::order(cx, b, a).reverse()
                }
                across!(@tests $b, $a, order);
            }
        )*
    };
    (@tests $a:ty, $b:ty, $order:ident) => {
        across!(@test $a, $b, $order, eq, eqs, is_eq);
        across!(@test $a, $b, $order, ne, nes, is_ne);
        across!(@test $a, $b, $order, lt, lts, is_lt);
        across!(@test $a, $b, $order, le, les, is_le);
        across!(@test $a, $b, $order, gt, gts, is_gt);
        across!(@test $a, $b, $order, ge, ges, is_ge);
        pub fn cmp(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
            Ok(Datum::Int4($order(cx, <$a>::from_datum(a[0]), <$b>::from_datum(a[1])) as i32))
        }
    };
    (@test $a:ty, $b:ty, $order:ident, $one:ident, $many:ident, $holds:ident) => {
        pub fn $one(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
            Ok(Datum::Bool($order(cx, <$a>::from_datum(a[0]), <$b>::from_datum(a[1])).$holds()))
        }
        pub fn $many(cx: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
            let cx = &*cx;
            Ok(test2::<$a, $b>(a, rows, |x, y| $order(cx, x, y).$holds()))
        }
    };
}

across! {
    date_ts, ts_date: i32, i64, |zone| |d, _| date_to_timestamp_wide(d), |t, _| t;
    date_tstz, tstz_date: i32, i64, |zone| date_utc, |t, _| t;
    ts_tstz, tstz_ts: i64, i64, |zone| timestamp_to_utc_wide, |t, _| t;
}

/// `(s1, e1) OVERLAPS (s2, e2)` with NULLs as the standard has them: an end may be missing, and ends may be swapped.
fn overlap(s1: Option<i64>, e1: Option<i64>, s2: Option<i64>, e2: Option<i64>) -> Option<bool> {
    let ordered = |start: Option<i64>, end: Option<i64>| match (start, end) {
        (Some(s), Some(e)) => Some((s.min(e), Some(s.max(e)))),
        (Some(one), None) | (None, Some(one)) => Some((one, None)),
        (None, None) => None,
    };
    let (first, second) = (ordered(s1, e1)?, ordered(s2, e2)?);
    match first.0.cmp(&second.0) {
        Ordering::Equal => first.1.and(second.1).map(|_| true),
        order => {
            // The later start against the other's end.
            let (later, earlier) = if order.is_gt() { (first, second) } else { (second, first) };
            if later.0 < earlier.1? { Some(true) } else { later.1.map(|_| false) }
        }
    }
}

type Add = fn(i64, Interval, &TimeZone) -> Result<i64>;

fn add_local(timestamp: i64, interval: Interval, _: &TimeZone) -> Result<i64> {
    add_interval(timestamp, interval)
}

fn add_clock(time: i64, interval: Interval, _: &TimeZone) -> Result<i64> {
    Ok(add_to_time(time, interval))
}

/// The end of a period: given, or its start and a length.
fn end(start: Option<i64>, end: DatumRef<'_>, add: Add, zone: &TimeZone) -> Result<Option<i64>> {
    match (start, end) {
        (_, DatumRef::Int8(end)) => Ok(Some(end)),
        (Some(start), DatumRef::Interval(length)) => add(start, length, zone).map(Some),
        _ => Ok(None),
    }
}

fn overlaps_by(cx: &EvalContext<'_>, a: &[DatumRef<'_>], add: Add) -> Result<Datum> {
    let zone = session_zone(cx);
    let (s1, s2) = (Option::<i64>::from_datum(a[0]), Option::<i64>::from_datum(a[2]));
    let answer = overlap(s1, end(s1, a[1], add, zone)?, s2, end(s2, a[3], add, zone)?);
    Ok(answer.map_or(Datum::Null, Datum::Bool))
}

fn overlaps(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    overlaps_by(cx, a, add_local)
}

fn overlaps_in_zone(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    overlaps_by(cx, a, add_interval_in_zone)
}

fn overlaps_clock(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    overlaps_by(cx, a, add_clock)
}

fn check_offset(offset: Interval) -> Result<()> {
    if offset < Interval::ZERO {
        let message = "invalid preceding or following size in window function";
        return Err(Error::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, message));
    }
    Ok(())
}

fn in_range(value: i64, bound: i64, less: bool) -> bool {
    if less { value <= bound } else { value >= bound }
}

fn signed(offset: Interval, subtract: bool) -> Interval {
    if subtract { offset.negated() } else { offset }
}

/// Times do not go around here.
fn clock_in_range(value: i64, base: i64, offset: Interval, subtract: bool, less: bool) -> bool {
    let bound = if subtract { base.checked_sub(offset.micros) } else { base.checked_add(offset.micros) };
    match bound {
        Some(bound) => in_range(value, bound, less),
        None => less,
    }
}

kernels! {
    fn date_cmp(a: i32, b: i32) -> i32 {
        Ok(a.cmp(&b) as i32)
    }

    fn int8_cmp(a: i64, b: i64) -> i32 {
        Ok(a.cmp(&b) as i32)
    }

    fn interval_cmp(a: Interval, b: Interval) -> i32 {
        Ok(a.cmp(&b) as i32)
    }

    fn date_larger(a: i32, b: i32) -> i32 {
        Ok(a.max(b))
    }

    fn date_smaller(a: i32, b: i32) -> i32 {
        Ok(a.min(b))
    }

    fn int8_larger(a: i64, b: i64) -> i64 {
        Ok(a.max(b))
    }

    fn int8_smaller(a: i64, b: i64) -> i64 {
        Ok(a.min(b))
    }

    fn interval_larger(a: Interval, b: Interval) -> Interval {
        Ok(if a > b { a } else { b })
    }

    fn interval_smaller(a: Interval, b: Interval) -> Interval {
        Ok(if a < b { a } else { b })
    }

    fn date_in_range(value: i32, base: i32, offset: Interval, subtract: bool, less: bool) -> bool {
        check_offset(offset)?;
        let bound = add_interval(date_to_timestamp(base)?, signed(offset, subtract))?;
        Ok(in_range(date_to_timestamp(value)?, bound, less))
    }

    fn timestamp_in_range(value: i64, base: i64, offset: Interval, subtract: bool, less: bool) -> bool {
        check_offset(offset)?;
        Ok(in_range(value, add_interval(base, signed(offset, subtract))?, less))
    }

    fn timestamptz_in_range[cx](value: i64, base: i64, offset: Interval, subtract: bool, less: bool) -> bool {
        check_offset(offset)?;
        Ok(in_range(value, add_interval_in_zone(base, signed(offset, subtract), session_zone(cx))?, less))
    }

    fn interval_in_range(value: Interval, base: Interval, offset: Interval, subtract: bool, less: bool) -> bool {
        check_offset(offset)?;
        let bound = if subtract { base.checked_sub(offset)? } else { base.checked_add(offset)? };
        Ok(if less { value <= bound } else { value >= bound })
    }

    fn time_in_range(value: i64, base: i64, offset: Interval, subtract: bool, less: bool) -> bool {
        check_offset(offset)?;
        Ok(clock_in_range(value, base, offset, subtract, less))
    }

    fn timetz_in_range(value: i64, base: i64, offset: Interval, subtract: bool, less: bool) -> bool {
        check_offset(offset)?;
        let utc = |packed| {
            let (micros, west) = unpack_timetz(packed);
            micros + i64::from(west) * 1_000_000
        };
        let west = |packed| unpack_timetz(packed).1;
        let bound = if subtract { utc(base).checked_sub(offset.micros) } else { utc(base).checked_add(offset.micros) };
        Ok(match bound {
            None => less,
            Some(bound) => {
                let order = utc(value).cmp(&bound).then(west(value).cmp(&west(base)));
                if less { order.is_le() } else { order.is_ge() }
            }
        })
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(2338, "date_lt_timestamp", &[DATE, TIMESTAMP], BOOL, Column(date_ts::lt, date_ts::lts)),
    f(2339, "date_le_timestamp", &[DATE, TIMESTAMP], BOOL, Column(date_ts::le, date_ts::les)),
    f(2340, "date_eq_timestamp", &[DATE, TIMESTAMP], BOOL, Column(date_ts::eq, date_ts::eqs)),
    f(2341, "date_gt_timestamp", &[DATE, TIMESTAMP], BOOL, Column(date_ts::gt, date_ts::gts)),
    f(2342, "date_ge_timestamp", &[DATE, TIMESTAMP], BOOL, Column(date_ts::ge, date_ts::ges)),
    f(2343, "date_ne_timestamp", &[DATE, TIMESTAMP], BOOL, Column(date_ts::ne, date_ts::nes)),
    f(2344, "date_cmp_timestamp", &[DATE, TIMESTAMP], INT4, Row(date_ts::cmp)),
    f(2351, "date_lt_timestamptz", &[DATE, TIMESTAMPTZ], BOOL, Column(date_tstz::lt, date_tstz::lts)).stable(),
    f(2352, "date_le_timestamptz", &[DATE, TIMESTAMPTZ], BOOL, Column(date_tstz::le, date_tstz::les)).stable(),
    f(2353, "date_eq_timestamptz", &[DATE, TIMESTAMPTZ], BOOL, Column(date_tstz::eq, date_tstz::eqs)).stable(),
    f(2354, "date_gt_timestamptz", &[DATE, TIMESTAMPTZ], BOOL, Column(date_tstz::gt, date_tstz::gts)).stable(),
    f(2355, "date_ge_timestamptz", &[DATE, TIMESTAMPTZ], BOOL, Column(date_tstz::ge, date_tstz::ges)).stable(),
    f(2356, "date_ne_timestamptz", &[DATE, TIMESTAMPTZ], BOOL, Column(date_tstz::ne, date_tstz::nes)).stable(),
    f(2357, "date_cmp_timestamptz", &[DATE, TIMESTAMPTZ], INT4, Row(date_tstz::cmp)).stable(),
    f(2364, "timestamp_lt_date", &[TIMESTAMP, DATE], BOOL, Column(ts_date::lt, ts_date::lts)),
    f(2365, "timestamp_le_date", &[TIMESTAMP, DATE], BOOL, Column(ts_date::le, ts_date::les)),
    f(2366, "timestamp_eq_date", &[TIMESTAMP, DATE], BOOL, Column(ts_date::eq, ts_date::eqs)),
    f(2367, "timestamp_gt_date", &[TIMESTAMP, DATE], BOOL, Column(ts_date::gt, ts_date::gts)),
    f(2368, "timestamp_ge_date", &[TIMESTAMP, DATE], BOOL, Column(ts_date::ge, ts_date::ges)),
    f(2369, "timestamp_ne_date", &[TIMESTAMP, DATE], BOOL, Column(ts_date::ne, ts_date::nes)),
    f(2370, "timestamp_cmp_date", &[TIMESTAMP, DATE], INT4, Row(ts_date::cmp)),
    f(2377, "timestamptz_lt_date", &[TIMESTAMPTZ, DATE], BOOL, Column(tstz_date::lt, tstz_date::lts)).stable(),
    f(2378, "timestamptz_le_date", &[TIMESTAMPTZ, DATE], BOOL, Column(tstz_date::le, tstz_date::les)).stable(),
    f(2379, "timestamptz_eq_date", &[TIMESTAMPTZ, DATE], BOOL, Column(tstz_date::eq, tstz_date::eqs)).stable(),
    f(2380, "timestamptz_gt_date", &[TIMESTAMPTZ, DATE], BOOL, Column(tstz_date::gt, tstz_date::gts)).stable(),
    f(2381, "timestamptz_ge_date", &[TIMESTAMPTZ, DATE], BOOL, Column(tstz_date::ge, tstz_date::ges)).stable(),
    f(2382, "timestamptz_ne_date", &[TIMESTAMPTZ, DATE], BOOL, Column(tstz_date::ne, tstz_date::nes)).stable(),
    f(2383, "timestamptz_cmp_date", &[TIMESTAMPTZ, DATE], INT4, Row(tstz_date::cmp)).stable(),
    f(2520, "timestamp_lt_timestamptz", &[TIMESTAMP, TIMESTAMPTZ], BOOL, Column(ts_tstz::lt, ts_tstz::lts)).stable(),
    f(2521, "timestamp_le_timestamptz", &[TIMESTAMP, TIMESTAMPTZ], BOOL, Column(ts_tstz::le, ts_tstz::les)).stable(),
    f(2522, "timestamp_eq_timestamptz", &[TIMESTAMP, TIMESTAMPTZ], BOOL, Column(ts_tstz::eq, ts_tstz::eqs)).stable(),
    f(2523, "timestamp_gt_timestamptz", &[TIMESTAMP, TIMESTAMPTZ], BOOL, Column(ts_tstz::gt, ts_tstz::gts)).stable(),
    f(2524, "timestamp_ge_timestamptz", &[TIMESTAMP, TIMESTAMPTZ], BOOL, Column(ts_tstz::ge, ts_tstz::ges)).stable(),
    f(2525, "timestamp_ne_timestamptz", &[TIMESTAMP, TIMESTAMPTZ], BOOL, Column(ts_tstz::ne, ts_tstz::nes)).stable(),
    f(2526, "timestamp_cmp_timestamptz", &[TIMESTAMP, TIMESTAMPTZ], INT4, Row(ts_tstz::cmp)).stable(),
    f(2527, "timestamptz_lt_timestamp", &[TIMESTAMPTZ, TIMESTAMP], BOOL, Column(tstz_ts::lt, tstz_ts::lts)).stable(),
    f(2528, "timestamptz_le_timestamp", &[TIMESTAMPTZ, TIMESTAMP], BOOL, Column(tstz_ts::le, tstz_ts::les)).stable(),
    f(2529, "timestamptz_eq_timestamp", &[TIMESTAMPTZ, TIMESTAMP], BOOL, Column(tstz_ts::eq, tstz_ts::eqs)).stable(),
    f(2530, "timestamptz_gt_timestamp", &[TIMESTAMPTZ, TIMESTAMP], BOOL, Column(tstz_ts::gt, tstz_ts::gts)).stable(),
    f(2531, "timestamptz_ge_timestamp", &[TIMESTAMPTZ, TIMESTAMP], BOOL, Column(tstz_ts::ge, tstz_ts::ges)).stable(),
    f(2532, "timestamptz_ne_timestamp", &[TIMESTAMPTZ, TIMESTAMP], BOOL, Column(tstz_ts::ne, tstz_ts::nes)).stable(),
    f(2533, "timestamptz_cmp_timestamp", &[TIMESTAMPTZ, TIMESTAMP], INT4, Row(tstz_ts::cmp)).stable(),
    f(1092, "date_cmp", &[DATE, DATE], INT4, Row(date_cmp)).leakproof(),
    f(1107, "time_cmp", &[TIME, TIME], INT4, Row(int8_cmp)).leakproof(),
    f(1358, "timetz_cmp", &[TIMETZ, TIMETZ], INT4, Row(int8_cmp)).leakproof(),
    f(2045, "timestamp_cmp", &[TIMESTAMP, TIMESTAMP], INT4, Row(int8_cmp)).leakproof(),
    f(1314, "timestamptz_cmp", &[TIMESTAMPTZ, TIMESTAMPTZ], INT4, Row(int8_cmp)).leakproof(),
    f(1315, "interval_cmp", &[INTERVAL, INTERVAL], INT4, Row(interval_cmp)).leakproof(),
    f(1138, "date_larger", &[DATE, DATE], DATE, Row(date_larger)),
    f(1139, "date_smaller", &[DATE, DATE], DATE, Row(date_smaller)),
    f(1377, "time_larger", &[TIME, TIME], TIME, Row(int8_larger)),
    f(1378, "time_smaller", &[TIME, TIME], TIME, Row(int8_smaller)),
    f(1379, "timetz_larger", &[TIMETZ, TIMETZ], TIMETZ, Row(int8_larger)),
    f(1380, "timetz_smaller", &[TIMETZ, TIMETZ], TIMETZ, Row(int8_smaller)),
    f(2036, "timestamp_larger", &[TIMESTAMP, TIMESTAMP], TIMESTAMP, Row(int8_larger)),
    f(2035, "timestamp_smaller", &[TIMESTAMP, TIMESTAMP], TIMESTAMP, Row(int8_smaller)),
    f(1196, "timestamptz_larger", &[TIMESTAMPTZ, TIMESTAMPTZ], TIMESTAMPTZ, Row(int8_larger)),
    f(1195, "timestamptz_smaller", &[TIMESTAMPTZ, TIMESTAMPTZ], TIMESTAMPTZ, Row(int8_smaller)),
    f(1198, "interval_larger", &[INTERVAL, INTERVAL], INTERVAL, Row(interval_larger)),
    f(1197, "interval_smaller", &[INTERVAL, INTERVAL], INTERVAL, Row(interval_smaller)),
    f(2041, "overlaps", &[TIMESTAMP, TIMESTAMP, TIMESTAMP, TIMESTAMP], BOOL, Row(overlaps)).lax(),
    f(2042, "overlaps", &[TIMESTAMP, INTERVAL, TIMESTAMP, INTERVAL], BOOL, Row(overlaps)).lax(),
    f(2043, "overlaps", &[TIMESTAMP, TIMESTAMP, TIMESTAMP, INTERVAL], BOOL, Row(overlaps)).lax(),
    f(2044, "overlaps", &[TIMESTAMP, INTERVAL, TIMESTAMP, TIMESTAMP], BOOL, Row(overlaps)).lax(),
    f(1304, "overlaps", &[TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Row(overlaps)).lax(),
    f(1305, "overlaps", &[TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, INTERVAL], BOOL, Row(overlaps_in_zone)).lax().stable(),
    f(1306, "overlaps", &[TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL], BOOL, Row(overlaps_in_zone)).lax().stable(),
    f(1307, "overlaps", &[TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Row(overlaps_in_zone)).lax().stable(),
    f(1308, "overlaps", &[TIME, TIME, TIME, TIME], BOOL, Row(overlaps_clock)).lax(),
    f(1309, "overlaps", &[TIME, INTERVAL, TIME, INTERVAL], BOOL, Row(overlaps_clock)).lax(),
    f(1310, "overlaps", &[TIME, TIME, TIME, INTERVAL], BOOL, Row(overlaps_clock)).lax(),
    f(1311, "overlaps", &[TIME, INTERVAL, TIME, TIME], BOOL, Row(overlaps_clock)).lax(),
    f(1271, "overlaps", &[TIMETZ, TIMETZ, TIMETZ, TIMETZ], BOOL, Row(overlaps_clock)).lax(),
    f(4133, "in_range", &[DATE, DATE, INTERVAL, BOOL, BOOL], BOOL, Row(date_in_range)),
    f(4134, "in_range", &[TIMESTAMP, TIMESTAMP, INTERVAL, BOOL, BOOL], BOOL, Row(timestamp_in_range)),
    f(4135, "in_range", &[TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, BOOL, BOOL], BOOL, Row(timestamptz_in_range)).stable(),
    f(4136, "in_range", &[INTERVAL, INTERVAL, INTERVAL, BOOL, BOOL], BOOL, Row(interval_in_range)),
    f(4137, "in_range", &[TIME, TIME, INTERVAL, BOOL, BOOL], BOOL, Row(time_in_range)),
    f(4138, "in_range", &[TIMETZ, TIMETZ, INTERVAL, BOOL, BOOL], BOOL, Row(timetz_in_range)),
];
