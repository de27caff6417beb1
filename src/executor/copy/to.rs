//! COPY TO: batches to bytes.

use super::binary;
use super::options::{Format, Header, Options};
use super::parquet_file::ParquetFile;
use crate::base::{Error, Result, SqlState};
use crate::types::{self, Batch, ColumnReader, DatumRef, FormatContext, SqlType};

/// The most that is handed out at once of a form that is not made of rows, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// The encoder of one COPY TO.
pub struct CopyTo {
    columns: usize,
    form: Form,
}

enum Form {
    Rows(Box<Rows>),
    Parquet(Box<ParquetFile>),
}

impl CopyTo {
    /// Errors: 42P10 for a FORCE option that names no column, and what [`ParquetFile::new`] says.
    pub fn new(options: Options, columns: Vec<(String, SqlType)>) -> Result<CopyTo> {
        let count = columns.len();
        let form = match options.format {
            Format::Parquet => Form::Parquet(Box::new(ParquetFile::new(columns)?)),
            _ => Form::Rows(Box::new(Rows::new(options, columns)?)),
        };
        Ok(CopyTo { columns: count, form })
    }

    /// Whether the bytes are anything but text.
    pub fn is_binary(&self) -> bool {
        match &self.form {
            Form::Rows(rows) => rows.is_binary(),
            Form::Parquet(_) => true,
        }
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// What comes before the first row; empty if nothing does.
    pub fn head(&mut self) -> Vec<u8> {
        match &mut self.form {
            Form::Rows(rows) => rows.head(),
            Form::Parquet(_) => Vec::new(),
        }
    }

    /// Calls `each` with the bytes of every row, or with whatever bytes are ready after these rows.
    pub fn rows(&mut self, batch: &Batch, format: &FormatContext, mut each: impl FnMut(&[u8])) -> Result<()> {
        match &mut self.form {
            Form::Rows(rows) => rows.rows(batch, format, each),
            Form::Parquet(file) => {
                file.put(batch, format)?;
                file.taken().chunks(PIECE_BYTES).for_each(&mut each);
                Ok(())
            }
        }
    }

    /// Calls `each` with what comes after the last row.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        match &mut self.form {
            Form::Rows(rows) if rows.is_binary() => {
                let mut trailer = Vec::new();
                binary::put_trailer(&mut trailer);
                each(&trailer);
            }
            Form::Rows(_) => {}
            Form::Parquet(file) => {
                file.finish()?;
                file.taken().chunks(PIECE_BYTES).for_each(&mut each);
            }
        }
        Ok(())
    }
}

/// The forms that are made of rows: text, CSV and binary.
struct Rows {
    options: Options,
    types: Vec<SqlType>,
    names: Vec<String>,
    force_quote: Vec<bool>,
    field: Vec<u8>,
}

impl Rows {
    fn new(options: Options, columns: Vec<(String, SqlType)>) -> Result<Rows> {
        let (names, types): (Vec<String>, Vec<SqlType>) = columns.into_iter().unzip();
        let force_quote = options.forced(&options.force_quote, "FORCE_QUOTE", &names)?;
        Ok(Rows { options, types, names, force_quote, field: Vec::new() })
    }

    fn is_binary(&self) -> bool {
        self.options.format == Format::Binary
    }

    fn head(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_binary() {
            binary::put_header(&mut out);
        } else if self.options.header != Header::No {
            for (i, name) in self.names.iter().enumerate() {
                if i > 0 {
                    out.push(self.options.delimiter);
                }
                match self.options.format {
                    Format::Csv => self.quote(&mut out, name.as_bytes(), false, self.names.len() == 1),
                    _ => self.escape(&mut out, name.as_bytes()),
                }
            }
            out.push(b'\n');
        }
        out
    }

    fn rows(&mut self, batch: &Batch, format: &FormatContext, mut each: impl FnMut(&[u8])) -> Result<()> {
        let readers: Vec<ColumnReader<'_>> =
            self.types.iter().zip(&batch.columns).map(|(ty, c)| ColumnReader::new(ty.physical(), c)).collect();
        let mut out = Vec::new();
        for row in 0..batch.rows {
            out.clear();
            match self.options.format {
                Format::Binary => self.binary_row(&mut out, &readers, row)?,
                _ => self.text_row(&mut out, &readers, row, format)?,
            }
            each(&out);
        }
        Ok(())
    }

    fn binary_row(&self, out: &mut Vec<u8>, readers: &[ColumnReader<'_>], row: usize) -> Result<()> {
        let count = i16::try_from(readers.len())
            .map_err(|_| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many columns for COPY"))?;
        out.extend_from_slice(&count.to_be_bytes());
        for (reader, ty) in readers.iter().zip(&self.types) {
            let value = reader.get(row);
            let start = out.len();
            out.extend_from_slice(&(-1i32).to_be_bytes());
            if !matches!(value, DatumRef::Null) {
                types::write_binary(out, *ty, value);
                let length = (out.len() - start - 4) as i32;
                out[start..start + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(())
    }

    fn text_row(
        &mut self,
        out: &mut Vec<u8>,
        readers: &[ColumnReader<'_>],
        row: usize,
        format: &FormatContext,
    ) -> Result<()> {
        let mut field = std::mem::take(&mut self.field);
        for (i, reader) in readers.iter().enumerate() {
            if i > 0 {
                out.push(self.options.delimiter);
            }
            let value = reader.get(row);
            if matches!(value, DatumRef::Null) {
                out.extend_from_slice(self.options.null.as_bytes());
                continue;
            }
            field.clear();
            types::write_text(&mut field, self.types[i], value, format);
            match self.options.format {
                Format::Csv => self.quote(out, &field, self.force_quote[i], readers.len() == 1),
                _ => self.escape(out, &field),
            }
        }
        self.field = field;
        out.push(b'\n');
        Ok(())
    }

    /// A field of the text form (`CopyAttributeOutText`).
    fn escape(&self, out: &mut Vec<u8>, field: &[u8]) {
        for &b in field {
            let letter = match b {
                8 => b'b',
                12 => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                11 => b'v',
                b'\\' => b'\\',
                b if b == self.options.delimiter => b,
                b => {
                    out.push(b);
                    continue;
                }
            };
            out.push(b'\\');
            out.push(letter);
        }
    }

    /// A field of the CSV form, quoted where it must be (`CopyAttributeOutCSV`).
    fn quote(&self, out: &mut Vec<u8>, field: &[u8], force: bool, only: bool) {
        let o = &self.options;
        let special = |b: &u8| *b == o.delimiter || *b == o.quote || *b == b'\n' || *b == b'\r';
        let must = force || field == o.null.as_bytes() || (only && field == b"\\.") || field.iter().any(special);
        if !must {
            return out.extend_from_slice(field);
        }
        out.push(o.quote);
        for &b in field {
            if b == o.quote || b == o.escape {
                out.push(o.escape);
            }
            out.push(b);
        }
        out.push(o.quote);
    }
}
