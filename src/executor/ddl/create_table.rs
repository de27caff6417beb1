//! CREATE TABLE (`src/backend/commands/tablecmds.c`, `parse_utilcmd.c`).
//!
//! 1. Claim the name.
//! 2. Columns, then what LIKE copies.
//! 3. The table goes into the catalog with an empty tree; sequences of its columns are made.
//! 4. Defaults and generation expressions, now that every column is known.
//! 5. Primary key, unique constraints, checks, foreign keys.

use super::column::{self, COLUMNS_MAX, Extras};
use super::constraint::{self, Wanted};
use super::{DdlContext, Outcome, done, like};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Column, Persistence as Stored, RowKey, Table, TableKind};
use crate::parser::ast::{
    ColumnDef, CreateTable, DefElem, DefValue, OnCommit, Persistence, RelationName, TableElement,
};
use std::sync::Arc;

pub fn create_table(s: &CreateTable, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    refuse_what_is_not_built(s)?;
    // Of all that create relations, CREATE TABLE alone says where in its text the schema is wrong.
    cx.place_for(&s.name, s.persistence).map_err(|e| e.at(s.name.pos))?;
    let Some(mut table) = begin_table(cx, &s.name, s.persistence, s.if_not_exists, TableKind::Table)? else {
        return done("CREATE TABLE");
    };
    on_commit(&mut table, s.on_commit)?;
    table.options = options(&s.options);
    let mut defined: Vec<(i16, &ColumnDef, Extras)> = Vec::new();
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut copied = Vec::new();
    for element in &s.elements {
        match element {
            TableElement::Column(def) => {
                let attnum = table.columns.len() as i16 + 1;
                let (column, extras) = column::define(cx, &table.name, attnum, def)?;
                add_column(&mut table, column).map_err(|e| e.at(def.name.pos))?;
                constraint::of_column(def, &mut wanted);
                defined.push((attnum, def, extras));
            }
            TableElement::Constraint(c) => wanted.push(constraint::of_table(c)),
            TableElement::Like(clause) => copied.push(like::columns(cx, &mut table, clause)?),
        }
    }
    constraint::mark_primary_key(&mut table, &wanted)?;
    cx.catalog.put(cx.txn, Arc::new(table.clone()))?;
    for (attnum, def, extras) in defined {
        if let Some(sequence) = extras.sequence {
            column::create_sequence(cx, &mut table, sequence)?;
        }
        column::apply_default(cx, &mut table, attnum, def)?;
    }
    like::defaults(cx, &mut table, &mut copied)?;
    cx.catalog.put(cx.txn, Arc::new(table.clone()))?;
    constraint::add_all(cx, table.oid, &wanted)?;
    like::indexes(cx, table.oid, &copied)?;
    done("CREATE TABLE")
}

fn refuse_what_is_not_built(s: &CreateTable) -> Result<()> {
    let missing = [
        (!s.inherits.is_empty(), "INHERITS"),
        (s.of_type.is_some(), "CREATE TABLE ... OF"),
        (s.partition_of.is_some(), "PARTITION OF"),
        (s.partition_by.is_some(), "PARTITION BY"),
        (s.foreign.is_some(), "CREATE FOREIGN TABLE"),
        (s.tablespace.as_ref().is_some_and(|t| t.name != "pg_default"), "TABLESPACE"),
        (s.access_method.as_ref().is_some_and(|m| m.name != "heap"), "USING an access method"),
    ];
    match missing.iter().find(|(found, _)| *found) {
        Some((_, feature)) => Err(Error::unsupported(feature)),
        None => Ok(()),
    }
}

/// Error: 42P16 for a table that is not temporary.
pub fn on_commit(table: &mut Table, action: OnCommit) -> Result<()> {
    if action != OnCommit::Default && table.persistence != Stored::Temporary {
        let message = "ON COMMIT can only be used on temporary tables";
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
    }
    table.on_commit_delete = action == OnCommit::DeleteRows;
    table.on_commit_drop = action == OnCommit::Drop;
    Ok(())
}

/// Steps 1: a table without columns; None when it exists and IF NOT EXISTS was said.
pub fn begin_table(
    cx: &mut DdlContext<'_>,
    name: &RelationName,
    persistence: Persistence,
    if_not_exists: bool,
    kind: TableKind,
) -> Result<Option<Table>> {
    let (schema, persistence) = cx.schema_for(name, persistence)?;
    let schema = schema.oid;
    cx.catalog.lock_name(cx.txn, schema, &name.name)?;
    if cx.now().relation(schema, &name.name).is_some() {
        if if_not_exists {
            cx.notice(format!("relation \"{}\" already exists, skipping", name.name));
            return Ok(None);
        }
        cx.catalog.claim_relation_name(cx.txn, schema, &name.name)?;
    }
    cx.catalog.claim_type_name(cx.txn, schema, &name.name)?;
    let (oid, row_type, array_type) = (cx.new_oid()?, cx.new_oid()?, cx.new_oid()?);
    let tree = match kind {
        TableKind::View | TableKind::Composite => Default::default(),
        _ => cx.txn.create_tree()?,
    };
    Ok(Some(Table {
        oid,
        schema,
        name: name.name.clone(),
        kind,
        persistence,
        owner: cx.role,
        acl: None,
        row_type,
        array_type,
        tree,
        row_key: RowKey::RowId,
        columns: Vec::new(),
        constraints: Vec::new(),
        view: None,
        options: Vec::new(),
        on_commit_delete: false,
        on_commit_drop: false,
        row_security: false,
        force_row_security: false,
        replica_identity: 0,
    }))
}

/// Errors: 42701 for a second column of a name, 54011 past 1600 columns, 42701 for the name of a system column.
pub fn add_column(table: &mut Table, column: Column) -> Result<()> {
    if table.columns.len() >= COLUMNS_MAX {
        return Err(Error::new(SqlState::TOO_MANY_COLUMNS, format!("tables can have at most {COLUMNS_MAX} columns")));
    }
    if table.column_named(&column.name).is_some() {
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column \"{}\" specified more than once", column.name),
        ));
    }
    if is_system_column(&column.name) && table.kind != TableKind::View {
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column name \"{}\" conflicts with a system column name", column.name),
        ));
    }
    table.columns.push(column);
    Ok(())
}

pub fn is_system_column(name: &str) -> bool {
    matches!(name, "tableoid" | "cmax" | "xmax" | "cmin" | "xmin" | "ctid")
}

/// `WITH (name = value)`, kept to be shown: there is nothing for storage parameters to do.
pub fn options(list: &[DefElem]) -> Vec<(String, String)> {
    let value = |v: &Option<DefValue>| match v {
        None => "true".to_owned(),
        Some(DefValue::Word(s) | DefValue::String(s) | DefValue::Float(s)) => s.clone(),
        Some(DefValue::Integer(n)) => n.to_string(),
        Some(DefValue::Bool(b)) => b.to_string(),
        Some(DefValue::Type(t)) => t.name.to_string(),
        Some(other) => format!("{other:?}"),
    };
    let name = |e: &DefElem| match &e.namespace {
        Some(space) => format!("{space}.{}", e.name),
        None => e.name.clone(),
    };
    list.iter().filter(|e| e.name != "oids").map(|e| (name(e), value(&e.value))).collect()
}
