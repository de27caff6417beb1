//! Reading rows: a range of the table's tree, a range of an index, one row by key.
//!
//! Scans own no borrow of the transaction; a scan can be kept for as long as its view should be.

use super::batch::ScanColumn;
use super::bounds::encode_prefix;
use super::def::{IndexDef, KeySource, RowKeyDef, TableDef};
use super::entry::{EntryView, decode_columns};
use super::layout::RowView;
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Index, KeyPart, RowKey, Table};
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{ReadView, Scan, Txn};
use crate::types::{Batch, ColumnBuilder, DatumRef, Physical, SqlType, key};
use std::sync::Arc;

/// A scan over a table's rows in the order of their keys.
pub struct TableScan {
    def: Arc<TableDef>,
    columns: Vec<ScanColumn>,
    scan: Scan,
    entries: Entries,
    done: bool,
}

impl TableScan {
    /// `range` is over row keys: [`KeyRange::all`], or from [`key_range`](super::key_range) with the key's columns.
    pub fn new(
        def: Arc<TableDef>,
        txn: &Txn,
        view: ReadView,
        range: KeyRange,
        direction: Direction,
        columns: Vec<ScanColumn>,
    ) -> TableScan {
        let scan = txn.scan(view, def.tree, range, direction);
        TableScan { def, columns, scan, entries: Entries::new(), done: false }
    }

    /// The next rows, at most `max`; `None` at the end.
    pub fn next(&mut self, txn: &Txn, max: usize) -> Result<Option<Batch>> {
        while !self.done {
            self.done = !self.scan.next(txn, &mut self.entries, max)?;
            if !self.entries.is_empty() {
                return Ok(Some(self.def.batch(&self.columns, &self.entries)));
            }
        }
        Ok(None)
    }
}

/// A scan over an index in the order of its keys, and over the rows that its entries name, unless the entries hold all
/// that is wanted.
pub struct IndexScan {
    def: Arc<TableDef>,
    index: usize,
    columns: Vec<ScanColumn>,
    view: ReadView,
    scan: Scan,
    entries: Entries,
    rows: Entries,
    value: Vec<u8>,
    covering: bool,
    done: bool,
}

impl IndexScan {
    /// `index` is a position in [`TableDef::indexes`]; of the clustered one use a [`TableScan`]. `range` is over the
    /// index's key columns.
    pub fn new(
        def: Arc<TableDef>,
        index: usize,
        txn: &Txn,
        view: ReadView,
        range: KeyRange,
        direction: Direction,
        columns: Vec<ScanColumn>,
    ) -> IndexScan {
        let scan = txn.scan(view.clone(), def.indexes[index].index.tree, range, direction);
        let covering = index_covers(&def.table, &def.indexes[index].index, &columns);
        let (entries, rows) = (Entries::new(), Entries::new());
        IndexScan { def, index, columns, view, scan, entries, rows, value: Vec::new(), covering, done: false }
    }

    /// Whether rows are never visited.
    pub fn is_covering(&self) -> bool {
        self.covering
    }

    /// The next rows, at most `max`; `None` at the end. Error: 40001 when the index is younger than the snapshot.
    pub fn next(&mut self, txn: &Txn, max: usize) -> Result<Option<Batch>> {
        self.def.indexes[self.index].check_filled(Read::View(&self.view))?;
        while !self.done {
            self.done = !self.scan.next(txn, &mut self.entries, max)?;
            if self.entries.is_empty() {
                continue;
            }
            if self.covering {
                return covered_batch(&self.def, self.index, &self.columns, &self.entries).map(Some);
            }
            self.rows.clear();
            for (key, value) in self.entries.iter() {
                let row_key = EntryView::new(key, value)?.row_key;
                if !txn.get(&self.view, self.def.tree, row_key, &mut self.value)? {
                    return Err(dangling(&self.def.indexes[self.index]));
                }
                self.rows.push(row_key, &self.value);
            }
            return Ok(Some(self.def.batch(&self.columns, &self.rows)));
        }
        Ok(None)
    }
}

fn dangling(index: &IndexDef) -> Error {
    let message = format!("index \"{}\" names a row that is not there", index.index.name);
    Error::new(SqlState::INDEX_CORRUPTED, message)
}

/// Where a covering scan finds a column.
#[derive(Clone, Copy)]
enum Source {
    /// Position among the index's key columns.
    Key(usize),
    /// Position among the included columns.
    Included(usize),
    /// Position among the columns of the row's key.
    RowKey(usize),
}

/// Whether an index's entries hold all of these columns, so that a scan never visits the rows.
pub fn index_covers(table: &Table, index: &Index, columns: &[ScanColumn]) -> bool {
    !index.clustered
        && columns.iter().all(|c| match *c {
            ScanColumn::Column(at) => source_of(table, index, at).is_some(),
            ScanColumn::RowKey | ScanColumn::TableOid | ScanColumn::Ctid => true,
        })
}

fn source_of(table: &Table, index: &Index, at: usize) -> Option<Source> {
    let column = &table.columns[at];
    if let Some(i) = index.include.iter().position(|&n| n == column.attnum) {
        return Some(Source::Included(i));
    }
    if key::is_lossy(SqlType::with_typmod(column.type_oid, column.typmod)) {
        return None;
    }
    let in_key = index.keys.iter().position(|k| k.part == KeyPart::Column(column.attnum));
    in_key.map(Source::Key).or_else(|| match &table.row_key {
        RowKey::Columns { attnums, .. } => attnums.iter().position(|&n| n == column.attnum).map(Source::RowKey),
        RowKey::RowId => None,
    })
}

/// The wanted columns out of index entries alone.
fn covered_batch(def: &TableDef, index: usize, columns: &[ScanColumn], entries: &Entries) -> Result<Batch> {
    let index = &def.indexes[index];
    let views = entries.iter().map(|(k, v)| EntryView::new(k, v)).collect::<Result<Vec<_>>>()?;
    let count = views.len();
    let mut out = Vec::with_capacity(columns.len());
    for column in columns {
        let (form, source) = match *column {
            ScanColumn::Column(at) => {
                (def.layout.form(at), Some(source_of(&def.table, &index.index, at).expect("a covered column")))
            }
            ScanColumn::RowKey => (Physical::Bytes, None),
            ScanColumn::TableOid => (Physical::UInt32, None),
            ScanColumn::Ctid => (Physical::Int64, None),
        };
        let mut builder = ColumnBuilder::new(form, count);
        for view in &views {
            match (source, column) {
                (Some(Source::Included(i)), _) => {
                    builder.push(RowView::new(view.included).get(&index.include_layout, i));
                }
                (Some(Source::Key(i)), _) => push_key_column(&index.columns[..=i], view.columns, &mut builder)?,
                (Some(Source::RowKey(i)), _) => {
                    let RowKeyDef::Columns { columns, .. } = &def.row_key else { unreachable!("a keyed table") };
                    push_key_column(&columns[..=i], view.row_key, &mut builder)?;
                }
                (None, ScanColumn::RowKey) => builder.push(DatumRef::Bytes(view.row_key)),
                (None, ScanColumn::Ctid) => builder.push(DatumRef::Int8(super::batch::ctid(view.row_key))),
                (None, _) => builder.push(DatumRef::Oid(def.table.oid.0)),
            }
        }
        out.push(builder.finish());
    }
    Ok(Batch::new(out, count))
}

/// Appends the last of `columns`.
fn push_key_column(columns: &[super::def::KeyColumn], bytes: &[u8], out: &mut ColumnBuilder) -> Result<()> {
    let last = columns.len() - 1;
    decode_columns(columns, bytes, |i, value| {
        if i == last {
            out.push(value);
        }
    })
}

/// How much memory a [`FetchedRow`] that lies idle keeps in each buffer.
const KEPT_BYTES: usize = 4 << 10;

/// One row as fetched: its key and its bytes. Kept and refilled by whoever looks up many.
#[derive(Debug, Default)]
pub struct FetchedRow {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

impl FetchedRow {
    /// Lets go of memory that only a long row needed.
    pub fn shrink(&mut self) {
        for buffer in [&mut self.key, &mut self.value] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = Vec::new();
            }
        }
    }

    pub fn view(&self) -> RowView<'_> {
        RowView::new(&self.value)
    }
}

/// Which state of the database to look in.
#[derive(Clone, Copy)]
pub enum Read<'a> {
    View(&'a ReadView),
    /// The latest committed state and all own writes: meaningful under a lock.
    Latest,
}

impl Read<'_> {
    pub(super) fn get(self, txn: &Txn, tree: crate::base::TreeId, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        match self {
            Read::View(view) => txn.get(view, tree, key, out),
            Read::Latest => txn.get_latest(tree, key, out),
        }
    }

    pub(super) fn scan(self, txn: &Txn, tree: crate::base::TreeId, range: KeyRange) -> Scan {
        match self {
            Read::View(view) => txn.scan(view.clone(), tree, range, Direction::Forward),
            Read::Latest => txn.scan_latest(tree, range, Direction::Forward),
        }
    }
}

impl TableDef {
    /// Fetches a row by its key.
    pub fn fetch(&self, txn: &Txn, read: Read<'_>, row_key: &[u8], out: &mut FetchedRow) -> Result<bool> {
        out.key.clear();
        out.key.extend_from_slice(row_key);
        read.get(txn, self.tree, &out.key, &mut out.value)
    }

    /// Fetches a row by all columns of its primary key, if the table is keyed by it.
    pub fn lookup(&self, txn: &Txn, read: Read<'_>, values: &[DatumRef<'_>], out: &mut FetchedRow) -> Result<bool> {
        let RowKeyDef::Columns { columns, .. } = &self.row_key else { unreachable!("the table is keyed by columns") };
        out.key.clear();
        if values.iter().any(|v| v.is_null()) || !encode_prefix(columns, values, &mut out.key) {
            return Ok(false);
        }
        read.get(txn, self.tree, &out.key, &mut out.value)
    }

    /// Fetches the row that has these values in all key columns of a unique index.
    pub fn lookup_unique(
        &self,
        txn: &Txn,
        read: Read<'_>,
        index: usize,
        values: &[DatumRef<'_>],
        out: &mut FetchedRow,
    ) -> Result<bool> {
        let index = &self.indexes[index];
        if index.index.clustered {
            return self.lookup(txn, read, values, out);
        }
        let mut key = Vec::with_capacity(32);
        if values.iter().any(|v| v.is_null()) || !encode_prefix(&index.columns, values, &mut key) {
            return Ok(false);
        }
        if !index.find_row_key(txn, read, &key, &mut out.key)? {
            return Ok(false);
        }
        match read.get(txn, self.tree, &out.key, &mut out.value)? {
            true => Ok(true),
            false => Err(dangling(index)),
        }
    }
}

impl IndexDef {
    /// Refuses an index that was made after the snapshot was taken: it would look empty. READ COMMITTED never gets here,
    /// since its statements read at least what their catalog was made by.
    fn check_filled(&self, read: Read<'_>) -> Result<()> {
        match read {
            Read::View(view) if view.lsn() < self.filled_since => Err(Error::new(
                SqlState::T_R_SERIALIZATION_FAILURE,
                format!("could not serialize access due to concurrent creation of index \"{}\"", self.index.name),
            )),
            _ => Ok(()),
        }
    }

    /// The key of the row that owns a unique key of non-NULL values.
    pub(super) fn find_row_key(&self, txn: &Txn, read: Read<'_>, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        self.check_filled(read)?;
        out.clear();
        if self.index.immediate {
            let mut value = Vec::new();
            if !read.get(txn, self.index.tree, key, &mut value)? {
                return Ok(false);
            }
            out.extend_from_slice(EntryView::new(key, &value)?.row_key);
            return Ok(true);
        }
        let mut entries = Entries::new();
        read.scan(txn, self.index.tree, KeyRange::prefix(key)).next(txn, &mut entries, 1)?;
        if entries.is_empty() {
            return Ok(false);
        }
        out.extend_from_slice(EntryView::new(entries.key(0), entries.value(0))?.row_key);
        Ok(true)
    }

    /// The number of leading plain columns that equal these positions in some order, as a foreign key's side asks.
    pub(super) fn leads_with(&self, positions: &[usize]) -> bool {
        self.predicate.is_none()
            && self.sources.len() >= positions.len()
            && self.sources[..positions.len()].iter().all(|s| match s {
                KeySource::Column(at) => positions.contains(at),
                KeySource::Expr(_) => false,
            })
    }
}
