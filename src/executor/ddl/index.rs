//! CREATE INDEX (`src/backend/commands/indexcmds.c`).

use super::{DdlContext, Outcome, create_table, done, expression, names, no_column, rebuild};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Index, IndexKey, KeyPart, Table};
use crate::parser::ast::{CreateIndex, IndexElement, IndexKey as Element, NullsOrder, SortDirection};
use crate::txn::LockMode;
use crate::types;
use std::sync::Arc;

/// PostgreSQL's `INDEX_MAX_KEYS`.
const KEYS_MAX: usize = 32;

/// An index that does not exist yet.
pub struct NewIndex {
    pub name: String,
    pub keys: Vec<IndexKey>,
    pub include: Vec<i16>,
    pub unique: bool,
    pub nulls_not_distinct: bool,
    pub primary: bool,
    pub immediate: bool,
    /// Source and display.
    pub predicate: Option<(String, String)>,
    pub mentions: Vec<i16>,
    pub constraint: Option<Oid>,
    pub method: String,
    pub options: Vec<(String, String)>,
}

pub fn create_index(s: &CreateIndex, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let method = match s.method.as_ref().map(|m| m.name.as_str()) {
        None | Some("btree") => "btree",
        Some("hash") => "hash",
        Some(other @ ("gin" | "gist" | "spgist" | "brin")) => {
            return Err(Error::unsupported(format!("access method \"{other}\"")));
        }
        Some(other) => {
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("access method \"{other}\" does not exist")));
        }
    };
    if s.tablespace.as_ref().is_some_and(|t| t.name != "pg_default") {
        return Err(Error::unsupported("TABLESPACE"));
    }
    let table = cx.locked_table(&s.relation.name, LockMode::Share)?;
    if s.elements.len() + s.include.len() > KEYS_MAX {
        return Err(Error::new(
            SqlState::TOO_MANY_COLUMNS,
            format!("cannot use more than {KEYS_MAX} columns in an index"),
        ));
    }
    let mut mentions = Vec::new();
    let mut parts = Vec::new();
    let mut keys = Vec::new();
    for element in &s.elements {
        keys.push(key(cx, &table, element, method, &mut mentions, &mut parts)?);
    }
    let mut include = Vec::new();
    for element in &s.include {
        let Element::Column(name) = &element.key else {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "expressions are not supported in included columns",
            ));
        };
        let column = table.column_named(&name.name).ok_or_else(|| missing(&name.name))?;
        parts.push(column.name.clone());
        include.push(column.attnum);
    }
    let predicate = match &s.filter {
        Some(filter) => {
            let stored = expression::index_predicate(cx, &table, filter)?;
            mentions.extend(&stored.columns);
            Some((stored.source, stored.display))
        }
        None => None,
    };
    let name = match &s.name {
        Some(name) => name.name.clone(),
        None => names::relation_name(&cx.now(), table.schema, &table.name, Some(&names::columns_part(&parts)), "idx"),
    };
    cx.catalog.lock_name(cx.txn, table.schema, &name)?;
    if s.if_not_exists && cx.now().relation(table.schema, &name).is_some() {
        cx.notice(format!("relation \"{name}\" already exists, skipping"));
        return done("CREATE INDEX");
    }
    cx.catalog.claim_relation_name(cx.txn, table.schema, &name)?;
    mentions.sort_unstable();
    mentions.dedup();
    let wanted = NewIndex {
        name,
        keys,
        include,
        unique: s.unique,
        nulls_not_distinct: s.nulls_not_distinct,
        primary: false,
        immediate: true,
        predicate,
        mentions,
        constraint: None,
        method: method.into(),
        options: create_table::options(&s.options),
    };
    make(cx, &table, wanted)?;
    done("CREATE INDEX")
}

fn missing(column: &str) -> Error {
    Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{column}\" does not exist"))
}

fn key(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    element: &IndexElement,
    method: &str,
    mentions: &mut Vec<i16>,
    parts: &mut Vec<String>,
) -> Result<IndexKey> {
    let (part, ty, own_collation) = match &element.key {
        Element::Column(name) => {
            let column = table.column_named(&name.name).ok_or_else(|| missing(&name.name))?;
            parts.push(column.name.clone());
            let ty = types::SqlType::with_typmod(column.type_oid, column.typmod);
            (KeyPart::Column(column.attnum), ty, column.collation)
        }
        Element::Expr(expr) => {
            let stored = expression::index_key(cx, table, expr)?;
            mentions.extend(&stored.columns);
            parts.push(stored.name);
            let ty = stored.ty;
            let part = KeyPart::Expression { source: stored.source, display: stored.display };
            (part, ty, super::column::collation(None, ty)?)
        }
    };
    if !super::column::is_indexable(ty.oid) {
        return Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!(
                "data type {} has no default operator class for access method \"{method}\"",
                types::type_name(ty.oid)
            ),
        )
        .hint(
            "You must specify an operator class for the index or define a default operator class for the data type.",
        ));
    }
    let collation = match &element.collation {
        Some(name) => super::column::collation(Some(name), ty)?,
        None => own_collation,
    };
    if let Some(class) = &element.operator_class {
        check_operator_class(class.name(), ty, method)?;
    }
    let descending = element.direction == SortDirection::Desc;
    let nulls_first = match element.nulls {
        NullsOrder::First => true,
        NullsOrder::Last => false,
        NullsOrder::Default => descending,
    };
    Ok(IndexKey {
        part,
        type_oid: ty.oid,
        typmod: ty.typmod,
        collation,
        opclass: Oid::INVALID,
        descending,
        nulls_first,
    })
}

/// The default class of a type by its name, and the pattern classes, which order bytewise as everything does here.
fn check_operator_class(name: &str, ty: types::SqlType, method: &str) -> Result<()> {
    let info = types::type_info(ty.oid);
    let own = info.is_some_and(|t| name == format!("{}_ops", t.name));
    let text = info.is_some_and(|t| t.category == b'S');
    let pattern =
        matches!(name, "text_pattern_ops" | "varchar_pattern_ops" | "bpchar_pattern_ops" | "text_ops" | "varchar_ops");
    if own || (text && pattern) || (name == "array_ops" && types::element_of(ty.oid).is_some()) {
        return Ok(());
    }
    Err(Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("operator class \"{name}\" does not exist for access method \"{method}\""),
    ))
}

/// Plain ascending keys over columns.
pub fn column_keys(table: &Table, attnums: &[i16]) -> Result<Vec<IndexKey>> {
    let one = |attnum: &i16| {
        let column = table.column(*attnum).ok_or_else(|| no_column(&table.name, &attnum.to_string()))?;
        if !super::column::is_indexable(column.type_oid) {
            let ty = types::SqlType::of(column.type_oid);
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!(
                    "data type {} has no default operator class for access method \"btree\"",
                    types::format_type(ty)
                ),
            )
            .hint("You must specify an operator class for the index or define a default operator class for the data type."));
        }
        Ok(IndexKey {
            part: KeyPart::Column(*attnum),
            type_oid: column.type_oid,
            typmod: column.typmod,
            collation: column.collation,
            opclass: Oid::INVALID,
            descending: false,
            nulls_first: false,
        })
    };
    attnums.iter().map(one).collect()
}

/// The catalog's object; `tree` is none for the index that the table's own tree is.
pub fn object(table: &Table, oid: Oid, wanted: NewIndex, tree: Option<crate::base::TreeId>) -> Index {
    let (predicate, predicate_display) = wanted.predicate.unzip();
    Index {
        oid,
        table: table.oid,
        schema: table.schema,
        name: wanted.name,
        owner: table.owner,
        tree: tree.unwrap_or(table.tree),
        clustered: tree.is_none(),
        method: wanted.method,
        keys: wanted.keys,
        include: wanted.include,
        unique: wanted.unique,
        nulls_not_distinct: wanted.nulls_not_distinct,
        primary: wanted.primary,
        immediate: wanted.immediate,
        predicate,
        predicate_display,
        mentions: wanted.mentions,
        valid: true,
        constraint: wanted.constraint,
        options: wanted.options,
    }
}

/// Makes an index with a tree of its own and fills it from the table's rows.
///
/// Error: 23505 when the rows are not unique.
pub fn make(cx: &mut DdlContext<'_>, table: &Arc<Table>, wanted: NewIndex) -> Result<Oid> {
    let oid = cx.new_oid()?;
    let tree = cx.txn.create_tree()?;
    let index = Arc::new(object(table, oid, wanted, Some(tree)));
    cx.catalog.put(cx.txn, index.clone())?;
    rebuild::fill_index(cx, table.oid, index.oid)?;
    Ok(oid)
}
