//! Column references: `a`, `t.a`, `s.t.a`, and whole rows (`transformColumnRef`, `colNameToVar`, `refnameNamespaceItem`).

use super::relation::schema_oid;
use super::scope::{Item, ItemKind, Level, Mention, ambiguous_column};
use super::state::Binder;
use crate::base::{Error, Result, SqlState};
use crate::expr::{ColId, Expr};
use crate::parser::ast;

/// An item by the depth of its level and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ItemRef {
    pub level: usize,
    pub item: usize,
}

/// A column of an item, or one of the columns that every table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Column(ItemRef, usize),
    System(ItemRef),
}

const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"];

fn is_system_column(name: &str) -> bool {
    SYSTEM_COLUMNS.contains(&name)
}

impl Binder<'_> {
    /// The levels whose names can be used, innermost first.
    pub fn visible_levels(&self) -> impl Iterator<Item = &Level> {
        self.visible_depths().map(|d| &self.levels[d])
    }

    fn visible_depths(&self) -> impl Iterator<Item = usize> + use<'_> {
        let floor = self.levels.iter().rposition(|l| l.isolated).unwrap_or(0);
        (floor..self.levels.len()).rev()
    }

    /// `transformColumnRef`. The caller has dealt with stars that stand for several columns.
    pub fn transform_column_ref(&mut self, column: &ast::ColumnRef, pos: usize) -> Result<Expr> {
        if let Some(refusal) = self.level_ref().clause.refuses_columns() {
            return Err(refusal.at(pos));
        }
        if column.star {
            let item = self.item_of(&column.parts, pos)?;
            return Ok(self.whole_row(item, pos));
        }
        let (name, qualifier) = column.parts.split_last().expect("a column reference has a name");
        if qualifier.is_empty() {
            return self.bare_name(name, pos);
        }
        if qualifier.len() > 3 {
            return Err(too_many_names(&column.parts, pos));
        }
        if let [database, _, _] = qualifier {
            self.check_database(database, &column.parts, pos)?;
        }
        let item = self.item_of(qualifier, pos)?;
        let shown: &str = &qualifier[qualifier.len() - 1];
        match self.column_of(item, name, pos)? {
            Some(expr) => Ok(expr),
            None => Err(self.missing_column(Some(shown), name, pos)),
        }
    }

    fn bare_name(&mut self, name: &str, pos: usize) -> Result<Expr> {
        if let Some(found) = self.find_bare_column(name, false, pos)? {
            return self.use_found(found, name, pos);
        }
        // A relation's name by itself means the whole row.
        if let Some(item) = self.find_item(name, pos)? {
            return Ok(self.whole_row(item, pos));
        }
        Err(self.missing_column(None, name, pos))
    }

    /// The column of that name of this level alone, if there is one: GROUP BY prefers it to a name of the output.
    pub fn has_local_column(&self, name: &str, pos: usize) -> Result<bool> {
        Ok(self.find_bare_column(name, true, pos)?.is_some())
    }

    /// Whether the bare name means a column rather than a whole row.
    pub fn names_column(&self, name: &str, pos: usize) -> Result<bool> {
        Ok(self.find_bare_column(name, false, pos)?.is_some())
    }

    fn find_bare_column(&self, name: &str, local: bool, pos: usize) -> Result<Option<Found>> {
        for depth in self.visible_depths() {
            let level = &self.levels[depth];
            let mut found = None;
            for (i, item) in level.items.iter().enumerate() {
                if !item.columns_visible || (item.lateral_only && !level.lateral_active) {
                    continue;
                }
                let at = ItemRef { level: depth, item: i };
                let here = match item.find_column(name, pos)? {
                    Some(column) => Found::Column(at, column),
                    None if is_system_column(name) && item.relation().is_some() => Found::System(at),
                    None => continue,
                };
                if found.is_some() {
                    return Err(ambiguous_column(name).at(pos));
                }
                check_lateral(item, pos)?;
                found = Some(here);
            }
            if found.is_some() || local {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// `refnameNamespaceItem` for a name without schema.
    pub fn find_item(&self, name: &str, pos: usize) -> Result<Option<ItemRef>> {
        self.find_item_by(pos, name, |item| &*item.name == name)
    }

    fn find_item_by(&self, pos: usize, name: &str, matches: impl Fn(&Item) -> bool) -> Result<Option<ItemRef>> {
        for depth in self.visible_depths() {
            let level = &self.levels[depth];
            let mut found = None;
            for (i, item) in level.items.iter().enumerate() {
                if !item.relation_visible || (item.lateral_only && !level.lateral_active) || !matches(item) {
                    continue;
                }
                if found.is_some() {
                    return Err(Error::new(
                        SqlState::AMBIGUOUS_ALIAS,
                        format!("table reference \"{name}\" is ambiguous"),
                    )
                    .at(pos));
                }
                check_lateral(item, pos)?;
                found = Some(ItemRef { level: depth, item: i });
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The item that the qualifier of a column reference names.
    pub fn item_of(&mut self, qualifier: &[ast::Ident], pos: usize) -> Result<ItemRef> {
        let (schema, table) = match qualifier {
            [table] => (None, table),
            [schema, table] => (Some(schema), table),
            [database, schema, table] => {
                self.check_database(database, qualifier, pos)?;
                (Some(schema), table)
            }
            _ => return Err(too_many_names(qualifier, pos)),
        };
        let found = match schema {
            None => self.find_item(table, pos)?,
            Some(schema) => {
                let relation = schema_oid(&self.env, schema).and_then(|_| self.relation_oid(Some(schema), table));
                match relation {
                    Some(oid) => self.find_item_by(pos, table, |i| i.schema.is_some() && i.relation() == Some(oid))?,
                    None => None,
                }
            }
        };
        match found {
            Some(item) => Ok(item),
            None => {
                let schema = schema.map(|s| s.name.clone());
                Err(self.missing_relation(schema.as_deref(), table, pos))
            }
        }
    }

    fn check_database(&self, database: &str, qualifier: &[ast::Ident], pos: usize) -> Result<()> {
        let catalog = self.catalog();
        if catalog.database(catalog.database_oid()).is_some_and(|d| d.name == database) {
            return Ok(());
        }
        let shown: Vec<&str> = qualifier.iter().map(|p| &**p).collect();
        Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("cross-database references are not implemented: {}", shown.join(".")),
        )
        .at(pos))
    }

    /// A named column of one item, system columns included.
    pub fn column_of(&mut self, at: ItemRef, name: &str, pos: usize) -> Result<Option<Expr>> {
        let item = &self.levels[at.level].items[at.item];
        let found = match item.find_column(name, pos)? {
            Some(column) => Found::Column(at, column),
            None if is_system_column(name) && item.relation().is_some() => Found::System(at),
            None => return Ok(None),
        };
        self.use_found(found, name, pos).map(Some)
    }

    fn use_found(&mut self, found: Found, name: &str, pos: usize) -> Result<Expr> {
        match found {
            Found::Column(at, column) => Ok(self.use_column(at, column, pos)),
            Found::System(at) => {
                let item = &self.levels[at.level].items[at.item];
                match item.tableoid {
                    Some(id) if name == "tableoid" => {
                        self.wanted.push(id);
                        let expr = self.column_expr(id);
                        self.note_use(at, &expr, pos);
                        Ok(expr)
                    }
                    _ => Err(Error::unsupported(format!("system column \"{name}\"")).at(pos)),
                }
            }
        }
    }

    /// Mentions column `column` of an item.
    pub fn use_column(&mut self, at: ItemRef, column: usize, pos: usize) -> Expr {
        let expr = self.levels[at.level].items[at.item].columns[column].expr.clone();
        self.note_use(at, &expr, pos);
        expr
    }

    fn note_use(&mut self, at: ItemRef, expr: &Expr, pos: usize) {
        let in_aggregate = self.levels[at.level..].iter().any(|l| l.inside_aggregates > 0);
        let lateral = self.levels[at.level].items[at.item].lateral_only;
        let mut ids: Vec<ColId> = Vec::new();
        expr.visit(&mut |e| {
            if let Expr::Column { id, .. } = e {
                ids.push(*id);
            }
            true
        });
        for id in ids {
            self.note_access(id);
            let level = &mut self.levels[at.level];
            level.mentions.push(Mention { id, pos, in_aggregate });
            if lateral {
                level.lateral_hits.push(id);
            }
        }
    }

    /// The row of an item as one value (`makeWholeRowVar`).
    pub fn whole_row(&mut self, at: ItemRef, pos: usize) -> Expr {
        let item = &self.levels[at.level].items[at.item];
        let count = item.columns.len();
        let scalar = matches!(item.kind, ItemKind::Function) && count == 1;
        let (key, nullable) = (item.key, item.nullable);
        let ty = item.row_type();
        let mut fields: Vec<Expr> = (0..count).map(|c| self.use_column(at, c, pos)).collect();
        if scalar {
            return fields.pop().expect("one column");
        }
        let row = Expr::Row { fields, ty };
        if !nullable {
            return row;
        }
        // An outer join may have padded this item: then its row is NULL, not a row of NULLs.
        let present = match key {
            Some(key) => {
                self.wanted.push(key);
                Expr::is_null(self.column_expr(key), true)
            }
            None => {
                let all_null = Expr::IsNull { arg: Box::new(row.clone()), negated: false, row: true };
                Expr::not(all_null)
            }
        };
        Expr::Case { operand: None, whens: vec![(present, row)], otherwise: None, ty }
    }
}

fn too_many_names(parts: &[ast::Ident], pos: usize) -> Error {
    let shown: Vec<&str> = parts.iter().map(|p| &**p).collect();
    Error::new(SqlState::SYNTAX_ERROR, format!("improper qualified name (too many dotted names): {}", shown.join(".")))
        .at(pos)
}

/// `check_lateral_ref_ok`.
fn check_lateral(item: &Item, pos: usize) -> Result<()> {
    if !item.lateral_only || item.lateral_ok {
        return Ok(());
    }
    let name = &item.name;
    let error = Error::new(
        SqlState::INVALID_COLUMN_REFERENCE,
        format!("invalid reference to FROM-clause entry for table \"{name}\""),
    )
    .at(pos);
    Err(if item.target {
        error.hint(format!(
            "There is an entry for table \"{name}\", but it cannot be referenced from this part of the query."
        ))
    } else {
        error.detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
    })
}
