//! `TableDef`: what reading and writing a table's rows needs, worked out once for a version of the catalog.
//!
//! The upper layer binds the SQL texts of checks, index expressions and predicates; here they are expressions whose
//! `Input` positions are positions in [`Table::columns`].

use super::layout::Layout;
use super::tables::{Activity, RowIds, Tables};
use crate::base::{Lsn, Oid, Result, TreeId};
use crate::catalog::{Column, Index, KeyPart, RowKey, Table};
use crate::expr::Expr;
use crate::types::key::KeyOrder;
use crate::types::{Datum, FormatContext, SqlType, parse_text};
use std::sync::Arc;

/// One column of a key: its type and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyColumn {
    pub ty: SqlType,
    pub order: KeyOrder,
}

/// Where a key column's value comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Position in the table's columns.
    Column(usize),
    Expr(Expr),
}

#[derive(Clone, Debug)]
pub struct IndexDef {
    pub index: Arc<Index>,
    pub columns: Vec<KeyColumn>,
    pub sources: Vec<KeySource>,
    pub predicate: Option<Expr>,
    /// Positions of the included columns, and their layout in the entry's value.
    pub include: Vec<usize>,
    pub include_layout: Layout,
    /// Positions of all columns that the entry or its being there depends on, ascending.
    pub touched_by: Vec<usize>,
    /// Older snapshots see none of its entries.
    pub filled_since: Lsn,
}

/// A check constraint.
#[derive(Clone, Debug)]
pub struct CheckDef {
    pub name: String,
    pub condition: Expr,
}

/// The bound forms of an index's SQL texts.
#[derive(Clone, Debug, Default)]
pub struct IndexExprs {
    /// One for each [`KeyPart::Expression`], in order.
    pub keys: Vec<Expr>,
    pub predicate: Option<Expr>,
}

/// How rows are keyed in the table's tree.
#[derive(Clone, Debug)]
pub enum RowKeyDef {
    /// Eight bytes, big-endian.
    RowId(Arc<RowIds>),
    /// The primary key: positions in the table's columns.
    Columns {
        positions: Vec<usize>,
        columns: Vec<KeyColumn>,
        /// Position in `TableDef::indexes`.
        index: usize,
    },
}

#[derive(Clone, Debug)]
pub struct TableDef {
    pub table: Arc<Table>,
    /// The database that the table is in.
    pub database: Oid,
    /// The schema's name, for messages.
    pub schema: Arc<str>,
    pub tree: TreeId,
    pub layout: Layout,
    /// By position in the table's columns; dropped ones included.
    pub types: Vec<SqlType>,
    pub row_key: RowKeyDef,
    /// By ascending oid. The primary key that orders the rows is among them, `clustered`.
    pub indexes: Vec<IndexDef>,
    /// In order of name, as PostgreSQL checks them.
    pub checks: Vec<CheckDef>,
    /// Positions of NOT NULL columns.
    pub not_null: Vec<usize>,
    pub(super) activity: Arc<Activity>,
}

impl TableDef {
    /// `indexes` are [`Catalog::indexes_of`](crate::catalog::Catalog::indexes_of) with their bound texts, in that order.
    pub fn new(
        database: Oid,
        table: Arc<Table>,
        schema: &str,
        indexes: Vec<(Arc<Index>, IndexExprs)>,
        mut checks: Vec<CheckDef>,
        tables: &Tables,
    ) -> Result<TableDef> {
        let types: Vec<SqlType> = table.columns.iter().map(column_type).collect();
        let missing = table.columns.iter().map(missing_value).collect::<Result<Vec<_>>>()?;
        let layout = Layout::new(types.iter().map(|t| t.physical()).zip(missing));
        let indexes: Vec<IndexDef> = indexes.into_iter().map(|(i, e)| IndexDef::new(&types, i, e, tables)).collect();
        let row_key = match &table.row_key {
            RowKey::RowId => RowKeyDef::RowId(tables.row_ids(table.tree)),
            RowKey::Columns { index, attnums } => {
                let at = indexes.iter().position(|i| i.index.oid == *index).expect("the clustered index is listed");
                let positions = attnums.iter().map(|&n| position(n)).collect();
                RowKeyDef::Columns { positions, columns: indexes[at].columns.clone(), index: at }
            }
        };
        checks.sort_by(|a, b| a.name.cmp(&b.name));
        let live = table.columns.iter().enumerate().filter(|(_, c)| c.not_null && !c.dropped);
        let not_null = live.map(|(i, _)| i).collect();
        let (schema, tree, activity) = (schema.into(), table.tree, tables.activity(table.oid));
        Ok(TableDef { table, database, schema, tree, layout, types, row_key, indexes, checks, not_null, activity })
    }

    pub fn oid(&self) -> Oid {
        self.table.oid
    }

    /// The position of an index among `indexes`.
    pub fn index_at(&self, oid: Oid) -> Option<usize> {
        self.indexes.iter().position(|i| i.index.oid == oid)
    }

    /// Whether a change to the columns at these positions changes where the row is: how it is keyed, or what a foreign
    /// key may refer to. It decides between the lock modes `NoKeyUpdate` and `Update`.
    pub fn changes_key(&self, changed: &[usize]) -> bool {
        self.indexes.iter().any(|i| i.is_plain_unique() && i.touched_by.iter().any(|c| changed.contains(c)))
    }
}

impl IndexDef {
    fn new(types: &[SqlType], index: Arc<Index>, exprs: IndexExprs, tables: &Tables) -> IndexDef {
        let mut bound = exprs.keys.into_iter();
        let mut columns = Vec::new();
        let mut sources = Vec::new();
        for key in &index.keys {
            let order = KeyOrder { descending: key.descending, nulls_first: key.nulls_first };
            let (source, ty) = match key.part {
                KeyPart::Column(n) => (KeySource::Column(position(n)), types[position(n)]),
                KeyPart::Expression { .. } => {
                    let expr = bound.next().expect("one bound expression for each expression of the index");
                    let ty = expr.ty();
                    (KeySource::Expr(expr), ty)
                }
            };
            columns.push(KeyColumn { ty, order });
            sources.push(source);
        }
        let include: Vec<usize> = index.include.iter().map(|&n| position(n)).collect();
        let include_layout = Layout::new(include.iter().map(|&i| (types[i].physical(), Datum::Null)));
        let touched_by = index.columns().into_iter().map(position).collect();
        let filled_since = if index.clustered { Lsn::ZERO } else { tables.store().filled_since(index.tree) };
        let predicate = exprs.predicate;
        IndexDef { index, columns, sources, predicate, include, include_layout, touched_by, filled_since }
    }

    /// Whether a foreign key could refer to it.
    pub fn is_plain_unique(&self) -> bool {
        self.index.unique && self.predicate.is_none() && !self.has_expressions()
    }

    pub fn has_expressions(&self) -> bool {
        self.sources.iter().any(|s| matches!(s, KeySource::Expr(_)))
    }
}

/// The place in [`Table::columns`] of an attribute number.
pub(super) fn position(attnum: i16) -> usize {
    usize::try_from(attnum).ok().and_then(|n| n.checked_sub(1)).expect("attribute numbers of columns are positive")
}

pub(super) fn column_type(column: &Column) -> SqlType {
    SqlType::with_typmod(column.type_oid, column.typmod)
}

fn missing_value(column: &Column) -> Result<Datum> {
    match &column.missing {
        Some(text) if !column.dropped => parse_text(column_type(column), text, &FormatContext::default()),
        _ => Ok(Datum::Null),
    }
}
