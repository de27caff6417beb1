//! FOREIGN KEY constraints: what the columns refer to, and whether the rows already there agree
//! (`ATAddForeignKeyConstraint`, `src/backend/commands/tablecmds.c`).

use super::constraint::{Wanted, push, timing};
use super::{DdlContext, names};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Constraint, ConstraintKind, FkAction, FkMatch, Persistence, Relation, Table, TableKind};
use crate::executor::foreign_key;
use crate::expr;
use crate::parser::ast::{Ident, MatchType, References, ReferentialAction};
use crate::txn::LockMode;
use crate::types::{SqlType, format_type};
use std::sync::Arc;

/// PostgreSQL's limit on the columns of a foreign key (`INDEX_MAX_KEYS`).
const KEYS_MAX: usize = 32;

pub fn add(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    w: &Wanted<'_>,
    columns: &[&Ident],
    references: &References,
) -> Result<()> {
    let parent = parent_table(cx, table, references)?;
    let columns = attnums(table, columns)?;
    let named: Vec<&Ident> = references.columns.iter().collect();
    let (parent_columns, parent_index) = referenced_key(cx, &parent, &named)?;
    if columns.len() != parent_columns.len() {
        return Err(Error::new(
            SqlState::INVALID_FOREIGN_KEY,
            "number of referencing and referenced columns for foreign key disagree",
        ));
    }
    let name = match w.name {
        Some(name) => name.name.clone(),
        None => {
            let parts: Vec<String> = columns.iter().filter_map(|n| table.column(*n)).map(|c| c.name.clone()).collect();
            names::constraint_name(table, Some(&names::columns_part(&parts)), "fkey", &[])
        }
    };
    check_types(table, &columns, &parent, &parent_columns, &name)?;
    if references.match_type == MatchType::Partial {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "MATCH PARTIAL not yet implemented"));
    }
    let set_columns = references.on_delete_columns.iter().collect::<Vec<_>>();
    let set_columns = attnums(table, &set_columns)?;
    if let Some(stray) = set_columns.iter().find(|n| !columns.contains(n)) {
        let name = table.column(*stray).map_or("", |c| c.name.as_str());
        return Err(Error::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!("column \"{name}\" referenced in ON DELETE SET action must be part of foreign key"),
        ));
    }
    let (deferrable, initially_deferred) = timing(w.timing);
    let constraint = Constraint {
        oid: cx.new_oid()?,
        name,
        kind: ConstraintKind::ForeignKey {
            columns,
            parent: parent.oid,
            parent_columns,
            parent_index,
            matching: if references.match_type == MatchType::Full { FkMatch::Full } else { FkMatch::Simple },
            on_update: action(references.on_update),
            on_delete: action(references.on_delete),
            set_columns,
        },
        deferrable,
        initially_deferred,
        validated: !w.timing.not_valid,
        no_inherit: false,
    };
    let oid = constraint.oid;
    push(cx, table.oid, constraint)?;
    if !w.timing.not_valid {
        validate(cx, table.oid, oid)?;
    }
    Ok(())
}

/// Every row of the table must have its parent. Error: 23503.
pub fn validate(cx: &mut DdlContext<'_>, table: Oid, constraint: Oid) -> Result<()> {
    cx.with_exec(|exec| foreign_key::validate(exec, table, constraint))
}

fn action(a: ReferentialAction) -> FkAction {
    match a {
        ReferentialAction::NoAction => FkAction::NoAction,
        ReferentialAction::Restrict => FkAction::Restrict,
        ReferentialAction::Cascade => FkAction::Cascade,
        ReferentialAction::SetNull => FkAction::SetNull,
        ReferentialAction::SetDefault => FkAction::SetDefault,
    }
}

fn parent_table(cx: &mut DdlContext<'_>, table: &Arc<Table>, references: &References) -> Result<Arc<Table>> {
    let found = cx.relation(&references.table)?;
    let Relation::Table(parent) = found else {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("referenced relation \"{}\" is not a table", references.table.name),
        ));
    };
    if parent.kind != TableKind::Table {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("referenced relation \"{}\" is not a table", parent.name),
        ));
    }
    check_persistence(table, &parent)?;
    if parent.oid != table.oid {
        cx.lock(parent.oid, LockMode::ShareRowExclusive)?;
    }
    cx.now().table(parent.oid).cloned().ok_or_else(Error::restart)
}

/// Rows must not refer to rows that go before them.
fn check_persistence(child: &Table, parent: &Table) -> Result<()> {
    let message = match (child.persistence, parent.persistence) {
        (Persistence::Permanent, Persistence::Permanent) | (Persistence::Unlogged, Persistence::Permanent) => {
            return Ok(());
        }
        (Persistence::Unlogged, Persistence::Unlogged) | (Persistence::Temporary, Persistence::Temporary) => {
            return Ok(());
        }
        (Persistence::Permanent, _) => "constraints on permanent tables may reference only permanent tables",
        (Persistence::Unlogged, _) => "constraints on unlogged tables may reference only permanent or unlogged tables",
        (Persistence::Temporary, _) => "constraints on temporary tables may reference only temporary tables",
    };
    Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message))
}

fn attnums(table: &Table, columns: &[&Ident]) -> Result<Vec<i16>> {
    if columns.len() > KEYS_MAX {
        return Err(Error::new(
            SqlState::TOO_MANY_COLUMNS,
            format!("cannot have more than {KEYS_MAX} keys in a foreign key"),
        ));
    }
    let one = |name: &&Ident| {
        table.column_named(&name.name).map(|c| c.attnum).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{}\" referenced in foreign key constraint does not exist", name.name),
            )
        })
    };
    columns.iter().map(one).collect()
}

/// The parent's columns and the unique index behind them: the primary key when no columns are named.
fn referenced_key(cx: &DdlContext<'_>, parent: &Arc<Table>, named: &[&Ident]) -> Result<(Vec<i16>, Oid)> {
    if named.is_empty() {
        return match parent.primary_key().map(|c| &c.kind) {
            Some(ConstraintKind::PrimaryKey { index, columns }) => Ok((columns.clone(), *index)),
            _ => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("there is no primary key for referenced table \"{}\"", parent.name),
            )),
        };
    }
    let wanted = attnums(parent, named)?;
    let mut sorted = wanted.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|w| w[0] == w[1]) {
        return Err(Error::new(
            SqlState::INVALID_FOREIGN_KEY,
            "foreign key referenced-columns list must not contain duplicates",
        ));
    }
    let catalog = cx.now();
    let index = catalog.indexes_of(parent.oid).iter().find(|i| {
        let mut columns = i.key_columns().unwrap_or_default();
        columns.sort_unstable();
        i.unique && i.immediate && i.predicate.is_none() && columns == sorted
    });
    match index {
        Some(index) => Ok((wanted, index.oid)),
        None => Err(Error::new(
            SqlState::INVALID_FOREIGN_KEY,
            format!("there is no unique constraint matching given keys for referenced table \"{}\"", parent.name),
        )),
    }
}

/// The two sides must be comparable with `=`.
pub fn check_types(table: &Table, columns: &[i16], parent: &Table, parent_columns: &[i16], name: &str) -> Result<()> {
    for (c, p) in columns.iter().zip(parent_columns) {
        let (c, p) = (&table.columns[*c as usize - 1], &parent.columns[*p as usize - 1]);
        let (ct, pt) = (SqlType::of(c.type_oid), SqlType::of(p.type_oid));
        if expr::resolve::resolve_operator("=", Some(pt), ct).is_err() {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("foreign key constraint \"{name}\" cannot be implemented"),
            )
            .detail(format!(
                "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                c.name,
                p.name,
                format_type(ct),
                format_type(pt)
            )));
        }
    }
    Ok(())
}
