//! `timetz` in one integer: the time at UTC in the high bits, the zone in the low 18. Integers then compare as
//! PostgreSQL compares (`timetz_cmp_internal`): by moment, then by zone.

const ZONE_BITS: u32 = 18;
const ZONE_BIAS: i64 = 1 << (ZONE_BITS - 1);
/// The zone farthest from Greenwich that fits, in seconds; well past any that is in use.
pub const ZONE_MAX: i32 = (1 << (ZONE_BITS - 1)) - 1;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// `micros` since local midnight; `zone` in seconds **west** of Greenwich, as PostgreSQL stores it.
pub fn pack_timetz(micros: i64, zone: i32) -> i64 {
    assert!(zone.abs() <= ZONE_MAX, "zones are checked where they come in");
    let utc = micros + i64::from(zone) * MICROS_PER_SECOND;
    utc << ZONE_BITS | (i64::from(zone) + ZONE_BIAS)
}

/// Microseconds since local midnight and seconds west of Greenwich.
pub fn unpack_timetz(packed: i64) -> (i64, i32) {
    let zone = (packed & ((1 << ZONE_BITS) - 1)) - ZONE_BIAS;
    ((packed >> ZONE_BITS) - zone * MICROS_PER_SECOND, zone as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_times_round_trip_and_order() {
        let cases = [(0, 0), (86_400_000_000, 57_599), (0, -57_599), (43_200_000_001, -3600)];
        for (micros, zone) in cases {
            assert_eq!(unpack_timetz(pack_timetz(micros, zone)), (micros, zone));
        }
        let noon_utc = pack_timetz(43_200_000_000, 0);
        let noon_east = pack_timetz(43_200_000_000 + 3_600_000_000, -3600);
        assert!(noon_east < noon_utc);
        assert!(noon_utc < pack_timetz(43_200_000_001, 0));
    }
}
