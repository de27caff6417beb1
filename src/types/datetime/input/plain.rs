//! The common case without the general one's cost: `yyyy-mm-dd` and `yyyy-mm-dd hh:mm:ss[.ffffff][+hh[:mm]]`, which mean
//! the same in every DateOrder. Anything out of the ordinary, errors included, is left to the general reader.

use super::super::calendar::{Civil, days_in_month};

fn two(bytes: &[u8], at: usize) -> Option<i32> {
    let (tens, ones) = (bytes.get(at)?.wrapping_sub(b'0'), bytes.get(at + 1)?.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i32::from(tens) * 10 + i32::from(ones))
}

fn ymd(bytes: &[u8]) -> Option<Civil> {
    let year = two(bytes, 0)? * 100 + two(bytes, 2)?;
    let (month, day) = (two(bytes, 5)?, two(bytes, 8)?);
    let good = bytes[4] == b'-'
        && bytes[7] == b'-'
        && year > 0
        && (1..=12).contains(&month)
        && day >= 1
        && day <= days_in_month(year, month);
    good.then_some(Civil { year, month, day, ..Civil::default() })
}

pub fn date(text: &str) -> Option<Civil> {
    if text.len() == 10 { ymd(text.as_bytes()) } else { None }
}

/// A time `hh:mm:ss[.ffffff]` below 24:00.
fn clock(bytes: &[u8]) -> Option<(i32, i32, i32, i32)> {
    if bytes.len() < 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (two(bytes, 0)?, two(bytes, 3)?, two(bytes, 6)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = 0;
    if bytes.len() > 8 {
        let digits = bytes[8..].strip_prefix(b".").filter(|d| (1..=6).contains(&d.len()))?;
        for i in 0..6 {
            let digit = digits.get(i).map_or(0, |b| b.wrapping_sub(b'0'));
            if digit > 9 {
                return None;
            }
            micros = micros * 10 + i32::from(digit);
        }
    }
    Some((hour, minute, second, micros))
}

/// The place of the zone's sign, and its offset in seconds west.
fn zone(bytes: &[u8]) -> Option<(usize, i32)> {
    let (at, minutes) = match bytes {
        [.., b'+' | b'-', _, _] => (bytes.len() - 3, 0),
        [.., b'+' | b'-', _, _, b':', _, _] => (bytes.len() - 6, two(bytes, bytes.len() - 2)?),
        _ => return None,
    };
    let hours = two(bytes, at + 1)?;
    let seconds = (hours * 60 + minutes) * 60;
    (hours <= 15 && minutes < 60).then_some((at, if bytes[at] == b'-' { seconds } else { -seconds }))
}

/// A timestamp, and its zone in seconds west if it has one.
pub fn timestamp(text: &str) -> Option<(Civil, Option<i32>)> {
    let bytes = text.as_bytes();
    if bytes.len() == 10 {
        return Some((ymd(bytes)?, None));
    }
    if bytes.len() < 19 || !matches!(bytes[10], b' ' | b'T') {
        return None;
    }
    let date = ymd(bytes)?;
    let (end, west) = match zone(&bytes[19..]) {
        Some((at, west)) => (19 + at, Some(west)),
        None => (bytes.len(), None),
    };
    let (hour, minute, second, micros) = clock(&bytes[11..end])?;
    Some((Civil { hour, minute, second, micros, ..date }, west))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ordinary_is_read() {
        assert_eq!(date("2024-02-29"), Some(Civil { year: 2024, month: 2, day: 29, ..Civil::default() }));
        let (t, west) = timestamp("1999-12-31 23:59:59.5").unwrap();
        assert_eq!((t.hour, t.second, t.micros, west), (23, 59, 500_000, None));
        assert_eq!(timestamp("1999-12-31 23:59:59+00").unwrap().1, Some(0));
        assert_eq!(timestamp("1999-12-31 23:59:59.123456-05:30").unwrap().1, Some(19_800));
        for odd in
            ["2023-02-29", "0000-01-01", "2024-1-01", "2024-01-01 24:00:00", "2024-01-01 00:00:00.", "2024/01/01"]
        {
            assert_eq!(timestamp(odd), None, "{odd}");
        }
    }
}
