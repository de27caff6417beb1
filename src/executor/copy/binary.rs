//! The binary form of COPY: a signature, flags, an extension area, then tuples of length-prefixed fields, then -1.

use crate::base::{Error, Result, SqlState};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Flag bits from here up must be known to the reader.
const CRITICAL: u32 = 0xffff_0000;

fn bad(text: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, text)
}

/// Appends the head of a file.
pub fn put_header(out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[0; 8]);
}

pub fn put_trailer(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1i16).to_be_bytes());
}

/// Takes tuples out of what arrives piecemeal.
#[derive(Default)]
pub struct Tuples {
    pending: Vec<u8>,
    at: usize,
    begun: bool,
    ended: bool,
    pub row: u64,
}

impl Tuples {
    pub fn push(&mut self, data: &[u8]) {
        if self.at > 0 {
            self.pending.drain(..self.at);
            self.at = 0;
        }
        self.pending.extend_from_slice(data);
    }

    /// The next tuple: the byte ranges of its fields in [`Tuples::bytes`], none for NULL. None when more bytes are
    /// needed, or the file has ended.
    pub fn next(&mut self, columns: usize) -> Result<Option<Vec<Option<std::ops::Range<usize>>>>> {
        if self.ended {
            return match self.pending.len() > self.at {
                true => Err(bad("received copy data after EOF marker")),
                false => Ok(None),
            };
        }
        if !self.begun && !self.header()? {
            return Ok(None);
        }
        let mut at = self.at;
        let Some(count) = self.word::<2>(at).map(i16::from_be_bytes) else { return Ok(None) };
        at += 2;
        if count == -1 {
            self.ended = true;
            self.at = at;
            return self.next(columns);
        }
        if usize::try_from(count).ok() != Some(columns) {
            return Err(bad(format!("row field count is {count}, expected {columns}")));
        }
        let mut fields = Vec::with_capacity(columns);
        for _ in 0..columns {
            let Some(length) = self.word::<4>(at).map(i32::from_be_bytes) else { return Ok(None) };
            at += 4;
            if length == -1 {
                fields.push(None);
                continue;
            }
            let length = usize::try_from(length).map_err(|_| bad("invalid field size"))?;
            if self.pending.len() - at < length {
                return Ok(None);
            }
            fields.push(Some(at..at + length));
            at += length;
        }
        self.at = at;
        self.row += 1;
        Ok(Some(fields))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.pending
    }

    /// Error: 22P04 when the file stopped in the middle of something.
    pub fn finish(&self) -> Result<()> {
        match self.begun && self.at == self.pending.len() {
            true => Ok(()),
            false if !self.begun => Err(bad("COPY file signature not recognized")),
            false => Err(bad("unexpected EOF in COPY data")),
        }
    }

    fn word<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.pending.get(at..at + N).map(|b| b.try_into().expect("N bytes"))
    }

    fn header(&mut self) -> Result<bool> {
        let have = self.pending.len().min(SIGNATURE.len());
        if self.pending[..have] != SIGNATURE[..have] {
            return Err(bad("COPY file signature not recognized"));
        }
        let (Some(flags), Some(extension)) = (self.word::<4>(11), self.word::<4>(15)) else { return Ok(false) };
        if u32::from_be_bytes(flags) & CRITICAL != 0 {
            return Err(bad("unrecognized critical flags in COPY file header"));
        }
        let extension = usize::try_from(i32::from_be_bytes(extension))
            .map_err(|_| bad("invalid COPY file header (wrong length)"))?;
        if self.pending.len() < 19 + extension {
            return Ok(false);
        }
        self.at = 19 + extension;
        self.begun = true;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_survive_any_cut() {
        let mut file = Vec::new();
        put_header(&mut file);
        for value in [Some(b"ab".as_slice()), None] {
            file.extend(2i16.to_be_bytes());
            file.extend(1i32.to_be_bytes());
            file.push(b'x');
            match value {
                Some(v) => {
                    file.extend((v.len() as i32).to_be_bytes());
                    file.extend(v);
                }
                None => file.extend((-1i32).to_be_bytes()),
            }
        }
        put_trailer(&mut file);
        for piece in [1, 3, 100] {
            let mut t = Tuples::default();
            let mut seen = Vec::new();
            for chunk in file.chunks(piece) {
                t.push(chunk);
                while let Some(row) = t.next(2).unwrap() {
                    seen.push(row[1].clone().map(|r| t.bytes()[r].to_vec()));
                }
            }
            t.finish().unwrap();
            assert_eq!(seen, [Some(b"ab".to_vec()), None]);
        }
        let mut t = Tuples::default();
        t.push(b"PGCOPX");
        assert!(t.next(1).is_err());
        let mut t = Tuples::default();
        t.push(&file[..30]);
        while t.next(2).unwrap().is_some() {}
        assert!(t.finish().is_err());
    }
}
