//! Randomness: [`Entropy`] for nonces, salts and seeds, [`Rng`] for fast numbers from a seed.

use parking_lot::Mutex;
use rand::rngs::{OsRng, StdRng};
use rand::{Rng as _, RngCore, SeedableRng, TryRngCore};

/// A source of bytes that nobody can guess.
pub trait Entropy: Send + Sync {
    fn fill(&self, out: &mut [u8]);

    fn u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn u128(&self) -> u128 {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        u128::from_le_bytes(bytes)
    }
}

/// The operating system's generator.
pub struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, out: &mut [u8]) {
        OsRng.try_fill_bytes(out).expect("the operating system has randomness");
    }
}

/// The same bytes for the same seed.
pub struct SimEntropy(Mutex<Rng>);

impl SimEntropy {
    pub fn new(seed: u64) -> SimEntropy {
        SimEntropy(Mutex::new(Rng::new(seed)))
    }
}

impl Entropy for SimEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().fill(out);
    }
}

/// A generator of numbers, the same for the same seed.
pub struct Rng(StdRng);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(StdRng::seed_from_u64(seed))
    }

    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Evenly from 0 to `n` - 1; `n` must not be 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0.random_range(0..n)
    }

    /// Evenly in [0, 1).
    pub fn f64(&mut self) -> f64 {
        self.0.random()
    }

    /// True `numerator` times in `denominator`.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }
}

/// The seeds that a simulation runs: as many as `HEADWATER_SEEDS` says, from `HEADWATER_FROM` on; `default` of them, from 0,
/// unless it is told.
#[cfg(test)]
pub fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from = number("HEADWATER_FROM").unwrap_or(0);
    from..from + number("HEADWATER_SEEDS").unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let (a, b, c) = (SimEntropy::new(7), SimEntropy::new(7), SimEntropy::new(8));
        assert_eq!(a.u128(), b.u128());
        assert_ne!(a.u64(), c.u64());
        assert_ne!(RealEntropy.u128(), RealEntropy.u128());
    }

    #[test]
    fn numbers_stay_in_range() {
        let mut rng = Rng::new(1);
        for _ in 0..100 {
            assert!(rng.below(3) < 3);
            assert!((0.0..1.0).contains(&rng.f64()));
        }
    }
}
