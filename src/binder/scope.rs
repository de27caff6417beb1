//! What names mean at a place in a query: PostgreSQL's namespace items and range table.
//!
//! Each query level has a list of [`Item`]s, the FROM items whose names can be used, in the order in which they were
//! written. An item may be visible by its own name, by its bare column names, or both: the sides of a join lose their
//! bare column names to the join, which offers them merged. Items to the left of a LATERAL item are marked
//! `lateral_only` while it is bound: only a lateral subquery may see them.
//!
//! The range table ([`Entry`]) lists everything that was ever opened at the level, visible or not; it serves the hints of
//! errors and the privileges.

use super::clause::Clause;
use super::locking::Lockable;
use super::rel::{AggCall, LockStrength, SetCall, WindowSpec};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{SystemTable, Table};
use crate::expr::{ColId, Expr};
use crate::parser::ast;
use crate::types::SqlType;
use std::rc::Rc;
use std::sync::Arc;

/// A column as a name finds it.
#[derive(Clone, Debug)]
pub(super) struct ItemColumn {
    pub name: Arc<str>,
    pub expr: Expr,
}

#[derive(Clone, Debug)]
pub(super) enum ItemKind {
    Table(Arc<Table>),
    System(&'static SystemTable),
    Sequence(Oid),
    Subquery,
    View(Arc<Table>),
    Function,
    Cte,
    Join,
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: Arc<str>,
    /// Without an alias, a relation can also be named with its schema.
    pub schema: Option<Oid>,
    pub kind: ItemKind,
    pub columns: Rc<Vec<ItemColumn>>,
    pub key: Option<ColId>,
    pub tableoid: Option<ColId>,
    pub relation_visible: bool,
    pub columns_visible: bool,
    pub lateral_only: bool,
    pub lateral_ok: bool,
    /// On the side of an outer join that may be padded with NULLs.
    pub nullable: bool,
    /// The table that a statement changes, which its FROM must not see laterally.
    pub target: bool,
}

/// One entry of a level's range table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: Arc<str>,
    pub relation: Option<Oid>,
    pub aliased: bool,
    pub join: bool,
    pub columns: Rc<Vec<ItemColumn>>,
    /// What FOR UPDATE OF this says it cannot be applied to.
    pub lock_refusal: Option<&'static str>,
}

/// A mention of a column of this level, for the positions of grouping errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mention {
    pub id: ColId,
    pub pos: usize,
    pub in_aggregate: bool,
}

/// A GROUPING(...) whose arguments are matched to the groups at the end.
#[derive(Clone, Debug)]
pub(super) struct GroupingCall {
    pub id: ColId,
    /// The arguments and where they begin.
    pub args: Vec<(Expr, usize)>,
}

/// A window of the WINDOW clause.
#[derive(Clone, Debug)]
pub(super) struct NamedWindow {
    pub definition: ast::WindowDef,
    pub bound: Option<WindowSpec>,
}

/// FOR UPDATE that an outer query asks of a subquery's tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct InheritedLock {
    pub strength: LockStrength,
    pub wait: ast::LockWait,
}

/// One query level.
#[derive(Debug)]
pub(super) struct Level {
    pub clause: Clause,
    pub items: Vec<Item>,
    pub entries: Vec<Entry>,
    /// Names of WITH items and their ids, later ones first to be found.
    pub ctes: Vec<(String, usize)>,
    /// WITH items that are not visible yet: for a hint.
    pub future_ctes: Vec<String>,
    /// Nothing outside of this level can be named: the query of a view.
    pub isolated: bool,
    /// A LATERAL item is being bound.
    pub lateral_active: bool,
    /// Columns of `lateral_only` items that have been mentioned.
    pub lateral_hits: Vec<ColId>,
    pub mentions: Vec<Mention>,
    /// How many aggregates the expression being bound is inside of.
    pub inside_aggregates: usize,
    pub aggregates: Vec<(ColId, AggCall)>,
    pub grouping_calls: Vec<GroupingCall>,
    pub set_calls: Vec<(ColId, SetCall)>,
    pub windows: Vec<WindowSpec>,
    pub named_windows: Vec<NamedWindow>,
    pub inherited_lock: Option<InheritedLock>,
    pub lockables: Vec<Lockable>,
    /// Where FROM refers to the recursive query being defined.
    pub self_reference: Option<usize>,
    /// Whether the level was opened by a subquery in an expression.
    pub sublink: bool,
}

impl Level {
    pub fn new(clause: Clause) -> Level {
        Level {
            clause,
            items: Vec::new(),
            entries: Vec::new(),
            ctes: Vec::new(),
            future_ctes: Vec::new(),
            isolated: false,
            lateral_active: false,
            lateral_hits: Vec::new(),
            mentions: Vec::new(),
            inside_aggregates: 0,
            aggregates: Vec::new(),
            grouping_calls: Vec::new(),
            set_calls: Vec::new(),
            windows: Vec::new(),
            named_windows: Vec::new(),
            inherited_lock: None,
            lockables: Vec::new(),
            self_reference: None,
            sublink: false,
        }
    }
}

impl Item {
    /// An item as it comes out of a FROM clause: visible in every way.
    pub fn new(name: Arc<str>, kind: ItemKind, columns: Rc<Vec<ItemColumn>>) -> Item {
        Item {
            name,
            schema: None,
            kind,
            columns,
            key: None,
            tableoid: None,
            relation_visible: true,
            columns_visible: true,
            lateral_only: false,
            lateral_ok: true,
            nullable: false,
            target: false,
        }
    }

    /// The position of the column of this name, or 42702 if two have it (`scanNSItemForColumn`).
    pub fn find_column(&self, name: &str, pos: usize) -> Result<Option<usize>> {
        let mut found = None;
        for (i, column) in self.columns.iter().enumerate() {
            if &*column.name == name {
                if found.is_some() {
                    return Err(ambiguous_column(name).at(pos));
                }
                found = Some(i);
            }
        }
        Ok(found)
    }

    /// The type of the item's row as a whole.
    pub fn row_type(&self) -> SqlType {
        match &self.kind {
            ItemKind::Table(t) | ItemKind::View(t) => SqlType::of(t.row_type),
            _ => SqlType::RECORD,
        }
    }

    pub fn relation(&self) -> Option<Oid> {
        match &self.kind {
            ItemKind::Table(t) | ItemKind::View(t) => Some(t.oid),
            ItemKind::System(t) => Some(t.oid),
            ItemKind::Sequence(oid) => Some(*oid),
            _ => None,
        }
    }
}

pub(super) fn ambiguous_column(name: &str) -> Error {
    Error::new(SqlState::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous"))
}

/// `checkNameSpaceConflicts`: no two relations of one FROM clause may go by the same name.
pub(super) fn check_name_conflicts(left: &[Item], right: &[Item]) -> Result<()> {
    for a in left.iter().filter(|i| i.relation_visible) {
        for b in right.iter().filter(|i| i.relation_visible) {
            if a.name != b.name {
                continue;
            }
            // The same name in two schemas is told apart by the schema.
            let distinct = a.schema.is_some() && b.schema.is_some() && a.relation() != b.relation();
            if !distinct {
                return Err(Error::new(
                    SqlState::DUPLICATE_ALIAS,
                    format!("table name \"{}\" specified more than once", a.name),
                ));
            }
        }
    }
    Ok(())
}

/// `setNamespaceLateralState`.
pub(super) fn set_lateral(items: &mut [Item], only: bool, ok: bool) {
    for item in items {
        item.lateral_only = only;
        item.lateral_ok = ok;
    }
}
