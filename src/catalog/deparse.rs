//! Definitions as SQL, from the catalog alone: what `pg_get_indexdef` and `pg_get_constraintdef` print, and names of
//! relations and types as seen along a search path. (`utils/adt/ruleutils.c`, `regproc.c`, `format_type.c`.)

use super::object::{Constraint, ConstraintKind, FkAction, FkMatch, Index, IndexKey, KeyPart, Table};
use super::snapshot::{Catalog, INFORMATION_SCHEMA, PG_CATALOG, UserType};
use super::system::opclass;
use crate::base::Oid;
use crate::parser::quote_ident;
use crate::types::{SqlType, format_type, type_info, type_name};

/// Names as a session sees them.
#[derive(Clone, Copy)]
pub struct Namer<'a> {
    pub catalog: &'a Catalog,
    /// The effective search path: with `pg_catalog`, and the temporary schema where they are searched.
    pub path: &'a [Oid],
}

impl<'a> Namer<'a> {
    pub fn new(catalog: &'a Catalog, path: &'a [Oid]) -> Namer<'a> {
        Namer { catalog, path }
    }

    /// Names everything by its schema.
    pub fn qualified(catalog: &'a Catalog) -> Namer<'a> {
        Namer { catalog, path: &[] }
    }

    /// Whether a relation is found by its bare name: `pg_table_is_visible`. `None` when there is no such relation.
    pub fn relation_is_visible(&self, oid: Oid) -> Option<bool> {
        let relation = self.catalog.relation_by_oid(oid)?;
        Some(self.catalog.find_relation(self.path, relation.name()).is_some_and(|r| r.oid() == oid))
    }

    /// Whether a type is found by its bare name: `pg_type_is_visible`.
    pub fn type_is_visible(&self, oid: Oid) -> Option<bool> {
        let (schema, name) = type_schema_and_name(self.catalog, oid)?;
        let found = self.path.iter().find(|&&s| type_in(self.catalog, s, &name).is_some());
        Some(found == Some(&schema))
    }

    /// `regclass`'s text form: quoted as needed, qualified if a bare name would not find it.
    pub fn relation(&self, oid: Oid) -> Option<String> {
        let relation = self.catalog.relation_by_oid(oid)?;
        let name = quote_ident(relation.name());
        Some(match self.relation_is_visible(oid) {
            Some(true) => name.into_owned(),
            _ => format!("{}.{name}", quote_ident(self.catalog.schema_name(relation.schema()))),
        })
    }

    /// `format_type_be`: the SQL name of a type, of users' types too, with its modifier if it has one.
    pub fn type_name(&self, ty: SqlType) -> String {
        if let Some(info) = type_info(ty.oid)
            && info.kind != b'c'
        {
            return if ty.typmod < 0 { type_name(ty.oid) } else { format_type(ty) };
        }
        if let Some(UserType::ArrayOf(element)) = self.catalog.user_type(ty.oid) {
            return format!("{}[]", self.type_name(SqlType::of(*element)));
        }
        let Some((schema, name)) = type_schema_and_name(self.catalog, ty.oid) else { return "???".into() };
        match self.type_is_visible(ty.oid) {
            Some(true) => quote_ident(&name).into_owned(),
            _ => format!("{}.{}", quote_ident(self.catalog.schema_name(schema)), quote_ident(&name)),
        }
    }

    /// The relation's name as `pg_get_constraintdef` and messages of this session give it.
    fn relation_or_number(&self, oid: Oid) -> String {
        self.relation(oid).unwrap_or_else(|| oid.to_string())
    }
}

/// A type's schema and internal name.
pub fn type_schema_and_name(catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
    if let Some(info) = type_info(oid) {
        let schema = match catalog.relation_by_oid(info.relation) {
            Some(relation) => relation.schema(),
            None => PG_CATALOG,
        };
        return Some((schema, info.name.into()));
    }
    Some(match catalog.user_type(oid)? {
        UserType::Object(t) => (t.schema, t.name.clone()),
        UserType::Row(t) => (t.schema, t.name.clone()),
        UserType::ArrayOf(element) => {
            let (schema, name) = type_schema_and_name(catalog, *element)?;
            (schema, super::snapshot::array_type_name(&name))
        }
    })
}

fn type_in(catalog: &Catalog, schema: Oid, name: &str) -> Option<Oid> {
    match schema {
        PG_CATALOG => crate::types::type_by_name(name).map(|t| t.oid),
        INFORMATION_SCHEMA => None,
        schema => catalog.type_named(schema, name),
    }
}

fn comma<'a>(names: impl Iterator<Item = std::borrow::Cow<'a, str>>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Columns by attribute number, as `a, "B"`.
pub fn column_list(table: &Table, attnums: &[i16]) -> String {
    comma(attnums.iter().filter_map(|&n| table.column(n)).map(|c| quote_ident(&c.name)))
}

/// Whether an expression's text is a plain function call, which index definitions print without parentheses.
fn is_call(text: &str) -> bool {
    let Some(open) = text.find('(') else { return false };
    let name = &text[..open];
    let is_name =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'"'));
    let mut depth = 0usize;
    let mut quoted = false;
    for (i, b) in text.bytes().enumerate().skip(open) {
        match b {
            b'\'' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return is_name && i + 1 == text.len();
                }
            }
            _ => {}
        }
    }
    false
}

/// One key of an index as `pg_get_indexdef(index, n, ...)` prints it.
pub fn index_key(table: &Table, key: &IndexKey) -> String {
    match &key.part {
        KeyPart::Column(n) => table.column(*n).map(|c| quote_ident(&c.name).into_owned()).unwrap_or_default(),
        KeyPart::Expression { display, .. } if is_call(display) => display.clone(),
        KeyPart::Expression { display, .. } => format!("({display})"),
    }
}

/// The part of an index definition from the column list on.
fn index_columns(table: &Table, index: &Index) -> String {
    let keys = index.keys.iter().map(|key| {
        let mut out = index_key(table, key);
        if let Some(class) = opclass::shown(key.opclass, key.type_oid, &index.method) {
            out.push(' ');
            out.push_str(class);
        }
        out.push_str(match (key.descending, key.nulls_first) {
            (false, false) => "",
            (false, true) => " NULLS FIRST",
            (true, true) => " DESC",
            (true, false) => " DESC NULLS LAST",
        });
        out.into()
    });
    let mut out = format!("({})", comma(keys));
    if !index.include.is_empty() {
        out.push_str(&format!(" INCLUDE ({})", column_list(table, &index.include)));
    }
    out
}

pub fn index_definition(catalog: &Catalog, index: &Index) -> Option<String> {
    let table = catalog.table(index.table)?;
    let mut out = format!(
        "CREATE {}INDEX {} ON {} USING {} {}",
        if index.unique { "UNIQUE " } else { "" },
        quote_ident(&index.name),
        Namer::qualified(catalog).relation_or_number(index.table),
        index.method,
        index_columns(table, index),
    );
    if index.nulls_not_distinct {
        out.push_str(" NULLS NOT DISTINCT");
    }
    if !index.options.is_empty() {
        let options = index.options.iter().map(|(k, v)| format!("{k}='{v}'").into());
        out.push_str(&format!(" WITH ({})", comma(options)));
    }
    if let Some(predicate) = index.predicate_display.as_ref().or(index.predicate.as_ref()) {
        out.push_str(" WHERE ");
        out.push_str(predicate);
    }
    Some(out)
}

/// `pg_get_constraintdef`.
pub fn constraint_definition(namer: Namer<'_>, table: &Table, constraint: &Constraint) -> String {
    let mut out = match &constraint.kind {
        ConstraintKind::PrimaryKey { index, columns } => keyed(namer, table, "PRIMARY KEY", *index, columns),
        ConstraintKind::Unique { index, columns } => keyed(namer, table, "UNIQUE", *index, columns),
        ConstraintKind::Check { display, .. } => {
            format!("CHECK ({display}){}", if constraint.no_inherit { " NO INHERIT" } else { "" })
        }
        ConstraintKind::ForeignKey { .. } => foreign_key(namer, table, &constraint.kind),
    };
    if constraint.deferrable {
        out.push_str(" DEFERRABLE");
    }
    if constraint.initially_deferred {
        out.push_str(" INITIALLY DEFERRED");
    }
    if !constraint.validated {
        out.push_str(" NOT VALID");
    }
    out
}

fn keyed(namer: Namer<'_>, table: &Table, words: &str, index: Oid, columns: &[i16]) -> String {
    let index = namer.catalog.index(index);
    let mut out = String::from(words);
    if index.is_some_and(|i| i.nulls_not_distinct) {
        out.push_str(" NULLS NOT DISTINCT");
    }
    out.push_str(&format!(" ({})", column_list(table, columns)));
    if let Some(index) = index.filter(|i| !i.include.is_empty()) {
        out.push_str(&format!(" INCLUDE ({})", column_list(table, &index.include)));
    }
    out
}

fn foreign_key(namer: Namer<'_>, table: &Table, kind: &ConstraintKind) -> String {
    let ConstraintKind::ForeignKey {
        columns, parent, parent_columns, matching, on_update, on_delete, set_columns, ..
    } = kind
    else {
        unreachable!("a foreign key");
    };
    let parent_list = match namer.catalog.table(*parent) {
        Some(parent) => column_list(parent, parent_columns),
        None if *parent == table.oid => column_list(table, parent_columns),
        None => String::new(),
    };
    let mut out = format!(
        "FOREIGN KEY ({}) REFERENCES {}({parent_list})",
        column_list(table, columns),
        namer.relation_or_number(*parent),
    );
    if *matching == FkMatch::Full {
        out.push_str(" MATCH FULL");
    }
    if *on_update != FkAction::NoAction {
        out.push_str(&format!(" ON UPDATE {}", on_update.sql()));
    }
    if *on_delete != FkAction::NoAction {
        out.push_str(&format!(" ON DELETE {}", on_delete.sql()));
    }
    if !set_columns.is_empty() {
        out.push_str(&format!(" ({})", column_list(table, set_columns)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::is_call;

    #[test]
    fn calls_are_told_from_other_expressions() {
        assert!(is_call("lower(name)") && is_call("coalesce(a, ')'::text)"));
        assert!(!is_call("(a + b)") && !is_call("f(a) + g(b)") && !is_call("a") && !is_call("(f(a))"));
    }
}
