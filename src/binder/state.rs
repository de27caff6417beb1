//! What one binding carries along: PostgreSQL's `ParseState`, the whole chain of them in one value.
//!
//! Query levels form a stack. Column ids remember at which depth of it they are visible (their `home`), which is what
//! `varlevelsup` is in PostgreSQL: it decides which query an aggregate belongs to and which columns must be grouped.

use super::params::Params;
use super::rel::{Access, ColumnInfo, Rel, Subquery};
use super::scope::Level;
use super::with::CteState;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Catalog, Table};
use crate::expr::resolve::Coercer;
use crate::expr::{CastContext, ColId, Expr, SubqueryId};
use crate::types::{FormatContext, SqlType};
use std::sync::Arc;

/// What a statement's meaning depends on besides its text.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    pub catalog: &'a Catalog,
    /// The schemas in which unqualified names are looked up, in order, `pg_catalog` and the temporary schema included.
    pub search_path: &'a [Oid],
    /// What `pg_temp` means, once the session has a temporary schema.
    pub temp_schema: Option<Oid>,
    /// How literals are read.
    pub format: &'a FormatContext,
}

/// Which parameters a statement may have.
#[derive(Clone, Copy, Debug)]
pub enum Parameters<'a> {
    /// None: `$1` is an error.
    Forbidden,
    /// Any; the types of the first ones may be declared (zero is: find out).
    Infer(&'a [Oid]),
    /// Exactly these, as in SQL functions and EXECUTE'd expressions.
    Fixed(&'a [SqlType]),
}

/// What produced a column, as far as binding cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Plain,
    Aggregate,
    Window,
    Set,
}

/// Parallel to `Query::columns`: what only binding needs to know of a column.
#[derive(Clone, Debug)]
pub(super) struct ColumnState {
    /// Depth in the stack of levels at which it is visible.
    pub home: usize,
    pub kind: ColumnKind,
    /// Table and attribute number, for RowDescription.
    pub origin: Option<(Oid, i16)>,
    /// Which use of a base table in a FROM clause it belongs to: for functional dependency on a primary key.
    pub instance: Option<usize>,
    /// Of a column of a relation: the entry of `Query::access` that lists its uses.
    pub access: Option<usize>,
    /// The alias and name under which the level sees it, where that is not how it was born.
    pub shown: Option<(Arc<str>, Arc<str>)>,
    /// Of a row of no declared type: its fields, where they are known.
    pub fields: Option<Vec<(String, SqlType)>>,
}

/// The stack that binding may use. Threads have at least twice that.
const STACK_BYTES_MAX: usize = 1 << 20;

const REBINDINGS_MAX: usize = 200_000;

pub(super) struct Binder<'a> {
    pub env: Environment<'a>,
    /// Changes while a view's query is bound.
    pub search_path: Arc<[Oid]>,
    /// The owner of the view whose query is being bound.
    pub acting_role: Option<Oid>,
    pub columns: Vec<ColumnInfo>,
    pub states: Vec<ColumnState>,
    pub subqueries: Vec<Subquery>,
    pub params: Params,
    pub access: Vec<Access>,
    /// Entries of `access` that only count if columns are read: of the tables that a statement changes.
    pub lenient: Vec<usize>,
    pub levels: Vec<Level>,
    pub ctes: Vec<CteState>,
    /// Why a recursive reference would be wrong at the place being bound; see `with.rs`.
    pub recursion_bars: Vec<&'static str>,
    /// Row keys and tableoids of scans that something asked for; all others are taken out at the end.
    pub wanted: Vec<ColId>,
    /// All row keys and tableoids of scans.
    pub optional: Vec<ColId>,
    /// The tables behind `ColumnState::instance`.
    pub instances: Vec<Arc<Table>>,
    pub read_only: bool,
    pub literals_unstable: bool,
    rebindings: usize,
    stack_base: usize,
}

impl<'a> Binder<'a> {
    pub fn new(env: Environment<'a>, parameters: Parameters<'_>) -> Binder<'a> {
        let marker = 0u8;
        Binder {
            env,
            search_path: env.search_path.into(),
            acting_role: None,
            columns: Vec::new(),
            states: Vec::new(),
            subqueries: Vec::new(),
            params: Params::new(parameters),
            access: Vec::new(),
            lenient: Vec::new(),
            levels: Vec::new(),
            ctes: Vec::new(),
            recursion_bars: Vec::new(),
            wanted: Vec::new(),
            optional: Vec::new(),
            instances: Vec::new(),
            read_only: true,
            literals_unstable: false,
            rebindings: 0,
            stack_base: &raw const marker as usize,
        }
    }

    /// 54001 when recursion has used up its share of the stack.
    pub fn check_stack_depth(&self) -> Result<()> {
        let marker = 0u8;
        let used = self.stack_base.abs_diff(&raw const marker as usize);
        if used > STACK_BYTES_MAX {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        Ok(())
    }

    /// BETWEEN and IN bind an operand once for each comparison, which nests exponentially: 54001 past any sane use.
    pub fn count_rebinding(&mut self) -> Result<()> {
        self.rebindings += 1;
        if self.rebindings > REBINDINGS_MAX {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        Ok(())
    }

    pub fn catalog(&self) -> &'a Catalog {
        self.env.catalog
    }

    /// The depth of the innermost query level.
    pub fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    pub fn level(&mut self) -> &mut Level {
        self.levels.last_mut().expect("a level is open while something is bound")
    }

    pub fn level_ref(&self) -> &Level {
        self.levels.last().expect("a level is open while something is bound")
    }

    /// A new column of the innermost level.
    pub fn new_column(&mut self, name: impl Into<Arc<str>>, ty: SqlType, kind: ColumnKind) -> ColId {
        let id = ColId(self.columns.len() as u32);
        self.columns.push(ColumnInfo { relation: None, name: name.into(), ty });
        self.states.push(ColumnState {
            home: self.depth(),
            kind,
            origin: None,
            instance: None,
            access: None,
            shown: None,
            fields: None,
        });
        id
    }

    /// A new column of a FROM item named `relation`.
    pub fn new_relation_column(&mut self, relation: &Arc<str>, name: impl Into<Arc<str>>, ty: SqlType) -> ColId {
        let id = self.new_column(name, ty, ColumnKind::Plain);
        self.columns[id.0 as usize].relation = Some(relation.clone());
        id
    }

    pub fn state(&self, id: ColId) -> &ColumnState {
        &self.states[id.0 as usize]
    }

    pub fn state_mut(&mut self, id: ColId) -> &mut ColumnState {
        &mut self.states[id.0 as usize]
    }

    pub fn column_expr(&self, id: ColId) -> Expr {
        Expr::Column { id, ty: self.columns[id.0 as usize].ty }
    }

    pub fn column_type(&self, id: ColId) -> SqlType {
        self.columns[id.0 as usize].ty
    }

    pub fn add_subquery(&mut self, root: Rel, output: Vec<ColId>) -> SubqueryId {
        let id = SubqueryId(self.subqueries.len() as u32);
        self.subqueries.push(Subquery { root, output });
        id
    }

    pub fn coercer(&mut self) -> Coercer<'_> {
        Coercer { format: self.env.format, params: Some(&mut self.params) }
    }

    /// The expression as a `to`, or none if `context` has no such cast. `pos` is where the expression begins.
    pub fn coerce(&mut self, expr: Expr, to: SqlType, context: CastContext, pos: usize) -> Result<Option<Expr>> {
        self.note_literal(&expr, to);
        self.coercer().coerce(expr, to, context).map_err(|e| e.at(pos))
    }

    /// What PostgreSQL does to the arguments of a resolved call or operator.
    pub fn coerce_argument(&mut self, expr: Expr, to: SqlType, pos: usize) -> Result<Expr> {
        self.note_literal(&expr, to);
        self.coercer().argument(expr, to).map_err(|e| e.at(pos))
    }

    /// A condition; `construct` is what the error calls it.
    pub fn coerce_to_boolean(&mut self, expr: Expr, construct: &str, pos: usize) -> Result<Expr> {
        if expr.ty().oid == crate::types::oid::BOOL {
            return Ok(expr);
        }
        self.coercer().boolean(expr, construct).map_err(|e| e.at(pos))
    }

    /// Remembers that a literal's meaning depends on the time or on names.
    fn note_literal(&mut self, expr: &Expr, to: SqlType) {
        use crate::types::{Datum, is_reg, oid};
        let Expr::Const { value: Datum::Text(text), ty } = expr else { return };
        if ty.oid != oid::UNKNOWN {
            return;
        }
        let timed = matches!(to.oid, oid::DATE | oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ);
        let moving = || {
            let lower = text.to_ascii_lowercase();
            ["now", "today", "tomorrow", "yesterday"].iter().any(|w| lower.contains(w))
        };
        if is_reg(to.oid) || (timed && moving()) {
            self.literals_unstable = true;
        }
    }
}
