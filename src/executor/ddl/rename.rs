//! ALTER ... RENAME, SET SCHEMA and OWNER TO.

use super::comment::{check_kind, relation_name};
use super::schema::role_oid;
use super::{DdlContext, Outcome, alter_table, done, no_column, no_schema};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{self, Index, Relation, Schema, Sequence, Table};
use crate::parser::ast::{
    AlterObjectSchema, AlterOwner, Ident, ObjectRef, ObjectType, RelationRef, Rename, RenameTarget, RoleSpec,
};
use crate::txn::LockMode;
use std::sync::Arc;

pub fn rename(s: &Rename, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let tag = s.relation_type.alter_name();
    match (&s.target, s.object) {
        (RenameTarget::Relation { relation, part: None }, _) => {
            let Some(found) = find(cx, relation, s.relation_type, s.if_exists)? else { return done(tag) };
            rename_relation(cx, &found, &s.new_name.name)?;
        }
        (RenameTarget::Relation { relation, part: Some(part) }, ObjectType::Column) => {
            let Some(found) = find(cx, relation, s.relation_type, s.if_exists)? else { return done(tag) };
            let Relation::Table(table) = found else { return Err(super::not_a_table(&relation.name.name)) };
            rename_column(cx, &table, part, &s.new_name)?;
        }
        (RenameTarget::Relation { relation, part: Some(part) }, ObjectType::TableConstraint) => {
            let Some(found) = find(cx, relation, s.relation_type, s.if_exists)? else { return done(tag) };
            let Relation::Table(table) = found else { return Err(super::not_a_table(&relation.name.name)) };
            rename_constraint(cx, &table, part, &s.new_name.name)?;
        }
        (RenameTarget::Object(ObjectRef::Name(name)), ObjectType::Schema) => {
            let catalog = cx.now();
            let schema = catalog.schema_named(&name.name).ok_or_else(|| no_schema(&name.name))?;
            cx.catalog.claim_schema_name(cx.txn, &s.new_name.name)?;
            cx.catalog.put(cx.txn, Arc::new(Schema { name: s.new_name.name.clone(), ..Schema::clone(schema) }))?;
        }
        _ => return Err(Error::unsupported(format!("{tag} ... RENAME"))),
    }
    done(tag)
}

/// The relation, locked; None when it does not exist and IF EXISTS was said.
fn find(
    cx: &mut DdlContext<'_>,
    relation: &RelationRef,
    object: ObjectType,
    if_exists: bool,
) -> Result<Option<Relation>> {
    let Some(found) = cx.relation_if_exists(&relation.name, if_exists)? else { return Ok(None) };
    if let Relation::System(system) = &found {
        return Err(super::system_relation(system.name));
    }
    if !matches!(object, ObjectType::Table | ObjectType::Index) {
        check_kind(object, &found)?;
    }
    cx.lock(found.oid(), LockMode::AccessExclusive)?;
    cx.now().relation_by_oid(found.oid()).map(Some).ok_or_else(Error::restart)
}

/// Views keep the text of their query, which names relations and columns: what they read cannot be renamed yet.
fn refuse_views(cx: &DdlContext<'_>, relation: Oid, attnum: Option<i16>) -> Result<()> {
    let catalog = cx.now();
    for view in catalog.tables() {
        let Some(definition) = &view.view else { continue };
        if definition.depends.iter().any(|a| a.oid == relation && attnum.is_none_or(|n| a.sub == n)) {
            return Err(Error::unsupported(format!("renaming what the view \"{}\" reads", view.name)));
        }
    }
    Ok(())
}

fn rename_relation(cx: &mut DdlContext<'_>, relation: &Relation, name: &str) -> Result<()> {
    refuse_views(cx, relation.oid(), None)?;
    cx.catalog.claim_relation_name(cx.txn, relation.schema(), name)?;
    match relation {
        Relation::Table(t) => cx.catalog.put(cx.txn, Arc::new(Table { name: name.to_owned(), ..Table::clone(t) })),
        Relation::Sequence(s) => {
            refuse_defaults(cx, s)?;
            cx.catalog.put(cx.txn, Arc::new(Sequence { name: name.to_owned(), ..Sequence::clone(s) }))?;
            retarget_defaults(cx, s.oid)
        }
        Relation::Index(i) => {
            cx.catalog.put(cx.txn, Arc::new(Index { name: name.to_owned(), ..Index::clone(i) }))?;
            let table = cx.now().table(i.table).cloned().ok_or_else(Error::restart)?;
            let mut changed = Table::clone(&table);
            for c in changed.constraints.iter_mut().filter(|c| Some(c.oid) == i.constraint) {
                name.clone_into(&mut c.name);
            }
            cx.catalog.put(cx.txn, Arc::new(changed))
        }
        Relation::System(s) => Err(super::system_relation(s.name)),
    }
}

/// A default written by a user may name the sequence in ways that cannot be told from its text.
fn refuse_defaults(cx: &DdlContext<'_>, sequence: &Sequence) -> Result<()> {
    let catalog = cx.now();
    let named = catalog::Address::relation(sequence.oid);
    let schema = catalog.schema_name(sequence.schema).to_owned();
    let own = nextval(&schema, &sequence.name);
    for table in catalog.tables() {
        for column in table.live_columns() {
            if let Some(d) = &column.default
                && d.depends.contains(&named)
                && d.source != own
            {
                return Err(Error::unsupported(format!(
                    "renaming a sequence that the default of column \"{}\" names",
                    column.name
                )));
            }
        }
    }
    Ok(())
}

fn nextval(schema: &str, name: &str) -> String {
    let quoted =
        format!("{}.{}", crate::parser::keywords::quote_ident(schema), crate::parser::keywords::quote_ident(name))
            .replace('\'', "''");
    format!("nextval('{quoted}'::regclass)")
}

/// The defaults that were made with the sequence say its new name.
fn retarget_defaults(cx: &mut DdlContext<'_>, sequence: Oid) -> Result<()> {
    let catalog = cx.now();
    let found = catalog.sequence(sequence).ok_or_else(Error::restart)?;
    let schema = catalog.schema_name(found.schema).to_owned();
    let named = catalog::Address::relation(sequence);
    for table in catalog.tables() {
        let mut changed = Table::clone(table);
        for d in changed.columns.iter_mut().filter_map(|c| c.default.as_mut()) {
            if d.depends.contains(&named) {
                d.source = nextval(&schema, &found.name);
                d.display = format!(
                    "nextval('{}'::regclass)",
                    crate::parser::keywords::quote_ident(&found.name).replace('\'', "''")
                );
            }
        }
        if changed != **table {
            cx.catalog.put(cx.txn, Arc::new(changed))?;
        }
    }
    Ok(())
}

fn rename_column(cx: &mut DdlContext<'_>, table: &Arc<Table>, old: &Ident, new: &Ident) -> Result<()> {
    let attnum = table.column_named(&old.name).ok_or_else(|| no_column_plain(&table.name, &old.name))?.attnum;
    if table.column_named(&new.name).is_some() {
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column \"{}\" of relation \"{}\" already exists", new.name, table.name),
        ));
    }
    refuse_views(cx, table.oid, Some(attnum))?;
    let mut changed = Table::clone(table);
    new.name.clone_into(&mut changed.columns[attnum as usize - 1].name);
    if !table.is_view() {
        alter_table::renamed_texts(cx, table, &mut changed, attnum)?;
    }
    cx.catalog.put(cx.txn, Arc::new(changed))
}

fn no_column_plain(table: &str, column: &str) -> Error {
    let mut e = no_column(table, column);
    e.fields_mut().message = format!("column \"{column}\" does not exist");
    e
}

fn rename_constraint(cx: &mut DdlContext<'_>, table: &Arc<Table>, old: &Ident, new: &str) -> Result<()> {
    let c = table.constraint_named(&old.name).ok_or_else(|| {
        Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("constraint \"{}\" for table \"{}\" does not exist", old.name, table.name),
        )
    })?;
    if table.constraint_named(new).is_some() {
        return Err(Error::new(
            SqlState::DUPLICATE_OBJECT,
            format!("constraint \"{new}\" for relation \"{}\" already exists", table.name),
        ));
    }
    if let Some(index) = c.kind.index() {
        let index = cx.now().index(index).cloned().ok_or_else(Error::restart)?;
        return rename_relation(cx, &Relation::Index(index), new);
    }
    let mut changed = Table::clone(table);
    changed.constraints.iter_mut().filter(|x| x.oid == c.oid).for_each(|x| new.clone_into(&mut x.name));
    cx.catalog.put(cx.txn, Arc::new(changed))
}

pub fn set_schema(s: &AlterObjectSchema, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let tag = s.object.alter_name();
    let RenameTarget::Relation { relation, .. } = &s.target else {
        return Err(Error::unsupported(format!("{tag} ... SET SCHEMA")));
    };
    let Some(found) = find(cx, relation, s.object, s.if_exists)? else { return done(tag) };
    let catalog = cx.now();
    let schema = catalog.schema_named(&s.new_schema.name).ok_or_else(|| no_schema(&s.new_schema.name))?.oid;
    let is_temporary = |oid| catalog.schema(oid).is_some_and(|s| s.name.starts_with("pg_temp_"));
    if is_temporary(schema) || is_temporary(found.schema()) {
        let message = "cannot move objects into or out of temporary schemas";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    refuse_views(cx, found.oid(), None)?;
    cx.catalog.claim_relation_name(cx.txn, schema, found.name())?;
    match &found {
        Relation::Table(t) => {
            for index in catalog.indexes_of(t.oid) {
                cx.catalog.claim_relation_name(cx.txn, schema, &index.name)?;
                cx.catalog.put(cx.txn, Arc::new(Index { schema, ..Index::clone(index) }))?;
            }
            for sequence in catalog.sequences_owned_by(t.oid, None) {
                cx.catalog.claim_relation_name(cx.txn, schema, &sequence.name)?;
                cx.catalog.put(cx.txn, Arc::new(Sequence { schema, ..Sequence::clone(sequence) }))?;
                retarget_defaults(cx, sequence.oid)?;
            }
            let current = cx.now().table(t.oid).cloned().ok_or_else(Error::restart)?;
            cx.catalog.put(cx.txn, Arc::new(Table { schema, ..Table::clone(&current) }))?;
        }
        Relation::Sequence(q) if q.owned_by.is_some() => {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cannot move an owned sequence into another schema",
            )
            .detail(format!("Sequence \"{}\" is linked to a table.", q.name)));
        }
        Relation::Sequence(q) => {
            refuse_defaults(cx, q)?;
            cx.catalog.put(cx.txn, Arc::new(Sequence { schema, ..Sequence::clone(q) }))?;
            retarget_defaults(cx, q.oid)?;
        }
        Relation::Index(i) => {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is an index", i.name)));
        }
        Relation::System(s) => return Err(super::system_relation(s.name)),
    }
    done(tag)
}

/// Gives a relation to a role.
pub fn give(cx: &mut DdlContext<'_>, relation: &Relation, role: &RoleSpec) -> Result<()> {
    let owner = role_oid(cx, role)?;
    match relation {
        Relation::Table(t) => cx.catalog.put(cx.txn, Arc::new(Table { owner, ..Table::clone(t) })),
        Relation::Index(i) => cx.catalog.put(cx.txn, Arc::new(Index { owner, ..Index::clone(i) })),
        Relation::Sequence(s) => cx.catalog.put(cx.txn, Arc::new(Sequence { owner, ..Sequence::clone(s) })),
        Relation::System(s) => Err(super::system_relation(s.name)),
    }
}

pub fn set_owner(s: &AlterOwner, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let tag = s.object.alter_name();
    match (s.object, &s.target) {
        (ObjectType::Schema, ObjectRef::Name(name)) => {
            let owner = role_oid(cx, &s.new_owner)?;
            let catalog = cx.now();
            let schema = catalog.schema_named(&name.name).ok_or_else(|| no_schema(&name.name))?;
            cx.catalog.put(cx.txn, Arc::new(Schema { owner, ..Schema::clone(schema) }))?;
        }
        (
            ObjectType::Table | ObjectType::View | ObjectType::Sequence | ObjectType::Index,
            ObjectRef::Qualified(name),
        ) => {
            let found = cx.relation(&relation_name(name))?;
            cx.lock(found.oid(), LockMode::AccessExclusive)?;
            give(cx, &found, &s.new_owner)?;
        }
        _ => return Err(Error::unsupported(format!("{tag} ... OWNER TO"))),
    }
    done(tag)
}
