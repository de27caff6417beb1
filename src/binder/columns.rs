//! The columns that FROM items offer under their names and aliases (`addRangeTableEntry...`, `buildRelationAliases`).

use super::scope::{Entry, Item, ItemColumn, ItemKind};
use super::state::Binder;
use crate::base::{Error, Result, SqlState};
use crate::parser::ast::Alias;
use std::rc::Rc;
use std::sync::Arc;

/// Renames the first columns by the alias's column list.
pub(super) fn apply_column_aliases(columns: &mut [ItemColumn], alias: Option<&Alias>, what: &str) -> Result<()> {
    let Some(alias) = alias else { return Ok(()) };
    if alias.columns.len() > columns.len() {
        return Err(Error::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!(
                "{what} \"{}\" has {} columns available but {} columns specified",
                alias.name,
                columns.len(),
                alias.columns.len()
            ),
        ));
    }
    for (column, name) in columns.iter_mut().zip(&alias.columns) {
        column.name = name.name.as_str().into();
    }
    Ok(())
}

impl Binder<'_> {
    /// Adds an entry to the level's range table and makes the item for it.
    pub fn add_item(&mut self, name: Arc<str>, kind: ItemKind, columns: Vec<ItemColumn>, aliased: bool) -> Item {
        let columns = Rc::new(columns);
        let join = matches!(kind, ItemKind::Join);
        let lock_refusal = match kind {
            ItemKind::Join => Some("a join"),
            ItemKind::Function => Some("a function"),
            ItemKind::Cte => Some("a WITH query"),
            ItemKind::Table(_)
            | ItemKind::System(_)
            | ItemKind::Sequence(_)
            | ItemKind::Subquery
            | ItemKind::View(_) => None,
        };
        let item = Item::new(name.clone(), kind, columns.clone());
        let relation = item.relation();
        self.level().entries.push(Entry { name, relation, aliased, join, columns, lock_refusal });
        item
    }
}
