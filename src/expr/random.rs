//! Random numbers: PostgreSQL's xoroshiro128** for `random()`, so that `setseed` gives the sequence it gives there, and a
//! cryptographic generator for uuids.

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

pub struct Random {
    state: [u64; 2],
    secure: StdRng,
}

/// Blackman and Vigna's splitmix64: spreads a seed.
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut v = *state;
    v = (v ^ (v >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    v = (v ^ (v >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    v ^ (v >> 31)
}

impl Random {
    pub fn new(seed: [u8; 32]) -> Random {
        let mut secure = StdRng::from_seed(seed);
        let state = [secure.next_u64() | 1, secure.next_u64()];
        Random { state, secure }
    }

    /// `setseed(seed)`, which is between -1 and 1.
    pub fn reseed(&mut self, seed: f64) {
        let mut mixed = (((1u64 << 52) - 1) as f64 * seed) as i64 as u64;
        self.state = [splitmix64(&mut mixed), splitmix64(&mut mixed)];
        if self.state == [0, 0] {
            self.state = [0x5851_F42D_4C95_7F2D, 0x1405_7B7E_F767_814F];
        }
    }

    pub fn next_u64(&mut self) -> u64 {
        let [s0, s1] = self.state;
        let mixed = s1 ^ s0;
        self.state = [s0.rotate_left(24) ^ mixed ^ (mixed << 16), mixed.rotate_left(37)];
        s0.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
    }

    /// Uniform in [0, 1).
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 12) as f64 / (1u64 << 52) as f64
    }

    /// Bytes that cannot be guessed.
    pub fn fill_secure(&mut self, bytes: &mut [u8]) {
        self.secure.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From PostgreSQL 15: `SELECT setseed(0.5); SELECT random(), random();`
    #[test]
    fn a_seed_gives_postgresqls_sequence() {
        let mut r = Random::new([0; 32]);
        r.reseed(0.5);
        assert_eq!(r.next_f64(), SEEDED[0]);
        assert_eq!(r.next_f64(), SEEDED[1]);
    }

    const SEEDED: [f64; 2] = [0.9851677175347999, 0.825301858027981];
}
