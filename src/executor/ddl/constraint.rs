//! Primary keys, unique constraints and checks; foreign keys are in `foreign_key.rs`.
//!
//! Constraints of CREATE TABLE and of ALTER TABLE ADD are brought to one form ([`Wanted`]) and added the same way; a table that
//! has rows is checked, or rebuilt, as the constraint asks.

use super::index::{self, NewIndex};
use super::{DdlContext, expression, foreign_key, names, rebuild};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Constraint, ConstraintKind, Relation, RowKey, Table};
use crate::parser::ast::{
    ColumnConstraintKind, ColumnDef, ConstraintKeys, ConstraintTiming, Ident, Pos, References, SourceExpr,
    TableConstraint, TableConstraintKind,
};
use std::sync::Arc;

/// A constraint to add.
pub struct Wanted<'a> {
    pub name: Option<&'a Ident>,
    pub kind: WantedKind<'a>,
    pub timing: ConstraintTiming,
    pub pos: Pos,
}

pub enum WantedKind<'a> {
    /// A primary key if `primary`, else a unique constraint.
    Unique {
        primary: bool,
        columns: Vec<&'a Ident>,
        include: Vec<&'a Ident>,
        using_index: Option<&'a Ident>,
        nulls_not_distinct: bool,
    },
    Check {
        expr: &'a SourceExpr,
        no_inherit: bool,
        /// The column that it was written at.
        column: Option<&'a str>,
    },
    Foreign {
        columns: Vec<&'a Ident>,
        references: &'a References,
    },
    Exclude,
}

impl Wanted<'_> {
    fn is_primary(&self) -> bool {
        matches!(self.kind, WantedKind::Unique { primary: true, .. })
    }

    /// The order in which constraints are added: indexes, then checks, then foreign keys.
    fn rank(&self) -> u8 {
        match self.kind {
            WantedKind::Unique { primary: true, .. } => 0,
            WantedKind::Unique { .. } | WantedKind::Exclude => 1,
            WantedKind::Check { .. } => 2,
            WantedKind::Foreign { .. } => 3,
        }
    }
}

/// The table-wide constraints among those of a column.
pub fn of_column<'a>(def: &'a ColumnDef, out: &mut Vec<Wanted<'a>>) {
    for c in &def.constraints {
        let unique = |primary, nulls_not_distinct| WantedKind::Unique {
            primary,
            columns: vec![&def.name],
            include: Vec::new(),
            using_index: None,
            nulls_not_distinct,
        };
        let kind = match &c.kind {
            ColumnConstraintKind::Unique { nulls_not_distinct, .. } => unique(false, *nulls_not_distinct),
            ColumnConstraintKind::PrimaryKey { .. } => unique(true, false),
            ColumnConstraintKind::Check { expr, no_inherit } => {
                WantedKind::Check { expr, no_inherit: *no_inherit, column: Some(&def.name.name) }
            }
            ColumnConstraintKind::References(references) => {
                WantedKind::Foreign { columns: vec![&def.name], references }
            }
            _ => continue,
        };
        out.push(Wanted { name: c.name.as_ref(), kind, timing: c.timing, pos: c.pos });
    }
}

pub fn of_table(c: &TableConstraint) -> Wanted<'_> {
    let kind = match &c.kind {
        TableConstraintKind::Unique { nulls_not_distinct, keys } => unique_of(false, keys, *nulls_not_distinct),
        TableConstraintKind::PrimaryKey(keys) => unique_of(true, keys, false),
        TableConstraintKind::Check { expr, no_inherit } => {
            WantedKind::Check { expr, no_inherit: *no_inherit, column: None }
        }
        TableConstraintKind::ForeignKey { columns, references } => {
            WantedKind::Foreign { columns: columns.iter().collect(), references }
        }
        TableConstraintKind::Exclude { .. } => WantedKind::Exclude,
    };
    Wanted { name: c.name.as_ref(), kind, timing: c.timing, pos: c.pos }
}

fn unique_of(primary: bool, keys: &ConstraintKeys, nulls_not_distinct: bool) -> WantedKind<'_> {
    let (columns, include, using_index) = match keys {
        ConstraintKeys::Columns { columns, include, .. } => (columns.iter().collect(), include.iter().collect(), None),
        ConstraintKeys::Index(name) => (Vec::new(), Vec::new(), Some(name)),
    };
    WantedKind::Unique { primary, columns, include, using_index, nulls_not_distinct }
}

/// Columns of the primary key are NOT NULL from the start; only one primary key may be wanted.
pub fn mark_primary_key(table: &mut Table, wanted: &[Wanted<'_>]) -> Result<()> {
    let mut seen = false;
    for w in wanted.iter().filter(|w| w.is_primary()) {
        if std::mem::replace(&mut seen, true) {
            return Err(two_primary_keys(&table.name).at(w.pos));
        }
        let WantedKind::Unique { columns, .. } = &w.kind else { continue };
        for name in columns {
            if let Some(c) = table.columns.iter_mut().find(|c| c.name == name.name && !c.dropped) {
                c.not_null = true;
            }
        }
    }
    Ok(())
}

fn two_primary_keys(table: &str) -> Error {
    Error::new(
        SqlState::INVALID_TABLE_DEFINITION,
        format!("multiple primary keys for table \"{table}\" are not allowed"),
    )
}

/// Adds all, in PostgreSQL's order.
pub fn add_all(cx: &mut DdlContext<'_>, table: Oid, wanted: &[Wanted<'_>]) -> Result<()> {
    let mut ordered: Vec<&Wanted<'_>> = wanted.iter().collect();
    ordered.sort_by_key(|w| w.rank());
    for w in ordered {
        add(cx, table, w)?;
    }
    Ok(())
}

/// Adds one to a table that the transaction has locked.
pub fn add(cx: &mut DdlContext<'_>, table: Oid, w: &Wanted<'_>) -> Result<()> {
    let current = cx.now().table(table).cloned().ok_or_else(|| Error::internal("the table is gone"))?;
    if let Some(name) = w.name
        && current.constraint_named(&name.name).is_some()
    {
        // The index that it would have takes the name first.
        let indexed = matches!(w.kind, WantedKind::Unique { using_index: None, .. });
        if indexed && cx.now().relation(current.schema, &name.name).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{}\" already exists", name.name)));
        }
        return Err(Error::new(
            SqlState::DUPLICATE_OBJECT,
            format!("constraint \"{}\" for relation \"{}\" already exists", name.name, current.name),
        ));
    }
    match &w.kind {
        WantedKind::Unique { using_index: Some(index), primary, .. } => adopt_index(cx, &current, w, index, *primary),
        WantedKind::Unique { primary, columns, include, nulls_not_distinct, .. } => {
            add_unique(cx, &current, w, *primary, columns, include, *nulls_not_distinct)
        }
        WantedKind::Check { expr, no_inherit, column } => add_check(cx, &current, w, expr, *no_inherit, *column),
        WantedKind::Foreign { columns, references } => foreign_key::add(cx, &current, w, columns, references),
        WantedKind::Exclude => Err(Error::unsupported("EXCLUDE")),
    }
}

/// DEFERRABLE and INITIALLY DEFERRED with their defaults.
pub fn timing(t: ConstraintTiming) -> (bool, bool) {
    let initially_deferred = t.initially_deferred.unwrap_or(false);
    (t.deferrable.unwrap_or(initially_deferred), initially_deferred)
}

fn key_attnums(table: &Table, columns: &[&Ident], what: &str) -> Result<Vec<i16>> {
    let mut attnums = Vec::with_capacity(columns.len());
    for name in columns {
        let column = table.column_named(&name.name).ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{}\" named in key does not exist", name.name))
                .at(name.pos)
        })?;
        if attnums.contains(&column.attnum) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" appears twice in {what} constraint", name.name),
            )
            .at(name.pos));
        }
        attnums.push(column.attnum);
    }
    Ok(attnums)
}

fn add_unique(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    w: &Wanted<'_>,
    primary: bool,
    columns: &[&Ident],
    include: &[&Ident],
    nulls_not_distinct: bool,
) -> Result<()> {
    if primary && table.primary_key().is_some() {
        return Err(two_primary_keys(&table.name));
    }
    let attnums = key_attnums(table, columns, if primary { "primary key" } else { "unique" })?;
    let include = key_attnums(table, include, "unique")?;
    let name = match w.name {
        Some(name) => name.name.clone(),
        None => {
            let parts: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
            let middle = names::columns_part(&parts);
            let (middle, label) = if primary { (None, "pkey") } else { (Some(middle.as_str()), "key") };
            names::relation_name(&cx.now(), table.schema, &table.name, middle, label)
        }
    };
    cx.catalog.claim_relation_name(cx.txn, table.schema, &name)?;
    let keys = index::column_keys(table, &attnums)?;
    let (deferrable, initially_deferred) = timing(w.timing);
    let constraint = Constraint {
        oid: cx.new_oid()?,
        name: name.clone(),
        kind: ConstraintKind::Unique { index: Oid::INVALID, columns: attnums.clone() },
        deferrable,
        initially_deferred,
        validated: true,
        no_inherit: false,
    };
    let wanted = NewIndex {
        name,
        keys,
        include,
        unique: true,
        nulls_not_distinct,
        primary,
        immediate: !deferrable,
        predicate: None,
        mentions: Vec::new(),
        constraint: Some(constraint.oid),
        method: "btree".into(),
        options: Vec::new(),
    };
    if primary {
        add_primary_key(cx, table, constraint, attnums, wanted)
    } else {
        let index = index::make(cx, table, wanted)?;
        let kind = ConstraintKind::Unique { index, columns: attnums };
        push(cx, table.oid, Constraint { kind, ..constraint })
    }
}

/// The table's rows are put into the order of their key, unless the key may be violated for a while.
fn add_primary_key(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    constraint: Constraint,
    attnums: Vec<i16>,
    wanted: NewIndex,
) -> Result<()> {
    let clustered = !constraint.deferrable;
    let mut changed = Table::clone(table);
    for attnum in &attnums {
        changed.columns[*attnum as usize - 1].not_null = true;
    }
    rebuild::check_not_null(cx, table, &attnums)?;
    if !clustered {
        cx.catalog.put(cx.txn, Arc::new(changed.clone()))?;
        let index = index::make(cx, &Arc::new(changed), wanted)?;
        let kind = ConstraintKind::PrimaryKey { index, columns: attnums };
        return push(cx, table.oid, Constraint { kind, ..constraint });
    }
    let index_oid = cx.new_oid()?;
    changed.row_key = RowKey::Columns { index: index_oid, attnums: attnums.clone() };
    changed
        .constraints
        .push(Constraint { kind: ConstraintKind::PrimaryKey { index: index_oid, columns: attnums }, ..constraint });
    let index = index::object(&changed, index_oid, wanted, None);
    rebuild::rewrite(cx, table, changed, vec![index], rebuild::Rows::AsTheyAre)
}

/// ADD CONSTRAINT ... USING INDEX.
fn adopt_index(cx: &mut DdlContext<'_>, table: &Arc<Table>, w: &Wanted<'_>, name: &Ident, primary: bool) -> Result<()> {
    if primary {
        return Err(Error::unsupported("PRIMARY KEY USING INDEX"));
    }
    let catalog = cx.now();
    let Some(Relation::Index(found)) = catalog.relation(table.schema, &name.name) else {
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("index \"{}\" does not exist", name.name)));
    };
    let wrong = |text: String| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text));
    if found.table != table.oid {
        return wrong(format!("index \"{}\" does not belong to table \"{}\"", name.name, table.name));
    }
    if !found.unique || found.predicate.is_some() || found.constraint.is_some() {
        return wrong(format!("\"{}\" is not a unique index", name.name));
    }
    let Some(columns) = found.key_columns() else {
        return wrong(format!("index \"{}\" contains expressions", name.name));
    };
    let (deferrable, initially_deferred) = timing(w.timing);
    let oid = cx.new_oid()?;
    let mut index = crate::catalog::Index::clone(&found);
    index.constraint = Some(oid);
    index.immediate = !deferrable;
    let kind = ConstraintKind::Unique { index: index.oid, columns };
    let constraint_name = index.name.clone();
    cx.catalog.put(cx.txn, Arc::new(index))?;
    push(
        cx,
        table.oid,
        Constraint {
            oid,
            name: constraint_name,
            kind,
            deferrable,
            initially_deferred,
            validated: true,
            no_inherit: false,
        },
    )
}

fn add_check(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    w: &Wanted<'_>,
    expr: &SourceExpr,
    no_inherit: bool,
    column: Option<&str>,
) -> Result<()> {
    let stored = expression::check(cx, table, expr)?;
    let name = match w.name {
        Some(name) => name.name.clone(),
        None => {
            let only = match stored.columns.as_slice() {
                [attnum] => table.column(*attnum).map(|c| c.name.clone()),
                _ => None,
            };
            let middle = column.map(str::to_owned).or(only);
            names::constraint_name(table, middle.as_deref(), "check", &[])
        }
    };
    let constraint = Constraint {
        oid: cx.new_oid()?,
        name,
        kind: ConstraintKind::Check { source: stored.source, display: stored.display, columns: stored.columns },
        deferrable: false,
        initially_deferred: false,
        validated: !w.timing.not_valid,
        no_inherit,
    };
    if !w.timing.not_valid {
        rebuild::check_rows(cx, table, &stored.expr, &constraint.name)?;
    }
    push(cx, table.oid, constraint)
}

/// Puts a constraint into the catalog.
pub fn push(cx: &mut DdlContext<'_>, table: Oid, constraint: Constraint) -> Result<()> {
    let current = cx.now().table(table).cloned().ok_or_else(|| Error::internal("the table is gone"))?;
    let mut changed = Table::clone(&current);
    changed.constraints.push(constraint);
    cx.catalog.put(cx.txn, Arc::new(changed))
}
