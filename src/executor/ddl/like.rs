//! CREATE TABLE (LIKE other INCLUDING ...): columns, and on demand what hangs on them (`transformTableLikeClause`).

use super::DdlContext;
use super::column::{self, identity_sequence};
use super::constraint;
use super::create_table::add_column;
use super::index::{self, NewIndex};
use super::names;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Constraint, ConstraintKind, Identity, Index, KeyPart, Relation, Table};
use crate::parser::ast::{LikeClause, LikeOption};
use crate::types::SqlType;
use std::sync::Arc;

/// What one LIKE clause has brought in.
pub struct Copied {
    source: Arc<Table>,
    /// Pairs of attribute numbers: there, here.
    map: Vec<(i16, i16)>,
    wanted: Vec<LikeOption>,
}

impl Copied {
    fn has(&self, option: LikeOption) -> bool {
        self.wanted.contains(&option)
    }

    fn here(&self, there: i16) -> i16 {
        self.map.iter().find(|m| m.0 == there).map_or(0, |m| m.1)
    }
}

const EVERYTHING: &[LikeOption] = &[
    LikeOption::Comments,
    LikeOption::Constraints,
    LikeOption::Defaults,
    LikeOption::Generated,
    LikeOption::Identity,
    LikeOption::Indexes,
    LikeOption::Statistics,
    LikeOption::Storage,
];

pub fn columns(cx: &mut DdlContext<'_>, table: &mut Table, clause: &LikeClause) -> Result<Copied> {
    let Relation::Table(source) = cx.relation(&clause.table).map_err(|e| e.at(clause.table.pos))? else {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("relation \"{}\" is invalid in LIKE clause", clause.table.name),
        ));
    };
    let mut wanted: Vec<LikeOption> = Vec::new();
    for (option, including) in &clause.options {
        let named: &[LikeOption] = if *option == LikeOption::All { EVERYTHING } else { std::slice::from_ref(option) };
        wanted.retain(|w| !named.contains(w));
        if *including {
            wanted.extend(named);
        }
    }
    let mut map = Vec::new();
    for column in source.live_columns() {
        let mut copy = column.clone();
        copy.attnum = table.columns.len() as i16 + 1;
        (copy.default, copy.identity, copy.generated, copy.missing) = (None, None, None, None);
        map.push((column.attnum, copy.attnum));
        add_column(table, copy)?;
    }
    Ok(Copied { source, map, wanted })
}

/// Defaults, generated columns, identity and checks.
pub fn defaults(cx: &mut DdlContext<'_>, table: &mut Table, copied: &mut [Copied]) -> Result<()> {
    for c in copied {
        for (there, here) in c.map.clone() {
            let from = &c.source.columns[there as usize - 1];
            let wanted = match from.generated {
                Some(_) => c.has(LikeOption::Generated),
                None => c.has(LikeOption::Defaults),
            };
            if let (true, Some(d)) = (wanted, &from.default) {
                let mut d = d.clone();
                d.oid = cx.new_oid()?;
                let to = &mut table.columns[here as usize - 1];
                (to.default, to.generated) = (Some(d), from.generated);
            }
            if let (true, Some(identity)) = (c.has(LikeOption::Identity), from.identity) {
                copy_identity(cx, table, here, identity)?;
            }
        }
        if c.has(LikeOption::Constraints) {
            copy_checks(cx, table, c)?;
        }
    }
    Ok(())
}

fn copy_identity(cx: &mut DdlContext<'_>, table: &mut Table, attnum: i16, identity: Identity) -> Result<()> {
    let column = &mut table.columns[attnum as usize - 1];
    column.identity = Some(identity);
    let ty = SqlType::with_typmod(column.type_oid, column.typmod);
    let pending = identity_sequence(attnum, ty, &[])?;
    column::create_sequence(cx, table, pending)
}

fn copy_checks(cx: &mut DdlContext<'_>, table: &mut Table, c: &Copied) -> Result<()> {
    for constraint in &c.source.constraints {
        let ConstraintKind::Check { source, display, columns } = &constraint.kind else { continue };
        let kind = ConstraintKind::Check {
            source: source.clone(),
            display: display.clone(),
            columns: columns.iter().map(|n| c.here(*n)).collect(),
        };
        table.constraints.push(Constraint { oid: cx.new_oid()?, kind, ..constraint.clone() });
    }
    Ok(())
}

/// Indexes, with the constraints that stand on them.
pub fn indexes(cx: &mut DdlContext<'_>, table: Oid, copied: &[Copied]) -> Result<()> {
    for c in copied.iter().filter(|c| c.has(LikeOption::Indexes)) {
        for source in cx.now().indexes_of(c.source.oid) {
            if source.primary {
                return Err(Error::unsupported("LIKE ... INCLUDING INDEXES of a table with a primary key"));
            }
            copy_index(cx, table, c, source)?;
        }
    }
    Ok(())
}

fn copy_index(cx: &mut DdlContext<'_>, table: Oid, c: &Copied, source: &Index) -> Result<()> {
    let catalog = cx.now();
    let target = catalog.table(table).cloned().ok_or_else(Error::restart)?;
    let mut keys = source.keys.clone();
    let mut parts = Vec::new();
    for key in &mut keys {
        match &mut key.part {
            KeyPart::Column(n) => {
                *n = c.here(*n);
                parts.extend(target.column(*n).map(|c| c.name.clone()));
            }
            KeyPart::Expression { .. } => parts.push("expr".into()),
        }
    }
    let label = if source.constraint.is_some() { "key" } else { "idx" };
    let name = names::relation_name(&catalog, target.schema, &target.name, Some(&names::columns_part(&parts)), label);
    cx.catalog.claim_relation_name(cx.txn, target.schema, &name)?;
    let constraint = match source.constraint {
        Some(_) => Some(cx.new_oid()?),
        None => None,
    };
    let columns = keys
        .iter()
        .filter_map(|k| match k.part {
            KeyPart::Column(n) => Some(n),
            KeyPart::Expression { .. } => None,
        })
        .collect();
    let wanted = NewIndex {
        name: name.clone(),
        keys,
        include: source.include.iter().map(|n| c.here(*n)).collect(),
        unique: source.unique,
        nulls_not_distinct: source.nulls_not_distinct,
        primary: false,
        immediate: source.immediate,
        predicate: source.predicate.clone().zip(source.predicate_display.clone()),
        mentions: source.mentions.iter().map(|n| c.here(*n)).collect(),
        constraint,
        method: source.method.clone(),
        options: source.options.clone(),
    };
    let index = index::make(cx, &target, wanted)?;
    match constraint {
        None => Ok(()),
        Some(oid) => constraint::push(
            cx,
            table,
            Constraint {
                oid,
                name,
                kind: ConstraintKind::Unique { index, columns },
                deferrable: !source.immediate,
                initially_deferred: false,
                validated: true,
                no_inherit: false,
            },
        ),
    }
}
