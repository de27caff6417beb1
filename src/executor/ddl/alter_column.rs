//! ALTER TABLE ... ALTER COLUMN.

use super::column::{self, identity_sequence};
use super::rebuild::{self, Rows};
use super::sequence::alter_options;
use super::{DdlContext, expression, foreign_key, no_column};
use crate::base::{Error, Result, SqlState};
use crate::binder;
use crate::catalog::{Column, ConstraintKind, Identity, Object, Table};
use crate::parser::ast::{
    self, ColumnDesignator, Ident, IdentityOption, QualifiedName, SequenceOption, SourceExpr, TypeName,
};
use crate::types::format_type;
use std::sync::Arc;

fn position(table: &Table, name: &Ident) -> Result<usize> {
    table.column_named(&name.name).map(|c| c.attnum as usize - 1).ok_or_else(|| no_column(&table.name, &name.name))
}

fn change(cx: &mut DdlContext<'_>, table: &Table, at: usize, change: impl FnOnce(&mut Column)) -> Result<()> {
    let mut changed = table.clone();
    change(&mut changed.columns[at]);
    cx.catalog.put(cx.txn, Arc::new(changed))
}

fn wrong(text: String) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, text)
}

pub fn set_default(cx: &mut DdlContext<'_>, table: &Table, name: &Ident, value: Option<&SourceExpr>) -> Result<()> {
    let at = position(table, name)?;
    let column = &table.columns[at];
    if column.identity.is_some() {
        let e = wrong(format!("column \"{}\" of relation \"{}\" is an identity column", column.name, table.name));
        return Err(if value.is_none() {
            e.hint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.")
        } else {
            e
        });
    }
    if column.generated.is_some() {
        let e = wrong(format!("column \"{}\" of relation \"{}\" is a generated column", column.name, table.name));
        return Err(if value.is_none() {
            e.hint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.")
        } else {
            e
        });
    }
    let default = match value {
        Some(expr) => expression::default_value(cx, table, column.attnum, expr)?,
        None => None,
    };
    change(cx, table, at, |c| c.default = default)
}

pub fn set_not_null(cx: &mut DdlContext<'_>, table: &Table, name: &Ident) -> Result<()> {
    let at = position(table, name)?;
    rebuild::check_not_null(cx, table, &[at as i16 + 1])?;
    change(cx, table, at, |c| c.not_null = true)
}

pub fn drop_not_null(cx: &mut DdlContext<'_>, table: &Table, name: &Ident) -> Result<()> {
    let at = position(table, name)?;
    let column = &table.columns[at];
    if column.identity.is_some() {
        return Err(wrong(format!("column \"{}\" of relation \"{}\" is an identity column", column.name, table.name)));
    }
    if let Some(ConstraintKind::PrimaryKey { columns, .. }) = table.primary_key().map(|c| &c.kind)
        && columns.contains(&column.attnum)
    {
        return Err(Error::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("column \"{}\" is in a primary key", column.name),
        ));
    }
    change(cx, table, at, |c| c.not_null = false)
}

pub fn drop_expression(cx: &mut DdlContext<'_>, table: &Table, name: &Ident, if_exists: bool) -> Result<()> {
    let at = position(table, name)?;
    if table.columns[at].generated.is_none() {
        let text = format!("column \"{}\" of relation \"{}\" is not a stored generated column", name.name, table.name);
        if if_exists {
            cx.notice(format!("{text}, skipping"));
            return Ok(());
        }
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text));
    }
    change(cx, table, at, |c| {
        c.generated = None;
        c.default = None;
    })
}

pub fn set_statistics(cx: &mut DdlContext<'_>, table: &Table, column: &ColumnDesignator, value: i32) -> Result<()> {
    let ColumnDesignator::Name(name) = column else {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot refer to non-index column by number"));
    };
    let at = position(table, name)?;
    change(cx, table, at, |c| c.statistics_target = value.clamp(-1, 10_000) as i16)
}

pub fn add_identity(
    cx: &mut DdlContext<'_>,
    table: &Table,
    name: &Ident,
    always: bool,
    options: &[SequenceOption],
) -> Result<()> {
    let at = position(table, name)?;
    let column = &table.columns[at];
    let state = |text: String| Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text));
    let named = format!("column \"{}\" of relation \"{}\"", column.name, table.name);
    if !column.not_null {
        return state(format!("{named} must be declared NOT NULL before identity can be added"));
    }
    if column.identity.is_some() {
        return state(format!("{named} is already an identity column"));
    }
    if column.default.is_some() {
        return state(format!("{named} already has a default value"));
    }
    let pending = identity_sequence(column.attnum, rebuild::column_type(table, at), options)?;
    let mut changed = table.clone();
    changed.columns[at].identity = Some(if always { Identity::Always } else { Identity::ByDefault });
    column::create_sequence(cx, &mut changed, pending)?;
    cx.catalog.put(cx.txn, Arc::new(changed))
}

fn identity_required(table: &Table, at: usize) -> Result<()> {
    match table.columns[at].identity {
        Some(_) => Ok(()),
        None => Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("column \"{}\" of relation \"{}\" is not an identity column", table.columns[at].name, table.name),
        )),
    }
}

pub fn set_identity(cx: &mut DdlContext<'_>, table: &Table, name: &Ident, options: &[IdentityOption]) -> Result<()> {
    let at = position(table, name)?;
    identity_required(table, at)?;
    let mut sequence_options = Vec::new();
    for option in options {
        match option {
            IdentityOption::Generated { always } => {
                let identity = if *always { Identity::Always } else { Identity::ByDefault };
                change(cx, table, at, |c| c.identity = Some(identity))?;
            }
            IdentityOption::Sequence(o) => sequence_options.push(o.clone()),
        }
    }
    let catalog = cx.now();
    let owned = catalog.sequences_owned_by(table.oid, Some(at as i16 + 1));
    match owned.iter().find(|s| s.owned_by.is_some_and(|o| o.identity)) {
        Some(sequence) if !sequence_options.is_empty() => alter_options(cx, sequence, &sequence_options),
        _ => Ok(()),
    }
}

pub fn drop_identity(cx: &mut DdlContext<'_>, table: &Table, name: &Ident, if_exists: bool) -> Result<()> {
    let at = position(table, name)?;
    if let Err(e) = identity_required(table, at) {
        if if_exists {
            cx.notice(format!("{}, skipping", e.message()));
            return Ok(());
        }
        return Err(e);
    }
    change(cx, table, at, |c| c.identity = None)?;
    let catalog = cx.now();
    for sequence in catalog.sequences_owned_by(table.oid, Some(at as i16 + 1)) {
        if sequence.owned_by.is_some_and(|o| o.identity) {
            crate::table::drop_sequence_value(cx.txn, sequence.storage)?;
            cx.catalog.remove(cx.txn, Object::Sequence(sequence.clone()).key())?;
        }
    }
    Ok(())
}

/// ALTER COLUMN ... TYPE: every row is written anew, through USING or an assignment cast.
pub fn set_type(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    name: &Ident,
    type_name: &TypeName,
    collation: Option<&QualifiedName>,
    using: Option<&SourceExpr>,
) -> Result<()> {
    let at = position(table, name)?;
    let ty = cx.with_env(|env| binder::resolve_type(env, type_name)).map_err(Error::nowhere)?;
    column::check_type(&name.name, ty)?;
    if table.columns[at].generated.is_some() && using.is_some() {
        return Err(Error::new(
            SqlState::INVALID_COLUMN_DEFINITION,
            "cannot specify USING when altering type of generated column",
        )
        .detail(format!("Column \"{}\" is a generated column.", name.name)));
    }
    refuse_dependents(cx, table, at, ty)?;
    let column = ast::ColumnRef { parts: vec![name.clone()], star: false };
    let own = ast::Expr { kind: ast::ExprKind::Column(column), pos: name.pos };
    let source = using.map_or(&own, |u| &u.expr);
    let converted = expression::conversion(cx, table, source, &name.name, ty).map_err(|e| {
        if e.code() != SqlState::DATATYPE_MISMATCH {
            return e;
        }
        let e = Error::new(
            SqlState::DATATYPE_MISMATCH,
            match using {
                Some(_) => format!(
                    "result of USING clause for column \"{}\" cannot be cast automatically to type {}",
                    name.name,
                    format_type(ty)
                ),
                None => format!("column \"{}\" cannot be cast automatically to type {}", name.name, format_type(ty)),
            },
        );
        match using {
            Some(_) => e.hint("You might need to add an explicit cast."),
            None => e.hint(format!("You might need to specify \"USING {}::{}\".", name.name, format_type(ty))),
        }
    })?;
    let mut changed = Table::clone(table);
    let column = &mut changed.columns[at];
    column.type_oid = ty.oid;
    column.typmod = ty.typmod;
    column.dimensions = type_name.array_bounds.len() as i16;
    column.missing = None;
    column.collation = column::collation(collation, ty)?;
    retype_indexes(cx, table, at, ty)?;
    rebuild::rewrite(cx, table, changed, Vec::new(), Rows::Computed(vec![(at, converted)]))
}

/// Views and foreign keys look at the column's type; they would have to be made again.
fn refuse_dependents(cx: &DdlContext<'_>, table: &Table, at: usize, ty: crate::types::SqlType) -> Result<()> {
    let attnum = at as i16 + 1;
    let catalog = cx.now();
    for view in catalog.tables() {
        let Some(definition) = &view.view else { continue };
        if definition.depends.iter().any(|a| a.oid == table.oid && a.sub == attnum) {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cannot alter type of a column used by a view or rule",
            )
            .detail(format!("rule _RETURN on view {} depends on column \"{}\"", view.name, table.columns[at].name)));
        }
    }
    let mut changed = Table::clone(table);
    changed.columns[at].type_oid = ty.oid;
    let retyped = |oid| if oid == table.oid { Some(&changed) } else { catalog.table(oid).map(|t| &**t) };
    let incoming = catalog.foreign_keys_to(table.oid);
    let children = incoming.iter().map(|i| (i.table, i.constraint));
    let own = table.constraints.iter().map(|c| (table.oid, c.oid));
    for (child, constraint) in own.chain(children) {
        let Some(child) = retyped(child) else { continue };
        let Some(constraint) = child.constraint(constraint) else { continue };
        let ConstraintKind::ForeignKey { columns, parent, parent_columns, .. } = &constraint.kind else { continue };
        let touches = (child.oid == table.oid && columns.contains(&attnum))
            || (*parent == table.oid && parent_columns.contains(&attnum));
        if let (true, Some(parent)) = (touches, retyped(*parent)) {
            foreign_key::check_types(child, columns, parent, parent_columns, &constraint.name)?;
            return Err(Error::unsupported("ALTER COLUMN TYPE of a column in a foreign key"));
        }
    }
    Ok(())
}

/// Index keys over the column take its new type.
fn retype_indexes(cx: &mut DdlContext<'_>, table: &Table, at: usize, ty: crate::types::SqlType) -> Result<()> {
    let attnum = at as i16 + 1;
    for index in cx.now().indexes_of(table.oid) {
        let mut changed = crate::catalog::Index::clone(index);
        for key in &mut changed.keys {
            if key.part == crate::catalog::KeyPart::Column(attnum) {
                key.type_oid = ty.oid;
                key.typmod = ty.typmod;
            }
        }
        if changed != **index {
            cx.catalog.put(cx.txn, Arc::new(changed))?;
        }
    }
    Ok(())
}
