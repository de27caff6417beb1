//! PostgreSQL's hash functions, Bob Jenkins' lookup3: people take advisory locks and partitions by `hashtext`.

use super::convert::kernels;
use super::f;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::oid::*;

fn mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    macro_rules! step {
        ($x:ident $y:ident $z:ident $bits:literal) => {
            $x = $x.wrapping_sub($z) ^ $z.rotate_left($bits);
            $z = $z.wrapping_add($y);
        };
    }
    step!(a b c 4);
    step!(b c a 6);
    step!(c a b 8);
    step!(a b c 16);
    step!(b c a 19);
    step!(c a b 4);
    [a, b, c]
}

fn finish([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    macro_rules! step {
        ($x:ident $y:ident $bits:literal) => {
            $x = ($x ^ $y).wrapping_sub($y.rotate_left($bits));
        };
    }
    step!(c b 14);
    step!(a c 11);
    step!(b a 25);
    step!(c b 16);
    step!(a c 4);
    step!(b a 14);
    step!(c b 24);
    [a, b, c]
}

fn start(length: usize, seed: u64) -> [u32; 3] {
    let base = 0x9e37_79b9u32.wrapping_add(length as u32).wrapping_add(3_923_095);
    let state = [base; 3];
    if seed == 0 {
        return state;
    }
    mix([base.wrapping_add((seed >> 32) as u32), base.wrapping_add(seed as u32), base])
}

/// `hash_bytes_extended`; without a seed its low half is `hash_bytes`.
fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut state = start(bytes.len(), seed);
    let mut chunks = bytes.chunks_exact(12);
    for chunk in &mut chunks {
        for (i, word) in chunk.chunks_exact(4).enumerate() {
            let word = u32::from_le_bytes(word.try_into().expect("four bytes"));
            state[i] = state[i].wrapping_add(word);
        }
        state = mix(state);
    }
    // The lowest byte of the last word is kept for the length.
    for (i, &byte) in chunks.remainder().iter().enumerate() {
        let (word, shift) = if i < 8 { (i / 4, i % 4 * 8) } else { (2, (i - 8 + 1) * 8) };
        state[word] = state[word].wrapping_add(u32::from(byte) << shift);
    }
    let [_, b, c] = finish(state);
    u64::from(b) << 32 | u64::from(c)
}

/// `hash_bytes_uint32_extended`.
fn hash_word(word: u32, seed: u64) -> u64 {
    let mut state = start(4, seed);
    state[0] = state[0].wrapping_add(word);
    let [_, b, c] = finish(state);
    u64::from(b) << 32 | u64::from(c)
}

/// Folds eight bytes so that small values hash as `int4` does.
fn fold(v: i64) -> u32 {
    let (low, high) = (v as u32, (v >> 32) as u32);
    low ^ if v >= 0 { high } else { !high }
}

kernels! {
    fn hashtext(s: &str) -> i32 {
        Ok(hash_bytes(s.as_bytes(), 0) as i32)
    }

    fn hashtextextended(s: &str, seed: i64) -> i64 {
        Ok(hash_bytes(s.as_bytes(), seed as u64) as i64)
    }

    fn hashint2(v: i16) -> i32 {
        Ok(hash_word(i32::from(v) as u32, 0) as i32)
    }

    fn hashint4(v: i32) -> i32 {
        Ok(hash_word(v as u32, 0) as i32)
    }

    fn hashint8(v: i64) -> i32 {
        Ok(hash_word(fold(v), 0) as i32)
    }

    fn hashint4extended(v: i32, seed: i64) -> i64 {
        Ok(hash_word(v as u32, seed as u64) as i64)
    }

    fn hashint8extended(v: i64, seed: i64) -> i64 {
        Ok(hash_word(fold(v), seed as u64) as i64)
    }

    fn hashoid(v: u32) -> i32 {
        Ok(hash_word(v, 0) as i32)
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(449, "hashint2", &[INT2], INT4, Row(hashint2)),
    f(450, "hashint4", &[INT4], INT4, Row(hashint4)),
    f(425, "hashint4extended", &[INT4, INT8], INT8, Row(hashint4extended)),
    f(949, "hashint8", &[INT8], INT4, Row(hashint8)),
    f(442, "hashint8extended", &[INT8, INT8], INT8, Row(hashint8extended)),
    f(453, "hashoid", &[OID], INT4, Row(hashoid)),
    f(400, "hashtext", &[TEXT], INT4, Row(hashtext)),
    f(448, "hashtextextended", &[TEXT, INT8], INT8, Row(hashtextextended)),
];
