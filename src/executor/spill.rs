//! Rows on disk, for operators that hold more than `work_mem`: batches are written to a temporary file one after another
//! and read back in that order.
//!
//! | size | meaning |
//! |---|---|
//! | varint | rows |
//! | for each column, for each row: 1 | 0 NULL, 1 a value follows |
//! | fixed width of the form, or a run | the value |
//!
//! Temporary files belong to one running server: they are never synced, removed when dropped, and what a crash leaves
//! behind is removed at start-up ([`TempSpace::new`]).

use crate::base::bytes::{Reader, put_run, put_varint};
use crate::base::{Error, Result};
use crate::io::{Disk, File};
use crate::types::{Batch, ColumnBuilder, ColumnReader, DatumRef, Interval, Physical, SqlType};
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where temporary files go.
pub struct TempSpace {
    disk: Arc<dyn Disk>,
    dir: String,
    next: AtomicU64,
}

impl TempSpace {
    /// Empties the folder: what is in it is an earlier server's.
    pub fn new(disk: Arc<dyn Disk>, dir: &str) -> Result<Arc<TempSpace>> {
        disk.remove_dir(dir)?;
        disk.create_dir(dir)?;
        Ok(Arc::new(TempSpace { disk, dir: dir.to_owned(), next: AtomicU64::new(0) }))
    }

    /// Whether a file was ever made.
    #[cfg(test)]
    pub fn used(&self) -> bool {
        self.next.load(Ordering::Relaxed) > 0
    }

    fn create(self: &Arc<TempSpace>) -> Result<(Box<dyn File>, String)> {
        let path = format!("{}/{}", self.dir, self.next.fetch_add(1, Ordering::Relaxed));
        Ok((self.disk.create(&path)?, path))
    }
}

impl std::fmt::Debug for TempSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TempSpace").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Written to the disk in pieces of about this size.
const FLUSH_BYTES: usize = 256 << 10;

/// A temporary file of batches. It makes the file on the first write.
pub(crate) struct SpillFile {
    space: Arc<TempSpace>,
    forms: Vec<Physical>,
    file: Option<(Box<dyn File>, String)>,
    /// Not yet written bytes, which belong at `written`.
    pending: Vec<u8>,
    written: u64,
    /// Where each batch ends.
    ends: Vec<u64>,
    /// The next batch to read.
    at: usize,
    pub rows: usize,
}

impl SpillFile {
    pub fn new(space: &Arc<TempSpace>, types: &[SqlType]) -> SpillFile {
        SpillFile::of_forms(space, types.iter().map(|t| t.physical()).collect())
    }

    pub fn of_forms(space: &Arc<TempSpace>, forms: Vec<Physical>) -> SpillFile {
        SpillFile {
            space: Arc::clone(space),
            forms,
            file: None,
            pending: Vec::new(),
            written: 0,
            ends: Vec::new(),
            at: 0,
            rows: 0,
        }
    }

    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        if batch.rows == 0 {
            return Ok(());
        }
        encode(batch, &self.forms, &mut self.pending);
        self.rows += batch.rows;
        self.ends.push(self.written + self.pending.len() as u64);
        if self.pending.len() >= FLUSH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(self.space.create()?);
        }
        let (file, _) = self.file.as_ref().expect("just made");
        file.write_at(&self.pending, self.written)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// The next batch, in the order in which they were written.
    pub fn read(&mut self) -> Result<Option<Batch>> {
        self.flush()?;
        let Some(&end) = self.ends.get(self.at) else { return Ok(None) };
        let start = if self.at == 0 { 0 } else { self.ends[self.at - 1] };
        self.at += 1;
        let mut bytes = vec![0; usize::try_from(end - start).map_err(|_| Error::internal("a batch is too long"))?];
        let (file, _) = self.file.as_ref().expect("a batch was written");
        file.read_exact_at(&mut bytes, start)?;
        decode(&bytes, &self.forms).map(Some)
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        if let Some((file, path)) = self.file.take() {
            drop(file);
            // A file that cannot be removed now is removed at the next start.
            let _ = self.space.disk.remove(&path);
        }
    }
}

fn encode(batch: &Batch, forms: &[Physical], out: &mut Vec<u8>) {
    put_varint(out, batch.rows as u64);
    for (column, form) in batch.columns.iter().zip(forms) {
        encode_column(column, *form, batch.rows, out);
    }
}

fn encode_column(column: &ArrayRef, form: Physical, rows: usize, out: &mut Vec<u8>) {
    let reader = ColumnReader::new(form, column);
    for row in 0..rows {
        if reader.is_null(row) {
            out.push(0);
            continue;
        }
        out.push(1);
        match form {
            Physical::Numeric | Physical::Array | Physical::Record | Physical::Bytes => {
                put_run(out, column.as_binary_view().value(row));
            }
            _ => encode_value(reader.get(row), out),
        }
    }
}

fn encode_value(value: DatumRef<'_>, out: &mut Vec<u8>) {
    match value {
        DatumRef::Bool(v) => out.push(u8::from(v)),
        DatumRef::Int2(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Int4(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Int8(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Oid(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Float4(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Float8(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Text(v) => put_run(out, v.as_bytes()),
        DatumRef::Interval(v) => out.extend_from_slice(&v.to_bytes()),
        DatumRef::Uuid(v) => out.extend_from_slice(&v),
        other => unreachable!("{other:?} is written as its column has it"),
    }
}

fn decode(bytes: &[u8], forms: &[Physical]) -> Result<Batch> {
    let mut r = Reader::new(bytes);
    let rows = usize::try_from(r.varint()?).map_err(|_| Error::internal("a batch is too long"))?;
    let mut columns = Vec::with_capacity(forms.len());
    for form in forms {
        let mut builder = ColumnBuilder::new(*form, rows);
        for _ in 0..rows {
            if r.u8()? == 0 {
                builder.push_null();
            } else {
                decode_value(&mut r, *form, &mut builder)?;
            }
        }
        columns.push(builder.finish());
    }
    Ok(Batch::new(columns, rows))
}

fn decode_value(r: &mut Reader<'_>, form: Physical, out: &mut ColumnBuilder) -> Result<()> {
    match form {
        Physical::Bool => out.push(DatumRef::Bool(r.u8()? != 0)),
        Physical::Int16 => out.push(DatumRef::Int2(i16::from_le_bytes(r.array()?))),
        Physical::Int32 => out.push(DatumRef::Int4(i32::from_le_bytes(r.array()?))),
        Physical::Int64 => out.push(DatumRef::Int8(i64::from_le_bytes(r.array()?))),
        Physical::UInt32 => out.push(DatumRef::Oid(u32::from_le_bytes(r.array()?))),
        Physical::Float32 => out.push(DatumRef::Float4(f32::from_le_bytes(r.array()?))),
        Physical::Float64 => out.push(DatumRef::Float8(f64::from_le_bytes(r.array()?))),
        Physical::Interval => out.push(DatumRef::Interval(Interval::from_bytes(r.array()?))),
        Physical::Uuid => out.push(DatumRef::Uuid(r.array()?)),
        Physical::Text => {
            let text = std::str::from_utf8(r.run()?).map_err(|_| Error::internal("temporary file is damaged"))?;
            out.push_text(text);
        }
        Physical::Bytes | Physical::Numeric | Physical::Array | Physical::Record => out.push_encoded(r.run()?),
    }
    Ok(())
}

/// Rows divided over temporary files by their keys.
pub(crate) struct Partitions {
    pub files: Vec<SpillFile>,
    /// How often rows were divided before: each time by another hash.
    level: u64,
}

const PARTITIONS: usize = 16;

impl Partitions {
    pub fn new(space: &Arc<TempSpace>, types: &[SqlType], level: u64) -> Partitions {
        Partitions { files: (0..PARTITIONS).map(|_| SpillFile::new(space, types)).collect(), level }
    }

    pub fn place(&self, key: &[u8]) -> usize {
        (xxhash_rust::xxh3::xxh3_64_with_seed(key, self.level + 1) >> 60) as usize
    }

    /// Writes rows of a batch to where their keys belong. `key` is of a row of the batch.
    pub fn write<'k>(
        &mut self,
        batch: &Batch,
        rows: impl Iterator<Item = usize>,
        key: impl Fn(usize) -> &'k [u8],
    ) -> Result<()> {
        let mut chosen: Vec<Vec<u32>> = vec![Vec::new(); PARTITIONS];
        for row in rows {
            chosen[self.place(key(row))].push(row as u32);
        }
        for (file, rows) in self.files.iter_mut().zip(chosen) {
            if !rows.is_empty() {
                file.write(&batch.take(&arrow_array::UInt32Array::from(rows)))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::SimDisk;
    use crate::types::{Datum, constant_column};

    #[test]
    fn batches_come_back_as_they_were_written() {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
        let space = TempSpace::new(disk.clone(), "temp").unwrap();
        let types = [SqlType::INT4, SqlType::TEXT, SqlType::NUMERIC, SqlType::BOOL];
        let mut file = SpillFile::new(&space, &types);
        let values = [
            Datum::Int4(-7),
            Datum::text("a text of some length"),
            Datum::from(crate::types::Numeric::from(5i64)),
            Datum::Null,
        ];
        let columns = values.iter().zip(types).map(|(v, t)| constant_column(t.physical(), v.as_ref(), 3)).collect();
        let batch = Batch::new(columns, 3);
        file.write(&batch).unwrap();
        file.write(&batch.slice(0, 1)).unwrap();
        for rows in [3, 1] {
            let read = file.read().unwrap().unwrap();
            assert_eq!((read.rows, read.columns), (rows, batch.slice(0, rows).columns));
        }
        assert!(file.read().unwrap().is_none());
        assert_eq!(disk.list("temp").unwrap().len(), 1);
        drop(file);
        assert_eq!(disk.list("temp").unwrap().len(), 0);
    }
}
