//! Columns as CREATE TABLE and ALTER TABLE ADD COLUMN define them: type, default, identity, NOT NULL.

use super::DdlContext;
use super::expression;
use super::sequence::{self, Definition};
use crate::base::{Error, Oid, Result, SqlState};
use crate::binder;
use crate::catalog::{Address, Column, Default, Generated, Identity, Owner, Table};
use crate::parser::ast::{ColumnConstraintKind, ColumnDef, QualifiedName, SequenceOption, TypeName};
use crate::types::{self, SqlType, oid};

/// PostgreSQL's `MaxHeapAttributeNumber`.
pub const COLUMNS_MAX: usize = 1600;

/// A column whose sequence must still be made, once the table exists.
pub struct PendingSequence {
    pub attnum: i16,
    pub definition: Definition,
    pub identity: bool,
}

/// What a column definition asks for besides the column itself.
#[derive(std::default::Default)]
pub struct Extras {
    pub sequence: Option<PendingSequence>,
}

/// `serial` and its kin: the integer type behind the name.
fn serial(name: &TypeName) -> Option<Oid> {
    if name.name.parts.len() != 1 || !name.array_bounds.is_empty() {
        return None;
    }
    match name.name.name() {
        "smallserial" | "serial2" => Some(oid::INT2),
        "serial" | "serial4" => Some(oid::INT4),
        "bigserial" | "serial8" => Some(oid::INT8),
        _ => None,
    }
}

/// The catalog's column for a definition, without its default expressions (which may mention later columns).
///
/// Errors: 42704 for an unknown type, 42P16 for a pseudo-type, 42601 for clauses that contradict each other.
pub fn define(cx: &mut DdlContext<'_>, table: &str, attnum: i16, def: &ColumnDef) -> Result<(Column, Extras)> {
    let name = &def.name.name;
    let type_name = def.type_name.as_ref().ok_or_else(|| Error::unsupported("a typed table"))?;
    let mut extras = Extras::default();
    let serial = serial(type_name);
    let ty = match serial {
        Some(oid) => SqlType::of(oid),
        None => cx.with_env(|env| binder::resolve_type(env, type_name))?,
    };
    check_type(name, ty).map_err(|e| e.at(def.name.pos))?;
    let mut column = Column::new(attnum, name.clone(), ty.oid, ty.typmod);
    column.dimensions = type_name.array_bounds.len() as i16;
    column.collation = collation(def.collation.as_ref(), ty)?;
    if def.compression.is_some() {
        return Err(Error::unsupported("COMPRESSION"));
    }
    if serial.is_some() {
        column.not_null = true;
        extras.sequence =
            Some(PendingSequence { attnum, definition: Definition::for_column(ty.oid, &[])?, identity: false });
    }
    apply_constraints(table, def, &mut column, &mut extras, ty)?;
    Ok((column, extras))
}

/// NULL, NOT NULL and IDENTITY; the constraints that need the whole table come later.
fn apply_constraints(
    table: &str,
    def: &ColumnDef,
    column: &mut Column,
    extras: &mut Extras,
    ty: SqlType,
) -> Result<()> {
    let (mut null, mut not_null, mut default) = (false, column.not_null, extras.sequence.is_some());
    let name = &column.name;
    let wrong = |text: String, pos| Err(Error::new(SqlState::SYNTAX_ERROR, text).at(pos));
    let conflicting = || format!("conflicting NULL/NOT NULL declarations for column \"{name}\" of table \"{table}\"");
    for constraint in &def.constraints {
        let pos = constraint.pos;
        match &constraint.kind {
            ColumnConstraintKind::Null => {
                if not_null {
                    return wrong(conflicting(), pos);
                }
                null = true;
            }
            ColumnConstraintKind::NotNull | ColumnConstraintKind::PrimaryKey { .. } => {
                if null {
                    return wrong(conflicting(), pos);
                }
                not_null = true;
            }
            ColumnConstraintKind::Default(_) | ColumnConstraintKind::Generated(_) => {
                if default {
                    let text = format!("multiple default values specified for column \"{name}\" of table \"{table}\"");
                    return wrong(text, pos);
                }
                default = true;
                if matches!(constraint.kind, ColumnConstraintKind::Generated(_)) {
                    column.generated = Some(Generated::Stored);
                }
            }
            ColumnConstraintKind::Identity { always, options } => {
                if column.identity.is_some() {
                    let text = format!("multiple identity specifications for column \"{name}\" of table \"{table}\"");
                    return wrong(text, pos);
                }
                if null {
                    return wrong(conflicting(), pos);
                }
                column.identity = Some(if *always { Identity::Always } else { Identity::ByDefault });
                not_null = true;
                extras.sequence = Some(identity_sequence(column.attnum, ty, options).map_err(|e| e.at(pos))?);
            }
            _ => {}
        }
    }
    if default && column.identity.is_some() {
        let text = format!("both default and identity specified for column \"{name}\" of table \"{table}\"");
        return Err(Error::new(SqlState::SYNTAX_ERROR, text));
    }
    column.not_null = not_null;
    Ok(())
}

/// The sequence behind an identity column.
pub fn identity_sequence(attnum: i16, ty: SqlType, options: &[SequenceOption]) -> Result<PendingSequence> {
    if !matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "identity column type must be smallint, integer, or bigint",
        ));
    }
    Ok(PendingSequence { attnum, definition: Definition::for_column(ty.oid, options)?, identity: true })
}

/// Makes a column's sequence, and for `serial` the default that draws from it.
pub fn create_sequence(cx: &mut DdlContext<'_>, table: &mut Table, pending: PendingSequence) -> Result<()> {
    let column = &table.columns[pending.attnum as usize - 1];
    let owner = Owner { table: table.oid, attnum: pending.attnum, identity: pending.identity };
    let made = sequence::make_owned(cx, table, &column.name.clone(), pending.definition, owner)?;
    if !pending.identity {
        let catalog = cx.now();
        let schema = catalog.schema_name(made.schema).to_owned();
        let (schema, name) =
            (crate::parser::keywords::quote_ident(&schema), crate::parser::keywords::quote_ident(&made.name));
        let literal = |text: &str| text.replace('\'', "''");
        let qualified = format!("{schema}.{name}");
        let visible = cx.search_path.contains(&made.schema);
        let shown = if visible { name.into_owned() } else { qualified.clone() };
        let oid = cx.new_oid()?;
        table.columns[pending.attnum as usize - 1].default = Some(Default {
            oid,
            source: format!("nextval('{}'::regclass)", literal(&qualified)),
            display: format!("nextval('{}'::regclass)", literal(&shown)),
            depends: vec![Address::relation(made.oid)],
        });
    }
    Ok(())
}

/// DEFAULT and GENERATED ALWAYS AS of a definition whose table is otherwise complete.
pub fn apply_default(cx: &mut DdlContext<'_>, table: &mut Table, attnum: i16, def: &ColumnDef) -> Result<()> {
    for constraint in &def.constraints {
        let stored = match &constraint.kind {
            ColumnConstraintKind::Default(expr) => expression::default_value(cx, table, attnum, expr)?,
            ColumnConstraintKind::Generated(expr) => Some(expression::generated(cx, table, attnum, expr)?),
            _ => continue,
        };
        table.columns[attnum as usize - 1].default = stored;
    }
    Ok(())
}

/// 42P16 for a pseudo-type, 0A000 for a type that has no rows here.
pub fn check_type(column: &str, ty: SqlType) -> Result<()> {
    let Some(info) = types::type_info(ty.oid) else { return Ok(()) };
    if info.kind == b'p' {
        return Err(Error::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("column \"{column}\" has pseudo-type {}", types::type_name(ty.oid)),
        ));
    }
    if !types::supported(ty.oid) {
        return Err(Error::unsupported(format!("type {}", types::type_name(ty.oid))));
    }
    Ok(())
}

/// Whether values of a type have an order, and so can be keys.
pub fn is_indexable(ty: Oid) -> bool {
    let element = types::element_of(ty).unwrap_or(ty);
    types::supported(element) && !matches!(element, oid::JSON | oid::PG_NODE_TREE | oid::ACLITEM)
}

/// The collation's oid: only bytewise order exists, under its three names.
pub fn collation(name: Option<&QualifiedName>, ty: SqlType) -> Result<Oid> {
    let own = types::type_info(ty.oid).map_or(Oid::INVALID, |t| t.collation);
    let Some(name) = name else { return Ok(own) };
    if own == Oid::INVALID {
        return Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!("collations are not supported by type {}", types::type_name(ty.oid)),
        )
        .at(name.pos()));
    }
    match name.name() {
        "default" => Ok(own),
        "C" => Ok(Oid(950)),
        "POSIX" => Ok(Oid(951)),
        other => Err(Error::unsupported(format!("collation \"{other}\"")).at(name.pos())),
    }
}
