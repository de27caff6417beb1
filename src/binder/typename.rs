//! From a type's name in SQL to its id and modifier (`parse_type.c`).

use super::relation::{no_schema, schema_oid};
use super::state::Environment;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{PG_CATALOG, Relation, UserType};
use crate::parser::ast;
use crate::types::{SqlType, oid, supported, type_by_name, type_info, typmod_in};

pub(super) fn resolve(env: &Environment<'_>, path: &[Oid], name: &ast::TypeName) -> Result<SqlType> {
    if name.setof {
        return Err(
            Error::new(SqlState::INVALID_TABLE_DEFINITION, "set-returning type is not allowed here").at(name.pos)
        );
    }
    if name.percent_type {
        return column_type(env, path, name);
    }
    let base = lookup(env, path, name)?.ok_or_else(|| undefined(name))?;
    if base < Oid::FIRST_USER && !supported(base) && type_info(base).is_some_and(|t| t.kind != b'p' && t.kind != b'c') {
        return Err(Error::unsupported(format!("type {}", name.name.name())).at(name.pos));
    }
    let typmod = modifier(base, name)?;
    let plain = SqlType::with_typmod(base, typmod);
    if name.array_bounds.is_empty() {
        return Ok(plain);
    }
    array_of(env, plain).ok_or_else(|| undefined(name))
}

/// The type of arrays of a type, its modifier kept.
pub(super) fn array_of(env: &Environment<'_>, element: SqlType) -> Option<SqlType> {
    if let Some(array) = element.array() {
        return Some(array);
    }
    let array = match env.catalog.user_type(element.oid)? {
        UserType::Row(table) => table.array_type,
        UserType::Object(object) => object.array_type,
        UserType::ArrayOf(_) => return None,
    };
    Some(SqlType::with_typmod(array, element.typmod))
}

/// The type of an array's elements.
pub(super) fn element_of(env: &Environment<'_>, array: SqlType) -> Option<SqlType> {
    if let Some(element) = array.element() {
        return Some(element);
    }
    match env.catalog.user_type(array.oid)? {
        UserType::ArrayOf(element) => Some(SqlType::with_typmod(*element, array.typmod)),
        _ => None,
    }
}

fn lookup(env: &Environment<'_>, path: &[Oid], name: &ast::TypeName) -> Result<Option<Oid>> {
    let wanted = name.name.name();
    let in_schema = |schema: Oid| {
        if schema == PG_CATALOG
            && let Some(found) = type_by_name(wanted)
        {
            return Some(found.oid);
        }
        env.catalog.type_named(schema, wanted)
    };
    match name.name.parts.len() {
        1 => Ok(path.iter().find_map(|&s| in_schema(s))),
        2 | 3 => {
            let schema = name.name.schema().expect("two parts or more");
            match schema_oid(env, schema) {
                Some(schema) => Ok(in_schema(schema)),
                None => Err(no_schema(schema).at(name.pos)),
            }
        }
        _ => Err(Error::new(
            SqlState::SYNTAX_ERROR,
            format!("improper qualified name (too many dotted names): {}", name.name),
        )
        .at(name.pos)),
    }
}

fn undefined(name: &ast::TypeName) -> Error {
    let brackets = if name.array_bounds.is_empty() { "" } else { "[]" };
    Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{}{brackets}\" does not exist", name.name)).at(name.pos)
}

/// `table.column%TYPE`.
fn column_type(env: &Environment<'_>, path: &[Oid], name: &ast::TypeName) -> Result<SqlType> {
    let parts = &name.name.parts;
    let bad = |what: &str| {
        Error::new(SqlState::SYNTAX_ERROR, format!("improper %TYPE reference ({what} dotted names): {}", name.name))
            .at(name.pos)
    };
    let (schema, table, column) = match &parts[..] {
        [_] => return Err(bad("too few")),
        [t, c] => (None, t, c),
        [s, t, c] | [_, s, t, c] => (Some(s), t, c),
        _ => return Err(bad("too many")),
    };
    let found = match schema {
        Some(s) => schema_oid(env, s).and_then(|s| env.catalog.relation(s, table)),
        None => env.catalog.find_relation(path, table),
    };
    let relation = found.ok_or_else(|| {
        Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{table}\" does not exist")).at(name.pos)
    })?;
    let ty = match &relation {
        Relation::Table(t) => t.column_named(column).map(|c| SqlType::with_typmod(c.type_oid, c.typmod)),
        Relation::System(t) => t.columns.iter().find(|c| c.name == column.name).map(|c| SqlType::of(c.type_oid)),
        _ => None,
    };
    ty.ok_or_else(|| {
        Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{column}\" of relation \"{table}\" does not exist"))
            .at(name.pos)
    })
}

/// `typenameTypeMod`.
fn modifier(base: Oid, name: &ast::TypeName) -> Result<i32> {
    if let Some(fields) = name.interval_fields {
        let mut numbers = vec![interval_mask(fields)];
        numbers.extend(constants(name)?);
        return typmod_in(base, &numbers).map_err(|e| e.at(name.pos));
    }
    if name.modifiers.is_empty() {
        return Ok(-1);
    }
    let mut numbers = constants(name)?;
    if base == oid::INTERVAL {
        numbers.insert(0, INTERVAL_FULL_RANGE);
    }
    if type_info(base).is_none_or(|t| t.typmod_in == "-") {
        return Err(Error::new(
            SqlState::SYNTAX_ERROR,
            format!("type modifier is not allowed for type \"{}\"", name.name.name()),
        )
        .at(name.pos));
    }
    typmod_in(base, &numbers).map_err(|e| e.at(name.pos))
}

fn constants(name: &ast::TypeName) -> Result<Vec<i32>> {
    let number =
        |e: &ast::Expr| match &e.kind {
            ast::ExprKind::Const(ast::Constant::Integer(n)) => Ok(*n),
            ast::ExprKind::Const(ast::Constant::Float(text) | ast::Constant::String(text)) => {
                text.trim().parse().map_err(|_| {
                    Error::new(
                        SqlState::INVALID_TEXT_REPRESENTATION,
                        format!("invalid input syntax for type integer: \"{text}\""),
                    )
                    .at(name.pos)
                })
            }
            _ => Err(Error::new(SqlState::SYNTAX_ERROR, "type modifiers must be simple constants or identifiers")
                .at(name.pos)),
        };
    name.modifiers.iter().map(number).collect()
}

const INTERVAL_FULL_RANGE: i32 = 0x7FFF;

/// PostgreSQL's `INTERVAL_MASK` bits (`utils/datetime.h`).
fn interval_mask(fields: ast::IntervalFields) -> i32 {
    const MONTH: i32 = 1 << 1;
    const YEAR: i32 = 1 << 2;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = 1 << 12;
    use ast::IntervalFields as F;
    match fields {
        F::Year => YEAR,
        F::Month => MONTH,
        F::Day => DAY,
        F::Hour => HOUR,
        F::Minute => MINUTE,
        F::Second => SECOND,
        F::YearToMonth => YEAR | MONTH,
        F::DayToHour => DAY | HOUR,
        F::DayToMinute => DAY | HOUR | MINUTE,
        F::DayToSecond => DAY | HOUR | MINUTE | SECOND,
        F::HourToMinute => HOUR | MINUTE,
        F::HourToSecond => HOUR | MINUTE | SECOND,
        F::MinuteToSecond => MINUTE | SECOND,
    }
}
