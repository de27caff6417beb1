//! Answers as bytes. What every statement is answered with goes straight into the output, rows from their Arrow columns;
//! every other message is `pgwire`'s.

use crate::base::{Error, Result, SqlState};
use crate::binder::rel::OutputColumn;
use crate::session::sink::{Formats, Tag};
use crate::types::{self, Batch, ColumnReader, DatumRef, FormatContext, SqlType};
use bytes::BytesMut;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};
use smallvec::SmallVec;

/// Appends one of `pgwire`'s messages, or the error that it is longer than the protocol allows.
pub fn message(out: &mut Vec<u8>, scratch: &mut BytesMut, message: PgWireBackendMessage) {
    scratch.clear();
    if let Err(e) = message.encode(scratch) {
        scratch.clear();
        let too_long = Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, e.to_string());
        error("ERROR", &too_long).encode(scratch).expect("this message is short");
    }
    out.extend_from_slice(scratch);
}

/// Appends a message of the kind, whose body `write` appends.
fn framed(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[kind, 0, 0, 0, 0]);
    write(out);
    let length = (out.len() - start - 1) as u32;
    out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
}

/// ParseComplete and its kin.
pub fn empty(out: &mut Vec<u8>, kind: u8) {
    out.extend_from_slice(&[kind, 0, 0, 0, 4]);
}

pub fn ready(out: &mut Vec<u8>, status: u8) {
    out.extend_from_slice(&[b'Z', 0, 0, 0, 5, status]);
}

pub fn complete(out: &mut Vec<u8>, tag: &Tag) {
    framed(out, b'C', |out| {
        match tag {
            Tag::Text(text) => out.extend_from_slice(text.as_bytes()),
            Tag::Word(word) => out.extend_from_slice(word.as_bytes()),
            Tag::Counted(words, rows) => {
                out.extend_from_slice(words.as_bytes());
                out.push(b' ');
                decimal(out, *rows);
            }
        }
        out.push(0);
    });
}

fn decimal(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

pub fn row_description(out: &mut Vec<u8>, columns: &[OutputColumn], formats: &Formats) {
    framed(out, b'T', |out| {
        out.extend_from_slice(&(columns.len() as u16).to_be_bytes());
        for (i, c) in columns.iter().enumerate() {
            let (table, column) = c.origin.map_or((0, 0), |(table, attnum)| (table.0, attnum));
            let size = types::type_info(c.ty.oid).map_or(-1, |t| t.len);
            let mut tail = [0; 19];
            tail[1..5].copy_from_slice(&table.to_be_bytes());
            tail[5..7].copy_from_slice(&column.to_be_bytes());
            tail[7..11].copy_from_slice(&wire_type(c.ty).oid.0.to_be_bytes());
            tail[11..13].copy_from_slice(&size.to_be_bytes());
            tail[13..17].copy_from_slice(&c.ty.typmod.to_be_bytes());
            tail[17..].copy_from_slice(&formats.get(i).to_be_bytes());
            out.extend_from_slice(c.name.as_bytes());
            out.extend_from_slice(&tail);
        }
    });
}

/// A literal of no known type leaves as text.
fn wire_type(ty: SqlType) -> SqlType {
    if ty.oid == types::oid::UNKNOWN { SqlType::TEXT } else { ty }
}

/// Appends a DataRow for each row of the batch.
///
/// Error: a value that has no output in the wanted format, such as 42883 for a type without a binary form.
pub fn rows(
    out: &mut Vec<u8>,
    batch: &Batch,
    columns: &[OutputColumn],
    formats: &Formats,
    cx: &FormatContext,
) -> Result<()> {
    let mut readers: SmallVec<[Field<'_>; 8]> = SmallVec::new();
    for (i, (c, array)) in columns.iter().zip(&batch.columns).enumerate() {
        let reader = ColumnReader::new(c.ty.physical(), array);
        readers.push(Field { reader, ty: c.ty, binary: formats.get(i) == Formats::BINARY });
    }
    for row in 0..batch.rows {
        let start = out.len();
        out.extend_from_slice(b"D\0\0\0\0");
        out.extend_from_slice(&(readers.len() as u16).to_be_bytes());
        for field in &readers {
            field.write(out, row, cx)?;
        }
        let length = (out.len() - start - 1) as u32;
        out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

struct Field<'a> {
    reader: ColumnReader<'a>,
    ty: SqlType,
    binary: bool,
}

impl Field<'_> {
    fn write(&self, out: &mut Vec<u8>, row: usize, cx: &FormatContext) -> Result<()> {
        let value = self.reader.get(row);
        if matches!(value, DatumRef::Null) {
            out.extend_from_slice(&(-1i32).to_be_bytes());
            return Ok(());
        }
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        if self.binary {
            types::write_binary(out, self.ty, value);
        } else {
            types::write_text(out, self.ty, value, cx);
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

/// The fields of an ErrorResponse or NoticeResponse; `position` counts characters from 1 by now.
fn fields(severity: &str, e: &Error) -> Vec<(u8, String)> {
    let f = e.fields();
    let mut all = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', f.code.to_string()),
        (b'M', f.message.clone()),
    ];
    let optional = [
        (b'D', &f.detail),
        (b'H', &f.hint),
        (b'W', &f.context),
        (b's', &f.schema),
        (b't', &f.table),
        (b'c', &f.column),
        (b'd', &f.data_type),
        (b'n', &f.constraint),
    ];
    all.extend(optional.into_iter().filter_map(|(code, text)| text.clone().map(|t| (code, t))));
    all.extend(f.position.map(|p| (b'P', p.to_string())));
    for (_, text) in &mut all {
        text.retain(|c| c != '\0');
    }
    all
}

pub fn error(severity: &str, e: &Error) -> PgWireBackendMessage {
    PgWireBackendMessage::ErrorResponse(ErrorResponse::new(fields(severity, e)))
}

pub fn notice(severity: &str, e: &Error) -> PgWireBackendMessage {
    PgWireBackendMessage::NoticeResponse(NoticeResponse::new(fields(severity, e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Oid;
    use crate::expr::ColId;
    use pgwire::messages::data::{FieldDescription, RowDescription};
    use pgwire::messages::extendedquery::BindComplete;
    use pgwire::messages::response::{CommandComplete, ReadyForQuery, TransactionStatus};

    fn by_pgwire(m: PgWireBackendMessage) -> Vec<u8> {
        let mut out = Vec::new();
        message(&mut out, &mut BytesMut::new(), m);
        out
    }

    fn ours(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn the_short_way_writes_what_pgwire_writes() {
        use PgWireBackendMessage as M;
        assert_eq!(ours(|o| empty(o, b'2')), by_pgwire(M::BindComplete(BindComplete::new())));
        assert_eq!(
            ours(|o| complete(o, &Tag::Counted("INSERT 0", 1024))),
            by_pgwire(M::CommandComplete(CommandComplete::new("INSERT 0 1024".into())))
        );
        assert_eq!(ours(|o| complete(o, &Tag::Word("BEGIN"))), ours(|o| complete(o, &Tag::Text("BEGIN".into()))));
        let failed = M::ReadyForQuery(ReadyForQuery::new(TransactionStatus::Error));
        assert_eq!(ours(|o| ready(o, b'E')), by_pgwire(failed));
        let columns = [
            OutputColumn { name: "a".into(), id: ColId(1), ty: SqlType::INT4, origin: Some((Oid(16384), 3)) },
            OutputColumn { name: "?column?".into(), id: ColId(2), ty: SqlType::TEXT, origin: None },
        ];
        let fields = vec![
            FieldDescription::new("a".into(), 16384, 3, 23, 4, -1, 1),
            FieldDescription::new("?column?".into(), 0, 0, 25, -1, -1, 0),
        ];
        assert_eq!(
            ours(|o| row_description(o, &columns, &Formats::new(vec![1, 0]))),
            by_pgwire(M::RowDescription(RowDescription::new(fields)))
        );
    }
}
