//! ALTER TABLE: each command in turn, on the table as the one before left it (`src/backend/commands/tablecmds.c`).

use super::alter_column as col;
use super::column::{self, Extras};
use super::comment::check_kind;
use super::constraint::{self, Wanted};
use super::create_table::add_column;
use super::rebuild::{self, Rows};
use super::{DdlContext, Outcome, create_table, depend, done, foreign_key, no_column, rename};
use crate::base::{Error, Result, SqlState};
use crate::binder::Clause;
use crate::catalog::{ConstraintKind, Index, Relation, Table, TableKind};
use crate::expr::Expr;
use crate::parser::ast::{
    AlterTable, AlterTableCommand as Cmd, ColumnConstraintKind, ColumnDef, DropBehavior, Ident, ObjectType,
    TableConstraintKind,
};
use crate::planner;
use crate::txn::LockMode;
use crate::types::{self, DatumRef, FormatContext, SqlType};
use std::sync::Arc;

pub fn alter_table(s: &AlterTable, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let tag = s.object.alter_name();
    let Some(found) = cx.relation_if_exists(&s.relation.name, s.if_exists)? else { return done(tag) };
    if let Relation::System(system) = &found {
        return Err(super::system_relation(system.name));
    }
    if s.object != ObjectType::Table {
        check_kind(s.object, &found)?;
    }
    match found {
        Relation::Table(table) if table.kind == TableKind::Table => {
            let mode = s.commands.iter().map(lock_mode).max().unwrap_or(LockMode::AccessExclusive);
            cx.lock(table.oid, mode)?;
            for command in &s.commands {
                let current = cx.now().table(table.oid).cloned().ok_or_else(Error::restart)?;
                apply(cx, &current, command)?;
            }
        }
        other => {
            for command in &s.commands {
                on_other_relation(cx, &other, command)?;
            }
        }
    }
    done(tag)
}

/// What a command lets others do meanwhile (`AlterTableGetLockLevel`).
fn lock_mode(command: &Cmd) -> LockMode {
    match command {
        Cmd::ValidateConstraint(_)
        | Cmd::SetStatistics { .. }
        | Cmd::SetOptions(_)
        | Cmd::ResetOptions(_)
        | Cmd::ClusterOn(_)
        | Cmd::SetWithoutCluster => LockMode::ShareUpdateExclusive,
        Cmd::AddConstraint(c) if matches!(c.kind, TableConstraintKind::ForeignKey { .. }) => {
            LockMode::ShareRowExclusive
        }
        _ => LockMode::AccessExclusive,
    }
}

/// What indexes, views and sequences can have altered.
fn on_other_relation(cx: &mut DdlContext<'_>, relation: &Relation, command: &Cmd) -> Result<()> {
    match command {
        Cmd::Owner(role) => rename::give(cx, relation, role),
        // Storage parameters are kept for tables alone; elsewhere they change nothing.
        Cmd::SetOptions(_) | Cmd::ResetOptions(_) if matches!(relation.relkind(), b'i' | b'm') => Ok(()),
        Cmd::AddColumn { .. } => {
            let message = format!("ALTER action ADD COLUMN cannot be performed on relation \"{}\"", relation.name());
            let detail = match relation {
                Relation::Index(_) => "This operation is not supported for indexes.",
                Relation::Sequence(_) => "This operation is not supported for sequences.",
                Relation::Table(t) if t.kind == TableKind::MaterializedView => {
                    "This operation is not supported for materialized views."
                }
                _ => "This operation is not supported for views.",
            };
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).detail(detail))
        }
        _ => Err(Error::unsupported(format!("this form of ALTER on {} \"{}\"", relation.noun(), relation.name()))),
    }
}

fn apply(cx: &mut DdlContext<'_>, table: &Arc<Table>, command: &Cmd) -> Result<()> {
    match command {
        Cmd::AddColumn { column, if_not_exists } => add(cx, table, column, *if_not_exists),
        Cmd::DropColumn { name, if_exists, behavior } => drop_column(cx, table, name, *if_exists, *behavior),
        Cmd::ColumnDefault { name, value } => col::set_default(cx, table, name, value.as_ref()),
        Cmd::DropNotNull(name) => col::drop_not_null(cx, table, name),
        Cmd::SetNotNull(name) => col::set_not_null(cx, table, name),
        Cmd::DropExpression { name, if_exists } => col::drop_expression(cx, table, name, *if_exists),
        Cmd::SetStatistics { column, value } => col::set_statistics(cx, table, column, *value),
        Cmd::AddIdentity { name, always, options } => col::add_identity(cx, table, name, *always, options),
        Cmd::SetIdentity { name, options } => col::set_identity(cx, table, name, options),
        Cmd::DropIdentity { name, if_exists } => col::drop_identity(cx, table, name, *if_exists),
        Cmd::ColumnType { name, type_name, collation, using } => {
            col::set_type(cx, table, name, type_name, collation.as_ref(), using.as_ref())
        }
        Cmd::AddConstraint(c) => {
            let wanted = constraint::of_table(c);
            constraint::add(cx, table.oid, &wanted)
        }
        Cmd::DropConstraint { name, if_exists, behavior } => drop_constraint(cx, table, name, *if_exists, *behavior),
        Cmd::ValidateConstraint(name) => validate(cx, table, name),
        Cmd::AlterConstraint { name, timing } => {
            let mut changed = Table::clone(table);
            let (deferrable, initially_deferred) = constraint::timing(*timing);
            let c = changed.constraints.iter_mut().find(|c| c.name == name.name).ok_or_else(|| unknown(table, name))?;
            if !matches!(c.kind, ConstraintKind::ForeignKey { .. }) {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!(
                        "constraint \"{}\" of relation \"{}\" is not a foreign key constraint",
                        name.name, table.name
                    ),
                ));
            }
            (c.deferrable, c.initially_deferred) = (deferrable, initially_deferred);
            cx.catalog.put(cx.txn, Arc::new(changed))
        }
        Cmd::Owner(role) => rename::give(cx, &Relation::Table(table.clone()), role),
        Cmd::SetOptions(list) => {
            let mut changed = Table::clone(table);
            for (name, value) in create_table::options(list) {
                changed.options.retain(|(n, _)| *n != name);
                changed.options.push((name, value));
            }
            cx.catalog.put(cx.txn, Arc::new(changed))
        }
        Cmd::ResetOptions(list) => {
            let mut changed = Table::clone(table);
            let names: Vec<String> = create_table::options(list).into_iter().map(|o| o.0).collect();
            changed.options.retain(|(n, _)| !names.contains(n));
            cx.catalog.put(cx.txn, Arc::new(changed))
        }
        // Rows are always in the order of their key.
        Cmd::ClusterOn(_) | Cmd::SetWithoutCluster | Cmd::SetWithoutOids => Ok(()),
        other => Err(Error::unsupported(format!("ALTER TABLE {}", command_name(other)))),
    }
}

/// The words of a command that is not built.
fn command_name(command: &Cmd) -> &'static str {
    match command {
        Cmd::SetStorage { .. } => "ALTER COLUMN SET STORAGE",
        Cmd::SetCompression { .. } => "ALTER COLUMN SET COMPRESSION",
        Cmd::SetColumnOptions { .. } | Cmd::ResetColumnOptions { .. } => "ALTER COLUMN SET (...)",
        Cmd::SetLogged | Cmd::SetUnlogged => "SET LOGGED",
        Cmd::Trigger { .. } => "ENABLE/DISABLE TRIGGER",
        Cmd::Rule { .. } => "ENABLE/DISABLE RULE",
        Cmd::Inherit(_) | Cmd::NoInherit(_) => "INHERIT",
        Cmd::OfType(_) | Cmd::NotOf => "OF",
        Cmd::SetAccessMethod(_) => "SET ACCESS METHOD",
        Cmd::SetTablespace(_) => "SET TABLESPACE",
        Cmd::ReplicaIdentity(_) => "REPLICA IDENTITY",
        Cmd::EnableRowSecurity | Cmd::DisableRowSecurity | Cmd::ForceRowSecurity | Cmd::NoForceRowSecurity => {
            "ROW LEVEL SECURITY"
        }
        Cmd::AttachPartition { .. }
        | Cmd::AttachIndexPartition(_)
        | Cmd::DetachPartition { .. }
        | Cmd::DetachPartitionFinalize(_) => "PARTITION",
        _ => "with this command",
    }
}

/// ADD COLUMN. A constant default is remembered for the rows that are there; any other one writes them anew.
fn add(cx: &mut DdlContext<'_>, table: &Arc<Table>, def: &ColumnDef, if_not_exists: bool) -> Result<()> {
    if table.column_named(&def.name.name).is_some() {
        if if_not_exists {
            cx.notice(format!("column \"{}\" of relation \"{}\" already exists, skipping", def.name.name, table.name));
            return Ok(());
        }
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column \"{}\" of relation \"{}\" already exists", def.name.name, table.name),
        ));
    }
    let attnum = table.columns.len() as i16 + 1;
    let (column, Extras { sequence }) = column::define(cx, &table.name, attnum, def)?;
    let not_null = column.not_null;
    let mut changed = Table::clone(table);
    add_column(&mut changed, column)?;
    let at = attnum as usize - 1;
    changed.columns[at].not_null = false;
    cx.catalog.put(cx.txn, Arc::new(changed.clone()))?;
    let identity = sequence.as_ref().is_some_and(|s| s.identity);
    if let Some(sequence) = sequence {
        column::create_sequence(cx, &mut changed, sequence)?;
    }
    column::apply_default(cx, &mut changed, attnum, def)?;
    let primary = def.constraints.iter().any(|c| matches!(c.kind, ColumnConstraintKind::PrimaryKey { .. }));
    fill_new_column(cx, table, changed, at, identity)?;
    if not_null && !primary {
        let current = cx.now().table(table.oid).cloned().ok_or_else(Error::restart)?;
        col::set_not_null(cx, &current, &def.name)?;
    }
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    constraint::of_column(def, &mut wanted);
    constraint::add_all(cx, table.oid, &wanted)
}

fn fill_new_column(
    cx: &mut DdlContext<'_>,
    old: &Arc<Table>,
    mut changed: Table,
    at: usize,
    identity: bool,
) -> Result<()> {
    let column = changed.columns[at].clone();
    if column.generated.is_some() {
        return rebuild::rewrite(cx, old, changed, Vec::new(), Rows::AsTheyAre);
    }
    if identity || column.default.is_some() {
        let value = cx.with_env(|env| crate::binder::default_value(env, &changed, &changed.columns[at]))?;
        if identity || value.contains_volatile() {
            return rebuild::rewrite(cx, old, changed, Vec::new(), Rows::Computed(vec![(at, value)]));
        }
        let datum = cx.value(&value)?;
        let ty = rebuild::column_type(&changed, at);
        changed.columns[at].missing = match datum.is_null() {
            true => None,
            false => Some(missing_text(ty, datum.as_ref())?),
        };
    }
    cx.catalog.put(cx.txn, Arc::new(changed))
}

fn drop_column(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    name: &Ident,
    if_exists: bool,
    behavior: DropBehavior,
) -> Result<()> {
    let Some(column) = table.column_named(&name.name) else {
        if if_exists {
            cx.notice(format!("column \"{}\" of relation \"{}\" does not exist, skipping", name.name, table.name));
            return Ok(());
        }
        return Err(no_column(&table.name, &name.name));
    };
    depend::drop_column(cx, table, column.attnum, behavior)
}

fn unknown(table: &Table, name: &Ident) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("constraint \"{}\" of relation \"{}\" does not exist", name.name, table.name),
    )
}

fn drop_constraint(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    name: &Ident,
    if_exists: bool,
    behavior: DropBehavior,
) -> Result<()> {
    match table.constraint_named(&name.name) {
        Some(c) => depend::drop_constraint(cx, table, c.oid, behavior),
        None if if_exists => {
            cx.notice(format!("constraint \"{}\" of relation \"{}\" does not exist, skipping", name.name, table.name));
            Ok(())
        }
        None => Err(unknown(table, name)),
    }
}

fn validate(cx: &mut DdlContext<'_>, table: &Arc<Table>, name: &Ident) -> Result<()> {
    let c = table.constraint_named(&name.name).ok_or_else(|| unknown(table, name))?.clone();
    match &c.kind {
        ConstraintKind::Check { source, .. } => {
            let expr: Expr = planner::definitions::bind(&cx.now(), table, source, Clause::CheckConstraint)?;
            rebuild::check_rows(cx, table, &expr, &c.name)?;
        }
        ConstraintKind::ForeignKey { .. } => foreign_key::validate(cx, table.oid, c.oid)?,
        _ => {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "constraint \"{}\" of relation \"{}\" is not a foreign key or check constraint",
                    name.name, table.name
                ),
            ));
        }
    }
    let mut changed = Table::clone(table);
    changed.constraints.iter_mut().filter(|x| x.oid == c.oid).for_each(|x| x.validated = true);
    cx.catalog.put(cx.txn, Arc::new(changed))
}

/// The text that `Column::missing` keeps: under the default settings, whatever the session's are.
fn missing_text(ty: SqlType, value: DatumRef<'_>) -> Result<String> {
    let mut out = Vec::new();
    types::write_text(&mut out, ty, value, &FormatContext::default());
    String::from_utf8(out).map_err(|_| Error::internal("the text of a value is not UTF-8"))
}

/// Binds again, with `table`'s columns, every text that mentions one of them, so that it says the new name.
pub fn renamed_texts(cx: &mut DdlContext<'_>, old: &Arc<Table>, changed: &mut Table, attnum: i16) -> Result<()> {
    let catalog = cx.now();
    let target = Arc::new(changed.clone());
    let again = |source: &str| -> Result<String> {
        let expr = planner::definitions::bind(&catalog, old, source, Clause::Other)?;
        Ok(planner::deparse_over(&expr, &target))
    };
    for constraint in &mut changed.constraints {
        if let ConstraintKind::Check { source, display, columns } = &mut constraint.kind
            && columns.contains(&attnum)
        {
            *source = again(source)?;
            *display = format!("({source})");
        }
    }
    for column in &mut changed.columns {
        if let (Some(_), Some(default)) = (column.generated, &mut column.default) {
            default.source = again(&default.source)?;
            default.display = format!("({})", default.source);
        }
    }
    for index in catalog.indexes_of(old.oid) {
        if !index.mentions.contains(&attnum) {
            continue;
        }
        let mut index = Index::clone(index);
        for key in &mut index.keys {
            if let crate::catalog::KeyPart::Expression { source, display } = &mut key.part {
                *source = again(source)?;
                display.clone_from(source);
            }
        }
        if let Some(predicate) = &mut index.predicate {
            *predicate = again(predicate)?;
            index.predicate_display = Some(format!("({predicate})"));
        }
        cx.catalog.put(cx.txn, Arc::new(index))?;
    }
    Ok(())
}
