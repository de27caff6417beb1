//! zstd, with a bound on what comes out: a length in an object is not believed before its bytes are there.

use crate::base::Result;
use std::io::{Read, Write};

/// Fast: what is saved in time is worth more than the bytes.
const LEVEL: i32 = 1;

pub type Compressor = zstd::stream::write::Encoder<'static, Vec<u8>>;

/// Compresses what is written to it, behind `head`, which stays as it is.
pub fn compressor(head: Vec<u8>) -> Result<Compressor> {
    Ok(zstd::stream::write::Encoder::new(head, LEVEL)?)
}

pub fn compress(head: Vec<u8>, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = compressor(head)?;
    out.write_all(bytes)?;
    Ok(out.finish()?)
}

/// A stream of what was compressed.
pub fn decompressor(bytes: &[u8]) -> Result<impl Read + use<'_>> {
    Ok(zstd::stream::read::Decoder::with_buffer(bytes)?)
}

/// None when it does not come out with this length.
pub fn decompress(bytes: &[u8], length: u64) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut stream = decompressor(bytes).ok()?.take(length.checked_add(1)?);
    stream.read_to_end(&mut out).ok()?;
    (out.len() as u64 == length).then_some(out)
}
