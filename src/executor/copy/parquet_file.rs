//! Batches to the bytes of a Parquet file. All that names the `parquet` library is here.
//!
//! Rows gather, encoded, in a row group; a full one is compressed, and then there are bytes to hand out. A group is full at
//! [`GROUP_ROWS`], or at [`GROUP_BYTES`] when rows are large, so memory stays bounded. The description of the columns ends the file.

use super::parquet_column::{Column, Form, file_format};
use crate::base::{Error, Result, SqlState};
use crate::types::{Batch, FormatContext, SqlType};
use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Stored, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use std::sync::Arc;

const GROUP_ROWS: usize = 128 << 10;
/// Of encoded rows.
const GROUP_BYTES: usize = 64 << 20;

/// The writer of one file; [`ParquetFile::taken`] hands out its bytes.
pub(super) struct ParquetFile {
    columns: Vec<Column>,
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

/// What we hand over fits what we said it would be.
fn ours(e: ParquetError) -> Error {
    Error::internal(format!("writing Parquet: {e}"))
}

impl ParquetFile {
    /// Errors: 42701 when two columns have one name, 0A000 when there is no column.
    pub fn new(columns: Vec<(String, SqlType)>) -> Result<ParquetFile> {
        if columns.is_empty() {
            return Err(Error::unsupported("a Parquet file without columns"));
        }
        for (i, (name, _)) in columns.iter().enumerate() {
            if columns[..i].iter().any(|(other, _)| other == name) {
                let message = format!("column name \"{name}\" appears more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message)
                    .hint("Columns of a Parquet file are told apart by name; give each its own with AS."));
            }
        }
        let columns: Vec<Column> = columns.into_iter().map(|(name, ty)| Column::new(name, ty)).collect();
        let field = |c: &Column| Field::new(&c.name, c.form.data_type(), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options(&columns)?).map_err(ours)?;
        Ok(ParquetFile { columns, schema, writer })
    }

    /// Adds rows.
    ///
    /// Errors: see [`Column::convert`].
    pub fn put(&mut self, batch: &Batch, session: &FormatContext) -> Result<()> {
        let format = file_format(session);
        let arrays = self.columns.iter().zip(&batch.columns).map(|(column, array)| column.convert(array, &format));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let rows = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|e| ours(e.into()))?;
        self.writer.write(&rows).map_err(ours)
    }

    /// Ends the file: nothing may be added any more.
    pub fn finish(&mut self) -> Result<()> {
        self.writer.finish().map_err(ours)?;
        Ok(())
    }

    /// The bytes that have become ready; mostly none.
    pub fn taken(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }
}

/// Readers go by Parquet's own types: Arrow's are not put beside them.
fn options(columns: &[Column]) -> Result<ArrowWriterOptions> {
    let properties = WriterProperties::builder()
        .set_created_by(concat!("headwater version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .build();
    let fields = columns.iter().map(|c| stored(&c.name, &c.form)).collect::<Result<Vec<_>, _>>().map_err(ours)?;
    let root = Type::group_type_builder("schema").with_fields(fields).build().map_err(ours)?;
    Ok(ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true)
        .with_parquet_schema(SchemaDescriptor::new(Arc::new(root))))
}

/// The type in the file, of which any value may be NULL.
fn stored(name: &str, form: &Form) -> Result<TypePtr, ParquetError> {
    let leaf = |stored, logical| {
        Type::primitive_type_builder(name, stored)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(logical))
    };
    let made = match form {
        Form::Uuid => leaf(Stored::FIXED_LEN_BYTE_ARRAY, LogicalType::Uuid).with_length(16).build()?,
        Form::Json => leaf(Stored::BYTE_ARRAY, LogicalType::Json).build()?,
        Form::List(item) => {
            let list = Type::group_type_builder("list")
                .with_repetition(Repetition::REPEATED)
                .with_fields(vec![stored("element", item)?])
                .build()?;
            Type::group_type_builder(name)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::List))
                .with_fields(vec![Arc::new(list)])
                .build()?
        }
        form => {
            let alone = Schema::new(vec![Field::new(name, form.data_type(), true)]);
            return Ok(ArrowSchemaConverter::new().convert(&alone)?.root_schema().get_fields()[0].clone());
        }
    };
    Ok(Arc::new(made))
}
